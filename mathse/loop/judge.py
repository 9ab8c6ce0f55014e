"""Judges paths with the ORM, and grades them by rule beside it, so that the two can be compared.

In: paths and their problems. Out: one `Verdict` a path. A path with no text is not sent to the judge: it is UNDECIDED,
`failed request`. The judge is greedy: a verdict is not a matter of luck.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path as File

from mathse import params
from mathse.answers.batch import Grader
from mathse.ask.generate import generate
from mathse.ask.protocol import Completion, Engine, Outcome, Request, Sampling
from mathse.ask.replies import Reply, json_schema, parse
from mathse.loop.judging import judge_turn
from mathse.tables.schemas import Path, Problem, Status, Verdict


@dataclass(frozen=True)
class _Said:
    reply: Reply
    raw: str
    tokens_in: int = 0
    tokens_out: int = 0
    cost: float = 0


def judge(
    engine: Engine, paths: Sequence[Path], problems: Mapping[str, Problem], settings: params.Judge, journal: File
) -> list[Verdict]:
    """Judge every path.

    Args:
        engine: The ORM.
        paths: What to judge.
        problems: Problems by id; holds at least the paths' own.
        settings: Prompt, length, and whether the gold answer is shown.
        journal: Where finished completions are kept until the stage is done.

    Returns:
        One verdict a path, in the paths' order.
    """
    requests = (_request(path, problems[path.problem_id], settings) for path in paths if path.text)
    done = generate(engine, requests, journal, title="verdicts")
    said = {request.subject_id: _said(outcome) for request, outcome in done}
    grader = Grader()
    return [
        _verdict(path, problems[path.problem_id], said.get(path.path_id), engine.name, settings.prompt, grader)
        for path in paths
    ]


def _request(path: Path, problem: Problem, settings: params.Judge) -> Request:
    messages, fields = judge_turn(settings.prompt, problem, path.text, settings.reference)
    return Request(
        problem_id=problem.problem_id,
        sample_idx=0,
        prompt=settings.prompt,
        messages=messages,
        image_ids=problem.image_ids,
        sampling=Sampling(temperature=0.0, max_new_tokens=settings.max_new_tokens),
        seed=0,
        fields=fields,
        subject_id=path.path_id,
        json_schema=json_schema(annotation=False),
    )


def _said(outcome: Outcome) -> _Said:
    if not isinstance(outcome, Completion):
        return _Said(Reply(status=Status.UNDECIDED, undecided_reason=outcome.reason), "")
    return _Said(parse(outcome.text), outcome.text, outcome.tokens_in, outcome.tokens_out, outcome.cost)


def _verdict(path: Path, problem: Problem, said: _Said | None, judge_name: str, prompt: str, grader: Grader) -> Verdict:
    said = said or _Said(Reply(status=Status.UNDECIDED, undecided_reason="failed request"), "")
    by_rule = grader.grade(problem.answer, path.text, problem.choices)
    return Verdict(
        path_id=path.path_id,
        problem_id=path.problem_id,
        judge=judge_name,
        prompt=prompt,
        status=said.reply.status,
        error_step=said.reply.error_step,
        error_analysis=said.reply.error_analysis,
        raw=said.raw,
        undecided_reason=said.reply.undecided_reason,
        rule_status=by_rule.status,
        rule_reason=by_rule.reason,
        tokens_in=said.tokens_in,
        tokens_out=said.tokens_out,
        cost=said.cost,
    )
