"""Who uploaded is recorded once for each version, and shown where S3 said it in time."""

import copy
from base64 import b64decode

import pytest
from botocore.exceptions import ClientError

from handlers import check_build_status, notify, open_scan, uploader
from tests.handlers.conftest import created
from tests.handlers.test_notify import Page, parse, parts

VERSION = "3LgVabcQk4Xb9ZfZ.7uK0pQ1rT2mN8sE"
SCAN = f"payments/{VERSION}"
DOCUMENT = f"scans/{SCAN}/uploader.json"
UNTIL = "2026-11-27T10:00:00Z"
ADA = "ada@example.com (role AROAEXAMPLE3K7QW2Z4LM)"


@pytest.fixture
def notification(recorded):
    """S3's event, with other values in its record: a principal, a key, an operation."""

    def changed(principal: str = "", key: str = "", operation: str = ""):
        event = copy.deepcopy(recorded("s3-notification"))
        (record,) = event["Records"]
        if principal:
            record["userIdentity"]["principalId"] = principal
        record["s3"]["object"]["key"] = key or record["s3"]["object"]["key"]
        record["eventName"] = operation or record["eventName"]
        return event

    return changed


def test_the_principal_that_s3_names_is_recorded_with_its_request(artifacts, notification):
    uploader.handler(notification(), None)

    assert artifacts[DOCUMENT] == {
        "version": 1,
        "scan": SCAN,
        "bucket": "chatops-slack-dev-uploads-9f8e7d6",
        "key": "payments/api-1.4.zip",
        "versionId": VERSION,
        "principalId": "AWS:AROAEXAMPLE3K7QW2Z4LM:ada@example.com",
        "sourceIp": "192.0.2.17",
        "operation": "ObjectCreated:Put",
        "requestId": "7VXA2M1QEXAMPLE0",
        "uploadedAt": "2026-11-24T09:59:58Z",
    }


@pytest.mark.parametrize(
    ("encoded", "key"),
    [
        ("payments/api+1.4.zip", "payments/api 1.4.zip"),
        ("payments/a%2Bb.zip", "payments/a+b.zip"),
        ("payments/%C3%A4+%25.zip", "payments/ä %.zip"),
        ("a+b/api.zip", "a b/api.zip"),
        ("%C3%A4.zip", "ä.zip"),
    ],
)
def test_a_key_has_the_scan_that_is_opened_for_it(artifacts, machine, notification, encoded, key):
    uploader.handler(notification(key=encoded), None)

    opening = {"event": created(key, VERSION), "execution": "arn:e", "retry": 0}
    scan = open_scan.handler(opening, None)["scan"]
    document = artifacts[f"scans/{scan['scan']}/uploader.json"]
    assert [document[name] for name in ("scan", "bucket", "key", "versionId")] == [
        scan[name] for name in ("scan", "bucket", "key", "versionId")
    ]


@pytest.mark.parametrize("operation", ["Put", "Post", "Copy", "CompleteMultipartUpload"])
def test_every_kind_of_upload_counts(artifacts, notification, operation):
    uploader.handler(notification(operation=f"ObjectCreated:{operation}"), None)

    assert artifacts[DOCUMENT]["operation"] == f"ObjectCreated:{operation}"


def test_a_repeated_event_changes_nothing(artifacts, notification):
    uploader.handler(notification(), None)
    first = artifacts[DOCUMENT]

    uploader.handler(notification(), None)

    assert artifacts[DOCUMENT] == first


def test_an_existing_document_about_somebody_else_stays_and_is_an_error(artifacts, notification):
    """It was not written for S3's event, so somebody forged it: the alarm on errors must know."""
    uploader.handler(notification("AWS:AIDAEXAMPLE3K7QW2Z4LM"), None)

    with pytest.raises(uploader.AnotherUploader, match=SCAN):
        uploader.handler(notification(), None)
    assert artifacts[DOCUMENT]["principalId"] == "AWS:AIDAEXAMPLE3K7QW2Z4LM"


def test_what_is_stored_and_no_json_is_an_error(artifacts, notification):
    artifacts[DOCUMENT] = b"["

    with pytest.raises(uploader.AnotherUploader):
        uploader.handler(notification(), None)


def test_an_s3_error_is_retried_by_lambda(artifacts, calls, notification):
    calls.refuse("PutObject", "SlowDown")

    with pytest.raises(ClientError, match="SlowDown"):
        uploader.handler(notification(), None)


def test_the_test_event_of_s3_records_nothing(artifacts, calls):
    uploader.handler({"Service": "Amazon S3", "Event": "s3:TestEvent"}, None)

    assert calls.made == []


@pytest.fixture
def scanned(artifacts, recorded, notification):
    """A failed gate's evidence, with S3's event unless that has not come; a claim if given."""

    def leave(event=None, claim: str = "", attempt: int = 1):
        scan, left = recorded("scan"), recorded("report-failed")
        own = SCAN + (f".{attempt}" if attempt > 1 else "")
        left |= {"scan": own, "upload": {**left["upload"], "uploader": claim}}
        artifacts[f"scans/{own}/scan.json"] = {**scan, "scan": own, "attempt": attempt}
        artifacts[f"scans/{own}/report.json"] = left
        decision = recorded("decision-approved")
        artifacts[f"scans/{own}/decision.json"] = {**decision, "scan": own}
        if event:
            uploader.handler(event, None)
        return own

    return leave


@pytest.fixture
def displayed(scanned, calls, clock, recorded):
    """The line of each card and the facts of the email that say who uploaded."""
    clock("2026-11-25T12:00:00Z")

    def show(*scan, **changed):
        requests = calls.accept("SendEmail", MessageId="ses-1")
        own = scanned(*scan, **changed)
        failed = check_build_status.handler({**recorded("failed"), "scan": own}, None)["card"]
        about = {"scan": own, "event": "approved", "expiresAt": UNTIL}
        approved = notify.handler(about, None)["card"]
        (request,) = requests
        mail = parts(parse(b64decode(request["Content"]["Raw"]["Data"])))
        lines = {card["content"]["description"].split("\n")[1] for card in (failed, approved)}
        return lines, mail, request["Destination"]["ToAddresses"]

    return show


@pytest.mark.parametrize(
    ("principal", "claim", "on_cards", "in_mail"),
    [
        ("", "", "`ada@\u200bexample.com (role AROAEXAMPLE3K7QW2Z4LM)`", ADA),
        ("", "Ada@example.com", "`ada@\u200bexample.com (role AROAEXAMPLE3K7QW2Z4LM)`", ADA),
        ("AWS:AIDAEXAMPLE3K7QW2Z4LM", "", "`IAM user AIDAEXAMPLE3K7QW2Z4LM`",
         "IAM user AIDAEXAMPLE3K7QW2Z4LM"),
        ("A3NL1KOZZKEXAM", "eve@example.com",
         "`A3NL1KOZZKEXAM`; claims to be `eve@\u200bexample.com` (not verified)",
         "A3NL1KOZZKEXAM; claims to be eve@example.com (not verified)"),
        ("AWS:AROAEXAMPLE:`<!channel>` *x*", "",
         "`role AROAEXAMPLE, session '&lt;!channel&gt;' *x*`",
         "role AROAEXAMPLE, session `<!channel>` *x*"),
        ("AWS:AROAEXAMPLE:a\nDecision: approved", "",
         "`role AROAEXAMPLE, session a Decision: approved`",
         "role AROAEXAMPLE, session a Decision: approved"),
    ],
    ids=["a person", "who claims the same", "a user", "another claim", "markup", "another line"],
)  # fmt: skip
def test_cards_and_email_show_who_uploaded(
    displayed, notification, principal, claim, on_cards, in_mail
):
    lines, (plain, html), _ = displayed(notification(principal), claim=claim)

    assert lines == {f"*Uploaded by:* {on_cards}"}
    assert f"Uploaded by: {in_mail}" in " ".join(plain.split())
    assert f"Uploaded by {in_mail}" in str(Page(html))
    assert "123456789012" not in plain.replace("arn:aws", "").split("WHAT FAILED")[0]


def test_an_event_that_has_not_come_is_said_and_not_guessed(displayed):
    lines, (plain, _), to = displayed(claim="ada@example.com")

    claimed = "claims to be `ada@\u200bexample.com` (not verified)"
    assert lines == {f"*Uploaded by:* not recorded; {claimed}"}
    assert "not recorded; claims to be ada@example.com (not verified)" in " ".join(plain.split())
    assert to == ["dev@example.com", "lead@example.com", "ada@example.com"]


def test_another_attempt_has_the_uploader_of_the_first(displayed, notification, artifacts):
    uploader.handler(notification(), None)

    lines, _, _ = displayed(attempt=2)

    assert lines == {"*Uploaded by:* `ada@\u200bexample.com (role AROAEXAMPLE3K7QW2Z4LM)`"}
    assert f"scans/{SCAN}.2/uploader.json" not in artifacts


@pytest.mark.parametrize(
    ("session", "claim", "added"),
    [
        ("ada@example.com", "", ["ada@example.com"]),
        ("ada@example.com", "eve@example.com", ["ada@example.com"]),
        ("ada@elsewhere.example", "eve@example.com", ["eve@example.com"]),
        ("ada@elsewhere.example", "", []),
        ("build-417", "eve@example.com", ["eve@example.com"]),
        ("build-417", "eve@elsewhere.example", []),
    ],
)
def test_the_recorded_address_gets_the_email_rather_than_the_claimed_one(
    displayed, notification, session, claim, added
):
    _, _, to = displayed(notification(f"AWS:AROAEXAMPLE:{session}"), claim=claim)

    assert to == ["dev@example.com", "lead@example.com", *added]


def test_the_gate_result_names_the_sha256_of_what_came_before_it(
    displayed, artifacts, notification
):
    displayed(notification())

    named = artifacts[f"scans/{SCAN}/gate-result.json"]["evidence"]
    assert list(named) == ["scan.json", "uploader.json", "report.json"]


def test_a_late_event_is_recorded_and_shown_from_then_on(displayed, artifacts, notification):
    displayed()
    uploader.handler(notification(), None)

    named = artifacts[f"scans/{SCAN}/gate-result.json"]["evidence"]
    assert list(named) == ["scan.json", "report.json"]
    about = {"scan": SCAN, "event": "approved", "expiresAt": UNTIL}
    card = notify.handler(about, None)["card"]
    assert "ada@\u200bexample.com" in card["content"]["description"]
