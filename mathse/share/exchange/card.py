"""The dataset card: metadata that the Hugging Face hub reads, and a page that people read.

Whatever comes from the data (names of sources, topics, a sample row) is text in it, never markup.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from datasets import DatasetInfo, SplitDict, SplitInfo
from datasets.info import DatasetInfosDict
from datasets.utils.metadata import MetadataConfigs
from huggingface_hub import DatasetCardData

from mathse.share.exchange.columns import SharedRow
from mathse.share.exchange.counts import Counts
from mathse.share.exchange.shards import FOLDER, SPLIT, Shards, features
from mathse.sources.licences import licences

CARD = "README.md"
_ON_HUB = (
    "agpl-3.0 apache-2.0 bsd-2-clause bsd-3-clause cc-by-3.0 cc-by-4.0 cc-by-nc-4.0 cc-by-nc-sa-4.0 cc-by-sa-3.0 "
    "cc-by-sa-4.0 cc0-1.0 cdla-permissive-2.0 gpl-2.0 gpl-3.0 lgpl-3.0 mit mpl-2.0 unlicense"
)
_HUB_LICENCES = frozenset(_ON_HUB.split())
_HUB_NAMES = {"odbl-1.0": "odbl", "odc-by-1.0": "odc-by", "pddl-1.0": "pddl"}
"""The hub's names of licences, where they are not SPDX's in small letters."""
_SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"))
_LONGEST = 2000
"""Characters of a text of the sample row."""


def render(title: str, counts: Counts, shards: Shards, lineage: Mapping[str, Any]) -> str:
    """The card's text.

    Args:
        title: The data set's name.
        counts: What its rows came to.
        shards: Its files.
        lineage: As `lineage.json` has it.
    """
    sections = (
        _opening(title, counts, lineage), _use(title, counts), _composition(counts), _licences(counts, lineage),
        _pipeline(counts), _reproduce(lineage), _columns(), _sample(counts),
    )  # fmt: skip
    return f"---\n{metadata(title, counts, shards).to_yaml()}\n---\n\n" + "\n\n".join(sections) + "\n"


def metadata(title: str, counts: Counts, shards: Shards) -> DatasetCardData:
    """The card's YAML."""
    names = sorted({hub_licence(part) for spdx in counts.of("licence") for part in spdx.split(" AND ")})
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
    files = [{"split": SPLIT, "path": f"{FOLDER}/{SPLIT}-*.parquet"}]
    MetadataConfigs(default={"data_files": files}).to_dataset_card_data(data)
    return data


def hub_licence(spdx: str) -> str:
    """The hub's name of a licence; `other` where it has none, `unknown` where nobody knows."""
    small = spdx.lower().removesuffix("-only").removesuffix("-or-later")
    if small == "licenseref-unknown":
        return "unknown"
    return _HUB_NAMES.get(small, small if small in _HUB_LICENCES else "other")


def text(value: object) -> str:
    """Any text as plain text within a Markdown table or line."""
    return _MARKUP.sub(lambda found: _ENTITIES.get(found[0], f"\\{found[0]}"), " ".join(str(value).split()))


_MARKUP = re.compile(r"[&<>|`*_\[\]\\$~!#]")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def _opening(title: str, counts: Counts, lineage: Mapping[str, Any]) -> str:
    judged = counts.of("verdict")
    said = ", ".join(f"{count} judged {status}" for status, count in judged.items())
    return (
        f"# {text(title)}\n\n"
        f"{counts.rows} reasoning paths to mathematics problems with {counts.images} images: the mix that trained the "
        f"model `{lineage['mix']}` of a [MathSE](https://arxiv.org/abs/2511.06805) run, in which a vision-language "
        f"model learns from a teacher's paths, from its own correct ones, and from reflections on the wrong ones"
        f"{f' ({said})' if said else ''}. Every row says who wrote it, to which prompt, what the judge said of it, and "
        "from which data set and under which licence its problem comes."
        f"{_JUDGING if lineage['trains'] == 'judge' else ''}"
    )


_JUDGING = " This is the judge's own mix: it is asked about a path (column `text`), and its completion is the verdict."


def _use(title: str, counts: Counts) -> str:
    return f"""## Use it

```python
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


def _composition(counts: Counts) -> str:
    parts = [("source", "licence"), ("kind", "round", "author", "prompt_id"), ("subject",), ("language",)]
    return "## What is in it\n\n" + "\n\n".join(_table(counts, part) for part in parts)


def _table(counts: Counts, columns: Sequence[str]) -> str:
    heads = [column.replace("_version", "") for column in columns]
    return _rows([*heads, "rows"], ([*map(text, values), count] for values, count in counts.by(*columns).items()))


def _rows(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; the column `rows` holds numbers."""
    rules = ["---:" if head == "rows" else "---" for head in heads]
    lines = [" | ".join(map(str, cells)) for cells in (heads, rules, *rows)]
    return "\n".join(f"| {line} |" for line in lines)


def _licences(counts: Counts, lineage: Mapping[str, Any]) -> str:
    known = licences()
    rows = [
        (text(name), known[name].spdx, known[name].url, known[name].note) if name in known else (text(name), "", "", "")
        for name in counts.of("source")
    ]
    warning = ""
    if lineage["licences_overridden"]:
        warning = (
            f"\n\n> **Warning**: {counts.unshareable} rows are in here although their licence does not allow it, or is "
            "not known to. They were included on purpose; do not pass this folder on."
        )
    excluded = "No row was left out."
    if counts.excluded:
        listed = _rows(["reason", "rows"], counts.excluded.most_common())
        excluded = f"{counts.excluded.total()} rows were left out, listed in `excluded.jsonl`:\n\n{listed}"
    return (
        "## Licences\n\nEach row's problem keeps the licence of its data set (column `licence`, an SPDX expression); "
        f"`A AND B` means that both hold.\n\n{_rows(['source', 'licence', 'page', 'note'], rows)}"
        f"{warning}\n\n{excluded}"
    )


def _pipeline(counts: Counts) -> str:
    """The loop as a picture, with the rows that each step gave to this mix."""
    lines = ["flowchart LR", '  problems[("problems with images")]', '  mix[("this mix")]']
    steps = sorted(counts.by("kind", "round").items(), key=lambda item: _place(item[0]))
    for number, ((kind, turn), rows) in enumerate(steps):
        writer = _WRITERS[kind].format(turn)
        lines.append(f'  problems --> s{number}["{writer}"] -- "{rows} rows" --> mix')
    lines += ['  orm{{"ORM: judges every path"}} -.-> mix', '  mix --> model["the model it trains"]']
    return "## How it was made\n\n```mermaid\n" + "\n".join(lines) + "\n```"


_WRITERS = {
    "distilled": "teacher: paths to solve first",
    "rollout": "round {}: the student's own paths",
    "reflection": "teacher: reflections on wrong paths",
}


def _place(values: tuple[str, ...]) -> tuple[int, int]:
    return list(_WRITERS).index(values[0]), int(values[1])


def _reproduce(lineage: Mapping[str, Any]) -> str:
    found = lineage["git"]
    commands = [f"mathse export {lineage['mix']} FOLDER"]
    if lineage["stage"]:
        commands.insert(0, f"dvc repro {lineage['stage']}      # or `dvc pull`, where its remote can be reached")
    note = ""
    if found:
        commands = [
            f"git clone {found['url'] or 'REPOSITORY'} mathse && cd mathse",
            f"git checkout {found['commit']}",
            *commands,
        ]
        note = "" if found["clean"] else "\n\nThe working tree had changes that this commit does not hold."
    hashes = _rows(["file", "md5 in dvc.lock"], lineage["dvc"].items()) if lineage["dvc"] else ""
    return (
        "## Reproduce it\n\n```bash\n" + "\n".join(commands) + f"\n```{note}\n\n{hashes}\n\n"
        "`lineage.json` has models, judges and prompts (with their text); `sha256sum -c SHA256SUMS` checks the files."
    )


def _columns() -> str:
    described = ((f"`{name}`", field.description or "") for name, field in SharedRow.model_fields.items())
    return "## Columns\n\n" + _rows(["column", "what it is"], described)


def _sample(counts: Counts) -> str:
    """The first row as JSON in a fence; no text can break out of it, as no line of JSON begins with a backtick."""
    row = counts.sample.model_dump(mode="json", exclude={"images"}) if counts.sample else {}
    cut = {name: value[:_LONGEST] if isinstance(value, str) else value for name, value in row.items()}
    return "## A row\n\n````json\n" + json.dumps(cut, indent=2, ensure_ascii=False) + "\n````"
