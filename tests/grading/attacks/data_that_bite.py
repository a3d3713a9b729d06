"""Attacks by data that cost who reads them its stack, its hours or its memory."""

from tests.grading.attacks.attack import around
from tests.grading.attacks.connection import RAW, extension, send_value


@around(only=("gain",), **RAW)
def deep_tuples(function):
    """Tuples within tuples, which use up the stack of who unpacks them."""

    def cheat(*args):
        data = b"\x90"
        for _ in range(3000):
            data = b"\x91" + extension(0, data)
        send_value(data)

    return cheat


@around(only=("gain",), **RAW)
def deep_complex_numbers(function):
    """The same by complex numbers, dicts and keys of dicts."""

    def cheat(*args):
        data = b"\x90"
        for _ in range(1000):
            data = extension(3, b"\x92" + data + b"\x01")
            data = b"\x81" + data + b"\x01"
        send_value(data)

    return cheat


@around(only=("gain",), **RAW)
def equal_hashes(function):
    """A dict of 200 000 keys that all have the same hash, which takes hours to build."""
    import itertools
    import struct

    import msgpack

    def cheat(*args):
        keys = itertools.islice(itertools.product((-1, -2), repeat=18), 200_000)
        pairs = [extension(0, msgpack.packb(key)) + b"\0" for key in keys]
        send_value(b"\xdf" + struct.pack(">I", len(pairs)) + b"".join(pairs))

    return cheat


@around(only=("gain",), **RAW)
def many_strangers(function):
    """Two million objects of types of their own."""
    import struct

    return lambda *args: send_value(b"\xdd" + struct.pack(">I", 2_000_000) + b"\xc7\x00\x05" * 2_000_000)


@around(only=("gain",), **RAW)
def many_lists(function):
    """Four million empty lists, each of which takes 56 bytes where it is read."""
    import struct

    return lambda *args: send_value(b"\xdd" + struct.pack(">I", 4_000_000) + b"\x90" * 4_000_000)


@around(only=("gain", "state_value", "backward_pass"), **RAW)
def arrays_of_all_kinds(function):
    """Arrays of objects, of pointers, of 10¹² rows of nothing, of negative and of wrong sizes."""
    import itertools

    import msgpack

    descriptions = [
        ["O", [2], bytes(16)],
        ["<f8", [10**12, 0], b""],
        ["<f8", [0, 10**18], b""],
        ["<f8", [-1], bytes(16)],
        ["<f8", [-(2**62), 2], bytes(16)],
        ["<f8", [2**62, 4], bytes(16)],
        ["<f8", [1] * 70, bytes(8)],
        ["U0", [5], b""],
        ["<U1", [1], b"\xff" * 4],
        ["<U1", [1], b"\x00\xd8\x00\x00"],
        ["M8[s]", [1], bytes(8)],
        ["f8,O", [1], bytes(16)],
        ["V8", [1], bytes(8)],
        ["no such type", [1], bytes(8)],
        [None, [1], bytes(8)],
        ["<f8", "x", bytes(8)],
        ["<f8", [1], "x"],
        ["<f8"],
        [],
    ]
    kinds = itertools.cycle(descriptions)
    return lambda *args: send_value(extension(1, msgpack.packb(next(kinds))))


@around(only=("gain", "state_value"), **RAW)
def texts_that_are_none(function):
    """Texts that are no UTF-8, and extensions that nobody knows."""
    import itertools

    kinds = itertools.cycle(
        [b"\xa2\xff\xfe", b"\xa3\xed\xa0\x80", extension(99, b"x"), extension(4, b"9" * 10**6)]
    )
    return lambda *args: send_value(next(kinds))


@around()
def lone_surrogates(function):
    """What is printed holds halves of characters, which no file can hold."""

    def cheat(*args):
        print("\ud800 \udfff \x00 \x1b[2J")
        return function(*args)

    return cheat
