"""A small finished run: distilling, a round, a reflection, an ORM; enough for every view of it."""

import io
import json
import shutil
from pathlib import Path

import PIL.Image
import pytest
import yaml

from mathse import layout
from mathse.loop.evaluation import orm_scores, scores
from mathse.tables import schemas, store
from mathse.tables.files import write_json
from mathse.tables.schemas import Feedback, Image, PathKind, Prediction, Problem, Split, Status, Verdict
from tests.share.mixed import mixed as mixed

ROOT = Path(__file__).parent.parent.parent
MODELS = ("base", "0", "1", "final")


def picture() -> Image:
    encoded = io.BytesIO()
    PIL.Image.new("RGB", (8, 8), "white").save(encoded, "PNG")
    data = encoded.getvalue()
    return Image(image_id="1m" * 32, data=data, format="PNG", width=8, height=8)


def problem(number: int, split: Split = Split.TRAIN) -> Problem:
    return Problem(
        problem_id=f"{number}abc{number}", source="figures", source_id=str(number), licence="Apache-2.0", split=split,
        question=f"What is angle C of triangle {number}?", choices=("60", "70"), answer="B",
        solution="180 - 110 = 70.", image_ids=(picture().image_id,), subject="angles", level=1,
    )  # fmt: skip


def path(name: str, kind: PathKind, parent: str | None = None) -> schemas.Path:
    return schemas.Path(
        path_id=name, problem_id="1abc1", kind=kind, round=int(kind is PathKind.ROLLOUT), sample_idx=0, author="m",
        prompt_id="solve@1", seed=1, text=f"Steps of {name}.\nThe answer to this problem is A.", answer="A",
        finish_reason="stop", tokens_in=1, tokens_out=1, parent_path_id=parent,
    )  # fmt: skip


def verdict(name: str, status: Status, step: str | None = None, analysis: str | None = None) -> Verdict:
    return Verdict(
        path_id=name, problem_id="1abc1", author="orm", prompt_id="judge@1", status=status, error_step=step,
        error_analysis=analysis, raw="{}", rule_status=Status.WRONG, rule_reason="different option",
    )  # fmt: skip


def annotation(name: str, status: Status) -> Feedback:
    return Feedback(path_id=name, problem_id="1abc1", author="solver", prompt_id="annotate@1", status=status, raw="")


def prediction(number: int, status: Status) -> Prediction:
    return Prediction(
        problem_id=problem(number).problem_id, author="m", prompt_id="solve@1", text="Said so.", answer="A",
        status=status, reason="different option", finish_reason="stop", tokens_in=1, tokens_out=1,
    )  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The root of a run whose tables are there."""
    shutil.copytree(ROOT / "presets", tmp_path / "presets")
    write_params(tmp_path)
    tests = [problem(number, Split.TEST) for number in (2, 3)]
    store.write(tmp_path / layout.PROBLEMS, Problem, [problem(1), *tests])
    store.write(tmp_path / layout.IMAGES, Image, [picture()])
    _write_steps(tmp_path)
    for place, name in enumerate(MODELS):
        rows = [prediction(2, Status.CORRECT if place else Status.WRONG), prediction(3, Status.UNDECIDED)]
        store.write(tmp_path / layout.predictions(name), Prediction, rows)
        found = scores.measure(rows, {row.problem_id: row for row in tests}, name, "f")
        write_json(tmp_path / layout.metrics(name), found)
        report(tmp_path / layout.timings(f"evaluate-{name}"), seconds=3.0)
        if place:
            report(tmp_path / layout.mix_report(name), rows=100 * place, solved=5, remaining=9)
            report(tmp_path / layout.training_report(name), rows=100 * place)
            report(tmp_path / layout.timings(f"train-{name}"), seconds=60.0 * place)
    judged = [verdict("roll", Status.WRONG), verdict("refl", Status.UNDECIDED)]
    annotated = [annotation("roll", Status.WRONG), annotation("refl", Status.CORRECT)]
    write_json(tmp_path / layout.metrics("orm"), orm_scores.measure(judged, annotated))
    return tmp_path


def _write_steps(root: Path) -> None:
    wrong = verdict("roll", Status.WRONG, "Step 1", "vision: B is not 40")
    steps = {
        "1": (path("roll", PathKind.ROLLOUT), wrong),
        "final": (path("refl", PathKind.REFLECTION, parent="roll"), verdict("refl", Status.CORRECT)),
    }
    for step, (written, judged) in steps.items():
        store.write(root / layout.paths(step), schemas.Path, [written])
        store.write(root / layout.verdicts(step), Verdict, [judged])


def write_params(root: Path, **changed: object) -> None:
    """The default params of a loop with one round; sections can be given otherwise."""
    content = yaml.safe_load((ROOT / "presets" / "default.yaml").read_text(encoding="utf-8"))
    for section in ("steps", "models"):
        del content[section]["2"]
    content["steps"]["final"].update({"prev": "1", "model": "1"})
    content["models"]["final"]["start"] = "1"
    content["measured"] = list(MODELS)
    (root / "params.yaml").write_text(yaml.safe_dump({**content, **changed}, sort_keys=False), encoding="utf-8")


def report(file: Path, **content: object) -> None:
    """What a stage reports, as JSON."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content), encoding="utf-8")
