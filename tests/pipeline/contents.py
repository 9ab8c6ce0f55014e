"""What a run's tables say, as one hash each: of rows and content columns, not of files, names or the order of rows.

A redesign that moves tables, renames columns beside these or packs files anew leaves every hash as it was. Columns that
name a step are not among them, as names may change where nothing else does.

    python -m tests.pipeline.contents            compares the run that lies here with the committed hashes
    python -m tests.pipeline.contents --record   commits to those of the run that lies here
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path

import pyarrow.parquet as pq

ROOT = Path(__file__).parents[2]
RECORDED = Path(__file__).with_name("contents.json")

_JUDGED = ("status", "error_step", "error_analysis", "raw", "undecided_reason")
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "problems": ("problem_id", "source", "source_id", "licence", "split", "question", "choices", "answer", "solution",
                 "image_ids", "subject", "level", "language"),
    "paths": ("path_id", "problem_id", "kind", "round", "sample_idx", "seed", "text", "answer", "finish_reason",
              "error", "tokens_in", "tokens_out", "cost", "parent_path_id", "text_hash"),
    "verdicts": ("path_id", "problem_id", *_JUDGED, "rule_status", "rule_reason", "tokens_in", "tokens_out", "cost"),
    "feedback": ("path_id", "problem_id", *_JUDGED, "improvement_suggestion", "tokens_in", "tokens_out", "cost"),
    "mix": ("path_id", "problem_id", "kind", "round", "image_ids", "prompt", "completion"),
    "predictions": ("benchmark", "problem_id", "sample_idx", "text", "answer", "status", "reason", "scorer",
                    "extractor", "rule_status", "rule_reason", "finish_reason", "tokens_in", "tokens_out", "cost"),
}  # fmt: skip
"""What is compared, by kind of table."""


def contents(root: Path) -> dict[str, str]:
    """A hash of each table of a run, by kind and name: `paths/1`, `mix/final`, `predictions/base`, ...

    Args:
        root: Of the project.
    """
    data = root / "data"
    tables = {"problems": data / "problems" / "problems.parquet"}
    for kind in ("paths", "verdicts", "mix", "predictions"):
        tables |= {f"{kind}/{file.stem}": file for file in sorted((data / kind).glob("[!.]*.parquet"))}
    for folder in sorted((data / "orm").glob("*")):
        tables |= {f"{file.stem}/{folder.name}": file for file in sorted(folder.glob("[!.]*.parquet"))}
    return {name: content(file, name.partition("/")[0]) for name, file in tables.items() if name != "mix/base"}


def content(file: Path, kind: str) -> str:
    """The hash of a table's rows, whatever their order.

    Args:
        file: The table.
        kind: Of `COLUMNS`; the part that is held out of the ORM's mix has a mix's columns.
    """
    columns = COLUMNS["mix" if kind == "held_out" else kind]
    rows = sorted(json.dumps(row, sort_keys=True) for row in pq.read_table(file, columns=list(columns)).to_pylist())
    return hashlib.blake2b("\n".join(rows).encode(), digest_size=16).hexdigest()


def main() -> int:
    """Compare or record the run that lies in the project."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--record", action="store_true", help="write the hashes of the run that lies here")
    arguments.add_argument("--run", choices=["default", "smoke"], default="default", help="which run it is")
    arguments.add_argument("--root", type=Path, default=ROOT, help="where it lies")
    asked = arguments.parse_args()
    found, recorded = contents(asked.root), json.loads(RECORDED.read_text(encoding="utf-8"))
    if asked.record:
        text = json.dumps(recorded | {asked.run: found}, indent=1, sort_keys=True)
        RECORDED.write_text(text + "\n", encoding="utf-8")
        return 0
    expected = recorded[asked.run]
    differing = sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))
    print("\n".join(differing) or f"{len(found)} tables, all as recorded")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
