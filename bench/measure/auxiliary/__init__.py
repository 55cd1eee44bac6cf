"""Launches besides the timed ones: output checks, operator profiles, sustained runs."""
