"""A path as a training row: the prompt as the model will be asked, the completion as it is to answer.

prompt      [{"role": "user", "content": "In the triangle, angle A is 50 and angle B is 60. Find angle C."}]
completion  [{"role": "assistant", "content": "Step 1: ... The answer to this problem is 70."}]

The row of a reflection may have a draft in its prompt: the wrong path that it reconsiders, with the judge's critique.
So the authors' page describes the paper's rows; R3V (arXiv 2411.00855) and LEMMA (arXiv 2503.17439) train on such, too.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

from mathse.errors import UserError
from mathse.loop.ask import prompts, replies
from mathse.loop.ask.requests import critique_fields, judge_turn
from mathse.params import Judge
from mathse.tables import schemas
from mathse.tables.schemas import Feedback, Message, MixRow, Problem, Row

R = TypeVar("R", bound=Row)


class MixError(UserError):
    """A mix cannot be made from its parts: a prompt that does not fit, an empty part, a path without a problem."""


class Draft(NamedTuple):
    """A wrong path that a row corrects, with the first wrong step and why it is wrong, if the judge named them."""

    text: str
    error_step: str | None
    error_analysis: str | None


def student_row(
    problem: Problem,
    path: schemas.Path,
    prompt: str,
    rejected: tuple[str, str] | None = None,
    draft: Draft | None = None,
) -> MixRow:
    """Render a path as the student is to write it.

    Args:
        path: A right path to it.
        prompt: Name and version of the prompt that the student is asked with.
        rejected: Id and text of a wrong path that this one is to be preferred to.
        draft: What the prompt shows besides the question; the prompt is then that of `prompts.WITH_DRAFT`.

    Raises:
        MixError: The prompt does not exist, or needs more than the question.
    """
    try:
        if draft is None:
            question = prompts.render(prompt, {"question": prompts.question_with_choices(problem)})
        else:
            question = prompts.render(prompts.WITH_DRAFT[prompt], critique_fields(problem, *draft))
    except prompts.UnknownPrompt as error:
        raise MixError(f"student.prompt: {error}") from error
    except KeyError as error:
        raise MixError(f"student.prompt: {prompt} needs {error}, which a student is not given") from error
    return _row(problem, path, prompts.turn(question), path.text, rejected)


def judge_row(
    problem: Problem, path: schemas.Path, feedback: Feedback, judge: Judge, target: replies.Target = "full"
) -> MixRow:
    """Render an annotated path as the ORM is to judge it: what it is to reply, without the suggestion.

    Args:
        judge: The section `judge`: prompt and reference, as when it judges.
        target: What the ORM is to reply, `orm.target`.

    Raises:
        PromptError: The prompt does not fit.
    """
    messages, _ = judge_turn(judge.prompt, problem, path.text, judge.reference, target)
    verdict = replies.write(
        feedback.status, feedback.error_step, feedback.error_analysis, feedback.answers, feedback.checks, target
    )
    return _row(problem, path, messages, verdict)


def _row(
    problem: Problem,
    path: schemas.Path,
    prompt: tuple[Message, ...],
    completion: str,
    rejected: tuple[str, str] | None = None,
) -> MixRow:
    rejected_path_id, rejected_text = rejected or (None, "")
    return MixRow(
        path_id=path.path_id,
        problem_id=problem.problem_id,
        kind=path.kind,
        round=path.round,
        image_ids=problem.image_ids,
        prompt=prompt,
        completion=(Message(role="assistant", content=completion),),
        rejected_path_id=rejected_path_id,
        rejected=(Message(role="assistant", content=rejected_text),) if rejected else (),
    )


def parsed(model: type[R], record: Mapping[str, Any]) -> R:
    """A row as DuckDB gives it, checked; columns that the model does not have are dropped."""
    return model.model_validate({name: record[name] for name in model.model_fields})


def problem_of(record: Mapping[str, Any], path: schemas.Path) -> Problem:
    """The problem that a record holds beside a path.

    Raises:
        MixError: There is none: `problems` does not have it.
    """
    problem = record["problems"]
    if problem is None or problem["problem_id"] is None:
        raise MixError(
            f"path {path.path_id}: its problem {path.problem_id} is not in `problems`; leave it out of the mix"
        )
    return parsed(Problem, problem)
