"""The values that are stored: no logic, no I/O."""
