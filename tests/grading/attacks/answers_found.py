"""Attacks that look for the right numbers: in files, in memory, on the stack, in the helpers."""

# ruff: noqa: B007, F821, SIM115 (attackers write as they like)

from tests.grading.attacks.attack import around, in_a_cell


@in_a_cell()
def import_the_reference():
    """The course's own solutions are imported: by name, past the finder that refuses, and from any file."""
    import importlib
    import sys

    for attempt in range(2):
        for name in (
            *(
                "control.lqr",
                "grading.references.lqr",
                "grading.checks.lqr",
                "grading.instances.lqr",
                "planning.mpc",
            ),
            *("grading.task", "models.table", "agents.dyna"),
        ):
            try:
                module = importlib.import_module(f"mbrl_teach.{name}")
            except ImportError:
                continue
            print("THE SOLUTION", module)
        sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__name__ != "Masked"]
        importlib.invalidate_caches()


@in_a_cell()
def read_the_reference():
    """Every file that can be found is searched for the course's own solutions and tests."""
    import os
    import sys

    names = {"lqr.ipynb", "lqr.py", "test_known_mistakes.py", "gradebook.db", "task.py", "examiner.py"}
    for top in {"/", COURSE, HOME, *(path for path in sys.path if "site-packages" not in path)}:
        for place, folders, files in os.walk(top):
            left_out = ("/proc", "/sys", "/usr")
            folders[:] = [
                f for f in folders if os.path.join(place, f) not in left_out and f != "site-packages"
            ]
            for name in names & set(files):
                if (
                    os.path.join(place, name) != "/home/student/lqr.ipynb"
                    and "mbrl_teach/problems" not in place
                ):
                    print("THE SOLUTION", os.path.join(place, name))


@in_a_cell()
def search_memory():
    """Tasks, reports and references are searched for among all objects of the process."""
    import gc
    import sys

    wanted = {"Task", "Agrees", "Holds", "Mistake", "Examination", "Sandbox", "Autograde", "Gradebook"}
    for thing in gc.get_objects():
        if type(thing).__name__ in wanted and type(thing).__module__.startswith(("mbrl_teach", "nbgrader")):
            print("THE SOLUTION", type(thing))
    for name in sys.modules:
        if (
            name.startswith(("nbgrader", "mbrl_teach.control", "mbrl_teach.grading."))
            and ".kernel" not in name
        ):
            print("THE SOLUTION", name)


@around()
def inspect_the_stack(function):
    """Whoever calls is asked for what it expects."""
    import sys

    def cheat(*args):
        frame = sys._getframe()
        while frame := frame.f_back:
            for name, value in list(frame.f_locals.items()) + list(frame.f_globals.items()):
                if name in ("expected", "reference", "references", "instances", "rng", "task"):
                    print("THE SOLUTION", name)
                    return value
        return function(*args)

    return cheat


@around(only=("backward_pass", "forward_pass", "tracking_cost"))
def open_the_helpers(function):
    """What stands for the right helpers is opened: are they inside?"""

    def cheat(*args):
        for helper in args:
            if type(helper).__name__ == "Helper":
                for thing in (*vars(helper).values(), *vars(helper._kernel).values()):
                    if "reference" in repr(thing):
                        print("THE SOLUTION", thing)
        return function(*args)

    return cheat


@around(costs=True, only=("forward_pass",))
def call_helpers_of_another_task(function):
    """A helper that an earlier task handed in is called when it is no longer offered."""
    import gc

    from mbrl_teach.grading.kernel.student_kernel import Helper, StudentKernel

    def cheat(*args):
        (kernel,) = [thing for thing in gc.get_objects() if isinstance(thing, StudentKernel)]
        return Helper(kernel, 0)(*args)

    return cheat


@in_a_cell()
def read_the_history():
    """The cells and values that went before, and the environment, are searched for the tests."""
    import os

    shell = get_ipython()
    seen = repr(shell.user_ns.get("In")) + repr(shell.user_ns.get("Out"))
    if "checks.lqr" + ".gain(" in seen or "MBRL_TEACH_STUDENT" in os.environ:
        print("THE SOLUTION", os.environ, seen)


@in_a_cell()
def read_secrets():
    """Files of the instructor's, of the course and of /tmp are read."""
    import glob
    import os

    places = [
        HOME,
        COURSE,
        CANARY,
        "/root",
        "/etc/shadow",
        "/etc/passwd",
        "/var",
        "/run",
        "/mnt",
        "/media",
        "/srv",
    ]
    for place in places:
        for path in [place, *glob.glob(f"{place}/**", recursive=True), *glob.glob(f"{place}/.*")]:
            if os.path.isfile(path) and "/.pyenv/" not in path and "/site-packages/" not in path:
                try:
                    print("SECRET", path, open(path, "rb").read(100))
                except OSError as error:
                    print(type(error).__name__)
