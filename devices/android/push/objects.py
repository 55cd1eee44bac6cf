"""Files on a phone, kept by the sha256 of their content and sent only once.

    /data/local/tmp/pocketbench/objects/<sha256>/<name>
                                                /.verified       or  .preinstalled
                               /incoming/       what is being sent

A file gets its final name and its marker only after the phone has read it back whole
and hashed it, so an interrupted push leaves nothing that a later one takes for whole.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from pocketbench.bench.errors import PushError
from pocketbench.bench.records.device import DeviceFile
from pocketbench.bench.records.failure import FailureReason
from pocketbench.bench.units import format_size
from pocketbench.devices.android.adb.errors import push_failed
from pocketbench.devices.android.push.script_batches import batches, run_script
from pocketbench.devices.android.push.scripts import (
    LOOK_UP,
    MARKERS,
    NO_FOLDER,
    OBJECTS,
    Found,
    parse_look_up,
)
from pocketbench.devices.android.push.stored_objects import (
    LIST_STORED,
    REMOVE_STORED,
    STORE_LIMIT_BYTES,
    StoredObject,
    longest_unused,
    parse_stored,
)
from pocketbench.devices.android.shell.shell import FOLDER
from pocketbench.devices.local_file import check_unchanged

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pocketbench.bench.records.device import LocalFile
    from pocketbench.devices.android.push.sending import ObjectSender
    from pocketbench.devices.android.shell.shell import AdbShell


logger = logging.getLogger(__name__)

_DELETE_TIMEOUT_S = 120.0
_NAME_BYTES = 70
"""Of a command line that one sha256 takes, quoted."""


class PhoneObjects:
    """The object store of one phone."""

    def __init__(
        self,
        shell: AdbShell,
        sender: ObjectSender,
        *,
        device_id: str,
        progress: Callable[[str], None] | None,
    ) -> None:
        """Take what an opened phone holds.

        Args:
            shell: Runs our scripts.
            sender: Sends what the phone lacks.
            device_id: For errors.
            progress: Called with one line about what is to be sent.
        """
        self._shell = shell
        self._sender = sender
        self._device_id = device_id
        self._progress = progress
        self._in_use: set[str] = set()
        self._looked_up: dict[LocalFile, Found] = {}
        """What `lacking` has just found out, for the `put` that follows."""

    def clean(self) -> int:
        """Remove everything of ours from the phone; gives the bytes that were removed.

        Raises:
            PushError: They cannot be removed, in the phone's own words.
            DeviceLostError: The phone went away.
            Cancelled: The cancel event was set.
        """
        size_bytes = sum(each.size_bytes for each in self._stored())
        self._delete(f"rm -rf {FOLDER}", [])
        return size_bytes

    def put(self, objects: Sequence[LocalFile]) -> tuple[DeviceFile, ...]:
        """Make all of them be there; one round trip when they already are.

        What fails for no lasting reason, as when the phone kills the script that
        verifies, is done once more; on a full disk, after what earlier runs have pushed
        was removed.

        Raises:
            PushError: With the phone's own reason.
            DeviceLostError: The phone went away; nothing half sent is taken for whole.
            Cancelled: The cancel event was set.
        """
        try:
            found = self._put(objects)
        except PushError as error:
            if error.reason is FailureReason.DISK_FULL:
                wanted_bytes = sum(wanted.size_bytes for wanted in objects)
                if not self.make_room(wanted_bytes, objects):
                    raise
            elif error.reason is not FailureReason.PUSH_FAILED:
                raise
            logger.warning("%s: pushing again: %s", self._device_id, error.fact)
            found = self._put(objects)
        if "missing" in found.values():
            self._trim()
        return tuple(_installed(wanted, found[wanted]) for wanted in objects)

    def make_room(self, size_bytes: int, keep: Sequence[LocalFile]) -> int:
        """Remove what was not used for longest; gives the bytes that were removed.

        Args:
            size_bytes: To become free, if there is so much to remove.
            keep: Files that are needed now, besides those that were put before.

        Raises:
            PushError: They cannot be removed, in the phone's own words.
            DeviceLostError: The phone went away.
            Cancelled: The cancel event was set.
        """
        return self._remove(
            longest_unused(
                self._stored(),
                keep={*self._in_use, *(wanted.sha256 for wanted in keep)},
                size_bytes=size_bytes,
            )
        )

    def _trim(self) -> None:
        """Keep the store below its limit."""
        stored = self._stored()
        over_bytes = sum(each.size_bytes for each in stored) - STORE_LIMIT_BYTES
        self._remove(longest_unused(stored, keep=self._in_use, size_bytes=over_bytes))

    def _stored(self) -> tuple[StoredObject, ...]:
        done = run_script(self._shell, self._device_id, LIST_STORED, [])
        return parse_stored(done.stdout.decode(errors="replace"))

    def _remove(self, chosen: Sequence[StoredObject]) -> int:
        removed_bytes = 0
        room_bytes = self._shell.command_limit_bytes - len(REMOVE_STORED)
        at_once = max(1, room_bytes // _NAME_BYTES)
        for first in range(0, len(chosen), at_once):
            batch = chosen[first : first + at_once]
            names = [each.sha256 for each in batch]
            self._delete(REMOVE_STORED, names)
            removed_bytes += sum(each.size_bytes for each in batch)
        if chosen and self._progress is not None:
            self._progress(
                f"{self._device_id}: removed {format_size(removed_bytes)} that earlier "
                "runs pushed and was not used for longest"
            )
        return removed_bytes

    def _delete(self, script: str, names: Sequence[str]) -> None:
        self._looked_up.clear()
        done = run_script(
            self._shell, self._device_id, script, names, timeout_s=_DELETE_TIMEOUT_S
        )
        if done.exit_code != 0:
            words = (done.stderr or done.stdout).decode(errors="replace")
            raise push_failed(self._device_id, words[-500:])

    def _put(self, objects: Sequence[LocalFile]) -> dict[LocalFile, Found]:
        self._in_use.update(wanted.sha256 for wanted in objects)
        known, self._looked_up = self._looked_up, {}
        if known.keys() >= set(objects):
            found = {wanted: known[wanted] for wanted in objects}
        else:
            found = self._found(objects)
        missing = [wanted for wanted, origin in found.items() if origin == "missing"]
        if missing:
            self._send(missing)
        return found

    def lacking(self, objects: Sequence[LocalFile]) -> tuple[LocalFile, ...]:
        """Those that `put` would send; one round trip, which the next `put` saves.

        Raises:
            PushError: With the phone's own reason.
            DeviceLostError: The phone went away.
            Cancelled: The cancel event was set.
        """
        self._looked_up = found = self._found(objects)
        return tuple(x for x in found if found[x] == "missing")

    def _found(self, objects: Sequence[LocalFile]) -> dict[LocalFile, Found]:
        for wanted in objects:
            self._check_name(wanted)
        room_bytes = self._shell.command_limit_bytes - len(LOOK_UP)
        return {
            wanted: origin
            for batch in batches(list(dict.fromkeys(objects)), room_bytes)
            for wanted, origin in zip(batch, self._look_up(batch), strict=True)
        }

    def _check_name(self, wanted: LocalFile) -> None:
        name = wanted.name
        if name in ("", ".", "..", *MARKERS) or "/" in name or "\0" in name:
            raise PushError(
                self._device_id,
                f"{wanted.path}: {name!r} cannot be a file's name on a phone",
                "Rename the file",
                FailureReason.PUSH_FAILED,
            )

    def _look_up(self, objects: Sequence[LocalFile]) -> list[Found]:
        """What the phone has of these, in one round trip."""
        names = [f"{wanted.sha256}/{wanted.name}" for wanted in objects]
        done = run_script(self._shell, self._device_id, LOOK_UP, names)
        found = parse_look_up(
            done.stdout.decode(errors="replace"),
            [(wanted.size_bytes, wanted.executable) for wanted in objects],
        )
        if done.exit_code == NO_FOLDER or found is None:
            words = (done.stderr or done.stdout).decode(errors="replace")
            raise push_failed(self._device_id, words[-500:])
        return found

    def _send(self, objects: Sequence[LocalFile]) -> None:
        """Send what is missing in one go."""
        for wanted in objects:
            check_unchanged(self._device_id, wanted)
        if self._progress is not None:
            files = "1 file" if len(objects) == 1 else f"{len(objects)} files"
            size_bytes = sum(wanted.size_bytes for wanted in objects)
            self._progress(
                f"{self._device_id}: pushing {files}, {format_size(size_bytes)}"
            )
        self._sender.send(objects)


def _installed(wanted: LocalFile, origin: Found) -> DeviceFile:
    return DeviceFile(
        name=wanted.name,
        sha256=wanted.sha256,
        size_bytes=wanted.size_bytes,
        remote_path=f"{OBJECTS}/{wanted.sha256}/{wanted.name}",
        origin="sent" if origin == "missing" else origin,
    )
