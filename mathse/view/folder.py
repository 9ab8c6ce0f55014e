"""An exported folder as a run that can be looked at: `mathse view DIR`.

In: what `mathse export` wrote, also where somebody has edited it since. Out: in a scratch folder, the tables of
problems, images and one mix, and of paths and verdicts by the kind and round of a path. Nothing of the folder is
believed: a row that is none is left out and counted, and a file that is not as SHA256SUMS says is named.

Sample: `unpack(Path("../theirs"), scratch)` -> ["2 rows cannot be shown whole: finish_reason: Field required"]
"""

import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from mathse import layout
from mathse.errors import UserError
from mathse.share.folder import SUMS
from mathse.tables import store
from mathse.tables.files import sha256
from mathse.tables.images import ImageError, decoder
from mathse.tables.schemas import Image, MixRow, Problem, Row, Verdict
from mathse.tables.schemas import Path as PathRow

_STEPS = {"distilled": "0", "reflection": "final", "edited": "edited"}
"""The step that wrote paths of a kind; rollouts are their round's."""
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
MOST_PIXELS = 2**26
"""Of an image that is shown."""
_BATCH = 64
MOST_NOTES = 5
"""Sentences about files, and about rows."""
_LARGEST = 1 << 24
"""Bytes of a lineage file."""
_NEEDED = {"path_id", "problem_id", "question", "gold_answer", "text", "image_ids", "images"}

Cells = dict[str, Any]


class NotAFolder(UserError):
    """A folder is neither a project nor an export; says what it lacks."""


def is_export(folder: Path) -> bool:
    """Whether a folder is an export, and no project."""
    is_project = any((folder / name).exists() for name in ("params.yaml", "dvc.yaml", "data/paths", "data/problems"))
    return not is_project and any(folder.glob("data/*.parquet"))


def unpack(folder: Path, root: Path) -> list[str]:
    """Write the tables of an export below `root`.

    Returns:
        What is wrong with it, a sentence each.

    Raises:
        NotAFolder: A file of it is no Parquet, or lacks columns.
    """
    shards = _shards(folder)
    wrong: dict[str, set[int]] = {}
    steps = sorted({_step(cells) for cells in _cells(shards, {"kind", "round"})})
    seen: dict[type[Row], set[str]] = {}

    def write(file: Path, model: type[Row], rows: Callable[[Cells], Iterator[Row]], *more: str) -> None:
        """Write a table: the first row of each key; those that are none are counted."""
        there = seen.setdefault(model, set())

        def table() -> Iterator[Row]:
            for place, cells in enumerate(_cells(shards, {*model.model_fields, *more})):
                try:
                    for row in rows(cells):
                        if (key := str(getattr(row, model.key[0]))) not in there:
                            there.add(key)
                            yield row
                except (ValidationError, ImageError, TypeError, KeyError) as error:
                    wrong.setdefault(_reason(error), set()).add(place)

        store.write(root / file, model, table())

    write(layout.PROBLEMS, Problem, _problem, "gold_answer", "gold_solution")
    write(layout.IMAGES, Image, _images, "images", "image_ids")
    for step in steps:
        write(layout.paths(step), PathRow, partial(_path, step))
        write(layout.verdicts(step), Verdict, partial(_verdict, step), *_VERDICT.values(), "kind", "round")
    write(layout.mix(_mix_name(folder)), MixRow, _mix_row)
    counts = sorted(((len(places), reason) for reason, places in wrong.items()), key=lambda pair: -pair[0])
    notes = [f"{count:,} {'row' if count == 1 else 'rows'} cannot be shown whole: {reason}" for count, reason in counts]
    return [*islice(_changed(folder, shards), MOST_NOTES), *notes[:MOST_NOTES]]


def _shards(folder: Path) -> list[Path]:
    shards = sorted(file for file in (folder / "data").glob("*.parquet") if file.is_file())
    for file in shards:
        try:
            names = set(pq.read_schema(file).names)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise NotAFolder(f"{file}: damaged or not Parquet ({error})") from error
        if missing := sorted(_NEEDED - names):
            raise NotAFolder(f"{file}: has no column {', '.join(missing)}; `mathse export` writes folders that have")
    return shards


def _cells(shards: list[Path], columns: set[str]) -> Iterator[Cells]:
    for file in shards:
        try:
            with pq.ParquetFile(file) as parquet:
                names = [name for name in parquet.schema_arrow.names if name in columns]
                for batch in parquet.iter_batches(batch_size=_BATCH, columns=names):
                    yield from batch.to_pylist()
        except (pa.ArrowException, OSError, ValueError) as error:
            raise NotAFolder(f"{file}: damaged ({error})") from error


def _problem(cells: Cells) -> Iterator[Row]:
    content = {name: cells[name] for name in Problem.model_fields if cells.get(name) is not None}
    content |= {"answer": cells["gold_answer"], "solution": cells.get("gold_solution")}
    yield Problem.model_validate(content)


def _images(cells: Cells) -> Iterator[Row]:
    for image_id, picture in zip(cells["image_ids"], cells["images"], strict=False):
        data = picture["bytes"]
        with decoder(data, MOST_PIXELS) as image:
            width, height = image.size
            form = image.format or "PNG"
        yield Image(image_id=image_id, data=data, format=form, width=width, height=height)


def _step(cells: Cells) -> str:
    kind, number = cells.get("kind"), cells.get("round")
    return _STEPS.get(str(kind), str(number) if isinstance(number, int) and number >= 0 else "0")


def _mix_name(folder: Path) -> str:
    """The mix that was exported, as its lineage names it."""
    try:
        with (folder / "lineage.json").open("rb") as content:
            name = json.loads(content.read(_LARGEST)).get("mix")
    except (OSError, ValueError, AttributeError, RecursionError):
        name = None
    return name if isinstance(name, str) and _NAME.fullmatch(name) else "shared"


def _path(step: str, cells: Cells) -> Iterator[Row]:
    if _step(cells) != step:
        return
    yield PathRow.model_validate({name: cells[name] for name in PathRow.model_fields if name in cells})


_VERDICT = {
    "author": "judge", "prompt_id": "judge_prompt_id", "status": "verdict", "error_step": "error_step",
    "error_analysis": "error_analysis", "rule_status": "rule_verdict",
}  # fmt: skip
"""What a verdict's columns are called in an export."""


def _verdict(step: str, cells: Cells) -> Iterator[Row]:
    if _step(cells) != step:
        return
    content = {name: cells.get(theirs) for name, theirs in _VERDICT.items()}
    if content["status"] is not None and content["rule_status"] is not None:
        about = {"path_id": cells["path_id"], "problem_id": cells["problem_id"], "raw": "", "rule_reason": ""}
        yield Verdict.model_validate({**content, **about})


def _mix_row(cells: Cells) -> Iterator[Row]:
    yield MixRow.model_validate({name: cells[name] for name in MixRow.model_fields if name in cells})


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return f"{type(error).__name__}: {error}"


def _changed(folder: Path, shards: list[Path]) -> Iterator[str]:
    """Files of rows that are not as SHA256SUMS says."""
    try:
        lines = (folder / SUMS).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        yield f"{folder}: has no {SUMS}, by which changes are noticed; `mathse seal` writes it"
        return
    sums = {folder / name: stated for stated, _, name in (line.partition("  ") for line in lines)}
    for file in shards:
        if file not in sums:
            yield f"{file}: {SUMS} does not name it: put there since"
        elif sha256(file) != sums[file]:
            yield f"{file}: not as {SUMS} says: edited since, or damaged"
    for file in sorted(sums.keys() - set(shards)):
        if file.match("data/*.parquet"):
            yield f"{file}: {SUMS} names it, but it is not there"
