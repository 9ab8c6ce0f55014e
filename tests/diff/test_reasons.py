import shutil
from pathlib import Path

import polars as pl
import pytest

from mathse import layout
from mathse.diff.compare import compare
from mathse.diff.document import Document, Options
from mathse.diff.names import Dataset, Origin, find
from mathse.tables import store
from mathse.tables.schemas import BenchmarkItem, MixRow, PathKind, Problem, Reject, Status, Verdict
from mathse.tables.schemas import Path as PathRow
from mathse.tables.start import write_base
from tests import rows

ROOT = Path(__file__).parents[2]
QUERY = "mathse/sql/mixes/cumulative.sql"


def mix_row(name: str) -> MixRow:
    return MixRow(
        path_id=name, problem_id="p1", kind=PathKind.DISTILLED, round=0, image_ids=(), prompt=(), completion=()
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Distilled paths a (correct), b (wrong) and c (correct, the same text as a); the mix has a."""
    folder = tmp_path / "project"
    (folder / QUERY).parent.mkdir(parents=True)
    shutil.copy(ROOT / QUERY, folder / QUERY)
    shutil.copy(ROOT / "presets" / "default.yaml", folder / "params.yaml")
    paths = [
        rows.path(name, kind=PathKind.DISTILLED, round=0, text="Long." if name == "b" else "Same.") for name in "abc"
    ]
    judged = [rows.verdict(name, status=Status.WRONG if name == "b" else Status.CORRECT) for name in "abc"]
    store.write(folder / layout.PROBLEMS, Problem, [rows.problem()])
    write_base(folder)
    store.write(folder / layout.REJECTS, Reject, [Reject(source="figures", source_id="p2", reason="duplicate")])
    store.write(folder / layout.paths("0"), PathRow, paths)
    store.write(folder / layout.verdicts("0"), Verdict, judged)
    store.write(folder / layout.mix("0"), MixRow, [mix_row("a")])
    return folder


def compared(project: Path, file: Path, name: str, **options: object) -> Document:
    scratch = file.parent / "scratch"
    scratch.mkdir(exist_ok=True)
    new = find(name, Origin(project), scratch)
    return compare(Dataset("before", file, "", None), new, Options(**options), scratch)  # type: ignore[arg-type]


def test_a_row_that_went_from_a_mix_was_left_out_for_a_reason(project: Path, tmp_path: Path) -> None:
    store.write(tmp_path / "before.parquet", MixRow, [mix_row(name) for name in "abcx"])
    found = compared(project, tmp_path / "before.parquet", "mix@0", saved=tmp_path / "changes.parquet")
    whys = dict(pl.read_parquet(tmp_path / "changes.parquet").select("path_id", "why").iter_rows())
    assert whys == {
        "b": "left out of mix@0: judged WRONG",
        "c": "left out of mix@0: duplicate text",
        "x": "no candidate of mix@0",
    }
    assert next(part for part in found.sections if part.title == "why").headings == ("why", "came", "went", "net")
    assert {example.about["why"] for example in found.examples} == set(whys.values())


def test_a_row_that_went_as_a_leak_is_no_mere_stranger(project: Path, tmp_path: Path) -> None:
    quoted = "A ladder of 13 m leans against a wall of 12 m, and its foot is moved away from the wall by 2 m more."
    item = BenchmarkItem(
        benchmark="b", item_id="7", question=quoted, answer="5", licence="MIT", subject="lengths", level=1,
        official="{}",
    )  # fmt: skip
    store.write(project / layout.BENCHMARK_ITEMS, BenchmarkItem, [item])
    paths = [rows.path("a", text="Same."), rows.path("d", text=f"{quoted} It is 5.")]
    store.write(project / layout.paths("0"), PathRow, paths)
    store.write(project / layout.verdicts("0"), Verdict, [rows.verdict("a"), rows.verdict("d")])
    settings = (project / "params.yaml").read_text()
    (project / "params.yaml").write_text(settings.replace("max_per_problem: 1", "max_per_problem: 2"))
    store.write(tmp_path / "before.parquet", MixRow, [mix_row(name) for name in "ad"])
    found = compared(project, tmp_path / "before.parquet", "mix@0")

    assert [example.about["why"] for example in found.examples] == ["left out of mix@0: leak"]


def test_reasons_can_be_asked_for(project: Path, tmp_path: Path) -> None:
    store.write(tmp_path / "before.parquet", MixRow, [mix_row(name) for name in "abcx"])
    found = compared(project, tmp_path / "before.parquet", "mix@0", condition="why like '%duplicate%'")
    assert [example.key["path_id"] for example in found.examples] == ["c"]


def test_without_a_query_to_run_nothing_is_said(project: Path, tmp_path: Path) -> None:
    (project / QUERY).unlink()
    store.write(tmp_path / "before.parquet", MixRow, [mix_row(name) for name in "ab"])
    found = compared(project, tmp_path / "before.parquet", "mix@0")
    assert found.counts.removed == 1
    assert "why" not in {part.title for part in found.sections}


def test_a_problem_that_went_was_rejected(project: Path, tmp_path: Path) -> None:
    store.write(tmp_path / "before.parquet", Problem, [rows.problem(), rows.problem("p2"), rows.problem("p3")])
    found = compared(project, tmp_path / "before.parquet", "problems")
    assert [example.about.get("why") for example in found.examples] == ["rejected in problems: duplicate", None]


def test_reasons_are_known_whatever_the_rows_are_matched_by(project: Path, tmp_path: Path) -> None:
    store.write(tmp_path / "before.parquet", MixRow, [mix_row(name) for name in "ab"])
    found = compared(project, tmp_path / "before.parquet", "mix@0", key=("problem_id",))
    assert [example.about["why"] for example in found.examples] == ["left out of mix@0: judged WRONG"]
