"""What follows a decision, and what precedes one that nobody makes; each in one thread."""

import hashlib
import io
import json
import zipfile

import pytest

from local.account import LocalAccount
from tests.scan.uploads import zipped
from tests.support.account import (
    QUICK_FAILING,
    card_of,
    click,
    made_role,
    mails_about,
    scan_quickly,
    text_of,
    version,
)

pytestmark = pytest.mark.slow

TICKET = "arn:aws:lambda:eu-central-1:123456789012:function:ticket"
TICKET_PY = """
def handler(event, context):
    return f"Opened a ticket about {event['scan']}."
"""
ACTIONS = [
    {"label": "Scan again", "outcomes": ["error", "withdrawn"], "function": "scan-again"},
    {"label": "Open ticket", "outcomes": ["failed"], "function": TICKET},
]


@pytest.fixture(scope="module")
def cloud():
    """A request is escalated after ten seconds, and an exception's end published after fifteen."""
    settings = {
        "decisionWindow": "90s",
        "escalateBefore": "80s",
        "escalationMention": "S0123456789",
        "exceptionPeriod": "60s",
        "maxExceptionPeriod": "1d",
        "remindBefore": "45s",
        "customActions": json.dumps(ACTIONS),
        "appRecipients": json.dumps({"web": ["web@example.com"]}),
        "uploaderDomains": json.dumps(["example.com"]),
    }
    with LocalAccount(settings) as running:
        scan_quickly(running)
        yield running


def button(card, label):
    return next(item for item in card.buttons if item.label == label)


def cards_in_thread(cloud, scan):
    return [card.title for card in cloud.channel.cards if card.thread == scan]


def test_an_approval_is_withdrawn_from_its_own_card(cloud):
    scan = cloud.upload("payments/a.zip", QUICK_FAILING)
    click(cloud, scan, "Approve")
    execution = cloud.execution(scan)
    cloud.reached(execution, "AwaitWithdrawal")

    answer = cloud.channel.click(
        button(card_of(cloud, scan, "approved until"), "Withdraw"), {"Reason": "found in use"}
    )

    assert answer == f"Withdrawn: {scan} may not be deployed any more."
    assert cloud.ended(execution) == "SUCCEEDED"
    assert cloud.clearance("payments/a.zip", scan) == "withdrawn"
    assert cloud.evidence(scan)["withdrawal.json"]["reason"] == "found in use"
    assert "found in use" in card_of(cloud, scan, "withdrawn").description
    assert "Withdrawn" in mails_about(cloud, version(scan))[-1]["Subject"]
    assert [title.split(": ")[1][:8] for title in cards_in_thread(cloud, scan)] == [
        "quality ",
        "approved",
        "approval",
    ]


def test_developers_are_reminded_before_an_approval_expires(cloud):
    scan = cloud.upload("payments/b.zip", QUICK_FAILING)
    click(cloud, scan, "Approve")
    execution = cloud.execution(scan)

    card = card_of(cloud, scan, "approval expires on")

    assert [item.label for item in card.buttons] == ["Withdraw", "Extend"]
    cloud.reached(execution, "AwaitWithdrawal", times=2)
    assert cloud.clearance("payments/b.zip", scan) == "approved"
    assert "Expires on" in mails_about(cloud, version(scan))[-1]["Subject"]


def test_an_unanswered_request_is_escalated_and_can_still_be_decided(cloud):
    scan = cloud.upload("payments/d.zip", QUICK_FAILING)
    execution = cloud.execution(scan)

    card = card_of(cloud, scan, "decision still pending")
    assert "<!subteam^S0123456789>" in card.description
    cloud.reached(execution, "AwaitDecision", times=2)
    answer = cloud.channel.click(button(card, "Reject"), {"Reason": "not like this"})

    assert answer == f"Rejected: {scan} stays blocked."
    assert cloud.ended(execution) == "SUCCEEDED"
    assert cloud.clearance("payments/d.zip", scan) == "rejected"


def test_a_newer_version_supersedes_the_request_of_the_previous_one(cloud):
    old = cloud.upload("payments/e.zip", QUICK_FAILING)
    card = card_of(cloud, old)
    cloud.reached(cloud.execution(old), "AwaitDecision")

    new = cloud.upload("payments/e.zip", QUICK_FAILING)

    assert cloud.ended(cloud.execution(old)) == "SUCCEEDED"
    assert cloud.clearance("payments/e.zip", old) == "superseded"
    assert version(new) in card_of(cloud, old, "replaced by a newer version").description
    late = cloud.channel.click(button(card, "Approve"), {"Reason": "too late", "Days": ""})
    assert late.startswith("Too late: a newer version has been uploaded")
    # None but that it failed its gate, if that was sent before the newer version came.
    subjects = {mail["Subject"] for mail in mails_about(cloud, version(old))}
    assert subjects <= {"[payments] Quality gate failed"}
    # The newer one is decided on its own card.
    assert button(card_of(cloud, new), "Approve")


def test_the_scan_again_button_starts_another_attempt(cloud):
    scan = cloud.upload("payments/f.zip", zipped({"README.md": "only words"}))
    again = button(card_of(cloud, scan), "Scan again")
    cloud.ended(cloud.execution(scan))

    answer = cloud.channel.click(again)

    attempt = f"{scan}.2"
    assert answer.endswith(f"about {attempt}.")
    assert "scan failed to run" in card_of(cloud, attempt).title
    assert cloud.evidence(attempt)["scan.json"]["attempt"] == 2
    assert cloud.ended(cloud.execution(attempt)) == "SUCCEEDED"
    assert len(cloud.builds.all_of(attempt)) == 1


def test_a_custom_button_may_call_its_own_function_only(cloud):
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as package:
        package.writestr("ticket.py", TICKET_PY)
    cloud.client("lambda").create_function(
        FunctionName="ticket",
        Runtime="python3.13",
        Role=made_role(cloud, "logs:*", "xray:*", trusts="lambda.amazonaws.com"),
        Handler="ticket.handler",
        Code={"ZipFile": code.getvalue()},
    )
    cloud.client("logs").create_log_group(logGroupName="ticket")
    cloud.functions.logging["ticket"] = {"LogFormat": "JSON", "LogGroup": "ticket"}
    scan = cloud.upload("payments/g.zip", QUICK_FAILING)

    assert cloud.channel.click(button(card_of(cloud, scan), "Open ticket")) == (
        f"Opened a ticket about {scan}."
    )


def test_an_app_has_its_own_recipients_and_the_uploader_may_be_one(cloud):
    stored = cloud.client("s3").put_object(
        Bucket=cloud.outputs["uploadBucket"],
        Key="web/app.zip",
        Body=QUICK_FAILING,
        Metadata={"uploader": "ada@example.com"},
    )
    scan = f"web/{stored['VersionId']}"

    click(cloud, scan, "Reject")

    cloud.ended(cloud.execution(scan))
    mails = mails_about(cloud, version(scan))
    [decided] = [mail for mail in mails if "rejected" in text_of(mail)]
    assert decided["To"] == "web@example.com, ada@example.com"
    # An email about the failure, unless the click came before it, is for the uploader only.
    assert {mail["To"] for mail in mails if mail is not decided} <= {"ada@example.com"}


def test_each_evidence_document_names_the_sha256_of_the_previous_one(cloud):
    scan = cloud.upload("payments/h.zip", QUICK_FAILING)
    click(cloud, scan, "Reject")
    cloud.ended(cloud.execution(scan))

    def digest(name):
        body = cloud.client("s3").get_object(
            Bucket=cloud.outputs["artifactsBucket"], Key=f"scans/{scan}/{name}"
        )["Body"]
        return hashlib.sha256(body.read()).hexdigest()

    evidence = cloud.evidence(scan)
    # Nothing waits for it, so the gate result can be the first.
    in_time = evidence["gate-result.json"]["evidence"].keys() & {"uploader.json"}
    for name, before in {
        "report.json": ["scanner.log", "findings.json"],
        "gate-result.json": ["scan.json", *in_time, "report.json"],
        "decision.json": ["gate-result.json"],
    }.items():
        assert evidence[name]["evidence"] == {item: digest(item) for item in before}
