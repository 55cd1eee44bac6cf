"""What `adb shell` does on a simulated phone, by the real adb."""

from __future__ import annotations


def test_output_error_output_and_exit_code_arrive_apart(phone):
    done = phone.shell("echo out; echo err >&2; exit 7")
    assert (done.stdout, done.stderr, done.returncode) == ("out\n", "err\n", 7)
