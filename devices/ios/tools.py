"""The programs that reach Apple devices: found by name, run to a deadline."""

from __future__ import annotations

import contextlib
import json
import logging
import shutil
import sys
import threading
from typing import TYPE_CHECKING, Any

from pocketbench.bench.errors import ToolMissingError
from pocketbench.bench.processes.child import run_child

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pocketbench.bench.records.device import CommandResult

logger = logging.getLogger(__name__)

STAND_IN_MARK = "pocketbenchStandIn"
"""The key by which a stand-in for one of these programs says that it is one."""

_NO_SUCH_UTILITY = 72
"""xcrun's own exit code for a tool that this Xcode does not have (sysexits, OSFILE)."""


def find_xcrun() -> str:
    """Where xcrun is.

    Raises:
        ToolMissingError: It is not there; says what to install.
    """
    found = shutil.which("xcrun")
    if found is None:
        raise ToolMissingError(
            "xcrun",
            "not found, and iOS simulators exist only on a Mac with Xcode",
            "On a Mac, install Xcode and open it once",
        )
    return found


def find_pymobiledevice3() -> str:
    """Where pymobiledevice3 is, which reaches iPhones without Xcode.

    Raises:
        ToolMissingError: It is not there; says what to install.
    """
    found = shutil.which("pymobiledevice3")
    if found is None:
        instead = (
            "Install Xcode 15 or newer and open it once, or "
            if sys.platform == "darwin"
            else "Install it: "
        )
        raise ToolMissingError(
            "pymobiledevice3",
            "not found, and without Xcode nothing else reaches an iPhone",
            f"{instead}`pipx install pymobiledevice3`",
        )
    return found


def run_tool(
    argv: Sequence[str],
    *,
    subject: str,
    timeout_s: float,
    cancel: threading.Event | None = None,
    env: Mapping[str, str] | None = None,
) -> CommandResult:
    """Run a tool to its end or its deadline.

    Raises:
        Cancelled: The event was set; the tool is dead.
        ToolMissingError: xcrun does not know the utility: there is no Xcode.
    """
    logger.debug("%s: %s", subject, list(argv))
    done = run_child(
        argv,
        timeout_s=timeout_s,
        env=env,
        cancel=cancel or threading.Event(),
        subject=subject,
    )
    words = done.stderr.decode("utf-8", "replace")
    if done.exit_code == _NO_SUCH_UTILITY and "unable to find utility" in words:
        raise ToolMissingError(
            f"xcrun {argv[1]}",
            "not in the chosen developer tools",
            "Install Xcode, open it once, and choose it: "
            "`sudo xcode-select -s /Applications/Xcode.app`",
        )
    return done


def json_objects(text: str) -> Iterator[dict[str, Any]]:
    """The JSON objects among the lines of a text; other lines are passed over."""
    for line in text.splitlines():
        if line.startswith("{"):
            with contextlib.suppress(ValueError):
                found = json.loads(line)
                if isinstance(found, dict):
                    yield found


def last_output_line(done: CommandResult) -> str:
    """The last line a tool said, its errors first."""
    for output in (done.stderr, done.stdout):
        lines = output.decode("utf-8", "replace").strip().splitlines()
        if lines:
            return lines[-1].strip().rstrip(".")
    if done.timed_out:
        return "no answer within the time given"
    return f"exit code {done.exit_code}, without a word"
