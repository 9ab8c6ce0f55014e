"""MathVerse's quick match and its tables (script `evaluation/score_answer_s2.py` of ZrrSkywalker/MathVerse).

Their extraction is a language model's work and is stored in each row; quick match then asks whether it equals the gold
answer as text. The score is over the five versions of each problem that have a picture; the version without one, Text
Only, stands apart.

Sample: `quick_match("D", "D")`  ->  `True`
"""

from collections.abc import Sequence
from typing import Any

from mathse.answers.official.rows import Groups, Row, Tally, field, tally, tally_by, text, values

ID = ("problem_version", "sample_index")
"""Text Only counts its samples anew."""
NEEDS = ("answer", "extraction")
VERSIONS = ("Text Dominant", "Text Lite", "Vision Intensive", "Vision Dominant", "Vision Only")
TEXT_ONLY = "Text Only"


def quick_match(gold: str, extraction: object) -> bool:
    """Whether the extraction is the gold answer, sign by sign."""
    return gold == extraction


def verdict(row: Row) -> dict[str, Any]:
    """The official field `judgement` of a row: 1 or 0.

    Raises:
        BadRow: A field is missing or of another type.
    """
    return {"judgement": int(quick_match(text(row, "answer"), field(row, "extraction")))}


def tables(rows: Sequence[Row]) -> dict[str, Groups]:
    """Overall (the five versions; text only apart), by version, and of the five by subject and by subfield."""
    pictured = [row for row in rows if row.get("problem_version") != TEXT_ONLY]
    return {
        title: group
        for title, group in (
            ("overall", tally(rows, "judgement", _overall)),
            ("version", _in_order(tally_by(rows, "judgement", "problem_version"))),
            ("subject", tally(pictured, "judgement", lambda row: values(_category(row), "subject"))),
            ("subfield", tally(pictured, "judgement", _subfield)),
        )
        if group
    }


def scores(rows: Sequence[Row]) -> dict[str, Any]:
    """The same tables with accuracies as shares of three decimals, which is how the official script prints them."""
    return {title: {name: _entry(count) for name, count in group.items()} for title, group in tables(rows).items()}


def _overall(row: Row) -> list[str]:
    return ["text only"] if row.get("problem_version") == TEXT_ONLY else ["all"]


def _category(row: Row) -> Row:
    """Subject and subfield: in `metadata`, which the script's own copy of the rows calls `category`."""
    found = row.get("category") or row.get("metadata")
    return found if isinstance(found, dict) else {}


def _subfield(row: Row) -> list[str]:
    category = _category(row)
    return [
        f"{subject}: {subfield}" for subject in values(category, "subject") for subfield in values(category, "subfield")
    ]


def _in_order(group: Groups) -> Groups:
    """The five versions from most text to most picture, then what else there is."""
    names = [*(name for name in VERSIONS if name in group), *(name for name in group if name not in VERSIONS)]
    return {name: group[name] for name in names}


def _entry(count: Tally) -> dict[str, Any]:
    return {"accuracy": round(count.percent / 100, 3), "correct": count.correct, "total": count.total}
