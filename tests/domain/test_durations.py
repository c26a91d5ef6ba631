"""One grammar for the durations in settings and on buttons."""

import pytest

from domain import durations


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("15m", 900), ("72h", 259200), ("30d", 2592000), ("30 days", 2592000)],
)
def test_a_number_and_a_unit_are_a_duration(text: str, seconds: int):
    assert durations.seconds(text) == seconds
    assert durations.seconds(text.upper()) == seconds


def test_a_number_without_a_unit_is_a_duration_only_if_the_unit_is_known():
    assert durations.seconds("14") is None
    assert durations.seconds("14", default_unit="d") == 14 * 86400


@pytest.mark.parametrize(
    "text", ["", "d", "soon", "-1d", "1.5h", "3 weeks", "1d2h", "9" * 10 + "d", "٣d"]
)
def test_anything_else_is_no_duration(text: str):
    assert durations.seconds(text, default_unit="d") is None
