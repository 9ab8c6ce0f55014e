"""ChartQA's relaxed accuracy (Masry et al. 2022, section 5.1; `pix2struct/metrics.py` of google-research/pix2struct).

A number may differ from the gold number by 5 %; anything else must equal it, letters' case aside. `5%` is 0.05, and a
gold zero has no 5 %: it is compared as text.

Sample: `relaxed("100", "104")`  ->  `True`
"""

from collections.abc import Sequence
from typing import Any

from mathse.answers.official.rows import BadRow, Groups, Row, Tally, field, overall, tally_by, text

ID = ()
NEEDS = ("label", "prediction")
SPLITS = ("type", "human_or_machine")
"""Fields by which copies of the benchmark tell its splits apart: `human_test`, or 0 for human."""
TOLERANCE = 0.05


def relaxed(gold: str, prediction: str) -> bool:
    """Whether a prediction is right by relaxed accuracy."""
    right, given = number(gold), number(prediction)
    # Written as in the script: a gold zero is falsy, and falls through to text.
    if given is not None and right:
        return abs(given - right) / abs(right) <= TOLERANCE
    return gold.lower() == prediction.lower()


def number(answer: str) -> float | None:
    """The value of a number or a percentage as Python writes it; None for anything else (`1,000` among it)."""
    try:
        return float(answer.rstrip("%")) / 100 if answer.endswith("%") else float(answer)
    except ValueError:
        return None


def verdict(row: Row) -> dict[str, Any]:
    """The field `correct` of a row, from `prediction` and `label` (a text, or a list of one).

    Raises:
        BadRow: A field is missing or of another type.
    """
    label = field(row, "label")
    if isinstance(label, list):
        if len(label) != 1:
            raise BadRow("field 'label' is no single answer")
        row = {**row, "label": label[0]}
    return {"correct": relaxed(text(row, "label"), text(row, "prediction"))}


def tables(rows: Sequence[Row]) -> dict[str, Groups]:
    """Overall, and by the field that tells the splits apart, if there is one."""
    groups = {name: tally_by(rows, "correct", name) for name in SPLITS}
    return {"overall": overall(rows, "correct"), **{name: group for name, group in groups.items() if group}}


def scores(rows: Sequence[Row]) -> dict[str, Any]:
    """Relaxed accuracy as a share, overall and by split. The public scripts print no more than the overall one."""
    return {title: {name: _entry(count) for name, count in group.items()} for title, group in tables(rows).items()}


def _entry(count: Tally) -> dict[str, Any]:
    return {"relaxed_accuracy": round(count.percent / 100, 4), "correct": count.correct, "total": count.total}
