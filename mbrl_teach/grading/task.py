"""What a task of an assignment is, and how an answer to it is examined.

A `Task` is a list of properties, each worth points. A property is tried on random instances: `Agrees`
compares named results with a reference, `Holds` applies a test of its own. A task is called with the
student's function; it prints a report and its value is the points of the properties that hold:

    checks.lqr.backward_pass(lqr_backward)

For every property that fails the report names the first wrong quantity, and the known mistake whose
results are the same as the student's, if there is one. A mistake is a small wrong implementation that
also says which properties it costs, so that tests can prove that it loses those points and no others.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from mbrl_teach.grading.first_difference import Difference, first_difference, has_time, same
from mbrl_teach.grading.report import Report, Verdict
from mbrl_teach.grading.results import Outputs, name_results, read_results, sizes_in_words
from mbrl_teach.grading.student_call import Answer, ask_once, call

Case = tuple  # the arguments of one call


TOLERANCE = 1e-5  # of a result's largest entry: also an answer by numerical minimisation is right


@dataclass(frozen=True)
class Agrees:
    """The named results agree with the reference's on every case, to `tolerance` of their largest entry."""

    sentence: str
    points: float
    results: tuple[str, ...]
    cases: Callable[[np.random.Generator], Sequence[Case]]
    tolerance: float = TOLERANCE


@dataclass(frozen=True)
class Holds:
    """`test(case, results)` returns None on every case, or a sentence that says what is wrong.

    The test sees all results, in their right shapes and finite. Results that are a known mistake's, to
    `tolerance`, are named as such; where the test returns a `Difference`, its quantity alone will do.
    """

    sentence: str
    points: float
    test: Callable[[Case, Outputs], str | Difference | None]
    cases: Callable[[np.random.Generator], Sequence[Case]]
    tolerance: float = TOLERANCE


@dataclass(frozen=True)
class Mistake:
    """A known wrong implementation: how a message names it, and the sentences of the properties it costs."""

    name: str
    function: Callable
    loses: tuple[str, ...]


def mistakes_of(changed: Callable, *rows: tuple[str, Mapping[str, Any], tuple[str, ...]]) -> list[Mistake]:
    """Mistakes from rows (name, the keywords that `changed` is given, the sentences that it loses)."""
    return [Mistake(name, partial(changed, **changes), loses) for name, changes, loses in rows]


class ExtraPoints(float):
    """Points beyond full marks, as a check's value: they read ``3.0 extra points``, no mark to nbgrader."""

    def __repr__(self) -> str:
        return f"{float(self)} extra points"


@dataclass(frozen=True)
class Task:
    """One task: `name` seeds its instances, `results` are the axes of each result, in the order returned.

    `reference` computes them rightly, `time` says in which direction: "backward" if the last step is
    computed first. `objective` is the learning objective that the task belongs to. `ask` makes a case's
    results of a function, where that takes more than one call: a function that draws is asked many times.
    The points of an `extra` task come on top of an assignment's (see `grading.extra_points`).
    """

    name: str
    title: str
    objective: str
    results: Mapping[str, str]
    reference: Callable
    properties: Sequence[Agrees | Holds]
    mistakes: Sequence[Mistake] = ()
    time: str = "forward"
    ask: Callable[[Callable, Case], Any] = ask_once
    extra: bool = False

    @property
    def points(self) -> float:
        """The points of all properties together."""
        return float(sum(p.points for p in self.properties))

    def __call__(self, student: Callable) -> float:
        """Examine `student`, print the report and return the points."""
        report = self.examine(student, instances(self.name))
        print(report)
        return ExtraPoints(report.points) if self.extra else report.points

    def examine(self, student: Callable, rng: np.random.Generator) -> Report:
        """Try every property; each case is called once, also where properties share it."""
        examination = _Examination(self, student, rng)
        with warnings.catch_warnings(), np.errstate(all="ignore"):  # of overflow in judging wild results
            warnings.simplefilter("ignore")
            problems = examination.problems()
        judged = zip(self.properties, problems, strict=True)
        verdicts = tuple(Verdict(p.sentence, p.points, problem) for p, problem in judged)
        return Report(self.title, verdicts, examination.printed, self.extra)


def instances(task: str) -> np.random.Generator:
    """Random instances of a task: in practice always the same, when grading each student's own.

    The grader names the student in the environment variable MBRL_TEACH_STUDENT.
    """
    student = os.environ.get("MBRL_TEACH_STUDENT", "practice")
    digest = hashlib.sha256(f"{student}\n{task}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))


@dataclass(frozen=True)
class _Failure:
    """What is wrong with a property, and the names of the mistakes that have the same results."""

    problem: str
    suspects: tuple[str, ...] = ()


@dataclass
class _Examination:
    """One student's answer to one task; keeps the cases and answers that properties share.

    Answers are the student's, the reference's and the known mistakes': each function is asked once a case.
    """

    task: Task
    student: Callable
    rng: np.random.Generator
    cases: dict[Callable, Sequence[Case]] = field(default_factory=dict)
    answers: dict[tuple[Callable, int], Answer] = field(default_factory=dict)
    expected: dict[tuple[Callable, int], Outputs] = field(default_factory=dict)
    mistaken: dict[tuple[Callable, int, Callable], Answer] = field(default_factory=dict)
    printed: str = ""

    def problems(self) -> list[str | None]:
        """For every property what is wrong with it, with the mistake it looks like; None if it holds."""
        failures = [self._failure(prop) for prop in self.task.properties]
        lost = tuple(p.sentence for p, failure in zip(self.task.properties, failures, strict=True) if failure)
        explained = Counter(name for failure in failures if failure for name in failure.suspects)
        loses = {mistake.name: mistake.loses for mistake in self.task.mistakes}

        def told(failure: _Failure) -> str:
            # Of several suspects the one whose losses are the student's, or at least no others, or that
            # explains most of them.
            weight = lambda name: (loses[name] == lost, set(loses[name]) <= set(lost), explained[name])
            likely = max(failure.suspects, key=weight, default=None)
            return f"{failure.problem}\nLooks like: {likely}" if likely else failure.problem

        return [told(failure) if failure else None for failure in failures]

    def _failure(self, prop: Agrees | Holds) -> _Failure | None:
        """What is wrong with the first case in which the property fails; None if it holds in all."""
        if prop.cases not in self.cases:
            self.cases[prop.cases] = prop.cases(self.rng)
        for i, case in enumerate(self.cases[prop.cases]):
            answer = self._answer(prop.cases, i, case)
            failure = _Failure(answer.error) if answer.error else self._judge(prop, i, case, answer.value)
            if failure:
                return failure
        return None

    def _answer(self, cases: Callable, i: int, case: Case) -> Answer:
        if (cases, i) not in self.answers:
            self.answers[cases, i] = call(self.student, case, self.task.ask)
            self.printed += self.answers[cases, i].printed
        return self.answers[cases, i]

    def _expected(self, cases: Callable, i: int, case: Case) -> Outputs:
        if (cases, i) not in self.expected:
            self.expected[cases, i] = name_results(self.task, self.task.ask(self.task.reference, case))
        return self.expected[cases, i]

    def _mistaken(self, mistake: Mistake, cases: Callable, i: int, case: Case) -> Answer:
        key = cases, i, mistake.function
        if key not in self.mistaken:
            self.mistaken[key] = call(mistake.function, case, self.task.ask)
        return self.mistaken[key]

    def _judge(self, prop: Agrees | Holds, i: int, case: Case, value: Any) -> _Failure | None:
        expected = self._expected(prop.cases, i, case)
        try:
            found = self._read(prop, value, expected)
        except ValueError as error:
            return _Failure(str(error))
        everything = dict.fromkeys(found, ...)
        if isinstance(prop, Holds):
            problem = prop.test(case, found)
            parts = (everything, problem.where) if isinstance(problem, Difference) else (everything,)
        else:
            axes = {name: self.task.results[name] for name in prop.results}
            problem = first_difference(found, expected, axes, prop.tolerance, self.task.time)
            parts = (everything, problem.where) if problem else ()
        if problem is None:
            return None
        suspects = self._known_mistakes(prop, i, case, found, expected, parts)
        if isinstance(prop, Agrees):
            problem = self._from_the_earliest(problem, value, expected, prop.tolerance)
        return _Failure(f"{problem}{sizes_in_words(self.task, expected)}", suspects)

    def _from_the_earliest(self, problem: Difference, value: Any, expected: Outputs, tolerance: float) -> str:
        """`problem` in words; where another result went wrong at an earlier step, that one before it."""
        timed = {name: axes for name, axes in self.task.results.items() if has_time(axes)}
        found = {}
        for name in timed:
            with contextlib.suppress(Exception):  # what cannot be read costs its own property's points
                found |= read_results(self.task, value, expected, (name,), finite=False)
        axes = {name: timed[name] for name in found}
        first = first_difference(found, expected, axes, tolerance, self.task.time)
        if problem.name not in timed or first.step == problem.step:
            return str(problem)
        return f"{first}\nthen {problem.in_words}"

    def _read(self, prop: Agrees | Holds, value: Any, expected: Outputs) -> Outputs:
        """The results that the property is about. `Agrees` itself finds where a NaN came first in time."""
        wanted = {"wanted": prop.results, "finite": False} if isinstance(prop, Agrees) else {}
        try:
            return read_results(self.task, value, expected, **wanted)
        except ValueError:
            raise
        except Exception as error:  # from a conversion of its own, as some tensors have
            what = f"{type(error).__name__}: {error}"
            raise ValueError(f"your results do not turn into arrays of numbers: {what}") from error

    def _known_mistakes(self, prop, i: int, case: Case, found, expected, parts) -> tuple[str, ...]:
        """The mistakes with the student's results, in the first of `parts` (name → index) or the next."""
        wrong = {}
        for mistake in self.task.mistakes:
            try:
                answer = self._mistaken(mistake, prop.cases, i, case)
                wrong[mistake.name] = self._read(prop, answer.value, expected)
            except ValueError:
                continue
        for part in parts:
            if part is not parts[0] and not any(found[name][where].any() for name, where in part.items()):
                continue  # zeros at one step may never have been written
            suspects = tuple(
                name
                for name, outputs in wrong.items()
                if not same(outputs, expected, part, prop.tolerance)
                and same(found, outputs, part, prop.tolerance)
            )
            if suspects:
                return suspects
        return ()
