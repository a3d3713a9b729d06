"""Attacks that never end, or end what judges them."""

# ruff: noqa: F821, SIM115 (attackers write as they like)

from tests.grading.attacks.attack import around, in_a_cell

# Never end -------------------------------------------------------------------------------------------


@in_a_cell()
def endless_loop():
    """A cell never ends."""
    while True:
        pass


@in_a_cell(costs=True)
def endless_loop_that_does_not_listen():
    """A cell never ends, whatever interrupts it."""
    while True:
        try:
            while True:
                pass
        except BaseException:
            continue


@in_a_cell(costs=True)
def endless_compiled_code():
    """A cell never comes back from compiled code, and signals are ignored."""
    import re
    import signal

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    re.match(r"(a+)+b", "a" * 60)


@around(costs=True, only=("gain",))
def endless_answer(function):
    """A function never returns while it is judged."""

    def cheat(*args):
        while True:
            try:
                while True:
                    pass
            except BaseException:
                continue

    return cheat


@in_a_cell()
def wait_for_input():
    """A cell waits for what somebody types."""
    import sys

    for ask in (input, sys.stdin.read, lambda: open("/dev/tty").read(), __import__("getpass").getpass):
        try:
            ask()
        except Exception:
            continue


# End what judges -------------------------------------------------------------------------------------


@in_a_cell(costs=True)
def end_in_a_cell():
    """The process ends itself, in a cell."""
    import os

    os._exit(0)


@around(costs=True)
def end_while_judged(function):
    """The process ends itself whenever it is judged."""
    import os

    return lambda *args: os._exit(0)


@in_a_cell()
def at_exit():
    """Functions that run at the end of the process write points and block."""
    import atexit
    import time
    import weakref

    atexit.register(time.sleep, 1000)
    weakref.finalize(get_ipython(), print, "28.0")


@in_a_cell(costs=True)
def crash():
    """The process crashes in compiled code."""
    import ctypes

    ctypes.string_at(0)


@in_a_cell(costs=True)
def deep_recursion():
    """The stack overflows."""
    import sys

    sys.setrecursionlimit(10**9)

    def down():
        down()

    down()


@in_a_cell(costs=True, dangerous=True)
def kill_everybody():
    """Every process that can be named gets every signal."""
    import os
    import signal

    for pid in (-1, 0, os.getppid(), *range(1, 3000)):
        for number in (signal.SIGKILL, signal.SIGSTOP, signal.SIGINT, signal.SIGTERM):
            try:
                if pid != os.getpid() and not (pid == 0 and number == signal.SIGINT):
                    os.kill(pid, number)
            except OSError:
                continue


@in_a_cell()
def stop_oneself():
    """The process stops itself, and its children stop it."""
    import os
    import signal

    os.kill(os.getpid(), signal.SIGSTOP)
    if os.fork() == 0:
        os.kill(os.getppid(), signal.SIGSTOP)
        os._exit(0)
    os.wait()
