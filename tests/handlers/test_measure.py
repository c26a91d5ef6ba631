"""The fields of the log lines from which metrics are made."""

import pytest

from handlers import measure

OPENED = {"uploadedAt": "2026-11-24T10:00:00Z"}


def test_a_line_names_the_scan_its_app_its_outcome_and_the_seconds_since_the_upload():
    line = measure.fields("a/1", "a", "passed", OPENED, "2026-11-24T11:00:07Z")

    assert line == {"scan": "a/1", "app": "a", "outcome": "passed", "seconds": 3607}


@pytest.mark.parametrize(
    ("opened", "at"),
    [
        (None, "2026-11-24T11:00:07Z"),
        (OPENED, None),
        ({**OPENED, "attempt": 2}, "2026-11-24T11:00:07Z"),
    ],
    ids=["no scan.json", "no decision", "scanned again"],
)
def test_a_meaningless_duration_is_omitted(opened, at):
    assert "seconds" not in measure.fields("a/1", "a", "escalated", opened, at)
