"""The clone in which a run of an experiment is made, while it lasts: `.mathse/ablate/NAME/VARIANT-SEED`.

It shares the project's git objects and DVC's cache: what it reads are links into the cache, and every stage that has
run anywhere is taken from the run cache. The user's own files are not touched. A run that was killed goes on in its
clone, where journals and checkpoints of the stage lie that was at work; a run that is recorded leaves no clone behind.
What remains is a DVC experiment: a commit on the one that the project is at, under the name that `dvc exp show` lists.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mathse import layout, params, yaml_file
from mathse.ablate.pipeline import TARGET
from mathse.errors import UserError
from mathse.tables import files

FOLDER = layout.STATE / "ablate"
MARK = "MATHSE_ABLATION"
"""Environment variable of all processes that an ablation starts: the folder of its clones."""
LINKS = "reflink,hardlink,symlink,copy"
"""How DVC puts a cached file into a clone: the first way that the file systems allow."""
SHOWN = 12
"""Lines of a failed run's log that an error quotes."""
PATIENCE = 10.0
"""Seconds in which a run ends by itself after a Ctrl-C."""
_RUNS = re.compile(r"Running stage '(.+)':")
_CACHED = re.compile(r"Stage '(.+)' (?:is cached - skipping run|didn't change, skipping)")
_SAID = re.compile(r"\d\d:\d\d:\d\d (.+)")
_AUTHOR = ("-c", "user.name=mathse", "-c", "user.email=mathse@localhost")


class StageFailed(UserError):
    """A stage of a run fails: that run is not made, and others may be."""


@dataclass
class Stages:
    """What a run did: the stages that ran, and those whose outputs were there or in the run cache."""

    ran: list[str]
    cached: list[str]


@dataclass(frozen=True)
class Workspace:
    """A clone.

    Attributes:
        root: The project.
        folder: The clone.
        commit: Of the project, on which the run is made.
    """

    root: Path
    folder: Path
    commit: str

    def prepare(self, content: Mapping[str, Any], cache: Path) -> None:
        """Make the clone if there is none, at the commit, with these params.

        Args:
            content: The run's params.
            cache: DVC's cache of the project.

        Raises:
            UserError: git fails, or params name a file in a place that a clone cannot have.
        """
        if not self.folder.exists():
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            with files.whole_or_not_at_all(self.folder) as fresh:
                _git(self.root, "clone", "--quiet", "--shared", "--no-checkout", str(self.root.resolve()), str(fresh))
                _git(fresh, "checkout", "--quiet", "--detach", self.commit)
                files.write(fresh / ".dvc" / "config.local", self._config(cache))
        elif _git(self.folder, "rev-parse", "HEAD") != self.commit:
            _git(self.folder, "checkout", "--quiet", "--force", "--detach", self.commit)
        # DVC takes a killed process for a running one until its parent has taken note of its end; here none is left.
        (self.folder / ".dvc" / "tmp" / "rwlock").unlink(missing_ok=True)
        file = self.folder / params.PARAMS
        own = self.root / params.PARAMS
        text = own.read_text(encoding="utf-8") if yaml_file.read(own) == content else yaml.safe_dump(
            dict(content), sort_keys=False, allow_unicode=True
        )  # fmt: skip
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            files.write(file, text)
        for path in sorted({*_relative_paths(content), *self._data_sets()}):
            self._link(path)

    def _config(self, cache: Path) -> str:
        site = self.folder.absolute() / ".dvc" / "tmp" / "site"
        return (
            f"[core]\n    analytics = false\n    check_update = false\n    site_cache_dir = {site}\n"
            f'[cache]\n    dir = {cache}\n    type = "{LINKS}"\n'
        )

    def _data_sets(self) -> Iterator[str]:
        """What lies in data/sources: git ignores it, and stages read it."""
        for file in (self.root / layout.SOURCES).glob("*"):
            if not (self.folder / layout.SOURCES / file.name).exists():
                yield (layout.SOURCES / file.name).as_posix()

    def _link(self, path: str) -> None:
        """Have a file or folder of the project in the clone too, at the same place relative to it."""
        original, place = self.root / path, Path(os.path.normpath(self.folder.absolute() / path))
        if not original.exists() or place.exists():
            return
        if not place.is_relative_to((self.root / FOLDER).absolute()):
            raise UserError(
                f"{params.PARAMS}: {path}: a clone of the project cannot have it there; give the whole path"
            )
        place.parent.mkdir(parents=True, exist_ok=True)
        if path.startswith(f"{layout.SOURCES.as_posix()}/") and original.is_dir():
            # DVC does not look behind a link to a folder.
            shutil.copytree(original, place, copy_function=_hard_or_soft)
        else:
            place.symlink_to(original.resolve())

    def repro(self, say: Callable[[str], None]) -> Stages:
        """Run what is not in the run cache; each stage's closing line is said.

        Raises:
            StageFailed: Quotes what it said last.
        """
        stages, closing, log = Stages([], []), "", self.folder.with_suffix(".log")
        with log.open("a", encoding="utf-8") as kept:
            process = subprocess.Popen(
                [sys.executable, "-m", "dvc", "repro", TARGET],
                cwd=self.folder, env=self._environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True,
            )  # fmt: skip
            try:
                assert process.stdout is not None
                for line in process.stdout:
                    kept.write(line)
                    kept.flush()
                    if begun := _RUNS.match(line):
                        stages.ran.append(begun[1])
                    elif cached := _CACHED.match(line):
                        stages.cached.append(cached[1])
                    elif words := _SAID.match(line):
                        closing = words[1]
                        continue
                    if closing and (begun or cached):
                        say(f"  {closing}")
                        closing = ""
                status = process.wait()
            except BaseException:
                _end(process)
                raise
        if closing:
            say(f"  {closing}")
        if status != 0:
            last = "\n  ".join(log.read_text(encoding="utf-8").splitlines()[-SHOWN:])
            stage = stages.ran[-1] if stages.ran else "DVC"
            raise StageFailed(f"{stage} failed; what was said last, of {log}:\n  {last}")
        return stages

    def _environment(self) -> dict[str, str]:
        """Stages call `python`, which is this one, and have the clone's code."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        own = {"PYTHONPATH": str(self.folder.absolute()), "PATH": path, "DVC_NO_ANALYTICS": "1"}
        return {**os.environ, **own, MARK: str((self.root / FOLDER).resolve())}

    def record(self, name: str, message: str) -> None:
        """Make the run an experiment of the project: as `dvc exp save` does, but of the stages that ran alone."""
        _git(self.folder, "add", "--all")
        _git(self.folder, *_AUTHOR, "commit", "--quiet", "--allow-empty", "--no-verify", "--message", message)
        reference = f"refs/exps/{self.commit[:2]}/{self.commit[2:]}/{name}"
        _git(self.folder, "push", "--quiet", "--force", str(self.root.resolve()), f"HEAD:{reference}")

    def remove(self) -> None:
        """Remove the clone; its log stays."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _end(process: "subprocess.Popen[str]") -> None:
    """End a run and all that it has started: by an interrupt, and where that is not heard, at once."""
    for number in (signal.SIGINT, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE)
            return


def end_leftovers(root: Path) -> int:
    """End what killed ablations of this project have left running; how many processes there were.

    They may be ended at any moment: a stage goes on from its journal or checkpoint.
    """
    mark, ended = f"{MARK}={(root / FOLDER).resolve()}".encode(), set[int]()
    deadline = time.monotonic() + PATIENCE
    while running := set(_marked(mark)):
        for process in running:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        ended |= running
        if time.monotonic() > deadline:
            raise UserError(f"processes {sorted(running)} of a killed `mathse ablate` do not end; end them yourself")
        time.sleep(0.05)
    return len(ended)


def _marked(mark: bytes) -> Iterator[int]:
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark in (folder / "environ").read_bytes().split(b"\0") and int(folder.name) != os.getpid():
                yield int(folder.name)


def dvc_cache(root: Path) -> Path:
    """Where DVC keeps the project's cache."""
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo(str(root)) as repo:
            return Path(repo.cache.local_cache_dir)
    except DvcException as error:
        raise UserError(f"{root.absolute()}: DVC cannot read the project: {error}") from error


def require_clean(root: Path, code: list[str]) -> None:
    """Refuse edits that no commit has: a run is known by its commit; params.yaml is taken as it lies there.

    Raises:
        UserError: There are such edits, or the project is no git repository.
    """
    changed = [line[3:] for line in _git(root, "status", "--porcelain", "--", *code, strip=False).splitlines()]
    if changed:
        some = ", ".join(changed[:3]) + (f" and {len(changed) - 3} more" if len(changed) > 3 else "")
        raise UserError(
            f"{some}: not committed; a run is known by the commit that made it. `git commit`, or `git stash`, and again"
        )


def head(root: Path) -> str:
    """The commit that the project is at.

    Raises:
        UserError: There is none, or the project is a folder within a larger repository.
    """
    if _git(root, "rev-parse", "--show-prefix"):
        raise UserError(f"{root.absolute()}: lies within a larger git repository; experiments need one of their own")
    return _git(root, "rev-parse", "HEAD")


def _relative_paths(value: Any) -> Iterator[str]:
    """Texts of params that may be paths relative to the project: data sets and models that lie elsewhere."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from _relative_paths(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _relative_paths(inner)
    elif isinstance(value, str) and "/" in value and "\n" not in value and not Path(value).is_absolute():
        yield value


def _hard_or_soft(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # on another disk
        os.symlink(Path(source).resolve(), target)


def _git(folder: Path, *arguments: str, strip: bool = True) -> str:
    """What a git command prints.

    Raises:
        UserError: It fails.
    """
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    except OSError as error:
        raise UserError(f"git: {error.strerror}; experiments are commits, so git has to be there") from error
    if done.returncode != 0:
        raise UserError(f"{folder}: git {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout.strip() if strip else done.stdout
