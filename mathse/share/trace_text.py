"""A trace as a tree for the terminal.

Sample:

    path 40b77e12  reflection 0, round 2, by figure-solver with reflect@1
    ├── judged CORRECT by models/orm with judge-brief@1; rule CORRECT (same value)
    ├── reconsiders path 81c0a2d4  rollout 1, round 2, by models/1 with solve-brief@1
    ├── answers problem 3fa1b2c3  figures 312, Apache-2.0, train, angles, level 2
    └── in data/mix/final.parquet
        └── trained models/final aa8e3619
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from rich.text import Text
from rich.tree import Tree

from mathse.share.trace_tables import Node

SHORT = 8
LONGEST = 200
"""Characters shown of a line."""
_FINGERPRINT = re.compile(r"[0-9a-f]{32}")


def tree(node: Node, above: Tree | None = None) -> Tree:
    """The trace as a tree; no text of a row can change how the terminal behaves."""
    label = Text.assemble((f"{node.role} " if node.role else "", "dim"), (_name(node), "bold"), _told(node))
    branch = Tree(label) if above is None else above.add(label)
    for one in node.below:
        tree(one, branch)
    return branch


def _name(node: Node) -> str:
    if node.what in ("mix", "model", "origin"):
        return _plain(node.id)
    if node.what in ("verdict", "feedback"):
        return str(node.facts["status"])
    return f"{node.what} {_plain(node.id if not node.role else node.id[:SHORT])}"


def _told(node: Node) -> str:
    said = _TOLD[node.what](node.facts)
    return f"  {said}" if said else ""


def _path(facts: Mapping[str, Any]) -> str:
    if not facts:
        return "its row is not there"
    who = f", by {_brief(facts['author'])} with {facts['prompt_id']}" if "author" in facts else ""
    place = f" {facts['sample_idx']}" if "sample_idx" in facts else ""
    return _plain(f"{facts['kind']}{place}, round {facts['round']}{who}")


def _verdict(facts: Mapping[str, Any]) -> str:
    judge = facts["judge_folder"] or _brief(facts["author"])
    where = f" at {facts['error_step']}: {facts['error_analysis']}" if facts["error_step"] else ""
    why = facts["undecided_reason"] or where.strip()
    rule = f"rule {facts['rule_status']} ({facts['rule_reason']})"
    return _plain(f"{why}{'; ' if why else ''}by {judge} with {facts['prompt_id']}; {rule}")


def _feedback(facts: Mapping[str, Any]) -> str:
    where = f"at {facts['error_step']}: {facts['error_analysis']}; " if facts["error_step"] else ""
    return _plain(f"{where}by {facts['author']} with {facts['prompt_id']}")


def _problem(facts: Mapping[str, Any]) -> str:
    if not facts:
        return "its row is not there"
    about = f"{facts['source']} {facts['source_id']}, {facts['licence']}, {facts['split']}, {facts['subject']}"
    return _plain(f"{about}, level {facts['level']}: {facts['question']}")


def _prediction(facts: Mapping[str, Any]) -> str:
    return _plain(f"{facts['status']} ({facts['reason']}), by models/{facts['model_name']} with {facts['prompt_id']}")


def _model(facts: Mapping[str, Any]) -> str:
    if not facts["there"]:
        return "not made yet"
    origin = ", ".join(facts["made_from"])
    return _plain(f"{str(facts['fingerprint'])[:SHORT]}{', from ' if origin else ''}{origin}")


def _origin(facts: Mapping[str, Any]) -> str:
    return _plain(f"{facts['licence']}, {facts['split']}")


def _brief(author: str) -> str:
    """The first digits of a fingerprint; a teacher's name as it is."""
    return author[:SHORT] if _FINGERPRINT.fullmatch(author) else author


def _plain(text: str) -> str:
    """One line without control characters, and no longer than is read at a glance."""
    line = "".join(one if one.isprintable() else " " for one in text)
    line = " ".join(line.split())
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}..."


_TOLD: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "path": _path,
    "verdict": _verdict,
    "feedback": _feedback,
    "problem": _problem,
    "prediction": _prediction,
    "model": _model,
    "origin": _origin,
    "mix": lambda _: "",
}
