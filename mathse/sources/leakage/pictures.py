"""Images that are benchmark images: another size, encoded anew, without colour, on other paper or a little cropped.

A picture's *ink* is how far each pixel is from the paper, which is the border's middle grey. It is laid out anew so
that its centre and its spread are the same for every copy, whatever margin, size and paper it came with. Then

    hash    the signs, around their median, of the 16 x 16 lowest frequencies of its cosine transform: 256 bits
    detail  the layout itself, 96 x 96 and blurred a little

Hashes are searched (`near_hashes`), and pairs that come near are looked at block by block: where a number is another,
one block differs much; where a copy lost sharpness, all differ a little.

Found of 600 drawn figures of 112 pixels, and of 296 real pictures: encoded anew 99 %, 96 %; grey 100 %, 100 %; on
other paper 100 %, 77 % (scans have no one paper); cropped by 3 % 99 %, 77 % (what cuts ink off moves the centre);
enlarged 85 %, 97 %; shrunk by a third 26 %, 83 %. Not found: a part of a picture, a picture turned or mirrored. Of
180,000 pairs of different figures, most by the same template, 36 count as the same (a digit or two of 112 pixels'
width); of 44,000 real pairs none. A picture with next to nothing on it has no hash.

Sources: Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions" (2010), for hashes of the cosine
transform; Hu, "Visual Pattern Recognition by Moment Invariants" (1962), for laying out by moments.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

import numpy as np
import numpy.typing as npt
import PIL.Image
import PIL.ImageFilter

from mathse.sources.leakage import Kind, Leak

BITS = 256
WORDS = BITS // 64
"""64-bit words of a hash; the first holds the lowest 8 x 8 frequencies."""
NEAR = 40
"""Bits that copies may differ in."""
NEAR_FIRST = 16
"""Of these, in the first word."""
DETAIL = 8.0
"""Mean difference, of 255 grey levels, that a block of two copies may have."""

_SIDE, _HASH_SIDE = 96, 64
_BLOCK, _SHIFT = 12, 2
_WAVES = np.cos(np.pi * np.arange(1, 17)[:, None] * (2 * np.arange(_HASH_SIDE) + 1) / (2 * _HASH_SIDE))
"""The lowest frequencies of the cosine transform, the constant left out."""
_SPREAD = 2.2
"""Standard deviations of ink on each side of its centre."""
_FAINT, _BLANK = 24, 24
_CHUNK = 1 << 21

Hash = npt.NDArray[np.uint64]
Detail = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Shown:
    """An image of a problem or of a benchmark item.

    Attributes:
        owner: The problem's id, or the item's within its benchmark.
        image_id: The image's.
        image: As `images.decode` returns it.
        benchmark: The benchmark's name; empty for a problem's.
    """

    owner: str
    image_id: str
    image: PIL.Image.Image
    benchmark: str = ""


def find(problems: Iterable[Shown], items: Iterable[Shown]) -> list[Leak]:
    """Problems that show a benchmark item's image, whatever they ask.

    Args:
        problems: One per problem and image; those of one image together, so that it is looked at once.
        items: One per item and image; of each, 9 kB stay in memory.

    Returns:
        Leaks sorted by problem, benchmark and item, each pair once, with the bits in which the nearest images differ.
    """
    known = [(item.benchmark, item.owner, item.image_id, *looks) for item in items if (looks := look(item.image))]
    if not known:
        return []
    hashes = np.stack([item_hash for _, _, _, item_hash, _ in known])
    leaks: dict[tuple[str, str, str], Leak] = {}
    for image_id, group in groupby(problems, key=attrgetter("image_id")):
        owners = list(group)
        looks = look(owners[0].image)
        if looks is None:
            continue
        own_hash, own_detail = looks
        for _, place, bits in near_hashes(own_hash[None], hashes):
            benchmark, item_id, item_image_id, item_hash, item_detail = known[place]
            if not same(own_detail, item_detail):
                continue
            for owner in owners:
                leak = Leak(
                    problem_id=owner.owner,
                    benchmark=benchmark,
                    item_id=item_id,
                    kind=Kind.NEAR_IMAGE.value,
                    score=bits,
                    shared=f"{own_hash.tobytes().hex()} {item_hash.tobytes().hex()}",
                    question=image_id,
                    item_question=item_image_id,
                )
                key = (owner.owner, benchmark, item_id)
                # The order in which the images come must not matter: of images equally near, the first by id.
                if key not in leaks or (bits, image_id) < (leaks[key].score, leaks[key].question):
                    leaks[key] = leak
    return [leaks[key] for key in sorted(leaks)]


def look(image: PIL.Image.Image) -> tuple[Hash, Detail] | None:
    """Hash and detail of a picture, or None if there is next to nothing on it.

    Args:
        image: As `images.decode` returns it: RGB.
    """
    ink = _ink(image)
    if ink is None:
        return None
    low = _WAVES @ _laid_out(ink, _HASH_SIDE).astype(np.float64) @ _WAVES.T
    bits = low > np.median(low)
    # The lowest 8 x 8 first, so that they make up the first word.
    ordered = np.concatenate([bits[:8, :8].ravel(), bits[:8, 8:].ravel(), bits[8:].ravel()])
    detail = PIL.Image.fromarray(_laid_out(ink, _SIDE)).filter(PIL.ImageFilter.GaussianBlur(1.0))
    return np.packbits(ordered).view(np.uint64), np.asarray(detail)


def same(one: Detail, other: Detail) -> bool:
    """Whether no block of two layouts differs by more than `DETAIL`, each block shifted to where it fits best."""
    count = _SIDE // _BLOCK
    best = np.full((count, count), np.inf, np.float32)
    padded = np.pad(other, _SHIFT, mode="edge").astype(np.int16)
    for down in range(2 * _SHIFT + 1):
        for right in range(2 * _SHIFT + 1):
            moved = padded[down : down + _SIDE, right : right + _SIDE]
            apart = np.abs(one.astype(np.int16) - moved).reshape(count, _BLOCK, count, _BLOCK).mean(axis=(1, 3))
            best = np.minimum(best, apart)
    return bool(best.max() <= DETAIL)


def near_hashes(ours: Hash, theirs: Hash, most: int = NEAR) -> Iterator[tuple[int, int, int]]:
    """Pairs of hashes that differ in few bits, by the first and then the second.

    Every pair's first words are compared, a chunk that fits the processor's cache at a time; only pairs near in these
    are compared whole. Two images whose whole hashes are near but whose first words differ in more than `NEAR_FIRST`
    bits are missed: few, as the lowest frequencies are the steadiest.

    Args:
        ours: One row of `WORDS` words per image.
        theirs: Likewise.
        most: Bits that may differ.

    Yields:
        Row in `ours`, row in `theirs`, bits that differ.
    """
    first = np.ascontiguousarray(theirs[:, 0])
    step = max(1, _CHUNK // 8 // max(1, len(first)))
    for start in range(0, len(ours), step):
        apart = np.bitwise_count(ours[start : start + step, :1] ^ first)
        row, column = np.nonzero(apart <= NEAR_FIRST)
        bits = np.bitwise_count(ours[start + row] ^ theirs[column]).sum(axis=1)
        for place in np.flatnonzero(bits <= most):
            yield start + int(row[place]), int(column[place]), int(bits[place])


def _ink(image: PIL.Image.Image) -> npt.NDArray[np.uint8] | None:
    grey = np.asarray(image.convert("L"), dtype=np.int32)
    paper = int(np.median(np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])))
    ink = np.abs(grey - paper)
    darkest = int(ink.max())
    if darkest < _BLANK:
        return None
    ink = ink * 255 // darkest
    ink[ink < _FAINT] = 0
    return ink.astype(np.uint8)


def _laid_out(ink: npt.NDArray[np.uint8], side: int) -> npt.NDArray[np.uint8]:
    """The ink with its centre in the middle and its spread, each way, in proportion to the side."""
    left, right = _span(ink.sum(axis=0, dtype=np.float64))
    top, bottom = _span(ink.sum(axis=1, dtype=np.float64))
    height, width = ink.shape
    before = [int(np.ceil(max(0.0, -edge))) for edge in (top, left)]
    after = [int(np.ceil(max(0.0, edge - size))) for edge, size in ((bottom, height), (right, width))]
    padded = np.pad(ink, ((before[0], after[0]), (before[1], after[1])))
    box = (left + before[1], top + before[0], right + before[1], bottom + before[0])
    return np.asarray(PIL.Image.fromarray(padded).resize((side, side), PIL.Image.Resampling.BILINEAR, box=box))


def _span(ink: npt.NDArray[np.float64]) -> tuple[float, float]:
    places = np.arange(len(ink)) + 0.5
    centre = float(ink @ places / ink.sum())
    spread = max(0.5, float(np.sqrt(ink @ (places - centre) ** 2 / ink.sum())))
    return centre - _SPREAD * spread, centre + _SPREAD * spread
