"""What went into a mix, as a small JSON file beside the metrics: rows, reasons, and problems solved.

{"model": "1", "candidates": 1128, "rows": 420, "left_out": {"judged WRONG": 610, ...}, "solved": 212, "remaining": 960}
"""

from pathlib import Path as File

import duckdb
from pydantic import BaseModel, ConfigDict, Field

from mathse import layout
from mathse.evaluation.scores import save
from mathse.loop.selection import Selected
from mathse.tables import views


class MixReport(BaseModel):
    """A mix in numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field(description="The model it trains.")
    candidates: int = Field(description="Paths the query decided on.")
    rows: int = Field(description="Those in the mix.")
    left_out: dict[str, int] = Field(description="The others, by reason.")
    solved: int = Field(description="Problems that this mix solves and the one before does not.")
    remaining: int = Field(description="Problems that the step tried to solve.")


def save_mix_report(name: str, selected: Selected, paths: File, previous: File | None) -> MixReport:
    """Write reports/mixes/<name>.json.

    Args:
        name: The model that the mix trains.
        selected: What its query made of the candidates.
        paths: The step's paths.
        previous: The mix before; None if there is none.
    """
    with views.connect({"mix": layout.mix(name), "paths": paths, "previous": previous or layout.mix(name)}) as opened:
        solved = "select distinct problem_id from mix"
        if previous is not None:
            solved += " anti join previous using (problem_id)"
        report = MixReport(
            model=name,
            candidates=selected.rows_in,
            rows=selected.rows_kept,
            left_out=selected.left_out,
            solved=_count(opened, solved),
            remaining=_count(opened, "select distinct problem_id from paths"),
        )
    save(report, layout.mix_report(name))
    return report


def _count(connection: duckdb.DuckDBPyConnection, rows: str) -> int:
    ((count,),) = connection.execute(f"select count(*) from ({rows})").fetchall()
    return int(count)
