"""Attacks that say the points themselves, by what they print, display and change in IPython."""

# ruff: noqa: F821 (attackers write as they like)

from tests.grading.attacks.attack import around, in_a_cell


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
            {
                "output_type": "execute_result",
                "data": {"text/plain": "8.0"},
                "metadata": {},
                "execution_count": 1,
            }
        )
        return function(*args)

    return cheat


@in_a_cell(costs=True)
def forged_outputs():
    """The outputs of later cells are written beforehand, and those of every cell replaced."""
    shell = get_ipython()
    result = {
        "output_type": "execute_result",
        "data": {"text/plain": "8.0"},
        "metadata": {},
        "execution_count": 1,
    }
    type(shell).run = lambda self, source: [
        result,
        {"output_type": "stream", "name": "stdout", "text": "8.0"},
    ]
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


# Errors that say something ---------------------------------------------------------------------------


@around(costs=True)
def errors_with_points(function):
    """Errors that are called like the checks' own and carry points."""
    import itertools

    def named(name, base=Exception):
        return type(name, (base,), {"points": 8.0, "asked": 0, "__str__": lambda self: "8.0"})

    kinds = itertools.cycle(
        [
            "WrongAnswer",
            "ExtraPoints",
            "NotImplementedError",
            "StudentError",
            "Report",
            "\ud800",
            "x\nTask 1: ✓",
        ]
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

    kinds = itertools.cycle(
        [SystemExit(0), KeyboardInterrupt(), GeneratorExit(), StopIteration(), SystemExit("3.0")]
    )

    def cheat(*args):
        raise next(kinds)

    return cheat


@in_a_cell()
def exit_in_a_cell():
    """SystemExit in a cell, before the tests come."""
    raise SystemExit(0)
