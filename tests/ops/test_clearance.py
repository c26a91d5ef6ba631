"""The clearance follows from the evidence, with a tolerance for differing clocks."""

from datetime import UTC, datetime, timedelta

import pytest

from domain import timestamps
from ops.clearance import GRACE, SKEW, deployable, expected_clearance
from ops.scan_documents import Scan

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)


def at(since):
    return timestamps.iso(NOW + since)


def scan(status="failed", evaluated=-DAY, decision="", decided=-DAY, until=None, withdrawn=None):
    """Times are given relative to ``NOW``."""
    return Scan(
        id="payments/1",
        gate_result={"status": status, "evaluatedAt": at(evaluated)},
        decision={"decision": decision, "decidedAt": at(decided), "expiresAt": until and at(until)}
        if decision
        else None,
        withdrawal={"withdrawnAt": at(withdrawn)} if withdrawn is not None else None,
    )


@pytest.mark.parametrize(
    ("evidence", "follows"),
    [
        (scan("passed"), "passed"),
        (scan("error"), "error"),
        (scan(), "failed"),
        (scan(decision="rejected"), "rejected"),
        (scan(decision="superseded"), "superseded"),
        (scan(decision="request-expired"), "request-expired"),
        (scan(decision="approved", until=DAY), "approved"),
        (scan(decision="approved", until=-DAY / 2), "approval-expired"),
        (scan(decision="approved", until=DAY, withdrawn=-DAY / 2), "withdrawn"),
        (scan(decision="approved", until=-DAY / 4, withdrawn=-DAY / 2), "withdrawn"),
    ],
)
def test_the_clearance_follows_from_the_latest_document(evidence, follows):
    assert expected_clearance(evidence, NOW) == (follows, {follows})


@pytest.mark.parametrize(
    ("notified", "lags"),
    [
        (scan(evaluated=-MINUTE), {"failed", None}),
        (scan(decision="rejected", decided=-MINUTE), {"rejected", "failed"}),
        (scan(decision="approved", decided=-MINUTE, until=DAY), {"approved", "failed"}),
        (scan(decision="approved", until=-MINUTE), {"approval-expired", "approved"}),
        (scan(decision="approved", until=DAY, withdrawn=-MINUTE), {"withdrawn", "approved"}),
        (
            scan(decision="approved", decided=-2 * MINUTE, until=DAY, withdrawn=-MINUTE),
            {"withdrawn", "approved", "failed"},
        ),
    ],
)
def test_the_tag_may_lag_behind_for_some_minutes(notified, lags):
    assert expected_clearance(notified, NOW)[1] == lags
    assert len(expected_clearance(notified, NOW + GRACE)[1]) == 1


@pytest.mark.parametrize("before_the_end", [-2 * SECOND, 0 * SECOND, SECOND, 59 * SECOND])
def test_a_withdrawal_in_the_last_minute_allows_withdrawn_or_expired(before_the_end):
    evidence = scan(decision="approved", until=-DAY / 2, withdrawn=-DAY / 2 - before_the_end)

    assert expected_clearance(evidence, NOW) == ("withdrawn", {"withdrawn", "approval-expired"})


def test_a_withdrawal_before_the_last_minute_allows_withdrawn_only():
    evidence = scan(decision="approved", until=-DAY / 2, withdrawn=-DAY / 2 - MINUTE)

    assert expected_clearance(evidence, NOW) == ("withdrawn", {"withdrawn"})


@pytest.mark.parametrize(
    ("ahead", "may"),
    [(SKEW, {"failed", "rejected"}), (SKEW + SECOND, {"failed"})],
    ids=["a clock ahead", "a date in the future"],
)
def test_a_document_may_be_dated_some_seconds_ahead(ahead, may):
    assert expected_clearance(scan(decision="rejected", decided=ahead), NOW)[1] == may


def test_an_approval_may_expire_some_seconds_early_by_another_clock():
    assert expected_clearance(scan(decision="approved", until=SKEW), NOW)[1] == {
        "approved",
        "approval-expired",
    }


def test_until_a_later_attempt_is_tagged_the_tag_is_that_of_the_one_before():
    assert expected_clearance(scan("passed", evaluated=-MINUTE), NOW, {"rejected"})[1] == {
        "passed",
        "rejected",
    }
    assert expected_clearance(scan("passed", evaluated=-DAY), NOW, {"rejected"})[1] == {"passed"}


@pytest.mark.parametrize("since", [-DAY, MINUTE, 1000 * DAY])
def test_a_withdrawn_version_is_never_deployed_whatever_its_dates_say(since):
    evidence = scan(decision="approved", until=2000 * DAY, withdrawn=since)

    assert not any(deployable(evidence, tag, NOW) for tag in ("approved", "passed", "withdrawn"))


@pytest.mark.parametrize(
    ("notified", "tag", "may"),
    [
        (scan("passed"), "passed", True),
        (scan(decision="approved", until=DAY), "approved", True),
        (scan(decision="approved", until=DAY), "passed", False),
        (scan(decision="approved", until=DAY, decided=SECOND), "approved", True),
        (scan(decision="approved", until=SECOND), "approved", False),
        (scan(decision="approved", until=-MINUTE), "approved", False),
        (scan("passed"), "failed", False),
        (scan("passed"), None, False),
        (scan(decision="rejected", decided=-SECOND), "failed", False),
        (scan("error"), "error", False),
        (Scan(id="payments/1"), "passed", False),
        (Scan(id="payments/1"), None, False),
    ],
)
def test_only_what_tag_and_evidence_clear_may_be_deployed(notified, tag, may):
    assert deployable(notified, tag, NOW) is may


def test_the_oldest_and_the_newest_of_dates_are_compared_too():
    for end in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"):
        for back in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"):
            evidence = Scan(
                id="payments/1",
                gate_result={"status": "failed", "evaluatedAt": "0001-01-01T00:00:00Z"},
                decision={"decision": "approved", "decidedAt": back, "expiresAt": end},
                withdrawal={"withdrawnAt": back},
            )
            assert expected_clearance(evidence, NOW)[1]
