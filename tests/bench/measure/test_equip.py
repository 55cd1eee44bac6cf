"""Which programs measure a device."""

from __future__ import annotations

import pytest

from pocketbench.bench.errors import RunnerMissingError, UsageError
from pocketbench.bench.measure.prepare import equip
from pocketbench.bench.planning.selection import SelectedDevice
from pocketbench.bench.records.device import DeviceInfo, LocalFile
from pocketbench.bench.records.runner import Program


class NamedRunner:
    needs_cpu = True

    def __init__(self, name, *formats, abis=("x86_64",)):
        self.name = name
        self.formats = frozenset(formats)
        self.abis = abis

    def program(self, info):
        if not set(self.abis) & set(info.abis):
            raise RunnerMissingError(info.id, f"no {self.name} for it", "Build one")
        executable = LocalFile(path="/p", name="p", sha256=self.name, size_bytes=1)
        return Program(
            runner=self.name, abi=info.abis[0], libc="glibc", executable=executable
        )


def device(device_id="host", family="host", abi="x86_64"):
    info = DeviceInfo(id=device_id, family=family, name=device_id, abis=(abi,))
    return SelectedDevice(None, info)


def names(equipped):
    return [[binding.program.runner for binding in item.bindings] for item in equipped]


def test_a_device_gets_a_program_for_each_format_of_the_models():
    runners = [NamedRunner("lite", "ptl"), NamedRunner("executorch", "pte")]
    both = equip([device()], runners, frozenset({"pte", "ptl"}))
    assert names(both) == [["lite", "executorch"]]
    assert names(equip([device()], runners, frozenset({"pte"}))) == [["executorch"]]


def test_one_program_that_loads_all_formats_is_taken_once():
    runners = [NamedRunner("both", "ptl", "pte"), NamedRunner("lite", "ptl")]
    equipped = equip([device()], runners, frozenset({"pte", "ptl"}))
    assert names(equipped) == [["both"]]


def test_a_given_program_serves_its_abi_and_ours_the_other_devices():
    runners = [
        NamedRunner("executor_runner", "pte", abis=("arm64-v8a",)),
        NamedRunner("executorch", "pte"),
    ]
    phone = device("android:1", "android", "arm64-v8a")
    equipped = equip([device(), phone], runners, frozenset({"pte"}))
    assert names(equipped) == [["executorch"], ["executor_runner"]]


def test_a_format_that_no_program_for_the_device_loads_names_the_first_remedy():
    runners = [NamedRunner("lite", "ptl"), NamedRunner("executorch", "pte", abis=())]
    with pytest.raises(RunnerMissingError, match="no executorch for it"):
        equip([device()], runners, frozenset({"pte", "ptl"}))


def test_a_format_that_no_runner_takes_at_all_is_a_mistake_to_tell():
    with pytest.raises(UsageError, match=r"\.onnx: no chosen runner loads it on host"):
        equip([device()], [NamedRunner("lite", "ptl")], frozenset({"onnx"}))
