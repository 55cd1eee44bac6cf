import pytest

from tests.histories import Runs


@pytest.fixture
def runs(tmp_path):
    return Runs(tmp_path)
