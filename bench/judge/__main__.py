"""`python -m pocketbench.bench.judge ab|history`: measure the statistics yourself."""

from __future__ import annotations

import argparse
import sys

from pocketbench.bench.judge.jsonl_filter import answer_ab, answer_history

_DESCRIPTION = """\
Reads JSON Lines on standard input and answers each with one on standard output, by the
code that the reports use. Exit code 2 when a line could not be answered: its answer is
then {"id", "error"}.

ab: {"id", "a": [[latencies of launch 1], ...], "b": [...],
     "design": "interleaved" or "sequential", "alpha": 0.05, "min_effect": 0.02}
    -> {"id", "verdict", "ratio", "ci": [low, high], "p", "drift_controlled"}
    Interleaved launches pair one by one; an optional "b_is_later" says for each pair
    whether b was launched second. "sequential" launches were measured apart: whatever
    changed meanwhile is in the ratio, and drift_controlled is false.
    Lines that share an optional "family" are corrected together ("q" is added) and
    answered when the input has ended.
history: {"id", "series": [...], "min_effect": 0.02}
    -> {"id", "change_points": [0-based index of the first value of each new level]}
"""


def main() -> int:
    """Answer standard input; 2 when a line could not be answered."""
    parser = argparse.ArgumentParser(
        prog="python -m pocketbench.bench.judge",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("question", choices=["ab", "history"])
    answer = {"ab": answer_ab, "history": answer_history}[parser.parse_args().question]
    lines = (line for line in iter(sys.stdin.buffer.readline, b"") if line.strip())
    code = 0
    for number, answered in enumerate(answer(lines), 1):
        sys.stdout.buffer.write(answered.line + b"\n")
        sys.stdout.buffer.flush()
        if answered.error is not None:
            code = 2
            sys.stderr.write(f"question {number}: {answered.error}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
