"""What a process's own files say of its memory: status and smaps_rollup."""

from __future__ import annotations

import re

from pocketbench.bench.records.conditions import Missing
from pocketbench.bench.records.record import Value

_LINE = re.compile(r"^([A-Za-z_]+):[ \t]*([0-9]{1,11}) kB[ \t\r]*$", re.M | re.A)


class SmapsRollup(Value, frozen=True, kw_only=True, omit_defaults=True):
    """/proc/PID/smaps_rollup (kernel 4.14, so most phones from Android 10 on)."""

    rss_bytes: int
    pss_bytes: int
    """Shared pages count by their share: what the process really costs."""
    pss_anonymous_bytes: int | None = None
    """The split is there since kernel 5.9."""
    pss_file_bytes: int | None = None
    pss_shared_memory_bytes: int | None = None
    swap_pss_bytes: int | None = None
    """Compressed or written out, by share; not part of the PSS."""


class ProcessStatus(Value, frozen=True, kw_only=True, omit_defaults=True):
    """The memory lines of /proc/PID/status."""

    peak_rss_bytes: int | None = None
    rss_bytes: int | None = None
    swap_bytes: int | None = None
    rss_anonymous_bytes: int | None = None
    rss_file_bytes: int | None = None


def parse_smaps_rollup(text: str) -> SmapsRollup | Missing:
    """Read the sums; the file is readable for processes of one's own user only."""
    facts = _facts(text)
    if "Rss" not in facts or "Pss" not in facts:
        words = text.strip().partition("\n")[0][:120]
        return Missing(reason=words or "smaps_rollup is empty or not there")
    return SmapsRollup(
        rss_bytes=facts["Rss"],
        pss_bytes=facts["Pss"],
        pss_anonymous_bytes=facts.get("Pss_Anon"),
        pss_file_bytes=facts.get("Pss_File"),
        pss_shared_memory_bytes=facts.get("Pss_Shmem"),
        swap_pss_bytes=facts.get("SwapPss"),
    )


def parse_status(text: str) -> ProcessStatus | Missing:
    """Read the memory lines; a process that has ended has none."""
    facts = _facts(text)
    status = ProcessStatus(
        peak_rss_bytes=facts.get("VmHWM"),
        rss_bytes=facts.get("VmRSS"),
        swap_bytes=facts.get("VmSwap"),
        rss_anonymous_bytes=facts.get("RssAnon"),
        rss_file_bytes=facts.get("RssFile"),
    )
    if status.peak_rss_bytes is None and status.rss_bytes is None:
        return Missing(reason="no memory lines in the process's status")
    return status


def _facts(text: str) -> dict[str, int]:
    """Sizes in bytes by name; the first line of a name counts."""
    facts: dict[str, int] = {}
    for name, kib in _LINE.findall(text):
        facts.setdefault(name, int(kib) * 1024)
    return facts
