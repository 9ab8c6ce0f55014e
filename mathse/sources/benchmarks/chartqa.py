"""ChartQA, test: 1,250 questions that people wrote and 1,250 that were generated.

Locally `test_human.json` and `test_augmented.json` with the charts in `png/`; hub copies tell the halves apart by
`type` or `human_or_machine`.

Sample row: `{"imgname": "41699051005347.png", "query": "How many food items are shown?", "label": "14"}`
"""

from collections.abc import Callable

from mathse.answers.official import chartqa
from mathse.sources.adapters.chartqa import problem
from mathse.sources.benchmarks.form import Form, RawItem, Subset, copied
from mathse.sources.raw import Faulty, Row

_FILES = ("test", "test_human", "test_augmented")
_HALVES = {"human": ("human", "human_test", "0"), "augmented": ("augmented", "augmented_test", "1")}
"""How copies of the benchmark name each half."""


def item(row: Row) -> RawItem:
    """A row as an item.

    Raises:
        Faulty: Fields are missing or wrong, or the label is a list of more than one.
    """
    raw = problem(row)
    return RawItem(
        source="chartqa",
        source_id=raw.source_id,
        question=raw.question,
        answer=raw.answer,
        images=raw.images,
        subject=_half(row),
        official={"label": raw.answer, "type": _half(row)} | copied(row, "human_or_machine"),
    )


def _half(row: Row) -> str:
    said = row.fields.get("type", row.fields.get("human_or_machine"))
    if said is None:
        file = row.place.rpartition("/")[2]
        said = next((half for half in _HALVES if half in file), None)
    found = next((half for half, names in _HALVES.items() if str(said) in names), None)
    if found is None:
        raise Faulty("neither human nor augmented", str(said)[:40])
    return found


def _of(half: str) -> Callable[[Row], bool]:
    return lambda row: _half(row) == half


FORM = Form(
    {
        None: Subset("test", files=_FILES),
        **{half: Subset("test", belongs=_of(half), files=_FILES) for half in _HALVES},
    },
    item,
    chartqa,
)
