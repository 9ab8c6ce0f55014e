"""Score a file of responses by a benchmark's official rule, for people, for programs and row by row.

In: rows with the benchmark's own field names (`share.responses`), perhaps joined with its problems by id. What the
problem says holds, so that a response cannot bring its own gold answer. A row that cannot be scored is counted apart
with its reason; it is neither right nor wrong.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from rich import box
from rich.table import Table

from mathse import terminal
from mathse.benchmarks.benchmark import benchmark
from mathse.benchmarks.official import BadRow, field
from mathse.benchmarks.rule import Rule
from mathse.errors import UserError
from mathse.look import responses
from mathse.look.responses import Entry

PLACES_SHOWN = 5
WIDEST = 40
"""Columns of a terminal for a group's name; a longer one is wrapped."""

Identity = tuple[str, ...]
"""The values of the fields that tell a benchmark's problems apart."""


@dataclass(frozen=True)
class Scoring:
    """A file of responses, scored.

    Attributes:
        name: The benchmark's.
        rule: Its official rule.
        sources: The files read.
        scored: Responses with what their problem says and their verdict.
        unscored: Places of the responses that have none, by reason.
        marked: Every response as it was read, with its verdict, or with `unscored`, the reason, and its `place`.
        unanswered: Problems without a response; 0 if the problems are not known.
    """

    name: str
    rule: Rule
    sources: tuple[Path, ...]
    scored: list[dict[str, Any]]
    unscored: dict[str, list[str]]
    marked: list[dict[str, Any]]
    unanswered: int


def score(name: str, file: Path, problem_file: Path | None = None) -> Scoring:
    """Score a file of responses.

    Args:
        name: A benchmark with an official rule.
        problem_file: The benchmark's own problems, joined by id.

    Raises:
        UserError: The benchmark has no rule, a file cannot be read, the problems have no or doubled ids, or no row at
            all can be scored.
    """
    rule = benchmark(name).rule
    if rule is None:
        raise UserError(f"{name} has no official rule; `mathse grade` grades its answers by our own")
    problems = None if problem_file is None else _problems(name, rule.ids, problem_file)
    seen: set[Identity] = set()
    scored, marked = [], []
    unscored: dict[str, list[str]] = {}
    for entry in responses.read(file, _key(rule.ids)):
        try:
            row = _joined(rule.ids, entry, problems, seen)
            verdict = rule.verdict(row)
        except BadRow as error:
            unscored.setdefault(str(error), []).append(entry.place)
            marked.append({**entry.row, "unscored": str(error), "place": entry.place})
        else:
            scored.append({**row, **verdict})
            marked.append({**entry.row, **verdict})
    if not scored:
        remedy = f"a {name} row needs {', '.join(rule.needs)}"
        joined = "" if problems else "; --problems FILE adds what the problem says"
        raise UserError(f"{file}: no row can be scored: {'; '.join(_complaints(unscored))}; {remedy}{joined}")
    sources = (file,) if problem_file is None else (file, problem_file)
    return Scoring(name, rule, sources, scored, unscored, marked, len(problems.keys() - seen) if problems else 0)


def _problems(name: str, ids: tuple[str, ...], file: Path) -> dict[Identity, dict[str, Any]]:
    if not ids:
        raise UserError(f"{file}: {name} has no ids to join by; put the gold answers into the rows of responses")
    problems: dict[Identity, dict[str, Any]] = {}
    for entry in responses.read(file, _key(ids)):
        try:
            identity = _identity(ids, entry)
        except BadRow as error:
            raise UserError(f"{file}, {entry.place}: {error}; give the problems of {name}") from None
        if identity in problems:
            raise UserError(f"{file}, {entry.place}: {' '.join(ids)} {' '.join(identity)} occurs twice; remove one")
        problems[identity] = entry.row
    return problems


def _key(ids: tuple[str, ...]) -> str:
    """The field that a row gets from the key it stands under, where a file holds rows by id."""
    return ids[0] if len(ids) == 1 else ""


def _identity(ids: tuple[str, ...], entry: Entry) -> Identity:
    if entry.reason:
        raise BadRow(entry.reason)
    return tuple(str(field(entry.row, name)) for name in ids)


def _joined(
    ids: tuple[str, ...], entry: Entry, problems: dict[Identity, dict[str, Any]] | None, seen: set[Identity]
) -> dict[str, Any]:
    """The response with what its problem says, which holds.

    Raises:
        BadRow: It is no row, or of no problem or of one that has a response already.
    """
    if problems is None and not entry.reason and not (ids and all(name in entry.row for name in ids)):
        return entry.row  # it says all by itself, and cannot be known again
    identity = _identity(ids, entry)
    if problems is not None and identity not in problems:
        raise BadRow(f"unknown {' '.join(ids)}")
    if identity in seen:
        raise BadRow(f"{' '.join(ids)} occurs twice")
    seen.add(identity)
    return {**entry.row, **(problems or {}).get(identity, {})}


def write(scoring: Scoring, file: Path) -> None:
    """Write every response with its verdict, or with the reason why it has none.

    Raises:
        UserError: The file is one of those that were read, or cannot be written.
    """
    if file.resolve() in {source.resolve() for source in scoring.sources}:
        raise UserError(f"{file}: was read and is not overwritten; name another file for --out")
    responses.write(file, scoring.marked)


def as_json(scoring: Scoring) -> str:
    """The official score table with what it covers, as one JSON object."""
    return json.dumps(
        {
            "benchmark": scoring.name,
            "responses": len(scoring.marked),
            "scored": len(scoring.scored),
            "unscored": scoring.unscored,
            "unanswered": scoring.unanswered,
            "scores": scoring.rule.scores(scoring.scored),
        },
        indent=2,
    )


def show(scoring: Scoring, out: TextIO) -> None:
    """Print the tables, and what is not in them."""
    console = terminal.console(out, markup=False, emoji=False)
    tables = scoring.rule.tables(scoring.scored)
    width = max(len(name) for groups in tables.values() for name in groups)
    for title, groups in tables.items():
        table = Table(box=box.SIMPLE_HEAD, show_edge=False)
        table.add_column(title.replace("_", " "), min_width=min(width, WIDEST))  # all tables are as wide
        for heading in ("correct", "of", "accuracy, %"):
            table.add_column(heading, justify="right", min_width=7, no_wrap=True)
        for name, count in groups.items():
            table.add_row(_printable(name), f"{count.correct:,}", f"{count.total:,}", f"{count.percent:.2f}")
        table.add_row("")
        console.print(table)
    console.print(f"{len(scoring.scored):,} of {len(scoring.marked):,} responses scored")
    for complaint in _complaints(scoring.unscored):
        console.print(_printable(f"unscored: {complaint}"), soft_wrap=True)
    if scoring.unanswered:
        console.print(f"problems without a response, which do not count: {scoring.unanswered:,}")


def _complaints(unscored: dict[str, list[str]]) -> Iterator[str]:
    """`3 no field 'extraction' (line 4, line 9, line 12)`, once per reason."""
    for reason, places in unscored.items():
        more = ", ..." if len(places) > PLACES_SHOWN else ""
        yield f"{len(places):,} {reason} ({', '.join(places[:PLACES_SHOWN])}{more})"


def _printable(text: str) -> str:
    """Text that any terminal's encoding can take as far as UTF-8 can; half a surrogate pair becomes a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8")
