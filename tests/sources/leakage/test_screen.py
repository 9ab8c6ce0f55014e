"""Leaks planted in a source, through the whole stage: found, listed with both sides, and kept out of the tables."""

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import PIL.Image
import pytest

from mathse import layout, params
from mathse.params import FigureSource
from mathse.sources import figures
from mathse.sources.admit import NO_FOLDER
from mathse.sources.choice import SourceSplits
from mathse.sources.gathering import Counts, Gathering
from mathse.sources.images import encode
from mathse.sources.ingest import Opened, gather, ingest, limits
from mathse.sources.leakage.screen import screen
from mathse.sources.rows.raw import Pixels
from mathse.tables import store
from mathse.tables.schemas import BenchmarkItem, Image, Leak, Problem, Reject, Split
from mathse.tables.store import StoreError
from tests.sources.adapters.samples import without_benchmarks
from tests.sources.leakage import test_pictures as change
from tests.sources.leakage.test_planted import ELSE, FIGURE, OTHER, QUESTION, same_image
from tests.sources.leakage.test_text import FULL_WIDTH, filler

OPTIONS = ("65", "75", "55", "115")
LETTERED = "\n".join([QUESTION, *(f"{letter}. {option}" for letter, option in zip("ABCD", OPTIONS, strict=True))])
REORDERED = "\n".join(
    [QUESTION, *(f"{letter}. {option}" for letter, option in zip("ABCD", OPTIONS[::-1], strict=True))]
)
BLANK = PIL.Image.new("RGB", (40, 40), "white")
SHOWN = FIGURE.image().convert("RGB")
PLANTED: dict[str, tuple[str, PIL.Image.Image, set[str]]] = {
    "verbatim": (LETTERED, SHOWN, {"equal_text", "near_image"}),
    "lightly reworded": (LETTERED.replace("below", "here"), BLANK, {"shared_grams"}),
    "choices reordered": (REORDERED, BLANK, {"equal_text"}),
    "full-width digits": (LETTERED.translate(FULL_WIDTH), BLANK, {"equal_text"}),
    "image resized": (f"1. {ELSE}", change.resized(SHOWN), {"near_image"}),
    "cropped 3 %": (f"2. {ELSE}", change.cropped(SHOWN), {"near_image"}),
    "re-encoded": (f"3. {ELSE}", change.encoded_anew(SHOWN), {"near_image"}),
    "greyed": (f"4. {ELSE}", change.greyed(SHOWN), {"near_image"}),
    "recoloured background": (f"5. {ELSE}", change.on_other_paper(SHOWN), {"near_image"}),
    "same image, another question": (f"6. {ELSE}", same_image(SHOWN), {"near_image"}),
    "same template, other numbers, other image": (
        LETTERED.replace("47", "52").replace("68", "71").replace("65", "57").replace("75", "67").replace("55", "123"),
        OTHER.image().convert("RGB"),
        set(),
    ),
}


def sources(folder: Path, planted: bool = True, leakage: Mapping[str, object] | None = None) -> params.Problems:
    """Drawn figures for every split, and a k12 of 200 questions and the planted ones, all for training."""
    rows = [{"id": name, "question": text, "answer": "4"} for name, text, _ in filler(200)]
    for name, (question, shown, _) in PLANTED.items() if planted else ():
        folder.mkdir(parents=True, exist_ok=True)
        shown.save(folder / f"{name}.png")
        rows.append({"id": name, "question": question, "answer": "65", "image": f"{name}.png"})
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "k12.json").write_text(json.dumps(rows), encoding="utf-8")
    drawn = {"name": "figures", "seed": 1, "train": 3, "orm": 2, "test": 2}
    given = {"sources": [drawn, {"name": "k12", "path": folder}], "leakage": leakage or {}}
    return params.Problems.model_validate(given)


def benchmark(root: Path, *items: tuple[str, str, PIL.Image.Image]) -> None:
    """The benchmark's tables, of (id, question, image)."""
    encoded = {name: encode(image) for name, _, image in items}
    rows = [
        BenchmarkItem(
            benchmark="bench", item_id=name, question=question, choices=OPTIONS, answer="A", licence="CC0-1.0",
            image_ids=(encoded[name].image_id,), subject="angles", level=1, official="{}",
        )
        for name, question, _ in items
    ]  # fmt: skip
    store.write(root / layout.BENCHMARK_ITEMS, BenchmarkItem, rows)
    store.write(root / layout.BENCHMARK_IMAGES, Image, {row.image_id: row for row in encoded.values()}.values())


def removed_and_listed(counts: Counts) -> tuple[int, int]:
    return counts.reasons()["leak"], counts.leaks_listed


def test_every_planted_leak_is_found_listed_and_taken_out(tmp_path: Path) -> None:
    settings = sources(tmp_path / "k12")
    before = ingest(settings, without_benchmarks(tmp_path))
    known = {row.problem_id: row.source_id for row in store.scan(tmp_path / layout.PROBLEMS, Problem)}
    assert store.read(tmp_path / layout.LEAKS, Leak) == []
    benchmark(tmp_path, ("17", QUESTION, SHOWN))
    counts = ingest(settings, tmp_path)

    kinds: dict[str, set[str]] = defaultdict(set)
    for leak in store.read(tmp_path / layout.LEAKS, Leak, verify=True):
        kinds[known[leak.problem_id]].add(leak.kind)
        assert leak.removed and (leak.benchmark, leak.item_id) == ("bench", "17")
    assert kinds == {name: wanted for name, (_, _, wanted) in PLANTED.items() if wanted}
    rejects = store.read(tmp_path / layout.REJECTS, Reject, verify=True)
    assert {row.source_id for row in rejects if row.reason == "leak"} == set(kinds)
    assert next(row.detail for row in rejects if row.source_id == "greyed") == "bench 17: near_image"
    left = {row.source_id for row in store.scan(tmp_path / layout.PROBLEMS, Problem)}
    assert not left & kinds.keys() and "same template, other numbers, other image" in left
    assert (removed_and_listed(counts), counts.rows) == ((10, 0), before.rows)
    assert counts.problems[Split.TRAIN] == before.problems[Split.TRAIN] - 10


def test_the_benchmarks_have_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"items\.parquet: not found"):
        ingest(sources(tmp_path / "k12"), tmp_path)
    assert not (tmp_path / layout.PROBLEMS).exists()


@pytest.mark.parametrize(
    ("leakage", "removed", "listed"),
    [({"remove": False}, 0, 10), ({"images": False}, 4, 0), ({"images": False, "score": 1000}, 3, 0)],
    ids=["listed only", "texts only", "equal texts only"],
)
def test_what_params_ask_for_is_done(tmp_path: Path, leakage: dict[str, object], removed: int, listed: int) -> None:
    benchmark(tmp_path, ("17", QUESTION, SHOWN))
    counts = ingest(sources(tmp_path / "k12", leakage=leakage), tmp_path)

    assert removed_and_listed(counts) == (removed, listed)
    told = store.read(tmp_path / layout.LEAKS, Leak)
    assert len({leak.problem_id for leak in told if leak.removed}) == removed


@pytest.mark.parametrize(
    ("split", "same_text", "removed"),
    [(Split.TRAIN, False, False), (Split.ORM, True, True), (Split.TEST, True, False)],
    ids=["a look-alike figure stays", "with its text it leaves", "a test problem stays"],
)
def test_drawn_figures_and_test_problems(tmp_path: Path, split: Split, same_text: bool, removed: bool) -> None:
    settings = sources(tmp_path / "k12", planted=False)
    drawn = next(raw for raw in figures.read(figure_source(settings)) if raw.split == split)
    (pixels,) = drawn.images
    assert isinstance(pixels, Pixels)
    question = f"{drawn.question} {QUESTION}"
    image = PIL.Image.frombytes(pixels.mode, (pixels.width, pixels.height), pixels.data)
    benchmark(tmp_path, ("1", question if same_text else ELSE, image))
    rows = [replace(drawn, question=question) if same_text else drawn]
    with Gathering(tmp_path / "waiting") as gathering:
        gather(Opened(iter(rows), NO_FOLDER, "Apache-2.0", SourceSplits()), "figures", limits(settings), gathering)
        leaks = screen(gathering, settings, tmp_path)
        gathering.write(tmp_path)

    assert [leak.removed for leak in leaks if leak.kind == "near_image"] == [removed]
    left = {row.source_id for row in store.scan(tmp_path / layout.PROBLEMS, Problem)}
    assert (drawn.source_id not in left) == removed


def figure_source(settings: params.Problems) -> FigureSource:
    source = settings.sources[0]
    assert isinstance(source, FigureSource)
    return source
