"""How busy many phones are kept by one computer, and what that costs it.

Simulated phones on one adb server, each with LAUNCHES launches of a program that sleeps
and prints what the null program does; launch and reading of conditions take a second.
Counted is the time from the first phone's opening to the last one's end, and processor
time and memory of the pocketbench process and the adb programs it starts. Ideal is
LAUNCHES seconds for any number of phones. Beside it stands the share of what the
busiest phone itself spent on the commands, which its own late answers make longer. The
phones run on the same processor, and where they fill it the makespan is theirs and not
pocketbench's. With --remembered each phone runs its first
three launches and readings before, two phones at a time. Then it answers as the fastest
of them, a reading after 50 ms and a launch after 950: it costs this computer next to
nothing, like a real phone.
Aims: 64 phones at 95 % of the ideal, with one core and 500 MB at most.
Run: python -m self_benchmarks.fleet [--remembered] [--plot FILE] [PHONES ...]
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import click

from pocketbench.devices.android.adb.private_server import private_server
from pocketbench.devices.android.adb.program import find_adb
from pocketbench.devices.simulated.running import RunningPhone, running_phone
from tests.main_job.on_a_phone import PhoneJob, attach, model_file, sleeping_program

COUNTS = (1, 2, 4, 8, 16, 32, 64)
LAUNCHES, LAUNCH_S, READING_S = 100, 1.0, 0.05
REMEMBERED = {
    "rules": [
        {"contains": "T='@@", "action": "remember", "after_s": READING_S},
        {
            "contains": "'--model'",
            "action": "remember",
            "after_s": LAUNCH_S - READING_S,
        },
    ]
}
"""The two kinds of commands that a launch consists of."""
LEAST_SHARE, MOST_CORES, MOST_BYTES = 0.95, 1.0, 500e6


class Spent(NamedTuple):
    """What one run took."""

    phones: int
    wall_s: float
    cpu_s: float
    peak_bytes: int
    launches: int
    busiest_s: float = 0.0
    """What the busiest phone itself spent on commands."""

    @property
    def share(self) -> float:
        """Of the ideal makespan."""
        return LAUNCHES * LAUNCH_S / self.wall_s

    @property
    def phones_share(self) -> float:
        """Of the busiest phone's own time."""
        return self.busiest_s / self.wall_s

    @property
    def cores(self) -> float:
        """What pocketbench and its adb programs kept busy."""
        return self.cpu_s / self.wall_s


def warm(folder: Path, port: int, serial: str, program: Path) -> None:
    """Let one phone run what it answers from memory later."""
    folder = folder / serial.replace(":", "-")
    folder.mkdir()
    net = model_file(folder / "net.ptl", b"nothing")
    phone = SimpleNamespace(serial=serial)
    run = PhoneJob(folder, port).measures(phone, net, blocks=3, null=program)
    assert not run.failures, run.failures[0]


def measure(folder: Path, port: int, serials: list[str], program: Path) -> Spent:
    """One run on all phones; in a process of its own, which is counted whole."""
    job = PhoneJob(folder / f"run-{len(serials)}", port)
    first, *others = (SimpleNamespace(serial=serial) for serial in serials)
    net = model_file(folder / "net.ptl", b"nothing")
    began = time.monotonic()
    run = job.measures(first, net, others=others, blocks=LAUNCHES, null=program)
    wall_s = time.monotonic() - began
    assert not run.failures, run.failures[0]
    usages = [resource.getrusage(x) for x in (resource.RUSAGE_SELF, -1)]
    return Spent(
        len(serials),
        wall_s,
        sum(x.ru_utime + x.ru_stime for x in usages),
        usages[0].ru_maxrss * 1024,
        len(run.launches),
    )


def rows(
    counts: Sequence[int], folder: Path, program: Path, *, is_remembered: bool
) -> Iterator[Spent]:
    """Measure on so many phones, and print each row."""
    behaviour = REMEMBERED if is_remembered else None
    adb = find_adb()
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(private_server(adb, folder / "adb"))
        two = stack.enter_context(multiprocessing.get_context("spawn").Pool(2))
        serials: list[str] = []
        phones: list[RunningPhone] = []
        for count in sorted(counts):
            new = []
            for number in range(len(serials), count):
                name = f"fleet-{number}"
                starting = running_phone("pixel-8", name=name, behaviour=behaviour)
                phones.append(stack.enter_context(starting))
                new.append(phones[-1].serial)
                attach(new[-1], server, adb)
            if is_remembered:
                two.starmap(
                    warm, [(folder, server.port, x, program) for x in new], chunksize=1
                )
            serials += new
            for phone in phones:
                phone.ask("reset_statistics")
            load = os.getloadavg()[0]
            given = (folder, server.port, serials, program)
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                spent = pool.apply(measure, given)
            busiest_s = max(phone.statistics()["busy_s"] for phone in phones)
            spent = spent._replace(busiest_s=busiest_s)
            print(
                f"{count:4} phones: {spent.launches:5} launches in "
                f"{spent.wall_s:6.1f} s, {spent.share:5.1%} of the ideal, "
                f"{spent.phones_share:.1%} of the phones' own {spent.busiest_s:.1f} s; "
                f"pocketbench {spent.cores:.2f} cores, "
                f"{spent.peak_bytes / 1e6:.0f} MB (load before: {load:.1f})",
                flush=True,
            )
            yield spent


def draw(path: Path, rows: Sequence[Spent]) -> None:
    """Draw the share of the ideal and the cores over the number of phones."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3.2), layout="constrained")
    shares, cores = figure.subplots(1, 2)
    counts = [row.phones for row in rows]
    shares.plot(counts, [100 * row.share for row in rows], "o-")
    shares.axhline(100 * LEAST_SHARE, linestyle=":", color="gray")
    shares.set(ylabel="% of the ideal makespan", ylim=(0, 105))
    cores.plot(counts, [row.cores for row in rows], "o-")
    cores.axhline(MOST_CORES, linestyle=":", color="gray")
    cores.set(ylabel="cores of pocketbench and adb", ylim=(0, 1.1 * MOST_CORES))
    for axes in (shares, cores):
        axes.set(xlabel="phones", xscale="log", xticks=counts)
        axes.set_xticklabels([str(count) for count in counts])
        axes.minorticks_off()
    figure.savefig(path, dpi=110)


@click.command()
@click.argument("counts", type=int, nargs=-1)
@click.option("--remembered", is_flag=True, help="Answer what was answered before.")
@click.option("--plot", type=Path, help="Draw the rows into this file.")
def main(counts: tuple[int, ...], remembered: bool, plot: Path | None) -> None:
    """Print a row for each number of phones, and fail beyond the aims."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sleep_s = 0.0 if remembered else LAUNCH_S - READING_S
        program = sleeping_program(folder, sleep_s)
        os.environ |= {
            "HOME": name,
            "POCKETBENCH_STATE_DIR": f"{name}/state",
            "ADB_MDNS": "0",
        }
        done = list(rows(counts or COUNTS, folder, program, is_remembered=remembered))
    if plot is not None:
        draw(plot, done)
    if any(
        row.share < LEAST_SHARE or row.cores > MOST_CORES or row.peak_bytes > MOST_BYTES
        for row in done
    ):
        sys.exit("beyond the aims")


if __name__ == "__main__":
    main()
