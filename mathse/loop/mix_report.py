"""What went into a mix, as a small JSON file beside the metrics: rows, reasons, and problems solved.

{"step": "1", "candidates": 1128, "rows": 420, "left_out": {"judged WRONG": 610, ...}, "solved": 212, "remaining": 960}
"""

import os
from pathlib import Path

import duckdb
from pydantic import BaseModel, ConfigDict, Field

from mathse.loop.selection import Selected


class MixReport(BaseModel):
    """A mix in numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: str = Field(description="The step whose mix it is.")
    candidates: int = Field(description="Paths the query decided on.")
    rows: int = Field(description="Those in the mix.")
    left_out: dict[str, int] = Field(description="The others, by reason.")
    solved: int = Field(description="Problems that this mix solves and the one before does not.")
    remaining: int = Field(description="Problems that the step tried to solve.")

    def __str__(self) -> str:
        selected = Selected(self.candidates, self.rows, self.left_out)
        return f"{selected}; {self.solved} of {self.remaining} problems solved"


def write(connection: duckdb.DuckDBPyConnection, step: str, selected: Selected, file: Path) -> MixReport:
    """Write a step's report.

    Args:
        connection: Has its `mix`, `paths`, and `previous`, the mix before.
        step: The step.
        selected: What became of the candidates.
        file: Where the report goes.
    """
    counts = connection.execute("""
        select
            (select count(distinct problem_id) from mix anti join previous using (problem_id)),
            (select count(distinct problem_id) from paths)
    """).fetchone()
    solved, tried = counts or (0, 0)
    report = MixReport(
        step=step,
        candidates=selected.rows_in,
        rows=selected.rows_kept,
        left_out=selected.left_out,
        solved=solved,
        remaining=tried,
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f".{file.name}.{os.getpid()}")
    fresh.write_text(report.model_dump_json(indent=2) + "\n", encoding="utf-8")
    os.replace(fresh, file)
    return report
