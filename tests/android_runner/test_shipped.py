"""Programs in our own wheel: taken only where they are of these very sources."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from pocketbench.android_runner.build import shipped
from pocketbench.android_runner.build.built import sources_sha256
from pocketbench.android_runner.build.ship import different
from pocketbench.android_runner.build.shipped import (
    Manifest,
    ShippedProgram,
    shipped_program,
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(shipped, "FOLDER", tmp_path)
    return tmp_path


def put(folder: Path, sources: str) -> None:
    program = ShippedProgram(
        engine="lite",
        abi="x86_64",
        version="torch 2.13.0",
        compiler="g++ 12",
        sha256="1",
    )
    (folder / "x86_64").mkdir()
    (folder / "x86_64/pocketbench-lite").write_bytes(b"program")
    manifest = Manifest(sources_sha256=sources, programs=(program,))
    (folder / shipped.MANIFEST).write_bytes(msgspec.json.encode(manifest))


def test_a_clone_has_none(folder: Path) -> None:
    assert shipped_program("lite", "x86_64", "torch 2.13.0") is None


@pytest.mark.parametrize("version", ["torch 2.13.0", "torch 2.13.0+cpu"])
def test_a_program_fits_its_runtimes_version(folder: Path, version: str) -> None:
    put(folder, sources_sha256())
    found = shipped_program("lite", "x86_64", version)
    assert found is not None
    assert found.path == folder / "x86_64/pocketbench-lite"


@pytest.mark.parametrize(
    "asked",
    [
        ("executorch", "x86_64", "torch 2.13.0"),
        ("lite", "arm64-v8a", "torch 2.13.0"),
        ("lite", "x86_64", "torch 2.12.0"),
    ],
)
def test_nothing_else_is_taken_for_it(folder: Path, asked: tuple[str, ...]) -> None:
    put(folder, sources_sha256())
    assert shipped_program(*asked) is None


def test_a_program_of_other_sources_is_not_taken(folder: Path) -> None:
    put(folder, "older")
    assert shipped_program("lite", "x86_64", "torch 2.13.0") is None


def test_the_check_names_what_is_not_what_the_sources_give(tmp_path: Path) -> None:
    for name, content in (("one", b"1"), ("other", b"1")):
        (tmp_path / name / "x").mkdir(parents=True)
        (tmp_path / name / "x/same").write_bytes(content)
        (tmp_path / name / "x/changed").write_bytes(name.encode())
    (tmp_path / "other/extra").write_bytes(b"")
    found = different(tmp_path / "one", tmp_path / "other")
    assert found == ["extra", "x/changed"]
