"""Programs of others: taken by their content, remembered by name and ABI."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from pocketbench.android_runner.build.added_programs import (
    AddedProgram,
    add_program,
    added_choices,
    added_programs,
)
from pocketbench.bench.errors import UsageError
from pocketbench.bench.measure.prepare import make_runners
from tests.bench.test_elf import elf

CONTENT = elf(183, interpreter="/system/bin/linker64")
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("POCKETBENCH_STATE_DIR", str(tmp_path / "state"))
    file = tmp_path / "android_aarch64_benchmark_model"
    file.write_bytes(CONTENT)
    return file


def add(source: object, **changed: str | None) -> AddedProgram:
    options = {"name": "benchmark_model", "abi": None, "sha256": None, **changed}
    return add_program(str(source), **options, progress=lambda text: None)  # type: ignore[arg-type]


def test_a_program_is_kept_after_its_file_is_gone(program: Path) -> None:
    added = add(program, sha256=SHA256.upper(), abi="arm64-v8a")
    program.unlink()
    assert Path(added.path).read_bytes() == CONTENT
    assert added_programs() == (added,)
    (choice,) = added_choices()
    assert (choice.name, choice.abi) == ("benchmark_model", "arm64-v8a")


def test_a_later_one_of_the_same_name_and_abi_replaces_it(program: Path) -> None:
    add(program)
    program.write_bytes(CONTENT + b"newer")
    added = add(program)
    assert added_programs() == (added,)
    assert Path(added.path).read_bytes().endswith(b"newer")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"sha256": "0" * 64}, "has the sha256"),
        ({"abi": "x86_64"}, "is built for arm64-v8a, not x86_64"),
    ],
)
def test_what_is_not_what_was_meant_is_refused_and_not_kept(
    program: Path, changed: dict[str, str], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        add(program, **changed)
    assert added_programs() == ()


@pytest.mark.parametrize(
    ("address", "sha256"),
    [("https://example.org/program", None), ("http://example.org/program", SHA256)],
)
def test_nothing_is_fetched_without_https_and_its_sha256(
    program: Path, address: str, sha256: str | None
) -> None:
    with pytest.raises(UsageError, match="only over https and by its sha256"):
        add(address, sha256=sha256)


def test_a_run_uses_it_after_our_own_runners(program: Path) -> None:
    add(program)
    names = [runner.name for runner in make_runners((), print)]
    assert names[:2] == ["lite", "executorch"]
    assert names[-1] == "benchmark_model"
