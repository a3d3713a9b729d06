"""Judges of particles that follow members of an ensemble (07b_pets, Task 1): members show in where they go.

`ask_particles` asks a student's function and makes a profile of what it draws; a judge takes a case and the
profile, and returns what is wrong with it, or None.
"""

from __future__ import annotations

import copy

import numpy as np

from mbrl_teach.grading.chances import unlikely
from mbrl_teach.grading.judges.profiles import ROUNDING, read_result, told
from mbrl_teach.grading.student_call import NOT_FROM_RNG, WrongAnswer

FEW = 12  # particles that are asked for twice
FAR = 6.0  # standard errors: a normal is further out with a chance of 2e-9

# Shares of steps (a member's own or not, and what else; the member kept or not; shared among sequences or
# not), moments of the noise; from TALLY on the share of each member in the first step. All lie between -1 and
# 1, for an entry that is very large would make all others look alike.
OWN, KEPT, SHARED, MOMENTS, TALLY = slice(0, 6), slice(6, 8), slice(8, 10), slice(10, 18), 18


def of_states(part, sentence):
    """What is wrong with a part of the profile; a mistake's steps are a member's as often, too."""
    return told({"states": np.r_[OWN, part]}, sentence)


def ask_particles(function, case):
    """The states where chance has no part; elsewhere a profile: shares of steps, moments of the noise."""
    state, actions, predict, E, P, rng, redraw = case
    (N, T, _), n = actions.shape, len(state)

    def ask(P):
        again = state.copy(), actions.copy(), predict, E, P, copy.deepcopy(rng), redraw
        return read_result("states", function(*again), "P N T+1 n", {"P": P, "N": N, "T": T, "n": n})

    states = ask(P)
    if E == 1:
        return states
    if np.any(ask(FEW) != ask(FEW)):
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
    near = lambda off, variance: np.all(off <= scale + 20.0 * np.sqrt(variance), axis=-1)
    own = near(pick(off), pick(variances))
    average = near(np.abs(after - means.mean(axis=0)), variances.mean(axis=0)).mean()
    distance = np.mean((pick(off) / means.std(axis=0))[:, :, 0])
    kept = np.mean(members[:, :, 1:] == members[:, :, :-1])
    shared = np.mean(members == members[:, :1])
    z = (after - pick(means)) / np.sqrt(np.maximum(pick(variances), scale**2))
    tally = np.bincount(members[:, 0, 0], minlength=len(means)) / len(members)
    both = lambda yes: (yes, 1 - yes)
    steps = (*both(own.mean()), *both(own[:, :, 0].mean()), average, distance)
    return np.array([*steps, *both(kept), *both(shared), *_moments(z, members), *tally])


def _moments(z, members):
    """1; of the noise (P, N, T, n): mean, deviation among particles, size (bounded), two correlations.

    Then its smallest and its largest size under a member, as logarithms: alike if each has its own deviation.
    """
    sizes = [np.sqrt(np.mean(z[members == e] ** 2)) for e in np.unique(members)]
    together = lambda x, y: np.mean(x * y) / max(np.sqrt(np.mean(x**2) * np.mean(y**2)), ROUNDING)
    return (
        1.0,  # a part that is all zero would not name a mistake
        *map(_bounded, (z.mean(), np.sqrt(np.mean(z.var(axis=0))), np.sqrt(np.mean(z**2)))),
        together(z[:, :, 1:], z[:, :, :-1]),
        together(z[..., 1:], z[..., :-1]),
        *np.log(np.clip([min(sizes), max(sizes)], np.exp(-1), np.exp(1))),
    )


def _bounded(x):
    return x / (1 + abs(x))


def _unbounded(y):
    return y / (1 - abs(y))


def by_members(test):
    """A judge that looks at shares where each step is one member's at all."""

    def judge(case, found):
        strange = found["states"][OWN][1]
        if strange > 0:
            return of_states(
                OWN, f"states: {strange:.0%} of the steps are no member's prediction, with its noise"
            )
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
    tally = np.rint(profile[TALLY:] * P)
    member = unlikely(tally, np.full(E, 1 / E), P)
    if member is None:
        return None
    what = f"member {member} moves {tally[member]:g} of {P} particles in the first step"
    return of_states(
        slice(TALLY, TALLY + E), f"{what}; about {P / E:.3g} were to be expected (redraw = {redraw})"
    )


@by_members
def noisy(case, profile):
    """The noise over its member's deviation is standard normal, and independent; sequences may share it."""
    state, actions, _, _, P, _, _ = case
    T, n = actions.shape[1], len(state)
    _, *bounded, steps, components, _, _ = profile[MOMENTS]
    mean, std, size = map(_unbounded, bounded)
    error, wrong = 1 / np.sqrt(P * T * n), None
    if std < ROUNDING < size:
        wrong = "the noise is the same for all particles"
    elif abs(std - 1) > FAR * error / np.sqrt(2):
        wrong = f"the noise among the particles is {std:.3g} times the deviation of their members"
    elif abs(mean) > FAR * error:
        wrong = f"the noise is {mean:.2g} deviations on average, not 0"
    elif abs(steps) > FAR / np.sqrt(P * (T - 1) * n):
        wrong = f"the noise of a step and that of the step before are correlated ({steps:.2g})"
    elif abs(components) > FAR / np.sqrt(P * T * (n - 1)):
        wrong = f"the noises of a state's components are correlated ({components:.2g})"
    return of_states(MOMENTS, wrong) if wrong else None
