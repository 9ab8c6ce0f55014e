"""Images as they come in: drawn or downloaded; each distinct encoded file is a row of the `images` table.

    image_id 9f86d081...  data <89 50 4E 47 ...>  format PNG  width 112  height 112  perceptual_hash 3ab1...

`mathse.tables.images` has the gate that every one of them passes, and takes them out again.
"""

import hashlib

import PIL.Image

from mathse.sources.leakage.pictures import look
from mathse.tables import schemas
from mathse.tables.images import decoder, is_shown_as_stored, png, upright_rgb


def encode(image: PIL.Image.Image) -> schemas.Image:
    """Encode a drawn image as PNG: equal pixels give equal bytes and so the same id."""
    return _row(png(image, compress_level=9), "PNG", upright_rgb(image))  # small; photographs take four times as long


def from_bytes(data: bytes, max_pixels: int) -> schemas.Image:
    """Admit an encoded image; it is decoded once, so that a stored image can be read.

    Args:
        max_pixels: Width times height above which it is refused undecoded.

    Returns:
        The row: the file as it came, or where others would see another picture in it than models are shown (black on
        transparent, a turned photograph, 16 bits), that picture encoded anew. Width and height are the picture's.

    Raises:
        ImageError: `unreadable image` or `too many pixels`.
    """
    with decoder(data, max_pixels) as image:
        shown = upright_rgb(image)
        if is_shown_as_stored(image, shown):
            return _row(data, image.format or "", shown)
        return _row(png(shown), "PNG", shown)


def id_of(data: bytes) -> str:
    """The id of an encoded image."""
    return hashlib.sha256(data).hexdigest()


def _row(data: bytes, encoding: str, picture: PIL.Image.Image) -> schemas.Image:
    looks = look(picture)
    return schemas.Image(
        image_id=id_of(data),
        data=data,
        format=encoding,
        width=picture.width,
        height=picture.height,
        perceptual_hash=looks[0].tobytes().hex() if looks else None,
    )
