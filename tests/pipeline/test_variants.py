"""The paper's own variants, each run for real: every one of them is params alone."""

import json
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from tests.pipeline.clones import ROOT, Clone
from tests.pipeline.forks import Forks

pytestmark = pytest.mark.slow


@pytest.fixture
def variant(loop: Clone, forks: Forks, tmp_path: Path) -> Clone:
    """The finished loop, to be run on under other params."""
    shutil.copytree(loop.folder, tmp_path / "variant", symlinks=True)
    return Clone(tmp_path / "variant", forks.all)


def rows(run: Clone, table: str, sql: str) -> list[tuple[Any, ...]]:
    """What a query finds in a table of the run, there called `rows`."""
    relation = duckdb.read_parquet(str(run.folder / "data" / f"{table}.parquet"))
    found = relation.query("rows", sql)
    assert found is not None
    return found.fetchall()


def fingerprint(run: Clone, model: str) -> str:
    return str(json.loads((run.folder / f"models/{model}/lineage.json").read_text(encoding="utf-8"))["model"])


def test_a_reflection_in_every_round_and_a_refreshed_orm(variant: Clone) -> None:
    preset = yaml.safe_load((ROOT / "presets/every-round.yaml").read_text(encoding="utf-8"))
    for section in ("steps", "orms", "measured"):
        variant.set_param(section, preset[section])
    variant.set_param("models", {name: row | {"by": "train"} for name, row in preset["models"].items()})
    ran = variant.ran(variant.dvc("repro", "evaluate@2r"))
    shared = {"problems", "student_mix", "orm_paths@orm", "train_orm@orm", "paths@0", "judge@1", "mix@1", "train@0"}
    assert not ran & shared, "what both have in common is made once"
    assert {"train_orm@orm2", "paths@1r", "judge@2", "train@2r", "evaluate@2r"} <= ran
    by = "select distinct author from rows"
    judges = {step: {row[0] for row in rows(variant, f"verdicts/{step}", by)} for step in preset["steps"]}
    orm, refreshed = ({fingerprint(variant, name)} for name in ("orm", "orm2"))
    assert judges == {"0": orm, "1": orm, "1r": orm, "2": refreshed, "2r": refreshed}
    learned_from = rows(variant, "orm/orm2/paths", "select distinct author from rows where kind = 'rollout'")
    assert learned_from == [(fingerprint(variant, "1r"),)]
    for step, round_number in (("1r", 1), ("2r", 2)):
        kinds = rows(variant, f"paths/{step}", "select distinct kind, round from rows")
        assert kinds == [("reflection", round_number)]
    wrong = "select path_id from rows where status = 'WRONG'"
    known = {row for step in ("0", "1") for row in rows(variant, f"verdicts/{step}", wrong)}
    assert set(rows(variant, "paths/1r", "select parent_path_id from rows")) <= known
    assert (variant.folder / "reports/metrics/2r.json").is_file()


@pytest.mark.parametrize("feedback", ["none", "teacher"])
def test_a_reflection_with_other_feedback(variant: Clone, feedback: str) -> None:
    parents = "select problem_id, parent_path_id from rows order by all"
    before = rows(variant, "paths/final", parents)
    variant.edit_params(reflect={"feedback": feedback})
    assert variant.ran(variant.dvc("repro", "judge@final")) <= {"paths@final", "judge@final"}
    assert rows(variant, "paths/final", parents) == before, "the same wrong paths are reconsidered"
    assert rows(variant, "paths/final", "select count(*) from rows where error is not null") == [(0,)]


def test_an_orm_that_says_its_verdict_alone(variant: Clone) -> None:
    variant.edit_params(orm={"target": "verdict"})
    ran = variant.ran(variant.dvc("repro", "judge@0", "evaluate_orm@orm"))
    assert ran <= {"orm_paths@orm", "orm_mix@orm", "train_orm@orm", "judge@0", "evaluate_orm@orm"}
    taught = rows(variant, "mix/orm", "select distinct completion[-1].content from rows order by all")
    assert [json.loads(text) for (text,) in taught] == [{"status": "CORRECT"}, {"status": "WRONG"}]
    decided = "select count(*) from rows where status != 'UNDECIDED' and error_step is null"
    assert rows(variant, "verdicts/0", decided)[0][0] > 0


def test_judging_without_the_gold_answer(variant: Clone) -> None:
    variant.edit_params(judge={"reference": False, "prompt": "judge-brief@2"}, orm={"train": short(variant)})
    ran = variant.ran(variant.dvc("repro", "judge@0"))
    assert ran == {"orm_paths@orm", "orm_mix@orm", "train_orm@orm", "judge@0"}
    shown = rows(variant, "mix/orm", "select count(*) from rows where prompt[-1].content like '%Standard answer%'")
    assert shown == [(0,)]
    assert rows(variant, "verdicts/0", "select distinct prompt_id from rows") == [("judge-brief@2",)]


def short(run: Clone) -> dict[str, object]:
    """The ORM's training in one epoch: what is looked at here does not depend on how well it judges."""
    train: dict[str, object] = yaml.safe_load((run.folder / "params.yaml").read_text(encoding="utf-8"))["orm"]["train"]
    return train | {"epochs": 1}
