"""Failures in the words of one program, before those that all programs share."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from pocketbench.android_runner.failures.classify import classify, first_words
from pocketbench.android_runner.failures.remedies import remedy_for
from pocketbench.bench.errors import LaunchError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pocketbench.bench.records.device import CommandResult
    from pocketbench.bench.records.failure import FailureReason

Rules = tuple[tuple["FailureReason", str], ...]
"""Reasons and the pattern of a line that shows each; the first that fits decides."""


def why_it_ended(
    result: CommandResult, lines: Sequence[str], rules: Rules, *, subject: str
) -> LaunchError:
    """Say why a launch that did not measure ended as it did.

    Args:
        result: How the command ended.
        lines: All that the program said, wherever it said it.
        rules: Of this program.
        subject: What failed, for the message.
    """
    if not result.timed_out:
        for reason, pattern in rules:
            for line in lines:
                if re.search(pattern, line):
                    fact = first_words(line)
                    remedy = remedy_for(reason, fact)
                    return LaunchError(reason, subject, fact, remedy=remedy)
    said = result.stderr + b"\n" + "\n".join(lines).encode()
    return classify(msgspec.structs.replace(result, stderr=said), subject=subject)
