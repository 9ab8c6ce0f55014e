"""Commands to look at a run: its problems and paths, what exists, its tables in SQL, its results, in the browser."""

import argparse
from pathlib import Path

from mathse.commands.command import argument, command, count, one_of

PORT = 8377
LAST_PORT = 65535
INTERRUPTED = "Query interrupted"
"""What DuckDB makes of a Ctrl-C that comes while it works."""


@command(
    "show a problem with all its paths and verdicts",
    "Its images are saved as files whose names are printed; each reflection stands below the path it corrects.",
    "mathse show 4988",
    argument("problem", metavar="PROBLEM", help="its id, or the first digits of it"),
    argument("--image-dir", type=Path, help="where images are saved (default: .mathse/images)"),
)
def show(arguments: argparse.Namespace) -> None:
    from mathse import layout
    from mathse.look.show import tell

    print(tell(arguments.root, arguments.problem, arguments.image_dir or arguments.root / layout.STATE / "images"))


@command(
    "say what exists: tables, models, accuracies, partial work",
    "With --dvc also what `dvc repro` would run again.",
    "mathse status --dvc",
    argument("--dvc", action="store_true", help="also ask DVC what is out of date (slower)"),
)
def status(arguments: argparse.Namespace) -> None:
    from mathse.look.status import describe

    print(describe(arguments.root, dvc=arguments.dvc))


@command(
    "ask the tables in SQL (DuckDB)",
    "Every table is a view: problems, images, paths, verdicts, predictions, mix_0, paths_1, ...;\n"
    "`mathse query 'show tables'` lists them. Reading only.",
    'mathse query "select kind, round, count(*) from paths group by all order by all"',
    argument("sql", metavar="SQL", help="one statement"),
    one_of(
        argument("--csv", action="store_true", help="as CSV with a header"),
        argument("--json", action="store_true", help="as JSON, one object per line"),
    ),
    argument("--limit", type=count, metavar="N", help="print the first N rows only (tables: 100)"),
)
def query(arguments: argparse.Namespace) -> None:
    from mathse.look import query

    writer = query.as_csv if arguments.csv else query.as_json if arguments.json else query.as_table
    query.query(arguments.root, arguments.sql, writer, arguments.limit)


@command(
    "print the table of the loop: accuracy by stage with its interval",
    "Read from reports/metrics, mixes and training; plots and pages lie in reports/. Seconds are shown\n"
    "of what ran on this machine. With --docs, the numbers in README.md and docs/RESULTS.md are written anew.",
    "mathse report",
    argument("--docs", action="store_true", help="write the tables of README.md and docs/RESULTS.md from the reports"),
)
def report(arguments: argparse.Namespace) -> None:
    from mathse import params, terminal
    from mathse.look import status
    from mathse.report import benchmarks, judging, names, results, table

    if arguments.docs:
        print("\n".join(map(str, results.write(arguments.root))) or "the pages are as the reports are")
        return
    console = terminal.console()
    models = table.load(arguments.root)
    console.print(table.terminal(models))
    console.print(table.orm_lines(table.load_orms(arguments.root)))
    for line in judging.lines(judging.load(arguments.root), names.of(arguments.root)):
        console.print(line, soft_wrap=True)
    if public := benchmarks.terminal(models):
        console.print("", public, *benchmarks.notes(models), sep="\n")
    for line in status.timings(arguments.root, params.load(arguments.root / params.PARAMS)):
        console.print(line, soft_wrap=True)


@command(
    "draw a contact sheet: sample problems of every figure family",
    "One picture with questions and answers, to judge whether a person finds them clear: the run's own problems,\n"
    "or figures drawn now where there are none yet.",
    "mathse sheet sheet.png",
    argument("file", metavar="FILE", type=Path, help="the PNG to write"),
)
def sheet(arguments: argparse.Namespace) -> None:
    from mathse.sources.report import samples
    from mathse.synthetic.sheet import contact_sheet

    contact_sheet(*samples(arguments.root), arguments.file)
    print(arguments.file)


def _port(text: str) -> int:
    if (number := count(text)) > LAST_PORT:
        raise argparse.ArgumentTypeError(f"must be at most {LAST_PORT}; found {text}")
    return number


@command(
    "look at a run in the browser: problems, paths, verdicts, what changed",
    "Serves pages to this machine alone at the printed address; Ctrl-C ends it. The first start after tables have\n"
    "changed builds an index in .mathse/view (some minutes for ten million paths). Read-only without --edit, which\n"
    "lets you tag paths, note why and correct them: data/curation.jsonl has it, a line per decision. With a DIR,\n"
    "another project, or a folder that `mathse export` wrote.",
    "mathse view --edit",
    argument("folder", metavar="DIR", type=Path, nargs="?", help="a project or an exported folder (default: this one)"),
    argument("--port", type=_port, default=PORT, help=f"default {PORT}; 0: any free one"),
    argument("--edit", action="store_true", help="decide on paths: bad, good, a note, a correction"),
    argument("--who", metavar="NAME", help="who decides (default: git's user.name)"),
    argument("--no-browser", action="store_true", help="only print the address"),
)
def view(arguments: argparse.Namespace) -> None:
    import logging
    import sys

    from mathse import terminal
    from mathse.look.tags import name_of
    from mathse.view import server

    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=terminal.shown(sys.stderr))
    who = name_of(arguments.root, arguments.who) if arguments.edit else None
    try:
        server.serve(arguments.folder or arguments.root, arguments.port, not arguments.no_browser, who)
    except KeyboardInterrupt:
        pass  # how it is meant to end
    except RuntimeError as error:
        if str(error) != INTERRUPTED:
            raise
