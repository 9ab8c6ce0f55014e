"""Commands to curate: look at a mix's query before anything is trained on what it chooses."""

import argparse
from pathlib import Path

from mathse.commands.command import Commands, argument, command


def _setting(text: str) -> tuple[str, int | float | str]:
    name, equals, value = text.partition("=")
    if not (name.isidentifier() and equals):
        raise argparse.ArgumentTypeError(f"must be NAME=VALUE; found {text!r}")
    for number in (int, float):
        try:
            return name, number(value)
        except ValueError:
            continue
    return name, value


@command(
    "run a mix's query and say what it would change",
    "Its columns and grain, the checks of mathse/loop/checks, whether the order of rows matters, and what it\n"
    "would put in and leave out compared with `mix.query` of params.yaml. Reading only. Exit status 2 if it fails.",
    "mathse mix check my_mix.sql --step 1 --set max_per_problem=2",
    argument("file", metavar="FILE.sql", type=Path, help="the query"),
    argument("--step", "--model", metavar="STEP", help="whose mix: a step of params.yaml; default: the last"),
    argument(
        "--set", metavar="NAME=VALUE", action="append", default=[], type=_setting, help="a $parameter of the query"
    ),
    argument("--json", action="store_true", help="as JSON"),
)
def check(arguments: argparse.Namespace) -> None:
    import json

    from mathse.limits import ROOM, bounded_memory
    from mathse.look import mix_check
    from mathse.loop.mix_checks import CheckFailed

    with bounded_memory(2 * ROOM):  # three connections, and the texts that are screened
        effect = mix_check.effect(arguments.root, arguments.file, arguments.step, dict(arguments.set))
    if arguments.json:
        print(json.dumps(effect.as_dict(), ensure_ascii=False, default=str))
    else:
        print(*mix_check.lines(effect), sep="\n", flush=True)
    if effect.failed:
        raise CheckFailed(f"{arguments.file}: {', '.join(check.name for check in effect.failed)} failed")


@command("list the mixes that come with MathSE", "Name one in `mix.query`.", "mathse mix list")
def list_(_: argparse.Namespace) -> None:
    from mathse.look import mix_check

    print("\n".join(f"{file}\n    {summary}" for file, summary in mix_check.mixes()))


def add(commands: Commands) -> None:
    """Add `mix` with its own commands."""
    parser = commands.add_parser(
        "mix",
        help="check a mix's SQL before anything is trained; list the mixes that come with MathSE",
        description="A mix is one SELECT that says which paths train the next model.",
        epilog="example:\n  mathse mix check my_mix.sql --step 1 --set max_per_problem=2",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parts = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    check.add(parts)
    list_.add(parts)
