"""The user's cooldown options, as limits."""

import pytest

from pocketbench.bench.errors import PocketbenchError
from pocketbench.bench.planning.cooldown_options import (
    cooldown_limits,
    parse_cooldown_limits,
)
from pocketbench.bench.records.plan import CooldownLimits


def test_silence_gives_the_defaults():
    assert cooldown_limits({}) == CooldownLimits()


def test_each_limit_can_be_set():
    given = parse_cooldown_limits(["max_wait_s=900", "redos=1", "spin_ratio=1.2"])
    assert cooldown_limits(given, max_temperature_c=45.0) == CooldownLimits(
        max_wait_s=900.0, redos=1, spin_ratio=1.2, max_temperature_c=45.0
    )


def test_cooldown_can_be_switched_off():
    assert not cooldown_limits({}, is_on=False).is_on


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
def test_what_makes_no_sense_is_refused(pair, words):
    with pytest.raises(PocketbenchError, match=words):
        cooldown_limits(parse_cooldown_limits([pair]))
