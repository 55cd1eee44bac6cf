"""The phone's system log: what Android itself writes there when a program ends badly.

Programs append to the same file, which `logcat` prints; see system_bin/log.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

from pocketbench.devices.simulated.phone import rootfs
from pocketbench.devices.simulated.phone.translator import abi_of

if TYPE_CHECKING:
    from pocketbench.devices.simulated.profile import Profile

_LOG = Path("/", rootfs.RUN, "log")

_CRASHES = frozenset(
    {
        signal.SIGABRT,
        signal.SIGBUS,
        signal.SIGFPE,
        signal.SIGILL,
        signal.SIGSEGV,
        signal.SIGSYS,
        signal.SIGTRAP,
    }
)
"""What Android's debuggerd writes a tombstone for."""

_ABI_WORDS = {"arm64-v8a": "arm64", "armeabi-v7a": "arm"}
_STARS = " ".join(["***"] * 16)
_WATERMARK = "low watermark is breached and swap is low"


class SystemLog:
    """Writes as the phone's own services do."""

    def __init__(self, profile: Profile) -> None:
        """Take what a tombstone says about the phone."""
        self._fingerprint = profile.identity.fingerprint
        self._abi = _ABI_WORDS.get(abi_of(profile), abi_of(profile))

    def ended(self, pid: int, number: int) -> None:
        """Write a tombstone for a process that a signal has ended, if it is a crash.

        The process is dead and not yet waited for: of what a tombstone holds, neither
        the address nor the backtrace can be known any more, and neither is made up.
        """
        if number not in _CRASHES:
            return
        name = _name_of(pid)
        parsed = f"signal {number} ({signal.Signals(number).name})"
        self._write(
            "F",
            "libc",
            pid,
            f"Fatal {parsed}, code ---, fault addr --------"
            f" in tid {pid} ({name}), pid {pid} ({name})",
        )
        dumper = os.getpid()
        kind = "obtaining output fd from tombstoned, type: kDebuggerdTombstone"
        self._write("I", "crash_dump64", dumper, kind)
        for line in (
            _STARS,
            f"Build fingerprint: '{self._fingerprint}'",
            f"ABI: '{self._abi}'",
            f"Cmdline: {name}",
            f"pid: {pid}, tid: {pid}, name: {name}  >>> {name} <<<",
            "uid: 2000",
            f"{parsed}, code --- (---), fault addr --------",
        ):
            self._write("F", "DEBUG", dumper, line)

    def killed_for_memory(self, pid: int) -> None:
        """Write what lmkd does of a process that it is about to kill."""
        name, rss_kb = _name_of(pid), _rss_kb(pid)
        self._write(
            "I",
            "lowmemorykiller",
            os.getpid(),
            f"Kill '{name}' ({pid}), uid 2000, oom_score_adj 905 to free {rss_kb}kB "
            f"rss, 0kB swap; reason: {_WATERMARK} (0kB < 389076kB)",
        )

    @staticmethod
    def _write(level: str, tag: str, pid: int, text: str) -> None:
        now = time.time()
        at = time.strftime("%m-%d %H:%M:%S", time.gmtime(now))
        milliseconds = int(now % 1 * 1000)
        with _LOG.open("a") as log:
            log.write(
                f"{at}.{milliseconds:03} {pid:5} {pid:5} {level} {tag:<8}: {text}\n"
            )


def _name_of(pid: int) -> str:
    return _proc(pid, "comm").strip() or "unknown"


def _rss_kb(pid: int) -> int:
    for line in _proc(pid, "status").splitlines():
        key, _, value = line.partition(":")
        if key == "VmRSS":
            return int(value.split()[0])
    return 0


def _proc(pid: int, name: str) -> str:
    try:
        # In a container that allows no /proc of its own, ids are another's.
        if os.readlink("/proc/self") != str(os.getpid()):
            return ""
        return Path(f"/proc/{pid}/{name}").read_text()
    except OSError:
        return ""
