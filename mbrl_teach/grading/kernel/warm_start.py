"""The warm process: it has imported what students import, and forks one kernel a submission from that.

`main` is called with the command line CONTROL MODE. CONTROL is the number of an inherited socket, on which
the examiner gives its orders, one JSON message each:

    {"do": "open", "user": number, "folder": path, "limits": {…}}, with an end of a socket pair
                            → {"opened": true}
    {"do": "interrupt"}     what the kernel runs stops with KeyboardInterrupt
    {"do": "close"}         → {"ended": why}, and every process of the submission is gone

It runs inside bubblewrap (MODE "isolated") and shuts each kernel in once more, so that nothing of one student
reaches the next. MODE "open" does without both. It ends when the examiner does.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
from multiprocessing.connection import Connection
from pathlib import Path

from mbrl_teach.grading.kernel import namespaces
from mbrl_teach.grading.kernel.forbidden_calls import forbid
from mbrl_teach.grading.kernel.masked import refuse_masked
from mbrl_teach.grading.kernel.namespaces import Limits
from mbrl_teach.grading.kernel.shell import make_shell
from mbrl_teach.grading.kernel.student_kernel import serve

STACK = [
    "numpy",
    *(f"scipy.{part}" for part in ("integrate", "interpolate", "linalg", "optimize", "sparse")),
    *("scipy.sparse.linalg", "scipy.spatial", "scipy.special"),
    *("matplotlib.pyplot", "matplotlib_inline.backend_inline", "ipywidgets", "gymnasium", "tqdm.auto"),
    "gymnasium.envs.toy_text.frozen_lake",
]
PACKAGE = Path(__file__).resolve().parents[2]
MOST_MEMORY = 3 * 2**30  # bytes of all processes of a submission together
PRIVATE = ["/tmp", "/dev/shm"]
KEPT = {sys.prefix, sys.base_prefix, sys.base_exec_prefix, str(PACKAGE)}


def import_stack() -> None:
    """Import what exercises use: the libraries, and the worlds and figures of the course."""
    for name in STACK:
        importlib.import_module(name)
    for room in ("problems", "figures"):
        for path in sorted((PACKAGE / room).glob("[!_]*.py")):
            with contextlib.suppress(ModuleNotFoundError):  # of figures that show a planner at work
                importlib.import_module(f"mbrl_teach.{room}.{path.stem}")


class Kernel:
    """One submission's process and all that it starts."""

    def __init__(self, order: dict, connection: int, isolated: bool, shell):
        self.isolated = isolated
        reader, writer = os.pipe()
        self.keeper = os.fork()
        if self.keeper == 0:
            os.close(reader)
            _keep(order, connection, isolated, shell, writer)
        os.close(writer)
        os.close(connection)
        with os.fdopen(reader) as pipe:
            self.pid = int(pipe.readline())  # none: it was ended from outside, and so is all of this
        self.handle = os.pidfd_open(self.pid)

    def signal(self, number: int) -> None:
        """Send a signal to the submission's first process."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.handle, number)

    def end(self) -> None:
        """End it; in namespaces of its own nothing of it is left then, else its process group goes."""
        self.signal(signal.SIGKILL)
        if not self.isolated:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
        os.waitpid(self.keeper, 0)
        os.close(self.handle)


def _keep(order: dict, connection: int, isolated: bool, shell, writer: int) -> None:
    """In a fork: leave the namespaces, fork the kernel, and wait for it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        namespaces.end_with_parent()
        if isolated:
            namespaces.leave()
        kernel = os.fork()
        if kernel == 0:
            os.close(writer)
            _be_kernel(order, connection, isolated, shell)
        os.close(connection)
        os.write(writer, f"{kernel}\n".encode())
        os.close(writer)
        os.waitpid(kernel, 0)
    finally:
        os._exit(0)


def _be_kernel(order: dict, connection: int, isolated: bool, shell) -> None:
    """In the second fork, process 1 of its own world: be shut in, then serve."""
    try:
        namespaces.end_with_parent()
        os.setsid()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        limits = Limits(**order["limits"])
        if isolated:
            namespaces.private_folders([*PRIVATE, order["folder"]], limits, KEPT)
        namespaces.limit(limits, processes=isolated)  # outside, the user's other processes count as well
        if isolated:
            be_the_first_to_go()
            namespaces.become(order["user"])
            forbid()
        nowhere = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(nowhere, standard)
        os.closerange(3, connection)
        os.closerange(connection + 1, 256)
        serve(Connection(connection), shell, order["folder"])
    finally:
        os._exit(0)


def be_the_first_to_go() -> None:
    """Where the machine's memory runs out, this process and what it starts go before all others."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


def memory_in_use() -> int:
    """Bytes of all processes that this one can see, but for itself.

    Of memory that processes share, all that is mapped counts: it stays where nobody looks at it.
    """
    total, shared = 0, {}
    for path in Path("/proc").glob("[0-9]*"):
        if path.name == str(os.getpid()):
            continue
        with contextlib.suppress(OSError, ValueError):
            for line in (path / "status").read_text().splitlines():
                if line.startswith(("RssAnon:", "VmSwap:")):
                    total += int(line.split()[1]) * 1024
            for line in (path / "maps").read_text().splitlines():
                addresses, permissions, _, device, inode, *_ = line.split(maxsplit=5)
                if permissions == "rw-s":
                    begin, end = (int(address, 16) for address in addresses.split("-"))
                    shared[device, inode] = max(shared.get((device, inode), 0), end - begin)
    return total + sum(shared.values())


def obey(control: socket.socket, isolated: bool, shell) -> None:
    """Carry out the examiner's orders until it leaves."""
    kernel, why = None, "closed"
    while True:
        ready, _, _ = select.select([control], [], [], 0.2 if kernel and isolated else None)
        if not ready:
            if memory_in_use() > MOST_MEMORY:
                why = "memory"
                kernel.signal(signal.SIGKILL)
            continue
        message, handles, *_ = socket.recv_fds(control, 2**16, 1)
        if not message:
            break
        order = json.loads(message)
        if order["do"] == "open":
            if kernel:
                kernel.end()
            kernel, why = Kernel(order, handles[0], isolated, shell), "closed"
            control.send(b'{"opened": true}')
        elif order["do"] == "interrupt" and kernel:
            kernel.signal(signal.SIGINT)
        elif order["do"] == "close":
            if kernel:
                kernel.end()
            kernel = None
            control.send(json.dumps({"ended": why}).encode())
    if kernel:
        kernel.end()


def main() -> None:
    """Import, say so, and obey."""
    control = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the examiner decides what an interrupt ends
    import_stack()
    shell = make_shell()
    refuse_masked()
    gc.collect()
    gc.freeze()
    control.send(b'{"ready": true}')
    obey(control, sys.argv[2] == "isolated", shell)
