"""A Bayesian network by gradient descent: Bayes by backprop.

The posterior of a network's parameters has no closed form. Of all factorised normals q
(:mod:`mbrl_teach.models.factorised_normal`) the nearest to it, KL(q | posterior), minimises the *free energy*

    F(q, v) = E_q[ sum_ik (y_ik - f_k(x_i; θ))² / (2 v_k) + N/2 sum_k log(2π v_k) ]  +  KL(q | prior),

which is an upper bound of -log p(Y): fit the data on average, and do not leave the prior without need. In a
step of Adam the expectation is a few draws of ε, the sum a batch of B rows that stand for all N. In the noise
v the minimum has a closed form, to which it is set from time to time:

    v_k = 1/N sum_i E_q[(y_ik - f_k(x_i; θ))²].

**What is predicted.** S draws from q are kept: S networks, whose mean is the mean, and whose variance is the
epistemic one. They are the same in every question, so the model is a function, and planners can differentiate
it; it takes S networks' time.

**Where to begin.** From a random network most draws fit nothing, and the noise takes the blame: v grows, the
data then weigh less than the prior, and the network stays there. So μ begins at the most probable parameters
(:mod:`mbrl_teach.models.most_probable`) and σ small.

**What to expect.** A factorised q cannot say "the one or the other weight, but their sum is known". Its KL
shuns what the posterior excludes, so its variances are those of one parameter when all others are held,

    σ_j² = 1 / Λ_jj <= (Λ⁻¹)_jj        for a normal posterior of precision Λ,

and it is too sure, above all where there are no data. And each parameter costs: with few data q leaves most
of a wide network at the prior, and calls the rest noise. F says so itself: often a narrow one has a lower F.

Source: Blundell et al., Weight Uncertainty in Neural Networks (ICML 2015), section 3; Bishop, Pattern
Recognition and Machine Learning (2006), section 10.1.2 (factorised normals are too narrow); Foong et al., On
the Expressiveness of Approximate Inference in Bayesian Neural Networks (NeurIPS 2020), theorem 1 (in
between, for one layer of ReLU).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from tqdm.auto import tqdm

from mbrl_teach.arguments import require_count, require_generator, require_positive
from mbrl_teach.models.adam import Adam
from mbrl_teach.models.dynamics_model import DynamicsModel, Regression
from mbrl_teach.models.encoding import Encoding
from mbrl_teach.models.factorised_normal import FactorisedNormal
from mbrl_teach.models.most_probable import FIRST_NOISE, LEAST_NOISE, KnownNoise, most_probable
from mbrl_teach.models.normalised_regression import Normalised, nothing_varies, rowwise
from mbrl_teach.models.perceptron import Perceptron
from mbrl_teach.models.weight_prior import prior_precisions

FIRST_DEVIATION = 0.03  # σ at the beginning, in the prior's: the network is still the one it begins with
SET_EVERY = 50  # steps, after which v is set


class FreeEnergy:
    """F / N as a function of one vector ω = [μ; ρ] (2P,), for a noise that is held.

    network: with a member for each draw; its parameters become the draws
    precisions: τ (P,) of the prior; noise: v (p,), which may be set anew

    Attributes: omega, and q, whose μ and ρ are its halves; gradient (2P,), by the last `evaluate`.
    """

    def __init__(self, network: Perceptron, precisions: np.ndarray, noise: np.ndarray):
        P = network.parameters.shape[-1]
        self.network, self.precisions, self.noise = network, precisions, noise
        self.omega, self.gradient = np.zeros(2 * P), np.zeros(2 * P)
        self.q = FactorisedNormal(self.omega[:P], self.omega[P:])
        self._slopes = np.empty_like(network.parameters)
        self._layers = network.views(self._slopes)

    def evaluate(self, x: np.ndarray, y: np.ndarray, N: int, epsilon: np.ndarray) -> float:
        """F / N at draws ε (M, P), from rows (B, d), (B, p) that stand for N; writes its gradient."""
        self.network.parameters[...] = self.q.at(epsilon)
        misfit = self.network.gradient(x, y, self._layers, KnownNoise(self.noise)).mean() / len(x)
        by_q = np.concatenate(self.q.gradient(self._slopes, epsilon))
        by_prior = np.concatenate(self.q.divergence_gradient(self.precisions))
        self.gradient[...] = by_q / len(x) + by_prior / N
        normaliser = 0.5 * np.sum(np.log(2.0 * np.pi * self.noise))
        return float(misfit + normaliser + self.q.divergence(self.precisions) / N)

    def squares(self, x: np.ndarray, y: np.ndarray, epsilon: np.ndarray) -> np.ndarray:
        """E_q[sum_i (y - f)²] (p,), over draws ε (M, P)."""
        self.network.parameters[...] = self.q.at(epsilon)
        return np.sum((self.network.value(x) - y) ** 2, axis=-2).mean(axis=0)


class BackpropRegression(Regression):
    """Y = f(X; θ) + noise, θ ~ q; parameters as of :class:`BayesianNetwork`.

    Attributes after `fit`: q; noise v (p,); drawn, the S networks that predict; free_energies (steps,), the
    estimates of F / N in each step.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        hidden: Sequence[int],
        *,
        prior_precision: float = 1.0,
        noise: float | None = None,
        predict_draws: int = 20,
        draws: int = 4,
        learning_rate: float = 1e-2,
        steps: int = 3000,
        batch: int = 128,
        progress: bool | None = None,
    ):
        require_generator(rng)
        self.rng, self.hidden = rng, [require_count("hidden", width) for width in hidden]
        require_positive(prior_precision=prior_precision, learning_rate=learning_rate)
        if noise is not None:
            require_positive(noise=noise)
        self.prior_precision, self.known_deviation = prior_precision, noise
        self.predict_draws = require_count("predict_draws", predict_draws, at_least=2)
        self.draws, self.steps = require_count("draws", draws), require_count("steps", steps)
        self.batch, self.learning_rate, self.progress = require_count("batch", batch), learning_rate, progress

    def fit(self, X, Y):
        """Minimise the free energy from the most probable network; then draw those that predict."""
        if nothing_varies(Y):
            raise ValueError(
                "next_states - states must vary between steps, to learn a scale from; "
                f"got the same change in all {len(Y)}"
            )
        sizes = [X.shape[1], *self.hidden, Y.shape[1]]
        start, deviation = Perceptron(sizes, self.rng), self.known_deviation
        precisions = self.prior_precision * prior_precisions(start)
        noise = np.full(Y.shape[1], FIRST_NOISE if deviation is None else deviation**2)
        most_probable(start, X, Y, precisions, noise)
        energy = FreeEnergy(Perceptron(sizes, self.rng, members=(self.draws,)), precisions, noise)
        self.q = energy.q
        self.q.mean[...] = start.parameters
        self.q.log_deviation[...] = np.log(FIRST_DEVIATION / np.sqrt(precisions))
        self._descend(energy, X, Y)
        self.noise = energy.noise
        self.drawn = Perceptron(sizes, self.rng, members=(self.predict_draws,))
        self.drawn.parameters[...] = self.q.at(self.rng.standard_normal(self.drawn.parameters.shape))
        return self

    def _descend(self, energy: FreeEnergy, X: np.ndarray, Y: np.ndarray) -> None:
        """Steps of Adam on ω, with a rate that falls to a hundredth; v is set every so often."""
        adam, losses = Adam(energy.omega), []
        hidden = None if self.progress is None else not self.progress
        for step in tqdm(range(self.steps), desc="training", leave=False, disable=hidden):
            epsilon = self.rng.standard_normal(energy.network.parameters.shape)
            if self.known_deviation is None and step % SET_EVERY == SET_EVERY - 1:
                energy.noise = (LEAST_NOISE + energy.squares(X, Y, epsilon)) / (1.0 + len(X))
            rows = self.rng.integers(len(X), size=self.batch)
            losses.append(energy.evaluate(X[rows], Y[rows], len(X), epsilon))
            if not np.isfinite(losses[-1]):
                raise ValueError(f"training has diverged by step {step}: lower learning_rate")
            adam.learning_rate = self.learning_rate * 0.01 ** (step / self.steps)
            adam.step(energy.gradient)
        self.free_energies = np.array(losses)

    def mean(self, X):
        """Mean (..., p) of the drawn networks."""
        return rowwise(lambda x: self.drawn.value(x).mean(axis=0), X)

    def aleatoric(self, X):
        """v (..., p), the same everywhere."""
        return np.broadcast_to(self.noise, (*X.shape[:-1], len(self.noise)))

    def epistemic(self, X):
        """Variance (..., p) of the drawn networks, S - 1 in its denominator."""
        return rowwise(lambda x: self.drawn.value(x).var(axis=0, ddof=1), X)

    def jacobian(self, X):
        """Mean (..., p, d) of the drawn networks' Jacobians."""
        return rowwise(lambda x: self.drawn.jacobian(x).mean(axis=0), X)

    def posterior_sample(self, rng):
        """One network, with parameters newly drawn from q."""
        network = Perceptron(self.drawn.sizes, rng)
        network.parameters[...] = self.q.at(rng.standard_normal(network.parameters.shape))
        return KnownNetwork(network, self.noise)


class KnownNetwork(Regression):
    """Y = f(X) + noise of variances `noise` (p,), a network that is given."""

    def __init__(self, network: Perceptron, noise: np.ndarray):
        self.network, self.noise = network, noise

    def mean(self, X):
        """(..., p)."""
        return rowwise(self.network.value, X)

    def aleatoric(self, X):
        """(..., p), the same everywhere."""
        return np.broadcast_to(self.noise, (*X.shape[:-1], len(self.noise)))

    def jacobian(self, X):
        """(..., p, d)."""
        return rowwise(self.network.jacobian, X)


class BayesianNetwork(DynamicsModel):
    """s' = s + a perceptron of [φ(s); a], with a factorised normal posterior of its parameters.

    rng: of initial parameters, batches and draws; each `fit` begins anew, and draws further from it
    hidden: widths of the hidden layers (tanh)
    encoding: φ, by default the state
    prior_precision: α
    noise: deviation of the noise, in deviations of the change; None: by the free energy
    predict_draws: S, how many networks predict
    draws: of ε in each step; learning_rate, steps, batch: of Adam; progress: whether to show a bar

    Raises ValueError for settings out of range, or, when fitted, if all changes are the same.
    """

    regression: Normalised

    def __init__(
        self,
        *,
        rng: np.random.Generator,
        hidden: Sequence[int] = (16,),
        encoding: Encoding | None = None,
        **settings: float | None,
    ):
        super().__init__(Normalised(BackpropRegression(rng, hidden, **settings)), encoding)
