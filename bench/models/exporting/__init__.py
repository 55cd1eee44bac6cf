"""The export in a process of its own, and the cache of its results."""
