"""What every fuzzed target must keep to."""

import resource

import pytest

LIMIT_BYTES = 2 << 30


@pytest.fixture(autouse=True)
def bounded_memory():
    """A few bytes may not cost more than this on top of what is there already."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    with open("/proc/self/statm") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + LIMIT_BYTES, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)
