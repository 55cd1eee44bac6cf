"""Run one simulated phone: `python -m devices.simulated PROFILE`."""

from __future__ import annotations

import sys

from devices.simulated.phone import main

sys.exit(main(sys.argv[1:]))
