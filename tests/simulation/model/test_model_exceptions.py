"""The model's rules about exceptions that others rest on, extensions, quorum and four eyes."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.simulation.model import check
from tests.simulation.model.stories import DAY, SETTINGS, History, iso
from tests.simulation.model.story_changes import cards, documents, kinds, mails, rewrite, without
from tests.simulation.trace import Clicked, Event, Published, Settings, Stored, Tagged

ROOT, SCAN = "payments/v1", "payments/v2"
COVERS = replace(SETTINGS, covers="findings")
REFUSES = replace(COVERS, self_approval="refuse", approver_seconds=30)
TWO = replace(REFUSES, approvals=2, covers="version")


def approved_root(settings: Settings = COVERS) -> tuple[History, float]:
    story = History(settings, is_current=True)
    story.upload(0, "v1", by="bob")
    story.evaluate(120, ROOT, "a", "x")
    return story, story.approve(1000, ROOT)


def covered(*words: str, at: float = 5000) -> tuple[History, float]:
    story, end = approved_root()
    story.upload(at - 300, "v2", by="cyd")
    story.rest(at, SCAN, ROOT, *(words or ("a+", "x>")), since=ROOT)
    return story, end


def covered_life() -> History:
    story, end = covered()
    story.over(end, ROOT)
    story.tag(end + 2, SCAN, "approval-expired")
    story.end(end + 4, SCAN)
    return story


def withdrawn_root_life() -> History:
    story, _ = covered()
    story.withdraw(9000, ROOT)
    story.tag(9004, SCAN, "withdrawn")
    story.end(9006, SCAN)
    return story


def extended_life() -> History:
    story, before = approved_root()
    story.notify(before - SETTINGS.remind + 1, ROOT, "expiring")
    end = story.extend(before - 5 * DAY, ROOT, 60 * DAY)
    story.over(end, ROOT)
    return story


def approved_by_two() -> tuple[History, str]:
    """The first click at 1000 s, the second at 2000 s."""
    story = History(TWO, is_current=True)
    scan = story.upload(0, "v1", by="bob")
    story.evaluate(120, scan, "a")
    for number, (by, at) in enumerate((("ada", 1000.0), ("cyd", 2000.0)), 1):
        story.click(at, scan, "approve", None, by=by)
        story.store(at + 1, scan, f"approvals/{number}.json", {
            "reason": "known", "approvedAt": iso(at + 1), "seconds": 30 * DAY,
        })  # fmt: skip
        story.record(at + 10, scan, number, "approve", by, at)
    return story, scan


def quorum_life() -> History:
    story, scan = approved_by_two()
    story.card(1015, scan, "partly-approved")
    end = story._until[scan] = 2012 + 30 * DAY
    story.store(2012, scan, "decision.json", {
        "decision": "approved", "reason": "known; known", "decidedAt": iso(2012),
        "expiresAt": iso(end),
        "approvals": [{"user": "U0ADA"}, {"user": "U0CYD"}],
    })  # fmt: skip
    story.tag(2014, scan, "approved")
    story.notify(2016, scan, "approved")
    story.over(end, scan)
    return story


def taken_back_life() -> History:
    """Bob approves his own upload, which the log says after 10 s."""
    story = History(REFUSES, is_current=True)
    story.upload(0, "v1", by="bob")
    story.evaluate(120, ROOT, "a")
    story.approve(1000, ROOT, by="bob")
    story.record(1010, ROOT, 1, "approve", "bob", 1000)
    story.store(1012, ROOT, "withdrawal.json", {
        "reason": "Decided by who uploaded it.", "withdrawnAt": iso(1012), "rule": "self-approval",
    })  # fmt: skip
    story.tag(1014, ROOT, "withdrawn")
    story.notify(1016, ROOT, "withdrawn")
    story.end(1018, ROOT)
    return story


def passed_after(failed: bool) -> History:
    """A version passes after another one failed, or passed, too."""
    story = History(COVERS, is_current=True)
    if failed:
        story.upload(0, "v1")
        story.judge(120, ROOT)
        story.decide(1000, ROOT, "rejected")
    else:
        story.upload(0, "v1", "passed")
        story.judge(120, ROOT, "passed")
    story.upload(4000, "v2", "passed")
    story.judge(4100, SCAN, "passed")
    return story


def passes_again_life() -> History:
    story = passed_after(failed=True)
    story.card(4102, SCAN, "passes again", thread=ROOT)
    return story


LIVES: dict[str, Callable[[], History]] = {
    "covered until the end": covered_life,
    "covered, and the exception withdrawn": withdrawn_root_life,
    "extended": extended_life,
    "approved by two": quorum_life,
    "taken back": taken_back_life,
    "passes again": passes_again_life,
}


@pytest.mark.parametrize("life", LIVES.values(), ids=LIVES.keys())
def test_a_lifecycle_without_faults_breaks_no_rule(life: Callable[[], History]) -> None:
    assert check(life().trace()) == []


Change = Callable[[History], None]


def moved(story: History, by: float, *events: Event) -> None:
    """Let these events happen later."""
    for event in events:
        place = story.events.index(event)
        story.events[place] = replace(story.events[place], at=story.events[place].at + by)


def tags(story: History, scan: str, status: str) -> list[Tagged]:
    version = scan.partition("/")[2]
    return [
        event
        for event in story.events
        if isinstance(event, Tagged) and (event.version, event.status) == (version, status)
    ]


def of(scan: str, events: list[Published]) -> list[Published]:
    return [
        event for event in events if event.card["metadata"]["additionalContext"]["Scan"] == scan
    ]


def stored(story: History, key: str) -> list[Stored]:
    return [e for e in story.events if isinstance(e, Stored) and e.key.endswith(key)]


def reopened(story: History) -> None:
    """The version is asked about, although it is covered."""
    story.card(5002, SCAN, "failed", until=5000 + SETTINGS.decide, thread=ROOT)


def replaced(story: History) -> None:
    story.upload(4800, "v3", "passed")


def with_users(*users: str) -> Change:
    return lambda story: rewrite(
        story, "decision.json", approvals=[{"user": user} for user in users]
    )


WRONG: list[tuple[str, Callable[[], History], Change]] = [
    ("deployable too long", withdrawn_root_life, lambda s: moved(s, 100, *tags(
        s, SCAN, "withdrawn"))),
    ("deployable too long", covered_life, lambda s: moved(s, 100, *tags(
        s, SCAN, "approval-expired"))),
    ("tag late", covered_life, lambda s: moved(s, 100, *tags(s, SCAN, "approved"))),
    ("covered without cause", covered_life, lambda s: setattr(s, "settings", SETTINGS)),
    ("covered without cause", lambda: finished(covered("b")), lambda s: None),
    ("covered without cause", lambda: finished(covered("a", "x+")), lambda s: None),
    ("covered without cause", lambda: finished(covered("a", "a")), lambda s: None),
    ("covered without cause", lambda: finished(covered("a>+")), lambda s: None),
    ("covered without cause", lambda: after_withdrawal(100), lambda s: None),
    ("covered without cause", covered_life, replaced),
    ("asked although covered", covered_life, reopened),
    ("not quiet", covered_life, lambda s: s.card(9000, SCAN, "expiring", thread=ROOT)),
    ("another thread", covered_life, lambda s: s.card(5010, SCAN, "approved")),
    ("not notified", covered_life, lambda s: without(s, *of(SCAN, cards(s, "approved")))),
    ("no email", covered_life, lambda s: without(s, mails(s, "Approved")[1])),
    ("not notified", extended_life, lambda s: without(s, *cards(s, "extended"))),
    ("no email", extended_life, lambda s: without(s, *mails(s, "Extended"))),
    ("not notified", extended_life, lambda s: without(s, cards(s, "expiring")[1])),
    ("untrue: expiring", extended_life, lambda s: s.card(
        1001 + 26 * DAY, ROOT, "expiring", until=1001 + 30 * DAY)),
    ("unfounded tag", covered_life, lambda s: s.tag(1001 + 29 * DAY, ROOT, "approval-expired")),
    ("deployable too long", extended_life, lambda s: without(s, *stored(s, "extensions/1.json"))),
    ("extension without a click", extended_life, lambda s: without(s, *(
        e for e in s.events if isinstance(e, Clicked) and "extend" in e.payload))),
    ("extension of nothing", taken_back_life, lambda s: s.store(150, ROOT, "extensions/1.json", {
        "reason": "known", "extendedAt": iso(150), "expiresAt": iso(9000)})),
    ("not approved by two", quorum_life, with_users("U0ADA")),
    ("not approved by two", quorum_life, with_users("U0ADA", "U0ADA")),
    ("not approved by two", quorum_life, with_users("U0ADA", "U0DAN")),
    ("not approved by two", quorum_life, lambda s: rewrite(
        s, "decision.json", expiresAt=iso(2012 + 31 * DAY))),
    ("two approved, and nothing follows", quorum_life, lambda s: moved(
        s, 300, *documents(s, "decision.json"))),
    ("own approval kept", taken_back_life, lambda s: without(
        s, *documents(s, "withdrawal.json"))),
    ("own approval kept", taken_back_life, lambda s: moved(
        s, 100, *documents(s, "withdrawal.json"))),
    ("taken back without cause", taken_back_life, lambda s: without(s, *stored(
        s, "actions/1.json"))),
    ("taken back without cause", taken_back_life, lambda s: setattr(
        s, "settings", replace(REFUSES, self_approval="warn"))),
    ("quorum though off", quorum_life, lambda s: setattr(s, "settings", REFUSES)),
    ("not notified", lambda: passed_after(True), lambda s: None),
    ("untrue: passes again", lambda: passed_after(False), lambda s: s.card(
        4102, SCAN, "passes again", thread=ROOT)),
    ("another thread", lambda: passed_after(True), lambda s: s.card(4102, SCAN, "passes again")),
    ("wrong comparison", covered_life, lambda s: rewrite_last(
        s, f"{SCAN}/gate-result.json", since="payments/v9")),
]  # fmt: skip


def finished(covered_scan: tuple[History, float]) -> History:
    story, end = covered_scan
    story.over(end, ROOT)
    story.tag(end + 2, SCAN, "approval-expired")
    story.end(end + 4, SCAN)
    return story


def after_withdrawal(by: float) -> History:
    """The exception was withdrawn some time before the scan ended."""
    story, _ = covered()
    story.withdraw(5000 - by, ROOT)
    return story


def rewrite_last(story: History, key: str, **fields: object) -> None:
    [event] = stored(story, key)
    place = story.events.index(event)
    story.events[place] = replace(event, document={**event.document, **fields})


@pytest.mark.parametrize(("kind", "life", "change"), WRONG)
def test_each_violation_is_detected(kind: str, life: Callable[[], History], change: Change) -> None:
    story = life()
    change(story)
    assert kind in kinds(story)


@pytest.mark.parametrize("refused", [False, True])
def test_scan_again_promises_a_card_unless_sns_refuses_that_of_a_covered_version(
    refused: bool,
) -> None:
    story, _ = approved_root()
    story.upload(2000, "v2")
    story.evaluate(2100, SCAN, "b", since=ROOT)
    story.decide(3000, SCAN, "rejected")
    answer = f"Scanning k again; the answer comes on a new card, about {SCAN}.2."
    story.click(4000, SCAN, "rescan", answer)
    again = story.start(4001, "v2", attempt=2)
    story.rest(4100, again, ROOT, "a", since=ROOT)
    story.events.remove(cards(story, "approved")[-1])
    if refused:
        story.fault(4090, 4160, "sns", "outage")
    assert ("untrue answer: again" in kinds(story)) is not refused
