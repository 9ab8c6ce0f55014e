"""The rows of a mix with all that is known of each: streamed, images inside, in an order that reads images once.

In: a mix, the problems, images, paths and verdicts of the run; `data/problems/origins.parquet` where it is there. Out:
one `SharedRow` per row of the mix, or an `Excluded` where a licence keeps it at home. Memory holds a batch of rows.

Rows come in the order of their images' ids, then of their path's: all paths to a problem next to each other, and the
problems in no order of their own.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import duckdb
import pyarrow as pa

from mathse import layout
from mathse.errors import HOW_TO_GET, UserError
from mathse.look.catalogue import apart, catalogue
from mathse.report import names
from mathse.share.columns import EncodedImage, SharedRow, SourceOf, conversation
from mathse.sources.licences import PER_ROW, licences, refusal
from mathse.tables import views
from mathse.tables.images import ImageError, ImageStore, as_shown
from mathse.tables.schemas import Message

MAX_PIXELS = 2**62
"""Images were within their limit when they were stored."""
_ENDINGS = {"JPEG": "jpg"}
"""Of files whose format has another name."""

_ROWS = """
    with written as ({paths}),
    judged as (
        -- A teacher's feedback has no verdict of the rule grader, and a path need not be judged at all.
        select null::varchar as path_id, null::varchar as status, null::varchar as author, null::varchar as prompt_id,
            null::varchar as error_step, null::varchar as error_analysis, null::varchar as rule_status where false
        {judgements}
    ),
    sources as (
        select problem_id, list({{'source': source, 'source_id': source_id, 'licence': licence}}
            order by source, source_id) as origins
        from {origins} group by problem_id
    )
    select
        problems.problem_id is null as has_no_problem, written.path_id is null as has_no_path,
        mix.path_id, mix.problem_id, mix.kind, mix.round, mix.image_ids, mix.prompt, mix.completion,
        written.sample_idx, written.seed, written.author, written.prompt_id, written.parent_path_id, written.text,
        written.answer, written.finish_reason, written.tokens_in, written.tokens_out, written.cost,
        judged.status as verdict, judged.author as judge, judged.prompt_id as judge_prompt_id, judged.error_step,
        judged.error_analysis, judged.rule_status as rule_verdict,
        problems.source, problems.source_id, problems.split, problems.question, problems.choices, problems.subject,
        problems.level, problems.language, problems.answer as gold_answer, problems.solution as gold_solution,
        coalesce(sources.origins, [{{'source': problems.source, 'source_id': problems.source_id,
            'licence': problems.licence}}]) as origins
    from mix
    {chosen}
    left join problems on problems.problem_id = mix.problem_id
    left join written on written.path_id = mix.path_id
    left join judged on judged.path_id = mix.path_id
    left join sources on sources.problem_id = mix.problem_id
    order by mix.image_ids, mix.path_id
"""


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
        judgements: Views of what was said of them.
        trains: What the mix trains.
    """

    name: str
    file: Path
    tables: Mapping[str, Path]
    paths: tuple[str, ...]
    judgements: tuple[str, ...]
    trains: Literal["judge", "student"]


@dataclass(frozen=True)
class Excluded:
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
    wanted = wanted if wanted in mixes else known.mix(wanted)
    if Path(wanted).suffix == ".parquet":
        wanted = next((of for of, file in mixes.items() if file.resolve() == Path(wanted).resolve()), wanted)
    if wanted not in mixes:
        there = ", ".join(mixes) or f"none yet; {HOW_TO_GET}"
        raise ExportError(f"{name}: no such mix; there are: {there}")
    for needed in ("problems", "images"):
        if needed not in tables:
            raise ExportError(f"{root}: the table of {needed} is not there; {HOW_TO_GET}")
    # An ORM and its student learn from their own paths, which a teacher marked; steps from those of all steps so far.
    others = apart(known)
    related = {
        view: entry
        for view, entry in tables.items()
        if (entry.of == wanted if wanted in others else entry.of not in others)
    }
    judged_in = "feedback" if wanted in others else "verdicts"
    paths, judgements = (
        tuple(view for view, entry in related.items() if entry.kind == kind) for kind in ("paths", judged_in)
    )
    if not paths:
        raise ExportError(f"{wanted}: no table of paths is there; {HOW_TO_GET}")
    used = [*paths, *judgements, "problems", *(["origins"] if "origins" in tables else [])]
    trains: Literal["judge", "student"] = "judge" if wanted in known.orms else "student"
    return Mix(wanted, mixes[wanted], {view: tables[view].file for view in used}, paths, judgements, trains)


def rows(
    root: Path, mix: Mix, everything: bool = False, chosen: Sequence[pa.Table] = ()
) -> Iterator[SharedRow | Excluded]:
    """All rows of the mix, each shared or excluded.

    Args:
        everything: Whether rows whose licence forbids it are shared too.
        chosen: Tables of `path_id`: only rows that are in each of them.

    Raises:
        ExportError: A row's problem, path or image is not in the run's tables.
    """
    images = ImageStore(root / layout.IMAGES, MAX_PIXELS)
    with views.opened({"mix": mix.file, **mix.tables}) as connection:
        sql = _ROWS.format(
            paths=" union all by name ".join(f"from {views.identifier(view)}" for view in mix.paths),
            judgements=" ".join(f"union all by name from {views.identifier(view)}" for view in mix.judgements),
            origins="origins" if "origins" in mix.tables else "problems",
            chosen=_semi_joins(connection, chosen),
        )
        for row in views.records(connection, sql):
            yield _row(mix, row, images, everything)


def count(mix: Mix, chosen: Sequence[pa.Table]) -> int:
    """How many rows of the mix are in each of these tables of `path_id`."""
    with views.opened({"mix": mix.file}) as connection:
        ((selected,),) = connection.execute(f"select count(*) from mix {_semi_joins(connection, chosen)}").fetchall()
    return int(selected)


def _semi_joins(connection: duckdb.DuckDBPyConnection, chosen: Sequence[pa.Table]) -> str:
    """What leaves only those rows that are in each of the tables, whatever the type of the ids there."""
    for place, ids in enumerate(chosen):
        connection.register(f"chosen_{place}", ids)
    chosen_ids = (f"(select path_id::varchar as path_id from chosen_{place})" for place in range(len(chosen)))
    return " ".join(f"semi join {ids} using (path_id)" for ids in chosen_ids)


def _row(mix: Mix, row: dict[str, Any], images: ImageStore, everything: bool) -> SharedRow | Excluded:
    for what in ("problem", "path"):
        if row.pop(f"has_no_{what}"):
            raise ExportError(
                f"{mix.file}: row {row['path_id']}: its {what} {row[f'{what}_id']} is in no table; `dvc checkout` "
                "brings the tables that the mix was made from"
            )
    origins = [SourceOf(**origin) for origin in row.pop("origins")]
    recording = f"{row['author'].removeprefix('recorded:')}_recorded"
    if row["author"].startswith("recorded:") and recording in licences():
        # A path that came with its data set has a licence of its own, or that of the row in which its problem stands.
        spdx = licences()[recording].spdx
        if spdx != PER_ROW:
            origins.append(SourceOf(source=recording, source_id=row["source_id"], licence=spdx))
    licence = " AND ".join(sorted({origin.licence for origin in origins}))
    reason = refused(origins)
    if reason and not everything:
        return Excluded(row["path_id"], row["problem_id"], row["source"], row["source_id"], licence, reason)
    try:
        pictures = [picture(image_id, images.encoded(image_id)) for image_id in row["image_ids"]]
    except ImageError as error:
        raise ExportError(f"{mix.file}: row {row['path_id']}: {error}; `dvc checkout` brings the images back") from None
    prompt, completion = (tuple(Message(**turn) for turn in row.pop(side)) for side in ("prompt", "completion"))
    return SharedRow(
        **row,
        prompt=prompt,
        completion=completion,
        conversations=conversation(prompt, completion, len(pictures)),
        images=tuple(pictures),
        licence=licence,
        origins=tuple(origins),
    )


def refused(origins: Sequence[SourceOf]) -> str | None:
    """Why a problem of these origins may not be shared: the strictest counts; None if it may."""
    reasons = [reason for origin in origins if (reason := refusal(origin.source, origin.licence))]
    return min(reasons, default=None)


def picture(image_id: str, data: bytes) -> EncodedImage:
    """The picture that models were shown: the stored file, unless others would see another picture in it."""
    data, form = as_shown(data, MAX_PIXELS)
    return EncodedImage(bytes=data, path=f"{image_id}.{_ENDINGS.get(form, form.lower())}")
