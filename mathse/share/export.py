"""Export a mix as a folder for others.

In: a mix and the run's tables. Out: the folder that `mathse.share` describes, whole or not at all; the same run gives
the same bytes.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mathse.progress import progress
from mathse.share import dataset_card, rows, shards
from mathse.share.columns import SharedRow
from mathse.share.counts import EXCLUDED, Counts
from mathse.share.croissant import croissant
from mathse.share.folder import appearing, write_sums
from mathse.share.provenance import LINEAGE, lineage
from mathse.share.rows import Excluded, ExportError
from mathse.share.selection import Selection
from mathse.tables import store
from mathse.tables.schemas import MixRow

LLAMA_FACTORY = "dataset_info.json"
LLAMA_FACTORY_READS = {
    "file_name": shards.FOLDER,
    "formatting": "sharegpt",
    "columns": {"messages": "conversations", "images": "images"},
    "tags": {
        "role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant",
        "system_tag": "system",
    },
}  # fmt: skip
"""How LLaMA-Factory reads the rows: https://llamafactory.readthedocs.io/en/latest/getting_started/data_preparation.html."""
CROISSANT = "croissant.json"
OVERRIDE = "--include-unshareable"
ALL = Selection()


def export(
    root: Path,
    name: str,
    out: Path,
    everything: bool = False,
    shard_bytes: int = shards.SHARD_BYTES,
    selection: Selection = ALL,
) -> Counts:
    """Write a mix, or a part of it, into a folder that others' tools open.

    Args:
        name: Of the mix: `mix@2`, `final`, `orm`, or its file.
        out: The folder; an earlier export in it is replaced.
        everything: Whether rows whose licence forbids it are shared too.
        shard_bytes: A shard that has reached this size is closed.
        selection: Which of its rows.

    Returns:
        What was shared and what was left out.

    Raises:
        ExportError: There is no such mix, none of its rows is there, selected or may be shared, or a table lacks a row.
        FolderError: The folder holds something else, or cannot be written.
    """
    mix = rows.find(root, name)
    store.require(mix.file, MixRow)
    total = store.metadata(mix.file).rows
    if not total:
        raise ExportError(f"{mix.file}: holds no rows; see in reports/mixes how many its query left out, and why")
    ids = selection.ids(root) if selection != ALL else []
    selected = rows.count(mix, ids) if ids else total
    if not selected:
        hint = "`mathse tag list` shows what is tagged" if selection.tag else "try the query in `mathse query`"
        raise ExportError(f"{mix.file}: none of its {total} rows is selected; {hint}")
    counts = Counts()
    with appearing(out, LINEAGE) as folder:
        with (
            (folder / EXCLUDED).open("w", encoding="utf-8") as excluded,
            progress(f"export {mix.name}", selected) as step,
        ):

            def shared() -> Iterator[SharedRow]:
                """The rows that are shared; the others are listed. All are counted."""
                for row in rows.rows(root, mix, everything, ids):
                    step(1)
                    if isinstance(row, Excluded):
                        counts.excluded[row.reason] += 1
                        excluded.write(json.dumps(asdict(row), ensure_ascii=False) + "\n")
                    else:
                        counts.add(row)
                        yield row

            written = shards.write(folder, shared(), shard_bytes)
        _require_all(mix.file, selected, counts)
        describe(folder, counts, written, lineage(root, mix, counts, everything, selection.described()))
    return counts


def describe(folder: Path, counts: Counts, written: shards.Shards, made_from: dict[str, Any]) -> None:
    """Write all that lies beside the rows of an export: lineage, card, metadata and checksums.

    Args:
        counts: What its rows come to.
        written: Its rows, in place.
        made_from: What `lineage.json` says.
    """
    title = f"MathSE {made_from['mix']}"
    described = {
        LINEAGE: made_from,
        LLAMA_FACTORY: {dataset_card.slug(title): LLAMA_FACTORY_READS},
        CROISSANT: croissant(title, folder, counts, written, made_from),
    }
    for file, content in described.items():
        text = json.dumps(content, indent=2, ensure_ascii=False)
        (folder / file).write_text(text + "\n", encoding="utf-8")
    card = dataset_card.render(title, counts, written, made_from)
    (folder / dataset_card.CARD).write_text(card, encoding="utf-8")
    write_sums(folder)


def _require_all(mix: Path, total: int, counts: Counts) -> None:
    if not counts.rows:
        reasons = ", ".join(f"{count} {reason}" for reason, count in counts.excluded.most_common())
        raise ExportError(
            f"{mix}: none of its {total} rows may be shared: {reasons}. Where your source's licence is not that "
            "of mathse/sources/licences.yaml, state it in params.yaml (problems.sources: `licence`); or export for "
            f"yourself alone with {OVERRIDE}"
        )
    if counts.rows + counts.excluded.total() != total:
        raise ExportError(
            f"{mix}: {total} rows, {counts.rows + counts.excluded.total()} after joining paths and verdicts: "
            "a path is in two steps' tables; remove the tables of rounds that params.yaml no longer has"
        )
