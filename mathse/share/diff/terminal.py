"""A comparison for people at a terminal: counts, what they mean, and some rows with their texts' differences marked.

What is gone is red and struck, what has come is green; without colours (a pipe, NO_COLOR) [-gone-] and {+come+}.
"""

from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from mathse.share.diff.document import Document, Example, Section
from mathse.share.diff.shown import cell, cut, plain
from mathse.share.diff.words import Piece, pieces, shortened

AROUND = 40
SIGNS = {"changed": "~", "added": "+", "removed": "-"}
STYLES = {"changed": "yellow", "added": "green", "removed": "red"}


def show(document: Document, console: Console) -> None:
    """Print a comparison.

    Args:
        document: The comparison.
        console: Where; its width and colours are kept to.
    """
    console.print(Text(f"{plain(document.old)} -> {plain(document.new)}", style="bold"))
    console.print(_summary(document))
    console.print(*(Text(line) for line in remarks(document)), sep="\n")
    for section in document.sections:
        console.print(Text(f"\n{section.title}", style="bold"))
        console.print(_table(section))
        if section.note:
            console.print(Text(f"  {section.note}", style="italic"))
    for example in document.examples:
        console.print()
        for told in _example(example, marked=not console.is_terminal or console.no_color):
            console.print(told, soft_wrap=not console.is_terminal)


def _summary(document: Document) -> Table:
    """The numbers of rows."""
    counts = document.counts
    table = Table(box=None, padding=(0, 2, 0, 0))
    row = []
    for name in ("old", "new", "changed", "added", "removed", "unchanged"):
        table.add_column(
            f"{name} rows" if name in ("old", "new") else name, justify="right", style=STYLES.get(name), overflow="fold"
        )
        row.append(f"{getattr(counts, name):,}")
    table.add_row(*row)
    return table


def remarks(document: Document) -> Iterator[str]:
    """What else is to be said of the counts, a line each."""
    yield from (f"schema: {plain(line)}" for line in document.schema)
    counts = document.counts
    if counts.by_column:
        columns = ", ".join(f"{plain(name)} {rows:,}" for name, rows in counts.by_column.items())
        yield f"changed in: {columns}"
    if any(counts.duplicates):
        old, new = counts.duplicates
        yield f"rows that repeat another one's key: {old:,} old, {new:,} new; matched in the order in which they stand"
    if document.selected is not None:
        chosen = ", ".join(f"{rows:,} {change}" for change, rows in document.selected.items()) or "none"
        yield f"chosen by --sql, and told of below: {chosen}"


def _table(section: Section) -> Table:
    table = Table(box=None, padding=(0, 0, 0, 2), header_style="dim")
    for place, heading in enumerate(section.headings):
        numbers = all(isinstance(row[place], int | float | None) for row in section.rows)
        table.add_column(Text(heading), justify="right" if numbers else "left", overflow="fold")
    for row in section.rows:
        table.add_row(*(Text(cell(value)) for value in row))
    return table


def _example(example: Example, marked: bool) -> Iterator[Text]:
    key = " ".join(plain(value) for value in example.key.values())
    about = ", ".join(f"{name} {plain(value)}" for name, value in example.about.items())
    yield Text.assemble((f"{SIGNS[example.change]} {key}", STYLES[example.change]), f"  {about}" if about else "")
    if example.change != "changed":
        yield from (Text(f"    {line}") for line in _told(example))
        return
    for name, (old, new) in example.values.items():
        yield Text.assemble(f"    {plain(name)}: ", _difference(old, new, marked))


def _told(example: Example) -> Iterator[str]:
    """The text of a row that came or went."""
    for name in ("question", "text", "completion", "raw", "detail"):
        value = next((value for value in example.values.get(name, ()) if value), None)
        if value:
            yield cut(said(value))
            return


def said(value: Any) -> str:
    """A text; of a conversation what was said last."""
    if isinstance(value, list) and value and isinstance(value[-1], dict) and "content" in value[-1]:
        value = value[-1]["content"]
    return plain(value)


def difference(old: Any, new: Any) -> list[Piece]:
    """The difference of two values, long common stretches left out."""
    if isinstance(old, str | list) and isinstance(new, str | list):
        found = pieces(said(old), said(new))
    else:
        gone, come = ("null" if value is None else said(value) for value in (old, new))
        found = [Piece("gone", gone), Piece("come", come)]
    return [Piece(piece.kind, cut(piece.text)) for piece in shortened(found, AROUND)]


def _difference(old: Any, new: Any, marked: bool) -> Text:
    forms = {"gone": "[-{}-]", "come": "{{+{}+}}"} if marked else {}
    found = difference(old, new)
    parts: list[tuple[str, str]] = []
    for before, piece in zip([None, *found], found, strict=False):
        close = not marked and before is not None and before.kind == "gone" and piece.kind == "come"
        text = forms.get(piece.kind, "{}").format(piece.text)
        parts.append((f" {text}" if close else text, {"gone": "red strike", "come": "green"}.get(piece.kind, "")))
    return Text.assemble(*parts)
