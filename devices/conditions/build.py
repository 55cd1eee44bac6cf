"""`getprop`: whether this is a sold phone's build, a debug build or an emulator."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pocketbench.bench.records.conditions import Build
from pocketbench.devices.conditions.reading import Reading, clean, nothing

if TYPE_CHECKING:
    from pocketbench.devices.conditions.section import Section

_LINE = re.compile(r"^\[(ro\.[\w.]+)\]: \[(.*)\]\s*$", re.M | re.A)
KEYS = (
    "[ro.build.fingerprint]",
    "[ro.build.type]",
    "[ro.debuggable]",
    "[ro.kernel.qemu]",
    "[ro.boot.qemu]",
    "[ro.hardware]",
)
"""What is picked out on the phone: the whole is up to 90 kB."""
_EMULATED_HARDWARE = frozenset(("goldfish", "ranchu", "cutf_cvm", "vbox86"))
_MOST = 200


def parse_build(section: Section) -> Reading[Build]:
    """Read the few properties; older builds lack some."""
    facts = dict(reversed(_LINE.findall(section.stdout)))
    if not facts:
        return nothing(section.reason)
    qemu = facts.get("ro.kernel.qemu") or facts.get("ro.boot.qemu")
    hardware = facts.get("ro.hardware")
    is_emulator = None
    if qemu or hardware:
        is_emulator = qemu == "1" or hardware in _EMULATED_HARDWARE
    is_debug = None
    if facts.get("ro.debuggable") in ("0", "1"):
        is_debug = facts["ro.debuggable"] == "1"
    elif facts.get("ro.build.type") in ("user", "userdebug", "eng"):
        is_debug = facts["ro.build.type"] != "user"
    fingerprint = clean(facts.get("ro.build.fingerprint", ""))[:_MOST] or None
    value = Build(fingerprint=fingerprint, is_emulator=is_emulator, is_debug=is_debug)
    names = ("fingerprint", "is_emulator", "is_debug")
    missing = {n: "not stated" for n in names if getattr(value, n) is None}
    return Reading(value, missing)
