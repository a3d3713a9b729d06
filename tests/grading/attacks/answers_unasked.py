"""Attacks on what the two processes say to each other: answers that nobody asked for, and wild calls."""

# ruff: noqa: F821 (attackers write as they like)

from tests.grading.attacks.attack import around, in_a_cell
from tests.grading.attacks.connection import ALL, say, the_kernel

# Answers that were not asked for ---------------------------------------------------------------------


@in_a_cell(**ALL)
def answer_before_the_question():
    """The tests' answers are sent while a cell still runs."""
    say("outputs", [])
    say("kind", "function")
    for _ in range(4):
        say("value", True, "3 of 3 points\n")


@around(**ALL)
def answer_twice(function):
    """Each call is answered at once, and then once more by the kernel."""

    def cheat(*args):
        value = function(*args)
        say("value", value, "")
        return value

    return cheat


@around(**ALL)
def answer_to_no_question(function):
    """Each call is answered by what only other questions have: outputs, kinds, points, an unknown word."""
    import itertools

    words = itertools.cycle(
        [
            ("outputs", [{"output_type": "execute_result", "data": {"text/plain": "8.0"}}]),
            ("kind", "function"),
            ("done",),
            ("points", 8.0),
            ("value", 8.0, "", 8.0),
            ("value",),
            ("error",),
            ("error", 1, 2, 3, 4, 5),
            (8.0,),
            (),
        ]
    )
    return lambda *args: say(*next(words))


@around(**ALL)
def error_with_anothers_number(function):
    """An error says that a helper has raised it which was never asked."""
    return lambda *args: say("error", "WrongAnswer", "fine", ["\x1b[2J"] * 10**5, 10**9, "x" * 10**6)


@in_a_cell(**ALL)
def forged_outputs_of_a_cell():
    """A cell's outputs are of wrong types, and far too many."""
    wrong = [
        1,
        None,
        [],
        {"output_type": ["stream"]},
        {"output_type": "execute_result", "data": {"text/plain": 8}},
    ]
    wrong += [
        {"output_type": "stream", "name": {}, "text": [1, 2]},
        {"output_type": "error", "traceback": {}},
    ]
    wrong += [
        {"output_type": "display_data", "data": {"text/html": "<script>alert(1)</script>", "image/png": "<>"}}
    ]
    say("outputs", wrong * 1000)


@in_a_cell(uses=(the_kernel, say))
def outputs_that_say_points():
    """A cell's outputs hold what the result of a test looks like."""
    import os

    if os.fork() == 0:
        os._exit(0)
    get_ipython().outputs.add(
        {"output_type": "execute_result", "data": {"text/plain": "28.0"}, "metadata": {}}
    )


@in_a_cell(**ALL)
def two_that_answer():
    """A forked child goes on serving beside its parent: both answer each question."""
    import os

    os.fork()


@in_a_cell(**ALL)
def a_thread_that_answers():
    """A thread that outlives its cell goes on sending answers."""
    import threading
    import time

    def go_on():
        while True:
            say("value", [8.0], "")
            time.sleep(0.01)

    threading.Thread(target=go_on, daemon=True).start()


@in_a_cell(**ALL)
def read_the_questions():
    """A thread takes the examiner's next questions away, and looks for the right numbers in them."""
    import threading

    connection = the_kernel().connection
    threading.Thread(target=lambda: [connection.recv_bytes()], daemon=True).start()


# Calls of the examiner's helpers ---------------------------------------------------------------------


@around(only=("gain", "backward_pass"), **ALL)
def ask_for_no_helper(function):
    """Helpers are asked by numbers that none has."""
    import itertools

    numbers = itertools.cycle([-1, 3, 10**30, True, 0.0, "0", None, float("nan")])
    return lambda *args: say("ask", next(numbers), args[:1], {})


@around(only=("gain", "state_value"), **ALL)
def ask_without_form(function):
    """Helpers are asked with arguments that are no arguments."""
    import itertools

    forms = itertools.cycle([(0,), (0, (), {}, 8.0), (0, 5, {}), (0, (), 5), (0, (), {1: 2}), (0, {}, ())])
    return lambda *args: say("ask", *next(forms))


@around(only=("backward_pass",), **ALL)
def ask_wildly(function):
    """Helpers are asked with texts, wrong shapes, strangers and keywords, and their errors are read."""
    import numpy as np

    def cheat(F, f, C, c, action_value, gain, state_value):
        for helper in (action_value, gain, state_value):
            for args in (
                (),
                ("x",) * 6,
                (object(),) * 3,
                (np.zeros((2, 2)),) * 6,
                ({},) * 4,
                (np.array("x"),) * 3,
            ):
                for keywords in ({}, {"n": 1}, {"__class__": 1}):
                    try:
                        print(helper(*args, **keywords))
                    except Exception as error:
                        print(error)
        return function(F, f, C, c, action_value, gain, state_value)

    return cheat


@around(only=("backward_pass",), **ALL)
def ask_for_100_gigabytes(function):
    """A helper is asked for a product of matrices that no machine holds."""
    import numpy as np

    def cheat(F, f, C, c, action_value, gain, state_value):
        wide = np.ones((1, 110_000))
        return action_value(wide, np.ones(1), 0.0, 0.0, np.ones((1, 1)), np.ones(1))

    return cheat


@around(only=("backward_pass",), **ALL)
def ask_for_20_gigabytes(function):
    """A helper is asked for what the machine might just hold, again and again."""
    import numpy as np

    def cheat(F, f, C, c, action_value, gain, state_value):
        wide = np.ones((1, 50_000))
        for _ in range(20):
            try:
                action_value(wide, np.ones(1), 0.0, 0.0, np.ones((1, 1)), np.ones(1))
            except Exception as error:
                print(error)
        return None

    return cheat


@around(only=("backward_pass",), **ALL)
def ask_without_end(function):
    """Helpers are asked for ever."""

    def cheat(F, f, C, c, action_value, gain, state_value):
        while True:
            gain(C[0], c[0], 1)

    return cheat
