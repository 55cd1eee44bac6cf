"""What pocketbench adds to a launch: its wall time with a program that does nothing.

On the host against spawning the same program bare; on a simulated phone against one
bare `adb shell` of it, with the round trips counted at the phone's daemon. A launch
reads the device's conditions before and after; what one such reading costs is a row
of its own, against an `adb shell true`.

Aim: host at most 20 ms above bare; phone at most 3 round trips and 100 ms above bare.
Run: python benchmarks/overhead.py
"""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from paired import HEAD, in_turn

from bench import registry
from bench.artifact import Artifact, ExportFacts
from bench.device import Device, DeviceDriver, DeviceInfo, local_object
from bench.measure.lease import CpuLease
from bench.measure.observer import Observer
from bench.measure.session import Session, Task
from bench.measure.store import Store
from bench.measure.tool import Tool
from bench.plan import ModelRequest, Plan, Variant, Workload
from bench.selection import Selected
from devices.adb_private_server import private_server
from devices.adb_program import find_adb
from devices.android_device import open_serial
from devices.simulated.driver import SimulatedDriver, connected
from devices.simulated.running import running_phone

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


def session_on(device: Device, folder: Path) -> tuple[Session, list[str]]:
    """A prepared session, and the bare command line of the same launch."""
    runner = registry.load(registry.RUNNERS, "runner", "null")((), print)
    model = folder / "model.ptl"
    model.write_bytes(b"nothing")
    sha256 = "a" * 64 if device.info.family == "host" else _sha256(model)
    item = local_object(model, sha256=sha256)
    artifact = Artifact(
        model="null",
        variant="null",
        source=str(model),
        path=item.path,
        sha256=item.sha256,
        size_bytes=item.size_bytes,
        format="ptl",
        engine="null",
        precision="float32",
        inputs=(),
        bundled_input_count=0,
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
        workload=Workload(blocks=1),
    )
    driver: DeviceDriver = Opened(device)
    task = Task(
        Selected(driver, device.info),
        [Tool(runner, runner.program(device.info))],
        models={"null": (VARIANT,)},
        artifacts={("null", "null"): artifact},
    )
    session = Session(
        task,
        plan,
        store=Store(folder / "run"),
        lease=CpuLease(folder / "lease"),
        observer=Observer(),
        cancel=threading.Event(),
    )
    session.prepare(device)
    command = runner.command(session.request(VARIANT, artifact))
    return session, list(command.argv)


def _sha256(path: Path) -> str:
    return subprocess.run(
        ["sha256sum", str(path)], capture_output=True, text=True, check=True
    ).stdout.split()[0]


def on_the_host(folder: Path) -> None:
    """Print one row."""
    driver = registry.load(registry.DEVICES, "device family", "host")()
    (info,) = driver.discover()
    with driver.open(info, cancel=threading.Event()) as device:
        session, argv = session_on(device, folder)
        launched = 0

        def ours() -> None:
            nonlocal launched
            assert session.launch(device, VARIANT, launched, 0, 0)
            launched += 1

        def bare() -> None:
            subprocess.run(argv, capture_output=True, check=True)

        print(in_turn(ours, bare, PAIRS).row("host: launch / bare spawn"))
        print(
            in_turn(device.conditions, bare, PAIRS).row("host: conditions / bare spawn")
        )


def on_a_phone(folder: Path) -> None:
    """Print one row, and the round trips of a launch."""
    adb = find_adb()
    with (
        private_server(adb, folder / "adb") as server,
        running_phone("pixel-8", name="benchmark-overhead") as phone,
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
        session, argv = session_on(device, folder)
        launched = 0

        def ours() -> None:
            nonlocal launched
            assert session.launch(device, VARIANT, launched, 0, 0)
            launched += 1

        def bare() -> None:
            command = server.command(adb, "-s", phone.serial, "shell", *argv)
            subprocess.run(command, capture_output=True, check=True)

        def nothing() -> None:
            command = server.command(adb, "-s", phone.serial, "shell", "true")
            subprocess.run(command, capture_output=True, check=True)

        print(
            in_turn(ours, bare, PAIRS).row("simulated phone: launch / bare adb shell")
        )
        print(
            in_turn(device.conditions, nothing, PAIRS).row(
                "simulated phone: conditions / adb shell true"
            )
        )
        phone.ask("reset_statistics")
        for _ in range(10):
            ours()
        opened = phone.statistics()["streams"]
        print(f"round trips (streams opened at the phone) a launch: {opened / 10:g}")


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
