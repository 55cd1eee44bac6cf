"""Keep the launches of many phones from falling into step."""

from __future__ import annotations

import threading

_GAP_S = 0.012
_SPREAD_S = 0.75
"""Over which all phones begin at most, however many there are."""


class LaunchSpacing:
    """Gives launches on different devices moments that lie apart.

    Launches of equal length that end together begin together again. Each then waits for
    this computer's work for all others, every time; with 64 phones that was 20 to
    160 ms a launch, and spread out it is 10 to 15 ms.
    """

    def __init__(self) -> None:
        """Know no device yet."""
        self._lock = threading.Lock()
        self._devices: set[str] = set()
        self._next = 0.0

    def delay_s(self, device_id: str, now: float) -> float:
        """How long a device's next launch shall wait; 0 where it is the only device.

        Args:
            device_id: Whose launch is about to begin.
            now: In `time.monotonic()` seconds.
        """
        with self._lock:
            self._devices.add(device_id)
            if len(self._devices) == 1:
                return 0.0
            begins = max(now, self._next)
            self._next = begins + min(_GAP_S, _SPREAD_S / len(self._devices))
            return begins - now
