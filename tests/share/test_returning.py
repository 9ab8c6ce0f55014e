"""A part of a mix leaves, somebody else corrects it, and it comes back, or trains another project's models."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from datasets import load_dataset

from mathse import layout, params
from mathse.curation import decisions
from mathse.curation.edits import edited
from mathse.look.tags import tag
from mathse.look.trace import trace
from mathse.loop.mix import build
from mathse.loop.recorded import Recordings
from mathse.params.loop import Distill
from mathse.share import folder as folders
from mathse.share.export import export
from mathse.share.importing import QUARANTINE, ImportFailed, import_folder
from mathse.share.returning import returned
from mathse.share.rows import ExportError
from mathse.share.sealing import REFUSED, seal
from mathse.share.selection import Selection
from mathse.sources.ingest import ingest
from mathse.tables import schemas, store
from mathse.tables.schemas import BenchmarkItem, MixRow, PathKind, Problem, Remaining, Tag, Verdict
from tests.share.conftest import write_params
from tests.share.mixed import PATHS, PROBLEMS, verdict
from tests.sources.adapters.samples import without_benchmarks

SHARD = "data/train-00000-of-00001.parquet"
BETTER = "Step 1: 60 + 10 = 70.\nThe answer to this problem is B."
TEXT = PATHS["text"]


def rows_of(folder: Path) -> dict[str, dict[str, Any]]:
    return {row["path_id"]: row for row in pq.read_table(folder / SHARD).to_pylist()}


def with_edits(folder: Path, change: Callable[[dict[str, Any]], None], name: str = "text") -> Path:
    """The folder after somebody changed one row of its file."""
    table = pq.read_table(folder / SHARD)
    rows = table.to_pylist()
    change(next(row for row in rows if row["path_id"] == PATHS[name].path_id))
    pq.write_table(type(table).from_pylist(rows, schema=table.schema), folder / SHARD)
    return folder


def complete(row: dict[str, Any], text: str = BETTER) -> None:
    row["completion"][0]["content"] = text


@pytest.fixture
def part(mixed: Path, tmp_path: Path) -> Path:
    """Two rows of the mix, as they left the project `mixed`."""
    ids = ", ".join(repr(PATHS[name].path_id) for name in ("text", "three"))
    sql = f"select path_id, kind from mix where path_id in ({ids}) -- two"
    counts = export(mixed, "0", tmp_path / "part", selection=Selection(sql=sql))
    assert counts.rows == 2
    assert json.loads((tmp_path / "part" / "lineage.json").read_text())["selection"] == {"sql": sql}
    return tmp_path / "part"


def test_only_what_is_tagged_leaves(mixed: Path, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="none of its 5 rows is selected"):
        export(mixed, "0", tmp_path / "good", selection=Selection(tag=Tag.GOOD))
    tag(mixed, [PATHS["chinese"].path_id, PATHS["text"].path_id], Tag.GOOD, "Ada")
    export(mixed, "0", tmp_path / "good", selection=Selection(tag=Tag.GOOD))
    assert rows_of(tmp_path / "good").keys() == {PATHS["chinese"].path_id, PATHS["text"].path_id}
    both = Selection(f"select path_id from paths where problem_id = '{TEXT.problem_id}'", Tag.GOOD)
    assert export(mixed, "0", tmp_path / "both", selection=both).rows == 1


@pytest.mark.parametrize(
    ("sql", "fault"),
    [
        ("select 1 as one", "no column path_id; it returns one"),
        ("drop view mix", "must be one SELECT"),
        ("select path_id from read_csv('/etc/passwd')", "--sql: "),
        ("select path_id from nothing", "--sql: .*nothing"),
    ],
)
def test_a_query_that_selects_no_rows_of_a_mix_is_refused(sql: str, fault: str, mixed: Path, tmp_path: Path) -> None:
    with pytest.raises(Exception, match=fault):
        export(mixed, "0", tmp_path / "part", selection=Selection(sql=sql))
    assert not (tmp_path / "part").exists()


def test_a_part_of_a_mix_has_each_row_once_too(mixed: Path, tmp_path: Path) -> None:
    store.write(mixed / layout.paths("1"), schemas.Path, [TEXT])
    with pytest.raises(ExportError, match=r"1 rows, 2 after joining .*: a path is in two steps' tables"):
        export(mixed, "0", tmp_path / "part", selection=Selection(sql=f"select '{TEXT.path_id}' as path_id"))
    for nobody in ("'nobody'", "7", "null", "[1]"):
        with pytest.raises(ExportError, match="none of its 5 rows is selected; try the query"):
            export(mixed, "0", tmp_path / "part", selection=Selection(sql=f"select {nobody} as path_id"))
    assert not (tmp_path / "part").exists()


def test_what_was_edited_with_datasets_comes_back_as_a_correction(mixed: Path, part: Path) -> None:
    data = load_dataset(str(part), split="train")

    def better(row: dict[str, Any]) -> dict[str, Any]:
        return {"completion": [{"role": "assistant", "content": BETTER}]} if not row["image_ids"] else {}

    data.map(better).to_parquet(part / SHARD)
    with pytest.raises(ImportFailed, match="mathse seal"):
        returned(mixed, part)
    sealed = seal(part, "Emmy Noether")
    assert (sealed.rows, sealed.edits, sealed.refused) == (3, 1, {})
    assert load_dataset(str(part), split="train").num_rows == 3

    back = returned(mixed, part)
    assert back is not None and (len(back.taken), back.refused) == (1, [])
    (decision,) = decisions.current(mixed).values()
    assert (decision.path_id, decision.problem_id, decision.step) == (TEXT.path_id, TEXT.problem_id, "0")
    assert (decision.tag, decision.text, decision.who) == (Tag.FIXED, BETTER, "Emmy Noether")
    again = returned(mixed, part)
    assert again is not None and (again.taken, again.known) == ([], 1)


def test_a_correction_trains_another_project_and_is_traced_to_its_author(part: Path, tmp_path: Path) -> None:
    seal(with_edits(part, complete), "Emmy Noether")
    here = tmp_path / "here"
    assert returned(here, part) is None
    found = import_folder(here, part, "theirs")
    assert (found.problems, found.paths, found.quarantined) == (2, 3, {})
    place = here / found.folder
    figures = {"name": "figures", "seed": 1, "train": 1, "orm": 1, "test": 1}
    sources = [figures, {"name": "mathse_export", "label": "theirs", "path": place}]
    ingest(params.Problems.model_validate({"sources": sources}), without_benchmarks(here))
    recorded = [{"name": "mathse_export", "source": "theirs", "path": place}]
    distill = Distill.model_validate({"fraction": 1, "samples": 1, "recorded": recorded})
    paths = list(Recordings(distill, [PROBLEMS[name].problem_id for name in ("text", "three")], here).paths())
    edit = edited(TEXT.path_id, TEXT.problem_id, TEXT.round, BETTER, "Emmy Noether")
    assert {path.path_id for path in paths} == {TEXT.path_id, PATHS["three"].path_id, edit.path_id}

    store.write(here / layout.paths("0"), schemas.Path, paths)
    store.write(here / layout.verdicts("0"), Verdict, map(verdict, paths))
    store.write(here / layout.mix("base"), MixRow, [])
    store.write(here / layout.remaining("base"), Remaining, [])
    store.write(here / layout.BENCHMARK_ITEMS, BenchmarkItem, [])
    write_params(here)
    settings = params.load(here / params.PARAMS)
    query = Path(__file__).parents[2] / settings.mix.query
    settings = settings.model_copy(update={"mix": settings.mix.model_copy(update={"query": query})})
    assert build(settings, "0", here).left_out == {"corrected": 1}
    rows = {row.path_id: row for row in store.scan(here / layout.mix("0"), MixRow)}
    assert rows.keys() == {PATHS["three"].path_id, edit.path_id}
    assert (rows[edit.path_id].kind, rows[edit.path_id].completion[0].content) == (PathKind.EDITED, BETTER)

    node = trace(here, edit.path_id[:8])
    assert node.facts["author"] == "Emmy Noether"
    assert [below.id for below in node.below if below.role == "corrects"] == [TEXT.path_id]
    assert "data/mix/0.parquet" in [below.id for below in node.below if below.role == "in"]


def everywhere(row: dict[str, Any]) -> None:
    complete(row)
    row["text"] = BETTER
    row["conversations"][-1]["content"] = BETTER


def in_text(row: dict[str, Any]) -> None:
    row["text"] = BETTER


def in_conversations(row: dict[str, Any]) -> None:
    row["conversations"][-1]["content"] = BETTER


@pytest.mark.parametrize(("change", "rows"), [(complete, 3), (in_text, 3), (in_conversations, 3), (everywhere, 2)])
def test_an_edit_counts_in_whichever_column_it_was_made(
    change: Callable[[dict[str, Any]], None], rows: int, mixed: Path, part: Path
) -> None:
    assert seal(with_edits(part, change), "Emmy").rows == rows
    edit = edited(TEXT.path_id, TEXT.problem_id, TEXT.round, BETTER, "Emmy")
    row = rows_of(part)[edit.path_id]
    assert (row["kind"], row["parent_path_id"], row["author"]) == ("edited", TEXT.path_id, "Emmy")
    assert row["text"] == row["completion"][0]["content"] == row["conversations"][-1]["content"] == BETTER
    assert (row["verdict"], row["answer"]) == (None, edit.answer)
    back = returned(mixed, part)
    assert back is not None and [decision.text for decision in back.taken] == [BETTER]


def test_two_people_one_after_the_other(mixed: Path, part: Path) -> None:
    seal(with_edits(part, complete), "Emmy")
    first = edited(TEXT.path_id, TEXT.problem_id, TEXT.round, BETTER, "Emmy")
    table = pq.read_table(part / SHARD)
    rows = table.to_pylist()
    complete(next(row for row in rows if row["path_id"] == first.path_id), "Step 1: 70.\nThe answer is B.")
    pq.write_table(type(table).from_pylist(rows, schema=table.schema), part / SHARD)
    assert seal(part, "Sofia").edits == 1
    back = returned(mixed, part)
    assert back is not None
    assert [(decision.path_id, decision.who) for decision in back.taken] == [
        (TEXT.path_id, "Emmy"), (first.path_id, "Sofia"),
    ]  # fmt: skip
    lineage = json.loads((part / "lineage.json").read_text())
    assert lineage["edited"] == [
        {"who": "Emmy", "rows": 1}, {"who": "Sofia", "rows": 1},
    ]  # fmt: skip
    assert "the rows of the kind edited: 1 by Emmy, 1 by Sofia." in (part / "README.md").read_text()
    assert lineage["rows"] == sum(prompt["rows"] for prompt in lineage["prompts"].values()) == 4
    assert lineage["prompts"]["edited@1"] == {"rows": 2, "text": None} and lineage["judges"] == {"orm": 2}


def another_question(row: dict[str, Any]) -> None:
    row["question"] += "?"


def another_prompt(row: dict[str, Any]) -> None:
    row["prompt"][0]["content"] += " Be brief."


def two_at_once(row: dict[str, Any]) -> None:
    complete(row)
    row["text"] = "Something else. The answer to this problem is B."


def nothing_left(row: dict[str, Any]) -> None:
    complete(row, " ")


def no_text(row: dict[str, Any]) -> None:
    row["completion"] = []


def another_number(row: dict[str, Any]) -> None:
    row["tokens_in"] = -1


def no_picture(row: dict[str, Any]) -> None:
    row["images"] = [{"bytes": b"\x89PNG broken", "path": None}]
    row["image_ids"] = [hashlib.sha256(b"\x89PNG broken").hexdigest()]
    choices, images = tuple(row["choices"]), tuple(row["image_ids"])
    row["problem_id"] = Problem.id_for(row["question"], choices, row["gold_answer"], images)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (another_question, "problem does not match its id"),
        (another_prompt, "prompt was edited"),
        (two_at_once, "two edits at once"),
        (nothing_left, "empty text"),
        (no_text, "no completion"),
        (another_number, "broken path"),
        (no_picture, "unreadable image"),
    ],
)
def test_what_cannot_be_told_apart_is_refused_and_listed(
    change: Callable[[dict[str, Any]], None], reason: str, mixed: Path, part: Path
) -> None:
    sealed = seal(with_edits(part, change), "Emmy")
    assert (sealed.rows, sealed.refused) == (1, {reason: 1})
    (listed,) = map(json.loads, (part / REFUSED).read_text(encoding="utf-8").splitlines())
    assert (listed["reason"], listed["path_id"]) == (reason, TEXT.path_id)
    assert reason in sealed.summary()
    back = returned(mixed, part)
    assert back is not None and (back.rows, back.taken) == (1, [])


@pytest.mark.parametrize(
    ("change", "reason"), [(complete, "completion is not the path"), (in_text, "path does not match its id")]
)
def test_an_edit_whose_sums_alone_were_made_to_fit_is_listed(
    change: Callable[[dict[str, Any]], None], reason: str, mixed: Path, part: Path, tmp_path: Path
) -> None:
    folders.write_sums(with_edits(part, change))
    back = returned(mixed, part)
    assert back is not None and back.taken == []
    assert [why.partition(":")[0] for _, why in back.refused] == [reason]
    assert reason in back.summary() and "mathse seal" in back.summary()
    found = import_folder(tmp_path / "here", part, "theirs")
    assert (found.problems, found.paths, found.quarantined) == (2, 1, {reason: 1})
    assert reason in (tmp_path / "here" / found.folder / QUARANTINE).read_text()


def test_a_correction_that_says_it_is_somebody_elses_round_is_refused(mixed: Path, part: Path) -> None:
    seal(with_edits(part, complete), "Emmy")

    def of_round_9(row: dict[str, Any]) -> None:
        path = edited(TEXT.path_id, TEXT.problem_id, 9, BETTER, "Emmy")
        row.update(path.model_dump(exclude={"row_hash", "text_hash", "error"}) | {"kind": "edited"})

    table = pq.read_table(part / SHARD)
    rows = table.to_pylist()
    of_round_9(next(row for row in rows if row["kind"] == "edited"))
    pq.write_table(type(table).from_pylist(rows, schema=table.schema), part / SHARD)
    folders.write_sums(part)
    back = returned(mixed, part)
    assert back is not None and back.taken == []
    assert "does not belong to the path that it corrects" in back.refused[0][1]


def test_corrections_without_what_they_correct_are_those_of_the_project_that_has_it(
    mixed: Path, tmp_path: Path
) -> None:
    alone = tmp_path / "alone"
    export(mixed, "0", alone, selection=Selection(sql=f"select '{TEXT.path_id}' as path_id"))
    assert seal(with_edits(alone, everywhere), "Emmy").rows == 1
    here = tmp_path / "here"
    store.write(here / layout.paths("0"), schemas.Path, [PATHS["chinese"]])
    assert returned(here, alone) is None
    assert import_folder(here, alone, "theirs").paths == 1
    back = returned(mixed, alone)
    assert back is not None and [decision.path_id for decision in back.taken] == [TEXT.path_id]


def test_what_was_taken_before_does_not_override_what_was_decided_since(mixed: Path, part: Path) -> None:
    seal(with_edits(part, complete), "Emmy")
    returned(mixed, part)
    tag(mixed, [TEXT.path_id], Tag.FIXED, "Ada", text="Step 1: 70.\nThe answer is B.")
    again = returned(mixed, part)
    assert again is not None and (again.taken, again.known) == ([], 1)
    assert decisions.current(mixed)[TEXT.path_id].who == "Ada"
    for _ in range(2):
        decisions.undo(mixed, [TEXT.path_id], "Ada")
    again = returned(mixed, part)
    assert again is not None and (again.taken, again.known) == ([], 1)
    assert "taken before" in again.summary()
    assert decisions.current(mixed) == {}


def test_a_correction_that_cannot_be_a_decision_is_refused(mixed: Path, part: Path) -> None:
    seal(with_edits(part, complete), "E" * 101)
    back = returned(mixed, part)
    assert back is not None and back.taken == [] and decisions.read(mixed) == []
    assert [reason.partition(": ")[2].partition(":")[0] for _, reason in back.refused] == ["who"]


def test_sealing_what_was_not_edited_changes_no_row(part: Path) -> None:
    before, lineage = ((part / SHARD).read_bytes(), rows_of(part)), json.loads((part / "lineage.json").read_text())
    sealed = seal(part, "Emmy")
    assert (sealed.edits, sealed.refused) == (0, {})
    assert (part / SHARD).read_bytes() == before[0] and rows_of(part) == before[1]
    assert json.loads((part / "lineage.json").read_text()) == lineage


def test_nothing_that_a_person_put_into_the_folder_is_lost(part: Path) -> None:
    (part / "notes").mkdir()
    (part / "notes" / "mine.txt").write_text("to do")
    (part / "README.md").write_text("My own words.")
    seal(with_edits(part, two_at_once), "Emmy")
    assert seal(part, "Emmy").refused == {}
    assert (part / "notes" / "mine.txt").read_text() == "to do"
    assert "two edits at once" in (part / REFUSED).read_text()
    assert "1 reasoning paths" in (part / "README.md").read_text()
    (part / "README.md").write_text("Other words.")
    seal(part, "Emmy")
    assert (part / "README.before.md").read_text() == "My own words."
    assert (part / "README.before-2.md").read_text() == "Other words."


def test_a_folder_that_is_no_export_is_not_sealed(tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "dear.txt").write_text("Ada")
    with pytest.raises(ImportFailed, match=r"no folder that `mathse export` wrote"):
        seal(tmp_path / "letters", "Emmy")
    assert [file.name for file in (tmp_path / "letters").iterdir()] == ["dear.txt"]
