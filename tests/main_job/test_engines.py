"""The main job with two engines, and with programs of a phone's own ABI."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from pocketbench.bench.records.blocks import whole_blocks

CROSS = Path(__file__).parents[1] / "android_runner/native/aarch64-linux-gnu.cmake"
NET = ("nets:net", "--input", "1x3x16x16")
EXECUTORCH = "1.5.1"
TORCH = "2.9.1"
"""An older one than this computer's: what it loads has not changed since."""
ENGINES = ("--engine", "lite", "--engine", "executorch")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.needs("compiler", "namespaces", "bubblewrap", "executorch"),
]


def unpacked_wheel(requirement, *, platform, members):
    """The files of a wheel for another computer; downloaded once a cache."""
    folder = Path(os.environ["POCKETBENCH_CACHE_DIR"]) / "wheels" / platform
    target = folder / requirement
    if not target.is_dir():
        subprocess.run(
            [
                *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"),
                *("--only-binary=:all:", "--python-version", "3.11"),
                *("--platform", platform, "--dest", str(folder), requirement),
            ],
            check=True,
        )
        name = requirement.replace("==", "-")
        (wheel,) = folder.glob(f"{name}-*.whl")
        with zipfile.ZipFile(wheel) as archive:
            wanted = [x for x in archive.namelist() if x.startswith(members)]
            archive.extractall(target, wanted)
    return target


def test_two_engines_are_compared_on_every_device_in_the_same_blocks(user):
    suite = user.write(
        "suite.toml",
        """
        [workload]
        engines = ["lite", "executorch"]
        blocks = 2
        iterations = 3
        warmup_iterations = 1

        [[model]]
        source = "nets:net"
        inputs = [{ shape = [1, 3, 16, 16] }]
        variants = ["float32", "int8-static"]

        [devices]
        select = ["host", "simulated:pixel-8", "simulated:redmi-note-11s"]
        """,
    )
    done = user.types("run", suite.name, timeout_s=800)
    assert done.returncode == 0, done.stderr
    run = user.last_run()

    ids = ["float32", "int8-static", "float32+executorch", "int8-static+executorch"]
    assert [variant.id for variant in run.started.plan.variants] == ids
    assert len(run.devices) == 3
    for ready in run.devices:
        whole = whole_blocks(
            run.launches, device_id=ready.device.id, model="net", variant_ids=ids
        )
        assert sorted(whole) == [0, 1]
        assert {ready.runner, *(x.runner for x in ready.other_programs)} == {
            "lite",
            "executorch",
        }
    runners = {(x.variant_id, x.runner) for x in run.launches}
    assert runners == {(x, "executorch" if "+" in x else "lite") for x in ids}
    for artifact in run.artifacts:
        if artifact.engine == "executorch":
            (share,) = artifact.delegation.taken
            assert share.name == "XnnpackBackend"
            assert share.operator_count == artifact.delegation.operator_count > 0
            assert artifact.planned_memory_bytes > 0
            assert artifact.operators == ()
        assert (artifact.output_error.sqnr_db or 999) > 20
    report = (Path(run.folder) / "report.html").read_text()
    assert "int8-static+executorch" in report


def test_the_program_that_times_as_pytorchs_own_does_loads_every_variant(
    user, tmp_path
):
    """It calls `eval()` on the model, which a frozen program does not take as it is."""
    native = Path(__file__).parents[1] / "android_runner/native"
    kept = os.environ["POCKETBENCH_CACHE_DIR"]
    script = native / "build_plain_loop.py"
    made = subprocess.run(
        [sys.executable, script, kept], capture_output=True, text=True
    )
    assert made.returncode == 0, made.stderr
    given = f"speed_benchmark_torch={made.stdout.strip()}"
    run = user.measures(*NET, "-d", "host", "--runner", given, timeout_s=600)
    assert {(x.variant_id, x.runner) for x in run.launches} == {
        (variant, "speed_benchmark_torch")
        for variant in ("float32", "int8-dynamic", "int8-static")
    }


def test_without_a_delegate_the_kernels_that_run_instead_are_named(user):
    asked = ("--engine", "executorch-portable", "--variant", "float32")
    run = user.measures(*NET, *asked, "-d", "host", timeout_s=600)
    (artifact,) = run.artifacts
    assert artifact.delegation.taken == ()
    assert "aten::convolution.out" in artifact.operators
    assert "no delegate" in artifact.export.changed


def with_branches(user):
    user.write(
        "branches.py",
        """
        import torch

        class Net(torch.nn.Module):
            def forward(self, x):
                return x + 1 if x.sum() > 0 else x - 1

        def net():
            return torch.jit.script(Net()), torch.ones(1, 3)
        """,
    )


def test_what_torch_export_cannot_capture_is_a_row_and_lite_goes_on(user):
    with_branches(user)
    asked = (*ENGINES, "--variant", "float32")
    done = user.types("run", "branches:net", *asked, "-d", "host", timeout_s=600)
    assert done.returncode == 3
    run = user.last_run()
    assert {x.variant_id for x in run.launches} == {"float32"}
    (failure,) = run.failures
    assert failure.variant_id == "float32+executorch"
    assert "torch.export" in failure.fact


def test_auto_is_executorch_where_everything_can_be_measured_on_it(user):
    asked = ("--engine", "auto", "--variant", "float32", "-d", "host")
    done = user.types("run", *NET, *asked, "--quick", timeout_s=600)
    assert done.returncode == 0, done.stderr
    assert {x.variant_id for x in user.last_run().launches} == {"float32+executorch"}
    assert done.stderr.count("engine: executorch, which every device") == 1


def test_auto_is_lite_for_the_whole_run_where_one_variant_cannot(user):
    with_branches(user)
    asked = ("--engine", "auto", "--variant", "float32", "-d", "host", "--quick")
    done = user.types("run", "branches:net", *asked, timeout_s=600)
    assert done.returncode == 0, done.stderr
    assert "engine: lite, because net float32+executorch cannot be" in done.stderr
    assert {x.variant_id for x in user.last_run().launches} == {"float32"}


@pytest.mark.needs("qemu", "arm64 compiler")
def test_a_phone_of_another_abi_measures_with_a_cross_built_runner(user, tmp_path):
    """Push, launch, wire and records, all of them with arm64 programs.

    The sources and the way of the build are a phone's; the compiler is Debian's, not
    the NDK's, and the C library is glibc.
    """
    runtime = unpacked_wheel(
        f"executorch=={EXECUTORCH}",
        platform="manylinux_2_28_aarch64",
        members=("executorch/include/", "executorch/lib/"),
    )
    built = user.types(
        *("runner", "build", "--engine", "executorch", "--abi", "arm64-v8a"),
        *("--toolchain", str(CROSS), "--runtime", str(runtime / "executorch")),
    )
    assert built.returncode == 0, built.stderr
    asked = (
        "--engine",
        "executorch",
        "--variant",
        "float32",
        "--variant",
        "int8-static",
    )
    run = user.measures(
        *(*NET, *asked, "-d", "simulated:pixel-8-arm64"),
        timeout_s=800,
        # A phone that holds nothing yet.
        POCKETBENCH_STATE_DIR=str(tmp_path / "state"),
    )

    (ready,) = run.devices
    assert ready.device.abis == ("arm64-v8a",)
    assert ready.device.is_simulated
    assert ready.device.is_emulated
    assert "aarch64-linux-gnu-g++" in ready.runner_origin
    program = next(x for x in ready.objects if x.sha256 == ready.runner_sha256)
    assert program.origin == "sent"
    libraries = {x.name for x in ready.objects if x.name.endswith(".so")}
    assert "libexecutorch_backend_xnnpack.so" in libraries
    for variant_id in ("float32+executorch", "int8-static+executorch"):
        launches = [x for x in run.launches if x.variant_id == variant_id]
        assert len(launches) == 2
        digests = {x.measurement.output_digest for x in launches}
        assert len(digests) == 1
        for launch in launches:
            assert len(launch.measurement.latencies_ns) == 3
            assert launch.measurement.load_ns > 0
            assert launch.measurement.memory.peak_rss_bytes > 0
            assert launch.measurement.runtime_version == f"executorch {EXECUTORCH}"
    report = (Path(run.folder) / "report.html").read_text()
    assert "EMULATED" in report


def debian_library(package, name, *, architecture):
    """A library of a Debian package for another computer; nothing is installed."""
    folder = Path(os.environ["POCKETBENCH_CACHE_DIR"]) / "packages"
    apart = [
        f"-oAPT::Architecture={architecture}",
        f"-oAPT::Architectures={architecture}",
        f"-oDir::State={folder}/state",
        f"-oDir::State::status={os.devnull}",
        f"-oDir::Cache={folder}/cache",
    ]
    for part in ("state/lists/partial", "cache/archives/partial"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for action in (["update"], ["download", package]):
        command = ["apt-get", "-qq", *apart, *action]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if done.returncode != 0:
            pytest.skip(f"no {architecture} packages here: {done.stderr.strip()}")
    (archive,) = folder.glob(f"{package}_*.deb")
    subprocess.run(["dpkg-deb", "-x", str(archive), str(folder)], check=True)
    return next(folder.rglob(name)).resolve()


@pytest.mark.needs("qemu", "arm64 compiler", "apt")
def test_the_lite_interpreter_is_cross_built_and_measures_likewise(user):
    """Against a wheel of PyTorch's, 350 MB of it unpacked, so in a process of qemu's.

    Its Fortran library needs libz, which every Linux of that ABI would have.
    """
    runtime = unpacked_wheel(
        f"torch=={TORCH}",
        platform="manylinux_2_28_aarch64",
        members=("torch/include/", "torch/lib/", "torch.libs/"),
    )
    library = debian_library("zlib1g", "libz.so.1", architecture="arm64")
    shutil.copy(library, runtime / "torch/lib/libz.so.1")
    built = user.types(
        *("runner", "build", "--engine", "lite", "--abi", "arm64-v8a"),
        *("--toolchain", str(CROSS), "--runtime", str(runtime / "torch")),
        timeout_s=600,
    )
    assert built.returncode == 0, built.stderr
    asked = ("--variant", "float32", "--variant", "int8-static")
    run = user.measures(*NET, *asked, "-d", "simulated:pixel-8-arm64", timeout_s=800)
    assert len(run.launches) == 4
    for launch in run.launches:
        assert launch.runner == "lite"
        assert launch.measurement.runtime_version == f"torch {TORCH}"
        assert len(launch.measurement.latencies_ns) == 3


@pytest.mark.needs("qemu")
def test_without_a_runner_for_its_abi_the_phone_says_how_to_build_one(user, tmp_path):
    done = user.types(
        *("run", *NET, "-d", "simulated:pixel-8-arm64", "--quick"),
        POCKETBENCH_CACHE_DIR=str(tmp_path / "nothing built"),
    )
    assert done.returncode == 2
    assert "pocketbench runner build --engine lite --abi arm64-v8a" in done.stderr
