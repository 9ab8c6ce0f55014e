"""ChartQA, test: 1,250 questions that people wrote and 1,250 that were generated, scored by relaxed accuracy.

Locally `test_human.json` and `test_augmented.json` with the charts in `png/`; hub copies tell the halves apart by
`type` or `human_or_machine`.

Relaxed accuracy (Masry et al. 2022, section 5.1; `pix2struct/metrics.py` of google-research/pix2struct): a number may
differ from the gold number by 5 %; anything else must equal it, letters' case aside. `5%` is 0.05, and a gold zero has
no 5 %: it is compared as text.

Sample row: `{"imgname": "41699051005347.png", "query": "How many food items are shown?", "label": "14"}`
Sample: `relaxed("100", "104")`  ->  `True`
"""

from collections.abc import Sequence
from typing import Any

from mathse.benchmarks.benchmark import Benchmark, RawItem, Subset, copied
from mathse.benchmarks.official import BadRow, Fields, Groups, as_shares, field, overall, tally_by, text
from mathse.benchmarks.rule import Rule
from mathse.sources.rows.charts import problem
from mathse.sources.rows.raw import Faulty, SourceRow

HALVES = {"human": ("human", "human_test", "0"), "augmented": ("augmented", "augmented_test", "1")}
"""How copies of the benchmark name each half."""
SPLITS = ("type", "human_or_machine")
"""Fields by which copies tell the halves apart: `human_test`, or 0 for human."""
TOLERANCE = 0.05


def item(row: SourceRow) -> RawItem:
    """A row as an item."""
    raw, half, label = problem(row), half_of(row), row.fields.get("label")
    return RawItem(
        source_id=raw.source_id,
        question=raw.question,
        answer=raw.answer,
        images=raw.images,
        subject=half,
        official={"label": label if isinstance(label, str) else raw.answer, "type": half}
        | copied(row, "human_or_machine"),
    )


def half_of(row: SourceRow) -> str:
    """`human` or `augmented`, as the row says or else the name of its file.

    Raises:
        Faulty: Neither says.
    """
    name = row.fields.get("type", row.fields.get("human_or_machine"))
    if name is None:
        file = row.place.rpartition("/")[2]
        name = next((half for half in HALVES if half in file), None)
    for half, names in HALVES.items():
        if str(name) in names:
            return half
    raise Faulty("neither human nor augmented", str(name)[:40])


def relaxed(gold: str, prediction: str) -> bool:
    """Whether a prediction is right by relaxed accuracy."""
    gold_number, predicted_number = number(gold), number(prediction)
    # Written as in the script: a gold zero is falsy, and falls through to text.
    if predicted_number is not None and gold_number:
        return abs(predicted_number - gold_number) / abs(gold_number) <= TOLERANCE
    return gold.lower() == prediction.lower()


def number(answer: str) -> float | None:
    """The value of a number or a percentage as Python writes it; None for anything else (`1,000` among it)."""
    try:
        return float(answer.rstrip("%")) / 100 if answer.endswith("%") else float(answer)
    except ValueError:
        return None


def verdict(row: Fields) -> dict[str, Any]:
    """The field `correct` of a row, from `prediction` and `label` (a text, or a list of one)."""
    label = field(row, "label")
    if isinstance(label, list):
        if len(label) != 1:
            raise BadRow("field 'label' is no single answer")
        row = {**row, "label": label[0]}
    return {"correct": relaxed(text(row, "label"), text(row, "prediction"))}


def tables(rows: Sequence[Fields]) -> dict[str, Groups]:
    """Overall, and by the field that tells the halves apart, if there is one."""
    groups = {name: tally_by(rows, "correct", name) for name in SPLITS}
    return {"overall": overall(rows, "correct"), **{name: group for name, group in groups.items() if group}}


def scores(rows: Sequence[Fields]) -> dict[str, Any]:
    """Relaxed accuracy as a share, overall and by half. The public scripts print no more than the overall one."""
    return as_shares(tables(rows), "relaxed_accuracy", 4)


FILES = ("test", "test_human", "test_augmented")
BENCHMARK = Benchmark(
    name="chartqa",
    subsets={
        None: Subset(2500, "test", files=FILES),
        **{half: Subset(1250, "test", divisions=(half,), files=FILES) for half in HALVES},
    },
    item=item,
    division=half_of,
    rule=Rule(verdict, "correct", tables, scores, reads="prediction", needs=("label", "prediction")),
)
