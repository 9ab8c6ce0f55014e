"""Rows in are rows out and rejects, whatever has happened to a source: 500 damaged copies for every adapter."""

import copy
import json
import pickle
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mathse.sources.adapter import adapter
from mathse.sources.admit import Admitted, Limits, admit
from mathse.sources.geometry_pickles import pickled_rows
from mathse.sources.reading import rows
from mathse.sources.rows.raw import Damaged, Raw, SourceRow
from mathse.tables.schemas import Reject
from tests.sources.adapters.samples import GREY, SAMPLES, png
from tests.sources.adapters.test_hostile import jpeg

DAMAGES = 500
ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
LIMITS = Limits()
PICKLED = ("geoqa_plus", "unigeo")
ODD: tuple[Any, ...] = (
    *(None, True, 0, -1, 3, 10**40, 1.5, float("nan"), float("inf"), "", " ", "B", "Z", "\ud800", "\0", "7" * 500),
    *([], {}, [[]], [None], {"bytes": None}, [1, "a", None], {"en": {"x": 1}}, "x" * 30_000, "<image><image>", "N_7"),
    *("../../etc/passwd", "/etc/passwd", "images", ".", "no.png", "a\nb", "∠∠∠", "\\frac{1}{0}", "(A) 1 (B) 2 (C) 3"),
)
ARRAYS: tuple[Any, ...] = (
    np.zeros((2, 2)),
    np.zeros((0, 3), np.uint8),
    np.zeros((2, 2, 4), np.uint8),
    b"",
    (1, 2),
    {1},
)


def damaged_rows(name: str, chance: random.Random) -> list[Any]:
    found: list[Any] = [copy.deepcopy(chance.choice(SAMPLES[name].rows)) for _ in range(chance.randint(1, 3))]
    values = ODD + ARRAYS if name in PICKLED else ODD
    for _ in range(chance.randint(1, 2)):
        damage(found, values, chance)
    return found


def damage(rows: list[Any], values: tuple[Any, ...], chance: random.Random) -> None:
    """Delete or replace one thing, anywhere within one row, or the row itself."""
    place = chance.randrange(len(rows))
    if chance.random() < 0.05:
        rows[place] = chance.choice(values)
        return
    spots = list(within(rows[place]))
    if not spots:
        return
    holder, key = chance.choice(spots)
    if chance.random() < 0.4:
        del holder[key]
    else:
        holder[key] = copy.deepcopy(chance.choice(values))


def within(value: Any) -> Iterator[tuple[Any, Any]]:
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from within(value[key])


def run(name: str, folder: Path) -> list[Admitted | Reject]:
    return list(admit(adapter(name).read(folder), folder, "MIT", LIMITS))


def assert_storable(found: list[Admitted | Reject], folder: Path) -> None:
    """Keys are unique, every text can be hashed, that is encoded, and none tells of the machine it was written on."""
    keys = [
        (row.source, row.source_id) if isinstance(row, Reject) else (row.origin.source, row.origin.source_id)
        for row in found
    ]
    assert len(set(keys)) == len(keys)
    for row in found:
        assert (row if isinstance(row, Reject) else row.problem).row_hash
        if isinstance(row, Reject):
            assert row.reason
            assert len(row.reason) < 60
            assert_of_no_machine(row, folder)


def assert_of_no_machine(row: Reject, folder: Path) -> None:
    """Neither an object's address nor where the source lies is in a reject: both differ from run to run."""
    told = f"{row.source_id} {row.reason} {row.detail}"
    assert not ADDRESS.search(told), told
    assert str(folder) not in told, told


@pytest.mark.parametrize("name", SAMPLES)
def test_every_row_comes_out_once(name: str, tmp_path: Path) -> None:
    admitted = rejected = 0
    for seed in range(DAMAGES):
        chance = random.Random(f"{name} {seed}")
        source = damaged_rows(name, chance)
        SAMPLES[name].put(tmp_path, source)
        lost = chance.random() < 0.2 and SAMPLES[name].images
        if lost:
            (tmp_path / chance.choice(lost)).unlink()
        found = run(name, tmp_path)

        assert len(found) == len(source), source
        assert_storable(found, tmp_path)
        admitted += sum(isinstance(row, Admitted) for row in found)
        rejected += sum(isinstance(row, Reject) for row in found)
        clear(tmp_path)
    assert admitted > DAMAGES / 10
    assert rejected > DAMAGES / 10


def clear(folder: Path) -> None:
    for file in sorted(folder.rglob("*"), reverse=True):
        if file.is_file():
            file.unlink()


def broken(data: bytes, chance: random.Random) -> bytes:
    """The file cut, with bytes changed, added or lost, or in another encoding."""
    kind = chance.randrange(5)
    at = chance.randrange(len(data))
    if kind == 0:
        return data[:at]
    if kind == 1:
        return data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]
    if kind == 2:
        return data[:at] + data[at + chance.randint(1, 30) :]
    if kind == 3:
        return data[:at] + bytes(chance.randrange(256) for _ in range(chance.randint(1, 8))) + data[at:]
    return data.decode("latin1").encode(chance.choice(("utf-16", "utf-8-sig", "utf-32")))


def source_rows(name: str, folder: Path) -> list[SourceRow | Damaged]:
    if name in PICKLED:
        return list(pickled_rows(folder))
    if name == "geometry3k":
        return list(rows(folder, lambda file: file == "data.json"))
    return list(rows(folder))


@pytest.mark.parametrize("name", SAMPLES)
def test_a_broken_file_is_counted_too(name: str, tmp_path: Path) -> None:
    broken_rows = 0
    for seed in range(DAMAGES):
        chance = random.Random(f"{name} file {seed}")
        file = chance.choice(SAMPLES[name].put(tmp_path))
        file.write_bytes(broken(file.read_bytes(), chance))
        found = run(name, tmp_path)

        assert_storable(found, tmp_path)
        if name != "geometry3k":  # a folder's file is one row however it is broken
            assert len(found) == len(source_rows(name, tmp_path))
        else:
            assert len(found) == len(SAMPLES[name].rows)
        broken_rows += sum(isinstance(row, Reject) for row in found)
    assert broken_rows > DAMAGES / 10


def test_a_broken_image_is_a_reject_of_no_machine(tmp_path: Path) -> None:
    reasons = set()
    for seed in range(DAMAGES):
        chance = random.Random(f"image {seed}")
        data = chance.choice((png(), jpeg()))
        (tmp_path / "a.png").write_bytes(broken(data, chance))
        raw = Raw(source="k12", source_id="1", question="Find x.", answer="4", images=("a.png",))
        (found,) = admit([raw], tmp_path, "MIT", LIMITS)
        if isinstance(found, Reject):
            reasons.add(found.detail)
            assert_of_no_machine(found, tmp_path)
    assert len(reasons) > 3


def test_a_pickle_that_names_objects_is_a_reject_of_no_machine(tmp_path: Path) -> None:
    rows = [{"id": 1, "image": np.zeros(2, object)}, {"id": 2, np.float64(1): GREY}]
    for place, row in enumerate(rows):
        (tmp_path / f"{place}.pk").write_bytes(pickle.dumps([row], protocol=2))
    (tmp_path / "2.pk").symlink_to(tmp_path / "nowhere")
    (tmp_path / "3.pk").write_bytes(pickle.dumps(np.dtype("f8"), protocol=2).replace(b"X\x02\x00\x00\x00f8", b"]"))
    found = run("geoqa_plus", tmp_path)
    assert len(found) == 4
    assert_storable(found, tmp_path)


def test_a_cut_costs_what_is_behind_it_and_nothing_else(tmp_path: Path) -> None:
    whole = [
        {"id": f"r{place}", "question": f'{place} + {place}, then ] or }} or \\" is', "answer": "4"}
        for place in range(4)
    ]
    text = json.dumps(whole).encode()
    ends = [text.index(json.dumps(row).encode()) + len(json.dumps(row).encode()) for row in whole]
    for cut in range(1, len(text)):
        (tmp_path / "k12.json").write_bytes(text[:cut])
        found = list(adapter("k12").read(tmp_path))
        kept = sum(end <= cut for end in ends)

        assert [row.source_id for row in found[:kept]] == [row["id"] for row in whole[:kept]]
        assert all(isinstance(row, Reject) for row in found[kept:])
        assert found[-1].reason == "truncated file" if isinstance(found[-1], Reject) else False


def test_a_broken_parquet_file_is_rejects(tmp_path: Path) -> None:
    fields = {"problem": "<image>Find $x$.", "answer": "4", "images": [{"bytes": png(), "path": None}]}
    pq.write_table(pa.Table.from_pylist([{**fields, "id": str(place)} for place in range(40)]), tmp_path / "whole")
    whole = (tmp_path / "whole").read_bytes()
    fates = set()
    for seed in range(DAMAGES):
        chance = random.Random(f"parquet {seed}")
        (tmp_path / "train.parquet").write_bytes(broken(whole, chance))
        found = run("geometry3k", tmp_path)
        assert_storable(found, tmp_path)
        assert found
        assert len(found) <= 41
        fates.add(any(isinstance(row, Reject) for row in found))
    assert fates == {True, False}
