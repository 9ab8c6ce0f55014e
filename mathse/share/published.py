"""Gathers what a model card says: lineage file, ancestry, the mix's rows by licence, and the run's measurements."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult

from mathse import layout
from mathse.errors import UserError
from mathse.loop.ask.engines.local.fingerprint import LINEAGE, require_model
from mathse.loop.evaluation import scores
from mathse.loop.evaluation.scores import Metrics
from mathse.params import BASE, STUDENT
from mathse.report import names, table
from mathse.report.names import Names
from mathse.share.ancestry import read_lineage
from mathse.share.card import PAPER, Described, model_card
from mathse.share.lineage import ancestry
from mathse.sources.licences import licences
from mathse.tables import views

HUB_DATASET = "https://huggingface.co/datasets/"


class CardError(UserError):
    """A card cannot be written."""


def published_card(root: Path, name: str) -> str:
    """Write a model's card for publishing.

    Args:
        root: Folder of the project.
        name: Of the model, or its folder.

    Raises:
        ModelMissing: There is no such model.
        LockError: dvc.lock is missing or damaged, or has no stage that makes it.
        CardError: Its lineage file is missing or damaged, or another model was measured under its name.
    """
    known = names.of(root)
    model = known.step(Path(name).name if Path(name).is_relative_to(layout.MODELS) else name)
    folder = root / layout.model(model)
    require_model(folder)
    lineage = read_lineage(folder)
    _require_its_own(root, model, lineage, known)
    behind = ancestry(root, layout.model(model).as_posix())
    try:
        rows = composition(root, lineage)
        described = Described(
            role=_role(model, known),
            judges=model in known.orms,
            ancestry=behind,
            composition=rows,
            starts=list(_starts(root, lineage)),
            datasets=_datasets(rows),
            results=_results(root, model, known),
            metadata=_metadata(root, model, known),
        )
        return model_card(lineage, described)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        remedy = "`dvc checkout` brings the recorded one back"
        raise CardError(f"{folder / LINEAGE}: does not say what a card needs ({error!r}); {remedy}") from error


def composition(root: Path, lineage: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows of the mix that trained a model, by kind, round, and the source, licence and language of their problems.

    Args:
        root: Folder of the project.
        lineage: The model's lineage file.

    Returns:
        Empty if there is no mix, or it does not lie here; what an absent table of problems would say is null.
    """
    mix, problems = root / lineage.get("mix", {}).get("file", "."), root / layout.PROBLEMS
    if not mix.is_file():
        return []
    about = ("source", "licence", "language")
    columns = ", ".join(about if problems.is_file() else (f"null as {name}" for name in about))
    join = "left join problems using (problem_id)" if problems.is_file() else ""
    sql = f"select kind, round, {columns}, count(*) as rows from mix {join} group by all order by all"
    with views.connect({"mix": mix, **({"problems": problems} if problems.is_file() else {})}) as connection:
        answer = views.query(connection, sql)
        return [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]


def _require_its_own(root: Path, name: str, lineage: Mapping[str, Any], known: Names) -> None:
    """Refuse measurements of a model that had the name before; an ORM's do not say whose they are."""
    file = root / layout.metrics(name)
    if name in known.orms or not file.exists():
        return
    if (measured := scores.load(file).fingerprint) != lineage.get("model"):
        raise CardError(
            f"{file}: measures {measured}, and the model is {lineage.get('model')}; `dvc repro` measures it"
        )


def _role(name: str, known: Names) -> str:
    """What a model is in the run, for the title."""
    if name in known.orms:
        return "the Outcome Reward Model" + (f" {name}" if len(known.orms) > 1 else "")
    if name == STUDENT:
        return "the student whose mistakes the Outcome Reward Model learned from"
    if name == BASE or known.settings is None:
        return f"the {name}" if name == BASE else f"the model {name}"
    if name == list(known.settings.models)[-1]:
        return "the final model"
    return "the distilled model" if known.asks(name) == "distill" else f"the model of {known.heading(name)}"


def _starts(root: Path, lineage: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The lineage files of the models that one was trained from, nearest first: its start, that one's start, ..."""
    folder, seen = lineage.get("start", {}).get("folder"), set[str]()
    while folder and folder not in seen:
        seen.add(folder)
        start = read_lineage(root / folder)
        yield start
        folder = start.get("start", {}).get("folder")


def _datasets(rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """The hub's ids of the sources that a model's problems came from."""
    sources = {row["source"] for row in rows}
    urls = sorted(licences()[source].url for source in sources if source in licences())
    return tuple(url.removeprefix(HUB_DATASET) for url in urls if url.startswith(HUB_DATASET))


def _results(root: Path, name: str, known: Names) -> str:
    """The table of the loop, or the ORM's measurement; nothing for a model that is not measured."""
    if not (root / layout.metrics(name)).exists():
        return ""
    if name in known.orms:
        return table.orm_lines({name: table.load_orms(root)[name]})
    models = table.load(root)
    about = f"Accuracy on {models[-1].metrics.n:,} held-out problems, pass@1, with 95 % intervals; this model is"
    return f"{about} *{known.title(name)}*.\n\n{table.markdown(models)}".strip()


def _metadata(root: Path, name: str, known: Names) -> dict[str, Any]:
    """The measurement as the hub shows it beside a model."""
    file = root / layout.metrics(name)
    if name in known.orms or not file.exists():
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
