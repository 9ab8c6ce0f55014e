"""ChartQA: `<split>/<split>_{human,augmented}.json` with the charts in `<split>/png/`; the hub's copy as Parquet.

Sample row: `{"imgname": "41699051005347.png", "query": "How many food items are shown?", "label": "14"}`
"""

from collections.abc import Iterator
from pathlib import Path

from mathse.sources import reading
from mathse.sources.adapter import Adapter
from mathse.sources.rows.charts import problem
from mathse.sources.rows.raw import Damaged, SourceRow


def rows(location: Path) -> Iterator[SourceRow | Damaged]:
    """The rows of the files of questions; a folder has tables and annotations too."""
    endings = ("_human.json", "_augmented.json", ".jsonl", ".parquet")
    return reading.rows(location, lambda name: name.endswith(endings))


ADAPTER = Adapter("chartqa", problem, rows)
