"""What a judge is asked about a path: the same words when the ORM is trained, measured and put to use."""

from collections.abc import Mapping

from mathse.ask import prompts
from mathse.errors import UserError
from mathse.tables.schemas import Message, Problem


class JudgePromptError(UserError):
    """`judge.prompt` does not exist, or does not fit `judge.reference`."""


def judge_turn(
    prompt: str, problem: Problem, path_text: str, reference: bool
) -> tuple[tuple[Message, ...], Mapping[str, str]]:
    """Render the judge's turn for one path.

    Args:
        prompt: Name and version, `judge.prompt`.
        problem: The problem, gold answer included.
        path_text: The path to judge.
        reference: Whether the judge is shown the gold answer, `judge.reference`.

    Returns:
        The conversation, and the fields it was rendered from: `question`, `path` and, with a reference, `gold`.

    Raises:
        JudgePromptError: There is no such prompt, it needs other fields, or it shows the gold answer where
            `reference` says that it must not (or the reverse).
    """
    fields = {"question": prompts.question_with_choices(problem), "path": path_text}
    shows_gold = "{gold}" in prompts.PROMPTS.get(prompt, "")
    if shows_gold and not reference:
        raise JudgePromptError(
            f"judge.prompt: {prompt} shows the gold answer, but judge.reference is false; use judge@2"
        )
    if reference and prompt in prompts.PROMPTS and not shows_gold:
        raise JudgePromptError(f"judge.prompt: {prompt} has no place for the gold answer, but judge.reference is true")
    if reference:
        fields["gold"] = problem.answer
    try:
        return prompts.turn(prompts.render(prompt, fields)), fields
    except prompts.UnknownPrompt as error:
        raise JudgePromptError(f"judge.prompt: {error}") from error
    except KeyError as error:
        raise JudgePromptError(f"judge.prompt: {prompt} needs {error}, which a judge is not given") from error
