"""The solver-teacher: solves, annotates and reflects on drawn figures, behind the protocol that an API teacher has.

It sees the scene where a person would see the picture, and it is not perfect: in a configured share of its solutions it
makes one of the mistakes of `mathse.synthetic.mistakes`, so that the ORM's filter has work to do. It answers by the
prompt's name: `solve@1`, `annotate@1` to `@3`, `reflect@1`.

When it reflects, feedback that names the step that is really wrong halves its own rate of mistakes; feedback that
points elsewhere does not help it, and it does not follow it either.
"""

import hashlib
import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path

import mathse.synthetic
from mathse.loop.ask.engines.kind import EngineKind, NoSettings, Surroundings
from mathse.loop.ask.protocol import BatchEngine, Completion, Failure, Outcome, Request
from mathse.synthetic.figures import Figure, figure
from mathse.synthetic.mistakes import wrong_solution
from mathse.synthetic.review import checked, compared, review
from mathse.tables.schemas import content_id

NAME = "figure-solver"
_BATCH = 256


class SolverTeacher(BatchEngine):
    """A teacher for drawn figures; see `mathse.loop.ask.protocol.Engine`."""

    def __init__(self, source_ids: Mapping[str, str], mistake_rate: float) -> None:
        """Make a teacher that errs in a share of its solutions, 0 to 1, and sees scenes by the figures' source ids."""
        self.name = NAME
        # So that a journal never serves what older rules wrote.
        rules = ("families", "figures", "mistakes", "plans", "review", "steps")
        folder = Path(mathse.synthetic.__path__[0])
        rules_hash = hashlib.sha256(b"".join((folder / f"{name}.py").read_bytes() for name in rules)).hexdigest()
        self.fingerprint = content_id(NAME, rules_hash, mistake_rate)
        self.batch_size = _BATCH
        self._source_ids = source_ids
        self._mistake_rate = mistake_rate

    def complete(self, requests: Sequence[Request]) -> list[Outcome]:
        """Answer `requests`; one outcome each, in order."""
        return [self._answer(request) for request in requests]

    def _answer(self, request: Request) -> Outcome:
        try:
            scene, rng = figure(self._source_ids[request.problem_id]), random.Random(request.seed)
        except (KeyError, ValueError):
            return Failure("not a figure", f"the solver only knows drawn figures; {request.problem_id} is none")
        task, _, version = request.prompt_id.partition("@")
        match task:
            case "solve":
                text = self._solve(scene, rng, self._mistake_rate)
            case "annotate":
                text = annotate(scene, request.fields["path"], version)
            case "reflect":
                finding = review(scene, request.fields["path"])
                helpful = finding is not None and request.fields["error_step"] == finding.step
                text = self._solve(scene, rng, self._mistake_rate / 2 if helpful else self._mistake_rate)
            case other:
                return Failure("unknown task", f"the solver knows solve, annotate and reflect, not {other!r}")
        tokens_in = sum(len(message.content.split()) for message in request.messages)
        return Completion(text, "stop", tokens_in, len(text.split()))

    def _solve(self, scene: Figure, rng: random.Random, mistake_rate: float) -> str:
        mistaken = wrong_solution(scene, rng) if rng.random() < mistake_rate else None
        return mistaken or scene.solution


def annotate(scene: Figure, path: str, version: str = "1") -> str:
    """Mark a path: the JSON that this version of the annotation prompt asks for."""
    finding = review(scene, path)
    marks: dict[str, object] = {
        "status": "WRONG" if finding else "CORRECT",
        "error_step": finding.step if finding else None,
        "error_analysis": finding.analysis if finding else None,
        "improvement_suggestion": finding.suggestion if finding else None,
    }
    if version in ("4", "5"):
        marks["answers"] = compared(scene, path) if version == "4" else None
        marks["checks"] = checked(scene, path, finding)
    return json.dumps(marks, ensure_ascii=False)


ENGINE = EngineKind[NoSettings, [Surroundings]](
    "solver", NoSettings, lambda _, around: SolverTeacher(around.source_ids(), around.params.teacher.mistake_rate)
)
