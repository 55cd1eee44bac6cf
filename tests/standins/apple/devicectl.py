"""Stands in for devicectl."""

import json
import sys
from pathlib import Path

from apps import app_entry, copy_from, copy_to, install, installed
from phones import check_reachable, phone
from processes import launch, processes, terminate
from refused import CORE_DEVICE, Refused
from state import fault, peek, say

FLAGS = {"--console", "--terminate-existing", "--kill", "--quiet"}


def devicectl(words):
    names, options, operands = parse(words)
    answer = Path(options["--json-output"])
    try:
        result, code = command(names, options, operands)
    except Refused as refused:
        write(answer, names, words, error=refused.error)
        say(f"ERROR: {refused.text}")
        return 1
    write(answer, names, words, result=result)
    return code


def parse(words):
    names, options, operands = [], {}, []
    rest = list(words)
    while rest and not rest[0].startswith("-"):
        names.append(rest.pop(0))
    while rest and rest[0].startswith("-"):
        name = rest.pop(0)
        if name in FLAGS:
            options[name] = True
        else:
            options[name] = rest.pop(0)
    operands = rest
    return tuple(names), options, operands


def command(names, options, operands):
    if names == ("list", "devices"):
        what = fault("list", None)
        if what:
            raise Refused(CORE_DEVICE, 10002, "Failed to list devices")
        listing = [phone(item, peek()["json_version"]) for item in peek()["phones"]]
        return ({"devices": listing} if listing else {}), 0
    udid = options["--device"]
    check_reachable(udid)
    match names:
        case ("device", "info", "apps"):
            return {"apps": [app_entry(udid, x) for x in installed(udid)]}, 0
        case ("device", "install", "app"):
            return install(udid, Path(operands[0]))
        case ("device", "copy", "to"):
            return copy_to(udid, options)
        case ("device", "copy", "from"):
            return copy_from(udid, options)
        case ("device", "process", "launch"):
            return launch(udid, options, operands)
        case ("device", "info", "processes"):
            return {"runningProcesses": processes(udid)}, 0
        case ("device", "process", "terminate"):
            return terminate(int(options["--pid"]))
    say(f"Error: Unexpected argument '{' '.join(names)}'")
    sys.exit(64)


def write(answer, names, words, **outcome):
    version = min(peek()["json_version"], 5)
    document = {
        "info": {
            "arguments": ["devicectl", *words],
            "commandType": ".".join(("devicectl", *names)),
            "environment": {"TERM": "dumb"},
            "jsonVersion": version,
            "outcome": "failed" if "error" in outcome else "success",
            "version": "stand-in",
        },
        **outcome,
    }
    answer.write_text(json.dumps(document, indent=1))
