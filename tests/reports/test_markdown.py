from __future__ import annotations

from msgspec.structs import replace

from pocketbench.bench.history.series import CellHistory, HistoryCell, Point, Series
from pocketbench.bench.records.caveat import Caveat
from pocketbench.reports.formats import markdown
from pocketbench.reports.view import View
from tests.reports.two_runs import of_two_runs

EXPECTED = """\
**mobilenet\\_v2: 10.0 ms on this computer (Ryzen 7) and 20.0 ms on \
Pixel 8 \\[SIMULATED\\] with float32 (no build clearly faster).**

int8-static is 10 % slower than float32 (10.0 → 11.0 ms) on 1 of 2 devices, \
and inconclusive on 1 (simulated); output SQNR 31 dB. It uses 33 to 38 % less memory.

| device | model | fastest build | median latency | peak memory | file size \
| comparison |
| --- | --- | --- | --- | --- | --- | --- |
| this computer (Ryzen 7) | mobilenet\\_v2 | float32 | 10.0 ms \\[9.90, 10.1\\] \
| 100 MiB | 13.3 MiB | baseline |
| Pixel 8 \\[SIMULATED\\] | mobilenet\\_v2 | float32 | 20.0 ms \\[19.8, 20.2\\] \
| 120 MiB | 13.3 MiB | baseline |

| device | model | build | baseline | before → after | ratio [95 % CI] | verdict \
| peak memory | file size | quality |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
| this computer (Ryzen 7) | mobilenet\\_v2 | int8-static | float32 \
| 10.0 → 11.0 ms | 1.10 [1.08, 1.12] | ▲ 10 % slower | 100 → 62.0 MiB \
| 13.3 → 3.33 MiB | A |

**Caveats**

- a simulated phone (Pixel 8 \\[SIMULATED\\]): measure on a real phone before \
deciding anything about phones

Next: about 14 more launches of each build to settle 1 inconclusive comparison \
(`--until-settled` adds them).

<details><summary>1 comparison unchanged or inconclusive</summary>

| device | model | build | baseline | before → after | ratio [95 % CI] | verdict \
| peak memory | file size | quality |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
| Pixel 8 \\[SIMULATED\\] | mobilenet\\_v2 | int8-static | float32 \
| 20.0 → 20.2 ms | 1.01 [0.980, 1.04] | ○ inconclusive, about 14 more launches needed \
| 120 → 80.0 MiB | 13.3 → 3.33 MiB | B: simulated |

</details>

<details><summary>How it was measured</summary>

```
pocketbench run mobilenet_v2 --device host --device simulated:pixel-8
```

0 blocks; the unit is the launch, paired by block; false discovery rate 5 %; \
minimum effect 2 %.
pocketbench 0.1.0, python 3.11.7, torch 2.13.0, commit 4f1c2d3e5a6b7c8d9e0f

</details>

<!-- pocketbench -->
"""


def test_the_whole_comment(tiny):
    assert markdown.render(View(tiny)) == EXPECTED


def test_the_comment_on_two_runs_has_commits_figures_memory_and_size(tiny):
    text = markdown.render(View(of_two_runs(tiny))).replace("\\", "")
    assert text.startswith(
        "**mobilenet_v2 int8-static on this computer (Ryzen 7): 10 % slower "
        "(10.0 → 11.0 ms); 1 regression,"
    )
    row = next(line for line in text.splitlines() if "▲" in line)
    for words in (
        "| 0a1b2c3d4e | 10.0 → 11.0 ms | 1.10 [1.08, 1.12] |",
        "▲ regression, 10 % slower",
        "| 100 → 62.0 MiB | 13.3 → 3.33 MiB |",
    ):
        assert words in row


def rising_history(metric, runs):
    """A cell's history whose values go from 0 up by 1."""
    points = tuple(
        Point(
            run_id=f"run-{number}",
            started_at="2026-11-01T00:00:00.000+00:00",
            commit=None,
            os_build="12",
            runtime="2.9",
            torch="2.9",
            value=float(number),
            low=float(number),
            high=float(number),
            launches=10,
        )
        for number in range(runs)
    )
    cell = HistoryCell(
        device="host", model="mobilenet_v2", variant="int8-static", threads=1
    )
    series = Series(
        cell=cell, device_name="host", imitation=None, metric=metric, points=points
    )
    return CellHistory(series=series, changes=())


def test_the_heading_of_memory_is_of_the_memory_below_it(tiny):
    caveats = (Caveat.FOREIGN_MEMORY,)
    cells = tuple(replace(cell, caveats=caveats) for cell in tiny.cells)

    text = markdown.render(View(replace(tiny, cells=cells)))

    assert "| verdict | model memory | file size |" in text
    assert "peak memory" not in text


def test_a_link_and_a_sparkline_are_added_where_there_is_something_to_add(tiny):
    key = ("host", "mobilenet_v2", "int8-static")
    view = View(tiny, {key: rising_history(tiny.metrics[0], runs=40)})
    text = markdown.render(view, report_url="https://example.org/r")
    assert text.endswith(
        "\n[The whole report](https://example.org/r)\n\n<!-- pocketbench -->\n"
    )
    row = next(line for line in text.splitlines() if "▲" in line)
    line = row.split("|")[-2].strip()
    assert len(line) == 30
    assert (line[0], line[-1]) == ("▁", "█")


def test_a_comment_that_is_too_long_is_cut_between_rows_with_a_note(tiny):
    many = tuple(
        replace(tiny.comparisons[0], device_id=f"android:{number:04}")
        for number in range(2000)
    )
    text = markdown.render(
        View(replace(tiny, comparisons=many)), report_url="https://example.org/r"
    )
    assert len(text.encode()) <= 60_000
    assert "*Cut: the rest is in the whole report.*" in text
    assert text.count("<details>") == text.count("</details>")
    assert all(
        line.endswith("|") for line in text.splitlines() if line.startswith("| android")
    )


def test_folds_that_a_cut_leaves_open_are_closed(tiny):
    undecided = tuple(
        replace(tiny.comparisons[2], device_id=f"android:{number:04}")
        for number in range(2000)
    )
    text = markdown.render(View(replace(tiny, comparisons=undecided)))
    assert text.count("<details>") == text.count("</details>") == 1


def test_device_given_words_are_neither_markup_nor_mentions():
    assert markdown.escaped("a|b <b> `c` @d\n#1 [x](y) *e*") == (
        "a\\|b &lt;b&gt; \\`c\\` @&#8203;d \\#1 \\[x\\](y) \\*e\\*"
    )
    assert markdown.escaped("http://x www.x - a") == "http\\://x www\\.x - a"
    assert markdown.escaped("- a") == "\\- a"


def test_a_hostile_device_name_stays_text(full):
    text = markdown.render(View(full))
    assert "<script>" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text


def test_a_flat_history_is_a_flat_line():
    assert markdown.sparkline([5.0, 5.0]) == "▄▄"
    assert markdown.sparkline([]) == ""
