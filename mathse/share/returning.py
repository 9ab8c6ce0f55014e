"""What comes back: corrections of this project's own paths in a folder that it exported, as decisions.

In: an export, sealed (`mathse.share.sealing`), whose paths are all this project's. Out: a line of `data/curation.jsonl`
per correction, by the person who made it: the same that `mathse tag fixed` writes. Nothing is copied.

Sample: the edited row of Ada, parent 0a51...  ->  `{"path_id": "0a51...", "tag": "fixed", "text": "...", "who": "Ada"}`
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from mathse import layout
from mathse.curation import decisions
from mathse.curation.decisions import Decision
from mathse.curation.edits import edited
from mathse.limits import bounded_memory
from mathse.look import catalogue
from mathse.report import names
from mathse.share.importing import require_whole
from mathse.sources.adapters import mathse_export
from mathse.tables import schemas, views
from mathse.tables.schemas import PathKind, Reject, Tag

_LISTED = 10


@dataclass
class Returned:
    """What became of a folder that came back.

    Attributes:
        folder: Which it was.
        rows: Paths in it, all of this project.
        taken: Corrections, as decisions.
        known: Corrections that were taken before, whatever was decided since.
        refused: Rows that could not be taken: where, and why.
    """

    folder: Path
    rows: int = 0
    taken: list[Decision] = field(default_factory=list)
    known: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)

    def summary(self) -> str:
        """What was taken, by whom, and what was refused."""
        lines = [f"{self.folder}: {self.rows} paths of this project, {len(self.taken)} new corrections"]
        who = Counter(decision.who for decision in self.taken)
        lines += [f"  {count} by {name}, in {layout.CURATION}" for name, count in who.most_common()]
        if self.known:
            lines.append(f"  {self.known} taken before; what was decided since stays as it is")
        lines += [f"  refused: {place}: {reason}" for place, reason in self.refused[:_LISTED]]
        if len(self.refused) > _LISTED:
            lines.append(f"  ... and {len(self.refused) - _LISTED} more: {_counted(self.refused[_LISTED:])}")
        if not (self.taken or self.known or self.refused):
            lines.append("  none was edited; to have them as a source all the same, give it a --name")
        if self.taken:
            lines.append("`mathse tag list` shows them; `dvc repro` has them judged, and makes the mixes anew")
        return "\n".join(lines)


def returned(root: Path, theirs: Path) -> Returned | None:
    """Take the corrections of this project's paths.

    Args:
        theirs: An export.

    Returns:
        None where some of its paths are not of this project, or it corrects none of them: it is then a source.

    Raises:
        ImportFailed: It is no export, or a checksum is wrong.
        UserError: A table of this project cannot be read, or the file of decisions not be written.
    """
    if not any(entry.kind == "paths" for entry in catalogue.catalogue(root).values()):
        return None
    shards = require_whole(theirs)
    with bounded_memory():
        columns = ["path_id", "kind", "parent_path_id"]
        rows = pa.concat_tables(pq.read_table(shard, columns=columns) for shard in shards)
        own = _own(root, rows)
        if own is None:
            return None
        result = Returned(theirs, rows.num_rows)
        edits = []
        for solution in mathse_export.recorded(theirs):
            if isinstance(solution, Reject) and solution.reason != mathse_export.NOT_CORRECT:
                result.refused.append((solution.source_id, f"{solution.reason}: {solution.detail}"))
            elif not isinstance(solution, Reject) and solution.path and solution.path.kind is PathKind.EDITED:
                edits.append(solution.path)
    _take(root, edits, own, result)
    return result


def _own(root: Path, rows: pa.Table) -> dict[str, dict[str, Any]] | None:
    """What a decision says of each path that was edited, by its id; None where the folder is not of this project."""
    apart = list(catalogue.apart(names.of(root)))
    with catalogue.connect(root) as connection:
        connection.register("theirs", rows)
        strangers = "from theirs anti join paths using (path_id) where kind != 'edited' limit 1"
        # Corrections alone, as `mathse export --tag fixed` gives them, say by their parents whose they are.
        here = "(select path_id from paths)"
        ours = f"from theirs where path_id in {here} or parent_path_id in {here} limit 1"
        if connection.execute(strangers).fetchall() or not connection.execute(ours).fetchall():
            return None
        known = views.dicts(
            connection.execute(
                """
                select path_id, problem_id, step, round from paths
                where path_id in (select parent_path_id from theirs where kind = 'edited')
                    and not list_contains($apart, step)
                """,
                {"apart": apart},
            )
        )
    return {row["path_id"]: row | {"step": row["step"].removesuffix(names.EDITED)} for row in known}


def _take(root: Path, edits: list[schemas.Path], own: Mapping[str, dict[str, Any]], result: Returned) -> None:
    """Append what is new, corrections of corrections after these."""
    # Also what was undone or replaced since: a folder says nothing of when, and must not override later decisions.
    taken_before = {
        (line.path_id, line.text, line.who)
        for line in decisions.read(root)
        if line.tag is Tag.FIXED and line.undoes is None
    }
    known, waiting = dict(own), edits
    while ready := [edit for edit in waiting if edit.parent_path_id in known]:
        waiting = [edit for edit in waiting if edit.parent_path_id not in known]
        for edit in ready:
            about = known[str(edit.parent_path_id)]
            expected = edited(about["path_id"], about["problem_id"], about["round"], edit.text, edit.author)
            if expected.path_id != edit.path_id:
                reason = f"does not belong to the path that it corrects: {about['path_id']}"
                result.refused.append((edit.path_id, reason))
                continue
            if (about["path_id"], edit.text, edit.author) in taken_before:
                result.known += 1
            else:
                try:
                    result.taken.append(Decision(**about, tag=Tag.FIXED, text=edit.text, who=edit.author))
                except ValidationError as error:
                    result.refused.append((edit.path_id, f"cannot be a decision: {decisions.first_fault(error)}"))
                    continue
            known[edit.path_id] = about | {"path_id": edit.path_id}
    result.refused += [(edit.path_id, f"corrects no path of a step here: {edit.parent_path_id}") for edit in waiting]
    if result.taken:
        decisions.append(root, *result.taken)


def _counted(refused: list[tuple[str, str]]) -> str:
    reasons = Counter(reason.partition(":")[0] for _, reason in refused)
    return ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())
