"""Commands before a run: choose params, check them, estimate what they cost."""

import argparse

from mathse.commands.command import argument, command
from mathse.plan import options


@command(
    "put a preset in place of params.yaml",
    "It is checked first; uncommitted edits of params.yaml are not overwritten without --force.",
    "mathse preset smoke",
    argument("name", metavar="NAME", nargs="?", help="a file of presets/, without its ending"),
    argument("--list", action="store_true", help="list the presets"),
    argument("--force", action="store_true", help="overwrite uncommitted edits"),
)
def preset(arguments: argparse.Namespace) -> None:
    from mathse.look import preset

    if arguments.list or arguments.name is None:
        for name, summary in preset.available(arguments.root).items():
            print(f"{name:20}{summary}")
    else:
        print(preset.put(arguments.name, arguments.root, force=arguments.force))


@command(
    "estimate what a run needs before it is started",
    "Requests and training rows of every step, their tokens counted on sample problems, GPU-hours, memory, disk,\n"
    "hours and money, and all that is assumed for it. With --ablate the same of an experiment, variant by variant:\n"
    "what its runs have in common counts once.",
    "mathse plan qwen2-vl-7b --gpu-hour-price 2.5\n  mathse plan qwen2-vl-7b --ablate table3",
    options.add,
)
def plan(arguments: argparse.Namespace) -> None:
    from mathse import terminal
    from mathse.plan.estimate import plan
    from mathse.plan.text import render

    if arguments.ablate:
        from mathse.ablate import experiment, forecast

        name, chosen = experiment.find(arguments.ablate)
        made = forecast.forecast(
            name, chosen, arguments.name, arguments.root, options.parsed(arguments), arguments.seeds
        )
        print(made.as_json() if arguments.json else forecast.render(made))
        return
    estimate = plan(arguments.name, arguments.root, options.parsed(arguments))
    print(estimate.as_json() if arguments.json else render(estimate, terminal.width()))


@command(
    "check params.yaml, this machine, and what a run would do",
    "Each unknown key, missing key and value out of bounds is named, and each GPU, package, API key and file\n"
    "that a stage would miss; files are opened: a mix's SQL with its $parameters, and the first rows of data sets and\n"
    "benchmarks. Then it says what `dvc repro` would run, and about how long; with --what stage by stage, and why.",
    "mathse check\n  mathse check --what",
    argument("--what", action="store_true", help="list the stages that would run, each with why and its minutes"),
)
def check(arguments: argparse.Namespace) -> None:
    from mathse import params, terminal
    from mathse.errors import UserError
    from mathse.look import pending
    from mathse.plan.machine import lacking, unused
    from mathse.report import columns

    file, width = arguments.root / params.PARAMS, terminal.width()
    settings = params.load(file)
    if lacks := lacking(settings, arguments.root):
        raise UserError(f"{file}: in order, but this machine lacks what it asks for:\n  " + "\n  ".join(lacks))
    print("\n".join([f"{file}: fine", *unused(settings)]), flush=True)
    if (stages := pending.pending(arguments.root)) is None:
        return
    if arguments.what and stages:
        print("", *pending.lines(stages, width), "", sep="\n")
    print(*columns.wrapped([pending.summary(stages)], width), sep="\n")
