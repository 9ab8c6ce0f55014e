"""Has the teacher mark paths: the verdict, the first wrong step, why, and a suggestion. The ORM learns from these.

In: paths and their problems. Out: one `Feedback` a path; what the teacher wrote in another form is UNDECIDED.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path as File

from mathse.ask import prompts
from mathse.ask.generate import generate
from mathse.ask.protocol import Completion, Engine, Outcome, Request, Sampling
from mathse.ask.replies import Reply, json_schema, parse
from mathse.tables.schemas import Feedback, Path, Problem, Status

PROMPT = "annotate@1"


def annotate(
    teacher: Engine, paths: Sequence[Path], problems: Mapping[str, Problem], sampling: Sampling, journal: File
) -> list[Feedback]:
    """Mark every path that has text.

    Args:
        teacher: Who marks.
        paths: What is marked.
        problems: Problems by id; holds at least the paths' own.
        sampling: How marks are drawn.
        journal: Where finished completions are kept until the stage is done.

    Returns:
        One row a path, in the paths' order; failed requests and empty paths are UNDECIDED.
    """
    asked = [path for path in paths if path.text]
    requests = (_request(path, problems[path.problem_id], sampling) for path in asked)
    said = {request.subject_id: outcome for request, outcome in generate(teacher, requests, journal, "annotations")}
    return [_feedback(path, said.get(path.path_id), teacher.name) for path in paths]


def _request(path: Path, problem: Problem, sampling: Sampling) -> Request:
    fields = {
        "question": prompts.question_with_choices(problem),
        "path": path.text,
        "gold": problem.answer,
    }
    return Request(
        problem_id=problem.problem_id,
        sample_idx=0,
        prompt=PROMPT,
        messages=prompts.turn(prompts.render(PROMPT, fields)),
        image_ids=problem.image_ids,
        sampling=sampling,
        seed=0,
        fields=fields,
        subject_id=path.path_id,
        json_schema=json_schema(annotation=True),
    )


def _feedback(path: Path, outcome: Outcome | None, teacher: str) -> Feedback:
    if isinstance(outcome, Completion):
        reply, said = parse(outcome.text, annotation=True), outcome
    else:
        reason = outcome.reason if outcome else "failed request"
        reply, said = Reply(status=Status.UNDECIDED, undecided_reason=reason), Completion("", "stop", 0, 0)
    return Feedback(
        path_id=path.path_id,
        problem_id=path.problem_id,
        teacher=teacher,
        prompt=PROMPT,
        raw=said.text,
        tokens_in=said.tokens_in,
        tokens_out=said.tokens_out,
        cost=said.cost,
        **reply.model_dump(),
    )
