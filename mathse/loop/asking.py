"""What a model is asked when it is measured: each problem and each benchmark's item once greedily, and k times drawn.

Sample: `mathvision_testmini/4`, sample 0, prompt `boxed@1`, temperature 0
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mathse import params
from mathse.loop.ask import prompts
from mathse.loop.ask.protocol import Request, Sampling
from mathse.loop.ask.requests import request, request_seed
from mathse.params.benchmarks import name_of
from mathse.tables.schemas import BenchmarkItem, Problem, Split

GREEDY = 0
"""The sample that is not drawn."""

_KINDS = {
    "integer": "The answer is a whole number.",
    "float": "The answer is a decimal number.",
    "list": "The answer is a list of values, such as [1, 2, 3].",
}


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

    def prompt(self, benchmark: str) -> str:
        """The prompt that a benchmark's items are asked with."""
        return self.evaluate.prompts.get(name_of(benchmark), self.student.prompt)

    def sampling(self, sample: int) -> Sampling:
        """How one of a problem's answers is drawn."""
        if sample == GREEDY:
            return Sampling(max_new_tokens=self.student.max_new_tokens)
        return Sampling(self.evaluate.temperature, self.evaluate.top_p, self.student.max_new_tokens)


def requests(problems: Iterable[Problem], items: Iterable[BenchmarkItem], asking: Asking) -> Iterator[Request]:
    """All requests: the problems' first, then the items', each one's samples together.

    Raises:
        PromptError: A benchmark's prompt does not exist, or needs what its items do not have.
    """
    for problem in problems:
        fields = {"question": prompts.question_with_choices(problem)}
        yield from _samples(problem, asking.student.prompt, "student.prompt", fields, asking)
    for item in items:
        name = name_of(item.benchmark)
        param = f"evaluate.prompts.{name}" if name in asking.evaluate.prompts else "student.prompt"
        yield from _samples(as_problem(item), asking.prompt(item.benchmark), param, fields_of(item), asking)


def fields_of(item: BenchmarkItem) -> dict[str, str]:
    """What a prompt can say of an item: its question, a hint about the answer's form, and its official query."""
    official = json.loads(item.official)
    query = official.get("query_cot") or official.get("query")
    fields = {"question": prompts.question_with_choices(as_problem(item)), "hint": hint(item)}
    return fields | ({"query": query} if isinstance(query, str) else {})


def hint(item: BenchmarkItem) -> str:
    """What form the answer has."""
    official = json.loads(item.official)
    if item.choices:
        return "The answer is the letter of an option."
    kind = _KINDS.get(official.get("answer_type", ""), "The answer is a value or a word.")
    precision = official.get("precision")
    decimals = f" Give {precision:g} decimal places." if isinstance(precision, int | float) else ""
    return kind + decimals


def as_problem(item: BenchmarkItem) -> Problem:
    """The item as a test problem, as models are asked it."""
    return Problem(
        problem_id=item.problem_id,
        source=item.benchmark,
        source_id=item.item_id,
        split=Split.TEST,
        **item.model_dump(exclude={"benchmark", "item_id", "official", "row_hash"}),
    )


def _samples(problem: Problem, prompt: str, param: str, fields: dict[str, str], asking: Asking) -> Iterator[Request]:
    for sample in range(asking.evaluate.samples + 1):
        yield request(
            problem, prompt, fields, asking.sampling(sample),
            seed=request_seed(asking.seed, problem.problem_id, sample, "evaluate") if sample else 0,
            sample_idx=sample, param=param,
        )  # fmt: skip
