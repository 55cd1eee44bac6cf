"""The measuring app as a file: unpacked once, its name and program read from it."""

from __future__ import annotations

import os
import plistlib
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from pocketbench.bench.errors import PushError
from pocketbench.bench.paths import cache_dir
from pocketbench.bench.records.failure import FailureReason
from pocketbench.devices.ios.links.link import App

if TYPE_CHECKING:
    from pocketbench.bench.records.device import LocalFile

_EXECUTABLE_MODE = 0o755


def is_app(item: LocalFile) -> bool:
    """Whether an object is an app to install and no file to copy."""
    return item.name.endswith(".ipa")


def unpack(item: LocalFile, device_id: str) -> App:
    """Unpack an `.ipa` into the cache, where it stays for the next run.

    Raises:
        PushError: It is not an app archive.
    """
    folder = cache_dir() / "ios-apps" / item.sha256
    if not folder.is_dir():
        _extract(Path(item.path), folder, device_id)
    apps = sorted((folder / "Payload").glob("*.app"))
    try:
        facts = plistlib.loads((apps[0] / "Info.plist").read_bytes())
        return App(
            bundle_id=facts["CFBundleIdentifier"],
            executable=facts["CFBundleExecutable"],
            folder=apps[0],
            archive=Path(item.path),
        )
    except (IndexError, KeyError, OSError, ValueError) as error:
        raise _no_app(item.path, device_id) from error


def _extract(archive: Path, folder: Path, device_id: str) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".unpacking-") as name:
        ready = Path(name) / "app"
        try:
            with zipfile.ZipFile(archive) as packed:
                for member in packed.infolist():
                    path = Path(packed.extract(member, ready))
                    # zipfile forgets modes, and the program must be executable.
                    mode = member.external_attr >> 16
                    if path.is_file() and mode:
                        path.chmod(mode & _EXECUTABLE_MODE)
        except (OSError, zipfile.BadZipFile) as error:
            raise _no_app(str(archive), device_id) from error
        try:
            os.rename(ready, folder)
        except OSError:
            # Another run was quicker.
            shutil.rmtree(ready, ignore_errors=True)


def _no_app(path: str, device_id: str) -> PushError:
    reason = FailureReason.NOT_FOUND
    return PushError(
        device_id,
        f"{path} is not an app archive (Payload/NAME.app/Info.plist)",
        "Build it again: `pocketbench runner build --platform ios --team ID`",
        reason,
    )
