"""Phone output, invented in the manner of real phones', and a phone made of it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from pocketbench.devices.conditions.section import Section

DATA = Path(__file__).parent / "data"


@pytest.fixture
def said() -> Callable[..., Section]:
    """What a command printed: a file of data/, ended with exit code 0."""

    def read(name: str) -> Section:
        return Section((DATA / f"{name}.txt").read_text(), "", 0)

    return read


class FakePhone:
    """A root with its own /sys and commands, and this computer's mksh and /proc."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for folder in ("sys", "bin", "data"):
            (root / folder).mkdir()

    def file(self, path: str, text: str, mode: int = 0o444) -> None:
        target = self.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        target.chmod(mode)

    def command(self, name: str, script: str) -> None:
        self.file(f"bin/{name}", f"#!/bin/sh\n{script}\n", 0o755)

    def policy(self, number: int, **files: str) -> None:
        folder = f"sys/devices/system/cpu/cpufreq/policy{number}"
        for name, text in files.items():
            self.file(f"{folder}/{name.replace('stats_', 'stats/')}", text)

    def argv(self, argv: list[str]) -> list[str]:
        root = self.root
        return [
            *("bwrap", "--dev-bind", "/", "/", "--unshare-user", "--uid", "2000"),
            *("--bind", f"{root}/sys", "/sys", "--bind", f"{root}/bin", "/mnt"),
            *("--tmpfs", "/data", "--dir", "/data/local/tmp"),
            *("--bind", f"{root}/data", "/data/local/tmp"),
            *("--setenv", "PATH", "/mnt:/usr/bin:/bin", "--", *argv),
        ]

    def run(self, shell: str, command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.argv([shell, "-c", command]),
            capture_output=True,
            text=True,
            timeout=60,
            stdin=subprocess.DEVNULL,
        )


@pytest.fixture
def fake_phone(tmp_path: Path) -> FakePhone:
    return FakePhone(tmp_path)
