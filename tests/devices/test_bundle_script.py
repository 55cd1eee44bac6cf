"""What the script of a bundle takes for heat is what the host takes for it."""

import subprocess
from pathlib import Path

import pytest

from pocketbench.bench.conditions.cooldown_rules import obstacles
from pocketbench.bench.records.conditions import Conditions
from pocketbench.bench.records.plan import CooldownLimits
from pocketbench.bench.records.runner import Command
from pocketbench.devices.android.bundle_script import compose_script
from pocketbench.devices.conditions.section import Section
from pocketbench.devices.conditions.thermal import parse_thermalservice

DUMPS = sorted(Path(__file__).with_name("conditions").glob("data/thermal_*.txt"))
SHELLS = [
    pytest.param(("mksh",), marks=pytest.mark.needs("mksh")),
    pytest.param(("sh",)),
]


def script(limits):
    return compose_script(
        [Command(argv=("true",))],
        [(0, [0])],
        objects=[],
        limits=limits,
        timeout_s=10.0,
        tries=3,
        token="@@1",
    )


def shell_obstacles(shell, text, limits, capped_from_start=""):
    """What the script's own functions print for a dump."""
    functions = script(limits).partition("launch() {")[0].partition("N='")[2]
    program = (
        f"N='{functions}\ncapped_from_start='{capped_from_start}'\n"
        "dumpsys() { cat; }\nobstacles\n"
    )
    done = subprocess.run(
        [*shell, "-c", program], input=text, capture_output=True, text=True
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("dump", DUMPS, ids=lambda path: path.stem)
@pytest.mark.parametrize("max_temperature_c", [None, 20.0, 29.25, 60.0])
def test_it_sees_the_obstacles_that_the_host_sees(shell, dump, max_temperature_c):
    limits = CooldownLimits(max_temperature_c=max_temperature_c)
    text = dump.read_text()
    thermal = parse_thermalservice(Section(text, "", 0)).value
    seen = obstacles(Conditions(thermal=thermal), limits=limits)

    found = shell_obstacles(shell, text, limits)

    assert [x.split()[0] for x in found] == [x.split()[0] for x in seen], found


@pytest.mark.parametrize("shell", SHELLS)
def test_a_clock_that_fell_since_the_start_is_an_obstacle(shell, tmp_path):
    clock = tmp_path / "scaling_max_freq"
    clock.write_text("1800000\n")
    limits = CooldownLimits()

    assert shell_obstacles(shell, "", limits, f"{clock}=1800000") == []
    assert shell_obstacles(shell, "", limits, f"{clock}=2400000") == [
        "clocks capped to 1800000 kHz"
    ]
