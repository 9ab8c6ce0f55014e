"""What single rows have beyond the index, from the tables themselves; and the numbers of the overview.

Each look-up binds an id and reads the row group that has it.
"""

import json
from pathlib import Path
from typing import Any

from mathse import layout
from mathse.share.view.filters import Vocabulary
from mathse.share.view.rows import Row
from mathse.share.view.search import Connection
from mathse.share.view.tables import Tables
from mathse.tables.views import identifier

_SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
    b"BM": "image/bmp",
}
"""What a picture's bytes begin with decides what it is served as; a drawing that may have scripts is none of these."""
_WEBP = (b"RIFF", b"WEBP")
_NUMBERS = ("train_rows", "accuracy", "ci_low", "ci_high")
_HIDDEN = {"text", "path_id", "problem_id", "row_hash", "text_hash"}


def image(connection: Connection, tables: Tables, image_id: str) -> tuple[bytes, str] | None:
    """An image's bytes and media type; none if there is no such image, or it is no picture a browser may show."""
    for name in ("images", "benchmark_images"):
        if name in tables.good:
            found = connection.execute(f"select data from {name} where image_id = ?", [image_id]).fetchone()
            if found and (kind := media_type(found[0])):
                return found[0], kind
    return None


def media_type(data: bytes) -> str | None:
    """What an image is, by its first bytes."""
    if data[:4] == _WEBP[0] and data[8:12] == _WEBP[1]:
        return "image/webp"
    return next((kind for signature, kind in _SIGNATURES.items() if data.startswith(signature)), None)


def of_path(connection: Connection, tables: Tables, step: str, path_id: str) -> dict[str, dict[str, Any]]:
    """All that the tables hold on a path: its own row, its verdict, the teacher's feedback, the mixes it is in."""
    paths, verdicts = tables.steps().get(step, (None, None))
    sections = [("Path", paths), ("Verdict", verdicts)]
    sections += [("Feedback of the teacher", f"{orm}_feedback") for orm in tables.of_kind("feedback")]
    found: dict[str, dict[str, Any]] = {}
    for title, name in sections:
        if name and (row := _row(connection, name, path_id)):
            found.setdefault(title, row)
    trained = [model for model in tables.of_kind("mix") if _row(connection, f"mix_{model}", path_id)]
    found["Training"] = {"trained": ", ".join(trained) or "no model"}
    return found


def related(row: Row, family: list[Row]) -> list[Row]:
    """A path with the one it reconsiders before it, or the reflections on it behind it."""
    before = [other for other in family if other["path_id"] == row["parent"]]
    after = [other for other in family if other["parent"] == row["path_id"]]
    return [*before, row, *after]


def steps(connection: Connection, known: Vocabulary) -> list[Row]:
    """Each step's paths by verdict."""
    sql = """
        select step, sum(paths) as paths, sum(paths) filter (status = 1) as correct,
            sum(paths) filter (status = 2) as wrong, sum(paths) filter (status = 3) as undecided,
            sum(paths) filter (status > 0 and rule > 0 and status <> rule) as differ
        from summary group by step order by step
    """
    found = connection.execute(sql).fetchall()
    names = ("paths", "correct", "wrong", "undecided", "differ")
    return [
        {
            "name": known.label("round", row[0]),
            **{name: int(value or 0) for name, value in zip(names, row[1:], strict=True)},
        }
        for row in found
    ]


def counts(connection: Connection) -> dict[str, int]:
    """Problems by what they may be used for."""
    return dict(connection.execute("select split, count(*) from problems group by split order by split").fetchall())


def scores(root: Path) -> list[dict[str, Any]]:
    """The rows of the accuracy chart, as the report stage wrote them."""
    try:
        found = json.loads((root / layout.PLOTS / "accuracy.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    rows = found if isinstance(found, list) else []
    return [row for row in rows if isinstance(row, dict) and _is_score(row)]


def _is_score(row: dict[str, Any]) -> bool:
    return "stage" in row and all(isinstance(row.get(name), int | float) for name in _NUMBERS)


def _row(connection: Connection, view: str, path_id: str) -> dict[str, Any]:
    result = connection.execute(f"select * from {identifier(view)} where path_id = ? limit 1", [path_id])
    columns = [column[0] for column in result.description or ()]
    row = result.fetchone()
    return (
        {}
        if row is None
        else {
            column: value
            for column, value in zip(columns, row, strict=True)
            if column not in _HIDDEN and value is not None
        }
    )
