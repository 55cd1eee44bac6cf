"""The context that all parts of one run share."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from pocketbench.bench.measure.lease import CpuLease
from pocketbench.bench.measure.observer import Observer
from pocketbench.bench.measure.spacing import LaunchSpacing
from pocketbench.bench.measure.store import Store
from pocketbench.bench.records.plan import Plan


@dataclass(frozen=True, slots=True)
class RunContext:
    """One run: what is asked, where it is stored, who watches it and who stops it."""

    plan: Plan
    store: Store
    lease: CpuLease
    observer: Observer
    cancel: threading.Event
    """Set to stop: what runs on every device is ended, and finished launches stay."""
    spacing: LaunchSpacing = field(default_factory=LaunchSpacing)
