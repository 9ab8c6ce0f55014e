"""A spill: rows come back in key order, and before that in the order in which they came, in part or by key."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathse.tables.schemas import Image, Origin, Split
from mathse.tables.spill import BATCH_ROWS, PAYLOAD_GROUP_ROWS, Spill


def origin(problem_id: str, source_id: str) -> Origin:
    return Origin(problem_id=problem_id, source="s", source_id=source_id, licence="MIT", split=Split.TRAIN)


def image(name: str) -> Image:
    return Image(image_id=name, data=name.encode() * 9, format="PNG", width=1, height=1, perceptual_hash=None)


@given(st.permutations(range(40)))
def test_some_columns_of_all_rows_come_back_as_they_came(
    tmp_path_factory: pytest.TempPathFactory, order: list[int]
) -> None:
    with Spill(tmp_path_factory.mktemp("spill") / "images", Image) as spill:
        for number in order:
            spill.add(image(f"{number:02}"))
        for _ in range(2):
            batches = list(spill.batches("format", "image_id"))
            assert [batch.schema.names for batch in batches] == [["format", "image_id"]] * len(batches)
            assert len(batches) == -(-len(order) // PAYLOAD_GROUP_ROWS)
            rows = [row["image_id"] for batch in batches for row in batch.to_pylist()]
            assert rows == [f"{number:02}" for number in order]
        assert [row["image_id"] for group in spill.groups() for row in group.to_pylist()] == sorted(rows)


def test_rows_are_picked_by_their_first_key(tmp_path: Path) -> None:
    with Spill(tmp_path / "origins", Origin) as spill:
        for number in range(2 * BATCH_ROWS + 1):
            spill.add(origin(f"p{number % 700}", str(number)))
        batches = list(spill.having({"p5", "p0", "nobody"}))
        picked = [(row["problem_id"], int(row["source_id"])) for batch in batches for row in batch.to_pylist()]
        assert picked == [
            (f"p{number % 700}", number) for number in range(2 * BATCH_ROWS + 1) if number % 700 in (0, 5)
        ]
        assert batches[0].schema.names == next(spill.groups()).schema.names
        assert list(spill.having(set())) == list(spill.having({"nobody"})) == []


def test_a_spill_without_rows_is_read_too(tmp_path: Path) -> None:
    with Spill(tmp_path / "none", Origin) as spill:
        assert list(spill.batches("problem_id")) == list(spill.having({"p"})) == list(spill.groups()) == []


def test_nothing_is_added_after_the_first_reading(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="closed"), Spill(tmp_path / "origins", Origin) as spill:
        spill.add(origin("p", "1"))
        assert len(list(spill.batches("problem_id"))) == 1
        spill.add(origin("q", "2"))
