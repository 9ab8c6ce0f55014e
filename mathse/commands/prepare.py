"""Commands before a run: choose params, check them, estimate what they cost."""

import argparse

from mathse.commands.command import Commands, command
from mathse.plan import options


def add_preset(commands: Commands) -> None:
    parser = command(
        commands,
        _preset,
        "put a preset in place of params.yaml",
        "It is checked first; uncommitted edits of params.yaml are not overwritten without --force.",
        "mathse preset smoke",
    )
    parser.add_argument("name", metavar="NAME", nargs="?", help="a file of presets/, without its ending")
    parser.add_argument("--list", action="store_true", help="list the presets")
    parser.add_argument("--force", action="store_true", help="overwrite uncommitted edits")


def _preset(arguments: argparse.Namespace) -> None:
    from mathse.look import preset

    if arguments.list or arguments.name is None:
        for name, summary in preset.available(arguments.root).items():
            print(f"{name:20}{summary}")
    else:
        print(preset.put(arguments.name, arguments.root, force=arguments.force))


def add_plan(commands: Commands) -> None:
    parser = command(
        commands,
        _plan,
        "estimate what a run needs before it is started",
        "Requests and training rows of every step, their tokens counted on sample problems, GPU-hours, memory, disk,\n"
        "hours and money, and all that is assumed for it.",
        "mathse plan qwen2-vl-7b --gpu-hour-price 2.5",
    )
    options.add(parser)


def _plan(arguments: argparse.Namespace) -> None:
    from mathse.plan.estimate import plan
    from mathse.plan.text import render

    estimate = plan(arguments.name, arguments.root, options.parsed(arguments))
    print(estimate.as_json() if arguments.json else render(estimate))


def add_check(commands: Commands) -> None:
    command(
        commands,
        _check,
        "check params.yaml",
        "Each unknown key, missing key and value out of bounds is named.",
        "mathse check",
    )


def _check(arguments: argparse.Namespace) -> None:
    from mathse import params

    params.load(arguments.root / params.PARAMS)
    print(f"{arguments.root / params.PARAMS}: fine")
