"""What is refused before the push, from the records alone."""

import hashlib

import msgspec
import pytest

from pocketbench.bench.errors import LaunchError
from pocketbench.bench.measure import capabilities
from pocketbench.bench.measure.capabilities import capabilities_of
from pocketbench.bench.measure.preflight import check, why_unfit, why_unloadable
from pocketbench.bench.measure.runner_binding import RunnerBinding
from pocketbench.bench.records.artifact import DelegateShare, Delegation
from pocketbench.bench.records.conditions import Missing
from pocketbench.bench.records.device import (
    CommandResult,
    DeviceInfo,
    LocalFile,
    describe_local_file,
)
from pocketbench.bench.records.failure import FailureReason as Reason
from pocketbench.bench.records.runner import Capabilities, Command, Program
from tests import factories
from tests.bench.test_elf import elf

RUNTIME = Capabilities(
    bytecode_min=4,
    bytecode_max=9,
    quantized_engines=("qnnpack",),
    backends=("XnnpackBackend",),
    operators=("aten::conv2d", "quantized::linear"),
)
XNNPACK = DelegateShare(name="XnnpackBackend", operator_count=3, segment_count=1)
COREML = DelegateShare(name="CoreMLBackend", operator_count=3, segment_count=1)


@pytest.mark.parametrize(
    ("facts", "runtime", "reason", "words"),
    [
        ({}, {}, None, ""),
        ({"bytecode_version": 10}, {}, Reason.BYTECODE_TOO_NEW, "4 to 9, this is 10"),
        ({"bytecode_version": 3}, {}, Reason.BYTECODE_TOO_OLD, "4 to 9, this is 3"),
        ({"bytecode_version": None}, {}, None, ""),
        ({"bytecode_version": 99}, {"bytecode_max": None}, None, ""),
        (
            {"operators": ("aten::conv2d", "vision::nms")},
            {},
            Reason.MISSING_OPERATOR,
            "lacks vision::nms",
        ),
        (
            {"operators": ("a::b", "c::d", "e::f", "g::h", "i::j")},
            {},
            Reason.MISSING_OPERATOR,
            "lacks a::b, c::d, e::f and 2 more",
        ),
        ({"operators": ("prim::TupleUnpack",)}, {}, None, ""),
        ({"operators": ("vision::nms",)}, {"operators": None}, None, ""),
        (
            {"operators": ("quantized::linear",)},
            {"quantized_engines": ()},
            Reason.NO_QUANTIZED_ENGINE,
            "quantized::linear",
        ),
        ({"operators": ("quantized::linear",)}, {"quantized_engines": None}, None, ""),
        ({"delegation": Delegation(taken=(XNNPACK,), left_count=0)}, {}, None, ""),
        (
            {"delegation": Delegation(taken=(COREML,), left_count=0)},
            {},
            Reason.MISSING_OPERATOR,
            "lacks the delegate CoreMLBackend",
        ),
    ],
)
def test_a_model_is_refused_for_what_its_program_says_it_lacks(
    records, facts, runtime, reason, words
):
    artifact = msgspec.structs.replace(records.artifact(), **facts)
    reported = msgspec.structs.replace(RUNTIME, **runtime)

    found = why_unloadable(artifact, reported, runner="lite")

    assert (found and found.reason) is reason
    if found:
        assert words in found.fact
        assert found.next_step == reason.remedy


def phone(**facts):
    return DeviceInfo(
        **{"id": "android:x", "family": "android", "name": "x", "abis": ("arm64-v8a",)}
        | facts
    )


def program_of(*paths):
    objects = [
        describe_local_file(path, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
        for path in paths
    ]
    return Program(
        runner="lite",
        abi="arm64-v8a",
        libc="bionic",
        executable=objects[0],
        libraries=tuple(objects[1:]),
    )


@pytest.fixture
def elf_file(tmp_path):
    def write(name, *, content=b"", **facts):
        path = tmp_path / name
        path.write_bytes(elf(**facts) + content)
        return path

    return write


def test_a_program_or_library_of_another_abi_is_refused(elf_file):
    fits, other = elf_file("fits", machine=183), elf_file("other.so", machine=62)

    assert why_unfit(program_of(fits), phone()) is None
    error = why_unfit(program_of(fits, other), phone())

    assert error.reason is Reason.WRONG_ABI
    assert error.fact == "other.so is built for x86_64, the device runs arm64-v8a"


def test_a_library_for_smaller_pages_than_the_phones_is_refused(elf_file):
    wide = elf_file("wide", machine=183, alignment=65536)
    old = elf_file("old.so", machine=183, alignment=4096)
    program = program_of(wide, old)

    assert why_unfit(program, phone(page_size_bytes=4096)) is None
    assert why_unfit(program, phone()) is None
    error = why_unfit(program, phone(page_size_bytes=16384))

    assert error.reason is Reason.WRONG_PAGE_SIZE
    assert "old.so is aligned for pages of 4096 bytes" in error.fact


def test_a_program_for_a_newer_android_is_refused_and_a_library_left_to_the_linker(
    elf_file,
):
    new = elf_file("new", machine=183, alignment=65536, api_level=26)

    for level in (26, 34, None):
        assert why_unfit(program_of(new), phone(api_level=level)) is None
    old_program = elf_file("old", machine=183, api_level=21)
    assert why_unfit(program_of(old_program, new), phone(api_level=23)) is None
    error = why_unfit(program_of(new), phone(api_level=23))

    assert error.reason is Reason.ANDROID_TOO_OLD
    assert error.fact == (
        "new is built for Android's API level 26 and newer, the phone has 23"
    )


def test_a_script_is_left_to_the_phone(tmp_path):
    script = tmp_path / "script"
    script.write_text("#!/system/bin/sh\n")
    assert why_unfit(program_of(script), phone(page_size_bytes=16384)) is None


class Asked:
    """A runner whose program answers as configured, and counts how often."""

    name = "asked"
    formats = frozenset({"ptl"})
    needs_cpu = False

    def __init__(self, answer=RUNTIME):
        self.answer = answer

    def capabilities_command(self, program, libraries):
        return Command(argv=(program.remote_path, "--capabilities"))

    def parse_capabilities(self, result):
        if isinstance(self.answer, LaunchError):
            raise self.answer
        return self.answer


class Phone:
    """A device that holds nothing, with so much room."""

    def __init__(self, free_bytes=10**9, **facts):
        self.info = phone(**facts)
        self.asked = []
        self.pushed = []
        self.held = set()
        self.unused_bytes = 0
        self._free_bytes = free_bytes

    def push(self, objects):
        self.pushed += objects
        return tuple(map(factories.device_file, objects))

    def run(self, argv, **how):
        self.asked.append(argv)
        return CommandResult(stdout=b"", stderr=b"", exit_code=0)

    def free_bytes(self):
        return self._free_bytes

    def lacking(self, objects):
        return tuple(item for item in objects if item.sha256 not in self.held)

    def make_room(self, size_bytes, keep):
        self.kept = keep
        return min(size_bytes, self.unused_bytes)

    def clean(self):
        return 0


@pytest.fixture
def program(elf_file, tmp_path, monkeypatch):
    monkeypatch.setenv("POCKETBENCH_CACHE_DIR", str(tmp_path / "cache"))
    return program_of(elf_file("program", machine=183, content=str(tmp_path).encode()))


def test_a_program_of_another_abi_is_asked_on_the_device_once_and_never_again(program):
    device = Phone()

    first = capabilities_of(RunnerBinding(Asked(), program), device)
    again = capabilities_of(RunnerBinding(Asked(), program), Phone())

    assert first == again == RUNTIME
    assert [argv[1] for argv in device.asked] == ["--capabilities"]
    assert device.pushed == list(program.objects)


def test_a_program_that_does_not_answer_leaves_models_unchecked_with_the_reason(
    program, records
):
    silent = Asked(LaunchError(Reason.BAD_FLAGS, "asked", "no such flag"))
    artifact = msgspec.structs.replace(records.artifact(), operators=("vision::nms",))

    found = check(
        Phone(), [RunnerBinding(silent, program)], {("net", "float32"): artifact}
    )

    assert found.refused == {}
    assert "no such flag" in found.unchecked[0]


def test_a_program_that_cannot_be_asked_is_not(program):
    class Plain:
        name = "plain"

    reported = capabilities_of(RunnerBinding(Plain(), program), Phone())
    assert isinstance(reported, Missing)
    assert "plain" in reported.reason


def test_an_answer_in_the_cache_that_is_damaged_is_asked_for_again(program):
    device = Phone()
    capabilities_of(RunnerBinding(Asked(), program), device)
    (kept,) = (capabilities.cache_dir() / "capabilities").iterdir()
    kept.write_bytes(b"{")

    assert capabilities_of(RunnerBinding(Asked(), program), device) == RUNTIME
    assert len(device.asked) == 2


def sized(records, variant, size_bytes):
    artifact = records.artifact(variant)
    return msgspec.structs.replace(artifact, size_bytes=size_bytes)


def test_only_the_models_that_do_not_fit_are_refused(program, records):
    models = {
        ("net", name): sized(records, name, size_bytes)
        for name, size_bytes in (("a", 400_000), ("b", 700_000), ("c", 500_000))
    }
    found = check(
        Phone(free_bytes=1_000_000), [RunnerBinding(Asked(), program)], models
    )

    ((key, error),) = found.refused.items()
    assert key == ("net", "b")
    assert error.reason is Reason.DISK_FULL


def test_what_the_phone_holds_already_takes_no_room(program, records):
    model = sized(records, "a", 700_000)
    device = Phone(free_bytes=500_000)
    device.held = {model.sha256}

    assert (
        check(device, [RunnerBinding(Asked(), program)], {("net", "a"): model}).refused
        == {}
    )


def test_what_earlier_runs_pushed_makes_room(program, records):
    model = sized(records, "a", 700_000)
    device = Phone(free_bytes=500_000)
    device.unused_bytes = 300_000

    found = check(device, [RunnerBinding(Asked(), program)], {("net", "a"): model})

    assert found.refused == {}
    assert model.sha256 in {kept.sha256 for kept in device.kept}


def test_a_phone_that_does_not_report_its_room_refuses_nothing(program, records):
    device = Phone(free_bytes=Missing(reason="df says nothing"))
    model = sized(records, "a", 10**12)

    assert (
        check(device, [RunnerBinding(Asked(), program)], {("net", "a"): model}).refused
        == {}
    )


def test_libraries_count_before_the_models(program, records):
    big = LocalFile(path="/none", name="big.so", sha256="b" * 64, size_bytes=900_000)
    program = msgspec.structs.replace(program, libraries=(big,))
    model = sized(records, "a", 200_000)

    found = check(
        Phone(free_bytes=1_000_000),
        [RunnerBinding(Asked(), program)],
        {("net", "a"): model},
    )

    assert found.refused["net", "a"].reason is Reason.DISK_FULL
