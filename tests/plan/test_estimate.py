"""The estimate of a run: held to what trainings really saw, to arithmetic done by hand, and to its own page."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from mathse import cli
from mathse.params import ParamsError, Train
from mathse.plan import estimate, sizes
from mathse.plan.estimate import Plan, PlanError, plan
from mathse.plan.options import GPUS, Options
from mathse.plan.sizes import KNOWN, SizeUnknown
from mathse.plan.text import render
from tests.report.test_names import EVERY_ROUND

ROOT = Path(__file__).parents[2]
REPORTS = ROOT / "reports" / "training"
SEVEN = KNOWN["Qwen/Qwen2-VL-7B-Instruct"]
FULL = Train(
    epochs=1, batch_size=128, learning_rate=1e-5, warmup=0.1, weight_decay=0.05, scheduler="cosine", per_device=2
)
PREFERRING = Train(**{**FULL.model_dump(), "method": "dpo"})


@pytest.fixture(scope="module")
def tiny() -> Plan:
    """The default run, as it lies in this repository."""
    return plan(None, ROOT, Options())


@pytest.fixture(scope="module")
def seven() -> Plan:
    return plan("qwen2-vl-7b", ROOT, Options(gpu_hour_price=2.0))


def trained(name: str) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((REPORTS / f"{name}.json").read_text(encoding="utf-8"))
    return report


def test_the_tokens_of_model_0_are_those_it_was_trained_on(tiny: Plan) -> None:
    planned = {one.name: one for one in tiny.trainings}["0"]
    assert planned.tokens == pytest.approx(trained("0")["tokens"], rel=0.15)
    assert planned.steps == pytest.approx(trained("0")["steps"], rel=0.15)


@pytest.mark.parametrize("name", ["student", "0", "1", "2", "final", "orm"])
def test_a_training_row_has_the_tokens_it_really_had(tiny: Plan, name: str) -> None:
    planned = {one.name: one for one in tiny.trainings}[name]
    report = trained(name)
    epochs = round(report["epochs"])
    expected, real = (work["tokens"] / work["rows"] / epochs for work in (vars(planned), report))
    if name in ("1", "2"):  # own rows are of problems that were solved, which the plan cannot know: the shorter ones
        assert 0.9 * expected < real <= expected
    else:
        assert expected == pytest.approx(real, rel=0.05)


def test_a_run_on_the_cpu_names_no_hours(tiny: Plan) -> None:
    assert tiny.gpu_hours == 0
    assert "hours   not estimated: compute.device is cpu" in render(tiny)
    assert tiny.size.parameters == pytest.approx(1.52e6, rel=0.01)


def test_requests_follow_from_params(seven: Plan) -> None:
    asked = {(one.step, one.by): one.number for one in seven.requests}
    assert asked["distill", "teacher"] == asked["judge distill", "orm"] == 9600
    assert asked["rollout 1", "student"] == 4 * (24_000 - round(0.8 * 9600)) == 65_280
    assert asked["rollout 2", "student"] == round(0.6 * 65_280)
    assert asked["ORM paths", "student"] == asked["ORM paths", "teacher"] == 5000
    assert asked["evaluate", "student"] == 5 * 2000
    rows = {one.name: one.rows for one in seven.trainings}
    assert rows["0"] == 7680 < rows["1"] < rows["2"] < rows["final"] < 24_000


def test_an_image_counts_by_the_familys_rule_within_the_bases_limits(seven: Plan) -> None:
    asked = seven.means.solve_in - plan("qwen2.5-vl-3b-lora", ROOT, Options()).means.solve_in
    assert asked == 0  # 256 tokens an enlarged figure in both
    tiled = plan("internvl2_5-8b", ROOT, Options()).means.solve_in
    assert tiled - seven.means.solve_in == 258 - 256


def test_money_is_tokens_by_their_price(seven: Plan) -> None:
    taught = [one for one in seven.requests if one.by == "teacher"]
    by_hand = sum(0.1 * one.prompt_tokens + 0.5 * one.completion_tokens for one in taught) / 1e6
    assert seven.api_cost == pytest.approx(by_hand)
    assert seven.gpu_cost == pytest.approx(2 * seven.gpu_hours)


def test_gpu_hours_by_hand(seven: Plan) -> None:
    final = seven.trainings[-1]
    assert final.gpu_hours == pytest.approx(6 * SEVEN.parameters * final.tokens / (989e12 * 0.35) / 3600)
    rollout = next(one for one in seven.requests if one.step == "rollout 1")
    assert seven.tokens_per_second is not None
    assert seven.tokens_per_second == pytest.approx(2500 * 8e9 / SEVEN.parameters)
    reading = 2 * SEVEN.parameters * rollout.prompt_tokens / (989e12 * 0.5)
    writing = rollout.completion_tokens / seven.tokens_per_second
    assert rollout.gpu_hours == pytest.approx((reading + writing) / 3600)


def test_options_change_what_they_name(seven: Plan) -> None:
    other = plan("qwen2-vl-7b", ROOT, Options(mfu=0.7, tokens_per_second=1000, kept=0.5, path_chars=1600))
    assert other.means.path == pytest.approx(2 * seven.means.path, rel=0.01)
    assert other.tokens_per_second == 1000
    assert other.trainings[2].rows == 4800
    final = other.trainings[-1]
    assert final.gpu_hours == pytest.approx(6 * SEVEN.parameters * final.tokens / (989e12 * 0.7) / 3600)


def test_memory_of_full_training_and_of_adapters() -> None:
    alone = estimate.memory(FULL, SEVEN, 1000)
    assert alone["weights, gradients, Adam"] == pytest.approx(16 * SEVEN.parameters / 2**30)
    assert alone["reference model"] == 0
    preferring = estimate.memory(PREFERRING, SEVEN, 1000)
    assert preferring["reference model"] == pytest.approx(4 * SEVEN.parameters / 2**30)
    assert preferring["activations"] == 2 * alone["activations"]
    by_adapters = Train(**{**PREFERRING.model_dump(), "lora": {"rank": 16}})
    assert estimate.memory(by_adapters, SEVEN, 1000)["reference model"] == 0
    sharded = Train(**{**FULL.model_dump(), "launch": {"processes": 8, "config": "x.yaml"}})
    assert estimate.memory(sharded, SEVEN, 1000)["weights, gradients, Adam"] * 8 == pytest.approx(
        alone["weights, gradients, Adam"]
    )
    shared = estimate.memory(sharded, SEVEN, 1000)
    assert alone["output layer, whole"] == shared["bfloat16 copy"] == 0
    assert shared["output layer, whole"] == pytest.approx(8 * 152_064 * 3584 / 2**30)
    adapted = Train(**{**FULL.model_dump(), "lora": {"rank": 16}})
    assert estimate.memory(adapted, SEVEN, 1000)["weights, gradients, Adam"] < 0.2 * alone["weights, gradients, Adam"]
    unchecked = Train(**{**FULL.model_dump(), "gradient_checkpointing": False})
    assert estimate.memory(unchecked, SEVEN, 1000)["activations"] > 8 * alone["activations"]


@pytest.mark.parametrize(
    "how, rows, tokens, measured",
    [
        (FULL, 2, 330, 37.3),
        (FULL, 8, 330, 34.0),
        (FULL, 2, 1369, 38.6),
        (FULL, 8, 1369, 37.7),
        (PREFERRING, 8, 330, 42.9),
    ],
)
def test_the_memory_of_a_step_is_what_a_gpu_took(how: Train, rows: int, tokens: int, measured: float) -> None:
    """Of Qwen2-VL-2B's shape on one H200, of eight rows by two or all at once: docs/LOG.md, 2026-11-26 and 27."""
    how = how.model_copy(update={"batch_size": 8, "per_device": rows})
    planned = sum(estimate.memory(how, KNOWN["Qwen/Qwen2-VL-2B-Instruct"], tokens).values())
    assert planned == pytest.approx(measured, rel=0.12)


def test_every_process_loads_the_whole_model(seven: Plan) -> None:
    assert seven.fits[0].host == pytest.approx(8 * 4 * SEVEN.parameters / 2**30)


def test_the_fewest_gpus() -> None:
    assert estimate.fewest_gpus(FULL, SEVEN, 1000, GPUS["h100"]) == 2
    assert estimate.fewest_gpus(FULL, SEVEN, 1000, GPUS["rtx4090"]) == 8
    assert estimate.fewest_gpus(FULL, SEVEN, 60_000, GPUS["rtx4090"]) is None


def test_lora_on_one_small_gpu_fits_and_full_training_does_not() -> None:
    small = plan("qwen2.5-vl-3b-lora", ROOT, Options(gpu="rtx4090"))
    assert all(sum(fit.parts.values()) < estimate.FITS * 24 for fit in small.fits)
    text = render(plan("qwen2-vl-7b", ROOT, Options(gpu="rtx4090")))
    assert re.search(r"train on 8 x rtx4090: .* of 24 GiB each, (fits|does not fit); the fewest, sharded: \d+", text)


@pytest.mark.parametrize("preset", sorted(file.stem for file in (ROOT / "presets").glob("*.yaml")))
def test_every_preset_can_be_planned(preset: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["-C", str(ROOT), "plan", preset, "--sample", "8", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["trainings"][0]["tokens"] > 0
    assert made["file"] == f"presets/{preset}.yaml"


def test_the_text_is_the_same_twice_and_narrow(seven: Plan) -> None:
    again = render(plan("qwen2-vl-7b", ROOT, Options(gpu_hour_price=2.0)))
    assert again == render(seven)
    assert max(map(len, again.splitlines())) <= 120


PAGE = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")
SHOWN = re.findall(r"^    \$ mathse (plan .*)\n((?:    .*\n|\n)+)", PAGE, re.MULTILINE)


@pytest.mark.parametrize(("command", "printed"), SHOWN, ids=[command for command, _ in SHOWN])
def test_the_page_shows_what_is_printed(command: str, printed: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["-C", str(ROOT), *command.split()]) == 0
    shown = [line.removeprefix("    ") for line in printed.rstrip("\n").split("\n")]
    assert capsys.readouterr().out.rstrip("\n").split("\n") == shown, "write it anew: python benchmarks/presets_page.py"


def test_the_page_has_every_preset_of_a_real_backbone() -> None:
    shown = {command.split()[1] for command, _ in SHOWN}
    real = {file.stem for file in (ROOT / "presets").glob("*.yaml") if "\n  from: " in file.read_text(encoding="utf-8")}
    assert shown == real
    assert len(real) == 4


def test_an_unknown_preset_names_those_there_are() -> None:
    with pytest.raises(PlanError, match=r"no preset 'big' and no such file; presets: .*qwen2-vl-7b"):
        plan("big", ROOT, Options())


def preset_with(folder: Path, **changed: Any) -> Path:
    content = yaml.safe_load((ROOT / "presets" / "qwen2-vl-7b.yaml").read_text(encoding="utf-8"))
    file = folder / "mine.yaml"
    file.write_text(yaml.safe_dump({**content, **changed}), encoding="utf-8")
    return file


def test_reflection_in_every_round_and_a_second_orm_are_planned(tmp_path: Path) -> None:
    plain = plan("qwen2-vl-7b", ROOT, Options())
    planned = plan(str(preset_with(tmp_path, **EVERY_ROUND)), ROOT, Options())
    asked = {(one.step, one.by): one.number for one in planned.requests}
    assert asked["reflect (ar)", "teacher"] > asked["reflect (br)", "teacher"] > 0
    assert asked["judge rollout 2", "orm"] == asked["rollout 2", "student"]
    assert asked["orm2 feedback", "teacher"] == asked["orm feedback", "teacher"]
    assert [one.name for one in planned.trainings] == ["student", "orm", "orm2", "0", "ar", "br"]
    before = {(one.step, one.by): one.number for one in plain.requests}
    assert asked["rollout 2", "student"] < before["rollout 2", "student"], "the first reflection has solved some"


def test_drafts_lengthen_the_rows_of_reflections(seven: Plan, tmp_path: Path) -> None:
    content = yaml.safe_load((ROOT / "presets" / "qwen2-vl-7b.yaml").read_text(encoding="utf-8"))
    planned = plan(str(preset_with(tmp_path, mix={**content["mix"], "reflections": "draft"})), ROOT, Options())
    before, after = ({one.name: one for one in each.trainings} for each in (seven, planned))
    assert {name for name in before if before[name] != after[name]} == {"final"}
    corrected = after["final"].rows - after["2"].rows
    more = after["final"].tokens - before["final"].tokens
    assert more == pytest.approx(corrected * planned.means.draft * content["train"]["epochs"], rel=1e-6)
    assert seven.means.draft == 0 and planned.means.draft > planned.means.path
    assert planned.means.longest > seven.means.longest


def real(folder: Path, **changed: Any) -> Path:
    sources = [{"name": "geometry3k", "path": "data/sources/geometry3k", "limit": 24_000}]
    content = yaml.safe_load((ROOT / "presets" / "qwen2-vl-7b.yaml").read_text(encoding="utf-8"))
    return preset_with(folder, problems={**content["problems"], "sources": sources}, **changed)


def test_a_data_sets_images_have_another_size_than_drawn_ones(seven: Plan, tmp_path: Path) -> None:
    planned = plan(str(real(tmp_path)), ROOT, Options())
    assert planned.means.row - seven.means.row == pytest.approx(1225 - 256, abs=5)  # 35 x 35 tokens of 28 x 28 pixels
    assert re.search(r"--image-side 1000 +pixels a side", render(planned))
    assert "--image-side" not in render(seven)
    smaller = plan(str(real(tmp_path)), ROOT, Options(image_side=560))
    assert planned.means.row - smaller.means.row == pytest.approx(1225 - 20 * 20)


def test_a_stage_that_its_cap_would_stop_is_named(tmp_path: Path) -> None:
    api = {"model": "m", "prices": {"m": {"input": 2.5, "output": 10}}, "spending_cap": 10}
    dear = plan(str(preset_with(tmp_path, teacher={"engine": "api", "api": api})), ROOT, Options())
    costs = {one.step: one.cost for one in dear.requests if one.by == "teacher" and one.cost}
    named = set(re.findall(r"^ +(.+) costs [\d,.]+ and would stop at \d+%;", render(dear), re.MULTILINE))
    assert named == {step for step, cost in costs.items() if cost > 10}
    assert named
    assert named != set(costs)


def test_a_model_of_unknown_size_says_what_to_do(tmp_path: Path) -> None:
    file = preset_with(tmp_path, base={"from": "example/model", "revision": "ab" * 20})
    with pytest.raises(PlanError, match=r"base\.from: the size of example/model is not known"):
        plan(str(file), ROOT, Options())


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match="max_tile: Extra inputs"):
        plan(str(preset_with(tmp_path, base={"from": "./x", "image": {"max_tile": 2}})), ROOT, Options())


def test_a_folders_own_weights_and_tokenizer_are_counted(tmp_path: Path) -> None:
    made = plan(str(preset_with(tmp_path, base={"from": "./models/tiny"})), ROOT, Options(sample=8))
    assert made.size_from == "the weight files' headers"
    assert made.tokens_from == "the model's own tokenizer and chat template"
    assert made.size.parameters == pytest.approx(1.52e6, rel=0.01)


def test_a_folder_without_weights_is_sized_by_its_configuration(tmp_path: Path) -> None:
    config = {
        "model_type": "qwen2_vl",
        "text_config": {
            "hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": 28, "num_attention_heads": 28,
            "num_key_value_heads": 4, "vocab_size": 152064,
        },
        "vision_config": {"depth": 32, "embed_dim": 1280, "hidden_size": 3584, "mlp_ratio": 4},
    }  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert sizes.of_folder(tmp_path).parameters == pytest.approx(SEVEN.parameters, rel=0.05)


def test_a_folder_that_tells_no_size_is_named(tmp_path: Path) -> None:
    with pytest.raises(SizeUnknown, match=r"config\.json is missing"):
        sizes.of_folder(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(SizeUnknown, match="does not say 'hidden_size'"):
        sizes.of_folder(tmp_path)


@pytest.mark.parametrize("option", [["--mfu", "1.5"], ["--mfu", "x"], ["--gpu", "abacus"], ["--path-chars", "0"]])
def test_options_out_of_bounds_are_refused(option: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["plan", *option])
    assert option[0] in capsys.readouterr().err


def test_benchmarks_and_samples_are_answered_by_every_model(tiny: Plan, tmp_path: Path) -> None:
    content = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    content["benchmarks"] = [{"name": "mathvision", "subset": "testmini", "path": "x"}]
    content["evaluate"]["samples"] = 2
    for name in ("presets", "reports", "models", "data"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    planned = plan(None, tmp_path, Options())
    counts = [next(each.number for each in one.requests if each.step == "evaluate") for one in (tiny, planned)]
    own = content["problems"]["sources"][0]["test"]
    assert counts == [5 * own, 5 * (own + 304) * 3]
