"""The model accepts what docs/faults.md accepts or nobody can know, and no more."""

from dataclasses import replace

import pytest

from tests.simulation.model import check
from tests.simulation.model.lifecycles import (
    ESCALATED,
    WINDOW,
    approved,
    approved_life,
    expired_life,
    failed,
    rejected_life,
)
from tests.simulation.model.stories import DAY, History
from tests.simulation.model.story_changes import (
    cards,
    kinds,
    mails,
    without,
)
from tests.simulation.trace import BuildStarted, Clicked

SCAN = "payments/v1"
SCAN_JSON = f"scans/{SCAN}/scan.json"


# What docs/faults.md accepts, and what it does not.


def late_withdrawal(by: float) -> History:
    """The tag follows a withdrawal only after some seconds."""
    story, scan, _ = approved()
    story.withdraw(5000, scan, followed=False)
    story.tag(5001 + by, scan, "withdrawn")
    story.notify(5003 + by, scan, "withdrawn")
    story.end(5005 + by, scan)
    return story


@pytest.mark.parametrize(
    ("by", "faults", "is_late"),
    [
        (50, [], False),
        (70, [], True),
        (65, [(5005, 5007, "PutObjectTagging", "throttled")], False),
        (80, [(5005, 5007, "PutObjectTagging", "throttled")], True),
        (65, [(4000, 4007, "PutObjectTagging", "throttled")], True),
        (100, [(5002.0 + 5 * n, 5003.0 + 5 * n, "Publish", "after") for n in range(8)], False),
        (100, [(5002.0 + 5 * n, 5003.0 + 5 * n, f"call {n}", "after") for n in range(3)], True),
        (145, [(4990, 5040, "s3", "outage")], False),
        (150, [(5090, 5140, "s3", "outage")], True),
    ],
)
def test_the_tag_may_lag_for_as_long_as_calls_failed_and_as_long_again(
    by: float, faults: list[tuple[float, float, str, str]], is_late: bool
) -> None:
    story = late_withdrawal(by)
    for fault in faults:
        story.fault(*fault)
    assert ("deployable too long" in kinds(story)) == is_late


@pytest.mark.parametrize("answer", [None, "AWS error. Nothing was changed; try again."])
def test_a_withdrawal_whose_function_crashed_takes_effect_without_another_click(
    answer: str | None,
) -> None:
    """docs/decisions.md: S3's event about it resumes the state machine."""

    def violations(by: float) -> set[str]:
        story = late_withdrawal(by)
        [click] = [e for e in story.events if isinstance(e, Clicked) and e.began == 5000]
        story.events[story.events.index(click)] = replace(click, answer=answer)
        story.fault(5001, 5001.5, "PutObject withdrawal.json", "killed after")
        return kinds(story)

    assert violations(65) == set()
    assert "deployable too long" in violations(90)


@pytest.mark.parametrize(
    ("call", "fault", "is_found"),
    [
        ("Publish", "after", False),
        ("SendEmail", "killed after", False),
        ("sns", "outage", False),
        ("Publish", "throttled", True),
        ("GetObject decision.json", "after", True),
    ],
)
def test_a_card_may_be_sent_twice_only_if_its_sender_got_no_response(
    call: str, fault: str, is_found: bool
) -> None:
    story = rejected_life()
    story.card(1010, SCAN, "rejected")
    story.fault(1004, 1006, call, fault)
    assert ("notified twice" in kinds(story)) == is_found


@pytest.mark.parametrize(
    ("name", "at"), [("escalated", ESCALATED), ("expiring", 1001 + 23 * DAY), ("approved", 1003)]
)
def test_a_card_that_sns_always_refuses_may_be_missing(name: str, at: float) -> None:
    story = expired_life() if name == "escalated" else approved_life()
    without(story, *cards(story, name))
    assert kinds(story) == {"not notified"}
    story.fault(at, at + 60, "sns", "outage")
    assert check(story.trace()) == []


def test_an_email_that_ses_refuses_is_reported_in_the_channel() -> None:
    story = rejected_life()
    without(story, *cards(story, "rejected"), *mails(story, "Rejected"))
    story.plain(1050, SCAN, "payments: rejected, but the email could not be sent")
    story.fault(1003, 1040, "sesv2", "outage")
    assert check(story.trace()) == []


def test_an_execution_that_fails_and_reports_it_needs_nothing_more() -> None:
    story, scan = failed()
    story.fault(130, 190, "s3", "outage")
    story.plain(189, scan, "Pipeline error for payments")
    story.end(190, scan, "FAILED")
    assert check(story.trace()) == []


def test_a_response_may_say_that_the_execution_has_failed() -> None:
    story, scan = failed()
    story.fault(130, 190, "s3", "outage")
    story.plain(189, scan, "Pipeline error for payments")
    story.end(190, scan, "FAILED")
    story.click(999, scan, "reject", f"Recorded as rejected: {scan}. But its execution is "
                "over, and nothing follows: x.")  # fmt: skip
    story.store(1000, scan, "decision.json", {
        "decision": "rejected", "reason": "known", "decidedAt": "2026-12-01T09:16:40Z",
        "expiresAt": None,
    })  # fmt: skip
    assert check(story.trace()) == []


def replaced_and_left_open() -> History:
    """A newer version is scanned, and the previous request stays open until it expires."""
    story, scan = failed()
    newer = story.upload(2000, "v2", "passed")
    story.judge(2100, newer, "passed")
    story.card(ESCALATED + 2, scan, "escalated", until=120 + WINDOW)
    story.decide(122 + WINDOW, scan, "request-expired")
    return story


@pytest.mark.parametrize(
    ("caller", "call", "fault", "times"),
    [
        ("", "lambda", "outage", 1),
        ("", "s3 uploads", "outage", 1),
        ("state machine", "Invoke open-scan", "throttled", 6),
        ("open-scan", "ListObjectVersions", "before", 6),
    ],
)
def test_a_replaced_request_may_stay_open_if_superseding_always_failed(
    caller: str, call: str, fault: str, times: int
) -> None:
    story = replaced_and_left_open()
    for at in range(2002, 2002 + times):
        story.fault(at, at + 1, call, fault, caller)

    assert check(story.trace()) == []


@pytest.mark.parametrize(
    ("caller", "call", "fault", "times"),
    [
        ("", "sns", "outage", 1),
        ("state machine", "Invoke open-scan", "throttled", 2),
        ("open-scan", "ListObjectVersions", "before", 2),
        ("callback", "ListObjectVersions", "before", 6),
    ],
)
def test_other_faults_do_not_excuse_an_open_superseded_request(
    caller: str, call: str, fault: str, times: int
) -> None:
    story = replaced_and_left_open()
    for at in range(2002, 2002 + times):
        story.fault(at, at + 1, call, fault, caller)

    assert kinds(story) == {"replaced request left open"}


def test_a_request_may_stay_open_if_the_newer_version_was_never_scanned() -> None:
    story, scan = failed()
    newer = story.upload(2000, "v2", "error")
    story.fault(2002, 2003, "GetObject scan.json", "throttled")
    story.plain(2009, newer, "Pipeline error for payments")
    story.end(2010, newer, "FAILED")
    story.card(ESCALATED + 2, scan, "escalated", until=120 + WINDOW)
    story.decide(122 + WINDOW, scan, "request-expired")

    assert kinds(story) == {"replaced request left open"}
    assert check(story.trace(without=(BuildStarted,))) == []


def approved_and_never_notified() -> History:
    """The click is answered, but neither card nor email follows."""
    story = approved_life()
    without(story, *cards(story, "approved"), *mails(story, "Approved"))
    return story


@pytest.mark.parametrize("by", ["notify", "approval"])
def test_an_approval_may_stay_unmailed_only_if_card_and_notification_are_refused(
    by: str,
) -> None:
    story = approved_and_never_notified()
    assert kinds(story) == {"not notified", "no email"}
    since = 1001
    for at in range(since, since + 6):
        story.fault(at, at + 1, "Publish", "before", "state machine")
    assert kinds(story) == {"no email"}
    for at in range(since, since + 6):
        story.fault(at, at + 1, "GetObject scan.json", "before", by)
    assert kinds(story) == (set() if by == "notify" else {"no email"})


def test_a_deleted_version_needs_no_final_status() -> None:
    story, scan = failed()
    story.delete(500, "v1")
    story.plain(599, scan, "Pipeline error for payments")
    story.end(600, scan, "FAILED")
    assert check(story.trace()) == []


def test_verify_may_report_a_wrong_tag() -> None:
    story, scan, _ = approved()
    story.withdraw(5000, scan, followed=False)
    story.verify(6000, (scan, "tag scan-status", "says approved"))
    assert "verify finds what is right" not in kinds(story)


def test_verify_may_report_a_tag_that_a_failed_execution_did_not_set() -> None:
    """Before the time in which a tag may be late, which an outage extends."""
    story = History()
    scan = story.upload(0, "v1", "passed")
    story.store(20, scan, "gate-result.json", {"status": "passed"})
    for at in range(21, 60):
        story.fault(at, at + 1, "Invoke check-build-status", "after", "state machine")
    story.verify(70, (scan, "tag scan-status", "says nothing"))
    assert "verify finds what is right" in kinds(story)
    story.plain(61, scan, "Pipeline error for payments")
    story.end(62, scan, "FAILED")
    assert "verify finds what is right" not in kinds(story)


def test_verify_may_report_a_report_newer_than_the_gate_result() -> None:
    story = History()
    scan = story.upload(0, "v1", "failed")
    story.judge(120, scan, "error")
    story.store(130, scan, "report.json", {})
    story.verify(300, (scan, "report.json", "gate-result.json does not know it: it came later"))
    assert check(story.trace()) == []


@pytest.mark.parametrize(("at", "right"), [(800, False), (1000, True)])
def test_verify_may_report_an_upload_whose_scan_never_began(at: float, right: bool) -> None:
    story = History()
    scan = story.upload(0, "v1", by="ada")
    story.events = [event for event in story.events if getattr(event, "key", "") != SCAN_JSON]
    story.verify(at, (scan, "scan.json", "is missing; every scan begins with it"))
    assert ("verify finds what is right" not in kinds(story)) is right


def test_verify_must_not_miss_scan_json_where_it_is() -> None:
    story = rejected_life()
    story.verify(3000, (SCAN, "scan.json", "is missing; every scan begins with it"))
    assert "verify finds what is right" in kinds(story)


@pytest.mark.parametrize("deleted", [False, True])
def test_the_email_about_a_failure_may_come_if_its_version_is_deleted_just_then(
    deleted: bool,
) -> None:
    """S3 no longer knows which versions are newer."""
    story = History()
    scan = story.upload(0, "v1", "failed")
    story.upload(60, "v2", "passed")
    story.judge(120, scan)
    if deleted:
        story.delete(122.5, "v1")
    assert ("untrue: failure" in kinds(story)) is not deleted


def test_a_withdrawal_in_the_last_minute_may_be_reported_as_expiry() -> None:
    story, scan, end = approved()
    story.over(end, scan)
    story.withdraw(end - 30, scan, followed=False)
    assert check(story.trace()) == []
