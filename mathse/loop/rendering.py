"""A path as a training row: the prompt as the model will be asked, the completion as it is to answer."""

from mathse.errors import UserError
from mathse.loop.ask import prompts, replies
from mathse.loop.ask.requests import judge_turn
from mathse.params import Judge
from mathse.tables import schemas
from mathse.tables.schemas import Feedback, Message, MixRow, Problem


class MixError(UserError):
    """A mix cannot be made from its parts: a prompt that does not fit, an empty part, a path without a problem."""


def student_row(problem: Problem, path: schemas.Path, prompt: str, rejected: tuple[str, str] | None = None) -> MixRow:
    """Render a path as the student is to write it.

    Args:
        problem: The problem.
        path: A right path to it.
        prompt: Name and version of the prompt that the student is asked with.
        rejected: Id and text of a wrong path that this one is to be preferred to.

    Raises:
        MixError: The prompt does not exist, or needs more than the question.
    """
    try:
        asked = prompts.render(prompt, {"question": prompts.question_with_choices(problem)})
    except prompts.UnknownPrompt as error:
        raise MixError(f"student.prompt: {error}") from error
    except KeyError as error:
        raise MixError(f"student.prompt: {prompt} needs {error}, which a student is not given") from error
    return _mix_row(problem, path, prompts.turn(asked), path.text, rejected)


def judge_row(
    problem: Problem, path: schemas.Path, feedback: Feedback, judge: Judge, verdict_only: bool = False
) -> MixRow:
    """Render an annotated path as the ORM is to judge it: the paper's JSON, without the suggestion.

    Args:
        problem: The problem.
        path: A path to it.
        feedback: Its annotation.
        judge: The section `judge`: prompt and reference, as when it judges.
        verdict_only: Whether the ORM is to say the verdict alone, `orm.target: verdict`.

    Raises:
        PromptError: The prompt does not fit.
    """
    messages, _ = judge_turn(judge.prompt, problem, path.text, judge.reference)
    verdict = replies.write(feedback.status, feedback.error_step, feedback.error_analysis, verdict_only=verdict_only)
    return _mix_row(problem, path, messages, verdict)


def _mix_row(
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
        completion=_reply(completion),
        rejected_path_id=rejected_path_id,
        rejected=_reply(rejected_text) if rejected else (),
    )


def _reply(text: str) -> tuple[Message, ...]:
    return (Message(role="assistant", content=text),)
