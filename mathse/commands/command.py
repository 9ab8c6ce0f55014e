"""What every command of `mathse` is made of.

A module of this package holds commands of one purpose; each is a function `add_NAME` that declares it and a handler
`_NAME` that carries it out. Declaring imports nothing heavy, so that `mathse --help` answers at once; the handler
imports what it needs.
"""

import argparse
from collections.abc import Callable
from typing import TypeAlias

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
Handler = Callable[[argparse.Namespace], None]


def command(commands: Commands, run: Handler, summary: str, more: str, example: str) -> argparse.ArgumentParser:
    """Add the command that `run` (named `_show`, `_status`, ...) carries out.

    Args:
        run: Its handler; the name without the underscore is the command's.
        summary: One line, without a capital letter or full stop: the command in the list of all.
        more: What its own help says below the summary.
    """
    parser = commands.add_parser(
        run.__name__.removeprefix("_"),
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.\n{more}",
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    return parser


def count(text: str) -> int:
    """An argument that counts: a whole number, 0 or more."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"must be a whole number, 0 or more; found {text!r}")
    return int(text)
