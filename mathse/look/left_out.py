"""Why candidates of a step's mix are not in it, path by path: what its query says when it is run again.

Sample: `left_out(root, "1")["0a51..."]` -> `judged WRONG`
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from mathse import layout, params
from mathse.errors import UserError
from mathse.tables import store, views

MOST_CANDIDATES = 200_000
"""Of a larger step the query is not run again: it would take longer than all the rest."""

Reasons = Mapping[str, str]
"""Why paths are not in a mix, by path id."""
ReasonsOf = Callable[[Path, str], Reasons | None]
"""`left_out`, or the same with its answers remembered: each takes as long as the step's mix."""


def left_out(root: Path, step: str) -> Reasons | None:
    """Reasons by path id, as the project's tables and params are now; None if the query cannot be run."""
    from mathse.loop.mix import chosen  # brings Polars along, which counts do without

    try:
        settings = params.load(root / params.PARAMS)
        if store.metadata(root / layout.paths(step)).rows > MOST_CANDIDATES:
            return None
        with chosen(settings, step, root, partial=True) as (connection, _):
            answer = views.query(connection, "select path_id, reason from selection where reason is not null")
            return {str(name): str(reason) for name, reason in answer.rows}
    except UserError:
        return None
