"""The checks of assignment 02_ilqr.

Their instances stand in `grading.instances.ilqr`, the right answers in `grading.references.ilqr`; a known
mistake is a reference with one keyword set.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from mbrl_teach.grading.instances import ilqr as instances
from mbrl_teach.grading.references import ilqr as references
from mbrl_teach.grading.task import TOLERANCE, Agrees, Holds, Task, mistakes_of

# Task 1: the Jacobian of the pendulum ---------------------------------------------------------------

UPRIGHT, TURNED = "F where the pendulum is upright", "F at any angle"

pendulum_jacobian = Task(
    name="02_ilqr/pendulum_jacobian",
    title="Task 1, the Jacobian of the pendulum",
    objective="linearise dynamics by hand",
    results={"F": "n n+m"},
    reference=references.pendulum_jacobian,
    properties=[
        Agrees(UPRIGHT, 1, ("F",), instances.upright_pendulums),
        Agrees(TURNED, 2, ("F",), instances.turned_pendulums),
    ],
    mistakes=mistakes_of(
        references.pendulum_jacobian_by_rows,
        (
            "the old velocity moves the angle: here the new one does, so the angle's row depends on u, too",
            {"explicit": True},
            (UPRIGHT, TURNED),
        ),
        ("sin θ stands where its derivative belongs", {"slope": np.sin}, (UPRIGHT, TURNED)),
        ("the derivative of sin θ is cos θ, with a plus", {"slope": lambda x: -np.cos(x)}, (UPRIGHT, TURNED)),
        ("sin θ was taken for θ: its slope is not 1 at every angle", {"slope": lambda x: 1.0}, (TURNED,)),
        ("the 3 before the torque is missing", {"push": 1.0}, (UPRIGHT, TURNED)),
        ("the old θ and ω are missing, to which the change is added", {"keep": 0.0}, (UPRIGHT, TURNED)),
        ("the columns stand as [a; s], not as z = [s; a]", {"columns": [2, 0, 1]}, (UPRIGHT, TURNED)),
    ),
)

# Task 2: the quadratic expansion of a cost ----------------------------------------------------------

c_PLAIN, C_PLAIN = "c without the power term (w_p = 0)", "C without the power term"
c_POWER, C_POWER = "c with the power term", "C with the power term, which couples ω and u"

expand_cost = Task(
    name="02_ilqr/expand_cost",
    title="Task 2, the quadratic expansion of a cost",
    objective="expand a cost to second order",
    results={"C": "n+m n+m", "c": "n+m"},
    reference=references.expand_cost,
    properties=[
        Agrees(c_PLAIN, 1, ("c",), instances.costs_without_power),
        Agrees(C_PLAIN, 1, ("C",), instances.costs_without_power),
        Agrees(c_POWER, 1, ("c",), instances.costs_with_power),
        Agrees(C_POWER, 1, ("C",), instances.costs_with_power),
    ],
    mistakes=mistakes_of(
        references.expand_cost,
        ("the cross terms of ω and u are missing in C", {"coupling": 0}, (C_POWER,)),
        ("the cross terms are halved: ω u² has the derivative 2 ω u", {"coupling": 1}, (C_POWER,)),
        ("C carries the ½ inside: it stands before the form", {"whole": 0.5}, (C_PLAIN, C_POWER)),
        ("the ½ is lost in c: the derivative of ½ w ω² is w ω", {"double": 2}, (c_PLAIN, c_POWER)),
        ("c has -sin θ: -cos θ has the slope +sin θ", {"slope": lambda x: -np.sin(x)}, (c_PLAIN, c_POWER)),
        ("C has sin θ, the slope, where the curvature belongs", {"bend": np.sin}, (C_PLAIN, C_POWER)),
        (
            "negative curvature is cut off: C is the Hessian as it is, regularisation comes later",
            {"bend": lambda x: max(np.cos(x), 0.0)},
            (C_PLAIN, C_POWER),
        ),
        ("C is the Hessian at s = 0, a = 0, not at (s, a)", {"at": 0}, (C_PLAIN, C_POWER)),
        (
            "c belongs to an expansion in s and a: in deviations from them it is the gradient itself",
            {"shift": 1},
            (c_PLAIN, c_POWER),
        ),
    ),
)

# Task 3: one backward step with regularisation ------------------------------------------------------

GAIN, GAIN_MU = "K and k without regularisation (mu = 0)", "K and k with mu"
VALUE_MU = "V and v of that policy: what it is worth in the problem without mu"
POSITIVE = "positive tells whether Q_aa + mu I is positive definite"

backward_step = Task(
    name="02_ilqr/backward_step",
    title="Task 3, one backward step with regularisation",
    objective="regularise a backward step",
    results={"K": "m n", "k": "m", "V": "n n", "v": "n", "positive": ""},
    reference=references.backward_step,
    properties=[
        Agrees(GAIN, 1, ("K", "k"), instances.convex_steps),
        Agrees(GAIN_MU, 1, ("K", "k"), instances.regularised_steps),
        Agrees(VALUE_MU, 2, ("V", "v"), instances.regularised_steps),
        Agrees(POSITIVE, 1, ("positive",), instances.doubtful_steps),
    ],
    mistakes=mistakes_of(
        references.backward_step,
        (
            "the value is that of Q_aa + mu I, as is the short V = Q_ss + Q_sa K: mu changes the step alone",
            {"worth": 1},
            (VALUE_MU,),
        ),
        ("K and k have the wrong sign", {"sign": 1}, (GAIN, GAIN_MU, VALUE_MU)),
        (
            "Q_aa is tested without mu, which may make it positive definite",
            {"is_positive": lambda Q_aa, R: np.linalg.eigvalsh(Q_aa)[0] > 0},
            (GAIN_MU, VALUE_MU, POSITIVE),
        ),
        (
            "mu is added to every entry of Q_aa: it belongs on the diagonal, mu I",
            {"ridge": lambda m: np.ones((m, m))},
            (GAIN_MU, VALUE_MU, POSITIVE),
        ),
        ("mu is left out of k: K and k have the same inverse", {"mu_of_k": 0}, (GAIN_MU, VALUE_MU)),
        ("mu is not used", {"ridge": lambda m: np.zeros((m, m))}, (GAIN_MU, VALUE_MU, POSITIVE)),
        (
            "a positive determinant is no proof: two negative eigenvalues have one, too",
            {"is_positive": lambda Q_aa, R: np.linalg.det(R) > 0},
            (POSITIVE,),
        ),
        (
            "a positive diagonal is no proof: look at the eigenvalues, or try a Cholesky factor",
            {"is_positive": lambda Q_aa, R: R.diagonal().min() > 0},
            (POSITIVE,),
        ),
        (
            "an eigenvalue of zero is accepted: positive definite means that all are above zero",
            {
                "is_positive": lambda Q_aa, R: np.linalg.eigvalsh(R)[0] >= 0,
                "solve": lambda R, b: np.linalg.pinv(R) @ b,  # np.linalg.solve itself refuses
            },
            (POSITIVE,),
        ),
        (
            "nothing is tested: np.linalg.solve does not notice an indefinite matrix",
            {"is_positive": lambda Q_aa, R: True},
            (POSITIVE,),
        ),
    ),
)

# Task 4: gains and expected decrease ----------------------------------------------------------------

GAINS, GAINS_MU = "K_t and k_t without regularisation (mu = 0)", "K_t and k_t with mu"
LINEAR, QUADRATIC = "linear: D_1, the slope of the expected decrease", "quadratic: D_2, its curvature"
ALL_POSITIVE = "positive is False if a single step is not positive definite"
ALL_NUMBERS = (GAINS, GAINS_MU, LINEAR, QUADRATIC)

backward_pass = Task(
    name="02_ilqr/backward_pass",
    title="Task 4, gains and expected decrease",
    objective="run a backward pass and say what it promises",
    results={"K": "T m n", "k": "T m", "linear": "", "quadratic": "", "positive": ""},
    reference=references.backward_pass,
    time="backward",
    properties=[
        Agrees(GAINS, 1, ("K", "k"), instances.plain_horizons),
        Agrees(GAINS_MU, 1, ("K", "k"), instances.regularised_horizons),
        Agrees(LINEAR, 1, ("linear",), instances.regularised_horizons),
        Agrees(QUADRATIC, 1, ("quadratic",), instances.regularised_horizons),
        Agrees(ALL_POSITIVE, 1, ("positive",), instances.doubtful_horizons),
    ],
    mistakes=mistakes_of(
        references.backward_pass,
        (
            "V_final is used at every step: each needs the value of the step after it",
            {"carry": False},
            ALL_NUMBERS,
        ),
        (
            "the loop never reaches index 0, the step computed last: range stops before its second number",
            {"order": lambda steps: reversed(steps[1:])},
            (*ALL_NUMBERS, ALL_POSITIVE),
        ),
        ("the loop runs forward: step t needs the value of step t + 1", {"order": iter}, ALL_NUMBERS),
        (
            "K and k stand in the order in which they were computed, the last first",
            {"write": -1},
            (GAINS, GAINS_MU),
        ),
        (
            "the change of the cost stands where its decrease belongs: a minus is missing",
            {"promise": lambda *step: -references.promise(*step)},
            (LINEAR, QUADRATIC),
        ),
        (
            "the ½ is inside D_2: it stands before it, in ½ rho² D_2",
            {"promise": lambda *step: [1.0, 0.5] * references.promise(*step)},
            (QUADRATIC,),
        ),
        (
            "D_2 is made with Q_aa + mu I: the cost that is promised knows no mu",
            {"promise": lambda *step: references.promise(*step) - [0.0, step[-1] * step[0] @ step[0]]},
            (QUADRATIC,),
        ),
        (
            "the first entries of q and Q belong to the state, those of the action come after",
            {"promise": lambda k, Q, q, *_: references.promise(k, Q[: len(k), : len(k)], q[: len(k)], 0, 0)},
            (LINEAR, QUADRATIC),
        ),
        ("only the step computed last counts: D_1 and D_2 are sums", {"add": 0}, (LINEAR, QUADRATIC)),
        ("mu is not passed on", {"use_mu": 0}, (GAINS_MU, LINEAR, QUADRATIC, ALL_POSITIVE)),
        ("positive is overwritten by the steps after", {"verdict": lambda old, new: new}, (ALL_POSITIVE,)),
        ("an indefinite step goes unnoticed", {"verdict": lambda old, new: True}, (ALL_POSITIVE,)),
    ),
)

# Task 5: the forward pass with line search ----------------------------------------------------------

FULL = "the full step where it keeps its promise"
SHORTER = "the longest step that keeps its promise, where rho = 1 does not"
NONE = "the old trajectory and rho = 0 where no step does"
TURNS = "an angle is a number like any other, also for a pendulum that turns round"
OWN_COST = "the cost is that of the states and actions you return"
STEP = ("states", "actions", "rho")


def _own_cost(case, found):
    """Compare the cost with that of the trajectory beside it, right or wrong."""
    total_cost = case[-2]
    expected = float(total_cost(found["states"], found["actions"]))
    error = abs(float(found["cost"]) - expected)
    if error <= TOLERANCE * max(1.0, abs(expected)):
        return None
    return f"first wrong: cost: off by {error:.2g} from the cost of the states and actions you return"


forward_pass = Task(
    name="02_ilqr/forward_pass",
    title="Task 5, the forward pass with line search",
    objective="make a step that is sure to be an improvement",
    results={"states": "T+1 n", "actions": "T m", "cost": "", "rho": ""},
    reference=references.forward_pass,
    properties=[
        Agrees(FULL, 1, STEP, instances.right_promises),
        Holds(OWN_COST, 1, _own_cost, instances.right_promises),
        Agrees(SHORTER, 2, STEP, instances.broken_promises),
        Agrees(NONE, 1, STEP, instances.empty_promises),
        Agrees(TURNS, 1, STEP, instances.whirling_pendulums),
    ],
    mistakes=mistakes_of(
        references.forward_pass,
        (
            "every step is asked for the promise of the full one: D depends on rho",
            {"expected": lambda rho, D_1, D_2: D_1 + D_2 / 2},
            (SHORTER,),
        ),
        ("rho is not on k", {"of_k": 0}, (SHORTER,)),
        (
            "the next rho starts from where the last one ended: each starts from ŝ_1 again",
            {"carry": True},
            (SHORTER,),
        ),
        (
            "the old states and actions are overwritten: fill copies of them",
            {"follow": partial(references.follow, copy=np.asarray)},
            (FULL, SHORTER, NONE, TURNS),
        ),
        (
            "the deviation has the wrong sign: it is s_t - ŝ_t, new minus old",
            {"follow": partial(references.follow, act=lambda a, k, K, s, old: a + k - K @ (s - old))},
            (FULL, SHORTER, TURNS),
        ),
        ("rho is on K as well: it shortens k, the feedback keeps its strength", {"of_K": 1}, (SHORTER,)),
        (
            "the ½ is missing in the promise rho D_1 + ½ rho² D_2",
            {"expected": lambda rho, D_1, D_2: rho * D_1 + rho**2 * D_2},
            (SHORTER,),
        ),
        (
            "the promise is rho D_1 alone: ½ rho² D_2 is missing",
            {"expected": lambda rho, D_1, D_2: rho * D_1},
            (FULL,),
        ),
        (
            "any decrease is accepted: it has to be a share of what was promised",
            {"expected": lambda *D: 1e-12},
            (SHORTER,),
        ),
        ("the full step is taken whatever comes of it", {"expected": lambda *D: -np.inf}, (SHORTER, NONE)),
        ("the cost is still that of the old trajectory", {"tell": False}, (OWN_COST,)),
        ("the last step tried is returned, though none was good enough", {"keep_old": False}, (NONE,)),
        (
            "the lowest cost is taken: the longest step that keeps its promise is meant",
            {"lowest": True},
            (SHORTER,),
        ),
        (
            "the deviation is forgotten: K_t multiplies s_t - ŝ_t, not s_t",
            {"follow": partial(references.follow, act=lambda a, k, K, s, old: a + k + K @ s)},
            (FULL, SHORTER, TURNS),
        ),
        (
            "the feedback K_t (s_t - ŝ_t) is left out",
            {"follow": partial(references.follow, act=lambda a, k, K, s, old: a + k)},
            (FULL, SHORTER, TURNS),
        ),
        (
            "k_t is taken for the action: it is a change of â_t",
            {"follow": partial(references.follow, act=lambda a, k, K, s, old: k + K @ (s - old))},
            (FULL, SHORTER),
        ),
        (
            "the rollout is linearised: s_{t+1} must come from the dynamics themselves",
            {"follow": references.follow_linearised},
            (FULL, SHORTER, TURNS),
        ),
        (
            "each step is made from the old state ŝ_t, not from the new one",
            {"follow": partial(references.follow, move=lambda dynamics, s, old, a: dynamics(old, a))},
            (FULL, SHORTER, TURNS),
        ),
        (
            "the difference of two angles is wrapped: then feedback may pull the wrong way round",
            {
                "follow": partial(
                    references.follow, act=lambda a, k, K, s, old: a + k + K @ references.wrap(s - old)
                )
            },
            (TURNS,),
        ),
    ),
)

# Task 6: the whole loop -----------------------------------------------------------------------------

OPTIMUM = "the trajectory converges to a local optimum"
OWN_GAINS = "K is that of the last sweep, made around the very trajectory that is returned"
LIMIT = "at the limit of iterations: the trajectory so far, and converged = False"
GROWS = "mu grows until the sweep is positive definite, and shrinks again"
TRAJECTORY = ("states", "actions", "converged")

ilqr = Task(
    name="02_ilqr/ilqr",
    title="Task 6, the whole loop",
    objective="assemble iLQR",
    results={"states": "T+1 n", "actions": "T m", "K": "T m n", "converged": ""},
    reference=references.ilqr,
    properties=[
        Agrees(OPTIMUM, 2, TRAJECTORY, instances.swings, tolerance=1e-4),
        Agrees(OWN_GAINS, 1, ("states", "actions", "K"), instances.rough_swings),
        Agrees(LIMIT, 1, TRAJECTORY, instances.short_swings),
        Agrees(GROWS, 1, TRAJECTORY, instances.hanging_starts),
    ],
    mistakes=mistakes_of(
        references.ilqr,
        ("the ½ is missing in the full promise D_1 + ½ D_2", {"half": 1.0}, (OPTIMUM, OWN_GAINS, LIMIT)),
        (
            "the final cost is expanded at s_T: it belongs to s_{T+1}, the last of the states",
            {"end": -2},
            (OPTIMUM, OWN_GAINS, LIMIT, GROWS),
        ),
        (
            "everything is expanded once: it must be expanded anew around each trajectory",
            {"once": ("local", "final")},
            (OPTIMUM, OWN_GAINS, LIMIT, GROWS),
        ),
        (
            "dynamics and cost are expanded once: they must be expanded anew around each trajectory",
            {"once": ("local",)},
            (OPTIMUM, OWN_GAINS, LIMIT, GROWS),
        ),
        (
            "the final cost is expanded once: it must be expanded anew around each trajectory",
            {"once": ("final",)},
            (OPTIMUM, OWN_GAINS, LIMIT, GROWS),
        ),
        (
            "K is that of the sweep before: it led to this trajectory, but was made around the old one",
            {"stale": True},
            (OWN_GAINS,),
        ),
        (
            "one step more is made after the last sweep: test for convergence before the forward pass",
            {"late": True},
            (OWN_GAINS,),
        ),
        ("running into the limit is reported as convergence", {"at_limit": True}, (LIMIT, GROWS)),
        ("mu never grows", {"grow": 0.0}, (GROWS,)),
        (
            "where the sweep is not positive definite, rho is still that of the last step: set it to 0 first",
            {"fresh": False},
            (GROWS,),
        ),
        ("a sweep that is not positive definite is taken for convergence", {"careful": False}, (GROWS,)),
    ),
)

# Task 7: the extra term of DDP ----------------------------------------------------------------------

STRAIGHT = "Q_t and q_t where the dynamics do not bend: those of iLQR"
BENT = "Q_t and q_t where they do"

ddp_action_value = Task(
    name="02_ilqr/ddp_action_value",
    title="Task 7, the extra term of DDP",
    objective="tell DDP from iLQR",
    results={"Q": "n+m n+m", "q": "n+m"},
    reference=references.ddp_action_value,
    properties=[
        Agrees(STRAIGHT, 1, ("Q", "q"), instances.straight_steps),
        Agrees(BENT, 2, ("Q", "q"), instances.curved_steps),
    ],
    mistakes=mistakes_of(
        references.ddp_action_value,
        ("the extra term is missing: this is iLQR", {"extra": 0.0}, (BENT,)),
        (
            "V multiplies the second derivatives: the slope v belongs there, V stands between two F",
            {"weight": lambda c, V, v: V.sum(axis=0)},
            (BENT,),
        ),
        (
            "the slope of the cost multiplies the second derivatives: it is the next state that bends",
            {"weight": lambda c, V, v: c[: len(v)]},
            (BENT,),
        ),
        ("the second derivatives are summed without v", {"weight": lambda c, V, v: np.ones_like(v)}, (BENT,)),
        ("the extra term is halved: the ½ stands before the whole form", {"extra": 0.5}, (BENT,)),
        ("the extra term has the wrong sign", {"extra": -1.0}, (BENT,)),
        ("the extra term has blocks of the action, too", {"states_only": True}, (BENT,)),
        ("F'VF is missing: the extra term comes on top of it", {"chain": 0.0}, (STRAIGHT, BENT)),
        ("F'v is missing in q", {"slope": 0.0}, (STRAIGHT, BENT)),
    ),
)

# Task 8: receding horizon with warm start -----------------------------------------------------------

OBSERVED = "each plan starts from the state observed, and its first action is applied"
WARM = "each plan begins with the last solution, moved on by one step"
END = "the last action of the solution is repeated at its end"
CLOSED_LOOP = ("states", "actions")

mpc = Task(
    name="02_ilqr/mpc",
    title="Task 8, receding horizon with warm start",
    objective="close the loop around a planner",
    results={"states": "steps+1 n", "actions": "steps m"},
    reference=references.mpc,
    properties=[
        Agrees(OBSERVED, 2, CLOSED_LOOP, instances.loops_without_memory),
        Agrees(WARM, 1, CLOSED_LOOP, instances.loops_with_memory),
        Agrees(END, 1, CLOSED_LOOP, instances.loops_with_an_end),
    ],
    mistakes=mistakes_of(
        references.mpc,
        (
            "the guess is moved on, not the solution: what the planner found is thrown away",
            {"begin": lambda guess, plan: references.move_on(guess)},
            (WARM, END),
        ),
        ("the first guess is used for every plan", {"begin": lambda guess, plan: guess}, (WARM, END)),
        (
            "the solution is not moved on: its first action is used up",
            {"begin": lambda guess, plan: plan},
            (WARM,),
        ),
        (
            "zero stands at the end, not the last action once more",
            {"begin": lambda guess, plan: np.append(plan[1:], 0 * plan[:1], axis=0)},
            (END,),
        ),
        (
            "the used action comes back at the end",
            {"begin": lambda guess, plan: np.roll(plan, -1, axis=0)},
            (END,),
        ),
        (
            "each plan starts from the first state, not from the one observed",
            {"observe": False},
            (OBSERVED, WARM, END),
        ),
        ("the last action of the plan is applied, not its first", {"first": -1}, (OBSERVED, WARM, END)),
        ("the first plan is carried out blindly", {"once": True}, (OBSERVED, WARM, END)),
    ),
)
