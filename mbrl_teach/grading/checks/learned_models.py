"""The checks of assignment 06_learned_models.

Their instances stand in `grading.instances.learned_models`, the right answers in
`grading.references.learned_models`; a known mistake is a reference with one keyword set. Nothing is drawn and
nothing is trained for long: what learns or plans is handed in, as a function of plain numbers.
"""

from __future__ import annotations

import numpy as np

from mbrl_teach.grading.instances import learned_models as instances
from mbrl_teach.grading.judges import learned_models as judges
from mbrl_teach.grading.references import learned_models as references
from mbrl_teach.grading.task import Agrees, Holds, Task, mistakes_of

# Task 1: least squares with a bias ------------------------------------------------------------------

PLAIN = "W without a ridge: slopes, and the bias in the last row"
RIDGE = "the ridge holds the slopes, and leaves the bias free"
DEPENDENT = "the best fit where one input follows from the others, or data are few"
EVERY_FIT = (PLAIN, RIDGE, DEPENDENT)


least_squares = Task(
    name="06_learned_models/least_squares",
    title="Task 1, least squares with a bias",
    objective="fit a linear model",
    results={"W": "p n"},
    reference=references.least_squares,
    properties=[
        Agrees(PLAIN, 2, ("W",), instances.plain_regressions),
        Agrees(RIDGE, 2, ("W",), instances.ridged_regressions),
        Holds(DEPENDENT, 1, judges.fits_best, instances.dependent_regressions),
    ],
    mistakes=mistakes_of(
        references.least_squares,
        (
            "there is no bias: the fit goes through the origin",
            {"columns": lambda X: np.column_stack([X, np.zeros(len(X))])},
            EVERY_FIT,
        ),
        (
            "the bias is the mean of the targets: the slopes times the mean of the inputs belong off it",
            {"finish": references.bias_is(lambda X, Y: Y.mean(axis=0))},
            EVERY_FIT,
        ),
        (
            "the bias is missing: the slopes are those of a fit with one, the last row is zero",
            {"finish": references.bias_is(lambda X, Y: np.zeros(Y.shape[1]))},
            EVERY_FIT,
        ),
        (
            "the targets are centred, the inputs are not",
            {
                "columns": lambda X: np.column_stack([X, np.zeros(len(X))]),
                "target": lambda Y: Y - Y.mean(axis=0),
                "finish": references.bias_is(lambda X, Y: Y.mean(axis=0)),
            },
            EVERY_FIT,
        ),
        (
            "the bias stands in the first row of W: it belongs into the last",
            {"finish": lambda X, Y, W: np.roll(W, 1, axis=0)},
            EVERY_FIT,
        ),
        (
            "the ridge pulls at the bias, too: only the slopes are to be small",
            {"weights": lambda ridge, X: np.full(X.shape[1] + 1, ridge)},
            (RIDGE,),
        ),
        ("the ridge is not used", {"weights": lambda ridge, X: np.zeros(X.shape[1] + 1)}, (RIDGE,)),
        (
            "the ridge is squared: the pretended rows hold its root",
            {"weights": lambda ridge, X: references.slopes_alone(ridge**2, X)},
            (RIDGE,),
        ),
        (
            "the ridge is multiplied by N: the errors are added up, not averaged",
            {"weights": lambda ridge, X: references.slopes_alone(len(X) * ridge, X)},
            (RIDGE,),
        ),
        (
            "the ridge is divided by N: it is held against the sum of the squares",
            {"weights": lambda ridge, X: references.slopes_alone(ridge / len(X), X)},
            (RIDGE,),
        ),
    ),
)

# Task 2: the covariance of the noise ----------------------------------------------------------------

COVARIANCE = "covariance of the residuals, from many steps"
UNBIASED = "covariance from few steps: what the fit has used up is taken off N"
SAMPLES = "samples: the mean and noise of your covariance"
BOTH_SIZES = (COVARIANCE, UNBIASED)

noise_model = Task(
    name="06_learned_models/noise_model",
    title="Task 2, the covariance of the noise",
    objective="say how much a model does not know",
    results={"covariance": "n n", "samples": "M n"},
    reference=references.noise_model,
    properties=[
        Agrees(COVARIANCE, 2, ("covariance",), instances.many_steps, tolerance=1e-2),
        Agrees(UNBIASED, 1, ("covariance",), instances.few_steps),
        Holds(SAMPLES, 2, judges.drawn_with_own_covariance, instances.few_steps),
    ],
    mistakes=mistakes_of(
        references.noise_model,
        (
            "the sum is divided by N: the fit has used up p of the N residuals",
            {"count": lambda N, p: N},
            (UNBIASED,),
        ),
        (
            "the sum is divided by N - 1, as for a mean alone: the fit has used up p of the N residuals",
            {"count": lambda N, p: N - 1},
            (UNBIASED,),
        ),
        (
            "the bias is not counted: p is the number of rows of W",
            {"count": lambda N, p: N - p + 1},
            (UNBIASED,),
        ),
        (
            "the bias is counted twice: p, the number of rows of W, has it already",
            {"count": lambda N, p: N - p - 1},
            (UNBIASED,),
        ),
        ("the sum is not divided", {"count": lambda N, p: 1}, BOTH_SIZES),
        (
            "the covariance is that of the targets: take off what the model explains",
            {"residuals": lambda X, Y, W: Y - Y.mean(axis=0)},
            BOTH_SIZES,
        ),
        (
            "the bias is missing in the residuals",
            {"residuals": lambda X, Y, W: Y - X @ W[:-1]},
            BOTH_SIZES,
        ),
        (
            "only the variances are kept: the noises of two outputs may depend on each other",
            {"keep": lambda covariance: np.diag(np.diag(covariance))},
            BOTH_SIZES,
        ),
        ("z is multiplied by the covariance: a root of it is meant", {"root": lambda S: S}, (SAMPLES,)),
        (
            "the root is transposed: B B' is to be the covariance, and each row of z a column vector",
            {"draw": lambda B, z: z @ B},
            (SAMPLES,),
        ),
        (
            "each number is drawn with its own deviation alone: the outputs' noises depend on each other",
            {"root": lambda S: np.diag(np.sqrt(np.diag(S)))},
            (SAMPLES,),
        ),
        ("the samples lack the mean", {"mean": lambda new_X, W: 0.0}, (SAMPLES,)),
        ("the samples lack the noise", {"draw": lambda B, z: 0.0 * z}, (SAMPLES,)),
    ),
)

# Task 3: a local model for each step ----------------------------------------------------------------

ALONE = "F and f where the prior is worth nothing"
AROUND = "F and f with a prior around the same mean"
ELSEWHERE = "F and f with a prior whose mean lies elsewhere"
EVERY_PRIOR = (ALONE, AROUND, ELSEWHERE)

fit_local = Task(
    name="06_learned_models/fit_local",
    title="Task 3, a local model for each step",
    objective="fit a time-varying model to few trajectories",
    results={"F": "T n n+m", "f": "T n"},
    reference=references.fit_local,
    properties=[
        Agrees(ALONE, 2, ("F", "f"), instances.trajectories_alone),
        Agrees(AROUND, 2, ("F", "f"), instances.trajectories_around_the_prior),
        Agrees(ELSEWHERE, 1, ("F", "f"), instances.trajectories_and_a_prior),
    ],
    mistakes=mistakes_of(
        references.fit_local,
        (
            "the steps of all times are put together: each step has a model of its own",
            {"steps": references.of_all_times},
            EVERY_PRIOR,
        ),
        (
            "the steps run backward: F is to take z_t to s_{t+1}",
            {"steps": lambda s, a: np.concatenate([s[:, 1:], a, s[:, :-1]], axis=-1)},
            EVERY_PRIOR,
        ),
        (
            "the actions are those of the next step",
            {"steps": lambda s, a: references.in_time(s, np.concatenate([a[:, 1:], a[:, -1:]], axis=1))},
            EVERY_PRIOR,
        ),
        ("the covariance is not centred: the mean belongs off first", {"centre": 0.0}, EVERY_PRIOR),
        (
            "each input is fitted for itself: Σ_zz is a matrix, not its diagonal",
            {"slopes": lambda cross, S_zz: cross / np.diag(S_zz)},
            EVERY_PRIOR,
        ),
        ("f is missing", {"bias": 0.0}, EVERY_PRIOR),
        ("the prior is not used", {"weight": lambda strength: 0.0 * strength}, (AROUND, ELSEWHERE)),
        (
            "S_t is divided by M - 1, as np.cov does: `bias=True` divides by M",
            {"divisor": lambda M: M - 1},
            (AROUND, ELSEWHERE),
        ),
        (
            "S_t counts once: it is worth as many samples as there are trajectories, M",
            {"samples": lambda M: 1},
            (AROUND, ELSEWHERE),
        ),
        (
            "the term with the distance of the two means is missing",
            {"apart": lambda M, n_0: 0.0},
            (ELSEWHERE,),
        ),
        (
            "the distance of the means weighs n_0: it is M n_0 / (M + n_0)",
            {"apart": lambda M, n_0: n_0},
            (ELSEWHERE,),
        ),
        ("f goes through the mean of the samples: it is the mixed mean", {"through": "sample"}, (ELSEWHERE,)),
    ),
)

# Task 4: the error of a rollout ---------------------------------------------------------------------

ONE_STEP = "one_step: each prediction from the observed state"
ROLLOUT = "rollout: each prediction from the one before it"
ANGLES = "the same with an angle that crosses ±π"
BOUND = "bound: what the largest error of one step can have grown to"
SIZES = (ONE_STEP, ROLLOUT, ANGLES)
ROLLED = (ROLLOUT, ANGLES)

rollout_error = Task(
    name="06_learned_models/rollout_error",
    title="Task 4, the error of a rollout",
    objective="measure what a planner will see",
    results={"one_step": "T", "rollout": "T", "bound": "T"},
    reference=references.rollout_error,
    properties=[
        Agrees(ONE_STEP, 1, ("one_step",), instances.plain_rollouts),
        Agrees(ROLLOUT, 2, ("rollout",), instances.plain_rollouts),
        Agrees(ANGLES, 1, ("one_step", "rollout"), instances.rollouts_with_an_angle),
        Agrees(BOUND, 1, ("bound",), instances.plain_rollouts),
    ],
    mistakes=mistakes_of(
        references.rollout_error,
        (
            "the error of one step is reported: a rollout goes on from its own prediction",
            {"carry": lambda predicted, observed: observed},
            ROLLED,
        ),
        (
            "the errors of the single steps are added up: a rollout goes on from its own prediction",
            {"add_up": True},
            ROLLED,
        ),
        ("the rollout's actions are those of the next step", {"acted": 1}, ROLLED),
        (
            "the predictions are compared with the states that they start from",
            {"against": 0},
            (*SIZES, BOUND),
        ),
        (
            "the mean of the distances is taken: the root of the mean of their squares is meant",
            {"size": lambda errors: np.sqrt((errors**2).sum(axis=-1)).mean()},
            SIZES,
        ),
        ("the root is missing", {"size": lambda errors: (errors**2).sum(axis=-1).mean()}, SIZES),
        (
            "the squares are averaged over the coordinates: within a state they are added up",
            {"size": lambda errors: np.sqrt((errors**2).mean())},
            SIZES,
        ),
        (
            "the largest error of any trajectory is reported, not the root of the mean square",
            {"size": lambda errors: np.sqrt((errors**2).sum(axis=-1).max())},
            SIZES,
        ),
        (
            "the trajectories are averaged before the square: their errors cancel",
            {"size": lambda errors: np.linalg.norm(errors.mean(axis=0))},
            SIZES,
        ),
        (
            "angles are subtracted like numbers: 3.1 and -3.1 are close, `difference` knows",
            {"subtract": instances.plain_difference},
            (ANGLES,),
        ),
        (
            "the bound has L^(t-1) times the largest error: each step adds an error of its own",
            {"grow": lambda largest, L, T: largest * L ** np.arange(T)},
            (BOUND,),
        ),
        (
            "the bound begins with L: the error of the first step has not grown yet",
            {"grow": lambda largest, L, T: largest * np.cumsum(L ** (1 + np.arange(T)))},
            (BOUND,),
        ),
        (
            "the bound is the largest error times t: L is left out",
            {"grow": lambda largest, L, T: largest * (1 + np.arange(T))},
            (BOUND,),
        ),
        (
            "the bound is made of an average error: it holds with the largest of all",
            {"worst": lambda errors: np.sqrt((errors**2).sum(axis=-1).mean(axis=-1)).max()},
            (BOUND,),
        ),
        (
            "the bound is made of the rollout's largest error: it holds with the largest of one step",
            {"of_step": lambda single, rolled: rolled},
            (BOUND,),
        ),
        (
            "the bound takes the largest error of any coordinate: that of a state is its length",
            {"worst": lambda errors: np.abs(errors).max()},
            (BOUND,),
        ),
    ),
)

# Task 5: differences and normalisation --------------------------------------------------------------

CHANGES = "next states from normalised changes"
STATISTICS = "means and deviations of the training data alone"
CIRCLE = "changes of an angle that crosses ±π"
CONSTANT = "columns that are constant"
JACOBIAN = "F, the Jacobian in the world's units"
EVERY_CHANGE = (CHANGES, STATISTICS, CIRCLE, CONSTANT)


def _ones(columns):
    return np.ones(columns.shape[1])


def _is_in(angles, delta):
    """Whether each entry of `delta` (N, n) is that of an angle."""
    return np.broadcast_to(np.isin(np.arange(delta.shape[1]), angles), delta.shape)


def _divide_by_zero(columns):
    with np.errstate(all="ignore"):
        return columns.std(axis=0)


def _with_one_less(columns):
    std = columns.std(axis=0, ddof=1)
    return np.where(std == 0, 1.0, std)


def _of_all(X, x):
    both = np.concatenate([X, x])
    return both, both


def _other_units(scale):
    """F with another scale of dΔ/dz, `scale(J, x_std, y_std)`."""
    return lambda J, x_std, y_std, n: np.eye(n, len(x_std)) + scale(J, x_std, y_std[:, None])


learn_changes = Task(
    name="06_learned_models/learn_changes",
    title="Task 5, differences and normalisation",
    objective="prepare data for a network, and undo it",
    results={"predicted": "B n", "F": "B n n+m"},
    reference=references.learn_changes,
    properties=[
        Agrees(CHANGES, 2, ("predicted",), instances.seen_again),
        Agrees(STATISTICS, 1, ("predicted",), instances.asked_elsewhere),
        Agrees(CIRCLE, 1, ("predicted",), instances.around_the_circle),
        Agrees(CONSTANT, 1, ("predicted",), instances.constant_columns),
        Agrees(JACOBIAN, 1, ("F",), instances.seen_again),
    ],
    mistakes=mistakes_of(
        references.learn_changes,
        (
            "the next states are the targets: learn the change s' - s",
            {
                "before": 0.0,
                "change": lambda delta, angles: delta,
                "add": lambda s, delta, angles: delta,
                "units": lambda J, x_std, y_std, n: y_std[:, None] * J / x_std,
            },
            (*EVERY_CHANGE, JACOBIAN),
        ),
        (
            "the change is returned for the next state: s is missing",
            {"add": lambda s, delta, angles: delta},
            EVERY_CHANGE,
        ),
        (
            "the predicted change is left in normalised units",
            {"restore": lambda y, mean, std: y},
            EVERY_CHANGE,
        ),
        (
            "the mean of the changes is not added again",
            {"restore": lambda y, mean, std: std * y},
            EVERY_CHANGE,
        ),
        (
            "the inputs are not normalised",
            {"x_scale": _ones, "x_shift": 0.0},
            (*EVERY_CHANGE, JACOBIAN),
        ),
        ("the changes are not divided by their deviation", {"y_scale": _ones}, (*EVERY_CHANGE, JACOBIAN)),
        (
            "the variance is taken for the deviation",
            {"x_scale": lambda x: references.scale(x) ** 2, "y_scale": lambda y: references.scale(y) ** 2},
            (*EVERY_CHANGE, JACOBIAN),
        ),
        (
            "the deviations are divided by N - 1: np.std has N, and so has the task",
            {"x_scale": _with_one_less, "y_scale": _with_one_less},
            (*EVERY_CHANGE, JACOBIAN),
        ),
        (
            "the new inputs have a part in the statistics: they are not known when the model is fitted",
            {"statistics": _of_all},
            (STATISTICS,),
        ),
        (
            "the new inputs are normalised by statistics of their own",
            {"statistics": lambda X, x: (X, x)},
            (STATISTICS,),
        ),
        (
            "angles are subtracted like numbers: a step across ±π looks like a whole turn",
            {"change": lambda delta, angles: delta},
            (CIRCLE,),
        ),
        (
            "angles are taken to [0, 2π): a small step back looks like a whole turn",
            {"change": lambda delta, angles: np.where(_is_in(angles, delta), delta % (2 * np.pi), delta)},
            (CIRCLE,),
        ),
        (
            "the next angle is wrapped, too: s + Δ is to stay smooth",
            {"add": lambda s, delta, angles: references.wrapped(s + delta, angles)},
            (CIRCLE,),
        ),
        (
            "all changes are wrapped, not those of angles alone",
            {"change": lambda delta, angles: references.wrapped(delta, slice(None))},
            (CHANGES, STATISTICS, CONSTANT, JACOBIAN),
        ),
        (
            "a constant column is divided by its deviation, which is zero",
            {"x_scale": _divide_by_zero, "y_scale": _divide_by_zero},
            (CONSTANT,),
        ),
        (
            "the regression is asked at new inputs that are not normalised",
            {"asked": lambda raw, x: raw},
            EVERY_CHANGE,
        ),
        (
            "the Jacobian is taken at new inputs that are not normalised",
            {"slope_at": lambda raw, x: raw},
            (JACOBIAN,),
        ),
        (
            "the Jacobian is left in normalised units",
            {"units": _other_units(lambda J, x_std, y_std: J)},
            (JACOBIAN,),
        ),
        (
            "the Jacobian's inputs are left in normalised units: σ_x is missing",
            {"units": _other_units(lambda J, x_std, y_std: y_std * J)},
            (JACOBIAN,),
        ),
        (
            "the Jacobian's units are upside down: the changes' deviation belongs above",
            {"units": _other_units(lambda J, x_std, y_std: J * x_std / y_std)},
            (JACOBIAN,),
        ),
        (
            "F is the regression's own Jacobian: the world's units and [I 0] are missing",
            {"units": lambda J, x_std, y_std, n: J},
            (JACOBIAN,),
        ),
        (
            "F is the Jacobian of the change: [I 0] is missing",
            {"units": lambda J, x_std, y_std, n: y_std[:, None] * J / x_std},
            (JACOBIAN,),
        ),
    ),
)

# Task 6: the aggregation loop -----------------------------------------------------------------------

PLANS = "each plan from a model of all the steps so far"
COUNTED = "sizes: how many steps the model was fitted to"
RESETS = "no step spans the end of an episode"
EVERY_LOG = (PLANS, COUNTED, RESETS)


def _neighbours(last_to_first):
    """Each row of a log with the next, whatever ended there; the last one with the first, or not at all."""

    def pairs(states, actions, ended):
        after = np.roll(states, -1, axis=0)
        stop = None if last_to_first else -1
        return states[:stop], actions[:stop], after[:stop]

    return pairs


def _without_the_row_before_the_end(states, actions, ended):
    kept = ~ended[1:]
    return states[:-1][kept], actions[:-1][kept], states[1:][kept]


def _with_the_next_action(states, actions, ended):
    return references.inside_episodes(states, np.roll(actions, -1, axis=0), ended)


def _one_log(logs, new):
    """All logs as one; no reset is marked between them."""
    return [tuple(np.concatenate(parts) for parts in zip(*logs, new, strict=True))]


aggregate = Task(
    name="06_learned_models/aggregate",
    title="Task 6, the aggregation loop",
    objective="collect data where the plans go",
    results={"plans": "R T m", "sizes": "R"},
    reference=references.aggregate,
    properties=[
        Agrees(PLANS, 2, ("plans",), instances.unbroken_logs),
        Agrees(COUNTED, 1, ("sizes",), instances.unbroken_logs),
        Agrees(RESETS, 2, ("plans", "sizes"), instances.logs_with_resets),
    ],
    mistakes=mistakes_of(
        references.aggregate,
        (
            "the data are replaced: the model is fitted to the newest log alone",
            {"remember": lambda logs, new: [new]},
            EVERY_LOG,
        ),
        (
            "the model is fitted once: fit it again to all the steps after each log",
            {"fits": lambda r: r == 0},
            EVERY_LOG,
        ),
        (
            "the first plan is executed in each round: execute the latest",
            {"execute": lambda first, latest: first},
            (PLANS, RESETS),
        ),
        ("the plan is made before the model is fitted to its log", {"plan_first": True}, (PLANS, RESETS)),
        (
            "the planned actions are learned from: the log has those that were taken",
            {"recorded": lambda planned, taken: planned},
            (PLANS, RESETS),
        ),
        (
            "the actions are those of the next row",
            {"pairs": _with_the_next_action},
            (PLANS, RESETS),
        ),
        (
            "the plans returned are those that were executed: return what each round's model has planned",
            {"told": lambda executed, planned: executed},
            (PLANS, RESETS),
        ),
        (
            "sizes counts the newest log alone: the model was fitted to all so far",
            {"counted": lambda parts: len(parts[-1])},
            (COUNTED, RESETS),
        ),
        (
            "steps span the end of an episode: after it the next row is a new start",
            {"pairs": _neighbours(last_to_first=False)},
            (RESETS,),
        ),
        (
            "the last row of a log is followed by its first: its next state is not known",
            {"pairs": _neighbours(last_to_first=True)},
            EVERY_LOG,
        ),
        (
            "the last row of a log is followed by the first of the next: there was a reset between",
            {"pairs": _neighbours(last_to_first=False), "remember": _one_log},
            EVERY_LOG,
        ),
        (
            "the step that leads to the last state of an episode is dropped: the one from it has to go",
            {"pairs": _without_the_row_before_the_end},
            EVERY_LOG,
        ),
    ),
)

# Task 7: the MPC loop on a learned model ------------------------------------------------------------

REPLANNED = "a new plan in each step, of which the first action is applied"
REFITTED = "the model is fitted again, to all steps so far"
SURPRISE = "surprises: how far each step was from what its plan expected"
CLOSED_LOOP = ("states", "actions")
WHOLE = (REPLANNED, REFITTED, SURPRISE)

mpc = Task(
    name="06_learned_models/mpc",
    title="Task 7, MPC on a learned model",
    objective="learn and plan while acting",
    results={"states": "steps+1 n", "actions": "steps m", "surprises": "steps"},
    reference=references.mpc,
    properties=[
        Agrees(REPLANNED, 2, CLOSED_LOOP, instances.loops_with_a_fixed_model),
        Agrees(REFITTED, 2, CLOSED_LOOP, instances.loops_that_learn),
        Agrees(SURPRISE, 1, ("surprises",), instances.loops_with_a_fixed_model),
    ],
    mistakes=mistakes_of(
        references.mpc,
        ("the whole plan is executed: apply its first action, then plan again", {"whole": True}, WHOLE),
        ("the last action of the plan is applied, not its first", {"first": -1}, WHOLE),
        (
            "each plan starts from the first state, not from the one observed",
            {"start": lambda states, expected: states[0]},
            WHOLE,
        ),
        (
            "each plan starts from the state expected, not from the one observed",
            {"start": lambda states, expected: states[0] if expected is None else expected[1]},
            WHOLE,
        ),
        ("the model is never fitted again", {"due": lambda t, every: False}, (REFITTED,)),
        (
            "the model is fitted in every step, whatever `every` says",
            {"due": lambda t, every: True},
            (REFITTED,),
        ),
        (
            "the fits come too early: counted from 0, it is t that is to be divisible by `every`",
            {"due": lambda t, every: (t + 1) % every == 0},
            (REFITTED,),
        ),
        (
            "the data are replaced: the model forgets those that it began with",
            {"join": lambda data, new: new or data},
            (REFITTED,),
        ),
        (
            "only the newest step joins the data: the ones before it are lost",
            {"join": lambda data, new: [*data, *new[-1:]]},
            (REFITTED,),
        ),
        ("the model is fitted before the last step has joined the data", {"late": 1}, (REFITTED,)),
        ("s and s' are exchanged in the new data", {"order": (2, 1, 0)}, (REFITTED,)),
        (
            "the model learns from the states that it expected: learn from those observed",
            {"learned": lambda observed, expected: expected},
            (REFITTED,),
        ),
        (
            "the surprise is the way from the state before: expected[0] is where the plan began",
            {"surprise": lambda observed, expected: np.linalg.norm(observed - expected[0])},
            (SURPRISE,),
        ),
        (
            "the state observed is compared with the end of the plan",
            {"surprise": lambda observed, expected: np.linalg.norm(observed - expected[-1])},
            (SURPRISE,),
        ),
        (
            "the surprise is the square of the distance",
            {"surprise": lambda observed, expected: np.sum((observed - expected[1]) ** 2)},
            (SURPRISE,),
        ),
        (
            "the surprise is summed over the coordinates: the distance is the root of the sum of squares",
            {"surprise": lambda observed, expected: np.abs(observed - expected[1]).sum()},
            (SURPRISE,),
        ),
    ),
)
