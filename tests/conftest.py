"""What holds for all tests."""

import pytest
from hypothesis import settings

# Nothing here is about time: a busy machine may not fail a test.
settings.register_profile("full", deadline=None, max_examples=300)
settings.register_profile("quick", deadline=None, max_examples=25)  # make test
settings.load_profile("full")

# Folders of tests that take seconds each: most of them run the whole pipeline.
LONG = ("faults", "local", "page", "simulation")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--renew-golden",
        action="store_true",
        help="write tests/golden/ again; look at the difference before you commit it",
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, so that no worker waits for the other at the end."""
    items.sort(key=lambda item: item.path.parent.name not in LONG)
