"""What pocketbench adds to a launch: its wall time with a program that does nothing.

On the host against spawning the same program bare; on a simulated phone against one
bare `adb shell` of it, with the round trips counted at the phone's daemon. A launch
reads the device's conditions before and after; what one such reading costs is a row
of its own, against an `adb shell true`. Then the same with programs that print at once
what the prebuilt ones would: what the adapter of each costs, the sampling of its memory
and, on the phone, the reading of its log included.

Aim: host at most 20 ms above bare; phone at most 3 round trips and 100 ms above bare,
of which the sampler of memory takes at most 40 ms.
Run: python self_benchmarks/overhead.py
"""

from __future__ import annotations

import contextlib
import itertools
import shlex
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import answering
from paired import HEAD, in_turn

from pocketbench.android_runner.prebuilt.memory_sampled import Sampled
from pocketbench.android_runner.prebuilt.memory_wrapper import new_token, wrap
from pocketbench.bench import registry
from pocketbench.bench.measure.context import RunContext
from pocketbench.bench.measure.device_job import DeviceJob
from pocketbench.bench.measure.device_session import DeviceSession
from pocketbench.bench.measure.lease import CpuLease
from pocketbench.bench.measure.observer import Observer
from pocketbench.bench.measure.runner_binding import RunnerBinding
from pocketbench.bench.measure.store import Store
from pocketbench.bench.planning.selection import SelectedDevice
from pocketbench.bench.records.artifact import Artifact, ExportFacts
from pocketbench.bench.records.device import (
    Device,
    DeviceDriver,
    DeviceInfo,
    describe_local_file,
)
from pocketbench.bench.records.launch import Failure
from pocketbench.bench.records.plan import ModelRequest, Plan, RunnerChoice, Variant
from pocketbench.bench.records.runner import Command, Runner
from pocketbench.devices.android.adb.private_server import private_server
from pocketbench.devices.android.adb.program import find_adb
from pocketbench.devices.android.device import open_serial
from pocketbench.devices.simulated.driver import SimulatedDriver, connected
from pocketbench.devices.simulated.running import running_phone

PAIRS = 60
VARIANT = Variant(id="null", model="null", name="null", is_baseline=True)


class Opened:
    """A driver that hands out a device which is open already."""

    def __init__(self, device: Device) -> None:
        self._device = device

    def discover(self) -> tuple[DeviceInfo, ...]:
        return (self._device.info,)

    @contextlib.contextmanager
    def open(self, info: DeviceInfo, *, cancel: threading.Event) -> Iterator[Device]:
        yield self._device


class Strict(Observer):
    """Lets no failed launch be timed."""

    def launch_failed(self, info: DeviceInfo, failure: Failure) -> None:
        raise SystemExit(f"{failure.variant_id}: {failure.fact}")


def session_on(
    device: Device, folder: Path, given: RunnerChoice | None = None
) -> tuple[DeviceSession, list[str]]:
    """A prepared session, and the bare command line of the same launch.

    Of the null program, or of a given one without the sampler of its memory.
    """
    name = given.name if given else "null"
    choices = (given,) if given else ()
    runner: Runner = registry.load(registry.RUNNERS, "runner", name)(choices, print)
    program = runner.program(device.info)
    model_format = answering.FORMATS.get(name, "ptl")
    model = folder / f"model.{model_format}"
    model.write_bytes(b"nothing")
    sha256 = "a" * 64 if device.info.family == "host" else _sha256(model)
    item = describe_local_file(model, sha256=sha256)
    artifact = Artifact(
        model="null",
        variant="null",
        source=str(model),
        path=item.path,
        sha256=item.sha256,
        size_bytes=item.size_bytes,
        format=model_format,
        engine=name,
        precision="float32",
        inputs=(),
        bundled_input_count=1,
        operators=(),
        bytecode_version=None,
        export=ExportFacts(
            method="none",
            changed="nothing",
            weights="none",
            random_weights=False,
            seed=0,
            torch_version="none",
        ),
        output_error=None,
    )
    plan = Plan(
        models=(ModelRequest(name="null", source=str(model), variants=("null",)),),
        variants=(VARIANT,),
        device_selectors=(device.info.id,),
        workload=answering.WORKLOAD,
    )
    driver: DeviceDriver = Opened(device)
    job = DeviceJob(
        SelectedDevice(driver, device.info),
        [RunnerBinding(runner, program)],
        models={"null": (VARIANT,)},
        artifacts={("null", "null"): artifact},
    )
    store, lease = Store(folder / "run"), CpuLease(folder / "lease")
    run = RunContext(plan, store, lease, Strict(), threading.Event())
    session = DeviceSession(run, job)
    session.prepare(device)
    command = _bare(runner).command(session.ready(VARIANT).request)
    return session, list(command.argv)


def _bare(runner: Runner) -> Runner:
    """A prebuilt program's adapter without the sampler around it."""
    return runner.inner if isinstance(runner, Sampled) else runner


def sampled(argv: list[str], *, shell: str) -> list[str]:
    """The same command line behind the sampler of its memory."""
    command = wrap(Command(argv=tuple(argv)), token=new_token(), shell=shell)
    return list(command.argv)


def _sha256(path: Path) -> str:
    return subprocess.run(
        ["sha256sum", str(path)], capture_output=True, text=True, check=True
    ).stdout.split()[0]


def launches_of(session: DeviceSession, device: Device) -> Callable[[], None]:
    """A function that launches once more each time it is called."""
    numbers = itertools.count()

    def launch() -> None:
        session.launch(device, VARIANT, next(numbers), 0, 0)

    return launch


def on_the_host(folder: Path) -> None:
    """Print the host's rows."""
    driver = registry.load(registry.DEVICES, "device family", "host")()
    (info,) = driver.discover()

    def row(what: str, given: RunnerChoice | None) -> None:
        with driver.open(info, cancel=threading.Event()) as device:
            session, argv = session_on(device, emptied(folder / "job"), given)

            def bare() -> None:
                subprocess.run(argv, capture_output=True, check=True)

            ours = launches_of(session, device)
            print(in_turn(ours, bare, PAIRS).row(f"host: {what} / bare spawn"))
            if given is not None:
                wrapped = sampled(argv, shell="sh")

                def watched() -> None:
                    subprocess.run(wrapped, capture_output=True, check=True)

                paired = in_turn(watched, bare, PAIRS)
                print(paired.row(f"host: {what}, its memory sampled / bare spawn"))
            else:
                paired = in_turn(device.conditions, bare, PAIRS)
                print(paired.row("host: conditions / bare spawn"))

    row("null launch", None)
    for name, text in answering.ON_A_COMPUTER.items():
        row(
            name,
            answering.given(folder, name, text(), abi=info.abis[0], shell="/bin/sh"),
        )


def on_a_phone(folder: Path) -> None:
    """Print the phone's rows, and the round trips of a launch."""
    adb = find_adb()
    with (
        private_server(adb, folder / "adb") as server,
        running_phone("pixel-8", name="benchmark-overhead", root="host") as phone,
        connected(adb, server, phone.serial, device_id="phone"),
        open_serial(
            phone.serial,
            adb_host=server.host,
            adb_port=server.port,
            device_id="simulated:pixel-8",
            family="simulated",
            cancel=threading.Event(),
        ) as device,
    ):

        def shell(*argv: str) -> None:
            command = server.command(adb, "-s", phone.serial, "shell", *argv)
            subprocess.run(command, capture_output=True, check=True)

        def row(what: str, given: RunnerChoice | None) -> None:
            session, argv = session_on(device, emptied(folder / "job"), given)
            ours = launches_of(session, device)
            paired = in_turn(ours, lambda: shell(*argv), PAIRS)
            phone.ask("reset_statistics")
            for _ in range(10):
                ours()
            streams = phone.statistics()["streams"] / 10
            name = f"simulated phone: {what} / bare adb shell"
            print(paired.row(name), f"  {streams:g} round trips")
            if given is not None:
                wrapped = [shlex.quote(word) for word in sampled(argv, shell="sh")]
                paired = in_turn(lambda: shell(*wrapped), lambda: shell(*argv), PAIRS)
                name = f"simulated phone: {what}, its memory sampled / bare adb shell"
                print(paired.row(name))

        row("null launch", None)
        paired = in_turn(device.conditions, lambda: shell("true"), PAIRS)
        print(paired.row("simulated phone: conditions / adb shell true"))
        abi = device.info.abis[0]
        for name, text in answering.ON_A_PHONE.items():
            row(
                name,
                answering.given(folder, name, text(), abi=abi, shell="/system/bin/sh"),
            )


def emptied(folder: Path) -> Path:
    """A folder with nothing in it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def main() -> None:
    """Print the table."""
    print(HEAD)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "host").mkdir()
        on_the_host(Path(folder) / "host")
        if SimulatedDriver().discover()[0].state != "ready":
            print("simulated phone: not possible here")
            return
        (Path(folder) / "phone").mkdir()
        on_a_phone(Path(folder) / "phone")


if __name__ == "__main__":
    main()
