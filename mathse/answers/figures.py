"""Names of figures by their points, and what two figures are to each other.

A segment is `AB` or `BA`; an angle `ABC` or `CBA`, with its vertex in the middle; a triangle has its points in any
order; a polygon is read from any of its points on, either way round. `AC = BD`, `CD ∥ AB` and `△ABC ≅ △DEF` say the
same with their sides exchanged, and of triangles that are alike which point belongs to which.
"""

import re

_POINT = r"[A-Z](?:_?\d+|_\{\d+\}|'+)*"
_FIGURE = re.compile(rf"(?P<sign>∠|△|\\Delta|Δ|⊙|▱|)\s*(?P<name>(?:{_POINT}\s*)+|\d+|[a-z](?:_?\d+)?)")
_POINTS = re.compile(_POINT)
_SIGNS = re.compile(r"\s*([=∥⊥≅∼])\s*")
_SPELLINGS = (
    (re.compile(r"//|‖|⫽|(?:\bis\s+)?\bparallel to\b|平行于?"), "∥"),
    (re.compile(r"(?:\bis\s+)?\bperpendicular to\b|垂直于?"), "⊥"),
    (re.compile(r"≌|全等于?|(?:\bis\s+)?\bcongruent to\b"), "≅"),
    (re.compile(r"∽|相似于?|(?:\bis\s+)?\bsimilar to\b"), "∼"),
    (re.compile(r"三角形|\btriangle\b"), "△"),
    (re.compile(r"\bangle\b"), "∠"),
    (re.compile(r"直线|线段|射线|\b(?:line|segment)\b"), ""),
)


def angle(points: list[str]) -> list[str]:
    """The points of an angle, its two sides in one order."""
    return points if points[0] <= points[-1] else points[::-1]


def statement(text: str) -> str | None:
    """What figures are to each other, in one spelling; None if a text says something else."""
    if "=" not in text and not any(pattern.search(text) for pattern, _ in _SPELLINGS) and not _SIGNS.search(text):
        return None
    for pattern, sign in _SPELLINGS:
        text = pattern.sub(sign, text)
    first, *rest = _SIGNS.split(text.strip())
    sign, sides = rest[0] if rest else "", [first, *rest[1::2]]
    if len(sides) < 2 or len(sides) > 8 or any(other != sign for other in rest[::2]):
        return None
    figures = [_figure(side, is_line=sign in "∥⊥") for side in sides]
    if None in figures:
        return None
    if sign in "≅∼":
        return _correspondence(sign, sides)
    return f"{sign} {' '.join(sorted(filter(None, figures)))}"


def _figure(text: str, is_line: bool) -> str | None:
    """A figure's name in one order of its points; None of what is no figure, as one letter is none."""
    match = _FIGURE.fullmatch(text.strip())
    if match is None:
        return None
    sign, points = match["sign"], _spelled(match["name"])
    if not points:  # a number or a small letter: an angle, or a line
        is_name = sign == "∠" or (is_line and match["name"][0].isalpha())
        return sign + match["name"].replace("_", "") if is_name else None
    if sign == "∠":
        return "∠" + "".join(angle(points))
    if len(points) == 1:
        return sign + points[0] if sign == "⊙" else None
    turns = [points[place:] + points[:place] for place in range(len(points))]
    return ("△" if sign in ("Δ", "\\Delta") else sign) + min(
        "".join(way) for turn in turns for way in (turn, turn[::-1])
    )


def _correspondence(sign: str, sides: list[str]) -> str | None:
    """Two figures that are alike, as the pairs of their points that belong together."""
    points = [_spelled(side) for side in sides]
    if len(sides) != 2 or len(points[0]) != len(points[1]) or len(points[0]) < 3:
        return None
    pairs = min(sorted(zip(points[0], points[1], strict=True)), sorted(zip(points[1], points[0], strict=True)))
    return f"{sign} {' '.join(map('-'.join, pairs))}"


def _spelled(text: str) -> list[str]:
    return [point.replace("_", "").replace("{", "").replace("}", "") for point in _POINTS.findall(text)]
