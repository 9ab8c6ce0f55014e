"""How long each row of a mix is as the trainer will see it, and whether the trainer can use it: known before it starts.

A row is counted, not processed: its text by the tokenizer, its images by the rule with which the family's processor
turns height and width into tokens. That takes less than a millisecond, where decoding a large image and cutting it into
patches takes fifty. What cannot be counted goes through the trainer's own collator, and so does a sample of all rows:
if these are not as long as they were counted, every row goes through it.

The lengths are kept in a file, so that neither each of several processes nor a training that goes on counts again.

Sample, `.mathse/lengths/0.json`: `{"key": "5d41...", "tokens": [212, 260], "needed": [90, 140], "sum": "c3fc..."}`
"""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from importlib.metadata import version
from os.path import commonprefix
from pathlib import Path
from typing import Any

import PIL.Image
from datasets import Dataset
from pydantic import BaseModel, ValidationError

from mathse.errors import UserError
from mathse.loop.ask.engines.local import loading  # noqa: F401  makes torchvision importable
from mathse.loop.ask.engines.local.fingerprint import DECISIVE
from mathse.processes import is_first
from mathse.tables.files import sha256, write_json
from mathse.tables.schemas import content_id
from mathse.training.image_tokens import ImageTokens, tokens_of_size
from mathse.training.job import Job

# isort: split
from trl.data_utils import prepare_multimodal_messages

log = logging.getLogger(__name__)

Collate = Callable[[list[dict[str, Any]]], Any]
"""Makes a batch of examples, with an `attention_mask` `(rows, length)` among its tensors."""
Sizes = Mapping[str, tuple[int, int]]
"""Height and width of images, by id."""
Length = tuple[int, int]
"""Tokens of a row, and how many of its first it cannot do without: those up to its last image's end."""

COUNTED_AT_ONCE = 256
SAMPLE = 32
"""How many rows of a kind are processed to see whether they are as long as they were counted."""
NAMED = 10
"""How many rows an error names before it only counts."""
_PROBE = [{"role": "user", "content": "x"}]
_PIXEL = PIL.Image.new("RGB", (1, 1))


class UnfitMix(UserError):
    """A mix cannot be trained on; says which rows and why."""


class Lengths(BaseModel):
    """The lengths of a mix's rows, in its order."""

    key: str
    """Hash of all that they follow from."""
    tokens: tuple[int, ...]
    """Of each row, images included; of what is preferred and what is rejected the longer."""
    needed: tuple[int, ...]
    """Of each row, as the second of a `Length`."""
    sum: str = ""
    """Hash of the others, by which a damaged file is noticed."""

    def checksum(self) -> str:
        """What `sum` is in a file that is whole."""
        return content_id("kept lengths", self.key, list(self.tokens), list(self.needed))


def row_lengths(
    job: Job, dataset: Dataset, sizes: Sizes, processor: Any, collate: Collate, images: ImageTokens
) -> Lengths:
    """The lengths of a training's rows: those kept in the job's file, if they are of this mix and this model.

    Args:
        dataset: All rows, as `mathse.training.examples.checked` has them.

    Raises:
        UnfitMix: The processor refuses a row, or tokens of its images are lost.
    """
    # Of the model everything counts but its weights.
    files = sorted(file for file in job.start.iterdir() if file.suffix in DECISIVE - {".safetensors"})
    packages = [version(package) for package in ("transformers", "tokenizers", "trl")]
    parts = [sha256(job.mix), job.settings.method, packages, [[file.name, sha256(file)] for file in files]]
    key = content_id("lengths", parts)
    if job.lengths is not None and job.lengths.is_file():
        try:
            kept = Lengths.model_validate_json(job.lengths.read_bytes())
        except ValidationError:
            log.warning("%s: damaged; the rows are counted again", job.lengths)
        else:
            if kept.sum != kept.checksum():
                log.warning("%s: damaged; the rows are counted again", job.lengths)
            elif kept.key == key:
                return kept
    process = Process(job.mix, dataset, collate, images)
    lengths = measure(job.mix, dataset, Counter(processor, images.token_id, sizes), process)
    result = Lengths(key=key, tokens=tuple(length for length, _ in lengths), needed=tuple(last for _, last in lengths))
    result = result.model_copy(update={"sum": result.checksum()})
    if job.lengths is not None and is_first():
        job.lengths.parent.mkdir(parents=True, exist_ok=True)
        write_json(job.lengths, result)
    return result


class Counter:
    """Counts the tokens of rows without processing their images."""

    def __init__(self, processor: Any, token_id: int | None, sizes: Sizes) -> None:
        """Find out what stands for an image in the text that the chat template makes: tokens that are there once.

        Args:
            token_id: Stands for one of an image's features, if that is known.
        """
        self._processor, self._sizes = processor, sizes
        probes = [prepare_multimodal_messages(_PROBE, images=images) for images in ([_PIXEL], [])]
        with_image, without = self._ids(self._render(probes, add_generation_prompt=True))
        added = set(processor.tokenizer.added_tokens_decoder)
        self._markers = {token for token in added if with_image.count(token) == 1 and token not in without}
        last = [token_id] if token_id in self._markers else sorted(self._markers, key=with_image.index)[-1:]
        self._last_marker = last[0] if last else None

    def _render(self, conversations: list[list[dict[str, Any]]], add_generation_prompt: bool = False) -> list[str]:
        texts: list[str] = self._processor.apply_chat_template(
            conversations, tokenize=False, add_generation_prompt=add_generation_prompt
        )
        return texts

    def _ids(self, texts: list[str]) -> list[list[int]]:
        ids: list[list[int]] = self._processor.tokenizer(texts, add_special_tokens=False)["input_ids"]
        return ids

    def count(self, batch: Mapping[str, list[Any]]) -> list[Length | None]:
        """The length of each row of a batch; None where only the processor can tell.

        Args:
            batch: Columns of the rows as they are stored: `path_id`, `image_ids`, and the texts of the method.
        """
        replies = [column for column in batch if column not in ("path_id", "image_ids", "prompt")]
        prompts = [
            prepare_multimodal_messages(turns, images=[_PIXEL] * len(ids))
            for turns, ids in zip(batch["prompt"], batch["image_ids"], strict=True)
        ]
        if any(turns[-1]["role"] != "user" for turns in prompts):
            return [None] * len(prompts)
        begun = self._render(prompts, add_generation_prompt=True)
        wholes = []
        for column in replies:
            turns = [prepare_multimodal_messages(reply) for reply in batch[column]]
            wholes.append(self._render([[*prompt, *reply] for prompt, reply in zip(prompts, turns, strict=True)]))
            # As TRL has it: what is the same with and without the reply is the prompt, the rest is the reply.
            begun = [
                start if whole.startswith(start) else commonprefix((start, whole))  # noqa: RUF071  characters are meant
                for start, whole in zip(begun, wholes[-1], strict=True)
            ]
        rests = [[whole[len(start) :] for start, whole in zip(begun, texts, strict=True)] for texts in wholes]
        prompt_ids, reply_ids = self._ids(begun), [self._ids(texts) for texts in rests]
        return [
            self._length(prompt, [ids[place] for ids in reply_ids], batch["image_ids"][place])
            for place, prompt in enumerate(prompt_ids)
        ]

    def _length(self, prompt: list[int], replies: Sequence[list[int]], images: Sequence[str]) -> Length | None:
        in_place = all(prompt.count(marker) == len(images) for marker in self._markers)
        if not in_place or any(self._markers.intersection(reply) for reply in replies):
            return None
        text = len(prompt) + max(map(len, replies))
        if not images:
            return text, 0
        counts = [tokens_of_size(self._processor, *self._sizes[image]) for image in images]
        if self._last_marker is None or None in counts:
            return None
        added = sum(count - 1 for count in counts if count is not None)
        last = len(prompt) - prompt[::-1].index(self._last_marker)
        return text + added, last + added


class Process:
    """Puts rows through the trainer's own collator, one at a time: the images of one row are in memory."""

    def __init__(self, mix: Path, dataset: Dataset, collate: Collate, images: ImageTokens) -> None:
        self._mix, self._dataset, self._collate, self._images = mix, dataset, collate, images

    def __call__(self, places: Collection[int]) -> dict[int, Length]:
        """The lengths of some rows, by place.

        Raises:
            UnfitMix: Rows cannot be made into examples.
        """
        lengths, refused = {}, []
        for place in sorted(places):
            try:
                lengths[place] = self._length(place)
            except ValueError as error:
                path_id = self._dataset.with_format(None)[place]["path_id"]
                refused.append((path_id, " ".join(str(error).split())))
        if refused:
            refuse(self._mix, f"{len(refused)} rows cannot be made into examples", refused)
        return lengths

    def _length(self, place: int) -> Length:
        """The longest of the rows that an example becomes, padding not counted.

        Raises:
            ValueError: The processor refuses the example, or tokens of an image are lost.
        """
        try:
            batch = self._collate([self._dataset[place]])
        except StopIteration as error:  # a processor of transformers, out of images
            raise ValueError("its text stands for more images than it has") from error
        counted = self._images.count(batch)
        if counted is not None and counted[0] != counted[1]:
            raise ValueError(f"its images need {counted[1]} tokens, and {counted[0]} stand for them")
        return max(batch["attention_mask"].sum(1).tolist()), max(self._images.needed_length(batch))


def measure(mix: Path, dataset: Dataset, counter: Counter, process: Process) -> list[Length]:
    """The length of every row: counted where it can be, and held to what a sample of the rows really is.

    Rows with no image, one, and several are held to samples of their own: some families see several images otherwise.
    """
    plain = dataset.with_format(None)
    counted: list[Length | None] = []
    for start in range(0, len(plain), COUNTED_AT_ONCE):
        counted += counter.count(plain[start : start + COUNTED_AT_ONCE])
    images = [len(ids) for ids in plain["image_ids"]]
    alike: dict[int, dict[int, Length]] = {0: {}, 1: {}, 2: {}}
    for place, length in enumerate(counted):
        if length is not None:
            alike[min(images[place], 2)][place] = length
    lengths = process([place for place, length in enumerate(counted) if length is None])
    for group in filter(None, alike.values()):
        processed = process(_sample(group))
        # Some processors put in the same few tokens around each image that their own count leaves out.
        around = {(length[0] - group[place][0]) / max(1, images[place]) for place, length in processed.items()}
        more = int(min(around))
        if around != {more} or (more and not images[next(iter(group))]):
            log.warning("%s: %d rows are not as long as counted: all are put through the processor", mix, len(group))
            lengths |= process(group)
        else:
            added = {place: more * images[place] for place in group}
            lengths |= {place: (group[place][0] + more, group[place][1] + more) for place, more in added.items()}
        lengths |= processed
    return [lengths[place] for place in range(len(plain))]


def _sample(lengths: Mapping[int, Length]) -> list[int]:
    """Places of the longest row and the shortest, and of others evenly in between."""
    places = sorted(lengths, key=lambda place: (lengths[place], place))
    steps = min(SAMPLE, len(places))
    return sorted({places[rank * (len(places) - 1) // max(1, steps - 1)] for rank in range(steps)})


def refuse(mix: Path, what: str, faults: Sequence[tuple[str, str]]) -> None:
    """Name the rows that cannot be trained on, by path id, each with its reason.

    Raises:
        UnfitMix: Always.
    """
    listed = "\n".join(f"  {path_id}: {reason}" for path_id, reason in faults[:NAMED])
    more = f"\n  and {len(faults) - NAMED} more" if len(faults) > NAMED else ""
    raise UnfitMix(f"{mix}: nothing was trained: {what}:\n{listed}{more}")
