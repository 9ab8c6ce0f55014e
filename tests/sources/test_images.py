import io
import pickle
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathse.sources.images import encode, from_bytes
from mathse.tables import images, schemas, store
from mathse.tables.images import ImageError, ImageStore, as_shown, decode, png

LIMIT = 10_000
RED, BLUE, WHITE = (255, 0, 0), (0, 0, 255), (255, 255, 255)


def picture(size: tuple[int, int] = (6, 4), mode: str = "RGB", colour: Any = RED) -> PIL.Image.Image:
    return PIL.Image.new(mode, size, colour)


def encoded(image: PIL.Image.Image, encoding: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format=encoding, **options)
    return buffer.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds no pixels."""
    body = b"IHDR" + width.to_bytes(4) + height.to_bytes(4) + b"\x08\x02\0\0\0"
    return b"\x89PNG\r\n\x1a\n" + (13).to_bytes(4) + body + zlib.crc32(body).to_bytes(4) + b"\0\0\0\0IDAT5\xaf\x06\x1e"


def test_equal_pixels_give_the_same_row() -> None:
    plain, commented = picture(), picture()
    commented.info["comment"] = "drawn on a Tuesday"
    row = encode(plain)

    assert row == encode(commented)
    assert (row.format, row.width, row.height) == ("PNG", 6, 4)
    assert decode(row.data, LIMIT).getpixel((0, 0)) == RED


def test_bytes_are_kept_as_they_came() -> None:
    data = encoded(picture(), "JPEG", quality=80)
    row = from_bytes(data, LIMIT)

    assert (row.data, row.format, row.width, row.height) == (data, "JPEG", 6, 4)


@pytest.mark.parametrize(
    "data",
    [
        encoded(picture(mode="RGBA", colour=(0, 0, 0, 0))),
        encoded(picture(mode="LA", colour=(0, 100))),
        encoded(PIL.Image.fromarray(np.full((4, 6), 0x8000, dtype=np.uint16))),
        encoded(PIL.Image.fromarray(np.full((4, 6), 0.5, dtype=np.float32)), "TIFF"),
        encoded(picture(), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"),
    ],
)
def test_where_others_would_see_another_picture_the_one_that_is_shown_is_stored(data: bytes) -> None:
    row = from_bytes(data, LIMIT)
    shown = decode(data, LIMIT)
    with PIL.Image.open(io.BytesIO(row.data)) as opened:
        assert (opened.format, opened.convert("RGB").tobytes()) == ("PNG", shown.tobytes())
    assert decode(row.data, LIMIT).tobytes() == shown.tobytes()
    assert (row.width, row.height) == shown.size
    assert from_bytes(row.data, LIMIT) == row


@pytest.mark.parametrize(
    "data",
    [
        encoded(picture(mode="RGBA", colour=(9, 9, 9, 255))),
        encoded(picture(mode="P", colour=0)),
        encoded(picture(mode="L", colour=7)),
        encoded(picture(mode="CMYK", colour=(0, 255, 255, 0)), "TIFF"),
        encoded(picture(), "GIF", save_all=True, append_images=[picture(colour=BLUE)]),
    ],
)
def test_what_others_see_too_stays_as_it_came(data: bytes) -> None:
    assert from_bytes(data, LIMIT).data == data


@pytest.mark.parametrize(
    "data", [b"", b"no image", encoded(picture((50, 50), colour=BLUE), "BMP")[:200], png_header(4, 4)]
)
def test_what_cannot_be_decoded_is_unreadable(data: bytes) -> None:
    with pytest.raises(ImageError) as caught:
        from_bytes(data, LIMIT)
    assert caught.value.reason == "unreadable image"
    assert " at 0x" not in caught.value.detail


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "PPM"]), st.data())
def test_damage_is_an_image_error_or_still_an_image(encoding: str, data: st.DataObject) -> None:
    content = bytearray(encoded(picture((20, 20)), encoding))
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=8)):
        content[place] = data.draw(st.integers(0, 255))
    del content[data.draw(st.integers(0, len(content))) :]

    try:
        assert from_bytes(bytes(content), LIMIT).width > 0
    except ImageError as error:
        assert error.reason in ("unreadable image", "too many pixels")


def test_pixels_are_counted_before_decoding() -> None:
    with pytest.raises(ImageError) as caught:
        from_bytes(png_header(101, 100), LIMIT)
    assert caught.value.reason == "too many pixels"
    assert "101 x 100 = 10100, at most 10000" in caught.value.detail
    with pytest.raises(ImageError) as caught:
        from_bytes(png_header(100, 100), LIMIT)
    assert caught.value.reason == "unreadable image"
    assert " at 0x" not in caught.value.detail


@pytest.mark.parametrize("side", [15_000, 30_000])
def test_pillows_own_limit_holds_too(side: int) -> None:
    with pytest.raises(ImageError) as caught:
        from_bytes(png_header(side, side), 10**12)
    assert caught.value.reason == "too many pixels"


def test_a_format_that_needs_another_program_is_unreadable() -> None:
    with pytest.raises(ImageError) as caught:
        from_bytes(encoded(picture(), "EPS"), LIMIT)
    assert caught.value.reason == "unreadable image"
    assert " at 0x" not in caught.value.detail


def test_of_an_animation_the_first_frame_counts() -> None:
    data = encoded(picture(), "GIF", save_all=True, append_images=[picture(colour=BLUE)])

    assert decode(data, LIMIT).getpixel((0, 0)) == RED


def test_a_turned_photograph_is_set_upright() -> None:
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    row = from_bytes(encoded(picture(), "JPEG", exif=exif), LIMIT)

    assert (row.width, row.height) == decode(row.data, LIMIT).size == (4, 6)


@pytest.mark.parametrize(
    ("image", "seen"),
    [
        (picture(mode="P", colour=0), (0, 0, 0)),
        (picture(mode="L", colour=128), (128, 128, 128)),
        (picture(mode="1", colour=1), WHITE),
        (picture(mode="RGBA", colour=(9, 9, 9, 0)), WHITE),
        (picture(mode="RGBA", colour=(9, 9, 9, 255)), (9, 9, 9)),
        (picture(mode="LA", colour=(0, 0)), WHITE),
        (PIL.Image.fromarray(np.full((4, 6), 0x8000, dtype=np.uint16)), (128, 128, 128)),
    ],
)
def test_every_mode_becomes_what_a_person_sees(image: PIL.Image.Image, seen: tuple[int, int, int]) -> None:
    decoded = decode(encoded(image), LIMIT)

    assert (decoded.mode, decoded.getpixel((0, 0))) == ("RGB", seen)


def shades(values: Any, dtype: str, encoding: str = "TIFF", **options: Any) -> list[int]:
    """The greys that a row of pixels of some type is seen as."""
    image = PIL.Image.fromarray(np.array([values] * 2, dtype=dtype))
    data = encoded(image, encoding, **options)
    if dtype == "uint32":  # which Pillow writes as if it had a sign
        data = data.replace(b"\x53\x01\x03\0\x01\0\0\0\x02", b"\x53\x01\x03\0\x01\0\0\0\x01")
    seen = np.asarray(decode(data, LIMIT))
    assert (seen[..., 0] == seen[..., 1]).all() and (seen[..., 1] == seen[..., 2]).all()
    return [int(value) for value in seen[0, :, 0]]


@pytest.mark.parametrize(
    ("values", "dtype", "seen"),
    [
        ([0, 0x8000, 0xFFFF], "uint16", [0, 128, 255]),
        ([0, 2048, 4095], "uint16", [0, 128, 255]),
        ([0, 128, 255], "uint16", [0, 128, 255]),
        ([0, 128, 255], "int32", [0, 128, 255]),
        ([0, 0x8000, 0xFFFF], "int32", [0, 128, 255]),
        ([0, 2**30, 2**31 - 1], "int32", [0, 127, 255]),
        ([-100, 0, 100], "int32", [0, 127, 255]),
        ([0, 2**31, 2**32 - 1], "uint32", [0, 127, 255]),
        ([-(2**15), 0, 2**15 - 1], "int16", [0, 127, 255]),
        ([0, 0.5, 1], "float32", [0, 127, 255]),
        ([0, 128, 255], "float32", [0, 128, 255]),
        ([0, 1e6, 2e6], "float32", [0, 127, 255]),
        ([-1, 0, 1], "float32", [0, 127, 255]),
        ([0, 0, 0], "float32", [0, 0, 0]),
        ([1, 1, 1], "float32", [255, 255, 255]),
    ],
)
def test_wide_values_are_neither_white_nor_black(values: list[float], dtype: str, seen: list[int]) -> None:
    assert shades(values, dtype) == seen


def test_wide_values_of_a_png_may_be_transparent() -> None:
    assert shades([0, 0x8000, 0xFFFF], "uint16", "PNG", transparency=0) == [255, 128, 255]


def test_values_that_are_no_numbers_are_unreadable() -> None:
    with pytest.raises(ImageError, match="values that are no numbers"):
        shades([0, float("nan"), 1], "float32")


def test_a_palette_with_transparency_lies_on_white() -> None:
    palette = picture(mode="P", colour=0)
    palette.putpalette([10, 20, 30])

    assert decode(encoded(palette, transparency=0), LIMIT).getpixel((0, 0)) == WHITE


def test_print_colours_become_screen_colours() -> None:
    decoded = decode(encoded(picture(mode="CMYK", colour=(0, 255, 255, 0)), "TIFF"), LIMIT)

    assert (decoded.mode, decoded.getpixel((0, 0))) == ("RGB", RED)


def test_what_is_encoded_anew_has_pixels_and_no_profile_of_other_colours() -> None:
    clear = PIL.Image.new("RGBA", (6, 4), (0, 0, 0, 0))
    assert from_bytes(encoded(clear, icc_profile=b"a profile"), LIMIT).data == png(picture(colour=WHITE))

    printed = encoded(picture(mode="CMYK", colour=(0, 255, 255, 0)), "TIFF", icc_profile=b"of CMYK")
    shown, form = as_shown(printed, LIMIT)
    assert (form, PIL.Image.open(io.BytesIO(shown)).info, decode(printed, LIMIT).info) == ("PNG", {}, {})


def written(file: Path, count: int) -> list[schemas.Image]:
    rows = [encode(picture(colour=(number, 0, 0))) for number in range(count)]
    store.write(file, schemas.Image, rows)
    return rows


def test_every_image_of_a_table_can_be_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "CACHED_GROUPS", 2)
    rows = written(tmp_path / "images.parquet", 70)
    opened = ImageStore(tmp_path / "images.parquet", LIMIT)

    for number, row in enumerate(rows):
        assert opened.load(row.image_id).getpixel((0, 0)) == (number, 0, 0)
    assert len(opened._groups) == 2
    assert len(opened) == 70 and rows[0].image_id in opened


def test_a_store_travels_to_another_process(tmp_path: Path) -> None:
    row = written(tmp_path / "images.parquet", 1)[0]
    copy = pickle.loads(pickle.dumps(ImageStore(tmp_path / "images.parquet", LIMIT)))

    assert copy.load(row.image_id).size == (6, 4)


def test_an_unknown_id_is_a_typed_error(tmp_path: Path) -> None:
    written(tmp_path / "images.parquet", 1)

    with pytest.raises(ImageError, match="missing image: nowhere is not in") as caught:
        ImageStore(tmp_path / "images.parquet", LIMIT).load("nowhere")
    assert caught.value.reason == "missing image"


def test_a_missing_table_says_so(tmp_path: Path) -> None:
    with pytest.raises(store.StoreError, match="not found"):
        ImageStore(tmp_path / "images.parquet", LIMIT)
