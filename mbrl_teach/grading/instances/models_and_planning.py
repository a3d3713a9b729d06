"""Random instances for the checks of assignment 00_models_and_planning: lists of cases, one call each.

Worlds are small, since a student may well write four nested loops.
"""

from __future__ import annotations

import numpy as np

from mbrl_teach.grading.references import models_and_planning as references


def _first_telling(draw, S, A):
    """The first case drawn that tells mistakes apart; one in a few does."""
    while True:
        case, telling = draw(S, A)
        if telling:
            return case


# Task 1 ---------------------------------------------------------------------------------------------


def undiscounted_rewards(rng):
    """rewards, gamma = 1."""
    return [(rng.normal(size=T), 1.0) for T in (4, 6)]


def discounted_rewards(rng):
    """rewards, gamma; the last trajectory is a single step."""
    return [(_either_sign(rng, T), rng.uniform(0.5, 0.9)) for T in (4, 6, 1)]


def _either_sign(rng, T):
    return rng.uniform(0.5, 2.0, size=T) * rng.choice([-1.0, 1.0], size=T)


# Tasks 2 and 3 --------------------------------------------------------------------------------------


def world(rng, S, A):
    """P (A, S, S), R (S, A): by chance to any state; the last state is terminal, absorbing with reward 0."""
    P = rng.dirichlet(np.ones(S), size=(A, S))
    R = rng.uniform(-2.0, 2.0, size=(S, A))
    P[:, -1], R[-1] = np.eye(S)[-1], 0.0
    return P, R


def _sure_world(rng, S, A):
    """The same without chance."""
    P, R = world(rng, S, A)
    P[:, :-1] = np.eye(S)[rng.integers(S, size=(A, S - 1))]
    return P, R


def _clear_policy(rng, S, A):
    """Probabilities (S, A), each state's in another order and far from equal."""
    parts = np.arange(1.0, A + 1) ** 2
    return rng.permuted(np.tile(parts / parts.sum(), (S, 1)), axis=1)


def _values(rng, S):
    """V (S,) of either sign; 0 at the last state, which is terminal."""
    return np.append(rng.permutation(np.linspace(-3.0, 3.0, S - 1)), 0.0)


def rewards_only(rng):
    """P, R, gamma = 0, policy, V: nothing counts but the reward at hand."""
    return [(*world(rng, S, A), 0.0, _clear_policy(rng, S, A), _values(rng, S)) for S, A in ((4, 2), (5, 3))]


def sure_backups(rng):
    """P, R, gamma, policy, V: neither the world nor the policy knows chance.

    In the first, the policy is not the best, and from some state leads to one before it, whose value changes.
    """

    def draw(S, A):
        (P, R), V, gamma = _sure_world(rng, S, A), _values(rng, S), rng.uniform(0.5, 0.9)
        chosen = rng.integers(A, size=S)
        better = (R + gamma * (P @ V).T).argmax(axis=1) != chosen
        case = P, R, gamma, np.eye(A)[chosen], V
        at_once = references.expectation_backup(*case) - references.backup_in_place(*case)
        return case, better[:-1].any() and np.abs(at_once).max() > 0.01

    return [_first_telling(draw, 3, 3), draw(5, 2)[0]]


def backups(rng):
    """P, R, gamma, policy, V: both do. In the first, A is S, so that mixed-up axes show as numbers."""
    return [
        (*world(rng, S, A), rng.uniform(0.5, 0.9), _clear_policy(rng, S, A), _values(rng, S))
        for S, A in ((3, 3), (4, 2))
    ]


def worlds(rng):
    """P, R, gamma, tolerance: every step until the end is rewarded; in the first case A = S."""
    return [_world_to_solve(rng, S, A, 1.0) for S, A in ((3, 3), (5, 2))]


def costly_worlds(rng):
    """Every step costs, until the end is reached."""
    return [_world_to_solve(rng, S, A, -1.0) for S, A in ((3, 3), (4, 2))]


def _world_to_solve(rng, S, A, sign):
    def draw(S, A):
        P, R = world(rng, S, A)
        R[:-1] = sign * rng.uniform(0.5, 3.0, size=(S - 1, A))
        return _with_solution(P, R, rng.uniform(0.6, 0.8))

    return _first_telling(draw, S, A)


def endless_worlds(rng):
    """No end, and gamma near 1: what is far away counts, and values need hundreds of sweeps."""

    def draw(S, A):
        P, R = rng.dirichlet(np.ones(S), size=(A, S)), rng.uniform(0.5, 3.0, size=(S, A))
        return _with_solution(P, R, 0.95)

    return [_first_telling(draw, 4, 2)]


def _with_solution(P, R, gamma):
    """The case, and whether somewhere the largest reward at once is not the best."""
    case = (P, R, gamma, 1e-8)
    Q = R + gamma * (P @ references.value_iteration(*case)).T
    return case, (np.ptp(Q, axis=1) > 0)[Q.argmax(axis=1) != R.argmax(axis=1)].any()


# Task 4 ---------------------------------------------------------------------------------------------


def model(rng, S, A, outcomes, ends=()):
    """[s][a] lists (p, s', r, terminated): so many outcomes each, with clearly different p and r.

    To enter a state in `ends` terminates.
    """
    parts = np.arange(1.0, outcomes + 1) ** 1.5

    def pair():
        weights = rng.permutation(parts) * rng.uniform(0.9, 1.1, size=outcomes)
        probabilities = (weights / weights.sum()).tolist()
        next_states = rng.choice(S, size=outcomes, replace=False).tolist()
        rewards = rng.uniform(0.5, 2.0, size=outcomes) * rng.choice([-1.0, 1.0], size=outcomes)
        steps = zip(probabilities, next_states, rewards.tolist(), strict=True)
        return [(p, i, r, i in ends) for p, i, r in steps]

    return [[pair() for _ in range(A)] for _ in range(S)]


def sure_models(rng):
    """model, V, gamma: one thing can happen, and nothing ends."""
    return [(model(rng, S, A, 1), _nowhere_zero(rng, S), rng.uniform(0.5, 0.9)) for S, A in ((3, 3), (5, 2))]


def models_with_chance(rng):
    """Two or three things can happen, and nothing ends.

    Somewhere three actions are best: by Q, by the reward alone, and by the value of the next state alone.
    """

    def draw(S, A, outcomes=2):
        case = (model(rng, S, A, outcomes), _nowhere_zero(rng, S), rng.uniform(0.5, 0.9))
        _, policy = references.look_ahead(*case)
        reward, value = references.mean_reward(case[0]), references.mean_next_value(*case[:2])
        others = reward.argmax(axis=1), value.argmax(axis=1)
        return case, ((policy != others[0]) & (policy != others[1]) & (others[0] != others[1])).any()

    return [_first_telling(draw, 4, 4), draw(5, 2, 3)[0], draw(3, 3)[0]]


def models_with_an_end(rng):
    """What comes may be the end, and V is wrong there: as numbers are that nobody has ever updated."""
    return [
        (model(rng, S, A, 2, ends=(0, S - 1)), _nowhere_zero(rng, S), rng.uniform(0.5, 0.9))
        for S, A in ((4, 3), (5, 2))
    ]


def _nowhere_zero(rng, S):
    return rng.permutation(np.linspace(1.0, 3.0, S)) * rng.choice([-1.0, 1.0], size=S)


# Task 5 ---------------------------------------------------------------------------------------------


def sure_decisions(rng):
    """r_1 (A,), p (A, S), R (S, A): each first action leads to a state of its own.

    In the first decision the action with the largest r_1 is not the best, and the best has an r_1 that shows.
    """

    def draw(S, A):
        p = np.eye(S)[rng.permutation(S)[:A]]
        r_1, R = rng.uniform(-1.0, 1.0, size=A), rng.uniform(-2.0, 2.0, size=(S, A))
        best = (r_1 + p @ R.max(axis=1)).argmax()
        case = r_1, p, R
        return case, best != r_1.argmax() and abs(r_1[best]) > 0.2 and _rows_matter(*case)

    return [_first_telling(draw, 3, 3), draw(4, 2)[0]]


def noisy_decisions(rng):
    """Each first action leads to any state, and to one of them most likely.

    In the first decision the blind and the seeing take different first actions. In the second neither is
    the one with the largest r_1, and to count on the likeliest s_2 costs the blind something.
    """

    def draw(S, A):
        p = rng.permuted(np.tile(np.arange(1.0, S + 1) / (S * (S + 1) / 2), (A, 1)), axis=1)
        case = r_1, p, R = rng.uniform(-0.5, 0.5, size=A), p, rng.uniform(-2.0, 2.0, size=(S, A))
        blind, seeing = (r_1 + (p @ R).max(axis=1)).argmax(), (r_1 + p @ R.max(axis=1)).argmax()
        return case, blind, seeing

    def differ(S, A):
        case, blind, seeing = draw(S, A)
        return case, blind != seeing

    def trap(S, A):
        case, blind, seeing = draw(S, A)
        rash = references.blind(*case) - references.blind_for_the_likeliest(*case)
        return case, case[0].argmax() not in (blind, seeing) and rash > 0.01 and _rows_matter(*case)

    return [_first_telling(differ, 3, 3), _first_telling(trap, 4, 2)]


def _rows_matter(r_1, p, R):
    """Whether it shows in the open loop to which of the two actions r_1 belongs."""
    return abs(references.blind(r_1, p, R) - references.blind_by_columns(r_1, p, R)) > 0.01


# Task 6 ---------------------------------------------------------------------------------------------


def _steps(rng, S, A, times):
    """states, actions, next_states, S, A: `times` (S, S, A) of each kind, in random order."""
    s, s_next, a = np.repeat(np.argwhere(times >= 0), times.ravel(), axis=0).T
    mixed = rng.permutation(len(s))
    return s[mixed], a[mixed], s_next[mixed], S, A


def plenty_of_steps(rng):
    """Every s' has come after every s, by every action."""
    return [_steps(rng, S, A, rng.integers(1, 7, size=(S, S, A))) for S, A in ((3, 3), (2, 3), (3, 2))]


def few_steps(rng):
    """No step was made twice; some s' never came after some s."""
    cases = []
    for S, A in ((3, 3), (4, 3)):
        times = rng.integers(0, 2, size=(S, S, A))
        times[0, 0], times[0, 1] = 0, 1
        times[0, 2] = np.eye(A)[0]
        cases.append(_steps(rng, S, A, times.astype(int)))
    return cases
