"""A path as a training row: the prompt as the model will be asked, the completion as it is to answer."""

from mathse.ask import prompts, replies
from mathse.ask.requests import judge_turn
from mathse.errors import UserError
from mathse.params import Judge
from mathse.tables import schemas
from mathse.tables.schemas import Feedback, Message, MixRow, Problem


class MixError(UserError):
    """A mix cannot be made from its parts: a prompt that does not fit, an empty part, a path without a problem."""


def student_row(problem: Problem, path: schemas.Path, prompt: str) -> MixRow:
    """Render a path as the student is to write it.

    Raises:
        MixError: The prompt does not exist, or needs more than the question.
    """
    try:
        asked = prompts.render(prompt, {"question": prompts.question_with_choices(problem)})
    except prompts.UnknownPrompt as error:
        raise MixError(f"student.prompt: {error}") from error
    except KeyError as error:
        raise MixError(f"student.prompt: {prompt} needs {error}, which a student is not given") from error
    return _mix_row(problem, path, prompts.turn(asked), path.text)


def judge_row(problem: Problem, path: schemas.Path, feedback: Feedback, judge: Judge) -> MixRow:
    """Render an annotated path as the ORM is to judge it: the paper's JSON, without the suggestion.

    Raises:
        PromptError: The prompt does not fit.
    """
    messages, _ = judge_turn(judge.prompt, problem, path.text, judge.reference)
    verdict = replies.write(feedback.status, feedback.error_step, feedback.error_analysis)
    return _mix_row(problem, path, messages, verdict)


def _mix_row(problem: Problem, path: schemas.Path, prompt: tuple[Message, ...], completion: str) -> MixRow:
    return MixRow(
        path_id=path.path_id,
        problem_id=problem.problem_id,
        kind=path.kind,
        round=path.round,
        image_ids=problem.image_ids,
        prompt=prompt,
        completion=(Message(role="assistant", content=completion),),
    )
