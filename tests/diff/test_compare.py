import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from mathse import layout
from mathse.diff.document import Section
from mathse.diff.sides import DiffError
from mathse.tables import store
from mathse.tables.schemas import Path as PathRow
from mathse.tables.schemas import Prediction, Problem, Reject, Status, Verdict
from mathse.tables.views import QueryError
from tests import rows
from tests.diff.tables import compared, parquet

NAN = float("nan")


def section(found: list[Section], title: str) -> list[tuple[Any, ...]]:
    return next(part.rows for part in found if part.title == title)


def test_a_table_does_not_differ_from_itself(tmp_path: Path) -> None:
    store.write(tmp_path / "a.parquet", PathRow, [rows.path(name) for name in "abc"])
    for verify in (False, True):
        found = compared(tmp_path / "a.parquet", tmp_path / "a.parquet", verify=verify)
        assert (found.counts.unchanged, found.counts.changed, found.sections, found.examples) == (3, 0, [], [])


def test_values_are_compared_with_nulls_nan_and_lists(tmp_path: Path) -> None:
    old = parquet(
        tmp_path / "a.parquet", k=[1, 2, 3, 4, 5], x=[1.0, NAN, None, 4.0, 0.0], l=[["a"], None, [], ["b"], []]
    )
    new = parquet(
        tmp_path / "b.parquet", k=[1, 2, 3, 4, 5], x=[1.0, NAN, NAN, None, -0.0], l=[["a"], None, [], ["c"], None]
    )
    found = compared(old, new, "k")
    assert found.counts.by_column == {"x": 1, "l": 2}
    assert (found.counts.changed, found.counts.unchanged) == (2, 3)


def test_changes_of_columns_are_told(tmp_path: Path) -> None:
    old = parquet(tmp_path / "a.parquet", k=[1, 2], n=[1, 2], gone=["a", "b"], t=["1", "x"])
    new = parquet(tmp_path / "b.parquet", k=[1, 2], n=[1.0, 2.5], come=[True, False], t=[1, 2])
    found = compared(old, new, "k")
    assert found.schema == [
        "column come is new",
        "column gone is gone",
        "column n was int64, is double",
        "column t was large_string, is int64",
    ]
    assert found.counts.by_column == {"n": 1, "t": 1}


def test_an_older_version_of_a_table_is_compared_value_by_value(tmp_path: Path) -> None:
    store.write(tmp_path / "a.parquet", Verdict, [rows.verdict("a"), rows.verdict("b")])
    table = pl.read_parquet(tmp_path / "a.parquet").drop("cost").to_arrow()
    import pyarrow.parquet as pq

    described = {"mathse.table": "Verdict", "mathse.version": "0", "mathse.inputs": "{}"}
    pq.write_table(table.replace_schema_metadata(described), tmp_path / "old.parquet")
    found = compared(tmp_path / "old.parquet", tmp_path / "a.parquet")
    assert (found.counts.changed, found.counts.unchanged) == (0, 2)
    assert found.schema[0] == "column cost is new"
    assert found.schema[-1] == "schema version was 0, is 2"


def test_an_older_table_without_a_part_of_the_key_is_matched_by_the_rest(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    store.write(tmp_path / "new.parquet", Reject, [Reject(source="s", source_id=name, reason="r") for name in "ab"])
    table = pq.read_table(tmp_path / "new.parquet")
    older = (
        table.drop_columns(["source"])
        .slice(1)
        .replace_schema_metadata({"mathse.table": "Reject", "mathse.version": "1"})
    )
    pq.write_table(older, tmp_path / "old.parquet")
    found = compared(tmp_path / "old.parquet", tmp_path / "new.parquet")
    assert (found.counts.added, found.counts.unchanged) == (1, 1)
    assert found.schema == ["column source is new"]


def test_verdicts_turn(tmp_path: Path) -> None:
    files = tmp_path / "a.parquet", tmp_path / "b.parquet"
    store.write(files[0], Verdict, [rows.verdict("a", "p1", Status.WRONG), rows.verdict("b", "p2", Status.CORRECT)])
    store.write(files[1], Verdict, [rows.verdict("a", "p1", Status.CORRECT), rows.verdict("c", "p3", Status.WRONG)])
    store.write(tmp_path / layout.PROBLEMS, Problem, [rows.problem("p2"), rows.problem("p3", subject="areas")])
    found = compared(*files, project=tmp_path).sections
    assert section(found, "status and rule_status, turned") == [("WRONG", "CORRECT", 1)]
    assert section(found, "problems with a CORRECT path") == [
        ("in both: CORRECT now, not before", 1),
        ("in both: CORRECT before, not now", 0),
        ("CORRECT now, not asked about before", 0),
        ("CORRECT before, not asked about now", 1),
    ], "p2 was solved, not lost"
    assert ("areas", 1, 0, 1) in section(found, "subject")
    titles = [part.title for part in found]
    assert len({repr(part.rows) for part in found}) == len(found), f"no lines twice in {titles}"


def test_levels_stand_in_their_order_and_problems_that_are_not_asked_about_again_are_not_lost(tmp_path: Path) -> None:
    files = tmp_path / "a.parquet", tmp_path / "b.parquet"
    store.write(files[0], PathRow, [rows.path(f"a{at}", f"p{at}") for at in range(20)])
    store.write(files[1], PathRow, [rows.path(f"b{at}", f"p{at}") for at in range(12)])
    problems = [rows.problem(f"p{at}", level=10 - at % 10) for at in range(20)]
    store.write(tmp_path / layout.PROBLEMS, Problem, problems)
    found = compared(*files, project=tmp_path).sections
    assert [row[0] for row in section(found, "level")] == list(range(1, 11))
    assert section(found, "problems asked about") == [("now, not before", 0), ("before, not now", 8)]


def test_predictions_are_won_and_lost(tmp_path: Path) -> None:
    def predictions(*statuses: Status) -> list[Prediction]:
        return [
            Prediction(problem_id=f"p{at}", author="m", prompt_id="s", text="t", answer=None, status=status, reason="r",
                       finish_reason="stop", tokens_in=1, tokens_out=1)
            for at, status in enumerate(statuses)
        ]  # fmt: skip

    files = tmp_path / "a.parquet", tmp_path / "b.parquet"
    store.write(files[0], Prediction, predictions(Status.WRONG, Status.CORRECT, Status.UNDECIDED))
    store.write(files[1], Prediction, predictions(Status.CORRECT, Status.WRONG, Status.CORRECT))
    found = compared(*files).sections
    assert section(found, "test problems") == [("solved now, not before", 2), ("solved before, not now", 1)]


@pytest.mark.parametrize(
    "condition", ["kind = 'rollout'", "where kind = 'rollout' and change = 'added'", "new_text like '%c.%'"]
)
def test_a_condition_chooses(tmp_path: Path, condition: str) -> None:
    files = tmp_path / "a.parquet", tmp_path / "b.parquet"
    store.write(files[0], PathRow, [rows.path("a")])
    store.write(files[1], PathRow, [rows.path("a"), rows.path("c"), rows.path("d", kind="reflection", text="no")])
    saved = tmp_path / "saved" / "changes.parquet"
    found = compared(*files, condition=condition, saved=saved)
    assert found.counts.added == 2
    assert found.selected == {"added": 1}
    assert [example.key for example in found.examples] == [{"path_id": "c"}]
    assert pl.read_parquet(saved)["path_id"].to_list() == ["c"]


@pytest.mark.parametrize("condition", ["nothing = 1", "1 = 1; drop view changes", "where (", "true) union (select 1"])
def test_a_condition_only_chooses(tmp_path: Path, condition: str) -> None:
    file = parquet(tmp_path / "a.parquet", k=[1])
    with pytest.raises((DiffError, QueryError), match="--sql"):
        compared(file, file, "k", condition=condition)


def test_a_condition_reaches_no_other_file(tmp_path: Path) -> None:
    file, secret = parquet(tmp_path / "a.parquet", k=[1]), parquet(tmp_path / "secret.parquet", k=[1])
    with pytest.raises((DiffError, QueryError)):
        compared(file, file, "k", condition=f"k in (select k from '{secret}')")


def test_changes_in_parts_are_those_of_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = parquet(tmp_path / "a.parquet", k=list(range(100)), v=list(range(100)))
    new = parquet(tmp_path / "b.parquet", k=[*range(90, 9, -1), 200], v=[0] * 82)
    whole = compared(old, new, "k", saved=tmp_path / "whole.parquet")
    monkeypatch.setattr("mathse.diff.changes.PART_ROWS", 7)
    parts = compared(old, new, "k", saved=tmp_path / "parts.parquet")
    assert parts == whole
    assert pl.read_parquet(tmp_path / "parts.parquet").equals(pl.read_parquet(tmp_path / "whole.parquet"))


def test_only_some_columns(tmp_path: Path) -> None:
    old = parquet(tmp_path / "a.parquet", k=[1, 2], x=[1, 2], y=[1, 2])
    new = parquet(tmp_path / "b.parquet", k=[1, 2], x=[1, 3], y=[5, 6])
    assert compared(old, new, "k", columns=("x",)).counts.changed == 1
    with pytest.raises(DiffError, match="no column z in both"):
        compared(old, new, "k", columns=("z",))


def test_counts_alone_are_the_counts(tmp_path: Path) -> None:
    files = tmp_path / "a.parquet", tmp_path / "b.parquet"
    store.write(files[0], PathRow, [rows.path(name) for name in "abc"])
    store.write(files[1], PathRow, [rows.path("a"), rows.path("b", text="other"), rows.path("d")])
    for wanted in ({}, {"verify": True}, {"columns": ("text",)}, {"condition": "change = 'added'"}):
        found = compared(*files, counts_only=True, **wanted)
        counts = found.counts
        assert (counts.changed, counts.added, counts.removed, counts.unchanged) == (1, 1, 1, 1)
        assert (found.sections, found.examples) == ([], [])
    assert compared(*files, counts_only=True, columns=("seed",)).counts.changed == 0
    foreign = parquet(tmp_path / "c.parquet", k=[1, 2])
    assert compared(foreign, foreign, "k", counts_only=True).counts.unchanged == 2


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(DiffError, match=r"a\.parquet: damaged"):
        compared(tmp_path / "a.parquet", tmp_path / "a.parquet", "k")


def test_columns_of_the_changes_do_not_clash(tmp_path: Path) -> None:
    file = parquet(tmp_path / "a.parquet", change=["x"], v=[1])
    with pytest.raises(DiffError, match="column change"):
        compared(file, file, "change")


def test_json_holds_it_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from mathse.diff.printing import as_json

    old = parquet(tmp_path / "a.parquet", k=[1], t=["a b"])
    new = parquet(tmp_path / "b.parquet", k=[1], t=["a c"])
    as_json([compared(old, new, "k")])
    printed = json.loads(capsys.readouterr().out)
    assert printed["counts"]["changed"] == 1
    assert printed["examples"][0]["values"] == {"t": ["a b", "a c"]}


def test_verdicts_are_compared_with_what_has_none(tmp_path: Path) -> None:
    store.write(tmp_path / "a.parquet", PathRow, [rows.path("a")])
    store.write(tmp_path / "b.parquet", Verdict, [rows.verdict("a", status=Status.CORRECT)])
    assert "column status is new" in compared(tmp_path / "a.parquet", tmp_path / "b.parquet", "path_id").schema
