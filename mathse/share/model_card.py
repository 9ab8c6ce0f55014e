"""The model card: what a model is, what it was trained on, under which licences, and how to make it again.

Written for publishing (`mathse lineage MODEL --card`) from the model's lineage file, from dvc.lock, from what the
tables say that lie here, and from the run's measurements: the same run gives the same card.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from mathse import layout
from mathse.errors import UserError
from mathse.look import dvc_lock
from mathse.look.lineage import Ancestry, ancestry, read_lineage
from mathse.loop.ask.engines.local.fingerprint import LINEAGE, require_model
from mathse.loop.evaluation import scores
from mathse.params import BASE, STUDENT
from mathse.report import names, table
from mathse.report.names import Names
from mathse.share import cards
from mathse.sources.licences import stated
from mathse.tables import views

HUB_DATASET = "https://huggingface.co/datasets/"
OWN_LICENCE = "apache-2.0"
"""Of a base that was built here."""
NOT_STATED = "not stated"
TAGS = ("mathse", "mathematics", "reasoning", "sft", "trl")
SHORT = 12
_ORIGIN = ("source", "licence", "language")
_JUDGES = "It reads a problem and a solution, and says whether the solution is right and where it goes wrong."
_SOLVES = "It reads a mathematics problem with its figures, and writes a solution in steps that ends in the answer."


class CardError(UserError):
    """A card cannot be written."""


@dataclass(frozen=True)
class Model:
    """A trained model and where its facts come from.

    Attributes:
        name: Such as `final`.
        lineage: Its lineage file.
        known: The names of the run.
    """

    root: Path
    name: str
    lineage: Mapping[str, Any]
    known: Names

    @property
    def judges(self) -> bool:
        """Whether it is an ORM."""
        return self.name in self.known.orms

    @cached_property
    def role(self) -> str:
        """What it is in the run: `the final model`, `the Outcome Reward Model`."""
        if self.judges:
            return "the Outcome Reward Model" + (f" {self.name}" if len(self.known.orms) > 1 else "")
        if self.name == STUDENT:
            return "the student whose mistakes the Outcome Reward Model learned from"
        if self.name == BASE:
            return "the base"
        if self.known.settings is None:
            return f"the model {self.name}"
        if self.name == list(self.known.settings.models)[-1]:
            return "the final model"
        title = self.known.title(self.name).removeprefix("+ ")
        return "the distilled model" if title == "distilled" else f"the model of {title}"

    @cached_property
    def starts(self) -> list[Mapping[str, Any]]:
        """The lineage files of the models that it was trained from, nearest first: its start, that one's start, ..."""
        lineages: list[Mapping[str, Any]] = []
        folder, seen = self.lineage.get("start", {}).get("folder"), set[str]()
        while folder and folder not in seen:
            seen.add(folder)
            lineages.append(read_lineage(self.root / folder))
            folder = lineages[-1].get("start", {}).get("folder")
        return lineages

    @cached_property
    def composition(self) -> list[dict[str, Any]]:
        """Rows of its mix by kind, round, and the source, licence and language of their problems.

        Empty if there is no mix, or it does not lie here; what an absent table of problems would say is null.
        """
        mix, problems = self.root / self.lineage.get("mix", {}).get("file", "."), self.root / layout.PROBLEMS
        if not mix.is_file():
            return []
        columns, join, tables = ", ".join(f"null as {name}" for name in _ORIGIN), "", {"mix": mix}
        if problems.is_file():
            columns, join = ", ".join(_ORIGIN), "left join problems using (problem_id)"
            tables["problems"] = problems
        sql = f"select kind, round, {columns}, count(*) as rows from mix {join} group by all order by all"
        with views.opened(tables) as connection:
            return views.dicts(connection.execute(sql))

    @cached_property
    def metrics(self) -> Path | None:
        """The file of its measurement; None if it is not measured."""
        file = self.root / layout.metrics(self.name)
        return file if file.exists() else None

    @cached_property
    def measurement(self) -> scores.Metrics | None:
        """Its accuracy; None for an ORM, whose measurement does not say whose it is, and where it is not measured."""
        return None if self.judges or self.metrics is None else scores.load(self.metrics)


def model_card(root: Path, name: str) -> str:
    """Write a model's card.

    Raises:
        ModelMissing: There is no such model.
        LockError: dvc.lock is missing or damaged, or has no stage that makes it.
        CardError: Its lineage file is missing or damaged, or another model was measured under its name.
    """
    known = names.of(root)
    name = known.step(Path(name).name if Path(name).is_relative_to(layout.MODELS) else name)
    folder = root / layout.model(name)
    require_model(folder)
    model = Model(root, name, read_lineage(folder), known)
    measured = model.measurement
    if measured and measured.fingerprint != model.lineage.get("model"):
        raise CardError(
            f"{model.metrics}: measures {measured.fingerprint}, and the model is {model.lineage.get('model')}; "
            "`dvc repro` measures it"
        )
    behind = ancestry(dvc_lock.read(root), layout.model(name).as_posix())
    try:
        sections = (
            ("", _opening(model)),
            ("Results", _results(model)),
            ("Training data", _training_data(model)),
            ("Training", _training(model.lineage)),
            ("Ancestry", _ancestry(behind)),
            ("Make it again", _reproduce(behind)),
        )
        return cards.card(_head(model), sections)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        remedy = "`dvc checkout` brings the recorded one back"
        raise CardError(f"{folder / LINEAGE}: does not say what a card needs ({error!r}); {remedy}") from error


def _licences(model: Model) -> dict[str, str]:
    """Licences of the rows that a model was trained on and of the models it started from: the hub's name of each.

    The licence of a model from the hub has the hub's name already. One licence in two spellings is one, in the rows'.
    """
    of_models = [start["licence"] or NOT_STATED for start in (model.lineage, *model.starts) if "licence" in start]
    of_rows = [row["licence"] or NOT_STATED for row in model.composition]
    if not of_rows and "mix" in model.lineage:
        of_rows = [NOT_STATED]
    hub_names = {name: name.lower() if name != NOT_STATED else "other" for name in of_models}
    hub_names |= {part: cards.hub_licence(part) for name in of_rows for part in name.split(" AND ")}
    spellings = {name.casefold(): name for name in hub_names}
    return {name: hub_names[name] for name in sorted(spellings.values(), key=str.casefold)}


def _head(model: Model) -> ModelCardData:
    """The hub's metadata: one licence where all agree, the base, the data sets, the measurement."""
    hub_names = set(_licences(model).values()) or {OWN_LICENCE}
    licence = hub_names.pop() if len(hub_names) == 1 else "other"
    bases = [start["from"] for start in (model.lineage, *model.starts) if start.get("revision")]
    pages = {
        known.url
        for row in model.composition
        if row["source"] and (known := stated(row["source"], row["licence"] or "")) is not None
    }
    datasets = [page.removeprefix(HUB_DATASET) for page in sorted(pages) if page.startswith(HUB_DATASET)]
    shown_beside_it: dict[str, Any] = {}
    if measured := model.measurement:
        result = EvalResult(
            task_type="image-text-to-text",
            dataset_type="mathse-test",
            dataset_name=f"The run's {measured.n:,} test problems",
            metric_type="accuracy",
            metric_value=round(100 * measured.accuracy, 1),
            metric_name="accuracy, pass@1, %",
            source_name="MathSE",
            source_url=cards.PAPER,
        )
        shown_beside_it = {"model_name": f"mathse-{model.name}", "eval_results": [result]}
    return ModelCardData(
        license=licence,
        license_name="see-training-data" if licence == "other" else None,
        language=sorted({row["language"] for row in model.composition if row["language"]}) or None,
        base_model=bases[0] if bases else None,
        datasets=datasets or None,
        library_name="transformers",
        pipeline_tag="image-text-to-text",
        tags=[*TAGS, *(["reward-model"] if model.judges else [])],
        **shown_beside_it,
    )


def _opening(model: Model) -> str:
    lineage, start = model.lineage, model.lineage.get("start", {})
    if "mix" in lineage:
        trained = f"fine-tuned on {lineage['mix'].get('rows', 0):,} rows"
    else:
        trained = f"taken from `{lineage['from']}`" if "from" in lineage else "pre-trained here"
    began = f", from `{start['folder']}` ({start['fingerprint'][:SHORT]})" if start else ""
    return (
        f"# MathSE: {model.role}\n\n"
        f"A vision-language model, {trained}{began}, by an open implementation of [MathSE]({cards.PAPER}). "
        f"{_JUDGES if model.judges else _SOLVES} It loads with `transformers` and vLLM like any other of its "
        "architecture.\n\n"
        f"Content hash of its weights, configuration and processor: `{lineage['model']}`. "
        "`lineage.json` in its folder has start, mix, settings, prompts and versions, for programs."
    )


def _results(model: Model) -> str:
    """The table of the loop, or the ORM's measurement; nothing for a model that is not measured."""
    if model.metrics is None:
        return ""
    if model.judges:
        return table.orm_lines({model.name: table.load_orms(model.root)[model.name]})
    models = table.load(model.root)
    about = f"Accuracy on {models[-1].metrics.n:,} held-out problems, pass@1, with 95 % intervals; this model is"
    return f"{about} *{model.known.title(model.name)}*.\n\n{table.markdown(models)}".strip()


def _training_data(model: Model) -> str:
    if "mix" not in model.lineage:
        return ""
    mix = model.lineage["mix"]
    paragraphs = [
        f"`{mix['file']}` (content hash `{mix['hash']}`). A row is a path, that is a solution somebody wrote to a "
        "problem: distilled by a teacher, a student's rollout, or a teacher's reflection on a wrong one"
        f"{'; and what a teacher said of it' if model.judges else ''}."
    ]
    if model.composition:
        columns = ("kind", "round", *_ORIGIN, "rows")
        paragraphs.append(cards.table(columns, ([row[column] for column in columns] for row in model.composition)))
    paragraphs.append(f"Licences of the problems and of the model it began with: {', '.join(_licences(model))}.")
    return "\n\n".join(paragraphs)


def _training(lineage: Mapping[str, Any]) -> str:
    settings = {**lineage.get("settings", {}), **lineage.get("compute", {}), "seed": lineage.get("seed")}
    rows = sorted((name, value) for name, value in settings.items() if value is not None)
    packages = ", ".join(f"{name} {version}" for name, version in sorted(lineage.get("packages", {}).items()))
    parts = [cards.table(("setting", "value"), rows, code=("setting",))] if rows else []
    return "\n\n".join([*parts, *([f"Made with {packages}."] if packages else [])])


def _ancestry(behind: Ancestry) -> str:
    """Tables of what it was made from; empty for a model that was made from nothing here."""
    others = [made for path, made in sorted(behind.made.items()) if path != behind.target]
    datasets = [
        (made.path, made.rows, made.hash, f"{', '.join(made.by)}; {', '.join(made.prompts)}" if made.by else "")
        for made in others
        if made.kind == "dataset"
    ]
    models = [(made.path, made.fingerprint) for made in others if made.kind == "model"]
    parts = ["What it was made from, back to the problems, as `dvc.lock` has it."] if datasets or models else []
    if datasets:
        parts.append(cards.table(("dataset", "rows", "MD5", "written by, asked with"), datasets, code=("dataset",)))
    if models:
        parts.append(cards.table(("model", "fingerprint"), models, code=("model",)))
    if behind.prompts:
        parts.append(cards.table(("prompt", "content hash"), behind.prompts.items()))
    return "\n\n".join(parts)


def _reproduce(behind: Ancestry) -> str:
    commands = cards.commands(f"dvc repro {behind.steps[-1].stage}", f"mathse lineage {behind.target} --check")
    return (
        f"In a clone of the project, at the commit whose `dvc.lock` has this model:\n\n{commands}\n\n"
        "On one machine the same inputs give the same bytes; the second command compares what lies there with what was "
        "recorded."
    )
