"""The command that runs the paper's experiments, and a user's own."""

import argparse

from mathse.commands.command import argument, command, count, one_of


def _seeds(text: str) -> int:
    if (number := count(text)) == 0:
        raise argparse.ArgumentTypeError("must be 1 or more; found '0'")
    return number


@command(
    "run an experiment: variants of the run, compared on several seeds",
    "Without a name it lists the experiments. An experiment is a YAML file of mathse/ablate/experiments, or one of\n"
    "your own: a question, and variants, each with the params that it changes. Every variant is run with every seed\n"
    "in a clone under .mathse/ablate: what runs have in common is taken from DVC's run cache, and your own files stay\n"
    "as they are. The first seed is that of params.yaml.\n"
    "\n"
    "Kill it at any time; the same command goes on, and nothing that was finished runs again. Results are kept in\n"
    "reports/ablations/NAME.json, problem by problem, and every run is an experiment of DVC (`dvc exp show`).\n"
    "What it would take, before it is run: `mathse plan --ablate NAME PRESET`.",
    "mathse ablate table3 --seeds 3\n  mathse ablate table3 --only none\n  mathse ablate table3 --show\n"
    "  mathse ablate my_experiment.yaml",
    argument("name", metavar="NAME", nargs="?", help="an experiment, or a YAML file; default: list them"),
    argument("--seeds", type=_seeds, metavar="N", default=3, help="so many seeds (default: 3)"),
    one_of(
        argument("--only", metavar="VARIANT", help="run this variant alone"),
        argument("--show", action="store_true", help="run nothing, print what is recorded"),
        argument("--json", action="store_true", help="run nothing, print the comparison as JSON"),
    ),
)
def ablate(arguments: argparse.Namespace) -> None:
    import json
    from functools import partial

    from mathse import params
    from mathse.ablate import experiment, run, text
    from mathse.errors import UserError
    from mathse.report import ablations

    if arguments.name is None:
        print(text.listed(experiment.shipped()))
        return
    name, chosen = experiment.find(arguments.name)
    first = params.load(arguments.root / params.PARAMS).seed
    seeds = range(first, first + arguments.seeds)
    if arguments.show or arguments.json:
        if (known := ablations.load(ablations.path(arguments.root, name))) is None:
            raise UserError(f"{name}: nothing is recorded yet; `mathse ablate {arguments.name}` runs it")
        if arguments.json:
            print(json.dumps([row.model_dump() for row in known.comparison], indent=2))
        else:
            print(text.render(chosen, known, seeds))
        return
    ablation = run.opened(arguments.root, name, chosen, partial(print, flush=True))
    made = ablation.run(list(seeds), arguments.only)
    ran, cached = len(ablation.stages.ran), len(ablation.stages.cached)
    print(f"\n{ran} stages run, {cached} taken from the run cache\n\n{text.render(chosen, made, seeds)}")
