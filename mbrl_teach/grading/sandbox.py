"""The sandbox in which students' code runs while it is graded: bubblewrap around a warm process.

One `Sandbox` holds one warm process, which has imported the stack once. `open` forks a kernel from it for one
submission, with nothing but the system, the Python environment, the course's worlds and figures, and the
submission's own files: no network, no gradebook, no solutions, no checks, no other student.

bubblewrap: https://github.com/containers/bubblewrap. What is masked, and why: docs/instructors.md.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from dataclasses import asdict
from multiprocessing.connection import Connection
from pathlib import Path

import matplotlib

from mbrl_teach.grading.kernel.masked import MASKED
from mbrl_teach.grading.kernel.namespaces import Limits
from mbrl_teach.grading.student_process import ProcessGone, StudentProcess

PACKAGE = Path(__file__).resolve().parents[1]
WORK = "/home/student"
FONTS = "/tmp/matplotlib"
FIRST_USER = 1_000_000  # numbers of users that no machine gives to people
TRIES = 3  # to start a sandbox that is ended from outside
PATIENCE = 120  # seconds for the stack to be imported, on a machine that does much else
BEGIN = """
import sys
sys.path.insert(0, sys.argv.pop(1))  # where this process's own package lies
from mbrl_teach.grading.kernel.warm_start import main
main()
"""
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
SETTINGS = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "fonts", "localtime", "alternatives", "mime.types")


class NoSandbox(RuntimeError):
    """Bubblewrap cannot be had here, and grading without it was not asked for."""


class Sandbox:
    """A warm process, and the kernels forked from it, one at a time. Close it, or use it in a `with`."""

    def __init__(self, *, isolated: bool = True, limits: Limits | None = None):
        self.isolated, self.limits = isolated, limits or Limits()
        self._process: subprocess.Popen | None = None
        self._control: socket.socket | None = None
        self._folder: str | None = None

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *error) -> None:
        self.close()

    def start(self) -> None:
        """Start the warm process and wait until it has imported the stack."""
        if self._process is not None and self._process.poll() is None:
            return
        self.close()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                self._command(theirs.fileno()),
                pass_fds=[theirs.fileno()],
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        self._control = ours
        ours.settimeout(PATIENCE)
        if not self._hear():
            said = self._process.stderr.read().decode(errors="replace").strip()
            self.close()
            raise NoSandbox(f"the sandbox did not start: {said or 'it said nothing'}")

    def open(self, files: dict[str, bytes] | None = None) -> StudentProcess:
        """A fresh kernel with these files, by relative path, in its working folder."""
        for attempt in range(TRIES):
            try:
                self.start()
                kernel = self._fork()
                break
            except (OSError, NoSandbox):  # the warm process was ended, by whomever
                self.close()
                if attempt == TRIES - 1:
                    raise
        if files:
            with contextlib.suppress(ProcessGone):  # who asks it next is told
                kernel.write_files(files)
        return kernel

    def _fork(self) -> StudentProcess:
        """Order a kernel; NoSandbox or OSError if nobody is there to give one."""
        order = {
            "do": "open",
            "user": FIRST_USER + self._process.pid,
            "folder": WORK if self.isolated else self._temporary_folder(),
            "limits": asdict(self.limits),
        }
        ours, theirs = socket.socketpair()
        with ours, theirs:
            socket.send_fds(self._control, [json.dumps(order).encode()], [theirs.fileno()])
            if not self._hear():
                raise NoSandbox("the warm process has ended: too little memory?")
            connection = Connection(ours.detach())
        return StudentProcess(connection, interrupt=self._interrupt, end=self._end)

    def close(self) -> None:
        """End the warm process, and with it whatever it has started."""
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(5)
            self._process.kill()
            self._process.wait()
            self._process.stderr.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._process = self._control = self._folder = None

    def _command(self, control: int) -> list[str]:
        mode = "isolated" if self.isolated else "open"
        python = [sys.executable, "-I", "-X", "utf8", "-c", BEGIN, str(PACKAGE.parent), str(control), mode]
        return [*(bubblewrap() if self.isolated else []), *python]

    def _hear(self) -> dict:
        """The warm process's next word; nothing if it has ended."""
        try:
            return json.loads(self._control.recv(2**16) or b"{}")
        except (TimeoutError, ConnectionResetError):
            return {}

    def _order(self, what: str) -> None:
        with contextlib.suppress(OSError):
            self._control.send(json.dumps({"do": what}).encode())

    def _interrupt(self) -> None:
        self._order("interrupt")

    def _end(self) -> str:
        self._order("close")
        return self._hear().get("ended", "the sandbox is gone")

    def _temporary_folder(self) -> str:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._folder = tempfile.mkdtemp(prefix="mbrl_teach-")
        return self._folder


def bubblewrap() -> list[str]:
    """The command that shows what follows it a read-only system, Python, and no secret of the course."""
    program = shutil.which("bwrap")
    if program is None:
        raise NoSandbox(
            "bubblewrap (bwrap) is not installed: on Debian or Ubuntu `apt install bubblewrap`. "
            "Grading without it (--no-sandbox) lets students' code read and change whatever you can."
        )
    command = [program, "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"]
    command += ["--hostname", "grading", "--cap-add", "ALL", "--proc", "/proc", "--dev", "/dev"]
    command += ["--tmpfs", "/tmp"]  # first: an environment may lie there
    command += [*_the_system(), *_the_course(), *_folder(FONTS), *_folder(WORK)]
    for fonts in Path(matplotlib.get_cachedir()).glob("fontlist-*.json"):  # slow to make anew
        command += ["--ro-bind", str(fonts), f"{FONTS}/{fonts.name}"]
    return [*command, "--chdir", "/tmp", "--remount-ro", "/dev", "--remount-ro", "/", "--"]


def _the_system() -> list[str]:
    """Programs, libraries and the Python environment, read-only."""
    binds = []
    for place in SYSTEM:
        if os.path.islink(place):
            binds += ["--symlink", os.readlink(place), place]
        elif os.path.isdir(place):
            binds += ["--ro-bind", place, place]
    for name in SETTINGS:
        binds += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    prefixes = {os.path.realpath(p) for p in (sys.base_prefix, sys.base_exec_prefix)} | {sys.prefix}
    for prefix in sorted(prefixes):
        if not prefix.startswith("/usr"):
            binds += [*_folder(prefix), "--ro-bind", prefix, prefix]
    return binds


def _the_course() -> list[str]:
    """The package alone, and of it what students may see."""
    binds = [*_folder(str(PACKAGE)), "--ro-bind", str(PACKAGE), str(PACKAGE)]
    for room in MASKED:
        binds += ["--tmpfs", str(PACKAGE / room)]
    for seen in ("grading/__init__.py", "grading/kernel"):
        binds += ["--ro-bind", str(PACKAGE / seen), str(PACKAGE / seen)]
    for room in MASKED:
        binds += ["--remount-ro", str(PACKAGE / room)]
    for copy in {os.path.join(place, PACKAGE.name) for place in sys.path} - {str(PACKAGE)}:
        if os.path.isdir(copy) and not os.path.samefile(copy, PACKAGE):  # one that is installed as well
            binds += ["--tmpfs", copy, "--remount-ro", copy]
    return binds


def _folder(place: str) -> list[str]:
    """A folder, and those it lies in, which everybody may enter."""
    path = Path(place)
    return [
        word for one in (*reversed(path.parents), path) for word in ("--perms", "0755", "--dir", str(one))
    ]


def _environment() -> dict[str, str]:
    """What a kernel knows of the machine: nothing of the instructor's."""
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": WORK,
        "LANG": "C.UTF-8",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "MPLCONFIGDIR": FONTS,
        "PYTHONDONTWRITEBYTECODE": "1",
        **dict.fromkeys(threads, "1"),
    }
