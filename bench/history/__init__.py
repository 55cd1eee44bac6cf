"""Cells over many runs: kept in a folder, queried there, and judged for changes."""
