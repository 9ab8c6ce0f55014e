"""The stage's whole way, from damaged sources to tables: no row is lost, nothing takes the memory."""

import copy
import json
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mathse import layout, params
from mathse.params import AdapterSource, FigureSource
from mathse.sources.ingest import ingest
from mathse.tables import store
from mathse.tables.schemas import Image, Origin, Problem, Reject, Split
from tests.shared_data import shared
from tests.sources.adapters.samples import SAMPLES, without_benchmarks
from tests.sources.adapters.test_damage import DAMAGES, assert_of_no_machine, damaged_rows
from tests.sources.adapters.test_hostile import IMAGES, pixel_bomb

DRAWN = FigureSource(name="figures", seed=1, train=1, orm=1, test=1)


def settings(*sources: AdapterSource) -> params.Problems:
    return params.Problems(sources=(DRAWN, *sources))


def damaged_source(name: str, seed: int, folder: Path) -> tuple[AdapterSource, int]:
    """A damaged copy of a sample, taken in one way or another, and how many rows it has."""
    chance = random.Random(f"{name} {seed}")
    rows = damaged_rows(name, chance)
    folder.mkdir(parents=True)
    SAMPLES[name].put(folder, copy.deepcopy(rows))
    if SAMPLES[name].images and chance.random() < 0.2:
        (folder / chance.choice(SAMPLES[name].images)).unlink(missing_ok=True)
    split = chance.choice([{"train": 1}, {"test": 1}, {"train": 0.5, "orm": 0.3, "test": 0.2}])
    taken = {
        "filter": {"languages": ["en"]} if chance.random() < 0.1 else {"min_question": chance.randint(1, 20)},
        "weight": chance.choice([0.3, 1]),
        "source_split": chance.choice(["follow", "ignore"]),
        "split": split,
    }
    return AdapterSource.model_validate({"name": name, "label": f"d{seed}", "path": folder, **taken}), len(rows)


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLES)
def test_every_row_of_500_damaged_sources_is_an_origin_or_a_reject(name: str, tmp_path: Path) -> None:
    made = [damaged_source(name, seed, tmp_path / "data" / str(seed)) for seed in range(DAMAGES)]
    counts = ingest(settings(*(source for source, _ in made)), without_benchmarks(tmp_path))

    origins = store.read(tmp_path / layout.ORIGINS, Origin, verify=True)
    rejects = store.read(tmp_path / layout.REJECTS, Reject, verify=True)
    out = Counter(row.source for row in origins) + Counter(row.source for row in rejects)
    assert out == Counter({source.source: rows for source, rows in made if rows}) + Counter(figures=3)
    assert counts.rows == len(origins) + len(rejects)
    assert len(origins) > DAMAGES / 20
    assert len(rejects) > DAMAGES / 10

    for row in rejects:
        assert_of_no_machine(row, tmp_path)
    problems = {row.problem_id: row for row in store.read(tmp_path / layout.PROBLEMS, Problem, verify=True)}
    assert {origin.problem_id for origin in origins} == set(problems)
    assert {origin.split for origin in origins if origin.split is not problems[origin.problem_id].split} == set()
    images = {image_id: problem.split for problem in problems.values() for image_id in problem.image_ids}
    assert all(images[image_id] is row.split for row in problems.values() for image_id in row.image_ids)
    assert set(images) == {row.image_id for row in store.read(tmp_path / layout.IMAGES, Image, verify=True)}


@pytest.mark.parametrize("name", SAMPLES)
def test_the_order_in_which_the_disk_lists_files_changes_no_byte(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = (layout.PROBLEMS, layout.IMAGES, layout.ORIGINS, layout.REJECTS)
    made = []
    for order in (1, -1):
        root = tmp_path / str(order)
        parts = ["b", "a", "c"][::order]
        for part in parts:  # three copies, each with its own rows and one that is faulty
            (root / "data" / part).mkdir(parents=True)
            rows = [*copy.deepcopy(SAMPLES[name].rows), 3]
            SAMPLES[name].put(root / "data" / part, rows)
        monkeypatch.setattr(os, "walk", in_order(order))
        monkeypatch.chdir(root)
        ingest(settings(AdapterSource(name=name, path=Path("data"))), without_benchmarks(root))
        made.append({table: (root / table).read_bytes() for table in tables})
    assert made[0] == made[1]
    rejects = store.read(root / layout.REJECTS, Reject)
    assert rejects
    assert len(store.read(root / layout.ORIGINS, Origin)) + len(rejects) == 3 + 3 * (len(SAMPLES[name].rows) + 1)


def in_order(order: int) -> Callable[[Path], Iterator[tuple[str, list[str], list[str]]]]:
    """`os.walk` of a disk that lists names in order, or in the reverse of it."""
    whole = os.walk

    def walk(folder: Path) -> Iterator[tuple[str, list[str], list[str]]]:
        for place, below, names in whole(folder):
            below.sort(reverse=order < 0)
            yield place, below, sorted(names, reverse=order < 0)

    return walk


PEAK = """
import sys
from pathlib import Path
from mathse import params
from mathse.sources.ingest import ingest
root = Path(sys.argv[1])
drawn = {"name": "figures", "seed": 1, "train": 1, "orm": 1, "test": 1}
ingest(params.Problems.model_validate({"sources": [drawn, {"name": "k12", "path": root / "data"}]}), root)
print(*(line.strip() for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def test_what_is_hostile_is_rejected_with_its_reason_in_little_memory(tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "images").mkdir(parents=True)
    (tmp_path / "secret.png").write_bytes(pixel_bomb())
    bad = {kind: picture for kind, (picture, _) in IMAGES.items()}
    for kind, picture in bad.items():
        (data / "images" / kind).write_bytes(picture)
    rows = [{"id": kind, "question": "Find x.", "answer": "4", "image_path": f"images/{kind}"} for kind in bad]
    rows.append({"id": "escape", "question": "Find x.", "answer": "4", "image_path": "../secret.png"})
    rows.append({"id": "long", "question": "x" * 900_000, "answer": "4"})
    with (data / "k12.json").open("w", encoding="utf-8") as file:
        file.write("[" + ",".join(json.dumps(row) for row in rows))
        file.write(', {"id": "huge", "answer": "4", "question": "')
        for _ in range(50):
            file.write("x" * 10**6)
        file.write('"}]')
    without_benchmarks(tmp_path)
    done = subprocess.run([sys.executable, "-c", PEAK, str(tmp_path)], capture_output=True, text=True, check=True)

    rejects = store.read(tmp_path / layout.REJECTS, Reject, verify=True)
    assert {row.source_id: row.reason for row in rejects} == {
        **{kind: reason for kind, (_, reason) in IMAGES.items()},
        "escape": "path leaves the folder",
        "long": "question too long",
        f"k12.json:{len(rows)}": "row too large",
    }
    assert int(done.stdout.split()[1]) < 500 * 1024, done.stdout


REAL = {"k12": (150, {"gold fails its own grader": 2}), "geometry3k": (10, {}), "tabmwp": (200, {})}


def test_the_real_samples_together(tmp_path: Path) -> None:
    sources = [
        AdapterSource.model_validate({"name": name, "path": shared(name), "split": {"train": 0.7, "orm": 0.3}})
        for name in REAL
    ]
    counts = ingest(settings(*sources), without_benchmarks(tmp_path))
    for name, (rows, rejected) in REAL.items():
        assert counts.reasons(name) == rejected
        assert counts.taken[name] == rows - sum(rejected.values())
    assert counts.problems[Split.ORM] > 60
    images = store.read(tmp_path / layout.IMAGES, Image, verify=True)
    assert sum(image.perceptual_hash is not None for image in images) > 0.95 * len(images)
