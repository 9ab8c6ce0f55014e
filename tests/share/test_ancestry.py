import json
from pathlib import Path
from typing import Any

import pytest

from mathse.backbones.fingerprint import LINEAGE, model_fingerprint
from mathse.share.ancestry import ancestors, made_from, read_lineage
from mathse.tables import store
from mathse.tables.schemas import Message, MixRow, PathKind, Problem, Row, Verdict
from mathse.tables.schemas import Path as ReasoningPath
from tests import rows


@pytest.fixture(autouse=True)
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Problems, a teacher's path to one, an ORM's verdict on it, and the mix of both."""
    monkeypatch.chdir(tmp_path)
    table("problems.parquet", Problem, rows.problem())
    table("orm_mix.parquet", MixRow, mix_row(), made=["problems.parquet"])
    model("orm", mix="orm_mix.parquet")
    table("paths.parquet", ReasoningPath, rows.path(), rows.path("a2", model="teacher"), made=["problems.parquet"])
    table("verdicts.parquet", Verdict, rows.verdict(judge="judge"), made=["paths.parquet", "orm"])
    Path("mix.sql").write_text("select")
    table("mix.parquet", MixRow, mix_row(), made=["paths.parquet", "verdicts.parquet", "problems.parquet", "mix.sql"])
    return tmp_path


def table(name: str, kind: type[Row], *content: Any, made: list[str] = []) -> None:  # noqa: B006
    store.write(Path(name), kind, content, store.input_hashes(map(Path, made)))


def mix_row(name: str = "a1") -> MixRow:
    said = (Message(role="user", content="?"),)
    return MixRow(
        path_id=name, problem_id="p1", kind=PathKind.ROLLOUT, round=1, image_ids=(), prompt=said, completion=said
    )


def model(name: str, mix: str, start: str | None = None) -> None:
    Path(name).mkdir()
    (Path(name) / "config.json").write_text("{}")
    (Path(name) / "model.safetensors").write_text(name)
    lineage: dict[str, Any] = {"mix": {"file": mix, "hash": content(mix)}, "model": model_fingerprint(Path(name))}
    if start:
        lineage["start"] = {"folder": start, "fingerprint": model_fingerprint(Path(start))}
    (Path(name) / LINEAGE).write_text(json.dumps(lineage))


def content(name: str) -> str:
    return store.input_hashes([Path(name)])[name]


def of(name: str) -> dict[str, str]:
    return {name: content(name)}


def test_everything_behind_a_mix_is_found_once() -> None:
    found = ancestors(of("mix.parquet"))
    assert list(found) == [
        "mix.parquet", "mix.sql", "orm", "orm_mix.parquet", "paths.parquet", "problems.parquet", "verdicts.parquet"
    ]  # fmt: skip
    assert all(one.there for one in found.values())
    assert {path: one.hash for path, one in found.items()} == {path: content(path) for path in found}
    assert {path: one.rows for path, one in found.items() if one.kind == "dataset"} == {
        "mix.parquet": 1, "orm_mix.parquet": 1, "paths.parquet": 2, "problems.parquet": 1, "verdicts.parquet": 1
    }  # fmt: skip
    assert (found["mix.sql"].kind, found["orm"].kind) == ("file", "model")


def test_it_is_known_who_wrote_a_table_and_with_which_prompt() -> None:
    found = ancestors(of("mix.parquet"))
    assert (found["paths.parquet"].by, found["paths.parquet"].prompts) == (("m", "teacher"), ("solve-brief@1",))
    assert (found["verdicts.parquet"].by, found["verdicts.parquet"].prompts) == (("judge",), ("judge-brief@1",))
    assert found["problems.parquet"].by == ()


def test_a_root_elsewhere_gives_the_same(run: Path, tmp_path_factory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    here, recorded = ancestors(of("mix.parquet")), of("mix.parquet")
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert ancestors(recorded, run) == here


def test_behind_a_changed_table_nothing_is_told() -> None:
    before = content("paths.parquet")
    table("paths.parquet", ReasoningPath, rows.path("other"), made=["problems.parquet"])
    found = ancestors(of("mix.parquet"))
    assert (found["paths.parquet"].there, found["paths.parquet"].hash) == (False, before)
    assert found["paths.parquet"].made_from == {}
    assert found["problems.parquet"].there, "the mix names it too"


def test_behind_a_missing_model_nothing_is_told() -> None:
    (Path("orm") / LINEAGE).unlink()
    before = ancestors(of("mix.parquet"))
    assert not before["orm"].there
    for file in Path("orm").iterdir():
        file.unlink()
    Path("orm").rmdir()
    found = ancestors(of("mix.parquet"))
    assert found["orm"] == before["orm"]
    assert "orm_mix.parquet" not in found


def test_a_start_model_is_known_by_its_fingerprint() -> None:
    model("one", "mix.parquet", start="orm")
    given = made_from(read_lineage(Path("one")))
    assert given["orm"] == model_fingerprint(Path("orm")) != content("orm")
    assert ancestors(given)["orm"].there
    (Path("orm") / "model.safetensors").write_text("changed")
    assert not ancestors(given)["orm"].there


def test_a_lineage_file_that_leads_to_itself_ends() -> None:
    model("one", "mix.parquet")
    lineage = read_lineage(Path("one"))
    lineage["start"] = {"folder": "one", "fingerprint": model_fingerprint(Path("one"))}
    (Path("one") / LINEAGE).write_text(json.dumps(lineage))
    assert ancestors(of("one"))["one"].made_from.keys() == {"mix.parquet", "one"}


@pytest.mark.parametrize("text", ["", "[]", "{", "\xff", '{"mix": 3, "start": {"folder": ["base"]}}'])
def test_a_broken_lineage_file_says_nothing(text: str) -> None:
    (Path("orm") / LINEAGE).write_bytes(text.encode("latin-1"))
    assert ancestors(of("orm"))["orm"].made_from == {}


def test_a_foreign_parquet_file_is_a_file_without_history() -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"a": [1]}), "foreign.parquet")
    found = ancestors(of("foreign.parquet"))["foreign.parquet"]
    assert (found.there, found.rows, found.made_from) == (True, None, {})


def test_a_folder_of_sources_is_no_model() -> None:
    Path("source").mkdir()
    (Path("source") / "rows.jsonl").write_text("{}")
    assert ancestors(of("source"))["source"].kind == "file"
    assert [one.kind for one in ancestors({"gone": "0", "models/gone": "0"}).values()] == ["file", "model"]
