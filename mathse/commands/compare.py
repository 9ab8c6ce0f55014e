"""Commands that compare: what changed between two models, and two versions of a dataset row by row."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from mathse.commands.command import argument, command, count, one_of

if TYPE_CHECKING:
    from mathse.diff.names import Origin
    from mathse.look.left_out import ReasonsOf
    from mathse.look.story.document import Story


@command(
    "tell what changed in the training data between two models, and whether it helped",
    "On one screen: accuracy with its paired p-value, rows in and out by reason, problems solved, and label noise:\n"
    "rows that the ORM calls CORRECT and the rule grader does not. A step stands for its mix and its model.",
    "mathse story 1 2",
    argument("before", metavar="A", nargs="?", help="a step or a model (default: the one that B goes on from)"),
    argument("after", metavar="B", nargs="?", help="the later one (default: the last step whose mix is there)"),
    argument("--rev", metavar="REVISION", help="A as it was at this git revision (default of B: A here and now)"),
    argument("--repo", metavar="PLACE", help="A of another project: its folder or git URL"),
    one_of(
        argument("--markdown", action="store_true", help="print Markdown, for a pull request"),
        argument("--json", action="store_true", help="print JSON"),
    ),
)
def story(arguments: argparse.Namespace) -> None:
    import sys
    import tempfile

    from mathse import terminal
    from mathse.diff import printing
    from mathse.diff.names import Origin
    from mathse.look.left_out import left_out
    from mathse.look.story import text

    with tempfile.TemporaryDirectory(prefix="mathse-story-") as folder:
        there = Origin(arguments.root, arguments.repo, arguments.rev)
        document = _story(arguments.before, arguments.after, there, Path(folder), left_out)
    if arguments.json:
        print(text.as_json(document))
    elif arguments.markdown:
        sys.stdout.write(printing.story_markdown(document))
    else:
        text.show(document, terminal.console(markup=False, emoji=False))


def _story(before: str | None, after: str | None, there: "Origin", scratch: Path, reasons_of: "ReasonsOf") -> "Story":
    """The story of two steps here, or of one that is elsewhere and one that is here."""
    from mathse import params
    from mathse.diff.names import elsewhere
    from mathse.look.story.telling import between, latest, side, story

    if not (there.repo or there.revision):
        return story(there.root, before, after, reasons_of)
    settings = params.load(there.root / params.PARAMS)
    before = before or after or latest(there.root, settings)
    old = elsewhere(side(there.root, settings, before), there, scratch)
    return between(there.root, settings, old, side(there.root, settings, after or before), reasons_of)


@command(
    "compare two datasets row by row",
    "Rows are matched by key: which came, went, changed and in what, and what that means for this table.\n"
    "A dataset is named mix@1, mix@final, mix@orm, paths@1, verdicts@2, predictions@0, problems, ...;\n"
    "a view of `mathse query`; a Parquet file; or one elsewhere: ../clone:mix@1, https://host/project.git:mix@1.\n"
    "A step's name alone (0, 1, final) stands for its paths, verdicts, mix and predictions, `mathse story` first.\n"
    "One name with --rev or --repo compares the dataset there with what lies here now.",
    "mathse diff mix@1 mix@2\n  mathse diff mix@final --rev HEAD~3\n"
    "  mathse diff verdicts@1 --repo ../clone --sql \"old_status = 'WRONG' and new_status = 'CORRECT'\"",
    argument("old", metavar="A", help="the earlier dataset"),
    argument("new", metavar="B", nargs="?", help="the later one (default: A as it is here and now)"),
    argument("--rev", "--rev-a", metavar="REVISION", help="A as it was at this git revision"),
    argument("--rev-b", metavar="REVISION", help="B as it was at this git revision"),
    argument("--repo", metavar="PLACE", help="A of another project: its folder or git URL"),
    argument("--key", metavar="COLUMN", action="append", help="a column that identifies a row (repeatable)"),
    argument("--columns", metavar="NAMES", default="", help="compare only these columns, with commas between them"),
    argument("--sql", metavar="CONDITION", default="", help="describe only the changes that meet a condition"),
    argument("--limit", type=count, metavar="N", default=3, help="rows shown of each kind (default: 3)"),
    argument("--counts", action="store_true", help="the numbers of rows alone, from stored hashes"),
    argument("--verify", action="store_true", help="compare all values; do not trust stored hashes"),
    one_of(
        argument("--markdown", action="store_true", help="print Markdown, for a pull request"),
        argument("--json", action="store_true", help="print JSON"),
    ),
    argument("--parquet", metavar="FILE", type=Path, help="save the changes: key, old and new values, hashes"),
)
def diff(arguments: argparse.Namespace) -> None:
    import tempfile
    from contextlib import suppress
    from dataclasses import replace
    from functools import cache

    from mathse.diff import printing
    from mathse.diff.compare import compare
    from mathse.diff.document import Options
    from mathse.diff.names import Origin, find, members
    from mathse.errors import UserError
    from mathse.look.left_out import left_out
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
    options = Options(
        key=tuple(arguments.key or ()),
        columns=tuple(name.strip() for name in arguments.columns.split(",") if name.strip()),
        condition=arguments.sql,
        limit=arguments.limit,
        counts_only=arguments.counts,
        verify=arguments.verify,
        saved=arguments.parquet,
    )
    reasons_of = cache(left_out)  # tables and story ask about the same mixes
    there = Origin(arguments.root, arguments.repo, arguments.rev)
    here = Origin(arguments.root, None, arguments.rev_b)
    with tempfile.TemporaryDirectory(prefix="mathse-diff-") as folder:
        scratch = Path(folder)
        pairs = [(find(old[kind], there, scratch), find(new[kind], here, scratch)) for kind in kinds]
        documents = [compare(*pair, options, scratch, reasons_of) for pair in pairs]
        opening = None
        # Conditions and columns choose among rows; the story is about all of them, and about what lies here now.
        is_partial = arguments.sql or arguments.columns or arguments.counts or arguments.json
        if len(kinds) > 1 and not (is_partial or arguments.rev_b or ":" in (arguments.new or "")):
            repo, _, step = arguments.old.rpartition(":")
            with suppress(UserError):  # such as params.yaml without these steps: tables are compared all the same
                opening = _story(step, arguments.new, replace(there, repo=repo or there.repo), scratch, reasons_of)
    form = printing.as_markdown if arguments.markdown else printing.as_json if arguments.json else printing.as_text
    form(documents, opening)
