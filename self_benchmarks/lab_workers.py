"""How much more a lab of four hosts measures than one of them.

Each host is a worker with an adb server and PHONES simulated phones of its own; all are
on this computer, and so are the scheduler and the command that asks. Every phone
measures LAUNCHES launches of a program that sleeps a second. It runs three while the
others rest, and answers the rest from memory (see fleet.py). Timed is the whole
`pocketbench run --lab`; one host and four take turns.
Aim: four hosts measure at least 3.6 times as many launches per second as one.
Run: python -m self_benchmarks.lab_workers [TIMES]
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from pocketbench.devices.android.adb.private_server import private_server
from pocketbench.devices.android.adb.program import find_adb
from pocketbench.devices.simulated.running import running_phone
from self_benchmarks.fleet import LAUNCH_S, LAUNCHES, REMEMBERED
from tests.main_job.on_a_phone import ABI, attach, sleeping_program

HOSTS, PHONES, TIMES = 4, 8, 3
LEAST_SPEEDUP = 3.6
PROGRAM = Path(sys.executable).with_name("pocketbench")


@contextlib.contextmanager
def scheduler(folder: Path) -> Iterator[str]:
    """A scheduler's address."""
    file = folder / "scheduler.json"
    argv = [
        *(sys.executable, "-m", "distributed.cli.dask_scheduler"),
        *("--host", "127.0.0.1", "--port", "0", "--no-dashboard"),
        *("--scheduler-file", str(file)),
    ]
    with subprocess.Popen(argv, stderr=subprocess.DEVNULL) as process:
        while not (file.exists() and file.read_text().endswith("}")):
            time.sleep(0.1)
        try:
            yield json.loads(file.read_text())["address"]
        finally:
            process.terminate()


@contextlib.contextmanager
def host(folder: Path, name: str, address: str) -> Iterator[tuple[str, ...]]:
    """The serials of a worker's phones, which it has announced."""
    adb = find_adb()
    serials = []
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(private_server(adb, folder / f"adb-{name}"))
        for number in range(PHONES):
            phone = stack.enter_context(
                running_phone("pixel-8", name=f"{name}-{number}", behaviour=REMEMBERED)
            )
            serials.append(phone.serial)
            attach(phone.serial, server, adb)
        environment = {
            "ANDROID_ADB_SERVER_PORT": str(server.port),
            "POCKETBENCH_STATE_DIR": str(folder / name / "state"),
            "POCKETBENCH_CACHE_DIR": str(folder / name / "cache"),
        }
        worker = subprocess.Popen(
            [PROGRAM, "lab", "worker", address, "--name", name],
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert worker.stdout is not None
        print(worker.stdout.readline().strip(), flush=True)
        try:
            yield tuple(serials)
        finally:
            worker.terminate()
            worker.wait()


def export(folder: Path) -> Path:
    """A small model's file."""
    (folder / "nets.py").write_text("import torch\nnet = torch.nn.Linear(4, 2).eval\n")
    argv = [PROGRAM, "export", "nets:net", "--input", "1x4", "--variant", "float32"]
    subprocess.run(argv, check=True, cwd=folder, stdout=subprocess.DEVNULL)
    return folder / "net-float32.ptl"


def seconds(
    net: Path, program: Path, address: str, *words: str, launches: int = LAUNCHES
) -> float:
    """How long one run on phones of the lab takes; all launches are stored."""
    argv = [
        *(PROGRAM, "run", net, "--input", "1x4", "--no-cooldown", "--lab", address),
        *("--blocks", str(launches), "--runner", f"null={program}@{ABI}"),
    ]
    began = time.monotonic()
    quiet = subprocess.DEVNULL
    subprocess.run([*argv, *words], check=True, cwd=net.parent, stdout=quiet)
    return time.monotonic() - began


def main() -> None:
    """Print the figures, and fail beyond the aim."""
    times = int(sys.argv[1]) if sys.argv[1:] else TIMES
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        os.environ |= {
            "HOME": str(folder),
            "POCKETBENCH_STATE_DIR": str(folder / "state"),
            "ADB_MDNS": "0",
        }
        labs = []
        net = export(folder)
        program = sleeping_program(folder, LAUNCH_S)
        for count in (1, HOSTS):
            place = folder / str(count)
            place.mkdir()
            labs.append(stack.enter_context(scheduler(place)))
            for number in range(count):
                name = f"lab-{count}-{number}"
                for serial in stack.enter_context(host(place, name, labs[-1])):
                    alone = ("--device", f"android:{serial}")
                    seconds(net, program, labs[-1], *alone, launches=3)
        ratios = []
        for _ in range(times):
            one_s, all_s = (seconds(net, program, address) for address in labs)
            ratios.append(HOSTS * one_s / all_s)
            print(
                f"{PHONES * LAUNCHES} launches on 1 host: {one_s:.1f} s; "
                f"{HOSTS * PHONES * LAUNCHES} on {HOSTS}: {all_s:.1f} s; "
                f"{ratios[-1]:.2f}x",
                flush=True,
            )
    if median(ratios) < LEAST_SPEEDUP:
        sys.exit("beyond the aim")


if __name__ == "__main__":
    main()
