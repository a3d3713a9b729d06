"""The checks of assignment 01_lqr.

Their instances stand in `grading.instances.lqr`, the right answers in `grading.references.lqr`; a known
mistake is a reference with one keyword set.
"""

from __future__ import annotations

import numpy as np

from mbrl_teach.grading.instances import lqr as instances
from mbrl_teach.grading.references import lqr as references
from mbrl_teach.grading.task import TOLERANCE, Agrees, Holds, Task, mistakes_of

# Task 1: the gain of the last step ------------------------------------------------------------------

K_RIGHT, k_RIGHT = "K is the gain that minimises over the action", "k is its offset"

gain = Task(
    name="01_lqr/gain",
    title="Task 1, the gain of the last step",
    objective="derive the optimal action of one step",
    results={"K": "m n", "k": "m"},
    reference=references.gain,
    properties=[
        Agrees(K_RIGHT, 2, ("K",), instances.quadratics),
        Agrees(k_RIGHT, 1, ("k",), instances.quadratics),
    ],
    mistakes=mistakes_of(
        references.gain,
        (
            "K has the wrong sign: the gradient Q_as s + Q_aa a + q_a is zero at minus Q_aa⁻¹ (…)",
            {"signs": (1, -1)},
            (K_RIGHT,),
        ),
        (
            "k has the wrong sign: the gradient Q_as s + Q_aa a + q_a is zero at minus Q_aa⁻¹ (…)",
            {"signs": (-1, 1)},
            (k_RIGHT,),
        ),
        (
            "Q_sa stands where Q_as belongs",
            {"block": lambda Q, n: Q[:n, n:]},
            (K_RIGHT, k_RIGHT),  # an error where n is not m costs both
        ),
        (
            "Q_aa multiplies where its inverse belongs",
            {"solve": lambda Q_aa, right: Q_aa @ right},
            (K_RIGHT, k_RIGHT),
        ),
        (
            "1 / Q_aa inverts each entry, not the matrix",
            {"solve": lambda Q_aa, right: (1 / Q_aa) @ right},
            (K_RIGHT, k_RIGHT),
        ),
        (
            "Q_aa⁻¹ stands behind Q_as: it belongs in front",
            {"solve": lambda Q_aa, right: right @ np.linalg.inv(Q_aa)},
            (K_RIGHT, k_RIGHT),  # likewise
        ),
        (
            "Q_ss stands where Q_aa belongs",
            {"curvature": lambda Q, n: Q[:n, :n]},
            (K_RIGHT, k_RIGHT),  # likewise
        ),
        (
            "the state part q_s of q stands where its action part q_a belongs",
            {"part": lambda q, n: q[:n]},
            (K_RIGHT, k_RIGHT),  # likewise
        ),
    ),
)

# Task 2: the value after substitution ---------------------------------------------------------------

V_RIGHT, v_RIGHT = "V for any gain K", "v for any gain K and offset k"

state_value = Task(
    name="01_lqr/state_value",
    title="Task 2, the value after substitution",
    objective="derive the value of a linear policy",
    results={"V": "n n", "v": "n"},
    reference=references.state_value,
    properties=[
        Agrees(V_RIGHT, 2, ("V",), instances.quadratics_and_policies),
        Agrees(v_RIGHT, 2, ("v",), instances.quadratics_and_policies),
    ],
    mistakes=mistakes_of(
        references.state_value,
        ("Q_sa K is missing in V", {"of_V": (1, 0, 1, 1)}, (V_RIGHT,)),
        ("K' Q_as is missing in V", {"of_V": (1, 1, 0, 1)}, (V_RIGHT,)),
        ("K' Q_aa K is missing in V", {"of_V": (1, 1, 1, 0)}, (V_RIGHT,)),
        ("Q_sa k is missing in v", {"of_v": (1, 0, 1, 1)}, (v_RIGHT,)),
        ("K' q_a is missing in v", {"of_v": (1, 1, 0, 1)}, (v_RIGHT,)),
        ("K' Q_aa k is missing in v", {"of_v": (1, 1, 1, 0)}, (v_RIGHT,)),
        ("Q_sa k and K' Q_aa k are missing in v", {"of_v": (1, 0, 1, 0)}, (v_RIGHT,)),
        (
            "V is not symmetric: take Q_sa K and its transpose, not one of them twice",
            {"of_V": (1, 2, 0, 1)},
            (V_RIGHT,),
        ),
        (
            "K' Q_as stands twice and Q_sa K not at all: V is symmetric only with each of them once",
            {"of_V": (1, 0, 2, 1)},
            (V_RIGHT,),
        ),
        (
            "the best policy was substituted, and K and k are any here",
            {"policy": references.best_policy},
            (V_RIGHT, v_RIGHT),
        ),
        (
            "a = -K s - k was substituted: the minus lives inside K and k",
            {"policy": lambda Q, q, K, k: (-K, -k)},
            (V_RIGHT, v_RIGHT),
        ),
        (
            "V = Q_ss + Q_sa K holds for the best K only, and K is any gain here",
            {"of_V": (1, 1, 0, 0)},
            (V_RIGHT,),
        ),
        ("v = q_s + Q_sa k holds for the best K and k only", {"of_v": (1, 1, 0, 0)}, (v_RIGHT,)),
        (
            "V carries the ½ inside: the value is 1/2 s'Vs, so V itself has none",
            {"of_V": (0.5, 0.5, 0.5, 0.5)},
            (V_RIGHT,),
        ),
    ),
)

# Task 3: the action-value of one step ---------------------------------------------------------------

Q_RIGHT, q_RIGHT, q_DRIFT = "Q_t", "q_t where nothing drifts (f_t = 0)", "q_t with drift f_t"

action_value = Task(
    name="01_lqr/action_value",
    title="Task 3, the action-value of one step",
    objective="derive the action-value from the value of the next state",
    results={"Q": "n+m n+m", "q": "n+m"},
    reference=references.action_value,
    properties=[
        Agrees(Q_RIGHT, 2, ("Q",), instances.steps_without_drift),
        Agrees(q_RIGHT, 1, ("q",), instances.steps_without_drift),
        Agrees(q_DRIFT, 1, ("q",), instances.steps_with_drift),
    ],
    mistakes=mistakes_of(
        references.action_value,
        ("F'V f is missing in q", {"drift": 0}, (q_DRIFT,)),
        ("F'v is missing in q", {"slope": 0}, (q_RIGHT, q_DRIFT)),
        ("V f entered q twice: with 1/2 s'Vs its gradient is F'V f, without a 2", {"drift": 2}, (q_DRIFT,)),
        ("F'VF is halved: the ½ stands before the whole quadratic form", {"chain": 0.5}, (Q_RIGHT,)),
        ("the cost C, c of this step is missing", {"cost": 0}, (Q_RIGHT, q_RIGHT, q_DRIFT)),
        (
            "V is used at s_t: it belongs to the next state, which is F z + f",
            {"next_state": lambda F, f: (np.eye(*F.shape), 0 * f)},
            (Q_RIGHT, q_RIGHT, q_DRIFT),
        ),
    ),
)

# Task 4: the backward pass --------------------------------------------------------------------------

K_PLAIN = "K_t of problems without linear costs, drift or cross terms"
V_PLAIN = "V_t of the same problems"
LINEAR = "k_t and v_t with linear costs c_t"
DRIFT = "k_t and v_t with drift f_t"
CROSS = "K_t and V_t with cross terms C_sa"
EVERYTHING = (K_PLAIN, V_PLAIN, LINEAR, DRIFT, CROSS)

backward_pass = Task(
    name="01_lqr/backward_pass",
    title="Task 4, the backward pass",
    objective="assemble the backward recursion of LQR",
    results={"K": "T m n", "k": "T m", "V": "T+1 n n", "v": "T+1 n"},
    reference=references.backward_pass,
    time="backward",
    properties=[
        Agrees(K_PLAIN, 3, ("K",), instances.plain_problems),
        Agrees(V_PLAIN, 1, ("V",), instances.plain_problems),
        Agrees(LINEAR, 2, ("k", "v"), instances.linear_problems),
        Agrees(DRIFT, 1, ("k", "v"), instances.drifting_problems),
        Agrees(CROSS, 1, ("K", "V"), instances.crossed_problems),
    ],
    mistakes=mistakes_of(
        references.backward_pass_by_steps,
        ("the drift f_t is left out", {"drift": 0}, (DRIFT,)),
        ("v_{t+1} is not carried on: q_t is computed with v = 0", {"slope": 0}, (LINEAR, DRIFT)),
        ("the cross terms C_sa are left out", {"C_of": references.without_cross_terms}, (CROSS,)),
        ("V_t was made with an old K, that of the step computed before", {"old": 1}, EVERYTHING),
        (
            "V_{t+1} is still zero when it is used: V_t stands in its place, or the loop runs forward",
            {"order": iter},
            EVERYTHING,
        ),
        (
            "F of another step is used: F_t belongs to the step from s_t to s_{t+1}",
            {"F_at": lambda t, T: min(t + 1, T - 1)},
            EVERYTHING,
        ),
        (
            "F of the first step is used at every step: the dynamics vary in time",
            {"F_at": lambda t, T: 0},
            EVERYTHING,
        ),
        (
            "the loop stops before the first step: array index 0 stays zero",
            {"order": lambda steps: reversed(steps[1:])},
            EVERYTHING,
        ),
        (
            "the loop begins one step before the last: array index T-1 stays zero",
            {"order": lambda steps: reversed(steps[:-1])},
            EVERYTHING,
        ),
        (
            "V_t is made from the cost C_t, c_t of one step: it belongs to the action-value Q_t, q_t",
            {"worth": lambda Q, q, C, c: (C, c)},
            EVERYTHING,
        ),
        ("C_T is used at every step: the costs vary in time", {"C_of": lambda C, t, n: C[-1]}, EVERYTHING),
        (
            "the results stand in the order in which they were computed, the last step first",
            {"write": -1},
            EVERYTHING,
        ),
    ),
)

# Task 5: the forward pass ---------------------------------------------------------------------------

FEEDBACK = "states and actions under feedback a_t = K_t s_t"
OFFSETS = "states and actions with offsets k_t and drift f_t"
COST = "the cost is that of the states and actions you return, from initial_state on"


def _own_cost(case, found):
    """Compare the returned cost with that of the returned states and actions, from the right start."""
    C, c, initial_state = *case[2:4], case[-1]
    if np.abs(found["states"][0] - initial_state).max() > TOLERANCE:
        return "first wrong: states: the first one is not initial_state"
    z = np.concatenate([found["states"][:-1], found["actions"]], axis=-1)
    expected = 0.5 * np.einsum("ti,tij,tj", z, C, z) + np.einsum("ti,ti", z, c)
    error = abs(float(found["cost"]) - expected)
    if error <= TOLERANCE * max(1.0, abs(expected)):
        return None
    return f"first wrong: cost: off by {error:.2g} from the cost of the states and actions you return"


forward_pass = Task(
    name="01_lqr/forward_pass",
    title="Task 5, the forward pass",
    objective="apply a feedback policy",
    results={"states": "T+1 n", "actions": "T m", "cost": ""},
    reference=references.forward_pass,
    properties=[
        Agrees(FEEDBACK, 2, ("states", "actions"), instances.feedback_only),
        Agrees(OFFSETS, 1, ("states", "actions"), instances.with_offsets),
        Holds(COST, 1, _own_cost, instances.feedback_only),
    ],
    mistakes=mistakes_of(
        references.forward_pass,
        (
            "a minus sign too many: it lives inside K and k",
            {"act": lambda K, k, t, s: -K[t] @ s - k[t]},
            (FEEDBACK, OFFSETS),
        ),
        ("the offset k_t is left out", {"act": lambda K, k, t, s: K[t] @ s}, (OFFSETS,)),
        ("the drift f_t is left out", {"drift": 0}, (OFFSETS,)),
        (
            "the gain of the first step is used at every step",
            {"act": lambda K, k, t, s: K[0] @ s + k[0]},
            (FEEDBACK, OFFSETS),
        ),
        ("the ½ before the quadratic part is missing", {"half": 1}, (COST,)),
        ("the linear part z'c is missing", {"linear": 0}, (COST,)),
        (
            "all states are the last one: s changes in place after it was stored, so store a copy",
            {"store": lambda states: states[-1:] * len(states)},
            (FEEDBACK, OFFSETS, COST),
        ),
        (
            "z stands as [a; s], not as [s; a]",
            {"join": lambda s, a: np.concatenate([a, s])},
            (FEEDBACK, OFFSETS, COST),
        ),
        ("the ½ stands before z'c as well: it belongs to the quadratic part", {"linear": 0.5}, (COST,)),
        ("s_{t+1} stands where s_t belongs", {"late": True}, (COST,)),
    ),
)

# Task 6: tracking by time-varying costs -------------------------------------------------------------

C_TRACK = "C_t weighs the state and the action, each in its block"
c_TRACK = "c_t pulls towards the target of its own step"
VARYING = "weights W_t that change in time"

tracking_cost = Task(
    name="01_lqr/tracking_cost",
    title="Task 6, tracking by time-varying costs",
    objective="pose a task as a linear-quadratic problem",
    results={"C": "T n+m n+m", "c": "T n+m"},
    reference=references.tracking_cost,
    properties=[
        Agrees(C_TRACK, 2, ("C",), instances.constant_weights),
        Agrees(c_TRACK, 2, ("c",), instances.constant_weights),
        Agrees(VARYING, 1, ("C", "c"), instances.varying_weights),
    ],
    mistakes=mistakes_of(
        references.tracking_cost,
        (
            "c has the wrong sign: expand 1/2 (s - target)'W(s - target) and look at the cross term",
            {"slope": lambda W, target: W @ target},
            (c_TRACK, VARYING),
        ),
        ("the weight W is missing in c", {"slope": lambda W, target: -target}, (c_TRACK, VARYING)),
        (
            "c is twice too large: the ½ applies to the cross term as well",
            {"slope": lambda W, target: -2 * W @ target},
            (c_TRACK, VARYING),
        ),
        (
            "c is halved: the two halves of the cross term are equal and add up",
            {"slope": lambda W, target: -0.5 * W @ target},
            (c_TRACK, VARYING),
        ),
        ("the targets are one step off", {"ahead": 1}, (c_TRACK, VARYING)),
        ("the action's weight is missing in C", {"of_action": 0}, (C_TRACK, VARYING)),
        ("C is halved: the ½ stands before the whole quadratic form", {"whole": 0.5}, (C_TRACK, VARYING)),
        ("C is doubled: the ½ stands before z'Cz already", {"whole": 2}, (C_TRACK, VARYING)),
        ("the weight of the first step is used at every step", {"varying": 0}, (VARYING,)),
    ),
)
