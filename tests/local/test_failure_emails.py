"""As soon as a scan did not pass, the uploader is emailed, and nothing waits for that."""

import json
from typing import Any

import pytest

from local.account import LocalAccount, wait_until
from tests.support.account import (
    QUICK_FAILING,
    card_of,
    click,
    mails_about,
    scan_quickly,
    text_of,
    version,
)

UPLOADER = "ada@example.com"


@pytest.fixture(scope="module")
def cloud():
    with LocalAccount({"uploaderDomains": json.dumps(["example.com"])}) as running:
        scan_quickly(running)
        yield running


def first_mail(cloud: LocalAccount, scan: str) -> Any:
    return wait_until(
        lambda: next(iter(mails_about(cloud, version(scan))), None), 40, lambda: "no email"
    )


def test_the_uploader_is_emailed_about_a_failed_gate_before_anybody_decides(cloud):
    scan = cloud.upload("payments/a.zip", QUICK_FAILING)

    mail = first_mail(cloud, scan)

    assert mail["Subject"] == "[payments] Quality gate failed"
    assert mail["To"] == UPLOADER
    assert "HIGH findings: 1 (limit 0)" in text_of(mail)
    cloud.reached(cloud.execution(scan), "AwaitDecision")
    assert cloud.evidence(scan).get("decision.json") is None
    click(cloud, scan, "Reject")
    cloud.ended(cloud.execution(scan))
    assert [item["Subject"] for item in mails_about(cloud, version(scan))] == [
        "[payments] Quality gate failed",
        "[payments] Rejected: quality gate failed",
    ]


def test_the_uploader_is_emailed_about_a_zip_that_could_not_be_scanned(cloud):
    scan = cloud.upload("payments/b.zip", b"no zip")

    mail = first_mail(cloud, scan)

    assert mail["Subject"] == "[payments] Scan failed to run"
    assert mail["To"] == UPLOADER
    assert "What was uploaded is not a zip." in " ".join(text_of(mail).split())
    assert cloud.ended(cloud.execution(scan)) == "SUCCEEDED"


def test_an_email_that_cannot_be_sent_is_tried_again_while_people_decide(cloud, monkeypatch):
    real, tries = cloud.functions.invoke, []

    def invoke(function: Any, payload: str) -> Any:
        if json.loads(payload).get("event") == "failed":
            tries.append(payload)
            return json.dumps({"errorType": "TooManyRequestsException"}), True, ""
        return real(function, payload)

    monkeypatch.setattr(cloud.functions, "invoke", invoke)
    scan = cloud.upload("payments/c.zip", QUICK_FAILING)

    card_of(cloud, scan, "quality gate failed")
    assert click(cloud, scan, "Reject").startswith("Rejected")
    assert cloud.ended(cloud.execution(scan)) == "SUCCEEDED"
    wait_until(lambda: len(tries) == 3, 20, lambda: f"tried {len(tries)} times")
    assert [item["Subject"] for item in mails_about(cloud, version(scan))] == [
        "[payments] Rejected: quality gate failed"
    ]
