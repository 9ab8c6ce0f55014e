"""Stage problems: every source's problems and images, what was rejected, and a contact sheet to look at."""

from collections import Counter

from mathse import layout, params, stage, store
from mathse.schemas import Image, Problem, Reject
from mathse.sources.ingest import ingest
from mathse.synthetic.sheet import contact_sheet


def main() -> str:
    """Ingest `params.problems`."""
    settings = params.load().problems
    found = ingest(settings)
    store.write(layout.PROBLEMS, Problem, found.problems.values(), {})
    store.write(layout.IMAGES, Image, found.images.values(), {})
    store.write(layout.REJECTS, Reject, found.rejects, {})
    contact_sheet(list(found.problems.values()), found.images, layout.CONTACT_SHEET)
    splits = Counter(str(problem.split) for problem in found.problems.values())
    rows_in = len(found.problems) + len(found.rejects)
    rejected = stage.counts(Counter(reject.reason for reject in found.rejects))
    return f"{rows_in} source rows in, {stage.counts(splits)} out; {rejected}"


if __name__ == "__main__":
    stage.run("problems", main)
