import errno
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathse.tables import schemas, seal, store
from mathse.tables.columns import arrow_schema
from mathse.tables.files import CannotWrite
from mathse.tables.schemas import Image, MixRow, PathKind, Problem, Reject, Row, Verdict
from tests import rows


def reject(name: str, detail: str = "") -> Reject:
    return Reject(source="s", source_id=name, reason="duplicate", detail=detail)


@pytest.mark.parametrize("model", [m for m in vars(schemas).values() if isinstance(m, type) and issubclass(m, Row)])
def test_every_row_model_has_columns_and_their_bytes_hold_no_descriptions(model: type[Row]) -> None:
    schema = arrow_schema(model)

    assert schema.names == [*model.model_fields, *model.model_computed_fields]
    assert not any(field.metadata for field in schema)


def test_types_follow_the_fields() -> None:
    schema = arrow_schema(Problem)

    assert schema.field("level").type == pa.int64()
    assert schema.field("split").type == pa.string()
    assert schema.field("image_ids").type.value_type == pa.string()
    assert schema.field("solution").nullable and not schema.field("answer").nullable
    assert arrow_schema(Image).field("data").type == pa.binary()
    assert [field.name for field in arrow_schema(MixRow).field("prompt").type.value_type] == ["role", "content"]


def test_a_field_without_a_column_type_is_named() -> None:
    class Odd(Row):
        key = ("mapping",)
        mapping: dict[str, int]

    with pytest.raises(TypeError, match="dict"):
        arrow_schema(Odd)


def test_a_table_gives_back_its_rows(tmp_path: Path) -> None:
    problems = [rows.problem("p1", choices=("1", "2"), solution=None), rows.problem("p2", solution="é\n\0")]

    assert store.write(tmp_path / "deep" / "t.parquet", Problem, problems) == 2
    assert store.read(tmp_path / "deep" / "t.parquet", Problem) == problems


def test_nested_rows_come_back(tmp_path: Path) -> None:
    turns = (schemas.Message(role="user", content="Q"), schemas.Message(role="assistant", content="A"))
    row = MixRow(
        path_id="a",
        problem_id="p",
        kind=PathKind.ROLLOUT,
        round=1,
        image_ids=(),
        prompt=turns[:1],
        completion=turns[1:],
    )
    store.write(tmp_path / "t.parquet", MixRow, [row])

    assert store.read(tmp_path / "t.parquet", MixRow) == [row]


def test_an_empty_table_is_a_table(tmp_path: Path) -> None:
    assert store.write(tmp_path / "t.parquet", Verdict, []) == 0
    assert store.read(tmp_path / "t.parquet", Verdict) == []


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=5), st.text(max_size=20)), unique_by=lambda pair: pair[0]), st.randoms())
def test_the_bytes_do_not_depend_on_the_order_of_the_rows(
    tmp_path_factory: pytest.TempPathFactory, pairs: list[tuple[str, str]], shuffler: random.Random
) -> None:
    folder = tmp_path_factory.mktemp("order")
    written = [reject(name, detail) for name, detail in pairs]
    shuffled = list(written)
    shuffler.shuffle(shuffled)

    store.write(folder / "1.parquet", Reject, written)
    store.write(folder / "2.parquet", Reject, shuffled)

    assert (folder / "1.parquet").read_bytes() == (folder / "2.parquet").read_bytes()
    assert store.read(folder / "1.parquet", Reject) == sorted(written, key=lambda row: row.source_id)


def test_rows_over_many_batches_and_groups_are_sorted(tmp_path: Path) -> None:
    written = [reject(f"{(place * 7919) % 9001:05}") for place in range(9001)]
    store.write(tmp_path / "t.parquet", Reject, iter(written))

    assert [row.source_id for row in store.scan(tmp_path / "t.parquet", Reject)] == [f"{i:05}" for i in range(9001)]
    assert pq.ParquetFile(tmp_path / "t.parquet").num_row_groups == 2


def test_duplicate_keys_are_named_and_the_old_table_stays(tmp_path: Path) -> None:
    file = tmp_path / "t.parquet"
    store.write(file, Reject, [reject("old")])

    with pytest.raises(store.StoreError, match=r"t\.parquet.*same key.*source_id 'twice'"):
        store.write(file, Reject, [reject("twice", "1"), reject("once"), reject("twice", "2")])
    assert [row.source_id for row in store.read(file, Reject)] == ["old"]
    assert list(tmp_path.iterdir()) == [file]


def test_a_value_that_no_column_holds_is_an_error_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(store.StoreError, match=r"t\.parquet.*path_id 'a1'.*cannot be stored"):
        store.write(tmp_path / "t.parquet", schemas.Path, [rows.path(seed=2**70)])
    with pytest.raises(store.StoreError, match="cannot be stored"):
        store.write(tmp_path / "t.parquet", schemas.Path, [rows.path(text="\ud800")])
    assert list(tmp_path.iterdir()) == []


def test_rows_of_another_model_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="Problem"):
        store.write(tmp_path / "t.parquet", Reject, [rows.problem()])


def test_a_full_disk_leaves_the_old_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "t.parquet"
    store.write(file, Reject, [reject("old")])

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pq.ParquetWriter, "write_table", full)
    with pytest.raises(CannotWrite, match=r"t\.parquet: no space left.*what was there before is still there\. Free"):
        store.write(file, Reject, [reject("new")])
    monkeypatch.undo()
    assert [row.source_id for row in store.read(file, Reject)] == ["old"]
    assert list(tmp_path.iterdir()) == [file]


def test_a_failed_check_leaves_the_old_table(tmp_path: Path) -> None:
    file = tmp_path / "t.parquet"
    store.write(file, Reject, [reject("old")])
    seen: list[list[Reject]] = []

    def check(fresh: Path) -> None:
        seen.append(store.read(fresh, Reject))
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        store.write(file, Reject, [reject("new")], check=check)
    assert seen == [[reject("new")]]
    assert store.read(file, Reject) == [reject("old")]
    assert list(tmp_path.iterdir()) == [file]


def test_metadata_names_table_and_version_and_nothing_else(tmp_path: Path) -> None:
    store.write(tmp_path / "t.parquet", Reject, [reject("a")])

    assert store.metadata(tmp_path / "t.parquet") == store.Metadata("Reject", 1, 1)
    stored = pq.ParquetFile(tmp_path / "t.parquet").metadata.metadata
    assert stored.keys() == {b"mathse.table", b"mathse.version", b"mathse.sha256", b"ARROW:schema"}


def test_a_missing_table_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(store.StoreError, match=r"t\.parquet: not found; make it with `dvc repro`"):
        store.scan(tmp_path / "t.parquet", Reject)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_damaged_table_is_an_error_or_reads_the_same(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    file = tmp_path_factory.mktemp("damaged") / "t.parquet"
    written = [reject(str(place), "detail " * place) for place in range(10)]
    store.write(file, Reject, written)
    content = bytearray(file.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        del content[place:]
    else:
        content[place] ^= data.draw(st.integers(1, 255))
    file.write_bytes(content)

    try:
        found = store.read(file, Reject)
    except store.StoreError as error:
        assert str(file) in str(error)
    else:
        assert found == written


def test_a_flipped_byte_of_the_data_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / "t.parquet"
    store.write(file, Reject, [reject(str(place)) for place in range(50)])
    content = bytearray(file.read_bytes())
    column = pq.read_metadata(file).row_group(0).column(1)
    content[column.dictionary_page_offset + column.total_compressed_size - 2] ^= 1
    file.write_bytes(content)

    with pytest.raises(store.StoreError, match=r"t\.parquet: damaged"):
        store.read(file, Reject)


def test_another_table_is_refused(tmp_path: Path) -> None:
    store.write(tmp_path / "t.parquet", Reject, [reject("a")])

    with pytest.raises(store.StoreError, match="holds Reject rows, Verdict rows are expected"):
        store.read(tmp_path / "t.parquet", Verdict)


def test_a_foreign_parquet_file_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1]}), tmp_path / "t.parquet")

    with pytest.raises(store.StoreError, match="not a MathSE table"):
        store.read(tmp_path / "t.parquet", Reject)


@pytest.mark.parametrize(("version", "said"), [(2, "newer than 1; update MathSE"), (0, "remake it with `dvc repro`")])
def test_another_schema_version_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: int, said: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Reject, "version", version)
        store.write(tmp_path / "t.parquet", Reject, [reject("a")])

    with pytest.raises(store.StoreError, match=said):
        store.read(tmp_path / "t.parquet", Reject)


def altered(file: Path, table: pa.Table, original: Path) -> None:
    """Write other rows with the metadata of a table, and the seal that belongs to them."""
    metadata = pq.read_schema(original).metadata | {seal.KEY: seal.ZEROS}
    pq.write_table(table.replace_schema_metadata(metadata), file)
    seal.seal(file)


def test_missing_unknown_and_retyped_columns_are_named(tmp_path: Path) -> None:
    file = tmp_path / "t.parquet"
    store.write(file, Reject, [reject("a")])
    table = pq.read_table(file)
    table = table.drop_columns(["detail"]).append_column("extra", pa.array([1]))
    altered(file, table.set_column(0, "source", pa.array([1])), file)

    with pytest.raises(store.StoreError) as caught:
        store.scan(file, Reject)
    for said in ("column detail is missing", "column extra is unknown", "column source is int64, not string"):
        assert said in str(caught.value)


def test_an_edited_table_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "t.parquet"
    store.write(file, Reject, [reject("a"), reject("b")])
    table = pq.read_table(file)
    place = table.schema.names.index("detail")
    edited = table.set_column(place, table.schema.field(place), pa.array(["", "edited"]))
    pq.write_table(edited.replace_schema_metadata(pq.read_schema(file).metadata), file)

    with pytest.raises(store.StoreError, match=r"t\.parquet: damaged: its bytes are not those that were written"):
        store.read(file, Reject)
    altered(file, edited, file)
    with pytest.raises(store.StoreError, match="row 1: its content does not match its hash"):
        store.read(file, Reject, verify=True)


def test_a_table_without_a_seal_is_to_be_remade(tmp_path: Path) -> None:
    file = tmp_path / "t.parquet"
    store.write(file, Reject, [reject("a")])
    metadata = {name: value for name, value in pq.read_schema(file).metadata.items() if name != seal.KEY.encode()}
    pq.write_table(pq.read_table(file).replace_schema_metadata(metadata), file)

    with pytest.raises(store.StoreError, match=r"t\.parquet: its metadata has no mathse\.sha256.*remake it with"):
        store.read(file, Reject)


def test_a_value_the_model_refuses_names_row_and_field(tmp_path: Path) -> None:
    file = tmp_path / "t.parquet"
    store.write(file, Verdict, [rows.verdict()])
    table = pq.read_table(file)
    place = table.schema.names.index("status")
    altered(file, table.set_column(place, table.schema.field(place), pa.array(["MAYBE"])), file)

    with pytest.raises(store.StoreError, match="row 0: status"):
        store.read(file, Verdict)


def test_keys_and_hashes_lie_in_the_file_as_they_are(tmp_path: Path) -> None:
    file = tmp_path / "mix.parquet"
    turn = (schemas.Message(role="user", content="Q"),)
    row = MixRow(
        path_id="a", problem_id="p", kind=PathKind.ROLLOUT, round=1, image_ids=(), prompt=turn, completion=turn
    )
    store.write(file, MixRow, [row])
    group = pq.ParquetFile(file).metadata.row_group(0)
    columns = {column.path_in_schema: column for column in map(group.column, range(group.num_columns))}
    assert {name for name, column in columns.items() if column.compression == "UNCOMPRESSED"} == {"path_id", "row_hash"}
    assert not any("DICTIONARY" in encoding for encoding in columns["row_hash"].encodings)
    assert {column.compression for name, column in columns.items() if name.startswith("prompt.")} == {"ZSTD"}


def test_a_key_of_several_columns_is_packed_as_any_column(tmp_path: Path) -> None:
    file = tmp_path / "rejects.parquet"
    store.write(file, Reject, [reject("a")])
    group = pq.ParquetFile(file).metadata.row_group(0)
    assert group.column(0).compression == "ZSTD"
