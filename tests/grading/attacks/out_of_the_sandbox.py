"""Attacks that leave the sandbox: by the network, privileges, mounts, other processes and files."""

# ruff: noqa: F821, SIM115 (attackers write as they like)

from tests.grading.attacks.attack import in_a_cell


@in_a_cell()
def call_home():
    """The network is tried: loopback, the gateway, the world, names, and other families of sockets."""
    import socket

    for address in (("127.0.0.1", 22), ("127.0.0.1", 8888), ("10.0.0.1", 80), ("1.1.1.1", 53), ("::1", 22)):
        try:
            socket.create_connection(address, timeout=0.3)
            print("SECRET: there is a network", address)
        except OSError:
            continue
    for family in (16, 17, 29, 38, 40, 44):
        try:
            connection = socket.socket(family, socket.SOCK_STREAM)
            print("SECRET: there is such a socket", connection)
        except OSError:
            continue
    try:
        socket.getaddrinfo("example.org", 80)
        print("SECRET: there is a name server")
    except OSError:
        pass


@in_a_cell()
def call_the_neighbours():
    """Unix sockets of other programs are called, by abstract names and by files."""
    import glob
    import socket

    names = [
        line.split()[-1]
        for line in open("/proc/net/unix").read().splitlines()[1:]
        if "@" in line or "/" in line
    ]
    names += [
        "@canary",
        "/var/run/docker.sock",
        "/run/postgresql/.s.PGSQL.5432",
        *glob.glob("/tmp/**/*.sock"),
    ]
    for name in names:
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
            try:
                socket.socket(socket.AF_UNIX, kind).connect(name.replace("@", "\0"))
                print("SECRET: somebody listens", name)
            except OSError:
                continue


@in_a_cell()
def become_root():
    """The process becomes root: by calls, by programs that do, and in a user namespace."""
    import os
    import subprocess

    for call in (
        os.setuid,
        os.setgid,
        os.seteuid,
        lambda n: os.setresuid(n, n, n),
        lambda n: os.setgroups([n]),
    ):
        try:
            call(0)
            print("SECRET: this made us root")
        except OSError:
            continue
    for command in (["sudo", "-n", "id", "-u"], ["su", "-c", "id -u"], ["pkexec", "id", "-u"], ["newgrp"]):
        try:
            done = subprocess.run(command, capture_output=True, timeout=2, stdin=subprocess.DEVNULL)
            if done.stdout.strip() == b"0":
                print("SECRET: this made us root", command)
        except (OSError, subprocess.SubprocessError):
            continue
    if not os.getuid():
        print("SECRET: we are root")


@in_a_cell(costs=True, dangerous=True)
def new_namespaces():
    """New namespaces are made, to be root in them and mount what one likes."""
    import ctypes
    import subprocess

    libc = ctypes.CDLL(None)
    for flag in (0x10000000, 0x00020000, 0x20000000, 0x40000000, 0x02000000, 0x10020000):
        if libc.unshare(flag) == 0:
            print("SECRET: a new namespace", hex(flag))
    for command in (
        ["unshare", "-Ur", "id", "-u"],
        ["bwrap", "--unshare-user", "--ro-bind", "/", "/", "id", "-u"],
    ):
        try:
            if subprocess.run(command, capture_output=True, timeout=5).returncode == 0:
                print("SECRET: a new namespace by", command)
        except (OSError, subprocess.SubprocessError):
            continue


@in_a_cell(dangerous=True)
def mount_again():
    """What is read-only is mounted again, and what is masked is uncovered."""
    import ctypes

    libc = ctypes.CDLL(None)
    for place in (b"/", b"/usr", b"/proc", b"/dev", COURSE.encode(), b"/tmp", b"/home/student"):
        for flags in (32, 32 | 4096, 4096, 16384):
            if libc.mount(place, place, None, flags, None) == 0:
                print("SECRET: this could be mounted", place)
        if libc.umount2(place, 2) == 0:
            print("SECRET: this could be uncovered", place)
    if libc.chroot(b"/proc/1/root") == 0 or libc.syscall(155, b"/", b"/tmp") == 0:
        print("SECRET: there is another root")


@in_a_cell(dangerous=True)
def other_processes():
    """Other processes are read, traced and written to through /proc and ptrace."""
    import ctypes
    import os

    libc = ctypes.CDLL(None)
    for pid in [name for name in os.listdir("/proc") if name.isdigit()]:
        if int(pid) != os.getpid():
            print("SECRET: another process", pid, open(f"/proc/{pid}/cmdline").read())
        for path in (f"/proc/{pid}/root{COURSE}", f"/proc/{pid}/cwd/../..{COURSE}"):
            if os.path.exists(f"{path}/solutions"):
                print("SECRET:", path)
    for pid in (os.getppid(), 1, 2, 3):
        if libc.ptrace(16, pid, 0, 0) == 0 or libc.ptrace(0x4206, pid, 0, 0) == 0:
            print("SECRET: this can be traced", pid)
    for path in ("/proc/kcore", "/proc/kmsg", "/proc/sysrq-trigger", "/proc/keys", "/dev/mem", "/dev/kmsg"):
        try:
            if open(path, "rb").read(1):
                print("SECRET: this can be read", path)
        except OSError:
            continue


@in_a_cell()
def write_to_the_system():
    """Files that others run are changed: the course's, the environment's, the system's, the canaries."""
    import os
    import site
    import sys

    import mbrl_teach

    places = [
        *mbrl_teach.__path__,
        *site.getsitepackages(),
        sys.prefix,
        "/usr/bin",
        "/etc",
        "/dev",
        "/",
        "/opt",
    ]
    for place in (*places, HOME, COURSE, f"{COURSE}/submitted", f"{COURSE}/.grading", "/home"):
        for name in ("sitecustomize.py", "evil.pth", "evil"):
            try:
                with open(os.path.join(place, name), "w") as file:
                    file.write("SECRET")
                print("SECRET: this can be written", place)
            except OSError:
                continue
    for path in (CANARY, f"{COURSE}/gradebook.db", "/etc/passwd", "/proc/sys/kernel/core_pattern"):
        for change in (os.remove, lambda p: os.chmod(p, 0o777), lambda p: open(p, "r+").close()):
            try:
                change(path)
                print("SECRET: this can be changed", path)
            except OSError:
                continue


@in_a_cell(dangerous=True)
def write_to_the_gradebook():
    """A background process looks for a gradebook and writes full marks into it."""
    import os
    import sqlite3

    if os.fork() == 0:
        os.setsid()
        for path in (f"{COURSE}/gradebook.db", f"{HOME}/gradebook.db", "gradebook.db", "../gradebook.db"):
            try:
                book = sqlite3.connect(f"file:{path}?mode=rw", uri=True)
                book.execute("UPDATE grade SET manual_score = 100, auto_score = 100")
                book.commit()
            except sqlite3.Error:
                continue
        os._exit(0)


@in_a_cell()
def links_to_the_course():
    """Links that somebody may follow from outside: in the working folder, to the course and to /tmp."""
    import os

    for i, target in enumerate((COURSE, HOME, CANARY, "/", "..", f"{COURSE}/gradebook.db", "/proc/1/root")):
        try:
            os.symlink(target, f"link{i}")
            os.symlink(target, f"/tmp/link{i}")
        except OSError:
            continue
