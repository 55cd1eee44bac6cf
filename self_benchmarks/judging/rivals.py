"""Other ways to compare two sets of launches, each as a p-value of many trials at once.

Arrays are (trials, launches) of one value per launch, as logarithms; the two that pool
iterations take (trials, launches, iterations) of latencies.
"""

from __future__ import annotations

import numpy as np
from judging.noise import Array
from scipy import stats


def welch(a: Array, b: Array) -> Array:
    """Welch's t test of the launches."""
    return np.asarray(stats.ttest_ind(b, a, axis=1, equal_var=False).pvalue)


def mann_whitney(a: Array, b: Array) -> Array:
    """Mann-Whitney test of the launches."""
    return np.asarray(stats.mannwhitneyu(b, a, axis=1, method="exact").pvalue)


def paired_t(a: Array, b: Array) -> Array:
    """Paired t test over the blocks."""
    return np.asarray(stats.ttest_rel(b, a, axis=1).pvalue)


def sign_flip(a: Array, b: Array) -> Array:
    """Permutation test over the blocks: the sign of each difference is exchangeable."""
    apart = b - a
    blocks = apart.shape[1]
    if blocks <= 12:
        signs = 1 - 2.0 * (np.arange(2**blocks)[:, None] >> np.arange(blocks) & 1)
    else:
        signs = np.random.default_rng(0).choice([-1.0, 1.0], (4000, blocks))
        signs[0] = 1
    means = np.abs(apart @ signs.T)
    return (means >= np.abs(apart.sum(axis=1, keepdims=True)) - 1e-12).mean(axis=1)


HONEST = {
    "Welch": welch,
    "Mann-Whitney": mann_whitney,
    "paired t": paired_t,
    "sign flip": sign_flip,
}
"""Tests of launches, which are the unit."""


def pooled_mann_whitney(a: Array, b: Array) -> Array:
    """Mann-Whitney test of all iterations together, as if each were independent."""
    first, second = (side.reshape(len(side), -1) for side in (a, b))
    both = np.concatenate([first, second], axis=1)
    count = first.shape[1]
    ranks = np.argsort(np.argsort(both, axis=1), axis=1)[:, :count] + 1.0
    away = ranks.sum(axis=1) - count * (count + 1) / 2 - count * count / 2
    spread = np.sqrt(count * count * (2 * count + 1) / 12)
    return np.asarray(2 * stats.norm.sf(np.abs(away) / spread))


def mean_beyond(a: Array, b: Array, threshold: float = 0.05) -> Array:
    """Whether the mean of all iterations is 5 % higher: 0 when it is, else 1."""
    ratio = b.mean(axis=(1, 2)) / a.mean(axis=(1, 2))
    return np.where(ratio > 1 + threshold, 0.0, 1.0)
