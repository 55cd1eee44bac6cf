"""Where the time goes, in every report that carries it."""

import csv as reader
import io
import json as decoder

from pocketbench.reports.formats import console, console_details, csv, json
from pocketbench.reports.formats.html import page as html
from pocketbench.reports.plots.style import variant_colours
from pocketbench.reports.tables.operators import (
    fallback_sentence,
    operator_section,
)
from pocketbench.reports.text.why import tables_of
from pocketbench.reports.view import View
from tests.reports.conftest import HOST, OPERATORS_NS, PIXEL, PROFILES, UNPROFILED


def section(summary, model="mobilenet_v2"):
    view = View(summary)
    colours = variant_colours(view.variant_ids, {"float32"})
    return operator_section(view, model, colours, name="m")


def test_the_sentence_names_what_fell_back_with_its_share(full):
    view = View(full)
    float32, int8 = tables_of(view, "mobilenet_v2")[:2]

    assert (
        fallback_sentence(float32)
        == "float32: all operators ran in the target precision"
    )
    assert fallback_sentence(int8) == (
        "50 % of int8-static's operator time fell back: aten::erf computes on floats "
        "(38 %), aten::dequantize and aten::quantize_per_tensor convert to and fro "
        "(12 %)"
    )


def test_a_model_that_nobody_observed_has_no_section(full, small):
    assert section(full, "resnet18") is None
    assert section(small) is None
    assert "Operator profile" not in console.render(View(small))


def test_each_candidate_stands_beside_its_baseline_on_each_device(full):
    found = section(full)

    assert [(c.device_id, c.candidate, c.baseline) for c in found.charts] == [
        (HOST.id, "int8-static", "float32"),
        (PIXEL.id, "int8-static", "float32"),
    ]
    first = found.charts[0].svg
    assert "convolution and linear 11.0 ms against 4.00 ms" in first
    assert "activation 2.00 ms against 3.00 ms, fell back" in first
    # What differs most stands first.
    assert first.index("convolution and linear") < first.index("activation")


def test_a_kind_that_a_variant_has_none_of_gets_no_bar(full):
    drawn = section(full).charts[0].svg

    # The float model converts nothing; the integer model does.
    assert "float/integer conversion 0 ms against 1.00 ms" in drawn
    assert drawn.count("fill: var(--baseline)") == 2
    assert drawn.count("fill: var(--series-2)") == 3


def test_a_variant_without_an_observed_baseline_stands_alone(make_summary):
    only = tuple(x for x in PROFILES if x.variant_id == "int8-static")
    found = section(make_summary(profiles=only))

    assert [chart.baseline for chart in found.charts] == [None, None]
    assert "against" not in found.charts[0].svg


def test_the_page_reports_operators_fallbacks_and_what_observing_cost(full):
    page = html.render(View(full))

    assert page.count('data-operator="quantized::conv2d_relu"') == 2
    assert page.count('data-operator="aten::erf" data-fallback="float"') == 2
    assert "profiling overhead 5 %" in page
    assert "the runtime &lt;b&gt;told&lt;/b&gt; none" in page


def test_the_terminal_names_the_slowest_and_marks_the_fallbacks(full):
    text = console_details.render(View(full))

    words = " ".join(text.split())
    assert "quantized::conv2d_relu 52 calls 4.00 ms 50 %" in words
    assert "aten::erf* 1 call 3.00 ms 38 %" in words
    assert "50 % of int8-static's operator time" in words
    assert UNPROFILED.fact in words
    assert max(map(len, text.splitlines())) <= 80


def test_the_table_for_spreadsheets_has_a_row_an_operator(full):
    rows = [
        row
        for row in reader.DictReader(io.StringIO(csv.render(View(full))))
        if row["metric"] == "operator_time_ns"
    ]

    assert len(rows) == 2 * sum(map(len, OPERATORS_NS.values()))
    erf = next(row for row in rows if row["operator"] == "aten::erf")
    assert (erf["device"], erf["variant"], erf["unit"]) == ("host", "int8-static", "ns")
    assert float(erf["estimate"]) == 3_000_000
    assert float(erf["operator_calls"]) == 1
    assert float(erf["operator_share"]) == 0.375
    assert erf["fallback"] == "float"
    assert erf["verdict"] == ""


def test_the_machine_gets_every_operator_unscaled(full):
    document = decoder.loads(json.render(View(full)))

    first = document["operators"][0]
    assert (first["device_id"], first["variant_id"]) == ("host", "float32")
    assert first["operators"][0] == {
        "name": "aten::conv2d",
        "kind": "convolution and linear",
        "backend": None,
        "dtype": "float32",
        "calls": 52.0,
        "time_ns": 11_000_000.0,
        "share": 11 / 13,
        "fallback": None,
        "low_ns": None,
        "high_ns": None,
    }
    assert first["observed_over_plain"] == 1.05
