# ruff: noqa: T201
"""Stands in for xcrun, xcodebuild, xcodegen and pymobiledevice3 on any computer.

It answers in the shapes that the real tools answer in, says in each listing that it is
a stand-in, and really runs the programs it is asked to run. What there is, and what is
to go wrong, stands in the folder that POCKETBENCH_STAND_IN names:

    state.json    phones, simulators, the JSON version, faults
    calls.jsonl   every call, as it came
"""

import fcntl
import json
import os
import platform
import plistlib
import shlex
import shutil
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

MARK = "pocketbenchStandIn"
ROOT = Path(os.environ["POCKETBENCH_STAND_IN"])
FLAGS = {"--console", "--terminate-existing", "--kill", "--quiet", "--include-all-apps"}
CORE_DEVICE = "com.apple.dt.CoreDeviceError"
SIM_ERROR = (
    "An error was encountered processing the command "
    "(domain=com.apple.CoreSimulator.SimError, code=405):\n"
)


class State:
    """state.json, read and written under a lock."""

    def __enter__(self):
        self._file = (ROOT / "state.json").open("r+")
        fcntl.flock(self._file, fcntl.LOCK_EX)
        self.now = json.load(self._file)
        return self.now

    def __exit__(self, *error):
        self._file.seek(0)
        self._file.truncate()
        json.dump(self.now, self._file, indent=1)
        self._file.close()


def peek():
    with State() as state:
        return state


def fault(kind, udid):
    """The fault that is due at this call, if any: each is for the n-th call."""
    with State() as state:
        for planned in state["faults"]:
            if planned["at"] == kind and planned.get("udid", udid) == udid:
                planned["in"] = planned.get("in", 0) - 1
                if planned["in"] < 0:
                    if not planned.get("always"):
                        state["faults"].remove(planned)
                    return planned["what"]
    return None


# --- simctl -------------------------------------------------------------------------


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
    told = {
        k.removeprefix(prefix): v for k, v in os.environ.items() if k.startswith(prefix)
    }
    argv = [program, *arguments]
    if what == "hang":
        argv = [sys.executable, "-c", "import time; time.sleep(600)"]
    child = subprocess.Popen(
        [program, *argv[1:]] if what == "hang" else argv,
        executable=argv[0],
        env=told or None,
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


# --- devicectl ----------------------------------------------------------------------


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


class Refused(Exception):
    """devicectl's answer when it could not."""

    def __init__(self, domain, code, text, under=None):
        super().__init__(text)
        self.text = text
        info = {"NSLocalizedDescription": {"string": text}}
        if under is not None:
            info["NSUnderlyingError"] = {"error": under.error}
        self.error = {"domain": domain, "code": code, "userInfo": info}


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


def check_reachable(udid):
    found = next((x for x in peek()["phones"] if x["udid"] == udid), None)
    if found is None or found["reach"] == "unavailable":
        raise Refused(
            CORE_DEVICE, 1000, f"The specified device was not found. (Name: {udid})"
        )


def phone(item, version):
    """One phone, in the old layout, the new one, or both as version 5 has them."""
    hardware = {
        "deviceType": item.get("kind", "iPhone"),
        "marketingName": item["marketing"],
        "platform": item.get("platform", "iOS"),
        "productType": item["product"],
        "reality": item.get("reality", "physical"),
        "udid": item["udid"],
        "cpuType": {"name": "arm64e", "subType": 2, "type": 16777228},
    }
    entry = {
        MARK: True,
        "capabilities": [],
        "identifier": f"00000000-{item['udid'][:4]}-0000-0000-000000000000",
        "visibilityClass": "default",
    }
    old = {
        "connectionProperties": {
            "pairingState": item["pairing"],
            "transportType": item["transport"],
            "tunnelState": item["reach"],
        },
        "deviceProperties": {
            "name": item["name"],
            "osBuildUpdate": item["build"],
            "osVersionNumber": item["os"],
            "developerModeStatus": item["mode"],
            "ddiServicesAvailable": item["reach"] == "connected",
        },
        "hardwareProperties": hardware,
        "tags": [],
    }
    new = {
        "properties": {
            "connection": {
                "pairingState": item["pairing"],
                "state": item["reach"],
                "transportType": item["transport"],
            },
            "hardware": hardware,
            "software": {
                "osBuildVersions": {"buildVersion": {"name": item["build"]}},
                "osVersionNumber": {"stringValue": item["os"]},
            },
            "state": {
                "bootState": "booted",
                "developerModeStatus": {item["mode"]: {}},
                "name": item["name"],
            },
        }
    }
    if version < 5:
        return entry | old
    return entry | new | ({} if version > 5 else old)


def installed(udid):
    folder = ROOT / "phones" / udid / "apps"
    return sorted(folder.iterdir()) if folder.is_dir() else []


def app_entry(udid, folder):
    return {
        "bundleIdentifier": folder.name,
        "name": folder.name,
        "url": (folder / "url").read_text(),
    }


def install(udid, app):
    what = fault("install", udid)
    if what == "disk full":
        raise Refused(
            CORE_DEVICE,
            3002,
            "Failed to install the app on the device.",
            Refused("NSPOSIXErrorDomain", 28, "No space left on device"),
        )
    if what == "not signed":
        raise Refused(
            CORE_DEVICE,
            3002,
            "Failed to install the app on the device.",
            Refused(
                "MIInstallerErrorDomain",
                13,
                "A valid provisioning profile for this "
                "executable was not found. 0xe8008015",
            ),
        )
    if what == "developer mode":
        raise Refused(CORE_DEVICE, 10005, "Developer Mode is disabled on the device.")
    facts = plistlib.loads((app / "Info.plist").read_bytes())
    folder = ROOT / "phones" / udid / "apps" / facts["CFBundleIdentifier"]
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(app, folder / app.name)
    url = (
        f"file:///private/var/containers/Bundle/Application/{uuid.uuid4()}/{app.name}/"
    )
    (folder / "url").write_text(url)
    container(udid, folder.name).mkdir(parents=True, exist_ok=True)
    return {
        "installedApplications": [
            {"bundleID": facts["CFBundleIdentifier"], "installationURL": url}
        ]
    }, 0


def container(udid, bundle_id):
    return ROOT / "phones" / udid / "containers" / bundle_id / "Documents"


def copy_to(udid, options):
    what = fault("copy", udid)
    if what == "tunnel lost":
        raise lost()
    target = container(udid, options["--domain-identifier"]).parent
    shutil.copyfile(options["--source"], target / options["--destination"])
    if what == "garble":
        with (target / options["--destination"]).open("ab") as file:
            file.write(b"!")
    return {}, 0


def copy_from(udid, options):
    source = container(udid, options["--domain-identifier"]).parent
    try:
        shutil.copyfile(source / options["--source"], options["--destination"])
    except FileNotFoundError:
        raise Refused(CORE_DEVICE, 7000, "The specified file does not exist.") from None
    return {}, 0


def lost():
    return Refused(
        CORE_DEVICE,
        4,
        "The tunnel connection failed while the system tried to connect to the device.",
    )


def launch(udid, options, operands):
    bundle_id, *arguments = operands
    if "--console" in options and not peek()["console"]:
        say("Error: Unknown option '--console'")
        sys.exit(64)
    measures = not {"--objects", "--conditions"} & set(arguments)
    what = fault("launch", udid) if measures else None
    what = what or fault("any launch", udid)
    if what == "locked":
        raise Refused(
            CORE_DEVICE,
            10002,
            "The application failed to launch.",
            Refused(
                "FBSOpenApplicationServiceErrorDomain",
                1,
                f"The request was denied by service delegate for reason: Locked "
                f'("Unable to launch {bundle_id} because the device was not, or could '
                'not be, unlocked").',
                Refused("FBSOpenApplicationErrorDomain", 7, "Locked"),
            ),
        )
    if what == "untrusted":
        raise Refused(
            CORE_DEVICE,
            10002,
            "The application failed to launch.",
            Refused("FBSOpenApplicationErrorDomain", 3, "Security"),
        )
    if what == "tunnel lost":
        raise lost()
    if what == "deleted":
        shutil.rmtree(ROOT / "phones" / udid / "apps" / bundle_id)
    folder = ROOT / "phones" / udid / "apps" / bundle_id
    if not folder.is_dir():
        refused = Refused(
            CORE_DEVICE,
            10002,
            f"The requested application {bundle_id} is not installed.",
        )
        refused.error["userInfo"]["NSUnderlyingError"] = {
            "error": {"code": -10814, "domain": "NSOSStatusErrorDomain"}
        }
        raise refused
    for process in processes(udid):
        os.kill(process["processIdentifier"], signal.SIGKILL)
    (app,) = folder.glob("*.app")
    facts = plistlib.loads((app / "Info.plist").read_bytes())
    program = app / facts["CFBundleExecutable"]
    argv = [str(program), *arguments]
    if what == "hang":
        argv = [str(program), "600"]
        program = shutil.which("sleep")
    environment = {
        **os.environ,
        **json.loads(options["--environment-variables"]),
        "HOME": str(container(udid, bundle_id).parent),
    }
    is_console = "--console" in options
    where = None if is_console else subprocess.DEVNULL
    if is_console:
        print(f"Launched application with {bundle_id} bundle identifier.", flush=True)
    running = ROOT / "phones" / udid / "running"
    running.mkdir(exist_ok=True)
    name = f"file:///private/var/containers/{app.name}/{facts['CFBundleExecutable']}"
    # The phone's process, not ours: it outlives whoever started it.
    child = subprocess.Popen(
        argv,
        executable=program,
        env=environment,
        start_new_session=True,
        cwd="/",
        # From the child itself: we may be killed the moment it has started.
        preexec_fn=lambda: (running / str(os.getpid())).write_text(name),  # noqa: PLW1509
        stdin=subprocess.DEVNULL,
        stdout=where,
        stderr=where,
    )
    if what == "kill":
        child.send_signal(signal.SIGKILL)
    if not is_console:
        return {"process": {"executable": name, "processIdentifier": child.pid}}, 0
    code = child.wait()
    if code < 0:
        print(f"App terminated due to signal {-code}.", flush=True)
        return {}, 1
    return {"process": {"executable": name}}, code


def processes(udid):
    folder = ROOT / "phones" / udid / "running"
    found = []
    for path in folder.iterdir() if folder.is_dir() else ():
        if is_alive(int(path.name)):
            found.append(
                {
                    "executable": path.read_text(),
                    "processIdentifier": int(path.name),
                }
            )
        else:
            path.unlink(missing_ok=True)
    return found


def is_alive(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def terminate(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        raise Refused("NSPOSIXErrorDomain", 3, "No such process") from None
    return {}, 0


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


# --- pymobiledevice3 ----------------------------------------------------------------


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
        case ["developer", "dvt", "launch", *options, told]:
            values = dict(x.split("=", 1) for x in options if "=" in x)
            try:
                result, _ = launch(
                    udid,
                    {"--environment-variables": json.dumps(values)},
                    shlex.split(told),
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


# --- xcodebuild, xcodegen, lipo -----------------------------------------------------


def xcodebuild(words):
    if words == ["-version"]:
        print("a stand-in for Xcode 16.0\nBuild version 0")
        return 0
    if fault("xcodebuild", None):
        print("PocketbenchApp.swift:1:1: error: no such module 'UIKit'")
        print("** BUILD FAILED **")
        return 65
    settings = dict(
        word.split("=", 1)
        for word in words
        if word[:1] != "-" and "=" in word and word.split("=")[0].isupper()
    )
    scheme = words[words.index("-scheme") + 1]
    kind, _, engine = scheme.partition("-")
    if not Path("Pocketbench.xcodeproj").is_file():
        print("xcodebuild: error: 'Pocketbench.xcodeproj' does not exist.")
        return 66
    sdk = "iphoneos" if kind == "phone" else "iphonesimulator"
    derived = Path(words[words.index("-derivedDataPath") + 1])
    app = derived / "Build" / "Products" / f"Release-{sdk}" / f"{scheme}.app"
    app.mkdir(parents=True)
    measures = peek()["programs"][engine]
    if kind == "simulator":
        shutil.copy2(measures, app / scheme)
        return 0
    shutil.copy2(peek()["app"], app / scheme)
    (app / "measures-with").write_text(measures)
    (app / "settings.json").write_text(json.dumps(settings))
    bundle_id = f"{settings['POCKETBENCH_BUNDLE_ID']}.{engine}"
    (app / "Info.plist").write_bytes(
        plistlib.dumps({"CFBundleIdentifier": bundle_id, "CFBundleExecutable": scheme})
    )
    return 0


def xcodegen(words):
    for name in ("project.yml", "bridge.mm", "PocketbenchApp.swift"):
        if not Path(name).is_file():
            say(f"No project spec found: {name}")
            return 1
    Path("Pocketbench.xcodeproj").touch()
    return 0


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


def say(text):
    print(text, file=sys.stderr, flush=True)


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
