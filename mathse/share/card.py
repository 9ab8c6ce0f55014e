"""The model card: what a model is, what it was trained on, under which licences, and how to make it again.

Everything in it comes from the model's lineage file, so that the same training writes the same bytes; what is measured
later is added for publishing (`mathse lineage MODEL --card`). Its head is metadata of the Hugging Face hub.

    ---
    license: apache-2.0
    language: [en]
    pipeline_tag: image-text-to-text
    tags: [mathse, mathematics, ...]
    ---
    # MathSE: the final model
    ...
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from huggingface_hub import ModelCardData

CARD = "README.md"
"""Name of the card in a model's folder, as the hub has it."""
PAPER = "https://arxiv.org/abs/2511.06805"
OWN_LICENCE = "apache-2.0"
"""Of a base that was built here."""
NOT_STATED = "not stated"
TAGS = ("mathse", "mathematics", "reasoning", "sft", "trl")
SHORT = 12

_ROLES = {
    "orm": "the Outcome Reward Model",
    "student": "the student whose mistakes the Outcome Reward Model learned from",
    "base": "the base",
    "0": "the distilled model",
    "final": "the final model",
}
_TASKS = {"orm": "It reads a problem and a solution, and says whether the solution is right and where it goes wrong."}
_SOLVES = "It reads a mathematics problem with its figures, and writes a solution in steps that ends in the answer."

Lineage = Mapping[str, Any]


@dataclass(frozen=True)
class Published:
    """What a card says beyond the lineage file, known only once a model is measured and published.

    Attributes:
        datasets: Ids of the hub's datasets that its problems come from.
        results: Markdown: the model's measurement.
        metadata: More fields of the card's head, as `ModelCardData` takes them.
    """

    datasets: tuple[str, ...] = ()
    results: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)


def model_card(lineage: Lineage, published: Published = Published()) -> str:
    """Write a model's card.

    Args:
        lineage: The content of its lineage file; of an older one, what is missing is left out.
        published: What is known beyond it.

    Returns:
        Markdown with a YAML head.
    """
    sections = [
        ("", _about(lineage)),
        ("Results", [published.results] if published.results else []),
        ("Training data", _data(lineage)),
        ("Training", _training(lineage)),
        ("Ancestry", _ancestry(lineage)),
        ("Make it again", _again(lineage)),
    ]
    head = _head(lineage, published).to_yaml(line_break="\n")
    body = "\n\n".join("\n\n".join([f"## {title}", *parts] if title else parts) for title, parts in sections if parts)
    return f"---\n{head}\n---\n\n{body}\n"


def stage_of(name: str) -> str:
    """The stage of dvc.yaml that trains a model."""
    return {"base": "base", "orm": "orm", "student": "student", "0": "train_0", "final": "train_final"}.get(
        name, f"train@{name}"
    )


def licences(lineage: Lineage) -> list[str]:
    """Licences of the rows that a model was trained on and of the models it started from, sorted."""
    unknown = [{"licence": None}] if "mix" in lineage else []
    told = [*lineage.get("composition", unknown), *(one for one in _starts(lineage) if "licence" in one)]
    named = [one["licence"] or NOT_STATED for one in told]
    # The hub writes `apache-2.0`, SPDX `Apache-2.0`: once, as the rows have it.
    return sorted({name.casefold(): name for name in reversed(named)}.values(), key=str.casefold)


def table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table in Markdown; nothing in a cell can end it."""
    lines = [f"| {' | '.join(_cell(value) for value in row)} |" for row in (headings, *rows)]
    return "\n".join([lines[0], "|---" * len(headings) + "|", *lines[1:]])


def _head(lineage: Lineage, published: Published) -> "ModelCardData":
    from huggingface_hub import ModelCardData  # a base that is taken from a folder needs no hub

    found = {_hub_licence(one) for one in licences(lineage)} or {OWN_LICENCE}
    one = found.pop() if len(found) == 1 else "other"
    bases = [base["from"] for base in _starts(lineage) if base.get("revision")]
    return ModelCardData(
        license=one,
        license_name="see-training-data" if one == "other" else None,
        language=sorted({row["language"] for row in lineage.get("composition", []) if row["language"]}) or None,
        base_model=bases[0] if bases else None,
        datasets=list(published.datasets) or None,
        library_name="transformers",
        pipeline_tag="image-text-to-text",
        tags=[*TAGS, *(["reward-model"] if lineage.get("name") == "orm" else [])],
        **published.metadata,
    )


def _about(lineage: Lineage) -> list[str]:
    name = lineage.get("name", "model")
    start = lineage.get("start", {})
    if "mix" in lineage:
        trained = f"fine-tuned on {lineage['mix'].get('rows', 0):,} rows"
    else:
        trained = f"taken from `{lineage['from']}`" if "from" in lineage else "pre-trained here"
    began = f", from `{start['folder']}` ({start['fingerprint'][:SHORT]})" if start else ""
    return [
        f"# MathSE: {_ROLES.get(name, f'the model of round {name}')}",
        f"A vision-language model, {trained}{began}, by an open implementation of [MathSE]({PAPER}). "
        f"{_TASKS.get(name, _SOLVES)} It loads with `transformers` and vLLM like any other of its architecture.",
        f"Content hash of its weights, configuration and processor: `{lineage['model']}`. "
        "`lineage.json` beside this card has all that is said here, for programs.",
    ]


def _data(lineage: Lineage) -> list[str]:
    if "mix" not in lineage:
        return []
    mix, rows = lineage["mix"], lineage.get("composition", [])
    columns = ("kind", "round", "source", "licence", "language", "rows")
    listed = table(columns, ([row[column] for column in columns] for row in rows))
    return [
        f"`{mix['file']}` (content hash `{mix['hash']}`). A row is a path, that is a solution somebody wrote to a "
        "problem: distilled by a teacher, a student's rollout, or a teacher's reflection on a wrong one"
        f"{'; and what a teacher said of it' if lineage.get('name') == 'orm' else ''}.",
        *([listed] if rows else []),
        f"Licences of the problems and of the model it began with: {', '.join(licences(lineage))}.",
    ]


def _training(lineage: Lineage) -> list[str]:
    settings = {**lineage.get("settings", {}), **lineage.get("compute", {}), "seed": lineage.get("seed")}
    packages = ", ".join(f"{name} {version}" for name, version in sorted(lineage.get("packages", {}).items()))
    rows = sorted((name, value) for name, value in settings.items() if value is not None)
    return [
        *([table(("setting", "value"), rows)] if rows else []),
        *([f"Made with {packages}."] if packages else []),
    ]


def _ancestry(lineage: Lineage) -> list[str]:
    behind = lineage.get("ancestry")
    if not behind:
        return []
    datasets = (
        [f"`{file}`", one["rows"], one["hash"], _names(one)] for file, one in sorted(behind["datasets"].items())
    )
    models = ([f"`{folder}`", one["fingerprint"]] for folder, one in sorted(behind["models"].items()))
    prompts = sorted((*behind["prompts"].items(), *((f"`{file}`", of) for file, of in behind["files"].items())))
    return [
        "What the training data was made from, back to the problems.",
        table(("dataset", "rows", "content hash", "written by, asked with"), sorted(datasets)),
        table(("model", "fingerprint"), sorted(models)),
        *([table(("prompt or query", "content hash"), prompts)] if prompts else []),
    ]


def _again(lineage: Lineage) -> list[str]:
    name = lineage.get("name", "MODEL")
    commands = (f"dvc repro {stage_of(name)}", f"mathse lineage {name} --check")
    return [
        "In a clone of the project, at the commit whose `dvc.lock` has this model:",
        "\n".join(f"    {command}" for command in commands),
        "On one machine the same inputs give the same bytes; the second command compares what lies there with what was "
        "recorded.",
    ]


def _starts(lineage: Lineage) -> Iterator[Mapping[str, Any]]:
    """The models that it was trained from, nearest first: its start, that one's start, ..."""
    models = lineage.get("ancestry", {}).get("models", {})
    folder, seen = lineage.get("start", {}).get("folder"), set[str]()
    while folder in models and folder not in seen:
        seen.add(folder)
        yield models[folder]
        folder = next((path for path in models[folder]["made_from"] if path in models), None)
    if "from" in lineage:  # the base itself
        yield lineage


def _hub_licence(named: str) -> str:
    """A licence as the hub names it: `Apache-2.0` is `apache-2.0`, `GPL-3.0-only` is `gpl-3.0`."""
    known = named.casefold().removesuffix("-only").removesuffix("-or-later")
    return "other" if known.startswith("licenseref-") or known == NOT_STATED else known


def _names(dataset: Mapping[str, Any]) -> str:
    by, prompts = (", ".join(dataset.get(name, [])) for name in ("by", "prompts"))
    return f"{by}; {prompts}" if by else ""


def _cell(value: object) -> str:
    text = "" if value is None else f"{value:,}" if isinstance(value, int) and abs(value) >= 1000 else str(value)
    return re.sub(r"[|<>\[\]*]", lambda match: "\\" + match[0], " ".join(text.split()))
