"""YAML as data within bounds: what no file of ours holds is refused before it costs memory, time or a value.

YAML lets a key stand twice, and takes the last; lets a few lines stand for gigabytes by aliases of aliases; and lets
numbers and nesting grow without end. Every error names the line.
"""

from itertools import chain
from pathlib import Path
from typing import Any, ClassVar

import yaml

LARGEST = 4 * 2**20
"""Bytes of a file."""
DEEPEST = 50
"""Lists and mappings one within another, those that aliases stand for among them."""
MOST_VALUES = 200_000
"""Keys and values of a file, each alias counted as what it stands for."""
LARGEST_NUMBER = 2**63 - 1

_MERGE = "tag:yaml.org,2002:merge"
_INT = "tag:yaml.org,2002:int"
_DAY = "tag:yaml.org,2002:timestamp"
_LONGEST_NUMBER = 40

# without libyaml: the same in Python, slower
_TEXTS: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_VALUES: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Values(_VALUES):  # type: ignore[misc]
    """Days stay texts: no file of ours holds one, and a library that vLLM loads changes what they are read as."""

    yaml_implicit_resolvers: ClassVar = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != _DAY]
        for first, resolvers in _VALUES.yaml_implicit_resolvers.items()
    }


class NotYaml(ValueError):
    """A file is not YAML, or not within the bounds; says where and why."""


def read(file: Path, as_texts: bool = False) -> Any:
    """What a YAML file holds.

    Args:
        as_texts: Take every value as the text that stands there, `yes` and `1.0` too.

    Raises:
        NotYaml: It cannot be read, is not YAML, or not within the bounds.
        FileNotFoundError: It is not there.
    """
    try:
        with file.open("rb") as content:
            data = content.read(LARGEST + 1)
        return parse(data.decode("utf-8"), as_texts)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise NotYaml(f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise NotYaml(f"not valid YAML: {error}") from error


def parse(text: str, as_texts: bool = False) -> Any:
    """What a YAML text says; arguments and errors are those of `read`."""
    if len(text) > LARGEST:
        raise NotYaml(f"too large: over {LARGEST} bytes")
    loader_class = _TEXTS if as_texts else _Values
    try:
        _check_events(text, loader_class)
        loader = loader_class(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            _Bounds(loader).check(node)
            return loader.construct_document(node)
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        raise NotYaml(f"not valid YAML: {error}") from error
    except (ValueError, OverflowError) as error:  # a number that is none, such as 0x_
        raise error if isinstance(error, NotYaml) else NotYaml(f"not valid YAML: {error}") from error


def at(content: Any, name: str) -> Any:
    """What stands at a path of keys, such as `train.epochs`; None where there is nothing."""
    for key in name.split("."):
        content = content.get(key) if isinstance(content, dict) else None
    return content


def _check_events(text: str, loader_class: Any) -> None:
    """Hold depth and tags to the bounds before any value is built, which is done recursively."""
    depth = 0
    for event in yaml.parse(text, Loader=loader_class):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEEPEST:
            raise _refusal(event, f"more than {DEEPEST} lists and mappings one within another")
        tag = event.tag if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent) else None
        if tag is not None:
            raise _refusal(event, f"a tag ({tag}): write the value without one")


class _Bounds:
    """Holds the nodes of a file to the bounds, each once however often an alias names it."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader
        self._sizes: dict[int, tuple[int, int] | None] = {}

    def check(self, node: yaml.Node) -> tuple[int, int]:
        """How many values a node stands for, and how deep it is; what aliases stand for counts.

        An alias is of a node that stands above it, so this recurs no deeper than the text is.
        """
        if id(node) in self._sizes:
            known = self._sizes[id(node)]
            if known is None:
                raise _refusal(node, "an alias of what it lies in")
            return known
        self._sizes[id(node)] = None
        below: list[yaml.Node] = []
        if isinstance(node, yaml.ScalarNode):
            self._check_number(node)
        elif isinstance(node, yaml.MappingNode):
            self._check_keys(node)
            below = list(chain.from_iterable(node.value))
        else:
            below = node.value
        sizes = [self.check(member) for member in below]
        size = 1 + sum(values for values, _ in sizes)
        depth = int(isinstance(node, yaml.CollectionNode)) + max((depth for _, depth in sizes), default=0)
        if size > MOST_VALUES:
            raise _refusal(node, f"more than {MOST_VALUES} values, those that aliases stand for among them")
        if depth > DEEPEST:
            raise _refusal(node, f"more than {DEEPEST} lists and mappings one within another, through aliases")
        self._sizes[id(node)] = size, depth
        return size, depth

    def _check_number(self, node: yaml.ScalarNode) -> None:
        if node.tag != _INT:
            return
        if len(node.value) > _LONGEST_NUMBER or abs(self._loader.construct_object(node)) > LARGEST_NUMBER:
            raise _refusal(node, f"{node.value[:_LONGEST_NUMBER]}: whole numbers go up to {LARGEST_NUMBER}")

    def _check_keys(self, node: yaml.MappingNode) -> None:
        lines: dict[Any, int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _refusal(key, "a list or mapping as a key")
            self._check_number(key)
            name = _MERGE if key.tag == _MERGE else self._loader.construct_object(key)
            if name in lines:
                raise _refusal(key, f"the key {key.value} stands twice, first on line {lines[name]}; remove one")
            lines[name] = _line(key)


def _refusal(place: yaml.Node | yaml.Event, why: str) -> NotYaml:
    return NotYaml(f"line {_line(place)}: {why}")


def _line(place: yaml.Node | yaml.Event) -> int:
    return place.start_mark.line + 1 if place.start_mark else 0
