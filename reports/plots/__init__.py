"""Charts of a run, drawn from its estimates: functions that return SVG text."""
