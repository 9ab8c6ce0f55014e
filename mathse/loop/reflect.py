"""Step 3: the teacher reconsiders what stayed wrong, with the ORM's feedback in hand.

In: the problems that the last mix does not solve, their wrong paths from all rounds, and the verdicts. Out: one
`Path` of kind reflection a wrong path and sample; `parent_path_id` names the path it reconsiders.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path as File

from mathse.ask import prompts
from mathse.ask.generate import generate, request_seed
from mathse.ask.protocol import Engine, Request
from mathse.loop.solve import Ask, path_row
from mathse.tables.schemas import Path, Problem, Status, Verdict

PROMPT = "reflect@1"
_UNNAMED = "none named"


@dataclass(frozen=True)
class Wrong:
    """A path that the ORM judged wrong, with its verdict."""

    path: Path
    verdict: Verdict


def wrong_paths(
    paths: Iterable[Path], verdicts: Mapping[str, Verdict], unsolved: Iterable[Problem], scope: str
) -> list[Wrong]:
    """The wrong paths to reconsider.

    Args:
        paths: Of all rounds.
        verdicts: By path id.
        unsolved: Problems that no mix row solves.
        scope: `unsolved`: the newest wrong path of each unsolved problem; `all`: every wrong path of those problems.

    Returns:
        Wrong paths ordered by problem, newest first, then sample.
    """
    open_ids = {problem.problem_id for problem in unsolved}
    wrong = [
        Wrong(path, verdicts[path.path_id])
        for path in paths
        if path.problem_id in open_ids and path.text and verdicts[path.path_id].status is Status.WRONG
    ]
    wrong.sort(key=lambda one: (one.path.problem_id, -one.path.round, one.path.sample_idx, one.path.path_id))
    if scope == "all":
        return wrong
    newest = {one.path.problem_id: one for one in reversed(wrong)}
    return [newest[problem_id] for problem_id in sorted(newest)]


def reflect(
    teacher: Engine, wrong: Sequence[Wrong], problems: Mapping[str, Problem], ask: Ask, journal: File
) -> list[Path]:
    """Have the teacher write new solutions.

    Args:
        teacher: Who reflects.
        wrong: The paths to reconsider.
        problems: Problems by id.
        ask: Sampling, and samples a wrong path; its round is the last one.
        journal: Where finished completions are kept until the stage is done.

    Returns:
        Reflections, in the order of wrong paths and samples.
    """
    asked = [(one, sample) for one in wrong for sample in range(ask.samples)]
    requests = (_request(one, problems[one.path.problem_id], ask, sample) for one, sample in asked)
    done = generate(teacher, requests, journal, title="reflections")
    return [
        path_row(teacher, ask, request, outcome, parent=one.path.path_id)
        for (one, _), (request, outcome) in zip(asked, done, strict=True)
    ]


def _request(wrong: Wrong, problem: Problem, ask: Ask, sample_idx: int) -> Request:
    fields = {
        "question": prompts.question_with_choices(problem),
        "path": wrong.path.text,
        "error_step": wrong.verdict.error_step or _UNNAMED,
        "error_analysis": wrong.verdict.error_analysis or _UNNAMED,
    }
    salt = f"{ask.kind} of {wrong.path.path_id}"
    return Request(
        problem_id=problem.problem_id,
        sample_idx=sample_idx,
        prompt=ask.prompt,
        messages=prompts.turn(prompts.render(ask.prompt, fields)),
        image_ids=problem.image_ids,
        sampling=ask.sampling,
        seed=request_seed(ask.seed, problem.problem_id, sample_idx, salt),
        fields=fields,
        subject_id=wrong.path.path_id,
    )
