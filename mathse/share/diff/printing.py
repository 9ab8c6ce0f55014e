"""Print a comparison: for a terminal, as Markdown, or as JSON."""

import json
import sys
from dataclasses import asdict

from mathse.share.diff.document import Document


def as_text(document: Document) -> None:
    """For people; no colours and no width to keep to where the output is not a terminal."""
    from rich.console import Console

    from mathse.share.diff.terminal import show

    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = max(console.width, 120)
    show(document, console)


def as_markdown(document: Document) -> None:
    """For a pull request."""
    from mathse.share.diff.markdown import page

    sys.stdout.write(page(document))


def as_json(document: Document) -> None:
    """For programs: one object, with counts, schema, sections and examples."""
    print(json.dumps(asdict(document), ensure_ascii=False, indent=2, default=str))
