"""Grade many answers: columns of a table or single rows, with each repeated pair worked out once.

A loop grades the same short answers to the same problems again and again; what was graded is remembered by a digest of
the pair, up to a fixed number of pairs, so that memory stays bounded however many rows pass.

Sample: `Grader().frame(pl.DataFrame({"gold": ["1/2"], "answer": ["0.5"]}))` has the columns `verdict` (`CORRECT`),
`extracted` (`0.5`) and `reason` (`same quantity`) besides.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b

import polars as pl

from mathse.answers.grade import Grade, grade
from mathse.tables.schemas import Status

REMEMBERED = 100_000
COLUMNS = ("gold", "answer")
OPTIONAL = ("choices", "precision", "question_type")
ADDED = {"verdict": pl.String, "extracted": pl.String, "reason": pl.String}


class Grader:
    """Grades by rule and remembers what it graded. Used by one thread at a time."""

    def __init__(self, remembered: int = REMEMBERED) -> None:
        """Remember nothing yet.

        Args:
            remembered: At most so many pairs; the oldest are forgotten first.
        """
        self._remembered = remembered
        self._grades: OrderedDict[bytes, Grade] = OrderedDict()

    def grade(
        self,
        gold: str,
        text: str,
        choices: Sequence[str] = (),
        precision: int | None = None,
        question_type: str | None = None,
    ) -> Grade:
        """As `mathse.answers.grade.grade`."""
        texts = (gold, text, str(precision), str(question_type), *choices)
        # With their lengths, so that no two pairs are joined to the same text.
        pair = "".join((str([len(one) for one in texts]), *texts))
        key = blake2b(pair.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        known = self._grades.get(key)
        if known is None:
            known = self._grades[key] = grade(gold, text, choices, precision, question_type)
            if len(self._grades) > self._remembered:
                self._grades.popitem(last=False)
        return known

    def frame(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Grade the rows of a table.

        Args:
            frame: Columns `gold` and `answer` (whole solutions or bare answers); optional `choices` (lists of text),
                `precision` (whole numbers) and `question_type`. Nulls are allowed anywhere.

        Returns:
            The same rows and columns, with `verdict`, `extracted` and `reason` behind them.

        Raises:
            ValueError: `gold` or `answer` is missing.
        """
        missing = [name for name in COLUMNS if name not in frame.columns]
        if missing:
            raise ValueError(f"no column {missing[0]!r} among {', '.join(frame.columns)}")
        rows = frame.select(name for name in (*COLUMNS, *OPTIONAL) if name in frame.columns).iter_rows(named=True)
        grades = [self._of_row(**row) for row in rows]
        added = [(one.status.value, one.extracted, one.reason) for one in grades]
        return frame.hstack(pl.DataFrame(added, schema=ADDED, orient="row"))

    def batches(self, batches: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """Grade tables one after another, as `pl.read_parquet` in slices or Arrow's record batches give them."""
        return map(self.frame, batches)

    def _of_row(
        self,
        gold: str | None,
        answer: str | None,
        choices: Sequence[str | None] | None = None,
        precision: int | None = None,
        question_type: str | None = None,
    ) -> Grade:
        if gold is None or answer is None:
            return Grade(Status.UNDECIDED, None, "no gold answer" if gold is None else "no answer found")
        options = tuple(choice or "" for choice in choices or ())
        return self.grade(gold, answer, options, precision, question_type)
