"""What a step leaves unsolved, and what goes on to the next."""

from pathlib import Path

from mathse import layout
from mathse.loop import mix
from mathse.tables import store
from mathse.tables.schemas import MixRow, Problem, Remaining, Split, Status
from mathse.tables.start import write_base
from tests import rows
from tests.loop.test_mix import CUMULATIVE, SQL, mixed_by, step, wrong

PROBLEMS = [rows.problem("p1"), rows.problem("p2"), rows.problem("p3"), rows.problem("t", split=Split.TEST)]


def left(root: Path, name: str) -> dict[str, list[tuple[str, str]]]:
    """Step and id of the wrong paths to each unsolved problem."""
    found = store.read(root / layout.remaining(name), Remaining, verify=True)
    return {row.problem_id: [(one.step, one.path_id) for one in row.wrong] for row in found}


def test_before_the_first_step_there_is_no_row_and_every_training_problem(tmp_path: Path) -> None:
    store.write(tmp_path / layout.PROBLEMS, Problem, [*PROBLEMS, rows.problem("o", split=Split.ORM)])
    write_base(tmp_path)

    assert store.read(tmp_path / layout.mix("base"), MixRow) == []
    assert left(tmp_path, "base") == {"p1": [], "p2": [], "p3": []}


def test_wrong_paths_go_on_the_newest_step_first(tmp_path: Path) -> None:
    first = [rows.path("a1", "p1", text="No.", sample_idx=1), rows.path("z0", "p1"), rows.path("a2", "p2")]
    verdicts = [wrong("a1"), rows.verdict("z0", status=Status.UNDECIDED), rows.verdict("a2", "p2")]
    step(tmp_path, first, verdicts, PROBLEMS)
    mix.build(CUMULATIVE, "0", tmp_path)

    assert left(tmp_path, "0") == {"p1": [("0", "a1")], "p3": []}

    second = [
        rows.path("b1", "p1", sample_idx=1), rows.path("c1", "p1", sample_idx=0), rows.path("d1", "p1", text=""),
        rows.path("b3", "p3"),
    ]  # fmt: skip
    verdicts = [rows.verdict("b1", "p1", Status.WRONG, error_step="Step 2", error_analysis="is not 4")]
    verdicts += [wrong("c1"), wrong("d1"), wrong("b3", "p3")]
    step(tmp_path, second, verdicts, PROBLEMS, "1")
    mix.build(CUMULATIVE, "1", tmp_path)

    assert left(tmp_path, "1") == {"p1": [("1", "c1"), ("1", "b1"), ("0", "a1")], "p3": [("1", "b3")]}
    (row, _) = store.read(tmp_path / layout.remaining("1"), Remaining)
    newest = row.wrong[1]
    assert (newest.text, newest.error_step, newest.error_analysis) == (second[0].text, "Step 2", "is not 4")
    assert (newest.round, newest.sample_idx) == (1, 1)


def test_a_problem_whose_row_left_the_mix_remains_again(tmp_path: Path) -> None:
    step(tmp_path, [rows.path("a1", "p1"), rows.path("a2", "p2")], [rows.verdict("a1"), wrong("a2", "p2")], PROBLEMS)
    mix.build(CUMULATIVE, "0", tmp_path)
    own = tmp_path / "own.sql"
    own.write_text("select path_id, if(path_id = 'a1', 'too easy', reason) as reason from candidates")
    step(tmp_path, [rows.path("b2", "p2")], [rows.verdict("b2", "p2")], PROBLEMS, "1")
    report = mix.build(mixed_by(own), "1", tmp_path)

    assert left(tmp_path, "1") == {"p1": [], "p3": []} and report.left_out == {"too easy": 1}


def test_a_mix_that_replaces_rows_still_solves_their_problems(tmp_path: Path) -> None:
    settings = mixed_by(SQL / "shortest.sql", max_per_problem=1)
    step(tmp_path, [rows.path("a1", "p1", text="A long text.")], [rows.verdict("a1")], PROBLEMS)
    mix.build(settings, "0", tmp_path)
    step(tmp_path, [rows.path("b1", "p1", text="Short.")], [rows.verdict("b1")], PROBLEMS, "1")
    mix.build(settings, "1", tmp_path)

    assert left(tmp_path, "1") == {"p2": [], "p3": []}


def test_thousands_of_problems_and_paths_stay_in_order(tmp_path: Path) -> None:
    problems = [rows.problem(f"p{n:04}") for n in range(3000)]
    paths = [rows.path(f"a{n}-{s}", f"p{n:04}", sample_idx=s) for n in range(3000) for s in range(3)]
    step(tmp_path, paths, [wrong(path.path_id, path.problem_id) for path in paths], problems)
    mix.build(CUMULATIVE, "0", tmp_path)

    found = left(tmp_path, "0")
    assert len(found) == 3000 and found["p1234"] == [("0", f"a1234-{s}") for s in range(3)]
