from __future__ import annotations

import io

from msgspec.structs import replace
from rich.console import Console

from pocketbench.bench.judge.summary import Contradiction, Pairs
from pocketbench.reports.formats import console
from pocketbench.reports.view import View

EXPECTED = """\
int8-static is 10 % slower than float32 on 1 of 2 devices, undecided on 1
(simulated), and uses 33 % to 38 % less memory; output SQNR 31 dB.
1 regression, 0 improvements, 0 unchanged, 1 inconclusive of 2 cells.

                 median latency,                          peak,  size,  SQNR,
mobilenet_v2                  ms             speed-up, x    MiB    MiB     dB
────────────────────────────────────────────────────────────────────────────────
this computer (Ryzen 7)
A float32      10.0 [9.90, 10.1]                baseline    100   13.3      -
A int8-static  11.0 [10.9, 11.1]  0.909 [0.893, 0.926] ▲   62.0   3.33   31.2
Pixel 8 [SIMULATED]
B float32      20.0 [19.8, 20.2]                baseline    120   13.3      -
B int8-static  20.2 [20.0, 20.4]   0.990 [0.962, 1.02] ○   80.0   3.33   31.2
A: all launches clean
B: usable, with caveats (simulated)

Caveats
  A simulated phone (Pixel 8 [SIMULATED])
  Its programs ran on this computer's CPU, not on a phone's; measure on a real
  phone before deciding anything about phones.
"""


def test_the_whole_report_at_80_columns(tiny):
    assert console.render(View(tiny)) == EXPECTED


def test_no_line_is_wider_than_the_terminal(full):
    for width in (80, 120):
        lines = console.render(View(full), width=width).splitlines()
        assert max(map(len, lines)) <= width


def test_a_narrow_terminal_shows_every_column_on_more_lines(tiny):
    text = console.render(View(tiny), width=68)
    head = text[text.index("median") : text.index("this computer (Ryzen 7)")]
    words = "mobilenet_v2 median latency, ms speed-up, x peak, MiB size, MiB SQNR, dB"
    assert sorted(head.split()) == sorted([*words.split(), "─" * 68])
    row = text[text.index("A int8-static") :].splitlines()[0]
    assert row.split()[-4:] == ["▲", "62.0", "3.33", "31.2"]


def test_a_pipe_gets_no_colour_codes_and_a_terminal_does(tiny):
    piped, terminal = io.StringIO(), io.StringIO()
    console.show(View(tiny), Console(file=piped, width=80))
    console.show(
        View(tiny),
        Console(file=terminal, width=80, force_terminal=True, color_system="standard"),
    )
    assert "\x1b" not in piped.getvalue()
    assert "\x1b[31m ▲" in terminal.getvalue()


def test_what_a_device_says_cannot_steer_the_terminal_or_the_markup(full):
    named = tuple(
        replace(ready, device=replace(ready.device, name="[red]\x1b[2Jx[/red]\u202e"))
        if ready.device.id == "host"
        else ready
        for ready in full.devices
    )
    text = console.render(View(replace(full, devices=named)))
    assert "[red]\N{REPLACEMENT CHARACTER}[2Jx[/red]" in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "HT7A1X0042" not in text


def test_failures_come_with_their_remedy(full):
    text = " ".join(console.render(View(full)).split())
    assert "Failures" in text
    assert "resnet18 · int8-dynamic: the program was ended by signal 11" in text
    assert "See the output kept with the failure." in text


def test_launches_that_were_done_again_are_counted_by_variant(tiny):
    cells = tuple(
        replace(cell, redone_launches=redone)
        for cell, redone in zip(tiny.cells, (0, 0, 1, 3), strict=True)
    )
    text = " ".join(console.render(View(replace(tiny, cells=cells))).split())
    assert (
        "4 launches throttled and measured again: 3 of int8-static and 1 of float32"
        in text
    )


def test_a_ratio_that_the_pairs_contradict_is_a_caveat(tiny):
    first, *rest = tiny.comparisons
    contradicted = replace(
        first,
        pairs=Pairs(above=1, below=9),
        contradicted_by=(Contradiction.FIGURES, Contradiction.PAIRS),
    )

    text = " ".join(
        console.render(View(replace(tiny, comparisons=(contradicted, *rest)))).split()
    )

    assert (
        "Contradicted: mobilenet_v2 int8-static 10 % slower than float32, but the two "
        "estimates say faster and 9 of 10 pairs say faster"
    ) in text
