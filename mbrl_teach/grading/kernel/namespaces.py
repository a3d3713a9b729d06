"""Linux namespaces for one submission: processes, files, network and shared memory of its own.

The process that asks must have CAP_SYS_ADMIN, in a user namespace or as root; it is inside bubblewrap
already, which shows it a read-only system and none of the course's files. See namespaces(7), mount(2) and
prctl(2).
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
from dataclasses import dataclass

CLONE = {
    "mounts": 0x00020000,
    "hostname": 0x04000000,
    "ipc": 0x08000000,
    "pids": 0x20000000,
    "net": 0x40000000,
}
MS_NOSUID, MS_NODEV, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 0x1000, 0x4000, 0x40000
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 4, 24, 38
CAPABILITY_VERSION = 0x20080522

libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Limits:
    """What one submission may use: per process, but for the folders and the number of processes."""

    memory: int = 3 * 2**30  # bytes of address space
    cpu_seconds: int = 120
    processes: int = 40
    file_size: int = 32 * 2**20  # bytes
    folder_size: int = 64 * 2**20  # bytes of each private folder
    folder_files: int = 2000


def _do(name: str, *arguments) -> None:
    """Call a function of the C library; OSError where it fails."""
    if getattr(libc, name)(*arguments) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")


def end_with_parent() -> None:
    """From now on this process ends when its parent does, until it changes its user."""
    _do("prctl", PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def leave() -> None:
    """New namespaces for this process and, of process numbers, for its children."""
    _do("unshare", sum(CLONE.values()))


def private_folders(folders: list[str], limits: Limits, kept: set[str]) -> None:
    """An empty folder of limited size in each place, and only this namespace's processes in /proc.

    What is `kept` stays in sight where it lies in such a folder, as an environment under /tmp does.
    Not every machine lets an ordinary user mount that /proc: an empty one takes its place there.
    """
    _do("mount", None, b"/", None, MS_REC | MS_PRIVATE, None)
    options = f"size={limits.folder_size},nr_inodes={limits.folder_files},mode=1777".encode()
    handles = {}
    for place in sorted(place for place in kept for folder in folders if place.startswith(f"{folder}/")):
        if not any(place.startswith(f"{other}/") for other in handles):
            handles[place] = os.open(place, os.O_PATH)
    for folder in folders:
        _do("mount", b"tmpfs", folder.encode(), b"tmpfs", MS_NOSUID | MS_NODEV, options)
    for place, handle in handles.items():
        os.makedirs(place)
        _do("mount", f"/proc/self/fd/{handle}".encode(), place.encode(), None, MS_BIND | MS_REC, None)
        os.close(handle)
    try:
        _do("mount", b"proc", b"/proc", b"proc", MS_NOSUID | MS_NODEV, None)
    except PermissionError:
        _do("mount", b"tmpfs", b"/proc", b"tmpfs", MS_NOSUID | MS_NODEV, b"nr_inodes=1,mode=555")


def become(user: int) -> None:
    """Give up every privilege for good: as root become `user`, and in any case lose all capabilities."""
    for capability in range(64):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    if os.getuid() == 0:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0)
    _do("capset", header, (ctypes.c_uint32 * 6)())
    _do("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def limit(limits: Limits, *, processes: bool = True) -> None:
    """Bound what each process may use and, with `processes`, how many its user may have."""
    bounds = {
        resource.RLIMIT_AS: limits.memory,
        resource.RLIMIT_CPU: limits.cpu_seconds,
        resource.RLIMIT_FSIZE: limits.file_size,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: 256,
        resource.RLIMIT_MEMLOCK: 0,
    }
    if processes:
        bounds[resource.RLIMIT_NPROC] = limits.processes
    for kind, bound in bounds.items():
        resource.setrlimit(kind, (bound, bound))
