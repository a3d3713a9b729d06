"""Attacks that make wrong numbers look right to whoever compares them."""

# ruff: noqa: F821 (attackers write as they like)

from tests.grading.attacks.attack import around, in_a_cell


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
    full = {"gain": 3.0, "state_value": 4.0, "action_value": 4.0, "backward_pass": 8.0, "forward_pass": 4.0}
    for name, points in full.items():
        setattr(checks.lqr, name, lambda function, points=points: points)
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
        [
            itself,
            lambda: nested(lambda v: [v]),
            lambda: nested(lambda v: (v,)),
            lambda: nested(lambda v: {"": v}),
        ]
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
