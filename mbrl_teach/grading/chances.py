"""Whether what was drawn can have come from the distribution that was meant."""

from __future__ import annotations

from collections.abc import Sequence

from scipy.special import bdtr, bdtrc

UNLIKELY = 1e-6  # a right answer is called wrong with at most twice this chance, for each outcome looked at


def unlikely(tally: Sequence[float], probabilities: Sequence[float], draws: int) -> int | None:
    """The first outcome that came far too often or too rarely in so many draws; None if all is well.

    Each count of `tally` is binomial: the chance is that of a count as far out on its side, exactly.
    """
    for outcome, (count, p) in enumerate(zip(tally, probabilities, strict=True)):
        at_most = float(bdtr(count, draws, p))
        at_least = float(bdtrc(count - 1, draws, p)) if count > 0 else 1.0
        if min(at_most, at_least) < UNLIKELY:
            return outcome
    return None
