"""The checks of assignment 03_shooting_vs_collocation.

Their instances stand in `grading.instances.shooting_vs_collocation`, the right answers in
`grading.references.shooting_vs_collocation`; a known mistake is a reference with one keyword set.
"""

from __future__ import annotations

import numpy as np

from mbrl_teach.grading.instances import shooting_vs_collocation as instances
from mbrl_teach.grading.references import shooting_vs_collocation as references
from mbrl_teach.grading.task import Agrees, Holds, Task, mistakes_of

# Task 1: the rollout objective ----------------------------------------------------------------------

STATES, RUNNING = "the states that the actions lead to", "their cost, where the end costs nothing"
WITH_END = "their cost with that of the end"
EVERY_COST = (RUNNING, WITH_END)

rollout_objective = Task(
    name="03_shooting_vs_collocation/rollout_objective",
    title="Task 1, the rollout objective",
    objective="state the objective of single shooting",
    results={"states": "T+1 n", "total": ""},
    reference=references.rollout_objective,
    properties=[
        Agrees(STATES, 1, ("states",), instances.rollouts),
        Agrees(RUNNING, 1, ("total",), instances.rollouts_without_end),
        Agrees(WITH_END, 1, ("total",), instances.rollouts),
    ],
    mistakes=mistakes_of(
        references.rollout_objective,
        (
            "every step begins at the start: each must begin where the last one ended",
            {"carry": False},
            (STATES, *EVERY_COST),
        ),
        (
            "every row of the states is the last state: one array was written over, keep a copy of each",
            {"told": lambda states: np.array([states[-1]] * len(states))},
            (STATES,),
        ),
        ("the first action is applied at every step", {"act": lambda t: 0}, (STATES, *EVERY_COST)),
        ("the step's cost is that of the state after it: a_t is paid for in s_t", {"shift": 1}, EVERY_COST),
        ("the last step is not paid for", {"skip": 1}, EVERY_COST),
        ("the costs are averaged, not added up", {"share": lambda T: 1 / T}, EVERY_COST),
        ("the final cost is missing", {"last": lambda final_cost, states: 0.0}, (WITH_END,)),
        (
            "the final cost is that of s_T: it belongs to s_{T+1}, the last of the states",
            {"last": lambda final_cost, states: final_cost(states[-2])},
            (WITH_END,),
        ),
        (
            "the final cost is paid at every step",
            {"last": lambda final_cost, states: sum(final_cost(s) for s in states[1:])},
            (WITH_END,),
        ),
    ),
)

# Task 2: the adjoint gradient -----------------------------------------------------------------------

ONE_STEP = "the gradient of a single step, T = 1"
FROM_END = "λ_t where only the end costs"
ON_THE_WAY = "λ_t where the steps cost, too"
GRADIENT = "the gradient over a whole horizon"
ADJOINTS = (FROM_END, ON_THE_WAY)

adjoint_gradient = Task(
    name="03_shooting_vs_collocation/adjoint_gradient",
    title="Task 2, the adjoint gradient",
    objective="derive and compute a gradient by the adjoint",
    results={"gradient": "T m", "adjoints": "T+1 n"},
    reference=references.adjoint_gradient,
    time="backward",
    properties=[
        Agrees(ONE_STEP, 1, ("gradient",), instances.single_steps),
        Agrees(FROM_END, 2, ("adjoints",), instances.paid_at_the_end),
        Agrees(ON_THE_WAY, 1, ("adjoints",), instances.paid_on_the_way),
        Agrees(GRADIENT, 2, ("gradient",), instances.paid_on_the_way),
    ],
    mistakes=mistakes_of(
        references.adjoint_gradient,
        (
            "off by one in the gradient: a_t acts on s_{t+1}, so λ_{t+1} belongs there, not λ_t",
            {"own": 0},
            (ONE_STEP, GRADIENT),
        ),
        (
            "off by one in the adjoint: F_{t-1} stands where F_t belongs",
            {"step": lambda t: max(t - 1, 0)},
            (*ADJOINTS, GRADIENT),
        ),
        (
            "the final cost's gradient is dropped: λ_{T+1} is not zero",
            {"keep_end": 0.0},
            (ONE_STEP, *ADJOINTS, GRADIENT),
        ),
        (
            "the final cost's gradient is taken at s_T: it belongs to s_{T+1}, the last of the states",
            {"end": -2},
            (ONE_STEP, *ADJOINTS, GRADIENT),
        ),
        (
            "F_t is taken at s_{t+1}: it belongs to the state in which a_t is chosen",
            {"F_at": 1},
            (ONE_STEP, *ADJOINTS, GRADIENT),
        ),
        ("the cost's gradient is taken at s_{t+1}", {"c_at": 1}, (ONE_STEP, ON_THE_WAY, GRADIENT)),
        (
            "λ_{T+1} is used at every step: each λ_t needs the one after it",
            {"carry": False},
            (*ADJOINTS, GRADIENT),
        ),
        ("the states' block of F_t is not transposed", {"through": lambda F: F}, (*ADJOINTS, GRADIENT)),
        ("the cost of the state is missing in λ_t", {"of_state": 0.0}, (ON_THE_WAY, GRADIENT)),
        (
            "the cost of the action itself is missing in the gradient",
            {"of_action": 0.0},
            (ONE_STEP, GRADIENT),
        ),
        (
            "the loop never reaches index 0, the step computed last: range stops before its second number",
            {"first": 1},
            (ONE_STEP, *ADJOINTS, GRADIENT),
        ),
        (
            "the loop does not begin at the last step: its index is T-1",
            {"beyond": 1},
            (ONE_STEP, *ADJOINTS, GRADIENT),
        ),
        ("the loop runs forward: λ_t needs λ_{t+1}", {"order": iter}, (*ADJOINTS, GRADIENT)),
        (
            "the steps stand in the order in which they were computed, the last first",
            {"write": -1},
            (*ADJOINTS, GRADIENT),
        ),
    ),
)

# Task 3: the sensitivity of the last state ----------------------------------------------------------

START_1, START = "∂s_{T+1}/∂s_1 of a single state, n = 1", "∂s_{T+1}/∂s_1 of several states"
ACTIONS_1, ACTIONS = "∂s_{T+1}/∂a_t of a single state, n = 1", "∂s_{T+1}/∂a_t of several states"
ORDER = (START, ACTIONS)
ALL_OF_3 = (START_1, START, ACTIONS_1, ACTIONS)

end_sensitivities = Task(
    name="03_shooting_vs_collocation/end_sensitivities",
    title="Task 3, the sensitivity of the last state",
    objective="say why long products of Jacobians explode or vanish",
    results={"to_start": "n n", "to_actions": "T n m"},
    reference=references.end_sensitivities,
    time="backward",
    properties=[
        Agrees(START_1, 1, ("to_start",), instances.scalar_products),
        Agrees(START, 1, ("to_start",), instances.matrix_products),
        Agrees(ACTIONS_1, 1, ("to_actions",), instances.scalar_products),
        Agrees(ACTIONS, 1, ("to_actions",), instances.matrix_products),
    ],
    mistakes=mistakes_of(
        references.end_sensitivities,
        (
            "the product of Jacobians is reversed: the first step's belongs on the right",
            {"chain": lambda product, F: F @ product},
            ORDER,
        ),
        (
            "the Jacobians are transposed: that carries prices, not states",
            {"chain": lambda product, F: product @ F.T},
            ORDER,
        ),
        (
            "the Jacobians are multiplied entry by entry: @ is the product of matrices",
            {"chain": lambda product, F: product * F},
            ORDER,
        ),
        (
            "∂s_{T+1}/∂a_t holds F_{s,t}: a_t enters s_{t+1} through F_{a,t} alone",
            {"late": 1},
            (ACTIONS_1, ACTIONS),
        ),
        ("∂s_{T+1}/∂a_t lacks F_{s,t+1}, through which s_{t+1} goes on", {"late": -1}, (ACTIONS_1, ACTIONS)),
        (
            "∂s_{T+1}/∂a_t stand in the order in which they were computed, the last first",
            {"write": -1},
            (ACTIONS_1, ACTIONS),
        ),
        ("the loop never reaches index 0: the Jacobian of the first step is missing", {"first": 1}, ALL_OF_3),
        (
            "the product grows from the first step on: before F_{a,t} stand the Jacobians after step t",
            {"order": iter},
            (START, ACTIONS_1, ACTIONS),
        ),
        (
            "the product begins as F_{s,T}, which is then multiplied in again: it begins as the identity",
            {"begin": lambda F: F[-1][:, : F.shape[1]]},
            ALL_OF_3,
        ),
        (
            "before F_{a,t} stand the Jacobians up to step t: those after it carry a_t to the end",
            {"order": iter, "chain": lambda product, F: F @ product, "late": 1},
            (ACTIONS_1, ACTIONS),
        ),
        (
            "before F_{a,t} stand the Jacobians before step t: those after it carry a_t to the end",
            {"order": iter, "chain": lambda product, F: F @ product},
            (ACTIONS_1, ACTIONS),
        ),
        ("the first Jacobian is used at every step", {"jacobian": lambda F, t: F[0]}, ALL_OF_3),
    ),
)

# Task 4: the trapezoid rule -------------------------------------------------------------------------

STEADY, CURVED = "defects where the derivative is the same at every knot", "defects where it is not"
STEADY_COST, CURVED_COST = "the cost where its rate is the same at every knot", "the cost where it is not"
DEFECTS, COSTS = (STEADY, CURVED), (STEADY_COST, CURVED_COST)

trapezoid = Task(
    name="03_shooting_vs_collocation/trapezoid",
    title="Task 4, the trapezoid rule",
    objective="transcribe a differential equation by the trapezoid rule",
    results={"defects": "N n", "cost": ""},
    reference=references.trapezoid,
    properties=[
        Agrees(STEADY, 1, ("defects",), instances.drifting_knots),
        Agrees(CURVED, 1, ("defects",), instances.bending_knots),
        Agrees(STEADY_COST, 1, ("cost",), instances.drifting_knots),
        Agrees(CURVED_COST, 1, ("cost",), instances.bending_knots),
    ],
    mistakes=mistakes_of(
        references.trapezoid,
        (
            "h is duration/(N+1): N+1 knots have N intervals between them",
            {"interval": lambda duration, N: duration / (N + 1)},
            DEFECTS + COSTS,
        ),
        (
            "the step is not halved: the mean of two derivatives is half their sum",
            {"defects": lambda s, a, h, f: references.trapezoid_defects(s, a, 2 * h, f)},
            DEFECTS,
        ),
        (
            "h times the sum is added: what the world does is subtracted from what the states do",
            {"defects": lambda s, a, h, f: references.trapezoid_defects(s, a, -h, f)},
            DEFECTS,
        ),
        (
            "the whole defect has the opposite sign: zero for the same states, but not what is asked for",
            {"defects": lambda *case: -references.trapezoid_defects(*case)},
            DEFECTS,
        ),
        (
            "only the left knot's derivative counts: this is Euler's rule",
            {"defects": references.euler_defects},
            (CURVED,),
        ),
        (
            "only the right knot's derivative counts: this is Euler's rule, backward",
            {"defects": references.backward_euler_defects},
            (CURVED,),
        ),
        (
            "h/2 multiplies the left derivative alone: brackets round the sum are missing",
            {"defects": references.unbracketed_defects},
            DEFECTS,
        ),
        (
            "the action is held over the interval: at its right end stands the next knot's",
            {"defects": references.held_defects},
            (CURVED,),
        ),
        (
            "the derivative is taken at the mean state: the mean of two derivatives is meant",
            {"defects": references.midpoint_defects},
            (CURVED,),
        ),
        (
            "the end weights lack their ½: the first and the last knot have half an interval each",
            {"ends": (1.0, 1.0)},
            COSTS,
        ),
        (
            "each rate counts h/2: a knot that is no end takes part in two intervals",
            {"ends": (1.0, 1.0), "length": lambda h, N: h / 2},
            COSTS,
        ),
        (
            "the cost's step is not halved: the mean of two rates is half their sum",
            {"length": lambda h, N: 2 * h},
            COSTS,
        ),
        ("every knot but the last has a whole interval", {"ends": (1.0, 0.0)}, (CURVED_COST,)),
        ("every knot but the first has a whole interval", {"ends": (0.0, 1.0)}, (CURVED_COST,)),
        (
            "the cost is the mean rate times the duration: the ends count half as much as other knots",
            {"ends": (1.0, 1.0), "length": lambda h, N: h * N / (N + 1)},
            (CURVED_COST,),
        ),
        ("h is missing in the cost", {"length": lambda h, N: 1.0}, COSTS),
    ),
)

# Task 5: Hermite–Simpson ----------------------------------------------------------------------------

MIDDLE_STEADY = "mid-point defects where the derivative is the same everywhere"
MIDDLE_CURVED = "mid-point defects where it is not"
SIMPSON_STEADY = "defects of Simpson's rule where the derivative is the same everywhere"
SIMPSON_CURVED = "defects of Simpson's rule where it is not"
SIMPSON_COST = "the cost by Simpson's rule"
MIDDLES, SIMPSONS = (MIDDLE_STEADY, MIDDLE_CURVED), (SIMPSON_STEADY, SIMPSON_CURVED)

hermite_simpson = Task(
    name="03_shooting_vs_collocation/hermite_simpson",
    title="Task 5, Hermite–Simpson",
    objective="transcribe a differential equation by Hermite–Simpson",
    results={"mid_defects": "N n", "defects": "N n", "cost": ""},
    reference=references.hermite_simpson,
    properties=[
        Agrees(MIDDLE_STEADY, 1, ("mid_defects",), instances.drifting_points),
        Agrees(MIDDLE_CURVED, 1, ("mid_defects",), instances.bending_points),
        Agrees(SIMPSON_STEADY, 1, ("defects",), instances.drifting_points),
        Agrees(SIMPSON_CURVED, 1, ("defects",), instances.bending_points),
        Agrees(SIMPSON_COST, 1, ("cost",), instances.bending_points),
    ],
    mistakes=mistakes_of(
        references.hermite_simpson,
        (
            "the mid-point's slope correction h/8 (f_k - f_{k+1}) is missing",
            {"slope": 0.0},
            (MIDDLE_CURVED,),
        ),
        ("the slope correction has the wrong sign: it is f_k - f_{k+1}", {"slope": -1 / 8}, (MIDDLE_CURVED,)),
        ("the slope correction is h/4: the cubic has h/8 there", {"slope": 1 / 4}, (MIDDLE_CURVED,)),
        ("the slope correction is a sum: it is f_k - f_{k+1}", {"right": 1.0}, MIDDLES),
        ("the two ends are added, not averaged: their ½ is missing", {"average": 1.0}, MIDDLES),
        (
            "the whole mid-point defect has the opposite sign: it begins with s_c",
            {"signs": (-1.0, 1.0)},
            MIDDLES,
        ),
        (
            "the whole defect of Simpson's rule has the opposite sign: it begins with s_{k+1}",
            {"signs": (1.0, -1.0)},
            SIMPSONS,
        ),
        ("the two kinds of defects are swapped", {"order": (1, 0, 2)}, (*MIDDLES, *SIMPSONS)),
        (
            "h/6 times the sum is added: what the world does is subtracted from what the states do",
            {"sixth": -6.0},
            SIMPSONS,
        ),
        ("the mid-point's weight 4 is missing", {"middle": 1.0}, SIMPSONS),
        ("the step is not divided by 6", {"sixth": 1.0}, SIMPSONS),
        (
            "the step is divided by 3: h is the whole interval here, not half of it",
            {"sixth": 3.0},
            SIMPSONS,
        ),
        (
            "f_c is taken at the interpolated state: the mid-point has a state of its own",
            {"at_average": True},
            (SIMPSON_CURVED,),
        ),
        (
            "the mid-point's action is the mean of its neighbours': it is an unknown of its own",
            {"mean_action": True},
            (SIMPSON_CURVED, SIMPSON_COST),
        ),
        (
            "h is duration/(N+1): N+1 knots have N intervals between them",
            {"interval": lambda duration, N: duration / (N + 1)},
            (MIDDLE_CURVED, *SIMPSONS, SIMPSON_COST),
        ),
        (
            "h is duration/(2N): it is the whole interval, from knot to knot",
            {"interval": lambda duration, N: duration / (2 * N)},
            (MIDDLE_CURVED, *SIMPSONS, SIMPSON_COST),
        ),
        (
            "h is duration/(N-1): there are as many intervals as mid-points",
            {"interval": lambda duration, N: duration / (N - 1)},
            (MIDDLE_CURVED, *SIMPSONS, SIMPSON_COST),
        ),
        ("the mid-point's weight 4 is missing in the cost", {"quadrature": (1.0, 1.0, 1.0)}, (SIMPSON_COST,)),
        (
            "the cost is the trapezoid rule's: the mid-points are left out",
            {"quadrature": (3.0, 0.0, 3.0)},
            (SIMPSON_COST,),
        ),
        (
            "the cost's step is divided by 3: h is the whole interval here, not half of it",
            {"cost_length": lambda h: 2 * h},
            (SIMPSON_COST,),
        ),
        ("h is missing in the cost", {"cost_length": lambda h: 1.0}, (SIMPSON_COST,)),
    ),
)

# Task 6: the block move as one linear system --------------------------------------------------------

OBEYS = "it goes from rest to rest by the trapezoid rule"
UNIT = "the cheapest move of 1 kg by 1 m in 1 s"
OTHER = "the cheapest move of other masses, distances and durations"
OWN_COST = "the cost of your own actions by the trapezoid rule"
PLAN = ("states", "actions")
TOLERANCE = 1e-5


def _obeys(case, found):
    """The ends and the equations of motion hold, whether the move is cheap or not."""
    _, distance, duration, mass, _ = case
    states, actions = found["states"], found["actions"]
    ends = {"s_0": (states[0], [0.0, 0.0]), "s_N": (states[-1], [distance, 0.0])}
    for name, (got, wanted) in ends.items():
        error = np.abs(got - wanted).max()
        if error > TOLERANCE:
            return f"first wrong: {name}: off by {error:.2g}"
    derivative = lambda s, a: np.stack([s[:, 1], a[:, 0] / mass], axis=1)
    defects, _ = references.trapezoid(states, actions, duration, derivative, lambda s, a: a[:, 0])
    worst = np.abs(defects)
    if worst.max() <= TOLERANCE:
        return None
    k, i = np.argwhere(worst > TOLERANCE)[0]
    which = ("position", "velocity")[i]
    return f"first wrong: interval k = {k}: the {which} has a defect of {worst[k, i]:.2g}"


def _own_cost(case, found):
    """The cost belongs to the actions beside it, right or wrong."""
    N, _, duration, *_ = case
    u = found["actions"][:, 0]
    expected = np.trapezoid(u**2, dx=duration / N)
    if expected == 0.0:
        return "first wrong: actions: all zero, so that there is no cost to judge"
    error = abs(float(found["cost"]) - expected)
    if error <= TOLERANCE * expected:
        return None
    return f"first wrong: cost: off by {error:.2g} from the trapezoid rule's for the actions you return"


block_move = Task(
    name="03_shooting_vs_collocation/block_move",
    title="Task 6, the block move as one linear system",
    objective="assemble a transcription and solve it",
    results={"states": "N+1 n", "actions": "N+1 m", "cost": ""},
    reference=references.block_move,
    properties=[
        Holds(OBEYS, 2, _obeys, instances.other_moves),
        Agrees(UNIT, 2, PLAN, instances.unit_moves),
        Agrees(OTHER, 1, PLAN, instances.other_moves),
        Holds(OWN_COST, 1, _own_cost, instances.other_moves),
    ],
    mistakes=mistakes_of(
        references.block_move,
        (
            "h is duration/(N+1): N+1 knots have N intervals between them",
            {"interval": lambda duration, N: duration / (N + 1)},
            (OBEYS, UNIT, OTHER, OWN_COST),
        ),
        (
            "the step is not halved: the mean of two derivatives is half their sum",
            {"rule": (1.0, 1.0)},
            (OBEYS, UNIT, OTHER),
        ),
        (
            "only the left knot's derivative counts: this is Euler's rule",
            {"rule": (1.0, 0.0)},
            (OBEYS, UNIT, OTHER),
        ),
        (
            "the sign of h/2 is wrong: what the world does is subtracted from what the states do",
            {"rule": (-0.5, -0.5)},
            (OBEYS, UNIT, OTHER),
        ),
        (
            "the end is demanded of v and u, the last two columns: those of x and v are -3 and -2",
            {"places": (0, 1, -2, -1)},
            (OBEYS, UNIT, OTHER),
        ),
        ("the end weights lack their ½", {"ends": 1.0}, (UNIT, OTHER, OWN_COST)),
        ("the force is not divided by the mass", {"push": lambda mass: 1.0}, (OBEYS, OTHER)),
        ("the force is multiplied by the mass", {"push": lambda mass: mass}, (OBEYS, OTHER)),
        (
            "the block always moves by 1 m: the distance belongs into b",
            {"goal": lambda distance: (1.0, 0.0)},
            (OBEYS, OTHER),
        ),
        (
            "the end is a velocity, not a place: the distance is in the wrong entry of b",
            {"goal": lambda distance: (0.0, distance)},
            (OBEYS, UNIT, OTHER),
        ),
        (
            "the block does not have to stop: the last velocity is free",
            {"demanded": (0, 1, 2)},
            (OBEYS, UNIT, OTHER),
        ),
        (
            "the block does not start from rest: the first velocity is free",
            {"demanded": (0, 2, 3)},
            (OBEYS, UNIT, OTHER),
        ),
        ("the cost is halved: it is ∫ u² dt", {"tell": lambda cost, weights, u: cost / 2}, (OWN_COST,)),
        (
            "h is missing in the cost: it is a sum, not an integral",
            {"tell": lambda cost, weights, u: u @ u},
            (OWN_COST,),
        ),
        (
            "the cost lacks the ½ of its end weights, which H has",
            {"tell": lambda cost, weights, u: weights[1] * (u @ u)},
            (OWN_COST,),
        ),
    ),
)
