"""Images as a server takes them: data URLs, the stored file wherever it will do.

A file goes as it is if it is a PNG, JPEG or WebP within the caps that a server sees as we do; a larger one, another
format, and one whose picture depends on how it is read (turned by its EXIF data, transparent, animated, more than eight
bits per channel) is encoded anew from the picture that every other engine sees.

Sample: `data:image/png;base64,iVBORw0KGgo...`
"""

import base64
import io
from collections.abc import Sequence

import PIL.ExifTags
import PIL.Image

from mathse.params import Api
from mathse.tables.images import StoredImages

ACCEPTED = ("PNG", "JPEG", "WEBP")
QUALITY = 90
SHRINK = 0.8


class DataUrls:
    """Data URLs by image id; remembers those of the request before, which a problem's samples share."""

    def __init__(self, images: StoredImages, settings: Api) -> None:
        self._images = images
        self._settings = settings
        self._last: dict[str, str] = {}

    def of(self, image_ids: Sequence[str]) -> list[str]:
        """One URL per image.

        Raises:
            ImageError: `missing image`, `unreadable image` or `too many pixels`.
        """
        self._last = {image_id: url for image_id, url in self._last.items() if image_id in image_ids}
        for image_id in image_ids:
            if image_id not in self._last:
                data = self._images.encoded(image_id)
                kind = _acceptable_format(data, self._settings)
                if kind is None:
                    photo = data.startswith(b"\xff\xd8")  # a JPEG
                    data, kind = _fit(self._images.load(image_id), photo, self._settings)
                self._last[image_id] = f"data:image/{kind.lower()};base64,{base64.b64encode(data).decode()}"
        return [self._last[image_id] for image_id in image_ids]


def _acceptable_format(data: bytes, settings: Api) -> str | None:
    """The format of a file that can go as it is; None if it must be encoded anew."""
    if len(data) > settings.image_bytes:
        return None
    try:
        with PIL.Image.open(io.BytesIO(data), formats=ACCEPTED) as image:
            plain = image.mode in ("1", "L", "P", "RGB") and not image.has_transparency_data
            turned = image.getexif().get(PIL.ExifTags.Base.Orientation, 1) != 1
            still = getattr(image, "n_frames", 1) == 1
            fits = max(image.size) <= settings.image_side
            return image.format if plain and still and fits and not turned else None
    except Exception:  # whatever is wrong with it, decoding says it better
        return None


def _fit(image: PIL.Image.Image, photo: bool, settings: Api) -> tuple[bytes, str]:
    """Encode an RGB picture within the caps: the file and its format, the same for the same picture.

    A `photo` came with JPEG's losses; a drawing stays free of them while it fits.
    """
    side = max(image.size)
    if side > settings.image_side:
        image = _scale(image, settings.image_side / side)
    if not photo:
        data = _encode(image, "PNG")
        if len(data) <= settings.image_bytes:
            return data, "PNG"
    while len(data := _encode(image, "JPEG")) > settings.image_bytes and max(image.size) > 1:
        image = _scale(image, SHRINK)
    return data, "JPEG"


def _scale(image: PIL.Image.Image, factor: float) -> PIL.Image.Image:
    width, height = (max(1, round(side * factor)) for side in image.size)
    return image.resize((width, height), PIL.Image.Resampling.LANCZOS)


def _encode(image: PIL.Image.Image, kind: str) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format=kind, **({"quality": QUALITY} if kind == "JPEG" else {"compress_level": 9}))
    return buffer.getvalue()
