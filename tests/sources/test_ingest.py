import PIL.Image
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathse import params
from mathse.errors import UserError
from mathse.params import FigureSource
from mathse.schemas import Image, Problem, Reject, Split
from mathse.sources import figures, ingest
from mathse.sources.images import encode, from_bytes
from mathse.sources.ingest import Ingested, admit, reason_counts
from tests import rows

MAX_PIXELS = 100


def picture(shade: int, side: int = 4) -> Image:
    return encode(PIL.Image.new("RGB", (side, side), (shade, shade, shade)))


IMAGES = {name: picture(shade) for shade, name in enumerate("abcd")}
BROKEN = Image(image_id="broken", data=IMAGES["a"].data[:40], format="PNG", width=4, height=4)
HUGE = picture(9, side=11)
STORED = [*IMAGES.values(), BROKEN, HUGE]


def row(name: str, image: str = "a", **fields: object) -> Problem:
    ids = (IMAGES[image].image_id if image in IMAGES else image,)
    return rows.problem(name, **{"image_ids": ids, **fields})


def admitted(*problems: Problem) -> Ingested:
    result = Ingested()
    admit(problems, STORED, MAX_PIXELS, result)
    return result


def test_a_good_row_is_admitted_with_its_image() -> None:
    problem = row("p1", image_ids=(IMAGES["a"].image_id, IMAGES["b"].image_id))
    result = admitted(problem)
    assert result.problems == {"p1": problem}
    assert result.images == {IMAGES[name].image_id: IMAGES[name] for name in "ab"}
    assert not result.rejects


def test_a_problem_without_an_image_is_admitted() -> None:
    assert list(admitted(row("p1", image_ids=())).problems) == ["p1"]


@pytest.mark.parametrize(
    ("problem", "reason", "detail"),
    [
        (row("p2", image_ids=("nowhere",)), "missing image", "nowhere"),
        (row("p2", image_ids=(IMAGES["b"].image_id, "nowhere")), "missing image", "nowhere"),
        (row("p2", image_ids=("broken",)), "unreadable image", "unreadable image: "),
        (row("p2", image_ids=(HUGE.image_id,)), "too many pixels", "too many pixels: 11 x 11 = 121, at most 100"),
        (row("p2", split=Split.TEST), "image in another split", f"{IMAGES['a'].image_id} is in train"),
        (row("p2", answer=""), "gold fails its own grader", "'': "),
        (row("p2", answer="9" * 400), "gold fails its own grader", "answer too long"),
        (row("p1", source_id="p1 again"), "duplicate problem", "the same as p1"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bad_row_is_rejected_with_its_reason(problem: Problem, reason: str, detail: str) -> None:
    result = admitted(row("p1"), problem)
    (reject,) = result.rejects
    assert (reject.source, reject.source_id, reject.reason) == ("figures", problem.source_id, reason)
    assert detail in reject.detail
    assert list(result.problems) == ["p1"]
    assert set(result.images) == {IMAGES["a"].image_id}


def test_an_image_may_serve_several_problems_of_one_split() -> None:
    result = admitted(row("p1"), row("p2"))
    assert list(result.problems) == ["p1", "p2"]
    assert len(result.images) == 1


def test_splits_are_kept_apart_across_sources() -> None:
    result = admitted(row("p1", split=Split.TEST))
    admit([row("p2"), row("p1", source="other")], STORED, MAX_PIXELS, result)
    assert [reject.reason for reject in result.rejects] == ["image in another split", "duplicate problem"]
    assert list(result.problems) == ["p1"]


_ROWS = st.builds(
    row,
    st.sampled_from(["p1", "p2", "p3", "p4"]),
    st.sampled_from(["a", "b", "c", "broken", "nowhere", HUGE.image_id]),
    split=st.sampled_from(list(Split)),
    answer=st.sampled_from(["4", "1/2", ""]),
)


@given(st.lists(_ROWS, max_size=12))
def test_every_row_comes_out_once_and_no_image_is_in_two_splits(problems: list[Problem]) -> None:
    result = admitted(*problems)
    assert len(result.problems) + len(result.rejects) == len(problems)
    places = {(image_id, problem.split) for problem in result.problems.values() for image_id in problem.image_ids}
    assert {image_id for image_id, _ in places} == set(result.images)
    assert len(places) == len(result.images)
    for image in result.images.values():
        assert from_bytes(image.data, MAX_PIXELS) == image


def test_sources_are_read_in_turn() -> None:
    sources = [FigureSource(name="figures", seed=seed, train=8, orm=4, test=4) for seed in (1, 2)]
    result = ingest.ingest(params.Problems(sources=tuple(sources)))
    assert len(result.problems) + len(result.rejects) == 32
    assert {problem.source_id.rsplit("-", 1)[1][0] for problem in result.problems.values()} == {"1", "2"}


@pytest.mark.parametrize("empty", list(Split))
def test_an_empty_split_is_an_error_that_names_it(monkeypatch: pytest.MonkeyPatch, empty: Split) -> None:
    def load(source: FigureSource) -> tuple[list[Problem], list[Image]]:
        made = [row(split.value, image, split=split) for split, image in zip(Split, "abc", strict=True)]
        return [
            problem.model_copy(update={"answer": ""}) if problem.split is empty else problem for problem in made
        ], STORED

    monkeypatch.setattr(figures, "load", load)
    source = FigureSource(name="figures", seed=1, train=1, orm=1, test=1)
    with pytest.raises(
        UserError, match=rf"problems\.sources: no problem was admitted to split {empty}; 1 rows were"
    ) as raised:
        ingest.ingest(params.Problems(sources=(source,)))
    assert "gold fails its own grader 1" in str(raised.value)


def test_reasons_are_counted_in_order() -> None:
    rejects = [Reject(source="s", source_id="1", reason=reason) for reason in "bab"]
    assert reason_counts(rejects) == "a 1, b 2"
    assert reason_counts([]) == "none"
