"""datacompy on Polars, in a process and an environment of its own: its pins exclude the versions that MathSE has.

python3.11 -m venv .venv-peers && .venv-peers/bin/pip install datacompy==1.1.0
.venv-peers/bin/python benchmarks/diff_peer.py time OLD.parquet NEW.parquet KEY
.venv-peers/bin/python benchmarks/diff_peer.py agree OLD.parquet NEW.parquet    # see tests/diff/mutations.py
"""

import json
import logging
import sys
import time
from typing import Any

KEY, VALUES = ["k", "n"], ["i", "f", "s", "t"]


def main() -> None:
    """Print one JSON object."""
    logging.disable()
    mode, old, new, *key = sys.argv[1:]
    print(json.dumps(timed(old, new, key) if mode == "time" else agreement(old, new)))


def timed(old: str, new: str, key: list[str]) -> dict[str, Any]:
    """Seconds from files to counts, and peak memory in MiB."""
    import polars as pl
    from datacompy import PolarsCompare

    start, used = time.perf_counter(), time.process_time()
    found = PolarsCompare(pl.read_parquet(old), pl.read_parquet(new), join_columns=key)
    equal = found.count_matching_rows()
    counts = [len(found.intersect_rows) - equal, len(found.df2_unq_rows), len(found.df1_unq_rows), equal]
    seconds, used = time.perf_counter() - start, time.process_time() - used
    return {"seconds": seconds, "cpu": used, "mib": peak(), "counts": counts}


def peak() -> float:
    """This process's peak memory in MiB; `getrusage` would count that of the process that started it."""
    with open("/proc/self/status", encoding="ascii") as about:
        return next(int(line.split()[1]) / 1024 for line in about if line.startswith("VmHWM"))


def agreement(old: str, new: str) -> list[list[int]]:
    """By case: rows changed, added, removed and equal, then how many differ in each column."""
    import polars as pl

    before, after = pl.read_parquet(old), pl.read_parquet(new)
    last = max(before["case"].max(), after["case"].max())
    return [counted(*(table.filter(pl.col("case") == case) for table in (before, after))) for case in range(last + 1)]


def counted(old: Any, new: Any) -> list[int]:
    """The numbers of one case."""
    from datacompy import PolarsCompare

    found = PolarsCompare(old.drop("case"), new.drop("case"), join_columns=KEY)
    equal = found.count_matching_rows()
    differing = {about["column"]: about["unequal_cnt"] for about in found.column_stats}
    rows = [len(found.intersect_rows) - equal, len(found.df2_unq_rows), len(found.df1_unq_rows), equal]
    return rows + [differing[name] for name in VALUES]


if __name__ == "__main__":
    main()
