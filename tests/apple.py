"""Fixtures: Apple's tools on the PATH, played by a stand-in that really runs programs.

Everything it lists is marked as replayed; see standins/apple/main.py.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pocketbench.android_runner.build.build import build_for_this_computer
from pocketbench.ios_runner.build.build import build_app

REPOSITORY = Path(__file__).parent.parent
TOOLS = REPOSITORY / "tests" / "standins" / "apple" / "main.py"
PHONE = {
    "udid": "00008199-000A11112222801E",
    "name": "Somebody's phone",
    "marketing": "iPhone 99 Pro",
    "product": "iPhone99,1",
    "os": "19.4",
    "build": "23Z99",
    "pairing": "paired",
    "mode": "enabled",
    "reach": "connected",
    "transport": "wired",
}
SIMULATOR = {
    "udid": "5A5A5A5A-0000-4444-8888-ABCDEFABCDEF",
    "name": "Bench",
    "runtime": "iOS-19-4",
    "state": "Shutdown",
}
TEAM = "ABCDE12345"


class Mac:
    """What the stand-in plays, and what it was asked."""

    phone_id = f"ios:{PHONE['udid']}"
    simulator_id = f"ios-simulator:{SIMULATOR['udid']}"

    def __init__(self, folder, bin_folder):
        self.folder = folder
        self.bin = bin_folder
        self.write(
            {
                "json_version": 3,
                "console": True,
                "devicectl": True,
                "phones": [dict(PHONE)],
                "simulators": [dict(SIMULATOR)],
                "programs": {},
                "app": None,
                "faults": [],
            }
        )

    def read(self):
        return json.loads((self.folder / "state.json").read_text())

    def write(self, state):
        partial = self.folder / "state.tests"
        partial.write_text(json.dumps(state))
        partial.replace(self.folder / "state.json")

    def change(self, **changed):
        self.write(self.read() | changed)

    def change_phone(self, **changed):
        self.change(phones=[PHONE | changed])

    def change_simulator(self, **changed):
        self.change(simulators=[SIMULATOR | changed])

    def plan(self, at, what, **more):
        """Let something go wrong at the next such call, or the one `in=N` later."""
        state = self.read()
        state["faults"].append({"at": at, "what": what, **more})
        self.write(state)

    def calls(self, *words):
        """Every call so far that has these words in it."""
        path = self.folder / "calls.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        found = [json.loads(line)[1:] for line in lines]
        return [call for call in found if set(words) <= set(call)]

    def remove(self, *tools):
        for tool in tools:
            (self.bin / tool).unlink()

    def has(self, engine="null"):
        """Build the app and the simulator's program with `runner build`'s own code."""
        built = build_for_this_computer(engine, lambda text: None)
        state = self.read()
        state["programs"][engine] = built.program
        state["app"] = str(standin_app())
        self.write(state)
        runtime = self.folder / "runtime"
        (runtime / "include").mkdir(parents=True, exist_ok=True)
        (runtime / "lib").mkdir(exist_ok=True)
        (runtime / "lib" / "libtorch_cpu.a").touch()
        for platform in ("ios", "ios-simulator"):
            build_app(
                platform,
                engine,
                team=TEAM,
                runtime=runtime,
                progress=lambda text: None,
            )

    def is_quiet(self):
        """Whether everything has ended; a killed process takes a moment to go."""
        until = time.monotonic() + 60
        while self.running() and time.monotonic() < until:
            time.sleep(0.01)
        return not self.running()

    def running(self):
        """Process ids of programs that outlived the tool that started them."""
        done = subprocess.run(
            ["ps", "-axww", "-o", "pid=,args="], capture_output=True, text=True
        )
        mine = (str(self.folder), str(Path(os.environ["POCKETBENCH_STATE_DIR"])))
        found = []
        for line in done.stdout.splitlines():
            pid, _, args = line.strip().partition(" ")
            if args.lstrip().startswith(mine):
                found.append(int(pid))
        return found


def standin_app():
    """The portable part of the app, compiled for this computer once."""
    sources = [
        REPOSITORY / "tests/ios_runner/native/standin_app.cpp",
        REPOSITORY / "ios_runner/native/app.cpp",
        REPOSITORY / "android_runner/native/sha256.cpp",
        REPOSITORY / "android_runner/native/runner_protocol.cpp",
    ]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources))
    cache = Path(os.environ["POCKETBENCH_CACHE_DIR"]) / "test-programs"
    program = cache / f"standin-app-{digest.hexdigest()[:16]}"
    if not program.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        partial = program.with_suffix(f".{os.getpid()}")
        subprocess.run(
            [
                *("c++", "-std=c++20", "-O1", "-Wall", "-Wextra", "-Wconversion"),
                "-Werror",
                f"-I{REPOSITORY / 'ios_runner/native'}",
                f"-I{REPOSITORY / 'android_runner/native'}",
                *map(str, sources),
                *("-o", str(partial)),
            ],
            check=True,
        )
        partial.replace(program)
    return program


def _cache_without_apps(folder):
    """A cache of the test's own, so that no other sees its apps; the rest is shared."""
    shared = Path(os.environ["POCKETBENCH_CACHE_DIR"])
    own = folder / "cache"
    own.mkdir()
    for name in ("runners", "exports", "test-programs"):
        (shared / name).mkdir(parents=True, exist_ok=True)
        (own / name).symlink_to(shared / name)
    return own


@pytest.fixture
def mac(tmp_path, monkeypatch):
    """Apple's tools at the front of the PATH, and an empty state of their own."""
    folder, bin_folder = tmp_path / "mac", tmp_path / "mac-bin"
    folder.mkdir()
    bin_folder.mkdir()
    for tool in ("xcrun", "xcodebuild", "xcodegen", "pymobiledevice3"):
        script = bin_folder / tool
        # Without site packages it starts in a fraction of the time.
        script.write_text(
            f'#!/bin/sh\nexec "{sys.executable}" -I -S "{TOOLS}" {tool} "$@"\n'
        )
        script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{bin_folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("POCKETBENCH_STAND_IN", str(folder))
    monkeypatch.setenv("POCKETBENCH_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setattr("pocketbench.devices.ios.links.link.POLL_S", 0.05)
    monkeypatch.setenv("POCKETBENCH_CACHE_DIR", str(_cache_without_apps(tmp_path)))
    mac = Mac(folder, bin_folder)
    yield mac
    for pid in mac.running():
        os.kill(pid, signal.SIGKILL)
