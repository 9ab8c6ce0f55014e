"""Has the teacher mark paths: the verdict, the first wrong step, why, and a suggestion. The ORM learns from these.

In: paths and their problems. Out: one `Feedback` per path; what the teacher wrote in another form is UNDECIDED. The
paths are gone through twice, and nothing is held per path.

Sample: `path 5c1e..., WRONG, "Step 2", "calculation: 50 + 60 is not 111", "Add the two angles again."`
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path as File

from mathse import params
from mathse.loop.ask import prompts, replies
from mathse.loop.ask.generate import ask_about
from mathse.loop.ask.protocol import Engine, Request, Sampling
from mathse.loop.ask.requests import request
from mathse.tables.schemas import Feedback, Path, Problem


@dataclass(frozen=True)
class Lesson:
    """What the ORM is to learn from the marks, which decides what is asked of the teacher.

    Attributes:
        target: What it is to reply, `orm.target`.
        reference: Whether it will see the gold answer, `judge.reference`.
    """

    target: replies.Target = "full"
    reference: bool = True

    @property
    def prompt(self) -> str:
        """The prompt by which the teacher marks."""
        if self.target != "checks":
            return "annotate@1"
        return "annotate@4" if self.reference else "annotate@5"


FULL = Lesson()


def marking(settings: params.Teacher) -> Sampling:
    """How the teacher's marks are drawn: a mark is not a matter of luck."""
    return Sampling(max_new_tokens=settings.max_new_tokens)


def annotate(
    teacher: Engine,
    paths: Callable[[], Iterable[Path]],
    problems: Mapping[str, Problem],
    sampling: Sampling,
    journal: File,
    lesson: Lesson = FULL,
) -> Iterator[Feedback]:
    """Mark every path that has text.

    Args:
        paths: Gives what is marked, in the same order at every call: it is called twice.
        problems: Problems by id, at least the paths' own; a `ProblemLookup` where there are many.
        sampling: How marks are drawn (`marking`).
        lesson: What is to be learnt from them.

    Yields:
        One row per path, in the paths' order; failed requests and empty paths are UNDECIDED.
    """

    def request_of(path: Path) -> Request | None:
        problem = problems[path.problem_id]
        return mark_request(problem, path.path_id, path.text, sampling, lesson) if path.text else None

    for path, outcome in ask_about(teacher, paths, request_of, journal, title="annotations"):
        yield Feedback(
            path_id=path.path_id,
            problem_id=path.problem_id,
            author=teacher.name,
            prompt_id=lesson.prompt,
            raw=outcome.text,
            tokens_in=outcome.tokens_in,
            tokens_out=outcome.tokens_out,
            cost=outcome.cost,
            **replies.read(outcome, lesson.target, annotation=True).model_dump(),
        )


def mark_request(problem: Problem, path_id: str, text: str, sampling: Sampling, lesson: Lesson = FULL) -> Request:
    """The request for a path's marks."""
    fields = {"question": prompts.question_with_choices(problem), "path": text, "gold": problem.answer}
    schema = replies.json_schema(lesson.target, annotation=True)
    return request(problem, lesson.prompt, fields, sampling, seed=0, subject_id=path_id, json_schema=schema)
