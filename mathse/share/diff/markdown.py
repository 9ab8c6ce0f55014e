"""A comparison as GitHub-flavoured Markdown, to be put into a pull request."""

from collections.abc import Iterator

from mathse.share.diff.document import Document, Example, Section
from mathse.share.diff.shown import cell, cut, entities, plain
from mathse.share.diff.terminal import SIGNS, difference, remarks, said

_TAGS = {"same": "{}", "gone": "<del>{}</del>", "come": "<ins>{}</ins>"}


def page(document: Document) -> str:
    """The comparison; whatever stands in the data is shown letter by letter, markup and mentions too."""
    return "\n".join(_lines(document)) + "\n"


def _lines(document: Document) -> Iterator[str]:
    counts = document.counts
    yield f"### {entities(document.old)} → {entities(document.new)}"
    yield ""
    names = ("old", "new", "changed", "added", "removed", "unchanged")
    yield from _table(("old rows", "new rows", *names[2:]), [tuple(getattr(counts, name) for name in names)])
    for line in remarks(document):
        yield f"- {entities(line)}"
    for section in document.sections:
        yield from _section(section)
    if document.examples:
        yield from ("", "<details><summary>Some of the rows</summary>", "")
        for example in document.examples:
            yield from _example(example)
        yield from ("", "</details>")


def _section(section: Section) -> Iterator[str]:
    yield from ("", f"**{entities(section.title)}**", "")
    yield from _table(section.headings, section.rows)
    if section.note:
        yield entities(section.note)


def _table(headings: tuple[str, ...], rows: list[tuple[object, ...]]) -> Iterator[str]:
    numbers = [all(isinstance(row[place], int | float | None) for row in rows) for place in range(len(headings))]
    yield f"| {' | '.join(entities(heading) for heading in headings)} |"
    yield f"|{'|'.join('---:' if right else '---' for right in numbers)}|"
    for row in rows:
        yield f"| {' | '.join(entities(cell(value)) for value in row)} |"
    yield ""


def _example(example: Example) -> Iterator[str]:
    key = " ".join(plain(value) for value in example.key.values())
    about = ", ".join(f"{name} {plain(value)}" for name, value in example.about.items())
    yield f"- `{SIGNS[example.change]}` <code>{entities(key)}</code> {entities(about)}"
    if example.change == "changed":
        for name, (old, new) in example.values.items():
            marked = "".join(_TAGS[piece.kind].format(entities(piece.text)) for piece in difference(old, new))
            yield f"  - {entities(name)}: <code>{marked}</code>"
    elif told := next((said(value) for pair in _texts(example) for value in pair if value), ""):
        yield f"  - <code>{entities(cut(told))}</code>"


def _texts(example: Example) -> Iterator[tuple[object, object]]:
    names = ("question", "text", "completion", "raw", "detail")
    yield from (example.values[name] for name in names if name in example.values)
