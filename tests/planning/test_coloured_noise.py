"""Coloured noise: exact statements about its filter, since M z has covariance M M'."""

import numpy as np
import pytest

from mbrl_teach.planning.coloured_noise import colouring


@pytest.mark.parametrize("T", [1, 2, 9, 30])
@pytest.mark.parametrize("beta", [0.0, 1.0, 2.5])
def test_every_number_is_standard_normal(beta, T):
    M = colouring(beta, T)
    assert np.diag(M @ M.T) == pytest.approx(np.ones(T))


def test_exponent_zero_is_white():
    assert colouring(0.0, 12) == pytest.approx(np.eye(12))


@pytest.mark.parametrize("beta", [0.5, 2.0])
def test_the_power_spectrum_falls_as_the_frequency_to_the_minus_beta(beta):
    """Power at frequency k/T is k' M M' k*, for the wave k; the slope of its logarithm is -beta."""
    T = 40
    M, k = colouring(beta, T), np.arange(1, 21)
    waves = np.exp(-2j * np.pi * np.outer(k, np.arange(T)) / T)
    power = (np.abs(waves @ M) ** 2).sum(axis=1)
    slope = np.diff(np.log(power)) / np.diff(np.log(k))
    assert slope == pytest.approx(np.full(19, -beta))


def test_the_redder_the_noise_the_more_a_number_tells_of_the_next():
    neighbours = [(M @ M.T)[10, 11] for M in (colouring(beta, 30) for beta in (0.0, 1.0, 2.0, 3.0))]
    assert np.all(np.diff(neighbours) > 0)


@pytest.mark.parametrize("beta", [-0.1, np.inf, np.nan])
def test_an_exponent_out_of_range_is_named(beta):
    with pytest.raises(ValueError, match="noise_exponent must be from 0 on and finite"):
        colouring(beta, 10)
