"""A phone's numbers by a program that brought Linux's C library along."""

from __future__ import annotations

import msgspec
import pytest

from pocketbench.bench.judge.compare import compare_runs
from pocketbench.bench.judge.summarize import summarize
from pocketbench.bench.records.caveat import Caveat
from pocketbench.bench.records.run import PrepackedModel

BLOCKS = [1_000_000, 1_001_000, 1_002_000, 1_003_000, 1_004_000, 1_005_000]
FOREIGN = {Caveat.FOREIGN_LIBC, Caveat.FOREIGN_KERNELS, Caveat.FOREIGN_MEMORY}


@pytest.fixture
def measured(make_run, make_ready):
    """A run of one model on one phone: by which program, with which operators."""

    def make(*, libc="glibc", loader="ld-linux-aarch64.so.1", engine="lite", **more):
        operators = more.get("operators", ())
        ready = msgspec.structs.replace(
            make_ready("android:1", libc=more.get("phone_libc", "bionic")),
            program_libc=libc,
            loader=loader,
        )
        run = make_run({("android:1", "float32"): BLOCKS}, devices=[ready])
        artifacts = tuple(
            msgspec.structs.replace(x, engine=engine, operators=operators)
            for x in run.artifacts
        )
        return msgspec.structs.replace(run, artifacts=artifacts)

    return make


def cell(run):
    return summarize(run).cell("android:1", "net", "float32")


@pytest.mark.parametrize(
    ("engine", "operators", "expected"),
    [
        ("executorch", ("aten::conv2d",), {Caveat.FOREIGN_LIBC}),
        (
            "lite",
            ("quantized::conv2d.new",),
            {Caveat.FOREIGN_LIBC, Caveat.FOREIGN_MEMORY},
        ),
        ("lite", ("aten::conv2d", "aten::relu"), FOREIGN),
        ("lite", ("quantized::linear_dynamic", "aten::_convolution"), FOREIGN),
    ],
)
def test_what_is_not_androids_depends_on_engine_and_operators(
    measured, engine, operators, expected
):
    found = cell(measured(engine=engine, operators=operators))
    assert set(found.caveats) & FOREIGN == expected


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        (("prepacked::conv2d_clamp_run",), FOREIGN - {Caveat.FOREIGN_KERNELS}),
        (("prepacked::linear_clamp_run", "aten::bmm"), FOREIGN),
    ],
)
def test_of_a_prepacked_model_only_what_is_left_is_not_androids(
    measured, left, expected
):
    run = measured(operators=("aten::conv2d", "aten::bmm"))
    (artifact,) = run.artifacts
    export = msgspec.structs.replace(artifact.export, is_prepacked=False)
    artifact = msgspec.structs.replace(artifact, export=export)
    made = PrepackedModel(
        artifact_sha256=artifact.sha256,
        path="/cache/net.ptl",
        sha256="0" * 64,
        size_bytes=1,
        by="torch 2.9.1",
        made_on="Pixel 8, arm64-v8a",
        operators=left,
        sqnr_db=121,
    )
    (ready,) = run.devices
    packed = msgspec.structs.replace(ready, prepacked=(made,))
    exported = msgspec.structs.replace(run, artifacts=(artifact,))
    found = cell(msgspec.structs.replace(exported, devices=(packed,)))
    assert set(found.caveats) & FOREIGN == expected
    assert Caveat.NOT_PREPACKED not in found.caveats
    assert Caveat.NOT_PREPACKED in cell(exported).caveats
    apart = compare_runs(exported, msgspec.structs.replace(exported, devices=(packed,)))
    (latency,) = (x for x in apart if x.metric == "latency_ns")
    (unlike,) = latency.unlike
    assert (unlike.baseline, unlike.candidate) == ("nothing", "torch 2.9.1")


@pytest.mark.parametrize(
    "own", [{"libc": "bionic", "loader": None}, {"phone_libc": "glibc"}]
)
def test_a_program_for_the_devices_own_c_library_has_none_of_them(measured, own):
    assert not set(cell(measured(operators=("aten::conv2d",), **own)).caveats) & FOREIGN


def test_memory_of_a_whole_server_build_is_shown_as_growth_only(measured):
    found = cell(measured())
    assert "peak_rss_bytes" not in found.estimates
    assert found.estimates["model_rss_bytes"].point == 4000
    assert found.resources.memory.peak_bytes is None
    assert found.resources.memory.runtime_rss_bytes is None
    assert found.resources.memory.model_bytes == 4000
    assert Caveat.NO_MEMORY not in found.caveats
    assert "peak_rss_bytes" in cell(measured(engine="executorch")).estimates


def test_the_other_c_library_is_an_unlike_condition_between_two_runs(measured):
    androids = measured(libc="bionic", loader=None)
    found = compare_runs(androids, measured())
    (latency,) = (x for x in found if x.metric == "latency_ns")
    assert latency.is_withheld
    (unlike,) = latency.unlike
    assert unlike.what == "C library of the runner"
    assert (unlike.baseline, unlike.candidate) == ("bionic", "glibc")
