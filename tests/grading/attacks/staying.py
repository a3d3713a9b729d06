"""Attacks that stay after the end, or reach the next student."""

# ruff: noqa: F821, SIM115 (attackers write as they like)

from tests.grading.attacks.attack import in_a_cell

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
    for place in (
        "/tmp",
        "/dev/shm",
        "/home/student",
        "/home",
        "/dev",
        "/var/tmp",
        "/dev/mqueue",
        "/run",
        "/usr",
    ):
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
        arguments = {"semget": (4711, 1, 0o1600), "shmget": (4711, 4096, 0o1600), "msgget": (4711, 0o1600)}[
            name
        ]
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
    import numpy as np

    import mbrl_teach.problems.particle as particle

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
    for place in (
        os.path.expanduser("~/.ipython/profile_default/startup"),
        os.path.expanduser("~/.local/lib"),
    ):
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
