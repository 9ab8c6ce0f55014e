"""A story in words: facts of a line or two each, and a table by subject and level.

round 1 -> round 2
accuracy     24.1 % -> 27.4 % of 900 test problems (+3.3 points): shown to help, p = 0.026
             McNemar's exact test: 100 gained, 70 lost
rows         1,056 -> 1,466
in           410 rollouts of round 2
out          none
left out     3,796 judged WRONG, 148 duplicate text, 57 graded WRONG, 12 truncated, 1 judged UNDECIDED
problems     318 of 1,106 unsolved ones are solved now; 788 remain
label noise  2 of 1,056 rows (0.2 %) -> 2 of 1,466 rows (0.1 %): CORRECT to the ORM, not to the rule ...
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from mathse.look.story.document import Came, Group, Measurement, Story
from mathse.tables.schemas import OWN_TESTS

if TYPE_CHECKING:
    from rich.console import Console

SHOWN_GROUPS = 8
"""Subjects of the table; what is beyond them is one line of sums."""
SHOWN_REASONS = 6
SHOWN_DECISIONS, SHOWN_IDS, SHOWN_DIGITS = 8, 5, 8
WIDE = 72
"""Columns of a terminal from which the table's own stand apart by two."""
HEADINGS = ("", "rows\nbefore", "rows\nnow", "label\nnoise", "noise\n%", "kept\nout", "right %\nbefore", "right %\nnow")
NOTE = "right: of the test problems; kept out: what would be label noise, had the mix taken it"
_PLURALS = {"rollout": "rollouts", "reflection": "reflections"}
"""Of the kinds that are nouns."""
_STYLES = {"shown to help": "bold green", "shown to hurt": "bold red", "not shown to help": "bold yellow"}


class Fact(NamedTuple):
    """One of the things that a story says: what it is about, and a sentence."""

    name: str
    text: str


def title(story: Story) -> str:
    """What is told of: `round 1 -> round 2`."""
    return f"{story.before.heading} -> {story.after.heading}"


def facts(story: Story) -> list[Fact]:
    """What a story says, the accuracy first; nothing of what is not known."""
    missing = (Fact("missing", sentence) for sentence in story.missing)
    parts = (map(_accuracy, story.tests), _rows(story), _decisions(story), _problems(story), _noise(story), missing)
    return list(chain.from_iterable(parts))


def _accuracy(tests: Measurement) -> Fact:
    change = tests.change
    before, now = (100 * right / change.n if change.n else 0.0 for right in tests.right)
    what = "test problems" if tests.name == OWN_TESTS else "items"
    text = (
        f"{before:.1f} % -> {now:.1f} % of {change.n:,} {what} ({now - before:+.1f} points): {tests.judgement}, "
        f"p = {change.p_value:.2g}\nMcNemar's exact test: {change.gained:,} gained, {change.lost:,} lost"
    )
    if tests.unmatched:
        text += f"; {tests.unmatched:,} that only one of the two was measured on are left out"
    return Fact("accuracy" if tests.name == OWN_TESTS else tests.name, text)


def _rows(story: Story) -> Iterator[Fact]:
    if not (rows := story.rows):
        return
    yield Fact("rows", f"{rows.before:,} -> {rows.after:,}")
    yield Fact("in", ", ".join(map(_came, rows.came)) or "none")
    yield Fact("out", _reasons(rows.went) or "none")
    if rows.left_out:
        yield Fact("left out", _reasons(rows.left_out))


def _decisions(story: Story) -> Iterator[Fact]:
    for decided in story.decisions[:SHOWN_DECISIONS]:
        ids = [path_id[:SHOWN_DIGITS] for path_id in decided.paths[:SHOWN_IDS]]
        rest = ["..."] if len(decided.paths) > SHOWN_IDS else []
        who = " ".join(decided.who.split())
        paths = ", ".join(ids + rest)
        yield Fact("decisions", f"{who}: {len(decided.paths):,} {decided.tag} ({paths}): {decided.outcome}")
    if others := story.decisions[SHOWN_DECISIONS:]:
        yield Fact("decisions", f"{sum(len(decided.paths) for decided in others):,} more")


def _problems(story: Story) -> Iterator[Fact]:
    if not (problems := story.problems):
        return
    text = f"{problems.solved:,} of {problems.unsolved:,} unsolved ones are solved now; {problems.remaining:,} remain"
    if problems.asked is not None and problems.asked < problems.unsolved:
        text += f" ({problems.asked:,} were asked about)"
    if problems.lost:
        text += f"; {problems.lost:,} that had a row have none now"
    yield Fact("problems", text)


def number_of(rows: int, kind: str) -> str:
    """So many rows of a kind, in words: `777 rollouts`, `1 reflection`, `349 distilled`."""
    return f"{rows:,} {kind if rows == 1 else _PLURALS.get(kind, kind)}"


def percent(part: int, whole: int) -> str:
    """A share in percent, to a tenth, which is 0.0 only where there is none; empty of nothing."""
    if not whole:
        return ""
    tenths = f"{100 * part / whole:.1f}"
    return "<0.1" if part and tenths == "0.0" else tenths


def _came(came: Came) -> str:
    return number_of(came.rows, came.kind) + (f" of round {came.round}" if came.kind == "rollout" else "")


def _reasons(counts: Mapping[str, int]) -> str:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    first, others = ordered[:SHOWN_REASONS], ordered[SHOWN_REASONS:]
    parts = [f"{often:,} {reason}" for reason, often in first]
    if others:
        parts.append(f"{sum(often for _, often in others):,} for {len(others)} other reasons")
    return ", ".join(parts)


def _noise(story: Story) -> Iterator[Fact]:
    if not (noise := story.noise) or not (rows := story.rows):
        return
    before, now = (
        f"{noisy:,} of {of:,} rows ({percent(noisy, of)} %)" if of else "no rows"
        for noisy, of in zip(noise.rows, (rows.before, rows.after), strict=True)
    )
    text = f"{before} -> {now}: CORRECT to the ORM, not to the rule"
    if noise.undecided:
        text += f" (UNDECIDED: {noise.undecided:,})"
    if noise.kept_out:
        text += f"; kept out: {noise.kept_out:,} more"
    if noise.unjudged:
        text += f"; rows without a verdict here: {noise.unjudged:,}"
    yield Fact("label noise", text)


def cells(story: Story) -> list[tuple[str, ...]]:
    """The table by subject and level, a line per group; of many subjects those with the most rows."""
    subjects = [group for group in story.groups if group.by == "subject"]
    levels = [group for group in story.groups if group.by == "level"]
    lines = [_line(group.name, [group]) for group in subjects[:SHOWN_GROUPS]]
    if others := subjects[SHOWN_GROUPS:]:
        lines.append(_line(f"{len(others)} others", others))
    return lines + [_line("no level" if group.name == "0" else f"level {group.name}", [group]) for group in levels]


def _line(name: str, groups: list[Group]) -> tuple[str, ...]:
    before, now = (sum(group.rows[end] for group in groups) for end in (0, 1))
    noise, kept_out = sum(group.noise for group in groups), sum(group.kept_out for group in groups)
    tests = sum(group.tests for group in groups)
    right = (percent(sum(group.right[end] for group in groups), tests) for end in (0, 1))
    return name, f"{before:,}", f"{now:,}", f"{noise:,}", percent(noise, now), f"{kept_out:,}", *right


def show(story: Story, console: "Console") -> None:
    """Print a story at a terminal, whose width is kept to: numbers are never cut."""
    from rich.table import Table
    from rich.text import Text

    console.print(Text(title(story), style="bold"))
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column()
    for name, text in facts(story):
        sentence = Text(text)
        for words, style in _STYLES.items():
            sentence.highlight_regex(rf"(?<=: ){words}", style)
        grid.add_row(name, sentence)
    console.print(grid)
    if not story.groups:
        return
    table = Table(box=None, padding=(0, 2 if console.width >= WIDE else 1, 0, 0), header_style="dim")
    for place, heading in enumerate(HEADINGS):
        table.add_column(heading, justify="right" if place else "left", no_wrap=bool(place), overflow="fold")
    for line in cells(story):
        table.add_row(*map(Text, line))
    console.print("", table, Text(NOTE, style="dim"))


def as_json(story: Story) -> str:
    """A story for programs, with the p-value and the judgement of each test."""
    document: dict[str, Any] = asdict(story)
    for end in ("before", "after"):
        document[end] = {name: document[end][name] for name in ("step", "model", "heading")}
    document["tests"] = [
        {
            "name": tests.name,
            "n": tests.change.n,
            "right": tests.right,
            "gained": tests.change.gained,
            "lost": tests.change.lost,
            "unmatched": tests.unmatched,
            "p": tests.change.p_value,
            "judgement": tests.judgement,
        }
        for tests in story.tests
    ]
    return json.dumps(document, ensure_ascii=False, indent=2)
