"""What single rows have beyond the index, from the tables themselves: images, and all that is recorded of a path.

Each look-up binds an id and reads the row group that has it.
"""

from typing import Any

from mathse.tables.views import dicts, identifier
from mathse.view.filters import Connection
from mathse.view.tables import Tables

_SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
    b"BM": "image/bmp",
}
"""Media types by the first bytes of a picture. SVG is not among them: it may hold scripts."""
_HIDDEN = {"text", "path_id", "problem_id", "row_hash", "text_hash"}


def image(connection: Connection, tables: Tables, image_id: str) -> tuple[bytes, str] | None:
    """An image's bytes and media type; none if there is no such image, or it is no picture a browser may show."""
    for name in ("images", "benchmark_images"):
        if name in tables.readable:
            row = connection.execute(f"select data from {name} where image_id = ?", [image_id]).fetchone()
            if row and (kind := media_type(row[0])):
                return row[0], kind
    return None


def media_type(data: bytes) -> str | None:
    """What an image is, by its first bytes."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for signature, kind in _SIGNATURES.items() if data.startswith(signature)), None)


def record(connection: Connection, tables: Tables, step: str, path_id: str) -> dict[str, dict[str, Any]]:
    """All that the tables hold on a path: its own row, its verdict, the teacher's feedback, the mixes it is in."""
    paths, verdicts = tables.steps().get(step, (None, None))
    sections = [("Path", paths), ("Verdict", verdicts)]
    sections += [("Feedback of the teacher", f"{orm}_feedback") for orm in tables.of_kind("feedback")]
    record: dict[str, dict[str, Any]] = {}
    for title, view in sections:
        if view and (row := _row(connection, view, path_id)):
            record.setdefault(title, row)
    trained = [model for model in tables.of_kind("mix") if _row(connection, f"mix_{model}", path_id)]
    record["Training"] = {"trained": ", ".join(trained) or "no model"}
    return record


def _row(connection: Connection, view: str, path_id: str) -> dict[str, Any]:
    """The row of a path as it is shown; empty if there is none."""
    rows = dicts(connection.execute(f"select * from {identifier(view)} where path_id = ? limit 1", [path_id]))
    values = rows[0] if rows else {}
    return {column: value for column, value in values.items() if column not in _HIDDEN and value is not None}
