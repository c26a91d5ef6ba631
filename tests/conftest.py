"""What holds for all tests."""

import pytest
from hypothesis import settings

# Nothing here is about time: a busy machine may not fail a test.
settings.register_profile("full", deadline=None, max_examples=300)
settings.register_profile("quick", deadline=None, max_examples=25)  # make test
settings.load_profile("full")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--renew-golden",
        action="store_true",
        help="write tests/golden/ again; look at the difference before you commit it",
    )
