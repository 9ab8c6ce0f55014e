"""What lies at the places of a lineage."""

import hashlib
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mathse.look.lineage import ancestor, read_lineage
from mathse.look.trace import made_from
from mathse.loop.ask.engines.local.fingerprint import LINEAGE, model_fingerprint
from mathse.tables import store
from mathse.tables.schemas import Path as ReasoningPath
from mathse.tables.schemas import Problem, Verdict
from tests import rows


@pytest.fixture(autouse=True)
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Problems, two paths, an ORM and its verdict."""
    monkeypatch.chdir(tmp_path)
    store.write(Path("problems.parquet"), Problem, [rows.problem()])
    store.write(Path("paths.parquet"), ReasoningPath, [rows.path(), rows.path("a2", author="teacher")])
    store.write(Path("verdicts.parquet"), Verdict, [rows.verdict(author="judge")])
    orm = Path("orm")
    orm.mkdir()
    (orm / "config.json").write_text("{}")
    (orm / "model.safetensors").write_text("orm")
    (orm / LINEAGE).write_text(
        json.dumps({"mix": {"file": "mix.parquet", "hash": "0"}, "model": model_fingerprint(orm)})
    )
    return tmp_path


def test_it_is_known_who_wrote_a_table_and_with_which_prompt() -> None:
    paths, verdicts, problems = (ancestor(f"{name}.parquet") for name in ("paths", "verdicts", "problems"))
    assert (paths.rows, paths.by, paths.prompts) == (2, ("m", "teacher"), ("solve-brief@1",))
    assert (verdicts.rows, verdicts.by, verdicts.prompts) == (1, ("judge",), ("judge-brief@1",))
    assert (problems.table, problems.by, problems.kind) == ("Problem", (), "dataset")


def test_a_root_elsewhere_gives_the_same(run: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    here = ancestor("paths.parquet")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("elsewhere"))
        assert ancestor("paths.parquet", run) == here


def test_a_file_is_hashed_as_dvc_hashes_it_unless_its_hash_is_recorded() -> None:
    assert ancestor("paths.parquet").hash == hashlib.md5(Path("paths.parquet").read_bytes()).hexdigest()
    assert ancestor("paths.parquet", recorded="0" * 32).hash == "0" * 32


def test_what_is_missing_has_the_recorded_hash() -> None:
    gone, model = ancestor("gone", recorded="1"), ancestor("models/gone")
    assert (gone.there, gone.hash, gone.kind) == (False, "1", "file")
    assert (model.there, model.kind) == (False, "model")


def test_a_model_is_known_by_its_lineage_file() -> None:
    orm = ancestor("orm", recorded="2.dir")
    assert (orm.kind, orm.hash, made_from(orm.lineage or {})) == ("model", "2.dir", ["mix.parquet"])
    assert orm.fingerprint == model_fingerprint(Path("orm"))


@pytest.mark.parametrize("text", ["", "[]", "{", "\xff", '{"mix": 3, "start": {"folder": ["base"]}}'])
def test_a_broken_lineage_file_says_nothing(text: str) -> None:
    (Path("orm") / LINEAGE).write_bytes(text.encode("latin-1"))
    assert made_from(read_lineage(Path("orm"))) == []
    assert ancestor("orm").kind == "model"


def test_a_foreign_parquet_file_is_no_table_of_ours() -> None:
    pq.write_table(pa.table({"a": [1]}), "foreign.parquet")
    found = ancestor("foreign.parquet")
    assert (found.there, found.damaged, found.rows) == (True, True, None)


def test_an_older_table_has_rows_but_no_authors() -> None:
    """Its columns had other names."""
    table = pq.read_table("paths.parquet").rename_columns({"author": "model", "prompt_id": "prompt"})
    pq.write_table(table.replace_schema_metadata({"mathse.table": "Path", "mathse.version": "1"}), "paths.parquet")
    paths = ancestor("paths.parquet")
    assert (paths.rows, paths.by, paths.prompts, paths.damaged) == (2, (), (), False)


def test_a_folder_of_sources_is_no_model() -> None:
    Path("source").mkdir()
    (Path("source") / "rows.jsonl").write_text("{}")
    assert ancestor("source").kind == "file"
