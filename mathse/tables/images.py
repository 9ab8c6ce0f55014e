"""Single images out of a table larger than memory, as RGB: what models are trained on and asked about.

Every image passes the same gate: its pixels are counted from the header before anything is decoded, and only decoders
that Pillow runs by itself are allowed.
"""

import io
import warnings
from collections import OrderedDict
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import PIL
import PIL.Image
import PIL.ImageOps
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mathse.errors import described
from mathse.tables import schemas, store

FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "PPM")
"""Formats decoded in this process; EPS, for one, would be handed to another program."""
CACHED_GROUPS = 32
"""Row groups of encoded images kept in memory, sixteen images each."""

UNREADABLE = "unreadable image"
TOO_LARGE = "too many pixels"
MISSING = "missing image"


class ImageError(Exception):
    """An image cannot be used.

    Attributes:
        reason: Short and countable: `unreadable image`, `too many pixels` or `missing image`.
        detail: What exactly is wrong.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


def decode(data: bytes, max_pixels: int) -> PIL.Image.Image:
    """The picture as a person sees it: first frame, upright, RGB, on white where it is transparent.

    Raises:
        ImageError: `unreadable image` or `too many pixels`.
    """
    with decoder(data, max_pixels) as image:
        return upright_rgb(image)


class Images(Protocol):
    """Anything that has images by id."""

    def load(self, image_id: str) -> PIL.Image.Image:
        """The image as RGB.

        Raises:
            ImageError: It is missing, unreadable or too large.
        """
        ...


class ImageStore:
    """Random access to the `images` table; memory holds the ids and the encoded images of a few row groups."""

    def __init__(self, file: Path, max_pixels: int) -> None:
        """Open the table and index it by id.

        Args:
            max_pixels: Images above are refused undecoded.

        Raises:
            StoreError: The table is missing, damaged, or another one.
        """
        store.require(file, schemas.Image)
        self.file = file
        self.max_pixels = max_pixels
        self._footer = pq.read_metadata(file)
        self._places = _places(file)
        self._groups: OrderedDict[int, pa.Array] = OrderedDict()

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, image_id: str) -> bool:
        return image_id in self._places

    def load(self, image_id: str) -> PIL.Image.Image:
        """The image as RGB.

        Raises:
            ImageError: `missing image`, or as `decode`.
        """
        return decode(self.encoded(image_id), self.max_pixels)

    def encoded(self, image_id: str) -> bytes:
        """The image's file, undecoded.

        Raises:
            ImageError: `missing image`.
        """
        if image_id not in self._places:
            raise ImageError(MISSING, f"{image_id} is not in {self.file}")
        group, row = self._places[image_id]
        data: bytes = self._group(group)[row].as_py()
        return data

    def _group(self, group: int) -> pa.Array:
        if group not in self._groups:
            # Opened anew each time, as an open Parquet file survives neither a fork nor a pickle of this store; its
            # footer, which is most of the cost, is at hand.
            with pq.ParquetFile(self.file, metadata=self._footer) as parquet:
                table = parquet.read_row_group(group, columns=["data"], use_threads=False)
            self._groups[group] = table.column("data").combine_chunks()
            if len(self._groups) > CACHED_GROUPS:
                self._groups.popitem(last=False)
        self._groups.move_to_end(group)
        return self._groups[group]


def stored(file: Path, image_ids: Collection[str]) -> dict[str, schemas.Image]:
    """Some rows of the `images` table, by id; an id that it does not have is not there.

    Raises:
        StoreError: The table is missing, damaged, or another one.
    """
    store.require(file, schemas.Image)
    wanted = pc.field("image_id").isin(pa.array(sorted(image_ids), pa.string()))
    table = pq.read_table(file, filters=wanted, use_threads=False)
    rows = (schemas.Image(**row) for row in table.drop_columns(["row_hash"]).to_pylist())
    return {image.image_id: image for image in rows}


def _places(file: Path) -> dict[str, tuple[int, int]]:
    places = {}
    with pq.ParquetFile(file) as parquet:
        for group in range(parquet.num_row_groups):
            ids = parquet.read_row_group(group, columns=["image_id"], use_threads=False).column("image_id")
            places.update({image_id: (group, row) for row, image_id in enumerate(ids.to_pylist())})
    return places


@contextmanager
def decoder(data: bytes, max_pixels: int) -> Iterator[PIL.Image.Image]:
    """An image opened but not decoded, within the limit; whatever its decoder raises becomes an `ImageError`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", PIL.Image.DecompressionBombWarning)
            with PIL.Image.open(io.BytesIO(data), formats=FORMATS) as image:
                pixels = image.width * image.height
                if pixels > max_pixels:
                    raise ImageError(TOO_LARGE, f"{image.width} x {image.height} = {pixels}, at most {max_pixels}")
                yield image
    except ImageError:
        raise
    except PIL.UnidentifiedImageError as error:
        raise ImageError(UNREADABLE, f"none of {', '.join(FORMATS)}") from error
    except (PIL.Image.DecompressionBombWarning, PIL.Image.DecompressionBombError) as error:
        raise ImageError(TOO_LARGE, str(error)) from error
    except Exception as error:  # decoders raise almost anything on damaged files: struct.error, IndexError, ...
        raise ImageError(UNREADABLE, described(error)) from error


def upright_rgb(image: PIL.Image.Image) -> PIL.Image.Image:
    """The first frame as a person sees it: upright, RGB, on white where it is transparent."""
    image.seek(0)
    upright = PIL.ImageOps.exif_transpose(image)
    if upright.mode.startswith("I;16"):
        # Pillow would cut 16 bits off at 255 and leave a white picture.
        upright = upright.convert("I").point(lambda value: value / 256).convert("L")
    if not upright.has_transparency_data:
        return upright.convert("RGB")
    layered = upright.convert("RGBA")
    white = PIL.Image.new("RGBA", layered.size, "white")
    return PIL.Image.alpha_composite(white, layered).convert("RGB")
