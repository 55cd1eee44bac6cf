"""Endings reported by Android's system log, in the words of Android 11 to 14."""

from __future__ import annotations

import pytest

from pocketbench.android_runner.failures.classify import classify
from pocketbench.android_runner.failures.system_log_words import read_ending
from pocketbench.bench.records.device import CommandResult
from pocketbench.bench.records.failure import FailureReason as Reason

PID = 31840

KILLED = (
    "04-29 09:41:12.195   300   300 I lowmemorykiller: Kill 'pocketbench-lite' (31840),"
    " uid 2000, oom_score_adj 905 to free 45088kB rss, 33516kB swap; reason: min "
    "watermark is breached and swap is low (130588kB < 192936kB)\n"
)
OTHERS = KILLED.replace("31840", "10280") + KILLED.replace("31840", "10306")
DUMP = """\
01-25 12:32:58.873 31840 31904 F libc    : Fatal signal 6 (SIGABRT), code -1 \
(SI_QUEUE) in tid 31904 (worker), pid 31840 (bench)
01-25 12:32:59.367  4819  4819 F DEBUG   : *** *** *** *** *** *** *** *** *** ***
01-25 12:32:59.367  4819  4819 F DEBUG   : ABI: 'arm64'
01-25 12:32:59.367  4819  4819 F DEBUG   : Cmdline: /data/local/tmp/bench --model m
01-25 12:32:59.367  4819  4819 F DEBUG   : pid: 31840, tid: 31904, name: worker
01-25 12:32:59.367  4819  4819 F DEBUG   : signal 6 (SIGABRT), code -1 (SI_QUEUE), \
fault addr --------
01-25 12:32:59.367  4819  4819 F DEBUG   : Abort message: '{abort}'
01-25 12:32:59.367  4819  4819 F DEBUG   : backtrace:
01-25 12:32:59.367  4819  4819 F DEBUG   :       #00 pc 0000000000051f00  \
/apex/com.android.runtime/lib64/bionic/libc.so (abort+164) (BuildId: 4e07)
01-25 12:32:59.367  4819  4819 F DEBUG   :       #01 pc 00000000000a1b2c  \
/data/local/tmp/objects/libtorch_cpu.so
01-25 12:32:59.367  4819  4819 F DEBUG   :       #02 pc 0000000000000001  /x/y.so (z)
"""
FAULT = """\
01-25 12:32:58.873 31840 31904 F libc    : Fatal signal 11 (SIGSEGV), code 1 \
(SEGV_MAPERR), fault addr 0x10 in tid 31904 (worker), pid 31840 (bench)
"""


def ended(log: str, *, code: int | None = None, signal: int | None = None):
    result = CommandResult(
        stdout=b"",
        stderr=b"",
        exit_code=code,
        signal=signal,
        pid=PID,
        log=log.encode(),
    )
    return classify(result, subject="tiny.ptl")


def test_a_program_that_lmkd_killed_says_why_it_did() -> None:
    error = ended(KILLED, signal=9)
    assert error.reason is Reason.OUT_OF_MEMORY
    assert "min watermark is breached" in error.fact


def test_a_program_killed_while_others_were_too_says_how_many() -> None:
    error = ended(OTHERS, signal=9)
    assert error.reason is Reason.OUT_OF_MEMORY
    assert "killed 2 other processes" in error.fact


def test_the_shells_word_for_it_does_not_hide_what_the_log_says() -> None:
    result = CommandResult(
        stdout=b"",
        stderr=b"Killed \n",
        exit_code=137,
        pid=PID,
        log=OTHERS.encode(),
    )
    assert "killed 2 other" in classify(result, subject="x").fact


def test_others_that_were_killed_explain_no_crash() -> None:
    assert ended(OTHERS, signal=11).reason is Reason.CRASHED


def test_the_words_of_another_program_that_prints_killers_lines_are_not_believed() -> (
    None
):
    own = KILLED.replace("  300   300", f"{PID} {PID}")
    assert ended(own, signal=11).reason is Reason.CRASHED


def test_a_crash_reports_the_top_of_its_tombstone() -> None:
    error = ended(DUMP.replace("{abort}", "Check failed: x > 0"), signal=6)
    assert error.reason is Reason.CRASHED
    assert error.fact == (
        "ended by SIGABRT: SI_QUEUE; abort message: Check failed: x > 0; "
        "in abort+164 of libc.so; in libtorch_cpu.so"
    )


def test_a_frame_with_an_offset_and_brackets_names_its_function() -> None:
    frame = "/x/y.so (offset 0x1000) (a::run(std::vector<b>&)+120) (BuildId: 4e07)"
    log = DUMP.replace("/x/y.so (z)", frame).replace("#00", "#98").replace("#01", "#99")
    log = log.replace("pc 0000000000051f00", "").replace("pc 00000000000a1b2c", "")
    assert ended(log, signal=6).fact.endswith("in a::run(std::vector<b>&)+120 of y.so")


def test_a_frame_of_a_file_without_symbols_has_no_function() -> None:
    log = DUMP.replace("libtorch_cpu.so", "libtorch_cpu.so (BuildId: 4e07)")
    assert ended(log, signal=6).fact.endswith("in libtorch_cpu.so")


def test_an_abort_message_of_several_lines_is_read_to_its_end() -> None:
    line = "01-25 12:32:59.367  4819  4819 F DEBUG   : "
    abort = f"terminating\n{line}Following ops cannot be found a::b\n{line}"
    error = ended(DUMP.replace("{abort}", abort), signal=6)
    assert error.reason is Reason.MISSING_OPERATOR


def test_a_crash_without_a_tombstone_reports_what_was_announced() -> None:
    error = ended(FAULT, signal=11)
    assert error.fact == "ended by SIGSEGV: SEGV_MAPERR; fault addr 0x10"


@pytest.mark.parametrize(
    ("announced", "reported"),
    [
        ("code 1, fault addr 0x10, in tid 7", "fault addr 0x10"),
        ("code 1 (SEGV_MAPERR), fault addr 0x10, in tid 7", "fault addr 0x10"),
        ("code 1 (SEGV_MAPERR), fault addr --------, in tid 7", "SEGV_MAPERR"),
    ],
)
def test_a_comma_behind_the_address_is_no_part_of_it(announced, reported) -> None:
    line = f"F libc    : Fatal signal 11 (SIGSEGV), {announced} (b), pid {PID} (b)\n"
    error = ended(f"01-25 12:32:58.873 {PID} {PID} {line}", signal=11)
    assert error.fact.endswith(reported)


@pytest.mark.parametrize(
    ("abort", "reason"),
    [
        (
            "terminating due to uncaught exception of type std::bad_alloc",
            Reason.OUT_OF_MEMORY,
        ),
        (
            "terminating due to uncaught exception of type c10::Error: Following ops "
            "cannot be found {vision::nms, }",
            Reason.MISSING_OPERATOR,
        ),
    ],
)
def test_an_abort_message_that_says_more_than_the_signal_decides(
    abort: str, reason: Reason
) -> None:
    error = ended(DUMP.replace("{abort}", abort), signal=6)
    assert error.reason is reason


def test_a_linker_that_speaks_only_to_the_log_is_heard() -> None:
    error = ended(
        f'01-25 12:32:58.873 {PID} {PID} F linker  : CANNOT LINK EXECUTABLE "./b": '
        'library "libfoo.so" not found: needed by main executable\n',
        code=1,
    )
    assert error.reason is Reason.LINKER
    assert "libfoo.so" in error.fact


def test_what_the_program_printed_itself_is_more_reporting_than_its_log() -> None:
    result = CommandResult(
        stdout=b"",
        stderr=b"PytorchStreamReader failed reading zip archive: failed finding "
        b"central directory",
        exit_code=None,
        signal=6,
        pid=PID,
        log=DUMP.encode(),
    )
    assert classify(result, subject="x").reason is Reason.TRUNCATED_FILE


def test_a_log_of_nothing_reports_nothing() -> None:
    assert read_ending(b"", None) == read_ending(b"--------- beginning of main\n", 7)
