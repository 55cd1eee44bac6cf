"""What `run --candidate` is given about its files: commits, model and variant."""

from __future__ import annotations

import itertools

import msgspec

from pocketbench.bench.errors import UsageError
from pocketbench.bench.planning.run_options import RunOptions
from pocketbench.bench.records.plan import BuildOrigin, ModelRequest


def refuse_build_options(options: RunOptions) -> None:
    """Refuse what says something about files where there are none.

    Raises:
        UsageError: It was given without --candidate.
    """
    for given, word in (
        (options.build_of, "--build-of"),
        (options.baseline_commit, "--baseline-commit"),
        (options.candidate_commits, "--candidate-commit"),
    ):
        if given:
            raise UsageError(
                word,
                "says what a --candidate FILE is, and there is none",
                "Give --baseline FILE and --candidate FILE, or leave it out",
            )


def with_builds(
    request: ModelRequest, length: str, options: RunOptions
) -> ModelRequest:
    """Add which commits the builds are of, and which model and variant.

    Raises:
        UsageError: There are more commits than candidates, or half a name.
    """
    model, _, variant = (options.build_of or "").rpartition(":")
    if options.build_of is not None and not (model and variant):
        raise UsageError(
            f"--build-of {options.build_of}",
            "is no model and variant",
            "Give both, such as net:float32",
        )
    commits = (options.baseline_commit, *options.candidate_commits)
    if len(commits) > len(request.variants):
        raise UsageError(
            "--candidate-commit",
            f"is given {len(commits) - 1} times for {len(request.variants) - 1} "
            "candidates",
            "Give one for each --candidate",
        )
    builds = {
        name: BuildOrigin(
            commit=commit,
            model=model + length if model else None,
            variant=variant or None,
        )
        for name, commit in itertools.zip_longest(request.variants, commits)
    }
    known = {name: build for name, build in builds.items() if build != BuildOrigin()}
    return msgspec.structs.replace(request, builds=known)
