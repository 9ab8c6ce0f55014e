"""Commands that compare: two versions of a dataset, row by row."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from mathse.commands.command import Commands, command, count

if TYPE_CHECKING:
    from mathse.diff.names import Dataset


def add_diff(commands: Commands) -> None:
    parser = command(
        commands,
        _diff,
        "compare two datasets row by row",
        "Rows are matched by key: which came, went, changed and in what, and what that means for this table.\n"
        "A dataset is named mix@1, mix@final, mix@orm, paths@1, verdicts@2, predictions@0, problems, ...;\n"
        "a view of `mathse query`; a Parquet file; or one elsewhere: ../clone:mix@1, https://host/project.git:mix@1.\n"
        "A step's name alone (0, 1, final) stands for its paths, verdicts, mix and predictions.\n"
        "One name with --rev or --repo compares the dataset there with what lies here now.",
        "mathse diff mix@1 mix@2\n  mathse diff mix@final --rev HEAD~3\n"
        "  mathse diff verdicts@1 --repo ../clone --sql \"old_status = 'WRONG' and new_status = 'CORRECT'\"",
    )
    parser.add_argument("old", metavar="A", help="the earlier dataset")
    parser.add_argument("new", metavar="B", nargs="?", help="the later one (default: A as it is here and now)")
    parser.add_argument("--rev", "--rev-a", metavar="REVISION", help="A as it was at this git revision")
    parser.add_argument("--rev-b", metavar="REVISION", help="B as it was at this git revision")
    parser.add_argument("--repo", metavar="PLACE", help="A of another project: its folder or git URL")
    parser.add_argument("--key", metavar="COLUMN", action="append", help="a column that identifies a row (repeatable)")
    parser.add_argument("--columns", metavar="NAMES", help="compare only these columns, with commas between them")
    parser.add_argument(
        "--sql", metavar="CONDITION", default="", help="describe only the changes that meet a condition"
    )
    parser.add_argument("--limit", type=count, metavar="N", default=3, help="rows shown of each kind (default: 3)")
    parser.add_argument("--counts", action="store_true", help="the numbers of rows alone, from stored hashes")
    parser.add_argument("--verify", action="store_true", help="compare all values; do not trust stored hashes")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--markdown", action="store_true", help="print Markdown, for a pull request")
    form.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--parquet", metavar="FILE", type=Path, help="save the changes: key, old and new values, hashes"
    )


def _diff(arguments: argparse.Namespace) -> None:
    import tempfile

    from mathse.diff import printing
    from mathse.diff.compare import compare
    from mathse.diff.document import Options

    options = Options(
        key=tuple(arguments.key or ()),
        columns=tuple(name.strip() for name in (arguments.columns or "").split(",") if name.strip()),
        condition=arguments.sql,
        limit=arguments.limit,
        counts_only=arguments.counts,
        verify=arguments.verify,
        saved=arguments.parquet,
    )
    with tempfile.TemporaryDirectory(prefix="mathse-diff-") as scratch:
        documents = [compare(old, new, options, Path(scratch)) for old, new in _pairs(arguments, Path(scratch))]
    form = printing.as_markdown if arguments.markdown else printing.as_json if arguments.json else printing.as_text
    form(documents)


def _pairs(arguments: argparse.Namespace, scratch: Path) -> "list[tuple[Dataset, Dataset]]":
    """The datasets that are compared: two, or those of two steps."""
    from mathse.diff.names import Origin, find, members
    from mathse.errors import UserError
    from mathse.report import names

    if arguments.new is None and not (arguments.rev or arguments.repo or ":" in arguments.old):
        raise UserError(
            f"{arguments.old}: compared with what? Name a second dataset, or --rev REVISION, or --repo PLACE"
        )
    known = names.of(arguments.root)
    old, new = members(arguments.old, known), members(arguments.new or arguments.old.rpartition(":")[2], known)
    kinds = [kind for kind in old if kind in new]
    if not kinds:
        raise UserError(f"{arguments.old}, {arguments.new}: a whole step is compared with another whole step only")
    if len(kinds) > 1 and arguments.parquet:
        raise UserError(f"--parquet saves the changes of one dataset; name it, such as mix@{arguments.old}")
    there = Origin(arguments.root, arguments.repo, arguments.rev)
    here = Origin(arguments.root, None, arguments.rev_b)
    return [(find(old[kind], there, scratch), find(new[kind], here, scratch)) for kind in kinds]
