"""Runs the default loop under several seeds, each in a clone of its own, and tabulates their accuracies.

    python benchmarks/seeds.py 1 2 3          # writes reports/seeds.json, prints the table

A seed decides the distilled subset, every sample and the order of training; problems and base stay the same. A seed
whose result is already in reports/seeds.json is not run again, unless `--again`. It wants quiet cores.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "reports" / "seeds.json"
MODELS = ("base", "0", "1", "2", "final")

Result = dict[str, float]


def main() -> None:
    """Run what is asked for and print the table."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("seeds", nargs="+", type=int, help="seeds to run")
    arguments.add_argument("--again", action="store_true", help="run seeds anew that have a result")
    asked = arguments.parse_args()
    results: dict[str, Result] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for seed in asked.seeds:
        if asked.again or str(seed) not in results:
            results[str(seed)] = run(seed)
            RESULTS.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    print(table(results))


def run(seed: int) -> Result:
    """Run the loop under a seed in a temporary clone of the committed state; accuracies by model."""
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "mathse"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        params = yaml.safe_load((clone / "params.yaml").read_text(encoding="utf-8"))
        params["seed"] = seed
        (clone / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"  # stages call `python`
        environment = {**os.environ, "PYTHONPATH": str(clone), "PATH": path}
        subprocess.run([sys.executable, "-m", "dvc", "repro"], cwd=clone, env=environment, check=True)
        return collect(clone)


def collect(root: Path) -> Result:
    """Accuracies of a finished run: each model's on the test problems, and the ORM's on its held-out paths."""
    files = {name: root / "reports" / "metrics" / f"{name}.json" for name in (*MODELS, "orm")}
    return {name: json.loads(file.read_text(encoding="utf-8"))["accuracy"] for name, file in files.items()}


def table(results: dict[str, Result]) -> str:
    """The results as Markdown, with their means."""
    names = [*MODELS, "orm"]
    heads = ["base", "+ distilled", "+ round 1", "+ round 2", "+ reflection", "ORM"]
    rows = {seed: [results[seed][name] for name in names] for seed in sorted(results, key=int)}
    rows["mean"] = [sum(column) / len(column) for column in zip(*rows.values(), strict=True)]
    lines = [f"| seed | {' | '.join(heads)} |", "|---" + "|---:" * len(heads) + "|"]
    lines += [f"| {seed} | {' | '.join(f'{100 * share:.1f}' for share in shares)} |" for seed, shares in rows.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
