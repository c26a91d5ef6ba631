"""Evidence of a scan is write-once, and only the scan's own is accepted."""

import hashlib
import json
from pathlib import Path

import boto3
import moto
import pytest
from botocore.awsrequest import AWSResponse

from scan import evidence
from scan.job import from_environment
from tests.scan.scanning import ARTIFACTS, uploaded


@pytest.fixture
def s3(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with moto.mock_aws():
        client = boto3.client("s3", region_name="eu-central-1")
        uploaded(client, "payments/api.zip", b"zip")
        yield client


@pytest.fixture
def job():
    upload = {"UPLOAD_BUCKET": "uploads", "UPLOAD_KEY": "k", "UPLOAD_VERSION": "v"}
    environment = {"SCAN": "payments/v", "APP": "payments", "ARTIFACTS_BUCKET": ARTIFACTS}
    return from_environment({**upload, **environment, "SCANNERS": '["bandit"]'})


@pytest.fixture
def log(tmp_path: Path) -> Path:
    (tmp_path / "scanner.log").write_text("as scanned\n")
    return tmp_path / "scanner.log"


def test_an_existing_report_is_left_unchanged_and_not_trusted(s3, job, log):
    forged = json.dumps({"gate": "passed"}).encode()
    s3.put_object(Bucket=ARTIFACTS, Key="scans/payments/v/report.json", Body=forged)

    assert not evidence.write(s3, job, {"gate": "failed"}, log)

    stored = s3.get_object(Bucket=ARTIFACTS, Key="scans/payments/v/report.json")["Body"].read()
    assert stored == forged


def test_a_scan_with_an_existing_log_is_not_trusted(s3, job, log):
    s3.put_object(Bucket=ARTIFACTS, Key="scans/payments/v/scanner.log", Body=b"forged")

    assert not evidence.write(s3, job, {"gate": "passed"}, log)


def test_a_scan_with_other_findings_stored_is_not_trusted(s3, job, log):
    s3.put_object(Bucket=ARTIFACTS, Key="scans/payments/v/findings.json", Body=b"forged")

    assert not evidence.write(s3, job, {"gate": "passed"}, log, {"findings": []})


def test_the_report_names_the_sha256_of_log_and_findings_and_comes_last(s3, job, log):
    written = []
    s3.meta.events.register_first(
        "before-call.s3.PutObject", lambda params, **_: written.append(params["url_path"])
    )

    assert evidence.write(s3, job, {"gate": "passed"}, log, {"findings": ["'\ud800'"]})

    assert written[-1].endswith("/report.json")
    report, findings = (
        s3.get_object(Bucket=ARTIFACTS, Key=f"scans/payments/v/{name}.json")["Body"].read()
        for name in ("report", "findings")
    )
    assert json.loads(report)["evidence"] == {
        "scanner.log": hashlib.sha256(b"as scanned\n").hexdigest(),
        "findings.json": hashlib.sha256(findings).hexdigest(),
    }


def test_an_unpaired_surrogate_in_the_code_does_not_prevent_the_report(s3, job, log):
    assert evidence.write(s3, job, {"findings": [{"message": "'\ud800'"}]}, log)

    stored = s3.get_object(Bucket=ARTIFACTS, Key="scans/payments/v/report.json")["Body"].read()
    assert json.loads(stored)["findings"] == [{"message": "'?'"}]


def test_a_write_whose_response_is_lost_is_recognised(s3, job, log):
    asked_again = []

    def ask_again(attempts, **_):
        """Retry as boto3 does after a lost response; moto loses none."""
        if attempts > 1:
            return None
        asked_again.append(attempts)
        return 0  # seconds until the retry

    s3.meta.events.register_first("needs-retry.s3.PutObject", ask_again)

    assert evidence.write(s3, job, {"gate": "passed"}, log)
    assert asked_again == [1, 1]


@pytest.mark.slow
def test_a_write_that_conflicts_with_another_is_retried(s3, job, log):
    """S3 answers 409 during another write of the object; a good scan must not end in error."""
    met = []

    def meets_another(**_):
        if len(met) < 2:
            met.append(1)
            error = {"Error": {"Code": "ConditionalRequestConflict", "Message": "409"}}
            return AWSResponse("https://s3", 409, {}, b""), {**error, "ResponseMetadata": {}}
        return None

    s3.meta.events.register_first("before-call.s3.PutObject", meets_another)

    assert evidence.write(s3, job, {"gate": "passed"}, log)
    assert met == [1, 1]
