"""Random instances for the checks of assignment 05_dyna_q: lists of cases, the arguments of one call each.

The worlds are small tables of their own. Where a task takes helper functions, a case hands in right ones
that draw nothing and keep nothing, so that whoever calls them, and in whatever order, sees the same.
"""

from __future__ import annotations

import numpy as np

from mbrl_teach.grading.references import dyna_q as references
from mbrl_teach.grading.student_call import NOT_FROM_RNG, WrongAnswer, ask_once, ask_twice

# Task 1 ---------------------------------------------------------------------------------------------

TWICE = 20  # draws that are asked for a second time


def draw_many(function, case):
    """How often each action comes, as a share of the draws; each draw has a generator of its own.

    The first ones are drawn twice: the same generator has to bring the same action.

    The last of the case's arguments is the seeds; a generator that was handed on from call to call would not
    do where the function lives in another process.
    """
    values, epsilon, seeds = case
    tally = np.zeros(len(values))
    draw = lambda seed: function(values.copy(), epsilon, np.random.default_rng(seed))
    for i, seed in enumerate(seeds):
        action = draw(seed)
        if action is None:
            return None
        if np.ndim(action) or isinstance(action, (str, bool)) or action not in range(len(values)):
            got = action.item() if isinstance(action, np.generic) else action
            whole = f"action must be a whole number from 0 to {len(values) - 1}"
            raise WrongAnswer(f"{whole} where values has {len(values)} entries; got {got!r}")
        if i < TWICE and draw(seed) != action:
            raise WrongAnswer(f"the same rng brings another action\nLooks like: {NOT_FROM_RNG}")
        tally[int(action)] += 1
    return tally / len(seeds)


def _seeds(rng, draws):
    return rng.integers(2**62, size=draws)


def single_best_actions(rng):
    """epsilon = 0, one action is best; in the second case all values are negative."""
    return [(rng.permutation(4) + shift + rng.uniform(), 0.0, _seeds(rng, 12)) for shift in (0.0, -6.0)]


def tied_actions(rng):
    """epsilon = 0; three of five actions tie."""
    values = rng.permutation([0.0, 0.0, 1.0, 1.0, 1.0]) + rng.integers(-3, 4)
    return [(values, 0.0, _seeds(rng, 40))]


def exploring_actions(rng):
    """epsilon = 1, where every action is as likely; and a small epsilon. The best action is not the last."""
    values = lambda A: np.append(rng.permutation(A - 1), -1.0)
    return [(values(A), epsilon, _seeds(rng, 40)) for A, epsilon in ((3, 1.0), (4, 0.1))]


# Task 2 ---------------------------------------------------------------------------------------------


def _updates(rng, terminated, truncated):
    """Q, s, a, r, s', terminated, truncated, alpha, gamma; the values are far from one another."""
    for S, A in ((4, 2), (5, 3)):
        s, next_state, elsewhere = rng.permutation(S)[:3]
        Q = 3.0 * rng.permutation(S * A).reshape(S, A) + rng.uniform(1.0, 2.0, size=(S, A))
        a, r = rng.integers(A), rng.uniform(-1.0, 1.0)
        Q[next_state, (a + 1) % A] += 3.0 * S * A  # another action than a is best in s'
        Q[elsewhere] += 9.0 * S * A  # the largest of the table
        ends = terminated, truncated
        yield Q, int(s), int(a), r, int(next_state), *ends, rng.uniform(0.2, 0.7), rng.uniform(0.6, 0.9)


def steps_inside(rng):
    """The episode goes on."""
    return list(_updates(rng, terminated=False, truncated=False))


def terminated_steps(rng):
    """The next state is terminal. Its row of Q is not zero, and must not matter."""
    return list(_updates(rng, terminated=True, truncated=False))


def truncated_steps(rng):
    """A time limit ends the episode, not the world."""
    return list(_updates(rng, terminated=False, truncated=True))


# Task 3 ---------------------------------------------------------------------------------------------


def _stream(rng, S, A):
    """A shuffled list of (s, a, r, s'), each pair four times or more, each with one of two next states."""
    steps = []
    for s, a in np.ndindex(S, A):
        usual, rare = rng.choice(S, size=2, replace=False)
        nexts = [usual, usual, rare, *rng.choice([usual, rare], size=rng.integers(1, 4))]
        steps += [(s, a, float(rng.uniform(1.0, 3.0)), int(s2)) for s2 in nexts]
    return [steps[i] for i in rng.permutation(len(steps))], S, A


def complete_streams(rng):
    """Every pair was tried several times."""
    return [_stream(rng, S, A) for S, A in ((3, 2), (4, 3))]


def incomplete_streams(rng):
    """One action of each state was tried, once; of the last state none."""
    S, A = 4, 2
    steps = [(s, int(rng.integers(A)), float(rng.uniform(1.0, 3.0)), (s + 1) % S) for s in range(S - 1)]
    return [(steps, S, A)]


def all_streams(rng):
    """Pairs that were tried, and pairs that were not."""
    return complete_streams(rng) + incomplete_streams(rng)


# Task 4 ---------------------------------------------------------------------------------------------

SMALL = 1e-6  # as alpha: Q counts the updates, in units of alpha
SHORT = 20  # updates


def _generator(rng):
    return np.random.default_rng(rng.integers(2**62))


def single_pairs(rng):
    """One pair is known, with one next state: nothing is left to chance. In the second case s' = s."""
    cases = []
    for S, A, stays in ((4, 3, False), (3, 2, True)):
        Q, counts, reward_sums = rng.uniform(1.0, 3.0, size=(S, A)), np.zeros((S, A, S)), np.zeros((S, A))
        s, other, elsewhere = rng.permutation(S)[:3]
        a = rng.integers(A)
        next_state = s if stays else other
        Q[next_state, a if stays else (a + 1) % A] += 5.0  # the best action of s' is a, or another
        Q[elsewhere] += 20.0  # the largest of the table
        counts[s, a, next_state] = rng.integers(3, 6)
        reward_sums[s, a] = counts[s, a, next_state] * rng.uniform(1.0, 2.0)
        cases.append((Q, counts, reward_sums, 5, rng.uniform(0.3, 0.6), 0.9, _generator(rng)))
    return cases


def ask_twice_if_short(function, case):
    """The table after n updates; where n is small, twice: the same rng has to bring the same table."""
    return (ask_twice if case[3] <= SHORT else ask_once)(function, case)


def several_pairs(rng):
    """One action was tried in one state, often; four in another, once each; every reward was 1; gamma = 0.

    Many updates, and a few.
    """
    S, A = 5, 4
    often, once, end = rng.permutation(S)[:3]
    counts = np.zeros((S, A, S))
    counts[often, rng.integers(A), end] = 40
    counts[once, :, end] = 1
    Q = np.where(counts.any(axis=2), 0.0, rng.uniform(0.9, 1.0, size=(S, A)))
    return [(Q, counts, counts.sum(axis=2), n, SMALL, 0.0, _generator(rng)) for n in (300, SHORT)]


def two_next_states(rng):
    """The only pair known led to a state of value 1 twice in ten times, else to one of value ½; gamma = 1."""
    S = 12
    s, low, high = rng.permutation(S)[:3]
    Q, counts = np.zeros((S, 1)), np.zeros((S, 1, S))
    Q[low], Q[high], counts[s, 0, low], counts[s, 0, high] = 0.5, 1.0, 8, 2
    return [(Q, counts, np.zeros((S, 1)), 400, SMALL, 1.0, _generator(rng))]


# Task 5 ---------------------------------------------------------------------------------------------

TOO_LONG = 60  # steps since the last reset


def _counted_steps(step):
    """`reset` and `step` of a world in which no episode is long; `step(s, a, t)` is told the time."""
    taken = []

    def reset():
        taken.clear()
        return 0

    def counted(s, a):
        taken.append(s)
        if len(taken) > TOO_LONG:
            where = f"{TOO_LONG} steps without a reset, the last from state {s}"
            raise WrongAnswer(f"your loop does not end: {where}. Does it go on from s', and stop when told?")
        return step(s, a, len(taken))

    return reset, counted


def _act(Q, s):
    return int(np.argmax(np.asarray(Q)[s]))


def _learn(alpha):
    def learn(Q, s, a, r, s2, terminated):
        return references.q_update(Q, s, a, r, s2, terminated, False, alpha, 0.9)

    return learn


def _as_it_is(Q, counts, reward_sums):
    return Q


def _halfway_through_the_model(Q, counts, reward_sums):
    """Planning that draws nothing: each pair that was tried, in order, moves halfway to its expectation."""
    Q, counts, reward_sums = np.asarray(Q), np.asarray(counts), np.asarray(reward_sums)
    pairs = np.argwhere(counts.sum(axis=2) > 0)
    return (Q + references.expected_sweep(Q, pairs, counts, reward_sums, 0.9)) / 2


def _corridor(rng, S, episodes, plan):
    """Action 0 goes one state on, action 1 two; the last state is the goal. All rewards are negative.

    So the first episode goes step by step and the second in long ones, if Q is learned and kept.
    """
    rewards = -rng.uniform(1.0, 2.0, size=(S, 2))

    def step(s, a, t):
        s2 = min(s + 1 + a, S - 1)
        return s2, float(rewards[s, a]), s2 == S - 1, False

    return S, 2, *_counted_steps(step), _act, _learn(rng.uniform(0.4, 0.6)), plan, episodes


def corridors_without_planning(rng):
    """`plan` returns Q as it is."""
    return [_corridor(rng, 5, 4, _as_it_is), _corridor(rng, 4, 3, _as_it_is)]


def corridors_with_planning(rng):
    """`plan` goes once through the model."""
    return [_corridor(rng, 5, 3, _halfway_through_the_model)]


def rings_with_a_time_limit(rng):
    """The only action leads round and round; at the fourth step the episode is truncated.

    Who goes on all the same is told at the ninth that it is terminated.
    """
    S, rewards = 3, rng.uniform(1.0, 2.0, size=3)
    step = lambda s, a, t: ((s + 1) % S, float(rewards[s]), t >= 9, t == 4)
    return [(S, 1, *_counted_steps(step), _act, _learn(rng.uniform(0.4, 0.6)), _as_it_is, 2)]


# Task 6 ---------------------------------------------------------------------------------------------


def _counted(rng, S, A):
    """Q, counts of a world in which every pair was tried, sums of its rewards."""
    counts = rng.integers(1, 5, size=(S, A, S)).astype(float)
    counts *= rng.permuted(np.tile(np.arange(S) > 0, (S, A, 1)), axis=2)  # one state each is never reached
    mean = rng.uniform(-1.0, 1.0, size=(S, A))
    mean[np.arange(S), np.arange(S) % A] += 3.0  # states differ in which action is best
    return 4.0 * rng.uniform(size=(S, A)), counts, mean * counts.sum(axis=2)


def one_pair_updates(rng):
    """A single pair."""
    cases = []
    for S, A in ((4, 2), (3, 3)):
        Q, counts, reward_sums = _counted(rng, S, A)
        Q[np.arange(S), np.arange(S) % A] += 3.0
        cases.append((Q, [(int(rng.integers(S)), int(rng.integers(A)))], counts, reward_sums, 0.9))
    return cases


def pairs_in_a_row(rng):
    """Each pair leads to the state of the pair before it, whose value has just changed by much."""
    S, A = 4, 2
    counts, Q = np.zeros((S, A, S)), rng.uniform(size=(S, A))
    counts[np.arange(1, S), :, np.arange(S - 1)] = 2.0
    counts[0, :, 0] = 2.0
    reward_sums = 2.0 * rng.uniform(3.0, 5.0, size=(S, A))
    return [(Q, [(s, a) for s in range(S) for a in range(A)], counts, reward_sums, 0.9)]


def many_sweeps(rng):
    """So many sweeps that Q cannot but be that of the optimal policy in the model."""
    S, A = 3, 2
    Q, counts, reward_sums = _counted(rng, S, A)
    return [(Q, [(s, a) for s in range(S) for a in range(A)] * 40, counts, reward_sums, 0.6)]


# Task 7 ---------------------------------------------------------------------------------------------


def _plus_steps(rng, planned):
    """Q, tau, rewards, next_states, (s, a, r, s'), pairs, kappa, alpha, gamma; some were never tried."""
    cases = []
    for S, A in ((4, 2), (5, 3)):
        end = S - 1
        Q = rng.uniform(1.0, 3.0, size=(S, A))
        Q[end] = 0.0
        next_states = np.tile(np.arange(S)[:, None], (1, A))
        rewards, tau = np.zeros((S, A)), np.full((S, A), 40.0)
        tried = [(s, a) for s in range(end) for a in range(A) if (s + a) % 2 == 0]
        for s, a in tried:
            next_states[s, a], rewards[s, a] = (s + 1 + a) % S, rng.uniform(1.0, 2.0)
            tau[s, a] = rng.integers(4, 30)
        s, a = tried[int(rng.integers(len(tried)))]
        experience = (s, a, float(rng.uniform(3.0, 4.0)), (next_states[s, a].item() + 1) % S)
        others = [(s, 1 - a % 2), ((s + 1) % end, 0), ((s + 2) % end, 1)]
        pairs = [(s, a), *others, (s, a)] if planned else []
        cases.append((Q, tau, rewards, next_states, experience, pairs, 0.3, rng.uniform(0.3, 0.6), 0.9))
    return cases


def real_steps(rng):
    """No pairs are planned: a real step and nothing else."""
    return _plus_steps(rng, planned=False)


def planned_steps(rng):
    """The pair just tried and others, some of which were never tried."""
    return _plus_steps(rng, planned=True)


# Task 8 ---------------------------------------------------------------------------------------------


def _model(rng, updates, theta, alpha, sign):
    """Q, priority, rewards, next_states, tried, updates, theta, alpha, gamma.

    The most urgent of the pairs that wait promises too little (sign 1) or too much (sign -1). To its state
    leads a pair that is wrong in the same direction, one that is wrong in the other and waits already, and
    one that was never tried.
    """
    S, A, gamma = 6, 3, 0.9
    next_states = (np.arange(S)[:, None] + 1 + np.arange(A)) % S
    tried = np.ones((S, A), dtype=bool)
    tried[0, 2] = tried[1, 2] = False
    tried[S - 1] = False  # the goal: no action was ever tried there
    Q = rng.uniform(0.0, 1.0, size=(S, A)) * tried
    errors = rng.uniform([1.0, -1.8, 1.0], [1.8, -1.2, 1.8], size=(S, A))
    urgent = (2, 3, 4), (0, 1, 2)
    errors[urgent] = rng.permutation([2.2, 2.6, 3.0]) + rng.uniform(0.0, 0.2, size=3)
    Q[urgent] = Q.max(axis=1)[[2, 3, 4]] + 1.5 * (1 - sign)  # its update changes the value of its state
    # Rewards that make each pair as far from the truth as `errors` says.
    rewards = np.where(tried, Q - gamma * Q.max(axis=1)[next_states] + sign * errors, 0.0)
    priority = np.zeros((S, A))
    priority[: S - 1, 1] = np.abs(errors[: S - 1, 1])
    priority[urgent] = errors[urgent]
    return Q, priority, rewards, next_states, tried, updates, theta, alpha, gamma


def _wall(rng):
    """The most urgent pair leads back to its own state, whose best action it is: it is still wrong then."""
    gamma, tried = 0.9, np.array([[True, True], [True, True], [False, False]])
    next_states = np.array([[0, 1], [2, 0], [2, 2]])
    urgent = np.array([[2.0, 0.0], [0.0, 0.0], [0.0, 0.0]])
    Q, errors = (rng.uniform(size=(3, 2)) + urgent) * tried, rng.uniform(1.0, 2.0, size=(3, 2)) + urgent
    rewards = np.where(tried, Q - gamma * Q.max(axis=1)[next_states] + errors, 0.0)
    priority = errors * [[1.0, 0.0], [1.0, 0.0], [0.0, 0.0]]
    return Q, priority, rewards, next_states, tried, 1, 1e-9, rng.uniform(0.6, 0.8), gamma


def first_updates(rng):
    """A single update; in the last case that of a step against a wall."""
    return [_model(rng, 1, 1e-9, 1.0, +1), _model(rng, 1, 1e-9, rng.uniform(0.6, 0.8), -1), _wall(rng)]


def _by_rounding(case):
    """Whether the two largest priorities are ever so close that rounding would say which comes first."""
    gaps = []

    def pick(priority):
        gaps.append(np.diff(np.sort(priority, axis=None)[-2:]).item())
        return np.argmax(priority)

    references.prioritized_sweep(*case, pick=pick)
    return min(gaps) < 1e-3


def many_updates(rng):
    """Enough of them to come back to where it began."""
    cases = []
    for sign in (+1, -1):
        case = _model(rng, 12, 1e-9, 1.0, sign)
        while _by_rounding(case):
            case = _model(rng, 12, 1e-9, 1.0, sign)
        cases.append(case)
    return cases


def calm_models(rng):
    """A wrong pair, two that lead to its state, one to each of theirs: theta is below what they get.

    Another waits already and becomes right by the first update; one was never tried.
    """
    cases = []
    for sign in (+1, -1):
        S, theta, gamma = 8, rng.uniform(0.4, 0.6), 0.9
        wrong, near, near_too, far, far_too, waits, untried, goal = rng.permutation(S)
        next_states, tried = np.full((S, 2), goal), np.ones((S, 2), dtype=bool)
        next_states[[near, near_too, waits], 0] = next_states[untried, 1] = wrong
        next_states[[far, far_too], 0] = near, near_too
        tried[untried, 1] = tried[goal, 0] = tried[goal, 1] = False
        value = rng.uniform(2.0, 3.0, size=S) * (np.arange(S) != goal)
        for s in (near, near_too, waits, far, far_too):
            value[s] += gamma * value[next_states[s, 0]]
        Q = np.stack([value, value - 3.0 * tried[:, 0]], axis=1)
        errors, priority = np.zeros((S, 2)), np.zeros((S, 2))
        errors[[wrong, waits], 0] = sign * rng.uniform(1.0, 1.1), -sign * rng.uniform(0.8, 0.9)
        rewards = np.where(tried, Q - gamma * value[next_states] + errors, 0.0)
        priority[[wrong, waits], 0] = np.abs(errors[[wrong, waits], 0])
        cases.append((Q, priority, rewards, next_states, tried, 30, theta, 1.0, gamma))
    return cases
