"""What a phone's own program makes of a model before it is measured, on fakes."""

import threading
from pathlib import Path

import pytest
from msgspec.structs import replace

from pocketbench.bench.errors import LaunchError
from pocketbench.bench.measure.context import RunContext
from pocketbench.bench.measure.device_job import DeviceJob
from pocketbench.bench.measure.lease import CpuLease
from pocketbench.bench.measure.prepacking import with_prepacked
from pocketbench.bench.measure.runner_binding import (
    RunnerBinding,
    device_ready,
    launch_request,
    loaded_file,
    needed_objects,
)
from pocketbench.bench.measure.store import Store
from pocketbench.bench.planning.selection import SelectedDevice
from pocketbench.bench.records.device import DeviceInfo, LocalFile
from pocketbench.bench.records.failure import FailureReason as Reason
from pocketbench.bench.records.runner import Capabilities, Command, Prepacked, Program
from tests.bench.measure.test_profiling import Notes, Phone

PACKED = "prepacked::conv2d_clamp_run"
LOADER = LocalFile(
    path="/ld", name="ld-linux-aarch64.so.1", sha256="e" * 64, size_bytes=1
)
PROGRAM = Program(
    runner="lite",
    abi="arm64-v8a",
    libc="glibc",
    executable=LocalFile(path="/p", name="p", sha256="f" * 64, size_bytes=1),
    libraries=(LOADER,),
    version="torch 2.9.1",
)


class Runner:
    """Prepacks what it is given, with answers this far from the original's."""

    name = "lite"
    formats = frozenset({"ptl"})
    needs_cpu = False

    def __init__(self, sqnr_db=121, operators=(PACKED, "aten::add")):
        self.sqnr_db = sqnr_db
        self.operators = operators

    def capabilities_command(self, program, libraries):
        return Command(argv=("asked",))

    def parse_capabilities(self, result):
        return Capabilities(operators=self.operators)

    def prepack_command(self, request):
        return Command(argv=("prepack", request.model_path))

    def parse_prepacked(self, result):
        if result.exit_code:
            raise LaunchError(Reason.NOT_LOADABLE, "net", "it holds no TorchScript")
        return Prepacked(file=b"packed", operators=(PACKED,), sqnr_db=self.sqnr_db)


class Bench:
    def __init__(self, folder, records):
        self.folder = folder
        self.records = records
        self.plan = records.plan("float32", "int8-static")
        self.artifacts = {
            ("net", "float32"): records.artifact("float32"),
            ("net", "int8-static"): replace(
                records.artifact("int8-static"), operators=("quantized::conv2d.new",)
            ),
        }
        self.notes = Notes()
        self.phone = Phone()
        self.phone.info = DeviceInfo(
            id="phone",
            family="android",
            name="phone",
            model="Pixel 8",
            abis=("arm64-v8a",),
            libc="bionic",
        )

    def bindings(self, runner=None, program=PROGRAM):
        job = DeviceJob(
            SelectedDevice(self.phone, self.phone.info),
            [RunnerBinding(runner or Runner(), program)],
            models={"net": self.plan.variants_of("net")},
            artifacts=self.artifacts,
        )
        with Store(self.folder) as store:
            lease = CpuLease(self.folder / "locks")
            run = RunContext(self.plan, store, lease, self.notes, threading.Event())
            (found,) = with_prepacked(run, [job])
        return found.bindings

    def packed(self, **given):
        """Which of the variants are prepacked."""
        bindings = self.bindings(**given)
        return [
            name
            for (_, name), artifact in self.artifacts.items()
            if loaded_file(artifact, bindings) is not artifact
        ]


@pytest.fixture
def bench(tmp_path, records, monkeypatch):
    monkeypatch.setenv("POCKETBENCH_CACHE_DIR", str(tmp_path / "cache"))
    return Bench(tmp_path / "run", records)


def test_what_computes_in_float32_is_prepacked_once_and_loaded_from_then_on(bench):
    bindings = bench.bindings()
    (binding,) = bindings
    original = bench.artifacts["net", "float32"]
    made = binding.prepacked[original.sha256]
    assert Path(made.path).read_bytes() == b"packed"
    assert (made.by, made.made_on) == ("torch 2.9.1", "Pixel 8, arm64-v8a")
    assert (made.operators, made.sqnr_db) == ((PACKED,), 121)
    assert bench.phone.ran == [
        ("asked",),
        ("prepack", f"/objects/{original.sha256}/model.ptl"),
    ]
    assert bench.notes.texts == [
        "prepacking net float32 for XNNPACK with its torch 2.9.1 ..."
    ]

    installed = {
        x.sha256: x
        for x in bench.phone.push(needed_objects(bindings, bench.artifacts.values()))
    }
    assert original.sha256 not in installed
    variant = bench.plan.variants[0]
    request = launch_request(variant, original, binding, installed, bench.plan.workload)
    assert request.model_path == f"/objects/{made.sha256}/model.ptl"
    ready = device_ready(bench.phone.info, bindings, tuple(installed.values()))
    assert ready.prepacked == (made,)

    # A second run opens no device for it.
    opened = bench.phone.opened
    assert bench.packed() == ["float32"]
    assert bench.phone.opened == opened
    Path(made.path).write_bytes(b"cut off")
    assert bench.packed() == ["float32"]
    assert Path(made.path).read_bytes() == b"packed"


@pytest.mark.parametrize(
    ("runner", "reason"),
    [
        (Runner(sqnr_db=12), "it answers something else (12 dB SQNR)"),
        (Runner(operators=("aten::add",)), None),
    ],
)
def test_what_cannot_be_prepacked_is_measured_as_exported(bench, runner, reason):
    assert bench.packed(runner=runner) == []
    assert any(reason in text for text in bench.notes.texts) is (reason is not None)


def test_a_program_that_fails_is_reported_and_tried_again_in_the_next_run(bench):
    bench.phone.answer = lambda argv: int(argv[0] == "prepack")
    assert bench.packed() == []
    assert "net float32 is measured as exported: it holds no TorchScript" in (
        bench.notes.texts
    )
    bench.phone.answer = lambda argv: 0
    assert bench.packed() == ["float32"]


@pytest.mark.parametrize(
    "program",
    [replace(PROGRAM, libraries=()), replace(PROGRAM, libc="bionic")],
    ids=["no loader", "Android's own"],
)
def test_only_a_program_with_another_c_library_prepacks(bench, program):
    assert bench.packed(program=program) == []
    assert bench.phone.opened == 0


def test_a_prepacked_export_stays_as_it_is(bench):
    original = bench.artifacts["net", "float32"]
    export = replace(original.export, is_prepacked=True)
    bench.artifacts["net", "float32"] = replace(original, export=export)
    assert bench.packed() == []
