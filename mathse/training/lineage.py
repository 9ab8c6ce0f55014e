"""The file beside a model's weights that says exactly what made it, and the model card that says so to people.

Sample, `models/0/lineage.json` (keys sorted; no times, no commit, so that the same training writes the same bytes):

    {"mix": {"file": "data/mix/0.parquet", "hash": "5d41...", "rows": 212}, "model": "7d79...", "seed": 1,
     "start": {"fingerprint": "9f86...", "folder": "models/base"}, "packages": {"torch": "2.13.0", ...},
     "composition": [{"kind": "distilled", "round": 0, "source": "figures", "licence": "Apache-2.0", "rows": 212, ...}],
     "ancestry": {"datasets": {"data/distill/paths.parquet": {"hash": "2c26...", "rows": 240, ...}, ...},
                  "models": {"models/orm": {...}, ...}, "files": {...}, "prompts": {"solve@1": "fcde..."}}, ...}
"""

from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mathse.ask.prompts import PROMPTS
from mathse.backbones import fingerprint as fingerprints
from mathse.share.ancestry import Ancestor, ancestors, made_from
from mathse.share.card import CARD, model_card
from mathse.tables import views
from mathse.tables.schemas import content_id

PACKAGES = ("torch", "transformers", "trl")
OF_MODEL = ("from", "revision", "licence")
"""What is passed on of the lineage file of a model that was fetched."""


def write_lineage(folder: Path, given: Mapping[str, Any]) -> str:
    """Write the lineage file of a finished model, and the card of one that was trained on a mix.

    Args:
        folder: Holds the model's weights and processor.
        given: What it was made from: JSON values; the model's own fingerprint and package versions are added, the
            versions unless they are among them.

    Returns:
        The model's fingerprint.
    """
    lineage = {"packages": versions(PACKAGES), **given}
    fingerprint = fingerprints.write_lineage(folder, lineage)
    if "mix" in lineage:
        (folder / CARD).write_text(model_card({**lineage, "model": fingerprint}), encoding="utf-8")
    return fingerprint


def history(given: Mapping[str, Any]) -> dict[str, Any]:
    """What stands behind a model's mix and start model: ancestry and composition, for its lineage file.

    Ancestors that are not at hand (DVC can run a stage without them) are told by their hash alone.

    Args:
        given: With the mix's `file` and `hash`, and the start's `folder` and `fingerprint`.
    """
    found = list(ancestors(made_from(given)).values())
    problems = next((Path(one.path) for one in found if one.table == "Problem"), None)
    return {
        "ancestry": {
            "datasets": {one.path: _dataset(one) for one in found if one.kind == "dataset"},
            "models": {one.path: _model(one) for one in found if one.kind == "model"},
            "files": {one.path: one.hash for one in found if one.kind == "file"},
            "prompts": {name: content_id("prompt", PROMPTS.get(name)) for one in found for name in one.prompts},
        },
        "composition": composition(Path(given["mix"]["file"]), problems),
    }


def composition(mix: Path, problems: Path | None) -> list[dict[str, Any]]:
    """Rows of a mix by kind, round, and the source, licence and language of their problems.

    Args:
        mix: The mix.
        problems: The table of its problems; None: it is not at hand, and what it would say is null.
    """
    tables = {"mix": mix, **({"problems": problems} if problems else {})}
    about = ("source", "licence", "language")
    columns = ", ".join(about if problems else (f"null as {name}" for name in about))
    join = "left join problems using (problem_id)" if problems else ""
    sql = f"select kind, round, {columns}, count(*) as rows from mix {join} group by all order by all"
    with views.connect(tables) as connection:
        answer = views.query(connection, sql)
        return [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]


def versions(packages: Iterable[str]) -> dict[str, str]:
    """The installed versions of packages, by name."""
    return {package: version(package) for package in packages}


def _dataset(one: Ancestor) -> dict[str, Any]:
    told = {"by": list(one.by), "prompts": list(one.prompts)} if one.by else {}
    return {"hash": one.hash, "rows": one.rows, "made_from": sorted(one.made_from), **told}


def _model(one: Ancestor) -> dict[str, Any]:
    said = one.lineage or {}
    passed_on = {name: said[name] for name in OF_MODEL if name in said}
    return {"hash": one.hash, "fingerprint": said.get("model"), "made_from": sorted(one.made_from), **passed_on}
