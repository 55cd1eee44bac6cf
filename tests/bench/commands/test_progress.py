"""What a run says while it goes on."""

import io

import pytest
from rich.console import Console

from pocketbench.bench.commands.progress import LineProgress, progress_on
from pocketbench.bench.records.conditions import Conditions, Temperature, Thermal
from tests.phones import wait_for


@pytest.mark.parametrize("name", ["::error ::x", "a ##[error]x", "\x1b[2Jx", "\u202ex"])
def test_names_steer_neither_a_terminal_nor_a_ci_log(name):
    out = io.StringIO()
    LineProgress(Console(file=out), blocks=1).note(name, "exporting")

    assert not out.getvalue().startswith("::")
    assert not any(x in out.getvalue() for x in ("##[", "\x1b", "\u202e"))
    assert out.getvalue().endswith("x: exporting\n")


def warm(skin_c):
    skin = Temperature(name="SKIN", kind="skin", value_c=skin_c)
    return Conditions(thermal=Thermal(source="hal", temperatures=(skin,)))


def goes_on(progress, records):
    """Two phones: one has done two of four launches, the other is done."""
    for name, blocks, skin_c in (("a", 4, 38.25), ("b", 2, 41.0)):
        info = records.device(f"android:{name}", family="android", name=name)
        progress.device_started(info, blocks)
        for block in range(2):
            launch = records.launch(
                device_id=info.id, block=block, conditions_after=warm(skin_c)
            )
            progress.launch_finished(info, launch)
    progress.device_finished(info)


def test_a_log_has_one_line_a_minute_about_all_devices(monkeypatch, records):
    monkeypatch.setattr("pocketbench.bench.commands.progress._MINUTE_S", 0.01)
    out = io.StringIO()
    progress = LineProgress(Console(file=out, width=200), blocks=9)
    goes_on(progress, records)

    with progress:
        wait_for(lambda: "launches" in out.getvalue())

    (line, *_) = [x for x in out.getvalue().splitlines() if "launches" in x]
    assert line.startswith(
        "4 of 6 launches, 1 of 2 devices in use, hottest a (38.2 C), about "
    )
    assert line.endswith(" left")


def test_a_terminal_shows_each_device_with_its_temperature(records):
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=120)
    with progress_on(console, blocks=4) as progress:
        goes_on(progress, records)
        progress.note("android:a", "cooling down for 30 s: skin 41.0 C")

    last = out.getvalue().rpartition("\x1b[2K")[2]
    a, b = (x for x in last.splitlines() if "/" in x)
    assert all(x in a for x in ("2/4", "38.2 C", "cooling down for 30 s"))
    assert all(x in b for x in ("2/2", "41.0 C", "done"))
