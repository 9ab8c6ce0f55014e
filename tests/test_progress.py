import logging

import pytest

from mathse.progress import progress


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


def test_a_line_every_tenth_of_the_whole(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with progress("rollout", 100) as advance:
        for _ in range(100):
            advance(1)
    assert len(lines(caplog)) == 10
    assert lines(caplog)[0].startswith("rollout: 10/100 (10 %), ")
    assert lines(caplog)[-1].endswith("0:00 left")


def test_what_an_earlier_run_did_is_said_and_not_counted_as_speed(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with progress("judge", 20, resumed=19) as advance:
        advance(1)
    assert lines(caplog)[0].startswith("judge: 20/20 (100 %), 19 of them from the journal, ")


def test_nothing_to_do_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with progress("rollout", 0):
        pass
    assert lines(caplog) == []
