"""Fixtures that several folders of tests share."""

import os
from pathlib import Path

import dvc  # noqa: F401 (its log keeps the stderr it finds at import: this one, not one that a test captures and closes)
import pytest
from hypothesis import settings

# Threads of torch that wait must not take the cores from whoever else runs; read when torch is loaded.
os.environ.setdefault("GOMP_SPINCOUNT", "3000")

# The machine may be busy, and a first example pays for imports; the same examples on every run.
settings.register_profile("project", deadline=None, derandomize=True)
settings.load_profile("project")


@pytest.hookimpl(tryfirst=True)  # before xdist, which puts the groups into effect
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With two workers (`-n 2 --dist loadgroup`): what runs the pipeline begins, what is slow comes next.

    The pipeline's tests share one run of the loop, and the tests of a file what its fixtures make: none is made twice.
    """
    for item in items:
        group = "loop" if "loop" in getattr(item, "fixturenames", ()) else item.nodeid.partition("::")[0]
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: (item.path.parent.name != "pipeline", item.get_closest_marker("slow") is None))


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random tiny Qwen2-VL whose greedy texts differ from prompt to prompt."""
    import torch

    from mathse.engines import loading  # noqa: F401 (makes torchvision importable)
    from mathse.synthetic import tiny

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
