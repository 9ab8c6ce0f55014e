"""What the pages show of an index row: names for numbers, a path's steps with the wrong one marked.

Sample: `Card(row={...}, heading="Round 1", kind="rollout", status="WRONG", rule="WRONG", steps=[...], ...)`
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mathse.curation.decisions import Decision
from mathse.report.names import Names
from mathse.report.text import Piece, SolutionStep, answer, pieces, shortened, steps
from mathse.view.filters import Vocabulary
from mathse.view.rows import Row

_HASH = re.compile(r"[0-9a-f]{32,64}")
BRIEF = 1500
WHOLE = 60_000
"""Characters of a path shown in a list, and on its own page."""


@dataclass(frozen=True)
class Card:
    """A path as a page shows it.

    Attributes:
        heading: The step that wrote it, in words.
        status: The ORM's verdict; empty if it was not judged.
        rule: The rule grader's.
        cut: Whether the text goes on behind these steps.
        mixes: Those that it is in.
        problem: What it answers; none if that is in no table.
        said: What people say of it: a decision, and notes.
        reflections: The paths that reconsider it.
    """

    row: Row
    heading: str
    kind: str
    status: str
    rule: str
    steps: list[SolutionStep]
    cut: bool
    mixes: list[str] = field(default_factory=list)
    problem: Row | None = None
    said: Sequence[Decision] = ()
    reflections: list["Card"] = field(default_factory=list)

    @property
    def marked(self) -> bool:
        """Whether the step that the judge names was found in the text."""
        return any(step.wrong for step in self.steps)

    @property
    def differs(self) -> bool:
        """Whether the ORM and the rule grader say different things."""
        return bool(self.status and self.rule and self.status != self.rule)

    @property
    def answer(self) -> list[Piece]:
        """Its extracted answer."""
        return answer(self.row["answer"] or "")


def heading(step: str, names: Names) -> str:
    """A step's name as the heading of a page's part: `Round 1`."""
    words = names.heading(step)
    return words[:1].upper() + words[1:]


def card(
    row: Row, known: Vocabulary, names: Names, problem: Row | None, said: Sequence[Decision], most: int = BRIEF
) -> Card:
    """A path as a page shows it, of its text the first `most` characters."""
    text, cut = shortened(row["text"], most)
    return Card(
        row=row,
        heading=heading(known.label("round", row["step"]), names),
        kind=known.label("kind", row["kind"]),
        status=known.label("verdict", row["status"]),
        rule=known.label("rule", row["rule"]),
        steps=steps(text, row["error_step"]),
        cut=cut,
        mixes=mixes(row, known),
        problem=problem,
        said=said,
    )


def author(name: str) -> str:
    """Who wrote a path: a name as it is, of weights the first digits of their hash."""
    return name[:12] if _HASH.fullmatch(name) else name


def tree(cards: Sequence[Card]) -> dict[str, list[Card]]:
    """Paths by the step that wrote them, each reflection with the path it corrects."""
    by_id = {card.row["path_id"]: card for card in cards}
    groups: dict[str, list[Card]] = {}
    for card in cards:
        parent = by_id.get(card.row["parent"] or "")
        if parent is not None and parent is not card:
            parent.reflections.append(card)
        else:
            groups.setdefault(card.heading, []).append(card)
    return groups


def mixes(row: Row, known: Vocabulary) -> list[str]:
    """The mixes that a path is in."""
    return [name for name, code in known.names["mix"].items() if row["mixes"][int(code)] == "1"]


def option(text: str | None, problem: Mapping[str, Any] | None) -> list[Piece]:
    """What a letter stands for among a problem's options; nothing if it is none of them."""
    matches = (value for letter, value in choices(problem or {"choices": None}) if letter == (text or "").strip())
    return next(matches, [])


def question(row: Row) -> list[Piece]:
    """A problem's question."""
    return pieces(shortened(row["question"], WHOLE)[0])


def choices(row: Mapping[str, Any]) -> list[tuple[str, list[Piece]]]:
    """A problem's options, with their letters (numbers, after the alphabet's end)."""
    options = row["choices"] or []
    return [(chr(65 + place) if place < 26 else str(place + 1), answer(text)) for place, text in enumerate(options)]
