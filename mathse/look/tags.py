"""`mathse tag`: say that a path is bad or good, or how it should read; take that back; list what was said.

In: the paths of the run, to find one by the first digits of its id. Out: a line of `data/curation.jsonl` per decision
(`mathse.curation.decisions`); the next `dvc repro` makes mixes of it.

    bad    0a5112ab  step 1  Ada  2026-03-01  reads 8 as 3
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mathse.curation import decisions
from mathse.curation.decisions import LONGEST_NAME, Decision
from mathse.errors import UserError
from mathse.look import catalogue
from mathse.look.git import git
from mathse.report import names
from mathse.tables import views
from mathse.tables.schemas import Tag

SHORT = 8
SHOWN = 5
ALL_PATHS = "select path_id, step, text from paths"
_LAST = "\U0010ffff"


class TagError(UserError):
    """What was to be said of a path cannot be: there is none of this id, or something is missing."""


def name_of(root: Path, who: str | None) -> str:
    """Who decides: the name given, or that of git.

    Raises:
        TagError: There is neither, or it is too long.
    """
    who = " ".join((who or git(root, "config", "--get", "user.name")).split())
    if not who:
        raise TagError('nobody is named: add --who NAME, or set it once: git config user.name "NAME"')
    if len(who) > LONGEST_NAME:
        raise TagError(f"{who[:SHOWN]}...: a name has at most {LONGEST_NAME} characters; add --who NAME")
    return who


def tag(root: Path, ids: Sequence[str], tag: Tag, who: str, note: str = "", text: str = "") -> list[Decision]:
    """Decide about paths, all of them or none.

    Args:
        ids: Of the paths, or the first digits; a path that two of them name is decided on once.
        text: Of `fixed`: how the path, the only one, should read.

    Returns:
        What was appended.

    Raises:
        TagError: An id is that of no path of a step, or of several; or the tag lacks its text or note.
        CurationError: The file of decisions is too large, or a line of it is no decision.
    """
    if tag is Tag.FIXED and len(ids) != 1:
        raise TagError("fixed: corrects one path at a time; name one id")
    if tag is Tag.NOTE and not note.strip():
        raise TagError('note: says nothing yet; add --note "..."')
    rows = {row["path_id"]: row for row in _paths(root, ids)}
    taken = [decision_on(row, tag, who, note, text) for row in rows.values()]
    decisions.append(root, *taken)
    return taken


def decision_on(path: Mapping[str, Any], tag: Tag, who: str, note: str = "", text: str = "") -> Decision:
    """What a person says of a path, as a decision.

    Args:
        path: Its `path_id`, `problem_id`, `step`, `round` and `text`.
        text: Of `fixed`: how the path should read.

    Raises:
        TagError: It says nothing, or is too long; or the path reads so already.
    """
    if text and text.strip() == path["text"].strip():
        raise TagError(f"path {path['path_id']}: says just this already; change its text, or tag it good")
    about = {name: path[name] for name in ("path_id", "problem_id", "step", "round")}
    try:
        return Decision(**about, tag=tag, who=who, note=note.strip(), text=text)
    except ValidationError as error:
        raise TagError(f"path {path['path_id']}: {decisions.first_fault(error)}") from error


def undo(root: Path, ids: Sequence[str], who: str) -> list[Decision]:
    """Take back the last thing that was said of paths, of all of them or of none; of notes, only one's own.

    Returns:
        The decisions that no longer count.

    Raises:
        TagError: An id is that of no path that anything was said of, or of several.
        NothingToUndo: Of a path there is nothing to take back.
        CurationError: A line of the file is no decision.
    """
    current = decisions.current(root)
    matches = [[path_id for path_id in current if path_id.startswith(prefix)] for prefix in ids]
    wanted = [
        _only(prefix, found, f"nothing was said of {prefix!r}; `mathse tag list` shows what was")
        for prefix, found in zip(ids, matches, strict=True)
    ]
    return decisions.undo(root, wanted, who)


def line(decision: Decision) -> str:
    """A decision in one line, for people."""
    note = f"  {' '.join(decision.note.split())}" if decision.note else ""
    who = " ".join(decision.who.split())
    about = f"{decision.tag.value:5}  {decision.path_id[:SHORT]}  step {decision.step}"
    return f"{about}  {who}  {decision.at[:10]}{note}"


def lines(root: Path) -> Iterator[str]:
    """What counts of each path, in the order in which it was said; below it, the text of a correction, and notes."""
    standing = decisions.standing(decisions.read(root))
    for path_id in sorted(standing.counting, key=lambda path_id: standing.counting[path_id].at):
        first, *notes = standing.said(path_id)
        yield line(first)
        yield from (f"         {part}" for part in first.text.splitlines())
        yield from (f"       {line(note)}" for note in notes)


def _paths(root: Path, ids: Sequence[str]) -> Iterator[dict[str, Any]]:
    """What a decision says of each path, and its text."""
    apart = list(catalogue.apart(names.of(root)))
    with catalogue.connect(root) as connection:
        if not catalogue.catalogue(root):
            raise TagError(catalogue.NONE_YET)
        for prefix in ids:
            rows = connection.execute(
                f"""
                select path_id, problem_id, step, round, text from paths
                where path_id >= $first and path_id < $last and not list_contains($apart, step)
                order by path_id limit {SHOWN + 1}
                """,
                {"first": prefix, "last": prefix + _LAST, "apart": apart},
            )
            found = {row["path_id"]: row for row in views.dicts(rows)}
            none = (
                f"there is no path of a step whose id begins with {prefix!r}; `mathse query {ALL_PATHS!r}` lists paths"
            )
            row = found[_only(prefix, list(found), none)]
            yield row | {"step": row["step"].removesuffix(names.EDITED)}


def _only(prefix: str, found: list[str], none: str) -> str:
    """The one id that begins so, or is just that; `none` is what a person is told where there is no such id."""
    if len(found) == 1 or prefix in found:
        return prefix if prefix in found else found[0]
    if not found:
        raise TagError(none)
    more = ", ..." if len(found) > SHOWN else ""
    raise TagError(f"several ids begin with {prefix!r}; give more digits: {', '.join(found[:SHOWN])}{more}")
