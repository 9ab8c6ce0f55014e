"""A run of two steps, small enough to count by hand."""

import shutil
from pathlib import Path

import pytest

from mathse import layout
from mathse.loop.evaluation.transitions import Transition
from mathse.tables import store
from mathse.tables.files import write_json
from mathse.tables.schemas import MixRow, PathKind, Prediction, Problem, Remaining, Split, Status, Verdict
from mathse.tables.schemas import Path as PathRow
from mathse.tables.start import write_base
from tests import rows

ROOT = Path(__file__).parents[3]
QUERY = "mathse/sql/mixes/cumulative.sql"
CORRECT, WRONG, UNDECIDED = Status.CORRECT, Status.WRONG, Status.UNDECIDED


def mix_row(name: str, problem_id: str, kind: PathKind = PathKind.ROLLOUT, number: int = 1) -> MixRow:
    return MixRow(path_id=name, problem_id=problem_id, kind=kind, round=number, image_ids=(), prompt=(), completion=())


def predictions(*statuses: Status, benchmark: str = "problems") -> list[Prediction]:
    return [
        Prediction(problem_id=f"t{at}", author="m", prompt_id="s", text="t", answer=None, status=status, reason="r",
                   finish_reason="stop", tokens_in=1, tokens_out=1, benchmark=benchmark)
        for at, status in enumerate(statuses)
    ]  # fmt: skip


def change(before: str, after: str, **counts: int) -> Transition:
    """What became of the problems that both models were measured on; none of what is not named."""
    return Transition(
        before, after, **{**dict.fromkeys(("stayed_correct", "stayed_wrong", "lost", "gained"), 0), **counts}
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Step 0 has one distilled row, d1; step 1 adds a1 and a2, which the rule grader calls WRONG and UNDECIDED.

    Of step 1's other paths, a3 is judged WRONG, and a4 is CORRECT to the ORM alone, but not in the mix.
    """
    folder = tmp_path / "project"
    (folder / QUERY).parent.mkdir(parents=True)
    shutil.copy(ROOT / QUERY, folder / QUERY)
    settings = (ROOT / "presets" / "default.yaml").read_text().replace("require: both", "require: orm")
    (folder / "params.yaml").write_text(settings)
    problems = [rows.problem(f"p{number}", subject="角度" if number < 3 else "fractions", level=number)
                for number in (1, 2, 3, 10)]  # fmt: skip
    problems += [rows.problem(f"t{number}", split=Split.TEST, subject="角度") for number in range(4)]
    store.write(folder / layout.PROBLEMS, Problem, problems)
    write_base(folder)
    store.write(folder / layout.paths("0"), PathRow, [rows.path("d1", "p1", kind=PathKind.DISTILLED, round=0)])
    store.write(folder / layout.verdicts("0"), Verdict, [rows.verdict("d1", "p1")])
    store.write(folder / layout.remaining("0"), Remaining, [])
    store.write(folder / layout.mix("0"), MixRow, [mix_row("d1", "p1", PathKind.DISTILLED, 0)])
    judged = {"a1": ("p3", WRONG), "a2": ("p10", UNDECIDED), "a3": ("p2", WRONG), "a4": ("p10", WRONG)}
    paths = [rows.path(name, of) for name, (of, _) in judged.items()]
    store.write(folder / layout.paths("1"), PathRow, paths)
    verdicts = [rows.verdict(name, of, WRONG if name == "a3" else CORRECT, rule_status=rule)
                for name, (of, rule) in judged.items()]  # fmt: skip
    store.write(folder / layout.verdicts("1"), Verdict, verdicts)
    mix = [mix_row("d1", "p1", PathKind.DISTILLED, 0), mix_row("a1", "p3"), mix_row("a2", "p10")]
    store.write(folder / layout.mix("1"), MixRow, mix)
    report = {"step": "1", "candidates": 5, "rows": 3, "left_out": {"judged WRONG": 1, "over the limit": 1},
              "solved": 2, "remaining": 3}  # fmt: skip
    write_json(folder / layout.mix_report("1"), report)
    store.write(folder / layout.predictions("0"), Prediction, predictions(WRONG, WRONG, CORRECT, UNDECIDED))
    store.write(folder / layout.predictions("1"), Prediction, predictions(CORRECT, WRONG, WRONG, CORRECT))
    return folder
