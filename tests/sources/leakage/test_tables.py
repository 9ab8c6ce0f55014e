"""Leaks planted in a source, through the whole stage: found, listed with both sides, and taken out of the tables."""

import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import PIL.Image
import pytest

from mathse import layout, params
from mathse.sources.gathering import Counts
from mathse.sources.images import encode
from mathse.sources.ingest import ingest
from mathse.sources.leakage.tables import Screened, screen
from mathse.tables import store
from mathse.tables.images import decode, stored
from mathse.tables.schemas import BenchmarkItem, Image, Leak, Problem, Reject, Split
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


def screened(root: Path, settings: params.Problems) -> tuple[Counts, Screened]:
    counts = ingest(settings, root)
    return counts, screen(settings, counts, root)


def tables(root: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in (root / layout.PROBLEMS.parent).iterdir() if file.name[:5] != "leaks"}


def test_every_planted_leak_is_found_listed_and_taken_out(tmp_path: Path) -> None:
    benchmark(tmp_path, ("17", QUESTION, SHOWN))
    settings = sources(tmp_path / "k12")
    before = ingest(settings, tmp_path)
    known = {row.problem_id: row.source_id for row in store.scan(tmp_path / layout.PROBLEMS, Problem)}
    counts, found = screened(tmp_path, settings)

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
    assert (found, counts.reasons()["leak"], counts.rows) == (Screened(10, 0), 10, before.rows)
    assert counts.problems[Split.TRAIN] == before.problems[Split.TRAIN] - 10


def test_without_benchmarks_nothing_changes(tmp_path: Path) -> None:
    benchmark(tmp_path)
    settings = sources(tmp_path / "k12")
    ingest(settings, tmp_path)
    before = tables(tmp_path)
    _, found = screened(tmp_path, settings)

    assert tables(tmp_path) == before and str(found) == ""
    assert store.read(tmp_path / layout.LEAKS, Leak) == []


@pytest.mark.parametrize(
    ("leakage", "removed", "listed"),
    [({"remove": False}, 0, 10), ({"images": False}, 4, 0), ({"images": False, "score": 1000}, 3, 0)],
    ids=["listed only", "texts only", "equal texts only"],
)
def test_what_params_ask_for_is_done(tmp_path: Path, leakage: dict[str, object], removed: int, listed: int) -> None:
    benchmark(tmp_path, ("17", QUESTION, SHOWN))
    _, found = screened(tmp_path, sources(tmp_path / "k12", leakage=leakage))

    assert found == Screened(removed, listed)
    told = store.read(tmp_path / layout.LEAKS, Leak)
    assert len({leak.problem_id for leak in told if leak.removed}) == removed


def of_figures(root: Path, split: Split) -> tuple[Problem, PIL.Image.Image]:
    """A drawn problem of the tables, and its image."""
    problem = next(
        row for row in store.scan(root / layout.PROBLEMS, Problem) if row.source == "figures" and row.split == split
    )
    rows = stored(root / layout.IMAGES, set(problem.image_ids))
    return problem, decode(rows[problem.image_ids[0]].data, 10**6)


@pytest.mark.parametrize(
    ("split", "same_text", "removed"),
    [(Split.TRAIN, False, False), (Split.ORM, True, True), (Split.TEST, True, False)],
    ids=["a look-alike figure stays", "with its text it leaves", "a test problem stays"],
)
def test_drawn_figures_and_test_problems(tmp_path: Path, split: Split, same_text: bool, removed: bool) -> None:
    settings = sources(tmp_path / "k12", planted=False)
    ingest(settings, tmp_path)
    problem, image = of_figures(tmp_path, split)
    long = f"{problem.question} {QUESTION}"
    if same_text:
        _ask(tmp_path, problem, long)
    benchmark(tmp_path, ("1", long if same_text else ELSE, image))
    counts = Counts()
    counts.problems[split] = 9
    counts.taken["figures"] = 9
    screen(settings, counts, tmp_path)

    leaks = [leak for leak in store.scan(tmp_path / layout.LEAKS, Leak) if leak.kind == "near_image"]
    assert leaks
    left = {row.source_id for row in store.scan(tmp_path / layout.PROBLEMS, Problem)}
    assert (problem.source_id not in left) == removed


def _ask(root: Path, problem: Problem, question: str) -> None:
    """Give a problem another question in the table."""
    rows = store.read(root / layout.PROBLEMS, Problem)
    changed = [row.model_copy(update={"question": question}) if row == problem else row for row in rows]
    store.write(root / layout.PROBLEMS, Problem, [Problem(**row.model_dump(exclude={"row_hash"})) for row in changed])
