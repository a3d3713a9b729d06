"""Attacks on the machine: take all of it, leave the sandbox, stay after the end, reach the next student."""

# ruff: noqa: E701, E702, E722, F821, S110
# mypy: ignore-errors

from tests.grading.attacks.attack import around, in_a_cell

# Take all there is -----------------------------------------------------------------------------------


@in_a_cell(costs=True, dangerous=True)
def fork_bomb():
    """Processes fork without end."""
    import os

    while True:
        try:
            os.fork()
        except OSError:
            pass


@in_a_cell(dangerous=True)
def thread_bomb():
    """Threads start without end."""
    import threading
    import time

    try:
        while True:
            threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
    except RuntimeError:
        pass


@in_a_cell(costs=True, dangerous=True)
def memory_of_one_process():
    """One process takes all memory."""
    hoard = []
    while True:
        hoard.append(bytearray(b"x" * 2**24))


@in_a_cell(costs=True, dangerous=True)
def memory_of_many_processes():
    """Thirty processes take as much as each may."""
    import os
    import time

    for _ in range(30):
        if os.fork() == 0:
            hoard = []
            try:
                while True:
                    hoard.append(bytearray(b"x" * 2**24))
            except MemoryError:
                time.sleep(1000)
    time.sleep(1000)


@in_a_cell(costs=True, dangerous=True)
def memory_that_nobody_sees():
    """Shared memory is written and let go of, so that it counts for no process."""
    import mmap
    import os
    import time

    for _ in range(10):
        if os.fork() == 0:
            hoard = []
            while True:
                shared = mmap.mmap(-1, 2**26)
                for start in range(0, 2**26, 2**20):
                    shared[start : start + 2**20] = b"x" * 2**20
                shared.madvise(mmap.MADV_DONTNEED)
                hoard.append(shared)
    time.sleep(1000)


@in_a_cell(dangerous=True)
def memory_of_no_process():
    """Memory files and System V segments, which belong to no process, are filled."""
    import ctypes
    import os

    libc = ctypes.CDLL(None)
    handles = []
    for i in range(100):
        try:
            handle = os.memfd_create("x")
            os.write(handle, b"x" * 2**24)
            handles.append(handle)
        except OSError:
            break
        if i > 10:
            print("SECRET: 160 MB in memory files")
            break
    if libc.shmget(0, 2**30, 0o1600) != -1:
        print("SECRET: a gigabyte of System V memory")
    for handle in handles:
        os.close(handle)


@in_a_cell(dangerous=True)
def fill_the_disk():
    """Every place that can be written is filled with large files."""
    import os

    written = 0
    for place in ("/tmp", "/dev/shm", "/home/student", "/var/tmp", "/dev", "/run", HOME, COURSE):
        for i in range(1000):
            try:
                with open(os.path.join(place, f"fill{i}"), "wb") as file:
                    for _ in range(100):
                        written += file.write(b"x" * 2**20)
                        file.flush()
            except OSError:
                break
    if written > 2**30:
        print("SECRET: more than a gigabyte was written")


@in_a_cell(dangerous=True)
def many_files():
    """Every place that can be written is filled with empty files."""
    import os

    made = 0
    for place in ("/tmp", "/dev/shm", "/home/student", "/dev", HOME, COURSE):
        try:
            for i in range(100_000):
                open(os.path.join(place, f"f{i}"), "w").close()
                made += 1
        except OSError:
            continue
    if made > 20_000:
        print("SECRET: that many files were made", made)


@in_a_cell(dangerous=True)
def all_handles():
    """Files, pipes and pairs of sockets are opened until there are no more."""
    import os
    import socket

    globals()["KEPT"] = kept = []
    try:
        while True:
            kept.extend(os.pipe())
            kept.extend(socket.socketpair())
    except OSError:
        for thing in kept[:20]:
            os.close(thing) if isinstance(thing, int) else thing.close()


@in_a_cell()
def raise_the_limits():
    """The limits are raised first."""
    import resource

    for kind in range(16):
        try:
            resource.setrlimit(kind, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            if kind in (resource.RLIMIT_AS, resource.RLIMIT_NPROC, resource.RLIMIT_FSIZE, resource.RLIMIT_CPU):
                print("SECRET: this limit could be raised", kind)
        except (OSError, ValueError):
            continue


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


# Leave the sandbox -----------------------------------------------------------------------------------


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

    names = [line.split()[-1] for line in open("/proc/net/unix").read().splitlines()[1:] if "@" in line or "/" in line]
    names += ["@canary", "/var/run/docker.sock", "/run/postgresql/.s.PGSQL.5432", *glob.glob("/tmp/**/*.sock")]
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

    for call in (os.setuid, os.setgid, os.seteuid, lambda n: os.setresuid(n, n, n), lambda n: os.setgroups([n])):
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
    for command in (["unshare", "-Ur", "id", "-u"], ["bwrap", "--unshare-user", "--ro-bind", "/", "/", "id", "-u"]):
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

    places = [*mbrl_teach.__path__, *site.getsitepackages(), sys.prefix, "/usr/bin", "/etc", "/dev", "/", "/opt"]
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


# Stay after the end ----------------------------------------------------------------------------------


@in_a_cell(dangerous=True)
def daemons():
    """Processes detach themselves twice, in sessions of their own, and wait for the next student."""
    import ctypes
    import os
    import time

    for _ in range(5):
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                ctypes.CDLL(None).prctl(15, b"mbrl-left-over")
                while True:
                    try:
                        time.sleep(1000)
                    except BaseException:
                        continue
            os._exit(0)


@in_a_cell(dangerous=True)
def programs_in_the_background():
    """Programs are started that go on by themselves."""
    import subprocess

    subprocess.Popen(["sh", "-c", "trap '' HUP INT TERM; setsid sleep 31415926 & setsid sleep 31415926"])
    subprocess.Popen(["nohup", "sleep", "31415926"], start_new_session=True)


@in_a_cell()
def threads_that_stay():
    """Threads change NumPy and the student's functions while the tests are judged."""
    import threading

    import numpy as np

    def go_on():
        while True:
            np.allclose = np.array_equal = lambda *args, **kwargs: True
            get_ipython().user_ns["check_gain"] = 3.0

    thread = threading.Thread(target=go_on, daemon=True)
    thread.start()


@in_a_cell()
def timers_that_stay():
    """Alarms interrupt what comes later."""
    import signal

    signal.signal(signal.SIGALRM, lambda *args: None)
    signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)


# Reach the next student ------------------------------------------------------------------------------


@in_a_cell()
def letters_to_the_next():
    """Whatever might outlive the process is written: files, shared memory, semaphores, queues, keyrings.

    What an earlier attacker has left is looked for first.
    """
    import ctypes
    import glob
    import os
    import socket

    word = "letter-to-the-next"
    libc = ctypes.CDLL(None, use_errno=True)
    for place in ("/tmp", "/dev/shm", "/home/student", "/home", "/dev", "/var/tmp", "/dev/mqueue", "/run", "/usr"):
        for path in glob.glob(f"{place}/*{word}*"):
            print("SECRET: a letter", path)
        try:
            open(f"{place}/{word}", "w").close()
        except OSError:
            continue
    for number, kind in ((248, b"user"), (248, b"logon")):
        if libc.syscall(number, kind, b"x:" + word.encode(), b"x", 1, -4) > 0:
            print("SECRET: a keyring can be written")
    for name in ("semget", "shmget", "msgget"):
        arguments = {"semget": (4711, 1, 0o1600), "shmget": (4711, 4096, 0o1600), "msgget": (4711, 0o1600)}[name]
        exclusive = [a | 0o2000 if i == len(arguments) - 1 else a for i, a in enumerate(arguments)]
        if getattr(libc, name)(*exclusive) == -1 and ctypes.get_errno() == 17:
            print("SECRET: a letter in", name)
    try:
        socket.socket(socket.AF_UNIX).connect(f"\0{word}")
        print("SECRET: a letter by socket")
    except OSError:
        globals()["KEPT"] = socket.socket(socket.AF_UNIX)
        KEPT.bind(f"\0{word}")
        KEPT.listen()
    import mbrl_teach.problems.particle as particle
    import numpy as np

    if hasattr(np, "letter") or hasattr(particle, "letter") or os.environ.get("LETTER"):
        print("SECRET: a letter in a module")
    np.letter = particle.letter = os.environ["LETTER"] = word


@in_a_cell(costs=True)
def change_what_is_shared():
    """Modules, libraries in memory and IPython's profile are changed for whoever comes next."""
    import os

    import numpy as np
    from mbrl_teach.problems.particle import Particle

    Particle.linear_quadratic = lambda self: None
    np.linalg.solve = lambda *args: None
    for place in (os.path.expanduser("~/.ipython/profile_default/startup"), os.path.expanduser("~/.local/lib")):
        os.makedirs(place, exist_ok=True)
        open(os.path.join(place, "sitecustomize.py"), "w").write("import numpy; numpy.letter = 1")


@in_a_cell()
def hold_locks():
    """Locks that others may need are taken and kept: of files, of tqdm, of imports."""
    import fcntl
    import threading

    import tqdm

    globals()["KEPT"] = []
    for path in ("/usr/bin/env", "/dev/null", "/etc/localtime", "/dev/urandom"):
        try:
            file = open(path)
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            KEPT.append(file)
        except OSError:
            continue
    threading.Thread(target=tqdm.tqdm.get_lock().acquire, daemon=True).start()


# Say much --------------------------------------------------------------------------------------------


@in_a_cell()
def print_without_end():
    """A gigabyte is printed, line by line and at once."""
    line = "x" * 1000
    for _ in range(20_000):
        print(line)
    print("x" * 10**8)


@in_a_cell()
def display_without_end():
    """A thousand displays of a hundred kilobytes each."""
    from IPython.display import display

    for _ in range(1000):
        display({"text/plain": "x" * 100_000, "image/png": "A" * 100_000}, raw=True)


@in_a_cell()
def write_to_the_terminal():
    """Points are written to the file handles 1 and 2, to /dev/tty and to every pseudo terminal."""
    import glob
    import os

    for handle in (0, 1, 2):
        try:
            os.write(handle, b"28.0\n" * 1000)
        except OSError:
            continue
    for path in ("/dev/tty", "/dev/console", "/dev/ptmx", *glob.glob("/dev/pts/*"), *glob.glob("/dev/tty*")):
        try:
            with open(path, "w") as file:
                file.write("28.0\n")
        except OSError:
            continue
