"""Judges for assignment 07b_pets: particles whose members show in where they go, and worlds that were drawn.

`ask_particles` and `ask_episodes` ask a student's function and make of its draws a profile, shares and
moments that come out nearly the same for every right order of draws; a wrong answer's profile is that of its
mistake. A judge takes a case and the profiles, and returns what is wrong with them, or None.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.special import betainc

from mbrl_teach.arguments import read_array
from mbrl_teach.grading.chances import unlikely
from mbrl_teach.grading.first_difference import Difference
from mbrl_teach.grading.student_call import NOT_FROM_RNG, WrongAnswer

FAR = 6.0  # standard errors: a normal is further out with a chance of 2e-9
KOLMOGOROV = 2.9  # P(√N D > 2.9) < 1e-7, for any N (Massart's bound)
BINS = 4
ROUNDING = 1e-6  # of what is computed in single precision

# The profile of particles: shares of steps (a member's own or not, the member kept or not, shared among sequences
# or not), moments of the noise, and the share of each member
# in the first step.
OWN, KEPT, SHARED, MOMENTS, TALLY = slice(0, 2), slice(2, 4), slice(4, 6), slice(6, 11), slice(11, None)
# The profile of worlds: shares of rows that sum to 1 or not, of worlds like the one before or not, ranks.
SUMS, REPEATED, UNSEEN, SEEN = slice(0, 2), slice(2, 4), slice(4, 5 + BINS), slice(5 + BINS, None)


@dataclass(frozen=True)
class Told(Difference):
    """What is wrong in a sentence of its own; the part of a profile that it is about names a mistake."""

    sentence: str = ""

    def __str__(self) -> str:
        return f"first wrong: {self.sentence}"


def told(name, part, sentence):
    """`sentence`, about a part of the profile called `name`."""
    return Told(name, "", (), 0.0, 0.0, {name: part}, sentence)


of_states, of_worlds = partial(told, "states"), partial(told, "worlds")
of_actions, of_counts = partial(told, "actions", ...), partial(told, "counts", ...)


def _read(name, value, axes, sizes):
    """One result, as every other check reads them."""
    if value is None:
        raise WrongAnswer(f"your function returned None; it should return {name}: is its return missing?")
    try:
        return read_array(name, value, axes, sizes)
    except ValueError as error:
        raise WrongAnswer(str(error)) from None


# Task 1 ---------------------------------------------------------------------------------------------


def ask_particles(function, case):
    """The states where chance has no part; elsewhere a profile: shares of steps, moments of the noise."""
    state, actions, predict, E, P, rng, redraw = case
    (N, T, _), n = actions.shape, len(state)

    def ask():
        again = state.copy(), actions.copy(), predict, E, P, copy.deepcopy(rng), redraw
        return _read("states", function(*again), "P N T+1 n", {"P": P, "N": N, "T": T, "n": n})

    states = ask()
    if E == 1:
        return states
    if np.any(states != ask()):
        raise WrongAnswer(f"first wrong: states: the same rng brings others\nLooks like: {NOT_FROM_RNG}")
    return profile(states, actions, predict)


def profile(states, actions, predict):
    """Shares of steps (a member's or not; member kept or not; shared or not), moments of the noise, tally."""
    before, after = states[:, :, :-1], states[:, :, 1:]
    means, variances = predict(before, actions)  # (E, P, N, T, n)
    off = np.abs(after - means)
    members = np.argmin(off.max(axis=-1), axis=0)  # (P, N, T): whose prediction is nearest
    pick = lambda x: np.take_along_axis(x, members[None, ..., None], axis=0)[0]
    scale = ROUNDING * np.abs(means).max()
    own = np.all(pick(off) <= scale + 20.0 * np.sqrt(pick(variances)), axis=-1).mean()
    kept = np.mean(members[:, :, 1:] == members[:, :, :-1])
    shared = np.mean(members == members[:, :1])
    z = (after - pick(means)) / np.sqrt(np.maximum(pick(variances), scale**2))
    tally = np.bincount(members[:, 0, 0], minlength=len(means)) / len(members)
    shares = [share for yes in (own, kept, shared) for share in (yes, 1 - yes)]
    return np.array([*shares, *_moments(z), *tally])


def _moments(z):
    """Mean, deviation among particles, size, correlation of steps and of components of the noise (P, N, T, n)."""
    together = lambda x, y: np.mean(x * y) / max(np.sqrt(np.mean(x**2) * np.mean(y**2)), ROUNDING)
    return (
        z.mean(),
        np.sqrt(np.mean(z.var(axis=0))),
        np.sqrt(np.mean(z**2)),
        together(z[:, :, 1:], z[:, :, :-1]),
        together(z[..., 1:], z[..., :-1]),
    )


def by_members(test):
    """A judge that looks at shares where each step is one member's at all."""

    def judge(case, found):
        strange = found["states"][OWN][1]
        if strange > 0:
            return of_states(OWN, f"states: {strange:.0%} of the steps are no member's prediction, with its noise")
        return test(case, found["states"])

    return judge


@by_members
def keeps(case, profile):
    """TS∞: no particle changes its member."""
    changes = profile[KEPT][1]
    if case[-1] or changes == 0:
        return None
    what = f"with redraw = False, {changes:.0%} of the steps are another member's than the step before"
    return of_states(KEPT, what)


@by_members
def redraws(case, profile):
    """TS1: as many particles keep their member for the next step as chance would have."""
    _, actions, _, E, P, _, redraw = case
    pairs, same = P * (actions.shape[1] - 1), profile[KEPT][0]
    if not redraw or unlikely([np.rint(same * pairs)], [1 / E], pairs) is None:
        return None
    what = f"with redraw = True, {same:.0%} of the steps are the same member's as the step before"
    return of_states(KEPT, f"{what}; about {1 / E:.0%} were to be expected with {E} members")


@by_members
def shares(case, profile):
    """Each particle's members are the same for all sequences."""
    apart = profile[SHARED][1]
    if apart == 0:
        return None
    what = f"{apart:.0%} of the steps are another member's than the same particle's in the first sequence"
    return of_states(SHARED, f"{what} (redraw = {case[-1]})")


@by_members
def fair(case, profile):
    """All members come with the same chance."""
    _, _, _, E, P, _, redraw = case
    tally = np.rint(profile[TALLY] * P)
    member = unlikely(tally, np.full(E, 1 / E), P)
    if member is None:
        return None
    what = f"member {member} moves {tally[member]:g} of {P} particles in the first step"
    return of_states(TALLY, f"{what}; about {P / E:.3g} were to be expected (redraw = {redraw})")


@by_members
def noisy(case, profile):
    """The noise over its member's deviation is standard normal, and independent; sequences may share it."""
    state, actions, _, _, P, _, _ = case
    T, n = actions.shape[1], len(state)
    mean, std, _, steps, components = profile[MOMENTS]
    error, wrong = 1 / np.sqrt(P * T * n), None
    if abs(std - 1) > FAR * error / np.sqrt(2):
        wrong = f"the noise among the particles is {std:.3g} times the deviation of their members"
    elif abs(mean) > FAR * error:
        wrong = f"the noise is {mean:.2g} deviations on average, not 0"
    elif abs(steps) > FAR / np.sqrt(P * (T - 1) * n):
        wrong = f"the noise of a step and that of the step before are correlated ({steps:.2g})"
    elif abs(components) > FAR / np.sqrt(P * T * (n - 1)):
        wrong = f"the noises of a state's components are correlated ({components:.2g})"
    return of_states(MOMENTS, wrong) if wrong else None


# Task 3 ---------------------------------------------------------------------------------------------


def ask_episodes(function, case):
    """Profiles of the worlds, of the actions and of the counts; the first case is asked twice."""
    prior, counts, plan, world, start, K, T, rng = case
    A, S, _ = prior.shape

    def ask():
        given = prior.copy(), counts.copy(), plan, world, start, K, T, copy.deepcopy(rng)
        value = function(*given)
        if not isinstance(value, (tuple, list)) or len(value) != 3:
            _read("worlds, actions, counts", value, "3", {})
            raise WrongAnswer("your function should return 3 values: worlds, actions, counts")
        sizes = {"K": K, "T": T, "A": A, "S": S}
        axes = {"worlds": "K A S S", "actions": "K T", "counts": "A S S"}
        return [_read(name, v, axes[name], sizes) for name, v in zip(axes, value, strict=True)]

    worlds, actions, found = ask()
    if np.any(actions != np.rint(actions)) or actions.min() < 0 or actions.max() >= A:
        raise WrongAnswer(f"actions must be whole numbers from 0 to {A - 1}")
    if np.any(worlds != ask()[0]):
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

    Rows (..., S) from Dirichlet(pseudo_counts): of what the entries before it leave, entry i takes a share that
    is Beta(α_i, α_{i+1} + … + α_S), independently of the shares before. Returns (..., S-1).
    """
    left = np.cumsum(P[..., ::-1], axis=-1)[..., ::-1]
    rest = np.cumsum(pseudo_counts[..., ::-1], axis=-1)[..., ::-1][..., 1:]
    taken = np.clip(P[..., :-1] / np.where(left[..., :-1] == 0, 1.0, left[..., :-1]), 0.0, 1.0)
    return betainc(pseudo_counts[..., :-1], rest, taken)


def _profile_of_worlds(worlds, prior, counts, tallies):
    """Shares of rows that sum to 1 or not, of worlds like the one before or not; ranks, unseen and seen rows.

    Seen rows are those that were tried before; of each the entry is looked at that was seen most in the end.
    Unseen ones belong to states that no episode comes to, whatever it takes for s or s'.
    """
    right = np.mean(np.abs(worlds.sum(axis=-1) - 1.0) < ROUNDING)
    same = np.mean(np.all(worlds[1:] == worlds[:-1], axis=(1, 2, 3)))
    pseudo_counts = prior + counts + tallies[:-1]
    everything = tallies[-1].sum(axis=0)
    never = ~(everything.any(axis=0) | everything.any(axis=1))
    unseen = ranks(worlds[:, :, never], pseudo_counts[:, :, never])
    first = np.argsort(-tallies[-1], axis=-1, kind="stable")[None]
    first = np.broadcast_to(first, worlds.shape)
    of_first = lambda x: np.take_along_axis(x, first, axis=-1)
    seen = ranks(of_first(worlds), of_first(pseudo_counts))[..., 0][tallies[:-1].any(axis=-1)]
    return np.array([right, 1 - right, same, 1 - same, *_spread(unseen), *_spread(seen)])


def _spread(values):
    """Whether values are spread evenly on [0, 1] (1 or 0), and how many are in each bin, 1 if so."""
    N, ordered = max(values.size, 1), np.sort(values.ravel())
    steps = np.arange(values.size + 1) / N
    distance = max(np.max(steps[1:] - ordered, initial=0), np.max(ordered - steps[:-1], initial=0))
    histogram = np.histogram(ordered, BINS, (0.0, 1.0))[0] / N
    return [float(np.sqrt(N) * distance <= KOLMOGOROV), *(BINS * histogram)]


def _profile_of_actions(worlds, actions, states, plan):
    """Shares of first and of later actions that are the plan's for the episode's world, or not."""
    policies = np.array([plan(P) for P in worlds])
    planned = actions == np.take_along_axis(policies, states, axis=1)
    first, later = planned[:, 0].mean(), planned[:, 1:].mean()
    return np.array([first, 1 - first, later, 1 - later])


def _profile_of_counts(gained, seen, steps):
    """1, and how many of the steps more were counted than seen, in sum and in sum of absolute differences."""
    return np.array([1.0, (gained - seen).sum() / steps, np.abs(gained - seen).sum() / steps])


def _of_rows(found, part, which):
    """What is wrong with the draws of the rows `which`, whose ranks are a part of the profile."""
    worlds = found["worlds"]
    if worlds[SUMS][1] > 0:
        return of_worlds(SUMS, f"worlds: {worlds[SUMS][1]:.0%} of their rows P[a, s] do not sum to 1")
    if worlds[REPEATED][0] > 0:
        return of_worlds(REPEATED, f"worlds: {worlds[REPEATED][0]:.0%} of them are the same as the one before")
    even, *histogram = worlds[part]
    if even:
        return None
    shares = ", ".join(f"{share / BINS:.0%}" for share in histogram)
    what = f"worlds: the rows {which} are no draws from Dirichlet(prior + counts)"
    return of_worlds(part, f"{what}: {shares} of what is drawn lie in its four quarters, lowest to highest")


def drawn(case, found):
    """The rows of pairs that no episode tries are draws from what was known at the beginning."""
    return _of_rows(found, UNSEEN, "of which nothing new was seen")


def learned(case, found):
    """The rows of pairs that were tried are draws given all that was seen."""
    return _of_rows(found, SEEN, "that your episodes have tried")


def planned(case, found):
    """Each action is the plan's for the one world of its episode."""
    if found["worlds"][SUMS][1] > 0:
        return _of_rows(found, UNSEEN, "")
    first, later = found["actions"][1], found["actions"][3]
    if first + later == 0:
        return None
    if first == 0:
        return of_actions(f"actions: after an episode's first, {later:.0%} are not those of the plan for its world")
    return of_actions(f"actions: {first:.0%} of the episodes' first ones are not those of the plan for their world")


def counted(case, found):
    """Every step of every episode was counted, once."""
    _, more, off = found["counts"]
    if off == 0:
        return None
    if abs(more) < ROUNDING:
        return of_counts("counts: as many as there were steps, but not those from s by a to s' at [a, s, s']")
    K, T = case[5:7]
    how = "many" if more > 0 else "few"
    return of_counts(f"counts: {abs(more) * K * T:.4g} too {how}, where there were {K * T} steps")
