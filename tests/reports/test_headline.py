from __future__ import annotations

from msgspec.structs import replace

from pocketbench.bench.judge.summary import Summary, Verdict
from pocketbench.bench.records.caveat import Caveat
from pocketbench.reports.text.headline import headline, verdict_counts
from pocketbench.reports.view import View


def sentence(summary: Summary) -> str:
    return headline(View(summary)).sentence


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
    return replace(summary, comparisons=tuple(comparisons))


def test_a_candidate_better_everywhere_is_one_sentence(tiny):
    summary = judged_as(tiny, Verdict.IMPROVEMENT, Verdict.IMPROVEMENT, ratio=0.476)
    assert sentence(summary) == (
        "int8-static is 2.1x faster than float32 on 2 of 2 devices "
        "(1 of them simulated), and uses 33 % to 38 % less memory; "
        "output SQNR 31 dB."
    )


def test_a_regression_leads_and_an_inconclusive_cell_is_named(tiny):
    assert sentence(tiny) == (
        "int8-static is 10 % slower than float32 on 1 of 2 devices, undecided on 1 "
        "(simulated), and uses 33 % to 38 % less memory; output SQNR 31 dB."
    )
    assert headline(View(tiny)).details == (
        "1 regression, 0 improvements, 0 unchanged, 1 inconclusive of 2 cells.",
    )


def test_no_change_is_said_with_the_minimum_effect(tiny):
    summary = judged_as(tiny, Verdict.NO_CHANGE, Verdict.NO_CHANGE, ratio=1.001)
    assert sentence(summary).startswith(
        "int8-static is within 2 % of float32 on 2 of 2 devices (1 of them simulated)"
    )


def test_without_a_verdict_nothing_is_claimed(tiny):
    summary = replace(
        tiny, comparisons=tuple(c for c in tiny.comparisons if c.verdict is None)
    )
    assert sentence(summary) == "4 cells measured; no baseline."


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
    assert "memory" not in sentence(summary)


def test_few_launches_are_said_in_the_sentence(tiny):
    summary = replace(
        tiny,
        cells=tuple(
            replace(cell, caveats=(*cell.caveats, Caveat.TOO_FEW_LAUNCHES))
            for cell in tiny.cells
        ),
    )
    assert sentence(summary).endswith("; quick run: rough numbers.")


def test_cells_that_could_not_be_measured_are_counted(tiny):
    found = headline(View(replace(tiny, jobs_wanted=6)))
    assert found.details[-1] == "2 of 6 cells could not be measured."


def test_nothing_measured_says_so(tiny):
    summary = replace(tiny, cells=(), comparisons=())
    assert sentence(summary) == "Nothing was measured."


def test_against_another_run_the_verdicts_are_counted(tiny):
    summary = replace(
        tiny, comparisons=tuple(replace(c, kind="run") for c in tiny.comparisons)
    )
    assert sentence(summary) == (
        "1 regression, 0 improvements, 0 unchanged, 1 inconclusive of 2 cells."
    )


def test_one_variant_alone_gives_its_figures(make_summary):
    summary = make_summary(models=("mobilenet_v2",), variants=("float32",))
    assert sentence(summary).startswith("mobilenet_v2 float32 takes 14.")
    assert "on Pixel 8 [SIMULATED]" in sentence(summary)
    assert sentence(summary).endswith("; no baseline.")


def test_models_that_differ_are_counted_by_pairs(full):
    found = headline(View(full))
    assert found.sentence.startswith(
        "int8-static is 2.1x faster than float32 on 3 of 3 devices "
        "(1 of them simulated), for both models, and uses "
    )
    assert "pairs of model and device" in found.details[0]
    assert "1 of 18 cells could not be measured." in found.details


def test_counts_speak_of_comparisons_when_several_metrics_gate(tiny):
    both = [replace(c, verdict=Verdict.NO_CHANGE) for c in tiny.comparisons[:2]]
    assert verdict_counts(both) == (
        "0 regressions, 0 improvements, 2 unchanged, 0 inconclusive of 2 comparisons"
    )


def test_a_replayed_simulator_is_called_both(tiny):
    device = replace(
        tiny.devices[1].device,
        is_simulated=False,
        family="ios-simulator",
        is_replayed=True,
    )
    devices = (tiny.devices[0], replace(tiny.devices[1], device=device))
    summary = judged_as(tiny, Verdict.IMPROVEMENT, Verdict.IMPROVEMENT)
    assert "on 2 of 2 devices (1 of them in a simulator and replayed)" in sentence(
        replace(summary, devices=devices)
    )
