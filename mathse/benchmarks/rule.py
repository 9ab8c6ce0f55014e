r"""A benchmark's official rule: what it says of a response, of a model's reply to an item, and of all responses.

Two benchmarks leave it to a language model to find the answer in a reply (MathVista, MathVerse). Where no such model is
configured a rule finds it (`answers.extract`), written as the official rule wants it: a number without its unit, a
letter for an option. A reply in which no answer is found is UNDECIDED, and counts as not correct; the official scripts
would let it guess. MATH-Vision's rule reads the reply itself; ChartQA's compares the answer alone.

Sample, MathVista, options 40 and 45:  `So it is \boxed{B}`  ->  extraction `(B)`, prediction `45`
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mathse.benchmarks.official import Fields, Groups, official_fields
from mathse.tables.schemas import BenchmarkItem, Status


@dataclass(frozen=True)
class Score:
    """What a rule says of a reply, and why; `answer` is what it took as the answer, None if there was none."""

    answer: str | None
    status: Status
    reason: str


@dataclass(frozen=True)
class Rule:
    """A benchmark's official scoring.

    Attributes:
        verdict: The fields that scoring adds to a row; raises `BadRow` where a field is missing or of another type.
        correct: Which of these fields says whether the answer is right.
        tables: Tables for people, by title, of rows that carry their verdict.
        scores: The same in the form of the official result file.
        reads: The field of a row that holds what is scored.
        needs: Fields without which a row cannot be scored. Those that only the tables need may be missing.
        ids: Fields that together tell problems apart; empty if the benchmark has none.
        own_answer: The field of the verdict with the answer that the rule itself finds in a whole reply; empty if the
            answer has to be found for it.
        bare_answer: The answer that a reply is, where it is nothing else and no extraction is needed; else None.
        prepare: An answer that our extraction found, written as the rule wants it.
        extractor: Whether official scoring has a language model find the answer in the reply.
        matcher: Whether official scoring has a language model compare the answer with the gold one.
        version: Raised when what the rule finds or says changes; stored with every prediction.
    """

    verdict: Callable[[Fields], dict[str, Any]]
    correct: str
    tables: Callable[[Sequence[Fields]], dict[str, Groups]]
    scores: Callable[[Sequence[Fields]], dict[str, Any]]
    reads: str
    needs: tuple[str, ...]
    ids: tuple[str, ...] = ()
    own_answer: str = ""
    bare_answer: Callable[[BenchmarkItem, str], str | None] = lambda item, reply: None
    prepare: Callable[[BenchmarkItem, str], str] = lambda item, answer: answer
    extractor: bool = False
    matcher: bool = False
    version: int = 1

    def extract(self, item: BenchmarkItem, reply: str) -> str | None:
        """The answer found in a reply without a language model, as the rule wants it; None if there is none."""
        # Its patterns take long to compile, and params load the declarations for their subsets alone.
        from mathse.answers.extract import find

        bare = self.bare_answer(item, reply)
        if bare is not None:
            return bare
        answer = find(reply).answer
        return None if answer is None else self.prepare(item, answer)

    def score(self, item: BenchmarkItem, reply: str, extraction: str | None) -> Score:
        """Score a whole reply, or the answer found in it: by `extract`, or by a model."""
        if extraction is None and not self.own_answer:
            return Score(None, Status.UNDECIDED, "no answer found")
        fields = self.verdict({**official_fields(item), self.reads: reply if self.own_answer else extraction})
        answer = str(fields[self.own_answer]) if self.own_answer else extraction
        if fields[self.correct]:
            return Score(answer or None, Status.CORRECT, "as the official rule has it")
        return Score(answer or None, Status.WRONG, "wrong by the official rule")
