"""The checks of assignment 04_sampling_planners.

Their instances stand in `grading.instances.sampling_planners`, the right answers in
`grading.references.sampling_planners`; a known mistake is a reference with one keyword set. The random
numbers of an answer are part of the case, but for Task 2, whose draws are judged as a sample. What is not a
comparison with the right answer stands in `grading.judges.sampling_planners`.
"""

from __future__ import annotations

import numpy as np

from mbrl_teach.grading.instances import sampling_planners as instances
from mbrl_teach.grading.judges import sampling_planners as judges
from mbrl_teach.grading.references import sampling_planners as references
from mbrl_teach.grading.student_call import NOT_FROM_RNG
from mbrl_teach.grading.task import Agrees, Holds, Mistake, Task, mistakes_of

# Task 1: rollouts of many sequences at once ---------------------------------------------------------

STATES, COSTS = "the states that each sequence goes through", "the cost of each sequence"
CLIPPED = "actions beyond the bounds: world and cost see them clipped"
CALLS = "one call of dynamics moves all sequences"


rollouts = Task(
    name="04_sampling_planners/rollouts",
    title="Task 1, rollouts of many sequences at once",
    objective="roll out a thousand sequences in a few calls",
    results={"states": "N T+1 n", "costs": "N"},
    reference=references.rollouts,
    properties=[
        Agrees(STATES, 1, ("states",), instances.unbounded_rollouts),
        Agrees(COSTS, 1, ("costs",), instances.unbounded_rollouts),
        Agrees(CLIPPED, 1, ("states", "costs"), instances.bounded_rollouts),
        Holds(CALLS, 2, judges.few_calls, instances.counted_rollouts),
    ],
    mistakes=[
        *mistakes_of(
            references.rollouts,
            (judges.ONE_BY_ONE, {"batch": 1}, (CALLS,)),
            ("the cost sees the actions before they were clipped", {"priced_raw": True}, (CLIPPED,)),
            ("nothing is clipped", {"clip": lambda a, low, high: a}, (CLIPPED,)),
            (
                "the lower bound is taken to be -high",
                {"clip": lambda a, low, high: np.clip(a, -high, high)},
                (CLIPPED,),
            ),
            ("only the upper bound is kept", {"clip": lambda a, low, high: np.minimum(a, high)}, (CLIPPED,)),
            (
                "the bounds of the first action are used for all",
                {"clip": lambda a, low, high: np.clip(a, low[0], high[0])},
                (CLIPPED,),
            ),
            (
                "the cost is that of the next state: a step is paid where it begins",
                {"at": 1},
                (COSTS, CLIPPED),
            ),
            (
                "only the last step is paid: the costs of the steps add up",
                {"total": lambda paid, axis: paid[:, -1]},
                (COSTS, CLIPPED),
            ),
            ("the last step is not paid", {"count": -1}, (COSTS, CLIPPED)),
            ("the costs are averaged over the steps, not summed", {"total": np.mean}, (COSTS, CLIPPED)),
            ("the sequences start at zero, not at `state`", {"begin": 0.0}, (STATES, COSTS, CLIPPED, CALLS)),
            (
                "actions[t] is a sequence, not a step: the step is the second axis",
                {"pick": lambda a, t: a[t % len(a)][np.arange(len(a)) % a.shape[1]]},
                (STATES, COSTS, CLIPPED, CALLS),
            ),
        ),
        Mistake(judges.COST_ONE_BY_ONE, references.rollouts_with_costs_one_by_one, (CALLS,)),
    ],
)

# Task 2: random shooting ----------------------------------------------------------------------------

SPREAD = "the candidates are drawn from rng, each on its own, uniformly between the bounds"
PRICED = "costs are those of your candidates"
BEST = "actions is the cheapest of your candidates"


def _once_for_all(axis):
    """Draws that are the same along one of the axes: candidates, steps, actions."""

    def draw(rng, low, high, size):
        fewer = tuple(1 if i == axis else length for i, length in enumerate(size))
        return low + (high - low) * np.broadcast_to(rng.random(fewer), size)

    return draw


random_shooting = Task(
    name="04_sampling_planners/random_shooting",
    title="Task 2, random shooting",
    objective="guess and check",
    results={"candidates": "N T m", "costs": "N", "actions": "T m"},
    reference=references.random_shooting,
    ask=judges.ask_again,
    properties=[
        Holds(SPREAD, 2, judges.spread, instances.boxes_and_another_rng),
        Holds(PRICED, 1, judges.priced, instances.boxes),
        Holds(BEST, 1, judges.cheapest, instances.boxes),
    ],
    mistakes=mistakes_of(
        references.random_shooting,
        (
            "the candidate of the highest cost is taken: costs are to be small",
            {"choose": lambda candidates, costs: candidates[np.argmax(costs)]},
            (BEST,),
        ),
        (
            "each entry is the smallest among all candidates: the cheapest one is a whole sequence",
            {"choose": lambda candidates, costs: candidates.min(axis=0)},
            (BEST,),
        ),
        (
            "the average of the candidates is taken",
            {"choose": lambda candidates, costs: candidates.mean(axis=0)},
            (BEST,),
        ),
        ("one sequence is drawn for all candidates", {"draw": _once_for_all(0)}, (SPREAD, BEST)),
        ("one action is drawn for all steps of a candidate", {"draw": _once_for_all(1)}, (SPREAD,)),
        ("one number is drawn for all entries of an action", {"draw": _once_for_all(2)}, (SPREAD,)),
        (
            "the draws lie between 0 and 1, not between low and high",
            {"draw": lambda rng, low, high, size: rng.random(size)},
            (SPREAD,),
        ),
        (
            "the draws reach from low to low + 1: the width high - low is missing",
            {"draw": lambda rng, low, high, size: low + rng.random(size)},
            (SPREAD,),
        ),
        (
            "the draws are normal, not uniform",
            {"draw": lambda rng, low, high, size: np.clip(rng.standard_normal(size), low, high)},
            (SPREAD,),
        ),
        (
            "the bounds of the first action are used for all",
            {"draw": lambda rng, low, high, size: rng.uniform(low[0], high[0], size)},
            (SPREAD,),
        ),
        (
            NOT_FROM_RNG,
            {"draw": lambda rng, low, high, size: np.random.default_rng().uniform(low, high, size)},
            (SPREAD,),
        ),
        (
            judges.FROM_A_SEED,
            {"draw": lambda rng, low, high, size: np.random.default_rng(0).uniform(low, high, size)},
            (SPREAD,),
        ),
        ("the costs belong to the candidates in another order", {"of": lambda x: x[::-1]}, (PRICED, BEST)),
    ),
)

# Task 3: elites, refit and soft weights -------------------------------------------------------------

MEAN, STD = "mean of the elites", "std of the elites, for each step and action"
SOFT, SOFT_BIG = "soft_mean, by MPPI's weights", "soft_mean where the costs are large"


def _weights(logarithms, total=np.sum):
    """Weights of another form: exp of `logarithms(costs, temperature)`, divided by their `total`."""

    def weights(costs, temperature):
        w = np.exp(logarithms(costs, temperature))
        return w / total(w)

    return weights


refit = Task(
    name="04_sampling_planners/refit",
    title="Task 3, elites and soft weights",
    objective="guess better",
    results={"mean": "T m", "std": "T m", "soft_mean": "T m"},
    reference=references.refit,
    properties=[
        Agrees(MEAN, 1, ("mean",), instances.samples),
        Agrees(STD, 1, ("std",), instances.samples),
        Agrees(SOFT, 2, ("soft_mean",), instances.samples),
        Agrees(SOFT_BIG, 1, ("soft_mean",), instances.expensive_samples),
    ],
    mistakes=[
        *mistakes_of(
            references.refit,
            (
                "the elites have the highest costs: as rewards they would be right",
                {"select": lambda costs, elites: np.argsort(-costs)[:elites]},
                (MEAN, STD),
            ),
            (
                "the first candidates are taken for the elites: sort them by their costs",
                {"select": lambda costs, elites: np.arange(elites)},
                (MEAN, STD),
            ),
            (
                "mean and std are those of all candidates",
                {"select": lambda costs, elites: np.arange(len(costs))},
                (MEAN, STD),
            ),
            (
                "mean and std are taken over the steps, not over the elites",
                {"among": 1, "spread_among": 1},
                (MEAN, STD),
            ),
            ("std is taken over the steps, not over the elites", {"spread_among": 1}, (STD,)),
            ("std is the variance: its root is missing", {"deviation": np.var}, (STD,)),
            ("std is that of all candidates", {"spread_of_all": True}, (STD,)),
            (
                "std is divided by elites - 1: the normal of the highest likelihood has elites there",
                {"deviation": lambda x, axis: np.std(x, axis=axis, ddof=1)},
                (STD,),
            ),
            (
                "std is measured from zero, not from the mean",
                {"deviation": lambda x, axis: np.sqrt(np.mean(x**2, axis=axis))},
                (STD,),
            ),
            (
                "the weights grow with the cost: a minus is missing",
                {"weights": _weights(lambda J, temperature: (J - J.max()) / temperature)},
                (SOFT, SOFT_BIG),
            ),
            (
                "the weights do not sum to one",
                {
                    "weights": _weights(
                        lambda J, temperature: (J.min() - J) / temperature, total=lambda w: 1.0
                    )
                },
                (SOFT, SOFT_BIG),
            ),
            (
                "the weights are divided by their number, not by their sum",
                {"weights": _weights(lambda J, temperature: (J.min() - J) / temperature, total=len)},
                (SOFT, SOFT_BIG),
            ),
            (
                "the temperature multiplies the costs: it divides them",
                {"weights": _weights(lambda J, temperature: (J.min() - J) * temperature)},
                (SOFT, SOFT_BIG),
            ),
            (
                "the temperature is missing",
                {"weights": _weights(lambda J, temperature: J.min() - J)},
                (SOFT, SOFT_BIG),
            ),
            (
                "the weighted candidates are averaged: with weights that sum to one they are summed",
                {
                    "weights": _weights(
                        lambda J, temperature: (J.min() - J) / temperature,
                        total=lambda w: len(w) * np.sum(w),
                    )
                },
                (SOFT, SOFT_BIG),
            ),
            (
                "the soft mean is that of the elites: all candidates have a say",
                {"heard_elites": True},
                (SOFT, SOFT_BIG),
            ),
            (
                "another cost than the lowest is subtracted: exp(large) overflows",
                {"weights": _weights(lambda J, temperature: (J.max() - J) / temperature)},
                (SOFT_BIG,),
            ),
            (
                "the lowest cost is not subtracted: exp(-cost / temperature) ends up at 0",
                {"weights": _weights(lambda J, temperature: -J / temperature)},
                (SOFT_BIG,),
            ),
        ),
        Mistake("std is returned before mean", references.swapped_refit, (MEAN, STD)),
    ],
)

# Task 4: the loop of CEM ----------------------------------------------------------------------------

NORMAL = "mean and std after the last iteration"
BOUNDS = "candidates are clipped to the bounds"
KEPT = "the kept elites join the next candidates"
CHEAPEST = "the best candidate of all iterations, and its cost"
EVERYWHERE = (NORMAL, BOUNDS, KEPT, CHEAPEST)

cem = Task(
    name="04_sampling_planners/cem",
    title="Task 4, the cross-entropy method",
    objective="search with a distribution",
    results={"mean": "T m", "std": "T m", "actions": "T m", "cost": ""},
    reference=references.cem,
    properties=[
        Agrees(NORMAL, 2, ("mean", "std"), instances.plain_searches),
        Agrees(BOUNDS, 1, ("mean", "std"), instances.bounded_searches),
        Agrees(KEPT, 1, ("mean", "std"), instances.searches_with_elites),
        Agrees(CHEAPEST, 1, ("actions", "cost"), instances.plain_searches),
    ],
    mistakes=mistakes_of(
        references.cem,
        (
            "std is squared: a normal draw is mean + std · noise",
            {"draw": lambda mean, std, z, low, high: np.clip(mean + std**2 * z, low, high)},
            EVERYWHERE,
        ),
        (
            "the mean is not added to the noise",
            {"draw": lambda mean, std, z, low, high: np.clip(std * z, low, high)},
            EVERYWHERE,
        ),
        (
            "every iteration draws with the noise of the first",
            {"noise_of": lambda noise, i: noise[0]},
            (NORMAL, BOUNDS, KEPT),
        ),
        (
            "one noise is used for all candidates",
            {"noise_of": lambda noise, i: np.repeat(noise[i][:1], len(noise[i]), axis=0)},
            EVERYWHERE,
        ),
        (
            "every iteration draws from the first normal: refit's belongs to the next",
            {"carry": lambda old, new: old},
            (NORMAL, BOUNDS, KEPT),
        ),
        ("std is never refitted", {"carry": lambda old, new: (new[0], old[1])}, (NORMAL, BOUNDS, KEPT)),
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
            "the standard normal noise is clipped: it is the candidates that have bounds",
            {"draw": lambda mean, std, z, low, high: mean + std * np.clip(z, low, high)},
            (BOUNDS,),
        ),
        (
            "the mean is clipped: it is the candidates that have bounds",
            {"draw": lambda mean, std, z, low, high: np.clip(mean, low, high) + std * z},
            (BOUNDS,),
        ),
        (
            "no elites are kept, or the refit does not see them",
            {"keep": lambda candidates, costs, kept: candidates[:0]},
            (KEPT,),
        ),
        (
            "the worst candidates are kept",
            {"keep": lambda candidates, costs, kept: candidates[np.argsort(-costs)[:kept]]},
            (KEPT,),
        ),
        (
            "the worst candidates are kept, and all of them if kept is 0: [-0:] is everything",
            {"keep": lambda candidates, costs, kept: candidates[np.argsort(costs)[-kept:]]},
            (NORMAL, BOUNDS, KEPT),
        ),
        (
            "a single candidate is kept, whatever `kept` says",
            {"keep": lambda candidates, costs, kept: candidates[[np.argmin(costs)]]},
            (NORMAL, BOUNDS, KEPT),
        ),
        (
            "the first candidates are kept: sort them by their costs",
            {"keep": lambda candidates, costs, kept: candidates[:kept]},
            (KEPT,),
        ),
        ("the best candidate is that of the last iteration alone", {"memory": False}, (CHEAPEST,)),
        (
            "the mean is returned for the best candidate",
            {"answer": lambda best, cost, mean, objective: (mean, cost)},
            (CHEAPEST,),
        ),
        (
            "the mean and its cost are returned for the best candidate",
            {"answer": lambda best, cost, mean, objective: (mean, objective(mean[None])[0])},
            (CHEAPEST,),
        ),
        ("the best candidate is that of the highest cost", {"order": -1}, (CHEAPEST,)),
    ),
)

# Task 5: the probability of a rare event ------------------------------------------------------------

FIRST = "the mean of the first elites"
TILT = "the mean after several iterations, with weights"
ESTIMATE = "the probability, estimated with your mean"
ERROR = "its standard error"


def _upside_down(x, mean, std=1.0):
    return 1 / references.likelihood_ratio(x, mean, std)


def _no_weights(x, mean, std=1.0):
    return np.ones(len(x))


rare_event = Task(
    name="04_sampling_planners/rare_event",
    title="Task 5, the probability of a rare event",
    objective="estimate what hardly ever happens",
    results={"mean": "n", "probability": "", "error": ""},
    reference=references.rare_event,
    properties=[
        Agrees(FIRST, 1, ("mean",), instances.first_tilts),
        Agrees(TILT, 2, ("mean",), instances.rare_events),
        Holds(ESTIMATE, 2, judges.by_own_mean("probability", np.mean), instances.estimates),
        Holds(
            ERROR,
            1,
            judges.by_own_mean("error", references.standard_error, tolerance=1e-3),
            instances.estimates,
            tolerance=1e-3,
        ),
    ],
    mistakes=mistakes_of(
        references.rare_event,
        (
            "the elites are those with the lowest V: here it is to be large",
            {"level": lambda V, d, elites: np.sort(V)[elites - 1], "reached": np.less_equal},
            (FIRST, TILT, ESTIMATE, ERROR),
        ),
        (
            "the level is that of the worst elites, counted from the wrong end",
            {"level": lambda V, d, elites: min(d, np.sort(V)[elites - 1])},
            (FIRST, TILT, ESTIMATE, ERROR),
        ),
        (
            "one elite too few: the level is the E-th largest V, which is V >= level itself",
            {"level": lambda V, d, elites: min(d, np.sort(V)[-elites + 1])},
            (FIRST, TILT),
        ),
        (
            "one elite too many: the E-th largest has the index -E",
            {"level": lambda V, d, elites: min(d, np.sort(V)[-elites - 1])},
            (FIRST, TILT),
        ),
        (
            "the level is d from the start, which no sample reaches",
            {"level": lambda V, d, elites: d},
            (FIRST, TILT, ESTIMATE, ERROR),
        ),
        (
            "the level rises beyond d",
            {"level": lambda V, d, elites: np.sort(V)[-elites]},
            (TILT, ESTIMATE, ERROR),
        ),
        (
            "the weights are left out of the estimate: it counts how often V >= d under the tilted normal",
            {"final_ratio": _no_weights},
            (ESTIMATE, ERROR),
        ),
        (
            "the weights are left out of the mean",
            {"ratio": _no_weights, "final_ratio": references.likelihood_ratio},
            (TILT,),
        ),
        (
            "the weighted elites are divided by their number, not by the sum of their weights",
            {"total": np.count_nonzero},
            (TILT, ESTIMATE, ERROR),
        ),
        (
            "the last samples are final_noise: the mean is not added",
            {"moved": 0.0},
            (ESTIMATE, ERROR),
        ),
        (
            "the weights of the estimate are those of the mean before: its samples have the last one",
            {"weighed_by": lambda before, mean: before},
            (ESTIMATE, ERROR),
        ),
        (
            "the estimate asks for V >= level: the event is V >= d",
            {"event": lambda d, level: level},
            (ESTIMATE, ERROR),
        ),
        (
            "the weights of the estimate are upside down: N(0, I) belongs above",
            {"final_ratio": _upside_down},
            (ESTIMATE, ERROR),
        ),
        (
            "the weights are upside down: N(0, I) belongs above",
            {"ratio": _upside_down},
            (TILT, ESTIMATE, ERROR),
        ),
        (
            "the deviation is refitted, too: only the mean may be tilted",
            {"refit_std": True},
            (TILT, ESTIMATE, ERROR),
        ),
        (
            "½|mean|² is missing in the weights",
            {"final_ratio": lambda x, mean, std: np.exp(-x @ mean)},
            (ESTIMATE, ERROR),
        ),
        (
            "the estimate is divided by the sum of the hits' weights, not by the number of all samples",
            {"of": lambda hits, reached: hits / hits.sum()},
            (ESTIMATE, ERROR),
        ),
        (
            "the average is one over the hits alone: a sample that misses counts as 0",
            {"of": lambda hits, reached: hits[reached]},
            (ESTIMATE, ERROR),
        ),
        ("error is the deviation of one sample: √M is missing", {"error": np.std}, (ERROR,)),
        ("error is divided by M, not by √M", {"error": lambda hits: np.std(hits) / len(hits)}, (ERROR,)),
        ("error is squared: its root is missing", {"error": lambda hits: np.var(hits) / len(hits)}, (ERROR,)),
        (
            "error is that of plain Monte Carlo, √(p(1-p)/M): here hits have weights",
            {"error": lambda hits: np.sqrt(np.mean(hits) * (1 - np.mean(hits)) / len(hits))},
            (ERROR,),
        ),
    ),
)

# Task 6: receding horizon with warm start -----------------------------------------------------------

OBSERVED = "each plan starts from the state observed; the first of its best actions is applied"
MEAN_MOVED = "each plan begins with the last mean, moved on by one step"
ELITES_MOVED = "and with the last elites, each moved on by one step"
WIDE = "each plan begins as wide as the first"
CLOSED_LOOP = ("states", "actions")
ALL_LOOPS = (OBSERVED, MEAN_MOVED, ELITES_MOVED, WIDE)

mpc = Task(
    name="04_sampling_planners/mpc",
    title="Task 6, receding horizon with warm start",
    objective="close the loop around a sampling planner",
    results={"states": "steps+1 n", "actions": "steps m"},
    reference=references.mpc,
    properties=[
        Agrees(OBSERVED, 2, CLOSED_LOOP, instances.loops_without_memory),
        Agrees(MEAN_MOVED, 1, CLOSED_LOOP, instances.loops_with_a_mean),
        Agrees(ELITES_MOVED, 1, CLOSED_LOOP, instances.loops_with_elites),
        Agrees(WIDE, 1, CLOSED_LOOP, instances.loops_with_a_width),
    ],
    mistakes=mistakes_of(
        references.mpc,
        ("the mean is not moved on: its first action is used up", {"move_mean": lambda x: x}, (MEAN_MOVED,)),
        (
            "the mean given to the planner is moved on, not the one that it found",
            {"solution": lambda guess, plan: guess},
            (MEAN_MOVED,),
        ),
        (
            "the best actions are moved on in place of the mean",
            {"solution": lambda guess, plan: plan[0]},
            (MEAN_MOVED,),
        ),
        (
            "zero stands at the end of the mean, not its last action once more",
            {"move_mean": lambda x: np.concatenate([x[1:], 0 * x[:1]])},
            (MEAN_MOVED,),
        ),
        (
            "the used action comes back at the end of the mean",
            {"move_mean": lambda x: np.roll(x, -1, axis=0)},
            (MEAN_MOVED,),
        ),
        (
            "the mean is moved on in the wrong direction",
            {"move_mean": lambda x: np.concatenate([x[:1], x[:-1]])},
            (MEAN_MOVED,),
        ),
        (
            "the mean is moved on by one number, not by one step: np.roll needs its axis",
            {"move_mean": lambda x: np.roll(x, -1)},
            (MEAN_MOVED,),
        ),
        ("the elites are not moved on", {"move_elites": lambda x: x}, (ELITES_MOVED,)),
        (
            "zero stands at the end of the elites, not their last action once more",
            {"move_elites": lambda x: np.concatenate([x[:, 1:], 0 * x[:, :1]], axis=1)},
            (ELITES_MOVED,),
        ),
        (
            "the used action comes back at the end of the elites",
            {"move_elites": lambda x: np.roll(x, -1, axis=1)},
            (ELITES_MOVED,),
        ),
        ("the elites are not handed on", {"move_elites": lambda x: x[:0]}, (ELITES_MOVED,)),
        (
            "the elites are moved on among themselves: time is their second axis",
            {"move_elites": lambda x: np.concatenate([x[1:], x[-1:]])},
            (ELITES_MOVED,),
        ),
        (
            "the narrow std of the last plan is handed on: the search cannot widen any more",
            {"widen": lambda first, last: last},
            (WIDE,),
        ),
        (
            "each plan starts from the first state, not from the one observed",
            {"observe": False},
            ALL_LOOPS,
        ),
        (
            "the first action of the mean is applied, not of the best",
            {"act": lambda best, mean: mean[0]},
            ALL_LOOPS,
        ),
        (
            "the last action of the best is applied, not its first",
            {"act": lambda best, mean: best[-1]},
            ALL_LOOPS,
        ),
        ("the first plan is carried out blindly", {"once": True}, ALL_LOOPS),
    ),
)

# Task 7: discount, end and terminal value -----------------------------------------------------------

DISCOUNT = "the discounted sum of the costs, where nothing follows"
VALUE = "the value of what follows the last state"
ENDED = "sequences that end: nothing is paid from there on"
ALL_SUMS = (DISCOUNT, VALUE, ENDED)

total_costs = Task(
    name="04_sampling_planners/total_costs",
    title="Task 7, the terminal value",
    objective="look beyond the horizon",
    results={"total": "N"},
    reference=references.total_costs,
    properties=[
        Agrees(DISCOUNT, 1, ("total",), instances.valueless_sequences),
        Agrees(VALUE, 2, ("total",), instances.open_sequences),
        Agrees(ENDED, 2, ("total",), instances.ended_sequences),
    ],
    mistakes=mistakes_of(
        references.total_costs,
        (
            "the discount is off by one: the first step is not discounted",
            {"discount": lambda gamma, t: gamma ** (t + 1)},
            ALL_SUMS,
        ),
        ("the costs are not discounted", {"discount": lambda gamma, t: gamma ** (0 * t)}, ALL_SUMS),
        ("the cost is that of the next state: a step is paid where it begins", {"paid_at": 1}, ALL_SUMS),
        ("the value is not discounted", {"value_discount": lambda gamma, T: 1.0}, (VALUE,)),
        (
            "the discount of the value is off by one: T steps lie before it",
            {"value_discount": lambda gamma, T: gamma ** (T - 1)},
            (VALUE,),
        ),
        (
            "the discount of the value is off by one: only T steps lie before it",
            {"value_discount": lambda gamma, T: gamma ** (T + 1)},
            (VALUE,),
        ),
        ("the value is that of s_T: the last state is s_{T+1}", {"at": -2}, (VALUE,)),
        ("the value is subtracted: it is a cost like the others", {"sign": -1.0}, (VALUE,)),
        ("the value is missing", {"sign": 0.0}, (VALUE,)),
        (
            "a sequence that has ended is given the value of its last state",
            {"goes_on": lambda over, gone: np.ones(len(over))},
            (ENDED,),
        ),
        (
            "a sequence that leaves the end is given the value of its last state",
            {"goes_on": lambda over, gone: ~over[:, -1]},
            (ENDED,),
        ),
        ("the steps after the end are paid", {"paid_for_ever": True}, (ENDED,)),
        (
            "a sequence that leaves the end goes on: once ended is ended for good",
            {"count": lambda over: over},
            (ENDED,),
        ),
        ("the step that leads to the end is not paid", {"late": 1}, (ENDED,)),
        ("no sequence ever ends", {"count": np.zeros_like}, (ENDED,)),
    ),
)
