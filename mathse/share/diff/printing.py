"""Print a comparison: for a terminal, as Markdown, or as JSON."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

from mathse.share.diff.document import Document


def as_text(documents: Sequence[Document]) -> None:
    """For people; no colours and no width to keep to where the output is not a terminal."""
    from rich.console import Console

    from mathse.share.diff.terminal import show

    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = max(console.width, 120)
    for place, document in enumerate(documents):
        if place:
            console.rule(characters="-")
        show(document, console)


def as_markdown(documents: Sequence[Document]) -> None:
    """For a pull request."""
    from mathse.share.diff.markdown import page

    sys.stdout.write("\n".join(map(page, documents)))


def as_json(documents: Sequence[Document]) -> None:
    """For programs: an object with counts, schema, sections and examples; of whole rounds a list of them."""
    told = [asdict(document) for document in documents]
    print(json.dumps(told[0] if len(told) == 1 else told, ensure_ascii=False, indent=2, default=str))
