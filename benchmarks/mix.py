"""What the default mix takes to choose from ten million paths, beside Polars and plain DuckDB; are its bytes stable?

    python benchmarks/mix.py                           # 10,000,000 paths; makes 2.4 GB of tables once, in --folder
    python benchmarks/mix.py --paths 1000000

Measured is the choice: filter by verdict, split and end, dedup by problem and text, the best of each problem, the mix
before; the contract's check; the join of what is chosen with its path and problem; and the writing of that table (ids,
subject, hashes). The rendering of the chosen rows as training rows is not. Each contender is a process of its own on
two cores, its peak memory all that it ever held. The peers dedup by the texts themselves, without stored hashes, and
check no contract; all must choose the same rows. Ours runs again on one core and from shuffled paths: the same bytes.
"""

import argparse
import hashlib
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import mix_tables
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from mathse.loop.mix import CONTRACT, Tables, opened
from mathse.loop.selection import select
from mathse.params import Mix

CUMULATIVE = Path(__file__).parents[1] / "mathse" / "sql" / "mixes" / "cumulative.sql"
CORES = 2
JOINED = """
    select path_id, problem_id, subject, text_hash, paths.row_hash as row_hash
    from paths join problems using (problem_id) join ({kept}) using (path_id) order by path_id
"""
PLAIN = r"""
    with before as (
        select problem_id, lower(trim(regexp_replace(completion[-1].content, '\s+', ' ', 'g'))) as folded from previous
    ),
    counted as (select problem_id, count(*) as paths from before group by all),
    correct as (
        select path_id, problem_id, length(text) as n, lower(trim(regexp_replace(text, '\s+', ' ', 'g'))) as folded
        from paths
        semi join (from verdicts where status = 'CORRECT') using (path_id)
        semi join (from problems where split = 'train') using (problem_id)
        anti join previous using (path_id)
        where finish_reason = 'stop'
    ),
    single as (
        select *, row_number() over (partition by problem_id, md5(folded) order by n, path_id) as copy
        from correct anti join before using (problem_id, folded)
    ),
    placed as (
        select path_id, row_number() over (partition by problem_id order by n, path_id) + coalesce(paths, 0) as place
        from single left join counted using (problem_id) where copy = 1
    )
    select path_id from placed where place <= 1
"""


def main() -> None:
    """Make the tables, run every contender in a process of its own, print what they took."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--paths", type=int, default=10_000_000)
    arguments.add_argument("--folder", type=Path, default=Path(".mathse/benchmark-mix"))
    arguments.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    wanted = arguments.parse_args()
    if wanted.one:
        name, cores, paths = wanted.one
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(cores)])
        print(json.dumps(_timed(CONTENDERS[name], wanted.folder, paths)))
        return
    folder = wanted.folder / str(wanted.paths)
    mix_tables.make(folder, wanted.paths)
    print(f"{wanted.paths:,} paths, {CORES} cores; load {os.getloadavg()[0]:.1f} at the start")
    ours = _child(folder, "ours", CORES, "paths")
    for name, cores, paths in (
        ("ours", 1, "paths"), ("ours", CORES, "shuffled"), ("duckdb", CORES, "paths"), ("polars", CORES, "paths"),
    ):  # fmt: skip
        _child(folder, name, cores, paths, ours)


def _child(
    folder: Path, name: str, cores: int, paths: str, first: dict[str, float | str] | None = None
) -> dict[str, float | str]:
    """Run one contender and print its line."""
    command = [sys.executable, __file__, "--folder", str(folder), "--one", name, str(cores), paths]
    # Polars counts the machine's cores, not the process's.
    environment = {**os.environ, "POLARS_MAX_THREADS": str(cores)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    label = f"{name}, {cores} core{'s' if cores > 1 else ''}, {paths}"
    if done.returncode != 0:
        print(f"{label:28} failed: {(done.stderr.strip().splitlines() or [f'exit {done.returncode}'])[-1]}")
        return {}
    found: dict[str, float | str] = json.loads(done.stdout)
    line = f"{label:28} {found['seconds']:7.1f} s {found['cpu']:7.1f} s of CPU {found['peak']:8,.0f} MiB"
    if first:
        same = "same bytes" if found["bytes"] == first["bytes"] else "OTHER BYTES"
        line += f"  {float(found['seconds']) / float(first['seconds']):5.2f} x the time, {same}"
    print(f"{line}; {found['rows']:,} rows", flush=True)
    return found


def _timed(choose: Callable[[Path, str], pa.Table], folder: Path, paths: str) -> dict[str, float | str]:
    file = folder / f"chosen-{os.getpid()}.parquet"
    start = time.monotonic()
    chosen = choose(folder, paths)
    pq.write_table(chosen.combine_chunks(), file, compression="zstd")
    seconds = time.monotonic() - start
    used = resource.getrusage(resource.RUSAGE_SELF)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    file.unlink()
    return {
        "seconds": seconds, "cpu": used.ru_utime + used.ru_stime, "peak": used.ru_maxrss / 1024,
        "rows": chosen.num_rows, "bytes": digest,
    }  # fmt: skip


def _ours(folder: Path, paths: str) -> pa.Table:
    names = ("problems", paths, "verdicts", "previous", "remaining")
    tables = Tables(*(folder / f"{name}.parquet" for name in names))
    mix = Mix(query=CUMULATIVE, parameters={"max_per_problem": 1})
    with opened(tables, mix) as connection:
        select(connection, mix, CONTRACT)
        return _table(connection, "from selection where reason is null")


def _duckdb(folder: Path, paths: str) -> pa.Table:
    with duckdb.connect(config={"threads": CORES}) as connection:
        for name in ("problems", "verdicts", "previous", "paths"):
            file = folder / f"{paths if name == 'paths' else name}.parquet"
            connection.execute(f"create view {name} as from read_parquet('{file}')")
        return _table(connection, PLAIN)


def _table(connection: duckdb.DuckDBPyConnection, kept: str) -> pa.Table:
    return connection.sql(JOINED.format(kept=kept)).to_arrow_table()


def _polars(folder: Path, paths: str) -> pa.Table:
    tables = {name: pl.scan_parquet(folder / f"{name}.parquet") for name in ("problems", "verdicts", "previous")}
    folded = pl.col("text").str.replace_all(r"\s+", " ").str.strip_chars().str.to_lowercase().alias("folded")
    before = tables["previous"].select(
        "path_id", "problem_id", text=pl.col("completion").list.last().struct.field("content")
    )
    counted = before.group_by("problem_id").len("paths")
    stored = pl.scan_parquet(folder / f"{paths}.parquet")
    correct = (
        stored.filter(pl.col("finish_reason") == "stop")
        .select("path_id", "problem_id", folded, n=pl.col("text").str.len_chars())
        .join(tables["verdicts"].filter(pl.col("status") == "CORRECT").select("path_id"), on="path_id", how="semi")
        .join(tables["problems"].filter(pl.col("split") == "train").select("problem_id"), on="problem_id", how="semi")
        .join(before.select("path_id"), on="path_id", how="anti")
        .join(before.select("problem_id", folded), on=["problem_id", "folded"], how="anti")
    )
    shortest = pl.col("path_id", "n").sort_by("n", "path_id").first()
    best = correct.group_by("problem_id", "folded").agg(shortest).group_by("problem_id").agg(shortest)
    kept = best.join(counted, on="problem_id", how="anti").select("path_id")
    joined = (
        stored.join(kept, on="path_id", how="semi")
        .join(tables["problems"].select("problem_id", "subject"), on="problem_id")
        .select("path_id", "problem_id", "subject", "text_hash", "row_hash")
    )
    columns = {name: pa.string() for name in ("path_id", "problem_id", "subject", "text_hash", "row_hash")}
    return joined.sort("path_id").collect(engine="streaming").to_arrow().cast(pa.schema(columns.items()))


CONTENDERS = {"ours": _ours, "duckdb": _duckdb, "polars": _polars}

if __name__ == "__main__":
    main()
