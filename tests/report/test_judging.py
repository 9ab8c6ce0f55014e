"""The ORM on each step's own paths: against the rule grader, and against the scene of drawn figures."""

import json
import random
from collections import Counter
from pathlib import Path
from statistics import quantiles

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathse import cli, layout, params
from mathse.errors import UserError
from mathse.report import judging, page, series
from mathse.report.judging import Judged
from mathse.report.names import Names
from mathse.synthetic.figures import figure
from mathse.synthetic.mistakes import wrong_solution
from mathse.synthetic.review import review
from mathse.tables import schemas, store
from mathse.tables.schemas import MixRow, PathKind, Problem, Status, Verdict
from tests.share.conftest import path, problem, verdict

SCENES = ("bar_sum-2-11", "triangle_angle-1-12")
CORRECT, WRONG, UNDECIDED = Status.CORRECT, Status.WRONG, Status.UNDECIDED


def judge(run: Path, rows: list[tuple[str, str, Status, Status, str | None]], mixed: tuple[str, ...]) -> Judged:
    """Measure round 1 where it has these paths: name, text, ORM's status, rule's status, step that the ORM names."""
    scenes = [figure(source_id) for source_id in SCENES]
    problems = [
        problem(place).model_copy(update={"source_id": scene.source_id, "subject": scene.subject, "level": place})
        for place, scene in enumerate(scenes, 1)
    ]
    store.write(run / layout.PROBLEMS, Problem, problems)
    paths, verdicts = [], []
    for name, text, orm, rule, step in sorted(rows):
        written = path(name, PathKind.ROLLOUT).model_copy(update={"text": text})
        paths.append(schemas.Path(**written.model_dump(exclude={"row_hash", "text_hash"})))
        said = verdict(name, orm, step, "vision: misread" if orm is WRONG else None)
        verdicts.append(said.model_copy(update={"rule_status": rule}))
    store.write(run / layout.paths("1"), schemas.Path, paths)
    store.write(run / layout.verdicts("1"), Verdict, verdicts)
    mix = [
        MixRow(path_id=name, problem_id="1abc1", kind=PathKind.ROLLOUT, round=1, image_ids=(), prompt=(), completion=())
        for name in mixed
    ]
    store.write(run / layout.mix("1"), MixRow, mix)
    settings = params.load(run / params.PARAMS)
    return judging.by_step(judging.count(run, settings), settings)["1"]


def test_precision_and_recall_are_the_rules_where_it_decides(run: Path) -> None:
    text = figure(SCENES[0]).solution
    judged = judge(
        run,
        [
            ("a", text, CORRECT, CORRECT, None), ("b", text, CORRECT, WRONG, None),
            ("c", text, CORRECT, UNDECIDED, None), ("d", text, WRONG, CORRECT, "Step 1"),
            ("e", text, UNDECIDED, CORRECT, None),
            ("f", text, WRONG, WRONG, "Step 1"),
        ],
        mixed=("a", "c"),
    )  # fmt: skip
    assert (judged.paths, judged.undecided, judged.ungraded) == (6, 1, 1)
    assert (judged.precision.hits, judged.precision.n, judged.precision.share) == (1, 2, 0.5)
    assert (judged.recall.hits, judged.recall.n) == (1, 3), "an undecided verdict accepts nothing"
    assert (judged.mix_precision.hits, judged.mix_precision.n) == (1, 1)


def test_the_scene_tells_wrong_steps_from_wrong_answers(run: Path) -> None:
    scene = figure(SCENES[0])
    flawed = wrong_solution(scene, random.Random(1))
    assert flawed
    finding = review(scene, flawed)
    assert finding
    judged = judge(
        run,
        [
            ("a", scene.solution, CORRECT, CORRECT, None), ("b", flawed, CORRECT, CORRECT, None),
            ("c", flawed, WRONG, WRONG, finding.step), ("d", flawed, WRONG, WRONG, "Step 99"),
            ("e", flawed, UNDECIDED, WRONG, finding.step), ("f", "", UNDECIDED, UNDECIDED, None),
        ],
        mixed=(),
    )  # fmt: skip
    assert judged.precision.share == 1.0
    assert (judged.sound.hits, judged.sound.n) == (1, 2), "b has the right answer by a wrong step"
    assert (judged.sound_recall.hits, judged.sound_recall.n) == (1, 1)
    assert (judged.first_step.hits, judged.first_step.n) == (1, 4), "what is not rejected is not located"
    assert judged.error_type.n == 2


def test_problems_that_are_not_drawn_have_no_scene(run: Path) -> None:
    settings = params.load(run / params.PARAMS)
    judged = judging.by_step(judging.count(run, settings), settings)
    assert list(judged) == list(settings.steps)
    assert not any(one.sound.n or one.first_step.n for one in judged.values())
    assert judged["0"].sound.share is None


def test_groups_add_up_to_all(run: Path) -> None:
    flawed = wrong_solution(figure(SCENES[0]), random.Random(1))
    assert flawed
    judge(run, [("a", flawed, CORRECT, WRONG, None), ("b", flawed, WRONG, WRONG, "Step 1")], mixed=("a",))
    settings = params.load(run / params.PARAMS)
    counts, names = judging.count(run, settings), Names(settings)
    for rows in (series.acceptance(counts, names), series.solved(counts, names)):
        for key in {(row["step"], row.get("measure")) for row in rows}:
            sums = {
                by: sum(int(row["n"]) for row in rows if (row["step"], row.get("measure")) == key and row["by"] == by)
                for by in ("all", "subject", "level")
            }
            assert len(set(sums.values())) == 1
    paths = {row["step"]: row["paths"] for row in series.agreement(counts, names) if row["outcome"] == "both say wrong"}
    assert paths == {"round 1": 1}


def test_confidence_is_held_against_the_rule_grader_by_bins(run: Path) -> None:
    counts, names = judging.Counts(), Names(params.load(run / params.PARAMS))
    assert series.calibration(counts, names) == [], "no row where the ORM does not tell"
    counts.confidences["1"].update([(0.2, False), (0.97, True), (0.96, False), (1.0, True), (1.0, True)])
    rows = series.calibration(counts, names)
    assert [(row["step"], row["confidence"], row["hits"], row["n"]) for row in rows] == [
        ("round 1", 0.2, 0, 1), ("round 1", 0.965, 1, 2), ("round 1", 1.0, 2, 2),
    ]  # fmt: skip


def test_verdicts_of_other_paths_are_an_error(run: Path) -> None:
    store.write(run / layout.verdicts("1"), Verdict, [verdict("other", WRONG)])
    with pytest.raises(UserError, match=r"verdicts/1\.parquet: not the verdicts on the step's paths"):
        judging.count(run, params.load(run / params.PARAMS))


def test_a_path_of_no_known_problem_is_an_error(run: Path) -> None:
    store.write(run / layout.PROBLEMS, Problem, [problem(2)])
    with pytest.raises(UserError, match=r"paths/0\.parquet: path dist is of no known problem"):
        judging.count(run, params.load(run / params.PARAMS))


def test_what_is_counted_does_not_grow_with_the_paths(run: Path) -> None:
    text = figure(SCENES[0]).solution
    judge(run, [(name, text, CORRECT, CORRECT, None) for name in "abcdef"], mixed=("a", "b"))
    counts = judging.count(run, params.load(run / params.PARAMS))
    assert counts.lengths["1"] == {len(text): 6} and counts.accepted_lengths["1"] == {len(text): 2}


@given(st.lists(st.integers(0, 30), min_size=2, max_size=50))
def test_tenths_are_those_of_the_standard_library(values: list[int]) -> None:
    assert series.tenths(Counter(values), range(1, 10)) == quantiles(values, n=10, method="inclusive")
    assert series.tenths(Counter(values[:1]), (1, 5, 9)) == [values[0]] * 3


def test_a_line_per_step_is_printed(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["-C", str(run), "report"]) == 0
    assert "precision" not in capsys.readouterr().out
    page.build(run)
    assert cli.main(["-C", str(run), "report"]) == 0
    printed = capsys.readouterr().out
    _, _, own = printed.partition("The ORM on each step's own paths")
    lines = own.splitlines()
    first = next(place for place, line in enumerate(lines) if line.startswith("step ") and "precision" in line)
    assert [line.split("  ")[0] for line in lines[first + 2 : first + 5]] == ["distilled", "round 1", "reflection"]
    (run / layout.JUDGED).write_text(json.dumps({"1": {"paths": -1}}), encoding="utf-8")
    assert cli.main(["-C", str(run), "report"]) != 0
    assert "judged.json" in capsys.readouterr().err
