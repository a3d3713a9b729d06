"""System calls that no honest exercise makes, and that a student's process may not make: a seccomp filter.

Some would undo the sandbox (new namespaces, mounts, debugging), some reach beyond it (keyrings and virtual
machines' sockets belong to no namespace), and some hold memory that belongs to no process, where no limit
sees it. They fail with EPERM. See seccomp(2), bpf(2) and linux/audit.h.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct
import sys

PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
ALLOW, FAIL = 0x7FFF0000, 0x00050000  # the latter with the error's number added
LOAD, JUMP_EQUAL, JUMP_LEAST, JUMP_BITS, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data

MACHINES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}  # by their AUDIT_ARCH
X32 = 0x40000000  # another numbering of the calls of x86_64
NEW_NAMESPACES = 0x7E020080  # the CLONE_NEW… bits
SOCKETS = (1, 2, 10, 16)  # of this machine, IPv4, IPv6 and netlink, all of which have namespaces

FORBIDDEN = {  # name: numbers on x86_64 and aarch64
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsmount": (432, 432),
    "mount_setattr": (442, 442),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pidfd_getfd": (438, 438),
    "syslog": (103, 116),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "fanotify_init": (300, 262),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "msgget": (68, 186),
}
CLONE, CLONE3, SOCKET = (56, 220), (435, 435), (41, 198)


def program(machine: str) -> list[tuple[int, int, int, int]]:
    """The filter: (code, jump if true, jump if false, operand) a line."""
    which = list(MACHINES).index(machine)
    fail = (RETURN, 0, 0, FAIL | errno.EPERM)
    lines = [(LOAD, 0, 0, ARCHITECTURE), (JUMP_EQUAL, 1, 0, MACHINES[machine]), fail, (LOAD, 0, 0, NUMBER)]
    if machine == "x86_64":
        lines += [(JUMP_LEAST, 0, 1, X32), fail]
    for numbers in FORBIDDEN.values():
        lines += [(JUMP_EQUAL, 0, 1, numbers[which]), fail]
    # Its flags lie where no filter can read them: the C library falls back on clone.
    lines += [(JUMP_EQUAL, 0, 1, CLONE3[which]), (RETURN, 0, 0, FAIL | errno.ENOSYS)]
    lines += [(JUMP_EQUAL, 0, 4, CLONE[which]), (LOAD, 0, 0, FIRST_ARGUMENT)]
    lines += [(JUMP_BITS, 0, 1, NEW_NAMESPACES), fail, (RETURN, 0, 0, ALLOW)]
    lines += [(JUMP_EQUAL, 0, len(SOCKETS) + 2, SOCKET[which]), (LOAD, 0, 0, FIRST_ARGUMENT)]
    lines += [(JUMP_EQUAL, len(SOCKETS) - i, 0, family) for i, family in enumerate(SOCKETS)]
    return [*lines, fail, (RETURN, 0, 0, ALLOW)]


def forbid() -> None:
    """Refuse these calls from now on, in this process and all that it starts.

    PR_SET_NO_NEW_PRIVS must be set. On a machine other than x86_64 and aarch64 nothing is refused.
    """
    machine = platform.machine()
    if machine not in MACHINES or sys.maxsize < 2**32:
        return
    lines = program(machine)
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in lines))
    about = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(lines), ctypes.addressof(code)))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, about, 0, 0) != 0:
        code = ctypes.get_errno()
        raise OSError(code, "seccomp")
