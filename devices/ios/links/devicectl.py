"""An iPhone through `xcrun devicectl`: its JSON only, its words never parsed first."""

from __future__ import annotations

import contextlib
import json
import re
import threading
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from pocketbench.bench.errors import Cancelled, DeviceError
from pocketbench.bench.paths import working_folder
from pocketbench.bench.records.device import CommandResult
from pocketbench.devices.ios.failures import (
    device_error,
    error_chain,
    reason_of,
    reason_of_words,
)
from pocketbench.devices.ios.links.link import (
    RESULT_VARIABLE,
    RESULTS,
    App,
    await_result,
)
from pocketbench.devices.ios.tools import last_output_line, run_tool

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_TIMEOUT_S = 60
_INSTALL_TIMEOUT_S = 600
_GRACE_S = 15.0
"""How much longer than the tool's own deadline we wait for the tool."""
_SEAL = b'{"end"'
_ENDED_BY_SIGNAL = re.compile(rb"App terminated due to signal (\d+)")
_NO_CONSOLE = re.compile(rb"[Uu]nknown option '--console'")
_NO_SUCH_PROCESS = ("NSPOSIXErrorDomain", 3)


class Devicectl:
    """One phone; see `PhoneLink`."""

    def __init__(
        self, xcrun: str, udid: str, device_id: str, cancel: threading.Event
    ) -> None:
        """Take the phone's UDID as devicectl lists it."""
        self._xcrun = xcrun
        self._udid = udid
        self._device_id = device_id
        self._cancel = cancel
        self._has_console = True

    def installation(self, bundle_id: str) -> str | None:
        """The URL that iOS gives each installation afresh."""
        found = self._call("info", "apps")
        for app in _list_of(found, "apps"):
            if app.get("bundleIdentifier") == bundle_id:
                return str(app.get("url") or app.get("bundleVersion") or bundle_id)
        return None

    def install(self, app: App) -> None:
        """Install or replace the app."""
        self._call(
            *("install", "app"),
            operands=(str(app.folder),),
            timeout_s=_INSTALL_TIMEOUT_S,
            is_push=True,
        )

    def copy_to(self, source: Path, bundle_id: str, target: str) -> None:
        """Copy a file into the app's data container."""
        self._call(
            *("copy", "to", *_container(bundle_id)),
            *("--source", str(source), "--destination", target),
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
        """Launch and read the console; before Xcode 16, the result file."""
        deadline = time.monotonic() + timeout_s
        token = uuid.uuid4().hex
        env = {**env, RESULT_VARIABLE: token}
        if self._has_console:
            done = self._launch_with_console(app, arguments, env, timeout_s)
            if done is not None:
                return self._complete(done, app, token)
            self._has_console = False
        return self._launch_with_file(app, arguments, env, token, deadline)

    def _launch_with_console(
        self,
        app: App,
        arguments: Sequence[str],
        env: Mapping[str, str],
        timeout_s: float,
    ) -> CommandResult | None:
        """`None` when this devicectl has no --console."""
        with _answer_file() as answer:
            try:
                done = run_tool(
                    self._words(
                        *("process", "launch", "--console", "--terminate-existing"),
                        *("--environment-variables", json.dumps(env)),
                        answer=answer,
                        operands=(app.bundle_id, *arguments),
                    ),
                    subject=self._device_id,
                    timeout_s=timeout_s,
                    cancel=self._cancel,
                )
            except Cancelled:
                self._end(app)
                raise
            if done.timed_out:
                # devicectl was killed and could not forward anything to the app.
                self._end(app)
                return _of_the_app(done)
            fields = _read(answer)
        if _NO_CONSOLE.search(done.stderr):
            return None
        ended = _ENDED_BY_SIGNAL.search(done.stdout + done.stderr)
        if ended:
            return _of_the_app(done, exit_code=None, signal=int(ended[1]))
        if _SEAL not in done.stdout and (done.exit_code != 0 or _error(fields)):
            self._fail(fields, done)
        return _of_the_app(done)

    def _complete(self, done: CommandResult, app: App, token: str) -> CommandResult:
        """Bring the result file when the console lost lines on its way."""
        if done.timed_out or done.exit_code != 0 or _SEAL in done.stdout:
            return done
        found = self._fetch(app, token)
        return done if found is None else msgspec.structs.replace(done, stdout=found)

    def _launch_with_file(
        self,
        app: App,
        arguments: Sequence[str],
        env: Mapping[str, str],
        token: str,
        deadline: float,
    ) -> CommandResult:
        try:
            began = self._call(
                *("process", "launch", "--terminate-existing"),
                *("--environment-variables", json.dumps(env)),
                operands=(app.bundle_id, *arguments),
            )
        except Cancelled:
            self._end(app)
            raise
        process = began.get("process")
        pid = process.get("processIdentifier") if isinstance(process, dict) else None
        return await_result(
            self._device_id,
            fetch=lambda: self._fetch(app, token),
            is_running=lambda: pid in self._processes(app),
            stop=lambda: self._end(app),
            deadline=deadline,
            cancel=self._cancel,
        )

    def _fetch(self, app: App, token: str) -> bytes | None:
        """The finished result file of a launch; `None` while there is none."""
        with working_folder() as folder:
            target = folder / "result.jsonl"
            try:
                self._call(
                    *("copy", "from", *_container(app.bundle_id)),
                    *("--source", f"{RESULTS}/{token}.jsonl"),
                    *("--destination", str(target)),
                )
            except DeviceError as error:
                if error.retryable:
                    raise
                return None
            return target.read_bytes() if target.is_file() else None

    def _processes(self, app: App) -> list[int]:
        """The process ids of the app, from the phone's list."""
        found = self._call("info", "processes", cancel=threading.Event())
        ending = f".app/{app.executable}"
        return [
            process["processIdentifier"]
            for process in _list_of(found, "runningProcesses")
            if str(process.get("executable", "")).endswith(ending)
            and isinstance(process.get("processIdentifier"), int)
        ]

    def _end(self, app: App) -> None:
        """Kill the app, if it still runs; the next launch would do so as well."""
        with contextlib.suppress(DeviceError):
            for pid in self._processes(app):
                self._call(
                    *("process", "terminate", "--pid", str(pid), "--kill"),
                    cancel=threading.Event(),
                )

    def _call(
        self,
        *words: str,
        operands: Sequence[str] = (),
        timeout_s: int = _TIMEOUT_S,
        is_push: bool = False,
        cancel: threading.Event | None = None,
    ) -> dict[str, Any]:
        """Do one thing and return the `result` of its JSON.

        Raises:
            DeviceError: With the phone's own reason.
            Cancelled: The cancel event was set.
        """
        with _answer_file() as answer:
            done = run_tool(
                self._words(
                    *(*words, "--timeout", str(timeout_s)),
                    answer=answer,
                    operands=operands,
                ),
                subject=self._device_id,
                timeout_s=timeout_s + _GRACE_S,
                cancel=cancel or self._cancel,
            )
            fields = _read(answer)
        result = fields.get("result")
        if _error(fields) is None and done.exit_code == 0 and isinstance(result, dict):
            return result
        error = _error(fields)
        if error and any(
            (domain, code) == _NO_SUCH_PROCESS for domain, code, _ in error_chain(error)
        ):
            return {}
        self._fail(fields, done, is_push=is_push)

    def _words(
        self, *words: str, answer: Path, operands: Sequence[str] = ()
    ) -> list[str]:
        # Operands last and bare: devicectl hands all that follows the bundle to the
        # app, options of the app's own included.
        return [
            *(self._xcrun, "devicectl", "device", *words),
            *("--device", self._udid, "--json-output", str(answer)),
            *operands,
        ]

    def _fail(
        self, fields: dict[str, Any], done: CommandResult, *, is_push: bool = False
    ) -> NoReturn:
        error = _error(fields)
        if error is not None:
            reason, fact = reason_of(error)
        else:
            fact = f"devicectl: {last_output_line(done)}"
            reason = reason_of_words(done.stderr.decode("utf-8", "replace"))
        raise device_error(self._device_id, reason, fact, is_push=is_push)


def list_devices(xcrun: str, *, timeout_s: int = 5) -> dict[str, Any]:
    """The result of `devicectl list devices`.

    Raises:
        DeviceError: It failed.
        ToolMissingError: This Xcode has no devicectl.
    """
    with _answer_file() as answer:
        done = run_tool(
            [
                *(xcrun, "devicectl", "list", "devices"),
                *("--timeout", str(timeout_s), "--json-output", str(answer)),
            ],
            subject="ios",
            timeout_s=timeout_s + _GRACE_S,
        )
        fields = _read(answer)
    result = fields.get("result")
    if _error(fields) is None and done.exit_code == 0 and isinstance(result, dict):
        return result
    error = _error(fields)
    fact = reason_of(error)[1] if error else f"devicectl: {last_output_line(done)}"
    raise device_error("ios", None, fact)


@contextlib.contextmanager
def _answer_file() -> Iterator[Path]:
    with working_folder() as folder:
        yield folder / "answer.json"


def _read(answer: Path) -> dict[str, Any]:
    try:
        fields = json.loads(answer.read_bytes())
    except (OSError, ValueError):
        return {}
    return fields if isinstance(fields, dict) else {}


def _error(fields: dict[str, Any]) -> dict[str, Any] | None:
    error = fields.get("error")
    return error if isinstance(error, dict) else None


def _list_of(result: dict[str, Any], key: str) -> list[dict[str, Any]]:
    found = result.get(key)
    return [x for x in found if isinstance(x, dict)] if isinstance(found, list) else []


def _container(bundle_id: str) -> tuple[str, ...]:
    return (
        *("--domain-type", "appDataContainer"),
        *("--domain-identifier", bundle_id),
    )


def _of_the_app(done: CommandResult, **changes: Any) -> CommandResult:
    """The result without the pid, which is devicectl's."""
    return msgspec.structs.replace(done, pid=None, **changes)
