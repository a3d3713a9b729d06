"""The checks of assignment 07b_pets.

Their instances stand in `grading.instances.pets`, the right answers in `grading.references.pets`; a known
mistake is a reference with one keyword set.

Tasks 1 and 3 draw. Their draws are judged by what every right order of draws has in common: which member
moved a particle shows in where it went (`grading.judges.particles`), and how far up in its Dirichlet
distribution a drawn row lies is uniform (`grading.judges.episodes`). A right answer to Task 1 is called wrong
with a chance below 2e-5 (seven exact binomial chances of 2e-6, moments of the noise beyond six standard
errors), one to Task 3 below 1e-6 (Kolmogorov's distance, twice). Tasks 2 and 4 are exact.
"""

from __future__ import annotations

import numpy as np

from mbrl_teach.grading.instances import pets as instances
from mbrl_teach.grading.judges import episodes, particles
from mbrl_teach.grading.references import pets as references
from mbrl_teach.grading.student_call import NOT_FROM_RNG
from mbrl_teach.grading.task import Agrees, Holds, Task, mistakes_of

# Profiles this close, as shares of the largest entry (which is about 1), look alike.
ROUGHLY, SHAPE = 0.12, 0.1

# Task 1: trajectory sampling ------------------------------------------------------------------------

STEPS = "the states, where there is one member without noise"
KEEPS = "TS∞: a particle keeps its member for the whole rollout"
REDRAWS = "TS1: in each step a particle's member is drawn anew"
SHARED = "a particle has the same member in all sequences"
FAIR = "every member comes with the same chance"
NOISE = "the noise has the member's deviation, and is fresh for each particle, step and component"
CHANCE = (KEEPS, REDRAWS, SHARED, FAIR, NOISE)


def _once_for(axis):
    """Noise that is the same along one of the axes: particles, components."""

    def noise(rng, shape, t):
        fewer = tuple(1 if i == axis % len(shape) else length for i, length in enumerate(shape))
        return np.broadcast_to(rng.standard_normal(fewer), shape)

    return noise


def _same_in_all_steps(rng, shape, t):
    return np.random.default_rng(7).standard_normal(shape)


def _averaged(means, variances, members):
    return means.mean(axis=0), variances.mean(axis=0)


def _with_variance(of):
    """The member's mean, and a variance `of(means, variances)` that is the same for all members."""
    pick = references.of_the_member
    return lambda means, variances, members: (pick(means, variances, members)[0], of(means, variances))


trajectory_sampling = Task(
    name="07b_pets/trajectory_sampling",
    title="Task 1, trajectory sampling",
    objective="propagate particles through an ensemble",
    results={"states": "..."},
    reference=references.trajectory_sampling,
    ask=particles.ask_particles,
    properties=[
        Agrees(STEPS, 1, ("states",), instances.single_members),
        Holds(KEEPS, 1, particles.keeps, instances.both_schemes, tolerance=ROUGHLY),
        Holds(REDRAWS, 1, particles.redraws, instances.both_schemes, tolerance=ROUGHLY),
        Holds(SHARED, 1, particles.shares, instances.both_schemes, tolerance=ROUGHLY),
        Holds(FAIR, 1, particles.fair, instances.both_schemes, tolerance=ROUGHLY),
        Holds(NOISE, 2, particles.noisy, instances.noisy_members, tolerance=ROUGHLY),
    ],
    mistakes=mistakes_of(
        references.trajectory_sampling,
        (
            "the members are averaged before the step: each particle follows one member",
            {"pick": _averaged},
            CHANCE,
        ),
        (
            "the member is drawn anew in each step of TS∞, too: that is TS1",
            {"redraws": lambda redraw: True},
            (KEEPS,),
        ),
        (
            "the member is kept in TS1, too: that is TS∞",
            {"redraws": lambda redraw: False},
            (REDRAWS,),
        ),
        (
            "TS1 and TS∞ are exchanged: redraw = True is TS1",
            {"redraws": lambda redraw: not redraw},
            (KEEPS, REDRAWS),
        ),
        (
            "members are drawn for each sequence: sequences are compared in different worlds then",
            {"draw": lambda rng, E, P, N: rng.integers(E, size=(P, N))},
            (SHARED,),
        ),
        (
            "one member is drawn for all particles",
            {"draw": lambda rng, E, P, N: np.full((P, 1), rng.integers(E))},
            (REDRAWS, FAIR),
        ),
        (
            "the last member never comes: rng.integers(E) already stops before E",
            {"draw": lambda rng, E, P, N: references.one_each(rng, max(E - 1, 1), P, N)},
            (REDRAWS, FAIR),
        ),
        (
            "all particles follow the first member",
            {"draw": lambda rng, E, P, N: np.zeros((P, 1), dtype=int)},
            (REDRAWS, FAIR),
        ),
        ("no noise is added: each step is the mean", {"times": 0}, (NOISE,)),
        ("noise is added twice", {"times": 2}, (NOISE,)),
        (
            "the variance is taken for a deviation: its root is missing",
            {"deviation": lambda variance: variance},
            (NOISE,),
        ),
        (
            "the noise has the average variance of the members: each has its own",
            {"pick": _with_variance(lambda means, variances: variances.mean(axis=0))},
            (NOISE,),
        ),
        (
            "the spread of the members is added as noise: choosing a member has that spread already",
            {"pick": _with_variance(lambda means, variances: variances.mean(axis=0) + means.var(axis=0))},
            CHANCE,
        ),
        ("one noise is drawn for all particles", {"noise": _once_for(0)}, (NOISE,)),
        ("one noise is drawn for all components of a state", {"noise": _once_for(-1)}, (NOISE,)),
        ("the noise of the first step is used in all", {"noise": _same_in_all_steps}, (NOISE,)),
        (
            "the noise is uniform on [0, 1), not standard normal",
            {"noise": lambda rng, shape, t: rng.random(shape)},
            (NOISE,),
        ),
        (NOT_FROM_RNG, {"source": lambda rng: np.random.default_rng()}, CHANCE),
        (
            "every step takes the first action of its sequence",
            {"action": lambda actions, t: actions[:, 0]},
            (STEPS, *CHANCE),
        ),
        (
            "each step starts from the first state: nothing adds up",
            {"origin": lambda states, t: states[:, :, 0]},
            (STEPS, *CHANCE),
        ),
        ("the particles start at zero, not at `state`", {"begin": 0.0}, (STEPS,)),
    ),
)

# Task 2: CEM through an ensemble --------------------------------------------------------------------

COSTS = "the expected cost of each candidate: summed over its steps, averaged over the particles"
NORMAL = "mean and std of the elites, the candidates of the lowest expected cost"
BOUNDS = "candidates are clipped to the bounds"
LOOP = "three iterations: each draws from the last one's normal, and the costs of all are returned"
ALL_SEARCHES = (COSTS, NORMAL, BOUNDS, LOOP)


def _priced(**changes):
    return {
        "price": lambda states, actions, cost: references.expected_costs(states, actions, cost, **changes)
    }


ensemble_cem = Task(
    name="07b_pets/ensemble_cem",
    title="Task 2, CEM through an ensemble",
    objective="plan through an ensemble",
    results={"mean": "T m", "std": "T m", "costs": "I N"},
    reference=references.ensemble_cem,
    properties=[
        Agrees(COSTS, 2, ("costs",), instances.single_iterations),
        Agrees(NORMAL, 2, ("mean", "std"), instances.single_iterations),
        Agrees(BOUNDS, 1, ("mean", "std"), instances.bounded_iterations),
        Agrees(LOOP, 1, ("costs", "mean", "std"), instances.searches),
    ],
    mistakes=mistakes_of(
        references.ensemble_cem,
        (
            "a candidate has the cost of its best particle: the mean of all is meant",
            _priced(over_particles=np.min),
            ALL_SEARCHES,
        ),
        (
            "a candidate has the cost of its worst particle: the mean of all is meant",
            _priced(over_particles=np.max),
            ALL_SEARCHES,
        ),
        (
            "a candidate has the cost of its first particle: the mean of all is meant",
            _priced(over_particles=lambda x, axis: x[0]),
            ALL_SEARCHES,
        ),
        (
            "the particles are averaged before the cost: the cost of the mean is not the mean cost",
            {"price": references.cost_of_the_mean},
            ALL_SEARCHES,
        ),
        (
            "the costs are summed over the particles: the mean is meant",
            _priced(over_particles=np.sum),
            (COSTS, LOOP),
        ),
        (
            "the costs are averaged over the steps: the sum is meant",
            _priced(over_steps=np.mean),
            (COSTS, LOOP),
        ),
        (
            "the costs are averaged over the steps and summed over the particles: it is the other way round",
            _priced(over_steps=np.mean, over_particles=np.sum),
            (COSTS, LOOP),
        ),
        (
            "only the last step is paid: the costs of the steps add up",
            _priced(over_steps=lambda x, axis: x[:, :, -1]),
            ALL_SEARCHES,
        ),
        (
            "the cost is that of the next state: a step is paid where it begins",
            _priced(at=1),
            ALL_SEARCHES,
        ),
        (
            "the elites have the highest costs: as rewards they would be right",
            {"select": lambda costs, elites: np.argsort(-costs)[:elites]},
            (NORMAL, BOUNDS, LOOP),
        ),
        (
            "the first candidates are taken for the elites: sort them by their costs",
            {"select": lambda costs, elites: np.arange(elites)},
            (NORMAL, BOUNDS, LOOP),
        ),
        (
            "mean and std are those of all candidates",
            {"select": lambda costs, elites: np.arange(len(costs))},
            (NORMAL, BOUNDS, LOOP),
        ),
        ("std is the variance: its root is missing", {"deviation": np.var}, (NORMAL, BOUNDS, LOOP)),
        (
            "std is divided by elites - 1: the normal of the highest likelihood has elites there",
            {"deviation": lambda x, axis: np.std(x, axis=axis, ddof=1)},
            (NORMAL, BOUNDS, LOOP),
        ),
        (
            "std is squared: a normal draw is mean + std · noise",
            {"draw": lambda mean, std, z, low, high: np.clip(mean + std**2 * z, low, high)},
            ALL_SEARCHES,
        ),
        (
            "nothing is clipped",
            {"draw": lambda mean, std, z, low, high: mean + std * z},
            (BOUNDS,),
        ),
        (
            "the noise is clipped: it is the sum with the mean that has bounds",
            {"draw": lambda mean, std, z, low, high: mean + np.clip(std * z, low, high)},
            (BOUNDS,),
        ),
        (
            "every iteration draws with the noise of the first",
            {"noise_of": lambda noise, i: noise[0]},
            (LOOP,),
        ),
        (
            "every iteration draws from the first normal: the elites' belongs to the next",
            {"carry": lambda old, new: old},
            (LOOP,),
        ),
        (
            "every iteration draws with the first std",
            {"carry": lambda old, new: (new[0], old[1])},
            (LOOP,),
        ),
    ),
)

# Task 3: posterior sampling -------------------------------------------------------------------------

DRAWN = "each episode's world is a draw from Dirichlet(prior + counts), row by row"
LEARNED = "later worlds are drawn given all steps of all episodes before"
PLANNED = "one world an episode: each action is that of its plan"
COUNTED = "counts: every step of every episode, beside those known before"


posterior_sampling = Task(
    name="07b_pets/posterior_sampling",
    title="Task 3, posterior sampling",
    objective="explore by believing a sample",
    results={"worlds": "...", "actions": "...", "counts": "..."},
    reference=references.posterior_sampling,
    ask=episodes.ask_episodes,
    properties=[
        Holds(DRAWN, 2, episodes.drawn, instances.episodes, tolerance=SHAPE),
        Holds(LEARNED, 1, episodes.learned, instances.episodes, tolerance=SHAPE),
        Holds(PLANNED, 2, episodes.planned, instances.episodes, tolerance=ROUGHLY),
        Holds(COUNTED, 1, episodes.counted, instances.episodes, tolerance=ROUGHLY),
    ],
    mistakes=mistakes_of(
        references.posterior_sampling,
        (
            "the posterior's mean is taken for a sample: nothing is left to chance, and nobody explores",
            {"draw": references.posterior_mean},
            (DRAWN, LEARNED),
        ),
        (
            "the prior is forgotten",
            {"pseudo": lambda prior, counts, given: counts},
            (DRAWN, LEARNED),
        ),
        (
            "the counts are forgotten: each world is drawn from the prior",
            {"pseudo": lambda prior, counts, given: prior},
            (DRAWN, LEARNED),
        ),
        (
            "worlds are drawn from what was known before the first episode: what it saw tells the next",
            {"pseudo": lambda prior, counts, given: prior + given},
            (LEARNED,),
        ),
        (
            "one world is drawn for all episodes",
            {"once": True},
            (DRAWN, LEARNED),
        ),
        (
            "the Dirichlet distribution runs over s: P[a, s] must sum to 1 over s'",
            {"draw": lambda rng, pseudo_counts: references.dirichlet(rng, pseudo_counts, axis=1)},
            (DRAWN, LEARNED, PLANNED),
        ),
        (
            "the Dirichlet distribution runs over the actions: P[a, s] must sum to 1 over s'",
            {"draw": lambda rng, pseudo_counts: references.dirichlet(rng, pseudo_counts, axis=0)},
            (DRAWN, LEARNED, PLANNED),
        ),
        (
            "the drawn rows are not divided by their sums",
            {"draw": lambda rng, pseudo_counts: rng.standard_gamma(pseudo_counts)},
            (DRAWN, LEARNED, PLANNED),
        ),
        (
            "a world is drawn anew in each step: the agent changes its mind before it gets anywhere",
            {"each_step": True},
            (PLANNED,),
        ),
        (
            "the plan is that of the posterior's mean: the drawn world is not used",
            {"shown": lambda P, pseudo_counts: references.posterior_mean(None, pseudo_counts)},
            (PLANNED,),
        ),
        (
            "the action is the plan's for another state",
            {"acts": lambda policy, s, following: policy[following]},
            (PLANNED,),
        ),
        (
            "the episodes do not begin at `start`, but where the last one ended",
            {"restart": False},
            (LEARNED, PLANNED, COUNTED),
        ),
        (
            "s stays as it is: after a step the next state is the state",
            {"moves": False},
            (LEARNED, PLANNED, COUNTED),
        ),
        (
            "the counts of the episodes before are forgotten",
            {"forget": True},
            (LEARNED, COUNTED),
        ),
        (
            "only the last step of an episode is counted",
            {"seen": lambda steps: steps[-1:]},
            (LEARNED, COUNTED),
        ),
        (
            "s and s' are exchanged in counts",
            {"seen": lambda steps: [(a, following, s) for a, s, following in steps]},
            (LEARNED, COUNTED),
        ),
        (
            "counts holds the prior, too: it is what was seen, and nothing else",
            {"answer": lambda counts, prior, given: counts + prior},
            (COUNTED,),
        ),
        (
            "counts holds the new steps alone: those that you were given belong to it",
            {"answer": lambda counts, prior, given: counts - given},
            (COUNTED,),
        ),
        (
            "each step is counted twice",
            {"seen": lambda steps: 2 * steps},
            (LEARNED, COUNTED),
        ),
        (NOT_FROM_RNG, {"source": lambda rng: np.random.default_rng()}, (DRAWN, LEARNED, PLANNED, COUNTED)),
    ),
)

# Task 4: optimism -----------------------------------------------------------------------------------

MOVED = "P: the best next state gains width / 2, the worst one loses it"
WIDE = "P where the sets are wide: nothing above 1, nothing below 0, and each row sums to 1"
BACKUP = "V and policy after one sweep"
VALUES = "V and policy when the values stand still"
ALL_SWEEPS = (MOVED, WIDE, BACKUP, VALUES)


def _choosing(**changes):
    return {"choose": lambda P, width, V: references.most_optimistic(P, width, V, **changes)}


def _divide(p, order):
    p /= p.sum()


def _from_all_others(p, order):
    p[order[:-1]] *= (1.0 - p[order[-1]]) / p[order[:-1]].sum()


def _from_the_worst_alone(p, order):
    p[order[0]] -= p.sum() - 1.0


def _down_to_0_from_the_worst_alone(p, order):
    p[order[0]] -= min(p[order[0]], p.sum() - 1.0)


optimistic_values = Task(
    name="07b_pets/optimistic_values",
    title="Task 4, optimism in the dynamics",
    objective="explore by believing the best",
    results={"P": "A S S", "V": "S", "policy": "S"},
    reference=references.optimistic_values,
    properties=[
        Agrees(MOVED, 2, ("P",), instances.narrow_sets),
        Agrees(WIDE, 1, ("P",), instances.wide_sets),
        Agrees(BACKUP, 1, ("V", "policy"), instances.narrow_sets),
        Agrees(VALUES, 2, ("V", "policy"), instances.many_sweeps),
    ],
    mistakes=mistakes_of(
        references.optimistic_values,
        (
            "the optimism is a bonus on the reward: it belongs into the dynamics",
            {"choose": lambda P, width, V: P, "bonus": 1.0},
            ALL_SWEEPS,
        ),
        (
            "the dynamics are optimistic, and a bonus is paid beside: that is optimism twice",
            {"bonus": 1.0},
            (BACKUP, VALUES),
        ),
        ("P stays as it is: there is no optimism", {"choose": lambda P, width, V: P}, ALL_SWEEPS),
        (
            "the best state gains the whole width: half of it, for the other half is what the others lose",
            _choosing(share=1.0),
            ALL_SWEEPS,
        ),
        (
            "the rows do not sum to 1: what the best state gains, the worst ones lose",
            _choosing(repair=lambda p, order: None),
            ALL_SWEEPS,
        ),
        (
            "the rows are divided by their sums: the worst next states are to lose, not all",
            _choosing(repair=_divide),
            ALL_SWEEPS,
        ),
        (
            "all other states lose alike: the worst ones are to lose first",
            _choosing(repair=_from_all_others),
            ALL_SWEEPS,
        ),
        (
            "the states lose in the order of their numbers: the worst ones are to lose first",
            _choosing(
                repair=lambda p, order: references.taken_from_the_worst(
                    p, [s for s in range(len(p)) if s != order[-1]]
                )
            ),
            ALL_SWEEPS,
        ),
        (
            "the second-best state loses first: the worst one is to",
            _choosing(repair=lambda p, order: references.taken_from_the_worst(p, order[-2::-1])),
            ALL_SWEEPS,
        ),
        (
            "the worst state alone loses: below 0 nothing is left to take, the next one has to give",
            _choosing(repair=_from_the_worst_alone),
            (WIDE, VALUES),
        ),
        (
            "the worst state alone loses, down to 0, and the sum stays above 1: the next one has to give",
            _choosing(repair=_down_to_0_from_the_worst_alone),
            (WIDE, VALUES),
        ),
        (
            "the best state may gain more than there is: its probability is 1 at most",
            _choosing(cap=np.inf, repair=lambda p, order: references.taken_from_the_worst(p, order[:-1])),
            (WIDE,),
        ),
        (
            "the worst state gains, the best ones lose: that is pessimism",
            _choosing(order=lambda V: np.argsort(-V)),
            ALL_SWEEPS,
        ),
        (
            "one width is used for all pairs: each has its own",
            {"radius": lambda width: np.full_like(width, width.mean())},
            ALL_SWEEPS,
        ),
        (
            "the best state is that of the first values in all sweeps: V has changed",
            {"frozen": True},
            (VALUES,),
        ),
        (
            "P is changed in place: every sweep starts from the frequencies, so choose in a copy",
            {"kept": False},
            (VALUES,),
        ),
        ("there is one sweep alone", {"count": lambda sweeps: 1}, (VALUES,)),
        (
            "gamma is missing",
            {"action_values": lambda P, R, gamma, V: references.backup(P, R, 1.0, V)},
            (BACKUP, VALUES),
        ),
        (
            "gamma multiplies the reward, too",
            {"action_values": lambda P, R, gamma, V: gamma * references.backup(P, R, 1.0, V)},
            (BACKUP, VALUES),
        ),
        (
            "the policy is the worst: a smallest value where the largest is meant",
            {"best": np.argmin},
            (BACKUP, VALUES),
        ),
    ),
)
