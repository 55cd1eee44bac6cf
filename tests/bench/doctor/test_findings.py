"""What the doctor makes of a phone's conditions."""

from pocketbench.bench.conditions.parts import parts_of
from pocketbench.bench.doctor.advice import advice_of
from pocketbench.bench.records.conditions import (
    Battery,
    Conditions,
    CpuPolicy,
    Missing,
    SkinThresholds,
    Temperature,
    Thermal,
)
from pocketbench.bench.records.device import DeviceInfo
from pocketbench.bench.records.doctor_report import DeviceFound, RunnerFound

PHONE = DeviceInfo(id="android:S", family="android", name="Phone", abis=("arm64-v8a",))
READY = RunnerFound(engine="lite", is_usable=True, fact="built")


def part(conditions, name):
    return next(p for p in parts_of(conditions) if p.name == name)


def advice(conditions=None, **more):
    found = DeviceFound(
        device=PHONE, **{"runners": (READY,), "conditions": conditions, **more}
    )
    return advice_of(found)


def test_a_phone_that_reports_nothing_gives_a_reason_for_every_part():
    for found in parts_of(Conditions(missing={"thermal": "the output was cut off"})):
        assert not found.is_read
        assert found.reason == (
            "the output was cut off"
            if found.name.startswith("thermal")
            else "unavailable"
        )


def test_old_temperatures_are_not_taken_for_read():
    sensor = Temperature(name="SKIN", kind="skin", value_c=31.0)
    reported = Conditions(thermal=Thermal(source="cached", temperatures=(sensor,)))
    found = part(reported, "thermal.temperatures")
    assert not found.is_read
    assert "hours old" in found.reason


def test_a_clock_domain_that_hides_a_limit_is_named():
    reported = Conditions(
        cpu_policies=(
            CpuPolicy(id=0, cpus=(0, 1, 2, 3)),
            CpuPolicy(id=4, cpus=(4,), max_frequency_khz=2_000_000),
        ),
        missing={"cpu_policies.0.max_frequency_khz": "Permission denied"},
    )
    found = part(reported, "cpu_policies.max_frequency_khz")
    assert found.is_read
    assert found.reason == "cores 0-3: Permission denied"
    assert not part(reported, "cpu_policies.current_frequency_khz").is_read


def test_what_is_false_is_read():
    assert part(Conditions(is_battery_saver=False), "is_battery_saver").is_read
    empty = Conditions(battery=Battery(level=0, plugged=(), status="discharging"))
    assert part(empty, "battery.level").is_read
    assert part(empty, "battery.plugged").is_read


def test_a_missing_runner_comes_first_and_says_how_to_get_one():
    lacks = RunnerFound(
        engine="lite", is_usable=False, fact="none for arm64-v8a", remedy="Build it"
    )
    charging = Conditions(battery=Battery(plugged=("usb",)))
    first, second = advice(charging, runners=(lacks,))
    assert first == "No lite runner: none for arm64-v8a. Build it"
    assert second.startswith("Charging: ")
    assert advice(Conditions(), runners=(lacks, READY)) == ()


def test_heat_pins_and_little_room_are_reported():
    hot = Thermal(
        status=2,
        source="hal",
        temperatures=(Temperature(name="SKIN", kind="skin", value_c=41.0),),
        skin_thresholds=(SkinThresholds(name="SKIN", hot_c=(None, 39.0)),),
    )
    (said,) = advice(Conditions(thermal=hot))
    assert "thermal status moderate; skin at 41.0 C, 37.0 C is wanted" in said
    pinned = Conditions(
        thermal=Thermal(status=3, is_status_override=True),
        battery=Battery(is_fiction=True, plugged=(), status="discharging"),
    )
    assert [said.split(".")[0] for said in advice(pinned)] == [
        "Somebody pinned the thermal status",
        "Somebody froze the battery's values",
    ]
    assert "room" in advice(None, free_bytes=10**8)[0]
    assert advice(None, free_bytes=Missing(reason="df says nothing")) == ()


def test_a_phone_can_be_measured_when_it_is_ready_and_has_a_runner():
    assert DeviceFound(device=PHONE, runners=(READY,)).can_be_measured
    assert not DeviceFound(device=PHONE).can_be_measured
    assert not DeviceFound(
        device=PHONE, runners=(READY,), trouble="in use"
    ).can_be_measured
