"""What a student's code asks of the examiner ends in time and within memory; forbidden calls fail."""

import errno
import sys
import threading
import time

import numpy as np
import pytest

from mbrl_teach.grading.bounds import Breakable, TimeIsUp, memory
from mbrl_teach.grading.kernel.forbidden_calls import FORBIDDEN, MACHINES, program
from mbrl_teach.grading.sandbox import Sandbox
from mbrl_teach.grading.student_process import ProcessGone, StudentError

linux = pytest.mark.skipif(sys.platform != "linux", reason="the sandbox is made of Linux namespaces")


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as box:
        yield box


def loop_without_end():
    while True:
        try:
            time.sleep(0)
        except Exception:
            continue


def test_a_loop_is_broken_off_from_another_thread():
    breakable = Breakable()
    timer = threading.Timer(0.2, breakable.break_off)
    timer.start()
    with pytest.raises(TimeIsUp), breakable:
        loop_without_end()
    timer.join()


def test_nothing_comes_after_the_end():
    breakable = Breakable()
    for _ in range(200):
        timer = threading.Timer(0.0, breakable.break_off)
        try:
            with breakable:
                timer.start()
        except TimeIsUp:
            pass
        timer.join()
        sum(range(100))  # here it would come


@linux
def test_memory_is_bounded_within_and_free_again_after():
    with pytest.raises(MemoryError), memory(2**28):
        np.ones(2**27)
    assert np.ones(2**27).nbytes == 2**30


@linux
def test_a_helper_without_end_costs_its_own_call_alone(sandbox):
    process = sandbox.open()
    process.run("def ask(helper): return helper()\ndef one(): return 1")
    began = time.monotonic()
    with pytest.raises(StudentError), process.within(1.0):
        process.call("ask", loop_without_end)
    assert time.monotonic() - began < 30
    process.close()
    process = sandbox.open()
    process.run("def one(): return 1")
    with process.within(10):
        assert process.call("one") == 1
    process.close()


@linux
def test_a_call_that_is_late_leaves_the_next_call_right(sandbox):
    """A loop that asks for ever is interrupted, whatever it was waiting for."""
    process = sandbox.open()
    process.run("def ask(helper):\n    while True: helper()\ndef one(): return 1")
    for _ in range(5):
        with pytest.raises(StudentError), process.within(0.3):
            process.call("ask", lambda: 1.0)
        with process.within(10):
            assert process.kind("one") == "function"
            assert process.call("one") == 1
    process.close()


@linux
def test_a_helper_is_called_in_good_form_or_the_process_ends(sandbox):
    for forged in ("5, (), {}", "0, 5, {}", "0, (), 5", "0", "'0', (), {}", "0, (), {}, 1"):
        process = sandbox.open()
        process.run(f"import gc\ndef ask(helper): helper._kernel.say('ask', {forged})")
        with pytest.raises(ProcessGone, match="what no kernel answers"), process.within(10):
            process.call("ask", lambda: 1.0)
        process.close()


@linux
def test_a_warm_process_that_has_ended_is_begun_anew():
    with Sandbox() as box:
        box.open().close()
        box._process.kill()
        process = box.open({"data.csv": b"1,2"})
        outputs = process.run("print(open('data.csv').read())")
        process.close()
    assert outputs[0]["text"] == "1,2\n"


def verdict(lines, number, argument, architecture):
    """What the filter says of a system call: the reading of its lines by the manual's rules."""
    at, accumulator = 0, None
    while True:
        code, if_true, if_false, operand = lines[at]
        at += 1
        if code == 0x20:
            accumulator = {0: number, 4: architecture, 16: argument}[operand]
        elif code == 0x06:
            return operand
        else:
            holds = {
                0x15: accumulator == operand,
                0x35: accumulator >= operand,
                0x45: bool(accumulator & operand),
            }[code]
            at += if_true if holds else if_false


ALLOWED, REFUSED, UNKNOWN = 0x7FFF0000, 0x50000 | errno.EPERM, 0x50000 | errno.ENOSYS


@pytest.mark.parametrize("which", [0, 1])
def test_the_filter_refuses_what_it_lists_and_nothing_else(which):
    machine, architecture = list(MACHINES.items())[which]
    lines = program(machine)
    clone, socket = (56, 220)[which], (41, 198)[which]
    listed = {numbers[which] for numbers in FORBIDDEN.values()}
    for number in range(500):
        if number not in (435, clone, socket):
            assert verdict(lines, number, 0, architecture) == (REFUSED if number in listed else ALLOWED), (
                number
            )
    assert verdict(lines, 435, 0, architecture) == UNKNOWN
    assert verdict(lines, clone, 0x01200011, architecture) == ALLOWED  # fork
    assert verdict(lines, clone, 0x003D0F00, architecture) == ALLOWED  # a thread
    for flag in (0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000):
        assert verdict(lines, clone, flag | 17, architecture) == REFUSED
    families = {family: verdict(lines, socket, family, architecture) for family in range(50)}
    assert {family for family, said in families.items() if said == ALLOWED} == {1, 2, 10, 16}
    assert verdict(lines, 0, 0, 0x40000003) == REFUSED  # a 32-bit program's call


@linux
def test_the_filter_is_in_force(sandbox):
    process = sandbox.open()
    outputs = process.run(
        "import ctypes, os, subprocess, threading\n"
        "thread = threading.Thread(target=int)\nthread.start()\nthread.join()\n"
        "subprocess.run(['true'], check=True)\n"
        "for call in (lambda: os.memfd_create('x'),):\n"
        "    try: call()\n    except PermissionError: print('refused')\n"
        "print(ctypes.CDLL(None).unshare(0x10000000))"
    )
    process.close()
    assert "".join(output.get("text", "") for output in outputs) == "refused\n-1\n"
