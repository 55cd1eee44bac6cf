# ruff: noqa: T201
"""Apps that run: launched, listed, ended."""

import json
import os
import plistlib
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from apps import container
from refused import CORE_DEVICE, Refused, lost
from state import ROOT, fault, peek, say


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
    if what in ("hang", "kill"):
        # What is killed must not have ended before by itself.
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
