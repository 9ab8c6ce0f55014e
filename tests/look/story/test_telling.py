import json
import shutil
from pathlib import Path

import pytest

from mathse import cli, layout
from mathse.curation import decisions
from mathse.curation.decisions import Decision
from mathse.curation.edits import edited
from mathse.errors import UserError
from mathse.look.story.document import Came, Decided, Measurement, Noise, Problems
from mathse.look.story.telling import story
from mathse.tables import store
from mathse.tables.schemas import MixRow, PathKind, Prediction, Tag, Verdict
from tests import rows
from tests.look.story.conftest import CORRECT, WRONG, change, mix_row, predictions


def test_rows_problems_noise_and_tests_are_counted(project: Path) -> None:
    told = story(project, "0", "1")
    assert told.rows is not None
    assert (told.rows.before, told.rows.after, told.rows.went) == (1, 3, {})
    assert told.rows.came == [Came("rollout", 1, 2)]
    assert (told.rows.candidates, told.rows.left_out) == (5, {"judged WRONG": 1, "over the limit": 1})
    assert told.problems == Problems(unsolved=3, solved=2, lost=0, asked=3)
    assert told.problems.remaining == 1
    assert told.noise == Noise(rows=(0, 2), undecided=1, unjudged=0, kept_out=1)
    assert told.tests == [Measurement("problems", change("0", "1", stayed_wrong=1, gained=2, lost=1))]
    assert told.missing == []


def test_groups_are_subjects_by_rows_and_levels_in_order(project: Path) -> None:
    groups = story(project, "0", "1").groups
    assert [(group.by, group.name) for group in groups] == [
        ("subject", "fractions"), ("subject", "角度"), ("level", "1"), ("level", "3"), ("level", "10")
    ]  # fmt: skip
    fractions, angles = groups[:2]
    assert (fractions.rows, fractions.noise, fractions.kept_out, fractions.tests) == ((0, 2), 2, 1, 0)
    assert (angles.rows, angles.noise, angles.tests, angles.right) == ((1, 1), 0, 4, (1, 2))


def test_the_last_step_that_is_there_and_the_one_before_it_are_told_of_first(project: Path) -> None:
    told = story(project)
    assert (told.before.step, told.after.step, told.before.model, told.after.heading) == ("0", "1", "0", "round 1")
    first = story(project, after="0")
    assert first.before.heading == "base"
    assert first.rows is not None
    assert (first.rows.before, first.rows.after) == (0, 1)


def test_rows_that_went_are_told_with_the_reason_of_the_step_that_left_them_out(project: Path) -> None:
    before = [mix_row("d1", "p1", PathKind.DISTILLED, 0), mix_row("d2", "p2"), mix_row("a3", "p2")]
    store.write(project / layout.mix("0"), MixRow, before[:2])
    told = story(project, "0", "1")
    assert told.rows is not None
    assert told.rows.went == {"no candidate of round 1": 1}  # of the query as it is, d2 would have stayed
    assert told.problems is not None
    assert told.problems.lost == 1
    store.write(project / layout.mix("0"), MixRow, [before[0]])
    store.write(project / layout.mix("final"), MixRow, [before[2]])
    told = story(project, "final", "1")
    assert told.rows is not None
    assert told.rows.went == {"judged WRONG": 1}
    assert told.rows.left_out == {"over the limit": 1}, "what went is not told of twice"
    (project / layout.remaining("0")).unlink()
    told = story(project, "final", "1")
    assert told.rows is not None
    assert told.rows.went == {"for a reason that is not known here": 1}, "the query cannot be run"


@pytest.mark.parametrize(
    ("gone", "missing"),
    [
        (layout.predictions("1"), ["model 1 is not measured yet"]),
        (layout.mix("1"), ["the mix of round 1 is not there yet"]),
        (layout.PROBLEMS, []),
        (layout.verdicts("1"), []),
        (layout.mix_report("1"), []),
    ],
)
def test_what_is_missing_is_said_and_the_rest_is_told(project: Path, gone: Path, missing: list[str]) -> None:
    (project / gone).unlink()
    told = story(project, "0", "1")
    assert told.missing == missing
    assert (told.rows is None) == (gone == layout.mix("1"))
    assert (told.tests == []) == (gone == layout.predictions("1"))
    if gone == layout.verdicts("1"):
        assert told.noise == Noise(rows=(0, 0), undecided=0, unjudged=2, kept_out=0)
    if gone == layout.PROBLEMS:
        assert [group.name for group in told.groups] == ["unknown", "0"]


def test_a_step_of_another_project_is_told_against_the_same_here(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other"
    shutil.copytree(project, other)
    store.write(other / layout.mix("1"), MixRow, [mix_row("d1", "p1", PathKind.DISTILLED, 0), mix_row("a1", "p3")])
    (other / layout.predictions("1")).unlink()
    for names in ((), ("1",), ("1", "1")):
        assert cli.main(["-C", str(project), "story", *names, "--repo", str(other), "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert (told["before"]["heading"], told["after"]["heading"]) == (f"round 1 ({other})", "round 1")
        assert (told["rows"]["before"], told["rows"]["after"], told["rows"]["went"]) == (2, 3, {})
        assert told["rows"]["came"] == [{"kind": "rollout", "round": 1, "rows": 1}]
        assert (told["tests"], told["missing"]) == ([], ["model 1 is not measured yet"])
    assert cli.main(["-C", str(project), "story", "2", "1", "--repo", str(other)]) == cli.USER_ERROR
    assert "there is no mix@2 here" in capsys.readouterr().err


def test_what_is_not_there_at_all_is_an_error_with_a_remedy(project: Path) -> None:
    with pytest.raises(UserError, match="7: there is no step or model of this name; known: base, 0, 1, 2, final"):
        story(project, "7", "1")
    with pytest.raises(UserError, match=r"1: nothing changes from round 1 to itself; .* such as `mathse story 0 1`"):
        story(project, "1")  # the last step whose mix is there
    for step in ("0", "1"):
        (project / layout.mix(step)).unlink()
    with pytest.raises(UserError, match="there is no mix yet; make it with `dvc repro`"):
        story(project)


def test_only_problems_that_both_models_were_measured_on_are_compared(project: Path) -> None:
    rest = predictions(CORRECT, CORRECT, benchmark="mathvista_testmini")
    store.write(project / layout.predictions("1"), Prediction, [*predictions(CORRECT, WRONG), *rest])
    store.write(project / layout.predictions("0"), Prediction, [*predictions(WRONG, WRONG, CORRECT), *rest[:1]])
    assert story(project, "0", "1").tests == [
        Measurement("problems", change("0", "1", stayed_wrong=1, gained=1), unmatched=1),
        Measurement("mathvista_testmini", change("0", "1", stayed_correct=1), unmatched=1),
    ]


def test_mixes_of_no_rows_and_of_one(project: Path) -> None:
    store.write(project / layout.mix("0"), MixRow, [])
    store.write(project / layout.mix("1"), MixRow, [mix_row("a1", "p3")])
    for name in ("0", "1"):
        store.write(project / layout.predictions(name), Prediction, predictions(WRONG))
    told = story(project, "0", "1")
    assert told.noise == Noise(rows=(0, 1), undecided=0, unjudged=0, kept_out=2)
    assert (told.tests[0].change.p_value, told.tests[0].judgement) == (1.0, "not shown to help")


@pytest.mark.parametrize(
    ("gained", "lost", "words"),
    [(100, 70, "shown to help"), (70, 100, "shown to hurt"), (12, 8, "not shown to help"), (0, 0, "not shown to help")],
)
def test_a_gain_is_called_one_only_where_the_test_shows_it(gained: int, lost: int, words: str) -> None:
    assert Measurement("problems", change("0", "1", stayed_wrong=500, gained=gained, lost=lost)).judgement == words


def decided(path_id: str, tag: Tag, who: str = "Ada", step: str = "1", **fields: str) -> Decision:
    return Decision(path_id=path_id, problem_id="p2", step=step, round=1, tag=tag, who=who, **fields)


def test_what_people_decided_is_told_with_what_became_of_it(project: Path) -> None:
    text = "Step 1: it is 4. The answer to this problem is 4."
    said = [
        decided("a3", Tag.BAD), decided("a4", Tag.BAD), decided("a1", Tag.BAD, "Emmy"),
        decided("a2", Tag.FIXED, text=text), decided("d1", Tag.GOOD, step="0"), decided("a5", Tag.NOTE, note="later"),
        decided("z", Tag.BAD, step="2"),
    ]  # fmt: skip
    decisions.append(project, *said)
    expected = [
        Decided("Ada", "bad", "in neither mix", ["a3", "a4"]),
        Decided("Ada", "fixed", "not judged yet: `dvc repro` has the correction judged", ["a2"]),
        Decided("Ada", "good", "in both mixes", ["d1"]),
        Decided("Emmy", "bad", "still in the mix: `dvc repro` takes it out", ["a1"]),
    ]
    assert story(project, "0", "1").decisions == expected
    path = edited("a2", "p2", 1, text, "Ada")
    store.write(project / layout.edited_verdicts("orm", "1"), Verdict, [rows.verdict(path.path_id, "p2")])
    mix = [mix_row("d1", "p1", PathKind.DISTILLED, 0), mix_row(path.path_id, "p2", PathKind.EDITED)]
    store.write(project / layout.mix("1"), MixRow, mix)
    told = story(project, "0", "1")
    assert Decided("Ada", "fixed", "in the mix now", ["a2"]) in told.decisions
    assert told.rows is not None
    assert told.rows.came == [Came("edited", 1, 1)]
    assert told.noise is not None
    assert told.noise.unjudged == 0, "people's corrections have verdicts of their own"
