"""Every device of several families, usable or not."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from pocketbench.bench import registry
from pocketbench.bench.errors import PocketbenchError, ToolMissingError
from pocketbench.bench.planning.selection import SelectedDevice
from pocketbench.bench.records.families import FAMILIES


def discover(
    families: Iterable[str],
) -> tuple[list[SelectedDevice], list[PocketbenchError]]:
    """Discover devices of all families at once; also why some cannot be searched."""
    families = tuple(families)
    # Side by side: devicectl alone takes seconds to look around.
    with ThreadPoolExecutor(max_workers=len(families)) as pool:
        answers = list(pool.map(_discover_family, families))
    found: list[SelectedDevice] = []
    troubles: list[PocketbenchError] = []
    for family, answer in zip(families, answers, strict=True):
        if not isinstance(answer, PocketbenchError):
            found += answer
        elif not _is_expected(family, answer):
            troubles.append(answer)
    return found, troubles


def _discover_family(family: str) -> Sequence[SelectedDevice] | PocketbenchError:
    try:
        driver = registry.load(registry.DEVICES, "device family", family)()
        return [SelectedDevice(driver, info) for info in driver.discover()]
    except PocketbenchError as error:
        return error


def _is_expected(family: str, error: PocketbenchError) -> bool:
    """Apple's tools are absent on nearly every computer that is no Mac."""
    is_absent = isinstance(error, ToolMissingError)
    needs_macos = family in FAMILIES and FAMILIES[family].needs_macos
    return needs_macos and is_absent and sys.platform != "darwin"
