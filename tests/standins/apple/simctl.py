# ruff: noqa: T201
"""Stands in for simctl, and runs what it spawns."""

import json
import os
import signal
import subprocess
import sys

from state import MARK, State, fault, peek, say

SIM_ERROR = (
    "An error was encountered processing the command "
    "(domain=com.apple.CoreSimulator.SimError, code=405):\n"
)


def simctl(words):
    match words:
        case ["list", "-j"]:
            print(json.dumps(simulators()))
            return 0
        case ["boot", udid]:
            with State() as state:
                found = simulator(state, udid)
                if found["state"] != "Shutdown":
                    say(
                        f"{SIM_ERROR}Unable to boot device in current state: "
                        f"{found['state']}"
                    )
                    return 149
                if found.get("broken"):
                    say(f"{SIM_ERROR}Unable to boot the Simulator.")
                    return 164
                found["state"] = "Booted"
            return 0
        case ["bootstatus", udid]:
            return 0 if simulator(peek(), udid)["state"] == "Booted" else 1
        case ["shutdown", udid]:
            with State() as state:
                simulator(state, udid)["state"] = "Shutdown"
            return 0
        case ["spawn", udid, program, *arguments]:
            return spawn(udid, program, arguments)
    say(f"Unrecognized subcommand: {words[0]}")
    return 64


def simulators():
    state = peek()
    runtimes, devices = {}, {}
    for item in state["simulators"]:
        identifier = "com.apple.CoreSimulator.SimRuntime." + item["runtime"]
        name, _, version = item["runtime"].partition("-")
        runtimes[identifier] = {
            "identifier": identifier,
            "name": f"{name} {version.replace('-', '.')}",
            "version": version.replace("-", "."),
            "buildversion": "21X999",
            "isAvailable": True,
            "platform": name,
        }
        entry = {
            "udid": item["udid"],
            "name": item["name"],
            "state": item["state"],
            "isAvailable": item.get("available", True),
            "dataPath": f"/Users/someone/{item['udid']}/data",
            "dataPathSize": 1,
            "logPath": f"/Users/someone/Logs/{item['udid']}",
            "deviceTypeIdentifier": "com.apple.CoreSimulator.SimDeviceType.Any-Phone",
        }
        if not entry["isAvailable"]:
            entry["availabilityError"] = "runtime profile not found"
        devices.setdefault(identifier, []).append(entry)
    return {
        MARK: True,
        "devicetypes": [
            {
                "identifier": "com.apple.CoreSimulator.SimDeviceType.Any-Phone",
                "name": "Any Phone",
                "productFamily": "iPhone",
                "modelIdentifier": "iPhone99,1",
            }
        ],
        "runtimes": list(runtimes.values()),
        "devices": devices,
        "pairs": {},
    }


def simulator(state, udid):
    for item in state["simulators"]:
        if item["udid"] == udid:
            return item
    say(f"Invalid device: {udid}")
    sys.exit(148)


def spawn(udid, program, arguments):
    """Run a program as a simulator would: not as our child, so it outlives us."""
    what = fault("spawn", udid)
    if what == "shut down":
        simctl(["shutdown", udid])
    if simulator(peek(), udid)["state"] != "Booted":
        say(
            f"{SIM_ERROR}Process spawn via launchd failed because device is not booted."
        )
        return 149
    prefix = "SIMCTL_CHILD_"
    reported = {
        k.removeprefix(prefix): v for k, v in os.environ.items() if k.startswith(prefix)
    }
    argv = [program, *arguments]
    if what == "hang":
        argv = [sys.executable, "-c", "import time; time.sleep(600)"]
    child = subprocess.Popen(
        [program, *argv[1:]] if what == "hang" else argv,
        executable=argv[0],
        env=reported or None,
        start_new_session=True,
    )
    if what == "kill":
        child.send_signal(signal.SIGKILL)
    code = child.wait()
    if code < 0:
        say(
            f"Child process terminated with signal {-code}: "
            f"{signal.strsignal(-code)}: {-code}"
        )
        return 128 - code
    return code
