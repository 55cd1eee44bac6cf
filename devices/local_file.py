"""A file of this computer is still what it was described as."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pocketbench.bench.errors import PushError
from pocketbench.bench.records.failure import FailureReason

if TYPE_CHECKING:
    from pocketbench.bench.records.device import LocalFile


def check_unchanged(device_id: str, wanted: LocalFile) -> None:
    """See that a file is there and has its size.

    Raises:
        PushError: It is gone, or has another size than when it was described.
    """
    try:
        size_bytes = os.stat(wanted.path).st_size
    except OSError as error:
        raise PushError(
            device_id,
            f"{wanted.path}: {error.strerror}",
            FailureReason.NOT_FOUND.remedy,
            FailureReason.NOT_FOUND,
        ) from error
    if size_bytes != wanted.size_bytes:
        raise PushError(
            device_id,
            f"{wanted.path} has {size_bytes} bytes and had {wanted.size_bytes} "
            "when the run began",
            "Do not change files while they are measured; run again",
            FailureReason.PUSH_FAILED,
        )
