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
from rich.console import Console
from rich.table import Table

from mathse.answers.official import chartqa, mathverse, mathvision, mathvista
from mathse.answers.official.rows import BadRow, Benchmark, Groups
from mathse.errors import UserError
from mathse.share import responses
from mathse.share.responses import Entry

BENCHMARKS: dict[str, Benchmark] = {
    "chartqa": chartqa,
    "mathverse": mathverse,
    "mathvision": mathvision,
    "mathvista": mathvista,
}
PLACES_SHOWN = 5
WIDEST = 40
"""Columns of a terminal for a group's name; a longer one is wrapped."""

Identity = tuple[str, ...]
Problems = dict[Identity, dict[str, Any]]


@dataclass(frozen=True)
class Judged:
    """A response and what became of it.

    Attributes:
        entry: The response as read.
        row: Its fields with the problem's and the verdict's; empty if it is unscored.
        verdict: The fields that scoring adds.
        reason: Why it is unscored; empty if it is scored.
    """

    entry: Entry
    row: dict[str, Any]
    verdict: dict[str, Any]
    reason: str = ""


@dataclass(frozen=True)
class Scoring:
    """All responses of a file, judged.

    Attributes:
        name: The benchmark's.
        sources: The files read.
        judged: In the file's order.
        unanswered: Problems without a response; 0 if the problems are not known.
    """

    name: str
    sources: tuple[Path, ...]
    judged: list[Judged]
    unanswered: int

    @property
    def scored(self) -> list[dict[str, Any]]:
        """Rows with their verdicts."""
        return [one.row for one in self.judged if not one.reason]

    @property
    def unscored(self) -> dict[str, list[str]]:
        """Places of the rows that are unscored, by reason."""
        places: dict[str, list[str]] = {}
        for one in self.judged:
            if one.reason:
                places.setdefault(one.reason, []).append(one.entry.place)
        return places


def score(name: str, file: Path, problem_file: Path | None = None) -> Scoring:
    """Score a file of responses.

    Args:
        name: One of `BENCHMARKS`.
        file: The responses.
        problem_file: The benchmark's own problems, joined by id.

    Raises:
        UserError: A file cannot be read, the problems have no or doubled ids, or no row at all can be scored.
    """
    benchmark = BENCHMARKS[name]
    problems = None if problem_file is None else _problems(name, problem_file)
    seen: set[Identity] = set()
    key = benchmark.ID[0] if len(benchmark.ID) == 1 else ""
    judged = [_judge(benchmark, entry, problems, seen) for entry in responses.read(file, key)]
    sources = (file,) if problem_file is None else (file, problem_file)
    scoring = Scoring(name, sources, judged, len(problems.keys() - seen) if problems else 0)
    if not scoring.scored:
        remedy = f"a {name} row needs {', '.join(benchmark.NEEDS)}"
        joined = "" if problems else "; --problems FILE adds what the problem says"
        raise UserError(f"{file}: no row can be scored: {'; '.join(_complaints(scoring))}; {remedy}{joined}")
    return scoring


def _problems(name: str, file: Path) -> Problems:
    ids = BENCHMARKS[name].ID
    if not ids:
        raise UserError(f"{file}: {name} has no ids to join by; put the gold answers into the rows of responses")
    problems: Problems = {}
    for entry in responses.read(file, ids[0] if len(ids) == 1 else ""):
        identity = _identity(ids, entry.row)
        if identity is None:
            reason = entry.reason or _missing(ids, entry.row)
            raise UserError(f"{file}, {entry.place}: {reason}; give the problems of {name}")
        if identity in problems:
            raise UserError(f"{file}, {entry.place}: {' '.join(ids)} {' '.join(identity)} occurs twice; remove one")
        problems[identity] = entry.row
    return problems


def _identity(ids: Identity, row: dict[str, Any]) -> Identity | None:
    return tuple(str(row[name]) for name in ids) if ids and all(name in row for name in ids) else None


def _missing(ids: Identity, row: dict[str, Any]) -> str:
    return f"no field {next(name for name in ids if name not in row)!r}"


def _judge(benchmark: Benchmark, entry: Entry, problems: Problems | None, seen: set[Identity]) -> Judged:
    try:
        row = _joined(benchmark, entry, problems, seen)
        verdict = benchmark.verdict(row)
    except BadRow as error:
        return Judged(entry, {}, {}, str(error))
    return Judged(entry, {**row, **verdict}, verdict)


def _joined(benchmark: Benchmark, entry: Entry, problems: Problems | None, seen: set[Identity]) -> dict[str, Any]:
    if entry.reason:
        raise BadRow(entry.reason)
    identity = _identity(benchmark.ID, entry.row)
    if identity is None:
        if problems is not None:
            raise BadRow(_missing(benchmark.ID, entry.row))
        return entry.row
    if problems is not None and identity not in problems:
        raise BadRow(f"unknown {' '.join(benchmark.ID)}")
    if identity in seen:
        raise BadRow(f"{' '.join(benchmark.ID)} occurs twice")
    seen.add(identity)
    return {**entry.row, **(problems or {}).get(identity, {})}


def write(scoring: Scoring, file: Path) -> None:
    """Write every response as it was read, with its verdict, or with `unscored`: the reason.

    Raises:
        UserError: The file is one of those that were read, or cannot be written.
    """
    if file.resolve() in {source.resolve() for source in scoring.sources}:
        raise UserError(f"{file}: was read and is not overwritten; name another file for --out")
    responses.write(file, (_marked(one) for one in scoring.judged))


def _marked(one: Judged) -> dict[str, Any]:
    if one.reason:
        return {**one.entry.row, "unscored": one.reason, "place": one.entry.place}
    return {**one.entry.row, **one.verdict}


def as_json(scoring: Scoring) -> str:
    """The official score table with what it covers, as one JSON object."""
    return json.dumps(
        {
            "benchmark": scoring.name,
            "responses": len(scoring.judged),
            "scored": len(scoring.scored),
            "unscored": scoring.unscored,
            "unanswered": scoring.unanswered,
            "scores": BENCHMARKS[scoring.name].scores(scoring.scored),
        },
        indent=2,
    )


def show(scoring: Scoring, out: TextIO) -> None:
    """Print the tables, and what is not in them."""
    console = Console(file=out, markup=False, highlight=False, emoji=False)
    tables = BENCHMARKS[scoring.name].tables(scoring.scored)
    width = max(len(name) for groups in tables.values() for name in groups)
    for title, groups in tables.items():
        console.print(_table(title, groups, width))
    console.print(f"{len(scoring.scored):,} of {len(scoring.judged):,} responses scored")
    for complaint in _complaints(scoring):
        console.print(_printable(f"unscored: {complaint}"), soft_wrap=True)
    if scoring.unanswered:
        console.print(f"problems without a response, which do not count: {scoring.unanswered:,}")


def _table(title: str, groups: Groups, width: int) -> Table:
    """One table, as wide as its fellows: `width` is that of the longest name in any."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False)
    table.add_column(title.replace("_", " "), min_width=min(width, WIDEST))
    for heading in ("correct", "of", "accuracy, %"):
        table.add_column(heading, justify="right", min_width=7, no_wrap=True)
    for name, count in groups.items():
        table.add_row(_printable(name), f"{count.correct:,}", f"{count.total:,}", f"{count.percent:.2f}")
    table.add_row("")
    return table


def _complaints(scoring: Scoring) -> Iterator[str]:
    """`3 no field 'extraction' (line 4, line 9, line 12)`, a reason each."""
    for reason, places in scoring.unscored.items():
        more = ", ..." if len(places) > PLACES_SHOWN else ""
        yield f"{len(places):,} {reason} ({', '.join(places[:PLACES_SHOWN])}{more})"


def _printable(text: str) -> str:
    """Text that any terminal's encoding can take as far as UTF-8 can; half a surrogate pair becomes a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8")
