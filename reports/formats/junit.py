"""JUnit XML: a regression fails, an inconclusive comparison is skipped.

Slower than the baseline in one run is no failure unless the run was to fail on it.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from pocketbench.bench.judge.outputs import JudgedOutputs
from pocketbench.bench.judge.summary import (
    BudgetVerdict,
    Comparison,
    FleetComparison,
    Verdict,
)
from pocketbench.bench.records.launch import Failure
from pocketbench.reports.tables.budgets import BudgetRow, budget_rows
from pocketbench.reports.tables.comparisons import comparison_row
from pocketbench.reports.text.fleet import (
    agreement,
    fleet_effect,
    fleet_name,
    fleet_verdict,
)
from pocketbench.reports.text.headline import headline
from pocketbench.reports.text.phrases import grade_words
from pocketbench.reports.view import View

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(view: View) -> str:
    """One test case per judged comparison, one suite per model; XML 1.0."""
    root = ET.Element("testsuites", name="pocketbench")
    totals = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
    models = dict.fromkeys(
        [
            *view.models,
            *(row.judged.model or "budgets" for row in budget_rows(view)),
            *(f.model or "devices" for f in view.summary.failures),
        ]
    )
    for model in models:
        suite = ET.SubElement(root, "testsuite", name=_clean(model))
        for comparison in (*view.judged, *view.withheld):
            if comparison.model == model:
                _case(suite, view, comparison)
        for of_fleet in view.summary.fleet:
            if of_fleet.model == model:
                _fleet_case(suite, view, of_fleet)
        for row in budget_rows(view):
            if (row.judged.model or "budgets") == model:
                _budget_case(suite, row)
        for outputs in view.summary.outputs:
            if outputs.model == model:
                _answers(suite, view, outputs)
        for failure in view.summary.failures:
            if (failure.model or "devices") == model:
                _not_measured(suite, view, failure)
        for name, count in _counts(suite).items():
            suite.set(name, str(count))
            totals[name] += count
        suite.set("timestamp", _clean(view.summary.run.started.started_at))
    for name, count in totals.items():
        root.set(name, str(count))
    note = ET.Comment(_clean(str(headline(view))).replace("--", "- -") + " ")
    root.insert(0, note)
    ET.indent(root)
    text = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _case(suite: ET.Element, view: View, comparison: Comparison) -> None:
    row, ratio = comparison_row(view, comparison), comparison.candidate_over_baseline
    case = ET.SubElement(
        suite,
        "testcase",
        classname=_clean(f"{comparison.model}.{view.tagged(comparison.device_id)}"),
        name=_clean(
            f"{comparison.candidate} against {view.baseline_name(comparison)}: "
            f"{view.metric_title(comparison.metric)}"
        ),
    )
    properties = ET.SubElement(case, "properties")
    less_trusted = view.less_trusted(comparison)
    for name, value in (
        ("candidate_over_baseline", repr(ratio.point)),
        ("low_95", repr(ratio.low) if ratio.low is not None else ""),
        ("high_95", repr(ratio.high) if ratio.high is not None else ""),
        ("launches", str(ratio.launches)),
        ("q_value", repr(comparison.q_value) if comparison.q_value is not None else ""),
        ("min_effect", repr(comparison.min_effect)),
        ("verdict", row.tone if comparison.verdict else ""),
        ("quality", grade_words(less_trusted) if less_trusted else ""),
    ):
        ET.SubElement(properties, "property", name=name, value=value)
    figures = f"{row.before_after}; " if row.before_after else ""
    message = _clean(f"{row.verdict_text}; {figures}ratio {row.ratio} {row.interval}")
    if view.is_alarm(comparison):
        ET.SubElement(case, "failure", type=row.tone, message=message)
    elif comparison.verdict in (Verdict.INCONCLUSIVE, None):
        ET.SubElement(case, "skipped", message=message)
    ET.SubElement(case, "system-out").text = message


def _fleet_case(suite: ET.Element, view: View, comparison: FleetComparison) -> None:
    """One test case for what holds over all phones of a kind."""
    case = ET.SubElement(
        suite,
        "testcase",
        classname=_clean(f"{comparison.model}.over {fleet_name(comparison)}"),
        name=_clean(
            f"{comparison.candidate} against {comparison.baseline}: "
            f"{view.metric_title(comparison.metric)}"
        ),
    )
    message = _clean(
        f"{fleet_verdict(view, comparison)}; {fleet_effect(view, comparison)}; "
        f"{agreement(comparison)}"
    )
    if view.is_alarm(comparison):
        ET.SubElement(case, "failure", type="regression", message=message)
    elif comparison.verdict is Verdict.INCONCLUSIVE:
        ET.SubElement(case, "skipped", message=message)
    ET.SubElement(case, "system-out").text = message


def _budget_case(suite: ET.Element, row: BudgetRow) -> None:
    """Over budget fails, undecided is skipped."""
    where, metric, at_most, *_ = row.cells
    case = ET.SubElement(
        suite,
        "testcase",
        classname=_clean(f"budget.{where}"),
        name=_clean(f"{metric} at most {at_most}"),
    )
    tag = {BudgetVerdict.WITHIN: "system-out", BudgetVerdict.OVER: "failure"}.get(
        row.judged.verdict, "skipped"
    )
    if tag == "system-out":
        ET.SubElement(case, tag).text = _clean(row.line)
    else:
        ET.SubElement(case, tag, message=_clean(row.line))


def _answers(suite: ET.Element, view: View, outputs: JudgedOutputs) -> None:
    """A limit that the device's answers miss is a failure."""
    case = ET.SubElement(
        suite,
        "testcase",
        classname=_clean(f"{outputs.model}.{view.tagged(outputs.device_id)}"),
        name=_clean(f"{outputs.variant_id}: answers"),
    )
    if outputs.missed:
        message = _clean("; ".join(outputs.missed))
        ET.SubElement(case, "failure", type="answers", message=message)


def _not_measured(suite: ET.Element, view: View, failure: Failure) -> None:
    """Failures is an error of the measuring, not a regression."""
    case = ET.SubElement(
        suite,
        "testcase",
        classname=_clean(f"{suite.get('name')}.{view.tagged(failure.device_id)}"),
        name=_clean(f"{failure.variant_id or 'the device'}: measured"),
    )
    error = ET.SubElement(
        case, "error", type=failure.reason.value, message=_clean(failure.fact)
    )
    error.text = _clean(
        f"{failure.fact}. {failure.remedy}\n{failure.stderr_tail}\n{failure.log_tail}"
    )


def _counts(suite: ET.Element) -> dict[str, int]:
    cases = list(suite)
    return {
        "tests": len(cases),
        "failures": sum(case.find("failure") is not None for case in cases),
        "errors": sum(case.find("error") is not None for case in cases),
        "skipped": sum(case.find("skipped") is not None for case in cases),
    }


def _clean(words: str) -> str:
    """Without the characters that XML 1.0 cannot hold."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", words)
