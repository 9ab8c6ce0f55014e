"""The whole ancestry of a table, model or file, and what on disk no longer matches what was recorded of it.

The record is dvc.lock: what every stage read and wrote. Rows, authors and prompts are those of the tables that lie
here, a model's settings and packages those of its `lineage.json`. Ancestors come in an order in which the stages can
run, each once.

    models/final aa8e3619dc8c
    ├── problems
    │   └── data/problems/problems.parquet  3,047 Problem rows  865e6af492e0
    ├── paths@0  from problems/problems, models/base
    │   └── data/paths/0.parquet  199 Path rows  f41f2c51790e  by figure-solver with solve@1
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from rich.text import Text
from rich.tree import Tree

from mathse import layout, params
from mathse.errors import UserError
from mathse.look import catalogue, dvc_lock
from mathse.look.dvc_lock import LOCK, Difference, Lock, StageRun
from mathse.look.git import git
from mathse.loop.ask.engines.local.fingerprint import LINEAGE
from mathse.loop.ask.prompts import PROMPTS
from mathse.progress import progress
from mathse.report import names
from mathse.tables import schemas, store, views
from mathse.tables.schemas import content_id

HAVE_AUTHORS = {row.__name__: row.version for row in (schemas.Path, schemas.Verdict, schemas.Feedback)}
"""Rows that say who wrote them, and to which prompt: the version of their table in which they do."""
SHORT = 12
SHOWN_RECORDERS = 4
_SHAPES = {"dataset": "cylinder", "model": "box3d", "file": "note"}


class DoesNotMatch(UserError):
    """Something on disk is not as it was recorded."""


@dataclass(frozen=True)
class Ancestor:
    """A table, model or other file that something was made from.

    Attributes:
        path: Relative to the project's root.
        hash: MD5 of its content: what dvc.lock recorded of it, or of a table in a recorded folder, the file's.
        there: Whether it lies on disk.
        damaged: Whether it ends in .parquet, and is no table of ours.
        table: Of a table, the name of its row's model.
        rows: Of a table.
        by: Who wrote a table's rows: fingerprints of models, names of teachers.
        prompts: The prompts they were asked with.
        lineage: Of a model, the content of its lineage file; of anything else None.
    """

    path: str
    hash: str
    there: bool
    damaged: bool = False
    table: str | None = None
    rows: int | None = None
    by: tuple[str, ...] = ()
    prompts: tuple[str, ...] = ()
    lineage: Mapping[str, Any] | None = None

    @property
    def kind(self) -> Literal["dataset", "model", "file"]:
        """What it is; of what is not there, as its place tells."""
        if Path(self.path).suffix == ".parquet":
            return "dataset"
        model = self.lineage is not None if self.there else Path(self.path).is_relative_to(layout.MODELS)
        return "model" if model else "file"

    @property
    def fingerprint(self) -> str | None:
        """Of a model, as its lineage file has it."""
        fingerprint = (self.lineage or {}).get("model")
        return fingerprint if isinstance(fingerprint, str) else None


@dataclass(frozen=True)
class Ancestry:
    """What was made on the way to a table, model or file.

    Attributes:
        target: Such as `models/final` or `data/mix/2.parquet`.
        steps: What led to it.
        made: The datasets, models and files of the steps, the target included, by path.
    """

    target: str
    steps: tuple[StageRun, ...]
    made: Mapping[str, Ancestor]

    @cached_property
    def packages(self) -> dict[str, list[str]]:
        """The versions of packages that its models were made with; several of one package if they differ."""
        recorded = [(ancestor.lineage or {}).get("packages") for ancestor in self.made.values()]
        pairs = {(name, str(version)) for used in recorded if isinstance(used, dict) for name, version in used.items()}
        return {name: sorted(version for other, version in pairs if other == name) for name in sorted(dict(pairs))}

    @cached_property
    def prompts(self) -> dict[str, str]:
        """Content hashes of the prompts that were used, by name and version."""
        used = sorted({prompt for ancestor in self.made.values() for prompt in ancestor.prompts})
        return {prompt: content_id("prompt", PROMPTS.get(prompt)) for prompt in used}


@dataclass(frozen=True)
class Commit:
    """The state of the project in git.

    Attributes:
        lock: The commit that last changed dvc.lock; None if it is not in git.
        head: The commit that is checked out.
        clean: Whether dvc.lock is as that commit has it.
    """

    lock: str | None
    head: str | None
    clean: bool


@dataclass(frozen=True)
class Lineage(Ancestry):
    """An ancestry held against what lies there.

    Attributes:
        commit: Where the record of it is.
        differences: What no longer matches, in the order of the steps; empty if all does.
    """

    commit: Commit
    differences: tuple[Difference, ...]


def place(root: Path, name: str) -> str:
    """The path of what a person names: a path of the project, a table (`mix@0`, `paths_1`), or a model (`final`)."""
    if "/" in name or (root / name).is_file():
        full = (root / name).absolute()
        return full.relative_to(root.absolute()).as_posix() if full.is_relative_to(root.absolute()) else name
    known = names.of(root)
    table = catalogue.place(known.view(name), known)
    return (table or layout.model(known.step(name))).as_posix()


def last_model(root: Path) -> str:
    """The last model that params.yaml trains: what a run is for.

    Raises:
        ParamsError: params.yaml is missing or broken.
    """
    return list(params.load(root / params.PARAMS).models)[-1]


def ancestor(path: str, root: Path = Path(), recorded: str | None = None) -> Ancestor:
    """What lies at a path.

    Args:
        path: Relative to the root.
        recorded: The hash that dvc.lock has of it; None if it has one of a folder around it only, and the file is read.
    """
    file = root / path
    if not file.exists():
        return Ancestor(path, recorded or "", False)
    if (file / "config.json").is_file() or (file / LINEAGE).is_file():
        return Ancestor(path, recorded or "", True, lineage=read_lineage(file))
    if recorded is None and file.is_file():
        with file.open("rb") as content:
            recorded = hashlib.file_digest(content, "md5").hexdigest()
    if file.suffix != ".parquet":
        return Ancestor(path, recorded or "", True)
    authors: list[tuple[str, str]] = []
    try:
        about = store.metadata(file)
        if HAVE_AUTHORS.get(about.table) == about.version:
            with views.opened({"written": file}) as connection:
                authors = list(views.query(connection, "select distinct author, prompt_id from written").rows)
    except (store.StoreError, views.QueryError):
        return Ancestor(path, recorded or "", True, damaged=True)
    by = tuple(sorted({author for author, _ in authors}))
    prompts = tuple(sorted({prompt for _, prompt in authors}))
    return Ancestor(path, recorded or "", True, table=about.table, rows=about.rows, by=by, prompts=prompts)


def read_lineage(folder: Path) -> dict[str, Any]:
    """The lineage file of a model; empty if it has none that can be read."""
    try:
        content = json.loads((folder / LINEAGE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def ancestry(lock: Lock, target: str) -> Ancestry:
    """Gather what led to a path of the project, from dvc.lock and the tables that lie here, whose authors are read.

    Raises:
        LockError: No stage in it makes the target.
    """
    steps = tuple(lock.steps(target))
    paths = [path for step in steps for path in step.makes]
    made = {}
    with progress(f"lineage of {target}", len(paths)) as advance:
        for path in paths:
            made[path] = ancestor(path, lock.root, lock.outputs[path].md5 if path in lock.outputs else None)
            advance(1)
    return Ancestry(target, steps, made)


def lineage(root: Path, name: str) -> Lineage:
    """Gather the ancestry of `final`, `mix@0` or `data/paths/1.parquet`, and compare it with what was recorded.

    Raises:
        LockError: dvc.lock is missing or damaged, or has no stage that makes it.
    """
    lock = dvc_lock.read(root)
    behind = ancestry(lock, place(root, name))
    differ = list(dvc_lock.differences(lock, behind.steps))
    differ += [Difference(path, "damaged", "its own metadata") for path, found in behind.made.items() if found.damaged]
    commit = Commit(
        lock=git(root, "log", "-1", "--format=%H", "--", str(LOCK)) or None,
        head=git(root, "rev-parse", "HEAD") or None,
        clean=not git(root, "status", "-s", str(LOCK)),
    )
    return Lineage(behind.target, behind.steps, behind.made, commit, tuple(dict.fromkeys(differ)))


def require_match(lineage: Lineage) -> None:
    """Refuse a lineage that does not match what lies on disk.

    Raises:
        DoesNotMatch: Says how much of it.
    """
    if lineage.differences:
        files = len({difference.path for difference in lineage.differences})
        raise DoesNotMatch(f"{lineage.target}: {files} of what made it is not as recorded; see above")


def as_json(lineage: Lineage) -> dict[str, Any]:
    """The ancestry for programs: JSON values."""

    def about(made: Ancestor) -> dict[str, Any]:
        place = {"path": made.path, "kind": made.kind, "there": made.there, "hash": made.hash or None}
        if made.kind == "model":
            return place | {"fingerprint": made.fingerprint, "settings": (made.lineage or {}).get("settings")}
        return place | {"table": made.table, "rows": made.rows, "by": list(made.by), "prompts": list(made.prompts)}

    return {
        "target": lineage.target,
        "fingerprint": lineage.made[lineage.target].fingerprint,
        "commit": vars(lineage.commit),
        "packages": lineage.packages,
        "prompts": lineage.prompts,
        "steps": [
            {
                **vars(step),
                "made_from": list(step.made_from),
                "makes": [about(lineage.made[path]) for path in step.makes],
            }
            for step in lineage.steps
        ],
        "differences": [vars(difference) for difference in lineage.differences],
    }


def tree(lineage: Lineage) -> Tree:
    """The ancestry for a terminal: every step with what it was made from and what it made."""
    folders = {made.fingerprint: path for path, made in lineage.made.items() if made.kind == "model"}
    top = Tree(Text(f"{lineage.target}  {_short_hash(lineage.made[lineage.target])}", "bold"))
    for step in lineage.steps:
        inputs = ", ".join(path.removeprefix("data/").removesuffix(".parquet") for path in step.made_from)
        branch = top.add(Text.assemble((step.stage, "bold"), f"  from {inputs}" if inputs else ""))
        for path in step.makes:
            made = lineage.made[path]
            rows = f"{made.rows:,} {made.table} rows  " if made.rows is not None else ""
            authors = ", ".join(folders.get(author, author) for author in made.by)
            by = f"  by {authors} with {', '.join(made.prompts)}" if authors else ""
            branch.add(Text(f"{path}  {rows}{_short_hash(made)}{by}" if made.there else f"{path}  missing"))
    return top


def closing(lineage: Lineage) -> Iterator[str]:
    """The lines below the tree: packages, prompts, commit, and what no longer matches."""
    packages = (f"{name} {' and '.join(versions)}" for name, versions in lineage.packages.items())
    yield f"packages  {', '.join(packages) or 'not recorded'}"
    yield f"prompts   {', '.join(lineage.prompts) or 'none'}"
    commit = f"{lineage.commit.lock[:SHORT]} has this dvc.lock" if lineage.commit.lock else "dvc.lock is not in git"
    yield f"commit    {commit}{'' if lineage.commit.clean else ', with changes that are not committed'}"
    if not lineage.differences:
        yield "matches   every file is as it was recorded"
    by_path: dict[str, tuple[str, list[str]]] = {}
    for difference in lineage.differences:
        by_path.setdefault(difference.path, (difference.what, []))[1].append(difference.by)
    for path, (what, by) in by_path.items():
        stages = [name.removeprefix("dvc.lock (").removesuffix(")") for name in by if name.startswith("dvc.lock (")]
        others = [name for name in by if not name.startswith("dvc.lock (")]
        parts = []
        for opening, recorders in (("dvc.lock: ", stages), ("", others)):
            if recorders:
                more = f" and {len(recorders) - SHOWN_RECORDERS} more" if len(recorders) > SHOWN_RECORDERS else ""
                parts.append(f"{opening}{', '.join(recorders[:SHOWN_RECORDERS])}{more}")
        yield f"{what:12} {path}  (by {'; '.join(parts)})"


def dot(lineage: Lineage) -> str:
    """The ancestry as a graph in Graphviz's language: what was made from what; what no longer matches is dashed."""
    differ = {difference.path for difference in lineage.differences}
    lines = ["digraph lineage {", "  rankdir=LR;", '  node [fontname="sans-serif"];']
    for path, made in lineage.made.items():
        detail = f"{made.rows:,} rows" if made.rows is not None else _short_hash(made)
        style = ", style=dashed" if path in differ or not made.there else ""
        lines.append(f"  {_quoted(path)} [shape={_SHAPES[made.kind]}, label={_quoted(path, detail)}{style}];")
    edges = ((source, path, step.stage) for step in lineage.steps for path in step.makes for source in step.made_from)
    lines += [f"  {_quoted(source)} -> {_quoted(path)} [tooltip={_quoted(stage)}];" for source, path, stage in edges]
    return "\n".join([*lines, "}"])


def _short_hash(made: Ancestor) -> str:
    return str((made.fingerprint if made.kind == "model" else None) or made.hash or "missing")[:SHORT]


def _quoted(*lines: str) -> str:
    escaped = (line.replace("\\", "\\\\").replace('"', '\\"') for line in lines)
    return '"' + "\\n".join(escaped) + '"'
