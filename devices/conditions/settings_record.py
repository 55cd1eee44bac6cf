"""The record, kept on the phone, of the settings pocketbench has changed there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pocketbench.devices.conditions.reading import Reading, nothing

if TYPE_CHECKING:
    from pocketbench.devices.conditions.section import Files

FOLDER = "/data/local/tmp/pocketbench"
PATH = f"{FOLDER}/settings"
"""`boot_id=...`, then `name=original value` written before each setting is changed."""
BOOT_ID = "/proc/sys/kernel/random/boot_id"
FIXED_PERFORMANCE = "fixed_performance"

_ENTRY = re.compile(r"^([a-z_.]{1,80})=([^\n]{0,200})$", re.M)


def parse_record(text: str) -> dict[str, str]:
    """The originals by name; the first entry of a name is the original."""
    entries: dict[str, str] = {}
    for name, value in _ENTRY.findall(text):
        entries.setdefault(name, value.rstrip("\r"))
    return entries


def parse_fixed_performance(files: Files) -> Reading[bool]:
    """Whether pocketbench has put the phone into fixed-performance mode.

    Android takes the mode and cannot be asked for it, so the answer is what this
    program has on record since the phone was started, and `None` where it has none.
    """
    entries = parse_record(files.texts.get(PATH, ""))
    if FIXED_PERFORMANCE not in entries:
        return nothing("Android cannot be asked, and pocketbench has not set it")
    boot_id = files.text(BOOT_ID)
    if boot_id and entries.get("boot_id", boot_id) != boot_id:
        return Reading(False, {})
    return Reading(True, {})
