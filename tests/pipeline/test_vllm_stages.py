"""The smoke pipeline's rollout and judge stages on vLLM, for real, on the CPU."""

from collections.abc import Iterator

import pytest
import yaml

from mathse.tables import store
from mathse.tables.schemas import Path as ReasoningPath
from mathse.tables.schemas import Verdict
from tests.installed import needs
from tests.pipeline.clones import Clone

needs("vllm")
pytestmark = pytest.mark.slow


@pytest.fixture
def restored(edited: Clone) -> Iterator[Clone]:
    """The loop, its datasets whole before and after: DVC deletes a stage's outputs before it runs it, and fails it."""
    edited.dvc("checkout", "--force")
    yield Clone(edited.folder)  # without forks: what vLLM starts needs what a stage by itself has prepared
    edited.dvc("checkout", "--force")


def test_a_round_is_sampled_and_judged_by_vllm(restored: Clone) -> None:
    data = restored.folder / "data"
    paths_before = store.read(data / "paths/1.parquet", ReasoningPath)
    verdicts_before = store.read(data / "verdicts/1.parquet", Verdict)
    preset = yaml.safe_load((restored.folder / "presets/smoke-vllm.yaml").read_text(encoding="utf-8"))
    restored.edit_params(inference=preset["inference"], rollout={"temperature": 0.0})
    printed = restored.run("python", "-m", "stages.paths", "1")
    printed += restored.run("python", "-m", "stages.judge", "1")
    paths = store.read(data / "paths/1.parquet", ReasoningPath)
    verdicts = store.read(data / "verdicts/1.parquet", Verdict)
    assert sorted(path.problem_id for path in paths) == sorted(path.problem_id for path in paths_before)
    assert not [path for path in paths if path.error]
    assert {path.author for path in paths} == {path.author for path in paths_before}
    assert {verdict.path_id for verdict in verdicts} == {path.path_id for path in paths}
    assert {verdict.author for verdict in verdicts} == {verdict.author for verdict in verdicts_before}
    cut = sum(path.finish_reason == "length" for path in paths)
    assert f"{len(paths)} paths out; {f'{cut} truncated' if cut else 'nothing left out'}" in printed
