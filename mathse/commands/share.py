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

    if arguments.push_to_hub:
        hub.require_name(arguments.push_to_hub)
    counts = export.export(arguments.root, arguments.mix, arguments.folder, arguments.include_unshareable)
    print(counts.summary(arguments.folder))
    if counts.unshareable:
        complain(counts.warning())
    if arguments.push_to_hub:
        print(hub.push(arguments.folder, arguments.push_to_hub, arguments.private))


@command(
    "take in what somebody exported, as a source of problems and paths",
    "Checksums, columns, ids and images are checked; rows that cannot be used are listed with their reason. The\n"
    "copy lies below data/sources, and what to add to params.yaml is printed.",
    "mathse import ../theirs/mix-2 --name theirs",
    argument("folder", metavar="DIR", type=Path, help="a folder that `mathse export` wrote"),
    argument("--name", help="of the source here (default: made of the folder's name)"),
)
def import_(arguments: argparse.Namespace) -> None:
    from mathse.share.importing import import_folder

    print(import_folder(arguments.root, arguments.folder, arguments.name).summary())
