import json
import random
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from mathse import layout, params
from mathse.answers.extract import extract
from mathse.errors import UserError
from mathse.loop.recorded import Recordings
from mathse.params.loop import Distill
from mathse.share import folder as folders
from mathse.share.export import export
from mathse.share.importing import QUARANTINE, import_folder
from mathse.sources.adapters import mathse_export
from mathse.sources.admit import Admitted, Limits, admit
from mathse.sources.ingest import ingest
from mathse.tables import schemas, store
from mathse.tables.schemas import Origin, Problem, Reject
from tests.share.mixed import PATHS, PROBLEMS
from tests.sources.adapters.samples import without_benchmarks

SHARD = "data/train-00000-of-00001.parquet"
SHARED = ("three", "chinese", "markup", "text")


@pytest.fixture
def exported(mixed: Path, tmp_path: Path) -> Path:
    export(mixed, "0", tmp_path / "theirs")
    return tmp_path / "theirs"


def rewritten(folder: Path, change: Callable[[list[dict[str, Any]]], Any]) -> Path:
    """The export with other rows, and sums that fit: what somebody could send on purpose."""
    table = pq.read_table(folder / SHARD)
    rows = table.to_pylist()
    change(rows)
    pq.write_table(type(table).from_pylist(rows, schema=table.schema), folder / SHARD)
    folders.write_sums(folder)
    return folder


def test_the_way_there_and_back(exported: Path, tmp_path: Path) -> None:
    here = tmp_path / "here"
    found = import_folder(here, exported, "theirs")
    assert (found.problems, found.paths, found.quarantined) == (4, 4, {})
    settings = params.Problems.model_validate(
        {
            "sources": [
                {"name": "figures", "seed": 1, "train": 1, "orm": 1, "test": 1},
                {"name": "mathse_export", "label": "theirs", "path": here / found.folder},
            ]
        }
    )
    ingest(settings, without_benchmarks(here))
    problems = {row.problem_id: row for row in store.scan(here / layout.PROBLEMS, Problem) if row.source == "theirs"}
    sent = {PROBLEMS[name].problem_id: PROBLEMS[name] for name in SHARED}
    kept = ("question", "choices", "answer", "solution", "image_ids", "subject", "level", "language", "licence")
    assert problems.keys() == sent.keys()
    for name in problems:
        assert [getattr(problems[name], field) for field in kept] == [getattr(sent[name], field) for field in kept]
        assert problems[name].source_id == f"figures/{sent[name].source_id}/{name[:12]}"
    recording = {"name": "mathse_export", "source": "theirs", "path": here / found.folder}
    distill = Distill.model_validate({"fraction": 1, "samples": 1, "recorded": [recording]})
    paths = {path.path_id: path for path in Recordings(distill, list(problems), here).paths()}
    assert paths == {PATHS[name].path_id: PATHS[name] for name in SHARED}


def test_exported_again_it_has_the_licences_of_its_rows(exported: Path, tmp_path: Path) -> None:
    def relicense(rows: list[dict[str, Any]]) -> None:
        rows[0]["licence"], rows[1]["licence"] = "LicenseRef-secret", "MIT AND CC-BY-NC-SA-4.0"

    import_folder(tmp_path, rewritten(exported, relicense), "theirs")
    found = list(mathse_export.ADAPTER.read(tmp_path / layout.SOURCES / "theirs"))
    licences = [row.licence for row in found if not isinstance(row, Reject)]
    assert Counter(licences) == {"Apache-2.0": 2, "LicenseRef-secret": 1, "MIT AND CC-BY-NC-SA-4.0": 1}


def test_the_copy_is_what_was_checked_and_nothing_else(exported: Path, tmp_path: Path) -> None:
    (exported / "run_me.py").write_text("raise SystemExit")
    found = import_folder(tmp_path, exported, "theirs")
    copied = {file.name for file in (tmp_path / found.folder).rglob("*") if file.is_file()}
    assert "run_me.py" not in copied
    assert found.unlisted == 1
    said = found.summary()
    assert "4 problems, 4 paths" in said
    assert "{name: mathse_export, label: theirs, path: data/sources/theirs}" in said
    assert "`distill.fraction: 1` takes all of its paths" in said
    assert import_folder(tmp_path, tmp_path / found.folder, "again").problems == 4


def broken_id(rows: list[dict[str, Any]]) -> None:
    rows[0]["question"] += "?"


def broken_path(rows: list[dict[str, Any]]) -> None:
    rows[0]["text"] += " And so on."


def bad_image(rows: list[dict[str, Any]]) -> None:
    row = next(row for row in rows if len(row["images"]) == 1)
    row["images"][0]["bytes"] = b"\x89PNG broken"
    row["problem_id"] = Problem.id_for(
        row["question"], tuple(row["choices"]), row["gold_answer"],
        (__import__("hashlib").sha256(b"\x89PNG broken").hexdigest(),),
    )  # fmt: skip


def by_path_alone(rows: list[dict[str, Any]]) -> None:
    row = next(row for row in rows if row["images"])
    row["images"][0] = {"bytes": None, "path": "../../../etc/passwd"}


def no_licence(rows: list[dict[str, Any]]) -> None:
    rows[0]["licence"] = "do what you want"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (broken_id, "problem does not match its id"),
        (bad_image, "unreadable image"),
        (by_path_alone, "missing image"),
        (no_licence, "licence is none"),
    ],
)
def test_a_bad_row_is_quarantined(
    exported: Path, tmp_path: Path, change: Callable[[list[dict[str, Any]]], None], reason: str
) -> None:
    found = import_folder(tmp_path, rewritten(exported, change), "theirs")
    assert (found.problems, found.quarantined) == (3, {reason: 1})
    (line,) = (tmp_path / found.folder / QUARANTINE).read_text().splitlines()
    assert json.loads(line)["reason"] == reason


def test_paths_are_tried_too(exported: Path, tmp_path: Path) -> None:
    def change(rows: list[dict[str, Any]]) -> None:
        broken_path(rows)
        rows[1]["verdict"] = "WRONG"
        rows.append(rows[2])

    found = import_folder(tmp_path, rewritten(exported, change), "theirs")
    assert (found.problems, found.paths) == (4, 2)
    rejects = [row for row in mathse_export.recorded(tmp_path / found.folder) if isinstance(row, Reject)]
    assert {row.reason for row in rejects} == {
        "path does not match its id", "not judged correct", "path is there twice"
    }  # fmt: skip
    listed = map(json.loads, (tmp_path / found.folder / QUARANTINE).read_text().splitlines())
    assert [row["reason"] for row in listed] == ["path does not match its id", "path is there twice"]


def test_an_answer_is_read_from_the_text_and_a_cost_is_an_amount(exported: Path, tmp_path: Path) -> None:
    def change(rows: list[dict[str, Any]]) -> None:
        for row in rows:
            row["answer"] = "12345"
        rows[1]["cost"] = float("inf")

    found = import_folder(tmp_path, rewritten(exported, change), "theirs")
    assert (found.paths, found.quarantined) == (3, {"broken path": 1})
    for solution in mathse_export.recorded(tmp_path / found.folder):
        if not isinstance(solution, Reject) and solution.path:
            assert solution.path.answer == extract(solution.text)


def test_no_row_can_be_used(exported: Path, tmp_path: Path) -> None:
    rewritten(exported, lambda rows: [row.update(language="?") for row in rows])
    with pytest.raises(UserError, match="no row can be used: 4 language is none"):
        import_folder(tmp_path, exported, "theirs")
    assert not (tmp_path / layout.SOURCES / "theirs").exists()


def changed_file(folder: Path) -> None:
    (folder / "README.md").write_text("changed")


def out_of_the_folder(folder: Path) -> None:
    (folder.parent / "secret").write_text("x")
    lines = (folder / "SHA256SUMS").read_text()
    (folder / "SHA256SUMS").write_text(f"{lines}{'0' * 64}  ../secret\n")


def absolute(folder: Path) -> None:
    (folder / "SHA256SUMS").write_text(f"{'0' * 64}  /etc/passwd\n")


def a_link(folder: Path) -> None:
    shutil.move(folder / SHARD, folder.parent / "shard")
    (folder / SHARD).symlink_to(folder.parent / "shard")


def a_linked_folder(folder: Path) -> None:
    shutil.move(folder / "data", folder.parent / "elsewhere")
    (folder / "data").symlink_to(folder.parent / "elsewhere")


def missing(folder: Path) -> None:
    (folder / SHARD).unlink()


def another_form(folder: Path) -> None:
    (folder / "lineage.json").write_text('{"format": "mathse-export", "version": 99}')
    folders.write_sums(folder)


def no_form(folder: Path) -> None:
    (folder / "lineage.json").write_text("[" * 10**5)
    folders.write_sums(folder)


def no_parquet(folder: Path) -> None:
    (folder / SHARD).write_bytes(b"PAR1" + bytes(100))
    folders.write_sums(folder)


def another_column(folder: Path) -> None:
    pq.write_table(pq.read_table(folder / SHARD).drop_columns(["question"]), folder / SHARD)
    folders.write_sums(folder)


def no_sums(folder: Path) -> None:
    (folder / "SHA256SUMS").unlink()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (changed_file, r"README\.md: its content does not match SHA256SUMS"),
        (out_of_the_folder, r"line 7: '\.\./secret' leads out"),
        (absolute, "leads out"),
        (a_link, "not there, or a link"),
        (a_linked_folder, "not there, or a link"),
        (missing, "not there, or a link"),
        (another_form, "version 99, this MathSE reads 2"),
        (no_form, r"lineage\.json: no JSON"),
        (no_parquet, "damaged or not Parquet"),
        (another_column, "column question is missing"),
        (no_sums, "no folder that `mathse export` wrote"),
    ],
)
def test_a_folder_that_is_no_sound_export(
    exported: Path, tmp_path: Path, damage: Callable[[Path], None], said: str
) -> None:
    damage(exported)
    with pytest.raises(UserError, match=said):
        import_folder(tmp_path / "here", exported, "theirs")
    assert not list((tmp_path / "here").rglob("*.parquet"))


@pytest.mark.parametrize("name", ["../x", "", "a b", "figures", "A", "x" * 41])
def test_a_name_that_is_none(exported: Path, tmp_path: Path, name: str) -> None:
    if name:
        with pytest.raises(UserError, match="--name"):
            import_folder(tmp_path, exported, name)


def test_another_folder_in_its_place_is_not_touched(exported: Path, tmp_path: Path) -> None:
    place = tmp_path / layout.SOURCES / "theirs"
    place.mkdir(parents=True)
    (place / "mine.json").touch()
    with pytest.raises(UserError, match="did not write"):
        import_folder(tmp_path, exported, "theirs")
    assert [file.name for file in place.iterdir()] == ["mine.json"]


def test_damaged_bytes_are_rejects_and_not_crashes(exported: Path) -> None:
    whole = (exported / SHARD).read_bytes()
    for seed in range(60):
        chance = random.Random(seed)
        at = chance.randrange(len(whole))
        broken = whole[:at] + bytes([chance.randrange(256)]) + whole[at + chance.randrange(2) :]
        (exported / SHARD).write_bytes(broken if seed % 3 else whole[:at])
        found = list(admit(mathse_export.ADAPTER.read(exported), exported, "MIT", Limits()))
        assert found
        assert all(isinstance(row, Admitted | Reject) for row in found)
        list(mathse_export.recorded(exported))


def test_origins_keep_each_rows_licence(exported: Path, tmp_path: Path) -> None:
    admitted = [row for row in admit(mathse_export.ADAPTER.read(exported), exported, "LicenseRef-per-row", Limits())]
    origins = [row.origin for row in admitted if isinstance(row, Admitted)]
    assert {type(origin) for origin in origins} == {Origin}
    assert {origin.licence for origin in origins} == {"Apache-2.0"}
    assert schemas.Split.TEST not in {origin.split for origin in origins}
