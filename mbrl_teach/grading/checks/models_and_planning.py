"""The checks of assignment 00_models_and_planning.

Their instances stand in `grading.instances.models_and_planning`, the right answers in
`grading.references.models_and_planning`; a known mistake is a reference with one keyword set.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from mbrl_teach.grading.instances import models_and_planning as instances
from mbrl_teach.grading.references import models_and_planning as references
from mbrl_teach.grading.task import TOLERANCE, Agrees, Holds, Mistake, Task, mistakes_of

# Task 1: the return of a trajectory -----------------------------------------------------------------

PLAIN, DISCOUNTED = "the returns without discount", "the returns with discount"

returns_to_go = Task(
    name="00_models_and_planning/returns_to_go",
    title="Task 1, the return of a trajectory",
    objective="compute what a trajectory is worth",
    results={"returns": "T"},
    reference=references.returns_to_go,
    time="backward",
    properties=[
        Agrees(PLAIN, 1, ("returns",), instances.undiscounted_rewards),
        Agrees(DISCOUNTED, 2, ("returns",), instances.discounted_rewards),
    ],
    mistakes=[
        *mistakes_of(
            references.returns_to_go,
            (
                "the first reward is discounted, too: r_t counts in full, gamma begins with r_{t+1}",
                {"add": lambda r, G, gamma, t, T: gamma * (r + G)},
                (DISCOUNTED,),
            ),
            ("gamma is missing", {"add": lambda r, G, gamma, t, T: r + G}, (DISCOUNTED,)),
            (
                "gamma is on the reward: it belongs to the return of the next step",
                {"add": lambda r, G, gamma, t, T: gamma * r + G},
                (DISCOUNTED,),
            ),
            (
                "the powers of gamma count from the first step: those of G_t count from step t",
                {"add": lambda r, G, gamma, t, T: gamma**t * r + G},
                (DISCOUNTED,),
            ),
            (
                "the powers of gamma run backward: the later a reward, the less it counts",
                {"add": lambda r, G, gamma, t, T: gamma ** (T - 1 - t) * r + G},
                (DISCOUNTED,),
            ),
            (
                "the sum runs forward, over past rewards: a return looks ahead",
                {"order": iter},
                (PLAIN, DISCOUNTED),
            ),
            (
                "the returns stand in the order in which they were computed, the last first",
                {"write": -1},
                (PLAIN, DISCOUNTED),
            ),
            (
                "the loop never reaches index 0: range stops before its second number",
                {"order": lambda steps: reversed(steps[1:])},
                (PLAIN, DISCOUNTED),
            ),
        ),
        *mistakes_of(
            references.change_returns,
            (
                "r_t itself is missing in G_t",
                {"change": lambda G, rewards, gamma: G - rewards},
                (PLAIN, DISCOUNTED),
            ),
            (
                "the return of the first step stands at every step",
                {"change": lambda G, rewards, gamma: np.full_like(G, G[0])},
                (PLAIN, DISCOUNTED),
            ),
            (
                "the last reward is left out",
                {"change": lambda G, rewards, gamma: G - gamma ** np.arange(len(G))[::-1] * rewards[-1]},
                (PLAIN, DISCOUNTED),
            ),
        ),
    ],
)

# Task 2: the Bellman expectation backup -------------------------------------------------------------

REWARD, SURE, CHANCE = (
    "the reward that the policy expects, where gamma = 0",
    "the value where neither world nor policy knows chance",
    "the value where both do",
)

expectation_backup = Task(
    name="00_models_and_planning/expectation_backup",
    title="Task 2, the Bellman expectation backup",
    objective="read Bellman's equation as two averages",
    results={"V_new": "S"},
    reference=references.expectation_backup,
    properties=[
        Agrees(REWARD, 1, ("V_new",), instances.rewards_only),
        Agrees(SURE, 1, ("V_new",), instances.sure_backups),
        Agrees(CHANCE, 2, ("V_new",), instances.backups),
    ],
    mistakes=[
        *mistakes_of(
            references.expectation_backup,
            ("gamma is missing", {"of_V": 0}, (REWARD, SURE, CHANCE)),
            (
                "gamma is on the reward, too: it belongs to what comes next",
                {"of_R": 1},
                (REWARD, SURE, CHANCE),
            ),
            ("the reward R(s, a) is missing", {"keep": 0}, (REWARD, SURE, CHANCE)),
            (
                "the policy's probabilities are ignored: every action counts the same",
                {"average": lambda policy, Q: Q.mean(axis=1)},
                (REWARD, SURE, CHANCE),
            ),
            (
                "the actions are summed without the policy's probabilities",
                {"average": lambda policy, Q: Q.sum(axis=1)},
                (REWARD, SURE, CHANCE),
            ),
            (
                "the best action is taken: here the policy says how often each one is",
                {"average": lambda policy, Q: Q.max(axis=1)},
                (REWARD, SURE, CHANCE),
            ),
            (
                "the sum runs over the states: each state has a mean over its actions",
                {"average": lambda policy, Q: (policy * Q).sum(axis=0)},
                (REWARD, SURE, CHANCE),  # the wrong shape where S is not A
            ),
            (
                "only the policy's likeliest action counts: each counts with its probability",
                {"average": lambda policy, Q: Q[np.arange(len(Q)), policy.argmax(axis=1)]},
                (REWARD, CHANCE),
            ),
            (
                "the best next state is taken for granted: which one comes is a matter of chance",
                {"future": references.best_next_value},
                (CHANCE,),
            ),
            (
                "only the likeliest next state counts: each counts with its probability",
                {"future": references.likeliest_next_value},
                (CHANCE,),
            ),
            (
                "V(s) stands where V(s') belongs, the value of the next state",
                {"future": references.present_value},
                (SURE, CHANCE),
            ),
            (
                "P is transposed: the first state of P[a, s, s'] is where one comes from",
                {"read": lambda P: P.swapaxes(1, 2)},
                (SURE, CHANCE),
            ),
            (
                "actions and states are mixed up: the first axis of P[a, s, s'], and of P @ V, is the action",
                {"read": lambda P: P.swapaxes(0, 1)},
                (REWARD, SURE, CHANCE),  # an error where S is not A costs all
            ),
        ),
        Mistake(
            "the new value of one state is used for the next: a backup reads only the old V",
            references.backup_in_place,
            (SURE, CHANCE),
        ),
        Mistake(
            "the policy's probabilities are on the reward only: they weigh the whole of the brackets",
            references.backup_with_a_bare_future,
            (SURE, CHANCE),
        ),
    ],
)

# Task 3: value iteration ----------------------------------------------------------------------------

OPTIMAL, COSTLY, PATIENT = (
    "V is the best value that any policy can have",
    "also where every step costs and all values are negative",
    "also where there is no end and gamma is near 1",
)
ALL_WORLDS = (OPTIMAL, COSTLY, PATIENT)

value_iteration = Task(
    name="00_models_and_planning/value_iteration",
    title="Task 3, value iteration",
    objective="solve a known world",
    results={"V": "S"},
    reference=references.value_iteration,
    properties=[
        Agrees(OPTIMAL, 2, ("V",), instances.worlds),
        Agrees(COSTLY, 1, ("V",), instances.costly_worlds),
        Agrees(PATIENT, 1, ("V",), instances.endless_worlds),
    ],
    mistakes=[
        *mistakes_of(
            references.value_iteration,
            (
                "it stops too early, after a fixed number of sweeps: go on until the values change no more",
                {"settled": lambda change, tolerance, sweep: sweep == 99},
                (PATIENT,),
            ),
            (
                "it stops as soon as one state has settled: all of them must",
                {"settled": lambda change, tolerance, sweep: np.abs(change).min() < tolerance},
                (OPTIMAL, COSTLY),
            ),
            (
                "it stops when values fall: the size of the change matters, not its sign",
                {"settled": lambda change, tolerance, sweep: change.max() < tolerance},
                (COSTLY,),
            ),
            (
                "the search for the largest begins at 0, and here all values are smaller",
                {"best": lambda R, future: np.maximum((R + future).max(axis=1), 0.0)},
                (COSTLY,),
            ),
            (
                "the smallest is taken: rewards are maximised",
                {"best": lambda R, future: (R + future).min(axis=1)},
                ALL_WORLDS,
            ),
            (
                "the mean over the actions is taken: the best of them counts",
                {"best": lambda R, future: (R + future).mean(axis=1)},
                ALL_WORLDS,
            ),
            (
                "reward and future are maximised apart: one action must serve both",
                {"best": lambda R, future: R.max(axis=1) + future.max(axis=1)},
                ALL_WORLDS,
            ),
            (
                "the max is over the next state: you choose the action, chance the next state",
                {"future": references.best_next_value},
                ALL_WORLDS,
            ),
            (
                "only the likeliest next state counts: each counts with its probability",
                {"future": references.likeliest_next_value},
                ALL_WORLDS,
            ),
            ("gamma is missing", {"of_V": 0}, ALL_WORLDS),
            ("gamma is on the reward, too: it belongs to what comes next", {"of_R": 1}, ALL_WORLDS),
            (
                "the max runs over the states: each state has a best of its actions",
                {"best": lambda R, future: (R + future).max(axis=0)},
                ALL_WORLDS,  # an error where S is not A
            ),
            (
                "P is transposed: the first state of P[a, s, s'] is where one comes from",
                {"read": lambda P: P.swapaxes(1, 2)},
                ALL_WORLDS,
            ),
            (
                "actions and states are mixed up: the first axis of P[a, s, s'], and of P @ V, is the action",
                {"read": lambda P: P.swapaxes(0, 1)},
                ALL_WORLDS,  # an error where S is not A costs all
            ),
        ),
        Mistake(
            "V is never changed: the new values are not assigned to it", references.never_assigned, ALL_WORLDS
        ),
        *mistakes_of(
            references.one_sweep,
            ("it stops after the first sweep", {}, ALL_WORLDS),
            (
                "the old values are the new ones: `old = V` makes no copy, so nothing ever seems to change",
                {"in_place": True},
                ALL_WORLDS,
            ),
        ),
    ],
)

# Task 4: greedy by one-step look-ahead --------------------------------------------------------------

ONE, SEVERAL, END, GREEDY = (
    "Q where only one thing can happen",
    "Q where several things can happen",
    "Q where it may be the end",
    "the policy takes the action with the largest of your Q",
)


def _greedy(case, found):
    """Compare the policy with the student's own Q, right or wrong."""
    Q, policy = found["Q"], found["policy"]
    for s, (row, action) in enumerate(zip(Q, policy, strict=True)):
        if row.max() == row.min():
            return f"first wrong: policy: your Q is the same for every action at s = {s}: none is the best"
        if action not in range(len(row)):
            return f"first wrong: policy, entry [{s}]: it is not the number of an action, 0 to {len(row) - 1}"
        if row[int(action)] < row.max() - TOLERANCE * np.abs(row).max():
            return f"first wrong: policy, entry [{s}]: another action has a larger Q"
    return None


look_ahead = Task(
    name="00_models_and_planning/look_ahead",
    title="Task 4, the greedy policy by looking one step ahead",
    objective="act by a model and a value function",
    results={"Q": "S A", "policy": "S"},
    reference=references.look_ahead,
    properties=[
        Agrees(ONE, 1, ("Q",), instances.sure_models),
        Agrees(SEVERAL, 1, ("Q",), instances.models_with_chance),
        Agrees(END, 1, ("Q",), instances.models_with_an_end),
        Holds(GREEDY, 1, _greedy, instances.models_with_chance),
    ],
    mistakes=mistakes_of(
        references.look_ahead,
        (
            "the value of a terminal state counts: after the end nothing comes",
            {"worth": lambda p, r, gamma, value, terminated: p * (r + gamma * value)},
            (END,),
        ),
        (
            "the reward of the last step is lost: at the end only the value is left out",
            {"worth": lambda p, r, gamma, value, terminated: p * (r + gamma * value) * (not terminated)},
            (END,),
        ),
        (
            "terminated is turned round: the value counts where it is False",
            {"worth": lambda p, r, gamma, value, terminated: p * (r + gamma * value * terminated)},
            (ONE, SEVERAL, END),
        ),
        (
            "gamma is missing",
            {"worth": lambda p, r, gamma, value, terminated: p * (r + value * (not terminated))},
            (ONE, SEVERAL, END),
        ),
        (
            "gamma is on the reward, too: it belongs to what comes next",
            {"worth": lambda p, r, gamma, value, terminated: p * gamma * (r + value * (not terminated))},
            (ONE, SEVERAL, END),
        ),
        (
            "the value of the next state is missing: that is the reward alone",
            {"worth": lambda p, r, gamma, value, terminated: p * r},
            (ONE, SEVERAL, END),
        ),
        (
            "the reward is missing: that is the value of the next state alone",
            {"worth": lambda p, r, gamma, value, terminated: p * gamma * value * (not terminated)},
            (ONE, SEVERAL, END),
        ),
        (
            "the outcomes are added without their probabilities",
            {"worth": lambda p, r, gamma, value, terminated: r + gamma * value * (not terminated)},
            (SEVERAL, END),
        ),
        (
            "the probability is on the value alone: the reward, too, comes by chance",
            {"worth": lambda p, r, gamma, value, terminated: r + p * gamma * value * (not terminated)},
            (SEVERAL, END),
        ),
        (
            "the probability is on the reward alone: the value, too, comes by chance",
            {"worth": lambda p, r, gamma, value, terminated: p * r + gamma * value * (not terminated)},
            (SEVERAL, END),
        ),
        (
            "V(s) stands where V(s') belongs, the value of the next state",
            {"stay": True},
            (ONE, SEVERAL, END),
        ),
        ("only the outcome listed last counts: Q is overwritten, not added up", {"add": 0}, (SEVERAL, END)),
        (
            "only the likeliest outcome counts: each counts with its probability",
            {"sure": True},
            (SEVERAL, END),
        ),
        (
            "the action with the smallest Q is taken: argmin for argmax",
            {"choose": lambda Q, model, V: Q.argmin(axis=1)},
            (GREEDY,),
        ),
        (
            "the best state of each action is taken: each state has a best action",
            {"choose": lambda Q, model, V: Q.argmax(axis=0)},
            (GREEDY,),
        ),
        (
            "the policy is greedy by the reward alone",
            {"choose": lambda Q, model, V: references.mean_reward(model).argmax(axis=1)},
            (GREEDY,),
        ),
        (
            "the policy is greedy by the value of the next state alone",
            {"choose": lambda Q, model, V: references.mean_next_value(model, V).argmax(axis=1)},
            (GREEDY,),
        ),
        (
            "the policy holds the largest Q: the number of its action is meant, argmax for max",
            {"choose": lambda Q, model, V: Q.max(axis=1)},
            (GREEDY,),
        ),
    ),
)

# Task 5: open and closed loop -----------------------------------------------------------------------

EQUAL, OPEN, CLOSED = (
    "both values where nothing is left to chance: there they are equal",
    "the value of the open loop: both actions are chosen beforehand",
    "the value of the closed loop: the second action is chosen when s_2 is seen",
)
ALL_DECISIONS = (EQUAL, OPEN, CLOSED)

two_values = Task(
    name="00_models_and_planning/two_values",
    title="Task 5, open loop and closed loop",
    objective="say what feedback is worth",
    results={"open_loop": "", "closed_loop": ""},
    reference=references.two_values,
    properties=[
        Agrees(EQUAL, 1, ("open_loop", "closed_loop"), instances.sure_decisions),
        Agrees(OPEN, 2, ("open_loop",), instances.noisy_decisions),
        Agrees(CLOSED, 2, ("closed_loop",), instances.noisy_decisions),
    ],
    mistakes=mistakes_of(
        references.two_values,
        (
            "the open loop is counted as closed: its second action cannot depend on s_2",
            {"open_loop": references.seeing},
            (OPEN,),
        ),
        (
            "the closed loop is counted as open: its max over the second action stands inside the mean",
            {"closed_loop": references.blind},
            (CLOSED,),
        ),
        ("the two values are returned in the wrong order", {"order": -1}, (OPEN, CLOSED)),
        (
            "the first action of the open loop is that of the closed one: choose it for a blind second step",
            {"open_loop": references.blind_after_the_first_of_the_seeing},
            (OPEN,),
        ),
        (
            "the second action of the open loop is the best for the likeliest s_2: its mean is what counts",
            {"open_loop": references.blind_for_the_likeliest},
            (OPEN,),
        ),
        (
            "only the likeliest s_2 counts: each counts with its probability",
            {"read": lambda r_1, p, R: (r_1, np.eye(len(R))[p.argmax(axis=1)], R)},
            (OPEN, CLOSED),
        ),
        (
            "the best s_2 is taken for granted: which one comes is a matter of chance",
            {
                "closed_loop": lambda r_1, p, R: (
                    r_1 + np.where(p > 0, R.max(axis=1), -np.inf).max(axis=1)
                ).max()
            },
            (CLOSED,),
        ),
        (
            "the probabilities are ignored: every s_2 counts the same",
            {"read": lambda r_1, p, R: (r_1, np.full_like(p, 1 / len(R)), R)},
            ALL_DECISIONS,
        ),
        (
            "the max runs over s_2: each state has a best of its actions",
            {"closed_loop": lambda r_1, p, R: (r_1 + p @ R.max(axis=0)).max()},
            ALL_DECISIONS,  # an error where S is not A
        ),
        ("r_1 is missing", {"read": lambda r_1, p, R: (0 * r_1, p, R)}, ALL_DECISIONS),
        (
            "the first action is greedy by r_1: what it leads to counts as well",
            {"read": lambda r_1, p, R: (r_1[[r_1.argmax()]], p[[r_1.argmax()]], R)},
            ALL_DECISIONS,
        ),
        (
            "r_1 and what follows are maximised apart: one first action must serve both",
            {
                "open_loop": lambda r_1, p, R: r_1.max() + references.blind(0 * r_1, p, R),
                "closed_loop": lambda r_1, p, R: r_1.max() + references.seeing(0 * r_1, p, R),
            },
            ALL_DECISIONS,
        ),
        (
            "r_1 is added to the columns of p @ R: its rows are the first actions",
            {"open_loop": references.blind_by_columns},
            (EQUAL, OPEN),
        ),
        (
            "the mean over the first actions is taken: the best of them counts",
            {
                "open_loop": lambda r_1, p, R: (r_1 + (p @ R).max(axis=1)).mean(),
                "closed_loop": lambda r_1, p, R: (r_1 + p @ R.max(axis=1)).mean(),
            },
            ALL_DECISIONS,
        ),
        (
            "the mean over the second actions is taken: the best of them counts",
            {"read": lambda r_1, p, R: (r_1, p, R.mean(axis=1, keepdims=True))},
            ALL_DECISIONS,
        ),
        (
            "the smallest is taken: rewards are maximised",
            {
                "open_loop": lambda r_1, p, R: -references.blind(-r_1, p, -R),
                "closed_loop": lambda r_1, p, R: -references.seeing(-r_1, p, -R),
            },
            ALL_DECISIONS,
        ),
    ),
)

# Task 6: an inverse model by counting ---------------------------------------------------------------

SEEN, UNSEEN = (
    "the share of each action, where every s' has come after every s",
    "1/A each for an s' that never came after s",
)

inverse_model = Task(
    name="00_models_and_planning/inverse_model",
    title="Task 6, an inverse model by counting",
    objective="learn a model from data",
    results={"inverse": "S S A"},
    reference=references.inverse_model,
    properties=[
        Agrees(SEEN, 2, ("inverse",), instances.plenty_of_steps),
        Agrees(UNSEEN, 1, ("inverse",), instances.few_steps),
    ],
    mistakes=mistakes_of(
        references.inverse_model,
        (
            "it is normalised over the next state: that is the forward model P(s' | s, a)",
            {"share": partial(references.share, total=1)},
            (SEEN, UNSEEN),
        ),
        (
            "it is normalised over the state: the shares of the actions sum to 1",
            {"share": partial(references.share, total=0)},
            (SEEN, UNSEEN),
        ),
        (
            "it is divided by the number of all steps: the shares sum to 1 for each s and s'",
            {"share": partial(references.share, total=(0, 1, 2))},
            (SEEN, UNSEEN),
        ),
        (
            "s' is left out: that is how often each action was taken in s",
            {
                "share": lambda N: references.share(
                    N, 2, of=np.broadcast_to(N.sum(axis=1, keepdims=True), N.shape)
                )
            },
            (SEEN, UNSEEN),
        ),
        (
            "each count is divided by another pair's sum: N.sum needs keepdims=True to keep its place",
            {"share": lambda N: N / N.sum(axis=2)},
            (SEEN, UNSEEN),  # an error where S is not A
        ),
        (
            "the axes stand in the order s, a, s': inverse[s, s', a] is asked for",
            {"share": lambda N: references.share(N, 2).swapaxes(1, 2)},
            (SEEN, UNSEEN),  # the wrong shape where S is not A
        ),
        (
            "that is the forward model P(s' | s, a), in the order s, a, s'",
            {"share": lambda N: references.share(N, 1).swapaxes(1, 2)},
            (SEEN, UNSEEN),  # the wrong shape where S is not A
        ),
        ("the counts are not divided by their sum", {"share": lambda N: N}, (SEEN, UNSEEN)),
        (
            "the most frequent action gets everything: the shares are meant",
            {"share": lambda N: np.eye(N.shape[2])[N.argmax(axis=2)]},
            (SEEN, UNSEEN),
        ),
        ("s and s' are swapped: inverse[s, s', a], first where one comes from", {"flip": 1}, (SEEN, UNSEEN)),
        (
            "a pair s, s' that was never seen is divided by zero",
            {"share": partial(references.share, total=2, unseen=np.nan)},
            (UNSEEN,),
        ),
        (
            "a pair s, s' that was never seen gets zeros: they sum to 0, not to 1",
            {"share": partial(references.share, total=2, unseen=0.0)},
            (UNSEEN,),
        ),
        ("one is added to every count: here the counts speak alone", {"prior": 1}, (SEEN, UNSEEN)),
        (
            "a step that was made again is not counted again: N[s, s', a] += 1 with whole arrays adds once",
            {"count": references.count_once},
            (SEEN,),
        ),
    ),
)
