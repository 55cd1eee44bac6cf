"""Building our own programs: toolchains, runtimes, cache."""
