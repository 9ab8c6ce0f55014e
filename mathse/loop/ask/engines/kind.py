"""What an engine declares, and what it is opened with.

    ENGINE = EngineKind("echo", Echo, open_echo)

A module with such an `ENGINE` is an engine; its folder says who may name it:

folder          named by                                            opened with its settings and
any_role        `engine` of teacher, student, judge, helpers        Surroundings
teacher_only    `teacher.engine`                                    Surroundings
runtimes        `inference.engine`, for a local model               LocalModel, Images
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Concatenate, Generic, ParamSpec, TypeVar

from mathse.loop.ask.protocol import Engine
from mathse.params import Params, Section
from mathse.tables.image_stores import StoredImages

S = TypeVar("S")
P = ParamSpec("P")


class NoSettings(Section):
    """Of an engine that needs none of its own."""


@dataclass(frozen=True)
class Surroundings:
    """What an engine may use beside its own settings.

    Attributes:
        params: The whole of params.
        images: Opens the images of the requests that it will be asked.
        source_ids: Reads each problem's id within its source, by problem id.
    """

    params: Params
    images: Callable[[], StoredImages]
    source_ids: Callable[[], Mapping[str, str]]


@dataclass(frozen=True)
class EngineKind(Generic[S, P]):
    """An engine as its module declares it.

    Attributes:
        name: As params name it: that of the module.
        settings: What its settings are checked by: a `Section`. They are the key of its name beside `engine`, where
            params have one (`api`, `replay`, `vllm`), else `options`.
        open: Makes the engine from its settings and what the folder's engines are opened with.
    """

    name: str
    settings: type[S]
    open: Callable[Concatenate[S, P], Engine]
