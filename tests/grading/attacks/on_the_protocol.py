"""Attacks on what the two processes say to each other: the attacker writes to the connection what it likes."""

# ruff: noqa: E701, E702, E722, F821, S110
# mypy: ignore-errors

from tests.grading.attacks.attack import around, in_a_cell


def the_kernel():
    """The object that answers the examiner, and holds the connection."""
    import gc

    return next(thing for thing in gc.get_objects() if type(thing).__name__ == "StudentKernel")


def say(*answer):
    """Send an answer as the kernel does."""
    from mbrl_teach.grading.kernel.plain_data import pack

    the_kernel().connection.send_bytes(pack(answer))


def extension(code, data):
    """An extension of msgpack's."""
    import msgpack

    return msgpack.packb(msgpack.ExtType(code, data))


class Touch:
    """A pickle that writes a file where it is read."""

    def __reduce__(self):
        return exec, (f"open({CANARY + '.touched'!r}, 'w').close()",)


ALL = {"uses": (the_kernel, say), "costs": True}

# Answers that were not asked for ---------------------------------------------------------------------


@in_a_cell(**ALL)
def answer_before_the_question():
    """The tests' answers are sent while a cell still runs."""
    say("outputs", [])
    say("kind", "function")
    for _ in range(4):
        say("value", True, "3 of 3 points\n")


@around(**ALL)
def answer_twice(function):
    """Each call is answered at once, and then once more by the kernel."""

    def cheat(*args):
        value = function(*args)
        say("value", value, "")
        return value

    return cheat


@around(**ALL)
def answer_to_no_question(function):
    """Each call is answered by what only other questions have: outputs, kinds, points, an unknown word."""
    import itertools

    words = itertools.cycle(
        [
            ("outputs", [{"output_type": "execute_result", "data": {"text/plain": "8.0"}}]),
            ("kind", "function"),
            ("done",),
            ("points", 8.0),
            ("value", 8.0, "", 8.0),
            ("value",),
            ("error",),
            ("error", 1, 2, 3, 4, 5),
            (8.0,),
            (),
        ]
    )
    return lambda *args: say(*next(words))


@around(**ALL)
def error_with_anothers_number(function):
    """An error says that a helper has raised it which was never asked."""
    return lambda *args: say("error", "WrongAnswer", "fine", ["\x1b[2J"] * 10**5, 10**9, "x" * 10**6)


@in_a_cell(**ALL)
def forged_outputs_of_a_cell():
    """A cell's outputs are of wrong types, and far too many."""
    wrong = [1, None, [], {"output_type": ["stream"]}, {"output_type": "execute_result", "data": {"text/plain": 8}}]
    wrong += [{"output_type": "stream", "name": {}, "text": [1, 2]}, {"output_type": "error", "traceback": {}}]
    wrong += [{"output_type": "display_data", "data": {"text/html": "<script>alert(1)</script>", "image/png": "<>"}}]
    say("outputs", wrong * 1000)


@in_a_cell(uses=(the_kernel, say))
def outputs_that_say_points():
    """A cell's outputs hold what the result of a test looks like."""
    import os

    if os.fork() == 0:
        os._exit(0)
    get_ipython().outputs.add({"output_type": "execute_result", "data": {"text/plain": "28.0"}, "metadata": {}})


@in_a_cell(**ALL)
def two_that_answer():
    """A forked child goes on serving beside its parent: both answer each question."""
    import os

    os.fork()


@in_a_cell(**ALL)
def a_thread_that_answers():
    """A thread that outlives its cell goes on sending answers."""
    import threading
    import time

    def go_on():
        while True:
            say("value", [8.0], "")
            time.sleep(0.01)

    threading.Thread(target=go_on, daemon=True).start()


@in_a_cell(**ALL)
def read_the_questions():
    """A thread takes the examiner's next questions away, and looks for the right numbers in them."""
    import threading

    connection = the_kernel().connection
    threading.Thread(target=lambda: [connection.recv_bytes() for _ in range(2)], daemon=True).start()


# Calls of the examiner's helpers ---------------------------------------------------------------------


@around(only=("gain", "backward_pass"), **ALL)
def ask_for_no_helper(function):
    """Helpers are asked by numbers that none has."""
    import itertools

    numbers = itertools.cycle([-1, 3, 10**30, True, 0.0, "0", None, float("nan")])
    return lambda *args: say("ask", next(numbers), args[:1], {})


@around(only=("gain", "state_value"), **ALL)
def ask_without_form(function):
    """Helpers are asked with arguments that are no arguments."""
    import itertools

    forms = itertools.cycle([(0,), (0, (), {}, 8.0), (0, 5, {}), (0, (), 5), (0, (), {1: 2}), (0, {}, ())])
    return lambda *args: say("ask", *next(forms))


@around(only=("backward_pass",), **ALL)
def ask_wildly(function):
    """Helpers are asked with texts, wrong shapes, strangers and keywords, and their errors are read."""
    import numpy as np

    def cheat(F, f, C, c, action_value, gain, state_value):
        for helper in (action_value, gain, state_value):
            for args in ((), ("x",) * 6, (object(),) * 3, (np.zeros((2, 2)),) * 6, ({},) * 4, (np.array("x"),) * 3):
                for keywords in ({}, {"n": 1}, {"__class__": 1}):
                    try:
                        print(helper(*args, **keywords))
                    except Exception as error:
                        print(error)
        return function(F, f, C, c, action_value, gain, state_value)

    return cheat


@around(only=("backward_pass",), **ALL)
def ask_for_100_gigabytes(function):
    """A helper is asked for a product of matrices that no machine holds."""
    import numpy as np

    def cheat(F, f, C, c, action_value, gain, state_value):
        wide = np.ones((1, 110_000))
        return action_value(wide, np.ones(1), 0.0, 0.0, np.ones((1, 1)), np.ones(1))

    return cheat


@around(only=("backward_pass",), **ALL)
def ask_for_20_gigabytes(function):
    """A helper is asked for what the machine might just hold, again and again."""
    import numpy as np

    def cheat(F, f, C, c, action_value, gain, state_value):
        wide = np.ones((1, 50_000))
        for _ in range(20):
            try:
                action_value(wide, np.ones(1), 0.0, 0.0, np.ones((1, 1)), np.ones(1))
            except Exception as error:
                print(error)
        return None

    return cheat


@around(only=("backward_pass",), **ALL)
def ask_without_end(function):
    """Helpers are asked for ever."""

    def cheat(F, f, C, c, action_value, gain, state_value):
        while True:
            gain(C[0], c[0], 1)

    return cheat


# Frames ----------------------------------------------------------------------------------------------


@around(only=("gain",), **ALL)
def dribble(function):
    """A frame's header promises a megabyte, and a byte comes every tenth of a second."""
    import os
    import struct
    import time

    def cheat(*args):
        handle = the_kernel().connection.fileno()
        os.write(handle, struct.pack("!i", 2**20))
        while True:
            os.write(handle, b"\0")
            time.sleep(0.1)

    return cheat


@around(only=("gain",), **ALL)
def headers_of_all_sizes(function):
    """Frames say that they are negative, empty, of two gigabytes, or of all there are."""
    import itertools
    import os
    import struct

    headers = itertools.cycle(
        [
            struct.pack("!i", -5),
            struct.pack("!i", 0),
            struct.pack("!i", 2**31 - 1),
            struct.pack("!iQ", -1, 2**63),
            struct.pack("!iQ", -1, 2**64 - 1),
        ]
    )
    return lambda *args: os.write(the_kernel().connection.fileno(), next(headers))


@around(only=("gain", "state_value"), **ALL)
def too_large(function):
    """An answer is larger than any honest one: 9 MB, and 400 MB."""
    import itertools

    sizes = itertools.cycle([9 * 2**20, 400 * 2**20])
    return lambda *args: the_kernel().connection.send_bytes(bytes(next(sizes)))


@around(costs=True, uses=(the_kernel, say, Touch))
def pickles(function):
    """Answers are pickles that write a file where they are read."""
    import pickle

    return lambda *args: the_kernel().connection.send_bytes(pickle.dumps(("value", Touch(), "")))


@around(**ALL)
def random_frames(function):
    """Answers are random bytes."""
    import os

    return lambda *args: the_kernel().connection.send_bytes(os.urandom(200))


# Data that bite who reads them -----------------------------------------------------------------------


def send_value(data):
    """Answer a call by a value that is already packed."""
    import msgpack

    answer = b"\x93" + msgpack.packb("value") + data + msgpack.packb("")
    the_kernel().connection.send_bytes(msgpack.packb(msgpack.ExtType(0, answer)))


RAW = {"uses": (the_kernel, say, extension, send_value), "costs": True}


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

    kinds = itertools.cycle([b"\xa2\xff\xfe", b"\xa3\xed\xa0\x80", extension(99, b"x"), extension(4, b"9" * 10**6)])
    return lambda *args: send_value(next(kinds))


@around()
def lone_surrogates(function):
    """What is printed holds halves of characters, which no file can hold."""

    def cheat(*args):
        print("\ud800 \udfff \x00 \x1b[2J")
        return function(*args)

    return cheat


# The connection itself -------------------------------------------------------------------------------


@in_a_cell(**ALL)
def close_the_connection():
    """The connection is closed, so that the rest is not judged."""
    the_kernel().connection.close()


@around(only=("gain",), **ALL)
def close_while_judged(function):
    """The same while a test waits for its answer."""
    import os

    return lambda *args: os.close(the_kernel().connection.fileno())


@in_a_cell(**ALL)
def another_connection():
    """The connection is replaced by one to the attacker's own examiner."""
    import os
    import socket

    ours, theirs = socket.socketpair()
    os.dup2(theirs.fileno(), the_kernel().connection.fileno())
    globals()["KEPT"] = ours


@in_a_cell(**ALL)
def send_file_handles():
    """Open files are sent along the connection, until the examiner has too many."""
    import os
    import socket

    handle = the_kernel().connection.fileno()
    with socket.socket(fileno=os.dup(handle)) as connection:
        for _ in range(20):
            socket.send_fds(connection, [b"\0\0\0\0"], [0] * 100)


@in_a_cell(**ALL)
def become_another_program():
    """The process becomes a program of the attacker's that answers each question by points."""
    import os
    import sys

    handle = the_kernel().connection.fileno()
    os.set_inheritable(handle, True)
    program = f"""
from multiprocessing.connection import Connection
from mbrl_teach.grading.kernel.plain_data import pack
connection = Connection({handle})
connection.send_bytes(pack(("outputs", [])))
while True:
    connection.recv_bytes()
    connection.send_bytes(pack(("value", 8.0, "8.0")))
"""
    os.execv(sys.executable, [sys.executable, "-c", program])


@in_a_cell(**ALL)
def every_handle():
    """Whatever other files and sockets the process has inherited are written to and read."""
    import os

    connection = the_kernel().connection.fileno()
    for handle in range(3, 256):
        if handle != connection:
            try:
                os.set_blocking(handle, False)
                os.write(handle, b'{"do": "close"}')
                print("SECRET", os.readlink(f"/proc/self/fd/{handle}"), os.read(handle, 100))
            except OSError:
                continue
