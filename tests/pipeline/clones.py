"""A temporary clone of the project in which commands are run."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
TIMEOUT = 1500
"""Seconds for one command: about ten times what a whole loop takes on two idle cores."""


@dataclass(frozen=True)
class Clone:
    """A clone of the project with params of its own."""

    folder: Path
    forks: Path | None = None
    """In front of PATH: stages are then forks of a process that has loaded everything (`tests.pipeline.forks`)."""

    def run(self, *command: str, fails: bool = False) -> str:
        """Run a command in the clone and return what it printed; fail the test if it ends otherwise than expected."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        printed = done.stdout + done.stderr
        assert (done.returncode != 0) == fails, f"{' '.join(command)} ended with {done.returncode}:\n{printed}"
        return printed

    def dvc(self, *arguments: str, fails: bool = False) -> str:
        """Run DVC."""
        return self.run(sys.executable, "-m", "dvc", *arguments, fails=fails)

    def environment(self) -> dict[str, str]:
        """The environment of a stage: this interpreter is `python`, the clone's package is `mathse`."""
        first = [str(self.forks)] if self.forks else []
        path = os.pathsep.join([*first, str(Path(sys.executable).parent), os.environ["PATH"]])
        return {**os.environ, "PATH": path, "PYTHONPATH": str(self.folder), "DVC_NO_ANALYTICS": "1"}

    def set_param(self, key: str, value: object) -> None:
        """Give a key of params.yaml another value."""
        file = self.folder / "params.yaml"
        params = yaml.safe_load(file.read_text(encoding="utf-8"))
        file.write_text(yaml.safe_dump(params | {key: value}, sort_keys=False), encoding="utf-8")

    def edit_params(self, **sections: Mapping[str, object]) -> None:
        """Change keys within sections of params.yaml."""
        file = self.folder / "params.yaml"
        params = yaml.safe_load(file.read_text(encoding="utf-8"))
        for section, changes in sections.items():
            params[section] |= changes
        file.write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")

    def changed_stages(self) -> set[str]:
        """The stages whose own inputs or outputs are not what the lock file says."""
        lines = self.dvc("status").splitlines()
        return {line.rstrip(":") for line in lines if line and not line[0].isspace() and line.endswith(":")}

    @staticmethod
    def ran(printed: str) -> set[str]:
        """The stages that a `dvc repro` ran, by what it printed."""
        return set(re.findall(r"^Running stage '(.+)'", printed, re.MULTILINE))

    def committed(self, folder: Path, forks: Path | None = None) -> "Clone":
        """A clone of this one with all that git would track of it: params, results, the lock."""
        subprocess.run(["git", "clone", "--quiet", str(self.folder), str(folder)], check=True)
        names = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
        listed = subprocess.run(names, cwd=self.folder, check=True, capture_output=True, text=True).stdout
        for name in filter(None, listed.split("\0")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            if (self.folder / name).exists():
                shutil.copy2(self.folder / name, folder / name)
            else:
                (folder / name).unlink()
        author = ["-c", "user.name=tests", "-c", "user.email=tests@localhost"]
        subprocess.run(["git", "add", "--all"], cwd=folder, check=True)
        subprocess.run(["git", *author, "commit", "--quiet", "--message", "A run"], cwd=folder, check=True)
        return Clone(folder, forks)

    def hashes(self) -> dict[str, str]:
        """Hash by path of every dataset and model that the lock file records."""
        stages = yaml.safe_load((self.folder / "dvc.lock").read_text(encoding="utf-8"))["stages"].values()
        outs = (out for stage in stages for out in stage.get("outs", []))
        return {out["path"]: out["md5"] for out in outs if out["path"].startswith(("data/", "models/"))}


def clone(folder: Path, preset: str = "smoke", forks: Path | None = None) -> Clone:
    """Clone the project with its uncommitted edits, under a preset."""
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    edits = subprocess.run(["git", "diff", "--binary", "HEAD"], cwd=ROOT, check=True, capture_output=True).stdout
    apply = ["git", "apply", "--allow-empty", "--whitespace=nowarn"]
    subprocess.run(apply, cwd=folder, input=edits, check=True)
    (folder / "params.yaml").write_bytes((folder / "presets" / f"{preset}.yaml").read_bytes())
    return Clone(folder, forks)
