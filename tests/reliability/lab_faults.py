"""What came of each fault of a lab, as its test saw it, for docs/reliability.md.

A test hands over what its run stored. That holds the page to it, or adds a line to the
file that POCKETBENCH_OUTCOMES names, which is how the page is written.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

from pocketbench.bench.judge.summarize import summarize
from pocketbench.bench.records.run import spares_of

REPOSITORY = Path(__file__).parents[2]
DOCUMENT = REPOSITORY / "docs/reliability.md"
OUTCOMES = "POCKETBENCH_OUTCOMES"
_LAB, _STF, _JUMPSTARTER = (
    f"tests/main_job/test_{name}.py::test_" for name in ("lab", "stf", "jumpstarter")
)

LAB_FAULTS = {
    "worker killed, another phone of its model is free": _LAB
    + "a_killed_workers_blocks_are_redone_on_a_free_phone_of_its_model",
    "worker killed, no other phone is free": _LAB
    + "a_killed_workers_phone_is_reported_where_no_other_is_free",
    "worker killed, then the scheduler": _LAB
    + "a_resumed_run_counts_the_blocks_that_a_spare_phone_measured",
    "scheduler gone": _LAB
    + "a_run_whose_scheduler_is_gone_keeps_what_it_has_and_is_resumed",
    "network cut between a host and the scheduler": _LAB
    + "a_network_that_is_cut_costs_no_launch_and_ends_what_is_cut_off",
    "network silent between a host and the scheduler": _LAB
    + "a_host_behind_a_silent_network_loses_no_launch_and_stops_and_joins_again",
    "network cut between a run and the scheduler": _LAB
    + "a_run_that_is_cut_off_from_its_lab_keeps_what_it_has_and_is_resumed[cut]",
    "network silent between a run and the scheduler": _LAB
    + "a_run_that_is_cut_off_from_its_lab_keeps_what_it_has_and_is_resumed[silent]",
    "computer of the run dies": _LAB
    + "the_phones_of_a_run_whose_computer_dies_get_their_settings_back",
    "phone quarantined": _LAB
    + "a_phone_that_is_lost_at_every_launch_is_quarantined_and_holds_no_other",
    "phone quarantined, models spread over phones": _LAB
    + "a_quarantined_phone_of_a_spread_run_leaves_every_model_to_the_other_host",
    "host's clock behind and set back, then the scheduler gone": _LAB
    + "a_host_whose_clock_is_behind_and_set_back_loses_no_launch_and_no_order",
    "lease of DeviceFarmer lost": _STF
    + "a_lease_that_is_lost_is_a_failure_and_the_rest_is_measured_later",
    "lease of Jumpstarter lost": _JUMPSTARTER
    + "a_lease_that_is_lost_is_a_failure_and_the_rest_is_measured_later",
}
"""Each with the test that provokes it."""


def record_outcome(fault, asked, first, resumed=None):
    """Hold the page to what came of a fault; `asked` are the devices of the run.

    Raises:
        AssertionError: A planned launch is stored twice, or neither stored nor
            reported; a stored one was lost; or the page has another outcome.
    """
    if first.outcome == "killed":
        outcome = "ended"
    else:
        assert_stored_once_or_reported(first, asked)
        last = {x.device_id: x.reason.value for x in summarize(first).failures}
        reasons = sorted(set(last.values()))
        words = ", ".join(reasons).replace("_", " ")
        outcome = f"recorded ({words})" if reasons else "moved"
    if outcome == "moved":
        assert {x.device_id for x in first.launches} != set(asked)
    else:
        assert resumed.launches[: len(first.launches)] == first.launches
        assert_stored_once_or_reported(resumed, asked)
        assert summarize(resumed).failures == ()
    if path := os.environ.get(OUTCOMES):
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps([fault, outcome]) + "\n")
    else:
        assert outcomes_on_page()[fault] == outcome, (
            "run python -m tests.reliability.matrix lab"
        )


def assert_stored_once_or_reported(run, asked):
    """Every planned launch is in one whole block, or its device has a failure."""
    plan = run.started.plan
    places = Counter(
        (x.device_id, x.model, x.block, x.attempt, x.variant_id) for x in run.launches
    )
    assert set(places.values()) <= {1}, "a launch is stored twice"
    groups = (
        [list(asked)]
        if plan.spread
        else [[x, *spares_of(x, run.devices)] for x in asked]
    )
    reported = {(x.device_id, x.model) for x in summarize(run).failures}
    for group in groups:
        for model in plan.models:
            whole = _times_whole(run, group, model.name)
            wanted = {(x, name) for x in group for name in (None, model.name)}
            for block in range(plan.workload.blocks):
                assert whole[block] == 1 or (whole[block] == 0 and reported & wanted), (
                    f"block {block} of {model.name} on {group}: {whole[block]} times"
                )


def _times_whole(run, devices, model):
    """How many attempts of each block have a launch of every variant."""
    wanted = {x.id for x in run.started.plan.variants_of(model)}
    seen = defaultdict(set)
    for x in run.launches:
        if x.device_id in devices and x.model == model:
            seen[x.block, x.device_id, x.attempt].add(x.variant_id)
    return Counter(block for (block, *_), ids in seen.items() if ids == wanted)


def provoked_outcomes() -> dict[str, str]:
    """Run the test of every fault; what came of each."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "outcomes"
        subprocess.run(
            [sys.executable, "-m", "pytest", "-q", *LAB_FAULTS.values()],
            cwd=REPOSITORY,
            env={**os.environ, OUTCOMES: str(path)},
            check=True,
        )
        return dict(json.loads(line) for line in path.read_text("utf-8").splitlines())


def outcomes_on_page() -> dict[str, str]:
    """What the page says came of each fault."""
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in DOCUMENT.read_text("utf-8").splitlines()
    ]
    return {row[0]: row[1] for row in rows if row[0] in LAB_FAULTS}


def section(outcomes: dict[str, str]) -> list[str]:
    """The lines of the page."""
    lines = [
        "## Faults of a lab",
        "",
        "Simulated phones on real adb servers, with Dask's scheduler and workers.",
        "*moved*: all was measured in the same run, some of it on another phone;",
        "*recorded*: the failure is in the run file, and `--resume` measured the rest;",
        "*ended*: the run was killed, and `--resume` measured the rest. In every case",
        "each planned launch was stored once, or reported with its reason until",
        "`--resume` stored it once, and each stored launch was kept.",
        "",
        "| fault | outcome | shown by |",
        "|---|---|---|",
    ]
    for fault, test in LAB_FAULTS.items():
        file, _, name = test.partition("::test_")
        words = name.partition("[")[0].replace("_", " ")
        lines.append(f"| {fault} | {outcomes[fault]} | `{file}`: {words} |")
    return lines
