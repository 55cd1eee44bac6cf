"""What the app holds in its container, told and hashed by the app itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from bench.device import InstalledObject
from bench.errors import PushError
from bench.failure import FailureReason
from bench.locations import state_dir
from bench.record import Value
from devices.ios_app import is_app, unpack
from devices.ios_tools import json_objects

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.device import CommandResult, LocalObject
    from devices.ios_link import App, PhoneLink

LIST_ARGUMENT = "--objects"
"""Makes the app list its files and measure nothing; see ios_runner/native/app.h."""
_LIST_TIMEOUT_S = 300.0


class _Installed(Value, frozen=True, kw_only=True):
    """Which archive an installation was made from."""

    installation: str
    sha256: str


class AppObjects:
    """Installs the app and copies models into its container, once each."""

    def __init__(self, link: PhoneLink, device_id: str, serial_hash: str) -> None:
        """Remember by the phone's hashed serial what was installed on it."""
        self._link = link
        self._device_id = device_id
        self._record = state_dir() / "ios" / f"{serial_hash}.json"
        self.app: App | None = None

    def put(
        self,
        objects: Sequence[LocalObject],
        launched: Callable[[CommandResult], None],
    ) -> tuple[InstalledObject, ...]:
        """Bring what the phone lacks; same order.

        Args:
            objects: One app archive, and files for its container.
            launched: Given every listing, which tells the conditions too.

        Raises:
            DeviceError: With the phone's own reason.
        """
        apps = [item for item in objects if is_app(item)]
        done: dict[str, InstalledObject] = {}
        for item in apps:
            done[item.sha256] = self._install(item)
        files = [item for item in objects if not is_app(item)]
        if files:
            held = self._held(launched)
            lacking = [item for item in files if held.get(_name(item)) != item.sha256]
            app = self._the_app()
            for item in lacking:
                self._link.copy_to(Path(item.path), app.bundle_id, _remote_path(item))
            if lacking:
                self._check(lacking, self._held(launched))
            for item in files:
                done[item.sha256] = InstalledObject(
                    name=item.name,
                    sha256=item.sha256,
                    size_bytes=item.size_bytes,
                    remote_path=_remote_path(item),
                    origin="sent" if item in lacking else "present",
                )
        return tuple(done[item.sha256] for item in objects)

    def _install(self, item: LocalObject) -> InstalledObject:
        app = self.app = unpack(item, self._device_id)
        there = self._link.installation(app.bundle_id)
        known = self._known()
        is_present = there is not None and known == _Installed(
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
            self._record.parent.mkdir(parents=True, exist_ok=True)
            self._record.write_bytes(
                msgspec.json.encode(_Installed(installation=there, sha256=item.sha256))
            )
        return InstalledObject(
            name=item.name,
            sha256=item.sha256,
            size_bytes=item.size_bytes,
            remote_path=app.bundle_id,
            origin="present" if is_present else "sent",
        )

    def _known(self) -> _Installed | None:
        try:
            return msgspec.json.decode(self._record.read_bytes(), type=_Installed)
        except (OSError, msgspec.MsgspecError):
            return None

    def _the_app(self) -> App:
        if self.app is None:
            reason = FailureReason.NOT_INSTALLED
            raise PushError(self._device_id, "no app was pushed", reason.remedy, reason)
        return self.app

    def _held(self, launched: Callable[[CommandResult], None]) -> dict[str, str]:
        """The sha256 of each file in the container, computed there, by its name."""
        done = self._link.launch(
            self._the_app(), [LIST_ARGUMENT], env={}, timeout_s=_LIST_TIMEOUT_S
        )
        launched(done)
        told = json_objects(done.stdout.decode("utf-8", "replace"))
        return {
            str(line["object"]): str(line.get("sha256"))
            for line in told
            if "object" in line
        }

    def _check(self, sent: Sequence[LocalObject], held: dict[str, str]) -> None:
        for item in sent:
            if held.get(_name(item)) != item.sha256:
                reason = FailureReason.PUSH_FAILED
                raise PushError(
                    self._device_id,
                    f"{item.name} arrived changed or not at all",
                    "Check the cable or the Wi-Fi, then run with --resume",
                    reason,
                )


def _name(item: LocalObject) -> str:
    # Flat and short: devicectl makes no folders, and any name is a model's.
    return f"{item.sha256}-{item.name}"


def _remote_path(item: LocalObject) -> str:
    return f"Documents/{_name(item)}"
