"""Step 4: a model's answers to the test problems and the benchmarks' items, scored.

Each problem and each item is asked once greedily (sample 0, pass@1), and k times drawn.

In: test problems, benchmark items. Out: one `Prediction` per problem or item and sample. Own problems are graded by
rule, items by their benchmark's official rule with our grader's verdict beside it. Metrics are made of them by
`mathse.loop.evaluation`.

Sample: `mathvision_testmini, mathvision_testmini/4, 0, ..., answer 6, CORRECT (mathvision@1), rule CORRECT`
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path as File

from mathse import params
from mathse.answers.grade import Grader
from mathse.benchmarks.benchmark import as_problem, benchmark_of
from mathse.benchmarks.official import official_fields
from mathse.loop.ask import prompts
from mathse.loop.ask.generate import generate
from mathse.loop.ask.protocol import Completion, Engine, Request, Sampling
from mathse.loop.ask.requests import request, request_seed
from mathse.tables.schemas import OWN_TESTS, BenchmarkItem, Prediction, Problem


@dataclass(frozen=True)
class Asking:
    """How a model is asked.

    Attributes:
        student: Prompt and length.
        evaluate: Samples, and prompts by benchmark.
        seed: Of the run; decides the drawn samples.
    """

    student: params.Student
    evaluate: params.Evaluate
    seed: int = 0


def predict(
    engine: Engine, problems: Sequence[Problem], items: Sequence[BenchmarkItem], asking: Asking, journal: File
) -> Iterator[Prediction]:
    """Have a model answer, and score it by rule.

    Args:
        asking: Prompts, samples and length.

    Yields:
        One prediction per problem and sample, in the order of problems, items and samples.

    Raises:
        PromptError: As `requests`.
    """
    known = {problem.problem_id: problem for problem in problems}
    by_id = {item.problem_id: item for item in items}
    grader = Grader()
    for label, outcome in generate(engine, requests(problems, items, asking), journal, title="answers"):
        item = by_id.get(label.problem_id)
        problem = item or known[label.problem_id]
        grade = grader.grade(problem.answer, outcome.text, problem.choices)
        row = Prediction(
            benchmark=item.benchmark if item else OWN_TESTS,
            problem_id=label.problem_id,
            sample_idx=label.sample_idx,
            author=engine.name,
            prompt_id=label.prompt_id,
            text=outcome.text,
            answer=grade.extracted,
            status=grade.status,
            reason=outcome.error or grade.reason,
            rule_status=grade.status,
            rule_reason=grade.reason,
            finish_reason=outcome.finish_reason,
            tokens_in=outcome.tokens_in,
            tokens_out=outcome.tokens_out,
            cost=outcome.cost,
        )
        rule = benchmark_of(item.benchmark).rule if item else None
        if item and rule and isinstance(outcome, Completion):
            row = rescored(row, item, rule.extract(item, row.text), "rule", 0.0)
        yield row


def requests(problems: Iterable[Problem], items: Iterable[BenchmarkItem], asking: Asking) -> Iterator[Request]:
    """All requests: the problems' first, then the items', each with its samples together.

    Raises:
        PromptError: A benchmark's prompt does not exist, or needs what its items do not have.
    """
    own, by_benchmark = asking.student.prompt, asking.evaluate.prompts
    for problem in problems:
        fields = {"question": prompts.question_with_choices(problem)}
        yield from _samples(problem, own, "student.prompt", fields, asking)
    for item in items:
        name = benchmark_of(item.benchmark).name
        param = f"evaluate.prompts.{name}" if name in by_benchmark else "student.prompt"
        yield from _samples(as_problem(item), by_benchmark.get(name, own), param, fields_of(item), asking)


def _samples(problem: Problem, prompt: str, param: str, fields: dict[str, str], asking: Asking) -> Iterator[Request]:
    """The greedy sample, 0, and those that are drawn."""
    student, evaluate = asking.student, asking.evaluate
    greedy = Sampling(max_new_tokens=student.max_new_tokens)
    drawn = Sampling(evaluate.temperature, evaluate.top_p, student.max_new_tokens)
    for sample in range(evaluate.samples + 1):
        yield request(
            problem, prompt, fields, drawn if sample else greedy,
            seed=request_seed(asking.seed, problem.problem_id, sample, "evaluate") if sample else 0,
            sample_idx=sample, param=param,
        )  # fmt: skip


def fields_of(item: BenchmarkItem) -> dict[str, str]:
    """What a prompt can say of an item: its question, a hint about the answer's form, and its official query."""
    benchmark = benchmark_of(item.benchmark)
    hint = "The answer is the letter of an option." if item.choices else benchmark.answer_form(item)
    fields = {"question": prompts.question_with_choices(as_problem(item)), "hint": hint}
    query = official_fields(item).get(benchmark.query)
    return fields | ({"query": query} if query and isinstance(query, str) else {})


def rescored(row: Prediction, item: BenchmarkItem, extraction: str | None, extractor: str, cost: float) -> Prediction:
    """A prediction scored by the official rule, with this extraction."""
    benchmark = benchmark_of(item.benchmark)
    assert benchmark.rule is not None
    score = benchmark.rule.score(item, row.text, extraction)
    return row.model_copy(
        update={
            "answer": score.answer,
            "status": score.status,
            "reason": score.reason,
            "scorer": benchmark.scorer,
            "extractor": extractor,
            "cost": row.cost + cost,
        }
    )
