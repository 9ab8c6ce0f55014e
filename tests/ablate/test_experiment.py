"""Experiments as files: what they may say, what their variants make of params, and what is refused."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from mathse import cli
from mathse.ablate.experiment import SHIPPED, Experiment, ExperimentError, find, laid_over, shipped
from mathse.ablate.pipeline import keys
from mathse.ablate.run import ANY

ROOT = Path(__file__).parents[2]
CONTENT: dict[str, Any] = yaml.safe_load((ROOT / "presets" / "default.yaml").read_text(encoding="utf-8"))
PRESETS = ("default", "qwen2-vl-7b")
REFUSED = {
    ("start", "qwen2-vl-7b", "kept"): "the state lies in shards",
    ("preferences", "qwen2-vl-7b", "prefer"): "DPO trains whole copies of the model",
}
"""What a model that is trained in shards cannot do."""
OTHER_ORMS = {"table5": 3, "no_gold": 2, "start": 2}
"""Experiments that train several ORMs: what they learn is the question, or the student that they start from is another
(`train` is its section too, so that with model 0 it keeps the optimizer's state)."""


def experiment(**changes: Any) -> Experiment:
    plain = {"name": "plain", "title": "as it is", "measured": ["final"]}
    content = {"title": "t", "source": "s", "question": "q?", "baseline": "plain", "variants": [plain]}
    return Experiment.model_validate({**content, **changes})


def variant(**changes: Any) -> dict[str, Any]:
    return {"name": "other", "title": "another", "measured": ["final"], **changes}


class Run:
    train_problems = 1000

    def rows_of(self, model: str) -> int:
        return {"2": 436}[model]

    def teacher_calls_of(self, model: str) -> int:
        return {"2": 200}[model]


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("name", sorted(file.stem for file in SHIPPED.glob("*.yaml")))
def test_every_shipped_experiment_fits_the_default_and_a_real_backbone(name: str, preset: str) -> None:
    _, chosen = find(name)
    content = yaml.safe_load((ROOT / "presets" / f"{preset}.yaml").read_text(encoding="utf-8"))
    for variant in chosen.variants:
        if refusal := REFUSED.get((name, preset, variant.name)):
            with pytest.raises(ExperimentError, match=f"{name}: {variant.name}: .*{refusal}"):
                laid_over(content, name, variant, 3, ANY)
            continue
        changed, settings = laid_over(content, name, variant, 3, ANY)
        assert settings.seed == 3
        assert changed["measured"] == [row.model for row in variant.measured]


@pytest.mark.parametrize("name", sorted(file.stem for file in SHIPPED.glob("*.yaml")))
def test_only_variants_that_teach_the_orm_otherwise_train_it_again(name: str) -> None:
    _, chosen = find(name)
    runs = [laid_over(CONTENT, name, variant, baseline=ANY)[0] for variant in chosen.variants]
    orms = {keys(ROOT, content, "train_orm@orm")["train_orm@orm"] for content in runs}
    assert len(orms) == OTHER_ORMS.get(name, 1)


def test_a_variant_without_params_is_the_run_itself() -> None:
    changed, _ = laid_over(CONTENT, "e", experiment().variants[0])
    assert changed == {**CONTENT, "measured": ["final"]}


def test_keys_are_paths_and_sections_are_replaced_whole() -> None:
    steps = {"0": {"prev": "base", "ask": "distill", "model": "base", "judge": "orm"}}
    chosen = experiment(
        variants=[variant(name="plain"), variant(params={"reflect.feedback": "none", "train.epochs": 2})]
    )
    changed, settings = laid_over(CONTENT, "e", chosen.variants[1])
    assert settings.reflect.feedback == "none"
    assert changed["reflect"] == CONTENT["reflect"] | {"feedback": "none"}
    assert changed["train"] == CONTENT["train"] | {"epochs": 2}
    cut = variant(params={"steps": steps, "models": {"0": CONTENT["models"]["0"]}}, measured=["0"])
    changed, settings = laid_over(CONTENT, "e", Experiment.model_validate(raw(cut, baseline="other")).variants[0])
    assert list(settings.steps) == list(settings.models) == ["0"]
    assert CONTENT["reflect"]["feedback"] == "orm", "the run's own params were changed"


def raw(*variants: dict[str, Any], baseline: str = "plain") -> dict[str, Any]:
    return {"title": "t", "source": "s", "question": "q?", "baseline": baseline, "variants": list(variants)}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"rows_of": "2"}, 436),
        ({"teacher_calls_of": "2"}, 200),
        ({"teacher_calls_of": "2", "per": "train"}, 0.2),
    ],
)
def test_a_value_may_follow_from_the_baseline(value: object, expected: float) -> None:
    key = "distill.fraction" if expected < 1 else "mix.parameters.max_rows"
    chosen = experiment(variants=[variant(name="plain", measured=["2"]), variant(params={key: value}, measured=["2"])])
    assert [each.needs_baseline for each in chosen.variants] == [False, True]
    changed, _ = laid_over(CONTENT, "e", chosen.variants[1], baseline=Run())
    section, *_, last = key.split(".")
    assert (changed[section].get("parameters") or {}).get(last, changed[section].get(last)) == expected
    with pytest.raises(ExperimentError, match=rf"e: other: {key}: takes a number from the baseline's run"):
        laid_over(CONTENT, "e", chosen.variants[1])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"of": "train.epochs", "times": 0.5}, 5),
        ({"of": "train.epochs", "times": 0.25}, 2.5),
        ({"of": "train.epochs", "times": 0.5, "unless": {"train.batch_size": 8}}, 5),
        ({"of": "train.epochs", "times": 0.5, "unless": {"train.batch_size": 16, "seed": 1}}, 10),
        ({"of": "judge.prompt", "version": 7}, "judge-brief@7"),
        ({"of": "judge.prompt", "after": 1}, "judge-brief@6"),
        ({"of": "rollout", "with": {"samples": {"of": "distill.samples", "times": 3}}}, None),
    ],
)
def test_a_value_may_follow_from_the_params_themselves(value: dict[str, Any], expected: object) -> None:
    key = {"train.epochs": "train.epochs", "judge.prompt": "judge.prompt", "rollout": "rollout"}[value["of"]]
    chosen = experiment(variants=[variant(name="plain"), variant(params={key: value})])
    content = CONTENT | {"train": CONTENT["train"] | {"epochs": 10, "batch_size": 16}}
    changed, _ = laid_over(content, "e", chosen.variants[1])
    section, _, last = key.partition(".")
    assert (changed[section][last] if last else changed[section]) == (
        CONTENT["rollout"] | {"samples": 3} if expected is None else expected
    )


@pytest.mark.parametrize("target", ["full", "checks"])
def test_prompts_are_those_of_the_orms_target_whichever_the_run_has(target: str) -> None:
    prompt, tokens = {"full": ("judge-brief@1", 64), "checks": ("judge-brief@5", 160)}[target]
    content = CONTENT | {
        "orm": CONTENT["orm"] | {"target": target},
        "judge": CONTENT["judge"] | {"prompt": prompt, "max_new_tokens": tokens},
    }
    asked = {}
    for name in ("table5", "no_gold"):
        for variant in find(name)[1].variants:
            settings = laid_over(content, name, variant)[1]
            asked[variant.name] = settings.orm.target, settings.judge.prompt
            assert settings.judge.max_new_tokens >= (160 if settings.orm.target == "checks" else 64)
            if variant.name == target:
                changed, _ = laid_over(content, name, variant)
                assert changed == content | {"measured": ["base"]}, "the run itself, of which all is cached"
    assert asked == {
        "full": ("full", "judge-brief@1"),
        "verdict": ("verdict", "judge-brief@1"),
        "checks": ("checks", "judge-brief@5"),
        "gold": (target, prompt),
        "no-gold": (target, {"full": "judge-brief@2", "checks": "judge-brief@6"}[target]),
    }


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"reflect.fedback": "none"}, "e: other: reflect.fedback: Extra inputs are not permitted"),
        ({"refelct": {}}, "e: other: refelct: Extra inputs are not permitted"),
        ({"reflect.feedback": "all"}, "e: other: reflect.feedback: Input should be 'orm', 'teacher' or 'none'"),
        ({"seed.x": 1}, "e: other: seed.x: seed is a value and has no keys"),
        ({"train.epochs": {"rows_of": "2", "teacher_calls_of": "2"}}, "train.epochs: must ask for one thing"),
        ({"train.epochs": {"of": "train.epoch", "times": 2}}, "the params have no 'train.epoch' from which that could"),
        (
            {"train.epochs": {"of": "train.epoch", "times": 2, "unless": {"seed": 1}}},
            "the params have no 'train.epoch'",
        ),
        ({"train": {"of": "train", "wiht": {}}}, "e: other: train.wiht: Extra inputs are not permitted"),
        ({"train.epochs": {"rows_of": "2", "per": "test"}}, r"e: other: train.epochs.per: Input should be 'train'"),
    ],
)
def test_what_params_do_not_have_is_named_with_its_variant(params: dict[str, Any], message: str) -> None:
    chosen = experiment(variants=[variant(name="plain", measured=["2"]), variant(params=params, measured=["2"])])
    with pytest.raises(ExperimentError, match=message):
        laid_over(CONTENT, "e", chosen.variants[1], baseline=Run())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"baseline": "another"}, "there is no variant 'another'; there are plain"),
        ({"variants": [variant(name="plain"), variant(name="plain")]}, "plain: defined twice"),
        (
            {"variants": [variant(name="plain"), variant(measured=["2"])]},
            "variants: other: measured: the baseline does not measure '2'; add it there, or say `against`: final",
        ),
        (
            {"variants": [variant(name="plain"), variant(params={"mix.parameters": {"max_rows": {"rows_of": "3"}}})]},
            "variants: other: params: asks for the numbers of model '3', which the baseline does not measure; it "
            "measures final",
        ),
        (
            {"variants": [variant(name="plain", params={"distill.fraction": {"teacher_calls_of": "final"}})]},
            "variants: plain: the baseline cannot take numbers from its own run",
        ),
        ({"variants": [variant(name="plain", parms={})]}, "variants.0.parms: Extra inputs are not permitted"),
    ],
)
def test_a_file_that_is_not_in_order_says_where(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump({**raw(variant(name="plain")), **changes}))
    with pytest.raises(ExperimentError, match=message) as refused:
        find(str(file))
    assert str(refused.value).startswith(f"{file}: ")


def test_names_are_known(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["ablate"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(shipped())
    assert cli.main(["-C", str(ROOT), "ablate", "table9"]) == cli.USER_ERROR
    assert "no experiment is called 'table9'; there are " in capsys.readouterr().err
    assert cli.main(["-C", str(ROOT), "ablate", "nowhere.yaml"]) == cli.USER_ERROR
    assert "nowhere.yaml: not found" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("table3.yaml", "an experiment of MathSE is called table3, and has results; rename the file"),
        ("my experiment.yaml", "rename the file: its runs are named after it"),
        ("实验.yaml", "rename the file: its runs are named after it"),
    ],
)
def test_a_file_is_named_so_that_its_runs_can_be(name: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / name
    file.write_text(yaml.safe_dump(raw(variant(name="plain"))), encoding="utf-8")
    with pytest.raises(ExperimentError, match=message):
        find(str(file))
    fine = file.rename(tmp_path / "mine-2.yaml")
    assert find(str(fine))[0] == "mine-2"
    assert find(str(SHIPPED / "table3.yaml")) == find("table3")


def test_without_gold_answers_nothing_that_has_them_chooses_rows() -> None:
    for variant in find("no_gold")[1].variants:
        assert laid_over(CONTENT, "no_gold", variant)[1].mix.require == "orm", "the rule grader has the gold answer"


def test_preferences_are_learnt_after_a_round_and_after_the_reflection() -> None:
    sft, prefer = (laid_over(CONTENT, "preferences", each)[1] for each in find("preferences")[1].variants)
    added = {name: model for name, model in prefer.models.items() if name not in sft.models}
    assert {name: (model.start, model.mix, model.by) for name, model in added.items()} == {
        "1p": ("1", "1", "prefer"),
        "finalp": ("final", "final", "prefer"),
    }
    assert sft.models == laid_over(CONTENT, "e", experiment().variants[0])[1].models, "trained as in the run itself"
