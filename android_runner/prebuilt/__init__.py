"""Benchmark programs that the user built or was given."""
