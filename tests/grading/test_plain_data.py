"""What crosses from a student's process is data, whoever wrote the bytes."""

import contextlib
import pickle
from collections import namedtuple

import msgpack
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from mbrl_teach.grading.kernel.plain_data import LARGEST, Stranger, pack, unpack

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@settings(max_examples=200, deadline=None)
@given(PLAIN)
def test_plain_values_cross_as_they_are(value):
    assert unpack(pack(value)) == value


@pytest.mark.parametrize("dtype", ["f8", "f4", "i8", "u1", "?", "c16", ">f8", "U5", "S3"])
def test_arrays_cross_with_shape_and_type(dtype):
    array = np.arange(6).reshape(2, 3).astype(dtype)
    found = unpack(pack(array))
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)
    found[0, 0] = found[1, 1]  # it may be written


def test_numpy_numbers_stay_numpy_numbers():
    found = unpack(pack((np.float32(0.5), np.int64(3), np.bool_(True), 1 + 2j)))
    assert found == (0.5, 3, True, 1 + 2j)
    assert [type(x) for x in found] == [np.float32, np.int64, np.bool_, complex]


def test_what_is_nearly_plain_becomes_plain():
    Pair = namedtuple("Pair", "a b")
    assert unpack(pack(Pair(1, 2))) == (1, 2)
    np.testing.assert_array_equal(unpack(pack(csr_array(np.eye(2)))), np.eye(2))
    ragged = np.array([[1, 2], [3]], dtype=object)
    assert unpack(pack(ragged)) == [[1, 2], [3]]


def test_a_type_with_an_array_in_it_crosses_as_that_array():
    class Tensor:
        def __array__(self, dtype=None, copy=None):
            return np.ones(3)

    np.testing.assert_array_equal(unpack(pack(Tensor())), np.ones(3))


def test_anything_else_crosses_as_the_name_of_its_type():
    found = unpack(pack([print, {1, 2}, object()]))
    assert all(isinstance(x, Stranger) for x in found)
    assert [type(x).__name__ for x in found] == ["builtin_function_or_method", "set", "object"]


def test_what_holds_itself_is_an_error():
    knot = []
    knot.append(knot)
    with pytest.raises(ValueError, match=r"deep|recursion"):
        pack(knot)


def test_what_is_too_large_is_an_error():
    with pytest.raises(ValueError, match=f"more than {LARGEST}"):
        pack(np.zeros(LARGEST // 8 + 1))


def test_text_that_is_no_unicode_crosses_all_the_same():
    assert unpack(pack("a\udc80b")) == "a?b"


class Fires:
    """Unpickled, it would call print."""

    def __reduce__(self):
        return print, ("fired",)


FORGED = [
    b"",
    b"\xc1",
    pickle.dumps(Fires()),
    pickle.dumps([1, 2]),
    msgpack.packb(msgpack.ExtType(1, msgpack.packb(["|O", [1], b"\0" * 8]))),
    msgpack.packb(msgpack.ExtType(1, msgpack.packb(["<f8", [10**12], b"\0" * 8]))),
    msgpack.packb(msgpack.ExtType(1, msgpack.packb(["<f8", [-1, -1], b"\0" * 8]))),
    msgpack.packb(msgpack.ExtType(1, b"\x93")),
    msgpack.packb(msgpack.ExtType(3, msgpack.packb(["a", "b"]))),
    msgpack.packb(msgpack.ExtType(4, b"no number")),
    msgpack.packb(msgpack.ExtType(77, b"")),
    b"\x91" * 5000,
    b"\xdd\xff\xff\xff\xff",
    msgpack.packb({"a": 1}) + b"more",
]


@pytest.mark.parametrize("data", FORGED, ids=range(len(FORGED)))
def test_forged_bytes_are_an_error_and_run_nothing(data, capsys):
    with pytest.raises(ValueError):  # noqa: PT011 (each says something of its own)
        unpack(data)
    assert capsys.readouterr().out == ""


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_do_anything_but_become_data_or_an_error(data):
    with contextlib.suppress(ValueError):
        unpack(data)
