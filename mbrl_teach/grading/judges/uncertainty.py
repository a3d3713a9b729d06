"""Judges for assignment 07_uncertainty: what was drawn, told from the rows that came.

`tallied` makes the results of a bootstrap, whatever its order of draws: they are told by their size. The
judges take a case and these results, and return what is wrong with them, or None.
"""

from __future__ import annotations

import copy
from types import SimpleNamespace

import numpy as np

from mbrl_teach.grading.chances import unlikely
from mbrl_teach.grading.results import read_results
from mbrl_teach.grading.student_call import WrongAnswer

RETURNED = SimpleNamespace(results={"inputs": "E N d", "targets": "E N n", "unseen": "E N"})
ALWAYS_THE_SAME = "whatever `rng` is, the rows are the same: draw them from it"
ROUNDING = 1e-6  # of what is handed on in single precision
FAR_OUT = 6.0  # standard deviations


def tallied(function, case):
    """What the inputs, targets and marks of a bootstrap tell, and those of two more.

    inputs: share of distinct rows; likeness of one member and the next (their correlation, 0 if chance
    explains it); whether the first row was never drawn, whether the last, whether some row came too often or
    too rarely; whether the same rng brings another result, whether another rng brings the same rows.
    targets: shares of those that are their own row's, that are not but stand as in Y, and of all others.
    unseen: shares of right marks, and of rows that are marked.
    """
    X, Y, members, rng = case
    draw = lambda generator: _read(function(X.copy(), Y.copy(), members, copy.deepcopy(generator)), case)
    # Of another seed, not only of a later state: a generator that was spawned knows the seed alone.
    stranger = np.random.default_rng(copy.deepcopy(rng).integers(2**62))
    found, again, other = draw(rng), draw(rng), draw(stranger)
    by_chance = any(not np.array_equal(found[name], again[name]) for name in found)
    fixed = not by_chance and np.array_equal(found["inputs"], other["inputs"])
    rows = _rows_of(found["inputs"], X)
    tally = np.stack([np.bincount(drawn, minlength=len(X)) for drawn in rows])
    fit = lambda wanted: np.abs(found["targets"] - wanted).max(axis=-1) <= ROUNDING * np.abs(Y).max()
    own, unmoved = fit(Y[rows]), fit(Y)
    right = np.abs(found["unseen"] - (tally == 0)) <= ROUNDING
    inputs = [*_told_by(tally), by_chance, fixed]
    targets = [own.mean(), (unmoved & ~own).mean(), (~unmoved & ~own).mean()]
    return inputs, targets, [right.mean(), np.mean(found["unseen"])]


def _read(value, case):
    """The three results by name; WrongAnswer where they have the wrong form."""
    X, Y, E, _ = case
    shapes = {"inputs": (E, *X.shape), "targets": (E, *Y.shape), "unseen": (E, len(X))}
    try:
        return read_results(RETURNED, value, {name: np.zeros(shape) for name, shape in shapes.items()})
    except ValueError as error:
        raise WrongAnswer(str(error)) from None


def _rows_of(inputs, X):
    """Which row of X each of the inputs (E, N, d) is, (E, N)."""
    rows = np.abs(inputs[:, :, None, 0] - X[:, 0]).argmin(axis=-1)  # no two rows begin alike
    strange = np.argwhere(np.abs(inputs - X[rows]).max(axis=-1) > ROUNDING * np.abs(X).max())
    if len(strange):
        e, i = strange[0]
        raise WrongAnswer(f"first wrong: inputs: [{e}, {i}] is none of the rows of X")
    return rows


def _told_by(tally):
    """The five numbers that tell how rows were drawn, from how often each came to each member (E, N).

    Where all members are alike, their likeness is all there is to tell.
    """
    E, N = tally.shape
    deviations = tally - tally.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(deviations, axis=1)
    products = (deviations[:-1] * deviations[1:]).sum(axis=1)
    likeness = (products / np.maximum(lengths[:-1] * lengths[1:], 0.5)).mean()
    likeness *= abs(likeness) * np.sqrt((E - 1) * (N - 1)) > FAR_OUT
    if likeness > 0.5:
        return np.array([0.0, likeness, 0.0, 0.0, 1.0])
    total = tally.sum(axis=0)
    strange = unlikely(total, np.full(N, 1 / N), E * N) is not None
    return np.array([(tally > 0).mean(), likeness, total[0] == 0, total[-1] == 0, strange], dtype=float)


def own_targets(case, found):
    """No target is another row's."""
    share = 1 - found["targets"][0]
    if share == 0:
        return None
    return f"first wrong: targets: {share:.2g} of them are not those of the row beside them in inputs"


def drawn_from_all(case, found):
    """Each row as often as chance allows, and as many distinct ones.

    The count of every row is binomial. The number of distinct rows among N draws has a known mean and
    variance, and its mean over so many members is as good as normal.
    """
    X, _, members, _ = case
    N, (distinct, likeness, first, last, strange, *luck) = len(X), found["inputs"]
    if any(luck):
        return _of_luck(by_chance=luck[0])
    if likeness > 0.5:
        return "first wrong: inputs: the members have drawn the same rows"
    missing, both = (1 - 1 / N) ** N, (1 - 2 / N) ** N
    variance = missing * (1 - missing) / N + (N - 1) / N * (both - missing**2)
    if abs(distinct - (1 - missing)) > FAR_OUT * np.sqrt(variance / members):
        return f"first wrong: inputs: a member has {N * distinct:.3g} distinct rows of N = {N}, in the mean"
    if strange:
        which = "the first row" if first else "the last row" if last else "some row"
        how = "is never drawn" if first or last else "comes too often, or too rarely"
        return f"first wrong: inputs: {which} {how}, in {members} members"
    return None


def _of_luck(by_chance):
    """What is wrong where the results do not follow from the generator."""
    return (
        f"first wrong: inputs: {'the same rng brings others' if by_chance else 'another rng brings the same'}"
    )


def drawn_apart(case, found):
    """How often a row came to one member says nothing of the next: no correlation, but for chance."""
    *_, by_chance, fixed = found["inputs"]
    if by_chance or fixed:
        return _of_luck(by_chance)
    if found["inputs"][1] == 0:
        return None
    return "first wrong: inputs: which rows a member has drawn depends on those of the one before"


def marks_fit(case, found):
    """Unseen are the rows that a member has not drawn, and no others."""
    share = 1 - found["unseen"][0]
    if share == 0:
        return None
    return f"first wrong: unseen: {share:.2g} of the marks do not fit the rows in inputs"
