"""Which modules of a source tree import which, read from the code: nothing is run.

Imports inside functions and under TYPE_CHECKING count like any other. `from package import name` imports the package
and, where there is one, its module of that name. A module brings the `__init__` of the packages that it lies in along,
except those that the importing module lies in itself: they are loaded already.

Sample: `stages/judge.py`, `from mathse import layout`  ->  `mathse`, `mathse.layout`
"""

import ast
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from functools import cache, cached_property
from pathlib import Path
from types import MappingProxyType

Graph = Mapping[str, frozenset[str]]


class Tree:
    """The modules of some top-level packages, by dotted name.

    Args:
        root: The folder that the packages lie in.
        packages: Their names; those that are not there are passed over.
    """

    def __init__(self, root: Path, packages: tuple[str, ...] = ("mathse", "stages", "tools")) -> None:
        files = [file for package in packages for file in sorted((root / package).rglob("*.py"))]
        self.root = root
        self.files = {self._name(file): file for file in files}

    @cached_property
    def graph(self) -> Graph:
        """What each module imports, of the tree's own."""
        return {name: frozenset(self._imports(name)) for name in self.files}

    def closure(self, module: str, by_name: Mapping[str, str] = MappingProxyType({})) -> set[str]:
        """All that a module imports, by whatever way, and the module itself.

        Args:
            module: By its dotted name.
            by_name: A module, or a package of them, that a module loads by a name which no import has.
        """
        return set(self.chains(module, by_name))

    def chains(
        self,
        module: str,
        by_name: Mapping[str, str] = MappingProxyType({}),
        passed_over: Callable[[str], bool] = lambda _: False,
    ) -> dict[str, tuple[str, ...]]:
        """For each module of a closure a shortest chain of imports that leads to it, both ends included.

        Args:
            module: By its dotted name.
            by_name: As for `closure`.
            passed_over: Says by a module's name that it is left out, and with it what comes in by it alone.
        """
        chains: dict[str, tuple[str, ...]] = {}
        chains |= {name: (name,) for name in (module, *self._packages(module)) if not passed_over(name)}
        waiting = deque(chains)
        while waiting:
            name = waiting.popleft()
            loaded = by_name.get(name, name)
            others = (one for one in self.files if loaded != name and f"{one}.".startswith(f"{loaded}."))
            for target in sorted({*self.graph[name], *others} - chains.keys()):
                if passed_over(target):
                    continue
                chains[target] = (*chains[name], target)
                waiting.append(target)
        return chains

    def place(self, module: str) -> str:
        """Where a module's file lies below the root."""
        return self.files[module].relative_to(self.root).as_posix()

    def _name(self, file: Path) -> str:
        return ".".join(file.relative_to(self.root).with_suffix("").parts).removesuffix(".__init__")

    def _exists(self, target: str) -> bool:
        """Whether a module of these packages, or a folder of modules, is there; foreign ones are."""
        ours = target.partition(".")[0] in {name.partition(".")[0] for name in self.files}
        return not ours or any(f"{name}.".startswith(f"{target}.") for name in self.files)

    def _packages(self, module: str) -> Iterator[str]:
        """The packages that a module lies in, those that have an `__init__`."""
        parts = module.split(".")
        yield from (name for at in range(1, len(parts)) if (name := ".".join(parts[:at])) in self.files)

    def _imports(self, module: str) -> Iterator[str]:
        loaded = {module, *self._packages(module)}
        for target in imported(self.files[module], self.files):
            if target in self.files and target != module:
                yield target
            elif not self._exists(target):
                # Passed over, it would make a closure look smaller than it is.
                raise ValueError(f"{self.files[module]}: imports {target}, which is not there")
            yield from (package for package in self._packages(target) if package not in loaded)


@cache
def parsed(file: Path) -> ast.Module:
    """A file's code, parsed once for all who ask; files that are written anew meanwhile are not for this."""
    return ast.parse(file.read_text(encoding="utf-8"))


def imported(file: Path, known: Mapping[str, Path]) -> Iterator[str]:
    """Every module that a file imports, wherever in it; foreign ones too, by the name that the import gives."""
    for node in ast.walk(parsed(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level or node.module is None:
                raise ValueError(f"{file}:{node.lineno}: relative import")
            # The package's `__init__` is asked for the name first, whoever asks.
            yield node.module
            yield from {f"{node.module}.{alias.name}" for alias in node.names} & known.keys()


def circles(graph: Graph) -> list[list[str]]:
    """Groups of modules that import each other, by whatever way (Tarjan, 1972)."""
    numbers: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(module: str) -> None:
        numbers[module] = lowest[module] = len(numbers)
        stack.append(module)
        for target in sorted(graph[module]):
            if target not in numbers:
                visit(target)
                lowest[module] = min(lowest[module], lowest[target])
            elif target in stack:
                lowest[module] = min(lowest[module], numbers[target])
        if lowest[module] == numbers[module]:
            place = stack.index(module)
            group = stack[place:]
            del stack[place:]
            if len(group) > 1:
                found.append(sorted(group))

    for module in graph:
        if module not in numbers:
            visit(module)
    return sorted(found)


def says_nothing(file: Path) -> bool:
    """Whether a module is empty but for its docstring."""
    return all(isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in parsed(file).body)
