"""What the checks of assignment 05_dyna_q look at where students draw: tallies, told from the results.

Each function takes a case and the student's results by name, and returns None or a sentence that says what is
wrong.
"""

from __future__ import annotations

import numpy as np

from mbrl_teach.grading.chances import unlikely


def tallies_fit(case, found):
    """Compare the shares of the actions with their probabilities."""
    values, epsilon, seeds = case
    best, draws = values == values.max(), len(seeds)
    probabilities = (1 - epsilon) * best / best.sum() + epsilon / len(values)
    tally = np.rint(found["action"] * draws)
    action = unlikely(tally, probabilities, draws)
    if action is None:
        return None
    return (
        f"first wrong: action {action} came {tally[action]:g} times in {draws} draws; "
        f"about {draws * probabilities[action]:.3g} were to be expected\n"
        f"in a case with {best.sum()} best of {len(values)} actions and epsilon = {epsilon:g}"
    )


def untried_values_stay(case, found):
    """Look at Q where the model knows nothing."""
    Q, counts = case[:2]
    changed = (counts.sum(axis=2) == 0) & (np.abs(found["Q"] - Q) > 1e-12)
    if not changed.any():
        return None
    s, a = np.argwhere(changed)[0]
    return f"first wrong: Q[{s}, {a}] has changed, though action {a} was never tried in state {s}"


def pairs_fit(case, found):
    """Tell from Q, which counts updates in units of alpha, how often each pair was drawn."""
    Q, counts, _, n, alpha, *_ = case
    tried = counts.sum(axis=2) > 0
    pairs = np.argwhere(tried)
    tally = np.rint((found["Q"] - Q)[tried] / alpha)
    chance = (tried / np.maximum(tried.sum(axis=1, keepdims=True), 1) / tried.any(axis=1).sum())[tried]
    if tally.min() < 0 or tally.sum() > n:
        return (
            f"first wrong: Q moves as if there were not {n} updates of rate alpha, each towards the reward 1"
        )
    wrong = unlikely(tally, chance, n)
    if wrong is None:
        return None
    s, a = pairs[wrong]
    return (
        f"first wrong: state {s}, action {a} was updated {tally[wrong]:g} times in n = {n}; "
        f"about {n * chance[wrong]:.3g} were to be expected\n"
        f"in a case with {int(tried.any(axis=1).sum())} visited states, in which "
        f"{' and '.join(str(k) for k in tried.sum(axis=1) if k)} actions were tried"
    )


def next_states_fit(case, found):
    """Tell from Q, which grows by ½ or 1 in units of alpha, how often the state of value 1 was drawn."""
    Q, counts, _, n, alpha, *_ = case
    s, a = np.argwhere(counts.sum(axis=2) > 0)[0]
    times = float(np.rint(2 * found["Q"][s, a] / alpha - n))
    share = counts[s, a] @ (Q.max(axis=1) == 1.0) / counts[s, a].sum()
    if not 0 <= times <= n:
        return f"first wrong: Q moves as if there were not {n} updates of rate alpha, each towards ½ or 1"
    if unlikely([times], [share], n) is None:
        return None
    return (
        f"first wrong: the next state of value 1 came about {times:g} times in n = {n}; "
        f"about {n * share:.3g} were to be expected\n"
        f"in a case with a pair that led there {share:.0%} of the time"
    )
