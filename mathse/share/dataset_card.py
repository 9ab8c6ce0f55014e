"""The card of an exported data set: what is in it, under which licences, how it was made, and how to use it."""

import json
import shlex
from collections.abc import Mapping
from typing import Any

from datasets import DatasetInfo, SplitDict, SplitInfo
from datasets.info import DatasetInfosDict
from datasets.utils.metadata import MetadataConfigs
from huggingface_hub import DatasetCardData

from mathse.share import cards
from mathse.share.columns import SharedRow, features
from mathse.share.counts import Counts
from mathse.share.provenance import public
from mathse.share.shards import SHARDS, SPLIT, Shards
from mathse.sources.licences import stated

CARD = "README.md"
_SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"))
_LONGEST = 2000
"""Characters of a text of the sample row."""
_WRITERS = {
    "distilled": "teacher: paths to solve first",
    "rollout": "round {}: the student's own paths",
    "reflection": "teacher: reflections on wrong paths",
    "edited": "people: corrections of paths",
}
"""Who writes paths of a kind, in the order of the loop."""


def render(title: str, counts: Counts, shards: Shards, lineage: Mapping[str, Any]) -> str:
    """The card's text."""
    parts = (("source", "licence"), ("kind", "round", "author", "prompt_id"), ("subject",), ("language",))
    tables = [
        cards.table([*columns, "rows"], ([*values, count] for values, count in counts.by(*columns).items()))
        for columns in parts
    ]
    described = ((name, field.description) for name, field in SharedRow.model_fields.items())
    row = counts.sample.model_dump(mode="json", exclude={"images"}) if counts.sample else {}
    cut = {name: value[:_LONGEST] if isinstance(value, str) else value for name, value in row.items()}
    # No text can break out of the fence, as no line of JSON begins with a backtick.
    sample = "````json\n" + json.dumps(cut, indent=2, ensure_ascii=False) + "\n````"
    sections = (
        ("", _opening(title, counts, lineage)),
        ("Use it", _use(title, counts)),
        ("What is in it", "\n\n".join(tables)),
        ("Licences", _licences(counts, lineage)),
        ("How it was made", _pipeline(counts)),
        ("Reproduce it", _reproduce(lineage)),
        ("Columns", cards.table(("column", "what it is"), described, code=("column",), markdown=("what it is",))),
        ("A row", sample),
    )
    return cards.card(_head(title, counts, shards), sections)


def _head(title: str, counts: Counts, shards: Shards) -> DatasetCardData:
    """The hub's metadata, with the features and splits that `datasets` reads."""
    names = sorted({cards.hub_licence(part) for spdx in counts.of("licence") for part in spdx.split(" AND ")})
    seeing = ["image-text-to-text", "visual-question-answering"] if counts.images else ["text-generation"]
    data = DatasetCardData(
        language=sorted(counts.of("language")),
        license=names[0] if len(names) == 1 else names,
        task_categories=seeing,
        size_categories=next((name for least, name in _SIZES if counts.rows < least), "n>10M"),
        annotations_creators="machine-generated",
        pretty_name=title,
        tags=["mathse", "mathematics", "reasoning", "self-training"],
    )
    if "other" in names:
        data["license_name"] = "several" if len(names) > 1 or len(counts.of("licence")) > 1 else "see-below"
        data["license_link"] = "#licences"
    info = DatasetInfo(features=features(), dataset_size=shards.in_memory, download_size=shards.on_disk)
    info.splits = SplitDict({SPLIT: SplitInfo(SPLIT, shards.in_memory, shards.rows)})
    DatasetInfosDict(default=info).to_dataset_card_data(data)
    files = [{"split": SPLIT, "path": SHARDS}]
    MetadataConfigs(default={"data_files": files}).to_dataset_card_data(data)
    return data


def _opening(title: str, counts: Counts, lineage: Mapping[str, Any]) -> str:
    verdicts = ", ".join(f"{count} judged {status}" for status, count in counts.of("verdict").items())
    part = "a part of the mix" if lineage.get("selection") else "the mix"
    judging = (
        " This is the judge's own mix: it is asked about a path (column `text`), and its completion is the verdict."
    )
    return (
        f"# {cards.plain(title)}\n\n"
        f"{counts.rows} reasoning paths to mathematics problems with {counts.images} images: {part} that trained the "
        f"model {cards.code_span(lineage['mix'])} of a [MathSE]({cards.PAPER}) run, in which a vision-language "
        f"model learns from a teacher's paths, from its own correct ones, and from reflections on the wrong ones"
        f"{f' ({verdicts})' if verdicts else ''}. Every row says who wrote it, to which prompt, what the judge said of "
        "it, and from which data set and under which licence its problem comes."
        f"{judging if lineage['trains'] == 'judge' else ''}"
    )


def _use(title: str, counts: Counts) -> str:
    return f"""```python
from datasets import load_dataset

rows = load_dataset("PATH/OR/HUB-NAME", split="{SPLIT}")
```

| trainer | columns | how |
|---|---|---|
| TRL | `prompt`, `completion`, `images` | `SFTTrainer(model, train_dataset=rows)`, `SFTConfig(max_length=None)` |
| LLaMA-Factory | `conversations`, `images` | `dataset_dir: THIS/FOLDER`, `dataset: {slug(title)}` |
| ms-swift | `conversations`, `images` | `--dataset THIS/FOLDER` |

`conversations` has one `<image>` for each image; in TRL's columns the images come before the text by themselves.
Where a text itself said `<image>`, `conversations` has `< image>`. At most {counts.most_images} images per row."""


def slug(title: str) -> str:
    """A name without signs: what LLaMA-Factory calls the data set."""
    return "".join(sign if sign.isalnum() and sign.isascii() else "_" for sign in title.lower()).strip("_") or "mathse"


def _licences(counts: Counts, lineage: Mapping[str, Any]) -> str:
    rows = [
        (source, licence, known.url if known else None, known.note if known else None)
        for source, licence in counts.by("source", "licence")
        for known in (stated(source, licence),)
    ]
    paragraphs = [
        "Each row's problem keeps the licence of its data set (column `licence`, an SPDX expression); `A AND B` means "
        "that both hold.",
        cards.table(("source", "licence", "page", "note"), rows, markdown=("licence", "page", "note")),
    ]
    if lineage["licences_overridden"]:
        paragraphs.append(
            f"> **Warning**: {counts.unshareable} rows are in here although their licence does not allow it, or is "
            "not known to. They were included on purpose; do not pass this folder on."
        )
    if counts.excluded:
        paragraphs.append(f"{counts.excluded.total()} rows were left out, listed in `excluded.jsonl`:")
        paragraphs.append(cards.table(("reason", "rows"), counts.excluded.most_common()))
    else:
        paragraphs.append("No row was left out.")
    return "\n\n".join(paragraphs)


def _pipeline(counts: Counts) -> str:
    """The loop as a picture, with the rows that each step gave to this mix."""
    order = list(_WRITERS)
    steps = sorted(counts.by("kind", "round").items(), key=lambda step: (order.index(step[0][0]), int(step[0][1])))
    lines = ["flowchart LR", '  problems[("problems with images")]', '  mix[("this mix")]']
    for number, ((kind, turn), rows) in enumerate(steps):
        lines.append(f'  problems --> s{number}["{_WRITERS[kind].format(turn)}"] -- "{rows} rows" --> mix')
    lines += ['  orm{{"ORM: judges every path"}} -.-> mix', '  mix --> model["the model it trains"]']
    return "```mermaid\n" + "\n".join(lines) + "\n```"


def _reproduce(lineage: Mapping[str, Any]) -> str:
    git, commands, paragraphs = lineage["git"], [], []
    if git:
        url = shlex.quote(public(git["url"] or "") or "REPOSITORY")
        commands.append(f"git clone {url} mathse && cd mathse")
        commands.append(f"git checkout {shlex.quote(git['commit'])}")
    if lineage["stage"]:
        stage = shlex.quote(lineage["stage"])
        commands.append(f"dvc repro {stage}      # or `dvc pull`, where its remote can be reached")
    selection = lineage.get("selection", {})
    chosen = "".join(f" --{name} {shlex.quote(selection[name])}" for name in ("sql", "tag") if name in selection)
    commands.append(f"mathse export {shlex.quote(lineage['mix'])} FOLDER{chosen}")
    paragraphs.append(cards.commands(*commands))
    if git and not git["clean"]:
        paragraphs.append("The working tree had changes that this commit does not hold.")
    if edits := lineage.get("edited"):
        people = ", ".join(f"{edit['rows']} by {edit['who']}" for edit in edits)
        paragraphs.append(
            cards.plain(f"No command repeats what people edited since, the rows of the kind edited: {people}.")
        )
    if lineage["dvc"]:
        paragraphs.append(cards.table(("file", "md5 in dvc.lock"), lineage["dvc"].items(), code=("file",)))
    paragraphs.append(
        "`lineage.json` has models, judges and prompts (with their text); `sha256sum -c SHA256SUMS` checks the files."
    )
    return "\n\n".join(paragraphs)
