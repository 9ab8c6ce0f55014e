"""The rows of a mix with all that is known of each: streamed, images inside, in an order that reads images once.

In: a mix, the problems, images, paths and verdicts of the run; `data/problems/origins.parquet` where it is there. Out:
one `SharedRow` a row of the mix, or a `Left` where a licence keeps it at home. Memory holds a batch of rows.

Rows come in the order of their images' ids, then of their path's: all paths to a problem beside each other, and the
problems in no order of their own.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from mathse import layout
from mathse.errors import UserError
from mathse.params import STUDENT
from mathse.report import names
from mathse.share.catalogue import catalogue
from mathse.share.exchange.columns import EncodedImage, SharedRow, SourceOf, conversation
from mathse.sources.licences import licences, refusal
from mathse.tables import views
from mathse.tables.images import ImageError, ImageStore
from mathse.tables.schemas import Message

BATCH_ROWS = 64
MAX_PIXELS = 2**62
"""Images are copied, not decoded."""


class ExportError(UserError):
    """A mix cannot be exported; says which, why and what to do."""


@dataclass(frozen=True)
class Mix:
    """A mix, and the tables that know more of its rows.

    Attributes:
        name: Of a step, an ORM, or the ORMs' student: `0`, `final`, `orm`, `student`.
        file: Its rows, relative to the project's root.
        tables: The tables it is joined with, by view name.
        paths: Views of the paths.
        verdicts: Views of what was said of them.
        trains: What the mix trains.
    """

    name: str
    file: Path
    tables: Mapping[str, Path]
    paths: tuple[str, ...]
    verdicts: tuple[str, ...]
    trains: Literal["judge", "student"]


@dataclass(frozen=True)
class Left:
    """A row that stays at home, and why."""

    path_id: str
    problem_id: str
    source: str
    source_id: str
    licence: str
    reason: str


def find(root: Path, name: str) -> Mix:
    """The mix that a person means by `mix@2`, `2`, `final`, `orm` or `data/mix/2.parquet`.

    Raises:
        ExportError: There is no such mix.
    """
    known = names.of(root)
    tables = catalogue(root, known)
    mixes = {entry.of: entry.file for entry in tables.values() if entry.kind == "mix"}
    wanted = known.step(name.removeprefix("mix@"))
    if Path(wanted).suffix == ".parquet":
        meant = Path(wanted).resolve()
        wanted = next((short for short, file in mixes.items() if file.resolve() == meant), wanted)
    if wanted not in mixes:
        there = ", ".join(mixes) or "none yet: `dvc repro` or `dvc pull` brings them"
        raise ExportError(f"{name}: no such mix; there are: {there}")
    for needed in ("problems", "images"):
        if needed not in tables:
            raise ExportError(f"{root}: the table of {needed} is not there; `dvc repro` or `dvc pull` brings it")
    apart = (STUDENT, *known.orms)  # what they learn from is no step's
    of_mix = [
        (view, entry)
        for view, entry in tables.items()
        if (entry.of == wanted if wanted in apart else entry.of not in apart)
    ]
    said = "feedback" if wanted in apart else "verdicts"
    written = tuple(view for view, entry in of_mix if entry.kind == "paths")
    if not written:
        raise ExportError(f"{wanted}: no table of paths is there; `dvc repro` or `dvc checkout` brings them")
    judged = tuple(view for view, entry in of_mix if entry.kind == said)
    trains: Literal["judge", "student"] = "judge" if wanted in known.orms else "student"
    used = [*written, *judged, "problems", *(["origins"] if "origins" in tables else [])]
    return Mix(wanted, mixes[wanted], {view: tables[view].file for view in used}, written, judged, trains)


def rows(root: Path, mix: Mix, everything: bool = False) -> Iterator[SharedRow | Left]:
    """All rows of the mix, each shared or left.

    Args:
        root: The project's root.
        mix: What is exported.
        everything: Whether rows whose licence forbids it are shared too.

    Raises:
        ExportError: A row's problem, path or image is not in the run's tables.
    """
    images = ImageStore(root / layout.IMAGES, MAX_PIXELS)
    with views.connect({"mix": mix.file, **mix.tables}) as connection:
        reader: pa.RecordBatchReader = connection.sql(_query(mix)).to_arrow_reader(BATCH_ROWS)
        for batch in reader:
            for stored in batch.to_pylist():
                yield _row(mix, stored, images, everything)


def refused(origins: Sequence[SourceOf]) -> str | None:
    """Why a problem of these origins may not be shared: the strictest counts; None if it may."""
    reasons = [reason for origin in origins if (reason := refusal(origin.source, origin.licence))]
    return min(reasons, default=None)


def _query(mix: Mix) -> str:
    """The join: each row of the mix with its problem, path, verdict and origins as nested values."""
    paths = " union all by name ".join(f"select * from {views.identifier(view)}" for view in mix.paths)
    return f"""
        select mix, problems, paths, verdicts, {"origins.found" if "origins" in mix.tables else "null"} as origins
        from mix left join problems using (problem_id)
        left join ({paths}) as paths on paths.path_id = mix.path_id
        left join ({_said(mix)}) as verdicts on verdicts.path_id = mix.path_id
        {_ORIGINS if "origins" in mix.tables else ""}
        order by mix.image_ids, mix.path_id
    """


_ORIGINS = """
    left join (
        select problem_id, list({'source': source, 'source_id': source_id, 'licence': licence}
            order by source, source_id) as found from origins group by problem_id
    ) as origins on origins.problem_id = mix.problem_id
"""


def _said(mix: Mix) -> str:
    """What was said of each path, by a judge or by a teacher who marked it."""
    if not mix.verdicts:
        return "select null as path_id, null as status"
    both = "path_id, status, author, prompt_id, error_step, error_analysis"
    return " union all by name ".join(
        f"select {both} from {views.identifier(view)}"
        if view.endswith("_feedback")
        else f"select {both}, rule_status from {views.identifier(view)}"
        for view in mix.verdicts
    )


def _row(mix: Mix, stored: Mapping[str, Any], images: ImageStore, everything: bool) -> SharedRow | Left:
    row, problem, path = stored["mix"], stored["problems"], stored["paths"]
    for what, found in (("problem", problem), ("path", path)):
        if found is None or found[f"{what}_id"] is None:
            raise ExportError(
                f"{mix.file}: row {row['path_id']}: its {what} {row[f'{what}_id']} is in no table; `dvc checkout` "
                "brings the tables that the mix was made from"
            )
    origins = _origins(problem, path, stored["origins"])
    licence = " AND ".join(sorted({origin.licence for origin in origins}))
    reason = refused(origins)
    if reason and not everything:
        return Left(row["path_id"], row["problem_id"], problem["source"], problem["source_id"], licence, reason)
    return _shared(row, problem, path, stored["verdicts"] or {}, origins, _pictures(mix, row, images))


def _origins(problem: Mapping[str, Any], path: Mapping[str, Any], found: Any) -> tuple[SourceOf, ...]:
    """Every source of the problem, and that of the path where it was recorded, with its own licence."""
    own = {name: problem[name] for name in ("source", "source_id", "licence")}
    origins = [SourceOf(**origin) for origin in found or [own]]
    recording = f"{path['author'].removeprefix('recorded:')}_recorded"
    if path["author"].startswith("recorded:") and recording in licences():
        spdx = licences()[recording].spdx
        origins.append(SourceOf(source=recording, source_id=problem["source_id"], licence=spdx))
    return tuple(origins)


def _shared(
    row: Mapping[str, Any],
    problem: Mapping[str, Any],
    path: Mapping[str, Any],
    said: Mapping[str, Any],
    origins: tuple[SourceOf, ...],
    images: tuple[EncodedImage, ...],
) -> SharedRow:
    prompt, completion = (tuple(Message(**turn) for turn in row[side]) for side in ("prompt", "completion"))
    return SharedRow(
        images=images,
        prompt=prompt,
        completion=completion,
        conversations=conversation(prompt, completion, len(images)),
        verdict=said.get("status"),
        judge=said.get("author"),
        judge_prompt_id=said.get("prompt_id"),
        rule_verdict=said.get("rule_status"),
        error_step=said.get("error_step"),
        error_analysis=said.get("error_analysis"),
        licence=" AND ".join(sorted({origin.licence for origin in origins})),
        origins=origins,
        gold_answer=problem["answer"],
        gold_solution=problem["solution"],
        **{name: row[name] for name in ("path_id", "problem_id", "kind", "round", "image_ids")},
        **{name: path[name] for name in _OF_PATH},
        **{name: problem[name] for name in _OF_PROBLEM},
    )


_OF_PATH = (
    "sample_idx", "seed", "author", "prompt_id", "parent_path_id", "text", "answer", "finish_reason", "tokens_in",
    "tokens_out", "cost",
)  # fmt: skip
_OF_PROBLEM = ("source", "source_id", "split", "question", "choices", "subject", "level", "language")


def _pictures(mix: Mix, row: Mapping[str, Any], images: ImageStore) -> tuple[EncodedImage, ...]:
    try:
        return tuple(_picture(name, images.encoded(name)) for name in row["image_ids"])
    except ImageError as error:
        raise ExportError(f"{mix.file}: row {row['path_id']}: {error}; `dvc checkout` brings the images back") from None


def _picture(image_id: str, data: bytes) -> EncodedImage:
    ending = next((ending for opening, ending in _OPENINGS.items() if data.startswith(opening)), "image")
    return EncodedImage(bytes=data, path=f"{image_id}.{ending}")


_OPENINGS = {
    b"\x89PNG": "png", b"\xff\xd8\xff": "jpg", b"GIF8": "gif", b"RIFF": "webp", b"BM": "bmp", b"II*\0": "tiff",
    b"MM\0*": "tiff", b"P": "ppm",
}  # fmt: skip
"""How files of an image format begin."""
