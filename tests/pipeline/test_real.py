"""Real problems through every stage: the preset `real-sample`, on data that nobody here wrote."""

import json
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.pipeline.clones import Clone, clone
from tests.pipeline.forks import Forks
from tests.shared_data import shared

pytestmark = pytest.mark.slow

USED = (
    "k12",
    "geometry3k",
    "tabmwp/distilled_cot.json",
    "tabmwp/images",
    "mathvision/testmini.jsonl",
    "mathvision/images",
)
"""What of the shared data the preset names."""
MODELS = ("base", "final")


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory, forks: Forks) -> Clone:
    """The loop on real problems, run once."""
    found = {name: shared(name) for name in USED}
    made = clone(tmp_path_factory.mktemp("real") / "mathse", preset="real-sample", forks=forks.all)
    for name, place in found.items():
        copied = made.folder / "data" / "sources" / name
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(place, copied) if place.is_dir() else shutil.copy(place, copied)
    made.edit_params(compute={"threads": 1}, train={"epochs": 1})  # the other core has other tests
    made.dvc("repro")
    return made


def ask(loop: Clone, sql: str) -> list[tuple[Any, ...]]:
    """Rows of a query in which {table} names a Parquet file below data/."""
    data = loop.folder / "data"
    tables = {file.relative_to(data).with_suffix("").as_posix(): file for file in data.rglob("*.parquet")}
    for name in sorted(tables, key=len, reverse=True):
        sql = sql.replace(f"{{{name}}}", f"'{tables[name]}'")
    return duckdb.execute(sql).fetchall()


def test_every_row_is_a_problem_or_a_reject_with_its_reason(real: Clone) -> None:
    counts = json.loads((real.folder / "reports/sources/counts.json").read_text(encoding="utf-8"))
    assert {name: counts[name]["rows"] for name in ("k12", "geometry3k", "tabmwp")} == {
        "k12": 150,
        "geometry3k": 10,
        "tabmwp": 150,
    }
    for name, found in counts.items():
        assert found["rows"] == found["taken"] + sum(found["rejected"].values()), name
    assert ask(real, "select count(*) from {ingest/rejects}") == [(2,)]


def test_the_teacher_is_recorded(real: Clone) -> None:
    teachers = ask(real, "select author, count(*) from {paths/0} where error is null group by all")
    assert dict(teachers)["recorded:tabmwp"] > 45
    trained = ask(
        real, "select count(*) from {mix/0} join {problems/problems} using (problem_id) where source = 'tabmwp'"
    )
    assert trained[0][0] > 0


def test_real_problems_are_rolled_out_and_judged(real: Clone) -> None:
    written = """
        select source, count(*), count(error), min(paths.tokens_in), count(verdicts.path_id)
        from {paths/1} paths join {problems/problems} using (problem_id)
        left join {verdicts/1} verdicts using (path_id) group by source
    """
    found = {source: counts for source, *counts in ask(real, written)}
    assert {"k12", "geometry3k", "tabmwp"} <= found.keys()
    for source, (paths, failed, tokens, judged) in found.items():
        assert (failed, judged) == (0, paths), source
        assert tokens > 16, "a prompt without its image"


def test_other_scripts_and_formulas_arrive_as_they_were(real: Clone) -> None:
    (chinese,) = ask(real, r"select question from {problems/problems} where regexp_matches(question, '\p{Han}')")
    rows = (row["question"] for row in json.loads(shared("k12/k12.json").read_text(encoding="utf-8")))
    assert chinese[0].strip() in {row.strip() for row in rows}
    rolled = "select count(*) from {paths/1} join {problems/problems} using (problem_id)"
    assert ask(real, rf"{rolled} where contains(question, '\frac')")[0][0] > 10


@pytest.mark.parametrize("model", MODELS)
def test_each_model_is_measured_on_all_of_mathvisions_testmini(real: Clone, model: str) -> None:
    found = ask(
        real, f"select benchmark, count(*), count(distinct problem_id) from {{predictions/{model}}} group by all"
    )
    counts = {benchmark: tuple(rows) for benchmark, *rows in found}
    assert counts["mathvision_testmini"] == (304, 304)
    metrics = json.loads((real.folder / f"reports/metrics/{model}.json").read_text(encoding="utf-8"))
    assert metrics["benchmarks"]["mathvision_testmini"]["n"] == 304


def test_the_report_shows_the_benchmark(real: Clone) -> None:
    assert "mathvision" in Path(real.folder / "reports/report.md").read_text(encoding="utf-8").lower()
