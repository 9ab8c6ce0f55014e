"""One opening of an engine by role: what params name, with the problems' ids and images at hand."""

import json
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import ValidationError

from mathse import layout, params
from mathse.loop.ask.engines.any_role.replay import ReplayEngine
from mathse.loop.ask.engines.opening import Role, open_for, source_ids
from mathse.loop.ask.engines.teacher import erring, open_teacher
from mathse.loop.ask.engines.teacher_only.solver import SolverTeacher
from mathse.loop.ask.prompts import turn
from mathse.loop.ask.protocol import Completion, Engine, Request, Sampling
from mathse.tables import store
from mathse.tables.images import ImageStore
from mathse.tables.schemas import BenchmarkItem, Problem
from tests import rows

AnyRole = Role | Literal["teacher"]
ROLES: list[AnyRole] = ["teacher", "student", "judge", "extractor", "matcher"]


@pytest.fixture(autouse=True)
def tables(tmp_path: Path, images: ImageStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "PROBLEMS", tmp_path / "problems.parquet")
    monkeypatch.setattr(layout, "BENCHMARK_ITEMS", tmp_path / "items.parquet")
    monkeypatch.setattr(layout, "IMAGES", images.file)
    monkeypatch.setattr(layout, "BENCHMARK_IMAGES", images.file)
    problems = [rows.problem("9f", source_id="17"), rows.problem("a0", source_id="shared")]
    store.write(layout.PROBLEMS, Problem, problems)
    items = [item("mathvista", "4"), item("mathvision", "4"), item("mathvision", "5"), item("mathvision", "shared")]
    store.write(layout.BENCHMARK_ITEMS, BenchmarkItem, items)


def item(benchmark: str, name: str) -> BenchmarkItem:
    return BenchmarkItem(
        benchmark=benchmark, item_id=name, question="?", answer="4", subject="x", level=1, licence="MIT", official="{}"
    )


def opened(role: AnyRole, whole: params.Params) -> Engine:
    return open_teacher(whole) if role == "teacher" else open_for(role, whole)


def settings(role: AnyRole, **described: Any) -> params.Params:
    """The project's params with this role described otherwise."""
    whole = params.load().model_dump(mode="json")
    whole["judge"]["min_confidence"] = 0  # recorded responses never say how sure they are
    if role in ("extractor", "matcher"):
        whole["evaluate"][role] = described
    else:
        whole[role] |= described
    return params.Params.model_validate(whole)


@pytest.mark.parametrize("role", ROLES)
def test_recorded_responses_serve_any_role(role: AnyRole, tmp_path: Path) -> None:
    file = tmp_path / "responses.jsonl"
    file.write_text(json.dumps({"id": "17", "response": "60"}), encoding="utf-8")
    engine = opened(role, settings(role, engine="replay", replay=str(file)))
    assert isinstance(engine, ReplayEngine)
    asked = Request("9f", 0, "solve@1", turn("?"), (), Sampling(), 0)
    assert engine.complete([asked]) == [Completion("60", "stop", 0, 0)]


@pytest.mark.parametrize("role", ROLES)
def test_a_server_serves_any_role(role: AnyRole) -> None:
    api = {"model": "m", "base_url": "http://127.0.0.1:1/v1"}
    engine = opened(role, settings(role, engine="api", api=api))
    assert (engine.name, engine.queued) == ("m", True)


def test_the_solver_is_a_teacher_whose_rate_of_mistakes_may_be_another() -> None:
    whole = settings("teacher", engine="solver", mistake_rate=0.1)
    usual = open_teacher(whole)
    worse = erring(usual, whole, mistake_rate=0.5)
    assert isinstance(usual, SolverTeacher)
    assert usual.fingerprint == SolverTeacher({}, 0.1).fingerprint
    assert worse.fingerprint == SolverTeacher({}, 0.5).fingerprint


def test_a_teacher_without_a_rate_of_mistakes_is_one_engine_and_has_one_spending_cap() -> None:
    whole = settings("teacher", engine="api", api={"model": "m", "base_url": "http://127.0.0.1:1/v1"})
    teacher = open_teacher(whole)
    assert erring(teacher, whole, mistake_rate=0.5) is teacher


def test_what_only_a_teacher_may_be_is_no_student_and_the_error_lists_the_others() -> None:
    with pytest.raises(ValidationError, match=r"Input should be 'model', .*'api'.*'replay'"):
        settings("student", engine="solver")
    with pytest.raises(ValidationError, match=r"Input should be 'solver'.*'api'.*'replay'"):
        settings("teacher", engine="model")
    with pytest.raises(ValidationError, match=r"Input should be .*'transformers'.*'vllm'"):
        params.Inference(engine="api")


def test_options_that_an_engine_does_not_take_are_named_with_those_it_takes() -> None:
    whole = settings("teacher", engine="solver", options={"speed": 2})
    with pytest.raises(params.ParamsError) as error:
        open_teacher(whole)
    assert str(error.value).splitlines() == [
        "params.yaml: teacher.options.speed: Extra inputs are not permitted (found 2)",
        "teacher.options: engine solver takes: none",
    ]


def test_an_engine_with_a_key_of_its_own_has_no_options() -> None:
    with pytest.raises(ValidationError, match="options: replay has none; its settings go under replay"):
        settings("judge", engine="replay", replay="x.jsonl", options={"speed": 2})


def test_a_helper_that_is_not_configured_cannot_be_opened() -> None:
    whole = params.load()
    assert whole.evaluate.matcher is None
    with pytest.raises(ValueError, match=r"evaluate\.matcher is not configured"):
        open_for("matcher", whole)


def test_an_id_that_is_not_an_items_alone_is_left_out() -> None:
    assert dict(source_ids()) == {"9f": "17", "a0": "shared"}
    assert dict(source_ids(benchmarks=True)) == {"9f": "17", "a0": "shared", "mathvision/5": "5"}
