"""Pickles read without running what they say: plain containers, texts, numbers and arrays of numbers, nothing else.

GeoQA+ and UniGeo come as pickles, and a pickle is a program. As Python's documentation has it ("Restricting Globals"),
the unpickler finds only a few names; what it finds for them are stand-ins of our own, so that no code of another
package runs.

Sample of what is refused: `train.pk: the pickle wants to call posix.system; ...`
"""

import io
import pickle
import pickletools
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mathse.errors import UserError, described

LARGEST_FILE = 2 * 2**30
"""Bytes. A pickle is one value and cannot be streamed: reading it takes a few times its size in memory."""
_DTYPE = re.compile(r"[<>|=]?[biuf][1248]|[?]")


class PickleError(UserError):
    """A pickle that is damaged or asks for more than data; the message names the file and what it asks for."""


class PickledArray:
    """An array of numbers as a pickle describes it.

    Attributes:
        numbers: The array; empty until the pickle has said what is in it.
    """

    def __init__(self, numbers: np.ndarray[Any, Any] | None = None) -> None:
        self.numbers: np.ndarray[Any, Any] = np.zeros(0) if numbers is None else numbers

    def __setstate__(self, state: Any) -> None:
        """Take shape, type and bytes from the pickle.

        Raises:
            ValueError: They do not fit each other.
        """
        _, shape, dtype, fortran, data = state
        self.numbers = _array(data, dtype, shape, "F" if fortran else "C")


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
        end = 0
        # The unpickler makes room for all memo indices up to the largest: a few bytes could ask for gigabytes.
        for stored, (operation, argument, place) in enumerate(pickletools.genops(data)):
            if operation.name in ("PUT", "BINPUT", "LONG_BINPUT") and isinstance(argument, int) and argument > stored:
                raise pickle.UnpicklingError(f"memo index {argument} at byte {place}; the pickle is damaged or hostile")
            end = (place or 0) + 1
        if data[end:].strip():
            raise pickle.UnpicklingError(f"{len(data) - end} bytes behind its first value; write one value into a file")
        return _Unpickler(io.BytesIO(data), encoding="latin1").load()
    except pickle.UnpicklingError as error:
        raise PickleError(f"{name}: {error}") from None
    except Exception as error:  # a damaged pickle makes the machine that reads it raise almost anything
        raise PickleError(f"{name}: damaged pickle: {described(error, 100)}") from None


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        # numpy and Python have renamed these modules; a pickle has the names of its time.
        known = module.replace("numpy._core", "numpy.core").replace("__builtin__", "builtins")
        if f"{known}.{name}" not in _STAND_INS:
            raise pickle.UnpicklingError(
                f"the pickle wants to call {module}.{name}; only arrays of numbers and plain containers are read, and "
                "nothing of it was run. Do not load this file by other means unless you trust its author"
            )
        return _Function(_STAND_INS[f"{known}.{name}"])

    def persistent_load(self, pid: object) -> Any:
        raise pickle.UnpicklingError("a persistent id: only plain data is read")


class _Function(NamedTuple):
    """What a pickle gets for a function: it may be called, and has no attribute that the pickle could set."""

    call: Callable[..., Any]

    def __call__(self, *arguments: Any) -> Any:
        return self.call(*arguments)


class _Type:
    """A number's type: its code in numpy and, from the pickle's state, its byte order."""

    def __init__(self, code: object, *_: object) -> None:
        if not isinstance(code, str) or not _DTYPE.fullmatch(code):
            raise ValueError(f"an array of {_shown(code)}, not of numbers")
        self.dtype = np.dtype(code)

    def __setstate__(self, state: Any) -> None:
        order = state[1]
        if order not in ("<", ">", "|", "="):
            raise ValueError(f"byte order {_shown(order)}")
        self.dtype = self.dtype.newbyteorder(order)


def _array(data: object, dtype: object, shape: object, order: str) -> np.ndarray[Any, Any]:
    if isinstance(data, str):
        data = data.encode("latin1")  # Python 2's bytes
    if not isinstance(data, bytes | bytearray):
        raise ValueError("an array without its bytes")
    if not isinstance(dtype, _Type) or not isinstance(shape, tuple) or order not in ("C", "F"):
        raise ValueError("an array without type, shape or order")
    return np.frombuffer(bytes(data), dtype.dtype).reshape(shape, order="F" if order == "F" else "C")


def _encode(text: str, codec: str = "latin1") -> bytes:
    """Python 2's way to put bytes into a pickle."""
    if codec not in ("latin1", "latin-1", "iso-8859-1"):
        raise ValueError(f"codec {_shown(codec)}")
    return text.encode("latin1")


def _no_array(*_: object) -> None:
    """`ndarray` itself is named by every array's pickle, but called by none that has its bytes."""
    raise ValueError("an array that is not described by its bytes")


def _shown(value: object) -> str:
    """A value of the pickle's own, in an error; of an object only its kind, as its address differs from run to run."""
    return f"{value!r:.40}" if isinstance(value, str | bytes | int | float | None) else type(value).__name__


_STAND_INS: Mapping[str, Callable[..., Any]] = {
    "numpy.core.multiarray._reconstruct": lambda *_: PickledArray(),
    "numpy.core.multiarray.scalar": lambda dtype, data: _array(data, dtype, (), "C").item(),
    "numpy.core.numeric._frombuffer": lambda data, dtype, shape, order: PickledArray(_array(data, dtype, shape, order)),
    "numpy.dtype": _Type,
    "numpy.ndarray": _no_array,
    "_codecs.encode": _encode,
    # How old protocols write empty bytes; with an argument it would be a way to take memory.
    "builtins.bytes": lambda: b"",
}
