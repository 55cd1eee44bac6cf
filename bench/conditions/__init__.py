"""Rules about the state of a device: throttling, cooldown, caveats; pure functions."""
