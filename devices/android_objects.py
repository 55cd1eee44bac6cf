"""Files on a phone, kept by the sha256 of their content and sent only once.

    /data/local/tmp/pocketbench/objects/<sha256>/<name>
                                                /.verified       or  .preinstalled
                               /incoming/       what is being sent

A file gets its final name and its marker only after the phone has hashed it, so an
interrupted push leaves nothing that a later one could take for whole.
"""

from __future__ import annotations

import hashlib
import logging
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bench.device import InstalledObject
from bench.errors import DeviceError, PushError
from bench.failure import FailureReason
from bench.units import format_size
from devices.adb_errors import lost, push_failed
from devices.adb_push import adb_push
from devices.local_file import check_unchanged
from devices.object_scripts import (
    ACCEPT,
    EMPTY_INCOMING,
    INCOMING,
    LOOK_UP,
    MARKERS,
    NO_FOLDER,
    OBJECTS,
    Found,
    parse_look_up,
)
from devices.shell_quoting import quote

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator, Sequence

    from bench.device import CommandResult, LocalObject
    from devices.adb_shell import AdbShell

logger = logging.getLogger(__name__)

_SHELL_TIMEOUT_S = 30.0
_SLOWEST_HASH_BYTES_PER_S = 20e6
_FIRST_API_WITH_SHA256SUM = 26
_ARGUMENTS_BYTES = 150
"""What a file adds to a command line besides its name; a bit more than it does."""


class PhoneObjects:
    """The object store of one phone."""

    def __init__(
        self,
        shell: AdbShell,
        push_command: Sequence[str],
        *,
        device_id: str,
        api_level: int | None,
        cancel: threading.Event,
        progress: Callable[[str], None] | None,
    ) -> None:
        """Take what an opened phone holds.

        Args:
            shell: Runs our scripts.
            push_command: The adb program with its server and phone.
            device_id: For errors.
            api_level: Android's; tells whether the phone has sha256sum.
            cancel: Ends a push.
            progress: Told in one line what is about to be sent.
        """
        self._shell = shell
        self._push_command = push_command
        self._device_id = device_id
        self._api_level = api_level
        self._cancel = cancel
        self._progress = progress

    def put(self, objects: Sequence[LocalObject]) -> tuple[InstalledObject, ...]:
        """Make all of them be there; one round trip when they already are.

        Raises:
            PushError: With the phone's own reason.
            DeviceLostError: The phone went away; nothing half sent is taken for whole.
            Cancelled: The cancel event was set.
        """
        for wanted in objects:
            self._check_name(wanted)
        found = {
            wanted: origin
            for batch in self._batches(list(dict.fromkeys(objects)), LOOK_UP)
            for wanted, origin in zip(batch, self._look_up(batch), strict=True)
        }
        missing = [wanted for wanted, origin in found.items() if origin == "missing"]
        if missing:
            self._send(missing)
        return tuple(_installed(wanted, found[wanted]) for wanted in objects)

    def _check_name(self, wanted: LocalObject) -> None:
        name = wanted.name
        if name in ("", ".", "..", *MARKERS) or "/" in name or "\0" in name:
            raise PushError(
                self._device_id,
                f"{wanted.path}: {name!r} cannot be a file's name on a phone",
                "Rename the file",
                FailureReason.PUSH_FAILED,
            )

    def _look_up(self, objects: Sequence[LocalObject]) -> list[Found]:
        """What the phone has of these, in one round trip."""
        done = self._script(
            LOOK_UP, [f"{wanted.sha256}/{wanted.name}" for wanted in objects]
        )
        found = parse_look_up(
            done.stdout.decode(errors="replace"),
            [(wanted.size_bytes, wanted.executable) for wanted in objects],
        )
        if done.exit_code == NO_FOLDER or found is None:
            raise self._failed(done)
        return found

    def _send(self, objects: Sequence[LocalObject]) -> None:
        """Send what is missing in one go, then let the phone hash it."""
        for wanted in objects:
            check_unchanged(self._device_id, wanted)
        size_bytes = sum(wanted.size_bytes for wanted in objects)
        if self._progress is not None:
            files = "1 file" if len(objects) == 1 else f"{len(objects)} files"
            self._progress(
                f"{self._device_id}: pushing {files}, {format_size(size_bytes)}"
            )
        self._empty_incoming()
        # Links give every file a name that is unique and needs no quoting anywhere.
        with tempfile.TemporaryDirectory(prefix="pocketbench-push-") as folder:
            links = [Path(folder) / str(number) for number in range(len(objects))]
            for link, wanted in zip(links, objects, strict=True):
                link.symlink_to(Path(wanted.path).absolute())
            try:
                adb_push(
                    self._push_command,
                    links,
                    f"{INCOMING}/",
                    size_bytes=size_bytes,
                    device_id=self._device_id,
                    cancel=self._cancel,
                )
                for batch in self._batches(objects, ACCEPT):
                    self._accept(batch, first=objects.index(batch[0]))
            except PushError:
                self._give_room_back()
                raise

    def _accept(self, sent: Sequence[LocalObject], *, first: int) -> None:
        """Verify, name and mark files that have arrived."""
        arguments = [
            word
            for number, wanted in enumerate(sent, first)
            for word in (
                str(number),
                wanted.sha256,
                wanted.name,
                self._md5(wanted),
                str(wanted.size_bytes),
                "755" if wanted.executable else "644",
            )
        ]
        size_bytes = sum(wanted.size_bytes for wanted in sent)
        done = self._script(
            ACCEPT,
            arguments,
            timeout_s=_SHELL_TIMEOUT_S + size_bytes / _SLOWEST_HASH_BYTES_PER_S,
        )
        lines = done.stdout.decode(errors="replace").splitlines()
        for wanted, line in zip(sent, lines, strict=False):
            verdict, _, how = line.partition(" ")
            if verdict == "bad":
                raise PushError(
                    self._device_id,
                    f"{wanted.name} did not arrive as it was sent ({how.strip()})",
                    "Check the cable and the phone's storage, and that the file does "
                    "not change meanwhile",
                    FailureReason.PUSH_FAILED,
                )
            if verdict != "ok":
                raise self._failed(done)
            logger.info("%s: %s verified by %s", self._device_id, wanted.name, how)
        if len(lines) < len(sent):
            raise self._failed(done)

    def _md5(self, wanted: LocalObject) -> str:
        """For phones whose shell may have no sha256sum; `-` for the others."""
        if (self._api_level or 0) >= _FIRST_API_WITH_SHA256SUM:
            return "-"
        with open(wanted.path, "rb") as file:
            return hashlib.file_digest(file, "md5").hexdigest()

    def _empty_incoming(self) -> None:
        done = self._script(EMPTY_INCOMING, [])
        if done.exit_code != 0:
            raise self._failed(done)

    def _give_room_back(self) -> None:
        try:
            self._empty_incoming()
        except DeviceError as error:
            logger.debug("%s: incoming files stay: %s", self._device_id, error)

    def _script(
        self, script: str, arguments: Sequence[str], timeout_s: float = _SHELL_TIMEOUT_S
    ) -> CommandResult:
        done = self._shell.run(
            ["sh", "-c", script, "sh", *arguments], timeout_s=timeout_s
        )
        if done.timed_out:
            raise lost(self._device_id, f"did not answer within {timeout_s:.0f} s")
        return done

    def _failed(self, done: CommandResult) -> DeviceError:
        words = (done.stderr or done.stdout).decode(errors="replace")
        return push_failed(self._device_id, words[-500:])

    def _batches(
        self, objects: Sequence[LocalObject], script: str
    ) -> Iterator[Sequence[LocalObject]]:
        """As many at a time as fit into one command line; on most phones, all."""
        room = self._shell.command_limit_bytes - len(script)
        batch: list[LocalObject] = []
        used = 0
        for wanted in objects:
            size = _ARGUMENTS_BYTES + len(quote(wanted.name).encode(errors="replace"))
            if batch and used + size > room:
                yield batch
                batch, used = [], 0
            batch.append(wanted)
            used += size
        if batch:
            yield batch


def _installed(wanted: LocalObject, origin: Found) -> InstalledObject:
    return InstalledObject(
        name=wanted.name,
        sha256=wanted.sha256,
        size_bytes=wanted.size_bytes,
        remote_path=f"{OBJECTS}/{wanted.sha256}/{wanted.name}",
        origin="sent" if origin == "missing" else origin,
    )
