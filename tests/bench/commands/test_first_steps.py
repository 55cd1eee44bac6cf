"""What a person types first: init, export, devices."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from rich.console import Console

from pocketbench.bench import registry
from pocketbench.bench.commands.devices import devices
from pocketbench.bench.commands.export import export
from pocketbench.bench.commands.init import init
from pocketbench.bench.commands.run import run
from pocketbench.bench.commands.write_reports import known_reports
from pocketbench.bench.errors import ExportError, PocketbenchError, UsageError
from pocketbench.bench.planning.suite import read_suite


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_init_with_yes_writes_a_suite_that_can_be_run(here):
    done = CliRunner().invoke(init, ["--yes"], catch_exceptions=False)

    assert done.output == (
        "performance.toml: written. Next: pocketbench run performance.toml\n"
    )
    suite = read_suite(here / "performance.toml")
    assert suite.model[0].source == "mobilenet_v2"
    assert suite.workload.blocks == 10
    with pytest.raises(UsageError, match="exists already"):
        CliRunner().invoke(init, ["--yes"], catch_exceptions=False)


def test_init_asks_six_questions_and_takes_the_answers(here):
    answers = "resnet18\n1x3x64x64\nfloat32, float16\nhost\n20\n5\n"
    done = CliRunner().invoke(init, input=answers, catch_exceptions=False)

    assert done.output.count("/6 ") == 6
    suite = read_suite(here / "performance.toml")
    (model,) = suite.model
    assert (model.source, model.variants) == ("resnet18", ("float32", "float16"))
    assert model.inputs[0].shape == (1, 3, 64, 64)
    assert (suite.devices.select, suite.gate.min_effect) == (("host",), 0.05)


@pytest.mark.parametrize(
    ("model", "percent", "reported"),
    [("resnet81", "2", "resnet18"), ("resnet18", "200", "is not between 0 and 1")],
)
def test_init_leaves_no_file_that_cannot_be_run(here, model, percent, reported):
    answers = f"{model}\n-\nfloat32\nhost\n10\n{percent}\n"
    with pytest.raises(UsageError, match=reported):
        CliRunner().invoke(init, input=answers, catch_exceptions=False)
    assert not (here / "performance.toml").exists()


def test_export_goes_on_after_a_refused_variant(here, monkeypatch):
    tried = []

    def refuse(request, variant, **more):
        tried.append(variant)
        raise ExportError(f"{request.name} {variant}", "has no weights", "Give some")

    monkeypatch.setattr("pocketbench.bench.models.exporting.library.export", refuse)
    done = CliRunner().invoke(export, ["resnet18"])

    assert tried == ["float32", "int8-dynamic", "int8-static"]
    assert done.exit_code == 3
    assert "3 of 3 variants were refused" in done.output


def test_a_selector_is_never_wrapped(monkeypatch):
    id = "simulated:samsung-galaxy-s24-ultra-with-a-long-name"
    info = SimpleNamespace(
        id=id, name="Galaxy S24 Ultra", abis=("arm64-v8a",), core_count=8,
        os_name="Android", os_version="14", state="not ready", family="simulated",
        remedy="start it, which takes a second, with pocketbench simulate and its name",
        is_simulated=True, is_emulated=False, is_replayed=False, held_by=None,
    )  # fmt: skip
    monkeypatch.setattr(
        "pocketbench.bench.commands.devices.discover",
        lambda families: ([SimpleNamespace(info=info)], []),
    )
    monkeypatch.setattr("rich.console.Console", lambda: Console(width=80))
    done = CliRunner().invoke(devices, catch_exceptions=False)
    lines = done.output.splitlines()
    assert any(line.startswith(f"{id} ") for line in lines)
    assert f"{id}: {info.remedy}" in lines


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--report", "markdwon"), "Did you mean markdown"),
        (("--fail-on", "budget"), "no budget is set"),
    ],
)
def test_an_answer_that_run_cannot_give_is_refused_before_it_looks_for_a_device(
    here, monkeypatch, words, said
):
    def never(*_):
        raise AssertionError("a device was looked for")

    monkeypatch.setattr("pocketbench.bench.commands.run_flow._devices", never)
    with pytest.raises(PocketbenchError, match=said):
        CliRunner().invoke(run, ["mobilenet_v2", *words], catch_exceptions=False)


def test_a_report_of_another_package_that_is_broken_is_refused(monkeypatch):
    found = registry.Names("no group", {"mine": "no_such_package:render"})
    monkeypatch.setattr(registry, "REPORTS", found)
    with pytest.raises(UsageError, match="--report mine: cannot be loaded"):
        known_reports(["mine"])
