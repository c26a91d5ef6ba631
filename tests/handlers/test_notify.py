"""The email and the card of each outcome."""

import json
from base64 import b64decode
from email import message_from_bytes
from email.policy import default
from html.parser import HTMLParser

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from domain import coverage, findings, report
from domain.origin import Origin
from domain.uploader import Uploader
from handlers import email_body, mail, notify, outcome
from tests.handlers.conftest import Http, refuse

SCAN = "payments/3LgVabcQk4Xb9ZfZ.7uK0pQ1rT2mN8sE"
EVENTS = ["approved", "rejected", "request-expired", "approval-expired", "expiring", "withdrawn"]
UNTIL = "2026-11-27T10:00:00Z"
WITHDRAWAL = {"reason": "The fix is out.", "withdrawnAt": "2026-11-25T09:00:00Z"}


@pytest.fixture
def scanned(artifacts, recorded):
    """Write the evidence of a scan that ended in ``event``, changed by ``documents``."""

    def leave(event, **documents):
        decision = event if event in ("rejected", "request-expired") else "approved"
        for name, document in {
            "scan": recorded("scan"),
            "report": recorded("report-failed"),
            "decision": recorded(f"decision-{decision}"),
            **({"withdrawal": WITHDRAWAL} if event == "withdrawn" else {}),
            **documents,
        }.items():
            artifacts[f"scans/{SCAN}/{name}.json"] = document

    return leave


@pytest.fixture
def notified(scanned, calls, clock):
    """Notify of ``event``; return the request to SES, its email, and the card."""
    clock("2026-11-25T12:00:00Z")
    requests = calls.accept("SendEmail", MessageId="ses-1")

    def notify_of(event, **documents):
        scanned(event, **documents)
        card = notify.handler({"scan": SCAN, "event": event, "expiresAt": UNTIL}, None)["card"]
        (request,) = requests
        requests.clear()
        return request, parse(b64decode(request["Content"]["Raw"]["Data"])), card

    return notify_of


def clicked_by(artifacts, decision, *people):
    for number, (user, name) in enumerate(people):
        artifacts[f"scans/{SCAN}/actions/{number}.json"] = {
            "user": user,
            **({"userName": name} if name else {}),
            "action": "approve" if decision["decision"] == "approved" else "reject",
            "reason": decision["reason"],
            "clickedAt": decision["decidedAt"],
        }


@pytest.mark.parametrize("event", ["approved", "rejected", "approval-expired"])
def test_the_approver_is_named_if_recorded(notified, artifacts, recorded, event):
    decision = recorded(f"decision-{'approved' if event == 'approval-expired' else event}")
    clicked_by(artifacts, decision, ("U0ADA0000", "Ada"), ("eve <!here>", None))
    _, mail, card = notified(event)

    plain, html = parts(mail)
    assert "Ada (U0ADA0000) or eve <!here>" in plain
    assert "Ada (U0ADA0000) or eve <!here>" in str(Page(html))
    assert "*Decided by:* <@U0ADA0000> or eve &lt;!here&gt;" in card["content"]["description"]


@pytest.mark.parametrize("event", EVENTS)
def test_no_approver_is_named_if_none_is_recorded(notified, event):
    _, mail, card = notified(event)

    assert "Decided by" not in parts(mail)[0] + card["content"]["description"]


def parse(raw):
    return message_from_bytes(raw, policy=default)


def parts(message):
    """Return text and HTML of an email."""
    return [message.get_body((kind,)).get_content() for kind in ("plain", "html")]


class Page(HTMLParser):
    """A page's visible text and links, and whether each tag is closed."""

    def __init__(self, html):
        super().__init__()
        self.open, self.text, self.links, self.tags = [], [], [], set()
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.links += [value for name, value in attrs if name == "href"]
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "title"):
            self.text.append(data)

    def __str__(self):
        return " ".join(" ".join(self.text).split())


@pytest.mark.parametrize(
    ("event", "subject", "title"),
    [
        (
            "approved",
            "[payments] Approved until 24 Dec 2026: quality gate exception",
            "✅ payments: approved until 24 Dec 2026",
        ),
        ("rejected", "[payments] Rejected: quality gate failed", "⛔ payments: rejected"),
        (
            "request-expired",
            "[payments] Request expired: quality gate failed",
            "⌛ payments: request expired",
        ),
        (
            "approval-expired",
            "[payments] Expired on 24 Dec 2026: quality gate exception",
            "⌛ payments: approval expired on 24 Dec 2026",
        ),
        (
            "expiring",
            "[payments] Expires on 24 Dec 2026: quality gate exception",
            "⏰ payments: approval expires on 24 Dec 2026",
        ),
        (
            "withdrawn",
            "[payments] Withdrawn: quality gate exception",
            "🚫 payments: approval withdrawn",
        ),
    ],
)
def test_each_outcome_has_its_subject_and_its_card(notified, event, subject, title):
    _, message, card = notified(event)

    assert message["Subject"] == subject
    assert card["content"]["title"] == title
    assert card["metadata"]["threadId"] == SCAN


@pytest.mark.parametrize(
    ("event", "functions"),
    [
        ("approved", {"Withdraw": "approval-1a2b3c4", "Extend": "approval-1a2b3c4"}),
        ("expiring", {"Withdraw": "approval-1a2b3c4", "Extend": "approval-1a2b3c4"}),
        ("rejected", {}),
        ("request-expired", {}),
        ("approval-expired", {"Team1": "rescan-5d6e7f8"}),
    ],
)
def test_the_card_names_the_functions_of_its_buttons(notified, event, functions):
    metadata = notified(event)[2]["metadata"]

    region = {"Region": "eu-central-1"} if functions else {}
    assert metadata["additionalContext"] == {**functions, **region, "Scan": SCAN}
    assert metadata["enableCustomActions"] is bool(functions)


def test_an_unanswered_request_is_escalated_and_can_still_be_decided(scanned, calls, artifacts):
    scanned("approved")
    artifacts.s3.delete_object(Bucket="artifacts", Key=f"scans/{SCAN}/decision.json")

    event = {"scan": SCAN, "event": "escalated", "expiresAt": UNTIL}
    card = notify.handler(event, None)["card"]

    assert card["content"]["title"] == "🔔 payments: decision still pending"
    lines = card["content"]["description"].split("\n")
    assert lines[3].startswith("<!here> api-1.4\u2024zip failed its quality gate")
    assert "On 27 Nov 2026, 10:00 UTC the request expires" in lines[3]
    assert card["metadata"]["additionalContext"]["Decide"] == "approval-1a2b3c4"
    assert "SendEmail" not in calls.made


def test_a_superseded_request_is_reported_in_the_channel_only(scanned, calls, recorded):
    reason = "A newer version was uploaded: 8kZ."
    moot = {**recorded("decision-rejected"), "decision": "superseded", "reason": reason}
    scanned("approved", decision=moot)

    event = {"scan": SCAN, "event": "superseded", "expiresAt": UNTIL}
    card = notify.handler(event, None)["card"]

    assert card["content"]["title"].endswith("payments: replaced by a newer version")
    assert reason in card["content"]["description"]
    assert "SendEmail" not in calls.made


def test_a_withdrawal_shows_its_time_and_reason_and_no_expiry(notified):
    text = notified("withdrawn")[1].get_body(("plain",)).get_content()

    assert "25 Nov 2026, 09:00 UTC, because: The fix is out." in text
    assert "Valid until" not in text


@pytest.mark.parametrize(
    ("app", "uploader", "to"),
    [
        ("payments", "", ["dev@example.com", "lead@example.com"]),
        ("web", "", ["web@example.com"]),
        ("web", "ada@example.com", ["web@example.com", "ada@example.com"]),
        ("web", "Ada@EXAMPLE.com", ["web@example.com", "Ada@EXAMPLE.com"]),
        ("web", "o'brien+x@example.com", ["web@example.com", "o'brien+x@example.com"]),
        ("web", "web@example.com", ["web@example.com"]),
        ("web", "Web@Example.COM", ["web@example.com"]),
        ("web", "a..b@example.com", ["web@example.com"]),
        ("web", ".a@example.com", ["web@example.com"]),
        ("web", "eve%evil.example@example.com", ["web@example.com"]),
        ("web", "eve@evil.example", ["web@example.com"]),
        ("web", "eve@evil.example>, <ada@example.com", ["web@example.com"]),
        ("web", "ada@EXAMPLE.com\r\nBcc: eve@evil.example", ["web@example.com"]),
    ],
)
def test_an_app_has_its_own_recipients_and_an_uploader_of_an_allowed_domain_is_added(
    notified, recorded, app, uploader, to
):
    left = recorded("report-failed")
    left["upload"]["uploader"] = uploader
    request, message, _ = notified("approved", scan={**recorded("scan"), "app": app}, report=left)

    assert request["Destination"] == {"ToAddresses": to}
    assert message["To"] == ", ".join(to)


@pytest.mark.parametrize("event", EVENTS)
def test_the_email_has_the_same_content_in_text_and_html(notified, recorded, event):
    _, message, card = notified(event)
    text, html = parts(message)
    page = Page(html)

    decided = event if event in ("rejected", "request-expired") else "approved"
    decision = recorded(f"decision-{decided}")
    expected_card = [
        "payments/api-1.4.zip",
        "3LgVabcQk4Xb9ZfZ.7uK0pQ1rT2mN8sE",
        "24 Nov 2026, 10:00 UTC",
        "not recorded",
        decision["decision"],
        decision["reason"],
        "new coverage: 61.2 (minimum 80)",
        "SonarQube 25.9.0.112764, 132 of 147 files of code analysed",
        "web/node_modules/: 1,204 files, dependencies",
        "tools/sign: compiled program",
        "Files in languages that SonarQube does not support: 12 Go, 3 Rust",
        "1 BLOCKER, 2 HIGH, 3 MEDIUM, 1 LOW",
        "src/payments/client.py:38",
        "Fix this condition; `total` is never `None` & never <0.",
        "python:S3776",
        *card["content"]["nextSteps"],
    ]
    for item in expected_card:
        assert item in " ".join(text.split())
        assert item in str(page)
    addresses = [
        "https://sonar.example.com/project/issues?id=payments&open=AZ1",
        "https://sonar.example.com/dashboard?id=payments",
        f"https://eu-central-1.console.aws.amazon.com/s3/buckets/artifacts?region=eu-central-1"
        f"&prefix=scans/{SCAN}/",
    ]
    assert set(addresses) <= set(page.links)
    for link in page.links:
        assert link in text


def test_the_email_shows_the_first_of_many_conditions_and_findings(notified, recorded):
    left = recorded("report-failed")
    left["gate"]["conditions"] = [left["gate"]["conditions"][0]] * 30
    left["findings"] = [left["findings"][0]] * 20
    text, html = parts(notified("rejected", report=left)[1])

    for displayed in (text, str(Page(html))):
        assert displayed.count("new violations: 7") == 20
        assert displayed.count("src/payments/store.py:14") == 10


@pytest.mark.parametrize("named", [12, 10])
def test_the_email_names_the_first_unanalysed_files(notified, recorded, named):
    left = recorded("report-unanalysed")
    left["coverage"]["files"] = [left["coverage"]["files"][0]] * named
    left["coverage"]["counts"]["unanalysed"] = 12
    left["gate"]["conditions"][-1]["actual"] = "12"
    text, html = parts(notified("approved", report=left)[1])

    heading = "Unanalysed files: code that the scanner did not evaluate"
    assert heading.upper() in text
    assert heading in str(Page(html))
    for displayed in (text, str(Page(html))):
        assert displayed.count("src/payments/legacy.py: Parse error at line 3: print 'paid'") == 10
        assert "… and 2 more files" in displayed
        assert "not covered" not in displayed.lower()


def test_an_approval_shows_its_expiry_and_a_rejection_that_the_version_stays_blocked(notified):
    approved, rejected = (str(Page(parts(notified(event)[1])[1])) for event in EVENTS[:2])

    assert "Valid until 24 Dec 2026, 10:12 UTC" in approved
    assert "may be deployed until 24 Dec 2026, 10:12 UTC" in approved
    assert "Valid until" not in rejected
    assert "This version stays blocked." in rejected


def test_the_card_shows_the_reason_and_links(notified):
    lines = notified("rejected")[2]["content"]["description"].split("\n")

    assert lines[0] == "`api-1.4.zip` · version `3LgVabcQ`"
    assert lines[1] == "*Uploaded by:* not recorded"
    assert lines[4] == "*Reason:* The password must go first."
    assert [item.split("|")[1] for item in lines[-1].split(" · ")] == [
        "Report>",
        "Execution>",
        "Evidence>",
    ]


def test_one_email_goes_from_the_sender_to_all_developers(notified):
    request, message, _ = notified("approved")

    assert request["FromEmailAddress"] == message["From"] == "Quality gate <gate@example.com>"
    assert request["Destination"] == {"ToAddresses": ["dev@example.com", "lead@example.com"]}
    assert message["To"] == "dev@example.com, lead@example.com"


def test_no_machine_is_asked_to_answer_an_email(notified):
    """RFC 3834, section 5, and Exchange's own field; reports of failed delivery are wanted."""
    message = notified("approved")[1]

    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Auto-Response-Suppress"] == "OOF, AutoReply"
    # It has no defined meaning (RFC 2076, 3.9), and mail with it counts as bulk.
    assert message["Precedence"] is None


def test_emails_of_one_scan_form_a_thread(notified):
    approved, ended = notified("approved")[1], notified("approval-expired")[1]

    assert approved["References"] == ended["References"] == approved["In-Reply-To"]
    assert approved["Message-ID"] != ended["Message-ID"]
    assert approved["Message-ID"] == notified("approved")[1]["Message-ID"]
    assert approved["Message-ID"].endswith("@example.com>")


def test_an_email_without_a_report_still_states_the_decision(notified):
    _, message, _ = notified("approved", report=b"{")
    text, html = parts(message)

    assert "WHAT FAILED" not in text
    assert "What failed" not in html
    assert "Hotfix for the outage" in text


@pytest.mark.parametrize("code", ["MessageRejected", "BadRequestException"])
def test_an_email_that_ses_refuses_is_sent_without_the_uploader(
    scanned, calls, recorded, caplog, code
):
    left = recorded("report-failed")
    left["upload"]["uploader"] = "ada@example.com"
    scanned("approved", report=left)
    requests = []

    def refuse_the_uploader(params):
        requests.append(json.loads(params["body"]))
        if "ada@example.com" in requests[-1]["Destination"]["ToAddresses"]:
            return refuse(code)
        return Http(200), {"MessageId": "ses-2"}

    calls.before["SendEmail"] = refuse_the_uploader
    notify.handler({"scan": SCAN, "event": "approved", "expiresAt": UNTIL}, None)

    team = ["dev@example.com", "lead@example.com"]
    assert [request["Destination"]["ToAddresses"] for request in requests] == [
        [*team, "ada@example.com"],
        team,
    ]
    second = parse(b64decode(requests[1]["Content"]["Raw"]["Data"]))
    assert second["To"] == ", ".join(team)
    (warned,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert (warned.scan, warned.code) == (SCAN, code)
    assert "ada" not in caplog.text


@pytest.mark.parametrize(
    ("code", "uploader", "times"),
    [
        ("MessageRejected", "", 1),
        ("MessageRejected", "ada@example.com", 2),
        ("TooManyRequestsException", "ada@example.com", 1),
        ("AccessDeniedException", "ada@example.com", 1),
    ],
)
def test_an_email_that_ses_always_refuses_is_retried_by_the_state_machine(
    scanned, calls, recorded, code, uploader, times
):
    left = recorded("report-failed")
    left["upload"]["uploader"] = uploader
    scanned("approved", report=left)
    calls.refuse("SendEmail", code)

    with pytest.raises(ClientError, match=code):
        notify.handler({"scan": SCAN, "event": "approved", "expiresAt": UNTIL}, None)
    assert calls.made.count("SendEmail") == times


def test_an_email_whose_response_is_lost_is_not_sent_again_by_the_function(scanned, aws):
    """It may have been sent; the state machine decides about retries."""
    sent = []

    def no_answer(request, **_):
        sent.append(request.url)
        raise ReadTimeoutError(endpoint_url=request.url)

    scanned("approved")
    notify.ses.meta.events.register_first("before-send", no_answer)
    try:
        with pytest.raises(ReadTimeoutError):
            notify.handler({"scan": SCAN, "event": "approved", "expiresAt": UNTIL}, None)
    finally:
        notify.ses.meta.events.unregister("before-send", no_answer)
    assert len(sent) == 1


@pytest.mark.parametrize(
    "event", ["approved", "rejected", "request-expired", "expiring", "withdrawn"]
)
def test_nothing_can_fail_after_the_email_is_sent(scanned, calls, event):
    scanned(event)
    calls.accept("SendEmail", MessageId="ses-1")

    notify.handler({"scan": SCAN, "event": event, "expiresAt": UNTIL}, None)

    assert calls.made[-1] == "SendEmail"


def test_without_a_card_no_email_is_sent(scanned, calls, monkeypatch):
    def refuse(*_):
        raise ValueError("the card is too long")

    scanned("approved")
    monkeypatch.setattr(notify, "in_thread", refuse)

    with pytest.raises(ValueError, match="too long"):
        notify.handler({"scan": SCAN, "event": "approved", "expiresAt": UNTIL}, None)

    assert "SendEmail" not in calls.made


def test_an_unknown_event_sends_nothing(scanned, calls):
    scanned("approved")

    with pytest.raises(ValueError, match="unknown event: 'deployed'"):
        notify.handler({"scan": SCAN, "event": "deployed", "expiresAt": UNTIL}, None)
    assert "SendEmail" not in calls.made


outside_text = st.text(st.characters(), max_size=60) | st.sampled_from(
    [
        "x\r\nBcc: evil@example.com",
        "x\n\n<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "</style></title><b>",
        "Größe 測試 🎉",
        "\ud800",
        ".\n.\n",
        "javascript:alert(1)",
        "x" * 700,
    ]
)


def mail_about(app, key, reason, message):
    finding = findings.Finding(
        rule=message, severity=message, message=message, file=key, line=3, link=message
    )
    condition = findings.Condition(
        metric=message, comparator=">", threshold="0", actual=message, status="error"
    )
    parsed_report = report.Report(
        engine=key,
        scanner=key,
        coverage=coverage.Coverage(
            counts=dict.fromkeys(coverage.CLASSES, 9),
            reported=False,
            languages={message: 4},
            unseen=[
                coverage.Unseen(kind=kind, file=key, language=message, reason=message, files=1)
                for kind in ("unanalysed", "opaque")
            ],
        ),
        limits_applied=False,
        passed=False,
        conditions=(condition,),
        counts=dict.fromkeys(report.SEVERITIES, 1),
        findings=(finding,),
        ignored=(),
        dashboard=message,
        uploader="",
        origin=Origin(*[f"x{message}"] * 6),
        error=None,
    )
    scan = {"app": app, "key": key, "versionId": key, "uploadedAt": "2026-11-24T10:00:00Z"}
    times = {"decidedAt": "2026-11-24T10:00:00Z", "expiresAt": "2026-12-24T10:00:00Z"}
    details = outcome.describe("approved", key, {"reason": reason, **times}, None, UNTIL)
    written = email_body.compose(
        details,
        scan,
        Uploader(principal_id=f"AWS:{key}", claim=app),
        parsed_report,
        {"decision": "approved", "reason": reason, **times},
        None,
        {},
    )
    return mail.message(SCAN, written, "gate@example.com", ["dev@example.com"])


HARMLESS = parse(mail_about("app", "a.zip", "reason", "https://sonar.example.com"))
HARMLESS_TAGS = Page(parts(HARMLESS)[1]).tags


# Rendering is slow enough that shrinking a failure would take minutes.
@settings(phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(outside_text, outside_text, outside_text, outside_text)
def test_outside_text_stays_text_and_adds_no_header(app, key, reason, message):
    raw = mail_about(app, key, reason, message)

    parsed = parse(raw)
    assert parsed.keys() == HARMLESS.keys()
    assert parsed["Subject"].startswith("[")
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    page = Page(parts(parsed)[1])
    assert page.tags <= HARMLESS_TAGS
    assert all(link.startswith("https://") for link in page.links)


@pytest.mark.parametrize(
    ("event", "documents"),
    [
        ("escalated", {}),
        ("approved", {"withdrawal": WITHDRAWAL}),
        ("expiring", {"withdrawal": WITHDRAWAL}),
    ],
)
def test_an_outdated_event_sends_no_notification(scanned, calls, clock, event, documents):
    clock("2026-11-25T12:00:00Z")
    requests = calls.accept("SendEmail", MessageId="ses-1")
    scanned(event, **documents)

    expected_card = notify.handler({"scan": SCAN, "event": event, "expiresAt": UNTIL}, None)

    assert expected_card == {"card": None}
    assert requests == []


@pytest.mark.parametrize("event", ["approved", "expiring"])
def test_an_expired_approval_is_not_reported_as_valid(scanned, calls, clock, event, recorded):
    clock(recorded("decision-approved")["expiresAt"])
    requests = calls.accept("SendEmail", MessageId="ses-1")
    scanned(event)

    assert notify.handler({"scan": SCAN, "event": event, "expiresAt": UNTIL}, None) == {
        "card": None
    }
    assert requests == []
