"""The mixes that come with MathSE, each with the sentence that opens its file."""

from collections.abc import Iterator
from pathlib import Path

import mathse

MIXES = Path(mathse.__file__).parent / "sql" / "mixes"


def mixes() -> Iterator[tuple[str, str]]:
    """File and summary of each, as `mix.query` names it."""
    for file in sorted(MIXES.glob("*.sql")):
        opening = file.read_text(encoding="utf-8").split("\n--\n")[0]
        summary = " ".join(line.removeprefix("--").strip() for line in opening.splitlines())
        yield file.relative_to(MIXES.parents[2]).as_posix(), summary
