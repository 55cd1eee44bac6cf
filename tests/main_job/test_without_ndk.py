"""The first number on a phone without the NDK: programs that bring their C library.

The phones here are simulated, and hold no library of this computer: what runs on them
needs nothing of it. That it runs on a real phone's kernel is not shown by this.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import venv
from pathlib import Path

import pytest

from pocketbench.bench.judge.summarize import summarize
from pocketbench.bench.records.elf import read_elf

REPOSITORY = Path(__file__).parents[2]
NET = ("nets:net", "--input", "1x3x16x16")
VARIANTS = ("--variant", "float32", "--variant", "int8-static")
HIDDEN = Path("/usr/aarch64-linux-gnu")
MOST_BYTES_PUSHED = 18_000_000

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.needs("compiler", "namespaces", "mksh", "toybox", "executorch"),
]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel with its programs, built from a copy so that this clone has none."""
    folder = tmp_path_factory.mktemp("clone")
    archive = folder / "tracked.tar"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "-co", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        check=True,
    ).stdout
    with tarfile.open(archive, "w") as tar:
        for name in filter(None, listed.decode().split("\0")):
            if os.path.lexists(REPOSITORY / name):
                tar.add(REPOSITORY / name, name)
    with tarfile.open(archive) as tar:
        tar.extractall(folder / "tree", filter="data")
    for command in (
        ["-m", "pocketbench.android_runner.build.ship"],
        ["-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
    ):
        subprocess.run([sys.executable, *command], cwd=folder / "tree", check=True)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """A new virtual environment with the wheel; the rest is this environment's."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, with_pip=True)
    python = folder / "bin/python"
    pip = [python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, str(wheel)], check=True)
    (packages,) = folder.glob("lib/python3*/site-packages")
    others = [x for x in sys.path if x.endswith("site-packages")]
    (packages / "others.pth").write_text("\n".join(others) + "\n")
    found = subprocess.run(
        [python, "-c", "import pocketbench; print(pocketbench.__file__)"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.startswith(str(packages))
    return folder / "bin/pocketbench"


def without_cross_compiler(program):
    """Words that start it where neither the cross compiler nor its packages are."""
    compiler = shutil.which("aarch64-linux-gnu-g++")
    hidden = f"mount -t tmpfs none {HIDDEN}"
    hidden += f" && mount --bind /dev/null {Path(compiler).resolve()}"
    return ["unshare", "-rm", "sh", "-c", f'{hidden} && exec {program} "$@"', "sh"]


@pytest.mark.needs("apt", "arm64 compiler")
def test_the_c_library_is_downloaded_with_apt_where_it_is_not_installed(tmp_path):
    fetch = (
        "from pocketbench.android_runner.build.c_library import arm64_c_library\n"
        "found = arm64_c_library(print)\n"
        "print(found.origin, *found.files, sep='\\n')"
    )
    (tmp_path / "fetch.py").write_text(fetch)
    start = without_cross_compiler(sys.executable)
    for said in (["fetching the C library of arm64 with apt-get download ..."], []):
        done = subprocess.run(
            [*start, str(tmp_path / "fetch.py")],
            cwd=REPOSITORY,
            env=os.environ | {"POCKETBENCH_CACHE_DIR": str(tmp_path / "cache")},
            capture_output=True,
            text=True,
            check=True,
        )
        *progress, origin, loader, libc = done.stdout.splitlines()[: len(said) + 3]
        assert (progress, origin) == (said, "Debian's cross packages")
        assert Path(loader).is_relative_to(tmp_path / "cache")
        assert read_elf(Path(libc), or_library=True).abi == "arm64-v8a"


def runs(user, start, *argv, adb, **environment):
    done = subprocess.run(
        [*start, "run", *argv, "--iterations", "3", "--warmup", "1", "--blocks", "2"],
        cwd=user.folder,
        env={
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parent / "models"),
            "ANDROID_ADB_SERVER_PORT": str(adb.port),
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=1500,
    )
    assert done.returncode == 0, done.stderr
    return user.last_run(), done.stderr


def pushed_bytes(ready):
    return sum(x.size_bytes for x in ready.objects if not x.name.startswith("model."))


def origins(ready):
    return {item.origin for item in ready.objects}


@pytest.mark.needs("qemu", "arm64 compiler")
def test_an_installed_wheel_measures_an_arm64_phone_with_nothing_to_compile_with(
    user, installed, phone_factory, adb, tmp_path
):
    phone_factory("pixel-8-arm64", root="android")
    start = without_cross_compiler(installed)
    asked = (*NET, *VARIANTS, "--engine", "auto", "-d", "android:*")
    # Nothing was fetched or built by the wheel's own build either.
    cache = {"POCKETBENCH_CACHE_DIR": str(tmp_path / "cache")}
    run, said = runs(user, start, *asked, adb=adb, **cache)

    assert said.count("no Android build of the executorch runner for arm64-v8a") == 1
    assert said.count("engine: executorch, which every device and variant") == 1
    (ready,) = run.devices
    assert ready.device.libc == "none"
    assert ready.runner_origin.startswith("shipped with pocketbench")
    assert (ready.program_libc, ready.loader) == ("glibc", "ld-linux-aarch64.so.1")
    assert origins(ready) == {"sent"}
    assert pushed_bytes(ready) <= MOST_BYTES_PUSHED
    for variant_id in ("float32+executorch", "int8-static+executorch"):
        launches = [x for x in run.launches if x.variant_id == variant_id]
        assert len(launches) == 2
        assert len({x.measurement.output_digest for x in launches}) == 1
        for launch in launches:
            assert len(launch.measurement.latencies_ns) == 3
            assert launch.measurement.memory.peak_rss_bytes > 0
            assert launch.measurement.runtime_version == "executorch 1.5.1"
    report = (Path(run.folder) / "report.html").read_text()
    assert "pushed along (no Android build of the runner)" in report

    again, _ = runs(user, start, *asked, adb=adb, **cache)
    assert origins(again.devices[0]) == {"present"}
    assert {x.measurement.output_digest for x in again.launches} == {
        x.measurement.output_digest for x in run.launches
    }


def test_an_x86_64_phone_gets_this_computers_programs_and_c_library(
    user, phone_factory, adb
):
    phone_factory("emulator-36", root="android")
    start = [str(Path(sys.executable).with_name("pocketbench"))]
    engines = ("--engine", "executorch", "--engine", "lite")
    run, _ = runs(user, start, *NET, *VARIANTS, *engines, "-d", "android:*", adb=adb)
    (ready,) = run.devices
    for program in ready.programs:
        assert (program.libc, program.loader) == ("glibc", "ld-linux-x86-64.so.2")
    # Where no earlier run prepacked the model, the phone was opened for that before.
    assert origins(ready) in ({"sent"}, {"sent", "present"})
    assert {x.runner for x in run.launches} == {"executorch", "lite"}
    assert len(run.launches) == 8
    again, _ = runs(user, start, *NET, *VARIANTS, *engines, "-d", "android:*", adb=adb)
    assert origins(again.devices[0]) == {"present"}


@pytest.mark.needs("qemu", "arm64 compiler")
def test_lite_on_arm64_says_what_of_its_numbers_is_not_androids(
    user, phone_factory, adb
):
    phone_factory("pixel-8-arm64", root="android")
    start = [str(Path(sys.executable).with_name("pocketbench"))]
    run, said = runs(user, start, *NET, *VARIANTS, "-d", "android:*", adb=adb)
    assert "--engine executorch gives a number close to an app's" in said
    assert len(run.launches) == 4
    # The pushed torch has XNNPACK, and makes of float32 what an app's export would be.
    (made,) = run.devices[0].prepacked
    assert "prepacked::conv2d_clamp_run" in made.operators
    assert made.by == "torch 2.9.1"
    assert made.sqnr_db is None or made.sqnr_db > 100
    float32 = next(x for x in run.artifacts if x.variant == "float32")
    assert made.artifact_sha256 == float32.sha256
    assert {x.sha256 for x in run.devices[0].objects} >= {made.sha256}
    cells = {x.variant_id: x for x in summarize(run).cells}
    assert "foreign_kernels" not in cells["float32"].caveats
    assert "foreign_memory" in cells["float32"].caveats
    for launch in run.launches:
        assert launch.measurement.runtime_version == "torch 2.9.1"
        assert len(launch.measurement.latencies_ns) == 3
    report = (Path(run.folder) / "report.html").read_text()
    assert "memory shown as growth only" in report.lower()
    assert "prepacked for XNNPACK by torch 2.9.1" in report
