"""Rows for tests: every field has a default, so that a test names only what it is about."""

from typing import Any

from mathse.tables.schemas import Feedback, Path, PathKind, Problem, Split, Status, Verdict


def problem(name: str = "p1", **fields: Any) -> Problem:
    defaults = {
        "problem_id": name,
        "source": "figures",
        "source_id": name,
        "licence": "CC0-1.0",
        "split": Split.TRAIN,
        "question": f"What is {name}?",
        "answer": "4",
        "image_ids": (f"image-{name}",),
        "subject": "angles",
        "level": 1,
    }
    return Problem(**{**defaults, **fields})


def path(name: str = "a1", problem_id: str = "p1", **fields: Any) -> Path:
    defaults = {
        "path_id": name,
        "problem_id": problem_id,
        "kind": PathKind.ROLLOUT,
        "round": 1,
        "sample_idx": 0,
        "author": "m",
        "prompt_id": "solve-brief@1",
        "seed": 0,
        "text": f"Path {name}. The answer to this problem is 4.",
        "answer": "4",
        "finish_reason": "stop",
        "tokens_in": 1,
        "tokens_out": 2,
    }
    return Path(**{**defaults, **fields})


def verdict(path_id: str = "a1", problem_id: str = "p1", status: Status = Status.CORRECT, **fields: Any) -> Verdict:
    defaults = {
        "path_id": path_id,
        "problem_id": problem_id,
        "author": "orm",
        "prompt_id": "judge-brief@1",
        "status": status,
        "raw": "{}",
        "rule_status": status,
        "rule_reason": "equal",
    }
    return Verdict(**{**defaults, **fields})


def feedback(path_id: str = "a1", problem_id: str = "p1", status: Status = Status.CORRECT, **fields: Any) -> Feedback:
    defaults = {
        "path_id": path_id,
        "problem_id": problem_id,
        "author": "solver",
        "prompt_id": "annotate@1",
        "status": status,
        "raw": "{}",
    }
    return Feedback(**{**defaults, **fields})
