"""Engines: how variants are named for them, and how a plan asks for several."""

from __future__ import annotations

import pytest

from pocketbench.bench.errors import ToolMissingError, UnknownNameError, UsageError
from pocketbench.bench.planning.make_plan import plan_models, plan_suite
from pocketbench.bench.planning.run_options import RunOptions
from pocketbench.bench.planning.suite import read_suite
from pocketbench.bench.records import engines
from pocketbench.bench.records.engines import (
    require_installed,
    split_variant,
    variant_for,
)


@pytest.fixture(autouse=True)
def installed(monkeypatch):
    """Plan as if every engine's package were there."""
    monkeypatch.setattr(engines.importlib.util, "find_spec", lambda name: name)


def names(plan):
    return [variant.name for variant in plan.variants]


def test_a_variants_name_reports_what_it_is_made_of_and_for():
    assert split_variant("int8-static").engine.name == "lite"
    made, engine = split_variant("int8-static+executorch")
    assert (made, engine.name, engine.delegate) == (
        "int8-static",
        "executorch",
        "xnnpack",
    )
    assert split_variant("float32+executorch-portable").engine.delegate == "portable"
    assert variant_for("float32", "lite") == "float32"
    assert variant_for("float32+executorch", "lite") == "float32+executorch"


def test_an_unknown_engine_offers_the_near_ones():
    with pytest.raises(UnknownNameError, match="Did you mean executorch"):
        split_variant("float32+executorsh")


def test_every_variant_is_planned_for_every_engine():
    options = RunOptions(
        models=("mobilenet_v2",),
        variants=("float32", "int8-static"),
        engines=("lite", "executorch"),
    )
    plan = plan_models(options)
    assert names(plan) == [
        "float32",
        "int8-static",
        "float32+executorch",
        "int8-static+executorch",
    ]
    assert [x.engine for x in plan.variants] == ["lite"] * 2 + ["executorch"] * 2
    assert [x.delegate for x in plan.variants] == [None] * 2 + ["xnnpack"] * 2
    assert [x.name for x in plan.variants if x.is_baseline] == ["float32"]


def test_the_baseline_is_of_the_first_engine_unless_it_names_one():
    def baseline(**more):
        options = RunOptions(
            models=("mobilenet_v2",), variants=("float32", "int8-static"), **more
        )
        (model,) = plan_models(options).models
        return model.baseline

    assert baseline(engines=("executorch",)) == "float32+executorch"
    assert baseline(engines=("executorch", "lite")) == "float32+executorch"
    assert (
        baseline(engines=("lite", "executorch"), baseline="int8-static+executorch")
        == "int8-static+executorch"
    )
    with pytest.raises(UnknownNameError):
        baseline(baseline="float32+executorch")


def test_a_variant_may_name_its_engine_and_then_is_made_for_no_other():
    options = RunOptions(
        models=("resnet18",), variants=("float32", "float32+executorch-portable")
    )
    assert names(plan_models(options)) == [
        "float32",
        "float32+executorch-portable",
    ]


def test_a_ready_file_runs_on_the_engine_it_is_for(tmp_path):
    pte, ptl = tmp_path / "a.pte", tmp_path / "b.ptl"
    pte.write_bytes(b"\x10\0\0\0ET12")
    ptl.write_bytes(b"\x10\0\0\0PTMF")
    plan = plan_models(
        RunOptions(
            models=(
                str(pte),
                str(ptl),
            ),
            engines=("lite", "executorch"),
        )
    )
    assert [(x.name, x.engine) for x in plan.variants] == [
        ("as-is", "executorch"),
        ("as-is", "lite"),
    ]


def test_a_suite_may_list_engines_and_the_command_line_wins(tmp_path):
    file = tmp_path / "suite.toml"
    file.write_text(
        '[workload]\nengines = ["lite", "executorch"]\n'
        '[[model]]\nsource = "mobilenet_v2"\nvariants = ["float32"]\n'
    )
    suite = read_suite(file)
    plan = plan_suite(suite, str(file), RunOptions())
    assert names(plan) == ["float32", "float32+executorch"]
    plan = plan_suite(suite, str(file), RunOptions(engines=("executorch-portable",)))
    assert names(plan) == ["float32+executorch-portable"]


def test_a_missing_package_names_the_extra(monkeypatch):
    monkeypatch.setattr(engines.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        ToolMissingError, match=r"pip install 'pocketbench\[executorch\]'"
    ):
        plan_models(RunOptions(models=("mobilenet_v2",), engines=("executorch",)))
    require_installed(split_variant("float32").engine)


@pytest.mark.parametrize("word", ["executorch-coreml", "lite-coreml"])
def test_core_ml_names_the_package_it_needs(monkeypatch, word):
    found = engines.importlib.util.find_spec
    monkeypatch.setattr(
        engines.importlib.util,
        "find_spec",
        lambda name: None if name == "coremltools" else found(name),
    )
    with pytest.raises(ToolMissingError, match=r"pip install 'pocketbench\[coreml\]'"):
        plan_models(RunOptions(models=("mobilenet_v2",), engines=(word,)))


def test_qnn_names_the_sdk_it_needs_and_takes_it_where_it_is(monkeypatch, tmp_path):
    monkeypatch.delenv("QNN_SDK_ROOT", raising=False)
    for folder in (None, tmp_path / "gone"):
        if folder:
            monkeypatch.setenv("QNN_SDK_ROOT", str(folder))
        with pytest.raises(ToolMissingError, match=r"QNN SDK.*set QNN_SDK_ROOT"):
            plan_models(
                RunOptions(models=("mobilenet_v2",), engines=("executorch-qnn",))
            )
    monkeypatch.setenv("QNN_SDK_ROOT", str(tmp_path))
    plan = plan_models(
        RunOptions(models=("mobilenet_v2",), engines=("executorch-qnn",))
    )
    assert {x.delegate for x in plan.variants} == {"qnn"}


def test_an_engine_that_does_not_exist_is_a_mistake_of_the_user():
    with pytest.raises(UsageError, match="unknown engine"):
        plan_models(RunOptions(models=("mobilenet_v2",), engines=("tflite",)))


def test_a_memory_format_is_of_every_variant_and_of_no_ready_file(tmp_path):
    file = tmp_path / "suite.toml"
    file.write_text('[[model]]\nsource = "resnet18"\nmemory_format = "channels-last"\n')
    suite = read_suite(file)
    plan = plan_suite(suite, str(file), RunOptions())
    assert [x.memory_format for x in plan.models] == ["channels-last"]
    plan = plan_suite(suite, str(file), RunOptions(memory_format="contiguous"))
    assert [x.memory_format for x in plan.models] == ["contiguous"]
    ready = tmp_path / "b.ptl"
    ready.write_bytes(b"\x10\0\0\0PTMF")
    with pytest.raises(UsageError, match="ready file"):
        plan_models(RunOptions(models=(str(ready),), memory_format="channels-last"))
