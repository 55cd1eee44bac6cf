"""One import name: the wheel, a user's own modules beside it, `python -m`."""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]


def _build(target, source, folder):
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)],
        cwd=source,
        check=True,
        capture_output=True,
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel built from the source distribution, as pip does it."""
    folder = tmp_path_factory.mktemp("dist")
    _build("sdist", REPOSITORY, folder)
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    _build("wheel", folder / archive.name.removesuffix(".tar.gz"), folder)
    (path,) = folder.glob("*.whl")
    return path


def test_the_wheel_installs_pocketbench_and_no_other_name(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names if ".dist-info/" not in name}

    assert tops == {"pocketbench"}
    assert "pocketbench/bench/cli.py" in names
    assert "pocketbench/android_runner/native/loop.cpp" in names
    assert "pocketbench/devices/simulated/profiles/pixel-8.toml" in names
    assert "pocketbench/reports/formats/html/templates/page.html.j2" in names


def test_the_wheel_holds_every_file_of_the_rooms(wheel):
    tracked = subprocess.run(
        ["git", "ls-files", "bench", "devices", "android_runner", "ios_runner"],
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()

    assert {f"pocketbench/{name}" for name in tracked} <= set(
        zipfile.ZipFile(wheel).namelist()
    )


@pytest.fixture
def crowded(tmp_path):
    """A work folder whose modules have the names of our rooms."""
    (tmp_path / "bench.py").write_text(
        "import torch\n\n\ndef small():\n"
        "    return torch.nn.Linear(4, 2), (torch.rand(1, 4),)\n"
    )
    (tmp_path / "devices.py").write_text("raise SystemExit('the user's devices')\n")
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "__init__.py").write_text("raise SystemExit('reports')\n")
    return tmp_path


@pytest.mark.needs("compiler")
def test_modules_named_like_our_rooms_are_the_users(crowded):
    command = ["run", "bench:small", "--device", "host", "--variant", "float32"]
    done = subprocess.run(
        [sys.executable, "-m", "pocketbench", *command, "--blocks=2", "--iterations=5"],
        cwd=crowded,
        env={**os.environ, "PYTHONPATH": "."},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "small" in done.stdout


def test_python_m_pocketbench_gives_its_version(crowded):
    done = subprocess.run(
        [sys.executable, "-m", "pocketbench", "--version"],
        cwd=crowded,
        env={**os.environ, "PYTHONPATH": "."},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("pocketbench")
