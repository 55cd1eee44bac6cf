"""Histories in words, in charts, in a page and in a comment."""

import datetime
import re
import struct
from xml.etree import ElementTree

import msgspec
import pytest
from msgspec.structs import replace

from pocketbench.bench.commands.write_reports import Reports
from pocketbench.bench.history.changes import with_changes
from pocketbench.bench.history.folder import add_run
from pocketbench.bench.history.histories_for_run import histories_of
from pocketbench.bench.history.queries import read_series
from pocketbench.bench.judge.summarize import summarize
from pocketbench.bench.records.plan import BuildOrigin
from pocketbench.reports.formats import markdown
from pocketbench.reports.formats.html import page as html
from pocketbench.reports.plots.history import png, svg
from pocketbench.reports.text import history
from pocketbench.reports.text.headline import headline
from pocketbench.reports.text.history import title
from pocketbench.reports.text.sparkline import sparkline
from pocketbench.reports.view import View
from tests.histories import PHONE, Runs, commit_of

TODAY = datetime.date(2026, 6, 1)
SIMULATED = replace(
    PHONE, id="simulated:nexus-5", family="simulated", name="Nexus 5", is_simulated=True
)


@pytest.fixture
def runs(tmp_path):
    return Runs(tmp_path)


@pytest.fixture
def histories(runs):
    runs.steady(20, devices=(PHONE,))
    runs.steady(12, first=20, level_ns=1.08e6, devices=(PHONE,))
    runs.steady(2, first=32, devices=(PHONE,), level_ns=1.3e6)
    return [with_changes(s, today=TODAY) for s in read_series(runs.history)]


def test_alarms_stand_first_with_commits_and_an_id_to_accept(histories):
    words = history.changes(histories)

    raised, suspect = histories[0].changes
    assert words.splitlines() == [
        "1 confirmed regression, 1 other change in 1 configuration.",
        "",
        "Regressions",
        "  net float32 on Pixel 8",
        f"    ▲ 9 % slower in 0013cccccc..0014cccccc, 2026-01-21: "
        f"confirmed [{raised.id}]",
        "",
        "Other changes",
        "  net float32 on Pixel 8",
        f"    ▲ 21 % slower in 001fcccccc..0020cccccc, 2026-02-02: "
        f"suspect, not confirmed yet [{suspect.id}]",
        "",
        "Expected? Accept it with: pocketbench history accept ID --reason WHY",
    ]
    assert commit_of(20).startswith("0014cccccc")


def test_each_cell_shows_its_last_thirty_runs(histories):
    words = history.overview(histories)

    line = next(x for x in words.splitlines() if set("▁█") & set(x)).strip()
    assert len(line) == 30
    assert line[-1] == "█"
    assert "34 runs from 2026-01-01 to 2026-02-03" in words


def test_two_speeds_are_reported_with_both_levels_and_without_a_change(runs):
    for number in range(40):
        runs.add(number, 1.6e6 if number % 5 in (1, 4) else 1e6, devices=(PHONE,))
    found = [with_changes(s, today=TODAY) for s in read_series(runs.history)]

    words = "two speeds: 1.00 ms and 1.60 ms (40% of runs)"
    assert words in history.changes(found)
    assert history.changes(found).startswith("0 confirmed regressions")
    assert words in history.overview(found)
    assert "two speeds" in svg(found).decode()


def test_levels_without_a_ratio_are_shown_as_values(histories):
    change = msgspec.structs.replace(
        histories[0].changes[0], before=0.0, after=2e6, after_over_before=None
    )
    found = [msgspec.structs.replace(histories[0], changes=(change,))]

    words = history.changes(found)
    assert re.search(r"▲ from 0\S* \S+ to 2\.00 ms in 0013cccccc", words)


def test_a_device_name_cannot_steer_the_terminal(runs):
    runs.add(0)
    (file,) = runs.history.rglob("*.jsonl")
    file.write_text(file.read_text().replace("Ryzen 7)", "\\u001b[31m\\u202e)"))
    found = [with_changes(s, today=TODAY) for s in read_series(runs.history)]

    words = history.overview(found)
    assert "\x1b" not in words
    assert "\u202e" not in words


def test_a_simulated_device_is_marked_wherever_it_stands(histories, runs):
    series = msgspec.structs.replace(histories[0].series, imitation="simulated")
    found = [msgspec.structs.replace(histories[0], series=series)]
    for words in (
        history.overview(found),
        history.changes(found),
        svg(found).decode(),
    ):
        assert "[SIMULATED]" in words


def test_equal_histories_give_equal_bytes(histories):
    assert svg(histories) == svg(histories)
    assert png(histories) == png(histories)


def test_the_svg_is_one_well_formed_file_with_a_panel_a_cell(histories):
    drawn = svg(histories * 3)

    root = ElementTree.fromstring(drawn)
    assert root.tag.endswith("svg")
    assert float(root.get("height")) == 3 * float(
        ElementTree.fromstring(svg(histories)).get("height")
    )
    text = " ".join(root.itertext())
    assert text.count("9 % slower (0013cccccc..0014cccccc)") == 3
    assert "20" + "26-" in text  # dates of the runs, none of the drawing
    assert str(datetime.datetime.now(datetime.UTC).date()) not in text


def test_the_png_is_twice_as_fine_as_the_svg(histories):
    drawn = png(histories)
    width, height = struct.unpack(">II", drawn[16:24])

    root = ElementTree.fromstring(svg(histories))
    assert drawn.startswith(b"\x89PNG")
    assert (width, height) == (
        2 * float(root.get("width")),
        2 * float(root.get("height")),
    )
    # No stand-in colour, all of which are nearly black, is left of the regression's.
    import io

    from matplotlib.image import imread

    pixels = imread(io.BytesIO(drawn))
    reds = (pixels[..., 0] > 0.6) & (pixels[..., 1] < 0.4) & (pixels[..., 2] < 0.2)
    assert reds.sum() > 50


def test_one_run_can_be_drawn(runs):
    runs.add(0)
    found = [with_changes(s, today=TODAY) for s in read_series(runs.history)]

    assert ElementTree.fromstring(svg(found)) is not None
    assert "1 run from" in history.overview(found)


def test_an_environment_change_is_a_labelled_rule(runs):
    runs.steady(5)
    runs.steady(5, first=5, runtime="torch 2.14.0", torch="2.14.0")
    found = [with_changes(s, today=TODAY) for s in read_series(runs.history)]

    assert b"new runtime, torch" in svg(found)


@pytest.fixture
def histories_for_run(runs):
    """A run's summary and the histories of its cells; the phone's serial is hashed."""
    for number in range(30):
        level = 1e6 if number < 15 else 1.1e6
        runs.add(number, level, devices=(PHONE,), variants=("float32", "int8-static"))
    run = runs.run(31, devices=(PHONE,), variants=("float32", "int8-static"))
    return summarize(run), histories_of(run, runs.history, today=TODAY)


def test_the_page_shows_each_cells_history_and_no_serial(histories_for_run):
    summary, histories = histories_for_run
    page = html.render(View(summary, histories))

    section = re.search(r'id="history".*?</section>|id="history".*', page, re.DOTALL)
    assert page.count('id="history-1-t"') == 1
    assert page.count('id="history-2-t"') == 1
    assert "2 confirmed regressions in 2 configurations." in section[0]
    assert '<a href="#history">History</a>' in page
    assert "HT7A1X0042" not in page
    assert "history-1-t" not in html.render(View(summary))


def test_the_comment_shows_a_sparkline_although_the_serial_is_hashed(histories_for_run):
    summary, histories = histories_for_run
    comment = Reports(summary, histories).text("markdown")

    assert "last 30 runs" in comment
    key = (PHONE.id, "net", "int8-static")
    assert sparkline(histories[key].series.values) in comment


def test_a_confirmed_regression_of_the_history_is_the_headline(histories_for_run):
    summary, histories = histories_for_run
    view = View(summary, histories)
    alone = headline(View(summary))

    answer = headline(view)
    assert re.fullmatch(
        r"2 confirmed regressions in the history, the largest: net \S+ on Pixel 8 "
        r"is 10 % slower since 000fcccccc of 2026-01-16\.",
        answer.sentence,
    )
    assert answer.details == (alone.sentence, *alone.details)
    comment = Reports(summary, histories).text("markdown")
    section = comment.partition("**Confirmed regressions in the history**")[2]
    assert section.count("10 % slower in 000ecccccc..000fcccccc") == 2


def test_two_builds_have_their_own_result_before_a_regression_of_the_history(
    histories_for_run,
):
    summary, histories = histories_for_run
    plan = summary.run.started.plan
    builds = {"int8-static": BuildOrigin(commit="0a1b2c3d4e")}
    plan = replace(plan, models=(replace(plan.models[0], builds=builds),))
    started = replace(summary.run.started, plan=plan)
    summary = replace(summary, run=replace(summary.run, started=started))

    answer = headline(View(summary, histories))

    assert answer.sentence == headline(View(summary)).sentence
    assert answer.details[0].startswith("2 confirmed regressions in the history")


def history_of_levels(runs, levels_ns, **more):
    """Fifteen runs at each level, then one whose report has their history."""
    for place, level in enumerate(levels_ns):
        runs.steady(15, first=15 * place, level_ns=level, **more)
    run = runs.run(15 * len(levels_ns), levels_ns[-1], **more)
    return summarize(run), histories_of(run, runs.history, today=TODAY)


def test_a_confirmed_improvement_of_the_history_is_a_line_of_the_report(runs):
    summary, histories = history_of_levels(runs, (1.5e6, 1e6))
    alone = headline(View(summary))

    answer = headline(View(summary, histories))

    assert re.fullmatch(
        r"1 confirmed improvement: net float32 on this computer \(Ryzen 7\) is "
        r"\d\d % faster since 000fcccccc of 2026-01-16\.",
        answer.details[0],
    )
    assert (answer.sentence, answer.details[1:]) == (alone.sentence, alone.details)
    reports = Reports(summary, histories)
    for report in ("markdown", "console"):
        assert "1 confirmed improvement" in reports.text(report)
    assert "Confirmed regressions" not in reports.text("markdown")


def test_a_regression_comes_before_an_improvement_of_another_cell(tmp_path):
    runs = Runs(tmp_path / "worse"), Runs(tmp_path / "better")
    _, worse = history_of_levels(runs[0], (1e6, 1.5e6), variants=("float32",))
    _, better = history_of_levels(runs[1], (1.5e6, 1e6), variants=("int8-static",))
    run = runs[0].run(31, variants=("float32", "int8-static"))

    answer = headline(View(summarize(run), {**worse, **better}))

    assert answer.sentence.startswith("1 confirmed regression: net float32")
    assert answer.details[0].startswith("1 confirmed improvement: net int8-static")


def test_an_improvement_that_was_lost_again_is_not_reported(runs):
    summary, histories = history_of_levels(runs, (1.5e6, 1e6, 1.5e6))

    assert "improvement" not in str(headline(View(summary, histories)))


def test_an_accepted_regression_is_no_headline(histories_for_run):
    summary, histories = histories_for_run
    quiet = {
        key: msgspec.structs.replace(
            history,
            changes=tuple(
                msgspec.structs.replace(change, state="accepted")
                for change in history.changes
            ),
        )
        for key, history in histories.items()
    }
    assert headline(View(summary, quiet)) == headline(View(summary))
    assert "in the history**" not in Reports(summary, quiet).text("markdown")


def test_a_configuration_has_the_same_name_in_the_history_as_in_a_comment(runs):
    made = runs.run(0, devices=(PHONE, SIMULATED), variants=("float32", "int8-static"))
    add_run(made, runs.history)
    view = View(summarize(made))

    in_history = {title(series) for series in read_series(runs.history)}
    rows = [
        [cell.strip() for cell in line.split("|")]
        for line in markdown.render(view).replace("\\", "").splitlines()
        if line.startswith(("| Pixel 8", "| Nexus 5")) and "→" in line
    ]
    assert len(rows) == 2
    for row in rows:
        for build in (row[3], row[4]):
            assert f"{row[2]} {build} on {row[1]}" in in_history
    assert len(in_history) == 4


def test_devices_of_one_name_are_kept_apart_where_both_are_listed(runs):
    twin = replace(PHONE, id="android:other", serial_hash="0a0b0c0d")
    runs.add(0, devices=(PHONE, twin))
    both = [with_changes(s, today=TODAY) for s in read_series(runs.history)]

    assert "net float32 on Pixel 8 (pixel-8-0a0b0c0d)" in history.overview(both)
    assert "Pixel 8 (" not in history.overview(both[:1])
