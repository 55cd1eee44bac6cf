"""From records to estimates and verdicts; pure functions."""
