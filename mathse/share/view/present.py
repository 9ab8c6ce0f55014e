"""What the pages show of an index row: names for numbers, a path's steps with the wrong one marked, links.

Sample: `ShownPath(id="81c0a2d4...", heading="Round 1", status="WRONG", rule="WRONG", steps=[Step(...), ...], ...)`
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from mathse.report.names import Names
from mathse.share.view.filters import Vocabulary
from mathse.share.view.rows import Row
from mathse.share.view.text import Piece, Step, answer, pieces, shortened, steps

BRIEF = 1500
WHOLE = 60_000
"""Signs of a path shown in a list, and on its own page."""


@dataclass(frozen=True)
class ShownPath:
    """A path as a card shows it.

    Attributes:
        row: The index's row.
        heading: The step that wrote it, in words.
        kind: distilled, rollout or reflection.
        status: The ORM's verdict; empty if it was not judged.
        rule: The rule grader's.
        steps: Its text, cut at its steps' labels.
        cut: Whether the text goes on.
        marked: Whether the step that the judge names was found in the text.
        reflections: The paths that reconsider it.
    """

    row: Row
    heading: str
    kind: str
    status: str
    rule: str
    steps: list[Step]
    cut: bool
    reflections: list["ShownPath"] = field(default_factory=list)

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
    said = names.heading(step)
    return said[:1].upper() + said[1:]


def path(row: Row, known: Vocabulary, names: Names, most: int = BRIEF) -> ShownPath:
    """A path as a card shows it, of its text the first `most` signs."""
    text, cut = shortened(row["text"], most)
    return ShownPath(
        row=row,
        heading=heading(known.label("round", row["step"]), names),
        kind=known.label("kind", row["kind"]),
        status=known.label("verdict", row["status"]),
        rule=known.label("rule", row["rule"]),
        steps=steps(text, row["error_step"]),
        cut=cut,
    )


def tree(rows: Sequence[Row], known: Vocabulary, names: Names, most: int = BRIEF) -> dict[str, list[ShownPath]]:
    """Paths by the step that wrote them, each reflection beside the path it corrects."""
    shown = {row["path_id"]: path(row, known, names, most) for row in rows}
    groups: dict[str, list[ShownPath]] = {}
    for one in shown.values():
        parent = shown.get(one.row["parent"] or "")
        if parent is not None and parent is not one:
            parent.reflections.append(one)
        else:
            groups.setdefault(one.heading, []).append(one)
    return groups


def question(row: Row) -> list[Piece]:
    """A problem's question."""
    return pieces(shortened(row["question"], WHOLE)[0])


def choices(row: Row) -> list[tuple[str, list[Piece]]]:
    """A problem's options, with their letters (numbers, after the alphabet's end)."""
    options = row["choices"] or []
    return [(chr(65 + place) if place < 26 else str(place + 1), answer(text)) for place, text in enumerate(options)]
