"""A correction as a path: what a person would have it say, with the path that it corrects as its parent.

Sample: Ada's correction of path 0a51... is a path of the kind `edited` to the same problem, of the same round, by `Ada`
and with the parent 0a51...; equal corrections of a path by one person have equal ids, wherever they are made.
"""

from mathse.answers.extract import extract
from mathse.tables.schemas import Path, PathKind, content_id

PROMPT = "edited@1"
"""In place of a prompt: a person was not asked with one."""


def edited(parent: str, problem_id: str, round: int, text: str, who: str) -> Path:
    """The path that a correction is.

    Args:
        parent: Id of the path that it corrects.
        round: That path's.
        text: What it should say.
        who: The person's name.
    """
    return Path(
        path_id=content_id("path", problem_id, PathKind.EDITED, round, 0, who, PROMPT, 0, parent, text),
        problem_id=problem_id,
        kind=PathKind.EDITED,
        round=round,
        sample_idx=0,
        author=who,
        prompt_id=PROMPT,
        seed=0,
        text=text,
        answer=extract(text),
        finish_reason="stop",
        tokens_in=0,
        tokens_out=0,
        parent_path_id=parent,
    )
