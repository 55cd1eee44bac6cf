from __future__ import annotations

import re

from msgspec.structs import replace

from pocketbench.bench.judge.summary import (
    Cell,
    Comparison,
    Resolution,
    Summary,
    Verdict,
)
from pocketbench.bench.records.caveat import Caveat
from pocketbench.bench.records.plan import BuildOrigin
from pocketbench.reports.formats import console, console_details
from pocketbench.reports.text.headline import headline, verdict_counts
from pocketbench.reports.text.next_step import next_step
from pocketbench.reports.view import View
from tests.reports.two_runs import of_two_runs


def sentence(summary: Summary) -> str:
    return headline(View(summary)).sentence


def claim(summary: Summary) -> str:
    """What is said of the candidate, after how fast it is."""
    return headline(View(summary)).details[0]


def judged_as(summary: Summary, *verdicts: Verdict, ratio: float = 0.5) -> Summary:
    """The summary with these verdicts on its judged cells, all with one ratio."""
    given = iter(verdicts)
    comparisons = []
    for comparison in summary.comparisons:
        if comparison.verdict is None:
            comparisons.append(comparison)
            continue
        estimate = replace(
            comparison.candidate_over_baseline,
            point=ratio,
            low=ratio * 0.99,
            high=ratio * 1.01,
        )
        comparisons.append(
            replace(comparison, verdict=next(given), candidate_over_baseline=estimate)
        )
    cells = tuple(
        cell if cell.is_baseline else with_latency_of_baseline(summary, cell, ratio)
        for cell in summary.cells
    )
    return replace(summary, cells=cells, comparisons=tuple(comparisons))


def with_latency_of_baseline(summary: Summary, cell: Cell, times: float) -> Cell:
    baseline = summary.cell(cell.device_id, cell.model, "float32")
    assert baseline is not None
    found = baseline.estimates["latency_ns"]
    estimate = replace(found, point=found.point * times)
    return replace(cell, estimates={**cell.estimates, "latency_ns": estimate})


def with_ratio(comparison: Comparison, ratio: float) -> Comparison:
    """A comparison of this ratio, and the verdict that goes with it."""
    estimate = replace(comparison.candidate_over_baseline, point=ratio)
    verdict = Verdict.REGRESSION if ratio > 1 else Verdict.IMPROVEMENT
    return replace(comparison, verdict=verdict, candidate_over_baseline=estimate)


def test_of_many_devices_the_unit_is_said_once(full):
    assert re.search(
        r"^2 models on 3 devices: [\d.]+ to [\d.]+ ms with ", sentence(full)
    )


def test_an_interrupted_run_is_to_be_resumed_before_anything_else(tiny):
    assert "--resume" not in next_step(View(tiny))
    interrupted = View(replace(tiny, run=replace(tiny.run, outcome="interrupted")))

    assert next_step(interrupted) == (
        f"`pocketbench run --resume {tiny.run.started.run_id}` measures what is missing"
    )
    running = View(replace(tiny, run=replace(tiny.run, outcome="running")))
    assert next_step(running).startswith("wait for the end of the run")
    assert "Caveats: the run is not over yet;" in console.render(running)


def test_what_was_ingested_is_to_be_measured_again_on_the_phone(tiny):
    started = replace(tiny.run.started, command=("pocketbench", "ingest", "r.jsonl"))
    killed = replace(tiny, run=replace(tiny.run, started=started, outcome="killed"))

    for text in (next_step(View(killed)), console_details.render(View(killed))):
        assert "again on the phone" in " ".join(text.split()).lower()
        assert "--resume" not in text


def test_a_gate_that_was_not_measured_has_its_title(tiny):
    text = str(headline(View(replace(tiny, gate_on=("latency_ns", "p90_latency_ns")))))
    assert "No verdict on p90 latency: nothing was measured of it." in text


def test_a_self_check_asks_for_the_blocks_that_it_found(tiny):
    found = Resolution(
        device_id="host",
        model="mobilenet_v2",
        variant_id="float32-again",
        metric="latency_ns",
        blocks=6,
        half_width=0.05,
        smallest_found=0.06,
        blocks_for_min_effect=40,
        min_effect=0.02,
    )
    step = next_step(View(replace(tiny, resolutions=(found,))))
    assert step == "quiet the device, or compare builds with about `--blocks 40`"
    enough = replace(found, blocks_for_min_effect=6)
    assert next_step(View(replace(tiny, resolutions=(enough,)))) is None
    never = replace(found, blocks_for_min_effect=None)
    step = next_step(View(replace(tiny, resolutions=(never,))))
    assert step == "quiet the device and run again: its noise hides the minimum effect"


def test_a_candidate_better_everywhere_is_one_sentence(tiny):
    summary = judged_as(tiny, Verdict.IMPROVEMENT, Verdict.IMPROVEMENT, ratio=0.476)
    assert sentence(summary) == (
        "mobilenet_v2: 4.76 ms on this computer (Ryzen 7) and 9.52 ms on "
        "Pixel 8 [SIMULATED] with int8-static (the fastest build)."
    )
    assert claim(summary) == (
        "int8-static is 2.1x faster than float32 (10.0 → 4.76 ms, 20.0 → 9.52 ms) on "
        "both devices (1 of them simulated); output SQNR 31 dB. "
        "It uses 33 to 38 % less memory."
    )


def test_a_slower_candidate_and_an_inconclusive_one_are_said_with_milliseconds(tiny):
    assert headline(View(tiny)).details == (
        "int8-static is 10 % slower than float32 (10.0 → 11.0 ms) on 1 of 2 devices, "
        "and inconclusive on 1 (simulated); output SQNR 31 dB. "
        "It uses 33 to 38 % less memory.",
    )


def test_one_sentence_has_one_form_of_percent_or_times(tiny):
    ratios = iter((0.8, 2.5))
    comparisons = tuple(
        with_ratio(c, next(ratios))
        if c.metric == "latency_ns" and c.kind == "variant"
        else c
        for c in tiny.comparisons
    )
    words = claim(replace(tiny, comparisons=comparisons))
    assert "1.2x faster" in words
    assert "2.5x slower" in words
    assert "%" not in words.partition(";")[0]
    assert "33 to 38 % less memory" in words
    for one in words.split(". "):
        assert not ("%" in one and re.search(r"\dx ", one))


def test_one_device_has_latency_memory_and_size_in_the_sentence(tiny):
    host = [c for c in tiny.cells if c.device_id == "host"]
    summary = replace(
        tiny,
        cells=tuple(host),
        comparisons=tuple(c for c in tiny.comparisons if c.device_id == "host"),
    )
    assert sentence(summary) == (
        "mobilenet_v2 on this computer (Ryzen 7): 10.0 ms [9.90, 10.1] with float32 "
        "(the fastest build); 100 MiB peak memory, 13.3 MiB file."
    )


def test_no_change_is_said_with_the_minimum_effect(tiny):
    summary = judged_as(tiny, Verdict.NO_CHANGE, Verdict.NO_CHANGE, ratio=1.001)
    assert claim(summary).startswith(
        "int8-static is within 2 % of float32 on both devices (1 of them simulated)"
    )


def test_without_a_verdict_nothing_is_claimed(tiny):
    summary = replace(
        tiny, comparisons=tuple(c for c in tiny.comparisons if c.verdict is None)
    )
    assert not any("int8-static" in line for line in headline(View(summary)).details)
    assert "faster" not in sentence(summary).replace("clearly faster", "")


def test_memory_whose_interval_reaches_the_band_is_not_claimed(tiny):
    summary = replace(
        tiny,
        comparisons=tuple(
            replace(
                c,
                candidate_over_baseline=replace(c.candidate_over_baseline, high=0.99),
            )
            if c.metric == "peak_rss_bytes"
            else c
            for c in tiny.comparisons
        ),
    )
    assert "memory" not in claim(summary)


def test_few_launches_are_said_in_the_sentence(tiny):
    summary = replace(
        tiny,
        cells=tuple(
            replace(cell, caveats=(*cell.caveats, Caveat.TOO_FEW_LAUNCHES))
            for cell in tiny.cells
        ),
    )
    assert claim(summary).endswith("; quick run: rough numbers.")


def test_cells_that_could_not_be_measured_are_counted(tiny):
    found = headline(View(replace(tiny, jobs_wanted=6)))
    assert found.details[-1] == "2 of 6 configurations could not be measured."


def test_nothing_measured_says_so(tiny):
    summary = replace(tiny, cells=(), comparisons=())
    assert sentence(summary) == "Nothing was measured."


def test_against_another_run_the_worst_leads_the_counts(tiny):
    found = headline(View(of_two_runs(tiny)))
    assert found.sentence == (
        "mobilenet_v2 int8-static on this computer (Ryzen 7): 10 % slower "
        "(10.0 → 11.0 ms); 1 regression, 0 improvements, 0 unchanged, 1 inconclusive "
        "of 2 comparisons."
    )
    assert found.details[0].startswith(
        "Baseline: commit 0a1b2c3d4e, run before-it. Candidate: commit 4f1c2d3e5a, run "
    )


def test_one_variant_alone_gives_its_figures(make_summary):
    summary = make_summary(models=("mobilenet_v2",), variants=("float32",))
    assert sentence(summary).startswith("mobilenet_v2: 14.")
    assert "on Pixel 8 [SIMULATED]" in sentence(summary)
    assert sentence(summary).endswith(" with float32.")


def test_models_that_differ_are_counted_by_pairs(full):
    found = headline(View(full))
    assert found.sentence.startswith("2 models on 3 devices: 6.")
    assert found.details[0].startswith(
        "int8-static is 2.1x faster than float32 on all 3 devices "
        "(1 of them simulated), for both models; output SQNR "
    )
    assert "pairs of model and device" in found.details[1]
    assert "1 of 18 configurations could not be measured." in found.details


def test_counts_speak_of_comparisons_when_several_metrics_gate(tiny):
    both = [replace(c, verdict=Verdict.NO_CHANGE) for c in tiny.comparisons[:2]]
    assert verdict_counts(View(tiny), both) == (
        "0 worse, 0 better, 2 same, 0 inconclusive of 2 comparisons"
    )
    assert verdict_counts(View(tiny), both[:1]).startswith("0 slower, 0 faster, 1 same")


def test_a_replayed_simulator_is_called_both(tiny):
    device = replace(
        tiny.devices[1].device,
        is_simulated=False,
        family="ios-simulator",
        is_replayed=True,
    )
    devices = (tiny.devices[0], replace(tiny.devices[1], device=device))
    summary = judged_as(tiny, Verdict.IMPROVEMENT, Verdict.IMPROVEMENT)
    assert "on both devices (1 of them in a simulator and replayed)" in claim(
        replace(summary, devices=devices)
    )


def test_of_two_builds_in_one_run_the_change_comes_first(tiny):
    (model,) = tiny.run.started.plan.models
    built = replace(model, origins={"int8-static": ("head.ptl", "as-is")})
    plan = replace(tiny.run.started.plan, models=(built,))
    started = replace(tiny.run.started, plan=plan)
    summary = replace(tiny, run=replace(tiny.run, started=started))
    assert sentence(summary).startswith("int8-static is 10 % slower than float32 (10.0")
    assert headline(View(summary)).details[0].startswith("mobilenet_v2: 10.0 ms on")


def test_two_builds_in_one_run_are_named_by_their_commits(tiny):
    (model,) = tiny.run.started.plan.models
    built = replace(
        model,
        origins={"int8-static": ("head.ptl", "as-is")},
        builds={
            "baseline": BuildOrigin(commit="0a1b2c3d4e5f60718293"),
            "candidate": BuildOrigin(commit="f60718293a4b5c6d7e8f"),
        },
    )
    plan = replace(tiny.run.started.plan, models=(built,))
    started = replace(tiny.run.started, plan=plan)
    found = headline(View(replace(tiny, run=replace(tiny.run, started=started))))

    said = "Baseline: commit 0a1b2c3d4e. Candidate: commit f60718293a."
    assert said in found.details
