"""What an engine declares, what it is opened with, and how it is opened by its name.

    ENGINE = EngineKind("echo", EchoSettings, open_echo)

A module with such an `ENGINE` is an engine; its folder says who may name it:

folder          named by                                            opened with its settings and
any_role        `engine` of teacher, student, judge, helpers        Surroundings
teacher_only    `teacher.engine`                                    Surroundings
runtimes        `inference.engine`, for a local model               LocalModel, Images

Modules are loaded when their engine is opened. Whoever opens one names the folder, so that nobody depends on engines
that only others may name.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

from pydantic import TypeAdapter, ValidationError

from mathse.loop.ask.protocol import Engine
from mathse.params import PARAMS, Compute, EngineChoice, Inference, Params, ParamsError, Section, describe
from mathse.registry import declared
from mathse.tables.images import Images, StoredImages

S = TypeVar("S")
P = ParamSpec("P")


class NoSettings(Section):
    """Of an engine that needs none of its own."""


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


@dataclass(frozen=True)
class Surroundings:
    """What an engine may use beside its own settings.

    Attributes:
        params: The whole of params.
        images: Opens the requests' images.
        source_ids: Reads each problem's id within its source, by problem id.
    """

    params: Params
    images: Callable[[], StoredImages]
    source_ids: Callable[[], Mapping[str, str]]


@dataclass(frozen=True)
class LocalModel:
    """A model folder with everything that decides its completions: it can be opened here or on another machine.

    Attributes:
        folder: Weights and processor, as `save_pretrained` writes them.
        compute: Device, threads and precision.
        inference: Which engine, and its settings.
        batch_size: The most requests that a batch engine computes at once.
        trust_remote_code: Whether code that lies in the folder may run.
    """

    folder: Path
    compute: Compute
    inference: Inference
    batch_size: int
    trust_remote_code: bool = False

    def open(self, images: Images) -> Engine:
        """Load the model in this process.

        Raises:
            UserError: The folder holds no model, or the engine is not installed or cannot load it.
        """
        return open_engine("mathse.loop.ask.engines.runtimes", self.inference, "inference", self, images)


def open_engine(folder: str, choice: EngineChoice, key: str, *arguments: Any) -> Engine:
    """Open the engine that a section of params names.

    Args:
        folder: The package of engines that it is one of.
        key: The section's place in params.
        arguments: What this folder's engines are opened with, beside their settings.

    Raises:
        ParamsError: The engine's own settings are not what it takes; names the key.
        UserError: The engine cannot be opened.
    """
    name = choice.engine
    kind = declared(folder, "engine", name, EngineKind)
    own_key = name in type(choice).model_fields
    try:
        settings = TypeAdapter(kind.settings).validate_python(getattr(choice, name) if own_key else choice.options)
    except ValidationError as error:
        fields = ", ".join(getattr(kind.settings, "model_fields", ())) or "none"
        place = f"{key}.{name if own_key else 'options'}"
        raise ParamsError(f"{describe(error, PARAMS, place)}\n{place}: engine {name} takes: {fields}") from error
    return kind.open(settings, *arguments)
