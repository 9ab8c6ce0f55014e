"""The `mathse` command: look at the datasets, ask them, report on them, choose params.

Heavy imports happen inside the handlers, so that `mathse --help` and a typing error answer at once. An error that a
user can mend is one message on stderr and exit status 2.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path

from mathse import terminal
from mathse.commands import compare, curate, experiment, follow, look, mix, prepare, score, share
from mathse.commands.project import in_project
from mathse.errors import UserError, explained
from mathse.limits import INTERRUPTED, ending_at_interrupt

USER_ERROR, BROKEN_PIPE = 2, 141
"""Exit statuses; the last is a shell's for SIGPIPE."""

COMMANDS = (
    look.show.add,
    look.status.add,
    look.query.add,
    look.view.add,
    curate.tag.add,
    compare.story.add,
    compare.diff.add,
    follow.trace.add,
    follow.lineage.add,
    look.report.add,
    look.sheet.add,
    score.grade.add,
    score.score.add,
    mix.add,
    share.export.add,
    share.seal.add,
    share.import_.add,
    prepare.preset.add,
    prepare.plan.add,
    prepare.check.add,
    experiment.ablate.add,
)
"""In the order in which the help lists them."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: Arguments without the program's name; those of the process if None.

    Returns:
        The exit status.
    """
    arguments = _parser().parse_args(argv)
    out = sys.stdout
    try:
        with ending_at_interrupt(), in_project(arguments), redirect_stdout(terminal.shown(out)):
            arguments.run(arguments)
            out.flush()
    except UserError as error:
        terminal.complain(f"mathse: {error}")
        return USER_ERROR
    except BrokenPipeError:
        # The reader has gone; without this, Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:
        if (message := explained(error)) is None:
            raise
        terminal.complain(f"mathse: {message}")
        return USER_ERROR
    return 0


class _Version(argparse.Action):
    """Prints `mathse 0.1.0 (c1a7661)`: the commit of the code, marked `-dirty` where files differ from it."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: object, values: object, option_string: str | None = None
    ) -> None:
        from importlib.metadata import version

        from mathse.look.git import git

        folder = Path(__file__).parent
        # Installed elsewhere, the code may lie in the folder of another project.
        commit = git(folder, "ls-files", "cli.py") and git(folder, "describe", "--always", "--dirty", "--exclude=*")
        print(f"mathse {version('mathse')}{f' ({commit})' if commit else ''}")
        parser.exit()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mathse",
        description="Look at the datasets of a MathSE run, ask them questions, report on them, choose params.\n"
        "The loop itself is run by DVC: `dvc repro`.",
        epilog="mathse COMMAND --help says more, with an example.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version, with the commit, and exit")
    parser.add_argument("-C", "--root", type=Path, help="the project's root (default: here, or a folder above)")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for add in COMMANDS:
        add(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
