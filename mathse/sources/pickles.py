"""Pickles read without running what they say: plain containers, texts, numbers and arrays of numbers, nothing else.

GeoQA+ and UniGeo come as pickles, and a pickle is a program. Two gates: the file's operations are walked through
without executing them, which bounds memory and names every import that is not on a short list; then they are executed
with stand-ins of our own for the four functions that an array's pickle calls, so that no code of another package runs.

Sample of what is refused: `train.pk: the pickle wants to call posix.system; ...`
"""

import io
import pickle
import pickletools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from mathse.errors import UserError, described

LARGEST_FILE = 2 * 2**30
"""Bytes. A pickle is one value and cannot be streamed: reading it takes a few times its size in memory."""
_DTYPE = re.compile(r"[<>|=]?[biuf][1248]|[?]")
_INDEXED = frozenset({"PUT", "BINPUT", "LONG_BINPUT"})
_MULTIARRAY = ("numpy.core.multiarray", "numpy._core.multiarray")
_NUMERIC = ("numpy.core.numeric", "numpy._core.numeric")


class PickleError(UserError):
    """A pickle that is damaged or asks for more than data; the message names the file and what it asks for."""


class PickledArray:
    """An array of numbers as a pickle describes it.

    Attributes:
        numbers: The array; empty until the pickle has said what is in it.
    """

    def __init__(self) -> None:
        self.numbers: np.ndarray[Any, Any] = np.zeros(0)

    def __setstate__(self, state: Any) -> None:
        """Take shape, type and bytes from the pickle.

        Raises:
            ValueError: They do not fit each other.
        """
        _, shape, dtype, fortran, data = state
        self.numbers = _array(_bytes(data), dtype, shape, "F" if fortran else "C")


def load(file: Path) -> Any:
    """Read a pickle.

    Args:
        file: At most `LARGEST_FILE` bytes.

    Returns:
        Its value: None, truth values, numbers, texts, bytes, lists, tuples, sets, dicts and `PickledArray`s.

    Raises:
        PickleError: It is none, is damaged, or asks for anything else, which is then named and was not run.
        OSError: The file cannot be read.
    """
    if file.stat().st_size > LARGEST_FILE:
        raise PickleError(f"{file}: over {LARGEST_FILE} bytes; a pickle is read whole: split it, or convert it to JSON")
    return loads(file.read_bytes(), str(file))


def loads(data: bytes, name: str) -> Any:
    """As `load`, of bytes in memory; `name` is what errors call them."""
    try:
        _inspect(data)
        return _Unpickler(io.BytesIO(data), encoding="latin1").load()
    except pickle.UnpicklingError as error:
        raise PickleError(f"{name}: {error}") from None
    except Exception as error:  # a damaged pickle makes the machine that reads it raise almost anything
        raise PickleError(f"{name}: damaged pickle: {described(error, 100)}") from None


def _inspect(data: bytes) -> None:
    """Walk through the operations: no memo index may exceed what was stored, or a few bytes would take gigabytes."""
    for stored, (operation, argument, place) in enumerate(pickletools.genops(data)):
        if operation.name in _INDEXED and isinstance(argument, int) and argument > stored:
            raise pickle.UnpicklingError(f"memo index {argument} at byte {place}; the pickle is damaged or hostile")
        if operation.name in ("GLOBAL", "INST"):
            _permitted(*str(argument).split(" ", 1))
        if operation.name in ("PERSID", "BINPERSID", "EXT1", "EXT2", "EXT4"):
            raise pickle.UnpicklingError(f"{operation.name} at byte {place}: only plain data is read")


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        return _permitted(module, name)


class _Function:
    """What a pickle gets for a function of numpy: may be called, and nothing else."""

    __slots__ = ("_call",)
    _call: Callable[..., Any]

    def __init__(self, call: Callable[..., Any]) -> None:
        object.__setattr__(self, "_call", call)

    def __call__(self, *arguments: Any) -> Any:
        return self._call(*arguments)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise ValueError("a pickle sets an attribute of a function")

    def __setstate__(self, state: object) -> NoReturn:
        raise ValueError("a pickle sets the state of a function")


class _Type:
    """A number's type: its code in numpy and, from the pickle's state, its byte order."""

    def __init__(self, code: str) -> None:
        self.dtype = np.dtype(code)

    def __setstate__(self, state: Any) -> None:
        order = state[1]
        if order not in ("<", ">", "|", "="):
            raise ValueError(f"byte order {_shown(order)}")
        self.dtype = self.dtype.newbyteorder(order)


def _permitted(module: str, name: str) -> _Function:
    if name == "_reconstruct" and module in _MULTIARRAY:
        return _Function(lambda *_: PickledArray())
    if name == "scalar" and module in _MULTIARRAY:
        return _Function(lambda dtype, data: _array(_bytes(data), dtype, (), "C").item())
    if name == "_frombuffer" and module in _NUMERIC:
        return _Function(_from_buffer)
    if (module, name) == ("numpy", "dtype"):
        return _Function(lambda code, *_: _type(code))
    if (module, name) == ("numpy", "ndarray"):
        return _Function(_refuse)
    if (module, name) == ("_codecs", "encode"):
        return _Function(_encode)
    if name == "bytes" and module in ("builtins", "__builtin__"):
        return _Function(_no_bytes)
    raise pickle.UnpicklingError(
        f"the pickle wants to call {module}.{name}; only arrays of numbers and plain containers are read, and nothing "
        "of it was run. Do not load this file by other means unless you trust its author"
    )


def _shown(value: object) -> str:
    """A value of the pickle's own, in an error; of an object only its kind, as its address differs from run to run."""
    return f"{value!r:.40}" if isinstance(value, str | bytes | int | float | None) else type(value).__name__


def _refuse(*_: object) -> NoReturn:
    raise ValueError("an array that is not described by its bytes")


def _type(code: object) -> _Type:
    if not isinstance(code, str) or not _DTYPE.fullmatch(code):
        raise ValueError(f"an array of {_shown(code)}, not of numbers")
    return _Type(code)


def _bytes(data: object) -> bytes:
    if isinstance(data, str):
        data = data.encode("latin1")  # Python 2's bytes
    if not isinstance(data, bytes | bytearray):
        raise ValueError("an array without its bytes")
    return bytes(data)


def _no_bytes() -> bytes:
    """How old protocols write empty bytes; with an argument it would be a way to take memory."""
    return b""


def _encode(text: str, codec: str = "latin1") -> bytes:
    """Python 2's way to put bytes into a pickle."""
    if codec not in ("latin1", "latin-1", "iso-8859-1"):
        raise ValueError(f"codec {_shown(codec)}")
    return text.encode("latin1")


def _from_buffer(data: object, dtype: object, shape: object, order: str) -> PickledArray:
    array = PickledArray()
    array.numbers = _array(_bytes(data), dtype, shape, order)
    return array


def _array(data: bytes | bytearray, dtype: object, shape: object, order: str) -> np.ndarray[Any, Any]:
    if not isinstance(dtype, _Type) or not isinstance(shape, tuple) or order not in ("C", "F"):
        raise ValueError("an array without type, shape or order")
    return np.frombuffer(data, dtype.dtype).reshape(shape, order="F" if order == "F" else "C")
