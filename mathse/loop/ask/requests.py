"""How a request is made: a versioned prompt, filled with the fields of a problem, under a seed of its own.

    request(problem, "judge-brief@1", judge_fields(...), Sampling(), seed=0, subject_id="5c1e...", param="judge.prompt")

A prompt is named by params, so one that does not exist or does not fit is the user's to mend: `PromptError` says by
which key.
"""

from collections.abc import Mapping

from mathse.errors import UserError
from mathse.loop.ask import prompts, replies
from mathse.loop.ask.protocol import Request, Sampling
from mathse.tables.schemas import Message, Problem, content_id

UNNAMED = "none named"
"""In place of a wrong step or a reason where there is none."""


class PromptError(UserError):
    """A prompt that params name does not exist, or does not fit what it is for."""


def request_seed(run_seed: int, problem_id: str, sample_idx: int, salt: str) -> int:
    """The seed of one request, 0 to 2**63 - 1: a hash, so that no two requests share their randomness.

    `salt` says what the request is for, such as `rollout 1`.
    """
    return int(content_id("seed", run_seed, problem_id, sample_idx, salt)[:16], 16) >> 1


def request(
    problem: Problem,
    prompt: str,
    fields: Mapping[str, str],
    sampling: Sampling,
    *,
    seed: int,
    sample_idx: int = 0,
    subject_id: str = "",
    json_schema: str = "",
    deciding: str = "",
    param: str = "student.prompt",
    images: bool = True,
) -> Request:
    """Make a request about a problem: `prompt`, by name and version, filled with `fields`; the rest as in `Request`.

    Its seed is one of `request_seed`, or 0 where it is greedy. `param` is the key of params that names the prompt, for
    the error; `images` says whether the problem's images are shown.

    Raises:
        PromptError: There is no such prompt, or it needs a field that is not there.
    """
    return Request(
        problem_id=problem.problem_id,
        sample_idx=sample_idx,
        prompt_id=prompt,
        messages=_turn(prompt, fields, param, problem.problem_id),
        image_ids=problem.image_ids if images else (),
        sampling=sampling,
        seed=seed,
        fields=fields,
        subject_id=subject_id,
        json_schema=json_schema,
        deciding=deciding,
    )


def _turn(prompt: str, fields: Mapping[str, str], param: str, problem_id: str) -> tuple[Message, ...]:
    """The user's turn, its prompt filled; the error names `param` and `problem_id`."""
    try:
        return prompts.turn(prompts.render(prompt, fields))
    except prompts.UnknownPrompt as error:
        raise PromptError(f"params.yaml: {param}: {error}") from error
    except KeyError as error:
        raise PromptError(
            f"params.yaml: {param}: {prompt} needs {error}, and there is none for problem {problem_id}: there are "
            f"{', '.join(fields)}; choose another prompt"
        ) from error


def judge_fields(
    prompt: str, problem: Problem, path_text: str, reference: bool, target: replies.Target = "full"
) -> dict[str, str]:
    """What a judge knows of a path: the same when the ORM is trained, measured and put to use.

    Args:
        reference: `judge.reference`.
        target: `orm.target`.

    Returns:
        `question`, `path` and, with a `reference`, `gold`.

    Raises:
        PromptError: The prompt shows the gold answer where `reference` says that it must not, or the reverse; or it
            asks for a reply of another form than `target`.
    """
    text = prompts.PROMPTS.get(prompt, "")
    shows_gold, asks_for_checks, wants_checks = "{gold}" in text, '"checks"' in text, target == "checks"
    version = 1 + (not reference) + 4 * wants_checks
    fault = None
    if shows_gold and not reference:
        fault = "shows the gold answer, but judge.reference is false"
    elif text and reference and not shows_gold:
        fault = "has no place for the gold answer, but judge.reference is true"
    elif '"status"' in text and asks_for_checks != wants_checks:
        fault = f"asks for {'checks' if asks_for_checks else 'no checks'} of the steps, but orm.target is {target}"
    if fault:
        raise PromptError(f"params.yaml: judge.prompt: {prompt} {fault}; use judge@{version} or judge-brief@{version}")
    fields = {"question": prompts.question_with_choices(problem), "path": path_text}
    return fields | ({"gold": problem.answer} if reference else {})


def critique_fields(
    problem: Problem, path_text: str, error_step: str | None, error_analysis: str | None
) -> dict[str, str]:
    """What is known of a wrong path: when the teacher reconsiders it, and where a training row shows it as a draft."""
    return {
        "question": prompts.question_with_choices(problem),
        "path": path_text,
        "error_step": error_step or UNNAMED,
        "error_analysis": error_analysis or UNNAMED,
    }


def judge_turn(
    prompt: str, problem: Problem, path_text: str, reference: bool, target: replies.Target = "full"
) -> tuple[tuple[Message, ...], Mapping[str, str]]:
    """The judge's turn for one path, and the fields it was filled with; arguments and errors as for `judge_fields`."""
    fields = judge_fields(prompt, problem, path_text, reference, target)
    return _turn(prompt, fields, "judge.prompt", problem.problem_id), fields
