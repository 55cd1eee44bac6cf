"""Which operators of a profile fell back, by engine."""

import pytest
from msgspec.structs import replace

from pocketbench.bench.judge.operator_kinds import kind_of
from pocketbench.bench.judge.operators import Fallback, operator_table, operator_tables
from pocketbench.bench.records.artifact import DelegateShare, Delegation, TensorSpec
from pocketbench.bench.records.operator_times import (
    OperatorProfile,
    OperatorTime,
    OperatorTimes,
)
from pocketbench.bench.records.run import Run

XNNPACK = "XnnpackBackend"


def lite(name, dtype=None, *, calls=1, self_ns=100):
    return OperatorTime(name=name, dtype=dtype, calls=calls, self_ns=self_ns)


def delegated(name, *, calls=1, self_ns=100):
    return OperatorTime(name=name, backend=XNNPACK, calls=calls, self_ns=self_ns)


@pytest.fixture
def table(records):
    def make(*operators, inferences=1, precision="int8", format="ptl", **facts):
        artifact = replace(
            records.artifact("variant"), precision=precision, format=format, **facts
        )
        profile = OperatorProfile(
            device_id="host",
            model="net",
            variant_id="variant",
            artifact_sha256=artifact.sha256,
            runner="lite",
            started_at="2026-01-01T00:00:00Z",
            times=OperatorTimes(operators=operators, inferences=inferences),
        )
        return operator_table(profile, artifact)

    return make


def fell_back(table):
    return {cost.name: cost.fallback for cost in table.fallbacks}


def test_an_integer_model_with_one_way_in_and_one_out_has_no_fallback(table):
    found = table(
        lite("aten::quantize_per_tensor", "float32"),
        lite("quantized::conv2d_relu", "quint8", calls=35),
        lite("quantized::add", "quint8", calls=10),
        lite("aten::adaptive_avg_pool2d", "quint8"),
        lite("aten::dequantize", "quint8"),
    )

    assert fell_back(found) == {}
    assert found.fallback_share == 0


def test_floats_amid_integers_fell_back_and_so_did_the_way_to_them(table):
    found = table(
        lite("aten::quantize_per_tensor", "float32", calls=20, self_ns=60),
        lite("quantized::conv2d", "quint8", calls=20, self_ns=500),
        lite("aten::dequantize", "quint8", calls=20, self_ns=40),
        lite("aten::erf", "float32", calls=10, self_ns=400),
        inferences=10,
    )

    assert fell_back(found) == {
        "aten::erf": Fallback.FLOAT,
        "aten::quantize_per_tensor": Fallback.ROUND_TRIP,
        "aten::dequantize": Fallback.ROUND_TRIP,
    }
    assert found.fallback_share == pytest.approx(0.5)
    assert found.time_ns == 100
    assert found.operators[0].name == "quantized::conv2d"
    assert found.operators[0].calls == 2


def test_as_many_conversions_as_inputs_are_the_ways_in(table):
    three = tuple(TensorSpec(shape=(1,)) for _ in range(3))
    ways = lite("aten::quantize_per_tensor", "float32", calls=3)

    assert fell_back(table(ways, inputs=three)) == {}
    assert fell_back(table(ways, inputs=three[:2])) != {}


def test_a_dynamically_quantized_model_keeps_its_float_layers_and_says_so(table):
    found = table(
        lite("aten::_convolution", "float32", calls=52),
        lite("quantized::linear_dynamic", "float32"),
    )

    assert fell_back(found) == {"aten::_convolution": Fallback.FLOAT}


def test_a_float_model_has_nothing_to_fall_back_from(table):
    found = table(
        lite("aten::_convolution", "float32"),
        lite("aten::dequantize", "quint8", calls=5),
        precision="float32",
    )

    assert fell_back(found) == {}


def test_a_kernel_beside_a_delegate_was_not_delegated_and_gets_its_whole_name(table):
    found = table(
        delegated("Convolution (NHWC, F32) IGEMM"),
        delegated("DELEGATE_CALL"),
        lite("OPERATOR_CALL"),
        lite("erf.out"),
        precision="float32",
        format="pte",
        operators=("aten::erf.out",),
        delegation=Delegation(
            taken=(DelegateShare(name=XNNPACK, operator_count=1, segment_count=1),),
            left_count=1,
        ),
    )

    assert fell_back(found) == {"aten::erf.out": Fallback.NOT_DELEGATED}


def test_a_float_program_without_any_delegate_is_what_it_was_made_to_be(table):
    kernels = (lite("convolution.out"), lite("relu.out"))

    assert fell_back(table(*kernels, precision="float32", format="pte")) == {}


def test_an_integer_program_without_a_delegate_computes_on_floats(table):
    found = table(
        lite("dequantize_per_tensor.out"), lite("convolution.out"), format="pte"
    )

    assert set(fell_back(found)) == {"dequantize_per_tensor.out", "convolution.out"}


def test_a_float_layer_within_a_delegate_of_integers_fell_back(table):
    found = table(
        delegated("Convolution (NHWC, QC8) IGEMM"),
        delegated("Convolution (NHWC, F32) DWConv"),
        delegated("Convert (NC)", calls=4),
        format="pte",
    )

    assert fell_back(found) == {
        "Convolution (NHWC, F32) DWConv": Fallback.FLOAT,
        "Convert (NC)": Fallback.ROUND_TRIP,
    }


@pytest.mark.parametrize("taken", ["QD8", "QDU8"])
def test_each_dynamic_layer_converts_its_own_input(table, taken):
    found = table(
        delegated(f"Fully Connected (NC, {taken}, F32, QC8W) GEMM", calls=6),
        delegated("Convert (NC)", calls=6),
        format="pte",
    )

    assert fell_back(found) == {}


def test_two_namespaces_with_one_kernel_name_leave_it_as_it_is(table):
    names = ("aten::add.out", "quantized_decomposed::add.out")

    found = table(lite("add.out"), format="pte", operators=names)

    assert found.operators[0].name == "add.out"


@pytest.mark.parametrize(
    ("float_name", "int8_name"),
    [
        ("aten::_convolution", "quantized::conv2d_relu"),
        ("prepacked::conv2d_clamp_run", "quantized::conv2d"),
        ("aten::linear", "quantized::linear_dynamic"),
        ("aten::add", "quantized::add"),
        ("Add (ND)", "quantized::add_relu"),
        ("Fully Connected (NC, F32) GEMM", "Fully Connected (NC, QS8, QC8W) GEMM"),
        ("Convolution (NHWC, F32) DWConv", "Convolution (NHWC, QC8) DWConv"),
        ("aten::quantize_per_tensor", "Convert (NC)"),
        ("aten::max_pool2d", "Mean (ND)"),
        ("Transpose (ND, X32)", "aten::flatten"),
        ("aten::addmm", "DEPTHWISE_CONV_2D"),
        ("native_layer_norm.out", "aten::log_softmax"),
        ("aten::hardtanh", "aten::gelu"),
    ],
)
def test_what_does_the_same_is_of_one_kind(float_name, int8_name):
    assert kind_of(float_name) == kind_of(int8_name)


def test_what_nobody_knows_is_a_kind_of_its_own():
    assert kind_of("vision::nms") == "nms"
    assert kind_of("aten::softmax") != kind_of("aten::max_pool2d")


def test_several_launches_are_averaged_and_each_operator_gets_an_interval(records):
    artifact = replace(records.artifact("variant"), precision="float32", format="ptl")
    profiles = tuple(
        OperatorProfile(
            device_id="host",
            model="net",
            variant_id="variant",
            artifact_sha256=artifact.sha256,
            runner="lite",
            started_at="2026-01-01T00:00:00Z",
            block=block,
            times=OperatorTimes(
                operators=(lite("aten::conv2d", self_ns=ns), lite("aten::relu")),
                inferences=1,
            ),
        )
        for block, ns in enumerate((900, 1000, 1100))
    )
    run = Run(
        folder="",
        started=records.started(records.plan("variant")),
        artifacts=(artifact,),
        devices=(),
        launches=(),
        failures=(),
        profiles=profiles,
        outcome="finished",
    )

    (table,) = operator_tables(run)

    conv, relu = table.operators
    assert (conv.name, conv.time_ns, table.time_ns) == ("aten::conv2d", 1000, 1100)
    assert conv.low_ns == pytest.approx(1000 - 4.303 * 100 / 3**0.5, rel=1e-3)
    assert (relu.low_ns, relu.high_ns) == (100, 100)
    assert [kinds["convolution and linear"] for kinds in table.kinds_ns] == [
        900, 1000, 1100
    ]  # fmt: skip
