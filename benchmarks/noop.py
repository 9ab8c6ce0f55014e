"""What `dvc repro` takes when there is nothing to do, beside pipelines that a stage could not make cheaper.

    python benchmarks/noop.py [--repeat 5]

Three pipelines, in turn, each in a scratch repository whose outputs are committed: ours (the stages, dependencies and
params of this project, over small stand-ins for data and models), the same stages with no dependency on code, and one
of a single stage. The stand-ins cost what real data costs: DVC looks at a file's time and size, not into it.

Prints seconds (the least of all runs) and the ratio to the single stage.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
DVC = [sys.executable, "-m", "dvc"]


def main() -> None:
    """Build the three pipelines, time them in turn, print the table."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--repeat", type=int, default=5, help="runs of each pipeline; the fastest counts")
    repeat = arguments.parse_args().repeat
    with tempfile.TemporaryDirectory() as scratch:
        folders = {
            "ours": ours(Path(scratch) / "ours"),
            "ours, no code": ours(Path(scratch) / "bare", code=False),
            "one stage": single(Path(scratch) / "single"),
        }
        seconds = {name: [] for name in folders}
        for _ in range(repeat):
            for name, folder in folders.items():
                seconds[name].append(timed(folder))
        least = {name: min(taken) for name, taken in seconds.items()}
        lock = (folders["ours"] / "dvc.lock").stat().st_size
    for name, taken in least.items():
        print(f"{name:<14} {taken:6.2f} s  {taken / least['one stage']:5.2f} x")
    print(f"dvc.lock       {lock:,} bytes")


def ours(folder: Path, code: bool = True) -> Path:
    """This project's pipeline, its commands replaced by nothing; without code, no stage depends on a module."""
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(".*", "data", "reports", "models", "*.egg-info"))
    text = re.sub(r"(?m)^( +cmd: ).*$", r'\1"true"', (ROOT / "dvc.yaml").read_text(encoding="utf-8"))
    if not code:
        text = re.sub(r"\b(?:mathse|stages)/[\w./]+,?\s*(?=[^\]]*\])", "", text)
    (folder / "dvc.yaml").write_text(text, encoding="utf-8")
    (folder / "data" / "sources").mkdir(parents=True)
    (folder / "data" / "sources" / "README.md").write_text("Sources.\n", encoding="utf-8")
    shutil.copytree(ROOT / "models" / "tiny", folder / "models" / "tiny")
    repository(folder)
    for out in outputs(folder):
        stand_in(folder / out)
    dvc(folder, "commit", "--force", "--quiet")
    return folder


def single(folder: Path) -> Path:
    """A pipeline of one stage."""
    folder.mkdir()
    stage = {"cmd": "true", "deps": ["before"], "outs": ["after"]}
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"only": stage}}), encoding="utf-8")
    for name in ("before", "after"):
        (folder / name).write_text(name, encoding="utf-8")
    repository(folder)
    dvc(folder, "commit", "--force", "--quiet")
    return folder


def repository(folder: Path) -> None:
    """A Git and DVC repository of what lies in the folder."""
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    dvc(folder, "init", "--quiet")


def outputs(folder: Path) -> Iterator[str]:
    """Every output of the pipeline, as DVC resolves its templates."""
    listed = subprocess.run(
        [*DVC, "stage", "list", "--name-only"], cwd=folder, env=quiet(), check=True, capture_output=True, text=True
    ).stdout.split()
    content = yaml.safe_load((folder / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    for name in listed:
        template, _, key = name.partition("@")
        body = content[template].get("do", content[template])
        for kind in ("outs", "metrics", "plots"):
            for out in body.get(kind, []):
                path = out if isinstance(out, str) else next(iter(out))
                yield path.replace("${key}", key).replace("${item}", key)


def stand_in(place: Path) -> None:
    """A small file, or a folder of three."""
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.suffix:
        place.write_text("{}\n" if place.suffix == ".json" else f"{place.name}\n", encoding="utf-8")
        return
    place.mkdir(exist_ok=True)
    for number in range(3):
        (place / f"{number}.bin").write_text(f"{place.name} {number}\n", encoding="utf-8")


def timed(folder: Path) -> float:
    """Seconds of one `dvc repro` that has nothing to do."""
    began = time.monotonic()
    dvc(folder, "repro", "--quiet")
    return time.monotonic() - began


def dvc(folder: Path, *arguments: str) -> None:
    """Run DVC."""
    subprocess.run([*DVC, *arguments], cwd=folder, env=quiet(), check=True)


def quiet() -> dict[str, str]:
    """The environment, in which DVC reports home nothing."""
    return {**os.environ, "DVC_NO_ANALYTICS": "1"}


if __name__ == "__main__":
    main()
