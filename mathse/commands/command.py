"""What every command of `mathse` is made of.

A module of this package holds the commands of one purpose. Each is a function that carries the command out, below a
declaration of what its help says and which arguments it takes. Declaring imports nothing heavy, so that `mathse --help`
answers at once; the function imports what it needs.

    @command("show a problem with all its paths", "Its images are saved as files.", "mathse show 3fa1", argument("id"))
    def show(arguments: argparse.Namespace) -> None: ...
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
Handler = Callable[[argparse.Namespace], None]
Argument = Callable[[Any], object]
"""Adds one argument, or several, to a parser or to a group of one."""


@dataclass(frozen=True)
class Command:
    """A command: what carries it out, its help (`command`) and its arguments."""

    run: Handler
    summary: str
    more: str
    example: str
    arguments: tuple[Argument, ...]

    def add(self, commands: Commands) -> None:
        """Add it; it is called as its function."""
        parser = commands.add_parser(
            self.run.__name__.rstrip("_"),
            help=self.summary,
            description=f"{self.summary[0].upper()}{self.summary[1:]}.\n{self.more}",
            epilog=f"example:\n  {self.example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        for add in self.arguments:
            add(parser)
        parser.set_defaults(run=self.run)


def command(summary: str, more: str, example: str, *arguments: Argument) -> Callable[[Handler], Command]:
    """Make a function a command.

    Args:
        summary: One line, without a capital letter or full stop: the command in the list of all.
        more: What its own help says below the summary.
    """
    return lambda run: Command(run, summary, more, example, arguments)


def argument(*names: str, **settings: Any) -> Argument:
    """An argument, as `argparse` declares it."""
    return lambda parser: parser.add_argument(*names, **settings)


def one_of(*arguments: Argument) -> Argument:
    """Options of which one may be given."""

    def add(parser: argparse.ArgumentParser) -> None:
        group = parser.add_mutually_exclusive_group()
        for alternative in arguments:
            alternative(group)

    return add


def count(text: str) -> int:
    """An argument that counts: a whole number, 0 or more."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"must be a whole number, 0 or more; found {text!r}")
    return int(text)
