"""The checks of assignment 07_uncertainty.

Their instances stand in `grading.instances.uncertainty`, the right answers in
`grading.references.uncertainty`; a known mistake is a reference with one keyword set.

Task 3 draws: its rows are tallied (`grading.judges.uncertainty`), so that any order of draws is right. A
right answer is called wrong with a chance below 6e-5: 24 exact binomial counts with 2e-6 each at most, and
two statistics beyond six standard deviations. The draws of a known mistake are told by their tallies' size,
not by the draws themselves. Everything else is exact.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import norm

from mbrl_teach.grading.instances import uncertainty as instances
from mbrl_teach.grading.judges import uncertainty as judges
from mbrl_teach.grading.references import uncertainty as references
from mbrl_teach.grading.student_call import NOT_FROM_RNG
from mbrl_teach.grading.task import Agrees, Holds, Task, mistakes_of

# Task 1: Gaussian process, posterior ----------------------------------------------------------------

POSTERIOR_MEAN = "posterior mean of f"
POSTERIOR_VARIANCE = "posterior variance of f, without noise"
LENGTHS = "each input with a length scale of its own"
BOTH_MOMENTS = (POSTERIOR_MEAN, POSTERIOR_VARIANCE, LENGTHS)
OF_MEAN, OF_VARIANCE = (POSTERIOR_MEAN, LENGTHS), (POSTERIOR_VARIANCE, LENGTHS)


def _everywhere(N):
    """Ones in place of the identity; a tiny rest keeps the kernel's matrix a positive one to a computer."""
    return np.ones((N, N)) + 1e-6 * np.eye(N)


gp_predict = Task(
    name="07_uncertainty/gp_predict",
    title="Task 1, what a Gaussian process knows",
    objective="condition a Gaussian process on data",
    results={"mean": "M", "variance": "M"},
    reference=references.gp_predict,
    properties=[
        Agrees(POSTERIOR_MEAN, 2, ("mean",), instances.unit_lengths),
        Agrees(POSTERIOR_VARIANCE, 2, ("variance",), instances.unit_lengths),
        Agrees(LENGTHS, 2, ("mean", "variance"), instances.own_lengths),
    ],
    mistakes=mistakes_of(
        references.gp_predict,
        (
            "the noise is missing in K: the data are k(X, X) + σ_n² I apart from f",
            {"noise": lambda variance: 0.0},
            BOTH_MOMENTS,
        ),
        ("the noise is added twice to K", {"noise": lambda variance: 2 * variance}, BOTH_MOMENTS),
        ("the noise's deviation is added to K, not its variance", {"noise": np.sqrt}, BOTH_MOMENTS),
        ("noise_variance is squared: it is σ_n² already", {"noise": np.square}, BOTH_MOMENTS),
        (
            "the noise is added to all of K: it belongs on the diagonal, σ_n² I",
            {"spread": _everywhere},
            BOTH_MOMENTS,
        ),
        (
            "noise is added to k(x*, x*): the variance of f is asked, not that of a new measurement",
            {"prior": lambda signal_variance, noise_variance: signal_variance + noise_variance},
            OF_VARIANCE,
        ),
        (
            "the deviation is returned for the variance",
            {"finish": lambda prior, explained: np.sqrt(prior - explained)},
            OF_VARIANCE,
        ),
        (
            "the variance is the prior's: what the data explain is not taken off",
            {"finish": lambda prior, explained: prior + 0 * explained},
            OF_VARIANCE,
        ),
        (
            "what the data explain is added: data take variance away",
            {"finish": lambda prior, explained: prior + explained},
            OF_VARIANCE,
        ),
        (
            "k(x*, x*) is taken for 1: it is σ_f²",
            {"prior": lambda signal_variance, noise_variance: 1.0},
            OF_VARIANCE,
        ),
        (
            "v is K⁻¹ k*: one triangle alone is solved for, v = L⁻¹ k*",
            {"whiten": references.solved_twice},
            OF_VARIANCE,
        ),
        (
            "v is solved with L', not with L",
            {"whiten": lambda L, k_new: np.linalg.solve(L.T, k_new)},
            OF_VARIANCE,
        ),
        ("alpha is L⁻¹ y: it takes both triangles, K = L L'", {"weights": np.linalg.solve}, OF_MEAN),
        ("alpha is missing in the mean: y itself is weighted", {"weights": lambda L, y: y}, OF_MEAN),
        ("the targets' mean is taken off: this prior's mean is zero", {"centre": np.mean}, OF_MEAN),
        ("signal_variance is squared: it is σ_f² already", {"signal": np.square}, BOTH_MOMENTS),
        ("σ_f² is missing in the kernel", {"signal": lambda variance: 1.0}, BOTH_MOMENTS),
        (
            "the signal's deviation stands in the kernel, not its variance",
            {"signal": np.sqrt},
            BOTH_MOMENTS,
        ),
        ("the ½ in the kernel's exponent is missing", {"exponent": lambda total: -total}, BOTH_MOMENTS),
        (
            "the kernel falls with the distance, not with its square",
            {"exponent": lambda total: -0.5 * np.sqrt(total)},
            BOTH_MOMENTS,
        ),
        (
            "the length scales are not squared: gap² / ℓ stands for gap² / ℓ²",
            {"squares": lambda gap, lengthscales: gap**2 / lengthscales},
            (LENGTHS,),
        ),
        (
            "the first length scale is taken for all inputs",
            {"squares": lambda gap, lengthscales: (gap / lengthscales[0]) ** 2},
            (LENGTHS,),
        ),
        (
            "the mean of the length scales is taken for all inputs",
            {"squares": lambda gap, lengthscales: (gap / lengthscales.mean()) ** 2},
            (LENGTHS,),
        ),
        (
            "the gaps are multiplied by the length scales: a long one means that little changes",
            {"squares": lambda gap, lengthscales: (gap * lengthscales) ** 2},
            (LENGTHS,),
        ),
        ("the length scales are left out", {"squares": lambda gap, lengthscales: gap**2}, (LENGTHS,)),
        (
            "mean and variance are exchanged: return the mean first",
            {"told": lambda mean, variance: (variance, mean)},
            BOTH_MOMENTS,
        ),
    ),
)

# Task 2: log marginal likelihood --------------------------------------------------------------------

EVIDENCE = "log p(y | X)"
GRADIENT = "its derivatives along the hyperparameters"
SMALL_UNITS = "log p(y | X) where the determinant itself is too small a number"
OF_EVIDENCE = (EVIDENCE, SMALL_UNITS)
ALL_OF_EVIDENCE = (EVIDENCE, GRADIENT, SMALL_UNITS)


def _determinant_first(K, L):
    with np.errstate(all="ignore"):
        return np.log(np.linalg.det(K))


log_marginal_likelihood = Task(
    name="07_uncertainty/log_marginal_likelihood",
    title="Task 2, the log marginal likelihood",
    objective="compare hyperparameters by their evidence",
    results={"log_p": "", "gradient": "p"},
    reference=references.log_marginal_likelihood,
    properties=[
        Agrees(EVIDENCE, 3, ("log_p",), instances.few_data),
        Agrees(GRADIENT, 2, ("gradient",), instances.few_data),
        Agrees(SMALL_UNITS, 1, ("log_p",), instances.small_units),
    ],
    mistakes=mistakes_of(
        references.log_marginal_likelihood,
        (
            "the log-determinant of K is that of its Cholesky factor: log |K| = 2 Σ log L_ii",
            {"log_determinant": lambda K, L: np.log(np.diag(L)).sum()},
            OF_EVIDENCE,
        ),
        ("the ½ of the log-determinant is missing", {"penalty": -1.0}, OF_EVIDENCE),
        ("the log-determinant has the wrong sign: it is a penalty", {"penalty": 0.5}, OF_EVIDENCE),
        (
            "y' K⁻¹ y has the wrong sign: targets that are far from likely make log p small",
            {"fit": lambda L, y: 0.5 * y @ references.solved_twice(L, y)},
            OF_EVIDENCE,
        ),
        ("the log-determinant is missing: only the fit counts", {"penalty": 0.0}, OF_EVIDENCE),
        (
            "the ½ of y' K⁻¹ y is missing",
            {"fit": lambda L, y: -y @ references.solved_twice(L, y)},
            OF_EVIDENCE,
        ),
        (
            "the fit is y' L⁻¹ y: alpha takes both triangles",
            {"fit": lambda L, y: -0.5 * y @ np.linalg.solve(L, y)},
            OF_EVIDENCE,
        ),
        (
            "the fit is α'α: one of the two is y",
            {"fit": lambda L, y: -0.5 * np.sum(references.solved_twice(L, y) ** 2)},
            OF_EVIDENCE,
        ),
        ("N/2 log 2π is missing", {"constant": lambda N: 0.0}, OF_EVIDENCE),
        (
            "N/2 log 2π has the wrong sign",
            {"constant": lambda N: 0.5 * N * np.log(2 * np.pi)},
            OF_EVIDENCE,
        ),
        ("the ½ of N log 2π is missing", {"constant": lambda N: -N * np.log(2 * np.pi)}, OF_EVIDENCE),
        (
            "log 2π is counted once, not N times",
            {"constant": lambda N: -0.5 * np.log(2 * np.pi)},
            OF_EVIDENCE,
        ),
        (
            "the negative is returned: log p is to be maximised",
            {"told": lambda log_p, N: -log_p},
            OF_EVIDENCE,
        ),
        ("it is divided by N", {"told": lambda log_p, N: log_p / N}, OF_EVIDENCE),
        (
            "the determinant is computed first, and is zero: add the logarithms of L_ii",
            {"log_determinant": _determinant_first},
            (SMALL_UNITS,),
        ),
        (
            "the noise is missing in K",
            # A tiny rest keeps the kernel's matrix a positive one to a computer.
            {"noise": lambda variance: 1e-6 * variance},
            ALL_OF_EVIDENCE,
        ),
        ("the noise's deviation is added to K, not its variance", {"noise": np.sqrt}, ALL_OF_EVIDENCE),
        ("the noise is added twice to K", {"noise": lambda variance: 2 * variance}, ALL_OF_EVIDENCE),
        (
            "the noise is added to all of K: it belongs on the diagonal, σ_n² I",
            {"spread": _everywhere},
            ALL_OF_EVIDENCE,
        ),
        ("the gradient's ½ is missing", {"slope": lambda fit, trace: fit - trace}, (GRADIENT,)),
        (
            "the ½ of the gradient's trace is missing",
            {"slope": lambda fit, trace: 0.5 * fit - trace},
            (GRADIENT,),
        ),
        ("the gradient has the wrong sign", {"slope": lambda fit, trace: 0.5 * (trace - fit)}, (GRADIENT,)),
        (
            "the gradient's trace is missing: the penalty changes, too",
            {"slope": lambda fit, trace: 0.5 * fit},
            (GRADIENT,),
        ),
        ("the gradient's trace is added", {"slope": lambda fit, trace: 0.5 * (fit + trace)}, (GRADIENT,)),
        (
            "the trace takes the diagonals alone: tr(K⁻¹ dK) needs all entries of both",
            {"trace": lambda K_inverse, dK: np.einsum("aa,iaa->i", K_inverse, dK)},
            (GRADIENT,),
        ),
        (
            "all entries of the matrix product K⁻¹ dK are added up, not its diagonal",
            {"trace": lambda K_inverse, dK: (K_inverse @ dK).sum(axis=(1, 2))},
            (GRADIENT,),
        ),
    ),
)

# Task 3: bootstrap ----------------------------------------------------------------------------------

ROUGHLY = 0.1  # tallies this close, as shares of the largest, look alike

PAIRS = "rows of the data, each input with its own target"
REPLACED = "N rows for each member, with replacement, each row as likely"
APART = "each member draws for itself"
UNSEEN = "the rows that a member has not seen"


def _same_for_all(N, members, rng):
    return np.tile(rng.integers(N, size=N), (members, 1))


bootstrap = Task(
    name="07_uncertainty/bootstrap",
    title="Task 3, bootstrap",
    objective="give every member data of its own",
    results={"inputs": "7", "targets": "3", "unseen": "2"},  # as they are tallied
    reference=references.bootstrap,
    ask=judges.tallied,
    properties=[
        Holds(PAIRS, 1, judges.own_targets, instances.resamplings, tolerance=ROUGHLY),
        Holds(REPLACED, 2, judges.drawn_from_all, instances.resamplings, tolerance=ROUGHLY),
        Holds(APART, 1, judges.drawn_apart, instances.resamplings, tolerance=ROUGHLY),
        Holds(UNSEEN, 1, judges.marks_fit, instances.resamplings, tolerance=ROUGHLY),
    ],
    mistakes=mistakes_of(
        references.bootstrap,
        (
            "the rows are drawn without replacement: each member has all the data once",
            {"draw": references.without_replacement},
            (REPLACED,),
        ),
        ("one draw serves all members", {"draw": _same_for_all}, (REPLACED, APART)),
        (
            "the last row is never drawn: rng.integers(n) already stops before n",
            {"draw": lambda N, members, rng: rng.integers(N - 1, size=(members, N))},
            (REPLACED,),
        ),
        (
            "the first row is never drawn: arrays count from 0",
            {"draw": lambda N, members, rng: rng.integers(1, N, size=(members, N))},
            (REPLACED,),
        ),
        (
            "inputs and targets are drawn separately: a target belongs to its input",
            {"of_targets": lambda rows, N, rng: rng.integers(N, size=rows.shape)},
            (PAIRS,),
        ),
        (
            "inputs, targets and unseen are of separate draws: draw numbers of rows, once",
            {
                "of_targets": lambda rows, N, rng: rng.integers(N, size=rows.shape),
                "unseen": lambda rows: references.never_drawn(np.roll(rows, 1, axis=0)),
            },
            (PAIRS, UNSEEN),
        ),
        (
            "the targets are not drawn along: they stand in their old order",
            {"of_targets": lambda rows, N, rng: np.tile(np.arange(N), (len(rows), 1))},
            (PAIRS,),
        ),
        (
            "unseen is turned round: it marks the rows that were drawn",
            {"unseen": lambda rows: ~references.never_drawn(rows)},
            (UNSEEN,),
        ),
        (
            "unseen marks what no member at all has seen: it is told for each member",
            {"unseen": lambda rows: np.tile(references.never_drawn(rows).all(axis=0), (len(rows), 1))},
            (UNSEEN,),
        ),
        (
            "unseen is the first member's for all",
            {"unseen": lambda rows: np.tile(references.never_drawn(rows)[0], (len(rows), 1))},
            (UNSEEN,),
        ),
        (NOT_FROM_RNG, {"source": lambda rng: np.random.default_rng()}, (REPLACED, APART)),
        (judges.ALWAYS_THE_SAME, {"source": lambda rng: np.random.default_rng(0)}, (REPLACED, APART)),
    ),
)

# Task 4: decomposition ------------------------------------------------------------------------------

MIXTURE_MEAN = "mean of the ensemble"
ALEATORIC = "aleatoric variance: the noise that the members see, in the mean"
EPISTEMIC = "epistemic variance: how far the members disagree"
INTERVAL = "low and high, quantiles of the mixture"


def _total(means, variances):
    return variances.mean(axis=0) + means.var(axis=0)


def _normal_quantile(spread):
    """Of one Gaussian with the ensemble's mean and the variance `spread(means, variances)`."""
    return lambda p, means, variances: means.mean(axis=0) + norm.ppf(p) * np.sqrt(spread(means, variances))


def _ninety_percent(p, means, variances):
    """Ends of one Gaussian's 90 % interval, whatever the coverage."""
    sign = 1 if p > 0.5 else -1
    return means.mean(axis=0) + sign * 1.645 * np.sqrt(_total(means, variances))


def _of_members(reduce):
    """The members' own quantiles, made one by `reduce(quantiles, p)`."""
    return lambda p, means, variances: reduce(means + norm.ppf(p) * np.sqrt(variances), p)


def _precision_weighted(means, variances):
    return (means / variances).sum(axis=0) / (1 / variances).sum(axis=0)


decompose = Task(
    name="07_uncertainty/decompose",
    title="Task 4, noise or ignorance",
    objective="tell aleatoric from epistemic uncertainty",
    results={"mean": "N n", "aleatoric": "N n", "epistemic": "N n", "low": "N n", "high": "N n"},
    reference=references.decompose,
    properties=[
        Agrees(MIXTURE_MEAN, 1, ("mean",), instances.ensembles),
        Agrees(ALEATORIC, 1, ("aleatoric",), instances.ensembles),
        Agrees(EPISTEMIC, 1, ("epistemic",), instances.ensembles),
        Agrees(INTERVAL, 2, ("low", "high"), instances.ensembles),
    ],
    mistakes=mistakes_of(
        references.decompose,
        (
            "the first member's mean is given for all",
            {"average": lambda means, variances: means[0]},
            (MIXTURE_MEAN,),
        ),
        (
            "the means are weighted by their precision: members of a mixture count alike",
            {"average": _precision_weighted},
            (MIXTURE_MEAN,),
        ),
        (
            "the median is given for the mean",
            {"average": lambda means, variances: np.median(means, axis=0)},
            (MIXTURE_MEAN,),
        ),
        (
            "aleatoric and epistemic are exchanged",
            {
                "aleatoric": lambda means, variances: means.var(axis=0),
                "epistemic": lambda means, variances: variances.mean(axis=0),
            },
            (ALEATORIC, EPISTEMIC),
        ),
        (
            "aleatoric is the square of the mean deviation: take the mean of the variances",
            {"aleatoric": lambda means, variances: np.sqrt(variances).mean(axis=0) ** 2},
            (ALEATORIC,),
        ),
        (
            "aleatoric is the mean deviation, not a variance",
            {"aleatoric": lambda means, variances: np.sqrt(variances).mean(axis=0)},
            (ALEATORIC,),
        ),
        (
            "aleatoric is the mean of σ⁴: the variances came squared already",
            {"aleatoric": lambda means, variances: (variances**2).mean(axis=0)},
            (ALEATORIC,),
        ),
        (
            "aleatoric is the variance of the mean of E draws: a mixture is one draw of one member",
            {"aleatoric": lambda means, variances: variances.sum(axis=0) / len(means) ** 2},
            (ALEATORIC,),
        ),
        (
            "aleatoric is the spread of the variances among the members",
            {"aleatoric": lambda means, variances: variances.var(axis=0)},
            (ALEATORIC,),
        ),
        (
            "the members' parts are added up: 1/E is missing",
            {
                "aleatoric": lambda means, variances: variances.sum(axis=0),
                "epistemic": lambda means, variances: len(means) * means.var(axis=0),
            },
            (ALEATORIC, EPISTEMIC),
        ),
        (
            "epistemic is divided by E - 1: the members are the whole mixture, divide by E",
            {"epistemic": lambda means, variances: means.var(axis=0, ddof=1)},
            (EPISTEMIC,),
        ),
        (
            "epistemic is a deviation, not a variance",
            {"epistemic": lambda means, variances: means.std(axis=0)},
            (EPISTEMIC,),
        ),
        (
            "epistemic is the total: the aleatoric part belongs off it",
            {"epistemic": _total},
            (EPISTEMIC,),
        ),
        (
            "epistemic is the mean of the squares: the square of the mean belongs off it",
            {"epistemic": lambda means, variances: (means**2).mean(axis=0)},
            (EPISTEMIC,),
        ),
        (
            "epistemic is divided by E once more: that is the variance of the mean, not of the members",
            {"epistemic": lambda means, variances: means.var(axis=0) / len(means)},
            (EPISTEMIC,),
        ),
        (
            "low and high are those of one Gaussian, mean ± z σ: a mixture is none",
            {"quantile": _normal_quantile(_total)},
            (INTERVAL,),
        ),
        (
            "low and high are mean ± 1.645 σ: one Gaussian's 90 %, neither the mixture's nor this coverage's",
            {"quantile": _ninety_percent},
            (INTERVAL,),
        ),
        (
            "low and high know the noise alone: where members disagree they are too narrow",
            {"quantile": _normal_quantile(lambda means, variances: variances.mean(axis=0))},
            (INTERVAL,),
        ),
        (
            "low and high know the disagreement alone: the noise is missing",
            {"quantile": _normal_quantile(lambda means, variances: means.var(axis=0))},
            (INTERVAL,),
        ),
        (
            "low and high are the means of the members' quantiles",
            {"quantile": _of_members(lambda quantiles, p: quantiles.mean(axis=0))},
            (INTERVAL,),
        ),
        (
            "low and high are the outermost of the members' quantiles",
            {"quantile": _of_members(lambda quantiles, p: quantiles.min(0) if p < 0.5 else quantiles.max(0))},
            (INTERVAL,),
        ),
        (
            "the tails are 1 - coverage each: both together are",
            {"tails": lambda coverage: (1 - coverage, coverage)},
            (INTERVAL,),
        ),
        (
            "the tails are coverage / 2 each: what the interval leaves is 1 - coverage",
            {"tails": lambda coverage: (coverage / 2, 1 - coverage / 2)},
            (INTERVAL,),
        ),
        (
            "the members' distribution functions are added up: it is their mean that reaches p",
            {
                "quantile": lambda p, means, variances: references.mixture_quantile(
                    p / len(means), means, variances
                )
            },
            (INTERVAL,),
        ),
        (
            "the members' distribution functions lack σ_e: Φ is that of (q - μ_e) / σ_e",
            {
                "quantile": lambda p, means, variances: references.mixture_quantile(
                    p, means, variances, deviation=np.ones_like
                )
            },
            (INTERVAL,),
        ),
        (
            "the variances are taken for deviations in the members' distribution functions",
            {
                "quantile": lambda p, means, variances: references.mixture_quantile(
                    p, means, variances, deviation=lambda variances: variances
                )
            },
            (INTERVAL,),
        ),
        (
            "low and high are exchanged",
            {"tails": lambda coverage: references.both_tails(coverage)[::-1]},
            (INTERVAL,),
        ),
    ),
)

# Task 5: Gaussian likelihood with a bounded log-variance ----------------------------------------------

BOUNDED = "log_variance, softly bounded"
LOSS = "loss, the mean over samples"
TO_MEAN = "gradient over the mean"
TO_RAW = "gradient over the raw output"
EXTREME = "log_variance, loss and d_raw where raw outputs are huge"
ALL_OF_LOSS = (BOUNDED, LOSS, TO_MEAN, TO_RAW, EXTREME)
OF_LOSS, OF_RAW = (LOSS, EXTREME), (TO_RAW, EXTREME)


def _lower_then_upper(raw, low, high):
    above = low + references.softplus(raw - low)
    slope = references.expit(raw - low) * references.expit(high - above)
    return high - references.softplus(high - above), slope


def _upper_alone(raw, low, high):
    return high - references.softplus(high - raw), references.expit(high - raw)


def _lower_alone(raw, low, high):
    return low + references.softplus(raw - low), references.expit(raw - low)


def _cut_off(raw, low, high):
    return np.clip(raw, low, high), ((raw > low) & (raw < high)).astype(float)


def _other_slope(slope):
    """The right log-variance, with `slope(raw, below, low, high)` over raw."""

    def bound(raw, low, high):
        log_variance, _ = references.upper_then_lower(raw, low, high)
        with np.errstate(all="ignore"):
            return log_variance, slope(raw, high - references.softplus(high - raw), low, high)

    return bound


def _fraction(x):
    return np.exp(x) / (1 + np.exp(x))


def _log_2_pi():
    return np.log(2 * np.pi)


gaussian_nll = Task(
    name="07_uncertainty/gaussian_nll",
    title="Task 5, a network's own variance",
    objective="train a variance without it running away",
    results={"log_variance": "N n", "loss": "", "d_mean": "N n", "d_raw": "N n"},
    reference=references.gaussian_nll,
    properties=[
        Agrees(BOUNDED, 1, ("log_variance",), instances.usual_outputs),
        Agrees(LOSS, 2, ("loss",), instances.usual_outputs),
        Agrees(TO_MEAN, 1, ("d_mean",), instances.usual_outputs),
        Agrees(TO_RAW, 1, ("d_raw",), instances.usual_outputs),
        Agrees(EXTREME, 1, ("log_variance", "loss", "d_raw"), instances.extreme_outputs),
    ],
    mistakes=mistakes_of(
        references.gaussian_nll,
        (
            "the bounds come in the wrong order: first the upper one, then the lower",
            {"bound": _lower_then_upper},
            ALL_OF_LOSS,
        ),
        ("the lower bound is missing", {"bound": _upper_alone}, ALL_OF_LOSS),
        ("the upper bound is missing", {"bound": _lower_alone}, ALL_OF_LOSS),
        (
            "the bounds are hard ones: beyond them np.clip has no gradient",
            {"bound": _cut_off},
            ALL_OF_LOSS,
        ),
        (
            "log_variance is taken for the log of a deviation: σ² = exp(log_variance)",
            {
                "precision": lambda log_variance: np.exp(-2 * log_variance),
                "each": lambda e, w, log_variance: 0.5 * (e**2 * w + _log_2_pi()) + log_variance,
                "to_log_variance": lambda e, w: 1 - e**2 * w,
            },
            (LOSS, TO_MEAN, TO_RAW, EXTREME),
        ),
        (
            "the errors are divided by the deviation, not by the variance",
            {"precision": lambda log_variance: np.exp(-0.5 * log_variance)},
            (LOSS, TO_MEAN, TO_RAW, EXTREME),
        ),
        (
            "the squared errors are multiplied by the variance: divide by it",
            {"precision": np.exp},
            (LOSS, TO_MEAN, TO_RAW, EXTREME),
        ),
        (
            "½ log 2π is missing",
            {"each": lambda e, w, log_variance: 0.5 * (e**2 * w + log_variance)},
            OF_LOSS,
        ),
        (
            "the log-variance is missing in the loss: a large variance would cost nothing",
            {"each": lambda e, w, log_variance: 0.5 * (e**2 * w + _log_2_pi())},
            OF_LOSS,
        ),
        (
            "the ½ of the log-variance is missing",
            {"each": lambda e, w, log_variance: 0.5 * (e**2 * w + _log_2_pi()) + log_variance},
            OF_LOSS,
        ),
        (
            "the ½ of the squared error is missing",
            {"each": lambda e, w, log_variance: e**2 * w + 0.5 * (log_variance + _log_2_pi())},
            OF_LOSS,
        ),
        (
            "the errors in the loss are not squared",
            {"each": lambda e, w, log_variance: 0.5 * (np.abs(e) * w + log_variance + _log_2_pi())},
            OF_LOSS,
        ),
        ("the loss is summed over the samples: take their mean", {"total": np.sum}, OF_LOSS),
        ("the loss is the mean over outputs, too: add them up", {"total": np.mean}, OF_LOSS),
        (
            "loss and gradients are divided by the number of outputs, too: 1/N alone is asked",
            {"total": np.mean, "share": lambda e: 1 / e.size},
            (LOSS, TO_MEAN, TO_RAW, EXTREME),
        ),
        (
            "the loss has the wrong sign: it is the negative log-likelihood",
            {"total": lambda each: -each.sum() / len(each)},
            OF_LOSS,
        ),
        (
            "the gradients are those of the sum over samples: 1/N is missing",
            {"share": lambda e: 1.0},
            (TO_MEAN, *OF_RAW),
        ),
        ("d_mean has the wrong sign", {"to_mean": lambda e, w: e * w}, (TO_MEAN,)),
        (
            "d_mean lacks the variance: the errors are divided by it",
            {"to_mean": lambda e, w: -e},
            (TO_MEAN,),
        ),
        (
            "d_mean is twice too large: the 2 of the square meets the ½",
            {"to_mean": lambda e, w: -2 * e * w},
            (TO_MEAN,),
        ),
        (
            "d_raw is the gradient over log_variance: the bounds have slopes",
            {"through": lambda slope: 1.0},
            OF_RAW,
        ),
        (
            "d_raw lacks the slope of the lower bound",
            {"bound": _other_slope(lambda raw, below, low, high: references.expit(high - raw))},
            OF_RAW,
        ),
        (
            "d_raw lacks the slope of the upper bound",
            {"bound": _other_slope(lambda raw, below, low, high: references.expit(below - low))},
            OF_RAW,
        ),
        (
            "the lower bound's slope is taken at raw, not at what the upper bound has made of it",
            {
                "bound": _other_slope(
                    lambda raw, below, low, high: references.expit(high - raw) * references.expit(raw - low)
                )
            },
            OF_RAW,
        ),
        (
            "the upper bound's slope is turned round: softplus comes with a minus, and so does raw",
            {
                "bound": _other_slope(
                    lambda raw, below, low, high: references.expit(raw - high) * references.expit(below - low)
                )
            },
            OF_RAW,
        ),
        (
            "the slopes overflow: e^x / (1 + e^x) is ∞ / ∞ where x is large",
            {
                "bound": _other_slope(
                    lambda raw, below, low, high: _fraction(high - raw) * _fraction(below - low)
                )
            },
            (EXTREME,),
        ),
        ("d_raw's ½ is missing", {"to_log_variance": lambda e, w: 1 - e**2 * w}, OF_RAW),
        (
            "a minus is missing in d_raw: e^-λ falls where λ grows",
            {"to_log_variance": lambda e, w: 0.5 * (1 + e**2 * w)},
            OF_RAW,
        ),
        ("d_raw has the wrong sign", {"to_log_variance": lambda e, w: 0.5 * (e**2 * w - 1)}, OF_RAW),
        (
            "d_raw lacks the 1 of the log-variance's own slope",
            {"to_log_variance": lambda e, w: -0.5 * e**2 * w},
            OF_RAW,
        ),
        (
            "d_mean and d_raw are exchanged",
            {"told": lambda d_mean, d_raw: (d_raw, d_mean)},
            (TO_MEAN, *OF_RAW),
        ),
    ),
)
