"""Stage benchmarks: the configured public benchmarks, their images, and the rows that cannot be used."""

from collections import Counter

from mathse import layout, params, stage, tally
from mathse.benchmarks.items import Gathered
from mathse.tables import store
from mathse.tables.schemas import BenchmarkItem, Image, Reject


def main() -> str:
    """Load `params.benchmarks`."""
    gathered = Gathered(params.load().benchmarks)
    store.write(layout.BENCHMARK_IMAGES, Image, gathered.images())
    store.write(layout.BENCHMARK_ITEMS, BenchmarkItem, gathered.items)
    store.write(layout.BENCHMARK_REJECTS, Reject, gathered.rejects)
    excluded = tally.counts(Counter(reject.reason for reject in gathered.rejects))
    return f"{len(gathered.items)} items out; {excluded}{gathered.incomplete()}"


if __name__ == "__main__":
    stage.run("benchmarks", main)
