"""Rows and columns that every format shares."""
