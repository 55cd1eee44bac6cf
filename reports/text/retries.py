"""What went wrong for a moment and was measured after all."""

from __future__ import annotations

from pocketbench.reports.text.phrases import counted, listed
from pocketbench.reports.view import View

TITLE = "Retries that succeeded"


def retry_lines(view: View) -> list[str]:
    """`Pixel 8 [SIMULATED]: 3 retries: device lost (2) and offline (1)`, per device."""
    lines = []
    found = view.summary.retries
    for device_id in dict.fromkeys(x.device_id for x in found):
        own = [x for x in found if x.device_id == device_id]
        number = counted(sum(x.times for x in own), "retry", "retries")
        reasons = [f"{x.reason.value.replace('_', ' ')} ({x.times})" for x in own]
        lines.append(f"{view.tagged(device_id)}: {number}: {listed(reasons)}")
    return lines
