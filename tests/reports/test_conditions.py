from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from datetime import timedelta

import msgspec
import pytest
from msgspec.structs import replace

from pocketbench.bench.conditions.aggregation import DeviceConditions, device_conditions
from pocketbench.bench.judge.summarize import summarize
from pocketbench.bench.records.caveat import Caveat
from pocketbench.bench.records.conditions import (
    Battery,
    Conditions,
    CpuPolicy,
    MemoryState,
    Screen,
    Temperature,
    Thermal,
)
from pocketbench.reports.formats import json as json_report
from pocketbench.reports.formats import markdown
from pocketbench.reports.formats.html import page as html
from pocketbench.reports.plots.band import band, minutes
from pocketbench.reports.plots.style import variant_colours
from pocketbench.reports.plots.timeline import timeline
from pocketbench.reports.redact import redact
from pocketbench.reports.text.condition_words import (
    HEADINGS,
    conditions_lines,
    conditions_table,
)
from pocketbench.reports.view import View
from tests.reports.conftest import (
    ANDROID,
    HOST,
    HOSTILE_SERIAL,
    PIXEL,
    START,
    make_run,
)
from tests.sustained_runs import sustained, sustained_run

TOP_KHZ = 2_914_000
DENIED = "Permission denied"


def read(
    *,
    skin_c: float | None = 30.0,
    cpu_c: float | None = 40.0,
    status: int | None = 0,
    cap_khz: int = TOP_KHZ,
    ticks: dict[int, int] | None = None,
    **more,
) -> Conditions:
    """One reading of a phone with two clock domains."""
    temperatures = [("SKIN", "skin", skin_c), ("BIG", "cpu", cpu_c)]
    conditions = Conditions(
        thermal=Thermal(
            status=status,
            source="hal",
            temperatures=tuple(
                Temperature(name=name, kind=kind, value_c=value)
                for name, kind, value in temperatures
                if value is not None
            ),
        ),
        cpu_policies=(
            CpuPolicy(
                id=0,
                cpus=(0, 1, 2, 3),
                current_frequency_khz=324_000,
                governor="sched_pixel",
            ),
            CpuPolicy(
                id=4,
                cpus=(4,),
                current_frequency_khz=500_000,
                max_frequency_khz=cap_khz,
                hardware_max_frequency_khz=TOP_KHZ,
                governor="sched_pixel",
                time_in_state_ticks=ticks,
            ),
        ),
        battery=Battery(
            level=87, scale=100, status="discharging", plugged=(), temperature_c=27.4
        ),
        screen=Screen(state="ON"),
        is_battery_saver=False,
        memory=MemoryState(total_bytes=8 * 2**30, available_bytes=3 * 2**30),
        load_averages=(1.5, 1.0, 0.5),
        cpuset="/foreground",
        allowed_cpus=(0, 1, 2, 3, 4),
        missing={
            "cpu_policies.0.max_frequency_khz": DENIED,
            "battery.current_ua": DENIED,
            "is_dozing": "not stated",
        },
    )
    return replace(conditions, **more)


def with_readings(run, device_id, readings, throttled=()):
    """The run with a reading before and after each launch of one device in turn."""
    its = [launch for launch in run.launches if launch.device_id == device_id]
    reported = {
        id(launch): replace(
            launch,
            conditions_before=before,
            conditions_after=after,
            caveats=(Caveat.THROTTLED,) if place in throttled else (),
        )
        for place, (launch, before, after) in enumerate(
            zip(its, readings[::2], readings[1::2], strict=True)
        )
    }
    return replace(run, launches=tuple(reported.get(id(x), x) for x in run.launches))


def small_run(blocks=2, devices=(HOST, PIXEL)):
    return make_run(
        models=("mobilenet_v2",),
        variants=("float32", "int8-static"),
        devices=devices,
        blocks=blocks,
    )


HEATING = (
    read(skin_c=30.0, ticks={500_000: 100, TOP_KHZ: 0}),
    read(skin_c=33.0, ticks={500_000: 100, TOP_KHZ: 100}),
    read(skin_c=32.0, ticks={500_000: 500, TOP_KHZ: 100}),
    read(skin_c=36.0, ticks={500_000: 600, TOP_KHZ: 100}),
    read(skin_c=35.0, cap_khz=2_000_000),
    read(skin_c=41.5, status=2, cap_khz=1_500_000),
    read(skin_c=39.0, status=1, cap_khz=2_000_000),
    read(skin_c=40.2, status=1, cap_khz=2_000_000),
)
"""A phone that grows hot over four launches, and is capped from the third on."""


@pytest.fixture(scope="module")
def heated():
    return summarize(with_readings(small_run(), PIXEL.id, HEATING, throttled=(2, 3)))


def cells_of(summary, device_id) -> dict[str, dict[str, str]]:
    (row,) = (
        row
        for row in conditions_table(View(summary)).rows
        if row.device_id == device_id
    )
    return {
        heading: dict(lines) for heading, lines in zip(HEADINGS, row.cells, strict=True)
    }


def drawn(summary, device_id) -> ET.Element:
    view = View(summary)
    colours = variant_colours(view.variant_ids, {"float32"})
    cells = view.cells_of("mobilenet_v2", device_id)
    return ET.fromstring(timeline(view, cells, colours, name="t"))


def words_of(svg: ET.Element) -> list[str]:
    return [text.text or "" for text in svg.iter("text")]


def test_temperature_status_and_caps_are_said_from_the_first_to_the_last(heated):
    cells = cells_of(heated, PIXEL.id)

    assert cells["heat"]["skin"] == "30.0 → 40.2 C (30.0 to 41.5)"
    assert cells["heat"]["CPU"] == "40.0 C"
    assert cells["heat"]["battery"] == "27.4 C"
    assert cells["heat"]["thermal status"] == (
        "moderate at the highest, none at first, light at last"
    )
    assert cells["clocks"]["core 4"].endswith(
        "capped to 1.50 of 2.91 GHz at the lowest, in 4 of 8 readings"
    )
    assert cells["battery"] == {"level": "87 %", "power": "not charging"}
    assert cells["memory and load"]["available"] == "3.00 GiB at least, of 8.00 GiB"
    assert cells["memory and load"]["load of one minute"] == "1.50 at most"
    assert cells["cores"]["allowed"] == "0-4"


def test_the_clock_is_the_one_that_ran_during_launches_not_between_them(heated):
    (_, pixel) = device_conditions(heated.run)
    (_, core) = pixel.clocks

    # 100 ticks at the top in the first launch, 100 at 0.5 GHz in the second; the 400
    # between the two are of no launch.
    assert core.mean_khz == pytest.approx((500_000 + TOP_KHZ) / 2)
    assert cells_of(heated, PIXEL.id)["clocks"]["core 4"].startswith("mean 1.71 GHz,")


def test_what_is_not_known_is_unavailable_and_each_reason_stands_once(heated):
    cells = cells_of(heated, PIXEL.id)

    assert cells["clocks"]["cores 0-3"] == "0.32 GHz when read, cap unavailable"
    assert cells["screen and power"]["Doze"] == "unavailable"
    assert cells["screen and power"]["fixed performance"] == "unavailable"
    assert cells["cores"]["switched on"] == "unavailable"
    (row,) = (
        row for row in conditions_table(View(heated)).rows if row.device_id == PIXEL.id
    )
    reasons = [reason for reason, _ in row.reasons]
    assert len(reasons) == len(set(reasons))
    assert dict(row.reasons)[DENIED] == "battery current"
    assert dict(row.reasons)[f"cores 0-3: {DENIED}"] == "clock caps"
    assert dict(row.reasons)["not stated"] == "Doze"


def test_a_device_that_reports_nothing_says_so_and_shows_no_figure(heated):
    (row,) = (
        row for row in conditions_table(View(heated)).rows if row.device_id == HOST.id
    )

    assert row.cells == ()
    assert row.nothing == "unavailable: this device reports no conditions"
    assert [device for device, _ in conditions_lines(View(heated))] == [
        "Pixel 8 [SIMULATED]"
    ]


def test_a_status_that_somebody_pinned_and_stale_temperatures_are_no_heat():
    pinned = Thermal(
        status=3,
        is_status_override=True,
        source="cached",
        temperatures=(Temperature(name="SKIN", kind="skin", value_c=55.0),),
    )
    readings = [read(thermal=pinned, battery=None)] * 8
    cells = cells_of(
        summarize(with_readings(small_run(), PIXEL.id, readings)), PIXEL.id
    )

    assert cells["heat"]["thermal status"] == "pinned by somebody"
    assert cells["heat"]["skin"] == "unavailable"
    assert cells["battery"]["level"] == "unavailable"


def test_states_that_changed_are_counted():
    readings = [read(screen=Screen(state="OFF"))] * 2 + [read()] * 6
    cells = cells_of(
        summarize(with_readings(small_run(), PIXEL.id, readings)), PIXEL.id
    )

    assert cells["screen and power"]["screen"] == (
        "on (6 of 8 readings) and off (2 of 8 readings)"
    )


def test_a_sustained_run_has_its_readings_in_between_too():
    run = sustained_run(small_run(blocks=0), sustained(PIXEL.id))

    (_, pixel) = device_conditions(run)

    assert pixel.launches == 1
    assert pixel.readings > 10
    assert pixel.temperatures_c["skin"].high > pixel.temperatures_c["skin"].first
    shown = device_conditions(redact(summarize(run)).run)
    assert shown == device_conditions(run)


def test_the_band_says_the_range_and_marks_caps_and_throttled_launches(heated):
    svg = drawn(heated, PIXEL.id)

    assert {"skin 30.0", "to 41.5 C", "new cap", "throttled"} <= set(words_of(svg))
    described = svg.findtext("desc") or ""
    assert "skin temperature from 30.0 to 41.5 C" in described
    assert "a clock capped in 1 span, newly in 1" in described
    assert "2 launches throttled" in described


def test_a_device_that_reports_no_heat_and_no_caps_has_no_band(heated):
    plain, banded = drawn(heated, HOST.id), drawn(heated, PIXEL.id)

    assert float(banded.get("height") or 0) - float(plain.get("height") or 0) > 40
    assert "Below" not in (plain.findtext("desc") or "")
    assert not {"skin", "clock cap", "new cap", "throttled"} & set(words_of(plain))


def test_a_cap_from_the_start_is_no_new_one():
    readings = [read(cap_khz=2_000_000)] * 6 + [read(cap_khz=1_800_000)] * 2
    run = with_readings(small_run(), PIXEL.id, readings)
    launches = [x for x in run.launches if x.device_id == PIXEL.id]

    found = band(launches, minutes(launches[0].started_at), readings[0])

    old, new = found.capped
    assert (old.is_new, new.is_new) == (False, True)
    assert old.start == 0
    assert (
        old.end
        == new.start
        == pytest.approx(
            minutes(launches[3].started_at) - minutes(launches[0].started_at)
        )
    )
    assert new.end == found.end == pytest.approx(new.start + 2 / 60)


def test_without_a_skin_sensor_the_hottest_of_the_others_is_drawn():
    run = small_run()
    launches = [x for x in run.launches if x.device_id == PIXEL.id]
    for reading, kind in (
        (read(skin_c=None), "cpu"),
        (read(skin_c=None, cpu_c=None), "battery"),
        (read(skin_c=None, cpu_c=20.0), "battery"),
    ):
        reported = [replace(x, conditions_before=reading) for x in launches]
        assert band(reported, 0.0, reading).kind == kind


def test_the_page_and_the_comment_and_the_document_report_the_same(heated):
    page = html.render(View(heated))
    table = re.search(r'<table class="words" id="conditions">.*?</table>', page, re.S)
    assert table
    assert "30.0 → 40.2 C (30.0 to 41.5)" in table[0]
    assert "skin 30.0 → 40.2 C (30.0 to 41.5)" in markdown.render(View(heated))
    document = json.loads(json_report.render(View(heated)))
    pixel = msgspec.convert(document["conditions"][1], DeviceConditions)
    assert pixel == device_conditions(heated.run)[1]
    assert pixel.temperatures_c["skin"].last == 40.2


def test_words_of_a_device_can_neither_mark_up_a_page_nor_carry_a_serial():
    run = small_run(devices=(HOST, ANDROID))
    evil = read(
        cpuset=f"/<script>alert(1)</script>\x1b[31m{HOSTILE_SERIAL}",
        screen=Screen(state='ON"><img src=x>'),
        missing={"is_dozing": f"<b>no</b> {HOSTILE_SERIAL}\x07"},
    )
    summary = summarize(with_readings(run, ANDROID.id, [evil] * 8))

    for text in (
        html.render(View(summary)),
        markdown.render(View(summary)),
        json_report.render(View(summary)),
    ):
        assert HOSTILE_SERIAL not in text
        assert "\x1b" not in text
        assert "\x07" not in text
    page = html.render(View(summary))
    shown = page[page.index('id="conditions"') : page.index('id="method"')]
    assert "&lt;script&gt;alert(1)" in shown
    assert "<script" not in shown
    assert "<img" not in shown
    assert "<b>" not in shown


def test_equal_runs_give_equal_bands(heated):
    first, again = (
        ET.tostring(drawn(heated, PIXEL.id), encoding="unicode") for _ in range(2)
    )
    assert first == again


def test_minutes_are_those_of_the_launches():
    later = (START + timedelta(minutes=3)).isoformat()
    assert minutes(later) - minutes(START.isoformat()) == 3
