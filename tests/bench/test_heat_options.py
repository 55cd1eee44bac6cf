"""The user's words about heat, as limits."""

import pytest

from pocketbench.bench.errors import PocketbenchError
from pocketbench.bench.planning.cooldown_options import heat_limits, parse_heat
from pocketbench.bench.records.plan import GateLimits


def test_silence_gives_the_defaults():
    assert heat_limits({}) == GateLimits()


def test_each_limit_can_be_set():
    told = parse_heat(["max_wait_s=900", "redos=1", "spin_ratio=1.2"])
    assert heat_limits(told, max_temperature_c=45.0) == GateLimits(
        max_wait_s=900.0, redos=1, spin_ratio=1.2, max_temperature_c=45.0
    )


def test_the_gate_can_be_left_open():
    assert not heat_limits({}, is_on=False).is_on


@pytest.mark.parametrize(
    ("pair", "words"),
    [
        ("max_wait_s", "is not KEY=VALUE"),
        ("max_wiat_s=3", "max_wait_s"),
        ("is_on=0", "is_on"),
        ("redos=1.5", "whole number from 0 to 100"),
        ("spin_ms=100", "from 200"),
        ("margin_c=nan", "from 0 to 50"),
        ("step_s=0", "from 1"),
    ],
)
def test_what_makes_no_sense_is_told(pair, words):
    with pytest.raises(PocketbenchError, match=words):
        heat_limits(parse_heat([pair]))
