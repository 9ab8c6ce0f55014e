"""Folders that are registries."""

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from mathse.errors import UserError
from mathse.registry import declared, names
from mathse.sources.adapter import Adapter

ADAPTERS = "mathse.sources.adapters"


def test_the_names_are_the_modules_and_none_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, f"{ADAPTERS}.k12", raising=False)
    assert "k12" in names(ADAPTERS) and names(ADAPTERS) == tuple(sorted(names(ADAPTERS)))
    assert f"{ADAPTERS}.k12" not in sys.modules


def test_a_module_declares_the_thing_of_its_name() -> None:
    assert declared(ADAPTERS, "adapter", "k12", Adapter).name == "k12"
    with pytest.raises(UserError, match="no adapter is called 'k13'; there are chartqa, "):
        declared(ADAPTERS, "adapter", "k13", Adapter)


@pytest.mark.parametrize("thing", [None, SimpleNamespace(name="k12"), Adapter("k13", lambda row: row)])  # type: ignore[arg-type, return-value]
def test_another_declaration_is_refused(thing: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType(f"{ADAPTERS}.k12")
    if thing is not None:
        module.ADAPTER = thing  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, f"{ADAPTERS}.k12", module)
    with pytest.raises(UserError, match=r"adapters\.k12: its ADAPTER must be of class Adapter and named 'k12'"):
        declared(ADAPTERS, "adapter", "k12", Adapter)
