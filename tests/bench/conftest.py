"""What the tests of the core share."""

import pytest

from tests import factories


@pytest.fixture
def records():
    """Makers of records that state only what a test is about."""
    return factories
