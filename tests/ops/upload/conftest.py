"""Git repositories that tests fill."""

from tests.support.repositories import repository

__all__ = ["repository"]
