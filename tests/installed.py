"""Skips tests of what is not installed; what is installed but cannot be imported is an error, not a reason to skip."""

import importlib.util

import pytest


def needs(module: str) -> None:
    """Skip unless the module's package is there.

    Args:
        module: Such as `vllm`.
    """
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is not installed: `make test` installs it", allow_module_level=True)
