"""A field of the options that is renamed in one place only does not type-check."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
ROOMS = ("bench", "devices", "android_runner", "ios_runner", "reports")


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The package and what mypy knows of it, to be changed."""
    folder = tmp_path_factory.mktemp("copy")
    for room in ROOMS:
        shutil.copytree(REPOSITORY / room, folder / room)
    shutil.copytree(REPOSITORY / "pocketbench", folder / "pocketbench", symlinks=True)
    shutil.copy(REPOSITORY / "pyproject.toml", folder)
    return folder


def mypy(folder):
    return subprocess.run(
        [sys.executable, "-m", "mypy"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "field"),
    [
        ("bench/planning/run_options.py", "warmup_iterations: int | None"),
        ("bench/records/plan.py", "warmup_iterations: int ="),
    ],
)
def test_a_field_renamed_in_one_place_only_does_not_type_check(copy, file, field):
    path = copy / file
    source = path.read_text()
    assert source.count(field) == 1
    path.write_text(source.replace(field, f"renamed_{field}"))
    try:
        done = mypy(copy)
    finally:
        path.write_text(source)

    assert done.returncode == 1
    assert "warmup_iterations" in done.stdout
    assert file not in {line.split(":")[0] for line in done.stdout.splitlines()}
