"""Each rule of the model is broken once; the same trace without the fault breaks none."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.simulation.model import check
from tests.simulation.model.lifecycles import (
    ESCALATED,
    LIVES,
    WINDOW,
    approved,
    approved_life,
    expired_life,
    failed,
    passed_life,
    rejected_life,
    superseded_life,
    withdrawn_life,
)
from tests.simulation.model.stories import DAY, HOUR, History
from tests.simulation.model.story_changes import (
    cards,
    changed,
    documents,
    kinds,
    mails,
    rewrite,
    without,
)
from tests.simulation.model.wording import minute
from tests.simulation.trace import (
    BuildStarted,
    ExecutionEnded,
    FunctionFailed,
    Mailed,
    Published,
    Stored,
    Tagged,
)

SCAN = "payments/v1"
Change = Callable[[History], None]


# A change to a lifecycle, and the violation it causes. Without the change there is none.

CLEARANCE: list[tuple[str, Callable[[], History], Change]] = [
    ("tag late", rejected_life, lambda s: changed(s, Tagged, at=1100.0)),
    ("unfounded tag", rejected_life, lambda s: s.tag(2000, SCAN, "approved")),
    ("unfounded tag", passed_life, lambda s: s.tag(60, SCAN, "passed")),
    ("old status written", withdrawn_life, lambda s: s.tag(6000, SCAN, "failed")),
    ("deployable too long", withdrawn_life, lambda s: s.tag(6000, SCAN, "approved")),
    ("deployable too long", approved_life, lambda s: changed(s, Tagged, at=1001 + 31 * DAY)),
]

CHAIN: list[tuple[str, Callable[[], History], Change]] = [
    ("written twice", rejected_life, lambda s: s.store(1500, SCAN, "decision.json", {})),
    ("wrong digest", rejected_life, lambda s: rewrite(
        s, "decision.json", evidence={"gate-result.json": "0" * 64})),
    ("vouches for nothing", rejected_life, lambda s: rewrite(
        s, "report.json", evidence={"scanner.log": "0" * 64})),
    ("not vouched for", rejected_life, lambda s: rewrite(s, "decision.json", evidence={})),
    ("no document", rejected_life, lambda s: s.events.append(Stored(
        at=1500, bucket="artifacts", key=f"scans/{SCAN}/actions/1.json", document=None, by="x"))),
    ("wrong scan", rejected_life, lambda s: rewrite(s, "decision.json", scan="payments/v2")),
    ("stray object", rejected_life, lambda s: s.store(9, "payments/v7", "scan.json", {})),
    ("wrong gate result", passed_life, lambda s: changed(
        s, type(s.events[0]), gate="failed")),
    ("decision without a failed gate", rejected_life, lambda s: rewrite(
        s, "gate-result.json", status="error")),
    ("decision without a click", rejected_life, lambda s: rewrite(
        s, "decision.json", decision="approved", expiresAt="2026-12-02T09:00:00Z")),
    ("unknown decision", rejected_life, lambda s: rewrite(s, "decision.json", decision="maybe")),
    ("wrong period", approved_life, lambda s: rewrite(
        s, "decision.json", expiresAt="2026-12-31T10:16:41Z")),
    ("period too long", approved_life, lambda s: rewrite(
        s, "decision.json", expiresAt="2027-12-31T10:16:41Z")),
    ("expired early", expired_life, lambda s: changed_decision(s, 120 + WINDOW - 70)),
    ("expired late", expired_life, lambda s: changed_decision(s, 120 + WINDOW + 200)),
    ("withdrawal of nothing", withdrawn_life, lambda s: rewrite(
        s, "decision.json", decision="rejected", expiresAt=None)),
    ("withdrawal without a click", approved_life, lambda s: s.store(
        9000, SCAN, "withdrawal.json", {"withdrawnAt": "2026-12-01T11:30:00Z"})),
    ("withdrawal after the end", approved_life, lambda s: s.withdraw(
        1001 + 30 * DAY + 60, SCAN, followed=False)),
]  # fmt: skip


def changed_decision(story: History, at: float) -> None:
    [stored] = documents(story, "decision.json")
    story.events[story.events.index(stored)] = replace(stored, at=at)


def wrong_tag_unseen(story: History) -> None:
    story.tag(1500, SCAN, "failed")
    story.verify(3000)


NOTIFIED: list[tuple[str, Callable[[], History], Change]] = [
    ("untrue: failed", superseded_life, lambda s: s.card(3000, SCAN, "failed", until=86520)),
    ("untrue: failed", rejected_life, lambda s: s.card(3000, SCAN, "failed", until=86520)),
    ("untrue: failed", rejected_life, lambda s: s.card(
        130, SCAN, "failed", until=86520, buttons=False)),
    ("untrue: failed", passed_life, lambda s: s.card(130, SCAN, "failed", until=86520)),
    ("untrue: failed", expired_life, lambda s: s.card(130, SCAN, "failed", until=86520 + HOUR)),
    ("untrue: failed", expired_life, lambda s: s.card(130, SCAN, "failed", until=86520 - HOUR)),
    ("untrue: scan error", rejected_life, lambda s: s.card(3000, SCAN, "scan error")),
    ("untrue: escalated", expired_life, lambda s: s.card(
        ESCALATED + 3, SCAN, "escalated", until=120 + WINDOW - HOUR)),
    ("untrue: escalated", expired_life, lambda s: s.card(
        ESCALATED + 3, SCAN, "escalated", until=120 + WINDOW, buttons=False)),
    ("untrue: approved", approved_life, lambda s: s.card(2000, SCAN, "approved", until=DAY)),
    ("untrue: approved", rejected_life, lambda s: s.notify(2000, SCAN, "approved")),
    ("untrue: rejected", approved_life, lambda s: s.notify(2000, SCAN, "rejected")),
    ("untrue: request-expired", approved_life, lambda s: s.notify(2000, SCAN, "request-expired")),
    ("untrue: superseded", approved_life, lambda s: s.card(2000, SCAN, "superseded")),
    ("untrue: expiring", approved_life, lambda s: s.notify(2000, SCAN, "expiring")),
    ("untrue: approval-expired", approved_life, lambda s: s.notify(2000, SCAN, "approval-expired")),
    ("untrue: approval-expired", withdrawn_life, lambda s: s.notify(
        31 * DAY, SCAN, "approval-expired")),
    ("untrue: withdrawn", approved_life, lambda s: s.notify(2000, SCAN, "withdrawn")),
    ("untrue: unsent approved", approved_life, lambda s: s.plain(
        1010, SCAN, "payments: approved, but the email could not be sent")),
    ("untrue: delayed", approved_life, lambda s: s.plain(
        1010, SCAN, "payments: approved, but its status could not be set yet")),
    ("untrue: delayed", rejected_life, lambda s: s.plain(
        1010, SCAN, "payments: approved, but its status could not be set yet")),
    ("untrue: pipeline error", approved_life, lambda s: s.plain(
        1010, SCAN, "Pipeline error for payments")),
    ("unknown card", approved_life, lambda s: s.card(1010, SCAN, "surprise")),
    ("unknown card", approved_life, lambda s: s.plain(1010, SCAN, "surprise")),
    ("stray card", approved_life, lambda s: s.card(1010, "payments/v7", "approved")),
    ("stray email", approved_life, lambda s: s.mail(1010, "payments/v7", "approved")),
]  # fmt: skip

LOST: list[tuple[str, Callable[[], History], Change]] = [
    ("never scanned", rejected_life, lambda s: s.events.append(
        replace(s.events[0], at=5.0, version="v2", key="other.zip"))),
    ("never ended", rejected_life, lambda s: without(
        s, *(event for event in s.events if isinstance(event, ExecutionEnded)))),
    ("never evaluated", rejected_life, lambda s: without(s, *documents(s, "gate-result.json"))),
    ("never decided", rejected_life, lambda s: without(s, *documents(s, "decision.json"))),
    ("failure not notified", rejected_life, lambda s: changed(s, ExecutionEnded, status="FAILED")),
    ("unexpected exception", rejected_life, lambda s: s.events.append(FunctionFailed(
        at=1500, function="notify", error="KeyError('scan')"))),
    ("failed without a fault", rejected_life, lambda s: changed(
        s, ExecutionEnded, status="FAILED")),
    ("not notified", rejected_life, lambda s: without(s, *cards(s, "rejected"))),
    ("not notified", rejected_life, lambda s: without(s, *cards(s, "quality gate failed"))),
    ("not notified", approved_life, lambda s: without(s, *cards(s, "approved"))),
    ("not notified", approved_life, lambda s: without(s, *cards(s, "expiring"))),
    ("not notified", approved_life, lambda s: without(s, *cards(s, "approval-expired"))),
    ("not notified", withdrawn_life, lambda s: without(s, *cards(s, "withdrawn"))),
    ("not notified", expired_life, lambda s: without(s, *cards(s, "escalated"))),
    ("not notified", expired_life, lambda s: without(s, *cards(s, "request-expired"))),
    ("not notified", superseded_life, lambda s: without(s, *cards(s, "superseded"))),
    ("no email", rejected_life, lambda s: without(s, *mails(s, "Rejected"))),
    ("no email", approved_life, lambda s: without(s, *mails(s, "Approved"))),
    ("no email", approved_life, lambda s: without(s, *mails(s, "Expires"))),
    ("no email", approved_life, lambda s: without(s, *mails(s, "Expired"))),
    ("no email", withdrawn_life, lambda s: without(s, *mails(s, "Withdrawn"))),
    ("no email", expired_life, lambda s: without(s, *mails(s, "Request expired"))),
    ("notified late", rejected_life, lambda s: changed(s, Published, at=1100.0)),
    ("email without recipient", rejected_life, lambda s: changed(s, Mailed, to=[])),
    ("second build", rejected_life, lambda s: s.events.append(
        BuildStarted(at=9, scan=SCAN, build="again"))),
    ("notified twice", rejected_life, lambda s: s.card(1010, SCAN, "rejected")),
    ("notified twice", rejected_life, lambda s: s.mail(1010, SCAN, "rejected")),
    ("another thread", rejected_life, lambda s: cards(s, "rejected")[0].card["metadata"].update(
        threadId="payments/v2")),
    ("verify misses a wrong tag", rejected_life, wrong_tag_unseen),
    ("failed and scan error", rejected_life, lambda s: s.card(130, SCAN, "scan error")),
    ("verify finds what is right", rejected_life, lambda s: s.verify(
        3000, (SCAN, "report.json", "was changed"))),
    ("verify finds what is right", rejected_life, lambda s: s.verify(
        3000, (SCAN, "tag scan-status", "says rejected"))),
    ("verify finds what is right", rejected_life, lambda s: s.verify(
        3000, ("payments/v7", "scan.json", "is missing"))),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "life", "change"), [*CLEARANCE, *CHAIN, *NOTIFIED, *LOST])
def test_each_violation_is_detected(kind: str, life: Callable[[], History], change: Change) -> None:
    story = life()
    assert kinds(story) == set()
    change(story)
    assert kind in kinds(story)


def test_an_approval_of_an_already_replaced_version_is_detected() -> None:
    story, _, _ = approved(at=3000)
    story.upload(2000, "v2", "passed")
    assert "replaced version approved" in kinds(story)


def test_a_rejection_of_an_already_replaced_version_is_detected() -> None:
    story, scan = failed()
    story.decide(3000, scan, "rejected")
    story.upload(2000, "v2", "passed")
    assert "replaced version rejected" in kinds(story)


def test_verify_need_not_report_a_tag_that_is_only_just_wrong() -> None:
    story = rejected_life()
    story.tag(1500, SCAN, "failed")
    story.verify(1700)
    assert "verify misses a wrong tag" not in kinds(story)


def test_an_upload_during_the_click_does_not_make_the_approval_wrong() -> None:
    story, _, _ = approved(at=3000)
    story.upload(3000.5, "v2", "passed")
    assert "replaced version approved" not in kinds(story)


U = minute(1001 + 30 * DAY)
DECIDED, WITHDRAWN = minute(1001), minute(5001)
OTHER = "9 Dec 2026, 10:00 UTC"
WRONG_ANSWERS: list[tuple[str, Callable[[], History], float, str, str]] = [
    ("approved", rejected_life, 3000, "approve", f"Approved: {SCAN} may be deployed until {U}."),
    ("approved", approved_life, 3000, "approve",
     f"Approved: {SCAN} may be deployed until {OTHER}."),
    ("approved", withdrawn_life, 6000, "approve", f"Approved: {SCAN} may be deployed until {U}."),
    ("rejected", approved_life, 3000, "reject", f"Rejected: {SCAN} stays blocked."),
    ("already", rejected_life, 3000, "approve", f"Already approved on {DECIDED}, because: x."),
    ("already", approved_life, 3000, "approve", f"Already approved on {OTHER}, because: x."),
    ("already", approved_life, 3000, "withdraw", f"Already withdrawn on {OTHER}, because: x."),
    ("too late", approved_life, 3000, "approve", f"Too late: nobody had decided by {DECIDED}; x."),
    ("too late, withdrawn", approved_life, 3000, "approve", f"Too late: it was approved on "
     f"{DECIDED}, and withdrawn on {WITHDRAWN}, because: x."),
    ("too late, over", approved_life, 3000, "approve", f"Too late: it was approved on {DECIDED}, "
     f"and the approval expired on {U}; upload again."),
    ("replaced", approved_life, 3000, "approve",
     "Too late: a newer version has been uploaded; it is decided on its own card."),
    ("withdrawn", approved_life, 3000, "withdraw", f"Withdrawn: {SCAN} may not be deployed any "
     "more."),
    ("recorded, over", rejected_life, 3000, "approve", f"Recorded as approved: "
     f"{SCAN}. But its execution is over, and nothing follows: x."),
    ("recorded, over", rejected_life, 3000, "reject", f"Recorded as rejected: "
     f"{SCAN}. But its execution is over, and nothing follows: x."),
    ("recorded", rejected_life, 3000, "approve",
     f"Recorded as approved: {SCAN}. The workflow has not resumed yet: x."),
    ("recorded, over", approved_life, 3000, "withdraw", f"Recorded as withdrawn: "
     f"{SCAN}. But its execution is over, and nothing follows: x."),
    ("nothing decided", approved_life, 3000, "withdraw",
     f"Nothing to withdraw: nothing was decided about {SCAN} here."),
    ("not approved", approved_life, 3000, "withdraw",
     f"Nothing to withdraw: {SCAN} was rejected on {DECIDED}."),
    ("ended", approved_life, 3000, "withdraw",
     f"Nothing to withdraw: the approval expired on {U}."),
    ("ended", withdrawn_life, 31 * DAY, "withdraw",
     f"Nothing to withdraw: the approval expired on {U}."),
    ("not waiting", rejected_life, 600, "approve", f"{SCAN} is not waiting for a decision; x."),
    ("no scan", rejected_life, 600, "approve", f"There is no scan {SCAN} here."),
    ("no decision", rejected_life, 600, "approve", "This is not a decision about a scan; x."),
    ("no payload", rejected_life, 600, "rescan", "This is not a scan; use the button on its card."),
    ("no reason", rejected_life, 600, "reject",
     "Nothing was decided: give a reason of 3 to 300 characters, then try again."),
    ("pipeline error", rejected_life, 600, "reject", "AWS error. Nothing was changed; try again."),
    ("passed", rejected_life, 600, "rescan", f"{SCAN} passed its quality gate; nothing."),
    ("same bytes", rejected_life, 600, "rescan", f"The same bytes would end as {SCAN} did: do."),
    ("not over", rejected_life, 6000, "rescan", f"{SCAN} is not over: it is being scanned."),
    ("again", rejected_life, 6000, "rescan",
     f"Scanning k again; the answer comes on a new card, about {SCAN}.2."),
    ("again already", rejected_life, 6000, "rescan",
     f"It is scanned again already, as {SCAN}.2: see the newer card."),
]  # fmt: skip


@pytest.mark.parametrize(("name", "life", "at", "verb", "answer"), WRONG_ANSWERS)
def test_an_untrue_response_is_detected(
    name: str, life: Callable[[], History], at: float, verb: str, answer: str
) -> None:
    story = life()
    story.click(at, SCAN, verb, answer, took=1)
    assert kinds(story) == {f"untrue answer: {name}"}


RIGHT_ANSWERS: list[tuple[Callable[[], History], float, str, str]] = [
    (approved_life, 3000, "approve", f"Already approved on {DECIDED}, because: known. A scan."),
    (rejected_life, 3000, "approve", f"Already rejected on {minute(1000)}, because: known. A."),
    (withdrawn_life, 6000, "withdraw", f"Already withdrawn on {WITHDRAWN}, because: known. N."),
    (withdrawn_life, 6000, "approve", f"Too late: it was approved on {DECIDED}, and withdrawn on "
     f"{WITHDRAWN}, because: known."),
    (approved_life, 31 * DAY, "approve", f"Too late: it was approved on {DECIDED}, and the "
     f"approval expired on {U}; upload again to have it scanned again."),
    (expired_life, 3 * DAY, "approve", f"Too late: nobody had decided by {minute(122 + WINDOW)};"),
    (superseded_life, 3000, "approve", "Too late: a newer version has been uploaded; it is."),
    (rejected_life, 500, "withdraw", f"Nothing to withdraw: nothing was decided about {SCAN} "
     "here."),
    (rejected_life, 3000, "withdraw", f"Nothing to withdraw: {SCAN} was rejected on "
     f"{minute(1000)}."),
    (approved_life, 31 * DAY, "withdraw", f"Nothing to withdraw: the approval expired on {U}."),
    (rejected_life, 60, "approve", f"{SCAN} is not waiting for a decision; if its card."),
    (rejected_life, 160, "approve", f"{SCAN} is not waiting for a decision; if its card."),
    (passed_life, 600, "rescan", f"{SCAN} passed its quality gate; there is nothing."),
    (approved_life, 3000, "rescan", f"{SCAN} is not over: it is being scanned, awaits."),
]  # fmt: skip


@pytest.mark.parametrize(("life", "at", "verb", "answer"), RIGHT_ANSWERS)
def test_a_true_response_is_accepted(
    life: Callable[[], History], at: float, verb: str, answer: str
) -> None:
    story = life()
    story.click(at, SCAN, verb, answer, took=1)
    assert check(story.trace()) == []


def test_an_unknown_sentence_is_detected() -> None:
    story = rejected_life()
    story.click(600, SCAN, "approve", "Well done.")
    assert kinds(story) == {"unknown answer"}


@pytest.mark.parametrize("life", LIVES.values(), ids=LIVES.keys())
def test_a_click_without_a_response_breaks_no_rule(life: Callable[[], History]) -> None:
    story = life()
    story.click(600, SCAN, "withdraw", None)
    assert check(story.trace()) == []
