"""Judges of episodes in worlds drawn from a Dirichlet posterior (07b_pets, Task 3).

`ask_episodes` asks a student's function and makes a profile of what it draws and does; a judge takes a case
and the profiles, and returns what is wrong with them, or None.
"""

from __future__ import annotations

import copy

import numpy as np
from scipy.special import betainc

from mbrl_teach.grading.judges.profiles import ROUNDING, count_values, read_result, told
from mbrl_teach.grading.student_call import NOT_FROM_RNG, WrongAnswer

FEW = 2  # episodes that are asked for twice
KOLMOGOROV = 2.9  # P(√N D > 2.9) < 1e-7, for any N (Massart's bound)
BINS = 4

# Of worlds: shares of rows that do not sum to 1, or do, also along other axes; of worlds like the one before
# or not; ranks.
SUMS, REPEATED, UNSEEN, SEEN = slice(0, 4), slice(4, 6), slice(6, 7 + BINS), slice(7 + BINS, 8 + 2 * BINS)


def of_worlds(part, sentence, **also):
    """What is wrong with a part of the worlds' profile; a mistake has its sums and its repetitions, too."""
    return told({"worlds": np.r_[SUMS, REPEATED, part]} | also, sentence)


def of_actions(sentence):
    """What is wrong with the actions. Where they lead shows in the counts."""
    return told({"actions": ..., "counts": ...}, sentence)


def of_counts(sentence):
    """What is wrong with the counts."""
    return told({"counts": ...}, sentence)


def ask_episodes(function, case):
    """Profiles of the worlds, of the actions and of the counts; a few episodes are asked for twice."""
    prior, counts, plan, world, start, K, T, rng = case
    A, S, _ = prior.shape

    def ask(K):
        given = prior.copy(), counts.copy(), plan, world, start, K, T, copy.deepcopy(rng)
        value = function(*given)
        sizes = {"K": K, "T": T, "A": A, "S": S}
        axes = {"worlds": "K A S S", "actions": "K T", "counts": "A S S"}
        count_values(value, axes)
        return [read_result(name, v, axes[name], sizes) for name, v in zip(axes, value, strict=True)]

    worlds, actions, found = ask(K)
    if np.any(actions != np.rint(actions)) or actions.min() < 0 or actions.max() >= A:
        raise WrongAnswer(f"actions must be whole numbers from 0 to {A - 1}")
    if np.any(ask(FEW)[0] != ask(FEW)[0]):
        raise WrongAnswer(f"first wrong: worlds: the same rng brings others\nLooks like: {NOT_FROM_RNG}")
    states, tallies = walk(actions.astype(int), world, start, (A, S, S))
    return (
        _profile_of_worlds(worlds, prior, counts, tallies),
        _profile_of_actions(worlds, actions, states, plan),
        _profile_of_counts(found - counts, tallies[-1], K * T),
    )


def walk(actions, world, start, shape):
    """The states (K, T) in which the actions were taken, and what was seen by episode k, (K+1, A, S, S)."""
    states, tallies = np.empty_like(actions), np.zeros((len(actions) + 1, *shape))
    for k, episode in enumerate(actions):
        s = start
        tallies[k + 1] = tallies[k]
        for t, a in enumerate(episode):
            states[k, t], following = s, int(world(s, int(a)))
            tallies[k + 1, a, s, following] += 1
            s = following
    return states, tallies


def ranks(P, pseudo_counts):
    """How far up in its distribution each draw lies: for a right draw independent and uniform on [0, 1].

    Rows (..., S) from Dirichlet(pseudo_counts): of what the entries before it leave, entry i takes a share
    that is Beta(α_i, α_{i+1} + … + α_S), independently of the shares before. Returns (..., S-1).
    """
    left = np.cumsum(P[..., ::-1], axis=-1)[..., ::-1]
    rest = np.cumsum(pseudo_counts[..., ::-1], axis=-1)[..., ::-1][..., 1:]
    taken = np.clip(P[..., :-1] / np.where(left[..., :-1] == 0, 1.0, left[..., :-1]), 0.0, 1.0)
    return betainc(pseudo_counts[..., :-1], rest, taken)


def flatness(P, pseudo_counts):
    """`ranks`, counted from above where an entry should have more than an equal share of what is left.

    They are high wherever a row is flatter than it should be: errors of small and of large entries, which the
    ranks of a row let cancel, add up. Uniform and independent they are as before.
    """
    found = ranks(P, pseudo_counts)
    left = np.cumsum(pseudo_counts[..., ::-1], axis=-1)[..., ::-1][..., :-1]
    large = pseudo_counts[..., :-1] * np.arange(P.shape[-1], 1, -1) > left
    return np.where(large, 1.0 - found, found)


def _profile_of_worlds(worlds, prior, counts, tallies):
    """Shares of sums that are 1 or not, of worlds like the one before or not; ranks, unseen and seen rows.

    Seen rows are those that were tried before; of each the entry is looked at that was seen most in the end.
    Unseen ones belong to states that no episode comes to, whatever it takes for s or s'.
    """
    sums = [np.mean(np.abs(worlds.sum(axis=axis) - 1.0) < ROUNDING) for axis in (3, 2, 1)]  # over s', s, a
    same = np.mean(np.all(worlds[1:] == worlds[:-1], axis=(1, 2, 3)))
    pseudo_counts = prior + counts + tallies[:-1]
    everything = tallies[-1].sum(axis=0)
    never = ~(everything.any(axis=0) | everything.any(axis=1))
    unseen = flatness(worlds[:, :, never], pseudo_counts[:, :, never])
    tried, most = tallies[:-1].any(axis=-1), np.argmax(tallies[-1], axis=-1)
    seen = ranks(_one_and_rest(worlds, most)[tried], _one_and_rest(pseudo_counts, most)[tried])
    return np.array([1 - sums[0], *sums, same, 1 - same, *_spread(unseen), *_spread(seen)])


def _one_and_rest(rows, which):
    """Of each row (..., S) one entry, and the others together: these are Dirichlet if the row was."""
    one = np.take_along_axis(rows, which[None, ..., None], axis=-1)
    return np.concatenate([one, rows.sum(axis=-1, keepdims=True) - one], axis=-1)


def _spread(values):
    """Whether values are spread evenly on [0, 1] (1 or 0), and the share in each bin."""
    N, ordered = max(values.size, 1), np.sort(values.ravel())
    steps = np.arange(values.size + 1) / N
    distance = max(np.max(steps[1:] - ordered, initial=0), np.max(ordered - steps[:-1], initial=0))
    histogram = np.histogram(ordered, BINS, (0.0, 1.0))[0] / N
    return [float(np.sqrt(N) * distance <= KOLMOGOROV), *histogram]


def _profile_of_actions(worlds, actions, states, plan):
    """Shares of first and of later actions that are the plan's for the episode's world, or not."""
    policies = plan(worlds)
    planned = actions == np.take_along_axis(policies, states, axis=1)
    first, later = planned[:, 0].mean(), planned[:, 1:].mean()
    return np.array([first, 1 - first, later, 1 - later])


def _profile_of_counts(gained, seen, steps):
    """1, and how many of the steps more were counted than seen, in sum and in sum of absolute differences."""
    return np.array([1.0, (gained - seen).sum() / steps, np.abs(gained - seen).sum() / steps])


def _of_rows(found, part, which, quarters, **also):
    """What is wrong with the draws of the rows `which`, whose ranks are a part of the profile.

    A mistake is named that has this part and those in `also`.
    """
    worlds = found["worlds"]
    if worlds[SUMS][0] > 0:
        return of_worlds(SUMS, f"worlds: {worlds[SUMS][0]:.0%} of their rows P[a, s] do not sum to 1")
    if worlds[REPEATED][0] > 0:
        return of_worlds(
            REPEATED, f"worlds: {worlds[REPEATED][0]:.0%} of them are the same as the one before"
        )
    even, *histogram = worlds[part]
    if even:
        return None
    shares = ", ".join(f"{share:.0%}" for share in histogram)
    what = f"worlds: the rows {which} are no draws from Dirichlet(prior + counts)"
    sentence = f"{what}: {shares} of what is drawn lie in its four quarters, {quarters}"
    return of_worlds(part, sentence, **also)


def drawn(case, found):
    """The rows of pairs that no episode tries are draws from what was known at the beginning."""
    return _of_rows(found, UNSEEN, "of which nothing new was seen", "most peaked to flattest")


def learned(case, found):
    """The rows of pairs that were tried are draws given all that was seen."""
    return _of_rows(found, SEEN, "that your episodes have tried", "lowest to highest", counts=...)


def planned(case, found):
    """Each action is the plan's for the one world of its episode."""
    if found["worlds"][SUMS][0] > 0:
        return _of_rows(found, UNSEEN, "", "")
    first, later = found["actions"][1], found["actions"][3]
    if first + later == 0:
        return None
    if first == 0:
        return of_actions(
            f"actions: after an episode's first, {later:.0%} are not those of the plan for its world"
        )
    return of_actions(
        f"actions: {first:.0%} of the episodes' first ones are not those of the plan for their world"
    )


def counted(case, found):
    """Every step of every episode was counted, once."""
    _, more, off = found["counts"]
    if off < ROUNDING:
        return None
    if abs(more) < ROUNDING:
        return of_counts("counts: as many as there were steps, but not those from s by a to s' at [a, s, s']")
    K, T = case[5:7]
    how = "many" if more > 0 else "few"
    return of_counts(f"counts: {abs(more) * K * T:.4g} too {how}, where there were {K * T} steps")
