"""The restricted unpickler: data comes through, everything else is named and not run."""

import os
import pickle
import subprocess
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathse.sources.pickles import PickledArray, PickleError, load, loads

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


class Call:
    """Pickles as a call of whatever it is given."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


@given(PLAIN, st.integers(0, 5))
def test_plain_data_comes_through(value: Any, protocol: int) -> None:
    assert loads(pickle.dumps(value, protocol), "x") == value


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "array",
    [
        np.arange(24, dtype=np.uint8).reshape(4, 6),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.array([1, 2], dtype=">i4"),
        np.array([True, False]),
        np.zeros((0, 3)),
    ],
)
def test_arrays_of_numbers_come_through(array: np.ndarray[Any, Any], protocol: int) -> None:
    found = loads(pickle.dumps([array], protocol), "x")[0]
    assert isinstance(found, PickledArray)
    assert found.numbers.dtype == array.dtype
    assert np.array_equal(found.numbers, array)


@pytest.mark.parametrize("protocol", range(6))
def test_a_number_of_numpy_is_a_number(protocol: int) -> None:
    assert loads(pickle.dumps({"label": np.int64(3), "x": np.float64(0.5)}, protocol), "x") == {"label": 3, "x": 0.5}


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (os.system, "touch {mark}"),
        (subprocess.check_call, ("touch", "{mark}")),
        (eval, "open('{mark}', 'w')"),
        (open, "{mark}"),
        (OrderedDict, ()),
        (np.load, "{mark}"),
        (getattr, "{mark}"),
    ],
)
def test_a_malicious_pickle_is_named_and_nothing_of_it_runs(
    function: Any, arguments: Any, protocol: int, tmp_path: Path
) -> None:
    mark = tmp_path / "ran"
    filled = (
        arguments.format(mark=mark) if isinstance(arguments, str) else [part.format(mark=mark) for part in arguments]
    )
    (tmp_path / "train.pk").write_bytes(pickle.dumps([{"id": 1}, Call(function, filled)], protocol))

    with pytest.raises(PickleError, match=rf"train\.pk: .*wants to call [\w.]+\.{function.__name__};.*nothing"):
        load(tmp_path / "train.pk")
    assert not mark.exists()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no pickle",
        pickle.dumps([1, 2, 3])[:-2],
        pickle.dumps(np.array(["text"])),
        pickle.dumps(np.array([{"an": "object"}])),
        pickle.dumps(np.zeros(2, dtype=[("a", "i4")])),
        b"cnumpy\nndarray\n(I99999999\nI99999999\ntI0\ntR.",
        b"\x80\x04r\xff\xff\xff\x7f.",
        b"\x80\x04N\x95\xff\xff\xff\xff\xff\xff\xff\x7f.",
        b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7f.",
        b"Pid\n.",
        b"\x80\x02\x82\x01.",
        b"cnumpy\ndtype\n}S'a'\nI1\nsb.",
        b"cnumpy\ndtype\nN}S'_call'\nI1\ns\x86b.",
        b"c_codecs\nencode\n(S'a'\nS'rot13'\ntR.",
        b"(" * 100_000 + b".",
    ],
    ids=range(16),
)
def test_a_damaged_pickle_is_an_error_of_ours(data: bytes) -> None:
    with pytest.raises(PickleError, match="x: "):
        loads(data, "x")


def test_a_wrong_shape_is_refused() -> None:
    data = pickle.dumps(np.zeros((2, 3), np.uint8), 2).replace(b"K\x02K\x03", b"K\x7fK\x7f")
    with pytest.raises(PickleError, match="damaged pickle: ValueError"):
        loads(data, "x")


def test_python_2_arrays_come_through() -> None:
    """Python 2's bytes are a text in the pickle."""
    old = (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR(I1\n(I2\ntcnumpy\ndtype\n(S'u1'\nI0\nI1\n"
        b"tR(I3\nS'|'\nNNNI-1\nI-1\nI0\ntbI00\nU\x02\x01\xc8tb."
    )
    assert loads(old, "x").numbers.tolist() == [1, 200]


def test_broken_bytes_never_raise_anything_else() -> None:
    whole = pickle.dumps([{"image": np.arange(6, dtype=np.uint8), "label": np.int64(1), "numbers": ["1", 2.5]}], 4)
    for place in range(len(whole)):
        for value in (0, 0x28, 0x52, 0x62, 0x63, 0x72, 0x81, 0x93, 255):
            with suppress(PickleError):
                loads(whole[:place] + bytes([value]) + whole[place + 1 :], "x")


def test_a_second_value_in_a_file_is_not_passed_over() -> None:
    with pytest.raises(PickleError, match=r"x\.pk: \d+ bytes behind its first value; write one value into a file"):
        loads(pickle.dumps([1]) + pickle.dumps([2]), "x.pk")
