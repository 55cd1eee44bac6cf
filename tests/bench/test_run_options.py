"""One typed value from the command line, the suite file or Python to the plan."""

import msgspec
import pytest

from pocketbench.bench.commands.generate import generate
from pocketbench.bench.commands.run import run
from pocketbench.bench.commands.run_flow import claim_of
from pocketbench.bench.errors import PocketbenchError
from pocketbench.bench.planning.make_plan import make_plan
from pocketbench.bench.planning.run_options import RunOptions, WorkloadOptions
from pocketbench.bench.planning.suite import Suite, read_suite
from pocketbench.bench.records.plan import CooldownLimits, Plan, Workload

FROM_A_SUITE_ONLY = {"min_duration_s"}
"""Seconds there, a length of time on the command line (`--min-duration 2s`)."""
OF_A_GENERATION = {
    "prompt_tokens", "new_tokens", "kv_depths", "warmup_generations", "prompt_ids",
    "perplexity",
}  # fmt: skip
"""Options of `generate` besides those it shares with `run`."""


def options_of(*words, command=run):
    """What the command line makes of these words."""
    ctx = command.make_context(command.name, list(words))
    found = []
    run_with = command.callback
    command.callback = found.append
    try:
        command.invoke(ctx)
    finally:
        command.callback = run_with
    return found[0]


def test_every_option_has_one_field_and_every_field_one_option():
    options = {param.name for param in run.params}
    fields = {field.name for field in msgspec.structs.fields(RunOptions)}

    assert options == fields - FROM_A_SUITE_ONLY - OF_A_GENERATION - {"kind"}


def test_generate_has_the_options_of_run_that_mean_something_and_its_own():
    names = [param.name for param in generate.params]

    assert len(names) == len(set(names))
    assert names[0] == "models"
    assert set(names) > OF_A_GENERATION
    assert set(names) - OF_A_GENERATION < {param.name for param in run.params}
    assert {"iterations", "check", "profile", "min_duration"}.isdisjoint(names)


def test_generate_without_options_is_silent_as_run_is():
    asked = options_of("mobilenet_v2", command=generate)

    assert asked == RunOptions(models=("mobilenet_v2",))


def test_silence_on_the_command_line_is_silence_in_python():
    assert options_of("mobilenet_v2") == RunOptions(models=("mobilenet_v2",))


def test_a_suites_workload_takes_the_options_of_the_command_line():
    assert type(Suite().workload) is WorkloadOptions


def test_the_command_line_wins_over_the_suite_and_both_over_the_defaults(tmp_path):
    suite = tmp_path / "suite.toml"
    suite.write_text(
        '[[model]]\nsource = "resnet18"\n'
        "[workload]\nblocks = 7\niterations = 33\nthreads = [1, 2]\n"
        "[cooldown]\nmax_wait_s = 900\n[gate]\nmin_effect = 0.05\n"
    )

    plan = make_plan(options_of(str(suite), "--iterations", "44"))

    assert plan.workload == Workload(blocks=7, iterations=44)
    assert {variant.threads for variant in plan.variants} == {1, 2}
    assert plan.cooldown == CooldownLimits(max_wait_s=900.0)
    assert plan.min_effect == 0.05


def test_each_value_of_a_suites_workload_reaches_the_options():
    workload = WorkloadOptions(
        **{field.name: object() for field in msgspec.structs.fields(WorkloadOptions)}
    )

    options = Suite(workload=workload).under(RunOptions())

    asked = msgspec.structs.asdict(workload)
    assert {x: getattr(options, x) for x in asked} == asked


@pytest.mark.parametrize(("typed", "spread"), [([], False), (["--spread"], True)])
def test_a_run_is_spread_over_phones_where_that_is_typed(typed, spread):
    assert make_plan(options_of("resnet18", *typed)).spread is spread


@pytest.mark.parametrize(
    ("typed", "at_once"), [([], 2), (["--pushes-per-hub", "1"], 1)]
)
def test_a_runs_claim_says_how_many_phones_of_a_hub_are_pushed_to_at_once(
    typed, at_once
):
    claim = claim_of(options_of("resnet18", *typed), "run", print)
    assert claim.pushes_per_hub == at_once


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (["--anyway"], ["--allow-mismatch"]),
        (["--no-gate"], ["--no-cooldown"]),
        (["--heat", "redos=1"], ["--cooldown-limit", "redos=1"]),
        (["--format", "md"], ["--report", "md"]),
    ],
)
def test_old_names_still_work(old, new):
    assert options_of("digits", *old) == options_of("digits", *new)


def test_old_names_are_not_in_the_help():
    text = run.get_help(run.make_context("run", ["digits"]))
    assert "--cooldown-limit" in text
    assert "--anyway" not in text
    assert "--no-gate" not in text
    assert "--heat" not in text


@pytest.mark.parametrize("number", ["nan", "inf", "-inf"])
def test_a_suite_with_a_number_that_is_none_is_refused(tmp_path, number):
    suite = tmp_path / "suite.toml"
    suite.write_text(f'[[model]]\nsource = "resnet18"\n[gate]\nmin_effect = {number}\n')

    with pytest.raises(PocketbenchError, match="holds nan or inf"):
        read_suite(suite)


def test_a_stored_plan_of_version_0_1_keeps_its_meaning():
    plan = make_plan(RunOptions(models=("resnet18",), allow_mismatch=True))
    stored = msgspec.json.decode(msgspec.json.encode(plan))

    assert stored["anyway"] is True
    assert {"gate", "quiet"} <= stored.keys()
    assert msgspec.convert(stored, Plan) == plan
