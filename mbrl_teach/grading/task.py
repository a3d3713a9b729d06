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

import hashlib
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from mbrl_teach.arguments import read_array
from mbrl_teach.grading.first_difference import Difference, first_difference, same
from mbrl_teach.grading.student_call import Answer, call

Case = tuple  # the arguments of one call
Outputs = dict[str, np.ndarray]


@dataclass(frozen=True)
class Agrees:
    """The named results agree with the reference's on every case, to `tolerance` of their largest entry."""

    sentence: str
    points: float
    results: tuple[str, ...]
    cases: Callable[[np.random.Generator], Sequence[Case]]
    tolerance: float = 1e-6


@dataclass(frozen=True)
class Holds:
    """`test(case, results)` returns None on every case, or a sentence that says what is wrong.

    The test sees all results, in their right shapes and finite. Results that are a known mistake's, to
    `tolerance`, are named as such.
    """

    sentence: str
    points: float
    test: Callable[[Case, Outputs], str | Difference | None]
    cases: Callable[[np.random.Generator], Sequence[Case]]
    tolerance: float = 1e-6


@dataclass(frozen=True)
class Mistake:
    """A known wrong implementation: how a message names it, and the sentences of the properties it costs."""

    name: str
    function: Callable
    loses: tuple[str, ...]


def mistakes_of(changed: Callable, *rows: tuple[str, Mapping[str, Any], tuple[str, ...]]) -> list[Mistake]:
    """Mistakes from rows (name, the keywords that `changed` is given, the sentences that it loses)."""
    return [Mistake(name, partial(changed, **changes), loses) for name, changes, loses in rows]


@dataclass(frozen=True)
class Verdict:
    """One property of one answer; `problem` is None if it holds."""

    sentence: str
    points: float
    problem: str | None


@dataclass(frozen=True)
class Report:
    """The examination of one answer: verdicts on every property, and what the student's code printed."""

    title: str
    verdicts: tuple[Verdict, ...]
    printed: str = ""

    @property
    def points(self) -> float:
        """The points of the properties that hold."""
        return float(sum(v.points for v in self.verdicts if v.problem is None))

    @property
    def lost(self) -> tuple[str, ...]:
        """The sentences of the properties that fail."""
        return tuple(v.sentence for v in self.verdicts if v.problem is not None)

    def __str__(self) -> str:
        total = sum(v.points for v in self.verdicts)
        lines = [f"{self.title}: {self.points:g} of {total:g} points"]
        told = set()
        for verdict in self.verdicts:
            mark = "✓" if verdict.problem is None else "✗"
            lines.append(f"  {mark} ({verdict.points:g}) {verdict.sentence}")
            if verdict.problem is not None:
                problem = "as above" if verdict.problem in told else verdict.problem
                lines += [f"        {line}" for line in problem.splitlines()]
                told.add(verdict.problem)
        if self.printed:
            lines += ["  Your code printed:", *(f"    {line}" for line in self.printed.splitlines()[-10:])]
        return "\n".join(lines)


@dataclass(frozen=True)
class Task:
    """One task: `name` seeds its instances, `results` are the axes of each result, in the order returned.

    `reference` computes them rightly, `time` says in which direction: "backward" if the last step is
    computed first. `objective` is the learning objective that the task belongs to.
    """

    name: str
    title: str
    objective: str
    results: Mapping[str, str]
    reference: Callable
    properties: Sequence[Agrees | Holds]
    mistakes: Sequence[Mistake] = ()
    time: str = "forward"

    @property
    def points(self) -> float:
        """The points of all properties together."""
        return float(sum(p.points for p in self.properties))

    def __call__(self, student: Callable) -> float:
        """Examine `student`, print the report and return the points."""
        report = self.examine(student, instances(self.name))
        print(report)
        return report.points

    def examine(self, student: Callable, rng: np.random.Generator) -> Report:
        """Try every property; each case is called once, also where properties share it."""
        examination = _Examination(self, student, rng)
        with warnings.catch_warnings(), np.errstate(all="ignore"):  # of overflow in judging wild results
            warnings.simplefilter("ignore")
            verdicts = tuple(Verdict(p.sentence, p.points, examination.problem(p)) for p in self.properties)
        return Report(self.title, verdicts, examination.printed)


def instances(task: str) -> np.random.Generator:
    """Random instances of a task: in practice always the same, when grading each student's own.

    The grader names the student in the environment variable MBRL_TEACH_STUDENT.
    """
    student = os.environ.get("MBRL_TEACH_STUDENT", "practice")
    digest = hashlib.sha256(f"{student}\n{task}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))


@dataclass
class _Examination:
    """One student's answer to one task; keeps the cases and answers that properties share."""

    task: Task
    student: Callable
    rng: np.random.Generator
    cases: dict[Callable, Sequence[Case]] = field(default_factory=dict)
    answers: dict[tuple[Callable, int], Answer] = field(default_factory=dict)
    printed: str = ""

    def problem(self, prop: Agrees | Holds) -> str | None:
        """What is wrong with the first case in which the property fails; None if it holds in all."""
        if prop.cases not in self.cases:
            self.cases[prop.cases] = prop.cases(self.rng)
        for i, case in enumerate(self.cases[prop.cases]):
            answer = self._answer(prop.cases, i, case)
            problem = answer.error or self._judge(prop, case, answer.value)
            if problem:
                return problem
        return None

    def _answer(self, cases: Callable, i: int, case: Case) -> Answer:
        if (cases, i) not in self.answers:
            self.answers[cases, i] = call(self.student, case)
            self.printed += self.answers[cases, i].printed
        return self.answers[cases, i]

    def _judge(self, prop: Agrees | Holds, case: Case, value: Any) -> str | None:
        expected = name_results(self.task, self.task.reference(*case))
        try:
            found = self._read(prop, value, expected)
        except ValueError as error:
            return str(error)
        everything = dict.fromkeys(found, ...)
        if isinstance(prop, Holds):
            problem = prop.test(case, found)
            parts = (everything,)
        else:
            axes = {name: self.task.results[name] for name in prop.results}
            problem = first_difference(found, expected, axes, prop.tolerance, self.task.time)
            parts = (everything, problem.where) if problem else ()
        if problem is None:
            return None
        mistake = self._known_mistake(prop, case, found, expected, parts)
        return f"{problem}\nLooks like: {mistake}" if mistake else str(problem)

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

    def _known_mistake(self, prop: Agrees | Holds, case: Case, found, expected, parts) -> str | None:
        """The mistake whose results are the student's, in the first of `parts` (name → index) or the next."""
        wrong = {}
        for mistake in self.task.mistakes:
            try:
                wrong[mistake.name] = self._read(prop, call(mistake.function, case).value, expected)
            except ValueError:
                continue
        for part in parts:
            for name, outputs in wrong.items():
                is_a_mistake = not same(outputs, expected, part, prop.tolerance)
                if is_a_mistake and same(found, outputs, part, prop.tolerance):
                    return name
        return None


def name_results(task: Task, value: Any) -> Outputs:
    """The reference's results by name."""
    values = (value,) if len(task.results) == 1 else value
    return {name: np.asarray(v, dtype=np.float64) for name, v in zip(task.results, values, strict=True)}


def read_results(
    task: Task, value: Any, expected: Outputs, wanted: Sequence[str] | None = None, *, finite: bool = True
) -> Outputs:
    """A student's results by name, as float64 arrays of the right shape; ValueError says what does not fit.

    Only the `wanted` results have to be right in shape (None: all), so that one bad result costs its own
    points alone. Without `finite` they may hold NaN and infinity.
    """
    names = ", ".join(task.results)
    if value is None:
        raise ValueError(f"your function returned None; it should return {names}: is its return missing?")
    if len(task.results) == 1:
        value = (value,)
    elif _count(value) != len(task.results):
        got = f"{len(value)} values" if isinstance(value, (tuple, list)) else f"one {type(value).__name__}"
        raise ValueError(
            f"your function should return {len(task.results)} values: {names}; it returned {got}"
        )
    sizes: dict[str, int] = {}
    for name, axes in task.results.items():
        read_array(name, expected[name], axes, sizes, finite=False)
    return {
        name: read_array(name, v, axes, dict(sizes), finite=finite)
        for (name, axes), v in zip(task.results.items(), value, strict=True)
        if wanted is None or name in wanted
    }


def _count(value: Any) -> int:
    """How many results a function returned: an array holds one per entry of its first axis, a number none."""
    several = isinstance(value, (tuple, list)) or (isinstance(value, np.ndarray) and value.ndim > 0)
    return len(value) if several else 1
