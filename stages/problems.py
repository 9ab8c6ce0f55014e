"""Stage problems: every source's problems and images, what was rejected, and contact sheets to look at."""

from pathlib import Path

from mathse import layout, params, stage, tally
from mathse.sources import samples
from mathse.sources.ingest import ingest, require_every_split
from mathse.sources.leakage.tables import screen
from mathse.sources.report import report
from mathse.synthetic.sheet import contact_sheet
from mathse.tables import store
from mathse.tables.schemas import MixRow, Problem, Remaining, Split


def main() -> str:
    """Ingest `params.problems`."""
    settings = params.load().problems
    counts = ingest(settings)
    screened = screen(settings, counts)
    require_every_split(counts)
    write_start()
    report(counts, settings)
    contact_sheet(*samples.of_run(Path()), layout.CONTACT_SHEET)
    splits = {str(split): count for split, count in counts.problems.items()}
    merged = counts.taken.total() - counts.problems.total()
    also = f", {merged} merged" if merged else ""
    return f"{counts.rows} source rows in, {tally.counts(splits)} out{also}; {tally.counts(counts.reasons())}{screened}"


def write_start() -> None:
    """Write what stands before the first step: an empty mix, and all training problems, none of them tried yet."""
    train = (problem for problem in store.scan(layout.PROBLEMS, Problem) if problem.split is Split.TRAIN)
    store.write(layout.mix(params.BASE), MixRow, ())
    store.write(layout.remaining(params.BASE), Remaining, (Remaining(problem_id=one.problem_id) for one in train))


if __name__ == "__main__":
    stage.run("problems", main)
