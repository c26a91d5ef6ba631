"""The model finds each known bug, and nothing in the same trace without it."""

from collections.abc import Callable

import pytest

from tests.simulation.model import check
from tests.simulation.model.lifecycles import (
    ESCALATED,
    LIVES,
    WINDOW,
    again_life,
    approved,
    failed,
    withdrawn_life,
)
from tests.simulation.model.stories import DAY, HOUR, SETTINGS, History
from tests.simulation.model.wording import minute


def kinds(story: History) -> set[str]:
    return {violation.kind for violation in check(story.trace())}


@pytest.mark.parametrize("life", LIVES.values(), ids=LIVES.keys())
def test_a_lifecycle_without_faults_breaks_no_rule(life: Callable[[], History]) -> None:
    assert check(life().trace()) == []


# Bugs that the pipeline once had, each with a variant that differs only in the bug. The numbers are
# those of without.FIXES.


def withdrawn_before_the_hold(fault: bool) -> History:
    story, scan, end = approved()
    story.withdraw(1010, scan, followed=False)
    seen = end - SETTINGS.remind if fault else 1020
    story.tag(seen, scan, "withdrawn")
    story.notify(seen + 2, scan, "withdrawn")
    story.end(seen + 4, scan)
    return story


def withdrawn_before_the_machine_resumed(fault: bool) -> History:
    """The function crashed before it sent the token; the timeout resumes the state machine."""
    story, scan, _ = approved(answer=None, tagged=False)
    story.withdraw(1010, scan, followed=False)
    if fault:
        story.tag(122 + WINDOW, scan, "approved")
    seen = 122 + WINDOW + 20 if fault else 1020
    story.tag(seen, scan, "withdrawn")
    story.notify(seen + 2, scan, "withdrawn")
    story.end(seen + 4, scan)
    return story


def approved_again_after_ninety_days(fault: bool) -> History:
    story = History()
    scan = story.upload(0, "v1", "failed")
    story.judge(120, scan, "error")
    again = story.start(1000, "v1", attempt=2)
    story.judge(1100, again)
    story.approve(2000, again, days="80", period=80 * DAY)
    story.withdraw(5000, again)
    late = 100 * DAY
    if fault:
        story.click(late, scan, "rescan", f"Scanning k again; the answer comes on a new card, "
                    f"about {again}.")  # fmt: skip
        story.tag(late + 100, again, "approved")
        story.tag(late + 120, again, "withdrawn")
    else:
        story.click(late, scan, "rescan", f"It is scanned again already, as {again}: see the card.")
    return story


def no_card_after_scan_again(fault: bool) -> History:
    story = again_life()
    expected = "the answer comes on a new card, about" if fault else "already, as"
    text = (
        f"Scanning k again; {expected} payments/v1.2."
        if fault
        else "It is scanned again already, as payments/v1.2: see the newer card."
    )
    story.click(1500, "payments/v1", "rescan", text)
    return story


def replaced_before_the_wait(fault: bool) -> History:
    story = History()
    scan = story.upload(0, "v1")
    newer = story.upload(124, "v2", "passed")
    story.judge(120, scan)
    story.judge(300, newer, "passed")
    if fault:
        story.card(ESCALATED + 2, scan, "escalated", until=120 + WINDOW)
        story.decide(122 + WINDOW, scan, "request-expired")
    else:
        story.decide(130, scan, "superseded", "A newer version was uploaded: v2.")
    return story


def deaf_after_an_outage(fault: bool) -> History:
    story, scan, end = approved()
    story.fault(1006, 1066, "s3", "outage")
    story.withdraw(5000, scan, followed=False)
    seen = end if fault else 5002
    story.tag(seen, scan, "withdrawn")
    story.notify(seen + 2, scan, "withdrawn")
    story.end(seen + 4, scan)
    return story


def withdrawn_reported_as_ended(fault: bool) -> History:
    """Each read of the withdrawal fails, and the error is taken for no withdrawal."""
    story, scan, _ = approved()
    story.withdraw(5000, scan, followed=False)
    story.fault(5000, 5060, "s3", "outage")
    story.tag(5065, scan, "withdrawn")
    story.notify(5067, scan, "approval-expired" if fault else "withdrawn")
    story.end(5070, scan)
    return story


def over_but_notified(fault: bool) -> History:
    story, scan, end = approved(period=1, days="1s", tagged=False)
    story.over(end, scan, reminded=False)
    if fault:
        story.notify(end + 8, scan, "approved")
    return story


def escalated_after_the_decision(fault: bool) -> History:
    story, scan = failed()
    story.decide(ESCALATED - 2, scan, "rejected")
    if fault:
        story.card(ESCALATED + 2, scan, "escalated", until=120 + WINDOW)
    return story


def reminded_after_the_withdrawal(fault: bool) -> History:
    story, scan, end = approved()
    story.withdraw(end - SETTINGS.remind - 3, scan)
    if fault:
        story.notify(end - SETTINGS.remind + 2, scan, "expiring")
    return story


def approved_notified_after_the_withdrawal(fault: bool) -> History:
    story, scan, _ = approved(tagged=False)
    story.tag(1003, scan, "approved")
    story.withdraw(1010, scan)
    if fault:
        story.notify(1014, scan, "approved")
    return story


def withdrawn_in_the_last_second(fault: bool) -> History:
    """The tag says expired, the evidence withdrawn: both are accepted."""
    story, scan, end = approved()
    story.over(end, scan)
    story.withdraw(end - 0.5, scan, followed=False)
    wrong = ("payments/v1", "tag scan-status", "says expired, but withdrawn follows")
    story.verify(end + HOUR, *([wrong] if fault else []))
    return story


def superseded_by_an_older_one(fault: bool) -> History:
    story = History()
    first = story.upload(0, "v0", "passed")
    story.judge(100, first, "passed")
    scan = story.upload(200, "v1")
    story.judge(320, scan)
    story.delete(500, "v1")
    if fault:
        story.click(600, scan, "approve", "Too late: a newer version has been uploaded; it is.")
        story.store(601, scan, "decision.json", {
            "decision": "superseded", "reason": "A newer version was uploaded: v0.",
        })  # fmt: skip
    story.end(700, scan, "FAILED")
    story.plain(699, scan, "Pipeline error for payments")
    story.fault(690, 700, "PutObjectTagging", "refused")
    return story


def error_card_of_a_failed_gate(fault: bool) -> History:
    story = History()
    scan = story.upload(0, "v1")
    story.store(100, scan, "report.json", {})
    story.store(120, scan, "gate-result.json", {"status": "failed"})
    story.tag(121, scan, "failed")
    story.card(122, scan, "scan error" if fault else "failed", until=120 + WINDOW)
    story.mail(123, scan, "failure")
    story.decide(1000, scan, "rejected")
    return story


def already_approved_though_withdrawn(fault: bool) -> History:
    story = withdrawn_life()
    expected = ("approved", 1001) if fault else ("withdrawn", 5001)
    story.click(6000, "payments/v1", "approve", f"Already {expected[0]} on "
                                                f"{minute(float(expected[1]))}, "
                "because: known. A scan is decided once; nothing changed.")  # fmt: skip
    return story


def already_approved_though_over(fault: bool) -> History:
    story, scan, end = approved()
    story.over(end, scan)
    text = (
        f"Already approved on {minute(1001.0)}, because: known."
        if fault
        else f"Nothing to withdraw: the approval expired on {minute(end)}."
    )
    story.click(end + 100, scan, "approve" if fault else "withdraw", text)
    return story


FAULTS: dict[str, tuple[Callable[[bool], History], set[str]]] = {
    "1: withdrawn before the hold": (
        withdrawn_before_the_hold,
        {"deployable too long", "notified late"},
    ),
    "2: withdrawn before the machine resumed": (
        withdrawn_before_the_machine_resumed,
        {"deployable too long", "tag late", "notified late"},
    ),
    "3: approved again after 90 days": (
        approved_again_after_ninety_days,
        {"deployable too long", "untrue answer: again"},
    ),
    "3: no card after scan again": (no_card_after_scan_again, {"untrue answer: again"}),
    "4: replaced before the wait": (replaced_before_the_wait, {"replaced request left open"}),
    "5: deaf after an outage": (deaf_after_an_outage, {"deployable too long", "notified late"}),
    "5: withdrawn, notified as expired": (
        withdrawn_reported_as_ended,
        {"untrue: approval-expired", "not notified", "no email"},
    ),
    "6: over, but published": (over_but_notified, {"untrue: approved"}),
    "7: escalated after the decision": (escalated_after_the_decision, {"untrue: escalated"}),
    "7: reminded after the withdrawal": (reminded_after_the_withdrawal, {"untrue: expiring"}),
    "7: approval notified after withdrawal": (approved_notified_after_the_withdrawal,
                                          {"untrue: approved"}),
    "8: withdrawn in the last second": (
        withdrawn_in_the_last_second,
        {"verify finds what is right"},
    ),
    "9: superseded by an older version": (
        superseded_by_an_older_one,
        {"superseded by none", "superseded by an older one"},
    ),
    "10: error card of a failed gate": (error_card_of_a_failed_gate, {"untrue: scan error",
                                                                        "not notified"}),
    "11: already approved though withdrawn": (already_approved_though_withdrawn,
                                              {"untrue answer: already"}),
    "11: already approved though over": (already_approved_though_over,
                                         {"untrue answer: already"}),
}  # fmt: skip


@pytest.mark.parametrize(("story", "expected"), FAULTS.values(), ids=FAULTS.keys())
def test_each_known_bug_is_detected_and_its_fixed_variant_is_not(
    story: Callable[[bool], History], expected: set[str]
) -> None:
    assert kinds(story(True)) == expected
    assert check(story(False).trace()) == []
