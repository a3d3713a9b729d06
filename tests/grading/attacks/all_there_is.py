"""Attacks that take all there is: processes, memory, disk, output."""

# ruff: noqa: F821, SIM105 (attackers write as they like)

from tests.grading.attacks.attack import in_a_cell

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
            if kind in (
                resource.RLIMIT_AS,
                resource.RLIMIT_NPROC,
                resource.RLIMIT_FSIZE,
                resource.RLIMIT_CPU,
            ):
                print("SECRET: this limit could be raised", kind)
        except (OSError, ValueError):
            continue


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
