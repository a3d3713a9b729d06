"""What a student reads: which properties of an answer hold, what is wrong with the others, and the points."""

from __future__ import annotations

from dataclasses import dataclass


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
    extra: bool = False

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
        kind = "extra points" if self.extra else "points"
        lines = [f"{self.title}: {self.points:g} of {total:g} {kind}"]
        told = set()
        for verdict in self.verdicts:
            mark = "✓" if verdict.problem is None else "✗"
            lines.append(f"  {mark} ({verdict.points:g}) {verdict.sentence}")
            if verdict.problem is not None:
                problem = "as above" if verdict.problem in told else verdict.problem
                lines += [f"        {line}" for line in problem.splitlines()]
                told.add(verdict.problem)
        if self.printed:
            printed = self.printed.splitlines()
            of = f" (last 10 lines of {len(printed)})" if len(printed) > 10 else ""
            lines += [f"  Your code printed{of}:", *(f"    {line}" for line in printed[-10:])]
        return "\n".join(lines)
