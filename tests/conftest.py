"""What holds for all tests."""

from hypothesis import settings

# Nothing here is about time: a busy machine may not fail a test.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
