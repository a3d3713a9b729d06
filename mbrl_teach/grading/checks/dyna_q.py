"""The checks of assignment 05_dyna_q.

Their instances stand in `grading.instances.dyna_q`, the right answers in `grading.references.dyna_q`; a known
mistake is a reference with one keyword set. What is looked at in draws stands in `grading.judges.dyna_q`.

Where a task draws, its draws are tallied and judged by exact binomial chances (`grading.chances`), so
that any order of draws is right: a right answer to Task 1 is called wrong with a chance below 4e-5
(twenty tallies, 2e-6 each at most), one to Task 4 below 3e-5. The tallies of a known mistake are told by
their size, not by the draws themselves. Everything else is exact.
"""

from __future__ import annotations

import numpy as np

from mbrl_teach.grading.instances import dyna_q as instances
from mbrl_teach.grading.judges import dyna_q as judges
from mbrl_teach.grading.references import dyna_q as references
from mbrl_teach.grading.student_call import NOT_FROM_RNG
from mbrl_teach.grading.task import Agrees, Holds, Task, mistakes_of

# Tallies this close, as shares of the largest result, look alike: those of two tasks, in their own units.
ROUGHLY, UPDATES = 0.25, instances.SMALL

# Task 1: epsilon-greedy -----------------------------------------------------------------------------

GREEDY = "the best action where epsilon = 0"
TIES = "each of the best actions is as likely, where several are best"
EXPLORES = "with probability epsilon any action, each with the same chance"


epsilon_greedy = Task(
    name="05_dyna_q/epsilon_greedy",
    title="Task 1, ε-greedy with fair ties",
    objective="explore, and break ties fairly",
    results={"action": "A"},
    reference=references.epsilon_greedy,
    ask=instances.draw_many,
    properties=[
        Holds(GREEDY, 1, judges.tallies_fit, instances.single_best_actions, tolerance=ROUGHLY),
        Holds(TIES, 1, judges.tallies_fit, instances.tied_actions, tolerance=ROUGHLY),
        Holds(EXPLORES, 2, judges.tallies_fit, instances.exploring_actions, tolerance=ROUGHLY),
    ],
    mistakes=mistakes_of(
        references.epsilon_greedy,
        (
            "np.argmax alone: of several best actions it always takes the first",
            {"best": lambda values: [np.argmax(values)]},
            (TIES,),
        ),
        (
            "of several best actions always the last is taken",
            {"best": lambda values: references.ties(values)[-1:]},
            (TIES,),
        ),
        (
            "it explores with probability 1 - epsilon",
            {"share": lambda epsilon: 1 - epsilon},
            (GREEDY, TIES, EXPLORES),
        ),
        (NOT_FROM_RNG, {"source": lambda rng: np.random.default_rng()}, (TIES, EXPLORES)),
        ("it never explores", {"share": lambda epsilon: 0.0}, (EXPLORES,)),
        (
            "exploring leaves out the best action: any action means that one, too",
            {"others": references.all_but_the_best},
            (EXPLORES,),
        ),
        (
            "the last action is never explored: rng.integers(n) already stops before n",
            {"others": lambda values: np.arange(len(values) - 1)},
            (EXPLORES,),
        ),
        (
            "the action of the smallest value is taken",
            {"best": lambda values: references.ties(-values)},
            (GREEDY, TIES, EXPLORES),
        ),
    ),
)

# Task 2: the Q-learning update ----------------------------------------------------------------------

INSIDE = "Q after a step inside an episode"
TERMINAL = "Q after a step into a terminal state"
TIME_LIMIT = "Q after a step that was truncated: only the episode is over"
ALWAYS = (INSIDE, TERMINAL, TIME_LIMIT)

q_update = Task(
    name="05_dyna_q/q_update",
    title="Task 2, the Q-learning update",
    objective="update Q from one step",
    results={"Q": "S A"},
    reference=references.q_update,
    properties=[
        Agrees(INSIDE, 2, ("Q",), instances.steps_inside),
        Agrees(TERMINAL, 1, ("Q",), instances.terminated_steps),
        Agrees(TIME_LIMIT, 1, ("Q",), instances.truncated_steps),
    ],
    mistakes=mistakes_of(
        references.q_update,
        (
            "it bootstraps from a terminal state: nothing comes after it",
            {"ends": lambda terminated, truncated: False},
            (TERMINAL,),
        ),
        (
            "truncated is treated as terminated: the state after a time limit still has a value",
            {"ends": lambda terminated, truncated: terminated or truncated},
            (TIME_LIMIT,),
        ),
        (
            "it bootstraps where the episode terminates, and only there: terminated is turned round",
            {"ends": lambda terminated, truncated: not terminated},
            ALWAYS,
        ),
        (
            "the target takes the same action again, Q(s', a): the best one is meant, max Q(s', ·)",
            {"value": lambda Q, s, a, s2: Q[s2, a]},
            (INSIDE, TIME_LIMIT),
        ),
        (
            "the target takes the mean over the next actions: the best one is meant, max Q(s', ·)",
            {"value": lambda Q, s, a, s2: Q[s2].mean()},
            (INSIDE, TIME_LIMIT),
        ),
        (
            "the target takes the best action of s, not of s'",
            {"value": lambda Q, s, a, s2: Q[s].max()},
            (INSIDE, TIME_LIMIT),
        ),
        (
            "the best action of s' is taken for its value: np.argmax where np.max is meant",
            {"value": lambda Q, s, a, s2: Q[s2].argmax()},
            (INSIDE, TIME_LIMIT),
        ),
        (
            "the target takes the largest entry of the whole table, not of the row of s'",
            {"value": lambda Q, s, a, s2: Q.max()},
            (INSIDE, TIME_LIMIT),
        ),
        ("gamma is left out", {"discount": lambda gamma: 1.0}, (INSIDE, TIME_LIMIT)),
        (
            "the old value is not taken off: the step is alpha times the error, target minus Q(s, a)",
            {"move": lambda old, r, future, alpha: alpha * (r + future)},
            ALWAYS,
        ),
        (
            "the old value is gone: Q(s, a) moves by alpha times the error, it is not replaced by that",
            {"move": lambda old, r, future, alpha: alpha * (r + future - old) - old},
            ALWAYS,
        ),
        (
            "alpha does not multiply the old value: it belongs before the brackets, to the whole error",
            {"move": lambda old, r, future, alpha: alpha * (r + future) - old},
            ALWAYS,
        ),
        ("alpha is left out", {"move": lambda old, r, future, alpha: r + future - old}, ALWAYS),
        (
            "alpha and 1 - alpha are exchanged: alpha is the share of the target",
            {"move": lambda old, r, future, alpha: (1 - alpha) * (r + future - old)},
            ALWAYS,
        ),
        (
            "alpha multiplies r alone: it belongs before the brackets, to the whole error",
            {"move": lambda old, r, future, alpha: alpha * r + future - old},
            ALWAYS,
        ),
        (
            "alpha does not multiply the value of s': it belongs to the whole target",
            {"move": lambda old, r, future, alpha: alpha * (r - old) + future},
            (INSIDE, TIME_LIMIT),
        ),
        (
            "the entry of s' changes: it is s whose action was tried",
            {"where": lambda s, a, s2: (s2, a)},
            ALWAYS,
        ),
        ("all actions of s change: only a was tried", {"where": lambda s, a, s2: s}, ALWAYS),
    ),
)

# Task 3: a table model ------------------------------------------------------------------------------

COUNTS = "counts: how often each step was seen"
FREQUENCIES = "P: how often each next state followed"
REWARDS = "R: the mean reward of each pair"
UNTRIED = "a pair that was never tried stays where it is, for nothing"


table_model = Task(
    name="05_dyna_q/table_model",
    title="Task 3, a table model",
    objective="learn a model by counting",
    results={"counts": "S A S", "P": "S A S", "R": "S A"},
    reference=references.table_model,
    properties=[
        Agrees(COUNTS, 1, ("counts",), instances.all_streams),
        Agrees(FREQUENCIES, 1, ("P",), instances.complete_streams),
        Agrees(REWARDS, 1, ("R",), instances.complete_streams),
        Agrees(UNTRIED, 1, ("P", "R"), instances.incomplete_streams),
    ],
    mistakes=mistakes_of(
        references.table_model,
        ("the last reward overwrites those before it: R is their mean", {"mean": "last"}, (REWARDS,)),
        ("R is the sum of the rewards: divide by how often the pair was tried", {"mean": False}, (REWARDS,)),
        (
            "R is divided by the number of all steps, not by those of the pair",
            {"mean": "all"},
            (REWARDS, UNTRIED),
        ),
        ("each count stays 1, however often a step is seen", {"add": 0}, (COUNTS, FREQUENCIES, REWARDS)),
        (
            "P is divided by all steps: for each pair (s, a) it must sum to 1 over s'",
            {"total": lambda counts: counts.sum()},
            (FREQUENCIES, UNTRIED),
        ),
        (
            "P is divided by the visits of s: for each pair (s, a) it must sum to 1 over s'",
            {"total": lambda counts: counts.sum(axis=(1, 2))[:, None]},
            (FREQUENCIES,),
        ),
        (
            "counts says that untried pairs were tried: it holds what was seen, and nothing else",
            {"of_untried": 1},
            (COUNTS,),
        ),
        ("s and s' are exchanged in counts", {"turn": -1}, (COUNTS, FREQUENCIES, REWARDS, UNTRIED)),
        (
            "a pair that was never tried leads anywhere, P is 1/S: it stays where it is",
            {"unknown": lambda P, R, untried: references.fill(1 / P.shape[2])(P, R, untried)},
            (UNTRIED,),
        ),
        (
            "a pair that was never tried leads nowhere, P is all zero: it stays where it is",
            {"unknown": references.fill(0.0)},
            (UNTRIED,),
        ),
    ),
)

# Task 4: a planning sweep ---------------------------------------------------------------------------

KNOWN = "Q after n updates of the only pair that was tried"
ALONE = "pairs that were never tried keep their values"
DRAWN = "a visited state, then one of the actions tried there: each with the same chance"
NEXT = "next states as often as they were counted"


planning_sweep = Task(
    name="05_dyna_q/planning_sweep",
    title="Task 4, a planning sweep",
    objective="learn from steps that a model dreams",
    results={"Q": "S A"},
    reference=references.planning_sweep,
    ask=instances.ask_twice_if_short,
    properties=[
        Agrees(KNOWN, 2, ("Q",), instances.single_pairs),
        Holds(ALONE, 1, judges.untried_values_stay, instances.several_pairs, tolerance=40 * UPDATES),
        Holds(DRAWN, 1, judges.pairs_fit, instances.several_pairs, tolerance=40 * UPDATES),
        Holds(NEXT, 1, judges.next_states_fit, instances.two_next_states, tolerance=25 * UPDATES),
    ],
    mistakes=mistakes_of(
        references.planning_sweep,
        (
            "it plans from any pair: of those that were never tried the model knows nothing",
            {"draw": references.any_pair},
            (KNOWN, ALONE, DRAWN, NEXT),
        ),
        (
            "it plans with any action of a visited state: of those never tried there the model knows nothing",
            {"draw": references.any_action_of_a_visited_state},
            (KNOWN, ALONE, DRAWN),
        ),
        (
            "each pair is drawn with the same chance: first a state, then one of its actions",
            {"draw": references.any_tried_pair},
            (DRAWN,),
        ),
        (
            "the state is drawn as often as it was visited: each visited state has the same chance",
            {"draw": references.by_visits},
            (DRAWN,),
        ),
        ("the sum of the rewards is taken for their mean", {"mean": False}, (KNOWN, DRAWN)),
        (NOT_FROM_RNG, {"source": lambda rng: np.random.default_rng()}, (ALONE, DRAWN)),
        ("alpha is left out", {"rate": lambda alpha: 1.0}, (KNOWN, DRAWN, NEXT)),
        ("gamma is left out", {"discount": lambda gamma: 1.0}, (KNOWN, DRAWN)),
        (
            "a next state that was never visited is treated as terminal",
            {"value": lambda Q, s, a, s2: Q[s2].max() if s2 == s else 0.0},
            (KNOWN, NEXT),
        ),
        ("n is not used: there is a single update", {"steps": lambda n: 1}, (KNOWN, DRAWN, NEXT)),
        (
            "every update starts from the Q that came in: each must see what the one before it has changed",
            {"frozen": True},
            (KNOWN,),
        ),
        (
            "the target takes the same action again, Q(s', a): the best one is meant, max Q(s', ·)",
            {"value": lambda Q, s, a, s2: Q[s2, a]},
            (KNOWN,),
        ),
        (
            "the next state is always the most frequent one: draw it with the probabilities of the counts",
            {"follow": lambda row, rng: np.argmax(row)},
            (NEXT,),
        ),
        (
            "all next states that were ever seen have the same chance: draw them by their counts",
            {"follow": lambda row, rng: rng.choice(np.flatnonzero(row))},
            (NEXT,),
        ),
    ),
)

# Task 5: the whole of Dyna-Q ------------------------------------------------------------------------

PLAIN = "Q after episodes without planning"
SEEN = "counts: every real step, and no other"
STEPS = "steps: the length of each episode"
PLANS = "Q with planning after each step, in a model that knows the step"
LIMITED = "Q in a world with a time limit: the episode ends, and learns from its last step as from any other"
WHOLE = (PLAIN, SEEN, STEPS, PLANS, LIMITED)

dyna_q = Task(
    name="05_dyna_q/dyna_q",
    title="Task 5, the whole of Dyna-Q",
    objective="assemble Dyna-Q",
    results={"Q": "S A", "counts": "S A S", "steps": "E"},
    reference=references.dyna_q,
    properties=[
        Agrees(PLAIN, 2, ("Q",), instances.corridors_without_planning),
        Agrees(SEEN, 1, ("counts",), instances.corridors_without_planning),
        Agrees(STEPS, 1, ("steps",), instances.corridors_without_planning),
        Agrees(PLANS, 1, ("Q",), instances.corridors_with_planning),
        Agrees(LIMITED, 1, ("Q",), instances.rings_with_a_time_limit),
    ],
    mistakes=mistakes_of(
        references.dyna_q,
        (
            "truncated is handed to learn as terminated: the state after a time limit still has a value",
            {"flag": lambda terminated, truncated: terminated or truncated},
            (LIMITED,),
        ),
        (
            "the episode goes on after it was truncated",
            {"ends": lambda terminated, truncated: terminated},
            (LIMITED,),
        ),
        (
            "planning comes before the step is in the model",
            {"order": ("learn", "plan", "record")},
            (PLANS,),
        ),
        ("it plans once an episode: after each real step is meant", {"plan_at_end": True}, (PLANS,)),
        ("it never plans, or what plan returns is not kept", {"assign": 0}, (PLANS,)),
        (
            "it never learns from the real step, or what learn returns is not kept",
            {"order": ("record", "plan")},
            WHOLE,
        ),
        (
            "reward_sums holds the last reward or the mean: it is the sum of all that came after the pair",
            {"remember": 0},
            (PLANS,),
        ),
        ("each count stays 1, however often a step is seen", {"add": 0}, (SEEN, PLANS)),
        ("the step is recorded as one from s', not from s", {"source": lambda s, s2: s2}, (SEEN, PLANS)),
        ("Q is forgotten at the start of each episode", {"fresh": True}, WHOLE),
        ("the model is forgotten at the start of each episode", {"wipe": True}, (SEEN, PLANS)),
        ("the steps are counted from 1, not from 0", {"extra": 1}, (STEPS,)),
    ),
)

# Task 6: expectation updates ------------------------------------------------------------------------

ONE, IN_TURN = "Q after one update", "Q after a list of pairs: each update sees those before it"
OPTIMAL = "many sweeps lead to the optimal values of the model"

expected_sweep = Task(
    name="05_dyna_q/expected_sweep",
    title="Task 6, expectation updates",
    objective="use all that a model says at once",
    results={"Q": "S A"},
    reference=references.expected_sweep,
    properties=[
        Agrees(ONE, 2, ("Q",), instances.one_pair_updates),
        Agrees(IN_TURN, 1, ("Q",), instances.pairs_in_a_row),
        Agrees(OPTIMAL, 1, ("Q",), instances.many_sweeps),
    ],
    mistakes=mistakes_of(
        references.expected_sweep,
        (
            "the mean comes before the maximum: it is Σ P max Q, each next state has its own best action",
            {"future": lambda Q, p: np.max(p @ Q)},
            (ONE, OPTIMAL),
        ),
        (
            "the mean over the next actions is taken: the best one is meant, max Q(s', ·)",
            {"future": lambda Q, p: p @ Q.mean(axis=1)},
            (ONE, IN_TURN, OPTIMAL),
        ),
        (
            "only the most frequent next state counts: sum over all of them",
            {"probability": references.most_likely},
            (ONE, OPTIMAL),
        ),
        (
            "all next states weigh the same: each has its frequency",
            {"probability": lambda row: np.full(len(row), 1 / len(row))},
            (ONE, IN_TURN, OPTIMAL),
        ),
        ("the sum of the rewards is taken for their mean", {"mean": False}, (ONE, IN_TURN, OPTIMAL)),
        (
            "counts are taken for probabilities: divide by their sum",
            {"probability": lambda row: row},
            (ONE, IN_TURN, OPTIMAL),
        ),
        ("gamma is left out", {"discount": lambda gamma: 1.0}, (ONE, IN_TURN, OPTIMAL)),
        (
            "every update starts from the Q that came in: each must see what the one before it has changed",
            {"frozen": True},
            (IN_TURN, OPTIMAL),
        ),
    ),
)

# Task 7: the bonus of Dyna-Q+ -----------------------------------------------------------------------

REAL = "Q after the real step"
SINCE = "tau: the real steps since each pair was tried"
LAST = "rewards and next_states: what was seen last"
BONUS = "Q after planning with the bonus"

dyna_q_plus_step = Task(
    name="05_dyna_q/dyna_q_plus_step",
    title="Task 7, the bonus of Dyna-Q+",
    objective="doubt a model that has grown old",
    results={"Q": "S A", "tau": "S A", "rewards": "S A", "next_states": "S A"},
    reference=references.dyna_q_plus_step,
    properties=[
        Agrees(REAL, 1, ("Q",), instances.real_steps),
        Agrees(SINCE, 1, ("tau",), instances.planned_steps),
        Agrees(LAST, 1, ("rewards", "next_states"), instances.real_steps),
        Agrees(BONUS, 2, ("Q",), instances.planned_steps),
    ],
    mistakes=mistakes_of(
        references.dyna_q_plus_step,
        (
            "the real step gets a bonus, too: it belongs to dreams, the real reward is what it is",
            {"real": 1.0},
            (REAL, BONUS),
        ),
        ("tau of the pair just tried is not reset", {"reset": None}, (SINCE, BONUS)),
        (
            "tau is reset for all actions of s: only a was tried",
            {"reset": lambda tau, s, a: s},
            (SINCE, BONUS),
        ),
        ("tau does not grow", {"grow": 0}, (SINCE, BONUS)),
        ("tau grows for the actions of s alone", {"grown": lambda s: s}, (SINCE, BONUS)),
        ("a dream resets tau: it counts real steps", {"dreamt": 0.0}, (SINCE,)),
        ("the real step changes the model, not Q", {"learns": 0.0}, (REAL, BONUS)),
        ("the model is not overwritten", {"blend": 0.0, "lead": False}, (LAST, BONUS)),
        (
            "tau is reset before it grows: the pair just tried has tau = 0",
            {"zero": 1.0},
            (SINCE, BONUS),
        ),
        ("tau grows while planning: it counts real steps", {"while_planning": 1}, (SINCE, BONUS)),
        ("planning uses tau from before this step", {"late": True}, (BONUS,)),
        (
            "the bonus is kappa tau: the square root is missing",
            {"bonus": lambda kappa, tau: kappa * tau},
            (BONUS,),
        ),
        (
            "kappa stands under the root: the bonus is kappa times the root of tau",
            {"bonus": lambda kappa, tau: np.sqrt(kappa * tau)},
            (BONUS,),
        ),
        ("planning has no bonus", {"bonus": lambda kappa, tau: 0.0}, (BONUS,)),
        (
            "the reward is averaged with the old one: a last-seen model forgets it",
            {"blend": 0.5},
            (LAST, BONUS),
        ),
        ("next_states still holds the old next state", {"lead": False}, (LAST, BONUS)),
        (
            "every planned update starts from the same Q: each must see what the one before it has changed",
            {"frozen": True},
            (BONUS,),
        ),
    ),
)

# Task 8: prioritised sweeping (optional) ------------------------------------------------------------

FIRST = "Q after one update: that of the pair with the highest priority"
BEHIND = "the priorities after one update, of all pairs that lead to it"
MANY = "Q after many updates"
CALM = "it stops where no priority is above theta, and tells how many updates it made"
SWEEPING = (FIRST, BEHIND, MANY, CALM)

prioritized_sweep = Task(
    name="05_dyna_q/prioritized_sweep",
    title="Task 8, prioritised sweeping",
    objective="dream of what matters first",
    results={"Q": "S A", "priority": "S A", "done": ""},
    reference=references.prioritized_sweep,
    extra=True,
    properties=[
        Agrees(FIRST, 1, ("Q",), instances.first_updates),
        Agrees(BEHIND, 1, ("priority",), instances.first_updates),
        Agrees(MANY, 1, ("Q",), instances.many_updates),
        Agrees(CALM, 1, ("done",), instances.calm_models),
    ],
    mistakes=mistakes_of(
        references.prioritized_sweep,
        (
            "the priorities of the pairs that lead there stay as they were, or are made with the old Q: "
            "they are due to what has just changed",
            {"stale": True},
            (BEHIND, MANY, CALM),
        ),
        (
            "the rewards of the pairs that lead there are missing in their priorities",
            {"error": lambda Q, s, a, r, s2, gamma: references.surprise(Q, s, a, 0 * r, s2, gamma)},
            (BEHIND, MANY, CALM),
        ),
        (
            "a priority is negative: what promises too much is as urgent as what promises too little",
            {"size": lambda error: error},
            (BEHIND, MANY, CALM),
        ),
        (
            "the lowest priority comes first",
            {"pick": lambda priority: np.argmin(np.where(priority > 0, priority, np.inf))},
            SWEEPING,
        ),
        (
            "the priority of the pair that was updated is not cleared",
            {"clear": 1.0},
            (BEHIND, MANY, CALM),
        ),
        (
            "the priority of the pair is cleared too late: it may lead to its own state, and be wrong still",
            {"clear_last": True},
            (BEHIND,),
        ),
        (
            "the new priority is added to the old one: it takes its place",
            {"renewed": lambda new, old, theta: new + old},
            (BEHIND, MANY, CALM),
        ),
        (
            "pairs that were never tried get a priority: the model knows nothing of them",
            {"known": False},
            (BEHIND, MANY, CALM),
        ),
        ("only one of the pairs that lead there gets a priority", {"spread": False}, (BEHIND, MANY, CALM)),
        ("theta is not used: it goes on when nothing is left to do", {"stop": False}, (CALM,)),
        (
            "an old priority is kept if it is larger: the new one says how wrong the pair is now",
            {"renewed": lambda new, old, theta: max(new, old)},
            (BEHIND, MANY, CALM),
        ),
        (
            "an old priority is kept where the new one is not above theta: "
            "the new one takes its place, however small",
            {"renewed": lambda new, old, theta: new if new > theta else old},
            (CALM,),
        ),
    ),
)
