"""Import what a collaborator exported: checked, copied below data/sources, its rows tried once.

In: an export's folder; nothing in it is trusted. Out: a copy of the files that its SHA256SUMS names, under a name that
`params.problems.sources` and `params.distill.recorded` can use, and `quarantine.jsonl` with the rows that cannot be
used. The stage `problems` reads the copy, and rejects the same rows for the same reasons.

Sample of quarantine.jsonl: `{"source_id": "data/train-00000-of-00001.parquet:17", "reason": "unreadable image", ...}`
"""

import json
import re
import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from mathse import layout
from mathse.errors import UserError
from mathse.limits import bounded_memory
from mathse.progress import progress
from mathse.share.columns import FORMAT, VERSION, features
from mathse.share.folder import SUMS, appearing
from mathse.share.provenance import LINEAGE
from mathse.share.shards import FOLDER
from mathse.sources.adapters import mathse_export
from mathse.sources.admit import Limits, admit
from mathse.sources.licences import PER_ROW
from mathse.tables.files import sha256
from mathse.tables.schemas import Reject

QUARANTINE = "quarantine.jsonl"
_LINE = re.compile(r"([0-9a-f]{64}) [ *](\S.*)")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_LARGEST_TEXT = 16 * 2**20
"""Bytes of a file that is read whole."""


class ImportFailed(UserError):
    """A folder cannot be imported; names it, the file and what is wrong."""


@dataclass
class Imported:
    """What was imported.

    Attributes:
        name: Of the source.
        folder: Where it lies, relative to the project's root.
        problems: Distinct ones that passed.
        paths: Recorded solutions that passed.
        quarantined: Rows that did not, by reason.
        unlisted: Files that are no part of an export, and that were not copied.
    """

    name: str
    folder: Path
    problems: int = 0
    paths: int = 0
    quarantined: Counter[str] = field(default_factory=Counter)
    unlisted: int = 0

    def summary(self) -> str:
        """What was imported, what was not, and how params.yaml names it."""
        adapter, place = mathse_export.NAME, self.folder.as_posix()
        lines = [f"{self.folder}: {self.problems} problems, {self.paths} paths judged correct or corrected by people"]
        lines += [f"  {count} rows quarantined: {reason}" for reason, count in self.quarantined.most_common()]
        if self.quarantined:
            lines.append(f"  listed in {self.folder / QUARANTINE}")
        if self.unlisted:
            lines.append(f"  {self.unlisted} files that are no part of an export were not copied")
        lines += [
            "To use them, add to params.yaml, the first line in problems.sources, the second in distill.recorded "
            "(for its paths):",
            f"  - {{name: {adapter}, label: {self.name}, path: {place}}}",
            f"  - {{name: {adapter}, source: {self.name}, path: {place}}}",
            "`distill.fraction: 1` takes all of its paths; a smaller one, those to that share of the problems.",
        ]
        return "\n".join(lines)


def import_folder(root: Path, theirs: Path, name: str | None = None) -> Imported:
    """Check an export and copy it to data/sources/NAME.

    Args:
        name: Of the source; made of the folder's name if None.

    Raises:
        UserError: It is no export, a checksum or column is wrong, or the place is taken by something else.
    """
    name = name or re.sub(r"[^a-z0-9]+", "_", theirs.resolve().name.lower()).strip("_")[:40]
    if not _NAME.fullmatch(name) or name == "figures":
        raise ImportFailed(f"--name {name}: must be small letters, digits, _ and -, 40 at most, and not `figures`")
    sums = stated_sums(theirs)
    stated_lineage(theirs)
    imported = Imported(name, layout.SOURCES / name)
    imported.unlisted = sum(1 for file in theirs.rglob("*") if file.is_file()) - len(sums) - 1
    with appearing(root / imported.folder, LINEAGE) as folder:
        _copy(theirs, folder, sums)
        for shard in sorted(file for file in sums if file.suffix == ".parquet"):
            _require_columns(folder / shard, theirs / shard)
        with bounded_memory():
            _try(folder, imported)
        if not imported.problems:
            reasons = ", ".join(f"{count} {reason}" for reason, count in imported.quarantined.most_common())
            raise ImportFailed(f"{theirs}: no row can be used: {reasons}")
    return imported


def require_whole(theirs: Path) -> list[Path]:
    """Check that a folder is an export with the bytes that it states, and the columns of one.

    Returns:
        Its Parquet files, in their order.

    Raises:
        ImportFailed: It is not.
    """
    sums = stated_sums(theirs)
    stated_lineage(theirs)
    for file, stated in sums.items():
        _require_sum(theirs / file, theirs / file, stated)
    shards = sorted(theirs / file for file in sums if file.suffix == ".parquet")
    for shard in shards:
        _require_columns(shard, shard)
    return shards


def stated_lineage(theirs: Path) -> dict[str, Any]:
    """What a folder says it was made from.

    Raises:
        ImportFailed: It does not say that it is an export of this version.
    """
    try:
        stated: Any = json.loads(_text(theirs, LINEAGE))
    except (ValueError, RecursionError) as error:
        raise ImportFailed(f"{theirs / LINEAGE}: no JSON ({error})") from error
    form, version = (stated.get(name) if isinstance(stated, dict) else None for name in ("format", "version"))
    if form != FORMAT:
        raise ImportFailed(f"{theirs / LINEAGE}: format is {str(form)[:40]!r}, {FORMAT!r} is expected")
    if version != VERSION:
        raise ImportFailed(f"{theirs / LINEAGE}: version {str(version)[:20]}, this MathSE reads {VERSION}")
    return dict(stated)


def stated_sums(theirs: Path) -> dict[PurePosixPath, str]:
    """The checksums that a folder states, by file; each a regular file inside of it.

    Raises:
        ImportFailed: There are none, or one names something else.
    """
    sums: dict[PurePosixPath, str] = {}
    for number, line in enumerate(_text(theirs, SUMS).splitlines(), start=1):
        match = _LINE.fullmatch(line)
        if match is None:
            raise ImportFailed(f"{theirs / SUMS}: line {number} is no checksum")
        file = PurePosixPath(match[2])
        if file.is_absolute() or ".." in file.parts or "\\" in match[2]:
            raise ImportFailed(f"{theirs / SUMS}: line {number}: {match[2]!r} leads out of the folder")
        if not _is_inside(theirs, file):
            raise ImportFailed(f"{theirs / SUMS}: line {number}: {match[2]}: not there, or a link")
        sums[file] = match[1]
    shards = {file for file in sums if file.parts[:-1] == (FOLDER,) and file.suffix == ".parquet"}
    if PurePosixPath(LINEAGE) not in sums or not shards:
        raise ImportFailed(f"{theirs / SUMS}: names no {LINEAGE} or no {FOLDER}/*.parquet: not an export")
    return {file: stated for file, stated in sums.items() if file in shards or len(file.parts) == 1}


def _is_inside(theirs: Path, file: PurePosixPath) -> bool:
    """Whether it is a regular file, reached without a link."""
    parts = [theirs.joinpath(*file.parts[:count]) for count in range(1, len(file.parts) + 1)]
    return not any(part.is_symlink() for part in parts) and parts[-1].is_file()


def _text(theirs: Path, name: str) -> str:
    file = theirs / name
    try:
        if not _is_inside(theirs, PurePosixPath(name)):
            raise ImportFailed(f"{file}: not there; {theirs} is no folder that `mathse export` wrote")
        if file.stat().st_size > _LARGEST_TEXT:
            raise ImportFailed(f"{file}: larger than {_LARGEST_TEXT >> 20} MB; it does not look like an export's")
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ImportFailed(f"{file}: cannot be read ({error})") from error


def _copy(theirs: Path, folder: Path, sums: Mapping[PurePosixPath, str]) -> None:
    """Copy the files, and check the copies: what was looked at is then what is used."""
    with progress("import", len(sums)) as advance:
        for file, stated in sums.items():
            copy = folder / file
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(theirs / file, copy, follow_symlinks=False)
            _require_sum(copy, theirs / file, stated)
            advance(1)
    lines = [f"{stated}  {file}\n" for file, stated in sums.items()]
    (folder / SUMS).write_text("".join(lines), encoding="utf-8")


def _require_sum(copy: Path, named: Path, stated: str) -> None:
    if sha256(copy) != stated:
        raise ImportFailed(
            f"{named}: its content does not match {SUMS}: damaged or changed; fetch it again, or if it was edited on "
            "purpose, have `mathse seal` make the edits rows of their own"
        )


def _require_columns(copy: Path, named: Path) -> None:
    try:
        schema = pq.read_schema(copy)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise ImportFailed(f"{named}: damaged or not Parquet ({error})") from error
    expected = features().arrow_schema
    for column in expected:
        if column.name not in schema.names:
            raise ImportFailed(f"{named}: column {column.name} is missing")
        if schema.field(column.name).type != column.type:
            raise ImportFailed(f"{named}: column {column.name} is {schema.field(column.name).type}, not {column.type}")


def _try(folder: Path, imported: Imported) -> None:
    """Read every row as the stages will, and write down those that they cannot use."""
    with (folder / QUARANTINE).open("w", encoding="utf-8") as quarantine:

        def reject(row: Reject) -> None:
            imported.quarantined[row.reason] += 1
            content = row.model_dump(include={"source_id", "reason", "detail"})
            quarantine.write(json.dumps(content, ensure_ascii=False) + "\n")

        no_problems = set()
        for row in admit(mathse_export.ADAPTER.read(folder), folder, PER_ROW, Limits()):
            if isinstance(row, Reject):
                no_problems.add(row.source_id)
                reject(row)
            else:
                imported.problems += 1
        for solution in mathse_export.recorded(folder):
            if not isinstance(solution, Reject):
                imported.paths += 1
            elif solution.reason in mathse_export.OF_PATHS and solution.source_id not in no_problems:
                reject(solution)
