"""Complete lifecycles without a fault, for the tests of the model to change."""

from tests.simulation.model.stories import SETTINGS, History

WINDOW = SETTINGS.decide
ESCALATED = 120 + 2 + WINDOW - SETTINGS.escalate


def failed(version: str = "v1", at: float = 0.0) -> tuple[History, str]:
    """A story in which people are asked to decide about a version at 122 s."""
    story = History()
    scan = story.upload(at, version)
    story.judge(at + 120, scan)
    return story, scan


def approved(at: float = 1000.0, **kwargs: object) -> tuple[History, str, float]:
    story, scan = failed()
    return story, scan, story.approve(at, scan, **kwargs)  # type: ignore[arg-type]


# Complete lifecycles without a fault.


def passed_life() -> History:
    story = History()
    scan = story.upload(0, "v1", "passed")
    story.judge(120, scan, "passed")
    return story


def rejected_life() -> History:
    story, scan = failed()
    story.decide(1000, scan, "rejected")
    return story


def approved_life() -> History:
    story, scan, end = approved()
    story.over(end, scan)
    return story


def withdrawn_life() -> History:
    story, scan, _ = approved()
    story.withdraw(5000, scan)
    return story


def expired_life() -> History:
    story, scan = failed()
    story.card(ESCALATED + 2, scan, "escalated", until=120 + WINDOW)
    story.decide(122 + WINDOW, scan, "request-expired")
    return story


def superseded_life() -> History:
    story, scan = failed()
    newer = story.upload(2000, "v2", "passed")
    story.decide(2002, scan, "superseded", "A newer version was uploaded: v2.")
    story.judge(2100, newer, "passed")
    return story


def again_life() -> History:
    """Failed to run, scanned again, then failed the gate and rejected."""
    story = History()
    scan = story.upload(0, "v1", "failed")
    story.judge(120, scan, "error")
    story.click(1000, scan, "rescan", f"Scanning k again; the answer comes on a new card, about "
                f"{scan}.2.")  # fmt: skip
    again = story.start(1001, "v1", attempt=2)
    story.judge(1100, again)
    story.decide(2000, again, "rejected")
    return story


LIVES = {
    "passed": passed_life,
    "rejected": rejected_life,
    "approved until its end": approved_life,
    "approved and withdrawn": withdrawn_life,
    "expired": expired_life,
    "superseded": superseded_life,
    "broken and scanned again": again_life,
}
