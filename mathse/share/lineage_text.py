"""An ancestry for people: as a tree in the terminal, and as a graph for Graphviz.

models/final aa8e3619dc8c
├── problems
│   └── data/problems/problems.parquet  3,047 Problem rows  865e6af492e0
├── paths@0  from problems/problems, models/base
│   └── data/paths/0.parquet  199 Path rows  f41f2c51790e  by figure-solver with solve@1
"""

from collections.abc import Iterator

from rich.text import Text
from rich.tree import Tree

from mathse.share.ancestry import Ancestor
from mathse.share.lineage import Lineage

SHORT = 12
MOST = 4
"""How many recorders of one file are named."""
_SHAPES = {"dataset": "cylinder", "model": "box3d", "file": "note"}


def tree(found: Lineage) -> Tree:
    """The ancestry as a tree: every step with what it was made from and what it made."""
    names = _names(found)
    top = Tree(_styled(f"{found.target}  {_hash(found.made[found.target])}", "bold"))
    for step in found.steps:
        origin = f"  from {', '.join(map(_brief, step.made_from))}" if step.made_from else ""
        branch = top.add(_styled(step.stage, "bold", origin))
        for path in step.makes:
            branch.add(Text(_line(found.made[path], names)))
    return top


def closing(found: Lineage) -> Iterator[str]:
    """What is told below the tree: packages, prompts, commit, and what no longer matches."""
    packages = (f"{name} {' and '.join(versions)}" for name, versions in found.packages.items())
    yield f"packages  {', '.join(packages) or 'not recorded'}"
    yield f"prompts   {', '.join(found.prompts) or 'none'}"
    commit = f"{found.commit.lock[:SHORT]} has this dvc.lock" if found.commit.lock else "dvc.lock is not in git"
    yield f"commit    {commit}{'' if found.commit.clean else ', with changes that are not committed'}"
    if not found.differences:
        yield "matches   every file is as it was recorded"
    for path, (what, recorders) in _grouped(found).items():
        yield f"{what:12} {path}  (by {_said(recorders)})"


def dot(found: Lineage) -> str:
    """The ancestry as a graph in Graphviz's language: what was made from what; what no longer matches is dashed."""
    differ = {difference.path for difference in found.differences}
    lines = ["digraph lineage {", "  rankdir=LR;", '  node [fontname="sans-serif"];']
    for path, one in found.made.items():
        detail = f"{one.rows:,} rows" if one.rows is not None else _hash(one)
        style = ", style=dashed" if path in differ or not one.there else ""
        lines.append(f"  {_quoted(path)} [shape={_SHAPES[one.kind]}, label={_quoted(path, detail)}{style}];")
    edges = ((origin, path, step.stage) for step in found.steps for path in step.makes for origin in step.made_from)
    lines += [f"  {_quoted(origin)} -> {_quoted(path)} [tooltip={_quoted(stage)}];" for origin, path, stage in edges]
    return "\n".join([*lines, "}"])


def _line(one: Ancestor, names: dict[str, str]) -> str:
    if not one.there:
        return f"{one.path}  missing"
    about = f"{one.rows:,} {one.table} rows  " if one.rows is not None else ""
    by = f"  by {', '.join(names.get(name, name) for name in one.by)} with {', '.join(one.prompts)}" if one.by else ""
    return f"{one.path}  {about}{_hash(one)}{by}"


def _hash(one: Ancestor) -> str:
    known = (one.lineage or {}).get("model") if one.kind == "model" else one.hash
    return str(known or one.hash or "missing")[:SHORT]


def _names(found: Lineage) -> dict[str, str]:
    """Folders of models by their fingerprints."""
    return {str((one.lineage or {}).get("model")): path for path, one in found.made.items() if one.kind == "model"}


def _grouped(found: Lineage) -> dict[str, tuple[str, list[str]]]:
    grouped: dict[str, tuple[str, list[str]]] = {}
    for difference in found.differences:
        grouped.setdefault(difference.path, (difference.what, []))[1].append(difference.by)
    return grouped


def _said(recorders: list[str]) -> str:
    """Who recorded a file: `dvc.lock: mix@0, train@0; models/0/lineage.json`."""
    stages = [one.removeprefix("dvc.lock (").removesuffix(")") for one in recorders if one.startswith("dvc.lock (")]
    others = [one for one in recorders if not one.startswith("dvc.lock (")]
    listed = [_listed(names) for names in (stages, others) if names]
    return f"{'dvc.lock: ' if stages else ''}{'; '.join(listed)}"


def _listed(names: list[str]) -> str:
    return ", ".join(names[:MOST]) + (f" and {len(names) - MOST} more" if len(names) > MOST else "")


def _brief(path: str) -> str:
    """A table's path as people say it: `paths/1`."""
    return path.removeprefix("data/").removesuffix(".parquet")


def _styled(text: str, style: str, rest: str = "") -> Text:
    return Text.assemble((text, style), rest)


def _quoted(*lines: str) -> str:
    escaped = (line.replace("\\", "\\\\").replace('"', '\\"') for line in lines)
    return '"' + "\\n".join(escaped) + '"'
