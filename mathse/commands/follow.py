"""Commands that follow data: a row up to its origin and down to what it trained, anything made back to its origins."""

import argparse
from typing import TYPE_CHECKING

from mathse.commands.command import argument, command, one_of

if TYPE_CHECKING:
    from rich.tree import Tree

WIDTH = 200
"""Of a tree that goes to a file or another program."""


@command(
    "follow a row up to its origin and down to every model it trained",
    "ID is that of a path (with every training row made of it), of a problem or of a benchmark's item (mathvista/17),\n"
    "or the row_hash of any row of one, such as a prediction's; its first digits are enough.",
    "mathse trace 40b7",
    argument("row", metavar="ID", help="an id, or the first digits of it"),
    argument("--json", action="store_true", help="as JSON, with all that the tables say"),
)
def trace(arguments: argparse.Namespace) -> None:
    import json

    from mathse.look.trace import trace, tree

    node = trace(arguments.root, arguments.row)
    if arguments.json:
        print(json.dumps(node.as_json(), indent=2, ensure_ascii=False))
    else:
        _print_tree(tree(node))


def _print_tree(tree: "Tree") -> None:
    import sys

    from mathse import terminal

    terminal.console(width=None if sys.stdout.isatty() else WIDTH).print(tree)


@command(
    "show everything that a model or table was made from, and whether it still matches",
    "Read from dvc.lock, with rows, authors and prompts of the tables that lie here; every file is compared with\n"
    "what was recorded of it. TARGET is a model (0, final, orm), a table (mix@1, paths@final) or a path of the\n"
    "project; without one it is the last model of params.yaml.",
    "mathse lineage final --check",
    argument("target", metavar="TARGET", nargs="?", help="such as 0, final, mix@1 or data/mix/1.parquet"),
    argument("--check", action="store_true", help="exit status 2 if anything is not as recorded"),
    one_of(
        argument("--json", action="store_true", help="as JSON, with params and hashes of the code"),
        argument("--dot", action="store_true", help="as a graph for Graphviz"),
        argument("--card", action="store_true", help="the model card with the run's measurements, for publishing"),
    ),
)
def lineage(arguments: argparse.Namespace) -> None:
    import json

    from mathse.look import lineage

    target = arguments.target or lineage.last_model(arguments.root)
    if arguments.card:
        from mathse.share.model_card import model_card

        print(model_card(arguments.root, target), end="")
        return
    behind = lineage.lineage(arguments.root, target)
    if arguments.json:
        print(json.dumps(lineage.as_json(behind), indent=2, ensure_ascii=False))
    elif arguments.dot:
        print(lineage.dot(behind))
    else:
        _print_tree(lineage.tree(behind))
        print(*lineage.closing(behind), sep="\n")
    if arguments.check:
        lineage.require_match(behind)
