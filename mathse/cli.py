"""The `mathse` command: look at the datasets, ask them, report on them, choose params.

Heavy imports happen inside the handlers, so that `mathse --help` and a typing error answer at once. An error that a
user can mend is one message on stderr and exit status 2.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

from mathse.errors import UserError
from mathse.share import plan_options

USER_ERROR, INTERRUPTED, BROKEN_PIPE = 2, 130, 141
"""Exit statuses; the last two are a shell's for SIGINT and SIGPIPE."""

BENCHMARKS = ("chartqa", "mathverse", "mathvision", "mathvista")
"""The keys of `mathse.share.score.BENCHMARKS`, which is not imported for a `--help`."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: Arguments without the program's name; those of the process if None.

    Returns:
        The exit status.
    """
    arguments = _parser().parse_args(argv)
    try:
        arguments.run(arguments)
        sys.stdout.flush()
    except UserError as error:
        print(f"mathse: {error}", file=sys.stderr)
        return USER_ERROR
    except BrokenPipeError:
        # The reader has gone; without this, Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mathse",
        description="Look at the datasets of a MathSE run, ask them questions, report on them, choose params.\n"
        "The loop itself is run by DVC: `dvc repro`.",
        epilog="mathse COMMAND --help says more, with an example.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("-C", "--root", type=Path, default=Path(), help="the project's root (default: here)")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for add in (
        _add_show, _add_status, _add_query, _add_report, _add_grade, _add_score, _add_preset, _add_plan, _add_check,
        _add_sheet,
    ):  # fmt: skip
        add(commands)
    return parser


Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
Handler = Callable[[argparse.Namespace], None]


def _command(commands: Commands, run: Handler, summary: str, more: str, example: str) -> argparse.ArgumentParser:
    """Add the command that `run` (named `_show`, `_status`, ...) carries out."""
    command = commands.add_parser(
        run.__name__.removeprefix("_"),
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.\n{more}",
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(run=run)
    return command


def _add_show(commands: Commands) -> None:
    command = _command(
        commands,
        _show,
        "show a problem with all its paths and verdicts",
        "Its images are saved as files whose names are printed; each reflection stands below the path it corrects.",
        "mathse show 3fa1",
    )
    command.add_argument("problem", metavar="PROBLEM", help="its id, or the first digits of it")
    command.add_argument("--image-dir", type=Path, help="where images are saved (default: .mathse/images)")


def _show(arguments: argparse.Namespace) -> None:
    from mathse import layout
    from mathse.share.story import tell

    print(tell(arguments.root, arguments.problem, arguments.image_dir or arguments.root / layout.STATE / "images"))


def _add_status(commands: Commands) -> None:
    command = _command(
        commands,
        _status,
        "say what exists: tables, models, accuracies, partial work",
        "With --dvc also what `dvc repro` would run again.",
        "mathse status --dvc",
    )
    command.add_argument("--dvc", action="store_true", help="also ask DVC what is out of date (slower)")


def _status(arguments: argparse.Namespace) -> None:
    from mathse.share.status import describe

    print(describe(arguments.root, dvc=arguments.dvc))


def _add_query(commands: Commands) -> None:
    command = _command(
        commands,
        _query,
        "ask the tables in SQL (DuckDB)",
        "Every table is a view: problems, images, paths, verdicts, predictions, mix_0, round_1_paths, ...;\n"
        "`mathse query 'show tables'` lists them. Reading only.",
        'mathse query "select kind, round, count(*) from paths group by all order by all"',
    )
    command.add_argument("sql", metavar="SQL", help="one statement")
    form = command.add_mutually_exclusive_group()
    form.add_argument("--csv", action="store_true", help="as CSV with a header")
    form.add_argument("--json", action="store_true", help="as JSON, one object a line")
    command.add_argument("--limit", type=_count, metavar="N", help="print the first N rows only (tables: 100)")


def _count(text: str) -> int:
    """An argument that counts: a whole number, 0 or more."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"must be a whole number, 0 or more; found {text!r}")
    return int(text)


def _query(arguments: argparse.Namespace) -> None:
    from mathse.share import query

    writer = query.as_csv if arguments.csv else query.as_json if arguments.json else query.as_table
    query.ask(arguments.root, arguments.sql, writer, arguments.limit)


def _add_report(commands: Commands) -> None:
    _command(
        commands,
        _report,
        "print the table of the loop: accuracy by stage with its interval",
        "Read from reports/metrics; plots and pages lie in reports/.",
        "mathse report",
    )


def _report(arguments: argparse.Namespace) -> None:
    from rich.console import Console

    from mathse.share import table

    console = Console(highlight=False)
    console.print(table.terminal(table.load(arguments.root)))
    console.print(table.orm_line(table.load_orm(arguments.root)))


def _add_grade(commands: Commands) -> None:
    command = _command(
        commands,
        _grade,
        "grade answers by rule: JSON lines in, the same lines with their verdicts out",
        "Each line has `gold` and `answer` (a whole solution or a bare answer), and may have `choices`, `precision`\n"
        "(decimal places) and `question_type`. `verdict`, `extracted` and `reason` are added; nothing is left out.",
        "mathse grade answers.jsonl > graded.jsonl",
    )
    command.add_argument("file", metavar="FILE", nargs="?", default="-", help="the file; - or none: standard input")


def _grade(arguments: argparse.Namespace) -> None:
    from mathse.share import grade

    counts = grade.grade_file(arguments.file, sys.stdout)
    sys.stdout.flush()
    by_verdict = ", ".join(f"{number} {verdict}" for verdict, number in sorted(counts.items()))
    print(f"grade: {sum(counts.values())} lines; {by_verdict}", file=sys.stderr)


def _add_score(commands: Commands) -> None:
    command = _command(
        commands,
        _score,
        "score a model's responses to a public benchmark by its official rule",
        "RESPONSES has the benchmark's own field names, as a .json list, rows by id, or JSON lines. MathVista and\n"
        "MathVerse need an `extraction` in each row, ChartQA `label` and `prediction`, MATH-Vision `response`.",
        "mathse score mathvision responses.jsonl --problems test.jsonl",
    )
    command.add_argument("benchmark", metavar="BENCHMARK", choices=BENCHMARKS, help=", ".join(BENCHMARKS))
    command.add_argument("responses", metavar="RESPONSES", type=Path, help="the file of responses")
    command.add_argument("--problems", metavar="FILE", type=Path, help="the benchmark's problems, joined by id")
    command.add_argument("--json", action="store_true", help="the official score table as JSON")
    command.add_argument("--out", metavar="FILE", type=Path, help="write the rows with their verdicts")


def _score(arguments: argparse.Namespace) -> None:
    from mathse.share import score

    scoring = score.score(arguments.benchmark, arguments.responses, arguments.problems)
    if arguments.out:
        score.write(scoring, arguments.out)
    if arguments.json:
        print(score.as_json(scoring))
    else:
        score.show(scoring, sys.stdout)


def _add_preset(commands: Commands) -> None:
    command = _command(
        commands,
        _preset,
        "put a preset in place of params.yaml",
        "It is checked first; uncommitted edits of params.yaml are not overwritten without --force.",
        "mathse preset smoke",
    )
    command.add_argument("name", metavar="NAME", nargs="?", help="a file of presets/, without its ending")
    command.add_argument("--list", action="store_true", help="list the presets")
    command.add_argument("--force", action="store_true", help="overwrite uncommitted edits")


def _preset(arguments: argparse.Namespace) -> None:
    from mathse.share import preset

    if arguments.list or arguments.name is None:
        for name, summary in preset.available(arguments.root).items():
            print(f"{name:20}{summary}")
    else:
        print(preset.put(arguments.name, arguments.root, force=arguments.force))


def _add_plan(commands: Commands) -> None:
    command = _command(
        commands,
        _plan,
        "estimate what a run needs before it is started",
        "Requests and training rows of every step, their tokens counted on sample problems, GPU-hours, memory, disk,\n"
        "hours and money, and all that is assumed for it.",
        "mathse plan qwen2-vl-7b --gpu-hour-price 2.5",
    )
    plan_options.add(command)


def _plan(arguments: argparse.Namespace) -> None:
    from mathse.share import plan, plan_text

    made = plan.plan(arguments.name, arguments.root, plan_options.given(arguments))
    print(made.as_json() if arguments.json else plan_text.render(made))


def _add_check(commands: Commands) -> None:
    _command(
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


def _add_sheet(commands: Commands) -> None:
    command = _command(
        commands,
        _sheet,
        "draw a contact sheet: sample problems of every figure family",
        "One picture with questions and answers, to judge whether a person finds them clear: the run's own problems,\n"
        "or figures drawn now where there are none yet.",
        "mathse sheet sheet.png",
    )
    command.add_argument("file", metavar="FILE", type=Path, help="the PNG to write")


def _sheet(arguments: argparse.Namespace) -> None:
    from mathse.share import samples
    from mathse.synthetic.sheet import contact_sheet

    contact_sheet(*samples.of_run(arguments.root), arguments.file)
    print(arguments.file)


if __name__ == "__main__":
    sys.exit(main())
