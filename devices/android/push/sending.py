"""Send files to a phone; each counts once the phone has verified it."""

from __future__ import annotations

import contextlib
import hashlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from pocketbench.bench.errors import Cancelled, DeviceError, PushError
from pocketbench.bench.paths import working_folder
from pocketbench.bench.records.failure import FailureReason
from pocketbench.devices.android.adb.errors import push_failed
from pocketbench.devices.android.adb.push import adb_push
from pocketbench.devices.android.push.hubs import hub_turn
from pocketbench.devices.android.push.script_batches import batches, run_script
from pocketbench.devices.android.push.scripts import (
    ACCEPT,
    ALL_SENT,
    EMPTY_INCOMING,
    INCOMING,
    READY,
    VERIFY_WHILE_SENT,
)

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator, Sequence

    from pocketbench.bench.records.device import CommandResult, LocalFile
    from pocketbench.devices.android.shell.shell import AdbShell

logger = logging.getLogger(__name__)

_SHELL_TIMEOUT_S = 30.0
_TIDY_TIMEOUT_S = 10.0
_SLOWEST_HASH_BYTES_PER_S = 5e6
_FIRST_API_WITH_SHA256SUM = 26


class ObjectSender:
    """Sends files to one phone with the adb program, and has them verified there."""

    def __init__(
        self,
        shell: AdbShell,
        push_command: Sequence[str],
        *,
        device_id: str,
        api_level: int | None,
        hub: str | None,
        pushes_per_hub: int,
        cancel: threading.Event,
    ) -> None:
        """Take what an opened phone holds.

        Args:
            shell: Runs our scripts.
            push_command: The adb program with its server and phone.
            device_id: For errors.
            api_level: Android's; decides whether the phone has sha256sum.
            hub: The USB hub that the phone is on.
            pushes_per_hub: How many phones on it may be sent files at once.
            cancel: Ends a push.
        """
        self._shell = shell
        self._push_command = push_command
        self._device_id = device_id
        self._has_sha256sum = (api_level or 0) >= _FIRST_API_WITH_SHA256SUM
        self._hub = hub
        self._pushes_per_hub = pushes_per_hub
        self._cancel = cancel

    def send(self, objects: Sequence[LocalFile]) -> None:
        """Send files in one go, and give each its name once the phone has read it.

        Raises:
            PushError: With the phone's own reason.
            DeviceLostError: The phone went away; nothing half sent is taken for whole.
            Cancelled: The cancel event was set.
        """
        fit_one_command = len(self._batches(objects, VERIFY_WHILE_SENT)) == 1
        # The old shell has one merged output, and old phones lack the commands.
        can_verify = self._shell.is_v2 and self._has_sha256sum and fit_one_command
        send = self._verify_while_sent if can_verify else self._send_then_verify
        try:
            with hub_turn(
                self._hub,
                self._pushes_per_hub,
                device_id=self._device_id,
                cancel=self._cancel,
            ):
                send(objects)
        except (PushError, Cancelled):
            self._give_room_back()
            raise

    def _verify_while_sent(self, objects: Sequence[LocalFile]) -> None:
        """Have the phone read every file while it comes: no hash is waited for."""
        arguments = [
            word
            for number, wanted in enumerate(objects)
            for word in _description(number, wanted)
        ]
        argv = ["sh", "-c", VERIFY_WHILE_SENT, "sh", *arguments]
        with self._shell.started(argv, timeout_s=_SHELL_TIMEOUT_S) as verification:
            if not verification.prints(READY.encode(), timeout_s=_SHELL_TIMEOUT_S):
                raise self._failed(verification.finish(timeout_s=_SHELL_TIMEOUT_S))
            self._push(objects, and_an_end=True)
            verification.send_line(b"sent\n")
            done = verification.finish(timeout_s=_hash_timeout_s(objects))
        self._check_taken(objects, done)

    def _send_then_verify(self, objects: Sequence[LocalFile]) -> None:
        done = run_script(self._shell, self._device_id, EMPTY_INCOMING, [])
        if done.exit_code != 0:
            raise self._failed(done)
        self._push(objects)
        first = 0
        for batch in self._batches(objects, ACCEPT):
            arguments = [
                word
                for number, wanted in enumerate(batch, first)
                for word in (*_description(number, wanted), self._md5(wanted))
            ]
            done = run_script(
                self._shell,
                self._device_id,
                ACCEPT,
                arguments,
                timeout_s=_hash_timeout_s(batch),
            )
            self._check_taken(batch, done)
            first += len(batch)

    def _push(self, objects: Sequence[LocalFile], *, and_an_end: bool = False) -> None:
        with _numbered(objects, and_an_end=and_an_end) as paths:
            adb_push(
                self._push_command,
                paths,
                f"{INCOMING}/",
                size_bytes=sum(wanted.size_bytes for wanted in objects),
                device_id=self._device_id,
                cancel=self._cancel,
            )

    def _check_taken(self, sent: Sequence[LocalFile], done: CommandResult) -> None:
        """Read what the phone says of each file.

        Raises:
            PushError: One did not arrive as it was sent, or could not be named.
        """
        lines = [
            line
            for line in done.stdout.decode(errors="replace").splitlines()
            if line not in (READY, ".")
        ]
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

    def _md5(self, wanted: LocalFile) -> str:
        """For phones whose shell may have no sha256sum; `-` for the others."""
        if self._has_sha256sum:
            return "-"
        with open(wanted.path, "rb") as file:
            return hashlib.file_digest(file, "md5").hexdigest()

    def _give_room_back(self) -> None:
        try:
            self._shell.run(
                ["sh", "-c", EMPTY_INCOMING],
                timeout_s=_TIDY_TIMEOUT_S,
                heed_cancel=False,
            )
        except DeviceError as error:
            logger.debug("%s: incoming files stay: %s", self._device_id, error)

    def _failed(self, done: CommandResult) -> DeviceError:
        words = (done.stderr or done.stdout).decode(errors="replace")
        return push_failed(self._device_id, words[-500:])

    def _batches(
        self, objects: Sequence[LocalFile], script: str
    ) -> list[Sequence[LocalFile]]:
        return list(batches(objects, self._shell.command_limit_bytes - len(script)))


@contextlib.contextmanager
def _numbered(
    objects: Sequence[LocalFile], *, and_an_end: bool
) -> Iterator[list[Path]]:
    """Links to files whose names are unique and need no quoting anywhere."""
    with working_folder() as folder:
        links = [folder / str(number) for number in range(len(objects))]
        for link, wanted in zip(links, objects, strict=True):
            link.symlink_to(Path(wanted.path).absolute())
        if and_an_end:
            links.append(folder / ALL_SENT)
            links[-1].touch()
        yield links


def _description(number: int, wanted: LocalFile) -> tuple[str, str, str, str, str]:
    mode = "755" if wanted.executable else "644"
    return str(number), wanted.sha256, wanted.name, str(wanted.size_bytes), mode


def _hash_timeout_s(objects: Sequence[LocalFile]) -> float:
    size_bytes = sum(wanted.size_bytes for wanted in objects)
    return _SHELL_TIMEOUT_S + size_bytes / _SLOWEST_HASH_BYTES_PER_S
