from __future__ import annotations

import re

import msgspec
import pytest
from msgspec.structs import replace

from pocketbench.bench import registry
from pocketbench.bench.commands.write_reports import Reports
from pocketbench.bench.records.conditions import Conditions
from pocketbench.reports.formats import console
from pocketbench.reports.redact import redact
from pocketbench.reports.view import View


def test_an_adb_serial_is_hashed_wherever_it_stands(full):
    shown = redact(full)
    assert "HT7A1X0042" not in repr(shown)
    assert any(cell.device_id == "android:9f3c01ab" for cell in shown.cells)
    assert any(x.device_id == "android:9f3c01ab" for x in shown.run.launches)
    assert "android:9f3c01ab" in shown.run.started.command


def test_the_samples_still_belong_to_their_cells(full):
    view = View(full)
    stored = {id(launch) for launch in view.summary.run.launches}
    for cell in view.summary.cells:
        assert len(cell.records) == len(cell.launches) == 10
        assert {id(launch) for launch in cell.records} <= stored
        for launch, value in zip(cell.records, cell.launches, strict=True):
            assert launch.device_id == cell.device_id
            assert launch.variant_id == cell.variant_id
            assert (launch.started_at, launch.block) == (value.started_at, value.block)


def test_control_characters_are_shown_as_such_and_text_is_kept(tiny):
    device = replace(
        tiny.devices[0].device, name='a\x1b[1m\x07\x9b b\\u001b "c"\r\n\u202ed'
    )
    devices = (replace(tiny.devices[0], device=device), tiny.devices[1])
    shown = redact(replace(tiny, devices=devices))
    bad = "\N{REPLACEMENT CHARACTER}"
    assert shown.devices[0].device.name == (f'a{bad}[1m{bad}{bad} b\\u001b "c"\n{bad}d')


@pytest.mark.parametrize("unshowable", ["\x1b", "\x7f", "\x9b", "\u202e", "\b"])
def test_what_a_reading_says_is_no_exception(full, unshowable):
    read = Conditions(cpuset=f"/top{unshowable}app", missing={"energy": "no rails"})
    launch, *others = full.run.launches
    run = replace(full.run, launches=(replace(launch, conditions_before=read), *others))

    shown = redact(replace(full, run=run)).run.launches[0].conditions_before

    assert shown == replace(read, cpuset="/top\N{REPLACEMENT CHARACTER}app")


def test_everything_else_is_passed_on_unchanged(tiny):
    assert redact(tiny) == tiny


def test_devices_of_one_name_are_reported_apart(full):
    twins = tuple(
        replace(ready, device=replace(ready.device, name="Pixel 8"))
        for ready in full.devices
    )
    view = View(replace(full, devices=twins))
    labels = {view.label(device_id) for device_id in view.device_ids}
    assert len(labels) == 3
    assert "Pixel 8 (9f3c01ab)" in labels


@pytest.mark.parametrize("serial", ["device", "launches", "float32", "0.0000", "host"])
def test_a_serial_that_is_a_common_word_breaks_no_report(full, serial):
    old = next(x.device.id for x in full.devices if x.device.family == "android")
    renamed = _with_id(full, old, f"android:{serial}")

    for report in registry.REPORT_FILES:
        assert Reports(renamed).content(report)
    shown = redact(renamed)
    assert {c.variant_id for c in shown.cells} == {c.variant_id for c in full.cells}
    assert f"android:{serial}" not in repr(shown)


@pytest.mark.parametrize(
    "name", ["::error ::no", "##[error]no", "  ::warning::x", "wrapped " * 9 + "::x"]
)
def test_a_name_gives_a_ci_log_no_command(tiny, name):
    ready, *others = tiny.devices
    named = replace(ready, device=replace(ready.device, name=name))
    shown = redact(replace(tiny, devices=(named, *others)))

    text = shown.devices[0].device.name + console.render(View(shown), width=40)
    assert not re.search(r"^\s*::|##\[", text, re.MULTILINE)


def _with_id(value, old, new):
    text = msgspec.json.encode(value).decode()
    quoted = msgspec.json.encode(new).decode()
    changed = text.replace(msgspec.json.encode(old).decode(), quoted)
    return msgspec.json.decode(changed, type=type(value))
