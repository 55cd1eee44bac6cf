"""Run one simulated phone: `python -m pocketbench.devices.simulated PROFILE`."""

from __future__ import annotations

import sys

from pocketbench.devices.simulated.phone_process import main

sys.exit(main(sys.argv[1:]))
