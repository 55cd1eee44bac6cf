"""Where pocketbench keeps what outlives a run: caches, locks, simulated phones."""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import tempfile
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


def remove_leftovers() -> None:
    """Remove what killed runs left half made: exports, servers' homes, links.

    Builds and downloads, which bear no process's name, only when a day old.
    """
    for folder in (private_dir("work"), cache_dir() / UNFINISHED_EXPORTS):
        for path in folder.glob(f"*@{platform.node()}-*"):
            if not _is_alive(path.name.partition("@")[0]):
                shutil.rmtree(path, ignore_errors=True)
    before = time.time() - _STALE_S
    for path in cache_dir().glob("*/.*-*"):
        is_one = path.name.startswith((".building-", ".fetching-"))
        with contextlib.suppress(OSError):
            if is_one and path.lstat().st_mtime < before:
                shutil.rmtree(path)


def _is_alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        pass
    return True
