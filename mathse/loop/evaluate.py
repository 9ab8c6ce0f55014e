"""Step 4: a model's answers to the test problems and the benchmarks' items, scored.

In: test problems, benchmark items. Out: one `Prediction` a problem or item and sample; sample 0 is greedy (pass@1). Own
problems are graded by rule, items by their benchmark's official rule with our grader's verdict beside it. Metrics are
made of them by `mathse.loop.evaluation`.

Sample: `mathvision_testmini, mathvision_testmini/4, 0, ..., answer 6, CORRECT (mathvision@1), rule CORRECT`
"""

from collections.abc import Iterator, Sequence
from pathlib import Path as File

from mathse import params
from mathse.answers.grade import Grade, Grader
from mathse.loop.ask.generate import generate
from mathse.loop.ask.protocol import Completion, Engine, Label, Outcome
from mathse.loop.asking import Asking, requests
from mathse.loop.evaluation import official
from mathse.params.benchmarks import name_of
from mathse.tables.schemas import OWN_TESTS, BenchmarkItem, Prediction, Problem, Status


def predict(
    engine: Engine,
    problems: Sequence[Problem],
    student: params.Student,
    journal: File,
    items: Sequence[BenchmarkItem] = (),
    asking: Asking | None = None,
) -> Iterator[Prediction]:
    """Have a model answer, and score it by rule.

    Args:
        student: Prompt and length.
        asking: Samples and prompts; greedy with the student's prompt if not given.

    Yields:
        One prediction a problem and sample, in the order of problems, items and samples.
    """
    asking = asking or Asking(student, params.Evaluate(batch_size=1))
    known = {problem.problem_id: problem for problem in problems}
    by_id = {item.problem_id: item for item in items}
    grader = Grader()
    for label, outcome in generate(engine, requests(problems, items, asking), journal, title="answers"):
        item = by_id.get(label.problem_id)
        if item is None:
            yield _own(engine, known[label.problem_id], label, outcome, grader)
        else:
            yield _of_benchmark(engine, item, label, outcome, grader)


def rescored(row: Prediction, item: BenchmarkItem, extraction: str | None, extractor: str, cost: float) -> Prediction:
    """A prediction scored anew with another extraction."""
    found = official.score(item, row.text, extraction)
    return row.model_copy(
        update={
            "answer": found.answer,
            "status": found.status,
            "reason": found.reason,
            "scorer": official.scorer(item.benchmark),
            "extractor": extractor,
            "cost": row.cost + cost,
        }
    )


def _own(engine: Engine, problem: Problem, label: Label, outcome: Outcome, grader: Grader) -> Prediction:
    row = _row(engine, label, outcome)
    graded = grader.grade(problem.answer, row.text, problem.choices)
    return _graded(row, graded, row.reason or graded.reason)


def _graded(row: Prediction, graded: Grade, reason: str) -> Prediction:
    return row.model_copy(
        update={
            "answer": graded.extracted,
            "status": graded.status,
            "reason": reason,
            "rule_status": graded.status,
            "rule_reason": graded.reason,
        }
    )


def _of_benchmark(engine: Engine, item: BenchmarkItem, label: Label, outcome: Outcome, grader: Grader) -> Prediction:
    row = _row(engine, label, outcome, item.benchmark)
    graded = grader.grade(item.answer, row.text, item.choices)
    row = _graded(row, graded, row.reason or graded.reason)
    if not isinstance(outcome, Completion) or name_of(item.benchmark) not in official.RULES:
        return row
    return rescored(row, item, official.extract(item, row.text), "rule", 0.0)


def _row(engine: Engine, label: Label, outcome: Outcome, benchmark: str = OWN_TESTS) -> Prediction:
    """The row of one outcome, not scored yet; `reason` is that of a failure."""
    return Prediction(
        benchmark=benchmark,
        problem_id=label.problem_id,
        sample_idx=label.sample_idx,
        author=engine.name,
        prompt_id=label.prompt_id,
        text=outcome.text,
        answer=None,
        status=Status.UNDECIDED,
        reason=outcome.error or "",
        finish_reason=outcome.finish_reason,
        tokens_in=outcome.tokens_in,
        tokens_out=outcome.tokens_out,
        cost=outcome.cost,
    )
