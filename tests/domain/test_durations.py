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


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (-3, "0 s"),
        (42.9, "42 s"),
        (60, "1 min"),
        (200, "3 min 20 s"),
        (7500, "2 h 5 min"),
        (7205, "2 h"),
        (3 * 86400 + 4 * 3600 + 59, "3 d 4 h"),
    ],
)
def test_a_duration_is_printed_in_its_two_largest_units(seconds: float, text: str):
    assert durations.text(seconds) == text
