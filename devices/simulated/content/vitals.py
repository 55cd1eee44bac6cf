"""The files that change while a phone runs: clocks, heat, charge, memory, energy."""

from __future__ import annotations

import shutil
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from pocketbench.devices.simulated import content
from pocketbench.devices.simulated.content import cpu
from pocketbench.devices.simulated.phone import rootfs

if TYPE_CHECKING:
    from pocketbench.devices.simulated.phone.processes import Process
    from pocketbench.devices.simulated.phone.state import State
    from pocketbench.devices.simulated.profile import Profile


class Vitals:
    """Keeps the changing files true to the phone's state and its past load.

    They are rewritten before a command starts, not while it runs.
    """

    def __init__(self, profile: Profile, state: State) -> None:
        """Start counting now; the clocks have idled since this computer booted."""
        self.state = state
        self._profile = profile
        self._running: list[Process] = []
        self._busy_s = 0.0
        self._counted_at_s = _uptime_s()
        self._clusters = tuple(c for c in profile.clusters if c.max_frequency_khz)
        self._seconds_at_khz = {
            cluster.cpus[0]: {cpu.idle_khz(cluster, state): self._counted_at_s}
            for cluster in self._clusters
        }
        self._hidden = tuple(content.unreadable(profile))
        self._written: dict[str, str] = {}

    def files(self) -> dict[str, str]:
        """All of them, by path below the root, as they are now."""
        self._count()
        return content.changing_files(
            self._profile,
            self.state,
            uptime_s=self._counted_at_s,
            busy_s=self._busy_s,
            seconds_at_khz=self._seconds_at_khz,
        )

    def refresh(self, root: Path = Path("/")) -> None:
        """Write those that have changed, on the phone's own file system."""
        for name, text in self.files().items():
            if self._written.get(name) == text or name.startswith(self._hidden):
                continue
            if name.startswith("proc/"):
                # Mounted over the kernel's file: it must stay the same one, and its
                # text has always the same length.
                place = root / rootfs.cover(name)
                place.chmod(0o644)
                place.write_text(text)
                place.chmod(0o444)
            else:
                rootfs.write(root / name, text)
            self._written[name] = text

    def started(self, process: Process) -> None:
        """Count the time of a command as load, from now on."""
        self._count()
        self._running.append(process)
        process.when_exited(self._count)

    def cap(self, capped_khz: dict[int, int]) -> None:
        """Cap clocks from now on, by the first core of each cluster."""
        self._count()
        self.state.capped_khz = capped_khz

    def restarted(self, root: Path = Path("/")) -> None:
        """Forget what the phone's commands were set to since it started."""
        self.state.boot_id = str(uuid.uuid4())
        notes = root / rootfs.RUN
        for entry in notes.iterdir():
            if entry.is_dir():
                shutil.rmtree(entry)
            else:
                entry.unlink()
        self.refresh(root)

    def _count(self) -> None:
        """Add the time since the last call to the clocks and the meters."""
        now_s = _uptime_s()
        passed_s = now_s - self._counted_at_s
        self._counted_at_s = now_s
        busy = bool(self._running)
        self._running = [process for process in self._running if process.is_running]
        if busy:
            self._busy_s += passed_s
        for cluster in self._clusters:
            at_khz = (cpu.cap_khz if busy else cpu.idle_khz)(cluster, self.state)
            seconds = self._seconds_at_khz[cluster.cpus[0]]
            seconds[at_khz] = seconds.get(at_khz, 0.0) + passed_s


def _uptime_s() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)
