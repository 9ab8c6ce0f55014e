"""What came in, for people: counts by source and reason, and a contact sheet a data set.

Sample of `counts.json`: `{"k12": {"rows": 150, "taken": 148, "rejected": {"gold fails its own grader": 2}}}`
"""

import json
import logging
import shutil
from collections.abc import Collection
from pathlib import Path

from mathse import layout, params
from mathse.sources.gathering import Counts
from mathse.synthetic.sheet import contact_sheet
from mathse.tables import store
from mathse.tables.images import stored
from mathse.tables.schemas import Problem

log = logging.getLogger(__name__)

COLUMNS, ROWS = 6, 4


def report(counts: Counts, settings: params.Problems, root: Path = Path()) -> None:
    """Log the counts and write them and the sheets below `root`, in place of those of an earlier run."""
    folder = root / layout.SOURCE_REPORTS
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    names = dict.fromkeys(source.source for source in settings.sources)
    told = {name: _told(counts, name) for name in names}
    (folder / "counts.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    read = {source.source for source in settings.sources if isinstance(source, params.AdapterSource)}
    for name, problems in _first(root / layout.PROBLEMS, read).items():
        if not problems:
            continue
        ids = {image_id for problem in problems for image_id in problem.image_ids}
        images = stored(root / layout.IMAGES, ids)
        contact_sheet(problems, images, folder / f"{name}.png", min(COLUMNS, len(problems)), ROWS)


def _told(counts: Counts, name: str) -> dict[str, object]:
    """One source's counts, logged as well."""
    reasons = dict(counts.reasons(name).most_common())
    rows = counts.taken[name] + sum(reasons.values())
    said = "".join(f"; {count} {reason}" for reason, count in reasons.items())
    log.info("problems: %s: %d rows in, %d taken%s", name, rows, counts.taken[name], said)
    return {"rows": rows, "taken": counts.taken[name], "rejected": reasons}


def _first(file: Path, sources: Collection[str]) -> dict[str, list[Problem]]:
    """Some problems of each source: the first by id, which is a hash, and so any."""
    found: dict[str, list[Problem]] = {name: [] for name in sources}
    lacking = set(sources)
    for problem in store.scan(file, Problem):
        if not lacking:
            break
        if problem.source in lacking:
            found[problem.source].append(problem)
            if len(found[problem.source]) == COLUMNS * ROWS:
                lacking.discard(problem.source)
    return dict(sorted(found.items()))
