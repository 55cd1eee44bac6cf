"""What a program that reaches iPhones can do, whichever it is."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple, Protocol

from pocketbench.bench.errors import Cancelled, LaunchError
from pocketbench.bench.records.device import CommandResult
from pocketbench.bench.records.failure import FailureReason

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

RESULT_VARIABLE = "POCKETBENCH_RESULT"
"""Names the result file of a launch to the app, which writes it under another name
first: it is there only when it is whole."""
RESULTS = "Documents/results"
POLL_S = 1.0


class App(NamedTuple):
    """An app as a file that can be installed."""

    bundle_id: str
    executable: str
    """The file name of its program, by which its process is found."""
    folder: Path
    """The unpacked `.app`."""
    archive: Path
    """The same as an `.ipa`."""


class PhoneLink(Protocol):
    """One phone through one tool; every method raises `DeviceError`."""

    def installation(self, bundle_id: str) -> str | None:
        """What identifies this installation of an app; `None`: not installed."""
        ...

    def install(self, app: App) -> None:
        """Install an app, or replace it; its files are kept."""
        ...

    def copy_to(self, source: Path, bundle_id: str, target: str) -> None:
        """Put a file into an app's container, at a path relative to it."""
        ...

    def launch(
        self,
        app: App,
        arguments: Sequence[str],
        *,
        env: Mapping[str, str],
        timeout_s: float,
    ) -> CommandResult:
        """Start an app afresh, wait for its end, and return what it printed.

        Raises:
            LaunchError: It ended without a result.
            Cancelled: The cancel event was set; the app is ended.
        """
        ...


def await_result(
    subject: str,
    *,
    fetch: Callable[[], bytes | None],
    is_running: Callable[[], bool],
    stop: Callable[[], None],
    deadline: float,
    cancel: threading.Event,
) -> CommandResult:
    """Wait for the result file of an app whose console cannot be read.

    Args:
        subject: For messages.
        fetch: Brings the finished file, or `None` while there is none.
        is_running: Whether the app's process is still there.
        stop: Ends that process.
        deadline: On `time.monotonic`.
        cancel: Stops the waiting and the app.

    Raises:
        LaunchError: The app ended and left no result.
        Cancelled: The event was set; the app is ended.
    """
    began_ns = time.perf_counter_ns()

    def ended(printed: bytes, *, is_whole: bool) -> CommandResult:
        return CommandResult(
            stdout=printed,
            stderr=b"",
            exit_code=0 if is_whole else None,
            timed_out=not is_whole,
            duration_ns=time.perf_counter_ns() - began_ns,
        )

    try:
        while True:
            # Asked before the file is fetched: it may be written in between.
            running = is_running()
            found = fetch()
            if found is not None:
                return ended(found, is_whole=True)
            if not running:
                raise LaunchError(
                    FailureReason.CRASHED,
                    subject,
                    "the app ended and left no result; the iPhone keeps its crash "
                    "report under Settings > Privacy & Security > Analytics & "
                    "Improvements",
                )
            if time.monotonic() >= deadline:
                stop()
                return ended(b"", is_whole=False)
            if cancel.wait(min(POLL_S, max(0.0, deadline - time.monotonic()))):
                raise Cancelled(subject, "stopped", "Its app was ended")
    except Cancelled:
        stop()
        raise
