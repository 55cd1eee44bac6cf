from __future__ import annotations

import io
import itertools
import re
from pathlib import Path

import pytest
from msgspec.structs import replace
from rich.console import Console

from pocketbench.bench.judge.summary import Contradiction, Pairs
from pocketbench.bench.records.caveat import Caveat
from pocketbench.bench.records.failure import FailureReason
from pocketbench.bench.records.launch import Delegation, Failure, Measurement
from pocketbench.reports.formats import console, console_details
from pocketbench.reports.text.headline import headline
from pocketbench.reports.view import View
from tests import factories
from tests.reports.conftest import HOST
from tests.reports.two_runs import of_two_runs

REPOSITORY = Path(__file__).parents[2]
EXPECTED = """\
mobilenet_v2: 10.0 ms on this computer (Ryzen 7) and 20.0 ms on Pixel 8
[SIMULATED] with float32 (no build clearly faster).
int8-static is 10 % slower than float32 (10.0 → 11.0 ms) on 1 of 2 devices, and
inconclusive on 1 (simulated); output SQNR 31 dB. It uses 33 to 38 % less
memory.

mobilenet_v2         fastest build  median latency        peak memory  file size
this computer (Ryz…  float32        10.0 ms [9.90, 10.1]  100 MiB      13.3 MiB
Pixel 8 [SIMULATED]  float32        20.0 ms [19.8, 20.2]  120 MiB      13.3 MiB

vs float32               before → after  ratio [95 % CI]     verdict
this computer (Ryzen 7)  10.0 → 11.0 ms  1.10 [1.08, 1.12]   ▲ 10 % slower
Pixel 8 [SIMULATED]      20.0 → 20.2 ms  1.01 [0.980, 1.04]  ○ inconclusive

Caveats: a simulated phone.

Next: about 14 more launches of each build to settle 1 inconclusive comparison
(`--until-settled` adds them).
Full report: pocketbench report 20260302-091500-mobilenet_v2 --details
"""


def test_the_whole_answer_at_80_columns(tiny):
    assert console.render(View(tiny)) == EXPECTED


def test_the_details_have_every_build_and_what_each_caveat_means(tiny):
    text = console_details.render(View(tiny))
    row = "A int8-static  11.0 [10.9, 11.1]   1.10 [1.08, 1.12] ▲   62.0   3.33   31.2"
    assert row in text
    assert "B: usable, with caveats (simulated)" in text
    assert "measure on a real" in text


def test_the_answer_is_at_most_25_lines_however_much_was_measured(full):
    many = tuple(
        replace(full.failures[0], fact=f"failure {number}") for number in range(30)
    )
    lines = console.render(View(replace(full, failures=many))).splitlines()
    assert len(lines) <= 25
    assert lines[-1].endswith("--details")
    assert any("29 more" in line for line in lines)


def test_every_detail_is_whole_and_free_lines_go_to_more_of_the_fastest_builds(full):
    text = console.render(View(full))
    lines = text.splitlines()
    words = " ".join(text.split())
    sentence, *details = headline(View(full))[:1] + headline(View(full)).details
    stood = [detail for detail in details if " ".join(detail.split()) in words]
    shown = {
        (model, line.split("  ")[0])
        for model in ("mobilenet_v2", "resnet18")
        for line in table_of(lines, model)
    }

    assert sentence in words
    assert stood[:2] == details[:2]
    left_out = lines.index(f"{len(details) - len(stood)} more sentences: --details")
    for line in lines[:left_out]:
        assert any(line in " ".join(x.split()) for x in (sentence, *stood)), line
    assert lines[left_out + 1].strip().startswith("fastest build")
    assert len(shown) == 6
    assert "more pair" not in text
    assert len(lines) <= 25
    assert max(map(len, lines)) <= 80


def test_sentences_that_have_no_room_are_counted(make_summary):
    summary = make_summary(
        models=("mobilenet_v2",),
        variants=("float32", "int8-dynamic", "int8-static", "float16"),
    )
    details = headline(View(summary)).details

    lines = console.render(View(summary), width=50).splitlines()

    answer = " ".join(lines[: lines.index("")])
    left_out = [detail for detail in details if detail not in answer]
    assert left_out
    assert lines[lines.index("") - 1] == f"{len(left_out)} more sentences: --details"
    assert len(lines) <= 25


def table_of(lines, model):
    """What stands of a model's fastest builds: the lines below its name."""
    below = lines[lines.index(model) + 1 :]
    return itertools.takewhile(lambda line: "  " in line, below)


def test_more_pairs_than_have_room_are_counted(make_summary):
    devices = tuple(
        replace(HOST, id=f"host-{number}", name=f"Host {number}") for number in range(6)
    )
    summary = make_summary(
        models=("mobilenet_v2", "resnet18", "third"), devices=devices, blocks=3
    )

    text = console.render(View(summary))

    rows = [line for line in text.splitlines() if re.match(r"Host \d  int8", line)]
    assert len(text.splitlines()) <= 25
    assert f"{18 - len(rows)} more pairs of model and device: --details" in text


def test_the_same_failure_on_many_devices_is_said_once(tiny):
    failure = Failure(
        device_id=tiny.devices[0].device.id,
        reason=FailureReason.TIMED_OUT,
        fact="the launch took longer than 300 s",
        remedy="Raise --timeout",
        model="mobilenet_v2",
        started_at="2026-03-02T09:16:00Z",
    )
    failures = tuple(
        replace(
            failure, variant_id=f"build-{n}", device_id=tiny.devices[n % 2].device.id
        )
        for n in range(11)
    )
    text = console_details.render(View(replace(tiny, failures=failures)))
    assert text.count("the launch took longer than 300 s") == 1
    words = " ".join(text.split())
    assert (
        "this computer (Ryzen 7) · mobilenet_v2 · build-0; "
        "Pixel 8 [SIMULATED] · mobilenet_v2 · build-1; "
        "this computer (Ryzen 7) · mobilenet_v2 · build-2; 8 more:"
    ) in words


def test_a_failure_on_many_builds_still_shows_its_cause(tiny):
    failures = tuple(
        Failure(
            device_id=tiny.devices[0].device.id,
            reason=FailureReason.CRASHED,
            fact=f"it raised an error: {'shapes (1x6272 and 1152x10) differ ' * 9}",
            remedy="Check --input",
            model="mobilenet_v2",
            variant_id=variant,
            started_at="2026-03-02T09:16:00Z",
        )
        for variant in ("float32", "int8-dynamic", "int8-static")
    )
    lines = console.render(View(replace(tiny, failures=failures))).splitlines()
    first = next(n for n, line in enumerate(lines) if line.startswith("Failed: this"))
    assert lines[first].endswith(" …")
    assert lines[first + 1].startswith("it raised an error: shapes (1x6272")
    assert lines[first + 2].endswith(" …")
    assert lines[first + 3] == "Check --input"


def test_slower_within_a_run_is_red_only_where_that_was_to_fail(tiny):
    def printed(*, fails_slower: bool) -> str:
        out = io.StringIO()
        console.show(
            View(tiny, fails_slower=fails_slower),
            Console(file=out, width=80, force_terminal=True, color_system="standard"),
        )
        return out.getvalue()

    assert "\x1b[31m" not in printed(fails_slower=False)
    assert "\x1b[31m▲ 10 % slower" in printed(fails_slower=True)


def test_two_runs_are_shown_by_commit_with_both_figures_and_the_verdict(tiny):
    answer = console.render(View(of_two_runs(tiny)))
    assert answer.startswith(
        "mobilenet_v2 int8-static on this computer (Ryzen 7): 10 % slower (10.0 → 11.0"
    )
    assert "1 regression, 0 improvements, 0 unchanged, 1 inconclusive" in answer
    words = " ".join(answer.split())
    assert "Baseline: commit 0a1b2c3d4e, run before-it. Candidate: commit" in words
    assert "vs 0a1b2c3d4e" in answer
    assert "▲ regression, 10 % slower" in answer
    details = console_details.render(View(of_two_runs(tiny)))
    assert re.search(r"A int8-static  11.0 \[.*\] +1.10 \[1.08, 1.12\] ▲", details)
    assert not re.search(r"float32 .* baseline", details)


def test_no_line_is_wider_than_the_terminal(full):
    for width in (80, 120):
        lines = console.render(View(full), width=width).splitlines()
        assert max(map(len, lines)) <= width


def test_a_narrow_terminal_shows_every_column_on_more_lines(tiny):
    text = console_details.render(View(tiny), width=68)
    head = text[text.index("median latency,") : text.index("this computer (Ryzen 7)\n")]
    words = "median latency, ms ratio to baseline peak, MiB size, MiB SQNR, dB"
    assert sorted(head.split()) == sorted(["mobilenet_v2", *words.split(), "─" * 68])
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
    assert "\x1b[1m" in terminal.getvalue()


def test_what_a_device_says_cannot_steer_the_terminal_or_the_markup(full):
    named = tuple(
        replace(ready, device=replace(ready.device, name="[red]\x1b[2Jx[/red]\u202e"))
        if ready.device.id == "host"
        else ready
        for ready in full.devices
    )
    text = console_details.render(View(replace(full, devices=named)))
    assert "[red]\N{REPLACEMENT CHARACTER}[2Jx[/red]" in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "HT7A1X0042" not in text


def test_failures_come_with_their_remedy(full):
    text = " ".join(console_details.render(View(full)).split())
    assert "Failures" in text
    assert "resnet18 · int8-dynamic: the program was ended by signal 11" in text
    assert "See the output kept with the failure." in text


def test_launches_that_were_done_again_are_counted_by_variant(tiny):
    cells = tuple(
        replace(cell, redone_launches=redone)
        for cell, redone in zip(tiny.cells, (0, 0, 1, 3), strict=True)
    )
    text = " ".join(console_details.render(View(replace(tiny, cells=cells))).split())
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
        console_details.render(
            View(replace(tiny, comparisons=(contradicted, *rest)))
        ).split()
    )

    assert (
        "Contradicted: mobilenet_v2 int8-static 10 % slower than float32, but the two "
        "estimates say faster and 9 of 10 pairs say faster"
    ) in text


def test_the_nodes_that_a_delegate_took_are_counted(tiny):
    share = Delegation(
        delegate="GPU", extent="part", node_count=12, total_node_count=64
    )
    measured = Measurement(latencies_ns=(1000,), delegations=(share,))
    launch = factories.launch(measurement=measured)
    first, *rest = tiny.cells
    partly = replace(first, records=(launch,), caveats=(Caveat.NOT_FULLY_DELEGATED,))

    text = console_details.render(View(replace(tiny, cells=(partly, *rest))))

    assert "GPU took 12 of 64 nodes of mobilenet_v2 float32" in " ".join(text.split())


ANSWERS = {
    "How fast is it on each phone?": "Pixel 8 [SIMULATED] float32 20.0 ms [19.8, 20.2]",
    "Is int8 better?": "int8-static is 10 % slower than float32 (10.0 → 11.0 ms)",
    "Can I believe it?": "Caveats: a simulated phone.",
    "What did this commit do?": "10.0 → 11.0 ms 1.10 [1.08, 1.12] ▲ regression, 10 %",
    "What should I do next?": "Next: about 14 more launches of each build",
}
"""By the questions of docs/report.md: where on the first screen the answer stands."""


@pytest.mark.parametrize("question", ANSWERS)
def test_each_question_is_answered_by_the_first_screen(tiny, question):
    summary = of_two_runs(tiny) if "commit" in question else tiny
    screen = console.render(View(summary))
    assert len(screen.splitlines()) <= 25
    assert ANSWERS[question] in " ".join(screen.split())


def test_the_documentation_asks_the_questions_that_are_tested():
    table = (REPOSITORY / "docs" / "report.md").read_text("utf-8")
    table = table[table.index("## Five questions") :]
    assert set(re.findall(r"^\| ([^|]+\?) \|", table, re.MULTILINE)) == set(ANSWERS)
