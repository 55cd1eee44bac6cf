"""The main job's own parts, in this process, on one simulated phone."""

from __future__ import annotations

import hashlib
import subprocess
import threading
from pathlib import Path

from pocketbench.android_runner.build.toolchain import this_computer
from pocketbench.android_runner.own import NullRunner
from pocketbench.bench.measure.context import RunContext
from pocketbench.bench.measure.execute import measure, noting_the_end
from pocketbench.bench.measure.lease import CpuLease
from pocketbench.bench.measure.observer import Observer
from pocketbench.bench.measure.prepare import (
    claim_devices,
    early_failures,
    equip,
    make_jobs,
    make_runners,
)
from pocketbench.bench.measure.run_folder import read_run
from pocketbench.bench.measure.store import Store
from pocketbench.bench.planning.selection import SelectedDevice
from pocketbench.bench.records.artifact import Artifact
from pocketbench.bench.records.device import Claim
from pocketbench.bench.records.plan import (
    CooldownLimits,
    ModelRequest,
    Plan,
    RunnerChoice,
    Variant,
    Workload,
)
from pocketbench.devices.android.adb.program import AdbProgram
from pocketbench.devices.android.adb.server import AdbServer
from pocketbench.devices.android.driver import AndroidDriver
from pocketbench.devices.host import HostDriver
from tests import factories

ABI, _ = this_computer()
PRINTS_A_RESULT = (
    "echo 'Starting benchmark.'",
    "echo 'Running warmup runs.'",
    "echo 'Main runs.'",
    "echo 'Main run finished. Microseconds per iter: 2000. Iters per second: 500'",
)
"""What `speed_benchmark_torch` prints, as lines of a shell script."""


class PhoneJob:
    """Measures files on a phone with given programs, and reads the run back."""

    def __init__(self, folder: Path, server_port: int) -> None:
        """Keep the run in a folder; phones are those of an adb server."""
        self.folder = folder
        self.driver = AndroidDriver(host="127.0.0.1", port=server_port)

    def measures(
        self,
        phone,
        *models,
        timeout_s=60.0,
        blocks=1,
        others=(),
        spread=False,
        wait_s=0.0,
        **runners,
    ):
        """Run to the end: models are artifacts, runners are NAME=PATH or choices."""
        choices = [
            path
            if isinstance(path, RunnerChoice)
            else RunnerChoice(name=name, path=str(path), abi=ABI)
            for name, path in runners.items()
        ]
        plan = Plan(
            models=tuple(
                ModelRequest(name=model.model, source=model.path, variants=("as-is",))
                for model in models
            ),
            variants=tuple(
                Variant(id="as-is", model=model.model, name="as-is", is_baseline=True)
                for model in models
            ),
            device_selectors=(f"android:{phone.serial}",),
            workload=Workload(
                blocks=blocks, warmup_iterations=1, iterations=3, timeout_s=timeout_s
            ),
            quiesce=False,
            spread=spread,
            cooldown=CooldownLimits(is_on=False),
        )
        serials = tuple(x.serial for x in (phone, *others))
        selected = [
            SelectedDevice(self.driver, info)
            for info in self.driver.discover()
            if info.id.endswith(serials)
        ]
        assert len(selected) == len(serials)
        claim_devices(selected, Claim(run_id=self.folder.name, wait_s=wait_s))
        formats = frozenset(model.format for model in models)
        equipped = equip(
            selected, make_runners(choices, lambda text: None), formats=formats
        )
        artifacts = {(model.model, "as-is"): model for model in models}
        with Store(self.folder) as store:
            store.append(factories.started(plan))
            for failure in early_failures(plan, selected, {}):
                store.append(failure)
            lease = CpuLease(self.folder / "lease")
            run = RunContext(plan, store, lease, Observer(), threading.Event())
            with noting_the_end(store):
                measure(run, make_jobs(plan, equipped, artifacts))
        return read_run(self.folder)


def attach(serial: str, server: AdbServer, adb: AdbProgram) -> None:
    """Have an adb server list a phone of the network, and wait until it answers."""
    for words in (("connect", serial), ("-s", serial, "wait-for-device")):
        argv = server.command(adb, *words)
        subprocess.run(argv, check=True, capture_output=True)


def model_file(path: Path, content: bytes, *, name="net", **facts) -> Artifact:
    """A file as an artifact, with what an export would know of it."""
    path.write_bytes(content)
    return factories.artifact(
        "as-is",
        model=name,
        path=str(path),
        sha256=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
        **({"inputs": (), "operators": (), "output_error": None} | facts),
    )


def script(path: Path, *lines: str) -> Path:
    """A program for a phone's shell."""
    path.write_text("\n".join(["#!/system/bin/sh", *lines]) + "\n")
    path.chmod(0o755)
    return path


def sleeping_program(folder: Path, sleep_s: float) -> Path:
    """A program of a phone that sleeps, and then prints what the null program would.

    It takes no core of this computer, so any number of phones run it at once.
    """
    (info,) = HostDriver().discover()
    runner = NullRunner((), print)
    executable = runner.program(info).executable.path
    request = factories.launch_request(warmup_iterations=1, threads=1)
    argv = [executable, *runner.command(request).argv[1:]]
    answer = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    sleep = f'[ "$1" = --capabilities ] || sleep {sleep_s:g}'
    lines = [sleep, "cat <<'END'", *answer.splitlines(), "END"]
    return script(folder / "program", *lines)
