"""Commands by which a person has a say in what is trained on: decisions about single paths."""

import argparse
import sys
from pathlib import Path

from mathse.commands.command import argument, command, one_of

LARGEST_TEXT = 400_000
"""Bytes of a correction that is read from a file."""
SAYINGS = ("bad", "good", "fixed", "note")


@command(
    "say that a path is bad or good, or how it should read",
    "bad: the next mixes leave it out. good: kept in mind, for mixes and exports that ask. fixed: the text of --text\n"
    "or --file becomes a path of its own, judged like any other, in place of the old one. note: changes nothing.\n"
    "undo takes back what counts of a path; list prints what counts of all. Kept in data/curation.jsonl.",
    'mathse tag bad 0a51 7be2 --note "reads 8 as 3"',
    argument("what", choices=(*SAYINGS, "undo", "list"), help="what to say, or undo, or list"),
    argument("ids", metavar="PATH", nargs="*", help="ids of paths, or the first digits of them"),
    argument("--note", default="", help="why"),
    one_of(
        argument("--text", default="", help="of fixed: how the path should read"),
        argument("--file", type=Path, help="of fixed: a file that says how; - is the standard input"),
    ),
    argument("--who", metavar="NAME", help="who says it (default: git's user.name)"),
)
def tag(arguments: argparse.Namespace) -> None:
    from mathse.look import tags
    from mathse.tables.schemas import Tag

    what, root = arguments.what, arguments.root
    if what not in SAYINGS and (arguments.note or arguments.text or arguments.file):
        raise tags.TagError(f"{what}: takes no --note, --text or --file")
    if what == "list":
        if arguments.ids:
            raise tags.TagError("list: takes no ids; it prints what counts of every path")
        print("\n".join(tags.lines(root)) or "nothing was said of any path yet")
        return
    if not arguments.ids:
        raise tags.TagError(f"{what}: name a path, by the first digits of its id")
    who = tags.name_of(root, arguments.who)
    if what == "undo":
        print(*(f"undone: {tags.line(decision)}" for decision in tags.undo(root, arguments.ids, who)), sep="\n")
        return
    text = arguments.text if arguments.file is None else _read(arguments.file)
    taken = tags.tag(root, arguments.ids, Tag(what), who, arguments.note, text)
    print(*map(tags.line, taken), sep="\n")


def _read(file: Path) -> str:
    """The correction in a file.

    Raises:
        TagError: It cannot be read, or is no text of a path's size.
    """
    from mathse.look.tags import TagError

    try:
        if file.name == "-":
            content = sys.stdin.buffer.read(LARGEST_TEXT + 1)
        else:
            with file.open("rb") as opened:
                content = opened.read(LARGEST_TEXT + 1)
        text = content.decode("utf-8").rstrip("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise TagError(f"--file {file}: cannot be read ({error})") from error
    if len(content) > LARGEST_TEXT:
        raise TagError(f"--file {file}: larger than {LARGEST_TEXT:,} bytes")
    return text
