"""Real outputs with a few faults in them: most are still accepted in part."""

from __future__ import annotations

import copy
import json
import os
import re
import time
import warnings
from collections.abc import Callable

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import HypothesisWarning

NUMBERS = (
    *("-1", "0", "1", "-0.0", "1e400", "-1e400", "nan", "inf", "1_0", "0x10", "1.5"),
    *("9223372036854775807", "18446744073709551616", "9" * 5000, "١٢", ""),
)
TEXTS = (
    *("", "\n", "\r\n", "\0", "\x1b[31m", "\u202e", "\ud800", "=", ":", "\t", " "),
    *("::error::x", "<script>", "[" * 2000, "{", '"', "\\", "é", "\ufeff"),
)
VALUES = (
    *(None, True, -1, 0, 1, 2**63, 10**30, -0.0, 1e308, "", "x", "\ud800", "\u202e"),
    *([], {}, [None], ["a", 1], {"a": 1}, "1970-01-01T00:00:00+00:00"),
)
SECONDS = float(os.environ.get("POCKETBENCH_FUZZ_SECONDS", "0"))
"""Of processor time, how long each target is tried; 0: a few examples, always the same
ones."""

SEED = int(os.environ.get("POCKETBENCH_FUZZ_SEED", "0"))
"""The first round's seed: the same rounds for everybody, or others on request."""

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


@st.composite
def edited(draw: st.DrawFn, seeds: tuple[str, ...]) -> str:
    """One of some texts, with up to four edits; often none."""
    text = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(0, 4))):
        text = draw(st.sampled_from(_EDITS))(draw, text)
    return text


def _number(draw: st.DrawFn, text: str) -> str:
    found = list(_NUMBER.finditer(text))
    if not found:
        return text
    match = draw(st.sampled_from(found))
    return text[: match.start()] + draw(st.sampled_from(NUMBERS)) + text[match.end() :]


def _inserted(draw: st.DrawFn, text: str) -> str:
    at = draw(st.integers(0, len(text)))
    return text[:at] + draw(st.sampled_from(TEXTS)) + text[at:]


def _cut(draw: st.DrawFn, text: str) -> str:
    begin, length = draw(st.integers(0, len(text))), draw(st.integers(1, 200))
    return text[:begin] + text[begin + length :]


def _ended(draw: st.DrawFn, text: str) -> str:
    return text[: draw(st.integers(0, len(text)))]


def _line_again(draw: st.DrawFn, text: str) -> str:
    lines = text.splitlines(keepends=True) or [""]
    lines.insert(draw(st.integers(0, len(lines))), draw(st.sampled_from(lines)))
    return "".join(lines)


_EDITS: tuple[Callable[[st.DrawFn, str], str], ...] = (
    *(_number, _inserted, _cut, _ended, _line_again),
)


@st.composite
def with_other_values(draw: st.DrawFn, lines: tuple[str, ...]) -> list[str]:
    """Lines of JSON with up to three of their values, at any depth, replaced."""
    chosen = [json.loads(line) for line in lines]
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.sampled_from(chosen))
        while True:
            keys = list(place) if isinstance(place, dict) else range(len(place))
            if not keys:
                break
            key = draw(st.sampled_from(list(keys)))
            inner = place[key]
            if isinstance(inner, dict | list) and inner and draw(st.booleans()):
                place = inner
                continue
            if isinstance(place, dict) and draw(st.integers(0, 4)) == 0:
                del place[key]
            else:
                place[key] = copy.deepcopy(draw(st.sampled_from(VALUES)))
            break
    return [json.dumps(line) for line in chosen]


def attack(strategy: st.SearchStrategy, target: Callable[[object], None]) -> None:
    """Try a target with examples, for as long as the environment says."""
    options = settings(
        max_examples=500 if SECONDS else 20,
        database=None,
        deadline=None,
        derandomize=not SECONDS,
        suppress_health_check=list(HealthCheck),
    )

    def run(example: object) -> None:
        target(example)

    begin, number = time.process_time(), SEED
    while True:
        trial = options(given(strategy)(run))
        with warnings.catch_warnings():
            # Of the repr of a whole run file, should one fail.
            warnings.simplefilter("ignore", HypothesisWarning)
            (seed(number)(trial) if SECONDS else trial)()
        number += 1
        if time.process_time() - begin >= SECONDS:
            return
