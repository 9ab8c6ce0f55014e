from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathse.ask.worklist import AskedTwice, Worklist, WorklistError

ROWS = [("k3", 5, "p1", "three"), ("k1", 5, "p1", "one"), ("k2", 1, "p2", "two"), ("k0", 5, "p0", "zero")]
WORKED = ["k2", "k0", "k1", "k3"]


@given(st.permutations(ROWS), st.integers(1, 5))
def test_work_goes_from_short_to_long_whatever_the_order_of_adding(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, int, str, str]], length: int
) -> None:
    with Worklist(tmp_path_factory.mktemp("work") / "list.work") as work:
        work.add(rows)
        work.order()
        batches = [[key for key, _ in batch] for batch in work.batches(length)]
        added = [pair for chunk in work.in_order() for pair in chunk]
    assert batches == [WORKED[start : start + length] for start in range(0, 4, length)]
    assert added == [(key, task) for key, _, _, task in rows]


def test_a_key_is_asked_once(tmp_path: Path) -> None:
    with Worklist(tmp_path / "list.work") as work, pytest.raises(AskedTwice) as raised:
        work.add([ROWS[0], ("k3", 9, "p9", "again")])
    assert raised.value.task == "again"


def test_only_what_may_pass_is_given_again(tmp_path: Path) -> None:
    with Worklist(tmp_path / "list.work") as work:
        work.add(ROWS)
        work.order()
        assert not work.may_pass()
        work.fail({"k1": ("timeout", "30 s", True), "k2": ("missing image", "", False), "k3": ("timeout", "", True)})
        assert work.may_pass()
        assert work.failures() == {"missing image": 1, "timeout": 2}
        work.forgive(["k3"])
        assert list(work.batches(9, again=True)) == [[("k1", "one")]]
        assert work.failed(["k0", "k1"]) == {"k1": ("timeout", "30 s", True)}


def test_the_file_goes_with_the_list_and_one_left_by_a_kill_is_no_hindrance(tmp_path: Path) -> None:
    file = tmp_path / "new" / "list.work"
    file.parent.mkdir()
    file.write_bytes(b"left by a kill")
    with Worklist(file) as work:
        work.add(ROWS)
        assert len(work) == 4
    assert not file.exists()


def test_a_full_disk_is_said(tmp_path: Path) -> None:
    with Worklist(tmp_path / "list.work") as work:
        work._db.execute("pragma max_page_count = 10")
        with pytest.raises(WorklistError, match=r"list\.work: cannot be written .*full.*free some space"):
            work.add((f"k{place}", 1, "p", "x" * 1000) for place in range(100))
