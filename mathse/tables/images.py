"""Single images out of a table larger than memory, as RGB: what models are trained on and asked about.

Every image passes the same gate: its pixels are counted from the header before anything is decoded, and only decoders
that Pillow runs by itself are allowed.
"""

import io
import warnings
from collections import OrderedDict
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import numpy as np
import PIL
import PIL.ExifTags
import PIL.Image
import PIL.ImageOps
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mathse.errors import described
from mathse.tables import schemas, store

FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "PPM")
"""Formats decoded in this process; EPS, for one, would be handed to another program."""
PORTABLE = ("PNG", "JPEG", "GIF", "WEBP", "BMP")
"""Those that browsers show too."""
CACHED_GROUPS = 32
"""Row groups of encoded images kept in memory, sixteen images each."""
BENCHMARK_PIXELS = 20_000_000
"""The most an image of a benchmark may have: MathVista has pictures of 18 million pixels."""

_WHITES = (2.0**8 - 1, 2.0**10 - 1, 2.0**12 - 1, 2.0**14 - 1, 2.0**16 - 1)
"""White in pictures of so many bits."""
_PLAIN = ("RGB", "L", "1", "CMYK", "YCbCr")
_SAMPLE_FORMAT = 339
"""Of TIFF's tags, that which tells integers without a sign (1) from others."""
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


def as_shown(data: bytes, max_pixels: int) -> tuple[bytes, str]:
    """A file in which browsers and other readers see what models are shown, and its format: the same, or a PNG.

    Raises:
        ImageError: `unreadable image` or `too many pixels`.
    """
    with decoder(data, max_pixels) as image:
        if image.format in PORTABLE and is_plain(image):
            return data, image.format
        shown = upright_rgb(image)
        if image.format in PORTABLE and is_shown_as_stored(image, shown):
            return data, image.format
        return png(shown), "PNG"


def png(image: PIL.Image.Image, compress_level: int = 6) -> bytes:
    """A picture's pixels as PNG, and nothing else of it: equal pixels give equal bytes, with the same Pillow."""
    plain = PIL.Image.frombytes(image.mode, image.size, image.tobytes()) if image.info else image
    encoded = io.BytesIO()
    plain.save(encoded, format="PNG", compress_level=compress_level)
    return encoded.getvalue()


class Images(Protocol):
    """Anything that has images by id."""

    def load(self, image_id: str) -> PIL.Image.Image:
        """The image as RGB.

        Raises:
            ImageError: It is missing, unreadable or too large.
        """
        ...


class StoredImages(Images, Protocol):
    """Images by id, decoded or as they were stored."""

    @property
    def max_pixels(self) -> int:
        """Images above are refused undecoded."""

    def encoded(self, image_id: str) -> bytes:
        """The image's file, undecoded.

        Raises:
            ImageError: `missing image`.
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
        self._groups: OrderedDict[int, pa.Array] = OrderedDict()
        self._places: dict[str, tuple[int, int]] = {}
        with pq.ParquetFile(file) as parquet:
            for group in range(parquet.num_row_groups):
                ids = parquet.read_row_group(group, columns=["image_id"], use_threads=False).column("image_id")
                self._places.update({image_id: (group, row) for row, image_id in enumerate(ids.to_pylist())})

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
        if group not in self._groups:
            # Opened anew each time, as an open Parquet file survives neither a fork nor a pickle of this store; its
            # footer, which is most of the cost, is at hand.
            with pq.ParquetFile(self.file, metadata=self._footer) as parquet:
                table = parquet.read_row_group(group, columns=["data"], use_threads=False)
            self._groups[group] = table.column("data").combine_chunks()
            if len(self._groups) > CACHED_GROUPS:
                self._groups.popitem(last=False)
        self._groups.move_to_end(group)
        data: bytes = self._groups[group][row].as_py()
        return data


class ImageStores:
    """Several image tables as one: the first that has an image gives it, within that table's own limit of pixels.

    A model that is measured is shown the run's own images and those of the benchmarks.
    """

    def __init__(self, stores: Sequence[ImageStore]) -> None:
        self._stores = stores

    @property
    def max_pixels(self) -> int:
        """The largest of the tables' limits."""
        return max(store.max_pixels for store in self._stores)

    def load(self, image_id: str) -> PIL.Image.Image:
        """The image as RGB.

        Raises:
            ImageError: It is missing, unreadable or too large.
        """
        return self._with(image_id).load(image_id)

    def encoded(self, image_id: str) -> bytes:
        """The image's file, undecoded.

        Raises:
            ImageError: `missing image`.
        """
        return self._with(image_id).encoded(image_id)

    def _with(self, image_id: str) -> ImageStore:
        holder = next((store for store in self._stores if image_id in store), None)
        if holder is None:
            raise ImageError(
                MISSING, f"{image_id} is in none of {', '.join(str(store.file) for store in self._stores)}"
            )
        return holder


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


def sizes(file: Path, image_ids: Collection[str]) -> dict[str, tuple[int, int]]:
    """Height and width of some images, by id; an id that the table does not have is not there.

    Raises:
        StoreError: The table is missing, damaged, or another one.
    """
    table = store.columns(file, schemas.Image, ("image_id", "height", "width"))
    wanted = table.filter(pc.is_in(table["image_id"], pa.array(sorted(image_ids), pa.string())))
    ids, heights, widths = (wanted[name].to_pylist() for name in ("image_id", "height", "width"))
    return dict(zip(ids, zip(heights, widths, strict=True), strict=True))


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


def is_plain(image: PIL.Image.Image) -> bool:
    """Whether everybody sees the same in an opened file, by its header: nothing is transparent, turned or wide."""
    turned = image.getexif().get(PIL.ExifTags.Base.Orientation, 1) != 1
    return image.mode in _PLAIN and not image.has_transparency_data and not turned


def is_shown_as_stored(image: PIL.Image.Image, shown: PIL.Image.Image) -> bool:
    """Whether others who open the file, and turn it into RGB as it is, see the picture that models are shown."""
    try:
        return is_plain(image) or (image.size == shown.size and image.convert("RGB").tobytes() == shown.tobytes())
    except ValueError:  # a mode that Pillow does not turn into RGB
        return False


def upright_rgb(image: PIL.Image.Image) -> PIL.Image.Image:
    """The first frame as a person sees it: upright, RGB, on white where it is transparent.

    It has nothing but pixels: with the profile of CMYK colours, for one, RGB would be shown in other colours.
    """
    image.seek(0)
    upright = PIL.ImageOps.exif_transpose(image)
    if upright.mode.startswith("I") or upright.mode == "F":
        tags = getattr(image, "tag_v2", {})
        upright = _in_bytes(upright, unsigned=tags.get(_SAMPLE_FORMAT, (1,))[0] == 1 and bool(tags))
    if upright.has_transparency_data:
        layered = upright.convert("RGBA")
        upright = PIL.Image.alpha_composite(PIL.Image.new("RGBA", layered.size, "white"), layered)
    picture = upright.convert("RGB")
    picture.info = {}
    return picture


def _in_bytes(image: PIL.Image.Image, unsigned: bool) -> PIL.Image.Image:
    """A grey picture of wider values, or of fractions, with bytes; Pillow would cut them off and leave white or black.

    The largest value says of how many bits they are: pictures of 12 bits come in 16, and fractions of 1 in floats.

    Args:
        unsigned: Whether its file says that 32 bits have no sign, which Pillow gives them.

    Raises:
        ImageError: There are values that are no numbers.
    """
    stored = np.asarray(image)
    values = (stored.view(np.uint32) if unsigned and stored.dtype == np.int32 else stored).astype(np.float64)
    if not np.isfinite(values).all():
        raise ImageError(UNREADABLE, "values that are no numbers")
    least, most = min(0.0, values.min()), values.max()
    if least < 0 or most > _WHITES[-1]:
        grey = (values - least) / max(most - least, 1e-300) * 255
    else:
        white = next(white for white in (1.0, *_WHITES) if most <= white and (white > 1 or image.mode == "F"))
        grey = values * 255 if white == 1 else values * (256 / (white + 1))
    opaque = PIL.Image.fromarray(grey.astype(np.uint8))
    clear = image.info.get("transparency")
    if isinstance(clear, int):
        opaque.putalpha(PIL.Image.fromarray(np.where(values == clear, 0, 255).astype(np.uint8)))
    return opaque
