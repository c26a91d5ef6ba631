"""What holds of an approval: extensions, withdrawal, and what it rests on."""

from datetime import UTC, datetime, timedelta

import pytest

from domain import timestamps
from domain.approvals import LAST_MINUTE, Documents, Validity, ends, validity

DECIDED = datetime(2026, 11, 24, 10, tzinfo=UTC)
END = DECIDED + timedelta(days=30)
SECOND = timedelta(seconds=1)


def decision(**changes):
    return {
        "decision": "approved",
        "decidedAt": timestamps.iso(DECIDED),
        "expiresAt": timestamps.iso(END),
        **changes,
    }


def extension(at, until):
    return {"extendedAt": timestamps.iso(at), "expiresAt": timestamps.iso(until)}


def withdrawal(at):
    return {"withdrawnAt": timestamps.iso(at)}


RESTING = decision(restsOn={"scan": "payments/1", "decision.json": "d" * 64})


def test_the_last_extension_counts():
    later, last = END + timedelta(days=10), END + timedelta(days=40)
    extensions = [extension(DECIDED, later), extension(later - 2 * LAST_MINUTE, last)]

    assert ends(decision(), extensions) == last


@pytest.mark.parametrize(("early", "counts"), [(LAST_MINUTE, True), (LAST_MINUTE - SECOND, False)])
def test_an_extension_in_the_last_minute_does_not_count(early, counts):
    later = END + timedelta(days=10)

    assert ends(decision(), [extension(END - early, later)]) == (later if counts else END)


def test_what_rests_on_an_extension_that_does_not_count_does_not_count_either():
    late = extension(END - SECOND, END + timedelta(days=10))
    after = extension(END + timedelta(days=1), END + timedelta(days=20))

    assert ends(decision(), [late, after]) == END


def test_no_extension_shortens():
    assert ends(decision(), [extension(DECIDED, END - timedelta(days=1))]) == END


@pytest.mark.parametrize("status", ["rejected", "request-expired", "superseded"])
def test_what_was_not_approved_has_no_end(status):
    own = Documents(decision(decision=status, expiresAt=None))

    assert validity(own, None, DECIDED) == Validity(status, since=DECIDED)


def test_nothing_holds_before_a_decision():
    assert validity(Documents(None), None, DECIDED) == Validity("open")


@pytest.mark.parametrize(
    ("now", "status", "since"),
    [(END - SECOND, "approved", DECIDED), (END, "approval-expired", END)],
)
def test_an_approval_expires_at_its_end(now, status, since):
    assert validity(Documents(decision()), None, now) == Validity(status, END, since)


def test_a_withdrawal_ends_an_extended_approval():
    at, later = DECIDED + timedelta(days=2), END + timedelta(days=9)
    own = Documents(decision(), withdrawal(at), [extension(DECIDED, later)])

    assert validity(own, None, at) == Validity("withdrawn", later, at)


def test_what_rests_on_an_exception_ends_with_it():
    later = END + timedelta(days=9)
    root = Documents(decision(), None, [extension(DECIDED, later)])

    assert validity(Documents(RESTING), root, END).status == "approved"
    assert validity(Documents(RESTING), root, later) == Validity("approval-expired", later, later)


def test_what_rests_on_a_withdrawn_exception_is_withdrawn():
    at = DECIDED + timedelta(days=2)
    root = Documents(decision(), withdrawal(at))

    assert validity(Documents(RESTING), root, at) == Validity("withdrawn", END, at)


def test_what_rests_on_an_exception_can_be_withdrawn_alone():
    at = DECIDED + timedelta(days=2)
    own, root = Documents(RESTING, withdrawal(at)), Documents(decision())

    assert validity(own, root, at) == Validity("withdrawn", END, at)
    assert validity(root, None, at).status == "approved"


def test_extensions_of_what_rests_on_another_do_not_count():
    own = Documents(RESTING, None, [extension(DECIDED, END + timedelta(days=9))])

    assert validity(own, Documents(decision()), END).status == "approval-expired"


@pytest.mark.parametrize(
    "root",
    [None, Documents(None), Documents(decision(decision="rejected")), Documents(RESTING)],
    ids=["unknown", "undecided", "rejected", "rests on another"],
)
def test_what_rests_on_no_approval_by_people_does_not_hold(root):
    assert validity(Documents(RESTING), root, DECIDED).status == "withdrawn"
