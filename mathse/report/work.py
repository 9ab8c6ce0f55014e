"""What a run's work came to besides accuracy: characters that models answered with, tokens read and written, cost.

In: `data/predictions/*`, `data/paths/student.parquet`, `data/orm/*/{paths,feedback,verdicts}`, `reports/training/*`.
Seconds lie in `reports/timings`, which git does not track, as they are not the same on two machines; `mathse report`
prints them.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

from mathse import layout
from mathse.params import STUDENT, Params
from mathse.report.judging import Counts, Use
from mathse.report.names import Names
from mathse.report.table import Measured, training
from mathse.tables import schemas, store
from mathse.tables.schemas import OWN_TESTS, Feedback, Prediction, Row, Verdict


def trained_tokens(root: Path, settings: Params) -> dict[str, int]:
    """Tokens that went through each training, by what people call it, in the order of the loop."""
    reports = {name: training(root, name) for name in settings.trained}
    names = Names(settings)
    return {f"training {_of(names, name)}": report.tokens for name, report in reports.items() if report}


def answer_lengths(root: Path, models: Sequence[Measured]) -> dict[str, Counter[int]]:
    """Number of greedy answers to the run's own tests by their characters, by model's title.

    Raises:
        StoreError: A prediction table is missing.
    """
    lengths = {}
    for model in models:
        file = root / layout.predictions(model.metrics.model)
        store.require(file, Prediction)
        greedy = (pc.field("sample_idx") == 0) & (pc.field("benchmark") == OWN_TESTS)
        texts = pq.read_table(file, columns=["text"], filters=greedy).column("text")
        lengths[model.title] = Counter(pc.utf8_length(texts).to_pylist())
    return lengths


def uses(root: Path, settings: Params, counts: Counts) -> dict[str, Use]:
    """Tokens and cost of all that was asked, by what it was, in the order of the loop."""
    names = Names(settings)
    asked: dict[str, Use] = {}
    if (lessons := root / layout.paths(STUDENT)).exists():
        asked["lessons of the student"] = _sum(lessons, schemas.Path)
    tables: tuple[tuple[str, Path, type[Row]], ...] = tuple(
        (f"{what} ({_of(names, orm)})", root / file(orm), model)
        for orm in settings.orms
        for what, file, model in (
            ("paths", layout.orm_paths, schemas.Path),
            ("marks", layout.orm_feedback, Feedback),
            ("verdicts", layout.orm_verdicts, Verdict),
        )
    )
    asked |= {name: _sum(file, model) for name, file, model in tables if file.exists()}
    for step in settings.steps:
        asked[f"paths, {names.heading(step)}"] = counts.writing[step]
        asked[f"verdicts, {names.heading(step)}"] = counts.judging[step]
    for name in settings.measured:
        asked[f"answers of {names.title(name)}"] = _sum(root / layout.predictions(name), Prediction)
    return asked


def total(uses: Iterable[Use]) -> Use:
    """All of it together."""
    tokens_in, tokens_out, cost = zip(Use(), *uses, strict=True)
    return Use(sum(tokens_in), sum(tokens_out), sum(cost))


def _of(names: Names, name: str) -> str:
    return name if name in names.orms or name == STUDENT else names.title(name)


def _sum(file: Path, model: type[Row]) -> Use:
    """What the rows of a table took together."""
    table = store.columns(file, model, ["tokens_in", "tokens_out", "cost"])
    read, written, cost = (pc.sum(table.column(name)).as_py() or 0 for name in table.column_names)
    return Use(read, written, cost)
