import json
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mathse
from mathse.loop import orm_mix
from mathse.loop.mix import CONTRACT, share
from mathse.loop.selection import select
from mathse.params import Mix, Query
from mathse.tables import schemas
from mathse.tables.columns import arrow_schema
from mathse.tables.schemas import Feedback, Message, MixRow, PathKind, Problem, Remaining, Row, Split, Status, Verdict
from tests import rows

MIXES = Path(mathse.__file__).parent / "sql" / "mixes"
FORMULAS = Path(__file__).with_name("formulas.json")
CORRECT, WRONG, UNDECIDED = Status.CORRECT, Status.WRONG, Status.UNDECIDED


def kept(path_id: str, problem_id: str = "p1", text: str = "before") -> MixRow:
    return MixRow(
        path_id=path_id, problem_id=problem_id, kind=PathKind.DISTILLED, round=0, image_ids=(),
        prompt=(Message(role="user", content="Q"),), completion=(Message(role="assistant", content=text),),
    )  # fmt: skip


def inline(model: type[Row], given: Sequence[Row]) -> pa.Table:
    return pa.Table.from_pylist([row.model_dump() for row in given], schema=arrow_schema(model))


def step(
    paths: Sequence[schemas.Path],
    verdicts: Sequence[Verdict],
    previous: Sequence[MixRow] = (),
    problems: Sequence[Problem] = (rows.problem(),),
    remaining: Sequence[Remaining] = (),
    **rules: Any,
) -> duckdb.DuckDBPyConnection:
    """The views of a step, those that the mixes share too, as the section `mix` with these `rules` has them."""
    connection = duckdb.connect()
    for model, name, given_rows in (
        (Problem, "problems", problems), (schemas.Path, "paths", paths), (Verdict, "verdicts", verdicts),
        (MixRow, "previous", previous), (Remaining, "remaining", remaining),
    ):  # fmt: skip
        connection.register(name, inline(model, given_rows))
    share(connection, Mix(query=MIXES / "cumulative.sql", **rules))
    return connection


def run(query: Query, connection: duckdb.DuckDBPyConnection) -> dict[str, str | None]:
    """Why each path is left out; null if it is in."""
    select(connection, query, CONTRACT)
    return dict(connection.execute("select path_id, reason from selection").fetchall())


def cumulative(
    paths: Sequence[schemas.Path],
    verdicts: Sequence[Verdict],
    previous: Sequence[MixRow] = (),
    problems: Sequence[Problem] = (rows.problem(),),
    max_per_problem: int = 1,
) -> dict[str, str | None]:
    query = Query(query=MIXES / "cumulative.sql", parameters={"max_per_problem": max_per_problem})
    return run(query, step(paths, verdicts, previous, problems))


@pytest.mark.parametrize(
    ("path", "verdict", "reason"),
    [
        (rows.path(), rows.verdict(status=CORRECT), None),
        (rows.path(), rows.verdict(status=WRONG), "judged WRONG"),
        (rows.path(), rows.verdict(status=UNDECIDED), "judged UNDECIDED"),
        (rows.path(), rows.verdict("another"), "not judged"),
        (rows.path(finish_reason="length"), rows.verdict(status=CORRECT), "truncated"),
        (rows.path(finish_reason="error", text=""), rows.verdict(status=UNDECIDED), "failed request"),
        (rows.path(problem_id="gone"), rows.verdict(status=CORRECT), "not a training problem"),
    ],
)
def test_a_path_enters_if_it_is_judged_correct(path: schemas.Path, verdict: Verdict, reason: str | None) -> None:
    assert cumulative([path], [verdict]) == {"a1": reason}


@pytest.mark.parametrize("split", [Split.TEST, Split.ORM])
def test_only_training_problems_enter(split: Split) -> None:
    found = cumulative([rows.path()], [rows.verdict()], problems=[rows.problem(split=split)])

    assert found == {"a1": "not a training problem"}


def test_the_mix_before_stays() -> None:
    previous = [kept("old"), kept("of-a-problem-that-is-gone", "p9")]

    assert cumulative([], [], previous) == {"old": None, "of-a-problem-that-is-gone": None}


def test_the_shortest_paths_enter_up_to_the_limit() -> None:
    paths = [rows.path("a1", text="long text"), rows.path("a2", text="tie"), rows.path("a3", text="TIX")]
    verdicts = [rows.verdict(path.path_id) for path in paths]
    over = "over the limit per problem"

    assert cumulative(paths, verdicts) == {"a1": over, "a2": None, "a3": over}
    assert cumulative(paths, verdicts, max_per_problem=2) == {"a1": over, "a2": None, "a3": None}
    assert cumulative(paths, verdicts, [kept("old")], max_per_problem=2) == {
        **{"old": None, "a1": over, "a2": None, "a3": over}
    }


def test_a_duplicate_text_counts_once() -> None:
    paths = [
        rows.path("a1", text="Same  text"),
        rows.path("a2", text="same text"),
        rows.path("b", "p2", text="same text"),
    ]
    verdicts = [rows.verdict(path.path_id, path.problem_id) for path in paths]
    problems = [rows.problem("p1"), rows.problem("p2")]

    assert cumulative(paths, verdicts, problems=problems, max_per_problem=3) == {
        **{"a1": "duplicate text", "a2": None, "b": None}
    }
    assert cumulative(paths, verdicts, [kept("old", text="Same\ntext ")], problems, 3) == {
        **{"old": None, "a1": "duplicate text", "a2": "duplicate text", "b": None}
    }


def test_a_wrong_path_does_not_shadow_its_duplicate() -> None:
    paths = [rows.path("a1", text="same"), rows.path("a2", text="same")]

    assert cumulative(paths, [rows.verdict("a1", status=WRONG), rows.verdict("a2")]) == {
        "a1": "judged WRONG",
        "a2": None,
    }


def test_a_path_that_is_in_the_mix_before_is_not_a_candidate_twice() -> None:
    assert cumulative([rows.path("a1")], [rows.verdict("a1", status=WRONG)], [kept("a1")]) == {"a1": None}


split_problems = st.lists(st.sampled_from(list(Split)), min_size=1, max_size=4).map(
    lambda splits: [rows.problem(f"p{number}", split=split) for number, split in enumerate(splits)]
)
some_paths = st.lists(
    st.tuples(
        st.integers(0, 4), st.sampled_from(["x", "X ", "yy", "z z"]), st.sampled_from(["stop", "length", "error"])
    ),
    max_size=12,
).map(lambda drawn: [rows.path(f"a{n:02}", f"p{p}", text=t, finish_reason=f) for n, (p, t, f) in enumerate(drawn)])
statuses = st.lists(st.sampled_from([*Status, None]), min_size=12, max_size=12)


@settings(max_examples=40, deadline=None)
@given(split_problems, some_paths, statuses, st.integers(1, 3), st.randoms())
def test_a_cumulative_mix_is_in_order_and_free_of_test_problems(
    problems: list[Problem], paths: list[schemas.Path], judged: list[Status | None], limit: int, shuffler: random.Random
) -> None:
    verdicts = [rows.verdict(p.path_id, p.problem_id, s) for p, s in zip(paths, judged, strict=False) if s is not None]
    previous = [kept("old", "p0")] if problems[0].split is Split.TRAIN else []
    found = cumulative(paths, verdicts, previous, problems, limit)

    split = {problem.problem_id: problem.split for problem in problems}
    entered = [path for path in paths if found[path.path_id] is None]
    assert {split[path.problem_id] for path in entered} <= {Split.TRAIN}
    assert all(count <= limit for count in Counter(path.problem_id for path in entered).values())
    assert found.keys() == {path.path_id for path in paths} | {row.path_id for row in previous}
    for given_rows in (paths, verdicts, problems):
        shuffler.shuffle(given_rows)
    assert cumulative(paths, verdicts, previous, problems, limit) == found


def balanced(
    paths: Sequence[schemas.Path],
    annotations: Sequence[Feedback],
    problems: Sequence[Problem],
    held_out: float = 0.5,
    seed: int = 1,
    wrong_per_correct: int = 1,
) -> dict[str, tuple[str, str | None]]:
    """Part and reason of each path."""
    connection = duckdb.connect()
    for name, model, given_rows in (
        ("problems", Problem, problems), ("paths", schemas.Path, paths), ("feedback", Feedback, annotations),
    ):  # fmt: skip
        connection.register(name, inline(model, given_rows))
    query = Query(query=MIXES / "balanced_feedback.sql", parameters={"wrong_per_correct": wrong_per_correct})
    select(connection, query, orm_mix.CONTRACT, {"held_out": held_out, "seed": seed})
    found = connection.execute("select path_id, part, reason from selection").fetchall()
    return {path_id: (part, reason) for path_id, part, reason in found}


@pytest.mark.parametrize(
    ("path", "annotation", "split", "reason"),
    [
        (rows.path(), rows.feedback(status=UNDECIDED), Split.ORM, "annotated UNDECIDED"),
        (rows.path(), rows.feedback("another"), Split.ORM, "not annotated"),
        (rows.path(finish_reason="error"), rows.feedback(status=UNDECIDED), Split.ORM, "failed request"),
        (rows.path(), rows.feedback(), Split.TRAIN, "not an ORM problem"),
        (rows.path(), rows.feedback(), Split.TEST, "not an ORM problem"),
        (rows.path(), rows.feedback(), Split.ORM, "surplus"),
    ],
)
def test_an_annotation_is_left_out_for_a_reason(
    path: schemas.Path, annotation: Feedback, split: Split, reason: str
) -> None:
    assert balanced([path], [annotation], [rows.problem(split=split)])["a1"][1] == reason


def test_as_many_correct_as_wrong_in_each_part() -> None:
    problems = [rows.problem(f"p{n}", split=Split.ORM) for n in range(60)]
    paths = [rows.path(f"a{n}-{s}", f"p{n}") for n in range(60) for s in range(3)]
    annotations = [rows.feedback(p.path_id, p.problem_id, WRONG if p.path_id.endswith("0") else CORRECT) for p in paths]
    status = {row.path_id: row.status for row in annotations}
    found = balanced(paths, annotations, problems, held_out=0.3)

    count = Counter((part, status[path_id]) for path_id, (part, reason) in found.items() if reason is None)
    assert count["train", CORRECT] == count["train", WRONG] > 30
    assert count["held_out", CORRECT] == count["held_out", WRONG] > 8
    assert {reason for _, reason in found.values()} == {None, "surplus"}


def test_it_learns_from_more_wrong_ones_and_is_measured_on_as_many() -> None:
    problems = [rows.problem(f"p{n}", split=Split.ORM) for n in range(60)]
    paths = [rows.path(f"a{n}-{s}", f"p{n}") for n in range(60) for s in range(6)]
    annotations = [rows.feedback(p.path_id, p.problem_id, CORRECT if p.path_id.endswith("0") else WRONG) for p in paths]
    status = {row.path_id: row.status for row in annotations}
    found = balanced(paths, annotations, problems, held_out=0.3, wrong_per_correct=3)

    count = Counter((part, status[path_id]) for path_id, (part, reason) in found.items() if reason is None)
    assert 3 * count["train", CORRECT] == count["train", WRONG] > 90
    assert count["held_out", CORRECT] == count["held_out", WRONG] > 8

    flipped = [
        rows.feedback(row.path_id, row.problem_id, WRONG if row.status is CORRECT else CORRECT) for row in annotations
    ]
    few = balanced(paths, flipped, problems, held_out=0.3, wrong_per_correct=3)
    status = {row.path_id: row.status for row in flipped}
    count = Counter((part, status[path_id]) for path_id, (part, reason) in few.items() if reason is None)
    assert count["train", CORRECT] == count["train", WRONG] > 30


def test_adding_paths_moves_no_problem() -> None:
    problems = [rows.problem(f"p{n}", split=Split.ORM) for n in range(20)]
    first = [rows.path(f"a{n}", f"p{n}") for n in range(20)]
    more = [rows.path(f"b{n}", f"p{n}", text=f"other {n}") for n in range(20)]

    few, many = (balanced(paths, [], problems) for paths in (first, first + more))
    assert all(many[path_id] == few[path_id] for path_id in few)
    assert all(many[f"b{n}"][0] == few[f"a{n}"][0] for n in range(20))
    assert few != balanced(first, [], problems, seed=2)


def test_of_a_duplicate_text_one_remains() -> None:
    problems = [rows.problem(split=Split.ORM)]
    paths = [rows.path("a1", text="x"), rows.path("a2", text=" X"), rows.path("a3", text="y")]
    annotations = [rows.feedback("a1", status=WRONG), rows.feedback("a2", status=WRONG), rows.feedback("a3")]
    found = balanced(paths, annotations, problems)

    assert [found[name][1] for name in ("a1", "a2", "a3")] == [None, "duplicate text", None]


@settings(max_examples=40, deadline=None)
@given(split_problems, some_paths, statuses, st.floats(0.01, 0.99), st.randoms())
def test_a_balanced_mix_is_balanced_and_divides_problems(
    problems: list[Problem], paths: list[schemas.Path], told: list[Status | None], share: float, shuffler: random.Random
) -> None:
    annotations = [
        rows.feedback(p.path_id, p.problem_id, s) for p, s in zip(paths, told, strict=False) if s is not None
    ]
    found = balanced(paths, annotations, problems, share)

    status = {row.path_id: row.status for row in annotations}
    entered = [path for path in paths if found[path.path_id][1] is None]
    split = {problem.problem_id: problem.split for problem in problems}
    assert {split[path.problem_id] for path in entered} <= {Split.ORM}
    for part in ("train", "held_out"):
        inside = Counter(status[path.path_id] for path in entered if found[path.path_id][0] == part)
        assert inside[CORRECT] == inside[WRONG] and inside[UNDECIDED] == 0
    parts = {(path.problem_id, found[path.path_id][0]) for path in paths}
    assert len(parts) == len({problem_id for problem_id, _ in parts})
    for given_rows in (paths, annotations, problems):
        shuffler.shuffle(given_rows)
    assert balanced(paths, annotations, problems, share) == found


@pytest.mark.parametrize(("text", "formulas"), json.loads(FORMULAS.read_text(encoding="utf-8")).items())
def test_formulas_are_told_from_the_words_around_them(text: str, formulas: str | None) -> None:
    assert step([], []).execute("select formulas($text)", {"text": text}).fetchone() == (formulas,)


@pytest.mark.parametrize("file", sorted(MIXES.glob("*.sql")), ids=lambda file: file.stem)
def test_every_mix_states_its_grain_columns_and_parameters(file: Path) -> None:
    sql = file.read_text()
    header = sql[: sql.index("\nwith")]

    assert all(f"-- {part}: " in header for part in ("Grain", "Columns", "Parameters"))
    for name in duckdb.extract_statements(sql)[0].named_parameters:
        assert f"${name}" in header
    assert sql.endswith(("select * from final\n", "select * from final order by path_id\n"))
    assert json.dumps(header).isascii()
