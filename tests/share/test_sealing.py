"""A folder that somebody edited in ways that nobody foresaw: nothing of theirs is lost, and nothing leads out of it."""

import json
import os
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mathse import layout
from mathse.share import dataset_card
from mathse.share.export import export
from mathse.share.importing import ImportFailed, import_folder
from mathse.share.returning import returned
from mathse.share.sealing import REFUSED, Sealed, seal
from mathse.tables import schemas, store
from mathse.tables.schemas import Feedback, MixRow, Status, content_id
from tests.share.mixed import PATHS, PROBLEMS
from tests.share.test_importing import SHARD, rewritten
from tests.share.test_importing import exported as exported

TEXT = PATHS["text"]


def contents(folder: Path) -> dict[str, bytes]:
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and not file.is_symlink()
    }


def the(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return next(row for row in rows if row["path_id"] == TEXT.path_id)


def own_columns(folder: Path) -> None:
    table = pq.read_table(folder / SHARD)
    for number in range(60):
        table = table.append_column(f"mine_{number}", pa.array([number] * table.num_rows))
    pq.write_table(table, folder / SHARD)


def damaged_shard(folder: Path) -> None:
    (folder / "data" / "train-00001.parquet").write_bytes((folder / SHARD).read_bytes()[:-100])


def damaged_page(folder: Path) -> None:
    content = bytearray((folder / SHARD).read_bytes())
    content[60:160] = bytes(100)
    (folder / "data" / "train-00001.parquet").write_bytes(content)


def linked_shard(folder: Path) -> None:
    (folder / SHARD).rename(folder.parent / "shard")
    (folder / SHARD).symlink_to(folder.parent / "shard")


def linked_folder(folder: Path) -> None:
    (folder / "data").rename(folder.parent / "data")
    (folder / "data").symlink_to(folder.parent / "data")


def linked_file(folder: Path) -> None:
    (folder / "mine").symlink_to("/etc/passwd")


def pipe(folder: Path) -> None:
    os.mkfifo(folder / "data" / "train-00001.parquet")


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (own_columns, r"would be lost: mine_0, mine_1, mine_2, mine_3, mine_4, \.\.\."),
        (damaged_shard, "train-00001.parquet: "),
        (damaged_page, "train-00001.parquet.*unreadable file.*mend or remove it"),
        (linked_shard, "is a link"),
        (linked_folder, "data: is a link"),
        (linked_file, "mine: is a link"),
        (pipe, "is a link or no file"),
    ],
)
def test_what_would_be_lost_or_leads_elsewhere_is_named_and_stays(
    change: Callable[[Path], None], fault: str, exported: Path
) -> None:
    change(exported)
    before = contents(exported)
    with pytest.raises(ImportFailed, match=fault):
        seal(exported, "Emmy")
    assert contents(exported) == before


def test_a_file_of_rows_that_is_not_read_is_kept(exported: Path) -> None:
    (exported / "data" / ".mine.parquet").write_bytes(b"mine")
    seal(exported, "Emmy")
    assert (exported / "data" / ".mine.parquet").read_bytes() == b"mine"


def test_a_table_that_pandas_wrote_is_read(exported: Path) -> None:
    table = pq.read_table(exported / SHARD)
    pq.write_table(table.append_column("__index_level_0__", pa.array(range(table.num_rows))), exported / SHARD)
    assert seal(exported, "Emmy").rows == 4


def of_a_made_up_path(rows: list[dict[str, Any]]) -> None:
    rows.append(the(rows) | {"path_id": "0" * 32})


def wrong_type(rows: list[dict[str, Any]]) -> None:
    the(rows)["kind"] = "invented"


def another_image(rows: list[dict[str, Any]]) -> None:
    seen = [row for row in rows if row["images"]]
    seen[0]["images"] = seen[1]["images"]


def no_text(rows: list[dict[str, Any]]) -> None:
    the(rows)["completion"] = []


def far_too_long(rows: list[dict[str, Any]]) -> None:
    the(rows)["completion"][0]["content"] = "角" * 100_001


@pytest.mark.parametrize(
    ("change", "rows", "reason"),
    [
        (of_a_made_up_path, 5, None),
        (wrong_type, 3, "broken row"),
        (another_image, 3, "problem does not match its id"),
        (no_text, 3, "no completion"),
        (far_too_long, 3, "text too long"),
    ],
)
def test_a_row_is_used_or_listed(
    change: Callable[[list[dict[str, Any]]], None], rows: int, reason: str | None, exported: Path
) -> None:
    sealed = seal(rewritten(exported, change), "Emmy")
    assert (sealed.rows, sealed.refused) == (rows, {reason: 1} if reason else {})
    assert (exported / REFUSED).exists() == bool(reason)


def test_rows_that_were_taken_out_are_counted_and_one_that_is_there_twice_is_one(exported: Path) -> None:
    sealed = seal(rewritten(exported, lambda rows: rows.__setitem__(slice(2), [rows[2]])), "Emmy")
    assert (sealed.rows, sealed.gone) == (2, 2)
    assert "2 rows fewer than it was written with" in sealed.summary()
    assert "fewer" not in seal(exported, "Emmy").summary()


def test_a_correction_in_chinese_goes_there_and_back(exported: Path, mixed: Path) -> None:
    text = "第一步: 60 + 10 = 70。\n答案是 B。"
    seal(rewritten(exported, lambda rows: the(rows)["completion"][0].update(content=text)), "艾米")
    back = returned(mixed, exported)
    assert back is not None and [(decision.text, decision.who) for decision in back.taken] == [(text, "艾米")]
    assert text.splitlines()[0] in (mixed / layout.CURATION).read_text(encoding="utf-8")


@pytest.fixture
def verdicts(mixed: Path, tmp_path: Path) -> Path:
    """An export of the mix that trains the ORM."""
    rows = list(store.scan(mixed / layout.mix("0"), MixRow))
    marked = [
        Feedback(
            path_id=row.path_id, problem_id=row.problem_id, author="teacher", prompt_id="annotate@1",
            status=Status.CORRECT, raw="",
        )
        for row in rows
    ]  # fmt: skip
    store.write(mixed / layout.orm_paths("orm"), schemas.Path, PATHS.values())
    store.write(mixed / layout.orm_feedback("orm"), Feedback, marked)
    store.write(mixed / layout.mix("orm"), MixRow, rows)
    export(mixed, "orm", tmp_path / "verdicts")
    return tmp_path / "verdicts"


def test_verdicts_are_no_corrections_and_it_is_said(verdicts: Path) -> None:
    def change(rows: list[dict[str, Any]]) -> None:
        rows[0]["completion"][0]["content"] = "WRONG"
        rows[1]["text"] += "?"
        rows.append(rows[0])

    sealed = seal(rewritten(verdicts, change), "Emmy")
    assert (sealed.rows, sealed.refused) == (3, {"path does not match its id": 1, "path is there twice": 1})
    assert "comes back to no project" in sealed.summary() and "none of them edited" not in sealed.summary()
    assert "none of them edited" in Sealed(verdicts).summary()


HOSTILE = "x`](javascript:a) <script>alert(1)</script>\n```\n# mine\n"


def without_code(markdown: str) -> str:
    return re.sub(r"(?<!\\)`[^`]*`", "CODE", markdown)


def test_what_a_stranger_says_of_a_folder_is_text_in_its_card(exported: Path, tmp_path: Path) -> None:
    file = exported / "lineage.json"
    git = {"url": "https://example.org/a;$(touch pwned)`b", "commit": f"$(id)\n{HOSTILE}", "clean": True}
    stated = json.loads(file.read_text()) | {
        "mix": HOSTILE, "git": git, "stage": HOSTILE, "dvc": {HOSTILE: HOSTILE},
        "selection": {"sql": HOSTILE, "a b": "c"},
    }  # fmt: skip
    file.write_text(json.dumps(stated))
    seal(exported, HOSTILE)
    text = (exported / "README.md").read_text(encoding="utf-8")
    opening = without_code(text.split("---\n", 2)[2].partition("## Use it")[0])
    assert "CODE" in opening and "<script>" not in opening and "\n# mine" not in opening
    reproduced = text.split("## Reproduce it\n\n")[1].split("\n## Columns")[0]
    fence = reproduced.partition("bash\n")[0]
    inside, ended, after = reproduced.partition("bash\n")[2].partition(f"\n{fence}\n")
    assert set(fence) == {"`"} and ended
    assert "<script>" not in without_code(after) and "\n# mine" not in after
    words = shlex.split(inside, comments=True)
    assert git["url"] in words and git["commit"] in words and words[-2:] == ["--sql", HOSTILE] and "c" not in words


@pytest.mark.parametrize("url", ["file:///etc", "--upload-pack=touch pwned", "ext::sh -c id", "/etc", "", None])
def test_an_address_that_is_none_is_not_repeated(url: str | None) -> None:
    git = {"url": url, "commit": "0" * 40, "clean": True}
    text = dataset_card._reproduce({"mix": "final", "stage": None, "git": git, "dvc": {}})
    assert "git clone REPOSITORY mathse" in text


@pytest.mark.parametrize("name", ["git", "mix", "stage", "selection", "rows", "excluded", "prompts", "edited", "dvc"])
@pytest.mark.parametrize("value", [None, 7, [1], {"a": 1}, "text", [["x"]], True, {"sql": 1}])
def test_a_lineage_of_another_kind_is_named(name: str, value: Any, exported: Path, tmp_path: Path) -> None:
    file = exported / "lineage.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {name: value}))
    before = contents(exported)
    try:
        seal(exported, "Emmy")
    except ImportFailed as error:
        assert str(file) in str(error)
        assert contents(exported) == before


def test_a_path_of_a_stranger_is_a_path_only_with_its_own_id(exported: Path, tmp_path: Path) -> None:
    """Somebody may add a row by hand: it counts as a recorded solution, which is judged like any other."""
    of, text = PROBLEMS["text"], "It is B."
    identity = (of.problem_id, "distilled", 0, 0, "Mallory", "solve@1", 5, None, text)

    def add(rows: list[dict[str, Any]]) -> None:
        said = {"completion": [{"role": "assistant", "content": text}], "text": text, "author": "Mallory"}
        rows.append(the(rows) | said | {"path_id": content_id("path", *identity)})

    assert import_folder(tmp_path / "here", rewritten(exported, add), "theirs").paths == 5
