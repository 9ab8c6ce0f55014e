"""The model card: what a model is, what it was trained on, under which licences, and how to make it again.

Written for publishing (`mathse lineage MODEL --card`) from the model's lineage file, from dvc.lock, and from what the
tables say that lie here: the same run gives the same card. Its head is metadata of the Hugging Face hub.

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
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mathse.share.ancestry import Ancestor
from mathse.share.lineage import Ancestry

if TYPE_CHECKING:
    from huggingface_hub import ModelCardData

PAPER = "https://arxiv.org/abs/2511.06805"
OWN_LICENCE = "apache-2.0"
"""Of a base that was built here."""
NOT_STATED = "not stated"
TAGS = ("mathse", "mathematics", "reasoning", "sft", "trl")
SHORT = 12

_JUDGES = "It reads a problem and a solution, and says whether the solution is right and where it goes wrong."
_SOLVES = "It reads a mathematics problem with its figures, and writes a solution in steps that ends in the answer."

Lineage = Mapping[str, Any]


@dataclass(frozen=True)
class Described:
    """What a card says of a model beyond its lineage file.

    Attributes:
        role: What it is in the run: `the final model`, `the Outcome Reward Model`.
        judges: Whether it is an ORM.
        ancestry: What led to it.
        composition: Rows of its mix by kind, round, source, licence and language; empty without a mix that lies here.
        starts: Lineage files of the models it was trained from, nearest first.
        datasets: Ids of the hub's datasets that its problems come from.
        results: Markdown: its measurement; empty for a model that is not measured.
        metadata: More fields of the card's head, as `ModelCardData` takes them.
    """

    role: str
    judges: bool
    ancestry: Ancestry
    composition: Sequence[Mapping[str, Any]] = ()
    starts: Sequence[Lineage] = ()
    datasets: tuple[str, ...] = ()
    results: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)


def model_card(lineage: Lineage, known: Described) -> str:
    """Write a model's card.

    Args:
        lineage: The content of its lineage file.
        known: What is known beyond it.

    Returns:
        Markdown with a YAML head.
    """
    sections = [
        ("", _about(lineage, known)),
        ("Results", [known.results] if known.results else []),
        ("Training data", _data(lineage, known)),
        ("Training", _training(lineage)),
        ("Ancestry", _ancestry(known.ancestry)),
        ("Make it again", _again(known.ancestry)),
    ]
    head = _head(lineage, known).to_yaml(line_break="\n")
    body = "\n\n".join("\n\n".join([f"## {title}", *parts] if title else parts) for title, parts in sections if parts)
    return f"---\n{head}\n---\n\n{body}\n"


def licences(lineage: Lineage, known: Described) -> list[str]:
    """Licences of the rows that a model was trained on and of the models it started from, sorted."""
    unknown = [{"licence": None}] if "mix" in lineage else []
    stated = (one for one in (lineage, *known.starts) if "licence" in one)
    named = [one["licence"] or NOT_STATED for one in (*(known.composition or unknown), *stated)]
    # The hub writes `apache-2.0`, SPDX `Apache-2.0`: once, as the rows have it.
    return sorted({name.casefold(): name for name in reversed(named)}.values(), key=str.casefold)


def table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table in Markdown; nothing in a cell can end it."""
    lines = [f"| {' | '.join(_cell(value) for value in row)} |" for row in (headings, *rows)]
    return "\n".join([lines[0], "|---" * len(headings) + "|", *lines[1:]])


def _head(lineage: Lineage, known: Described) -> "ModelCardData":
    from huggingface_hub import ModelCardData

    found = {_hub_licence(one) for one in licences(lineage, known)} or {OWN_LICENCE}
    one = found.pop() if len(found) == 1 else "other"
    bases = [start["from"] for start in (lineage, *known.starts) if start.get("revision")]
    return ModelCardData(
        license=one,
        license_name="see-training-data" if one == "other" else None,
        language=sorted({row["language"] for row in known.composition if row["language"]}) or None,
        base_model=bases[0] if bases else None,
        datasets=list(known.datasets) or None,
        library_name="transformers",
        pipeline_tag="image-text-to-text",
        tags=[*TAGS, *(["reward-model"] if known.judges else [])],
        **known.metadata,
    )


def _about(lineage: Lineage, known: Described) -> list[str]:
    start = lineage.get("start", {})
    if "mix" in lineage:
        trained = f"fine-tuned on {lineage['mix'].get('rows', 0):,} rows"
    else:
        trained = f"taken from `{lineage['from']}`" if "from" in lineage else "pre-trained here"
    began = f", from `{start['folder']}` ({start['fingerprint'][:SHORT]})" if start else ""
    return [
        f"# MathSE: {known.role}",
        f"A vision-language model, {trained}{began}, by an open implementation of [MathSE]({PAPER}). "
        f"{_JUDGES if known.judges else _SOLVES} It loads with `transformers` and vLLM like any other of its "
        "architecture.",
        f"Content hash of its weights, configuration and processor: `{lineage['model']}`. "
        "`lineage.json` in its folder has start, mix, settings, prompts and versions, for programs.",
    ]


def _data(lineage: Lineage, known: Described) -> list[str]:
    if "mix" not in lineage:
        return []
    mix = lineage["mix"]
    columns = ("kind", "round", "source", "licence", "language", "rows")
    listed = table(columns, ([row[column] for column in columns] for row in known.composition))
    return [
        f"`{mix['file']}` (content hash `{mix['hash']}`). A row is a path, that is a solution somebody wrote to a "
        "problem: distilled by a teacher, a student's rollout, or a teacher's reflection on a wrong one"
        f"{'; and what a teacher said of it' if known.judges else ''}.",
        *([listed] if known.composition else []),
        f"Licences of the problems and of the model it began with: {', '.join(licences(lineage, known))}.",
    ]


def _training(lineage: Lineage) -> list[str]:
    settings = {**lineage.get("settings", {}), **lineage.get("compute", {}), "seed": lineage.get("seed")}
    packages = ", ".join(f"{name} {version}" for name, version in sorted(lineage.get("packages", {}).items()))
    rows = sorted((name, value) for name, value in settings.items() if value is not None)
    listed = [table(("setting", "value"), rows)] if rows else []
    return [*listed, *([f"Made with {packages}."] if packages else [])]


def _ancestry(behind: Ancestry) -> list[str]:
    others = [one for path, one in behind.made.items() if path != behind.target]
    datasets = sorted([f"`{one.path}`", one.rows, one.hash, _names(one)] for one in others if one.kind == "dataset")
    models = sorted(
        [f"`{one.path}`", str((one.lineage or {}).get("model", ""))] for one in others if one.kind == "model"
    )
    prompts = sorted(behind.prompts.items())
    return [
        *(["What it was made from, back to the problems, as `dvc.lock` has it."] if datasets or models else []),
        *([table(("dataset", "rows", "MD5", "written by, asked with"), datasets)] if datasets else []),
        *([table(("model", "fingerprint"), models)] if models else []),
        *([table(("prompt", "content hash"), prompts)] if prompts else []),
    ]


def _again(behind: Ancestry) -> list[str]:
    commands = (f"dvc repro {behind.steps[-1].stage}", f"mathse lineage {behind.target} --check")
    return [
        "In a clone of the project, at the commit whose `dvc.lock` has this model:",
        "\n".join(f"    {command}" for command in commands),
        "On one machine the same inputs give the same bytes; the second command compares what lies there with what was "
        "recorded.",
    ]


def _hub_licence(named: str) -> str:
    """A licence as the hub names it: `Apache-2.0` is `apache-2.0`, `GPL-3.0-only` is `gpl-3.0`."""
    known = named.casefold().removesuffix("-only").removesuffix("-or-later")
    return "other" if known.startswith("licenseref-") or known == NOT_STATED else known


def _names(dataset: Ancestor) -> str:
    return f"{', '.join(dataset.by)}; {', '.join(dataset.prompts)}" if dataset.by else ""


def _cell(value: object) -> str:
    text = "" if value is None else f"{value:,}" if isinstance(value, int) and abs(value) >= 1000 else str(value)
    return re.sub(r"[|<>\[\]*]", lambda match: "\\" + match[0], " ".join(text.split()))
