"""Commands that share data sets: export a mix for others, import theirs."""

import argparse
from pathlib import Path

from mathse.commands.command import argument, command
from mathse.terminal import complain


@command(
    "write a mix into a folder that others can train on",
    "Parquet with images, a dataset card, lineage and checksums; load_dataset, TRL, LLaMA-Factory and ms-swift\n"
    "open it. Rows whose licence does not allow sharing and training are left out and listed.",
    "mathse export mix@2 shared/mix-2",
    argument("mix", metavar="MIX", help="mix@2, 2, final, orm, or a file of data/mix"),
    argument("folder", metavar="DIR", type=Path, help="made; an earlier export in it is replaced"),
    argument("--sql", help="only rows whose path_id this query returns, over the views of `mathse query`"),
    argument(
        "--tag",
        choices=("good", "fixed", "note"),
        help="only paths tagged so; of fixed, their corrections",
    ),
    argument(
        "--include-unshareable", action="store_true", help="also rows whose licence forbids it: for yourself alone"
    ),
    argument("--push-to-hub", metavar="OWNER/NAME", help="also commit it to the Hugging Face hub"),
    argument(
        "--private",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="whether a repository made on the hub is private (default: it is)",
    ),
)
def export(arguments: argparse.Namespace) -> None:
    from mathse.share import export, hub
    from mathse.share.selection import Selection
    from mathse.tables.schemas import Tag

    if arguments.push_to_hub:
        hub.require_name(arguments.push_to_hub)
    selection = Selection(arguments.sql, Tag(arguments.tag) if arguments.tag else None)
    counts = export.export(
        arguments.root, arguments.mix, arguments.folder, arguments.include_unshareable, selection=selection
    )
    print(counts.summary(arguments.folder))
    if counts.unshareable:
        complain(counts.warning())
    if arguments.push_to_hub:
        print(hub.push(arguments.folder, arguments.push_to_hub, arguments.private))


@command(
    "take in what somebody exported or corrected",
    "Checksums, columns, ids and images are checked; rows that cannot be used are listed with their reason. Of a\n"
    "folder whose paths are all this project's the corrections go to data/curation.jsonl. Any other becomes a source\n"
    "of problems and paths: a copy below data/sources, and what to add to params.yaml is printed.",
    "mathse import ../theirs/mix-2 --name theirs",
    argument("folder", metavar="DIR", type=Path, help="a folder that `mathse export` wrote"),
    argument("--name", help="of the source here (default: made of the folder's name); always one with it"),
)
def import_(arguments: argparse.Namespace) -> None:
    from mathse.share.importing import import_folder
    from mathse.share.returning import returned

    back = returned(arguments.root, arguments.folder) if arguments.name is None else None
    print((back or import_folder(arguments.root, arguments.folder, arguments.name)).summary())


@command(
    "make an export that was edited whole again",
    "A row whose text was changed (in `completion`, `text` or `conversations`) becomes two: the path as it was, and a\n"
    "correction of it by you. Card, lineage and SHA256SUMS are written anew; what cannot be used is listed.",
    "mathse seal shared/mix-2",
    argument("folder", metavar="DIR", type=Path, help="a folder that `mathse export` wrote and somebody edited"),
    argument("--who", metavar="NAME", help="who edited it (default: git's user.name)"),
)
def seal(arguments: argparse.Namespace) -> None:
    from mathse.look.tags import name_of
    from mathse.share.sealing import seal

    print(seal(arguments.folder, name_of(arguments.root, arguments.who)).summary())
