"""Commands to look at a run: its problems and paths, what exists, its tables in SQL, its results, in the browser."""

import argparse
from pathlib import Path
from typing import Any

from mathse.commands.command import argument, command, count, one_of

LAST_PORT = 65535
INTERRUPTED = "Query interrupted"
"""What DuckDB makes of a Ctrl-C that comes while it works."""


ANY_ID = "of a problem or path, the row_hash of any row of one, or a benchmark's item as mathvista/17"


@command(
    "show a problem with all its paths and verdicts",
    "Of another row the problem that it belongs to, the row marked by >. Images are saved as files whose names are\n"
    "printed; each reflection stands below the path it corrects.",
    "mathse show 4988",
    argument("row", metavar="ID", help=f"an id, or the first digits of it: {ANY_ID}"),
    argument("--image-dir", type=Path, help="where images are saved (default: .mathse/images)"),
)
def show(arguments: argparse.Namespace) -> None:
    import sys

    from mathse import layout, terminal
    from mathse.look.show import tell

    images = arguments.image_dir or arguments.root / layout.STATE / "images"
    print(tell(arguments.root, arguments.row, images, terminal.width() if sys.stdout.isatty() else None))


@command(
    "say what exists: tables, models, accuracies, partial work",
    "With --dvc also what `dvc repro` would run again.",
    "mathse status --dvc",
    argument("--dvc", action="store_true", help="also ask DVC what is out of date (slower)"),
)
def status(arguments: argparse.Namespace) -> None:
    from mathse.look.status import describe

    print(describe(arguments.root, dvc=arguments.dvc))


def _sql(parser: Any) -> None:
    """A statement, or the file that has it."""
    group = parser.add_mutually_exclusive_group(required=True)
    group.add_argument("sql", metavar="SQL", nargs="?", help="one statement")
    group.add_argument("-f", "--file", metavar="FILE.sql", type=Path, help="a file with one statement")


@command(
    "ask the tables in SQL (DuckDB)",
    "Every table is a view: problems, images, paths, verdicts, predictions, mix_0, paths_1, ...;\n"
    "`mathse query 'show tables'` lists them. Reading only. Rows that are too wide for the terminal are printed one\n"
    "below the other.",
    'mathse query "select kind, round, count(*) from paths group by all order by all"\n'
    "  mathse query -f mine.sql --csv",
    _sql,
    one_of(
        argument("--csv", action="store_true", help="as CSV with a header"),
        argument("--json", action="store_true", help="as JSON, one object per line"),
    ),
    argument("--limit", type=count, metavar="N", help="print the first N rows only (tables: 100)"),
)
def query(arguments: argparse.Namespace) -> None:
    from mathse.look import query

    writer = query.as_csv if arguments.csv else query.as_json if arguments.json else query.as_table
    sql = arguments.sql if arguments.file is None else query.statement(arguments.file)
    query.query(arguments.root, sql, writer, arguments.limit)


@command(
    "print the table of the loop: accuracy by stage with its interval",
    "Read from reports/metrics, mixes and training; plots and pages lie in reports/. Seconds are shown\n"
    "of what ran on this machine; results of weights that are not here are marked. With --docs, the numbers in\n"
    "README.md and docs/RESULTS.md are written anew.",
    "mathse report",
    argument("--docs", action="store_true", help="write the tables of README.md and docs/RESULTS.md from the reports"),
)
def report(arguments: argparse.Namespace) -> None:
    from mathse import terminal
    from mathse.look import measured
    from mathse.report import results

    if arguments.docs:
        print("\n".join(map(str, results.write(arguments.root))) or "the pages are as the reports are")
        return
    print(*measured.lines(arguments.root, terminal.width()), sep="\n")


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
    "lets you tag paths, note why and correct them: data/curation.jsonl has it, a line per decision.",
    "mathse view --edit\n  mathse view 40b7\n  mathse view shared/algebra",
    argument(
        "what",
        metavar="ID|DIR",
        nargs="?",
        help=f"begin at an id, or the first digits of it: {ANY_ID}; or show another project, or a folder that "
        "`mathse export` wrote",
    ),
    argument(
        "--port",
        type=_port,
        default=0,
        help="such as for a tunnel (default: any free one; browsers store tokens and drafts by port)",
    ),
    argument("--edit", action="store_true", help="decide on paths: bad, good, a note, a correction"),
    argument("--who", metavar="NAME", help="who decides (default: git's user.name)"),
    argument("--no-browser", action="store_true", help="only print the address"),
)
def view(arguments: argparse.Namespace) -> None:
    import logging
    import sys

    from mathse import terminal
    from mathse.errors import UserError
    from mathse.look import ids
    from mathse.look.tags import name_of
    from mathse.view import server

    if arguments.who and not arguments.edit:
        raise UserError("--who names the person who decides, and without --edit nobody does; add --edit")
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=terminal.shown(sys.stderr))
    who = name_of(arguments.root, arguments.who) if arguments.edit else None
    what: str | None = arguments.what
    root, page = arguments.root, "/"
    if what and Path(what).is_dir():
        root = Path(what)
    elif what:
        page = ids.lookup(root, what).page
    try:
        server.serve(root, arguments.port, not arguments.no_browser, who, page)
    except KeyboardInterrupt:
        pass  # how it is meant to end
    except RuntimeError as error:
        if str(error) != INTERRUPTED:
            raise
