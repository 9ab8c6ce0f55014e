"""Commands to look at a run: its problems and paths, what exists, its tables in SQL, its results, its figures."""

import argparse
from pathlib import Path

from mathse.commands.command import Commands, command, count


def add_show(commands: Commands) -> None:
    parser = command(
        commands,
        _show,
        "show a problem with all its paths and verdicts",
        "Its images are saved as files whose names are printed; each reflection stands below the path it corrects.",
        "mathse show 3fa1",
    )
    parser.add_argument("problem", metavar="PROBLEM", help="its id, or the first digits of it")
    parser.add_argument("--image-dir", type=Path, help="where images are saved (default: .mathse/images)")


def _show(arguments: argparse.Namespace) -> None:
    from mathse import layout
    from mathse.look.show import tell

    print(tell(arguments.root, arguments.problem, arguments.image_dir or arguments.root / layout.STATE / "images"))


def add_status(commands: Commands) -> None:
    parser = command(
        commands,
        _status,
        "say what exists: tables, models, accuracies, partial work",
        "With --dvc also what `dvc repro` would run again.",
        "mathse status --dvc",
    )
    parser.add_argument("--dvc", action="store_true", help="also ask DVC what is out of date (slower)")


def _status(arguments: argparse.Namespace) -> None:
    from mathse.look.status import describe

    print(describe(arguments.root, dvc=arguments.dvc))


def add_query(commands: Commands) -> None:
    parser = command(
        commands,
        _query,
        "ask the tables in SQL (DuckDB)",
        "Every table is a view: problems, images, paths, verdicts, predictions, mix_0, paths_1, ...;\n"
        "`mathse query 'show tables'` lists them. Reading only.",
        'mathse query "select kind, round, count(*) from paths group by all order by all"',
    )
    parser.add_argument("sql", metavar="SQL", help="one statement")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--csv", action="store_true", help="as CSV with a header")
    form.add_argument("--json", action="store_true", help="as JSON, one object per line")
    parser.add_argument("--limit", type=count, metavar="N", help="print the first N rows only (tables: 100)")


def _query(arguments: argparse.Namespace) -> None:
    from mathse.look import query

    writer = query.as_csv if arguments.csv else query.as_json if arguments.json else query.as_table
    query.query(arguments.root, arguments.sql, writer, arguments.limit)


def add_report(commands: Commands) -> None:
    command(
        commands,
        _report,
        "print the table of the loop: accuracy by stage with its interval",
        "Read from reports/metrics, mixes and training; plots and pages lie in reports/. Seconds are shown\n"
        "of what ran on this machine.",
        "mathse report",
    )


def _report(arguments: argparse.Namespace) -> None:
    from rich.console import Console

    from mathse import params
    from mathse.look import status
    from mathse.report import benchmarks, table

    console = Console(highlight=False)
    models = table.load(arguments.root)
    console.print(table.terminal(models))
    console.print(table.orm_lines(table.load_orms(arguments.root)))
    if public := benchmarks.terminal(models):
        console.print("", public, *benchmarks.notes(models), sep="\n")
    for line in status.timings(arguments.root, params.load(arguments.root / params.PARAMS)):
        console.print(line, soft_wrap=True)


def add_sheet(commands: Commands) -> None:
    parser = command(
        commands,
        _sheet,
        "draw a contact sheet: sample problems of every figure family",
        "One picture with questions and answers, to judge whether a person finds them clear: the run's own problems,\n"
        "or figures drawn now where there are none yet.",
        "mathse sheet sheet.png",
    )
    parser.add_argument("file", metavar="FILE", type=Path, help="the PNG to write")


def _sheet(arguments: argparse.Namespace) -> None:
    from mathse.sources.report import samples
    from mathse.synthetic.sheet import contact_sheet

    contact_sheet(*samples(arguments.root), arguments.file)
    print(arguments.file)
