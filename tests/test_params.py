"""params.yaml is read as documented; `python -m tests.test_params` writes tests/defaults.json anew."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic_core import to_jsonable_python

from mathse import params
from mathse.params import ParamsError, Section

ROOT = Path(__file__).parent.parent
STEP = {"prev": "base", "ask": "distill", "model": "base", "judge": "orm"}
TRAIN = {
    "epochs": 1, "batch_size": 4, "learning_rate": 1e-3, "warmup": 0, "weight_decay": 0, "scheduler": "cosine"
}  # fmt: skip
PRESETS = sorted((ROOT / "presets").glob("*.yaml"))
DEFAULTS = Path(__file__).with_name("defaults.json")


@pytest.fixture
def good() -> dict[Any, Any]:
    """The default params, where each model starts from the base."""
    content: dict[Any, Any] = yaml.safe_load((ROOT / "presets" / "default.yaml").read_text(encoding="utf-8"))
    del content["further"]
    content["models"] = {name: {"start": "base", "mix": name, "by": "train"} for name in content["models"]}
    return content


def load(content: object, folder: Path) -> params.Params:
    file = folder / "params.yaml"
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    return params.load(file)


def defaults() -> dict[str, Any]:
    """What holds where params.yaml does not say, by section and key."""

    def below(kind: type[Section]) -> Iterator[type[Section]]:
        for section in kind.__subclasses__():
            yield section
            yield from below(section)

    return {
        f"{section.__name__}.{key}": to_jsonable_python(field.get_default(call_default_factory=True))
        for section in below(Section)
        if section.__module__.startswith("mathse.params.")
        for key, field in section.model_fields.items()
        if not field.is_required()
    }


def test_no_default_changes_unnoticed() -> None:
    """DVC compares what params.yaml says, so a key that it leaves out would change a result and rerun no stage.

    Whoever means to change a default says so in CHANGELOG.md, with the stages to force (`dvc repro -f`), runs them for
    the committed dvc.lock, and writes the file anew.
    """
    assert defaults() == json.loads(DEFAULTS.read_text(encoding="utf-8"))


@pytest.mark.parametrize("file", PRESETS, ids=lambda file: file.stem)
def test_every_preset_loads(file: Path) -> None:
    assert params.load(file, template=True).seed >= 0


def test_the_committed_params_are_the_default_preset() -> None:
    assert (ROOT / "params.yaml").read_bytes() == (ROOT / "presets" / "default.yaml").read_bytes()


@pytest.mark.parametrize(
    ("key", "value", "named"),
    [
        ("seed", -1, "seed: "),
        ("seed", 2**31, "seed: "),
        ("seed", "one", "seed: "),
        ("compute.device", "tpu", "compute.device: "),
        ("compute.threads", 0, "compute.threads: "),
        ("problems.sources", [], "problems.sources: "),
        ("problems.sources", [{"name": "figures", "seed": 1, "train": 0, "orm": 1, "test": 1}], "sources.0.train: "),
        ("problems.max_pixels", 0, "problems.max_pixels: "),
        ("problems.sources", [{"name": "k13", "path": "x"}], "sources.0.name: Input should be 'chartqa',"),
        ("problems.sources", [{"name": "k12", "path": "x", "licence": "my own"}], "'my own' is no SPDX identifier"),
        ("problems.sources", [{"name": "k12"}], "sources.0: give either path (a local file or folder) or repository"),
        ("problems.sources", [{"name": "k12", "path": "x", "repository": "a/b"}], "sources.0: give either path"),
        ("problems.sources", [{"name": "k12", "path": "x", "revision": "0" * 40}], "revision: belongs to a repository"),
        ("problems.sources", [{"name": "k12", "repository": "a/b"}], "revision: must be the 40 hex digits of a commit"),
        ("problems.sources", [{"name": "k12", "repository": "a b", "revision": "0" * 40}], "is no `owner/name`"),
        (
            "problems.sources",
            [{"name": "k12", "path": "x"}] * 2,
            "sources.1: k12 is there twice; give this one a",
        ),
        ("problems.sources", [{"name": "k12", "path": "x", "label": "figures"}], "label: is the name of the drawn"),
        ("problems.sources", [{"name": "k12", "path": "x", "label": "../x"}], "sources.0.label: "),
        ("problems.sources", [{"name": "k12", "path": "x", "weight": 2}], "sources.0.weight: "),
        (
            "problems.sources",
            [{"name": "k12", "path": "x", "split": {"train": 0.5}}],
            "must add up to 1, but are 0.5",
        ),
        (
            "problems.sources",
            [{"name": "k12", "path": "x", "filter": {"min_level": 3, "max_level": 2}}],
            "no row would",
        ),
        (
            "problems.sources",
            [{"name": "figures", "seed": 1, "train": 1, "orm": 1, "test": 1}] * 2,
            "give this one another",
        ),
        ("distill.recorded", [{"name": "k12", "path": "x"}], "distill.recorded.0.name: "),
        ("base", {"build": "figures"}, "base.from: Field required"),
        ("base.fingerprint", "ab" * 20, "base.fingerprint: String should match pattern"),
        ("base.fingerprint", "AB" * 16, "base.fingerprint: String should match pattern"),
        ("base", {"from": "example/model"}, "base: revision: must be the 40 hex digits of a commit; `git ls-remote"),
        ("base", {"from": "example/model", "revision": "main"}, "base: revision: must be the 40 hex digits"),
        ("base", {"from": "example/model", "revision": "AB" * 20}, "base: revision: must be the 40 hex digits"),
        ("base", {"from": "model", "revision": "ab" * 20}, "base: from: neither a hub id"),
        ("base", {"from": "./model", "revision": "ab" * 20}, "base: revision: belongs to a hub id"),
        ("base", {"from": ""}, "base.from: "),
        ("base", {"from": "./model", "seed": 3}, "base.seed: Extra inputs"),
        ("base", {"from": "./model", "image": {"max_pixels": 0}}, "base.image.max_pixels: "),
        ("base", {"from": "./model", "trust_remote_code": "perhaps"}, "base.trust_remote_code: "),
        ("inference", {"engine": "vllm", "vllm": {"batch_invariant": True}}, "inference.vllm.batch_invariant: needs"),
        ("inference", {"ray": {"actors": 0}}, "inference.ray.actors: "),
        ("teacher", {"engine": "api"}, "teacher: api: must be given"),
        ("student.engine", "replay", "student: replay: must be given"),
        ("teacher.mistake_rate", 1.1, "teacher.mistake_rate: "),
        ("student.prompt", "solve brief", "student.prompt: "),
        ("student.batch_sise", 8, "student.batch_sise: "),
        ("orm.held_out", 1.0, "orm.held_out: "),
        ("orm.temperature", 0, "orm.temperature: "),
        ("orm.train.warmup", 1, "orm.train.warmup: "),
        ("orm.train.scheduler", "cosin", "orm.train.scheduler: "),
        ("judge.reference", "perhaps", "judge.reference: "),
        ("distill.fraction", 0, "distill.fraction: "),
        ("steps", {}, "steps: "),
        ("steps", {"0": STEP, 1: STEP}, "steps.1: put the key in quotes"),
        ("steps.1.prev", "2", "steps.1.prev: there is no '2' at this place; known: base, 0"),
        ("steps.1.ask", "guess", "steps.1.ask: "),
        ("steps.1.model", "3", "steps.1.model: there is no '3'"),
        ("steps.1.judge", "me", "steps.1.judge: there is no 'me'"),
        ("steps.0.model", "1", "steps.0 needs models.1 needs steps.1 needs steps.0: name an earlier"),
        ("models", {}, "models: "),
        ("models.1", {"start": "base"}, "models.1.mix: Field required"),
        ("models.1.mix", "9", "models.1.mix: there is no '9' at this place; known: 0, 1, 2, final"),
        ("models.1.mix", "final", "steps.2 needs models.1 needs steps.final needs steps.2: name an earlier"),
        ("models.1.by", "distill", "models.1.by: "),
        ("models.1.by", "further", "models.1.by: there is no section `further`; add one beside `train`"),
        ("models.1.by", "prefer", "add one beside `train`, with its keys: `prefer: {method: dpo, epochs: ..., "),
        ("prefer", TRAIN, "prefer.method: only dpo learns from preferences; write `method: dpo`"),
        (
            "train.optimizer",
            "kept",
            "train.optimizer: kept, but student starts from a model without a state: `start: b",
        ),
        ("models.orm", {"start": "base", "mix": "1", "by": "train"}, "models.orm: the name is taken"),
        ("rollout.temperature", 9, "rollout.temperature: Input should be less than or equal to 5 (found 9)"),
        ("rollout.temperature", "hot", "rollout.temperature: Input should be a valid number"),
        ("rollout.temperature", [0.7], "rollout.temperature: Input should be a valid number"),
        ("models.1.start", "3", "models.1.start: there is no '3'"),
        ("models.1.start", "final", "name an earlier model or judge"),
        ("orms", {}, "orms: "),
        ("orms.base", {"student": "student", "start": "base"}, "orms.base: the name is taken"),
        ("orms.final", {"student": "student", "start": "base"}, "orms.final: the name is taken"),
        ("orms.orm.student", "final", "name an earlier model or judge"),
        ("measured", ["base", "3"], "measured.1: there is no '3'"),
        ("rounds", {"1": {"prev": 0}}, "rounds: a round is a row of `steps`"),
        ("reflect.after", 1, "reflect.after: reflection is a row of `steps`"),
        ("train.start_from", "previous", "train.start_from: each row of `models` has its `start`"),
        ("rollout.top_p", 0, "rollout.top_p: "),
        ("mix.parameters", {"max": [1]}, "mix.parameters.max"),
        ("reflect.scope", "some", "reflect.scope: "),
        ("train.max_steps", -2, "train.max_steps: "),
        ("train.weight_decay", 2, "train.weight_decay: "),
        ("evaluate.batch_size", 0, "evaluate.batch_size: "),
        ("nonsense", 1, "nonsense: "),
    ],
)
def test_a_broken_value_is_named(good: dict[Any, Any], tmp_path: Path, key: str, value: object, named: str) -> None:
    broken = copy.deepcopy(good)
    *sections, last = key.split(".")
    inner = broken
    for section in sections:
        inner = inner[section]
    inner[last] = value
    with pytest.raises(ParamsError) as error:
        load(broken, tmp_path)
    assert named in str(error.value)
    assert str(tmp_path / "params.yaml") in str(error.value)


def test_a_base_is_a_folder_or_a_pinned_model_of_the_hub(good: dict[Any, Any], tmp_path: Path) -> None:
    tiny = load(good, tmp_path)
    assert (tiny.base.source, tiny.base.is_folder, tiny.trust_remote_code) == ("./models/tiny", True, False)
    pinned = {"from": "example/model", "revision": "ab" * 20}
    fetched = load({**good, "base": pinned}, tmp_path)
    assert (fetched.base.source, fetched.base.is_folder, fetched.trust_remote_code) == ("example/model", False, False)
    for source in ({"from": "../model"}, pinned):
        held = load({**good, "base": {**source, "fingerprint": "ab" * 16}}, tmp_path)
        assert held.base.fingerprint == "ab" * 16
    trusted = load({**good, "base": {"from": "../model", "trust_remote_code": True}}, tmp_path)
    assert trusted.trust_remote_code


def test_a_revision_left_open_is_for_presets_alone(good: dict[Any, Any], tmp_path: Path) -> None:
    content = {**good, "base": {"from": "example/model", "revision": params.FILL_IN}}
    with pytest.raises(
        ParamsError, match=r"base\.revision: .*`git ls-remote https://huggingface.co/example/model HEAD`"
    ):
        load(content, tmp_path)
    assert params.load(tmp_path / "params.yaml", template=True).base == params.Pretrained.model_validate(
        content["base"]
    )


def test_several_models_can_be_trained_on_one_mix_each_as_its_section_says(
    good: dict[Any, Any], tmp_path: Path
) -> None:
    good["models"]["1p"] = {"start": "1", "mix": "1", "by": "prefer"}
    good["models"]["2"] = {"start": "1p", "mix": "2", "by": "further"}
    good |= {"further": {**TRAIN, "epochs": 3}, "prefer": {**TRAIN, "method": "dpo"}}
    settings = load(good, tmp_path)
    assert settings.recipe("1p") == ("1", "1", "prefer")
    assert settings.recipe("student") == ("base", "student", "train")
    assert settings.recipe("orm") == ("student", "orm", "orm.train")
    assert list(settings.trainings) == ["train", "orm.train", "further", "prefer"]
    assert settings.trainings[settings.recipe("2").by].epochs == 3
    good["further"]["optimizer"] = "kept"
    with pytest.raises(
        ParamsError, match=r"further\.optimizer: kept, but 2 starts from .*`keep_optimizer: true` in `prefer`"
    ):
        load(good, tmp_path)
    good["models"]["2"]["start"] = "3"
    with pytest.raises(ParamsError, match=r"models\.2\.start: there is no '3' at this place"):
        load(good, tmp_path)
    good["models"]["2"]["start"] = "2"
    with pytest.raises(ParamsError, match=r"models\.2 needs models\.2: name an earlier model"):
        load(good, tmp_path)
    good["models"]["2"]["start"] = "1p"
    good["prefer"]["keep_optimizer"] = True
    assert load(good, tmp_path).trainings["further"].optimizer == "kept"
    del good["models"]["1p"], good["further"]["optimizer"]
    good["models"]["2"]["start"] = "1"
    assert list(load(good, tmp_path).trainings) == ["train", "orm.train", "further"], "what no model names asks nothing"


@pytest.mark.parametrize("section", sorted(n for n, f in params.Params.model_fields.items() if f.is_required()))
def test_a_missing_section_is_named(good: dict[Any, Any], tmp_path: Path, section: str) -> None:
    del good[section]
    with pytest.raises(ParamsError, match=f"{section}: Field required"):
        load(good, tmp_path)


def test_all_errors_are_told_at_once(good: dict[Any, Any], tmp_path: Path) -> None:
    good["seed"], good["judge"]["batch_size"] = -1, 0
    with pytest.raises(ParamsError) as error:
        load(good, tmp_path)
    assert len(str(error.value).splitlines()) == 2


@pytest.mark.parametrize("content", ["seed: [", "- a list", "", "seed: 1\n\tcompute: 2"])
def test_what_is_no_mapping_is_an_error(tmp_path: Path, content: str) -> None:
    file = tmp_path / "params.yaml"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(ParamsError, match=r"params\.yaml: "):
        params.load(file)


def test_bytes_that_are_no_text_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ParamsError, match="not valid YAML"):
        params.load(tmp_path / "params.yaml")


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match="mathse preset default"):
        params.load(tmp_path / "params.yaml")


def test_a_source_may_leave_its_revision_open_in_a_preset_only(good: dict[Any, Any], tmp_path: Path) -> None:
    good["problems"]["sources"].append({"name": "k12", "repository": "a/b", "revision": params.FILL_IN})
    with pytest.raises(ParamsError, match=r"problems\.sources\.1\.revision: put in a commit's 40 hex digits; `git"):
        load(good, tmp_path)
    assert params.load(tmp_path / "params.yaml", template=True).problems.sources[1].source == "k12"


@pytest.mark.parametrize(
    ("temperatures", "said"),
    [
        ({"1": 0.7}, r"rollout\.temperature\.2: step '2' rolls out; give it a temperature"),
        ({"1": 0.7, "2": 1.0, "final": 1.0}, r"rollout\.temperature\.final: no step of this name rolls out"),
        ({"1": 0.7, "2": 9.0}, r"rollout\.temperature\.2: Input should be less than or equal to 5"),
    ],
)
def test_temperatures_are_given_for_all_rollouts_and_nothing_else(
    good: dict[Any, Any], temperatures: dict[str, float], said: str, tmp_path: Path
) -> None:
    good["rollout"]["temperature"] = temperatures
    with pytest.raises(ParamsError, match=said):
        load(good, tmp_path)


if __name__ == "__main__":
    DEFAULTS.write_text(json.dumps(defaults(), indent=1, sort_keys=True) + "\n", encoding="utf-8")
