"""Take in what a collaborator exported: checked, copied below data/sources, its rows tried once.

In: an export's folder; nothing in it is trusted. Out: a copy of the files that its SHA256SUMS names, under a name that
`params.problems.sources` and `params.distill.recorded` can use, and `quarantine.jsonl` with the rows that cannot be
used. The stage `problems` reads the copy, and rejects the same rows for the same reasons.

Sample of quarantine.jsonl: `{"source_id": "data/train-00000-of-00001.parquet:17", "reason": "unreadable image", ...}`
"""

import json
import logging
import re
import shutil
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from mathse import layout
from mathse.errors import UserError
from mathse.progress import progress
from mathse.share.exchange import shards
from mathse.share.exchange.columns import FORMAT, VERSION
from mathse.share.exchange.folder import SUMS, appearing, digest
from mathse.share.exchange.lineage import LINEAGE
from mathse.sources.adapters import mathse_export
from mathse.sources.admit import Limits, admit
from mathse.sources.licences import PER_ROW
from mathse.tables.schemas import Reject

log = logging.getLogger(__name__)

QUARANTINE = "quarantine.jsonl"
_LINE = re.compile(r"([0-9a-f]{64}) [ *](\S.*)")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_LARGEST_TEXT = 64 * 2**20
"""Bytes of a file that is read whole."""


class ImportFailed(UserError):
    """A folder cannot be taken in; names it, the file and what is wrong."""


@dataclass
class Imported:
    """What was taken in.

    Attributes:
        name: Of the source.
        folder: Where it lies, relative to the project's root.
        problems: Distinct ones that passed.
        paths: Recorded solutions that passed.
        quarantined: Rows that did not, by reason.
        unlisted: Files that SHA256SUMS does not name, and that were not copied.
    """

    name: str
    folder: Path
    problems: int = 0
    paths: int = 0
    quarantined: Counter[str] = field(default_factory=Counter)
    unlisted: int = 0


def bring(root: Path, given: Path, name: str | None = None) -> Imported:
    """Check an export and copy it to data/sources/NAME.

    Args:
        root: The project's root.
        given: The export's folder.
        name: Of the source; made of the folder's name if not given.

    Raises:
        UserError: It is no export, a checksum or column is wrong, or the place is taken by something else.
    """
    name = name or re.sub(r"[^a-z0-9]+", "_", given.resolve().name.lower()).strip("_")[:40]
    if not _NAME.fullmatch(name) or name == "figures":
        raise ImportFailed(f"--name {name}: must be small letters, digits, _ and -, 40 at most, and not `figures`")
    sums = listed(given)
    _require_format(given)
    result = Imported(name, layout.SOURCES / name)
    result.unlisted = sum(1 for file in given.rglob("*") if file.is_file()) - len(sums) - 1
    with appearing(root / result.folder, LINEAGE) as folder:
        _copy(given, folder, sums)
        for shard in sorted(file for file in sums if file.suffix == ".parquet"):
            _require_columns(folder / shard, given / shard)
        _try(folder, result)
        if not result.problems:
            raise ImportFailed(f"{given}: no row can be used: {_reasons(result.quarantined)}")
    return result


def listed(given: Path) -> dict[PurePosixPath, str]:
    """The checksums that a folder states, by file; each a regular file inside of it.

    Raises:
        ImportFailed: There are none, or one names something else.
    """
    found: dict[PurePosixPath, str] = {}
    for number, line in enumerate(_text(given, SUMS).splitlines(), start=1):
        matched = _LINE.fullmatch(line)
        if matched is None:
            raise ImportFailed(f"{given / SUMS}: line {number} is no checksum")
        file = PurePosixPath(matched[2])
        if file.is_absolute() or ".." in file.parts or "\\" in matched[2]:
            raise ImportFailed(f"{given / SUMS}: line {number}: {matched[2]!r} leads out of the folder")
        if not _is_inside(given, file):
            raise ImportFailed(f"{given / SUMS}: line {number}: {matched[2]}: not there, or a link")
        found[file] = matched[1]
    if PurePosixPath(LINEAGE) not in found or not any(_is_shard(file) for file in found):
        raise ImportFailed(f"{given / SUMS}: names no {LINEAGE} or no {shards.FOLDER}/*.parquet: not an export")
    return {file: said for file, said in found.items() if _is_shard(file) or len(file.parts) == 1}


def _is_shard(file: PurePosixPath) -> bool:
    return file.parts[:-1] == (shards.FOLDER,) and file.suffix == ".parquet"


def _is_inside(given: Path, file: PurePosixPath) -> bool:
    """Whether it is a regular file, reached without a link."""
    parts = [given.joinpath(*file.parts[:count]) for count in range(1, len(file.parts) + 1)]
    return not any(part.is_symlink() for part in parts) and parts[-1].is_file()


def _text(given: Path, name: str) -> str:
    file = given / name
    try:
        if not _is_inside(given, PurePosixPath(name)):
            raise ImportFailed(f"{file}: not there; {given} is no folder that `mathse export` wrote")
        if file.stat().st_size > _LARGEST_TEXT:
            raise ImportFailed(f"{file}: larger than {_LARGEST_TEXT >> 20} MB; it does not look like an export's")
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ImportFailed(f"{file}: cannot be read ({error})") from error


def _require_format(given: Path) -> None:
    try:
        stated: Any = json.loads(_text(given, LINEAGE))
    except (ValueError, RecursionError) as error:
        raise ImportFailed(f"{given / LINEAGE}: no JSON ({error})") from error
    form = stated.get("format") if isinstance(stated, dict) else None
    if form != FORMAT:
        raise ImportFailed(f"{given / LINEAGE}: format is {str(form)[:40]!r}, {FORMAT!r} is expected")
    if stated.get("version") != VERSION:
        raise ImportFailed(f"{given / LINEAGE}: version {str(stated.get('version'))[:20]}, this MathSE reads {VERSION}")


def _copy(given: Path, folder: Path, sums: dict[PurePosixPath, str]) -> None:
    """Copy the files, and check the copies: what was looked at is then what is used."""
    with progress("import", len(sums)) as advance:
        for file, said in sums.items():
            copy = folder / file
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(given / file, copy, follow_symlinks=False)
            if digest(copy) != said:
                raise ImportFailed(
                    f"{given / file}: its content does not match {SUMS}: damaged or changed; fetch it again"
                )
            advance(1)
    lines = [f"{said}  {file}\n" for file, said in sums.items()]
    (folder / SUMS).write_text("".join(lines), encoding="utf-8")


def _require_columns(copy: Path, named: Path) -> None:
    try:
        found = pq.read_schema(copy)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise ImportFailed(f"{named}: damaged or not Parquet ({error})") from error
    expected = shards.features().arrow_schema
    for column in expected:
        if column.name not in found.names:
            raise ImportFailed(f"{named}: column {column.name} is missing")
        if found.field(column.name).type != column.type:
            raise ImportFailed(f"{named}: column {column.name} is {found.field(column.name).type}, not {column.type}")


def _try(folder: Path, result: Imported) -> None:
    """Read every row as the stages will, and write down those that they cannot use."""
    with (folder / QUARANTINE).open("w", encoding="utf-8") as quarantine:
        for row in admit(mathse_export.ADAPTER.read(folder), folder, PER_ROW, Limits()):
            if isinstance(row, Reject):
                result.quarantined[row.reason] += 1
                content = row.model_dump(include={"source_id", "reason", "detail"})
                quarantine.write(json.dumps(content, ensure_ascii=False) + "\n")
            else:
                result.problems += 1
    result.paths = sum(1 for found in mathse_export.recorded(folder) if not isinstance(found, Reject))


def _reasons(found: Counter[str]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in found.most_common())
