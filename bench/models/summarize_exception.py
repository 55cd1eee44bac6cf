"""Other people's errors, in one line of our own."""

from __future__ import annotations

import logging

logger = logging.getLogger(__name__)

_LINES = 3
_CHARACTERS = 400


def summarize_exception(error: BaseException) -> str:
    """The type and the last lines of an error; the whole of it goes to the log.

    The last ones, because TorchScript writes its own stack trace before the reason.
    """
    logger.debug("the cause in full", exc_info=error)
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    words = " | ".join(lines[-_LINES:])
    if len(words) > _CHARACTERS:
        half = _CHARACTERS // 2
        words = f"{words[:half]} ... {words[-half:]}"
    return f"{type(error).__name__}: {words}".rstrip(" .:")
