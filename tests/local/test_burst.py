"""Many uploads at once, with repeated and reordered events: none lost, none doubled."""

import json
from pathlib import Path

import jsonschema
import pytest

from bench import burst, quick_scan

SCHEMA = Path(__file__).parents[2] / "domain" / "schemas" / "report.schema.json"


@pytest.mark.slow
def test_forty_uploads_at_once_are_each_handled_once():
    table = burst.burst(uploads=40, slots=20)

    assert table.exceeded == []
    numbers = {name: number for name, number, _ in table.rows}
    assert numbers["executions"] == "50"
    assert numbers["cards in all"] == "20"


def test_the_quick_scan_writes_a_report_that_fits_the_schema(monkeypatch):
    written = []
    monkeypatch.setattr(
        quick_scan,
        "call",
        lambda method, path, body=None: written.append(body) or b"zip",
    )
    for name, value in {
        "SCAN": "burst-1/v",
        "APP": "burst-1",
        "UPLOAD_BUCKET": "uploads",
        "UPLOAD_KEY": "burst-1/app.zip",
        "UPLOAD_VERSION": "v",
        "ARTIFACTS_BUCKET": "artifacts",
    }.items():
        monkeypatch.setenv(name, value)

    quick_scan.main()

    jsonschema.validate(json.loads(written[-1]), json.loads(SCHEMA.read_text()))
