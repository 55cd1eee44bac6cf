"""Benchmark PyTorch models on phones: measure, compare, report.

    import pocketbench

    run = pocketbench.run(pocketbench.RunOptions(models=("mobilenet_v2",), quick=True))
    run.to_dataframe()

See docs/python.md. Importing this loads neither torch nor pandas nor matplotlib.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pocketbench.bench.api import (
        PocketbenchError,
        RunOptions,
        StoredRun,
        compare,
        load,
        run,
    )

__all__ = ["PocketbenchError", "RunOptions", "StoredRun", "compare", "load", "run"]


def __getattr__(name: str) -> Any:
    """Import the API when it is first used: the command line needs none of it."""
    if name not in __all__:
        raise AttributeError(f"module 'pocketbench' has no attribute {name!r}")
    from pocketbench.bench import api

    return getattr(api, name)


def __dir__() -> list[str]:
    """Offer the public names."""
    return __all__
