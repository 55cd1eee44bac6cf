"""docs/conditions.md names every command and file that phones are asked for."""

import re
from pathlib import Path

import pytest

from pocketbench.devices.android.identity import IDENTITY_SCRIPT
from pocketbench.devices.android.push.free_space import DF_SCRIPT
from pocketbench.devices.android.quiesce import AWAKE, STILL, quiesce_script
from pocketbench.devices.conditions import cpufreq, memory, process
from pocketbench.devices.conditions.probe import compose_probe

TEXT = (Path(__file__).parents[3] / "docs" / "conditions.md").read_text("utf-8")
SCRIPTS = (
    compose_probe("T"),
    IDENTITY_SCRIPT,
    DF_SCRIPT,
    *(quiesce_script(screen) for screen in ("on", "off", "leave")),
)
_PHONES = (
    r"\b(?:dumpsys \w+|getprop|getconf \w+|uname -r|df -k|input keyevent|"
    r"wm [a-z-]+|cmd power [a-z-]+|cmd settings get|settings (?:get|put|delete))"
)
"""Words that start a command of Android's own, wherever they stand in a script."""


def asked_for():
    found = {match for script in SCRIPTS for match in re.findall(_PHONES, script)}
    for script in SCRIPTS:
        found |= set(re.findall(r"/(?:proc|data|sys)/[\w/.:-]*\w", script))
    found |= {f"{name}" for name in cpufreq.NAMES}
    found |= {key.partition(".")[2] for key in STILL | AWAKE}
    found |= {process.STATUS, process.LOAD, memory.PATH}
    return sorted(found)


def test_the_scripts_are_understood():
    found = asked_for()
    assert {"dumpsys thermalservice", "input keyevent", "/proc/loadavg"} <= set(found)
    assert len(found) > 30


@pytest.mark.parametrize("word", asked_for())
def test_the_table_has_it(word):
    assert word.replace("cmd settings get", "settings get") in TEXT
