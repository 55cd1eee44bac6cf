from __future__ import annotations

from typing import Any

import msgspec
import pytest

from pocketbench.bench.judge.energy import EnergyUsed, energy_used
from pocketbench.bench.records.conditions import (
    Battery,
    Conditions,
    EnergyMeter,
    Missing,
)

UNPLUGGED = Battery(
    status="discharging", plugged=(), current_ua=-500_000, voltage_mv=4_000
)


def rails(at_ms: int, device: str = "iio:device0", **uj: int) -> EnergyMeter:
    return EnergyMeter(device=device, at_ms=at_ms, rails_uj=uj)


def battery(uptime_s: float, **facts: Any) -> Conditions:
    return Conditions(
        battery=msgspec.structs.replace(UNPLUGGED, **facts), uptime_s=uptime_s
    )


def test_rails_are_summed_over_chips_and_kept_apart():
    used = energy_used(
        Conditions(energy=(rails(0, CPU=100, MEM=50), rails(5, "iio:device1", CPU=7))),
        Conditions(
            energy=(rails(2_000, CPU=4_100, MEM=50), rails(1_900, "iio:device1", CPU=9))
        ),
    )
    assert used == EnergyUsed(
        energy_uj=4_002,
        elapsed_ms=2_000,
        method="rails",
        rails_uj={"iio:device0/CPU": 4_000, "iio:device0/MEM": 0, "iio:device1/CPU": 2},
    )
    assert used.power_mw == 2.001


@pytest.mark.parametrize(
    ("after", "words"),
    [
        (rails(2_000, CPU=99), "was reset"),
        (rails(0, CPU=101), "did not move"),
        (rails(2_000, CPU=101, GPU=1), "changed"),
        (rails(2_000, "iio:device9", CPU=101), "changed"),
    ],
)
def test_counters_that_do_not_fit_together_give_a_reason(
    after: EnergyMeter, words: str
):
    used = energy_used(
        Conditions(energy=(rails(0, CPU=100),)), Conditions(energy=(after,))
    )
    assert isinstance(used, Missing)
    assert words in used.reason


def test_current_times_voltage_times_time_on_battery():
    used = energy_used(battery(100.0), battery(103.0, current_ua=-1_500_000))
    assert isinstance(used, EnergyUsed)
    # 1 A x 4 V x 3 s = 12 J
    assert (used.energy_uj, used.elapsed_ms) == (12_000_000, 3_000)
    assert (used.method, used.power_mw) == ("battery_current", 4_000)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"status": "charging"}, "on power"),
        ({"status": "full"}, "on power"),
        ({"plugged": ("usb",)}, "on power"),
        ({"max_charging_current_ua": 500_000}, "on power"),
        ({"plugged": None}, "not known whether"),
        ({"status": "unknown"}, "not known whether"),
        ({"is_fiction": True}, "pinned"),
        ({"current_ua": None}, "no battery current"),
        ({"voltage_mv": None}, "no battery current"),
        ({"current_ua": 500_000}, "changed its sign"),
    ],
)
@pytest.mark.parametrize("is_first", [True, False])
def test_a_battery_gives_no_energy_when_it_cannot_know(
    facts: dict[str, Any], words: str, is_first: bool
):
    doubtful, sure = battery(1.0, **facts), battery(1.0)
    used = energy_used(*((doubtful, sure) if is_first else (sure, doubtful)))
    assert isinstance(used, Missing)
    assert words in used.reason


def test_a_restart_gives_no_energy():
    used = energy_used(battery(100.0), battery(3.0))
    assert used == Missing(reason="no power rails; the phone restarted")
