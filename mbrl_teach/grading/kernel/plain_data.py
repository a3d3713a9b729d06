"""Plain data as bytes: what a student's process may say to the examiner.

Numbers, strings, lists, tuples, dicts and NumPy arrays of numbers or strings cross as they are, sparse
matrices as arrays. Anything else crosses as its type's name alone. Reading such bytes builds plain data and
runs no code, whoever wrote them: that is the difference from a pickle.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgpack
import numpy as np
from scipy.sparse import issparse

TUPLE, ARRAY, SCALAR, COMPLEX, INTEGER, STRANGER = range(6)  # msgpack's extension codes, as we use them
KINDS = frozenset("biufcUS")  # of arrays: truth values, numbers, text
LARGEST = 8 * 2**20  # bytes: no honest answer is larger
DEEPEST = 20  # tuples within tuples: each takes some of the C stack, which no exception guards
MOST_PARTS = 200_000  # arrays, tuples and NumPy scalars in one answer
MOST_STRANGERS = 1000  # in one answer: each may be a class of its own
MOST_TUPLE_KEYS = 2000  # in one answer: a stranger can choose tuples whose hashes are all the same


class Stranger:
    """Stands for an object of a type that does not cross; its class has that type's name."""


def pack(value: Any) -> bytes:
    """`value` as bytes. ValueError where it nests too deeply, or holds itself, or is too large."""
    try:
        data = _Writer().pack(value)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if len(data) > LARGEST:
        raise ValueError(f"it takes {len(data)} bytes, more than {LARGEST}")
    return data


def unpack(data: bytes) -> Any:
    """The value that `pack` made `data` of; ValueError for bytes that no `pack` has made."""
    try:
        return _Reader().unpack(data)
    except ValueError:
        raise
    except Exception as error:  # whatever forged bytes may provoke
        raise ValueError(f"these bytes are no plain data: {type(error).__name__}") from error


class _Bounds:
    """How deeply one answer may nest, and how many parts it may have."""

    def __init__(self):
        self.depth, self.parts, self.strangers, self.tuple_keys = 0, 0, 0, 0

    def count(self, *, strangers: int = 0, tuple_keys: int = 0) -> None:
        """One part more."""
        self.parts += 1
        self.strangers += strangers
        self.tuple_keys += tuple_keys
        if self.parts > MOST_PARTS or self.strangers > MOST_STRANGERS or self.tuple_keys > MOST_TUPLE_KEYS:
            raise ValueError("it has too many parts: return few arrays, not many objects")

    @contextmanager
    def deeper(self) -> Iterator[None]:
        """One level down."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise ValueError("it is nested too deeply")
        yield
        self.depth -= 1


class _Writer(_Bounds):
    def pack(self, value: Any) -> bytes:
        return msgpack.packb(value, default=self.extend, strict_types=True, unicode_errors="replace")

    def extend(self, value: Any) -> Any:
        """What msgpack has no name for."""
        self.count()
        if isinstance(value, tuple):
            with self.deeper():
                return msgpack.ExtType(TUPLE, self.pack(list(value)))
        if isinstance(value, np.generic) and value.dtype.kind in KINDS:
            return msgpack.ExtType(SCALAR, _pack_array(np.asarray(value)))
        if isinstance(value, np.ndarray):
            return msgpack.ExtType(ARRAY, _pack_array(value)) if value.dtype.kind in KINDS else value.tolist()
        if isinstance(value, complex):
            return msgpack.ExtType(COMPLEX, self.pack([value.real, value.imag]))
        if isinstance(value, int):  # of more than 64 bits, or of a type of its own
            return msgpack.ExtType(INTEGER, str(int(value)).encode())
        for plain in (float, str, list, dict):  # of a type of its own
            if isinstance(value, plain):
                return plain(value)
        return self.stranger(value)

    def stranger(self, value: Any) -> Any:
        """An array, if the object knows how to become one, else its type's name."""
        if issparse(value):
            return self.extend(value.toarray())
        if hasattr(value, "__array__"):
            array = np.asarray(value)
            if isinstance(array, np.ndarray) and array.dtype.kind in KINDS:
                return self.extend(array)
        self.count(strangers=1)
        return msgpack.ExtType(STRANGER, type(value).__name__[:60].encode())


def _pack_array(array: np.ndarray) -> bytes:
    return msgpack.packb([array.dtype.str, list(array.shape), array.tobytes()])


class _Reader(_Bounds):
    def unpack(self, data: bytes) -> Any:
        with self.deeper():
            return msgpack.unpackb(
                data, ext_hook=self.restore, object_pairs_hook=self.pairs, strict_map_key=False
            )

    def pairs(self, pairs: list[tuple[Any, Any]]) -> dict:
        """A dict: text and numbers as keys, and a few tuples."""
        for key, _ in pairs:
            if isinstance(key, tuple):
                self.count(tuple_keys=1)
        return dict(pairs)

    def restore(self, code: int, data: bytes) -> Any:
        """What msgpack has no name for."""
        self.count(strangers=code == STRANGER)
        match code:
            case 0:
                return tuple(self.unpack(data))
            case 1:
                return _read_array(data)
            case 2:
                return _read_array(data)[()]
            case 3:
                real, imaginary = self.unpack(data)
                return complex(real, imaginary)
            case 4:
                return int(data[:4000])
            case 5:
                name = data[:60].decode(errors="replace")
                return type(name if name.isidentifier() else "object", (Stranger,), {})()
        raise ValueError(f"no plain data has the code {code}")


def _read_array(data: bytes) -> np.ndarray:
    match msgpack.unpackb(data):
        case [str(name), list(shape), bytes(content)]:
            dtype = np.dtype(name)
            if dtype.kind not in KINDS:
                raise ValueError(f"an array of {dtype} is no plain data")
            if math.prod(max(length, 1) for length in shape) > LARGEST:  # of nothing, but a loop without end
                raise ValueError(f"an array of shape {shape} is no plain data")
            return np.frombuffer(content, dtype).reshape(shape).copy()
    raise ValueError("this is no array")
