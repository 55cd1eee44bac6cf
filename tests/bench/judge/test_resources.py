"""Memory and how it was read, and energy, of launches together."""

from pocketbench.bench.judge.resources import EnergyOfLaunches, resources_of
from pocketbench.bench.records.conditions import Conditions
from pocketbench.bench.records.launch import Launch, Measurement, Memory
from tests.bench.judge.test_energy import battery, rails


def launch(memory=None, before=None, after=None):
    return Launch(
        device_id="phone",
        model="net",
        variant_id="float32",
        artifact_sha256="",
        runner="lite",
        block=0,
        attempt=0,
        position=0,
        started_at="2026-01-01T00:00:00+00:00",
        wall_ns=None,
        measurement=Measurement(memory=memory or Memory()),
        conditions_before=before,
        conditions_after=after,
    )


def test_the_peak_counts_what_was_swapped_and_the_models_part_is_what_it_added():
    own = Memory(
        rss_before_load_bytes=40,
        peak_rss_bytes=100,
        rss_end_bytes=90,
        swap_bytes=30,
        pss_bytes=80,
        read_by="itself",
    )
    used = resources_of([launch(own), launch(own)]).memory
    assert (used.runtime_rss_bytes, used.peak_bytes, used.model_bytes) == (40, 120, 80)
    assert (used.pss_bytes, used.swap_bytes, used.read_by) == (80, 30, "itself")


def test_the_samplers_interval_and_cost_are_kept():
    looked_at = Memory(
        peak_rss_bytes=100,
        read_by="sampler",
        sampling_interval_s=0.05,
        sampling_cost_ns=3_000_000,
    )
    used = resources_of([launch(looked_at)]).memory
    assert (used.sampling_interval_s, used.sampling_cost_ns) == (0.05, 3_000_000)
    assert used.model_bytes is None


def test_energy_is_the_mean_of_the_launches_that_have_it():
    pairs = [
        (
            Conditions(energy=(rails(0, CPU=0),)),
            Conditions(energy=(rails(2_000, CPU=n),)),
        )
        for n in (4_000_000, 6_000_000)
    ]
    launches = [launch(before=b, after=a) for b, a in pairs]
    assert resources_of([*launches, launch()]).energy == EnergyOfLaunches(
        energy_uj=5_000_000, power_mw=2_500, method="rails", launches=2
    )


def test_rails_and_battery_are_never_mixed():
    by_rails = launch(
        before=Conditions(energy=(rails(0, CPU=0),)),
        after=Conditions(energy=(rails(1_000, CPU=1_000_000),)),
    )
    by_battery = launch(before=battery(10.0), after=battery(11.0))
    energy = resources_of([by_battery, by_rails]).energy
    assert (energy.method, energy.launches) == ("rails", 1)
    assert resources_of([by_battery]).energy.method == "battery_current"


def test_without_any_the_commonest_reason_is_reported():
    charging = launch(
        before=battery(10.0, plugged=("usb",)), after=battery(11.0, plugged=("usb",))
    )
    found = resources_of([charging, charging, launch()])
    assert found.energy is None
    assert found.no_energy == "no power rails; the phone was on power"


def test_a_denied_current_is_the_reason_in_the_phones_words():
    reported = {"battery.current_ua": "Permission denied"}
    before, after = (
        Conditions(battery=c.battery, uptime_s=c.uptime_s, missing=reported)
        for c in (battery(1.0, current_ua=None), battery(2.0, current_ua=None))
    )
    found = resources_of([launch(before=before, after=after)])
    assert "no battery current (Permission denied)" in found.no_energy
