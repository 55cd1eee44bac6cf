# ruff: noqa: T201
"""Stands in for xcrun, xcodebuild, xcodegen and pymobiledevice3 on any computer.

It answers in the shapes that the real tools answer in, says in each listing that it is
a stand-in, and really runs the programs it is asked to run. What there is, and what is
to go wrong, stands in the folder that POCKETBENCH_STAND_IN names:

    state.json    phones, simulators, the JSON version, faults
    calls.jsonl   every call, as it came
"""

import json
import platform
import sys
import time
from pathlib import Path

# Started isolated, which is fast, and so without its own folder.
sys.path.insert(0, str(Path(__file__).parent))

from devicectl import devicectl
from pymobiledevice3 import pymobiledevice3
from simctl import simctl
from state import ROOT, peek, say
from xcode import xcodebuild, xcodegen


def xcrun(words):
    match words:
        case ["--find", "devicectl"]:
            if not peek()["devicectl"]:
                say(
                    'xcrun: error: unable to find utility "devicectl", not a '
                    "developer tool or in PATH"
                )
                return 72
            print("/Applications/Xcode.app/Contents/Developer/usr/bin/devicectl")
            return 0
        case ["simctl", *rest]:
            return simctl(rest)
        case ["devicectl", *rest]:
            return devicectl(rest)
        case ["lipo", "-archs", program]:
            is_phone = Path(program).name.startswith("phone-")
            print("arm64" if is_phone else platform.machine())
            return 0
    say(f'xcrun: error: unable to find utility "{words[0]}", not a developer tool')
    return 72


TOOLS = {tool.__name__: tool for tool in (xcrun, xcodebuild, xcodegen, pymobiledevice3)}


def main():
    name, *words = sys.argv[1:]
    with (ROOT / "calls.jsonl").open("a") as file:
        file.write(json.dumps([time.time(), name, *words]) + "\n")
    slow_s = peek().get("slow_s", 0)
    if slow_s:
        time.sleep(slow_s)
    sys.exit(TOOLS[name](words))


if __name__ == "__main__":
    main()
