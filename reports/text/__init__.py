"""Sentences and phrases that every format shares."""
