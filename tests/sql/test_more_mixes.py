"""The mixes beside the default one: hardest first, balanced, shortest, with pairs."""

import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mathse
from mathse.params import Query
from mathse.tables import schemas
from mathse.tables.schemas import MixRow, PathKind, Problem, Remaining, Split, Status, Verdict, WrongPath
from tests import rows
from tests.sql.test_mixes import kept, run, some_paths, split_problems, statuses, step

MIXES = Path(mathse.__file__).parent / "sql" / "mixes"
WIDE: dict[str, dict[str, int | float | str]] = {
    "hardest_first": {"max_per_problem": 9, "max_rows": 99},
    "limited": {"max_per_problem": 9, "max_rows": 99},
    "balanced": {"max_per_problem": 9, "max_per_cell": 99},
    "shortest": {"max_per_problem": 9},
}
"""Limits that leave nothing out."""


def chosen(
    name: str,
    paths: Sequence[schemas.Path],
    verdicts: Sequence[Verdict],
    previous: Sequence[MixRow] = (),
    problems: Sequence[Problem] = (rows.problem(),),
    **limits: int,
) -> dict[str, str | None]:
    query = Query(query=MIXES / f"{name}.sql", parameters={**WIDE[name], **limits})
    return run(query, step(paths, verdicts, previous, problems))


def samples(problem_id: str, told: str) -> tuple[list[schemas.Path], list[Verdict]]:
    """Paths of different texts to a problem, correct (c) or wrong (w): `cw` makes p1-0 and p1-1."""
    names = [f"{problem_id}-{number}" for number in range(len(told))]
    status = {"c": Status.CORRECT, "w": Status.WRONG}
    return (
        [rows.path(name, problem_id, text="x" * (number + 1)) for number, name in enumerate(names)],
        [rows.verdict(name, problem_id, status[letter]) for name, letter in zip(names, told, strict=True)],
    )


def several(**told: str) -> tuple[list[schemas.Path], list[Verdict]]:
    pairs = [samples(problem_id, letters) for problem_id, letters in told.items()]
    return [path for paths, _ in pairs for path in paths], [verdict for _, verdicts in pairs for verdict in verdicts]


@pytest.mark.parametrize("name", WIDE)
@pytest.mark.parametrize(
    ("path", "verdict", "split", "reason"),
    [
        (rows.path(), rows.verdict(), Split.TRAIN, None),
        (rows.path(), rows.verdict(status=Status.WRONG), Split.TRAIN, "judged WRONG"),
        (rows.path(), rows.verdict(status=Status.UNDECIDED), Split.TRAIN, "judged UNDECIDED"),
        (rows.path(), rows.verdict("another"), Split.TRAIN, "not judged"),
        (rows.path(finish_reason="length"), rows.verdict(), Split.TRAIN, "truncated"),
        (rows.path(finish_reason="error", text=""), rows.verdict(), Split.TRAIN, "failed request"),
        (rows.path(problem_id="gone"), rows.verdict(), Split.TRAIN, "not a training problem"),
        (rows.path(), rows.verdict(), Split.TEST, "not a training problem"),
        (rows.path(), rows.verdict(), Split.ORM, "not a training problem"),
    ],
)
def test_a_path_enters_if_it_is_judged_correct(
    name: str, path: schemas.Path, verdict: Verdict, split: Split, reason: str | None
) -> None:
    assert chosen(name, [path], [verdict], problems=[rows.problem(split=split)]) == {"a1": reason}


@pytest.mark.parametrize("name", WIDE)
def test_a_duplicate_text_counts_once_and_a_wrong_one_shadows_nothing(name: str) -> None:
    paths = [rows.path("a1", text="Same text"), rows.path("a2", text="same  text"), rows.path("a0", text="same text")]
    verdicts = [rows.verdict("a1"), rows.verdict("a2"), rows.verdict("a0", status=Status.WRONG)]

    assert chosen(name, paths, verdicts) == {"a0": "judged WRONG", "a1": None, "a2": "duplicate text"}


@pytest.mark.parametrize("name", WIDE)
def test_the_mix_before_stays(name: str) -> None:
    previous = [kept("old"), kept("of-a-problem-that-is-gone", "p9")]

    assert chosen(name, [rows.path("old")], [], previous) == {"old": None, "of-a-problem-that-is-gone": None}


def test_the_hardest_problems_come_first() -> None:
    paths, verdicts = several(easy="ccc", hard="cww", middle="wcc")
    problems = [rows.problem(name) for name in ("easy", "hard", "middle")]
    found = chosen("hardest_first", paths, verdicts, [kept("old", "p9")], problems, max_rows=3, max_per_problem=1)

    assert {name for name, reason in found.items() if reason is None} == {"hard-0", "middle-1", "old"}
    assert Counter(found.values()) == {
        **{None: 3, "judged WRONG": 3, "over the limit per problem": 2 + 1, "easier than the rest": 1}
    }
    assert found["easy-0"] == "easier than the rest"


def test_each_problem_has_its_first_path_before_any_has_its_second() -> None:
    paths, verdicts = several(p1="cc", p2="cw", p3="c")
    problems = [rows.problem(name) for name in ("p1", "p2", "p3")]
    found = chosen("limited", paths, verdicts, [kept("old", "p9")], problems, max_rows=4)

    assert {name for name, reason in found.items() if reason is None} == {"p1-0", "p2-0", "p3-0", "old"}
    assert found["p1-1"] == "over the limit of rows"
    fewer = chosen("limited", paths, verdicts, (), problems, max_rows=2, max_per_problem=1)
    assert [name for name, reason in fewer.items() if reason is None] == ["p1-0", "p2-0"]


def test_a_failed_request_makes_no_problem_harder() -> None:
    paths, verdicts = several(p1="cw", p2="c")
    failed = [rows.path(f"f{number}", "p2", finish_reason="error", text="") for number in range(5)]
    problems = [rows.problem("p1"), rows.problem("p2")]
    told = [*verdicts, *(rows.verdict(path.path_id, "p2", Status.UNDECIDED) for path in failed)]

    assert chosen("hardest_first", [*paths, *failed], told, (), problems, max_rows=1)["p1-0"] is None


def test_the_higher_level_is_the_harder_one_at_the_same_rate() -> None:
    paths, verdicts = several(p1="c", p2="c")
    problems = [rows.problem("p1", level=1), rows.problem("p2", level=2)]

    assert chosen("hardest_first", paths, verdicts, (), problems, max_rows=1) == {
        "p1-0": "easier than the rest",
        "p2-0": None,
    }


def test_subjects_and_levels_are_balanced() -> None:
    paths, verdicts = several(a1="cc", a2="c", a3="c", b1="c")
    problems = [rows.problem(name, subject="angles", level=1) for name in ("a1", "a2", "a3")]
    problems.append(rows.problem("b1", subject="areas", level=1))
    found = chosen("balanced", paths, verdicts, (), problems, max_per_cell=2)

    assert found == {
        "a1-0": None, "a2-0": None, "b1-0": None,
        "a1-1": "over the limit per subject and level", "a3-0": "over the limit per subject and level",
    }  # fmt: skip


def test_a_cell_counts_what_the_mix_before_has() -> None:
    paths, verdicts = several(p1="cc", p2="c")
    problems = [rows.problem("p1"), rows.problem("p2", level=2)]
    found = chosen("balanced", paths, verdicts, [kept("old")], problems, max_per_cell=1, max_per_problem=1)

    assert found == {
        "old": None, "p2-0": None, "p1-0": "over the limit per subject and level", "p1-1": "over the limit per problem",
    }  # fmt: skip


def test_a_shorter_path_replaces_a_longer_one() -> None:
    paths, verdicts = several(p1="wc", p2="c")
    problems = [rows.problem("p1"), rows.problem("p2")]
    previous = [kept("old", "p1", "a long text"), kept("short", "p2", "y")]
    found = chosen("shortest", paths, verdicts, previous, problems, max_per_problem=1)

    assert found == {
        "p1-0": "judged WRONG", "p1-1": None, "old": "a shorter path is there",
        "short": None, "p2-0": "a shorter path is there",
    }  # fmt: skip


def test_the_mix_before_wins_at_the_same_length_and_text() -> None:
    paths = [rows.path("a", text="b"), rows.path("b", text="C ")]
    found = chosen("shortest", paths, [rows.verdict("a"), rows.verdict("b")], [kept("old", text="c")])

    assert found == {"old": None, "a": None, "b": "duplicate text"}


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(list(WIDE)), split_problems, some_paths, statuses, st.integers(1, 3), st.randoms())
def test_a_mix_keeps_its_limits_in_any_order_of_rows(
    name: str,
    problems: list[Problem],
    paths: list[schemas.Path],
    judged: list[Status | None],
    limit: int,
    shuffler: random.Random,
) -> None:
    verdicts = [rows.verdict(p.path_id, p.problem_id, s) for p, s in zip(paths, judged, strict=False) if s is not None]
    found = chosen(name, paths, verdicts, (), problems, max_per_problem=limit)

    split = {problem.problem_id: problem.split for problem in problems}
    entered = [path for path in paths if found[path.path_id] is None]
    assert {split[path.problem_id] for path in entered} <= {Split.TRAIN}
    assert all(count <= limit for count in Counter(path.problem_id for path in entered).values())
    assert found.keys() == {path.path_id for path in paths}
    for given_rows in (paths, verdicts, problems):
        shuffler.shuffle(given_rows)
    assert chosen(name, paths, verdicts, (), problems, max_per_problem=limit) == found


@pytest.mark.parametrize("name", [*WIDE, "cumulative", "cumulative_pairs"])
@pytest.mark.parametrize(
    ("judged", "graded", "orm", "rule", "both"),
    [
        ("CORRECT", "CORRECT", None, None, None),
        ("CORRECT", "WRONG", None, "graded WRONG", "graded WRONG"),
        ("CORRECT", "UNDECIDED", None, "graded UNDECIDED", None),
        ("WRONG", "CORRECT", "judged WRONG", None, "judged WRONG"),
        ("UNDECIDED", "CORRECT", "judged UNDECIDED", None, "judged UNDECIDED"),
        ("WRONG", "WRONG", "judged WRONG", "graded WRONG", "judged WRONG"),
    ],
)
def test_a_path_is_right_by_the_word_that_is_required(
    name: str, judged: str, graded: str, orm: str | None, rule: str | None, both: str | None
) -> None:
    query = Query(query=MIXES / f"{name}.sql", parameters=WIDE.get(name, {"max_per_problem": 9}))
    verdict = rows.verdict(status=Status(judged), rule_status=Status(graded))
    before = [Remaining(problem_id="p1", wrong=(wrong("w", "Wrong."),))]
    for require, reason in (("orm", orm), ("rule", rule), ("both", both)):
        connection = step([rows.path()], [verdict], remaining=before, require=require)
        assert run(query, connection) == {"a1": reason}
        said_wrong = {"orm": judged == "WRONG", "rule": graded == "WRONG", "both": "WRONG" in (judged, graded)}
        newest = connection.execute("select path_id from wrong_paths where age = 0").fetchall()
        assert newest == ([("a1",)] if said_wrong[require] else [])


def test_of_paths_that_calculate_the_same_the_shortest_stays() -> None:
    texts = {
        "a": "We add: 5 + 6 = 11.", "b": "$5+6=11$", "c": "6 + 5 = 11", "d": "It is eleven.", "e": "It is  Eleven.",
    }  # fmt: skip
    paths = [rows.path(name, text=text) for name, text in texts.items()]
    verdicts = [rows.verdict(path.path_id) for path in paths]
    before = [Remaining(problem_id="p1", wrong=(wrong("w", "Wrong."),))]

    def reasons(name: str, limit: int, previous: Sequence[MixRow] = ()) -> list[str | None]:
        parameters = WIDE.get(name, {}) | {"max_per_problem": limit}
        connection = step(paths, verdicts, previous, remaining=before, distinct="formulas")
        found = run(Query(query=MIXES / f"{name}.sql", parameters=parameters), connection)
        return [found[path.path_id] for path in paths]

    same, over = "duplicate formulas", "over the limit per problem"
    for name in [*WIDE, "cumulative", "cumulative_pairs"]:
        assert reasons(name, 9) == [same, None, None, None, same]
    assert reasons("cumulative", 2) == [same, None, None, over, same]
    assert reasons("cumulative", 9, [kept("old", text="We add 5 + 6 = 11")]) == [same, same, None, None, same]
    assert reasons("shortest", 9, [kept("old", text="5 + 6 = 11 in all")]) == [same, None, None, None, same]


@pytest.mark.parametrize("name", ["cumulative", "cumulative_pairs", "balanced", "hardest_first"])
def test_the_surest_come_first_where_they_are_preferred(name: str) -> None:
    sure = {"a": 0.5, "bb": None, "ccc": 0.9, "dddd": 0.9, "eeeee": 0.7}
    paths = [rows.path(text, text=text) for text in sure]
    verdicts = [rows.verdict(text, confidence=value) for text, value in sure.items()]
    before = [Remaining(problem_id="p1", wrong=(wrong("w", "Wrong."),))]
    query = Query(query=MIXES / f"{name}.sql", parameters=WIDE.get(name, {}) | {"max_per_problem": 3})

    for prefer, entered in (("confident", {"ccc", "dddd", "eeeee"}), ("shortest", {"a", "bb", "ccc"})):
        found = run(query, step(paths, verdicts, remaining=before, prefer=prefer))
        assert {path_id for path_id, reason in found.items() if reason is None} == entered


def test_the_rule_grader_says_which_problems_are_hard_where_its_word_is_required() -> None:
    paths = [rows.path(f"{problem}{n}", problem, text="x" * (n + 1)) for problem in ("p1", "p2") for n in range(2)]
    graded = {"p21": Status.WRONG}
    verdicts = [
        rows.verdict(path.path_id, path.problem_id, rule_status=graded.get(path.path_id, Status.CORRECT))
        for path in paths
    ]
    query = Query(query=MIXES / "hardest_first.sql", parameters={"max_per_problem": 1, "max_rows": 1})
    found = run(query, step(paths, verdicts, problems=[rows.problem("p1"), rows.problem("p2")], require="rule"))

    assert [name for name, reason in found.items() if reason is None] == ["p20"]


def wrong(path_id: str, text: str, step_name: str = "0") -> WrongPath:
    return WrongPath(path_id=path_id, step=step_name, round=0, sample_idx=0, text=text)


def paired(
    paths: Sequence[schemas.Path], verdicts: Sequence[Verdict], before: Sequence[Remaining] = (), limit: int = 9
) -> dict[str, tuple[str | None, str | None]]:
    """Reason and rejected path of each path."""
    query = Query(query=MIXES / "cumulative_pairs.sql", parameters={"max_per_problem": limit})
    connection = step(paths, verdicts, remaining=before)
    run(query, connection)
    found = connection.execute("select path_id, reason, rejected_path_id from selection").fetchall()
    return {path_id: (reason, rejected) for path_id, reason, rejected in found}


def test_the_shortest_wrong_path_of_this_step_stands_beside_a_correct_one() -> None:
    paths, verdicts = several(p1="cwwc")
    carried = Remaining(problem_id="p1", wrong=(wrong("old", "y"),))

    assert paired(paths, verdicts, [carried]) == {
        "p1-0": (None, "p1-1"), "p1-3": (None, "p1-1"), "p1-1": ("judged WRONG", None), "p1-2": ("judged WRONG", None),
    }  # fmt: skip
    assert paired(paths, verdicts, [carried], limit=1)["p1-3"][0] == "over the limit per problem"


def test_where_this_step_has_no_wrong_path_the_newest_before_does() -> None:
    paths, verdicts = several(p1="c")
    carried = Remaining(problem_id="p1", wrong=(wrong("newer", "long", "1"), wrong("older", "y")))

    assert paired(paths, verdicts, [carried]) == {"p1-0": (None, "newer")}
    assert paired(paths, verdicts) == {"p1-0": (None, None)}


def test_a_wrong_path_that_says_the_same_is_no_other() -> None:
    paths = [rows.path("a", text="Same text"), rows.path("b", text=" same  Text"), rows.path("c", text="Other text")]
    verdicts = [rows.verdict("a"), rows.verdict("b", status=Status.WRONG), rows.verdict("c", status=Status.WRONG)]

    assert paired(paths[:2], verdicts[:2])["a"] == (None, None)
    assert paired(paths, verdicts)["a"] == (None, "c")


def test_beside_a_reflection_stands_the_path_that_it_reconsiders() -> None:
    paths = [rows.path("r", text="Right now.", kind=PathKind.REFLECTION, parent_path_id="parent")]
    carried = Remaining(problem_id="p1", wrong=(wrong("newer", "y", "1"), wrong("parent", "long")))

    assert paired(paths, [rows.verdict("r")], [carried]) == {"r": (None, "parent")}


def test_the_rows_are_those_of_the_mix_without_pairs() -> None:
    paths, verdicts = several(p1="cwwccc", p2="w", p3="cc")
    query = Query(query=MIXES / "cumulative.sql", parameters={"max_per_problem": 2})

    reasons = run(query, step(paths, verdicts))
    assert {path_id: reason for path_id, (reason, _) in paired(paths, verdicts, limit=2).items()} == reasons
