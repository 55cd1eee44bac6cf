"""A simulated phone as its starter sees it: a process with a remote control."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

import pocketbench
from pocketbench.bench.errors import (
    DeviceUnavailableError,
    PocketbenchError,
    ToolMissingError,
    UsageError,
)
from pocketbench.bench.paths import working_folder
from pocketbench.bench.records.failure import FailureReason
from pocketbench.devices.simulated.profile import load

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pocketbench.bench.records.device import LocalFile
    from pocketbench.devices.simulated.phone.system_root import Root

_STOP_TIMEOUT_S = 10.0


class RunningPhone:
    """One phone that runs; ends with the process that started it."""

    def __init__(
        self, child: subprocess.Popen[bytes], ready: Mapping[str, Any]
    ) -> None:
        """Take the process and what it said when it was ready."""
        self.port: int = ready["port"]
        """On 127.0.0.1."""
        self.serial: str = ready["serial"]
        """What `adb connect` takes and `adb -s` knows it by."""
        self.serialno: str = ready["serialno"]
        """What the phone itself says, whatever it is reached by."""
        self.pid = child.pid
        self._child = child
        self._one_request = threading.Lock()

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._child.poll() is None

    def ask(self, what: str, **arguments: Any) -> Any:
        """Make a request of the phone's remote control; see `control.py`.

        Raises:
            ValueError: The phone does not know that.
        """
        assert self._child.stdin is not None
        with self._one_request:
            line = json.dumps({"do": what, **arguments}).encode() + b"\n"
            self._child.stdin.write(line)
            self._child.stdin.flush()
            answer = _read_line(self._child)
        if "error" in answer:
            raise ValueError(f"{what}: {answer['error']}")
        return answer["result"]

    def statistics(self) -> dict[str, Any]:
        """Streams opened and bytes moved since the last reset."""
        counted: dict[str, Any] = self.ask("statistics")
        return counted

    def stop(self) -> None:
        """Switch it off, and everything that runs on it."""
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        try:
            self._child.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            # Its init dies with it, and the kernel ends the rest.
            self._child.kill()
            self._child.wait()


@contextlib.contextmanager
def running_phone(
    profile: str,
    *,
    name: str | None = None,
    port: int = 0,
    preinstalled: Sequence[LocalFile] = (),
    behaviour: Mapping[str, Any] | None = None,
    changes: Sequence[str] = (),
    root: Root | None = None,
    system_image: Path | None = None,
    adb_keys: Sequence[Path] = (),
) -> Iterator[RunningPhone]:
    """Run a simulated phone until the context ends, or this process does.

    Args:
        profile: What it is modelled on: `pixel-8`.
        name: Whose file system it has; the profile's name unless given.
        port: On 127.0.0.1; 0 takes a free one that adb does not scan.
        preinstalled: Files to show in its object store without sending them.
        behaviour: What it does wrong from the start: fields of `Behaviour`.
        changes: What else is different from its profile; see `apply_changes`.
        root: What it shows of this computer; see `chosen_root`.
        system_image: A copy of a phone's `/system`, whose C library it then has.
        adb_keys: Public keys of adb servers that may connect, besides our own.

    Raises:
        UnknownNameError: There is no such profile.
        UsageError: A change makes no sense.
        ToolMissingError: This kernel allows no user namespaces.
        DeviceUnavailableError: A phone of this name runs already.
    """
    load(profile, changes)
    more = [f"--set={change}" for change in changes]
    more += ["--name", name] if name is not None else []
    more += [f"--adb-key={key}" for key in adb_keys]
    more += ["--root", root] if root is not None else []
    if system_image is not None:
        more += ["--system-image", str(system_image.resolve())]
    phone = _start(profile, port, preinstalled, behaviour, more)
    try:
        yield phone
    finally:
        phone.stop()


def _start(
    profile: str,
    port: int,
    preinstalled: Sequence[LocalFile],
    behaviour: Mapping[str, Any] | None,
    more: Sequence[str],
) -> RunningPhone:
    # -P: not what happens to lie in the current folder.
    argv = [sys.executable, "-P", "-m", "pocketbench.devices.simulated", profile]
    argv += [
        "--until-stdin-closes",
        f"--starter={os.getpid()}",
        "--port",
        str(port),
        "--behaviour",
        json.dumps(dict(behaviour or {})),
    ]
    argv += more
    with working_folder() as folder:
        if preinstalled:
            file = folder / "preinstalled.json"
            file.write_bytes(msgspec.json.encode(tuple(preinstalled)))
            argv += ["--preinstalled", str(file)]
        child = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": _import_path()},
            # Ctrl-C is its starter's to handle: what runs on it is ended first.
            start_new_session=True,
        )
        try:
            ready = _read_line(child)
            if "error" in ready:
                raise _error(ready["error"])
            return RunningPhone(child, ready)
        except BaseException:
            child.kill()
            child.communicate()
            raise


def _import_path() -> str:
    """Where `devices` was imported from, first: it may not be installed."""
    here = str(Path(pocketbench.__file__).parent.parent)
    there = os.environ.get("PYTHONPATH")
    return f"{here}{os.pathsep}{there}" if there else here


def _read_line(child: subprocess.Popen[bytes]) -> dict[str, Any]:
    assert child.stdout is not None
    line = child.stdout.readline()
    if not line:
        raise PocketbenchError(
            "simulated phone",
            f"it ended unexpectedly (exit code {child.wait()})",
            "See what it wrote above; please report it",
        )
    message: dict[str, Any] = json.loads(line)
    return message


def _error(words: Sequence[str]) -> PocketbenchError:
    """Make the phone's own error again on this side of the pipe."""
    kind, subject, fact, next_step = words
    if kind == DeviceUnavailableError.__name__:
        return DeviceUnavailableError(
            subject, fact, next_step, FailureReason.DEVICE_BUSY
        )
    usual = {known.__name__: known for known in (ToolMissingError, UsageError)}
    return usual.get(kind, PocketbenchError)(subject, fact, next_step)
