"""What steps and models are called, in the default loop, in one with two reflections, and without params."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from mathse.params import Params
from mathse.report import names
from mathse.report.names import Names

ROOT = Path(__file__).parents[2]
MODEL = {"start": "base", "mix": "0", "by": "train"}
EVERY_ROUND: dict[str, Any] = {
    "steps": {
        "0": {"prev": "base", "ask": "distill", "model": "base", "judge": "orm"},
        "a": {"prev": "0", "ask": "rollout", "model": "0", "judge": "orm"},
        "ar": {"prev": "a", "ask": "reflect", "model": "0", "judge": "orm"},
        "b": {"prev": "ar", "ask": "rollout", "model": "ar", "judge": "orm2"},
        "br": {"prev": "b", "ask": "reflect", "model": "ar", "judge": "orm2"},
    },
    "models": {name: {**MODEL, "mix": name} for name in ("0", "ar", "br")},
    "orms": {"orm": {"student": "student", "start": "base"}, "orm2": {"student": "ar", "start": "base"}},
    "measured": ["base", "0", "ar", "br"],
    "evaluate": {"batch_size": 8},
}


def loop(**changed: Any) -> Names:
    content = yaml.safe_load((ROOT / "presets" / "default.yaml").read_text(encoding="utf-8"))
    return Names(Params.model_validate({**content, **changed}))


def test_the_default_loop_has_the_names_of_the_papers_table() -> None:
    known = loop()
    titles = [known.title(model) for model in ("base", "0", "1", "2", "final", "student")]
    assert titles == ["base", "+ distilled", "+ round 1", "+ round 2", "+ reflection", "student"]
    headings = [known.heading(step) for step in ("student", "orm", "1")]
    assert headings == ["lessons of the student", "ORM data", "round 1"]


def test_two_reflections_say_after_which_round() -> None:
    known = loop(**EVERY_ROUND)
    assert [known.title(step) for step in EVERY_ROUND["steps"]] == [
        "+ distilled", "+ round 1", "+ reflection after round 1", "+ round 2", "+ reflection after round 2"
    ]  # fmt: skip
    assert known.heading("orm2") == "data of orm2"


def test_steps_that_would_be_called_alike_have_their_names_beside() -> None:
    steps = {**EVERY_ROUND["steps"], "b2": EVERY_ROUND["steps"]["b"], "br2": EVERY_ROUND["steps"]["br"]}
    known = loop(**{**EVERY_ROUND, "steps": steps})
    headings = [known.heading(step) for step in steps]
    assert len(set(headings)) == len(headings)
    assert (known.heading("b2"), known.heading("br2")) == ("round 2 (b2)", "reflection after round 2 (br2)")


def test_the_order_is_that_of_params_then_numbers_then_names() -> None:
    known = loop(**EVERY_ROUND)
    mixed = ["x", "10", "br", "9", "0", "ar", "orm2", "student", "base"]
    assert known.order(mixed) == ["base", "student", "orm2", "0", "ar", "br", "9", "10", "x"]
    assert Names(None).order(["final", "10", "2", "base", "0"]) == ["base", "0", "2", "10", "final"]


def test_models_of_one_mix_are_told_apart_and_stand_beside_it() -> None:
    models = loop().settings.model_dump()["models"]  # type: ignore[union-attr]
    further = {"start": "1", "mix": "1", "by": "train"}
    content = yaml.safe_load((ROOT / "presets" / "default.yaml").read_text(encoding="utf-8"))
    prefer = {**content["train"], "method": "dpo"}
    models |= {"1p": {**further, "by": "prefer"}, "1b": further, "1c": further}
    known = loop(models=models, prefer=prefer)
    assert [known.title(name) for name in ("1", "1p", "1b", "1c", "2")] == [
        "+ round 1", "+ round 1, preferences", "+ round 1 (1b)", "+ round 1 (1c)", "+ round 2"
    ]  # fmt: skip
    assert known.order(["2", "1c", "1p", "1", "0"]) == ["0", "1", "1p", "1c", "2"]
    assert (known.mix("1p"), known.mix("orm"), known.mix("base")) == ("1", "orm", "base")
    assert (known.models_of("1"), known.models_of("student")) == (["1", "1p", "1b", "1c"], ["student"])


def test_a_model_by_another_name_than_its_step_is_called_after_the_step() -> None:
    models = {**EVERY_ROUND["models"], "last": {**MODEL, "mix": "br"}}
    del models["br"]
    known = loop(**{**EVERY_ROUND, "models": models, "measured": ["last"]})
    assert known.title("last") == "+ reflection after round 2"


@pytest.mark.parametrize(
    ("name", "default", "every_round"),
    [
        ("mix@0", "mix_0", "mix_0"),
        ("mix@final", "mix_final", "mix_br"),
        ("mix@orm", "mix_orm", "mix_orm"),
        ("mix@student", "mix_student", "mix_student"),
        ("orm_mix", "mix_orm", "mix_orm"),
        ("student_mix", "mix_student", "mix_student"),
        ("student_paths", "paths_student", "paths_student"),
        ("paths@distill", "paths_0", "paths_0"),
        ("distill_paths", "paths_0", "paths_0"),
        ("paths@1", "paths_1", "paths_a"),
        ("round_1_verdicts", "verdicts_1", "verdicts_a"),
        ("round_2_paths", "paths_2", "paths_b"),
        ("verdicts@reflect", "verdicts_final", "verdicts_br"),
        ("reflect_paths", "paths_final", "paths_br"),
        ("eval@final", "predictions_final", "predictions_br"),
        ("predictions@base", "predictions_base", "predictions_base"),
        ("eval_base", "predictions_base", "predictions_base"),
        ("eval_0", "predictions_0", "predictions_0"),
        ("paths@orm", "orm_paths", "orm_paths"),
        ("orm_paths", "orm_paths", "orm_paths"),
        ("verdicts@orm2", "verdicts_orm2", "orm2_verdicts"),
        ("feedback@orm", "orm_feedback", "orm_feedback"),
        ("feedback", "orm_feedback", "orm_feedback"),
        ("held_out", "orm_held_out", "orm_held_out"),
        ("remaining@base", "remaining_base", "remaining_base"),
        ("paths_1", "paths_1", "paths_a"),
        ("problems", "problems", "problems"),
        ("mix@../../secret", "mix@../../secret", "mix@../../secret"),
    ],
)
def test_a_name_of_today_or_before_is_a_view(name: str, default: str, every_round: str) -> None:
    assert loop().view(name) == default
    assert Names(None).view(name) == default
    assert loop(**EVERY_ROUND).view(name) == every_round


@pytest.mark.parametrize(
    ("step", "before"),
    [("0", ("distill", "0")), ("b", ("rounds/2", "2")), ("br", ("reflect", "final")), ("base", ("base", "base"))],
)
def test_a_step_knows_what_it_was_called(step: str, before: tuple[str, str]) -> None:
    assert loop(**EVERY_ROUND).before(step) == before
    assert Names(None).before("2") == ("rounds/2", "2")


def test_an_orm_by_another_name_answers_to_the_old_one() -> None:
    orms = {"judge": {"student": "student", "start": "base"}}
    models = {"0": MODEL}
    steps = {"0": {"prev": "base", "ask": "distill", "model": "base", "judge": "judge"}}
    known = loop(steps=steps, orms=orms, models=models, measured=["0"])
    assert (known.view("orm_feedback"), known.view("orm_mix")) == ("judge_feedback", "mix_judge")
    assert known.view("verdicts@reflect") == "verdicts_reflect", "there is no reflection"


def test_params_that_cannot_be_read_leave_the_default_loop(tmp_path: Path) -> None:
    assert names.of(tmp_path).settings is None
    (tmp_path / "params.yaml").write_text("rounds: 3")
    assert names.of(tmp_path).settings is None
    assert [Names(None).title(name) for name in ("base", "0", "1", "final", "x")] == [
        "base", "+ distilled", "+ round 1", "+ reflection", "x"
    ]  # fmt: skip
