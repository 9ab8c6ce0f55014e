"""What came in, for people: counts by source and reason, and contact sheets of each data set and of the run.

Sample of `counts.json`: `{"k12": {"rows": 150, "taken": 148, "rejected": {"gold fails its own grader": 2}}}`
"""

import json
import logging
from pathlib import Path

from mathse import layout, params
from mathse.params import FigureSource
from mathse.sources import figures
from mathse.sources.gathering import Counts
from mathse.synthetic.sheet import chosen, contact_sheet
from mathse.tables import store
from mathse.tables.files import whole_or_not_at_all
from mathse.tables.images import stored
from mathse.tables.schemas import Image, Problem

log = logging.getLogger(__name__)

COLUMNS, ROWS = 6, 4
DRAWN = FigureSource(name="figures", seed=0, train=600, orm=1, test=1)
"""Enough figures that every family comes in every level."""


def report(counts: Counts, settings: params.Problems, root: Path = Path()) -> None:
    """Log the counts and write them and the sheets below `root`, in place of those of an earlier run."""
    with whole_or_not_at_all(root / layout.SOURCE_REPORTS) as folder:
        content: dict[str, object] = {}
        for name in dict.fromkeys(source.source for source in settings.sources):
            reasons = dict(counts.reasons(name).most_common())
            taken, rows = counts.taken[name], counts.taken[name] + sum(reasons.values())
            content[name] = {"rows": rows, "taken": taken, "rejected": reasons}
            rejected = "".join(f"; {count} {reason}" for reason, count in reasons.items())
            log.info("problems: %s: %d rows in, %d taken%s", name, rows, taken, rejected)
        (folder / "counts.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")

        # The first problems by id, which is a hash: so any.
        shown: dict[str, list[Problem]] = {
            source.source: [] for source in settings.sources if isinstance(source, params.AdapterSource)
        }
        lacking = set(shown)
        for problem in store.scan(root / layout.PROBLEMS, Problem):
            if not lacking:
                break
            if problem.source in lacking:
                shown[problem.source].append(problem)
                if len(shown[problem.source]) == COLUMNS * ROWS:
                    lacking.discard(problem.source)
        for name, problems in shown.items():
            if problems:
                images = _images(root, problems)
                contact_sheet(problems, images, folder / f"{name}.png", min(COLUMNS, len(problems)), ROWS)


def samples(root: Path) -> tuple[list[Problem], dict[str, Image]]:
    """Problems for a contact sheet, and their images by id: the run's own, or figures drawn now where there are none.

    Raises:
        StoreError: A table is damaged, or the images are missing while the problems are there.
    """
    if not (root / layout.PROBLEMS).exists():
        problems, images = figures.load(DRAWN)
        return problems, {image.image_id: image for image in images}
    problems = chosen(store.scan(root / layout.PROBLEMS, Problem))
    return problems, _images(root, problems)


def _images(root: Path, problems: list[Problem]) -> dict[str, Image]:
    return stored(root / layout.IMAGES, {image_id for problem in problems for image_id in problem.image_ids})
