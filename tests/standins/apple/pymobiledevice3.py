# ruff: noqa: T201
"""Stands in for pymobiledevice3."""

import json
import shlex
import shutil
import uuid

from apps import container, install, installed
from processes import is_alive, launch, processes, terminate
from refused import Refused
from state import MARK, ROOT, peek, say


def pymobiledevice3(words):
    if words == ["usbmux", "list"]:
        print(json.dumps([usbmux_entry(item) for item in peek()["phones"]]))
        return 0
    udid = words[words.index("--udid") + 1]
    words = words[: words.index("--udid")]
    match words:
        case ["apps", "list"]:
            apps = {x.name: {"Path": (x / "url").read_text()} for x in installed(udid)}
            print(json.dumps(apps))
        case ["apps", "install", archive]:
            unpacked = ROOT / f"unpacked-{uuid.uuid4().hex}"
            shutil.unpack_archive(archive, unpacked, "zip")
            (app,) = (unpacked / "Payload").iterdir()
            for path in app.iterdir():
                path.chmod(0o755)
            install(udid, app)
        case ["apps", "push", bundle_id, source, target]:
            shutil.copyfile(source, container(udid, bundle_id).parent / target)
        case ["apps", "pull", bundle_id, source, target]:
            path = container(udid, bundle_id).parent / source
            if not path.is_file():
                say(f"AfcFileNotFoundError: {source}")
                return 1
            shutil.copyfile(path, target)
        case ["developer", "dvt", "launch", *options, reported]:
            values = dict(x.split("=", 1) for x in options if "=" in x)
            try:
                result, _ = launch(
                    udid,
                    {"--environment-variables": json.dumps(values)},
                    shlex.split(reported),
                )
            except Refused as refused:
                say(f"{refused.text} {json.dumps(refused.error)}")
                return 1
            print(f"Process launched with pid {result['process']['processIdentifier']}")
        case ["developer", "dvt", "is-running-pid", pid]:
            print(json.dumps(is_alive(int(pid))))
        case ["developer", "dvt", "kill", pid]:
            terminate(int(pid))
        case ["developer", "dvt", "pkill", "--bundle", _]:
            for process in processes(udid):
                terminate(process["processIdentifier"])
        case _:
            say(f"Error: No such command {words}")
            return 2
    return 0


def usbmux_entry(item):
    return {
        MARK: True,
        "BuildVersion": item["build"],
        "ConnectionType": "USB" if item["transport"] == "wired" else "Network",
        "DeviceClass": item.get("kind", "iPhone"),
        "DeviceName": item["name"],
        "Identifier": item["udid"],
        "ProductType": item["product"],
        "ProductVersion": item["os"],
        "UniqueDeviceID": item["udid"],
    }
