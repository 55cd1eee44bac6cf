from __future__ import annotations

import base64
import gzip
import json
import re
from html import unescape
from html.parser import HTMLParser

import msgspec
import pytest
from msgspec.structs import replace

from pocketbench.bench.judge.resources import MemoryUsed, Resources
from pocketbench.bench.judge.summary import Verdict
from pocketbench.reports.formats import markdown
from pocketbench.reports.formats.html import page as html
from pocketbench.reports.formats.html import theme
from pocketbench.reports.formats.json import Document
from pocketbench.reports.tables import comparisons
from pocketbench.reports.tables.model_table import model_table
from pocketbench.reports.tables.resources import HEADINGS
from pocketbench.reports.view import View

VOID = {"meta", "input", "br", "img", "path", "use", "rect", "link", "hr"}


class Page(HTMLParser):
    """Cells by (device, variant, metric), elements that do not close, and links out."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.cells: dict[tuple[str, ...], dict[str, str]] = {}
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self._row: dict[str, str] = {}
        self._model = ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = {name: value or "" for name, value in attributes}
        if tag not in VOID:
            self.open.append(tag)
        if "id" in found:
            self.ids.append(found["id"])
        self.links += [found[name] for name in ("src", "href") if name in found]
        if tag == "table":
            self._model = found.get("data-model", "")
        if tag == "tr":
            self._row = found
        if "data-metric" in found and self._model:
            key = (
                self._row["data-device"],
                self._model,
                self._row["data-variant"],
                found["data-metric"],
            )
            self.cells[key] = found

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open, tag
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def text(full):
    return html.render(View(full))


def test_every_estimate_stands_unscaled_in_the_page(full, text):
    cells = Page(text).cells
    for cell in full.cells:
        device = cell.device_id.replace("HT7A1X0042", "9f3c01ab")
        for name, estimate in cell.estimates.items():
            found = cells[device, cell.model, cell.variant_id, name]
            assert float(found["data-point"]) == estimate.point
        size = cells[device, cell.model, cell.variant_id, "size_bytes"]
        assert float(size["data-point"]) == cell.artifact.size_bytes


def test_the_ratios_to_the_baseline_and_to_the_host_stand_there_too(full, text):
    cells = Page(text).cells
    checked = 0
    for comparison in full.comparisons:
        if comparison.metric != "latency_ns":
            continue
        device = comparison.device_id.replace("HT7A1X0042", "9f3c01ab")
        key = (device, comparison.model, comparison.candidate)
        ratio = comparison.candidate_over_baseline
        if comparison.kind == "variant":
            assert (
                float(cells[*key, "candidate_over_baseline"]["data-point"])
                == ratio.point
            )
        else:
            assert float(cells[*key, "over_host"]["data-point"]) == ratio.point
        checked += 1
    assert checked == 11 + 11


@pytest.fixture
def slower(small):
    """A run whose int8 variant is 2.1x slower than its baseline on both devices."""
    comparisons = tuple(
        replace(
            comparison,
            verdict=Verdict.REGRESSION,
            candidate_over_baseline=replace(
                comparison.candidate_over_baseline, point=2.1, low=2.0, high=2.2
            ),
        )
        if comparison.verdict is Verdict.IMPROVEMENT
        else comparison
        for comparison in small.comparisons
    )
    return replace(small, comparisons=comparisons)


def coloured_as_regressions(page):
    """The words of the tables, and the marks of the charts, in that colour."""
    charts = "".join(re.findall("<svg.*?</svg>", page, re.DOTALL))
    words = re.findall(r'class="[^"]*v-regression', page)
    return words, re.findall(r"var\(--regression\)", charts)


def test_slower_within_a_run_has_the_colour_of_a_regression_only_where_it_fails(
    slower,
):
    shown = html.render(View(slower))
    failing = html.render(View(slower, fails_slower=True))

    assert coloured_as_regressions(shown) == ([], [])
    assert shown.count('data-verdict="slower"') == 2
    assert 'data-verdict="regression"' not in shown
    words, marks = coloured_as_regressions(failing)
    assert len(words) >= 2
    assert len(marks) >= 2
    assert failing.count('data-verdict="regression"') == 2


def test_the_page_is_well_formed_with_unique_ids(text):
    page = Page(text)
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))


def test_nothing_is_asked_of_a_network(text):
    for link in Page(text).links:
        assert link.startswith("#"), link
    assert "@import" not in text
    assert not re.search(r"url\((?!#)", text)
    assert "default-src 'none'" in text


def test_what_a_device_says_is_never_markup(text):
    assert "<script>alert" not in text
    assert "<img" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "\x1b" not in text
    assert "HT7A1X0042" not in text


def test_a_simulated_device_is_tagged_wherever_its_name_stands(text):
    labels = re.findall(r'<bdi class="device">Pixel 8</bdi>(.{0,40})', text)
    assert len(labels) > 10
    assert all(
        rest.startswith(' <span class="tag">SIMULATED</span>') for rest in labels
    )
    drawn = text.count(">Pixel 8</text>")
    assert drawn == text.count(">SIMULATED</text>") > 0


def test_equal_summaries_give_equal_bytes(full, text):
    assert html.render(View(full)) == text


def test_the_sentence_comes_before_everything_else(text):
    body = text[text.index("<main>") :]
    order = ["<h1", 'id="fastest"', "<svg", "Caveats", 'id="method"']
    places = [body.index(part) for part in order]
    assert places == sorted(places)


def test_random_weights_are_said_at_the_model_and_among_the_caveats(text):
    assert "so the output error is a distance from float32, never an accuracy" in text
    assert 'data-caveat="random_weights"' in text


def test_failures_are_rows_with_reason_output_and_remedy(text):
    row = text[text.index('data-failure="crashed"') :]
    row = row[: row.index("</tr>")]
    assert "signal 11" in row
    assert "Segmentation fault" in row
    assert "See the output kept with the failure" in row
    fold = row[row.index("<summary>the system log on it</summary>") :]
    assert "F DEBUG   : name: bench  &gt;&gt;&gt; &lt;bench&gt;" in fold


def test_the_data_of_a_small_run_is_plain_json_and_cannot_end_its_element(small):
    devices = tuple(
        replace(ready, device=replace(ready.device, name="</script><!--"))
        for ready in small.devices
    )
    page = html.render(View(replace(small, devices=devices)))
    data = re.search(
        r'<script type="application/json" id="data"[^>]*>(.*?)</script>', page
    )
    assert data
    assert (
        msgspec.json.decode(data[1], type=Document).devices[0].name == "</script><!--"
    )


@pytest.mark.slow
def test_the_data_of_a_larger_run_is_compressed(make_summary):
    page = html.render(View(make_summary(blocks=60, models=("mobilenet_v2",))))
    data = re.search(r'data-encoding="gzip\+base64"[^>]*>([^<]+)</script>', page)
    assert data
    document = json.loads(gzip.decompress(base64.b64decode(data[1])))
    assert len(document["cells"][0]["launches"]) == 60


def test_a_run_without_cells_still_says_why(full):
    empty = replace(full, cells=(), comparisons=())
    page = html.render(View(empty))
    assert "Nothing could be measured: 1 failure on 1 device." in page
    assert Page(page).open == []


def test_one_launch_each_has_no_intervals_and_says_so(make_summary):
    page = html.render(View(make_summary(blocks=1)))
    assert "[no interval]" in page
    assert "rough numbers" in page


def test_a_program_that_reports_a_mean_only_has_no_traces(small):
    def without_samples(launch):
        none = {"latencies_ns": (), "warmup_latencies_ns": ()}
        return replace(launch, measurement=replace(launch.measurement, **none))

    cells = tuple(
        replace(cell, records=tuple(map(without_samples, cell.records)))
        for cell in small.cells
    )
    page = html.render(View(replace(small, cells=cells)))
    assert "Latency over time" in page
    assert "Iterations of each launch" not in page


@pytest.mark.slow
def test_a_thousand_cells_fit_in_three_megabytes(make_summary, small):
    host, simulated = (ready.device for ready in small.devices)
    phones = tuple(
        replace(
            simulated, id=f"simulated:phone-{number}", name=f"A phone, number {number}"
        )
        for number in range(9)
    )
    summary = make_summary(
        models=tuple(f"model_number_{number}" for number in range(25)),
        variants=("float32", "int8-dynamic", "int8-static", "int8-static@4t"),
        devices=(host, *phones),
        blocks=20,
    )
    assert len(summary.cells) == 1000
    page = html.render(View(summary))
    assert len(page.encode()) <= 3_000_000
    rows = 1000 + comparisons.MOST_JUDGED_ROWS + 10 + 10
    assert page.count('<tr data-device="') == rows
    assert "The 300 that matter most of 750" in page


def luminance(colour: str) -> float:
    def linear(part: str) -> float:
        value = int(part, 16) / 255
        return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(colour[i : i + 2]) for i in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrasts():
    """Text colours over papers that must be readable: name -> (text, paper)."""
    found = {}
    for scheme, colours in (("light", theme.PAGE_LIGHT), ("dark", theme.PAGE_DARK)):
        words = ["ink", "muted", "link", "regression", "improvement"]
        words += [name for name in colours if name.endswith("-text")]
        for word in words:
            found[f"{scheme} {word}"] = (colours[word], colours["paper"])
        found[f"{scheme} muted on band"] = (colours["muted"], colours["band"])
        found[f"{scheme} tag"] = (colours["tag-ink"], colours["tag-paper"])
    return found


@pytest.mark.parametrize("name", contrasts())
def test_text_has_a_contrast_of_at_least_4_5(name):
    text, paper = contrasts()[name]
    lighter, darker = sorted((luminance(text), luminance(paper)), reverse=True)
    assert (lighter + 0.05) / (darker + 0.05) >= 4.5


def test_memory_and_energy_say_how_they_were_read(make_summary):
    summary = make_summary()
    used = Resources(
        memory=MemoryUsed(
            runtime_rss_bytes=40 * 2**20,
            peak_bytes=100 * 2**20,
            model_bytes=60 * 2**20,
            pss_bytes=80 * 2**20,
            read_by="sampler",
            sampling_interval_s=0.05,
            sampling_cost_ns=3_000_000,
        ),
        no_energy="the phone was on power",
    )
    cells = tuple(replace(cell, resources=used) for cell in summary.cells)
    page = unescape(html.render(View(replace(summary, cells=cells))))
    table = page[page.index('id="resources"') :]
    for heading in HEADINGS:
        assert f">{heading[:1].upper()}{heading[1:]}<" in table
    words = (
        *("40.0 MiB", "100 MiB", "60.0 MiB", "80.0 MiB"),
        "looked at from outside every 50.0 ms, at 3.00 ms of processor time",
        "none: the phone was on power",
    )
    assert "".join(f"<td>{word}</td>" for word in words) in table
    text = markdown.render(View(replace(summary, cells=cells)))
    assert "<summary>Memory and energy</summary>" in text
    assert " | ".join(words) in text


def test_commands_in_sentences_are_set_as_code(small):
    view = View(replace(small, run=replace(small.run, outcome="interrupted")))
    command = f"pocketbench run --resume {small.run.started.run_id}"

    page, words = html.render(view), markdown.render(view)
    assert page.count(f"<code>{command}</code>") == 2
    assert words.count(f"`{command}`") == 2
    assert "`" not in re.sub("<script.*?</script>", "", page, flags=re.DOTALL)


def test_a_single_launch_is_never_marked_as_the_best(tiny):
    def bold(summary) -> bool:
        rows = model_table(View(summary), "mobilenet_v2").rows
        return any(row.figures[0].is_best for row in rows)

    assert bold(tiny)
    alone = {"low": None, "high": None, "launches": 1}
    cells = tuple(
        replace(
            cell,
            estimates={
                name: replace(found, **alone) for name, found in cell.estimates.items()
            },
        )
        for cell in tiny.cells
    )
    assert not bold(replace(tiny, cells=cells))
