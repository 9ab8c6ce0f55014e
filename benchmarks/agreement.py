"""How our grader and the official scorers agree on published outputs of MATH-Vision and MathVista.

    python benchmarks/agreement.py FOLDER               # about 30 s
    python benchmarks/agreement.py FOLDER --examples 5 # and so many rows of each kind of disagreement

For MATH-Vision: rows whose stored official verdict our copy of the official rule does not reproduce (from the stored
answer, and from the raw response), and rows where our own grader, from the raw response, says otherwise, by kind. For
MathVista: rows whose stored `true_false` is not reproduced.
"""

import argparse
import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from mathse.answers.grade import Grade, grade
from mathse.benchmarks.public import mathvision, mathvista
from mathse.tables.schemas import Status

Row = dict[str, Any]


def main() -> None:
    """Print both tables."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("data", type=Path, help="folder with mathvision/ and mathvista/")
    arguments.add_argument("--examples", type=int, default=0, help="rows to print of each kind")
    asked = arguments.parse_args()
    math_vision(asked.data / "mathvision", asked.examples)
    math_vista(asked.data / "mathvista")


def math_vision(folder: Path, examples: int) -> None:
    """Compare with the stored verdicts of six models."""
    problems = {str(row["id"]): row for row in lines(folder / "test.jsonl")}
    kinds: Counter[str] = Counter()
    shown: dict[str, list[str]] = defaultdict(list)
    total = 0
    for file in sorted((folder / "outputs").glob("*.jsonl")):
        rows = lines(file)
        total += len(rows)
        official = extracted = ours = 0
        for row in rows:
            problem = problems[str(row["id"])]
            answer, options = str(problem["answer"]), problem["options"] or ()
            official += mathvision.is_correct(answer, row["model_answer"], options) != row["correct"]
            extracted += mathvision.extract(row["response"]) != row["model_answer"]
            said = grade(answer, row["response"], options)
            if (said.status is Status.CORRECT) != row["correct"]:
                ours += 1
                name = kind(row, said, bool(options))
                kinds[name] += 1
                shown[name].append(f"    {row['id']}: gold {answer} {list(options)}, answer {said.extracted!r}")
        print(
            f"{file.stem:26} official verdict differs {official}, extraction differs {extracted}; ours differs {ours}"
        )
    print(f"\nMATH-Vision, {total} rows: our grader differs from the official verdict on {kinds.total()}")
    for name, count in kinds.most_common():
        print(f"{count:6}  {name}")
        print(*shown[name][:examples], sep="\n", end="\n" if examples else "")


def kind(row: Row, said: Grade, has_options: bool) -> str:
    """What sort of disagreement it is."""
    sort = "multiple choice" if has_options else "free form"
    if not row["correct"]:
        return f"ours CORRECT ({said.reason}), official wrong; {sort}"
    return f"ours {said.status} ({said.reason}), official correct; {sort}"


def math_vista(folder: Path) -> None:
    """Compare with the stored `true_false` of five models."""
    for file in sorted((folder / "results").glob("output_*.json")):
        rows = json.loads(file.read_text(encoding="utf-8")).values()
        off = sum(mathvista.verdict(row)["true_false"] != row["true_false"] for row in rows)
        print(f"MathVista {file.stem:32} {len(rows)} rows, true_false differs {off}")


def lines(file: Path) -> list[Row]:
    """Rows of a file of JSON lines."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


if __name__ == "__main__":
    main()
