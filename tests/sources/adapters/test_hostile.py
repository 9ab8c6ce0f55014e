"""What a source must not be able to do: take the memory, read outside its folder, or pass a bad row."""

import io
import json
import os
import subprocess
import sys
import zlib
from pathlib import Path

import PIL.Image
import pytest

from mathse.sources.adapter import adapter
from mathse.sources.admit import Admitted, Limits, admit
from mathse.sources.rows.raw import Pixels, Raw
from mathse.tables.schemas import Reject
from tests.sources.adapters.samples import png

LIMITS = Limits()
PEAK = """
import sys
from pathlib import Path
from mathse.sources.admit import Limits, admit
from mathse.sources.adapter import adapter
folder = Path(sys.argv[1])
for row in admit(adapter("k12").read(folder), folder, "MIT", Limits()):
    print("row", getattr(row, "source_id", "admitted"), getattr(row, "reason", ""))
print(*(line.strip() for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def chunk(name: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4) + name + body + zlib.crc32(name + body).to_bytes(4)


def header(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", width.to_bytes(4) + height.to_bytes(4) + b"\x08\x02\0\0\0")


def text_bomb() -> bytes:
    """A small picture with a comment that unpacks to 200 MB."""
    squeeze = zlib.compressobj(9)
    packed = b"".join(squeeze.compress(bytes(2**20)) for _ in range(200)) + squeeze.flush()
    whole = png()
    return whole[:33] + chunk(b"zTXt", b"Comment\0\0" + packed) + whole[33:]


def pixel_bomb() -> bytes:
    """A picture that says 6 x 4 and packs 200 MB of pixels: what is beyond the 24 is never unpacked."""
    squeeze = zlib.compressobj(9)
    packed = b"".join(squeeze.compress(bytes(2**20)) for _ in range(200)) + squeeze.flush()
    return header(6, 4) + chunk(b"IDAT", packed[: len(packed) // 2]) + chunk(b"IEND", b"")


def jpeg() -> bytes:
    buffer = io.BytesIO()
    PIL.Image.linear_gradient("L").save(buffer, format="JPEG")
    return buffer.getvalue()


def raw(**fields: object) -> Raw:
    return Raw(**{"source": "k12", "source_id": "1", "question": "Find x.", "answer": "4", **fields})  # type: ignore[arg-type]


def fate(row: Raw, folder: Path = Path("/nowhere"), limits: Limits = LIMITS) -> str:
    (found,) = admit([row], folder, "MIT", limits)
    return found.reason if isinstance(found, Reject) else "admitted"


IMAGES = {
    "enormous": (header(20_000, 20_000) + chunk(b"IDAT", b"x"), "too many pixels"),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "unreadable image"),
    "text bomb": (text_bomb(), "unreadable image"),
    "empty": (b"", "unreadable image"),
    "cut": (png()[:45], "unreadable image"),
    "cut jpeg": (jpeg()[:-200], "unreadable image"),
    "eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\nshowpage\n", "unreadable image"),
    "heavy": (png() + bytes(LIMITS.image_bytes), "too many bytes"),
}


@pytest.mark.parametrize("kind", IMAGES)
@pytest.mark.parametrize("stored", ["file", "bytes"])
def test_a_hostile_image_is_rejected(kind: str, stored: str, tmp_path: Path) -> None:
    data, reason = IMAGES[kind]
    (tmp_path / "a.png").write_bytes(data)
    assert fate(raw(images=("a.png" if stored == "file" else data,)), tmp_path) == reason


def test_a_good_image_is_admitted_however_it_comes(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png())
    for ref in ("a.png", "./a.png", png(), Pixels(3, 2, "L", bytes(6)), Pixels(1, 1, "RGB", b"abc")):
        assert fate(raw(images=(ref,)), tmp_path) == "admitted"


@pytest.mark.parametrize(
    "ref", ["../secret.png", "in/../../secret.png", "out.png", "far/secret.png", "/secret", "in/../a.png"]
)
def test_no_path_leads_out_of_the_folder(ref: str, tmp_path: Path) -> None:
    folder = tmp_path / "source"
    (folder / "in").mkdir(parents=True)
    (tmp_path / "secret.png").write_bytes(png())
    (folder / "a.png").write_bytes(png())
    (folder / "out.png").symlink_to(tmp_path / "secret.png")
    (folder / "far").symlink_to(tmp_path)
    absolute = str(tmp_path / "secret.png") if ref == "/secret" else ref

    assert fate(raw(images=(absolute,)), folder) == "path leaves the folder"


@pytest.mark.parametrize(
    "ref", ["none.png", "", ".", "loop.png", "pipe", "a\0b", "x" * 5_000, "http://example.org/a.png"]
)
def test_what_is_no_file_is_missing(ref: str, tmp_path: Path) -> None:
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    os.mkfifo(tmp_path / "pipe")
    assert fate(raw(images=(ref,)), tmp_path) == "missing image"


def test_a_link_inside_the_folder_is_followed(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png())
    (tmp_path / "b.png").symlink_to(tmp_path / "a.png")
    assert fate(raw(images=("b.png",)), tmp_path) == "admitted"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"question": ""}, "empty question"),
        ({"question": " <image>\n", "images": (png(),)}, "empty question"),
        ({"question": "x" * 20_001}, "question too long"),
        ({"question": "<image> and <image>", "images": (png(),)}, "placeholders do not match images"),
        ({"question": "<image> of x"}, "placeholders do not match images"),
        ({"question": "<image2> of x", "images": (png(),)}, "placeholders do not match images"),
        ({"question": "<image1>, <image1>", "images": (png(), png("blue"))}, "placeholders do not match images"),
        ({"images": (png(),) * 17}, "too many images"),
        ({"answer": " "}, "empty answer"),
        ({"answer": "a line\nand another"}, "gold fails its own grader"),
        ({"answer": "9" * 400}, "gold fails its own grader"),
        ({"answer": "5", "choices": ("1", "2")}, "gold is not among the choices"),
        ({"answer": "C", "choices": ("1", "2")}, "gold is not among the choices"),
        ({"answer": "0.5", "choices": ("1/2", "2/4", "3")}, "gold fits several choices"),
        ({"answer": "A", "choices": ("1",)}, "number of choices"),
        ({"answer": "A", "choices": ("1", " ")}, "empty choice"),
        ({"answer": "0.5", "choices": ("1/3", "1/2")}, "admitted"),
        ({"question": "See <image1> and <image 2>", "images": (png(), png("blue"))}, "admitted"),
    ],
)
def test_a_bad_row_is_rejected_with_its_reason(fields: dict[str, object], reason: str) -> None:
    assert fate(raw(**fields)) == reason


def test_a_gold_value_becomes_its_letter() -> None:
    (found,) = admit([raw(answer="0.5", choices=("1/3", "1/2"))], Path("/nowhere"), "MIT", LIMITS)
    assert isinstance(found, Admitted)
    assert found.problem.answer == "B"


def test_large_pixels_are_not_encoded() -> None:
    assert fate(raw(images=(Pixels(3, 3, "L", bytes(9)),)), limits=Limits(image_pixels=8)) == "too many pixels"


def test_a_name_that_utf8_cannot_hold_is_still_a_reject(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff.json")).write_bytes(b'[{"question": "x"}, 3]')
    rows = list(adapter("k12").read(tmp_path))
    assert [row.reason for row in rows if isinstance(row, Reject)] == ["missing field", "row is not an object"]
    assert all(row.row_hash for row in rows if isinstance(row, Reject))


def test_memory_stays_bounded_whatever_the_source_holds(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    bad = {**{kind: data for kind, (data, _) in IMAGES.items()}, "pixel bomb": pixel_bomb()}
    for kind, data in bad.items():
        (tmp_path / "images" / kind).write_bytes(data)
    with (tmp_path / "images" / "sparse").open("wb") as file:
        file.truncate(2**33)
    rows = [
        {"id": kind, "question": "Find x.", "answer": "4", "image_path": f"images/{kind}"} for kind in (*bad, "sparse")
    ]
    with (tmp_path / "k12.json").open("w", encoding="utf-8") as file:
        file.write("[" + ",".join(json.dumps(row) for row in rows))
        file.write(', {"id": "long", "answer": "4", "question": "')
        for _ in range(50):
            file.write("x" * 10**6)
        file.write('"}, {"id": "behind", "question": "", "answer": "4"}]')
    done = subprocess.run([sys.executable, "-c", PEAK, str(tmp_path)], capture_output=True, text=True, check=True)
    said = done.stdout.splitlines()

    reasons = {kind: reason for kind, (_, reason) in IMAGES.items()}
    expected = {**reasons, "sparse": "too many bytes"}
    assert said[:-1] == [
        *(f"row {kind} {expected[kind]}" if kind in expected else "row admitted " for kind in (*bad, "sparse")),
        f"row k12.json:{len(rows)} row too large",
        "row behind empty question",
    ]
    assert int(said[-1].split()[1]) < 500 * 1024, said[-1]
