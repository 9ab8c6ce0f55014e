"""Stage report: the table, the plots (data and pictures), the ORM on each step's paths, and pages."""

from pathlib import Path

from mathse import stage
from mathse.report.page import build


def main() -> str:
    """Write reports/{index.html,judged.json,report.md} and reports/plots/."""
    return f"{len(build(Path()))} files"


if __name__ == "__main__":
    stage.run("report", main)
