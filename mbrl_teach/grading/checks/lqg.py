"""The checks of assignment 01b_lqg.

Their instances stand in `grading.instances.lqg`, the right answers in `grading.references.lqg`; a known
mistake is a reference by its formulas with one keyword set.
"""

from __future__ import annotations

import numpy as np

from mbrl_teach.control import kalman
from mbrl_teach.grading.first_difference import first_difference
from mbrl_teach.grading.instances import lqg as instances
from mbrl_teach.grading.references import lqg as references
from mbrl_teach.grading.task import TOLERANCE, Agrees, Holds, Task, mistakes_of

# Task 1a: predict -----------------------------------------------------------------------------------

ACTION, DRIFT, SPREAD = "the mean after an action", "the mean with drift f", "the covariance"

predict = Task(
    name="01b_lqg/predict",
    title="Task 1a, predict",
    objective="carry a Gaussian belief through linear dynamics",
    results={"mean": "n", "covariance": "n n"},
    reference=references.predict,
    properties=[
        Agrees(ACTION, 1, ("mean",), instances.steps_with_action),
        Agrees(DRIFT, 1, ("mean",), instances.steps_with_drift),
        Agrees(SPREAD, 2, ("covariance",), instances.steps_with_action),
    ],
    mistakes=mistakes_of(
        references.predict_by_formula,
        ("the action a_t is left out", {"acted": 0}, (ACTION,)),
        ("the drift f is left out", {"drift": 0}, (DRIFT,)),
        ("the process noise is left out", {"P_of": lambda A, P, W: A @ P @ A.T}, (SPREAD,)),
        (
            "A' is missing behind P: both sides of a covariance are multiplied",
            {"P_of": lambda A, P, W: A @ P + W},
            (SPREAD,),
        ),
        ("A and A' have changed places", {"P_of": lambda A, P, W: A.T @ P @ A + W}, (SPREAD,)),
        (
            "the process noise went through the dynamics: it is added after them",
            {"P_of": lambda A, P, W: A @ (P + W) @ A.T},
            (SPREAD,),
        ),
        ("P did not go through the dynamics", {"P_of": lambda A, P, W: P + W}, (SPREAD,)),
        (
            "the process noise is squared: it is a covariance already",
            {"P_of": lambda A, P, W: A @ P @ A.T + W @ W.T},
            (SPREAD,),
        ),
    ),
)

# Task 1b: update ------------------------------------------------------------------------------------

MEAN, COVARIANCE = "the mean after one number was seen", "the covariance after one number was seen"
SEVERAL = "mean and covariance after several numbers were seen at once"

update = Task(
    name="01b_lqg/update",
    title="Task 1b, update",
    objective="condition a Gaussian belief on an observation",
    results={"mean": "n", "covariance": "n n"},
    reference=references.update,
    properties=[
        Agrees(MEAN, 2, ("mean",), instances.one_sensor),
        Agrees(COVARIANCE, 2, ("covariance",), instances.one_sensor),
        Agrees(SEVERAL, 1, ("mean", "covariance"), instances.several_sensors),
    ],
    mistakes=mistakes_of(
        references.update_by_formula,
        (
            "the innovation has the wrong sign: it is what was seen minus what was expected",
            {"mean_of": lambda m, L, o, H: m + L @ (H @ m - o)},
            (MEAN, SEVERAL),
        ),
        (
            "the gain moves the mean by the whole observation, not by the innovation o - H m",
            {"mean_of": lambda m, L, o, H: m + L @ o},
            (MEAN, SEVERAL),
        ),
        (
            "the observation noise is left out of the gain",
            {"L_of": lambda P, H, R: references.kalman_gain(P, H, 0 * R)},
            (MEAN, COVARIANCE, SEVERAL),
        ),
        (
            "the observation noise is squared: it is a covariance already",
            {"L_of": lambda P, H, R: references.kalman_gain(P, H, R @ R)},
            (MEAN, COVARIANCE, SEVERAL),
        ),
        (
            "P is missing in the gain",
            {"L_of": lambda P, H, R: H.T @ np.linalg.inv(H @ P @ H.T + R)},
            (MEAN, COVARIANCE, SEVERAL),
        ),
        (
            "/ S divides entry by entry: multiply by the inverse of the matrix",
            {"L_of": lambda P, H, R: P @ H.T / (H @ P @ H.T + R)},
            (SEVERAL,),
        ),
        (
            "1 / S inverts each entry, not the matrix",
            {"L_of": lambda P, H, R: P @ H.T @ (1 / (H @ P @ H.T + R))},
            (SEVERAL,),
        ),
        (
            "I - L H stands behind P: it belongs in front",
            {"P_of": lambda P, L, H: P @ (np.eye(len(P)) - L @ H)},
            (COVARIANCE, SEVERAL),
        ),
        (
            "H L stands where L H belongs",
            {"P_of": lambda P, L, H: (np.eye(len(P)) - H @ L) @ P},
            (COVARIANCE, SEVERAL),
        ),
        (
            "P is missing in the covariance: it is (I - L H) P",
            {"P_of": lambda P, L, H: np.eye(len(P)) - L @ H},
            (COVARIANCE, SEVERAL),
        ),
        (
            "the covariance has the wrong sign: an observation cannot make the belief wider",
            {"P_of": lambda P, L, H: P + L @ H @ P},
            (COVARIANCE, SEVERAL),
        ),
        (
            "the covariance is still the one before the observation",
            {"P_of": lambda P, L, H: P},
            (COVARIANCE, SEVERAL),
        ),
        (
            "(I - L H) P (I - L H)' needs L R L' added",
            {"P_of": references.half_of_joseph},
            (COVARIANCE, SEVERAL),
        ),
    ),
)

# Task 2: the filter and its likelihood --------------------------------------------------------------

WATCHED = "means and covariances where all actions are zero"
ACTED = "means with actions a_t"
ONE = "the log-likelihood of a single observation"
ALL = "the log-likelihood of a whole sequence"

kalman_filter = Task(
    name="01b_lqg/kalman_filter",
    title="Task 2, the filter and its likelihood",
    objective="assemble the Kalman filter and judge a model by it",
    results={"means": "T n", "covariances": "T n n", "log_likelihood": ""},
    reference=references.kalman_filter,
    properties=[
        Agrees(WATCHED, 2, ("means", "covariances"), instances.watched_only),
        Agrees(ACTED, 1, ("means",), instances.watched_and_acted),
        Agrees(ONE, 1, ("log_likelihood",), instances.single_observations),
        Agrees(ALL, 2, ("log_likelihood",), instances.watched_only),
    ],
    mistakes=mistakes_of(
        references.kalman_filter_by_steps,
        (
            "a prediction stands before the first update: mean and covariance are those of s_1 already",
            {"early": True},
            (WATCHED, ACTED, ONE, ALL),
        ),
        (
            "the predicted means and covariances are returned, not the filtered ones",
            {"report": lambda prior, posterior: prior},
            (WATCHED, ACTED),
        ),
        (
            "the covariance is not carried on: each update starts from that of s_1",
            {"carry": False},
            (WATCHED, ACTED, ALL),
        ),
        ("the actions are left out", {"acted": lambda actions: 0 * actions}, (ACTED,)),
        (
            "the action of another step is used: a_t leads from s_t, where o_t is seen, to s_{t+1}",
            {"acted": lambda actions: np.roll(actions, 1, axis=0)},
            (ACTED,),
        ),
        ("log det S is missing in the log-likelihood", {"weights": lambda p: (1, 0, 1)}, (ONE, ALL)),
        ("log 2π is missing in the log-likelihood", {"weights": lambda p: (1, 1, 0)}, (ONE, ALL)),
        (
            "log 2π counts once for each of the p numbers of an observation",
            {"weights": lambda p: (1, 1, 1 / p)},
            (ONE, ALL),
        ),
        ("the ½ is missing in the log-likelihood", {"weights": lambda p: (2, 2, 2)}, (ONE, ALL)),
        ("the log-likelihood has the wrong sign", {"weights": lambda p: (-1, -1, -1)}, (ONE, ALL)),
        ("the observation noise is left out of S in the log-likelihood", {"noise": 0}, (ONE, ALL)),
        (
            "the log-likelihood takes the covariance after the update: o_t is judged by what came before it",
            {"judge": lambda prior, posterior: (prior[0], posterior[1])},
            (ONE, ALL),
        ),
        (
            "the log-likelihood takes the mean after the update: o_t is judged by what came before it",
            {"judge": lambda prior, posterior: (posterior[0], prior[1])},
            (ONE, ALL),
        ),
        (
            "the log-likelihood takes the belief after the update: o_t is judged by what came before it",
            {"judge": lambda prior, posterior: posterior},
            (ONE, ALL),
        ),
        (
            "the log-likelihood is that of the last observation alone: add all of them up",
            {"total": lambda log_densities: log_densities[-1]},
            (ALL,),
        ),
        (
            "the log-likelihood is the mean over the steps: it is their sum",
            {"total": np.mean},
            (ALL,),
        ),
    ),
)

# Task 3: the LQG loop -------------------------------------------------------------------------------

ESTIMATES = "the means are those of a Kalman filter, given the actions you return"
FEEDBACK = "the actions are a_t = K_t m_t of the means you return"
OFFSETS = "the same with offsets k_t"


def _observed(case, actions):
    """The observations o_1 … o_T that the world of this case shows if these actions are taken."""
    reset, step, *_ = case
    return np.array([reset(), *(step(a) for a in actions[:-1])])


def _filtered_means(case, observations, actions):
    """What the filter makes of them."""
    _, _, _, _, *model, _, _ = case
    return kalman.kalman_filter(*model, observations, actions).means


def _estimates_by_the_filter(case, found):
    """The means are the filter's for the student's own actions, whatever controller chose them."""
    actions = found["actions"]
    means = _filtered_means(case, _observed(case, actions), actions)
    return first_difference(found, {"means": means}, {"means": "T n"}, TOLERANCE)


def _acts_on_its_means(case, found):
    """The actions are the policy's for the student's own means, whatever filter made them; but the first."""
    _, _, K, k, *_ = case
    first = _filtered_means(case, _observed(case, [None]), None)
    means = np.concatenate([first, found["means"][1:]])
    expected = {"means": means, "actions": np.einsum("tij,tj->ti", K, means) + k}
    return first_difference(found, expected, {"means": "T n", "actions": "T m"}, TOLERANCE)


lqg_loop = Task(
    name="01b_lqg/lqg_loop",
    title="Task 3, the LQG loop",
    objective="control a system that is seen through noise",
    results={"actions": "T m", "means": "T n"},
    reference=references.lqg_loop,
    properties=[
        Holds(ESTIMATES, 2, _estimates_by_the_filter, instances.loops_without_offsets),
        Holds(FEEDBACK, 2, _acts_on_its_means, instances.loops_without_offsets),
        Holds(OFFSETS, 1, _acts_on_its_means, instances.loops_with_offsets),
    ],
    mistakes=mistakes_of(
        references.lqg_loop_by_steps,
        (
            "the action is computed from the predicted mean, from before o_t was seen: use the filtered one",
            {"act": lambda K, k, t, predicted, filtered: K[t] @ predicted + k[t]},
            (FEEDBACK, OFFSETS),
        ),
        (
            "a minus sign too many: it lives inside K and k",
            {"act": lambda K, k, t, predicted, filtered: -K[t] @ filtered - k[t]},
            (FEEDBACK, OFFSETS),
        ),
        (
            "the gain of the first step is used at every step",
            {"act": lambda K, k, t, predicted, filtered: K[0] @ filtered + k[0]},
            (FEEDBACK, OFFSETS),
        ),
        (
            "the offset k_t is left out",
            {"act": lambda K, k, t, predicted, filtered: K[t] @ filtered},
            (OFFSETS,),
        ),
        (
            "the prediction leaves the action out: the filter must know what is done",
            {"known": lambda actions: 0 * actions[-1]},
            (ESTIMATES,),
        ),
        (
            "the prediction uses the action of the step before",
            {"known": lambda actions: actions[-2] if actions[1:] else 0 * actions[-1]},
            (ESTIMATES,),
        ),
        (
            "every update sees the first observation: step() returns the next one",
            {"see": lambda first, new: first},
            (ESTIMATES,),
        ),
        (
            "the covariance is not carried on: each update starts from that of s_1",
            {"carry": False},
            (ESTIMATES,),
        ),
        ("the world gets another action than the one you return", {"executed": 0}, (ESTIMATES,)),
        (
            "a prediction stands before the first update: mean and covariance are those of s_1 already",
            {"early": True},
            (ESTIMATES, FEEDBACK, OFFSETS),
        ),
    ),
)
