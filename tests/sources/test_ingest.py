"""From params to tables: every source row comes out once, as an origin or as a reject."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import PIL.Image
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathse import layout, params
from mathse.errors import UserError
from mathse.params import AdapterSource, FigureSource
from mathse.sources import figures, ingest
from mathse.sources.admit import Admitted, admit
from mathse.sources.choice import SourceSplits
from mathse.sources.gathering import TABLES, Counts, Gathering
from mathse.sources.images import encode
from mathse.sources.rows.raw import Pixels, Raw
from mathse.synthetic.figures import figure
from mathse.tables import store
from mathse.tables.images import decode
from mathse.tables.schemas import Image, Origin, Problem, Reject, Split
from tests.sources.adapters.samples import SAMPLES, png, without_benchmarks

LICENCES = {"k12": "Apache-2.0", "tabmwp": "CC-BY-NC-SA-4.0", "mathvl": "LicenseRef-unknown"}


def raw(name: str, shade: int | None = 0, **fields: object) -> Raw:
    images = () if shade is None else (Pixels(2, 2, "L", bytes([shade] * 4)),)
    given = {"source": "k12", "source_id": name, "question": f"What is {name}?", "answer": "4", "images": images}
    return Raw(**{**given, **fields})  # type: ignore[arg-type]


def gathered(root: Path, *raws: Raw, excluded: Sequence[Mapping[str, str]] = ()) -> Counts:
    """The tables of some raw problems, each of the split that it names, without those of these source ids."""
    with Gathering(root / "waiting") as gathering:
        ids: dict[str, str] = {}
        for one in raws:
            one = one if one.split else Raw(**{**vars(one), "split": "train"})
            (found,) = admit([one], root, LICENCES[one.source], ingest.limits(SETTINGS), SourceSplits())
            gathering.add(found, one.source)
            if isinstance(found, Admitted):
                ids[one.source_id] = found.problem.problem_id
        for details in excluded:
            gathering.exclude("leak", {ids.get(name, name): detail for name, detail in details.items()})
        gathering.write(root)
    return gathering.counts


SETTINGS = params.Problems(sources=(FigureSource(name="figures", seed=1, train=1, orm=1, test=1),))


def problems(root: Path) -> list[Problem]:
    return store.read(root / layout.PROBLEMS, Problem, verify=True)


def rejects(root: Path) -> list[tuple[str, str]]:
    return [(row.source_id, row.reason) for row in store.read(root / layout.REJECTS, Reject, verify=True)]


def origins(root: Path) -> list[Origin]:
    return store.read(root / layout.ORIGINS, Origin, verify=True)


def images(root: Path) -> dict[str, Image]:
    return {image.image_id: image for image in store.read(root / layout.IMAGES, Image, verify=True)}


def k12(folder: Path, rows: int = 60, shared: int = 1) -> AdapterSource:
    """A source of rows whose images `shared` of them have in common."""
    folder.mkdir(parents=True)
    for place in range(rows):
        (folder / f"{place}.png").write_bytes(png(f"#0000{place // shared:02x}"))
    content = [
        {"id": str(place), "question": f"What is {place}?", "answer": str(place), "image": f"{place}.png"}
        for place in range(rows)
    ]
    (folder / "k12.json").write_text(json.dumps(content), encoding="utf-8")
    return AdapterSource(name="k12", path=folder)


def ingested(root: Path, *sources: AdapterSource | FigureSource, **others: int) -> Counts:
    return ingest.ingest(params.Problems.model_validate({"sources": sources, **others}), without_benchmarks(root))


ALL = {"train": 0.5, "orm": 0.25, "test": 0.25}


def test_equal_problems_are_one_with_all_their_origins_and_the_strictest_licence(tmp_path: Path) -> None:
    same: dict[str, Any] = {"question": "What is it?"}
    counts = gathered(
        tmp_path, raw("a", **same), raw("b", **same), raw("c", source="tabmwp", **same), raw("d", source="mathvl"),
        raw("d2", question="What is d?"),
    )  # fmt: skip
    merged, other = sorted(problems(tmp_path), key=lambda problem: problem.question, reverse=True)

    assert (merged.source, merged.source_id, merged.licence) == ("k12", "a", "CC-BY-NC-SA-4.0")
    assert (other.source, other.licence) == ("mathvl", "LicenseRef-unknown")
    theirs = [one for one in origins(tmp_path) if one.problem_id == merged.problem_id]
    assert [(one.source, one.source_id, one.licence) for one in theirs] == [
        ("k12", "a", "Apache-2.0"), ("k12", "b", "Apache-2.0"), ("tabmwp", "c", "CC-BY-NC-SA-4.0"),
    ]  # fmt: skip
    assert (counts.rows, counts.taken.total(), counts.problems) == (5, 5, {Split.TRAIN: 2})
    assert len(images(tmp_path)) == 1


def test_a_problem_is_in_one_split_and_so_is_an_image(tmp_path: Path) -> None:
    gathered(
        tmp_path, raw("a"), raw("b", split="test"), raw("c", None), raw("c", None, source="mathvl", split="orm"),
    )  # fmt: skip
    assert [problem.source_id for problem in problems(tmp_path)] != []
    assert rejects(tmp_path) == [("b", "image in another split"), ("c", "problem in another split")]


def test_an_image_of_a_rejected_problem_serves_a_later_one(tmp_path: Path) -> None:
    both = (Pixels(2, 2, "L", bytes(4)), Pixels(2, 2, "L", bytes([7] * 4)))
    gathered(tmp_path, raw("a"), raw("b", images=both, split="test"), raw("c", 7))
    assert rejects(tmp_path) == [("b", "image in another split")]
    assert len(images(tmp_path)) == 2


_RAWS = st.builds(
    raw,
    st.sampled_from(["p1", "p2", "p3", "p4"]),
    st.sampled_from([None, 0, 7, 9]),
    source=st.sampled_from(sorted(LICENCES)),
    split=st.sampled_from(["train", "orm", "test"]),
    answer=st.sampled_from(["4", "1/2", ""]),
)


@given(raws=st.lists(_RAWS, max_size=12, unique_by=lambda one: (one.source, one.source_id)))
def test_every_row_comes_out_once_and_no_image_is_in_two_splits(
    tmp_path_factory: pytest.TempPathFactory, raws: list[Raw]
) -> None:
    root = tmp_path_factory.mktemp("run")
    counts = gathered(root, *raws)
    kept = problems(root)
    assert counts.rows == len(raws) == len(origins(root)) + len(rejects(root))
    assert {one.problem_id for one in origins(root)} == {problem.problem_id for problem in kept}
    places = {(image_id, problem.split) for problem in kept for image_id in problem.image_ids}
    assert {image_id for image_id, _ in places} == set(images(root))
    assert len(places) == len(images(root))


def test_the_tables_do_not_depend_on_how_often_they_are_made(tmp_path: Path) -> None:
    source = k12(tmp_path / "k12").model_copy(update={"split": params.SplitShares(**ALL), "weight": 0.9})
    tables = []
    for root in (tmp_path / "one", tmp_path / "two"):
        ingested(root, source)
        tables.append([(root / file).read_bytes() for file in (layout.PROBLEMS, layout.IMAGES, layout.ORIGINS)])
    assert tables[0] == tables[1]
    assert not (tmp_path / "one" / layout.STATE / "ingest").exists()


def test_shares_and_weight_go_by_content(tmp_path: Path) -> None:
    source = k12(tmp_path / "k12", rows=240, shared=3)
    source = source.model_copy(update={"split": params.SplitShares(**ALL)})
    counts = ingested(tmp_path / "all", source)
    splits = [counts.problems[split] / 240 for split in Split]
    assert splits == pytest.approx([0.5, 0.25, 0.25], abs=0.12)
    assert not rejects(tmp_path / "all")  # problems with one image went to one split

    counts = ingested(tmp_path / "half", source.model_copy(update={"weight": 0.5}))
    assert counts.taken["k12"] == pytest.approx(120, abs=30)
    assert counts.rejected == {("k12", "not sampled"): 240 - counts.taken["k12"]}
    kept = {problem.problem_id: problem.split for problem in problems(tmp_path / "half")}
    assert kept.items() <= {problem.problem_id: problem.split for problem in problems(tmp_path / "all")}.items()

    other = ingested(tmp_path / "seed", source.model_copy(update={"weight": 0.5}), seed=1)
    assert other.rows == 240
    assert {problem.problem_id for problem in problems(tmp_path / "seed")} != set(kept)


def test_what_the_source_says_of_a_split_is_followed_or_not(tmp_path: Path) -> None:
    SAMPLES["tabmwp"].put(tmp_path / "data")
    source = {"name": "tabmwp", "path": tmp_path / "data", "split": {"train": 0.5, "orm": 0.5}}
    drawn = FigureSource(name="figures", seed=1, train=1, orm=1, test=1)
    for rule, expected in (("follow", True), ("ignore", False)):
        counts = ingested(tmp_path / rule, AdapterSource.model_validate({**source, "source_split": rule}), drawn)
        found = {problem.source_id: problem.split for problem in problems(tmp_path / rule)}
        assert (found["2"] is Split.TEST) == expected
        assert found["1"] is not Split.TEST
        assert counts.taken["tabmwp"] == 2


FILTERS = {
    "languages": (["zh"], "filtered by language"),
    "subjects": (["circle"], "filtered by subject"),
    "min_level": (2, "filtered by level"),
    "max_question": (3, "filtered by length"),
    "images": ("without", "filtered by images"),
}


@pytest.mark.parametrize("key", FILTERS)
def test_a_filtered_row_is_a_reject(tmp_path: Path, key: str) -> None:
    value, reason = FILTERS[key]
    source = AdapterSource.model_validate({**k12(tmp_path / "k12", 3).model_dump(), "filter": {key: value}})
    drawn = FigureSource(name="figures", seed=1, train=1, orm=1, test=1)
    counts = ingested(tmp_path, source, drawn)
    assert counts.rejected == {("k12", reason): 3}


def test_a_limit_counts_what_is_taken(tmp_path: Path) -> None:
    source = k12(tmp_path / "k12", 9).model_copy(update={"limit": 4, "weight": 0.7})
    drawn = FigureSource(name="figures", seed=1, train=1, orm=1, test=1)
    counts = ingested(tmp_path, source, drawn)
    assert counts.taken["k12"] == 4


def test_one_adapter_twice_is_told_apart_by_label(tmp_path: Path) -> None:
    first = k12(tmp_path / "a", 40).model_copy(update={"split": params.SplitShares(**ALL)})
    second = k12(tmp_path / "b", 40).model_copy(update={"split": params.SplitShares(**ALL), "label": "again"})
    counts = ingested(tmp_path, first, second)
    assert counts.taken == {"k12": 40, "again": 40}
    assert {one.source for one in origins(tmp_path)} == {"k12", "again"}
    assert counts.problems.total() == 40


def test_a_file_that_gives_no_row_changes_no_byte(tmp_path: Path) -> None:
    source = k12(tmp_path / "k12", 40).model_copy(update={"split": params.SplitShares(**ALL)})
    written = []
    for root in ("one", "two"):
        ingested(tmp_path / root, source)
        written.append([(tmp_path / root / file).read_bytes() for file in TABLES.values()])
        (tmp_path / "k12" / "more.png").write_bytes(png())
    assert written[0] == written[1]


def test_a_path_that_is_not_there_is_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"problems\.sources: k12: .*k13: no such file or folder; download"):
        ingested(tmp_path, AdapterSource(name="k12", path=tmp_path / "k13"))


def test_a_pickled_source_has_no_rows_on_the_hub(tmp_path: Path) -> None:
    source = AdapterSource(name="unigeo", repository="a/b", revision="0" * 40)
    with pytest.raises(UserError, match="unigeo is read from its files alone; give a path"):
        ingested(tmp_path, source)


def test_sources_are_read_in_turn(tmp_path: Path) -> None:
    sources = [FigureSource(name="figures", seed=seed, train=8, orm=4, test=4) for seed in (1, 2)]
    counts = ingested(tmp_path, *sources)
    assert counts.rows == 32
    assert {problem.source_id.rsplit("-", 1)[1][0] for problem in problems(tmp_path)} == {"1", "2"}


def test_figures_are_admitted_as_they_are_loaded(tmp_path: Path) -> None:
    source = FigureSource(name="figures", seed=3, train=5, orm=2, test=2)
    ingested(tmp_path, source)
    loaded, pictures = figures.load(source)
    assert problems(tmp_path) == sorted(loaded, key=lambda problem: problem.problem_id)
    assert images(tmp_path) == {image.image_id: image for image in pictures}


def test_a_stored_image_has_its_perceptual_hash(tmp_path: Path) -> None:
    drawn = figure("triangle_angle-1-5").image().convert("RGB").resize((224, 224))
    one, half = encode(drawn), encode(drawn.resize((112, 112)))
    assert one.perceptual_hash is not None
    assert half.perceptual_hash is not None
    apart = (int(one.perceptual_hash, 16) ^ int(half.perceptual_hash, 16)).bit_count()
    assert apart < 40
    assert encode(decode(one.data, 10**6)).perceptual_hash == one.perceptual_hash
    assert encode(PIL.Image.new("RGB", (9, 9), "white")).perceptual_hash is None


@pytest.mark.parametrize("empty", list(Split))
def test_an_empty_split_is_an_error_that_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty: Split
) -> None:
    def read(source: FigureSource) -> Iterator[Raw]:
        for shade, split in enumerate(Split):
            yield raw(split.value, shade, split=split.value, answer="" if split is empty else "4")

    monkeypatch.setattr(figures, "read", read)
    source = FigureSource(name="figures", seed=1, train=1, orm=1, test=1)
    with pytest.raises(
        UserError, match=rf"problems\.sources: no problem was admitted to split {empty}; 1 rows were"
    ) as raised:
        ingested(tmp_path, source)
    assert "empty answer 1" in str(raised.value)
    assert not (tmp_path / layout.PROBLEMS).exists()


def test_reasons_are_counted_by_source() -> None:
    counts = Counts()
    counts.rejected.update([("s", "b"), ("s", "a"), ("t", "b")])
    assert counts.reasons("s") == {"a": 1, "b": 1}
    assert counts.reasons() == {"a": 1, "b": 2}


def test_an_empty_split_counts_reasons_in_order() -> None:
    counts = Counts()
    with pytest.raises(UserError, match=r"0 rows were rejected \(none\)"):
        ingest.require_every_split(counts)
    counts.rejected.update([("s", "b"), ("s", "a"), ("t", "b")])
    with pytest.raises(UserError, match=r"3 rows were rejected \(a 1, b 2\)"):
        ingest.require_every_split(counts)


def test_excluded_problems_are_rejects_and_their_images_go(tmp_path: Path) -> None:
    same: dict[str, Any] = {"question": "What is it?"}
    raws = raw("a", **same), raw("b", source="mathvl", **same), raw("c"), raw("d", 9), raw("e", 9)
    wanted = {"a": "item 1", "d": "item 2", "nobody": "item 3"}

    counts = gathered(tmp_path / "some", *raws, excluded=[wanted, {}])
    assert sorted(one.source_id for one in origins(tmp_path / "some")) == ["c", "e"]
    assert {problem.source_id for problem in problems(tmp_path / "some")} == {"c", "e"}
    assert rejects(tmp_path / "some") == [("a", "leak"), ("d", "leak"), ("b", "leak")]
    details = {row.source_id: row.detail for row in store.scan(tmp_path / "some" / layout.REJECTS, Reject)}
    assert details == {"a": "item 1", "b": "item 1", "d": "item 2"}
    assert len(images(tmp_path / "some")) == 2
    assert (counts.rows, counts.taken.total(), counts.problems[Split.TRAIN]) == (5, 2, 2)

    counts = gathered(tmp_path / "more", *raws, excluded=[wanted, {"e": "", "a": "again"}])
    assert len(images(tmp_path / "more")) == 1
    assert (counts.rows, counts.taken.total(), counts.problems[Split.TRAIN]) == (5, 1, 1)


def test_all_problems_may_be_excluded(tmp_path: Path) -> None:
    gathered(tmp_path, raw("a"), excluded=[{"a": ""}])
    assert not problems(tmp_path)
    assert not images(tmp_path)
    assert rejects(tmp_path) == [("a", "leak")]


def test_admission_leaves_known_images_undecoded(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png())
    rows = [raw("a", images=("a.png",)), raw("b", images=(png("blue"), "a.png"))]
    known = encode(PIL.Image.new("L", (2, 2))).image_id
    found = list(admit([*rows, raw("c")], tmp_path, "MIT", ingest.limits(SETTINGS), known=lambda one: one != known))
    assert [len(one.images) for one in found if isinstance(one, Admitted)] == [0, 0, 1]
    assert all(one.problem.image_ids for one in found if isinstance(one, Admitted))


def test_a_source_may_have_a_licence_of_its_own(tmp_path: Path) -> None:
    ours = k12(tmp_path / "ours", rows=9).model_copy(update={"label": "ours", "licence": "cc-by-4.0"})
    theirs = AdapterSource(name="k12", path=tmp_path / "ours", licence="LicenseRef-mine")
    SAMPLES["mathvl"].put(tmp_path / "chat")
    chat = AdapterSource(name="mathvl", path=tmp_path / "chat", licence="MIT AND CC-BY-SA-4.0")
    parts = {"split": {"train": 0.4, "orm": 0.3, "test": 0.3}}
    sources = [params.AdapterSource.model_validate({**source.model_dump(), **parts}) for source in (ours, theirs)]
    ingested(tmp_path, *sources, chat)

    licences = {(origin.source, origin.licence) for origin in origins(tmp_path)}
    assert licences == {("ours", "CC-BY-4.0"), ("k12", "LicenseRef-mine"), ("mathvl", "MIT AND CC-BY-SA-4.0")}
    assert {problem.licence for problem in problems(tmp_path)} == {"LicenseRef-mine", "MIT AND CC-BY-SA-4.0"}
