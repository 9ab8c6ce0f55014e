"""The presets, held to the numbers of the paper that they stand for."""

from pathlib import Path

import pytest
import yaml

from mathse import params
from mathse.loop.ask.engines.local.families import FAMILIES
from mathse.params import Params, Train
from mathse.plan.sizes import KNOWN

ROOT = Path(__file__).parents[1]
LOADED_BY_VLLM = {"qwen2_vl", "qwen2_5_vl", "internvl", "glm4v", "llava"}

TABLE_6 = {
    "qwen2-vl-7b": (1e-5, 0.1),
    "internvl2_5-8b": (2e-5, 0.03),
    "glm-4.1v-9b": (2e-5, 0.01),
}
"""Learning rate and warm-up of arXiv 2511.06805, Table 6: Qwen2-VL, InternVL2.5, and CogVLM2 for its successor."""
REVISIONS = {
    "qwen2-vl-7b": "eed13092ef92e448dd6875b2a00151bd3f7db0ac",
    "internvl2_5-8b": "543db189852edd2dbf0c0395c6afe4159cdc842f",
    "qwen2.5-vl-3b-lora": "66285546d2b821cf421d4f5eb2576359d3770cd3",
}
"""Commits that public repositories pin; of GLM-4.1V-9B-Base none was found."""
GLOBAL_BATCH, WEIGHT_DECAY = 128, 0.05
"""Of the same table, for all; AdamW, cosine schedule."""
LARGE = [*TABLE_6, "qwen2.5-vl-3b-lora"]


def preset(name: str) -> Params:
    return params.load(ROOT / "presets" / f"{name}.yaml", template=True)


def trainings(name: str) -> list[Train]:
    settings = preset(name)
    return [settings.train, settings.orm.train]


@pytest.mark.parametrize("name", ["default", "every-round", "smoke", "smoke-vllm", "real-sample"])
def test_what_runs_on_a_laptop_starts_from_the_tiny_model_of_this_repository(name: str) -> None:
    folder = ROOT / preset(name).base.source
    assert folder == ROOT / "models" / "tiny"
    assert (folder / "model.safetensors").is_file()


def test_every_preset_is_on_the_page_of_presets() -> None:
    page = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")
    for file in (ROOT / "presets").glob("*.yaml"):
        assert f"\n| `{file.stem}` |" in page


def test_reflection_in_every_round_is_a_matter_of_rows() -> None:
    default, every_round = (preset(name).model_dump() for name in ("default", "every-round"))
    differing = {section for section in default if default[section] != every_round[section]}
    assert differing == {"steps", "models", "orms", "measured"}
    asked = [step["ask"] for step in every_round["steps"].values()]
    assert asked == ["distill", "rollout", "reflect", "rollout", "reflect"]


@pytest.mark.parametrize("name", TABLE_6)
def test_table_6(name: str) -> None:
    for how in trainings(name):
        assert (how.learning_rate, how.warmup) == TABLE_6[name]
        assert (how.batch_size, how.weight_decay, how.scheduler) == (GLOBAL_BATCH, WEIGHT_DECAY, "cosine")
        assert how.matrix_learning_rate is None, "the paper trains with AdamW"
        assert how.lora is None
        assert not how.freeze_vision
        assert how.processes * how.at_once * how.accumulation == GLOBAL_BATCH


@pytest.mark.parametrize("name", LARGE)
def test_two_rounds_and_then_the_reflection(name: str) -> None:
    settings = preset(name)
    assert [step.ask for step in settings.steps.values()] == ["distill", "rollout", "rollout", "reflect"]
    assert [step.prev for step in settings.steps.values()] == ["base", "0", "1", "2"]
    assert {model.start for model in settings.models.values()} == {"base"}


@pytest.mark.parametrize("name", LARGE)
def test_the_teacher_has_a_price_and_a_cap(name: str) -> None:
    teacher = preset(name).teacher
    assert teacher.engine == "api"
    assert teacher.api is not None
    assert teacher.api.model in teacher.api.prices
    assert teacher.api.spending_cap
    assert not teacher.api.model.startswith("gpt-4o")  # leaves OpenAI's API in January 2027


@pytest.mark.parametrize("name", LARGE)
def test_decoding_is_off_the_way_and_micro_batches_are_large(name: str) -> None:
    for how in trainings(name):
        assert how.workers
        assert how.launch is None or how.accumulation <= 2, "weights are gathered twice for each"


@pytest.mark.parametrize("name", LARGE)
def test_the_base_is_of_a_known_family_and_no_commit_is_made_up(name: str) -> None:
    found = preset(name).base
    assert found.revision == REVISIONS.get(name, "FILL-IN")
    assert not found.trust_remote_code
    family = FAMILIES[KNOWN[found.source].model_type]
    assert family.limited({}, found.image.given())
    assert family.model_type in LOADED_BY_VLLM


@pytest.mark.parametrize("name", LARGE)
def test_launch_files_are_there_and_rows_fit_the_engine(name: str) -> None:
    settings = preset(name)
    for how in trainings(name):
        assert how.launch is None or (how.launch.config and (ROOT / how.launch.config).is_file())
        assert how.max_length == settings.inference.vllm.max_model_len
        assert how.max_length is not None
        assert how.max_length <= KNOWN[settings.base.source].context


def test_adapters_on_one_gpu() -> None:
    for how in trainings("qwen2.5-vl-3b-lora"):
        assert how.lora is not None
        assert how.freeze_vision
        assert (how.processes, how.at_once, how.accumulation) == (1, 1, GLOBAL_BATCH)


def test_smoke_with_vllm_differs_in_the_engine_alone() -> None:
    plain, with_vllm = preset("smoke"), preset("smoke-vllm")
    assert plain.model_copy(update={"inference": with_vllm.inference}) == with_vllm
    assert (plain.inference.engine, with_vllm.inference.engine) == ("transformers", "vllm")
    assert with_vllm.inference.vllm.eager


@pytest.mark.parametrize("file", sorted((ROOT / "presets").glob("*.yaml")), ids=lambda file: file.stem)
def test_every_key_that_a_stage_names_is_written_out(file: Path) -> None:
    """DVC reads the file, not the defaults: a nested key that it lacks ends `dvc repro`."""
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"].values()
    named = {name for stage in stages for name in stage.get("do", stage).get("params", [])}
    asked, trained = (
        (step["ask"] for step in content["steps"].values()),
        (row["by"] for row in content["models"].values()),
    )
    for name in named - {"${item.ask}", "${item.by}"} | {*asked, *trained}:
        section = content
        for part in name.split("."):
            assert part in section, f"{file.name} lacks {name}"
            section = section[part]
