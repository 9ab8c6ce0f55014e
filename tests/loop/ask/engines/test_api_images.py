import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from mathse.loop.ask.engines.server.images import DataUrls
from mathse.params import Api
from mathse.sources.images import from_bytes
from mathse.tables import store
from mathse.tables.images import ImageError, ImageStore
from mathse.tables.schemas import Image

LIMIT = 10**6


def noise(width: int = 64, height: int = 48, mode: str = "RGB") -> PIL.Image.Image:
    bands = {"L": (), "RGB": (3,), "RGBA": (4,)}[mode]
    return PIL.Image.fromarray(np.random.default_rng(1).integers(0, 255, (height, width, *bands), dtype=np.uint8))


def file_of(image: PIL.Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def sent(data: bytes, folder: Path, **caps: Any) -> tuple[str, bytes]:
    """The media type and the file that a server gets."""
    row = from_bytes(data, LIMIT)
    store.write(folder / "images.parquet", Image, [row])
    urls = DataUrls(ImageStore(folder / "images.parquet", LIMIT), Api(model="m", **caps))
    head, _, tail = urls.of([row.image_id])[0].partition(";base64,")
    assert urls.of([row.image_id, row.image_id]) == [f"{head};base64,{tail}"] * 2
    return head.removeprefix("data:"), base64.b64decode(tail, validate=True)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_file_that_will_do_goes_as_it_is(kind: str, tmp_path: Path) -> None:
    data = file_of(noise(), kind)
    assert sent(data, tmp_path) == (f"image/{kind.lower()}", data)


@pytest.mark.parametrize("kind", ["BMP", "GIF", "TIFF", "PPM"])
def test_other_formats_become_a_png_of_the_same_picture(kind: str, tmp_path: Path) -> None:
    data = file_of(noise(), kind)
    media, made = sent(data, tmp_path)
    assert media == "image/png"
    assert PIL.Image.open(io.BytesIO(made)).tobytes() == PIL.Image.open(io.BytesIO(data)).convert("RGB").tobytes()


def test_what_depends_on_how_it_is_read_is_sent_as_everybody_sees_it(tmp_path: Path) -> None:
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    turned = sent(file_of(noise(), "JPEG", exif=exif.tobytes()), tmp_path)
    assert turned[0] == "image/png"  # stored upright, without a photograph's losses once more
    assert PIL.Image.open(io.BytesIO(turned[1])).size == (48, 64)
    media, made = sent(file_of(noise(mode="RGBA"), "PNG"), tmp_path)
    seen = PIL.Image.open(io.BytesIO(made))
    assert (media, seen.mode) == ("image/png", "RGB")
    moving = file_of(noise(), "WEBP", save_all=True, append_images=[noise(mode="L").convert("RGB")], lossless=True)
    assert sent(moving, tmp_path)[0] == "image/png"
    deep = PIL.Image.fromarray(np.full((8, 8), 30000, dtype=np.uint16))
    assert PIL.Image.open(io.BytesIO(sent(file_of(deep, "PNG"), tmp_path)[1])).mode == "RGB"


def test_a_long_side_is_cut_down_in_proportion(tmp_path: Path) -> None:
    media, made = sent(file_of(noise(200, 100), "PNG"), tmp_path, image_side=50)
    assert media == "image/png"
    assert PIL.Image.open(io.BytesIO(made)).size == (50, 25)
    media, made = sent(file_of(noise(100, 201), "JPEG"), tmp_path, image_side=200)
    assert media == "image/jpeg"
    assert PIL.Image.open(io.BytesIO(made)).size == (100, 200)


def test_a_large_file_is_cut_down_to_its_bytes(tmp_path: Path) -> None:
    data = file_of(noise(300, 200), "PNG")
    media, made = sent(data, tmp_path, image_bytes=len(data) // 2)
    assert media == "image/jpeg"
    assert PIL.Image.open(io.BytesIO(made)).size == (300, 200)
    media, made = sent(data, tmp_path, image_bytes=4096)
    assert len(made) <= 4096
    assert PIL.Image.open(io.BytesIO(made)).size[0] < 300


def test_the_same_picture_gives_the_same_file(tmp_path: Path) -> None:
    data = file_of(noise(300, 200), "PNG")
    assert sent(data, tmp_path, image_side=100) == sent(data, tmp_path, image_side=100)


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    good = from_bytes(file_of(noise(), "PNG"), LIMIT)
    rows = [
        Image(image_id="bad", data=good.data[:60], format="PNG", width=64, height=48),
        Image(image_id="odd", data=b"nothing", format="PNG", width=64, height=48),
        Image(image_id="wide", data=file_of(noise(1200, 1000), "BMP"), format="BMP", width=1200, height=1000),
    ]
    store.write(tmp_path / "images.parquet", Image, rows)
    urls = DataUrls(ImageStore(tmp_path / "images.parquet", LIMIT), Api(model="m", image_side=32))
    for name, reason in {
        "bad": "unreadable",
        "odd": "unreadable",
        "wide": "too many pixels",
        "none": "missing",
    }.items():
        with pytest.raises(ImageError, match=reason):
            urls.of([name])
