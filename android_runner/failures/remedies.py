"""What to do about a failure, where its words say more than its reason."""

from __future__ import annotations

import re

from pocketbench.bench.records.failure import FailureReason

_REMEDIES = (
    (
        FailureReason.MISSING_OPERATOR,
        r"native_dropout|\bbernoulli|_native_batch_norm_legit\b|rrelu_with_noise",
        r"The model was exported in training mode: call .eval() on it and export again",
    ),
    (
        FailureReason.MISSING_OPERATOR,
        r"xnnpack::\w+ (is )?not available",
        r"XNNPACK refuses this operator's shapes or padding: save the model without "
        r"optimize_for_mobile's prepacking (do not run XNNPACK's rewrite)",
    ),
    (
        FailureReason.LINKER,
        r"cannot locate symbol \"(?P<symbol>[^\"]+)\" referenced by"
        r" \"(?:[^\"]*/)?(?P<by>[^\"/]+)\"",
        r"\g<by> needs the symbol \g<symbol>, which this system's libraries and the "
        r"pushed ones lack: build it for this phone's Android version (a lower "
        r"--api-level), or push the release of the library that has it",
    ),
    (
        FailureReason.LINKER,
        r"undefined symbol: (?P<symbol>[\w@.]+)",
        r"A library of another release lacks the symbol \g<symbol>: give the libraries "
        r"that the program was built with",
    ),
    (
        FailureReason.LINKER,
        r"version `(?P<version>[^']+)' not found",
        r"The C library of the device is older than \g<version>: build the program on "
        r"an older system, or push its own C library with it",
    ),
    (
        FailureReason.LINKER,
        r"position.independent executables",
        r"Build it as a position-independent executable (-fPIE -pie)",
    ),
    (
        FailureReason.LINKER,
        r"text relocations",
        r"Build what it names as position-independent code (-fPIC)",
    ),
    (
        FailureReason.LINKER,
        r"TLS segment",
        r"Build it with a current NDK, which aligns thread-local storage as Android "
        r"10 and later want it",
    ),
    (
        FailureReason.LINKER,
        r"too small to be an ELF|file offset for the library|\.dynamic section"
        r"|section header",
        r"The file that it names is damaged or cut off: give a whole one",
    ),
    (
        FailureReason.LINKER,
        r"DT_HASH|DT_GNU_HASH|verneed|unknown reloc(ation)? type",
        r"This phone's linker does not know the format: build what it names for the "
        r"phone's Android version (a lower --api-level)",
    ),
    (
        FailureReason.LINKER,
        r"not accessible for the namespace",
        r"Android keeps this library of the system to itself: give a copy of it with "
        r"the program, or a program that does not need it",
    ),
    (
        FailureReason.CRASHED,
        r"\bSIGILL\b",
        r"It has instructions that this phone's cores lack: build it for an older "
        r"architecture (a lower -march), or measure on another phone",
    ),
)
"""More specific remedies than the reason's own, by a pattern of the fact."""


def remedy_for(reason: FailureReason, fact: str) -> str | None:
    """What to do where the words say more than the reason; else `None`."""
    for of, pattern, remedy in _REMEDIES:
        if of is reason and (match := re.search(pattern, fact, re.IGNORECASE)):
            return match.expand(remedy)
    return None
