"""What `--fail-on` exits with; slower within one run has two names for it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from pocketbench.bench.commands.show_reports import exit_code
from pocketbench.bench.judge.summary import Summary, Verdict
from tests.reports.two_runs import of_two_runs

SLOWER = pytest.mark.parametrize("fail_on", ["slower-than-baseline", "regression"])


def without_regression(summary: Summary) -> Summary:
    """The same where what was slower is faster; one comparison is inconclusive."""
    comparisons = tuple(
        replace(c, verdict=Verdict.IMPROVEMENT)
        if c.verdict is Verdict.REGRESSION
        else c
        for c in summary.comparisons
    )
    return replace(summary, comparisons=comparisons)


@SLOWER
def test_a_slower_build_fails_under_either_name(tiny, fail_on):
    assert exit_code(tiny, fail_on) == 1
    assert exit_code(of_two_runs(tiny), fail_on) == 1


@SLOWER
def test_faster_and_inconclusive_builds_pass(tiny, fail_on):
    assert exit_code(without_regression(tiny), fail_on) == 0


@SLOWER
def test_a_withheld_verdict_is_nothing_to_pass_on(tiny, fail_on, capsys):
    first, *rest = without_regression(tiny).comparisons
    withheld = replace(first, verdict=None, is_withheld=True)
    summary = replace(tiny, comparisons=(withheld, *rest))

    assert exit_code(summary, fail_on) == 3
    assert f"--fail-on {fail_on}: 1 of the comparisons" in capsys.readouterr().err


def test_inconclusive_fails_only_where_that_was_asked_for(tiny):
    assert exit_code(without_regression(tiny), "inconclusive") == 1
    assert exit_code(tiny, "inconclusive") == 1


def test_never_is_never_about_verdicts(tiny):
    assert exit_code(tiny, "never") == 0
