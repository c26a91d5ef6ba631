"""Timestamps are read as they were written, in each year that a document can name."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import timestamps

# A day from either end, so that each has a time in UTC.
YEARS = st.datetimes(
    min_value=datetime.fromisoformat("0001-01-02"),
    max_value=datetime.fromisoformat("9999-12-30"),
    timezones=st.integers(-23, 23).map(lambda hours: timezone(timedelta(hours=hours))),
)


@given(YEARS)
def test_what_is_written_can_be_read(when):
    written = timestamps.iso(when)
    assert len(written) == len("2026-12-24T10:00:00Z")
    assert timestamps.parse(written) == when.astimezone(UTC).replace(microsecond=0)


def test_people_read_a_day_and_a_minute():
    assert timestamps.minute("2026-12-04T01:05:09.9+02:00") == "3 Dec 2026, 23:05 UTC"


@pytest.mark.parametrize(
    "timestamp",
    ["0001-01-01T00:00:00+05:00", "9999-12-31T23:00:00-05:00", "1-01-01T00:00:00Z", "soon", ""],
)
def test_what_has_no_time_in_utc_is_no_timestamp(timestamp):
    with pytest.raises(ValueError, match=r"years 1 to 9999|Invalid isoformat"):
        timestamps.parse(timestamp)
