"""What every report says of models that generate."""

from __future__ import annotations

import csv as csv_module
import io

import msgspec
import pytest
from msgspec.structs import replace

from pocketbench.bench.judge.summarize import summarize
from pocketbench.reports.formats import console, console_details, csv, json, markdown
from pocketbench.reports.formats.html import page
from pocketbench.reports.view import View
from tests.generated_runs import generated_run
from tests.reports.conftest import HOST, PIXEL

EXPECTED = """\
tiny_llama on 2 devices: 66.1 to 200 tokens/s with 8da4w at 2 depths.
8da4w@d1024 is 2.4x faster than float32@d1024 (55.1 → 132 tokens/s, 27.6 → 66.1
tokens/s) on both devices (1 of them simulated).
8da4w@d0 is 2.4x faster than float32@d0 (83.5 → 200 tokens/s, 41.7 → 99.9
tokens/s) on both devices (1 of them simulated).

                 decode speed, tokens/s  first token  peak memory
tiny_llama · this computer (Ryzen 7)
  float32@d0     83.5 [83.1, 83.9]       239 ms       80.0 MiB
  8da4w@d0       200 [199, 201]          100 ms       80.0 MiB
  float32@d1024  55.1 [54.9, 55.2]       363 ms       84.0 MiB
  8da4w@d1024    132 [132, 133]          151 ms       84.0 MiB
tiny_llama · Pixel 8 [SIMULATED]
  float32@d0     41.7 [41.6, 41.8]       480 ms       80.0 MiB
"""


@pytest.fixture(scope="module")
def deep() -> View:
    """Two builds at two depths on two devices."""
    return View(summarize(generated_run(devices=(HOST, PIXEL), depths=(0, 1024))))


@pytest.fixture(scope="module")
def flat() -> View:
    """Two builds at depth 0 on this computer."""
    return View(summarize(generated_run(devices=(HOST,))))


def test_the_first_screen_has_speed_and_first_token_of_each_build_and_depth(deep):
    text = console.render(deep)

    assert text.startswith(EXPECTED)
    assert len(text.splitlines()) <= console.MOST_LINES


def test_one_device_has_the_time_to_first_token_in_the_sentence(flat):
    words = " ".join(console.render(flat).split())

    assert "200 tokens/s [200, 200] with 8da4w (the fastest build)" in words
    assert "the first after 100 ms; 80.0 MiB peak memory" in words
    assert "8da4w is 2.4x faster than float32 (83.3 → 200 tokens/s)" in words


def test_a_slower_build_is_called_slower_though_its_ratio_is_below_one():
    run = generated_run(devices=(HOST,), per_token_ms={"8da4w": 5.0, "float32": 12.0})
    words = " ".join(console.render(View(summarize(run))).split())

    assert "float32 is 2.4x slower than 8da4w (200 → 83.3 tokens/s)" in words
    assert "▲ 2.4x slower" in words
    assert "with 8da4w (the fastest build)" in words


def test_what_stopped_early_says_how_many_tokens_it_made():
    run = generated_run(devices=(HOST,), made={"8da4w": 31})
    view = View(summarize(run))
    words = " ".join(console.render(view).split())

    assert "No verdict on 1 comparison" in words
    assert "tokens generated 64 against 31" in words
    assert "tokens generated 64 against 31" in console_details.render(view)


def test_markdown_has_a_row_for_each_build_and_says_what_was_generated(deep):
    text = markdown.render(deep)

    assert "| decode speed, tokens/s | first token | peak memory |" in text
    assert "a prompt of 128 tokens (seeded random ids) and 64 new ones" in text
    assert "with 0 and 1024 tokens in the KV cache" in text


def test_csv_has_each_metric_in_its_unit_and_the_depth(deep):
    rows = list(csv_module.DictReader(io.StringIO(csv.render(deep))))
    decode = [row for row in rows if row["metric"] == "decode_tokens_per_s"]

    assert {row["unit"] for row in decode} == {"tokens_per_s"}
    assert {row["kv_depth"] for row in decode} == {"0", "1024"}
    assert {"time_to_first_token_ns", "inter_token_ns"} < {r["metric"] for r in rows}


def test_json_has_the_request_and_every_figure(deep):
    document = msgspec.json.decode(json.render(deep))

    assert document["run"]["generation"]["kv_depths"] == [0, 1024]
    assert document["metrics"][0]["name"] == "decode_tokens_per_s"
    assert {cell["kv_depth"] for cell in document["cells"]} == {0, 1024}


def test_the_page_draws_the_tokens_and_each_metric_by_depth(deep):
    html = page.render(deep)

    assert "Token by token, and by depth of the KV cache" in html
    for title in (
        "time from token to token",
        "decode speed by depth",
        "time to first token by depth",
        "peak memory by depth",
    ):
        assert f"tiny_llama on this computer (Ryzen 7): {title}" in html
    assert "tokens of each launch" in html
    assert "main iterations" not in html.partition('id="data"')[0].partition("<dl>")[0]


def test_a_page_of_one_depth_draws_no_line_over_depths(flat):
    html = page.render(flat)

    assert "time from token to token" in html
    assert "by depth" not in html


def test_rates_without_stamps_are_drawn_without_a_chart_of_tokens(flat):
    launches = []
    for launch in generated_run(devices=(HOST,)).launches:
        tokens = launch.measurement.generation
        printed = replace(
            tokens,
            token_ns=(),
            token_ids=(),
            new_tokens=64,
            decode_tokens_per_s=80.0,
            rates_are_theirs=True,
        )
        measured = replace(launch.measurement, generation=printed)
        launches.append(replace(launch, measurement=measured))
    run = replace(generated_run(devices=(HOST,)), launches=tuple(launches))
    view = View(summarize(run))

    html = page.render(view)

    assert "time from token to token" not in html
    assert "own definition" in html
    assert "80.0 [80.0, 80.0]" in console.render(view)
    assert " -  " in console.render(view)
