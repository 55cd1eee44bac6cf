"""How often the verdicts are wrong, and what they see: against others, on known truths.

False alarms on data in which nothing differs (alone, and in families of 44 cells that
are corrected together), coverage of the intervals, power at effects of 2, 5 and 10 %,
blocks until settled, and change points in histories; on generated noise of several
kinds and, with --runs, on real launches that pocketbench recorded. Everything is judged
by the code that the reports use. All tables are rates of seeded trials.

Run: python self_benchmarks/statistics.py [--trials 2000] [--only TABLE] [--runs FOLDER]
    [--peers]
--peers makes an environment of its own for asv and otava in the temporary folder.
"""

from __future__ import annotations

import importlib.util
import sys
import sysconfig
from pathlib import Path

if __name__ == "statistics":
    # This folder is on the path of its scripts, so `import statistics` in one of them
    # finds this file: it steps aside for the standard library's module.
    _path = Path(sysconfig.get_path("stdlib")) / "statistics.py"
    _spec = importlib.util.spec_from_file_location(__name__, _path)
    assert _spec is not None
    assert _spec.loader is not None
    _module = importlib.util.module_from_spec(_spec)
    sys.modules[__name__] = _module
    _spec.loader.exec_module(_module)
elif __name__ == "__main__":
    from judging.tables import main

    sys.exit(main())
