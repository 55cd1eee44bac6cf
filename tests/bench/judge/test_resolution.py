import math

import numpy as np
import pytest

from pocketbench.bench.judge.paired import paired_evidence
from pocketbench.bench.judge.resolution import resolutions
from pocketbench.bench.judge.summary import Comparison, Verdict
from pocketbench.bench.judge.verdicts import verdict

SPREAD = 0.03


def of_itself(a, b, min_effect=0.02):
    evidence = paired_evidence(a, b)
    return Comparison(
        drift_controlled=True,
        kind="variant",
        device_id="host",
        model="net",
        metric="latency_ns",
        baseline="a",
        candidate="a-again",
        candidate_over_baseline=evidence.estimate(),
        p_value=evidence.p_value,
        q_value=evidence.p_value,
        verdict=verdict(evidence, evidence.p_value, min_effect=min_effect),
        design="paired",
        min_effect=min_effect,
        launches_to_settle=None,
    )


def launches(random, blocks):
    return np.exp(random.normal(0, SPREAD, (2, blocks)))


@pytest.mark.parametrize("blocks", [10, 20])
def test_the_smallest_effect_is_found_four_times_in_five(blocks):
    random = np.random.default_rng(blocks)
    reported = [
        resolutions([of_itself(*map(np.ndarray.tolist, launches(random, blocks)))])[0]
        for _ in range(200)
    ]
    effect = float(np.median([found.smallest_found for found in reported]))

    found = 0
    for _ in range(400):
        a, b = launches(random, blocks)
        evidence = paired_evidence(a.tolist(), (b * (1 + effect)).tolist())
        got = verdict(evidence, evidence.p_value, min_effect=0.02)
        found += got is Verdict.REGRESSION

    # 0.8 with a standard error of 0.02; the effect itself is an estimate.
    assert 0.70 < found / 400 < 0.90


def test_the_half_width_is_that_of_the_interval():
    a, b = launches(np.random.default_rng(1), 10)
    comparison = of_itself(a.tolist(), b.tolist())

    (found,) = resolutions([comparison])

    ratio = comparison.candidate_over_baseline
    assert found.half_width == pytest.approx(math.sqrt(ratio.high / ratio.low) - 1)
    assert found.blocks == 10


def test_so_many_blocks_as_are_promised_bring_the_effect_down_to_the_minimum():
    a, b = launches(np.random.default_rng(2), 10)
    (found,) = resolutions([of_itself(a.tolist(), b.tolist(), min_effect=0.001)])
    (wide,) = resolutions([of_itself(a.tolist(), b.tolist(), min_effect=0.04)])

    assert wide.blocks_for_min_effect < 40
    assert found.blocks_for_min_effect is None or found.blocks_for_min_effect > 4000


def test_memory_that_never_differs_resolves_the_minimum_effect_itself():
    (found,) = resolutions([of_itself([5000.0] * 6, [5000.0] * 6)])

    assert found.half_width == 0
    assert found.smallest_found == pytest.approx(0.02)
    assert found.blocks_for_min_effect == 2


def test_one_block_resolves_nothing():
    (found,) = resolutions([of_itself([1.0], [1.0])])

    assert (found.half_width, found.smallest_found) == (None, None)
