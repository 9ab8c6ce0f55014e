"""Stage problems: every source's problems and images, what was rejected, and contact sheets to look at."""

from pathlib import Path

from mathse import layout, params, stage, tally
from mathse.sources import samples
from mathse.sources.ingest import ingest, require_every_split
from mathse.sources.leakage.tables import screen
from mathse.sources.report import report
from mathse.synthetic.sheet import contact_sheet
from mathse.tables.start import write_base


def main() -> str:
    """Ingest `params.problems`."""
    settings = params.load().problems
    counts = ingest(settings)
    screened = screen(settings, counts)
    require_every_split(counts)
    write_base()
    report(counts, settings)
    contact_sheet(*samples.of_run(Path()), layout.CONTACT_SHEET)
    splits = {str(split): count for split, count in counts.problems.items()}
    merged = counts.taken.total() - counts.problems.total()
    also = f", {merged} merged" if merged else ""
    return f"{counts.rows} source rows in, {tally.counts(splits)} out{also}; {tally.counts(counts.reasons())}{screened}"


if __name__ == "__main__":
    stage.run("problems", main)
