"""`mathse diff` of two tables of 1,000,000 rows, 1 % changed, beside datacompy on Polars.

    python3.11 -m venv .venv-peers && .venv-peers/bin/pip install datacompy==1.1.0
    python benchmarks/diff.py                      # 1,000,000 rows; --rows N, --runs N
    python benchmarks/diff.py --record             # tests/diff/datacompy.json anew

Each measurement is a process of its own, ours and the peer's in turn. Seconds are from the files to the counts (all
files were read once before): ours inside the process after imports, and as the command takes them from start to end.
Without the peer's environment ours are measured alone.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mathse.tables import schemas, seal
from mathse.tables.columns import arrow_schema, encoding

ROOT = Path(__file__).parents[1]
PEER = ROOT / ".venv-peers" / "bin" / "python"
GROUP = 8192
OURS = """
import json, sys, time
from pathlib import Path
from benchmarks.diff_peer import peak
from mathse.diff.compare import compare
from mathse.diff.document import Options
from mathse.diff.names import Dataset
mode, old, new, scratch = sys.argv[1:]
sides = [Dataset(file, Path(file), "", None) for file in (old, new)]
start, used = time.perf_counter(), time.process_time()
found = compare(*sides, Options(counts_only=mode == "counts"), Path(scratch)).counts
seconds, used = time.perf_counter() - start, time.process_time() - used
counts = [found.changed, found.added, found.removed, found.unchanged]
print(json.dumps({"seconds": seconds, "cpu": used, "mib": peak(), "counts": counts}))
"""


def main() -> None:
    """Print a line per way: median and best seconds, peak memory, and how many times faster than the peer."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--peer", type=Path, default=PEER, help="the Python that has datacompy")
    parser.add_argument("--record", action="store_true", help="record what datacompy counts in the mutated tables")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if arguments.record:
            record(Path(folder), arguments.peer)
        else:
            measure(Path(folder), arguments.rows, arguments.runs, arguments.peer)


def measure(folder: Path, rows: int, runs: int, peer: Path) -> None:
    """Time all ways in turn."""
    old, new = tables(folder, rows)
    size = old.stat().st_size / 2**20
    print(f"{rows:,} rows, {size:,.0f} MiB a file, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    ways: dict[str, list[str]] = {
        name: [sys.executable, "-", name, str(old), str(new), str(folder)] for name in ("counts", "content")
    }
    command = [sys.executable, "-m", "mathse.cli", "diff", str(old), str(new)]
    ways |= {"counts, command": [*command, "--counts"], "content, command": [*command, "--limit", "0"]}
    if peer.exists():
        ways["datacompy"] = [
            str(peer),
            str(ROOT / "benchmarks" / "diff_peer.py"),
            "time",
            str(old),
            str(new),
            "path_id",
        ]
    found: dict[str, list[dict[str, Any]]] = {way: [] for way in ways}
    for _ in range(runs):
        for way, line in ways.items():
            found[way].append(run(line))
    told(found)


def run(line: list[str]) -> dict[str, Any]:
    """What a process says of itself, or how long it took if it says nothing."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    start = time.perf_counter()
    # By standard input: a program after `-c` is interactive to DuckDB, which would print how far it is.
    done = subprocess.run(line, input=OURS, env=environment, capture_output=True, text=True, check=True)
    seconds = time.perf_counter() - start
    said: dict[str, Any] = json.loads(done.stdout) if done.stdout.startswith("{") else {"seconds": seconds}
    return said


def told(found: dict[str, list[dict[str, Any]]]) -> None:
    """Print the comparison, and whether all ways count the same."""
    peer = median(run["seconds"] for run in found["datacompy"]) if "datacompy" in found else None
    for way, runs in found.items():
        seconds = [run["seconds"] for run in runs]
        memory = f", {max(run['mib'] for run in runs):,.0f} MiB" if "mib" in runs[0] else ""
        memory += f", {min(run['cpu'] for run in runs):.2f} s of CPU at best" if "cpu" in runs[0] else ""
        ratio = f", {peer / median(seconds):.1f} x datacompy" if peer and way != "datacompy" else ""
        print(f"{way:20}{median(seconds):7.3f} s (best {min(seconds):.3f}){memory}{ratio}")
    counted = {tuple(run["counts"]) for runs in found.values() for run in runs if "counts" in run}
    print(f"changed, added, removed, unchanged: {' and '.join(map(str, counted))}")


def tables(folder: Path, rows: int) -> tuple[Path, Path]:
    """Two tables of paths as `store.write` lays them out: 0.8 % changed, 0.1 % only in one, 0.1 % only in the other."""
    chance = np.random.default_rng(0)
    keys = digits(chance, rows + rows // 1000)
    keys = keys.take(pc.sort_indices(keys))
    hashes, fresh = (digits(chance, len(keys)) for _ in range(2))
    words = pa.array([f"w{number}" for number in range(3000)])
    texts = [words.take(pa.array(chance.integers(0, 3000, len(keys)))) for _ in range(40)]
    text = pc.binary_join_element_wise(*texts, " ")
    fate = chance.random(len(keys))
    changed = pa.array(fate < 0.008)
    old = filled(keys, {"text": text, "row_hash": hashes})
    new = filled(
        keys,
        {
            "text": pc.if_else(changed, pc.binary_join_element_wise(text, "changed", " "), text),
            "row_hash": pc.if_else(changed, fresh, hashes),
        },
    )
    kept = {"old.parquet": (old, fate < 0.999), "new.parquet": (new, (fate < 0.998) | (fate >= 0.999))}
    for name, (table, mask) in kept.items():
        write(folder / name, table.filter(pa.array(mask)))
    return folder / "old.parquet", folder / "new.parquet"


def filled(keys: pa.Array, columns: dict[str, pa.Array]) -> pa.Table:
    """A table of paths in which the other columns hold what paths mostly hold."""
    schema = arrow_schema(schemas.Path)
    plain = {"problem_id": keys, "text_hash": columns["row_hash"], "path_id": keys, **columns}
    usual: dict[Any, Any] = {pa.string(): "rollout", pa.int64(): 1, pa.float64(): 0.0}
    made = [
        plain[field.name]
        if field.name in plain
        else pa.array([None if field.nullable else usual[field.type]], field.type)
        for field in schema
    ]
    whole = [
        column if len(column) == len(keys) else column.take(pa.array(np.zeros(len(keys), np.int64))) for column in made
    ]
    return pa.table(whole, schema=schema)


def digits(chance: np.random.Generator, rows: int) -> pa.Array:
    """Random ids of 32 hex digits."""
    ends = np.arange(0, 32 * rows + 1, 32, dtype=np.int32)
    return pa.StringArray.from_buffers(rows, pa.py_buffer(ends), pa.py_buffer(chance.bytes(16 * rows).hex().encode()))


def write(file: Path, table: pa.Table) -> None:
    """Write a table as `store.write` does, without making a million row objects first."""
    described = {"mathse.table": "Path", "mathse.version": str(schemas.Path.version), seal.KEY: seal.ZEROS}
    schema = table.schema.with_metadata(described)
    with pq.ParquetWriter(file, schema, **encoding(schemas.Path, schema)) as writer:
        for start in range(0, len(table), GROUP):
            writer.write_table(table.slice(start, GROUP).cast(schema))
    seal.seal(file)


def record(folder: Path, peer: Path) -> None:
    """Have datacompy count the mutated tables."""
    from tests.diff.mutations import both

    files = [folder / "old.parquet", folder / "new.parquet"]
    for file, table in zip(files, both(), strict=True):
        table.write_parquet(file)
    line = [str(peer), str(ROOT / "benchmarks" / "diff_peer.py"), "agree", *map(str, files)]
    cases = json.loads(subprocess.run(line, capture_output=True, text=True, check=True).stdout)
    lines = [
        ", ".join(json.dumps(case, separators=(",", ":")) for case in cases[at : at + 5])
        for at in range(0, len(cases), 5)
    ]
    target = ROOT / "tests" / "diff" / "datacompy.json"
    target.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")
    print(target)


if __name__ == "__main__":
    main()
