"""Wait for a part's turn on a phone that other runs of the lab use."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from pocketbench.bench.lab.part import run_of
from pocketbench.bench.units import format_span

if TYPE_CHECKING:
    from pocketbench.bench.lab.client import Lab, Phone
    from pocketbench.bench.records.device import Claim

_SAY_AFTER_S = 2.0
"""A free phone's part has begun by then."""


class Turn:
    """Waits until a part begins, and asks what is in its way when that takes long."""

    def __init__(
        self,
        lab: Lab,
        phone: Phone,
        key: str,
        *,
        claim: Claim,
        note: Callable[[str], None],
    ) -> None:
        """Begin to wait, for as long as the claim says; 0: until it is its turn."""
        self._lab, self._phone, self._key, self._note = lab, phone, key, note
        self._wait_s = claim.wait_s
        self._began = time.monotonic()
        self._is_said = False
        self.is_over = False
        """Whether the part has begun."""

    def holder_after_wait(self) -> str | None:
        """The run that still uses the phone after the claim's wait, else `None`.

        Notes once which run is waited for.
        """
        if self.is_over:
            return None
        waited_s = time.monotonic() - self._began
        is_enough = 0 < self._wait_s <= waited_s
        if not is_enough and (self._is_said or waited_s < _SAY_AFTER_S):
            return None
        # A part that nobody holds up is only slow to begin.
        key = self._lab.part_on(self._phone)
        if key in (None, self._key):
            return None
        holder = f"run {run_of(key)}"
        if not is_enough:
            self._is_said = True
            limit = f" up to {format_span(self._wait_s)}" if self._wait_s else ""
            self._note(f"waiting{limit} for {holder}")
            return None
        return holder
