"""Seal a folder that somebody edited: each edit becomes a row of its own, and what lies beside the rows fits again.

In: an export whose Parquet files were edited, with `datasets` or anything else that writes Parquet. Out: the same
folder, written anew as an export is. A row whose text was changed, in `completion`, `text` or `conversations`, comes
out as two: the path as it was, and one of the kind `edited` by the person, whose parent that is. What cannot be told
apart is left out and listed in `refused.jsonl`, text and all. What could be neither kept nor listed (a file that cannot
be read, columns of the person's own) is named, and the folder stays as it is.

Sample of refused.jsonl: `{"place": "train-00000-of-00001.parquet:17", "reason": "prompt was edited", "text": ...}`
"""

import json
import shutil
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, count
from pathlib import Path
from typing import Any, TextIO

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from mathse.curation.decisions import first_fault
from mathse.curation.edits import edited
from mathse.errors import described
from mathse.limits import bounded_memory
from mathse.share import shards
from mathse.share.columns import SharedRow, conversation, features
from mathse.share.counts import Counts
from mathse.share.dataset_card import CARD
from mathse.share.export import describe
from mathse.share.folder import SUMS, appearing
from mathse.share.importing import ImportFailed, stated_lineage
from mathse.share.provenance import LINEAGE, counted
from mathse.share.rows import picture
from mathse.sources import reading
from mathse.sources.adapters.mathse_export import id_of_path, problem
from mathse.sources.rows.raw import Faulty, SourceRow
from mathse.tables import schemas
from mathse.tables.files import sha256
from mathse.tables.images import ImageError
from mathse.tables.schemas import Message

REFUSED = "refused.jsonl"
OLD_CARD = "README.before.md"
"""A card that somebody changed, as the card is written anew; a later one has a number."""
_LONGEST = 100_000
"""Characters of an edited text."""
_LISTED = 5
"""Columns that a message names."""


@dataclass
class Sealed:
    """What a folder came to.

    Attributes:
        folder: Where it lies.
        rows: How many it holds now.
        edits: Those that somebody edited since it was written.
        who: That person.
        refused: Rows that were left out, by reason.
        gone: Rows that were there when it was written, and are in its files no more.
        of_judge: Whether it holds verdicts, which nobody can correct in this way.
    """

    folder: Path
    rows: int = 0
    edits: int = 0
    who: str = ""
    refused: Counter[str] = field(default_factory=Counter)
    gone: int = 0
    of_judge: bool = False

    def summary(self) -> str:
        """What was sealed and what was refused."""
        by = f"{self.edits} of them edited by {self.who}" if self.edits else "none of them edited"
        if self.of_judge:
            by = "of a mix that trains an ORM: a verdict that was changed is in them, and comes back to no project"
        lines = [f"{self.folder}: {self.rows} rows, {by}"]
        lines += [f"  {self.gone} rows fewer than it was written with"] if self.gone > 0 else []
        lines += [f"  {count} rows refused: {reason}" for reason, count in self.refused.most_common()]
        return "\n".join(lines + ([f"  listed in {self.folder / REFUSED}"] if self.refused else []))


def seal(folder: Path, who: str) -> Sealed:
    """Write an edited export anew.

    Args:
        who: The person who edited it.

    Raises:
        ImportFailed: It is no export, no row of it can be used, or something in it would be lost.
        FolderError: It cannot be written.
    """
    made_from = stated_lineage(folder)
    _require_nothing_else(folder)
    stated, of_judge = made_from.get("rows"), made_from.get("trains") == "judge"
    sealed, counts = Sealed(folder, who=who, gone=stated if isinstance(stated, int) else 0, of_judge=of_judge), Counts()
    with appearing(folder, LINEAGE) as fresh:
        if (folder / REFUSED).is_file() and not (folder / REFUSED).is_symlink():
            shutil.copyfile(folder / REFUSED, fresh / REFUSED)
        with bounded_memory(), (fresh / REFUSED).open("a", encoding="utf-8") as refused:
            written = shards.write(fresh, _rows(sealed, counts, refused))
        if not counts.rows:
            raise ImportFailed(f"{folder}: no row can be used: {', '.join(sealed.refused)}; it stays as it is")
        if not (fresh / REFUSED).stat().st_size:
            (fresh / REFUSED).unlink()
        _keep(folder, fresh)
        sealed.rows = counts.rows
        try:
            counts.excluded.update(made_from["excluded"])
            describe(fresh, counts, written, _lineage(made_from, counts, sealed))
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ImportFailed(f"{folder / LINEAGE}: not as `mathse export` writes it ({described(error)})") from error
    return sealed


def _require_nothing_else(folder: Path) -> None:
    """Require that nothing leads out of the folder, and that its rows have no columns but those of an export."""
    for file in sorted(folder.rglob("*")):
        if file.is_symlink() or not (file.is_file() or file.is_dir()):
            raise ImportFailed(f"{file}: is a link or no file; put the file itself there, or remove it")
    own = set(features().arrow_schema.names)
    for file in _row_files(folder):
        try:
            names = pq.read_schema(file).names
        except (pa.ArrowException, OSError, ValueError) as error:
            raise ImportFailed(f"{file}: damaged or not Parquet ({described(error)}); mend or remove it") from error
        if others := [name for name in names if name not in own and not name.startswith("__index_level_")]:
            listed = ", ".join(others[:_LISTED]) + (", ..." if len(others) > _LISTED else "")
            raise ImportFailed(f"{file}: no column of an export, and would be lost: {listed}; remove it from the file")


def _row_files(folder: Path) -> list[Path]:
    return list(reading.files(folder / shards.FOLDER, _holds_rows))


def _holds_rows(name: str) -> bool:
    return name.endswith(".parquet")


def _keep(folder: Path, fresh: Path) -> None:
    """Copy what is no row: what was excluded, files of the person's own, and a card that somebody changed."""
    rows = set(_row_files(folder))
    for file in sorted(folder.rglob("*")):
        copy = fresh / file.relative_to(folder)
        if file.is_file() and not file.is_symlink() and file not in rows and not copy.exists():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)
    card, sums = fresh / CARD, fresh / SUMS
    stated = sums.read_text(encoding="utf-8", errors="replace").splitlines() if sums.is_file() else []
    if card.is_file() and f"{sha256(card)}  {CARD}" not in stated:
        names = chain([OLD_CARD], (f"README.before-{number}.md" for number in count(2)))
        card.rename(next(fresh / name for name in names if not (fresh / name).exists()))


def _rows(sealed: Sealed, counts: Counts, refused: TextIO) -> Iterator[SharedRow]:
    """The folder's rows and their edits, each path once; what is refused is listed.

    Raises:
        ImportFailed: A file cannot be read to its end.
    """
    seen, there = set[str](), set[str]()
    for row in reading.rows(sealed.folder / shards.FOLDER, _holds_rows):
        if not isinstance(row, SourceRow):
            place = sealed.folder / shards.FOLDER / row.place
            raise ImportFailed(f"{place}: {row.reason} ({row.detail}); mend or remove it, the folder stays as it is")
        there.add(str(row.fields.get("path_id")))
        try:
            for shared in [_verdict(row, seen)] if sealed.of_judge else _told_apart(row, sealed.who):
                if shared.path_id not in seen:
                    seen.add(shared.path_id)
                    sealed.edits += shared.path_id != row.fields["path_id"]
                    counts.add(shared)
                    yield shared
        except Faulty as fault:
            sealed.refused[fault.reason] += 1
            refused.write(json.dumps(_listed(row, fault), ensure_ascii=False, default=str) + "\n")
    sealed.gone -= len(there)


def _verdict(row: SourceRow, seen: Collection[str]) -> SharedRow:
    """A row of a mix that trains an ORM, as it is.

    Raises:
        Faulty: Something else than its verdict was edited, or the path's verdict is there already.
    """
    problem(row)
    shared = _shared(row.fields)
    if id_of_path(_path(shared)) != shared.path_id:
        raise Faulty("path does not match its id", "in a mix that trains an ORM no path can be edited")
    if shared.path_id in seen:
        raise Faulty("path is there twice", shared.path_id)
    return shared


def _lineage(stated: dict[str, Any], counts: Counts, sealed: Sealed) -> dict[str, Any]:
    """What the folder was made from, with what its rows come to now, and who edited it since."""
    now = counted(counts)
    for name, prompt in now["prompts"].items():
        if name in stated["prompts"]:  # of a prompt that only they have, they alone have the text
            prompt["text"] = stated["prompts"][name]["text"]
    editors = [*stated.get("edited", ()), {"who": sealed.who, "rows": sealed.edits}] if sealed.edits else None
    return {**stated, "rows": counts.rows, **now, **({"edited": editors} if editors else {})}


def _told_apart(row: SourceRow, who: str) -> Sequence[SharedRow]:
    """The row as it is; or if its text was edited, the row as it was, where that can be told, and the edit.

    Raises:
        Faulty: Something else than its text was edited, or it says two new things at once.
    """
    problem(row)
    shared = _shared(row.fields)
    if not shared.completion or not shared.conversations:
        raise Faulty("no completion", shared.path_id)
    as_conversation = conversation(shared.prompt, shared.completion, len(shared.images))
    if as_conversation[:-1] != shared.conversations[:-1]:
        raise Faulty("prompt was edited", "only the text of a path can be")
    texts = [shared.completion[-1].content, shared.text]
    if shared.conversations[-1].content not in [conversation((), _turn(text), 0)[-1].content for text in texts]:
        texts.append(shared.conversations[-1].content)
    path = _path(shared)
    originals = [text for text in texts if id_of_path(_with(path, text)) == path.path_id]
    edits = list(dict.fromkeys(text for text in texts if text not in originals))
    if len(edits) > 1:
        raise Faulty("two edits at once", "completion, text and conversations say different things, and all new ones")
    if not edits:
        return [_saying(shared, path.text)]
    if not edits[0].strip():
        raise Faulty("empty text", shared.path_id)
    if len(edits[0]) > _LONGEST:
        raise Faulty("text too long", f"over {_LONGEST:,} characters")
    edit = edited(path.path_id, path.problem_id, path.round, edits[0], who)
    fields = edit.model_dump(exclude={"row_hash", "text_hash", "text", "error"})
    fields |= dict.fromkeys(("verdict", "judge", "judge_prompt_id", "error_step", "error_analysis", "rule_verdict"))
    mine = _saying(shared, edit.text, **fields)
    return [*(_saying(shared, text) for text in originals[:1]), mine]


def _path(row: SharedRow) -> schemas.Path:
    """The path that a row is about.

    Raises:
        Faulty: It is none.
    """
    try:
        return schemas.Path.model_validate(row.model_dump(include=set(schemas.Path.model_fields)))
    except ValidationError as error:
        raise Faulty("broken path", first_fault(error)) from None


def _with(path: schemas.Path, text: str) -> schemas.Path:
    return schemas.Path(**path.model_dump(exclude={"row_hash", "text_hash"}) | {"text": text})


def _saying(row: SharedRow, text: str, **fields: Any) -> SharedRow:
    """The row with this text in all its forms, and with other fields."""
    said = {"completion": _turn(text), "conversations": conversation(row.prompt, _turn(text), len(row.images))}
    return SharedRow(**dict(row) | fields | said | {"text": text})


def _turn(text: str) -> tuple[Message, ...]:
    return (Message(role="assistant", content=text),)


def _shared(fields: Mapping[str, Any]) -> SharedRow:
    """A row as somebody's file has it.

    Raises:
        Faulty: A column is missing or of another type, or an image cannot be read.
    """
    values: dict[str, Any] = {name: fields.get(name) for name in SharedRow.model_fields}
    try:
        images = [
            image if image.get("path") else picture(image_id, image["bytes"]).model_dump()
            for image, image_id in zip(values["images"], values["image_ids"], strict=True)
        ]
        return SharedRow.model_validate(values | {"images": images})
    except ValidationError as error:
        raise Faulty("broken row", first_fault(error)) from None
    except ImageError as error:
        raise Faulty(error.reason, error.detail) from None
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise Faulty("broken row", described(error)) from None


def _listed(row: SourceRow, fault: Faulty) -> dict[str, Any]:
    """A refused row as it is listed: what somebody wrote is not lost."""
    listed = {"place": row.place, "reason": fault.reason, "detail": fault.detail}
    said = ("path_id", "text", "completion", "conversations")
    return listed | {name: row.fields[name] for name in said if name in row.fields}
