"""Step 3: the teacher reconsiders what stayed wrong, with feedback on where it goes wrong.

In: the problems that no mix row solves, with their wrong paths and what the judge said of them (`Remaining`). Out: one
`Path` of kind reflection per wrong path and sample; `parent_path_id` names the path it reconsiders.

Whose feedback the teacher is shown is the paper's Table 3:

    orm      what the judge said: step and analysis, each "none named" where it named none
    teacher  what the teacher says when it marks the path first, with the gold answer before it; "none named" where its
             marks cannot be read, or find nothing wrong
    none     nobody's: step and analysis are "none named" for every path

Sample: `problem 3f..., reflection, sample 0, parent 5c1e..., "Step 1: angle B is 50, not 60. ..."`
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path as File
from typing import Literal

from mathse.loop.annotate import mark_request
from mathse.loop.ask import replies
from mathse.loop.ask.generate import ask_about, generate
from mathse.loop.ask.protocol import Engine, Request, Sampling
from mathse.loop.ask.requests import critique_fields, request, request_seed
from mathse.loop.solve import Ask, path_row
from mathse.tables.schemas import Path, Problem, Remaining, Status, WrongPath

log = logging.getLogger(__name__)

PROMPT = "reflect@1"

Scope = Literal["unsolved", "all"]
Remark = tuple[str | None, str | None]
"""The step that is said to be wrong, and why."""


@dataclass(frozen=True)
class Feedback:
    """Whose feedback the teacher reflects on.

    Attributes:
        by: `reflect.feedback`: the ORM's, the teacher's own marks, or none.
        marking: How the teacher's marks are drawn, where they are asked for (`annotate.marking`).
    """

    by: Literal["orm", "teacher", "none"] = "orm"
    marking: Sampling = field(default_factory=Sampling)


ORM = Feedback()


def reflect(
    teacher: Engine,
    remaining: Callable[[], Iterable[Remaining]],
    problems: Mapping[str, Problem],
    ask: Ask,
    scope: Scope,
    journal: File,
    feedback: Feedback = ORM,
) -> Iterator[Path]:
    """Have the teacher write new solutions.

    Args:
        remaining: Gives the unsolved problems with their wrong paths, in the same order at every call: where the
            teacher marks the paths first, it is called twice.
        problems: Problems by id; a `ProblemLookup` where there are many.
        ask: Sampling, and samples per wrong path; its round is the step's.
        scope: `unsolved`: the newest wrong path of each problem; `all`: every wrong path.
        journal: Where finished completions are kept; the teacher's marks have a file of their own beside it.
        feedback: Whose feedback it is shown.

    Yields:
        Reflections, in the order of wrong paths and samples. A problem without a wrong path has none.
    """
    marks_cost, marks = 0.0, journal.with_name(f"{journal.stem}-marks{journal.suffix}")

    def requests() -> Iterator[Request]:
        nonlocal marks_cost
        for problem_id, wrong, (step, analysis), cost in _remarks(teacher, remaining, problems, scope, marks, feedback):
            marks_cost += cost
            problem = problems[problem_id]
            fields = critique_fields(problem, wrong.text, step, analysis)
            for sample in range(ask.samples):
                yield request(
                    problem, ask.prompt_id, fields, ask.sampling,
                    seed=request_seed(ask.seed, problem_id, sample, f"{ask.kind} of {wrong.path_id}"),
                    sample_idx=sample, subject_id=wrong.path_id,
                )  # fmt: skip
        if marks_cost:
            log.info("marks before reflecting: cost %.2f", marks_cost)

    for label, outcome in generate(teacher, requests(), journal, title="reflections"):
        yield path_row(teacher, ask, label, outcome, parent=label.subject_id)


def wrong_paths(remaining: Iterable[Remaining], scope: Scope) -> Iterator[tuple[str, WrongPath]]:
    """Problem and path of what is reconsidered: of each problem, the newest wrong path with text, or all of them."""
    for row in remaining:
        written = [wrong for wrong in row.wrong if wrong.text]
        for wrong in written if scope == "all" else written[:1]:
            yield row.problem_id, wrong


def _remarks(
    teacher: Engine,
    remaining: Callable[[], Iterable[Remaining]],
    problems: Mapping[str, Problem],
    scope: Scope,
    marks: File,
    feedback: Feedback,
) -> Iterator[tuple[str, WrongPath, Remark, float]]:
    """Problem and wrong path, what the teacher is told of it, and what that has cost."""
    if feedback.by != "teacher":
        for problem_id, wrong in wrong_paths(remaining(), scope):
            remark = (wrong.error_step, wrong.error_analysis) if feedback.by == "orm" else (None, None)
            yield problem_id, wrong, remark, 0.0
        return

    def mark(item: tuple[str, WrongPath]) -> Request:
        problem_id, wrong = item
        return mark_request(problems[problem_id], wrong.path_id, wrong.text, feedback.marking)

    for (problem_id, wrong), outcome in ask_about(
        teacher, lambda: wrong_paths(remaining(), scope), mark, marks, title="marks before reflecting"
    ):
        reply = replies.read(outcome, annotation=True)
        remark = (reply.error_step, reply.error_analysis) if reply.status is Status.WRONG else (None, None)
        yield problem_id, wrong, remark, outcome.cost
