"""The page as a reader meets it, in headless Chromium."""

from __future__ import annotations

import json
import re
import struct

import pytest

from pocketbench.reports.formats.html import page as html
from pocketbench.reports.view import View

pytestmark = pytest.mark.needs("chromium")

SIMULATED = "Pixel 8"


@pytest.fixture(scope="module")
def url(full, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(html.render(View(full)), "utf-8")
    return path.as_uri()


@pytest.fixture
def page(browser, url):
    """The page opened; afterwards nothing may have gone wrong or out."""
    context = browser.new_context(
        viewport={"width": 1280, "height": 900}, accept_downloads=True
    )
    page = context.new_page()
    troubles: list[str] = []
    page.on("console", lambda message: troubles.append(message.text))
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("dialog", lambda dialog: troubles.append(dialog.message))
    page.on(
        "request",
        lambda request: (
            None
            if request.url.startswith(("file:", "blob:"))
            else troubles.append(request.url)
        ),
    )
    page.goto(url)
    yield page
    context.close()
    assert troubles == []


def column(page, index: int) -> list[float | None]:
    return page.eval_on_selector_all(
        "#model-1-table tr[data-variant]",
        "(rows, i) => rows.map(row => row.cells[i].dataset.point)"
        ".map(point => point === undefined ? null : Number(point))",
        index,
    )


def test_every_figure_of_the_estimates_is_found(page, full):
    found = page.eval_on_selector_all(
        "table[data-model] td[data-metric]",
        """cells => cells.map(cell => [
            cell.closest("table").dataset.model, cell.closest("tr").dataset.device,
            cell.closest("tr").dataset.variant, cell.dataset.metric,
            Number(cell.dataset.point), cell.textContent.trim()])""",
    )
    points = {tuple(row[:4]): row[4] for row in found}
    assert all(row[5] for row in found)
    for cell in full.cells:
        device = cell.device_id.replace("HT7A1X0042", "9f3c01ab")
        for name, estimate in cell.estimates.items():
            assert points[cell.model, device, cell.variant_id, name] == estimate.point


def test_every_name_of_a_simulated_device_has_its_tag(page):
    html_names = page.eval_on_selector_all(
        "bdi.device",
        """names => names.filter(name => name.textContent === "Pixel 8")
            .map(name => name.nextElementSibling?.textContent ?? "")""",
    )
    assert html_names
    assert set(html_names) == {"SIMULATED"}
    in_charts = page.eval_on_selector_all(
        "svg",
        'charts => charts.map(chart => chart.querySelector("desc").textContent '
        '&& [...chart.querySelectorAll("text")].map(text => text.textContent))',
    )
    for words in in_charts:
        assert words.count(SIMULATED) == words.count("SIMULATED")


def test_the_hostile_name_is_text(page):
    assert page.get_by_text("<script>alert(1)</script>").count() > 3
    assert page.evaluate("document.scripts.length") == 2
    assert page.evaluate("document.images.length") == 0


def test_headings_sort_up_down_and_back(page):
    before = column(page, 1)
    heading = page.locator("#model-1-table thead th").nth(1)
    heading.get_by_role("button").click()
    assert column(page, 1) == sorted(before)
    assert heading.get_attribute("aria-sort") == "ascending"
    assert page.locator("#model-1-table tr.group").first.is_hidden()
    labels = page.locator("#model-1-table .row-device:visible .tag")
    assert labels.count() == 3
    heading.get_by_role("button").click()
    assert column(page, 1) == sorted(before, reverse=True)
    heading.get_by_role("button").click()
    assert column(page, 1) == before
    assert heading.get_attribute("aria-sort") is None
    assert page.locator("#model-1-table tr.group").first.is_visible()


def test_rows_without_a_figure_are_sorted_last(page):
    heading = page.locator("#model-1-table thead th").nth(2).get_by_role("button")
    for _ in range(2):
        heading.click()
        assert column(page, 2)[-3:] == [None, None, None]


def test_the_filter_finds_devices_and_variants(page):
    page.locator('[data-filters="model-1-table"]').fill("pixel static")
    rows = page.locator("#model-1-table tr[data-variant]:visible")
    assert rows.count() == 1
    assert rows.first.get_attribute("data-device") == "simulated:pixel-8"
    assert page.locator("#model-1-table tr.group:visible").count() == 1
    assert page.get_by_text("1 of 9 rows").is_visible()
    page.locator('[data-filters="model-1-table"]').fill("")
    assert page.get_by_text("9 of 9 rows").is_visible()


def test_comparisons_are_filtered_by_verdict(page):
    page.locator("#comparisons summary").click()
    page.locator('select[data-filters="comparisons-table"]').select_option("faster")
    shown = page.locator("#comparisons-table tr[data-verdict]:visible")
    assert shown.count() >= 5
    assert {row.get_attribute("data-verdict") for row in shown.all()} == {"faster"}


def test_it_switches_to_dark_and_the_charts_with_it(page):
    def colours() -> list[str]:
        return page.evaluate(
            """() => [getComputedStyle(document.body).backgroundColor,
                getComputedStyle(document.querySelector("svg text")).fill]"""
        )

    light = colours()
    button = page.get_by_role("button", name="Colours")
    button.click()
    assert colours() == light
    button.click()
    dark = colours()
    assert dark != light
    assert dark[0] != light[0]
    assert dark[1] != light[1]
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_the_systems_choice_of_dark_is_followed(browser, url):
    context = browser.new_context(color_scheme="dark")
    page = context.new_page()
    page.goto(url)
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    context.close()
    assert background == "rgb(21, 24, 28)"


def test_on_a_phone_wide_charts_scroll_by_keyboard_and_the_page_does_not(page):
    page.set_viewport_size({"width": 390, "height": 844})
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    frames = page.locator(".chart .scroll")
    assert frames.count() == 3
    for frame in frames.all():
        shown, whole = frame.evaluate("x => [x.clientWidth, x.scrollWidth]")
        assert shown <= 390 < whole
        # Words keep the size in which they are written.
        svg = frame.locator("svg")
        assert svg.bounding_box()["width"] == float(svg.get_attribute("width"))
        frame.focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_function(
            "x => x === document.activeElement && x.scrollLeft > 0",
            arg=frame.element_handle(),
        )
    width, room = page.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    assert width <= room


def test_the_first_screen_has_each_latency_with_interval_memory_and_size(page):
    table = page.locator("#fastest")
    box = table.bounding_box()
    rows = [
        row.locator("td").all_inner_texts()
        for row in table.locator("tbody tr[data-device]").all()
    ]

    assert box["y"] + box["height"] <= 900
    assert len(rows) == 6
    for _, build, latency, memory, size, *_ in rows:
        assert build == "int8-static"
        assert re.fullmatch(r"[\d.]+ ms \[[\d.]+, [\d.]+\]", latency)
        assert re.fullmatch(r"[\d.]+ MiB", memory)
        assert re.fullmatch(r"[\d.]+ MiB", size)


def test_a_phone_shows_every_latency_without_scrolling_a_table(page):
    page.set_viewport_size({"width": 390, "height": 844})
    figures = page.locator(
        "#fastest td:nth-child(4), #model-1-table td[data-metric=latency_ns]"
    )
    ends = figures.evaluate_all(
        "cells => cells.map(cell => cell.getBoundingClientRect().right)"
    )
    assert len(ends) > 6
    assert max(ends) <= 390


def test_columns_that_a_laptop_has_no_room_for_come_when_asked_for(page):
    throughput = page.locator("#model-1-table [data-metric=throughput_per_s]").first
    button = page.locator("[data-more-of=model-1-table]")
    assert throughput.is_hidden()
    assert button.text_content().startswith("Show ")
    button.click()
    assert throughput.is_visible()
    assert button.get_attribute("aria-expanded") == "true"
    button.click()
    assert throughput.is_hidden()


def test_on_a_laptop_no_table_is_clipped(page):
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    clipped = page.eval_on_selector_all(
        ".scroll",
        """boxes => boxes.filter(box => box.scrollWidth > box.clientWidth)
            .map(box => [box.getAttribute("aria-label"), box.scrollWidth])""",
    )
    assert clipped == []


@pytest.mark.parametrize("width", [1280, 390])
def test_no_words_of_a_chart_overlap_or_are_cut(page, width):
    page.set_viewport_size({"width": width, "height": 900})
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    words = page.eval_on_selector_all(
        "svg",
        """charts => charts.filter(x => x.getClientRects().length).map(chart => {
            const around = chart.getBoundingClientRect();
            const texts = [...chart.querySelectorAll("text")]
                .map(text => [text.textContent, text.getBoundingClientRect()])
                .filter(([words, box]) => words.trim() && box.width);
            const cut = texts.filter(([, box]) => box.left < around.left - 1
                || box.right > around.right + 1 || box.bottom > around.bottom + 1);
            const over = texts.filter(([, a], place) => texts.slice(place + 1).some(
                ([, b]) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
                    && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3));
            return [texts.length, ...cut, ...over].map(x => x[0] ?? x);
        })""",
    )
    assert len(words) > 5
    assert all(number > 0 and not bad for number, *bad in words), words


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_both_themes_fit_a_laptop_and_a_phone_and_are_readable(
    browser, url, scheme, width
):
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme
    )
    page = context.new_page()
    page.goto(url)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    image = page.screenshot()
    room = page.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    colours = page.evaluate(
        """() => ["color", "backgroundColor"].map(name =>
            getComputedStyle(document.body)[name].match(/\\d+/g).map(Number))"""
    )
    context.close()

    assert struct.unpack(">II", image[16:24]) == (width, 900)
    assert room[0] <= room[1] == width
    ink, paper = (luminance(colour) for colour in colours)
    assert (ink < paper) == (scheme == "light")
    assert (max(ink, paper) + 0.05) / (min(ink, paper) + 0.05) >= 4.5


def luminance(colour: list[int]) -> float:
    """Relative luminance as WCAG defines it."""
    parts = [value / 255 for value in colour]
    linear = [
        x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_scrolled_charts_and_tables_have_names_for_screen_readers(page):
    unnamed = page.eval_on_selector_all(
        "[tabindex='0'], svg",
        """parts => parts.filter(part => !part.getAttribute("aria-label")
            && !part.getAttribute("aria-labelledby") && !part.closest("[aria-hidden]"))
            .map(part => part.outerHTML.slice(0, 80))""",
    )
    assert unnamed == []


def test_everything_is_reached_by_keyboard(page):
    seen = []
    for _ in range(60):
        page.keyboard.press("Tab")
        seen.append(
            page.evaluate(
                "[document.activeElement.tagName, document.activeElement.id,"
                "document.activeElement.className,"
                "getComputedStyle(document.activeElement).outlineStyle]"
            )
        )
    tags = [item[0] for item in seen]
    assert "skip" in seen[0][2]
    assert {"A", "BUTTON", "INPUT", "SUMMARY", "DIV"} <= set(tags)
    assert all(item[3] != "none" for item in seen if item[0] in ("BUTTON", "SUMMARY"))
    sort = page.locator("#model-1-table thead button").nth(1)
    sort.focus()
    page.keyboard.press("Enter")
    heading = page.locator("#model-1-table thead th").nth(1)
    assert heading.get_attribute("aria-sort") == "ascending"


def test_a_link_opens_the_fold_it_leads_to(page):
    fold = page.locator("details#method")
    assert fold.get_attribute("open") is None
    page.get_by_role("navigation").get_by_text("How it was measured").click()
    page.wait_for_function("document.getElementById('method').open")
    assert page.get_by_text("Kalibera and Jones").is_visible()


def test_print_opens_every_fold_and_closes_it_again(page):
    page.evaluate(
        """addEventListener("beforeprint", () => { window.openInPrint =
            document.querySelectorAll("details:not([open])").length; })"""
    )
    pdf = page.pdf()
    assert pdf.startswith(b"%PDF")
    assert page.evaluate("window.openInPrint") == 0
    page.wait_for_function("!document.getElementById('method').open")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_paper_there_are_no_tools_every_column_and_black_on_white(
    browser, url, scheme
):
    context = browser.new_context(
        viewport={"width": 1280, "height": 900}, color_scheme=scheme
    )
    page = context.new_page()
    page.goto(url)
    if scheme == "dark":
        page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.emulate_media(media="print")
    left = page.locator(".tools, .contents, #theme, #download, .skip")
    shown = [part for part in left.all() if part.is_visible()]
    overflow = page.eval_on_selector_all(
        ".scroll",
        "boxes => boxes.map(box => getComputedStyle(box).overflowX)",
    )
    colours = page.evaluate(
        """() => ["color", "backgroundColor"].map(name =>
            getComputedStyle(document.body)[name].match(/\\d+/g).map(Number))"""
    )
    context.close()

    assert shown == []
    assert set(overflow) == {"visible"}
    assert colours[1] == [255, 255, 255]
    ink, paper = (luminance(colour) for colour in colours)
    assert (paper + 0.05) / (ink + 0.05) >= 4.5


def test_the_data_can_be_downloaded(page, full, tmp_path):
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    assert (
        download.value.suggested_filename == f"{full.run.started.run_id}.verdict.json"
    )
    path = tmp_path / "data.json"
    download.value.save_as(path)
    document = json.loads(path.read_text("utf-8"))
    assert document["kind"] == "pocketbench verdict"
    assert len(document["cells"]) == len(full.cells)


@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 390])
def test_long_launches_are_shown_at_every_width(browser, long_run, tmp_path, width):
    path = tmp_path / "report.html"
    path.write_text(html.render(View(long_run)), "utf-8")
    context = browser.new_context(viewport={"width": width, "height": 900})
    page = context.new_page()
    troubles: list[str] = []
    page.on("console", lambda message: troubles.append(message.text))
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.goto(path.as_uri())

    found = page.eval_on_selector_all(
        "#sustained-table td[data-metric=last_over_first]",
        "cells => cells.map(cell => Number(cell.dataset.point))",
    )
    charts = page.locator("#sustained figure .scroll")
    right = page.evaluate("document.documentElement.scrollWidth")
    sizes = [charts.nth(i).bounding_box() for i in range(charts.count())]
    page.click("#sustained-table th:nth-child(6) button")
    sorted_by_ratio = page.eval_on_selector_all(
        "#sustained-table tbody tr", "rows => rows.map(row => row.dataset.variant)"
    )
    context.close()

    assert found == [cell.last_over_first for cell in long_run.sustained]
    assert len(sizes) == 4
    assert all(0 < box["width"] <= width for box in sizes)
    assert right <= width
    assert len(sorted_by_ratio) == 4
    assert troubles == []
