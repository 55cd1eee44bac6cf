"""Other people's errors, in one line of our own."""

from __future__ import annotations

import logging
import re

logger = logging.getLogger(__name__)

_LINES = 3
_CHARACTERS = 400
_STACK_TRACE = re.compile(r"TorchScript interpreter|Traceback")


def summarize_exception(error: BaseException) -> str:
    """The type, the first line and the last ones; the whole of it goes to the log.

    TorchScript writes its own stack trace before the reason, of which only the last
    lines are shown.
    """
    logger.debug("the cause in full", exc_info=error)
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    kept = lines[-_LINES:]
    if len(lines) > _LINES and not _STACK_TRACE.search(lines[0]):
        kept[0] = lines[0]
    words = " | ".join(kept)
    if len(words) > _CHARACTERS:
        half = _CHARACTERS // 2
        words = f"{words[:half]} ... {words[-half:]}"
    return f"{type(error).__name__}: {words}".rstrip(" .:")
