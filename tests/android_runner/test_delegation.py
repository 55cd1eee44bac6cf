"""What a delegate ran, read in the words of each runtime."""

from __future__ import annotations

import json

import pytest

from pocketbench.android_runner.prebuilt.benchmark_model import BenchmarkModel
from pocketbench.android_runner.prebuilt.delegation import (
    check_delegated,
    litert_delegations,
    provider_delegations,
)
from pocketbench.android_runner.prebuilt.llama_bench import LlamaBench
from pocketbench.android_runner.prebuilt.onnxruntime_perf_test import (
    OnnxRuntimePerfTest,
)
from pocketbench.bench.errors import LaunchError
from pocketbench.bench.records.device import CommandResult
from pocketbench.bench.records.failure import FailureReason
from pocketbench.bench.records.generation import GenerationRequest
from pocketbench.bench.records.launch import Delegation
from pocketbench.bench.records.plan import RunnerChoice
from tests import factories

TIMES = [
    "count=1 curr=900",
    "count=2 first=700 curr=800 min=700 max=800 avg=750 std=50",
    "Inference timings in us: Init: 3, First inference: 900, Warmup (avg): 900, "
    "Inference (avg): 750",
]
REPORT = [
    "Total inference time cost: 0.3 s",
    "Total inference requests: 2",
    "Average inference time cost: 150 ms",
]


def ended(lines: list[str], *, stderr: str = "", log: str = "") -> CommandResult:
    text = "".join(f"{line}\n" for line in lines)
    return CommandResult(
        stdout=text.encode(), stderr=stderr.encode(), log=log.encode(), exit_code=0
    )


def extents(found) -> dict[str, str]:
    return {x.delegate: x.extent for x in found}


GRAPH = (
    "Explicitly applied {} delegate, and the model graph will be {} by the delegate{}."
)
NOT_AT_ALL = (
    "Though {} delegate is explicitly applied, the model graph will not be executed by "
    "the delegate."
)


@pytest.mark.parametrize("name", ["NNAPI", "GPU", "XNNPACK", "Hexagon", "CoreML"])
@pytest.mark.parametrize(
    ("line", "extent"),
    [
        (GRAPH.format("{}", "completely executed", ""), "all"),
        (GRAPH.format("{}", "executed", ""), "all"),
        (GRAPH.format("{}", "partially executed", " w/ 3 delegate kernels"), "part"),
        (GRAPH.format("{}", "partially executed", ""), "part"),
        (
            "Applied {} delegate, and the model graph will be completely executed w/ "
            "the delegate.",
            "all",
        ),
        (
            "Applied {} delegate, and the model graph will be partially executed w/ "
            "the delegate.",
            "part",
        ),
        (NOT_AT_ALL, "none"),
        (NOT_AT_ALL.replace("model graph", "model"), "none"),
        ("{} acceleration is unsupported on this platform.", "none"),
        ("Could not create {} delegate: the platform may not support it", "none"),
    ],
)
@pytest.mark.parametrize("prefix", ["", "INFO: ", "WARN: "])
def test_every_statement_about_a_graph_is_read(name, line, extent, prefix):
    assert extents(litert_delegations([prefix + line.format(name)])) == {name: extent}


@pytest.mark.parametrize(
    ("line", "delegate", "extent"),
    [
        (
            "VERBOSE: Replacing 49 out of 49 node(s) with delegate "
            "(TfLiteGpuDelegateV2)"
            " node, yielding 1 partitions for subgraph 0.",
            "GPU",
            "all",
        ),
        (
            "Replacing 31 out of 64 node(s) with delegate (TfLiteNnapiDelegate) node, "
            "yielding 5 partitions.",
            "NNAPI",
            "part",
        ),
        ("Hexagon delegate: 44 nodes delegated out of 67 nodes.", "Hexagon", "part"),
        (
            "INFO: CoreML delegate: 0 nodes delegated out of 67 nodes, with 0 "
            "partitions",
            "CoreML",
            "none",
        ),
        (
            "54 operations will run on the GPU, and the remaining 505 operations "
            "will run"
            " on the CPU.",
            "GPU",
            "part",
        ),
        (
            "No operations will run on the GPU, and all 559 operations will run on the "
            "CPU.",
            "GPU",
            "none",
        ),
    ],
)
def test_every_count_of_nodes_is_read(line, delegate, extent):
    (found,) = litert_delegations([line])
    assert (found.delegate, found.extent) == (delegate, extent)
    assert found.is_requested
    assert found.total_node_count


def test_xnnpack_that_nobody_asked_for_is_recorded_and_no_reason_to_doubt():
    line = "Replacing 5 out of 9 node(s) with delegate (TfLiteXNNPackDelegate) node, y"
    (found,) = litert_delegations([line])
    assert (found.extent, found.is_requested) == ("part", False)
    assert litert_delegations([line], ["XNNPACK"])[0].is_requested


def test_a_graph_that_is_not_executed_outweighs_the_nodes_that_were_counted():
    counted = (
        "Replacing 31 out of 31 node(s) with delegate (TfLiteNnapiDelegate) node, y"
    )
    assert extents(litert_delegations([counted, NOT_AT_ALL.format("NNAPI")])) == {
        "NNAPI": "none"
    }


def test_partially_of_no_node_is_nothing():
    counted = (
        "Replacing 0 out of 31 node(s) with delegate (TfLiteNnapiDelegate) node, y"
    )
    stated = GRAPH.format("NNAPI", "partially executed", "")
    assert extents(litert_delegations([counted, stated])) == {"NNAPI": "none"}


def test_nodes_that_two_forms_count_are_counted_once():
    lines = [
        "INFO: TfLiteQnnDelegate delegate: 62 nodes delegated out of 65 nodes with 2 "
        "partitions.",
        "VERBOSE: Replacing 62 out of 65 node(s) with delegate (TfLiteQnnDelegate) "
        "node, yielding 3 partitions for subgraph 0 (main).",
    ]
    (found,) = litert_delegations(lines)
    assert (found.node_count, found.total_node_count) == (62, 65)


def test_an_accelerator_that_was_asked_for_and_left_all_to_xnnpack_took_nothing():
    line = "Replacing 9 out of 9 node(s) with delegate (TfLiteXNNPackDelegate) node, y"
    assert extents(litert_delegations([line], ["NPU"]))["NPU"] == "none"
    not_loaded = "NPU accelerator could not be loaded and registered"
    assert extents(litert_delegations([not_loaded], ["NPU"])) == {"NPU": "none"}
    assert litert_delegations([not_loaded], []) == ()


def test_benchmark_model_whose_delegate_took_nothing_is_refused(model):
    with pytest.raises(LaunchError) as caught:
        BenchmarkModel().parse(ended([NOT_AT_ALL.format("GPU"), *TIMES]), model)
    assert caught.value.reason is FailureReason.MISSING_BACKEND
    assert "GPU took no node" in caught.value.fact


def test_one_delegate_of_two_that_took_nothing_is_recorded(model):
    lines = [GRAPH.format("GPU", "completely executed", ""), NOT_AT_ALL.format("NNAPI")]
    measured = BenchmarkModel().parse(ended([*lines, *TIMES]), model)
    assert extents(measured.delegations) == {"GPU": "all", "NNAPI": "none"}


@pytest.mark.parametrize("stream", ["stdout", "stderr", "log"])
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "NnapiExecutionProvider::GetCapability, number of partitions supported by "
            "NNAPI: 3 number of nodes in the graph: 149 number of nodes supported by "
            "NNAPI: 146",
            {"NNAPI": "part"},
        ),
        (
            "Number of partitions supported by QNN EP: 1, number of nodes in the "
            "graph: "
            "12, number of nodes supported by QNN: 12",
            {"QNN": "all"},
        ),
        (
            "Node(s) placed on [XnnpackExecutionProvider]. Number of nodes: 4\n"
            "Node(s) placed on [CPUExecutionProvider]. Number of nodes: 2",
            {"XNNPACK": "part"},
        ),
        (
            "All nodes have been placed on [QNNExecutionProvider].",
            {"QNN": "all"},
        ),
        (
            "Provider: [NnapiExecutionProvider]: [Conv (a), Relu (b)]\n"
            "Provider: [CPUExecutionProvider]: [NonZero (c)]",
            {"NNAPI": "part"},
        ),
        (
            "[W:onnxruntime:, session_state.cc:1166 VerifyEachNodeIsAssignedToAnEp] "
            "Some "
            "nodes were not assigned to the preferred execution providers which may or "
            "may not have an negative impact on performance.",
            {"NNAPI": "part"},
        ),
    ],
)
def test_what_an_execution_provider_takes_is_read(
    model, asked_for, line, expected, stream
):
    runner = asked_for("nnapi" if "NNAPI" in expected else next(iter(expected)).lower())
    where = {stream: line + "\n"} if stream != "stdout" else {}
    lines = [*line.split("\n"), *REPORT] if stream == "stdout" else REPORT
    measured = runner.parse(ended(lines, **where), model)
    assert extents(measured.delegations) == expected


@pytest.mark.parametrize(
    "line",
    [
        "All nodes placed on [CPUExecutionProvider]. Number of nodes: 6",
        "All nodes have been placed on [CPUExecutionProvider].",
        "Provider: [CPUExecutionProvider]: [Conv (a), Relu (b)]",
        "number of partitions supported by NNAPI: 0 number of nodes in the graph: 9 "
        "number"
        " of nodes supported by NNAPI: 0",
        "All ops will fallback to CPU EP, because system NNAPI feature level [26] is "
        "lower",
    ],
)
def test_a_provider_that_took_nothing_is_refused(model, asked_for, line):
    with pytest.raises(LaunchError) as caught:
        asked_for("nnapi").parse(ended([line, *REPORT]), model)
    assert caught.value.reason is FailureReason.MISSING_BACKEND


def test_the_cpu_s_own_provider_is_no_delegate():
    placed = "All nodes placed on [CPUExecutionProvider]. Number of nodes: 6"
    assert provider_delegations([placed], "cpu") == ()
    assert provider_delegations([placed], None) == ()


def test_a_long_line_of_anything_is_passed_over():
    assert litert_delegations(["a" * 200_000 + " delegate: "]) == ()


def test_only_what_was_asked_for_is_checked():
    check_delegated(
        [Delegation(delegate="XNNPACK", extent="none", is_requested=False)], "x"
    )


@pytest.fixture
def asked_for(tmp_path):
    """The adapter of a program that was given with an execution provider."""
    (tmp_path / "perf").write_bytes(b"program")

    def make(provider: str) -> OnnxRuntimePerfTest:
        option = ("execution_provider", provider)
        name = "onnxruntime_perf_test"
        path = str(tmp_path / "perf")
        choice = RunnerChoice(name=name, path=path, abi="x86_64", options=(option,))
        return OnnxRuntimePerfTest((choice,))

    return make


@pytest.mark.parametrize(
    ("backends", "layers", "is_taken"),
    [
        ("CPU", "99", False),
        ("CPU,BLAS", "99", False),
        ("Vulkan", "99", True),
        ("CPU", "0", True),
        ("CPU", None, True),
        ("", "99", True),
    ],
)
def test_layers_for_a_gpu_that_the_program_has_none_for(
    tmp_path, model, backends, layers, is_taken
):
    (tmp_path / "llama-bench").write_bytes(b"program")
    options = (("n_gpu_layers", layers),) if layers else ()
    choice = RunnerChoice(
        name="llama_bench",
        path=str(tmp_path / "llama-bench"),
        abi="x86_64",
        options=options,
    )
    asked = GenerationRequest(prompt_tokens=8, new_tokens=5)
    tests = [
        {"n_prompt": 8, "n_gen": 0, "samples_ns": [500], "backends": backends},
        {"n_prompt": 0, "n_gen": 4, "samples_ns": [400], "backends": backends},
    ]
    request = factories.launch_request(generation=asked)
    result = ended([json.dumps(test) for test in tests])
    runner = LlamaBench((choice,))
    if is_taken:
        assert runner.parse(result, model, request).delegations == ()
    else:
        with pytest.raises(LaunchError, match="GPU took no node"):
            runner.parse(result, model, request)
