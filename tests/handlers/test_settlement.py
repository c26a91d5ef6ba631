"""What the pipeline decides by itself: a quorum, and approvals by who uploaded."""

import pytest

from handlers import callback
from tests.handlers.conftest import UPLOADS

KEY = "payments/api.zip"
ADA = "AWS:AROAEXAMPLE:ada@example.com"
AT, END = "2026-11-24T10:00:00Z", "2036-12-24T10:00:00Z"
APPROVED = {"decision": "approved", "reason": "Known", "decidedAt": AT, "expiresAt": END}


@pytest.fixture
def scan(artifacts):
    """A version that Ada uploaded."""
    version = artifacts.upload(KEY)
    scan = f"payments/{version}"
    artifacts[f"scans/{scan}/scan.json"] = {
        "scan": scan, "app": "payments", "bucket": UPLOADS, "key": KEY, "versionId": version,
    }  # fmt: skip
    artifacts[f"scans/{scan}/uploader.json"] = {"principalId": ADA}
    return scan


@pytest.fixture
def rules(monkeypatch):
    def set_to(approvals=1, self_approval="refuse"):
        monkeypatch.setattr(callback, "APPROVALS", approvals)
        monkeypatch.setattr(callback, "SELF_APPROVAL", self_approval)
        monkeypatch.setattr(callback, "PEOPLE", {"U0ADA": "ada@example.com"})

    set_to()
    return set_to


def action(user, reason="Known", at="2026-11-24T10:00:02Z", verb="approve"):
    return {"user": user, "action": verb, "reason": reason, "clickedAt": at}


def clicked(reason="Known", seconds=3600, at=AT):
    return {"reason": reason, "seconds": seconds, "approvedAt": at}


def put(artifacts, scan, **documents):
    for name, document in documents.items():
        folder, _, number = name.rpartition("_")
        path = f"{folder}/{number}" if folder else name
        artifacts[f"scans/{scan}/{path}.json"] = {**document, "scan": scan}


def check(scan, *, expired=False):
    event = {"scan": scan, "sha256": "d" * 64, "expired": expired}
    return callback.handler(event, None)


def test_an_approval_by_who_uploaded_is_taken_back(artifacts, scan, rules, clock):
    clock("2026-11-24T10:00:05Z")
    put(artifacts, scan, decision=APPROVED, actions_1=action("U0ADA"))

    assert check(scan)["status"] == "withdrawn"
    withdrawal = artifacts[f"scans/{scan}/withdrawal.json"]
    assert withdrawal["rule"] == "self-approval"
    assert withdrawal["reason"] == "U0ADA uploaded this version, and approved or extended it."
    assert withdrawal["withdrawnAt"] == "2026-11-24T10:00:05Z"


@pytest.mark.parametrize("self_approval", ["allow", "warn"])
def test_without_the_setting_an_approval_by_who_uploaded_holds(
    artifacts, scan, rules, self_approval
):
    rules(self_approval=self_approval)
    put(artifacts, scan, decision=APPROVED, actions_1=action("U0ADA"))

    assert check(scan)["status"] == "approved"
    assert f"scans/{scan}/withdrawal.json" not in artifacts


@pytest.mark.parametrize(
    "actions",
    [
        {},
        {"actions_1": action("U0BEN")},
        # Ben was first: his click is nearest to the decision.
        {"actions_1": action("U0ADA", at="2026-11-24T10:00:30Z"), "actions_2": action("U0BEN")},
        {"actions_1": action("U0ADA", verb="reject")},
    ],
    ids=["nobody is known", "somebody else", "somebody else was first", "another action"],
)
def test_an_approval_by_somebody_else_holds(artifacts, scan, rules, actions):
    put(artifacts, scan, decision=APPROVED, **actions)

    assert check(scan)["status"] == "approved"


def test_an_extension_by_who_uploaded_takes_the_approval_back(artifacts, scan, rules):
    extension = {"reason": "Late", "extendedAt": AT, "expiresAt": END}
    put(artifacts, scan, decision=APPROVED, extensions_1=extension, actions_1=action("U0BEN"))
    assert check(scan)["status"] == "approved"

    put(artifacts, scan, actions_2=action("U0ADA", "Late", verb="extend"))

    assert check(scan)["status"] == "withdrawn"


def test_a_version_of_who_approved_the_exception_does_not_rest_on_it(artifacts, scan, rules):
    put(artifacts, "payments/v1", decision={**APPROVED, "scan": "payments/v1"})
    put(artifacts, "payments/v1", actions_1=action("U0ADA"))
    rests_on = {"scan": "payments/v1", "decision.json": "d" * 64}
    put(artifacts, scan, decision={**APPROVED, "scan": scan, "restsOn": rests_on})

    assert check(scan)["status"] == "withdrawn"
    assert "scans/payments/v1/withdrawal.json" not in artifacts


def test_the_end_is_that_of_the_last_extension(artifacts, scan, rules):
    later = "2036-12-30T10:00:00Z"
    put(artifacts, scan, decision=APPROVED)
    put(artifacts, scan, extensions_1={"reason": "Late", "extendedAt": AT, "expiresAt": later})

    assert check(scan) == {"status": "approved", "expiresAt": later, "approvals": 0}


def test_two_people_approve_with_both_reasons_and_the_shorter_period(artifacts, scan, rules, clock):
    rules(approvals=2)
    clock("2026-11-24T10:01:00Z")
    put(artifacts, scan, approvals_1=clicked(), approvals_2=clicked("Agreed", 60))
    assert check(scan) == {"status": "open", "approvals": 0}
    put(artifacts, scan, actions_1=action("U0BEN"))
    assert check(scan) == {"status": "open", "approvals": 1}

    put(artifacts, scan, actions_2=action("U0EVE", "Agreed"))

    assert check(scan)["status"] == "approved"
    decision = artifacts[f"scans/{scan}/decision.json"]
    assert decision["reason"] == "Known / Agreed"
    assert decision["expiresAt"] == "2026-11-24T10:02:00Z"
    assert [approval["user"] for approval in decision["approvals"]] == ["U0BEN", "U0EVE"]


@pytest.mark.parametrize("order", [("U0BEN", "U0EVE"), ("U0EVE", "U0BEN")])
def test_of_all_clicks_the_shortest_period_counts_in_any_order_of_the_log(
    artifacts, scan, rules, clock, order
):
    # With equal reasons it is unknown whose click is which.
    rules(approvals=2)
    clock("2026-11-24T10:02:00Z")
    later = "2026-11-24T10:01:00Z"
    put(artifacts, scan, approvals_1=clicked(seconds=7200), approvals_2=clicked(seconds=9000))
    put(artifacts, scan, approvals_3=clicked(seconds=120, at=later))

    for number, user in enumerate(order):
        put(artifacts, scan, **{f"actions_{number}": action(user)})
        check(scan)

    decision = artifacts[f"scans/{scan}/decision.json"]
    assert decision["expiresAt"] == "2026-11-24T10:04:00Z"


@pytest.mark.parametrize(("self_approval", "status"), [("refuse", "open"), ("warn", "approved")])
def test_who_uploaded_is_none_of_two_where_it_is_refused(
    artifacts, scan, rules, self_approval, status
):
    rules(approvals=2, self_approval=self_approval)
    put(artifacts, scan, approvals_1=clicked(), approvals_2=clicked("Agreed"))
    put(artifacts, scan, actions_1=action("U0ADA"), actions_2=action("U0BEN", "Agreed"))

    assert check(scan)["status"] == status


def test_one_of_two_known_late_to_have_uploaded_takes_the_approval_back(artifacts, scan, rules):
    rules(approvals=2)
    people = [{"user": user, "reason": "Known", "approvedAt": AT} for user in ("U0ADA", "U0BEN")]
    put(artifacts, scan, decision={**APPROVED, "approvals": people})

    assert check(scan)["status"] == "withdrawn"


def test_one_of_two_is_not_enough_when_the_request_expires(artifacts, scan, rules):
    rules(approvals=2)
    put(artifacts, scan, approvals_1=clicked(), actions_1=action("U0BEN"))

    assert check(scan, expired=True)["status"] == "request-expired"


def test_two_people_do_not_approve_a_version_that_was_replaced(artifacts, scan, rules):
    rules(approvals=2)
    put(artifacts, scan, approvals_1=clicked(), approvals_2=clicked("Agreed"))
    put(artifacts, scan, actions_1=action("U0BEN"), actions_2=action("U0EVE", "Agreed"))
    artifacts.upload(KEY)

    assert check(scan)["status"] == "superseded"


def test_an_exception_is_indexed_until_it_is_over(artifacts, scan, rules, clock):
    clock("2026-11-24T10:00:05Z")
    put(artifacts, scan, decision=APPROVED)
    check(scan)
    assert artifacts["apps/payments.json"]["exceptions"] == [scan]

    clock(END)
    check(scan)
    assert artifacts["apps/payments.json"]["exceptions"] == []


def test_an_index_that_cannot_be_written_stops_nothing(artifacts, scan, rules, calls):
    put(artifacts, scan, decision=APPROVED)
    calls.refuse("PutObject", "AccessDenied")

    assert check(scan)["status"] == "approved"


def waits(artifacts, scan, machine, **known):
    machine.waiting.add("token-1")
    artifacts[f"waiting/{scan}.json"] = {
        "scan": scan, "kind": "exception", "token": "token-1", "sha256": "d" * 64, "known": known,
    }  # fmt: skip


def arrives(scan, name):
    return callback.handler({"detail": {"object": {"key": f"scans/{scan}/{name}"}}}, None)


KNOWN = {"status": "approved", "expiresAt": END, "approvals": 0}


def test_who_approved_becomes_known_while_the_state_machine_waits(artifacts, scan, rules, machine):
    put(artifacts, scan, decision=APPROVED)
    waits(artifacts, scan, machine, **KNOWN)
    put(artifacts, scan, actions_1=action("U0BEN"))
    assert arrives(scan, "actions/1.json") is False
    put(artifacts, scan, actions_2=action("U0ADA", at=AT))

    assert arrives(scan, "actions/2.json") is True
    assert artifacts[f"scans/{scan}/withdrawal.json"]["rule"] == "self-approval"
    assert machine.resumed == ["token-1"]


def test_an_extension_resumes_a_wait_whose_click_crashed(artifacts, scan, rules, machine):
    later = "2036-12-30T10:00:00Z"
    put(artifacts, scan, decision=APPROVED)
    waits(artifacts, scan, machine, **KNOWN)
    assert arrives(scan, "decision.json") is False
    put(artifacts, scan, extensions_1={"reason": "Late", "extendedAt": AT, "expiresAt": later})

    assert arrives(scan, "extensions/1.json") is True


def test_the_withdrawal_of_an_exception_resumes_what_rests_on_it(artifacts, scan, rules, machine):
    waits(artifacts, scan, machine, **KNOWN)
    version = scan.partition("/")[2]
    artifacts[f"resting/payments/v1/{version}.json"] = {"version": 1, "scan": scan}

    arrives("payments/v1", "withdrawal.json")

    assert machine.resumed == ["token-1"]
