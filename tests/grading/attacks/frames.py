"""Attacks on the connection between the two processes, and on its frames."""

from tests.grading.attacks.attack import around, in_a_cell
from tests.grading.attacks.connection import ALL, Touch, say, the_kernel

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
