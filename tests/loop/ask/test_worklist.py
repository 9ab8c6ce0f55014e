import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathse.loop.ask.journal import Journal
from mathse.loop.ask.protocol import Failure
from mathse.loop.ask.worklist import DuplicateKey, WorklistError

Row = tuple[str, int, str, str, str]
ROWS: list[Row] = [
    ("k3", 5, "p1", "L3", "three"), ("k1", 5, "p1", "L1", "one"), ("k2", 1, "p2", "L2", "two"),
    ("k0", 5, "p0", "L0", "zero"),
]  # fmt: skip
SHORT_FIRST = ["k2", "k0", "k1", "k3"]
PROBLEM_BY_PROBLEM = ["k0", "k1", "k3", "k2"]


@given(st.permutations(ROWS), st.integers(1, 5), st.booleans())
def test_the_order_of_work_does_not_depend_on_the_order_of_adding(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Row], length: int, by_problem: bool
) -> None:
    with Journal(tmp_path_factory.mktemp("work") / "j.sqlite") as journal:
        work = journal.worklist()
        work.add(rows)
        work.order(by_problem)
        batches = [[key for key, _ in batch] for batch in work.batches(length)]
        labels = [label for label, _, _ in work.endings()]
    worked = PROBLEM_BY_PROBLEM if by_problem else SHORT_FIRST
    assert batches == [worked[start : start + length] for start in range(0, 4, length)]
    assert labels == [label for _, _, _, label, _ in rows]


def test_what_is_journaled_moves_no_cut(tmp_path: Path) -> None:
    with Journal(tmp_path / "j.sqlite") as journal:
        work = journal.worklist()
        work.add(ROWS)
        work.order(by_problem=False)
        journal.put({"k2": {"cost": 0.25}, "k1": {"cost": 0.5}, "another": {"cost": 9.0}})
        assert work.journaled() == (2, 0.75)
        assert list(work.batches(2)) == [[("k0", "zero")], [("k3", "three")]]


def test_a_key_is_asked_once(tmp_path: Path) -> None:
    with Journal(tmp_path / "j.sqlite") as journal, pytest.raises(DuplicateKey) as raised:
        journal.worklist().add([ROWS[0], ("k3", 9, "p9", "L", "again")])
    assert raised.value.task == "again"


def test_only_what_may_pass_is_given_again(tmp_path: Path) -> None:
    with Journal(tmp_path / "j.sqlite") as journal:
        work = journal.worklist()
        work.add(ROWS)
        work.order(by_problem=False)
        assert not work.may_pass()
        work.note(
            {
                "k1": Failure("timeout", "30 s", retryable=True),
                "k2": Failure("missing image"),
                "k3": Failure("timeout", retryable=True),
            }
        )
        assert work.may_pass()
        assert work.failures() == {"missing image": 1, "timeout": 2}
        work.forgive(["k3"])
        assert list(work.batches(9, again=True)) == [[("k1", "one")]]
        journal.put({"k3": {"cost": 0.5}})
        assert list(work.endings()) == [
            ("L3", '{"cost": 0.5}', None), ("L1", None, ("timeout", "30 s", True)),
            ("L2", None, ("missing image", "", False)), ("L0", None, None),
        ]  # fmt: skip


def test_the_list_goes_with_the_run_and_the_completions_stay(tmp_path: Path) -> None:
    file = tmp_path / "new" / "j.sqlite"
    with Journal(file) as journal:
        journal.worklist().add((f"k{place}", 1, "p", "L", "x" * 2000) for place in range(30_000))
        journal.put({"k1": {"cost": 0.0}})
        assert sorted(one.name for one in file.parent.iterdir()) == [
            "j.sqlite", "j.sqlite-shm", "j.sqlite-wal", "j.sqlite.lock",
        ]  # fmt: skip
        assert [str(file.parent)] == temporary_folders(), "60 MB of requests lie elsewhere than the journal"
    assert file.stat().st_size < 100_000
    assert temporary_folders() == []
    with Journal(file) as journal:
        work = journal.worklist()
        assert len(work) == 0
        work.add(ROWS)
        assert work.journaled() == (1, 0.0)


def temporary_folders() -> Sequence[str]:
    """Where SQLite's temporary files lie that this process has open; they have no name any more."""
    descriptors = Path("/proc/self/fd")
    if not descriptors.exists():
        pytest.skip("this system does not tell which files are open")
    targets = []
    for descriptor in os.listdir(descriptors):
        try:
            targets.append(os.readlink(descriptors / descriptor))
        except FileNotFoundError:
            continue
    return sorted(os.path.dirname(target) for target in targets if "etilqs_" in target)


def test_a_full_disk_is_said(tmp_path: Path) -> None:
    with Journal(tmp_path / "j.sqlite") as journal:
        journal.put({"before": {"cost": 0.0}})
        work = journal.worklist()
        journal._db.execute("pragma temp.max_page_count = 10")
        with pytest.raises(WorklistError, match=r"j\.sqlite: .*cannot be written.*full.*free some space"):
            work.add((f"k{place}", 1, "p", "L", json.dumps("x" * 1000)) for place in range(100))
    with Journal(tmp_path / "j.sqlite") as journal:
        work = journal.worklist()
        work.add([("before", 1, "p", "L", "")])
        assert work.journaled() == (1, 0.0)
