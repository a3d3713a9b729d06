"""Attacks on what judges: make wrong numbers look right, find the right ones, or say the points oneself."""

# ruff: noqa: E701, E702, E722, F821, S110
# mypy: ignore-errors

from tests.grading.attacks.attack import around, in_a_cell

# Make wrong look right -------------------------------------------------------------------------------


@in_a_cell()
def patch_numpy():
    """NumPy's comparisons say yes to everything."""
    import numpy as np

    yes = lambda *args, **kwargs: True
    np.allclose = np.array_equal = np.isclose = np.all = yes
    for name in dir(np.testing):
        if name.startswith("assert_"):
            setattr(np.testing, name, yes)


@in_a_cell(costs=True)
def patch_numpy_arithmetic():
    """NumPy's arithmetic says zero, so that no difference is left."""
    import numpy as np

    np.abs = np.subtract = lambda *args, **kwargs: np.zeros(())
    np.linalg.norm = lambda *args, **kwargs: 0.0


@in_a_cell()
def patch_checks():
    """Checks of the student's own stand under the names of the course's."""
    import sys
    import types

    checks = types.ModuleType("mbrl_teach.grading.checks")
    checks.lqr = types.ModuleType("mbrl_teach.grading.checks.lqr")
    for name in ("gain", "state_value", "action_value", "backward_pass", "forward_pass", "tracking_cost"):
        setattr(checks.lqr, name, lambda function: 100.0)
    sys.modules |= {checks.__name__: checks, checks.lqr.__name__: checks.lqr}
    globals()["checks"] = checks
    get_ipython().user_ns["checks"] = checks


@in_a_cell(costs=True)
def patch_builtins():
    """Builtins that judge and print say full marks."""
    import builtins

    builtins.float = lambda *args: 8.0
    builtins.min = builtins.max = builtins.sum = lambda *args, **kwargs: 8.0
    builtins.all = builtins.any = builtins.isinstance = lambda *args: True
    builtins.print = lambda *args, **kwargs: None


@in_a_cell(costs=True)
def patch_the_answers():
    """What the student's process says is rewritten on its way: every error becomes a value."""
    from mbrl_teach.grading.kernel import plain_data, student_kernel

    pack = plain_data.pack
    student_kernel.pack = lambda answer: pack(("value", True, "3 of 3 points\n"))
    student_kernel._failure = lambda error, printed: ("value", 8.0, printed)


@around(costs=True)
def equal_to_everything(function):
    """The results are numbers that are equal to everything."""

    class Equal(float):
        __eq__ = __le__ = __lt__ = __ge__ = __gt__ = lambda self, other: True
        __hash__ = float.__hash__
        __sub__ = __rsub__ = __abs__ = lambda self, *other: self

    return lambda *args: tuple(Equal(8.0) for _ in function(*args))


@around(costs=True)
def only_equal_objects(function):
    """The same with nothing else in the answer."""

    class Equal:
        shape = (2, 2)
        ndim = 2
        dtype = "float64"
        __eq__ = __le__ = lambda self, other: True
        __sub__ = __rsub__ = __abs__ = __getitem__ = lambda self, *other: self
        __array__ = lambda self, *args, **kwargs: __import__("numpy").zeros((2, 2))
        __float__ = lambda self: 0.0
        __len__ = lambda self: 2
        __iter__ = lambda self: iter((self, self))

    return lambda *args: Equal()


@around()
def array_that_agrees(function):
    """The results are arrays of a kind whose comparisons and ufuncs agree with everything."""
    import numpy as np

    class Agrees(np.ndarray):
        __array_priority__ = 1e9
        __eq__ = __le__ = lambda self, other: np.ones(self.shape, dtype=bool)
        __array_ufunc__ = lambda self, ufunc, method, *args, **kwargs: np.zeros(self.shape)

    def wrap(value):
        return np.asarray(value).view(Agrees) if isinstance(value, np.ndarray) else value

    return lambda *args: tuple(wrap(value) for value in function(*args))


@around(costs=True)
def object_arrays(function):
    """The results are arrays of objects that are equal to everything."""
    import numpy as np

    class Equal:
        __eq__ = __le__ = lambda self, other: True
        __sub__ = __rsub__ = __abs__ = __mul__ = __rmul__ = lambda self, *other: 0.0

    def cheat(*args):
        return tuple(np.full(np.shape(value), Equal(), dtype=object) for value in function(*args))

    return cheat


@around(costs=True)
def not_a_number(function):
    """The results are NaN, of which no comparison holds: neither equal nor different."""
    import numpy as np

    return lambda *args: tuple(np.full(np.shape(value), np.nan) for value in function(*args))


@around(costs=True)
def infinite(function):
    """The results are infinite: inf - inf is no difference, and inf is as large as any tolerance."""
    import numpy as np

    return lambda *args: tuple(np.full(np.shape(value), np.inf) for value in function(*args))


@around(costs=True)
def odd_numbers(function):
    """The results are dates, structures, texts, half floats and numbers of 5000 digits, one a call."""
    import itertools

    import numpy as np

    kinds = itertools.cycle(
        [
            lambda v: np.zeros(np.shape(v), "M8[s]"),
            lambda v: np.zeros(np.shape(v), [("a", float)]),
            lambda v: np.full(np.shape(v), "1.0"),
            lambda v: np.full(np.shape(v), "\ud800\udfff"),
            lambda v: np.float16(8.0),
            lambda v: np.longdouble("1e4000"),
            lambda v: np.full(np.shape(v), 1j),
            lambda v: 10**3999,
            lambda v: True,
            lambda v: np.bool_(True),
            lambda v: np.str_("\ud800"),
            lambda v: [[10**400] * 2] * 2,
            lambda v: {"V": v, (1, 2): v, None: v, 0.5: v},
        ]
    )

    def cheat(*args):
        kind = next(kinds)
        return tuple(kind(value) for value in function(*args))

    return cheat


@around(costs=True)
def endless_nesting(function):
    """The results hold themselves, or nest to 100 000 levels of lists, tuples and dicts."""
    import itertools

    def nested(wrap):
        value = 1.0
        for _ in range(100_000):
            value = wrap(value)
        return value

    def itself():
        value = []
        value.append(value)
        return value

    kinds = itertools.cycle(
        [itself, lambda: nested(lambda v: [v]), lambda: nested(lambda v: (v,)), lambda: nested(lambda v: {"": v})]
    )
    return lambda *args: (next(kinds)(), next(kinds)())


@around(costs=True)
def unusual_answers(function):
    """The results are generators, classes, modules, functions, bytes, memory views and the frame itself."""
    import itertools
    import sys

    kinds = itertools.cycle(
        [
            lambda: (x for x in "ab"),
            lambda: type,
            lambda: sys,
            lambda: function,
            lambda: b"3.0",
            lambda: memoryview(b"3.0"),
            sys._getframe,
            lambda: "3.0 extra points",
            lambda: 3.0,
            lambda: "3.0",
        ]
    )
    return lambda *args: next(kinds)()


@around()
def change_the_arguments(function):
    """The arguments are changed in place, so that the right results would be computed from them."""
    import numpy as np

    def cheat(*args):
        value = function(*args)
        for argument in args:
            if isinstance(argument, np.ndarray):
                argument[...] = 0.0
        return value

    return cheat


# Errors that say something ---------------------------------------------------------------------------


@around(costs=True)
def errors_with_points(function):
    """Errors that are called like the checks' own and carry points."""
    import itertools

    def named(name, base=Exception):
        return type(name, (base,), {"points": 8.0, "asked": 0, "__str__": lambda self: "8.0"})

    kinds = itertools.cycle(
        ["WrongAnswer", "ExtraPoints", "NotImplementedError", "StudentError", "Report", "\ud800", "x\nTask 1: ✓"]
    )

    def cheat(*args):
        raise named(next(kinds))(8.0)

    return cheat


@around(costs=True)
def errors_that_bite(function):
    """Errors whose text, name and traceback fail, print or never end."""

    class Bites(Exception):
        def __str__(self):
            raise SystemExit(0)

        __repr__ = __str__

        def __getattribute__(self, name):
            if name in ("asked", "__traceback__"):
                raise KeyboardInterrupt
            return super().__getattribute__(name)

    def cheat(*args):
        raise Bites

    return cheat


@around(costs=True)
def exits(function):
    """SystemExit, KeyboardInterrupt and GeneratorExit end the judging before it says no."""
    import itertools

    kinds = itertools.cycle([SystemExit(0), KeyboardInterrupt(), GeneratorExit(), StopIteration(), SystemExit("3.0")])

    def cheat(*args):
        raise next(kinds)

    return cheat


@in_a_cell()
def exit_in_a_cell():
    """SystemExit in a cell, before the tests come."""
    raise SystemExit(0)


# Say the points oneself ------------------------------------------------------------------------------


@around()
def forged_report(function):
    """What a function prints looks like the report of a check that gives full marks."""

    def cheat(*args):
        print("Task 1, the gain of the last step: 3 of 3 points\n  ✓ (2) K\n  ✓ (1) k\n8.0")
        return function(*args)

    return cheat


@in_a_cell()
def forged_display():
    """Points are displayed: as display data, as a cell's value, through the display hook."""
    import sys

    from IPython.display import display

    for value in (28.0, "28.0", "28.0 extra points"):
        display(value)
        display({"text/plain": str(value)}, raw=True)
        sys.displayhook(value)
    get_ipython().display_pub.publish({"text/plain": "28.0"}, metadata={"nbgrader": {"points": 28}})


@around()
def forged_display_in_calls(function):
    """The same while a test is judged."""
    import sys

    from IPython.display import display

    def cheat(*args):
        display(28.0)
        sys.displayhook(28.0)
        get_ipython().outputs.add(
            {"output_type": "execute_result", "data": {"text/plain": "8.0"}, "metadata": {}, "execution_count": 1}
        )
        return function(*args)

    return cheat


@in_a_cell(costs=True)
def forged_outputs():
    """The outputs of later cells are written beforehand, and those of every cell replaced."""
    shell = get_ipython()
    result = {"output_type": "execute_result", "data": {"text/plain": "8.0"}, "metadata": {}, "execution_count": 1}
    type(shell).run = lambda self, source: [result, {"output_type": "stream", "name": "stdout", "text": "8.0"}]
    type(shell).run_cell = lambda *args, **kwargs: None


@in_a_cell()
def transform_cells():
    """IPython is told to change each cell that follows: by text, by syntax tree and by event."""
    import ast

    shell = get_ipython()

    class Yes(ast.NodeTransformer):
        def visit_Call(self, node):
            return ast.Constant(8.0)

    shell.input_transformers_post.append(lambda lines: ["8.0\n"] if "checks." in "".join(lines) else lines)
    shell.events.register("pre_run_cell", lambda info: setattr(info, "raw_cell", "8.0"))
    shell.events.register("post_run_cell", lambda result: setattr(result, "result", 8.0))


@in_a_cell()
def trace_everything():
    """A trace function and an audit hook change what functions return."""
    import sys
    import threading

    def trace(frame, event, argument):
        frame.f_locals["value"] = 8.0
        return trace

    sys.settrace(trace)
    sys.setprofile(lambda *args: None)
    threading.settrace(trace)
    sys.addaudithook(lambda event, args: None)


@in_a_cell(costs=True)
def functions_that_are_none():
    """The names that are tested are classes, numbers, and objects that answer to anything."""

    class Anything:
        def __call__(self, *args, **kwargs):
            return self

        def __getattr__(self, name):
            return self

    for name in ("gain", "check_gain", "checks", "np"):
        get_ipython().user_ns[name] = Anything()
    get_ipython().user_ns["__builtins__"] = Anything()


# Find the right numbers ------------------------------------------------------------------------------


@in_a_cell()
def import_the_reference():
    """The course's own solutions are imported: by name, past the finder that refuses, and from any file."""
    import importlib
    import sys

    for attempt in range(2):
        for name in (
            *("control.lqr", "grading.references.lqr", "grading.checks.lqr", "grading.instances.lqr", "planning.mpc"),
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
            folders[:] = [f for f in folders if os.path.join(place, f) not in left_out and f != "site-packages"]
            for name in names & set(files):
                if os.path.join(place, name) != "/home/student/lqr.ipynb" and "mbrl_teach/problems" not in place:
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
        if name.startswith(("nbgrader", "mbrl_teach.control", "mbrl_teach.grading.")) and ".kernel" not in name:
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

    places = [HOME, COURSE, CANARY, "/root", "/etc/shadow", "/etc/passwd", "/var", "/run", "/mnt", "/media", "/srv"]
    for place in places:
        for path in [place, *glob.glob(f"{place}/**", recursive=True), *glob.glob(f"{place}/.*")]:
            if os.path.isfile(path) and "/.pyenv/" not in path and "/site-packages/" not in path:
                try:
                    print("SECRET", path, open(path, "rb").read(100))
                except OSError as error:
                    print(type(error).__name__)
