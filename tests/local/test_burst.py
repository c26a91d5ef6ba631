"""Many uploads at once, with repeated and reordered events: none lost, none doubled."""

import json
from pathlib import Path

import jsonschema
import pytest

from bench import bench_burst, quick_scan

SCHEMA = Path(__file__).parents[2] / "domain" / "schemas" / "report.schema.json"


@pytest.mark.slow
def test_forty_uploads_at_once_go_their_way_once_each():
    result = bench_burst.burst(uploads=40, slots=20)

    assert result.wrong == []
    assert result.counts["executions"] == 50
    assert result.counts["cards in all"] == 20


def test_what_stands_in_for_the_scan_writes_a_proper_report(monkeypatch):
    written = []
    monkeypatch.setattr(
        quick_scan,
        "call",
        lambda method, path, version="", body=None: written.append(body) or b"zip",
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
