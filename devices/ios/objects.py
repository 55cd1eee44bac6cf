"""The files in the app's container, listed and hashed by the app itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from pocketbench.bench.errors import PushError
from pocketbench.bench.paths import state_dir
from pocketbench.bench.records.device import DeviceFile
from pocketbench.bench.records.failure import FailureReason
from pocketbench.bench.records.record import Value
from pocketbench.devices.ios.app import is_app, unpack
from pocketbench.devices.ios.tools import json_objects

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pocketbench.bench.records.device import CommandResult, LocalFile
    from pocketbench.devices.ios.links.link import App, PhoneLink

LIST_ARGUMENT = "--objects"
"""Makes the app list its files and measure nothing; see ios_runner/native/app.h."""
_LIST_TIMEOUT_S = 300.0


class _Installed(Value, frozen=True, kw_only=True):
    """Which archive an installation was made from."""

    installation: str
    sha256: str


class AppObjects:
    """Installs apps and copies models into their containers, once each."""

    def __init__(self, link: PhoneLink, device_id: str, serial_hash: str) -> None:
        """Remember by the phone's hashed serial what was installed on it."""
        self._link = link
        self._device_id = device_id
        self._records = state_dir() / "ios" / serial_hash
        self.apps: dict[str, App] = {}
        """By bundle identifier, those that were pushed."""

    def put(
        self,
        objects: Sequence[LocalFile],
        launched: Callable[[CommandResult], None],
    ) -> tuple[DeviceFile, ...]:
        """Bring what the phone lacks; same order.

        An app reads its own container alone, so with two engines each has the models.

        Args:
            objects: Archives of apps, and files for their containers.
            launched: Called with every listing, which also has the conditions.

        Raises:
            DeviceError: With the phone's own reason.
        """
        done = {x.sha256: self._install(x) for x in objects if is_app(x)}
        files = [item for item in objects if not is_app(item)]
        if files and not self.apps:
            reason = FailureReason.NOT_INSTALLED
            raise PushError(self._device_id, "no app was pushed", reason.remedy, reason)
        sent: set[str] = set()
        for app in self.apps.values() if files else ():
            sent |= self._fill(app, files, launched)
        for item in files:
            done[item.sha256] = DeviceFile(
                name=item.name,
                sha256=item.sha256,
                size_bytes=item.size_bytes,
                remote_path=f"Documents/{_name(item)}",
                origin="sent" if item.sha256 in sent else "present",
            )
        return tuple(done[item.sha256] for item in objects)

    def _install(self, item: LocalFile) -> DeviceFile:
        app = unpack(item, self._device_id)
        self.apps[app.bundle_id] = app
        record = self._records / f"{app.bundle_id}.json"
        there = self._link.installation(app.bundle_id)
        is_present = there is not None and _read(record) == _Installed(
            installation=there, sha256=item.sha256
        )
        if not is_present:
            self._link.install(app)
            there = self._link.installation(app.bundle_id)
            if there is None:
                raise PushError(
                    self._device_id,
                    f"{app.bundle_id} is not there after it was installed",
                    "Install it by hand from Xcode, then run again",
                    FailureReason.NOT_INSTALLED,
                )
            record.parent.mkdir(parents=True, exist_ok=True)
            record.write_bytes(
                msgspec.json.encode(_Installed(installation=there, sha256=item.sha256))
            )
        return DeviceFile(
            name=item.name,
            sha256=item.sha256,
            size_bytes=item.size_bytes,
            remote_path=app.bundle_id,
            origin="present" if is_present else "sent",
        )

    def _fill(
        self,
        app: App,
        files: Sequence[LocalFile],
        launched: Callable[[CommandResult], None],
    ) -> set[str]:
        """Copy what an app's container lacks, and have the app look at it."""
        held = self._held(app, launched)
        lacking = [item for item in files if held.get(_name(item)) != item.sha256]
        for item in lacking:
            self._link.copy_to(
                Path(item.path), app.bundle_id, f"Documents/{_name(item)}"
            )
        held = self._held(app, launched) if lacking else held
        for item in lacking:
            if held.get(_name(item)) != item.sha256:
                raise PushError(
                    self._device_id,
                    f"{item.name} arrived changed or not at all",
                    "Check the cable or the Wi-Fi, then run with --resume",
                    FailureReason.PUSH_FAILED,
                )
        return {item.sha256 for item in lacking}

    def _held(
        self, app: App, launched: Callable[[CommandResult], None]
    ) -> dict[str, str]:
        """The sha256 of each file in the container, computed there, by its name."""
        done = self._link.launch(
            app, [LIST_ARGUMENT], env={}, timeout_s=_LIST_TIMEOUT_S
        )
        launched(done)
        parsed = json_objects(done.stdout.decode("utf-8", "replace"))
        return {
            str(line["object"]): str(line.get("sha256"))
            for line in parsed
            if "object" in line
        }


def _read(record: Path) -> _Installed | None:
    try:
        return msgspec.json.decode(record.read_bytes(), type=_Installed)
    except (OSError, msgspec.MsgspecError):
        return None


def _name(item: LocalFile) -> str:
    # Flat and short: devicectl makes no folders, and any name is a model's.
    return f"{item.sha256}-{item.name}"
