"""The checks of assignment 01b_lqg."""

from __future__ import annotations

import numpy as np

from mbrl_teach.arguments import read_array
from mbrl_teach.control import kalman
from mbrl_teach.grading.checks.lqr import positive_definite
from mbrl_teach.grading.first_difference import first_difference
from mbrl_teach.grading.task import Agrees, Holds, Mistake, Task


def random_belief(rng, n):
    """A mean (n,) and a covariance (n, n)."""
    return rng.normal(size=n), positive_definite(rng, n)


def random_dynamics(rng, n, m):
    """F (n, n+m), f (n,) and the covariance of the process noise (n, n)."""
    return rng.normal(size=(n, n + m)) / np.sqrt(n), rng.normal(size=n), positive_definite(rng, n)


def random_sensor(rng, n, p):
    """H (p, n) and the covariance of the observation noise (p, p)."""
    return rng.normal(size=(p, n)), positive_definite(rng, p)


# Task 1a: predict -----------------------------------------------------------------------------------


def _beliefs_before_a_step(rng, acted, drifting):
    for n, m in ((3, 2), (2, 2), (1, 1)):
        F, f, process_noise = random_dynamics(rng, n, m)
        yield *random_belief(rng, n), F, drifting * f, process_noise, acted * rng.normal(size=m)


def steps_with_action(rng):
    """A belief and a step without drift."""
    return list(_beliefs_before_a_step(rng, acted=True, drifting=False))


def steps_with_drift(rng):
    """A belief and a step on which nothing is done."""
    return list(_beliefs_before_a_step(rng, acted=False, drifting=True))


def reference_predict(mean, covariance, F, f, process_noise, action):
    """Mean F [m; a] + f and covariance A P A' + W, with F = [A B]."""
    return kalman.predict(mean, covariance, F, f, process_noise, action)


def _predict(mean, P, F, f, W, a, P_of=lambda A, P, W: A @ P @ A.T + W):
    """A prediction, possibly with another covariance `P_of(A, P, W)`."""
    return F @ np.concatenate([mean, a]) + f, P_of(F[:, : len(mean)], P, W)


def _predict_with(P_of):
    return lambda *case: _predict(*case, P_of)


ACTION, DRIFT, SPREAD = "the mean after an action", "the mean with drift f", "the covariance"

predict = Task(
    name="01b_lqg/predict",
    title="Task 1a, predict",
    objective="carry a Gaussian belief through linear dynamics",
    results={"mean": "n", "covariance": "n n"},
    reference=reference_predict,
    properties=[
        Agrees(ACTION, 1, ("mean",), steps_with_action),
        Agrees(DRIFT, 1, ("mean",), steps_with_drift),
        Agrees(SPREAD, 2, ("covariance",), steps_with_action),
    ],
    mistakes=[
        Mistake(
            "the action a_t is left out",
            lambda mean, P, F, f, W, a: _predict(mean, P, F, f, W, 0 * a),
            (ACTION,),
        ),
        Mistake(
            "the drift f is left out",
            lambda mean, P, F, f, W, a: _predict(mean, P, F, 0 * f, W, a),
            (DRIFT,),
        ),
        Mistake("the process noise is left out", _predict_with(lambda A, P, W: A @ P @ A.T), (SPREAD,)),
        Mistake(
            "A' is missing behind P: both sides of a covariance are multiplied",
            _predict_with(lambda A, P, W: A @ P + W),
            (SPREAD,),
        ),
        Mistake(
            "A and A' have changed places",
            _predict_with(lambda A, P, W: A.T @ P @ A + W),
            (SPREAD,),
        ),
        Mistake(
            "the process noise went through the dynamics: it is added after them",
            _predict_with(lambda A, P, W: A @ (P + W) @ A.T),
            (SPREAD,),
        ),
        Mistake(
            "P did not go through the dynamics",
            _predict_with(lambda A, P, W: P + W),
            (SPREAD,),
        ),
        Mistake(
            "the process noise is squared: it is a covariance already",
            _predict_with(lambda A, P, W: A @ P @ A.T + W @ W.T),
            (SPREAD,),
        ),
    ],
)

# Task 1b: update ------------------------------------------------------------------------------------


def _beliefs_before_an_observation(rng, sizes):
    for n, p in sizes:
        mean, covariance = random_belief(rng, n)
        H, observation_noise = random_sensor(rng, n, p)
        yield mean, covariance, H @ mean + rng.normal(size=p), H, observation_noise


def one_sensor(rng):
    """A belief and one number that is seen."""
    return list(_beliefs_before_an_observation(rng, ((3, 1), (2, 1), (1, 1))))


def several_sensors(rng):
    """A belief and several numbers that are seen at once; n = p first, where H L fits in place of L H."""
    return list(_beliefs_before_an_observation(rng, ((2, 2), (4, 3), (1, 2))))


def reference_update(mean, covariance, observation, H, observation_noise):
    """Mean m + L (o - H m) and covariance (I - L H) P, with the gain L = P H' (H P H' + R)⁻¹."""
    return kalman.update(mean, covariance, observation, H, observation_noise)[:2]


def _gain(P, H, R):
    return P @ H.T @ np.linalg.inv(H @ P @ H.T + R)


def _update_with(L_of=_gain, m_of=lambda m, L, o, H: m + L @ (o - H @ m), P_of=lambda P, L, H: P - L @ H @ P):
    """An update, possibly with one formula changed: L_of(P, H, R), m_of(m, L, o, H), P_of(P, L, H)."""

    def update(mean, covariance, observation, H, observation_noise):
        L = L_of(covariance, H, observation_noise)
        return m_of(mean, L, observation, H), P_of(covariance, L, H)

    return update


_update = _update_with()


def _half_of_joseph(P, L, H):
    I_LH = np.eye(len(P)) - L @ H
    return I_LH @ P @ I_LH.T


MEAN, COVARIANCE = "the mean after one number was seen", "the covariance after one number was seen"
SEVERAL = "mean and covariance after several numbers were seen at once"

update = Task(
    name="01b_lqg/update",
    title="Task 1b, update",
    objective="condition a Gaussian belief on an observation",
    results={"mean": "n", "covariance": "n n"},
    reference=reference_update,
    properties=[
        Agrees(MEAN, 2, ("mean",), one_sensor),
        Agrees(COVARIANCE, 2, ("covariance",), one_sensor),
        Agrees(SEVERAL, 1, ("mean", "covariance"), several_sensors),
    ],
    mistakes=[
        Mistake(
            "the innovation has the wrong sign: it is what was seen minus what was expected",
            _update_with(m_of=lambda m, L, o, H: m + L @ (H @ m - o)),
            (MEAN, SEVERAL),
        ),
        Mistake(
            "the gain moves the mean by the whole observation, not by the innovation o - H m",
            _update_with(m_of=lambda m, L, o, H: m + L @ o),
            (MEAN, SEVERAL),
        ),
        Mistake(
            "the observation noise is left out of the gain",
            _update_with(L_of=lambda P, H, R: _gain(P, H, 0 * R)),
            (MEAN, COVARIANCE, SEVERAL),
        ),
        Mistake(
            "the observation noise is squared: it is a covariance already",
            _update_with(L_of=lambda P, H, R: _gain(P, H, R @ R)),
            (MEAN, COVARIANCE, SEVERAL),
        ),
        Mistake(
            "P is missing in the gain",
            _update_with(L_of=lambda P, H, R: H.T @ np.linalg.inv(H @ P @ H.T + R)),
            (MEAN, COVARIANCE, SEVERAL),
        ),
        Mistake(
            "/ S divides entry by entry: multiply by the inverse of the matrix",
            _update_with(L_of=lambda P, H, R: P @ H.T / (H @ P @ H.T + R)),
            (SEVERAL,),
        ),
        Mistake(
            "1 / S inverts each entry, not the matrix",
            _update_with(L_of=lambda P, H, R: P @ H.T @ (1 / (H @ P @ H.T + R))),
            (SEVERAL,),
        ),
        Mistake(
            "I - L H stands behind P: it belongs in front",
            _update_with(P_of=lambda P, L, H: P @ (np.eye(len(P)) - L @ H)),
            (COVARIANCE, SEVERAL),
        ),
        Mistake(
            "H L stands where L H belongs",
            _update_with(P_of=lambda P, L, H: (np.eye(len(P)) - H @ L) @ P),
            (COVARIANCE, SEVERAL),
        ),
        Mistake(
            "P is missing in the covariance: it is (I - L H) P",
            _update_with(P_of=lambda P, L, H: np.eye(len(P)) - L @ H),
            (COVARIANCE, SEVERAL),
        ),
        Mistake(
            "the covariance has the wrong sign: an observation cannot make the belief wider",
            _update_with(P_of=lambda P, L, H: P + L @ H @ P),
            (COVARIANCE, SEVERAL),
        ),
        Mistake(
            "the covariance is still the one before the observation",
            _update_with(P_of=lambda P, L, H: P),
            (COVARIANCE, SEVERAL),
        ),
        Mistake(
            "(I - L H) P (I - L H)' needs L R L' added",
            _update_with(P_of=_half_of_joseph),
            (COVARIANCE, SEVERAL),
        ),
    ],
)

# Task 2: the filter and its likelihood --------------------------------------------------------------

HELPERS = (reference_predict, reference_update)


def _sequences(rng, acted, horizons):
    for (n, m, p), T in zip(((3, 2, 2), (2, 1, 1), (1, 1, 1)), horizons, strict=True):
        model = *random_dynamics(rng, n, m), *random_sensor(rng, n, p)
        actions = acted * rng.normal(size=(T - 1, m))
        yield *model, *random_belief(rng, n), rng.normal(size=(T, p)), actions, *HELPERS


def single_observations(rng):
    """One observation, before anything could be done."""
    return list(_sequences(rng, acted=False, horizons=(1, 1, 1)))


def watched_only(rng):
    """Several observations, all actions zero."""
    return list(_sequences(rng, acted=False, horizons=(4, 5, 3)))


def watched_and_acted(rng):
    """Several observations and actions."""
    return list(_sequences(rng, acted=True, horizons=(4, 5, 3)))


def reference_kalman_filter(F, f, process_noise, H, observation_noise, mean, covariance, o, a, *helpers):
    """Means, covariances and log-likelihood by the library."""
    filtered = kalman.kalman_filter(F, f, process_noise, H, observation_noise, mean, covariance, o, a)
    return filtered.means, filtered.covariances, filtered.log_likelihood


def _log_density(o, H, R, mean, P, weights=(1, 1, 1)):
    """log N(o; H m, S) with S = H P H' + R, and a weight for each of its three terms."""
    innovation, S = o - H @ mean, H @ P @ H.T + R
    terms = innovation @ np.linalg.solve(S, innovation), np.linalg.slogdet(S)[1], len(o) * np.log(2 * np.pi)
    return -0.5 * np.dot(weights, terms)


def _log_density_with(*weights):
    return lambda o, H, R, prior, posterior: _log_density(o, H, R, *prior, weights)


def _filter_with(
    *,
    start=lambda mean, P, *model: (mean, P),
    carry=lambda P, P_1: P,
    acted=lambda actions: actions,
    report=lambda prior, posterior: posterior,
    log_density=lambda o, H, R, prior, posterior: _log_density(o, H, R, *prior),
    total=sum,
):
    """A filter with one piece changed; prior and posterior are the beliefs before and after o_t."""

    def kalman_filter(F, f, W, H, R, mean, P, observations, actions, *helpers):
        reported, log_densities, nothing = [], [], np.zeros(F.shape[1] - len(mean))
        prior = start(mean, P, F, f, W, nothing)
        for o, a in zip(observations, [*acted(actions), nothing], strict=True):
            posterior = _update(*prior, o, H, R)
            reported.append(report(prior, posterior))
            log_densities.append(log_density(o, H, R, prior, posterior))
            next_mean, next_P = _predict(*posterior, F, f, W, a)
            prior = next_mean, carry(next_P, P)
        means, covariances = zip(*reported, strict=True)
        return means, covariances, total(log_densities)

    return kalman_filter


WATCHED = "means and covariances where all actions are zero"
ACTED = "means with actions a_t"
ONE = "the log-likelihood of a single observation"
ALL = "the log-likelihood of a whole sequence"

kalman_filter = Task(
    name="01b_lqg/kalman_filter",
    title="Task 2, the filter and its likelihood",
    objective="assemble the Kalman filter and judge a model by it",
    results={"means": "T n", "covariances": "T n n", "log_likelihood": ""},
    reference=reference_kalman_filter,
    properties=[
        Agrees(WATCHED, 2, ("means", "covariances"), watched_only),
        Agrees(ACTED, 1, ("means",), watched_and_acted),
        Agrees(ONE, 1, ("log_likelihood",), single_observations),
        Agrees(ALL, 2, ("log_likelihood",), watched_only),
    ],
    mistakes=[
        Mistake(
            "a prediction stands before the first update: mean and covariance are those of s_1 already",
            _filter_with(start=_predict),
            (WATCHED, ACTED, ONE, ALL),
        ),
        Mistake(
            "the predicted means and covariances are returned, not the filtered ones",
            _filter_with(report=lambda prior, posterior: prior),
            (WATCHED, ACTED),
        ),
        Mistake(
            "the covariance is not carried on: each update starts from that of s_1",
            _filter_with(carry=lambda P, P_1: P_1),
            (WATCHED, ACTED, ALL),
        ),
        Mistake(
            "the actions are left out",
            _filter_with(acted=lambda actions: 0 * actions),
            (ACTED,),
        ),
        Mistake(
            "the action of another step is used: a_t leads from s_t, where o_t is seen, to s_{t+1}",
            _filter_with(acted=lambda actions: np.roll(actions, 1, axis=0)),
            (ACTED,),
        ),
        Mistake(
            "log det S is missing in the log-likelihood",
            _filter_with(log_density=_log_density_with(1, 0, 1)),
            (ONE, ALL),
        ),
        Mistake(
            "log 2π is missing in the log-likelihood",
            _filter_with(log_density=_log_density_with(1, 1, 0)),
            (ONE, ALL),
        ),
        Mistake(
            "log 2π counts once for each of the p numbers of an observation",
            _filter_with(
                log_density=lambda o, H, R, prior, _: _log_density(o, H, R, *prior, (1, 1, 1 / len(o)))
            ),
            (ONE, ALL),
        ),
        Mistake(
            "the ½ is missing in the log-likelihood",
            _filter_with(log_density=_log_density_with(2, 2, 2)),
            (ONE, ALL),
        ),
        Mistake(
            "the log-likelihood has the wrong sign",
            _filter_with(log_density=_log_density_with(-1, -1, -1)),
            (ONE, ALL),
        ),
        Mistake(
            "the observation noise is left out of S in the log-likelihood",
            _filter_with(log_density=lambda o, H, R, prior, _: _log_density(o, H, 0 * R, *prior)),
            (ONE, ALL),
        ),
        Mistake(
            "the log-likelihood takes the covariance after the update: o_t is judged by what came before it",
            _filter_with(
                log_density=lambda o, H, R, prior, posterior: _log_density(o, H, R, prior[0], posterior[1])
            ),
            (ONE, ALL),
        ),
        Mistake(
            "the log-likelihood takes the mean after the update: o_t is judged by what came before it",
            _filter_with(
                log_density=lambda o, H, R, prior, posterior: _log_density(o, H, R, posterior[0], prior[1])
            ),
            (ONE, ALL),
        ),
        Mistake(
            "the log-likelihood takes the belief after the update: o_t is judged by what came before it",
            _filter_with(log_density=lambda o, H, R, prior, posterior: _log_density(o, H, R, *posterior)),
            (ONE, ALL),
        ),
        Mistake(
            "the log-likelihood is that of the last observation alone: add all of them up",
            _filter_with(total=lambda log_densities: log_densities[-1]),
            (ALL,),
        ),
        Mistake(
            "the log-likelihood is the mean over the steps: it is their sum",
            _filter_with(total=np.mean),
            (ALL,),
        ),
    ],
)

# Task 3: the LQG loop -------------------------------------------------------------------------------


def world(F, f, H, initial_state, process_noise, observation_noise):
    """A hidden state behind two functions: reset() gives o_1, step(a_t) gives o_{t+1}.

    The noise is drawn beforehand, process_noise (T, n) and observation_noise (T+1, p), so that a reset
    starts the same world again.
    """
    T, m = len(process_noise), F.shape[1] - F.shape[0]
    now = {}

    def reset():
        now.update(t=0, s=initial_state)
        return H @ now["s"] + observation_noise[0]

    def step(action):
        a = read_array("action", action, "m", {"m": m})
        if not now:
            raise ValueError("the world has not begun: reset() does, and returns the first observation")
        if now["t"] == T:
            raise ValueError(f"the world ended after T = {T} actions")
        now["s"] = F @ np.concatenate([now["s"], a]) + f + process_noise[now["t"]]
        now["t"] += 1
        return H @ now["s"] + observation_noise[now["t"]]

    return reset, step


def _loops(rng, offsets):
    for n, m, p, T in ((3, 2, 2, 5), (2, 1, 1, 4), (1, 1, 1, 3)):
        F, f, W = random_dynamics(rng, n, m)
        H, R = random_sensor(rng, n, p)
        mean, P = random_belief(rng, n)
        noise = rng.multivariate_normal(np.zeros(n), W, T), rng.multivariate_normal(np.zeros(p), R, T + 1)
        K, k = rng.normal(size=(T, m, n)) / n, offsets * rng.normal(size=(T, m))
        reset, step = world(F, f, H, rng.multivariate_normal(mean, P), *noise)
        yield reset, step, K, k, F, f, W, H, R, mean, P, *HELPERS


def loops_without_offsets(rng):
    """Any gains K_t, no offsets k_t."""
    return list(_loops(rng, offsets=False))


def loops_with_offsets(rng):
    """Gains and offsets."""
    return list(_loops(rng, offsets=True))


def reference_lqg_loop(reset, step, K, k, F, f, W, H, R, mean, covariance, *helpers):
    """Actions and filtered means by the library's controller."""
    controller = kalman.LQGController(K, k, F, f, W, H, R, mean, covariance)
    observation, actions, means = reset(), [], []
    for _ in K:
        actions.append(controller(observation))
        means.append(controller.filtered_mean)
        observation = step(actions[-1])
    return np.array(actions), np.array(means)


def _loop_with(
    *,
    start=lambda mean, P, *model: (mean, P),
    carry=lambda P, P_1: P,
    see=lambda first, new: new,
    act=lambda K, k, t, predicted, filtered: K[t] @ filtered + k[t],
    predicted_with=lambda actions: actions[-1],
    executed=lambda action: action,
):
    """A loop with one piece changed; each piece says what it replaces."""

    def lqg_loop(reset, step, K, k, F, f, W, H, R, mean, P, *helpers):
        actions, means = [], []
        first = o = reset()
        m_t, P_t = start(mean, P, F, f, W, np.zeros(len(k[0])))
        for t in range(len(K)):
            predicted = m_t
            m_t, P_t = _update(m_t, P_t, see(first, o), H, R)
            actions.append(act(K, k, t, predicted, m_t))
            means.append(m_t)
            o = step(executed(actions[-1]))
            m_t, P_t = _predict(m_t, P_t, F, f, W, predicted_with(actions))
            P_t = carry(P_t, P)
        return np.array(actions), np.array(means)

    return lqg_loop


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
    return first_difference(found, {"means": means}, {"means": "T n"}, 1e-6)


def _acts_on_its_means(case, found):
    """The actions are the policy's for the student's own means, whatever filter made them; but the first."""
    _, _, K, k, *_ = case
    first = _filtered_means(case, _observed(case, [None]), None)
    means = np.concatenate([first, found["means"][1:]])
    expected = {"means": means, "actions": np.einsum("tij,tj->ti", K, means) + k}
    return first_difference(found, expected, {"means": "T n", "actions": "T m"}, 1e-6)


ESTIMATES = "the means are those of a Kalman filter, given the actions you return"
FEEDBACK = "the actions are a_t = K_t m_t of the means you return"
OFFSETS = "the same with offsets k_t"

lqg_loop = Task(
    name="01b_lqg/lqg_loop",
    title="Task 3, the LQG loop",
    objective="control a system that is seen through noise",
    results={"actions": "T m", "means": "T n"},
    reference=reference_lqg_loop,
    properties=[
        Holds(ESTIMATES, 2, _estimates_by_the_filter, loops_without_offsets),
        Holds(FEEDBACK, 2, _acts_on_its_means, loops_without_offsets),
        Holds(OFFSETS, 1, _acts_on_its_means, loops_with_offsets),
    ],
    mistakes=[
        Mistake(
            "the action is computed from the predicted mean, from before o_t was seen: use the filtered one",
            _loop_with(act=lambda K, k, t, predicted, filtered: K[t] @ predicted + k[t]),
            (FEEDBACK, OFFSETS),
        ),
        Mistake(
            "a minus sign too many: it lives inside K and k",
            _loop_with(act=lambda K, k, t, predicted, filtered: -K[t] @ filtered - k[t]),
            (FEEDBACK, OFFSETS),
        ),
        Mistake(
            "the gain of the first step is used at every step",
            _loop_with(act=lambda K, k, t, predicted, filtered: K[0] @ filtered + k[0]),
            (FEEDBACK, OFFSETS),
        ),
        Mistake(
            "the offset k_t is left out",
            _loop_with(act=lambda K, k, t, predicted, filtered: K[t] @ filtered),
            (OFFSETS,),
        ),
        Mistake(
            "the prediction leaves the action out: the filter must know what is done",
            _loop_with(predicted_with=lambda actions: 0 * actions[-1]),
            (ESTIMATES,),
        ),
        Mistake(
            "the prediction uses the action of the step before",
            _loop_with(predicted_with=lambda actions: actions[-2] if actions[1:] else 0 * actions[-1]),
            (ESTIMATES,),
        ),
        Mistake(
            "every update sees the first observation: step() returns the next one",
            _loop_with(see=lambda first, new: first),
            (ESTIMATES,),
        ),
        Mistake(
            "the covariance is not carried on: each update starts from that of s_1",
            _loop_with(carry=lambda P, P_1: P_1),
            (ESTIMATES,),
        ),
        Mistake(
            "the world gets another action than the one you return",
            _loop_with(executed=lambda action: 0 * action),
            (ESTIMATES,),
        ),
        Mistake(
            "a prediction stands before the first update: mean and covariance are those of s_1 already",
            _loop_with(start=_predict),
            (ESTIMATES, FEEDBACK, OFFSETS),
        ),
    ],
)
