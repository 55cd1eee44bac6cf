"""Where the time goes, typed as a user types it: real models, real programs."""

import json
import re

import pytest

from pocketbench.android_runner.build.toolchain import this_computer
from pocketbench.bench.judge.operators import Fallback, operator_tables
from pocketbench.bench.records.operator_times import OperatorProfile

ODD = ("nets:odd", "--input", "1x3x32x32")
HERE = ("--device", "host")
SHORT = ("--iterations", "3", "--warmup", "1", "--blocks", "2")
FLOAT_AND_INT8 = ("--variant", "float32", "--variant", "int8-static")

pytestmark = pytest.mark.needs("compiler")


def by_variant(run):
    return {table.variant_id: table for table in operator_tables(run)}


def fell_back(table):
    return {cost.name: cost.fallback for cost in table.fallbacks}


def page_of(user):
    (page,) = user.runs.glob("*/report.html")
    return page.read_text("utf-8")


@pytest.mark.slow
def test_an_operator_without_an_integer_kernel_is_named_as_the_fallback(user):
    done = user.types(
        *("run", *ODD, *HERE, *FLOAT_AND_INT8, *SHORT),
        *("--profile", "ops", "--details"),
    )

    assert done.returncode == 0, done.stderr
    run = user.last_run()
    tables = by_variant(run)
    assert fell_back(tables["float32"]) == {}
    assert fell_back(tables["int8-static"]) == {
        "aten::cumsum": Fallback.FLOAT,
        "aten::erf": Fallback.FLOAT,
        "aten::quantize_per_tensor": Fallback.ROUND_TRIP,
        "aten::dequantize": Fallback.ROUND_TRIP,
    }
    convolutions = [
        cost.calls
        for cost in tables["int8-static"].operators
        if cost.name == "quantized::conv2d"
    ]
    assert convolutions == [2]
    for name in ("float32", "int8-static"):
        layers = {layer.name: layer for layer in tables[name].layers}
        assert layers.keys() == {"", "first", "last"}
        assert all(len(layer.times_ns) == 2 for layer in layers.values())
        assert sum(layer.time_ns for layer in layers.values()) == pytest.approx(
            tables[name].time_ns
        )
    # Launches that count are as many as without a profile.
    assert len(run.launches) == 2 * 2
    said = " ".join(done.stdout.split())
    assert "float32: all operators ran in the target precision" in said
    names = r"(aten::cumsum and aten::erf|aten::erf and aten::cumsum)"
    assert re.search(f"int8-static's operator .* {names} compute on floats", said)
    assert 'data-operator="aten::erf" data-fallback="float"' in page_of(user)


@pytest.mark.slow
def test_a_suite_asks_for_the_profile_and_a_resume_does_what_is_missing(user):
    suite = user.write(
        "suite.toml",
        """
        [workload]
        blocks = 1
        iterations = 3
        warmup_iterations = 1
        profile = "ops"

        [[model]]
        source = "nets:odd"
        inputs = [{ shape = [1, 3, 32, 32] }]
        variants = ["float32", "int8-static"]

        [devices]
        select = ["host"]
        """,
    )
    done = user.types("run", str(suite), "--json")
    assert done.returncode == 0, done.stderr
    reported = json.loads(done.stdout)["operators"]
    assert [table["variant_id"] for table in reported] == ["float32", "int8-static"]

    # As after a kill between the two profiles.
    (stored,) = user.runs.glob("*/run.jsonl")
    lines = stored.read_bytes().splitlines(keepends=True)
    (last,) = (
        number
        for number, line in enumerate(lines)
        if b'"operator_profile"' in line and b'"int8-static"' in line
    )
    stored.write_bytes(b"".join(lines[:last]))
    assert user.last_run().outcome == "killed"

    again = user.types("run", "--resume", "last")

    assert again.returncode == 0, again.stderr
    run = user.last_run()
    assert [x.variant_id for x in run.profiles] == ["float32", "int8-static"]
    assert len(user.records("operator_profile")) == 2
    assert len(run.launches) == 2
    assert run.outcome == "finished"


def test_a_suite_that_asks_for_another_profile_is_reported_which_there_is(user):
    suite = user.write(
        "suite.toml",
        '[workload]\nprofile = "layers"\n[[model]]\nsource = "nets:net"\n',
    )

    done = user.types("run", str(suite))

    assert done.returncode == 2
    assert "layers" in done.stderr
    assert "profile" in done.stderr


@pytest.mark.slow
@pytest.mark.needs("namespaces", "bubblewrap")
def test_a_phone_reports_its_operators_as_this_computer_does(user, phone, adb):
    run = user.measures(
        *ODD,
        *("--device", f"android:{phone.serial}", *HERE, *FLOAT_AND_INT8),
        *("--profile", "ops"),
        ANDROID_ADB_SERVER_PORT=str(adb.port),
    )

    phones = [x for x in operator_tables(run) if x.device_id != "host"]
    assert len(phones) == 2
    for table in phones:
        same = next(
            x
            for x in operator_tables(run)
            if x.device_id == "host" and x.variant_id == table.variant_id
        )
        assert {(x.name, x.calls, x.fallback) for x in table.operators} == {
            (x.name, x.calls, x.fallback) for x in same.operators
        }


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.needs("executorch")
def test_a_kernel_that_no_delegate_took_is_named_as_the_fallback(user):
    done = user.types(
        *("run", *ODD, *HERE, *FLOAT_AND_INT8, *SHORT),
        *("--engine", "executorch", "--profile", "ops", "--details"),
        timeout_s=800,
    )

    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    names = r"(aten::erf.out and aten::cumsum.out|aten::cumsum.out and aten::erf.out)"
    assert len(re.findall(f"{names} were taken by no delegate", said)) == 2
    row = 'data-operator="aten::erf.out" data-fallback="not_delegated"'
    assert page_of(user).count(row) == 2
    for table in operator_tables(user.last_run()):
        left = {n: x for n, x in fell_back(table).items() if n != "Convert (NC)"}
        assert left == {
            "aten::cumsum.out": Fallback.NOT_DELEGATED,
            "aten::erf.out": Fallback.NOT_DELEGATED,
        }
        convolutions = [x for x in table.operators if x.name.startswith("Convolution")]
        assert sum(x.calls for x in convolutions) == 2
        assert {x.backend for x in convolutions} == {"XnnpackBackend"}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_operators_of_int8_mobilenet_are_its_quantized_convolutions(user):
    run = user.measures(
        *("mobilenet_v2", *HERE, "--variant", "int8-static", "--profile", "ops"),
        timeout_s=800,
    )

    (table,) = operator_tables(run)
    calls = {cost.name: cost.calls for cost in table.operators}
    assert calls["quantized::conv2d_relu"] + calls["quantized::conv2d"] == 52
    assert calls["quantized::linear"] == 1
    assert fell_back(table) == {}
    assert table.operators[0].name.startswith("quantized::conv2d")
    assert 'data-operator="quantized::conv2d_relu"' in page_of(user)


def test_what_is_observed_reports_what_observing_cost(user):
    run = user.measures(*ODD, *HERE, "--variant", "float32", "--profile", "ops")

    assert {profile.block for profile in run.profiles} == {0, 1}
    for profile in run.profiles:
        assert isinstance(profile, OperatorProfile)
        assert len(profile.times.latencies_ns) == 3
        assert len(profile.times.observed_latencies_ns) == 3
    (table,) = operator_tables(run)
    assert table.observed_over_plain > 0


LITERT = """\
#!/bin/sh
# A LiteRT program as of 2025, which has op_profiling_output_mode.
echo 'count=1 curr=1500'
echo 'count=3 first=1500 curr=1500 min=1500 max=1500 avg=1500 std=0'
case "$*" in *--enable_op_profiling=true*--op_profiling_output_mode=csv*) cat <<'END'
Operator-wise Profiling Info for Regular Benchmark Runs:
============================== Run Order ==============================
node type, first, avg_ms, %, cdf%, mem KB, times called, name
CONV_2D, 0.9, 0.9, 60%, 60%, 0, 1, [net/conv]:0
SOFTMAX, 0.6, 0.6, 40%, 100%, 0, 1, [net/softmax]:1
Number of nodes executed: 2
Timings (microseconds): count=3 first=1500 curr=1500 avg=1500
END
esac
echo 'Inference timings in us: Init: 3300, First inference: 1500,' \\
     'Warmup (avg): 1500, Inference (avg): 1500'
"""


@pytest.mark.slow
def test_a_prebuilt_program_s_own_profile_is_shown_too(user):
    user.write("benchmark_model", LITERT).chmod(0o755)
    (user.folder / "net.tflite").write_bytes(b"\x1c\0\0\0TFL3 and more")

    done = user.types(
        *("run", "net.tflite", *HERE, *SHORT, "--profile", "ops", "--details"),
        *("--runner", f"benchmark_model=benchmark_model@{this_computer()[0]}"),
    )

    assert done.returncode == 0, done.stderr
    (table,) = operator_tables(user.last_run())
    assert [(x.name, x.calls, x.time_ns) for x in table.operators] == [
        ("CONV_2D", 1, 900_000),
        ("SOFTMAX", 1, 600_000),
    ]
    assert "CONV_2D  1 call  0.900 ms [0.900, 0.900]  60 %" in done.stdout
