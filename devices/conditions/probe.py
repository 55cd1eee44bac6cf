"""One shell command that reads all conditions of a phone, and the reading of it."""

from __future__ import annotations

import re
import secrets

import msgspec

from pocketbench.bench.records.conditions import Conditions, Thermal
from pocketbench.devices.conditions import cpufreq, energy, memory, power, process
from pocketbench.devices.conditions.battery import parse_battery
from pocketbench.devices.conditions.build import KEYS as BUILD_KEYS
from pocketbench.devices.conditions.build import parse_build
from pocketbench.devices.conditions.reading import Gathering, Reading
from pocketbench.devices.conditions.section import (
    ABSENT,
    Section,
    parse_files,
    split_sections,
)
from pocketbench.devices.conditions.settings_record import (
    BOOT_ID,
    PATH,
    parse_fixed_performance,
)
from pocketbench.devices.conditions.thermal import (
    parse_thermal_zones,
    parse_thermalservice,
)

# Every part is `TOKEN+name`, its stdout as it comes, `TOKEN-name exit code`, its
# stderr: kept apart without a temporary file by sending stdout past the command
# substitution through descriptor 3. Between two launches every process and every write
# of the phone's shell costs: files are read by the shell itself (at once where it is
# mksh, which all phones have), lines are picked without grep, and what a part says is
# gathered and written in one piece. echo is used for printf is a program of its own.
_PRELUDE = """\
exec 3>&1
N='
'
p() { echo "$N$T+$1"; e=$($1 2>&1 1>&3); r=$?; echo "$N$T-$1 $r${e:+$N$e}"; }
if [ -n "$KSH_VERSION" ]; then
f() { l=$(<"$1") && o="$o$1=${l//$N/$N$1=}$N"; }
else
f() { while IFS= read -r l || [ -n "$l" ]; do o="$o$1=$l$N"; done <"$1"; }
fi
"""

_FILES = f"""\
files() {{
i=0; for d in {cpufreq.ROOT}/cpufreq/policy[0-9]* {cpufreq.ROOT}/cpu[0-9]*/cpufreq; do
if [ -d "$d" ]; then
case $d in */policy*) i=1;; *) if [ $i = 1 ]; then break; fi;; esac
for x in {" ".join(cpufreq.NAMES)}; do f "$d/$x"; done; fi; done
for x in {cpufreq.ROOT}/online {process.LOAD} {process.UPTIME} {process.CPUSET} \
{memory.PATH} {process.STATUS} /sys/class/power_supply/battery/current_now; do
f $x; done
f {BOOT_ID}
if [ -e {PATH} ]; then f {PATH}; fi
for x in /sys/bus/iio/devices/*/energy_value; do
if [ -e "$x" ]; then f "$x"; fi; done
echo "$o"; }}
"""

_ZONES = """\
zones() { for d in /sys/class/thermal/thermal_zone*; do
if [ -e "$d" ]; then f "$d/type"; f "$d/temp"; fi; done; }
"""

_PICKED = "|".join(f"*'{words}'*" for words in (*power.KEYS, *BUILD_KEYS))
_PICK = f"""\
pick() {{ t=$($1); r=$?; IFS=$N; set -f; for l in $t; do case $l in
{_PICKED}) o="$o$l$N";; esac; done; echo "$o"; return $r; }}
"""

# The zones, two files per sensor, are read only where the service has nothing current.
_COMMANDS = """\
thermal() { o=$(dumpsys thermalservice)$N; r=$?; case $o in
*'Current temperatures'*'Temperature{'*) ;; *) zones;; esac
echo "$o"; return $r; }
battery() { dumpsys battery; }
power() { pick 'dumpsys power'; }
saver() { cmd settings get global low_power 2>/dev/null || \
settings get global low_power; }
build() { pick getprop; }
"""

_PARTS = ("files", "thermal", "battery", "power", "saver", "build")


def new_token() -> str:
    """A line start that no command prints by chance."""
    return f"@@{secrets.token_hex(8)}"


def compose_probe(token: str) -> str:
    """The command for the phone's shell; its exit code says nothing.

    Args:
        token: From `new_token`, and given to `parse_probe` again.
    """
    calls = "\n".join(f"p {name}" for name in _PARTS)
    script = f"{_PRELUDE}{_FILES}{_ZONES}{_PICK}{_COMMANDS}{calls}"
    return f"T='{token}'\n{script}\necho \"$T.\"\n"


def parse_probe(output: str, token: str) -> Conditions:
    """What a probe printed; each part that lacks has its reason, and nothing raises."""
    sections = split_sections(output, token)
    files = parse_files(sections.get("files", ABSENT))
    gathering = Gathering()
    take = gathering.take

    def section(name: str) -> Section:
        return sections.get(name, ABSENT)

    return Conditions(
        thermal=take("thermal", _parse_thermal(section("thermal"))),
        cpu_policies=take("cpu_policies", cpufreq.parse_cpufreq(files)),
        online_cpus=take("online_cpus", cpufreq.parse_online(files)),
        battery=take("battery", parse_battery(section("battery"), files)),
        is_battery_saver=take(
            "is_battery_saver",
            power.parse_battery_saver(section("saver"), section("power")),
        ),
        is_dozing=take("is_dozing", power.parse_dozing(section("power"))),
        screen=take("screen", power.parse_screen(section("power"))),
        memory=take("memory", memory.parse_meminfo(files)),
        load_averages=take("load_averages", process.parse_load(files)),
        cpuset=take("cpuset", process.parse_cpuset(files)),
        allowed_cpus=take("allowed_cpus", process.parse_allowed_cpus(files)),
        is_fixed_performance=take(
            "is_fixed_performance", parse_fixed_performance(files)
        ),
        build=take("build", parse_build(section("build"))),
        uptime_s=take("uptime_s", process.parse_uptime(files)),
        energy=take("energy", energy.parse_energy(files)),
        missing=gathering.missing,
    )


def boot_id_of(output: str) -> str | None:
    """The kernel's id of this start of the phone, from what a probe printed."""
    found = re.search(rf"^{BOOT_ID}=(\S+)", output, re.M)
    return found and found[1]


def _parse_thermal(section: Section) -> Reading[Thermal]:
    """The zones' temperatures where the thermal service gives none that are current."""
    service = parse_thermalservice(section)
    if service.value and service.value.source == "hal":
        return service
    found = parse_thermal_zones(parse_files(section))
    if found.value is None:
        return service
    if service.value is None:
        reason = service.missing.get("", "not known")
        return Reading(found.value, {"status": reason, "skin_thresholds": reason})
    value = msgspec.structs.replace(
        service.value, source="zones", temperatures=found.value.temperatures
    )
    missing = {n: r for n, r in service.missing.items() if n != "temperatures"}
    return Reading(value, missing)
