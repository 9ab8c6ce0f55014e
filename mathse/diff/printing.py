"""Print a comparison: for people at a terminal, as GitHub-flavoured Markdown for a pull request, or as JSON.

At a terminal what is gone is red and struck, what has come is green; without colours (a pipe, NO_COLOR) they are
[-gone-] and {+come+}. Whatever stands in the data is printed letter by letter, markup and mentions too.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from mathse import terminal
from mathse.diff.document import Document, Example, Section
from mathse.diff.text import cell, cut, difference, entities, last_message, plain
from mathse.look.story import text
from mathse.look.story.document import Story

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

ROWS = {"old": "old rows", "new": "new rows", "changed": "changed", "added": "added", "removed": "removed",
        "unchanged": "unchanged"}  # fmt: skip
INDENT = " " * 4
SIGNS = {"changed": "~", "added": "+", "removed": "-"}
STYLES = {"changed": "yellow", "added": "green", "removed": "red"}
TAGS = {"same": "{}", "old": "<del>{}</del>", "new": "<ins>{}</ins>"}


def as_text(documents: Sequence[Document], story: Story | None = None) -> None:
    """For people; no colours and no width to keep to where the output is not a terminal.

    Args:
        story: Of the two steps whose tables these are; it comes first, and what it says is not said again.
    """
    console = terminal.console(markup=False, emoji=False)
    if not console.is_terminal:
        console.width = max(console.width, 120)
    if story:
        text.show(story, console)
    for place, document in enumerate(_each_once(documents, story)):
        if place or story:
            console.rule(characters="-")
        show(document, console)


def as_markdown(documents: Sequence[Document], story: Story | None = None) -> None:
    """For a pull request; as `as_text`."""
    pages = [story_markdown(story)] if story else []
    sys.stdout.write("\n".join([*pages, *map(markdown, _each_once(documents, story))]))


def _each_once(documents: Sequence[Document], story: Story | None) -> Iterator[Document]:
    """Documents without the sections that an earlier one has, or that the story has in other words."""
    earlier: set[tuple[str, str]] = set()
    for document in documents:
        sections = []
        for section in document.sections:
            key = section.title, repr(section.rows)
            if key not in earlier and not (story and _is_repeated(section, document, story)):
                sections.append(section)
            earlier.add(key)
        yield replace(document, sections=sections)


def _is_repeated(section: Section, document: Document, story: Story) -> bool:
    """Whether the story has what a section says: who won and lost of the tests, and which problems the mix has."""
    if document.table == "MixRow":
        return section.title == "problems" and story.problems is not None
    return bool(story.tests) and document.table == "Prediction" and "McNemar" in section.note


def as_json(documents: Sequence[Document], story: Story | None = None) -> None:
    """For programs: an object with counts, schema, sections and examples; of whole rounds a list of them.

    The story is one of its own: `mathse story --json`.
    """
    objects = [asdict(document) for document in documents]
    print(json.dumps(objects[0] if len(objects) == 1 else objects, ensure_ascii=False, indent=2, default=str))


def show(document: Document, console: "Console") -> None:
    """Print a comparison at a terminal, whose width and colours are kept to."""
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    console.print(Text(f"{plain(document.old)} -> {plain(document.new)}", style="bold"))
    summary = Table(box=None, padding=(0, 2, 0, 0))
    for name, heading in ROWS.items():
        summary.add_column(heading, justify="right", style=STYLES.get(name), overflow="fold")
    summary.add_row(*(f"{getattr(document.counts, name):,}" for name in ROWS))
    console.print(summary)
    for remark in _remarks(document):
        console.print(Text(remark))
    for section in document.sections:
        console.print(Text(f"\n{section.title}", style="bold"))
        table = Table(box=None, padding=(0, 0, 0, 2), header_style="dim")
        for heading, numbers in zip(section.headings, section.numbers, strict=True):
            table.add_column(Text(heading), justify="right" if numbers else "left", overflow="fold")
        for row in section.rows:
            table.add_row(*(Text(cell(value)) for value in row))
        console.print(table)
        if section.note:
            console.print(Text(f"  {section.note}", style="italic"))
    for example in document.examples:
        console.print()
        for line in _example_lines(example, marked=not console.is_terminal or console.no_color):
            if console.is_terminal and line.plain.startswith(INDENT):  # what it wraps to is indented too
                console.print(Padding(line[len(INDENT) :], (0, 0, 0, len(INDENT)), expand=False))
            else:
                console.print(line, soft_wrap=not console.is_terminal)


def _remarks(document: Document) -> Iterator[str]:
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
        selection = ", ".join(f"{rows:,} {change}" for change, rows in document.selected.items()) or "none"
        yield f"chosen by --sql and described below: {selection}"


def _example_lines(example: Example, marked: bool) -> Iterator["Text"]:
    from rich.text import Text

    key, about = _head(example)
    yield Text.assemble((f"{SIGNS[example.change]} {key}", STYLES[example.change]), f"  {about}" if about else "")
    if example.change != "changed":
        if text := _row_text(example):
            yield Text(f"{INDENT}{text}")
        return
    marks = {"same": "{}", "old": "[-{}-]", "new": "{{+{}+}}"} if marked else dict.fromkeys(TAGS, "{}")
    for name, (old, new) in _values(example):
        line, before = Text(f"{INDENT}{plain(name)}: "), "same"
        for piece in difference(old, new):
            # Colours alone would not part what is gone from what has come in its place.
            space = " " if not marked and (before, piece.kind) == ("old", "new") else ""
            style = {"same": "", "old": "red strike", "new": "green"}[piece.kind]
            line.append(space + marks[piece.kind].format(piece.text), style)
            before = piece.kind
        yield line


def _values(example: Example) -> Iterator[tuple[str, tuple[Any, Any]]]:
    """Old and new values; columns whose values are the same stand together: `status, rule_status`."""
    names: dict[str, list[str]] = {}
    for name, pair in example.values.items():
        names.setdefault(repr(pair), []).append(name)
    for same in names.values():
        yield ", ".join(same), example.values[same[0]]


def _head(example: Example) -> tuple[str, str]:
    """An example's key, and what else is known of it."""
    key = " ".join(plain(value) for value in example.key.values())
    return key, ", ".join(f"{name} {plain(value)}" for name, value in example.about.items())


def _row_text(example: Example) -> str:
    """The text of a row that came or went; empty if it has none."""
    names = ("question", "text", "completion", "raw", "detail")
    values = (value for name in names for value in example.values.get(name, ()) if value)
    return cut(next(map(last_message, values), ""))


def markdown(document: Document) -> str:
    """A comparison as a page of Markdown."""
    lines = [f"### {entities(document.old)} → {entities(document.new)}", ""]
    lines += _markdown_table(
        Section("", tuple(ROWS.values()), [tuple(getattr(document.counts, name) for name in ROWS)])
    )
    lines += [f"- {entities(line)}" for line in _remarks(document)]
    for section in document.sections:
        lines += ["", f"**{entities(section.title)}**", "", *_markdown_table(section)]
        lines += [entities(section.note)] if section.note else []
    if document.examples:
        lines += ["", "<details><summary>Some of the rows</summary>", ""]
        for example in document.examples:
            key, about = map(entities, _head(example))
            lines.append(f"- `{SIGNS[example.change]}` <code>{key}</code> {about}")
            if example.change == "changed":
                for name, (old, new) in _values(example):
                    marked = "".join(TAGS[piece.kind].format(entities(piece.text)) for piece in difference(old, new))
                    lines.append(f"  - {entities(name)}: <code>{marked}</code>")
            elif text := _row_text(example):
                lines.append(f"  - <code>{entities(text)}</code>")
        lines += ["", "</details>"]
    return "\n".join(lines) + "\n"


def story_markdown(story: Story) -> str:
    """A story as a page of Markdown."""
    lines = [f"### {entities(text.title(story).replace('->', '→'))}", ""]
    for name, sentence in text.facts(story):
        lines.append(f"- **{entities(name)}** {entities(sentence.replace(chr(10), '; '))}")
    if story.groups:
        headings = tuple(heading.replace("\n", " ") for heading in text.HEADINGS)
        lines += ["", *_markdown_table(Section("", headings, list(text.cells(story)))), entities(text.NOTE)]
    return "\n".join(lines) + "\n"


def _markdown_table(section: Section) -> Iterator[str]:
    yield f"| {' | '.join(map(entities, section.headings))} |"
    yield f"|{'|'.join('---:' if numbers else '---' for numbers in section.numbers)}|"
    for row in section.rows:
        yield f"| {' | '.join(entities(cell(value)) for value in row)} |"
    yield ""
