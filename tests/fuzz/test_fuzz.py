"""Whatever devices, programs, files and adb servers say: our own errors and no other.

A few examples each; POCKETBENCH_FUZZ_SECONDS=60 tries each so long, and
POCKETBENCH_FUZZ_SEED=7 with other examples than everybody's.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import struct
from types import SimpleNamespace

import msgspec
import pytest
from hypothesis import strategies as st

from pocketbench.android_runner.auxiliary_output import (
    read_capabilities,
    read_operator_times,
    read_outputs,
    read_spin,
)
from pocketbench.android_runner.prebuilt.benchmark_model import BenchmarkModel
from pocketbench.android_runner.prebuilt.executor_runner import ExecutorRunner
from pocketbench.android_runner.prebuilt.litert_lm import LitertLm
from pocketbench.android_runner.prebuilt.llama_bench import LlamaBench
from pocketbench.android_runner.prebuilt.llama_main import LlamaMain
from pocketbench.android_runner.prebuilt.onnxruntime_perf_test import (
    OnnxRuntimePerfTest,
)
from pocketbench.android_runner.prebuilt.speed_benchmark_torch import (
    SpeedBenchmarkTorch,
)
from pocketbench.android_runner.runner_protocol import read_measurement
from pocketbench.bench.commands.write_reports import Reports
from pocketbench.bench.errors import LaunchError, PocketbenchError
from pocketbench.bench.judge.summarize import summarize
from pocketbench.bench.measure.run_folder import read_run
from pocketbench.bench.planning.make_plan import plan_suite
from pocketbench.bench.planning.run_options import RunOptions
from pocketbench.bench.planning.suite import read_suite
from pocketbench.bench.records.conditions import Conditions
from pocketbench.bench.records.device import CommandResult
from pocketbench.bench.records.generation import GenerationRequest
from pocketbench.bench.records.launch import Measurement
from pocketbench.devices.conditions.probe import parse_probe
from pocketbench.devices.simulated import profile
from pocketbench.devices.simulated.behaviour import Behaviour
from pocketbench.devices.simulated.daemon.authorization import PublicKey
from pocketbench.devices.simulated.daemon.connection import Connection
from pocketbench.devices.simulated.daemon.shell import parse_request
from tests import factories
from tests.android_runner.test_generators import bench_output, block, observer
from tests.android_runner.test_runner_protocol import WHOLE, sealed
from tests.devices.conditions.test_properties import PARTS, TOKEN, assemble, text_of
from tests.devices.test_identity_properties import HEALTHY, check, printed
from tests.fuzz.mutations import attack, edited, with_other_values
from tests.main_job.test_old_records import RUN


def lines_of_the_stored_run():
    return tuple((RUN / "run.jsonl").read_text().splitlines())


def test_a_run_file(tmp_path):
    lines = lines_of_the_stored_run()
    whole = "\n".join(lines) + "\n"
    values = with_other_values(lines).map(lambda found: "\n".join(found) + "\n")

    def read(text):
        (tmp_path / "run.jsonl").write_bytes(text.encode("utf-8", "surrogatepass"))
        try:
            run = read_run(tmp_path)
            reports = Reports(summarize(run))
            for name in ("console", "markdown", "csv", "json", "junit"):
                reports.text(name)
        except PocketbenchError:
            return

    attack(st.one_of(edited((whole,)), values), read)


SUITE = """\
[suite]
name = "vision"

[workload]
blocks = 10
warmup_iterations = 10
iterations = 100
threads = [1, 4]
budget = "20m"

[gate]
min_effect = 0.05
on = ["latency", "peak_memory"]

[devices]
select = ["host", "simulated:pixel-8"]

[[model]]
name = "small"
source = "mobilenet_v2"
inputs = [{ shape = [1, 3, [64, 128], 64], dtype = "float32" }]
variants = ["float32", "int8-dynamic"]
"""


def test_a_suite(tmp_path):
    path = tmp_path / "suite.toml"

    def read(text):
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        try:
            plan = plan_suite(read_suite(path), str(path), RunOptions())
        except PocketbenchError:
            return
        msgspec.json.decode(msgspec.json.encode(plan), type=type(plan))

    attack(edited((SUITE,)), read)


ANSWERS = (
    {"wire": 1, "runner": "lite", "runtime": "torch", "pid": 7},
    {"input_count": 1, "output_0": ["float32:1x2:AAAAAAAAAAA="]},
    {"spin_rounds": 5, "spin_elapsed_ns": 1000, "operators": ["aten::add"]},
    {
        "latencies_ns": [5],
        "profiled_latencies_ns": [6],
        "operator_names": ["a"],
        "operator_backends": [""],
        "operator_dtypes": ["float32"],
        "operator_calls": [1],
        "operator_self_ns": [5],
        "operator_nodes": [0],
    },
)


def test_what_our_own_programs_print():
    golden = tuple(WHOLE.decode().splitlines()[:-1])
    others = tuple(json.dumps(line) for line in ANSWERS)
    seal_again = with_other_values(golden) | with_other_values(others)
    texts = seal_again.map(lambda x: sealed(*map(json.loads, x))) | edited(
        (WHOLE.decode(),)
    ).map(lambda text: text.encode("utf-8", "surrogatepass"))

    def read(stdout):
        result = CommandResult(stdout=stdout, stderr=b"", exit_code=0)
        for reader, more in (
            (read_measurement, {"runner": "lite"}),
            (read_operator_times, {"runner": "lite"}),
            (read_outputs, {}),
            (read_spin, {}),
            (read_capabilities, {}),
        ):
            try:
                found = reader(result, subject="tiny", **more)
            except LaunchError:
                continue
            msgspec.json.encode(found)

    attack(texts, read)


ADAPTERS = {
    SpeedBenchmarkTorch: (
        "Starting benchmark.\nRunning warmup runs.\nMain runs.\n"
        'PyTorchObserver {"type": "NET", "unit": "us", "metric": "latency", '
        '"value": "1500"}\n'
        "Main run finished. Microseconds per iter: 1500. Iters per second: 666.7\n"
    ),
    ExecutorRunner: (
        "I 00:00:00.001000 executorch:executor_runner.cpp:70] Model loaded in "
        "12.500000 ms.\n"
        "I 00:00:00.001000 executorch:executor_runner.cpp:70] Iteration 1 of 1: "
        "1.500000 ms\n"
        "I 00:00:00.001000 executorch:executor_runner.cpp:70] Model executed "
        "successfully 1 time(s) in 1.500000 ms.\n"
    ),
    BenchmarkModel: (
        "STARTING!\n"
        "count=1 first=1500 curr=1500 min=1500 max=1500 avg=1500 std=0\n"
        "count=1 first=1500 curr=1500 min=1500 max=1500 avg=1500 std=0\n"
        "Inference timings in us: Init: 3300, First inference: 1500, "
        "Warmup (avg): 1500, Inference (avg): 1500\n"
    ),
    OnnxRuntimePerfTest: (
        "Session creation time cost: 0.217932 s\nFirst inference time cost: 2 ms\n"
        "Total inference time cost: 0.0015 s\nTotal inference requests: 1\n"
        "Average inference time cost total: 1.500000 ms\n"
        "Total inference run time: 0.0015 s\n"
        "Number of inferences per second: 666.7\n"
        "Min Latency: 0.0015 s\nMax Latency: 0.0015 s\nP50 Latency: 0.0015 s\n"
    ),
    LlamaBench: bench_output(),
    LlamaMain: observer(64) + "\nRSS after prompt prefill: 1130.0 MiB\n",
    LitertLm: block(),
}


@pytest.mark.parametrize("adapter", ADAPTERS, ids=lambda found: found.__name__)
def test_what_given_programs_print(adapter):
    runner, artifact = adapter(()), factories.artifact()
    asked = GenerationRequest() if hasattr(adapter, "can_generate") else None
    request = factories.launch_request(generation=asked)

    def read(text):
        output = text.encode("utf-8", "surrogatepass")
        for stdout, stderr in ((output, b""), (b"", output)):
            result = CommandResult(stdout=stdout, stderr=stderr, exit_code=0)
            try:
                found = runner.parse(result, artifact, request)
            except LaunchError:
                continue
            again = msgspec.json.decode(msgspec.json.encode(found), type=Measurement)
            assert again == found

    attack(edited((ADAPTERS[adapter],)), read)


def test_what_phones_say_of_their_conditions():
    names = [(part, name) for part, found in PARTS.items() for name in found]
    seeds = tuple(assemble({part: text_of(name)}) for part, name in names)

    def read(text):
        found = parse_probe(text, TOKEN)
        assert msgspec.json.decode(msgspec.json.encode(found), type=Conditions) == found

    attack(edited(seeds), read)


def test_what_phones_say_of_themselves():
    seeds = (printed(HEALTHY).decode(),)
    attack(edited(seeds), lambda x: check(x.encode("utf-8", "surrogatepass")))


COMMANDS = [b"CNXN", b"AUTH", b"OPEN", b"OKAY", b"WRTE", b"CLSE", b"STLS", b"SYNC"]
SERVICES = [b"shell:id\0", b"shell,v2,raw:ls\0", b"sync:\0", b"reboot:\0", b"\xff", b""]
PACKETS = st.tuples(
    st.sampled_from(COMMANDS),
    st.sampled_from([0, 1, 2, 3, 0x01000000, 0x01000001, 0xFFFFFFFF]),
    st.sampled_from([0, 1, 2, 1 << 20, 0xFFFFFFFF]),
    st.sampled_from(SERVICES) | st.binary(max_size=300),
    st.sampled_from(["right", "right", "right", "length", "magic", "sum"]),
)


def packed(command, arg0, arg1, payload, fault):
    number = int.from_bytes(command, "little")
    length = 0xFFFFFFF0 if fault == "length" else len(payload)
    magic = 0 if fault == "magic" else number ^ 0xFFFFFFFF
    total = sum(payload) + (fault == "sum")
    return struct.pack("<6I", number, arg0, arg1, length, total, magic) + payload


class _AnyKey(PublicKey):
    def has_signed(self, token, signature):
        return True


class _Writer:
    """Counts what the phone sends, and throws it away."""

    transport = SimpleNamespace(abort=lambda: None)

    def __init__(self):
        self.count = 0

    def write(self, data):
        self.count += len(data)

    async def drain(self):
        await asyncio.sleep(0)

    def close(self):
        pass


async def _echo(stream):
    while data := await stream.read_some(1 << 16):
        await stream.write(bytes(data))


def test_what_adb_servers_send_to_a_simulated_phone():
    pixel = profile.load("pixel-8")

    async def speak(packets):
        daemon = SimpleNamespace(
            keys=(_AnyKey(1, 1),),
            behaviour=Behaviour(),
            profile=pixel,
            counters=SimpleNamespace(received_bytes=0),
            opened=lambda service: parse_request(service, raw_without_v2=True),
            handler=lambda service: _echo if service.startswith(("sh", "sy")) else None,
            sent=lambda count: None,
        )
        reader, writer = asyncio.StreamReader(), _Writer()
        hello = packed(b"CNXN", 0x01000001, 1 << 20, b"host::\0", "right")
        signed = packed(b"AUTH", 2, 0, bytes(256), "right")
        reader.feed_data(hello + signed + b"".join(packed(*x) for x in packets))
        reader.feed_eof()
        await asyncio.wait_for(Connection(daemon, reader, writer).serve(), 30)
        # It went online, and answered no more than it was asked.
        assert len(pixel.banner()) < writer.count < 1 << 20

    attack(st.lists(PACKETS, max_size=12), lambda found: asyncio.run(speak(found)))


def test_the_stored_run_is_accepted_as_it_is(tmp_path):
    shutil.copy(RUN / "run.jsonl", tmp_path)
    assert summarize(read_run(tmp_path)).cells
