"""The model card for publishing: the one in the model's folder, with what is known only later.

That is the run's measurements (reports/metrics), and the hub's datasets that the problems came from.
"""

from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult

from mathse import layout
from mathse.backbones.fingerprint import LINEAGE, require_model
from mathse.errors import UserError
from mathse.evaluation import scores
from mathse.evaluation.scores import Metrics
from mathse.report import table
from mathse.share.ancestry import read_lineage
from mathse.share.card import PAPER, Published, model_card
from mathse.sources.licences import licences

HUB_DATASET = "https://huggingface.co/datasets/"


class CardError(UserError):
    """A card cannot be written."""


def published_card(root: Path, name: str) -> str:
    """Write a model's card for publishing.

    Args:
        root: Folder of the project.
        name: Of the model.

    Raises:
        ModelMissing: There is no such model.
        CardError: Its lineage file is missing or damaged, or another model was measured under its name.
    """
    folder = root / layout.model(name)
    require_model(folder)
    said = read_lineage(folder)
    _require_its_own(root, name, said)
    try:
        return model_card(said, Published(_datasets(said), _results(root, name), _metadata(root, name)))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        remedy = "`dvc checkout` brings the recorded one back"
        raise CardError(f"{folder / LINEAGE}: does not say what a card needs ({error!r}); {remedy}") from error


def _require_its_own(root: Path, name: str, said: dict[str, Any]) -> None:
    """Refuse measurements of a model that had the name before; the ORM's do not say whose they are."""
    file = root / layout.metrics(name)
    if name != "orm" and file.exists() and (measured := scores.load(file).fingerprint) != said.get("model"):
        raise CardError(f"{file}: measures {measured}, and the model is {said.get('model')}; `dvc repro` measures it")


def _datasets(said: dict[str, Any]) -> tuple[str, ...]:
    """The hub's ids of the sources that a model's problems came from."""
    sources = {row["source"] for row in said.get("composition", [])}
    urls = sorted(licences()[source].url for source in sources if source in licences())
    return tuple(url.removeprefix(HUB_DATASET) for url in urls if url.startswith(HUB_DATASET))


def _results(root: Path, name: str) -> str:
    """The table of the loop, or the ORM's measurement; nothing for a model that is not measured."""
    if name == "orm":
        return table.orm_line(table.load_orm(root)) if (root / layout.metrics(name)).exists() else ""
    if not (root / layout.metrics(name)).exists():
        return ""
    models = table.load(root)
    about = f"Accuracy on {models[-1].n:,} held-out problems, pass@1, with 95 % intervals; this model is"
    return f"{about} *{table.stage_name(name)}*.\n\n{table.markdown(models)}".strip()


def _metadata(root: Path, name: str) -> dict[str, Any]:
    """The measurement as the hub shows it beside a model."""
    file = root / layout.metrics(name)
    if name == "orm" or not file.exists():
        return {}
    measured: Metrics = scores.load(file)
    result = EvalResult(
        task_type="image-text-to-text",
        dataset_type="mathse-test",
        dataset_name=f"The run's {measured.n:,} test problems",
        metric_type="accuracy",
        metric_value=round(100 * measured.accuracy, 1),
        metric_name="accuracy, pass@1, %",
        source_name="MathSE",
        source_url=PAPER,
    )
    return {"model_name": f"mathse-{name}", "eval_results": [result]}
