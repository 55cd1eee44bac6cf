"""Where pocketbench keeps what outlives a run: caches, locks, simulated phones."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


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
    path.mkdir(parents=True, exist_ok=True)
    return path
