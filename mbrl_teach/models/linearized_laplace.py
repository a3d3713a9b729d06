"""A network that knows what it does not know: the linearised Laplace approximation.

Around the most probable parameters θ* the posterior is taken to be normal, θ ~ N(θ*, A⁻¹)
(:mod:`mbrl_teach.models.laplace_evidence`). What this says about *functions* follows from the tangent
(:mod:`mbrl_teach.models.linearized_network`),

    f_lin(x; θ) = f(x; θ*) + J(x) (θ - θ*)   ~   N( f(x; θ*),  J(x) A⁻¹ J(x)' ),

so the mean is the network's own, and the epistemic variance has a closed form. Why not put the drawn θ into f
itself? A was made from the tangent. Along directions that the data leave open a draw goes far, where f is not
its tangent any more: what comes out fits neither the data nor what A has promised.

Where J(x) points in a direction that no data have determined, the variance stays the prior's. This is a
Gaussian process, with the kernel J(x) J(x')' / (α t) that training itself has chosen.

Where nothing varies (one step, a world at rest) θ* is not sought: hidden layers stay as the prior drew them.

**Cost.** A is P x P for P parameters; a row of data costs p P² multiplications in each round, and so does an
input that is asked. For two hidden layers of 32 it is P = 1300, and 500 states take some tenths of a second.
Planners that ask for the mean only pay the network's price; for others there is
:mod:`mbrl_teach.models.last_layer`, or one drawn function.

Source: MacKay (Neural Computation 4, 1992); Bishop, Pattern Recognition and Machine Learning (2006), section
5.7.1; Immer, Korzepa & Bauer, Improving predictions of Bayesian neural nets via local linearization (AISTATS
2021), sections 3 and 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np

from mbrl_teach.arguments import require_count, require_generator, require_positive
from mbrl_teach.models.dynamics_model import DynamicsModel, Regression
from mbrl_teach.models.encoding import Encoding
from mbrl_teach.models.laplace_evidence import Laplace, laplace
from mbrl_teach.models.linearized_network import tangent, tangent_jacobian
from mbrl_teach.models.most_probable import LEAST_NOISE
from mbrl_teach.models.normalised_regression import Normalised, nothing_varies, rowwise
from mbrl_teach.models.perceptron import Perceptron

MOST_PARAMETERS = 6000  # A then takes 290 MB, and some ten seconds


class LaplaceRegression(Regression):
    """Y = f_lin(X; θ) + noise, θ normal; parameters as of :class:`LaplaceNetwork`.

    Attribute after `fit`: posterior.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        hidden: Sequence[int],
        *,
        prior_precision: float | None = None,
        noise: float | None = None,
        rounds: int = 4,
        iterations: int = 300,
    ):
        require_generator(rng)
        self.rng, self.hidden = rng, [require_count("hidden", width) for width in hidden]
        given = {"prior_precision": prior_precision, "noise": noise}
        require_positive(**{name: number for name, number in given.items() if number is not None})
        self.prior_precision, self.deviation = prior_precision, noise
        self.rounds, self.iterations = (
            require_count("rounds", rounds),
            require_count("iterations", iterations),
        )

    def fit(self, X, Y):
        """The most probable parameters, found from new ones, and how sure the data make of them."""
        network = Perceptron([X.shape[1], *self.hidden, Y.shape[1]], self.rng)
        if network.parameters.size > MOST_PARAMETERS:
            raise ValueError(
                f"hidden must leave at most {MOST_PARAMETERS} parameters, for a matrix of their precisions; "
                f"got {self.hidden}, so {network.parameters.size}"
            )
        noise = None if self.deviation is None else np.full(Y.shape[1], self.deviation**2)
        if nothing_varies(Y):
            return self._stay_at_the_prior(network, X, Y, noise)
        self.posterior: Laplace = laplace(
            network,
            X,
            Y,
            prior_precision=self.prior_precision,
            noise=noise,
            rounds=self.rounds,
            iterations=self.iterations,
        )
        return self

    def _stay_at_the_prior(self, network, X, Y, noise) -> Self:
        """For targets that are all zero: hidden layers as drawn, an output of zero, α = 1, the least noise.

        The most probable network would be zero in all its layers. Its tangent is a constant: it would say
        that inputs never seen do not matter.
        """
        for last in network.layers[-1]:
            last[...] = 0.0
        alpha = 1.0 if self.prior_precision is None else self.prior_precision
        v = np.full(Y.shape[1], LEAST_NOISE) if noise is None else noise
        self.posterior = laplace(network, X, Y, prior_precision=alpha, noise=v, iterations=0)
        return self

    def mean(self, X):
        """f(x; θ*) (..., p)."""
        return rowwise(self.posterior.network.value, X)

    def aleatoric(self, X):
        """v (..., p), the same everywhere."""
        return np.broadcast_to(self.posterior.noise, (*X.shape[:-1], len(self.posterior.noise)))

    def epistemic(self, X):
        """Diagonal (..., p) of J A⁻¹ J'."""
        return rowwise(self.posterior.variance, X)

    def jacobian(self, X):
        """df/dx (..., p, d) at θ*."""
        return rowwise(self.posterior.network.jacobian, X)

    def posterior_sample(self, rng):
        """The tangent along one θ - θ* ~ N(0, A⁻¹)."""
        return Tangent(self.posterior.network, self.posterior.draw(rng), self.posterior.noise)


class Tangent(Regression):
    """Y = f(X; θ*) + J(X) v + noise, for one direction v (P,); `noise` (p,) variances."""

    def __init__(self, network: Perceptron, direction: np.ndarray, noise: np.ndarray):
        self.network, self.direction, self.noise = network, direction, noise

    def mean(self, X):
        """(..., p)."""
        return rowwise(lambda x: self.network.value(x) + tangent(self.network, x, self.direction), X)

    def aleatoric(self, X):
        """(..., p), the same everywhere."""
        return np.broadcast_to(self.noise, (*X.shape[:-1], len(self.noise)))

    def jacobian(self, X):
        """(..., p, d)."""
        slope = lambda x: self.network.jacobian(x) + tangent_jacobian(self.network, x, self.direction)
        return rowwise(slope, X)


class LaplaceNetwork(DynamicsModel):
    """s' = s + a perceptron of [φ(s); a], with the linearised Laplace posterior of its parameters.

    rng: where initial parameters come from; each `fit` begins anew, and draws further from it
    hidden: widths of the hidden layers (tanh)
    encoding: φ, by default the state
    prior_precision: α; None: by the evidence
    noise: deviation of the noise, in deviations of the change; None: by the evidence
    rounds: how often α and the noise are estimated, and the parameters brought to the minimum for them
    iterations: of L-BFGS in each round, at most

    Raises ValueError for settings out of range, or, when fitted, for more than 6000 parameters.
    """

    regression: Normalised

    def __init__(
        self,
        *,
        rng: np.random.Generator,
        hidden: Sequence[int] = (32, 32),
        encoding: Encoding | None = None,
        **settings: float | None,
    ):
        super().__init__(Normalised(LaplaceRegression(rng, hidden, **settings)), encoding)

    @property
    def posterior(self) -> Laplace:
        """Of the network's parameters, between normalised columns: α, noise, γ_k, the evidence."""
        self._require_data()
        return self.regression.regression.posterior
