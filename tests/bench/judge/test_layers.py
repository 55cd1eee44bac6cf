"""What each layer takes, and two builds' layers and operators beside each other."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from pocketbench.bench.judge.layers import layer_costs
from pocketbench.bench.judge.operator_differences import (
    kind_differences,
    layer_differences,
)
from pocketbench.bench.judge.operators import operator_tables
from pocketbench.bench.records.artifact import LayerOperator
from pocketbench.bench.records.operator_times import (
    OperatorProfile,
    OperatorTime,
    OperatorTimes,
)
from pocketbench.bench.records.run import Run
from tests import factories

MODULES = ("features.0", "features.0", "features.1", "")


def built(variant, names, modules=MODULES):
    layers = tuple(
        LayerOperator(operator=name, module=module)
        for name, module in zip(names, modules, strict=False)
    )
    return factories.artifact(
        variant, precision=variant, export=factories.export_facts(layers=layers)
    )


def observed(*named_ns):
    return OperatorTimes(
        operators=tuple(
            OperatorTime(name=name, calls=2, self_ns=2 * ns, node=str(node))
            for node, (name, ns) in enumerate(named_ns)
        ),
        inferences=2,
    )


FLOAT = ("aten::conv2d", "aten::relu", "aten::linear", "aten::add")
INT8 = ("aten::quantize_per_tensor", "quantized::conv2d_relu", "quantized::linear")


def in_blocks(*blocks):
    """Tables of float32 and int8 from times by block: `(float ns, int8 ns)`."""
    artifacts = (
        built("float32", FLOAT),
        built("int8", INT8, ("features.0", "features.0", "features.1")),
    )
    profiles = tuple(
        OperatorProfile(
            device_id="host",
            model="net",
            variant_id=artifact.variant,
            artifact_sha256=artifact.sha256,
            runner="lite",
            started_at="2026-01-01T00:00:00Z",
            block=block,
            times=observed(*zip(names, times, strict=True)),
        )
        for block, both in enumerate(blocks)
        for artifact, names, times in zip(artifacts, (FLOAT, INT8), both, strict=True)
    )
    run = Run(
        folder="x",
        started=factories.started(),
        artifacts=artifacts,
        devices=(),
        launches=(),
        profiles=profiles,
        outcome="finished",
    )
    return operator_tables(run)


def test_operators_are_added_up_by_the_module_that_called_them():
    times = observed(*zip(FLOAT, (100, 10, 50, 5), strict=True))
    found = layer_costs(times, built("float32", FLOAT))

    assert [(x.name, x.operators, x.time_ns) for x in found] == [
        ("features.0", ("aten::conv2d", "aten::relu"), 110),
        ("features.1", ("aten::linear",), 50),
        ("", ("aten::add",), 5),
    ]


def test_a_model_that_ran_other_operators_is_shown_by_place():
    times = observed(("prepacked::conv2d_clamp_run", 90), ("aten::linear", 50))
    found = layer_costs(times, built("float32", FLOAT))

    assert [x.name for x in found] == [
        "#0 prepacked::conv2d_clamp_run",
        "#1 aten::linear",
    ]


def test_what_a_runtime_calls_its_nodes_is_their_name():
    conv = OperatorTime(name="CONV_2D", calls=1, self_ns=9, node="[net/conv]:0")
    assert [
        x.name
        for x in layer_costs(
            OperatorTimes(operators=(conv,), inferences=1), built("float32", ())
        )
    ] == ["[net/conv]:0"]


def test_a_profile_without_nodes_has_no_layers():
    conv = OperatorTime(name="aten::conv2d", calls=1, self_ns=9)
    times = OperatorTimes(operators=(conv,), inferences=1)
    assert layer_costs(times, built("float32", FLOAT)) == ()


def test_what_costs_most_stands_first_with_its_interval_over_blocks():
    float32, int8 = in_blocks(
        ((100, 10, 50, 5), (20, 400, 20)), ((104, 10, 50, 5), (20, 424, 22))
    )
    layers = layer_differences(float32, int8)

    assert [(x.name, x.before_ns, x.after_ns) for x in layers] == [
        ("features.0", 112, 432),
        ("features.1", 50, 21),
        ("", 5, 0),
    ]
    assert layers[0].change_ns == 320
    assert layers[0].share == pytest.approx(320 / 286)
    low, high = layers[0].interval_ns
    assert low < 310
    assert high > 330
    assert layers[2].interval_ns == (-5, -5)
    first = kind_differences(float32, int8)[0]
    assert (first.name, first.change_ns) == ("convolution and linear", 281)
    assert first.operators == (
        "aten::conv2d",
        "aten::linear",
        "quantized::conv2d_relu",
        "quantized::linear",
    )


def test_builds_that_share_no_layers_are_not_laid_beside_each_other():
    float32, int8 = in_blocks(((100, 10, 50, 5), (20, 400, 20)))
    places = tuple(
        replace(layer, name=f"#{at}") for at, layer in enumerate(int8.layers)
    )
    assert layer_differences(float32, replace(int8, layers=places)) == []
