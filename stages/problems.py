"""Stage problems: every source's problems and images, what was rejected, and contact sheets to look at."""

from pathlib import Path

from mathse import layout, params, stage, tally
from mathse.sources.ingest import ingest
from mathse.sources.report import report, samples
from mathse.synthetic.sheet import contact_sheet
from mathse.tables.start import write_base


def main() -> str:
    """Ingest `params.problems`."""
    settings = params.load().problems
    counts = ingest(settings)
    write_base()
    report(counts, settings)
    contact_sheet(*samples(Path()), layout.CONTACT_SHEET)
    splits = {str(split): count for split, count in counts.problems.items()}
    merged = counts.taken.total() - counts.problems.total()
    also = f", {merged} merged" if merged else ""
    listed = f"; {counts.leaks_listed} leaks listed that stay" if counts.leaks_listed else ""
    return f"{counts.rows} source rows in, {tally.counts(splits)} out{also}; {tally.counts(counts.reasons())}{listed}"


if __name__ == "__main__":
    stage.run("problems", main)
