"""Fixtures that several folders of tests share."""

import sys
from pathlib import Path
from typing import Any

import dvc  # noqa: F401 (its log keeps the stderr it finds at import: this one, not one that a test captures and closes)
import pytest
from _pytest.assertion.rewrite import AssertionRewritingHook
from hypothesis import settings

import stages  # noqa: F401 (what it sets for every stage: a process of a test and the test itself train to the same bytes)

# The machine may be busy, and a first example pays for imports; the same examples on every run.
settings.register_profile("project", deadline=None, derandomize=True)
settings.load_profile("project")

LONGEST = (
    "tests/pipeline",
    "tests/pipeline/test_real.py",
    "tests/training/test_launch.py",
    "tests/loop/ask/engines/test_killed.py",
    "tests/loop/ask/engines/test_vllm.py",
    "tests/training/test_checkpoints.py",
    "tests/loop/ask/engines/test_api_vllm.py",
    "tests/loop/ask/engines/test_ray.py",
    "tests/tools/test_pretrain.py",
    "tests/share/test_sharing.py",
    "tests/sources/adapters/test_damage.py",
    "tests/answers/test_symbolic.py",
)
"""Who takes workers longest, in that order: nobody is left alone with it at the end."""

ALONE = ("test_dependencies.py", "test_real.py")
"""Files of tests/pipeline that have no part in the run that the others share."""


def unit(nodeid: str) -> str:
    """What one worker does as a whole: a file, or all of the pipeline's that share a run of the loop."""
    file = nodeid.partition("::")[0]
    folder, _, name = file.rpartition("/")
    return folder if folder == "tests/pipeline" and name not in ALONE else file


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest units first, then what else is slow."""
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: (places.get(unit(item.nodeid), len(places)), item.get_closest_marker("slow") is None))


def pytest_unconfigure() -> None:
    """Let go of the tests: what pytest has loaded, its plugins too, knows it as its loader, and so all of them.

    Whatever keeps a function of a plugin (torch does, and Hypothesis with the collector) would keep the tests until the
    interpreter has gone, and DuckDB prints all of its own that is still alive by then.
    """
    for hook in [finder for finder in sys.meta_path if isinstance(finder, AssertionRewritingHook)]:
        sys.meta_path.remove(hook)  # which it could not serve without what it loses here
        del hook.config


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Workers (`-n 2`) take whole units in the order of the tests, and not those of most tests first."""
    from xdist.scheduler import LoadFileScheduling

    class Units(LoadFileScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return unit(nodeid)

    config.option.loadscopereorder = False
    return Units(config, log)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random tiny Qwen2-VL whose greedy texts differ from prompt to prompt."""
    import torch

    from mathse.loop.ask.engines.local import loading  # noqa: F401 (makes torchvision importable)
    from tools.tiny_base import tiny

    tokenizer = tiny.build_tokenizer(["Find angle C from the bar chart . Therefore the total equals"])
    model = tiny.build_model(tokenizer, seed=3)
    with torch.no_grad():
        for weight in model.model.language_model.layers.parameters():
            if weight.ndim > 1:
                weight.mul_(2.5)
        model.get_input_embeddings().weight.mul_(0.15)  # else each token's own embedding says the token again
    folder = tmp_path_factory.mktemp("tiny")
    tiny.save(model, tiny.build_processor(tokenizer), folder)
    return folder
