"""Where pocketbench keeps what outlives a run: caches, locks, simulated phones."""

from __future__ import annotations

import contextlib
import itertools
import os
import platform
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import platformdirs

UNFINISHED_EXPORTS = "exports/unfinished"
"""Below the cache: where exports are written until they are finished."""
_STALE_S = 24 * 3600


def cache_dir() -> Path:
    """Exports and built runners; may be deleted any time.

    `POCKETBENCH_CACHE_DIR` overrides it.
    """
    chosen = os.environ.get("POCKETBENCH_CACHE_DIR")
    path = Path(chosen) if chosen else platformdirs.user_cache_path("pocketbench")
    path.mkdir(parents=True, exist_ok=True)
    return path


def state_dir() -> Path:
    """Device locks and the file systems of simulated phones.

    `POCKETBENCH_STATE_DIR` overrides it.
    """
    chosen = os.environ.get("POCKETBENCH_STATE_DIR")
    path = Path(chosen) if chosen else platformdirs.user_state_path("pocketbench")
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def private_dir(name: str) -> Path:
    """Return a folder of the state that no other user can enter, an old one included.

    The state folder itself may be one that was given and is shared.
    """
    path = state_dir() / name
    path.mkdir(mode=0o700, exist_ok=True)
    path.chmod(0o700)
    return path


@contextlib.contextmanager
def working_folder() -> Iterator[Path]:
    """Make a folder that ends with the context; after a kill, with the next run."""
    with tempfile.TemporaryDirectory(
        dir=private_dir("work"), prefix=working_prefix(), ignore_cleanup_errors=True
    ) as name:
        yield Path(name)


def working_prefix() -> str:
    """What folders are named for that end with this process.

    With the computer's name: containers may share a cache, and have pids of their own.
    """
    return f"{os.getpid()}@{platform.node()}-"


def replace_file(path: Path, content: bytes) -> None:
    """Write a file beside its place and move it there: no reader sees half of it.

    Raises:
        OSError: It cannot be written; what was there before still is.
    """
    with new_beside(path) as new:
        new.write_bytes(content)


def replace_link(path: Path, target: Path) -> None:
    """Make a symbolic link in one step, whatever its place holds.

    Raises:
        OSError: It cannot be made.
    """
    with new_beside(path) as new:
        new.symlink_to(target)


@contextlib.contextmanager
def new_beside(path: Path) -> Iterator[Path]:
    """A path to write what will be moved to a place when the context ends.

    Raises:
        OSError: It cannot be written; what was there before still is.
    """
    new = path.with_name(f".{working_prefix()}{threading.get_native_id()}-{path.name}")
    try:
        yield new
        new.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            new.unlink()
        raise OSError(error.errno, error.strerror, str(path)) from error


def remove_leftovers(runs_folder: Path | None = None) -> None:
    """Remove what killed runs left half made: exports, servers' homes, files, links.

    Builds and downloads, which bear no process's name, only when a day old.

    Args:
        runs_folder: Where reports may lie half written.
    """
    named = itertools.chain(
        private_dir("work").glob("*"),
        cache_dir().glob(f"{UNFINISHED_EXPORTS}/*"),
        cache_dir().glob("*/.*@*"),
        state_dir().glob("ios-simulators/*/.*@*"),
        runs_folder.glob("*/.*@*") if runs_folder is not None else (),
    )
    left = [path for path in named if _is_left_over(path.name)]
    for path in (*left, *_homes_of_ended_servers()):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    before = time.time() - _STALE_S
    for path in cache_dir().glob("*/.*-*"):
        is_one = path.name.startswith((".building-", ".fetching-"))
        with contextlib.suppress(OSError):
            if is_one and path.lstat().st_mtime < before:
                shutil.rmtree(path)


def _homes_of_ended_servers() -> list[Path]:
    """Homes of adb servers that an earlier version left, without a process's name."""
    found = Path(tempfile.gettempdir()).glob("pocketbench-adb-*")
    homes = [path for path in found if path.lstat().st_uid == os.geteuid()]
    used: set[bytes] = set()
    for path in Path("/proc").glob("[0-9]*/environ") if homes else ():
        with contextlib.suppress(OSError):
            used.update(path.read_bytes().split(b"\0"))
    return [home for home in homes if b"HOME=%b" % os.fsencode(home) not in used]


def _is_left_over(name: str) -> bool:
    """Whether a name begins as `working_prefix`, of a process that is no more."""
    pid, at, rest = name.removeprefix(".").partition("@")
    return bool(at) and rest.startswith(f"{platform.node()}-") and not _is_alive(pid)


def _is_alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        pass
    return True


def held_entry(entry: Path, kind: str) -> contextlib.AbstractContextManager[object]:
    """Hold an entry of a list for this process, however that ends.

    Raises:
        filelock.Timeout: Another process holds it.
    """
    from filelock import FileLock

    locks = state_dir() / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    name = f"{entry.name}.{kind}.lock"
    return FileLock(locks / name, timeout=0, thread_local=False, is_singleton=False)


def sync_folder(folder: Path) -> None:
    """Have its entries outlive a power cut too, where folders can be synced."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
