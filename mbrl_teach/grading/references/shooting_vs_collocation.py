"""The right answers to assignment 03_shooting_vs_collocation.

Keywords change one piece of an answer each: by their defaults it is right, and a known mistake is the same
function with one keyword set.
"""

from __future__ import annotations

import warnings

import numpy as np
from scipy.sparse import block_array, csr_array
from scipy.sparse.linalg import MatrixRankWarning, spsolve

# Shooting -------------------------------------------------------------------------------------------


def _of_the_last(final_cost, states):
    return final_cost(states[-1])


def rollout_objective(
    *case,
    carry=True,
    act=lambda t: t,
    shift=0,
    skip=0,
    share=lambda T: 1.0,
    last=_of_the_last,
    told=np.array,
):
    """States from `start` on, and their total cost."""
    start, actions, dynamics, cost, final_cost = case
    states, T = [start], len(actions)
    for t in range(T):
        states.append(np.asarray(dynamics(states[-1] if carry else start, actions[act(t)])))
    running = sum(cost(states[t + shift], actions[t]) for t in range(T - skip))
    return told(states), share(T) * running + last(final_cost, states)


def adjoint_gradient(
    *case,
    carry=True,
    end=-1,
    keep_end=1.0,
    F_at=0,
    c_at=0,
    through=lambda F: F.T,
    of_state=1.0,
    of_action=1.0,
    step=lambda t: t,
    own=1,
    first=0,
    beyond=0,
    order=reversed,
    write=1,
):
    """The gradient by the actions, and λ of every state: backwards, each from the one after it."""
    states, actions, linearize, cost_gradient, final_gradient = case
    (T, m), n = actions.shape, states.shape[1]
    F = np.asarray(linearize(states[F_at : F_at + T], actions))
    c = np.asarray(cost_gradient(states[c_at : c_at + T], actions)) * np.repeat([of_state, of_action], [n, m])
    adjoints, gradient = np.zeros((T + 1, n)), np.zeros((T, m))
    adjoints[T] = keep_end * np.asarray(final_gradient(states[end]))
    for t in order(range(first, T - beyond)):
        ahead = adjoints[t + 1] if carry else adjoints[T]
        adjoints[t] = c[t, :n] + through(F[step(t), :, :n]) @ ahead
        gradient[t] = c[t, n:] + F[step(t), :, n:].T @ adjoints[t + own]
    return gradient[::write], adjoints[::write]


def _after(product, jacobian):
    return product @ jacobian


def _identity(F):
    return np.eye(F.shape[1])


def end_sensitivities(
    F,
    *,
    begin=_identity,
    chain=_after,
    late=0,
    first=0,
    order=reversed,
    jacobian=lambda F, t: F[t],
    write=1,
):
    """∂s_{T+1}/∂s_1, and ∂s_{T+1}/∂a_t of every step: the product grows from the end."""
    T, n, m = F.shape[0], F.shape[1], F.shape[2] - F.shape[1]
    products, to_actions = [begin(F)], np.zeros((T, n, m))
    for t in order(range(first, T)):
        products.append(chain(products[-1], jacobian(F, t)[:, :n]))
        # One product too many has the step's own Jacobian in it already, one too few lacks that of t + 1.
        to_actions[t] = products[max(len(products) - 2 + late, 0)] @ F[t][:, n:]
    return products[-1], to_actions[::write]


# Collocation ----------------------------------------------------------------------------------------


def _interval(duration, N):
    return duration / N


def defects_of(f_left, f_right, states, h):
    """s_{k+1} - s_k - h/2 (f_left + f_right)."""
    return states[1:] - states[:-1] - h / 2 * (f_left + f_right)


def trapezoid_defects(states, actions, h, derivative):
    """The derivatives of both knots of each interval count half."""
    f = derivative(states, actions)
    return defects_of(f[:-1], f[1:], states, h)


def euler_defects(states, actions, h, derivative):
    """The derivative of the left knot counts whole."""
    f = derivative(states[:-1], actions[:-1])
    return defects_of(f, f, states, h)


def backward_euler_defects(states, actions, h, derivative):
    """The derivative of the right knot counts whole."""
    f = derivative(states[1:], actions[1:])
    return defects_of(f, f, states, h)


def unbracketed_defects(states, actions, h, derivative):
    """Only the left knot's derivative is multiplied by h/2, and the right one's is added."""
    f = derivative(states, actions)
    return states[1:] - states[:-1] - h / 2 * f[:-1] + f[1:]


def held_defects(states, actions, h, derivative):
    """The left knot's action acts at both ends."""
    f, f_right = derivative(states[:-1], actions[:-1]), derivative(states[1:], actions[:-1])
    return defects_of(f, f_right, states, h)


def midpoint_defects(states, actions, h, derivative):
    """The derivative at the mean of both knots."""
    f = derivative((states[:-1] + states[1:]) / 2, (actions[:-1] + actions[1:]) / 2)
    return defects_of(f, f, states, h)


def trapezoid(
    states,
    actions,
    duration,
    derivative,
    cost_rate,
    *,
    interval=_interval,
    defects=trapezoid_defects,
    ends=(0.5, 0.5),
    length=lambda h, N: h,
):
    """Defects of the trapezoid rule, and the cost by the same rule."""
    N = len(states) - 1
    h = interval(duration, N)
    weights = np.ones(N + 1)
    weights[[0, -1]] = ends
    return defects(states, actions, h, derivative), length(h, N) * (weights @ cost_rate(states, actions))


def hermite_simpson(
    *case,
    interval=_interval,
    slope=1 / 8,
    right=-1.0,
    average=0.5,
    middle=4.0,
    sixth=6.0,
    at_average=False,
    mean_action=False,
    quadrature=(1.0, 4.0, 1.0),
    cost_length=lambda h: h,
    signs=(1.0, 1.0),
    order=(0, 1, 2),
):
    """Defects of the mid-points and of the intervals, and the cost by Simpson's rule."""
    states, actions, mid_states, mid_actions, duration, derivative, cost_rate = case
    h = interval(duration, len(mid_states))
    if mean_action:
        mid_actions = (actions[:-1] + actions[1:]) / 2
    f = derivative(states, actions)
    hermite = average * (states[:-1] + states[1:]) + slope * h * (f[:-1] + right * f[1:])
    f_c = derivative(hermite if at_average else mid_states, mid_actions)
    defects = states[1:] - states[:-1] - h / sixth * (f[:-1] + middle * f_c + f[1:])
    rate, rate_c = cost_rate(states, actions), cost_rate(mid_states, mid_actions)
    w = quadrature
    cost = cost_length(h) / 6 * (w[0] * rate[:-1] + w[1] * rate_c + w[2] * rate[1:]).sum()
    results = signs[0] * (mid_states - hermite), signs[1] * defects, cost
    return tuple(results[i] for i in order)


def solve_qp(H, A, b):
    """The z (d,) that minimises z'Hz subject to A z = b, by one sparse linear system for z and multipliers.

    H (d, d) and A (r, d), dense or sparse; b (r,). Raises ValueError where the system is singular.
    """
    H, A = csr_array(H), csr_array(A)
    d, empty = H.shape[0], np.flatnonzero(abs(A).sum(axis=1) == 0)
    if empty.size:
        raise ValueError(f"no single best z: A[{empty[0]}] holds nothing but zeros")
    KKT = block_array([[2 * H, A.T], [A, None]], format="csc")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MatrixRankWarning)
        z = spsolve(KKT, np.concatenate([np.zeros(d), b]))[:d]
    if not np.isfinite(z).all():
        raise ValueError("no single best z: a row of A says what others say, or nothing determines an entry")
    return z


def block_move(
    *case,
    interval=_interval,
    ends=0.5,
    weigh=lambda h: h,
    rule=(0.5, 0.5),
    push=lambda mass: 1 / mass,
    goal=lambda distance: (distance, 0.0),
    places=(0, 1, -3, -2),
    demanded=(0, 1, 2, 3),
    tell=lambda cost, weights, u: cost,
):
    """The block move by the trapezoid rule: states (N+1, 2), actions (N+1, 1) and cost."""
    N, distance, duration, mass, solve = case
    h, size = interval(duration, N), 3 * (N + 1)
    weights = np.full(N + 1, weigh(h))
    weights[[0, -1]] *= ends
    motion = np.zeros((N, 2, N + 1, 3))
    for k in range(N):
        motion[k, :, k + 1, :2], motion[k, :, k, :2] = np.eye(2), -np.eye(2)
        for knot, share in zip((k, k + 1), rule, strict=True):
            motion[k, 0, knot, 1] -= h * share
            motion[k, 1, knot, 2] -= h * share * push(mass)
    boundary = np.eye(size)[list(places)]
    A = np.concatenate([motion.reshape(2 * N, size), boundary[list(demanded)]])
    b = np.concatenate([np.zeros(2 * N), np.array([0.0, 0.0, *goal(distance)])[list(demanded)]])
    z = np.asarray(solve(np.diag(np.kron(weights, [0.0, 0.0, 1.0])), A, b)).reshape(N + 1, 3)
    u = z[:, 2]
    return z[:, :2], z[:, 2:], tell(weights @ u**2, weights, u)
