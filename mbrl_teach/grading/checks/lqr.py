"""The checks of assignment 01_lqr."""

from __future__ import annotations

import numpy as np

from mbrl_teach.control.lqr import lqr
from mbrl_teach.grading.task import Agrees, Holds, Mistake, Task


def positive_definite(rng, d):
    """A random symmetric positive definite matrix (d, d)."""
    root = rng.normal(size=(d, d))
    return root @ root.T / d + 0.5 * np.eye(d)


def random_problem(rng, n, m, T, *, linear=True, drift=True, cross=True):
    """F (T, n, n+m), f (T, n), C (T, n+m, n+m), c (T, n+m), varying in time; what is not wanted is zero."""
    F = rng.normal(size=(T, n, n + m)) / np.sqrt(n)
    f = drift * rng.normal(size=(T, n))
    C = np.stack([positive_definite(rng, n + m) for _ in range(T)])
    if not cross:
        C[:, :n, n:] = C[:, n:, :n] = 0.0
    c = linear * rng.normal(size=(T, n + m))
    return F, f, C, c


# Task 1: the gain of the last step ------------------------------------------------------------------


def quadratics(rng):
    """Action-values Q, q with n; n = m first, where a transposed block still fits."""
    return [
        (positive_definite(rng, n + m), rng.normal(size=n + m), n)
        for n, m in ((2, 2), (3, 2), (1, 1), (4, 3))
    ]


def reference_gain(Q, q, n):
    """K = -Q_aa⁻¹ Q_as, k = -Q_aa⁻¹ q_a."""
    return -np.linalg.solve(Q[n:, n:], Q[n:, :n]), -np.linalg.solve(Q[n:, n:], q[n:])


def _gain_with(K_of, k_of=None):
    """A gain with one formula changed: K_of(Q_ss, Q_sa, Q_as, Q_aa), k_of(Q_aa, q_s, q_a)."""

    def gain(Q, q, n):
        K, k = reference_gain(Q, q, n)
        K = K_of(Q[:n, :n], Q[:n, n:], Q[n:, :n], Q[n:, n:]) if K_of else K
        return K, k_of(Q[n:, n:], q[:n], q[n:]) if k_of else k

    return gain


K_RIGHT, k_RIGHT = "K is the gain that minimises over the action", "k is its offset"

gain = Task(
    name="01_lqr/gain",
    title="Task 1, the gain of the last step",
    objective="derive the optimal action of one step",
    results={"K": "m n", "k": "m"},
    reference=reference_gain,
    properties=[
        Agrees(K_RIGHT, 2, ("K",), quadratics),
        Agrees(k_RIGHT, 1, ("k",), quadratics),
    ],
    mistakes=[
        Mistake(
            "K has the wrong sign: the gradient Q_as s + Q_aa a + q_a is zero at minus Q_aa⁻¹ (…)",
            _gain_with(lambda ss, sa, as_, aa: np.linalg.solve(aa, as_)),
            (K_RIGHT,),
        ),
        Mistake(
            "k has the wrong sign: the gradient Q_as s + Q_aa a + q_a is zero at minus Q_aa⁻¹ (…)",
            _gain_with(None, lambda aa, s, a: np.linalg.solve(aa, a)),
            (k_RIGHT,),
        ),
        Mistake(
            "Q_sa stands where Q_as belongs",
            _gain_with(lambda ss, sa, as_, aa: -np.linalg.solve(aa, sa)),
            (K_RIGHT, k_RIGHT),  # an error where n is not m costs both
        ),
        Mistake(
            "Q_aa multiplies where its inverse belongs",
            _gain_with(lambda ss, sa, as_, aa: -aa @ as_, lambda aa, s, a: -aa @ a),
            (K_RIGHT, k_RIGHT),
        ),
        Mistake(
            "1 / Q_aa inverts each entry, not the matrix",
            _gain_with(lambda ss, sa, as_, aa: -(1 / aa) @ as_, lambda aa, s, a: -(1 / aa) @ a),
            (K_RIGHT, k_RIGHT),
        ),
        Mistake(
            "the state part q_s of q stands where its action part q_a belongs",
            _gain_with(None, lambda aa, s, a: -np.linalg.solve(aa, s)),
            (K_RIGHT, k_RIGHT),  # likewise
        ),
    ],
)

# Task 2: the value after substitution ---------------------------------------------------------------


def quadratics_and_policies(rng):
    """Q, q and any K, k: not the best ones."""
    return [
        (positive_definite(rng, n + m), rng.normal(size=n + m), rng.normal(size=(m, n)), rng.normal(size=m))
        for n, m in ((3, 2), (2, 2), (1, 1), (2, 3))
    ]


def reference_state_value(Q, q, K, k):
    """V = Q_ss + Q_sa K + K'Q_as + K'Q_aa K, v = q_s + Q_sa k + K'q_a + K'Q_aa k."""
    return _state_value(Q, q, K, k)


def _state_value(Q, q, K, k, V=(1, 1, 1, 1), v=(1, 1, 1, 1)):
    """The value with a weight for each of the four terms of V and of v."""
    n = K.shape[1]
    Q_ss, Q_sa, Q_as, Q_aa = Q[:n, :n], Q[:n, n:], Q[n:, :n], Q[n:, n:]
    quadratic = (Q_ss, Q_sa @ K, K.T @ Q_as, K.T @ Q_aa @ K)
    linear = (q[:n], Q_sa @ k, K.T @ q[n:], K.T @ Q_aa @ k)
    return (
        sum(weight * term for weight, term in zip(V, quadratic, strict=True)),
        sum(weight * term for weight, term in zip(v, linear, strict=True)),
    )


V_RIGHT, v_RIGHT = "V for any gain K", "v for any gain K and offset k"

state_value = Task(
    name="01_lqr/state_value",
    title="Task 2, the value after substitution",
    objective="derive the value of a linear policy",
    results={"V": "n n", "v": "n"},
    reference=reference_state_value,
    properties=[
        Agrees(V_RIGHT, 2, ("V",), quadratics_and_policies),
        Agrees(v_RIGHT, 2, ("v",), quadratics_and_policies),
    ],
    mistakes=[
        Mistake(f"{missing} is missing in {'V' if 'V' in weights else 'v'}", function, (sentence,))
        for missing, weights, sentence in (
            ("Q_sa K", {"V": (1, 0, 1, 1)}, V_RIGHT),
            ("K' Q_as", {"V": (1, 1, 0, 1)}, V_RIGHT),
            ("K' Q_aa K", {"V": (1, 1, 1, 0)}, V_RIGHT),
            ("Q_sa k", {"v": (1, 0, 1, 1)}, v_RIGHT),
            ("K' q_a", {"v": (1, 1, 0, 1)}, v_RIGHT),
            ("K' Q_aa k", {"v": (1, 1, 1, 0)}, v_RIGHT),
        )
        for function in [lambda Q, q, K, k, weights=weights: _state_value(Q, q, K, k, **weights)]
    ]
    + [
        Mistake(
            "V = Q_ss + Q_sa K holds for the best K only, and K is any gain here",
            lambda Q, q, K, k: _state_value(Q, q, K, k, V=(1, 1, 0, 0)),
            (V_RIGHT,),
        ),
        Mistake(
            "v = q_s + Q_sa k holds for the best K and k only",
            lambda Q, q, K, k: _state_value(Q, q, K, k, v=(1, 1, 0, 0)),
            (v_RIGHT,),
        ),
        Mistake(
            "V carries the ½ inside: the value is 1/2 s'Vs, so V itself has none",
            lambda Q, q, K, k: _state_value(Q, q, K, k, V=(0.5,) * 4),
            (V_RIGHT,),
        ),
    ],
)

# Task 3: the action-value of one step ---------------------------------------------------------------


def _steps(rng, drift):
    for n, m in ((3, 2), (2, 1), (1, 1), (2, 2)):
        F, f, C, c = random_problem(rng, n, m, 1, drift=drift)
        yield F[0], f[0], C[0], c[0], positive_definite(rng, n), rng.normal(size=n)


def steps_without_drift(rng):
    """One step of a problem with f = 0, and the value V, v that follows it."""
    return list(_steps(rng, drift=False))


def steps_with_drift(rng):
    """The same with f."""
    return list(_steps(rng, drift=True))


def reference_action_value(F, f, C, c, V, v):
    """Q = C + F'VF, q = c + F'(Vf + v)."""
    return C + F.T @ V @ F, c + F.T @ (V @ f + v)


Q_RIGHT, q_RIGHT, q_DRIFT = "Q_t", "q_t where nothing drifts (f_t = 0)", "q_t with drift f_t"

action_value = Task(
    name="01_lqr/action_value",
    title="Task 3, the action-value of one step",
    objective="derive the action-value from the value of the next state",
    results={"Q": "n+m n+m", "q": "n+m"},
    reference=reference_action_value,
    properties=[
        Agrees(Q_RIGHT, 2, ("Q",), steps_without_drift),
        Agrees(q_RIGHT, 1, ("q",), steps_without_drift),
        Agrees(q_DRIFT, 1, ("q",), steps_with_drift),
    ],
    mistakes=[
        Mistake(
            "F'V f is missing in q",
            lambda F, f, C, c, V, v: (C + F.T @ V @ F, c + F.T @ v),
            (q_DRIFT,),
        ),
        Mistake(
            "F'v is missing in q",
            lambda F, f, C, c, V, v: (C + F.T @ V @ F, c + F.T @ V @ f),
            (q_RIGHT, q_DRIFT),
        ),
        Mistake(
            "V f entered q twice: with 1/2 s'Vs its gradient is F'V f, without a 2",
            lambda F, f, C, c, V, v: (C + F.T @ V @ F, c + F.T @ (2 * V @ f + v)),
            (q_DRIFT,),
        ),
        Mistake(
            "F'VF is halved: the ½ stands before the whole quadratic form",
            lambda F, f, C, c, V, v: (C + 0.5 * F.T @ V @ F, c + F.T @ (V @ f + v)),
            (Q_RIGHT,),
        ),
        Mistake(
            "the cost C, c of this step is missing",
            lambda F, f, C, c, V, v: (F.T @ V @ F, F.T @ (V @ f + v)),
            (Q_RIGHT, q_RIGHT, q_DRIFT),
        ),
        Mistake(
            "V is used at s_t: it belongs to the next state, which is F z + f",
            lambda F, f, C, c, V, v: (_add_block(C, V), _add_block(c, v)),
            (Q_RIGHT, q_RIGHT, q_DRIFT),
        ),
    ],
)


def _add_block(array, block):
    result = array.copy()
    result[tuple(slice(0, d) for d in block.shape)] += block
    return result


# Task 4: the backward pass --------------------------------------------------------------------------

HELPERS = (reference_action_value, reference_gain, reference_state_value)
SIZES = ((3, 2, 5), (2, 1, 4), (1, 1, 6))


def plain_problems(rng):
    """No linear cost, no drift, no cross terms; the reference helpers are handed in."""
    return [(*random_problem(rng, *size, linear=False, drift=False, cross=False), *HELPERS) for size in SIZES]


def linear_problems(rng):
    """Linear costs c_t, no drift, no cross terms."""
    return [(*random_problem(rng, *size, drift=False, cross=False), *HELPERS) for size in SIZES]


def drifting_problems(rng):
    """Drift f_t, no linear costs, no cross terms."""
    return [(*random_problem(rng, *size, linear=False, cross=False), *HELPERS) for size in SIZES]


def crossed_problems(rng):
    """Cross terms, nothing else."""
    return [(*random_problem(rng, *size, linear=False, drift=False), *HELPERS) for size in SIZES]


def reference_backward_pass(F, f, C, c, *helpers):
    """K, k, V, v by the library."""
    solution = lqr(F, f, C, c)
    return solution.K, solution.k, solution.V, solution.v


def _backward_with(
    *, F_of=None, f_of=None, C_of=None, next_value=None, policy_for_value=None, order=reversed, write=None
):
    """A backward pass with one piece changed; each piece says what it replaces."""

    def backward_pass(F, f, C, c, *helpers):
        T, n, joint = F.shape
        K, k = np.zeros((T, joint - n, n)), np.zeros((T, joint - n))
        V, v = np.zeros((T + 1, n, n)), np.zeros((T + 1, n))
        old = np.zeros_like(K[0]), np.zeros_like(k[0])
        for t in order(range(T)):
            value = next_value(V, v, t) if next_value else (V[t + 1], v[t + 1])
            F_t = F[F_of(t, T)] if F_of else F[t]
            f_t = f_of(f[t]) if f_of else f[t]
            C_t = C_of(C, t, n) if C_of else C[t]
            Q, q = reference_action_value(F_t, f_t, C_t, c[t], *value)
            new = reference_gain(Q, q, n)
            K[t], k[t] = new
            V[t], v[t] = reference_state_value(
                Q, q, *(policy_for_value(old, new) if policy_for_value else new)
            )
            old = new
        return write(K, k, V, v) if write else (K, k, V, v)

    return backward_pass


def _without_cross_terms(C, t, n):
    C_t = C[t].copy()
    C_t[:n, n:] = C_t[n:, :n] = 0.0
    return C_t


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
    reference=reference_backward_pass,
    time="backward",
    properties=[
        Agrees(K_PLAIN, 3, ("K",), plain_problems),
        Agrees(V_PLAIN, 1, ("V",), plain_problems),
        Agrees(LINEAR, 2, ("k", "v"), linear_problems),
        Agrees(DRIFT, 1, ("k", "v"), drifting_problems),
        Agrees(CROSS, 1, ("K", "V"), crossed_problems),
    ],
    mistakes=[
        Mistake(
            "the drift f_t is left out",
            _backward_with(f_of=lambda f: 0 * f),
            (DRIFT,),
        ),
        Mistake(
            "v_{t+1} is not carried on: q_t is computed with v = 0",
            _backward_with(next_value=lambda V, v, t: (V[t + 1], 0 * v[t + 1])),
            (LINEAR, DRIFT),
        ),
        Mistake(
            "the cross terms C_sa are left out",
            _backward_with(C_of=_without_cross_terms),
            (CROSS,),
        ),
        Mistake(
            "V_t was made with an old K, that of the step computed before",
            _backward_with(policy_for_value=lambda old, new: old),
            EVERYTHING,
        ),
        Mistake(
            "V_{t+1} is still zero when it is used: V_t stands in its place, or the loop runs forward",
            _backward_with(order=iter),
            EVERYTHING,
        ),
        Mistake(
            "F of another step is used: F_t belongs to the step from s_t to s_{t+1}",
            _backward_with(F_of=lambda t, T: min(t + 1, T - 1)),
            EVERYTHING,
        ),
        Mistake(
            "C_T is used at every step: the costs vary in time",
            _backward_with(C_of=lambda C, t, n: C[-1]),
            EVERYTHING,
        ),
        Mistake(
            "the results stand in the order in which they were computed, the last step first",
            _backward_with(write=lambda *results: tuple(array[::-1] for array in results)),
            EVERYTHING,
        ),
    ],
)

# Task 5: the forward pass ---------------------------------------------------------------------------


def _policies(rng, offsets):
    for n, m, T in ((3, 2, 5), (2, 1, 4), (1, 1, 3)):
        F, f, C, c = random_problem(rng, n, m, T, drift=offsets)
        K, k = rng.normal(size=(T, m, n)) / n, offsets * rng.normal(size=(T, m))
        yield F, f, C, c, K, k, rng.normal(size=n)


def feedback_only(rng):
    """Any gains K_t, no offsets k_t, no drift."""
    return list(_policies(rng, offsets=False))


def with_offsets(rng):
    """Gains, offsets and drift."""
    return list(_policies(rng, offsets=True))


def reference_forward_pass(F, f, C, c, K, k, initial_state):
    """States, actions and their cost under a_t = K_t s_t + k_t."""
    return _forward(F, f, C, c, K, k, initial_state)


def _forward(F, f, C, c, K, k, initial_state, act=None, cost=None):
    """The forward pass with another policy `act(K, k, t, s)` or another cost `cost(C, c, z, next)`."""
    s, states, actions, total = np.array(initial_state, dtype=float), [initial_state], [], 0.0
    for t in range(len(K)):
        a = act(K, k, t, s) if act else K[t] @ s + k[t]
        z = np.concatenate([s, a])
        s = F[t] @ z + f[t]
        total += cost(C[t], c[t], z, np.concatenate([s, a])) if cost else 0.5 * z @ C[t] @ z + z @ c[t]
        states.append(s)
        actions.append(a)
    return np.array(states), np.array(actions), total


def _own_cost(case, found):
    """Compare the returned cost with that of the returned states and actions, from the right start."""
    C, c, initial_state = *case[2:4], case[-1]
    if np.abs(found["states"][0] - initial_state).max() > 1e-6:
        return "first wrong: states: the first one is not initial_state"
    z = np.concatenate([found["states"][:-1], found["actions"]], axis=-1)
    expected = 0.5 * np.einsum("ti,tij,tj", z, C, z) + np.einsum("ti,ti", z, c)
    error = abs(float(found["cost"]) - expected)
    if error <= 1e-6 * max(1.0, abs(expected)):
        return None
    return f"first wrong: cost: off by {error:.2g} from the cost of the states and actions you return"


FEEDBACK = "states and actions under feedback a_t = K_t s_t"
OFFSETS = "states and actions with offsets k_t and drift f_t"
COST = "the cost is that of the states and actions you return, from initial_state on"

forward_pass = Task(
    name="01_lqr/forward_pass",
    title="Task 5, the forward pass",
    objective="apply a feedback policy",
    results={"states": "T+1 n", "actions": "T m", "cost": ""},
    reference=reference_forward_pass,
    properties=[
        Agrees(FEEDBACK, 2, ("states", "actions"), feedback_only),
        Agrees(OFFSETS, 1, ("states", "actions"), with_offsets),
        Holds(COST, 1, _own_cost, feedback_only),
    ],
    mistakes=[
        Mistake(
            "a minus sign too many: it lives inside K and k",
            lambda *case: _forward(*case, act=lambda K, k, t, s: -K[t] @ s - k[t]),
            (FEEDBACK, OFFSETS),
        ),
        Mistake(
            "the offset k_t is left out",
            lambda *case: _forward(*case, act=lambda K, k, t, s: K[t] @ s),
            (OFFSETS,),
        ),
        Mistake(
            "the drift f_t is left out",
            lambda F, f, *rest: _forward(F, 0 * f, *rest),
            (OFFSETS,),
        ),
        Mistake(
            "the gain of the first step is used at every step",
            lambda *case: _forward(*case, act=lambda K, k, t, s: K[0] @ s + k[0]),
            (FEEDBACK, OFFSETS),
        ),
        Mistake(
            "the ½ before the quadratic part is missing",
            lambda *case: _forward(*case, cost=lambda C, c, z, following: z @ C @ z + z @ c),
            (COST,),
        ),
        Mistake(
            "the linear part z'c is missing",
            lambda *case: _forward(*case, cost=lambda C, c, z, following: 0.5 * z @ C @ z),
            (COST,),
        ),
        Mistake(
            "s_{t+1} stands where s_t belongs",
            lambda *case: _forward(
                *case, cost=lambda C, c, z, following: 0.5 * following @ C @ following + following @ c
            ),
            (COST,),
        ),
    ],
)

# Task 6: tracking by time-varying costs ---------------------------------------------------------------


def _references(rng, constant_weights):
    for n, m, T in ((2, 1, 5), (3, 2, 4), (1, 1, 3)):
        weights = np.stack([positive_definite(rng, n) for _ in range(T)])
        if constant_weights:
            weights[:] = weights[0]
        yield rng.normal(size=(T, n)), weights, positive_definite(rng, m)


def constant_weights(rng):
    """Targets that move, weights that stay."""
    return list(_references(rng, constant_weights=True))


def varying_weights(rng):
    """Targets and weights that both change in time."""
    return list(_references(rng, constant_weights=False))


def reference_tracking_cost(targets, state_weights, action_weight):
    """C_t = blockdiag(W_t, W_a), c_t = [-W_t target_t; 0]."""
    return _tracking(targets, state_weights, action_weight)


def _tracking(targets, state_weights, action_weight, slope=None):
    """The tracking cost with another linear part `slope(W_t, target_t)`."""
    (T, n), m = targets.shape, len(action_weight)
    C, c = np.zeros((T, n + m, n + m)), np.zeros((T, n + m))
    C[:, :n, :n], C[:, n:, n:] = state_weights, action_weight
    for t in range(T):
        c[t, :n] = slope(state_weights[t], targets[t]) if slope else -state_weights[t] @ targets[t]
    return C, c


C_TRACK = "C_t weighs the state and the action, each in its block"
c_TRACK = "c_t pulls towards the target of its own step"
VARYING = "weights W_t that change in time"

tracking_cost = Task(
    name="01_lqr/tracking_cost",
    title="Task 6, tracking by time-varying costs",
    objective="pose a task as a linear-quadratic problem",
    results={"C": "T n+m n+m", "c": "T n+m"},
    reference=reference_tracking_cost,
    properties=[
        Agrees(C_TRACK, 2, ("C",), constant_weights),
        Agrees(c_TRACK, 2, ("c",), constant_weights),
        Agrees(VARYING, 1, ("C", "c"), varying_weights),
    ],
    mistakes=[
        Mistake(
            "c has the wrong sign: expand 1/2 (s - target)'W(s - target) and look at the cross term",
            lambda *case: _tracking(*case, slope=lambda W, target: W @ target),
            (c_TRACK, VARYING),
        ),
        Mistake(
            "the weight W is missing in c",
            lambda *case: _tracking(*case, slope=lambda W, target: -target),
            (c_TRACK, VARYING),
        ),
        Mistake(
            "c is twice too large: the ½ applies to the cross term as well",
            lambda *case: _tracking(*case, slope=lambda W, target: -2 * W @ target),
            (c_TRACK, VARYING),
        ),
        Mistake(
            "the targets are one step off",
            lambda targets, *weights: _tracking(np.roll(targets, -1, axis=0), *weights),
            (c_TRACK, VARYING),
        ),
        Mistake(
            "the action's weight is missing in C",
            lambda targets, W_s, W_a: _tracking(targets, W_s, 0 * W_a),
            (C_TRACK, VARYING),
        ),
        Mistake(
            "C is halved: the ½ stands before the whole quadratic form",
            lambda *case: (0.5 * _tracking(*case)[0], _tracking(*case)[1]),
            (C_TRACK, VARYING),
        ),
        Mistake(
            "the weight of the first step is used at every step",
            lambda targets, W_s, W_a: _tracking(targets, np.broadcast_to(W_s[0], W_s.shape), W_a),
            (VARYING,),
        ),
    ],
)
