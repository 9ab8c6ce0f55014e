"""The rows of a mix as TRL takes them: `images` and the method's texts, images decoded a batch at a time.

Samples, of a mix for fine-tuning and of one of preferences:
`{"images": [<112 x 112>], "prompt": [{"role": "user", ...}], "completion": [{"role": "assistant", ...}]}`,
`{"images": [<112 x 112>], "prompt": [...], "chosen": [{"role": "assistant", ...}], "rejected": [...]}`
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from datasets import Dataset
from datasets.table import InMemoryTable

from mathse.loop.ask.engines.local.loading import load_config, load_processor
from mathse.tables import store
from mathse.tables.images import MISSING, TOO_LARGE, ImageError, ImageStore, sizes
from mathse.tables.schemas import MixRow
from mathse.training.image_tokens import ImageTokens, token_id
from mathse.training.job import Job
from mathse.training.lengths import Lengths, UnfitMix, refuse, row_lengths
from mathse.training.methods import METHODS

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Examples:
    """What one training sees.

    Attributes:
        dataset: One example per row, in the order of the mix.
        too_long: Path ids of the rows left out because they are longer than the limit.
        lengths: Tokens of each row of the dataset, images included; of what is preferred and what is rejected the
            longer.
        unpaired: How many rows were left out since the method needs a rejected path beside each, and they have none.
    """

    dataset: Dataset
    too_long: tuple[str, ...]
    lengths: tuple[int, ...]
    unpaired: int


def load_examples(job: Job, limit: int) -> Examples:
    """Read a mix and check each of its rows.

    A row that is too long is left out: cutting it would cost its answer. If it would cost image tokens too, its images
    alone are too large for the limit, and that is not for a row but for the settings to mend.

    Args:
        limit: The most tokens a row may have, images included.

    Raises:
        UnfitMix: As `checked`, or a limit would cut an image, or every row is too long.
        StoreError: A table is missing or damaged.
    """
    dataset, lengths, unpaired = checked(job)
    path_ids = dataset.with_format(None)["path_id"]
    long = [place for place, length in enumerate(lengths.tokens) if length > limit]
    cut = [
        (path_ids[place], f"{lengths.tokens[place]} tokens, those of its images up to the {lengths.needed[place]}th")
        for place in long
        if lengths.needed[place] > limit
    ]
    if cut:
        remedy = f"{limit} tokens do not hold the images of {len(cut)} rows; raise train.max_length, or have fewer"
        refuse(job.mix, f"{remedy} or smaller images (base.image)", cut)
    if len(long) == len(dataset):
        raise UnfitMix(f"{job.mix}: every row is longer than the limit of {limit} tokens")
    too_long = tuple(path_ids[place] for place in long)
    if long:
        log.warning("%s: %d rows left out, longer than %d tokens: %s", job.mix, len(long), limit, ", ".join(too_long))
    kept = [place for place, length in enumerate(lengths.tokens) if length <= limit]
    dataset = dataset.select(kept) if long else dataset
    return Examples(dataset, too_long, tuple(lengths.tokens[place] for place in kept), unpaired)


def checked(job: Job) -> tuple[Dataset, Lengths, int]:
    """The rows of a training's mix, their lengths, and how many were left out for want of a rejected path.

    Raises:
        UnfitMix: The mix is empty or has no rejected path and the method needs them, an image of it cannot be used or
            has lost tokens, or the processor refuses a row.
        StoreError: A table is missing or damaged.
    """
    method = METHODS[job.settings.method]
    fields = {"path_id": "path_id", "image_ids": "image_ids", **method.columns}
    table = store.columns(job.mix, MixRow, dict.fromkeys((*fields.values(), "rejected_path_id")))
    if not len(table):
        raise UnfitMix(f"{job.mix}: no rows to train on; see how many its query left out, and why")
    unpaired = 0
    if "rejected" in method.columns.values():
        paired = table.filter(table["rejected_path_id"].is_valid())
        if not len(paired):
            raise UnfitMix(
                f"{job.mix}: none of {len(table)} rows has a rejected path, and preferences are learnt from pairs; "
                "name a mix.query whose SELECT returns rejected_path_id beside path_id and reason, such as "
                "mathse/sql/mixes/cumulative_pairs.sql, or write method: sft"
            )
        unpaired, table = len(table) - len(paired), paired
    examples = pa.table({column: table[field] for column, field in fields.items()})
    known = sizes(job.images, pc.unique(pc.list_flatten(table["image_ids"])).to_pylist())
    _refuse_unusable(job, examples, known)
    rows = Dataset(InMemoryTable(examples.combine_chunks()), fingerprint=job.out.name)
    dataset = rows.with_transform(_decoding(job, method.columns))
    processor = load_processor(job.start, job.trust_remote_code)
    image_tokens = ImageTokens(processor, token_id(load_config(job.start, job.trust_remote_code), processor))
    lengths = row_lengths(job, dataset, known, processor, method.collate(processor), image_tokens)
    return dataset, lengths, unpaired


def _refuse_unusable(job: Job, examples: pa.Table, sizes: Mapping[str, tuple[int, int]]) -> None:
    """Refuse rows with images that are not in the table or too large; that one can be decoded its source has seen."""
    faults = []
    for path_id, image_ids in zip(examples["path_id"].to_pylist(), examples["image_ids"].to_pylist(), strict=True):
        for image_id in image_ids:
            height, width = sizes.get(image_id, (0, 0))
            if image_id not in sizes:
                faults.append((path_id, f"{MISSING}: {image_id} is not in {job.images}"))
            elif height * width > job.max_pixels:
                faults.append(
                    (path_id, f"{TOO_LARGE}: {width} x {height} = {width * height}, at most {job.max_pixels}")
                )
    if faults:
        refuse(job.mix, f"images of {len(faults)} rows cannot be used", faults)


def _decoding(job: Job, columns: Mapping[str, str]) -> Any:
    images = ImageStore(job.images, job.max_pixels)

    def decoded(batch: dict[str, list[Any]]) -> dict[str, list[Any]]:
        pictures = []
        for path_id, ids in zip(batch["path_id"], batch["image_ids"], strict=True):
            try:
                pictures.append([images.load(image_id) for image_id in ids])
            except ImageError as error:
                raise UnfitMix(
                    f"{job.mix}: {path_id}: {error}; {job.images} has changed since its images were read: remake it "
                    "with `dvc repro`"
                ) from error
        return {"images": pictures, **{column: batch[column] for column in columns}}

    return decoded
