from pathlib import Path

import pytest

from tests.imports import Tree, circles


def tree(folder: Path, **modules: str) -> Tree:
    """A source tree; `mathse__ask__journal` is `mathse/ask/journal.py`, and a name that ends with `__` is a package."""
    for name, text in modules.items():
        path = name.replace("__", "/")
        file = folder / (f"{path}__init__.py" if path.endswith("/") else f"{path}.py")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return Tree(folder, ("mathse", "stages"))


def test_a_closure_has_lazy_imports_and_those_for_types(tmp_path: Path) -> None:
    found = tree(
        tmp_path,
        stages__judge="from mathse.loop import judge\n",
        stages__="import os\n",
        mathse__loop__judge="def f():\n import mathse.ask.journal\nif T:\n from mathse.tables.store import Row",
        mathse__ask__journal="import json\n",
        mathse__tables__store="",
        mathse__tables__spill="",
    )  # fmt: skip
    assert found.closure("stages.judge") == {
        "stages", "stages.judge", "mathse.loop.judge", "mathse.ask.journal", "mathse.tables.store",
    }  # fmt: skip
    assert found.place("mathse.ask.journal") == "mathse/ask/journal.py"
    assert found.place("stages") == "stages/__init__.py"


def test_the_packages_on_the_way_come_along(tmp_path: Path) -> None:
    found = tree(
        tmp_path,
        stages__mix="from mathse.loop.mix.build import build",
        mathse__="",
        mathse__loop__="import mathse.errors",
        mathse__loop__mix__build="",
        mathse__errors="",
    )
    assert found.closure("stages.mix") - {"stages.mix"} == {
        "mathse", "mathse.loop", "mathse.loop.mix.build", "mathse.errors",
    }  # fmt: skip


def test_a_name_of_a_package_is_its_module_where_there_is_one(tmp_path: Path) -> None:
    found = tree(tmp_path, mathse__a="from mathse.pkg import b, Name", mathse__pkg__="", mathse__pkg__b="")
    assert found.graph["mathse.a"] == {"mathse.pkg", "mathse.pkg.b"}


def test_a_folder_that_is_loaded_by_name_is_in_the_closure(tmp_path: Path) -> None:
    found = tree(tmp_path, stages__a="import mathse.registry", mathse__registry="", mathse__adapters__k12="")
    assert "mathse.adapters.k12" not in found.closure("stages.a")
    assert "mathse.adapters.k12" in found.closure("stages.a", {"mathse.registry": "mathse.adapters"})


@pytest.mark.parametrize(
    ("modules", "groups"),
    [
        ({"mathse__a": "import mathse.b", "mathse__b": "import mathse.c", "mathse__c": ""}, []),
        ({"mathse__a": "import mathse.b", "mathse__b": "def f():\n import mathse.a"}, [["mathse.a", "mathse.b"]]),
        (
            {"mathse__a": "import mathse.b", "mathse__b": "if TYPE_CHECKING:\n from mathse.c import C",
             "mathse__c": "import mathse.a", "mathse__d": "import mathse.a"},
            [["mathse.a", "mathse.b", "mathse.c"]],
        ),
        (
            {"mathse__p__": "from mathse.p import a", "mathse__p__a": "from mathse.p import b", "mathse__p__b": ""},
            [["mathse.p", "mathse.p.a"]],
        ),
        ({"mathse__p__": "from mathse.p.a import A", "mathse__p__a": "import mathse.p.b", "mathse__p__b": ""}, []),
    ],
)  # fmt: skip
def test_circles_are_found_however_they_close(tmp_path: Path, modules: dict[str, str], groups: list[list[str]]) -> None:
    assert circles(tree(tmp_path, **modules).graph) == groups


def test_an_import_of_what_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"a\.py: imports mathse\.gone, which is not there"):
        _ = tree(tmp_path, mathse__a="def f():\n from mathse.gone import b").graph


def test_a_relative_import_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"a\.py:1: relative import"):
        _ = tree(tmp_path, mathse__a="from . import b").graph
