"""Stage benchmarks: the configured public benchmarks, their images, and the rows that cannot be used."""

from collections import Counter

from mathse import layout, params, stage, tally
from mathse.sources.benchmarks.tables import Gathered
from mathse.tables import store
from mathse.tables.schemas import BenchmarkItem, Image, Reject


def main() -> str:
    """Load `params.benchmarks`."""
    with Gathered(params.load().benchmarks, layout.STATE / "benchmarks") as found:
        items = tally.Counted(found.items())
        store.write(layout.BENCHMARK_ITEMS, BenchmarkItem, items)
        store.write(layout.BENCHMARK_IMAGES, Image, found.images())
        store.write(layout.BENCHMARK_REJECTS, Reject, found.rejects)
        left_out = tally.counts(Counter(reject.reason for reject in found.rejects))
        return f"{items.count} items out; {left_out}{found.incomplete()}"


if __name__ == "__main__":
    stage.run("benchmarks", main)
