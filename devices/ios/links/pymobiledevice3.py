"""An iPhone through pymobiledevice3, where there is no devicectl.

It is another program, installed by the user (its licence is the GPL): never imported.
"""

from __future__ import annotations

import json
import re
import shlex
import threading
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from pocketbench.bench.errors import Cancelled, DeviceError, LaunchError
from pocketbench.bench.paths import working_folder
from pocketbench.bench.records.failure import FailureReason
from pocketbench.devices.ios.failures import device_error, reason_of_words
from pocketbench.devices.ios.links.link import (
    RESULT_VARIABLE,
    RESULTS,
    App,
    await_result,
)
from pocketbench.devices.ios.tools import last_output_line, run_tool

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pocketbench.bench.records.device import CommandResult

_TIMEOUT_S = 60.0
_INSTALL_TIMEOUT_S = 600.0
_LAUNCHED = re.compile(rb"[Pp]rocess launched with pid (\d+)")


class Pymobiledevice3:
    """One phone; see `PhoneLink`."""

    def __init__(
        self, program: str, udid: str, device_id: str, cancel: threading.Event
    ) -> None:
        """Take the phone's UDID as usbmux lists it."""
        self._program = program
        self._udid = udid
        self._device_id = device_id
        self._cancel = cancel

    def installation(self, bundle_id: str) -> str | None:
        """Where the app lies, a path that each installation gets afresh."""
        done = self._call("apps", "list")
        try:
            apps = json.loads(done.stdout)
        except ValueError:
            self._fail(done)
        app: Any = apps.get(bundle_id) if isinstance(apps, dict) else None
        if not isinstance(app, dict):
            return None
        return str(app.get("Path") or app.get("Container") or bundle_id)

    def install(self, app: App) -> None:
        """Install or replace the app."""
        self._call(
            *("apps", "install", str(app.archive)),
            timeout_s=_INSTALL_TIMEOUT_S,
            is_push=True,
        )

    def copy_to(self, source: Path, bundle_id: str, target: str) -> None:
        """Copy a file into the app's container."""
        self._call(
            *("apps", "push", bundle_id, str(source), target),
            timeout_s=_INSTALL_TIMEOUT_S,
            is_push=True,
        )

    def launch(
        self,
        app: App,
        arguments: Sequence[str],
        *,
        env: Mapping[str, str],
        timeout_s: float,
    ) -> CommandResult:
        """Launch and wait for the result file."""
        deadline = time.monotonic() + timeout_s
        token = uuid.uuid4().hex
        parsed = {**env, RESULT_VARIABLE: token}
        try:
            done = self._call(
                *("developer", "dvt", "launch"),
                *(word for key in parsed for word in ("--env", f"{key}={parsed[key]}")),
                shlex.join((app.bundle_id, *arguments)),
            )
        except Cancelled:
            self._run_dvt("pkill", "--bundle", app.bundle_id)
            raise
        launched = _LAUNCHED.search(done.stdout)
        if launched is None:
            raise LaunchError(
                FailureReason.BAD_OUTPUT,
                self._device_id,
                "pymobiledevice3 does not say that it launched: "
                f"{last_output_line(done)}",
            )
        pid = launched[1].decode()
        return await_result(
            self._device_id,
            fetch=lambda: self._fetch(app, token),
            is_running=lambda: self._is_running(pid),
            stop=lambda: self._run_dvt("kill", pid),
            deadline=deadline,
            cancel=self._cancel,
        )

    def _fetch(self, app: App, token: str) -> bytes | None:
        with working_folder() as folder:
            target = folder / "result.jsonl"
            try:
                self._call(
                    *("apps", "pull", app.bundle_id),
                    *(f"{RESULTS}/{token}.jsonl", str(target)),
                )
            except DeviceError as error:
                if error.retryable:
                    raise
                return None
            return target.read_bytes() if target.is_file() else None

    def _is_running(self, pid: str) -> bool:
        done = self._call("developer", "dvt", "is-running-pid", pid)
        # A word of JSON.
        return done.stdout.strip().lower() == b"true"

    def _run_dvt(self, *words: str) -> None:
        """Do it whatever the cancel event says, and whatever comes of it."""
        run_tool(
            self._words("developer", "dvt", *words),
            subject=self._device_id,
            timeout_s=_TIMEOUT_S,
        )

    def _call(
        self, *words: str, timeout_s: float = _TIMEOUT_S, is_push: bool = False
    ) -> CommandResult:
        """Do one thing.

        Raises:
            DeviceError: It failed; in the tool's words.
            Cancelled: The cancel event was set.
        """
        done = run_tool(
            self._words(*words),
            subject=self._device_id,
            timeout_s=timeout_s,
            cancel=self._cancel,
        )
        if done.exit_code != 0:
            self._fail(done, is_push=is_push)
        return done

    def _words(self, *words: str) -> list[str]:
        return [self._program, *words, "--udid", self._udid]

    def _fail(self, done: CommandResult, *, is_push: bool = False) -> NoReturn:
        reason = reason_of_words(done.stderr.decode("utf-8", "replace"))
        raise device_error(
            self._device_id,
            reason,
            f"pymobiledevice3: {last_output_line(done)}",
            is_push=is_push,
        )


def list_phones(program: str) -> str:
    """What `pymobiledevice3 usbmux list` prints.

    Raises:
        DeviceError: It failed.
    """
    done = run_tool([program, "usbmux", "list"], subject="ios", timeout_s=_TIMEOUT_S)
    if done.exit_code != 0:
        raise device_error("ios", None, f"pymobiledevice3: {last_output_line(done)}")
    return done.stdout.decode("utf-8", "replace")
