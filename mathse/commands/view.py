"""The command that shows a run in the browser."""

import argparse

from mathse.commands.command import Commands, command, count

PORT = 8377
LAST_PORT = 65535
INTERRUPTED = "Query interrupted"
"""What DuckDB makes of a Ctrl-C that comes while it works."""


def add_view(commands: Commands) -> None:
    parser = command(
        commands,
        _view,
        "look at a run in the browser: problems, paths, verdicts, what changed",
        "Serves pages to this machine alone, read-only, at the printed address; Ctrl-C ends it. The first start after\n"
        "tables have changed builds an index in .mathse/view (some minutes for ten million paths).",
        "mathse view --no-browser",
    )
    parser.add_argument("--port", type=_port, default=PORT, help=f"default {PORT}; 0: any free one")
    parser.add_argument("--no-browser", action="store_true", help="only print the address")


def _view(arguments: argparse.Namespace) -> None:
    import logging

    from mathse.view import server

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        server.serve(arguments.root, arguments.port, browser=not arguments.no_browser)
    except KeyboardInterrupt:
        pass  # how it is meant to end
    except RuntimeError as error:
        if str(error) != INTERRUPTED:
            raise


def _port(text: str) -> int:
    if (number := count(text)) > LAST_PORT:
        raise argparse.ArgumentTypeError(f"must be at most {LAST_PORT}; found {text}")
    return number
