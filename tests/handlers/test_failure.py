"""The email that a scan did not pass: what it says, who gets it, and when none is sent."""

import logging
from base64 import b64decode
from email import message_from_bytes
from email.policy import default

import pytest
from botocore.exceptions import ClientError

from handlers import notify
from tests.handlers.conftest import Http

SCAN = "payments/3LgVabcQk4Xb9ZfZ.7uK0pQ1rT2mN8sE"
UNTIL = "2026-11-27T10:00:00Z"
GATE = {
    "status": "failed", "reason": "The quality gate failed: HIGH", "retryable": True, "card": None,
}  # fmt: skip
ERROR = {
    **GATE, "status": "error", "reason": "The build ran out of memory.",
    "remediation": "Set a larger computeType.",
}  # fmt: skip
TEAM = ["dev@example.com", "lead@example.com"]


@pytest.fixture
def mailed(artifacts, recorded, calls, monkeypatch):
    """Notify of a failed scan; return the recipients and the email's text, None if none is sent."""
    requests = calls.accept("SendEmail", MessageId="ses-1")
    calls.before.setdefault("ListObjectVersions", lambda _: (Http(200), {}))

    def notify_of(event="failed", to="uploader", claim="ada@example.com", **documents):
        monkeypatch.setattr(notify, "FAILURE_EMAILS", to)
        report = recorded("report-failed")
        report["upload"]["uploader"] = claim
        for name, document in {
            "scan": recorded("scan"),
            "report": report,
            "gate-result": ERROR if event == "error" else GATE,
            **documents,
        }.items():
            artifacts[f"scans/{SCAN}/{name}.json"] = document
        answer = notify.handler({"scan": SCAN, "event": event, "expiresAt": UNTIL}, None)
        assert answer == {"card": None}
        if not requests:
            return None
        request = requests.pop()
        message = message_from_bytes(b64decode(request["Content"]["Raw"]["Data"]), policy=default)
        body = message.get_body(("plain",))
        assert body
        text = f"{message['Subject']} {body.get_content()}"
        return request["Destination"]["ToAddresses"], " ".join(text.split())

    return notify_of


def test_a_failed_gate_says_what_failed_and_how_to_go_on(mailed):
    to, text = mailed()

    assert to == ["ada@example.com"]
    assert text.startswith("[payments] Quality gate failed payments: quality gate failed")
    for part in (
        "This version stays blocked unless it is approved as an exception in Slack.",
        "WHAT FAILED",
        "FINDINGS",
        "1. Fix the findings and upload again: a new version is scanned at once.",
        "2. If it can't wait, ask the people in the Slack channel to approve it there",
        "until 27 Nov 2026, 10:00 UTC.",
        "Report: https://",
        "Evidence: https://",
    ):
        assert part in text
    assert "Decision" not in text


def test_a_scan_that_failed_to_run_says_how_to_fix_it_also_without_a_report(mailed):
    assert mailed("error", report={}) is None  # nobody is known without the claim
    to, text = mailed("error", to="recipients", report={})

    assert to == TEAM
    assert text.startswith("[payments] Scan failed to run payments: scan failed to run")
    assert "could not be scanned: The build ran out of memory. The code was not" in text
    assert "1. Set a larger computeType." in text


def test_an_earlier_gate_result_has_no_remediation(mailed):
    older = {name: value for name, value in ERROR.items() if name != "remediation"}

    _, text = mailed("error", **{"gate-result": older})

    assert "1. Look at the build's log, then upload again." in text


@pytest.mark.parametrize(
    ("to", "claim", "expected"),
    [
        ("uploader", "ada@example.com", ["ada@example.com"]),
        ("uploader", "dev@example.com", ["dev@example.com"]),
        ("uploader", "ada@elsewhere.example", None),
        ("uploader", "", None),
        ("recipients", "ada@example.com", [*TEAM, "ada@example.com"]),
        ("recipients", "", TEAM),
        ("off", "ada@example.com", None),
    ],
)
def test_the_setting_says_who_gets_it(mailed, to, claim, expected):
    result = mailed(to=to, claim=claim)

    assert (result and result[0]) == expected


def test_none_is_sent_once_it_is_decided(mailed, recorded):
    assert mailed(decision=recorded("decision-rejected")) is None


@pytest.mark.parametrize("event", ["failed", "error"])
def test_none_is_sent_about_a_version_that_was_replaced(mailed, recorded, calls, event):
    scan = recorded("scan")
    versions = [{"Key": scan["key"], "VersionId": item} for item in ("newer", scan["versionId"])]
    calls.before["ListObjectVersions"] = lambda _: (Http(200), {"Versions": versions})

    assert mailed(event) is None


def test_an_address_that_ses_refuses_is_logged_and_not_retried(mailed, calls, caplog):
    caplog.set_level(logging.WARNING)
    calls.refuse("SendEmail", "MessageRejected")

    assert mailed() is None
    assert "mail refused" in caplog.text


def test_an_error_of_ses_is_raised_so_that_lambda_tries_again(mailed, calls):
    calls.refuse("SendEmail", "TooManyRequestsException")

    with pytest.raises(ClientError):
        mailed()
