"""Cards and emails of approvals that are extended, cover others, or need several people."""

import json
from base64 import b64decode
from email import message_from_bytes
from email.policy import default

import pytest

from handlers import check_build_status, notify, resting
from tests.handlers.app_history import AppHistory, finding
from tests.handlers.conftest import STATE, s3

ADA = "AWS:AROAEXAMPLE:ada@example.com"
UNTIL = "2026-11-27T10:00:00Z"


@pytest.fixture
def app(artifacts, recorded, clock, monkeypatch):
    clock("2026-11-24T10:00:00Z")
    for module in (check_build_status, notify):
        monkeypatch.setattr(module, "APPROVAL_COVERS", "findings")
    return AppHistory(artifacts, recorded)


@pytest.fixture
def root(app):
    """A version that Bob approved."""
    scan = app.upload(finding("a"), finding("b"))
    app.evaluate(scan)
    app.approve(scan)
    app.click(scan, "U0BOB0000", "Bob")
    return scan


@pytest.fixture
def covered(app, root):
    """A version that rests on that."""
    scan = app.upload(finding("a"), finding("b"), uploader=ADA)
    app.evaluate(scan)
    return scan


@pytest.fixture
def notified(calls):
    """Notify of an event; return its card, and the text of its email, each None without one."""
    requests = calls.accept("SendEmail", MessageId="ses-1")

    def notify_of(scan, event, **known):
        about = {"scan": scan, "event": event, "expiresAt": UNTIL, **known}
        card = notify.handler(about, None)["card"]
        if not requests:
            return card, None
        message = message_from_bytes(
            b64decode(requests.pop()["Content"]["Raw"]["Data"]), policy=default
        )
        body = message.get_body(("plain",))
        assert body
        text = body.get_content()
        return card, f"{message['Subject']}\n{' '.join(text.split())}"

    return notify_of


def version(scan):
    return scan.partition("/")[2][:8]


def described(card):
    return card["content"]["description"]


def plain(card):
    """Its text, with dots that link nothing as dots."""
    return described(card).replace("\u2024", ".")


def test_a_covered_version_has_one_card_in_the_thread_that_says_who_why_and_until_when(
    notified, root, covered
):
    card, email = notified(covered, "approved")

    assert card["content"]["title"] == "✅ payments: approved until 24 Dec 2026 under an exception"
    assert card["metadata"]["threadId"] == root
    for text in (plain(card), email):
        assert (
            "api.zip failed its quality gate only for what the exception of api.zip, version "
            f"{version(root)}, covers."
        ) in text
        assert "may be deployed until 24 Dec 2026, 10:00 UTC" in text
        assert "The fix comes in 1.5." in text
    assert "*Exception approved by:* Bob (U0BOB0000)".replace("Bob (U0BOB0000)", "") in described(
        card
    )
    assert "<@U0BOB0000>" in described(card)
    assert "Bob (U0BOB0000)" in email
    assert f"Under: the exception of api.zip, version {version(root)}" in email
    assert email.startswith("[payments] Approved until 24 Dec 2026 under an exception")
    buttons = card["metadata"]["additionalContext"]
    assert "Withdraw" in buttons
    assert "Extend" not in buttons


@pytest.mark.parametrize("event", ["expiring", "extended", "approval-expired", "withdrawn"])
def test_a_covered_version_is_silent_about_the_exception_of_another(
    app, notified, root, covered, clock, event
):
    if event == "withdrawn":
        withdraw(app, root, "2026-12-01T10:00:00Z")
    if event == "extended":
        extend(app, root, "2027-01-24T10:00:00Z")
    clock("2026-12-24T10:00:00Z" if event == "approval-expired" else "2026-12-20T10:00:00Z")

    assert notified(covered, event) == (None, None)


def test_a_covered_version_is_silent_about_an_end_that_is_ahead_of_the_functions_clock(
    notified, covered, clock
):
    clock("2026-12-24T09:59:59Z")

    assert notified(covered, "approval-expired") == (None, None)


def withdraw(app, scan, at, **changes):
    document = {
        "version": 1,
        "scan": scan,
        "reason": "The fix is out.",
        "withdrawnAt": at,
        "evidence": {},
        **changes,
    }
    app.put(scan, "withdrawal.json", document)


def extend(app, scan, expires_at, at="2026-12-01T10:00:00Z", number=1):
    extension = {"reason": "Release is late", "extendedAt": at, "expiresAt": expires_at}
    app.put(scan, f"extensions/{number}.json", {"version": 1, "scan": scan, **extension})
    clicked = {"user": "U0EVE0000", "action": "extend", "clickedAt": at}
    app.put(scan, f"actions/2{number}.json", {**clicked, "reason": extension["reason"]})


def test_a_covered_version_whose_exception_was_withdrawn_at_once_has_a_card(
    app, notified, root, covered
):
    withdraw(app, root, "2026-11-24T10:00:05Z")

    card, email = notified(covered, "withdrawn")

    lead = f"was withdrawn by the channel with the exception of api.zip, version {version(root)}."
    assert lead in plain(card)
    assert lead in email
    assert card["metadata"]["threadId"] == root


def test_a_covered_version_whose_exception_expired_at_once_has_a_card(
    app, notified, root, covered, clock
):
    app.put(
        root,
        "decision.json",
        {**app.document(root, "decision.json"), "expiresAt": "2026-11-24T10:00:30Z"},
    )
    clock("2026-11-24T10:00:30Z")

    assert "has expired with the exception" in described(notified(covered, "approval-expired")[0])


def test_the_own_withdrawal_of_a_covered_version_has_a_card(app, notified, root, covered):
    withdraw(app, covered, "2026-12-01T10:00:00Z")

    card, _ = notified(covered, "withdrawn")

    assert card["content"]["title"] == "🚫 payments: approval withdrawn"


def test_a_covered_version_of_an_exception_that_ended_has_no_card_that_it_is_approved(
    app, notified, root, covered
):
    withdraw(app, root, "2026-11-24T10:00:05Z")

    assert notified(covered, "approved") == (None, None)


def test_an_approval_of_the_first_kind_says_what_it_covers(notified, root, monkeypatch):
    steps = notified(root, "approved")[0]["content"]["nextSteps"]
    assert "covers this version, and later ones of this app that fail for nothing else" in steps[1]

    monkeypatch.setattr(notify, "APPROVAL_COVERS", "version")
    steps = notified(root, "approved")[0]["content"]["nextSteps"]
    assert "for this version only" in steps[1]


def test_an_extension_is_reported_with_who_why_and_until_when(app, notified, root, covered, clock):
    extend(app, root, "2027-01-24T10:00:00Z")
    clock("2026-12-20T10:00:00Z")

    card, email = notified(root, "extended")

    assert card["content"]["title"] == "⏩ payments: approval extended until 24 Jan 2027"
    assert (
        "It now expires on 24 Jan 2027, 10:00 UTC, also for the versions that rest on it: "
        f"{version(covered)}."
    ) in described(card)
    assert "*Reason:* Release is late" in described(card)
    assert "*Extended by:* <@U0EVE0000>" in described(card)
    assert email.startswith("[payments] Extended until 24 Jan 2027: quality gate exception")
    assert "Valid until: 24 Jan 2027, 10:00 UTC" in email
    assert {"Withdraw", "Extend"} <= card["metadata"]["additionalContext"].keys()


def test_an_extension_that_came_too_late_is_not_reported(app, notified, root, clock):
    extend(app, root, "2027-01-24T10:00:00Z", at="2026-12-24T09:59:30Z")
    clock("2026-12-24T09:59:40Z")

    assert notified(root, "extended") == (None, None)


def test_the_reminder_counts_from_the_new_end_and_names_what_rests_on_it(
    app, notified, root, clock
):
    scans = []
    for number in range(7):
        clock(f"2026-11-24T11:0{number}:00Z")
        scans.append(app.upload(finding("a")))
        app.evaluate(scans[-1])
    # A scan that was marked and then was not approved under it.
    resting.mark(s3, STATE, root, "payments/other")
    extend(app, root, "2027-01-24T10:00:00Z")
    clock("2027-01-22T10:00:00Z")

    card, email = notified(root, "expiring")

    assert card["content"]["title"] == "⏰ payments: approval expires on 24 Jan 2027"
    newest = ", ".join(version(scan) for scan in reversed(scans[2:]))
    for text in (described(card), email):
        assert f"nor can those that rest on it: {newest} and 2 more." in text


def test_no_reminder_names_an_end_that_people_do_not_know_yet(app, notified, root, clock):
    """It was extended after the state machine read when it ends: the event extended follows."""
    extend(app, root, "2027-01-24T10:00:00Z")
    clock("2026-12-23T10:00:00Z")

    assert notified(root, "expiring", until="2026-12-24T10:00:00Z") == (None, None)
    for known in ({"until": "2027-01-24T10:00:00Z"}, {}):
        card, _ = notified(root, "expiring", **known)
        assert card["content"]["title"] == "⏰ payments: approval expires on 24 Jan 2027"


def test_a_version_that_was_withdrawn_itself_is_not_named(app, notified, root, covered, clock):
    withdraw(app, covered, "2026-12-01T10:00:00Z")
    clock("2026-12-22T10:00:00Z")

    assert "rest on it" not in described(notified(root, "expiring")[0])


@pytest.mark.parametrize("event", ["withdrawn", "approval-expired"])
def test_the_end_of_an_exception_names_the_versions_that_end_with_it(
    app, notified, root, covered, clock, event
):
    if event == "withdrawn":
        withdraw(app, root, "2026-12-01T10:00:00Z")
    clock("2026-12-24T10:00:00Z")

    card, email = notified(root, event)

    for text in (described(card), email):
        assert f"nor can those that rest on it: {version(covered)}" in text


def test_an_approval_that_the_pipeline_took_back_says_so(app, notified, root):
    reason = "ada@example.com (U0ADA0000) uploaded this version, and approved or extended it."
    withdraw(app, root, "2026-11-24T10:05:00Z", rule="self-approval", reason=reason)

    card, email = notified(root, "withdrawn")

    assert card["content"]["title"] == "🚫 payments: approval taken back"
    assert "was withdrawn by the pipeline" in described(card)
    assert "U0ADA0000" in described(card)
    assert "Withdrawn by" not in described(card) + email


def test_an_approval_by_who_uploaded_has_a_warning(app, notified, monkeypatch):
    monkeypatch.setattr(notify, "PEOPLE", {"U0ADA0000": "ada@example.com"})
    scan = app.upload(finding("a"), uploader=ADA)
    app.evaluate(scan)
    app.approve(scan)
    app.click(scan, "U0ADA0000", "Ada")

    card, email = notified(scan, "approved")

    assert "⚠️ Ada (U0ADA0000) approved an own upload" in described(card)
    assert "Ada (U0ADA0000) approved an own upload." in email

    monkeypatch.setattr(notify, "SELF_APPROVAL", "allow")
    assert "own upload" not in described(notified(scan, "approved")[0])


def test_the_first_of_two_approvals_says_who_it_is_and_asks_another_person(
    app, notified, monkeypatch
):
    monkeypatch.setattr(notify, "APPROVALS", 2)
    scan = app.upload(finding("a"))
    app.evaluate(scan)
    approval = {"reason": "known", "seconds": 60, "approvedAt": "2026-11-24T10:00:00Z"}
    app.put(scan, "approvals/1.json", {"version": 1, "scan": scan, **approval})
    clicked = {"user": "U0BOB0000", "action": "approve", "clickedAt": "2026-11-24T10:00:01Z"}
    app.put(scan, "actions/1.json", {**clicked, "reason": "known"})

    card, email = notified(scan, "partly-approved")

    assert card["content"]["title"] == "☑️ payments: 1 of 2 approvals"
    assert "stays blocked until another person approves" in described(card)
    assert "*Approved by:* <@U0BOB0000>" in described(card)
    assert "Decide" in card["metadata"]["additionalContext"]
    assert email is None


def test_two_people_who_approved_are_both_named(app, notified, monkeypatch):
    monkeypatch.setattr(notify, "APPROVALS", 2)
    scan = app.upload(finding("a"))
    app.evaluate(scan)
    people = [
        {"user": user, "userName": name, "reason": "known", "approvedAt": "2026-11-24T10:00:00Z"}
        for user, name in (("U0BOB0000", "Bob"), ("U0EVE0000", "Eve"))
    ]
    app.approve(scan, approvals=people)

    card, email = notified(scan, "approved")

    assert "was approved by two people as an exception" in described(card)
    assert "*Decided by:* <@U0BOB0000> and <@U0EVE0000>" in described(card)
    assert "Bob (U0BOB0000) and Eve (U0EVE0000)" in email
    assert "Extend" not in card["metadata"]["additionalContext"]


def test_the_email_about_a_failure_names_new_findings_first_and_what_is_approved(
    app, notified, root, monkeypatch
):
    scan = app.upload(finding("a"), finding("new"))
    app.evaluate(scan)

    _, email = notified(scan, "failed")

    changed = email[email.index("WHAT CHANGED") :]
    name = f"api.zip, version {version(root)}"
    assert f"Since {name} (24 Nov 2026): 1 new finding, 1 known, 1 fixed" in changed
    assert f"1 finding is approved with {name} by Bob (U0BOB0000)" in changed
    assert "Fixed: b.py:3 (B)" in changed
    assert changed.index("- NEW: HIGH new.py:3") < changed.index("- HIGH a.py:3")


def test_the_email_about_the_first_failure_compares_with_nothing(app, notified):
    scan = app.upload(finding("a"))
    app.evaluate(scan)

    assert "WHAT CHANGED" not in notified(scan, "failed")[1]


def test_a_hostile_reason_cannot_format_what_people_see(app, notified, clock):
    root = app.upload(finding("a"), finding("b"))
    app.evaluate(root)
    app.approve(root, reason="<!channel> *bold*\n`code`")
    covered = app.upload(finding("a"))
    app.evaluate(covered)
    asking = app.upload(finding("a"), finding("new"))
    app.evaluate(asking)

    cards = [notified(covered, "approved")[0], app.document(asking, "gate-result.json")["card"]]

    for card in cards:
        assert "<!channel>" not in json.dumps(card)
        assert "*bold*" not in described(card)
        assert "bold" in described(card)
