"""The record of an app: its last gate result, and its exceptions."""

import pytest

from handlers import app_record
from tests.handlers.conftest import STATE, s3

LAST = app_record.Last(
    scan="payments/v1",
    key="payments/api.zip",
    version_id="v1",
    attempt=1,
    status="failed",
    uploaded_at="2026-11-24T09:00:00Z",
    evaluated_at="2026-11-24T09:05:00Z",
)


def recorded():
    return app_record.read(s3, STATE, "payments")


def record(**changes):
    last = LAST._replace(**changes)
    app_record.record_result(s3, STATE, "payments", last, recorded())


def test_an_app_without_a_record_has_no_result_and_no_exception(artifacts):
    assert recorded() == app_record.AppRecord()


def test_a_result_is_recorded_and_does_not_change_the_exceptions(artifacts):
    app_record.add_exception(s3, STATE, "payments", "payments/v0")
    record()

    assert recorded() == app_record.AppRecord(last=LAST, exceptions=("payments/v0",))


@pytest.mark.parametrize(
    "earlier",
    [
        {"uploaded_at": "2026-11-24T08:59:59Z", "evaluated_at": "2026-11-24T09:30:00Z"},
        {"attempt": 1, "evaluated_at": "2026-11-24T09:30:00Z"},
    ],
    ids=["an older version's scan that ended later", "an earlier attempt"],
)
def test_only_the_result_of_a_later_upload_or_attempt_replaces_the_last(artifacts, earlier):
    record(scan="payments/v1.2", attempt=2)
    record(**{"scan": "payments/v0", **earlier})

    last = recorded().last
    assert last
    assert last.scan == "payments/v1.2"


def test_exceptions_are_listed_newest_first_each_once_and_removed(artifacts):
    for scan in ("payments/v1", "payments/v2", "payments/v1"):
        app_record.add_exception(s3, STATE, "payments", scan)
    assert recorded().exceptions == ("payments/v2", "payments/v1")

    app_record.remove_exception(s3, STATE, "payments", "payments/v2")
    assert recorded().exceptions == ("payments/v1",)


def test_the_newest_exceptions_are_listed(artifacts):
    for number in range(app_record.MOST_EXCEPTIONS + 2):
        app_record.add_exception(s3, STATE, "payments", f"payments/v{number}")

    exceptions = recorded().exceptions
    assert (len(exceptions), exceptions[0], exceptions[-1]) == (50, "payments/v51", "payments/v2")


def test_a_concurrent_write_is_not_lost(artifacts, monkeypatch):
    replace, others = app_record.stored_objects.replace, ["payments/v9"]

    def interrupted(*args):
        while others:
            app_record.add_exception(s3, STATE, "payments", others.pop())
        return replace(*args)

    app_record.add_exception(s3, STATE, "payments", "payments/v8")
    monkeypatch.setattr(app_record.stored_objects, "replace", interrupted)
    record()

    assert recorded() == app_record.AppRecord(last=LAST, exceptions=("payments/v9", "payments/v8"))


STORED = {
    "scan": "payments/v1",
    "key": "payments/api.zip",
    "versionId": "v1",
    "attempt": 1,
    "status": "failed",
    "uploadedAt": "2026-11-12T09:00:00Z",
    "evaluatedAt": "2026-11-12T09:01:00Z",
}


@pytest.mark.parametrize(
    "document",
    [
        b"no JSON",
        [],
        {"last": "v1", "exceptions": {}},
        {"last": {"scan": "web/v1"}, "exceptions": ["web/v1", "../x", 7]},
        {"last": {**STORED, "uploadedAt": None}},
        {"last": {**STORED, "attempt": "2"}},
        {"last": {**STORED, "evaluatedAt": 7}},
    ],
)
def test_what_is_not_about_a_scan_of_the_app_is_ignored(artifacts, document):
    artifacts["apps/payments.json"] = document

    assert recorded() == app_record.AppRecord()
