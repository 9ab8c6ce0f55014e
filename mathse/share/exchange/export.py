"""Export a mix as a folder for others.

In: a mix and the run's tables. Out: the folder that `mathse.share.exchange` describes, whole or not at all; the same
run gives the same bytes.
"""

import json
import logging
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

from mathse.progress import progress
from mathse.share.exchange import card, rows, shards
from mathse.share.exchange.columns import SharedRow
from mathse.share.exchange.counts import Counts
from mathse.share.exchange.croissant import CROISSANT, croissant
from mathse.share.exchange.folder import appearing, write_sums
from mathse.share.exchange.lineage import LINEAGE, lineage
from mathse.share.exchange.rows import ExportError, Left, Mix
from mathse.tables import store
from mathse.tables.schemas import MixRow

log = logging.getLogger(__name__)

EXCLUDED = "excluded.jsonl"
LLAMA_FACTORY = "dataset_info.json"
OVERRIDE = "--include-unshareable"


def export(root: Path, name: str, out: Path, everything: bool = False, shard_bytes: int = shards.SHARD_BYTES) -> Counts:
    """Write a mix into a folder that others' tools open.

    Args:
        root: The project's root.
        name: Of the mix: `mix@2`, `final`, `orm`, or its file.
        out: The folder; an earlier export in it is replaced.
        everything: Whether rows whose licence forbids it are shared too.
        shard_bytes: Size from which on a new shard is begun.

    Returns:
        What was shared and what was left out.

    Raises:
        ExportError: There is no such mix, it is empty, none of its rows may be shared, or a table lacks a row.
        FolderError: The folder holds something else, or cannot be written.
    """
    mix = rows.find(root, name)
    store.require(mix.file, MixRow)
    total = store.metadata(mix.file).rows
    if not total:
        raise ExportError(f"{mix.file}: holds no rows; see in reports/mixes how many its query left out, and why")
    counts = Counts()
    with appearing(out, LINEAGE) as folder:
        with (folder / EXCLUDED).open("w", encoding="utf-8") as left, progress(f"export {mix.name}", total) as advance:
            found = _passed(rows.rows(root, mix, everything), counts, left, advance)
            written = shards.write(folder, counts.counted(found), shard_bytes)
        _require_all(mix, total, counts)
        _describe(folder, f"MathSE {mix.name}", counts, written, lineage(root, mix, counts, everything))
    return counts


def _passed(found: Iterator[SharedRow | Left], counts: Counts, left: TextIO, advance: Any) -> Iterator[SharedRow]:
    """The rows that are shared; the others are listed and counted."""
    for row in found:
        advance(1)
        if isinstance(row, Left):
            counts.excluded[row.reason] += 1
            left.write(json.dumps(asdict(row), ensure_ascii=False) + "\n")
        else:
            yield row


def _require_all(mix: Mix, total: int, counts: Counts) -> None:
    if not counts.rows:
        reasons = ", ".join(f"{count} {reason}" for reason, count in counts.excluded.most_common())
        raise ExportError(
            f"{mix.file}: none of its {total} rows may be shared: {reasons}. State the licence of your source in "
            f"mathse/sources/licences.yaml, or export for yourself alone with {OVERRIDE}"
        )
    if counts.rows + counts.excluded.total() != total:
        raise ExportError(
            f"{mix.file}: {total} rows, {counts.rows + counts.excluded.total()} after joining paths and verdicts: "
            "a path is in two steps' tables; remove the tables of rounds that params.yaml no longer has"
        )


def _describe(folder: Path, title: str, counts: Counts, written: shards.Shards, made_from: dict[str, Any]) -> None:
    _write_json(folder / LINEAGE, made_from)
    _write_json(folder / LLAMA_FACTORY, {card.slug(title): _llama_factory()})
    _write_json(folder / CROISSANT, croissant(title, folder, counts, written, made_from))
    (folder / card.CARD).write_text(card.render(title, counts, written, made_from), encoding="utf-8")
    write_sums(folder)


def _llama_factory() -> dict[str, Any]:
    """How LLaMA-Factory reads the rows: https://llamafactory.readthedocs.io/en/latest/getting_started/data_preparation.html."""
    return {
        "file_name": shards.FOLDER,
        "formatting": "sharegpt",
        "columns": {"messages": "conversations", "images": "images"},
        "tags": {
            "role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant",
            "system_tag": "system",
        },
    }  # fmt: skip


def _write_json(file: Path, content: dict[str, Any]) -> None:
    file.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
