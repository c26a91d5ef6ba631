"""One decision per scan, no matter who clicks what, when and how often."""

import hashlib
import json
import logging
from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain import timestamps
from handlers import approval

SCAN = "payments/3LgVabcQk4Xb9ZfZ"
DECISION = f"scans/{SCAN}/decision.json"
WITHDRAWAL = f"scans/{SCAN}/withdrawal.json"
APPROVE = {"scan": SCAN, "approve": "Hotfix for the outage"}
REJECT = {"scan": SCAN, "reject": "The password must go first"}
WITHDRAW = {"scan": SCAN, "withdraw": "The fix is out"}
OPENED = {
    "scan": SCAN,
    "app": "payments",
    "bucket": "chatops-slack-dev-uploads-9f8e7d6",
    "key": "payments/api.zip",
    "versionId": "3LgVabcQk4Xb9ZfZ",
    "execution": "arn:execution",
}


def waits(token: str, what: str = "decision") -> dict[str, str]:
    return {"token": token, "scan": SCAN, "kind": what, "sha256": "d" * 64}


# The purpose of each call of a click.
GAPS = [
    "is it asked",
    "read scan",
    "list versions",
    "write decision",
    "read token",
    "resume_execution",
]


class Crash(BaseException):
    """The function's process crashes: no ``except Exception`` catches it."""


def click(event: Any) -> str:
    answer = approval.handler(event, None)
    assert json.loads(json.dumps(answer)) == answer
    assert "\n" not in answer
    assert answer.endswith(".")
    return answer


def dies() -> None:
    raise Crash


def no_answer() -> None:
    raise EndpointConnectionError(endpoint_url="https://example.com")


@pytest.fixture
def waiting(artifacts, machine):
    """A scan that failed its gate and awaits its decision."""
    artifacts[f"scans/{SCAN}/scan.json"] = OPENED
    artifacts[f"waiting/{SCAN}.json"] = waits("token-1")
    machine.waiting.add("token-1")
    return artifacts


def test_approving_records_the_expiry_and_resumes_the_workflow(waiting, machine):
    answer = click(APPROVE)

    decision = waiting[DECISION]
    assert {key: decision[key] for key in ("version", "scan", "decision", "reason")} == {
        "version": 1,
        "scan": SCAN,
        "decision": "approved",
        "reason": "Hotfix for the outage",
    }
    decided, until = (datetime.fromisoformat(decision[key]) for key in ("decidedAt", "expiresAt"))
    assert until - decided == timedelta(days=30)
    assert decision["expiresAt"].endswith("Z")
    assert machine.resumed == ["token-1"]
    until = timestamps.minute(decision["expiresAt"])
    assert answer == f"Approved: {SCAN} may be deployed until {until}."


def test_rejecting_records_no_expiry_and_resumes_the_workflow(waiting, machine):
    assert click(REJECT) == f"Rejected: {SCAN} stays blocked."
    assert (waiting[DECISION]["decision"], waiting[DECISION]["expiresAt"]) == ("rejected", None)
    assert machine.resumed == ["token-1"]


@pytest.mark.parametrize(
    ("first", "second"), [(APPROVE, APPROVE), (APPROVE, REJECT), (REJECT, APPROVE)]
)
def test_a_second_click_returns_the_existing_decision(waiting, machine, first, second):
    click(first)
    before = waiting[DECISION]

    answer = click({**second, **{k: "another reason" for k in second if k != "scan"}})

    assert answer.startswith(f"Already {before['decision']} on ")
    assert before["reason"] in answer
    assert "nothing changed" in answer
    assert waiting[DECISION] == before
    assert machine.resumed == ["token-1"]


@pytest.mark.parametrize("point", ["GetObject", "PutObject", "SendTaskSuccess"])
@pytest.mark.parametrize(("mine", "theirs"), [(APPROVE, REJECT), (REJECT, APPROVE)])
def test_the_first_writer_of_two_simultaneous_opposite_clicks_decides(
    waiting, machine, calls, point, mine, theirs
):
    """The other click runs completely just before one of this click's calls, each in turn."""
    answers = []
    usual = calls.before.get(point, lambda params: None)

    def overtake(params):
        calls.before[point] = usual
        answers.append(click(theirs))
        return usual(params)

    calls.before[point] = overtake
    answers.append(click(mine))

    gate_result = waiting[DECISION]["decision"]
    assert gate_result == (
        "approved" if (theirs if point != "SendTaskSuccess" else mine) is APPROVE else "rejected"
    )
    first, second = answers if point != "SendTaskSuccess" else reversed(answers)
    assert gate_result in first.lower()
    assert second.startswith(f"Already {gate_result}")
    assert machine.resumed == ["token-1"]


@pytest.mark.parametrize("failure", [dies, no_answer])
@pytest.mark.parametrize("gap", range(6), ids=GAPS)
def test_a_click_that_fails_before_any_call_is_repaired_by_the_next(
    waiting, machine, calls, gap, failure
):
    def fail_at_gap(operation):
        if len(calls.made) == gap + 1:
            failure()

    calls.every = fail_at_gap
    if failure is dies:
        with pytest.raises(Crash):
            click(APPROVE)
    else:
        assert click(APPROVE) == ("AWS error. Nothing was changed; try again in a few seconds.")
    assert len(calls.made) == gap + 1
    assert (DECISION in waiting) == (gap > GAPS.index("write decision"))
    assert machine.resumed == []
    calls.every = lambda operation: None

    click(REJECT)

    written = gap > GAPS.index("write decision")
    assert waiting[DECISION]["decision"] == ("approved" if written else "rejected")
    assert machine.resumed == ["token-1"]


def test_a_click_that_crashes_after_its_last_call_is_not_repeated_by_the_next(
    waiting, machine, calls
):
    def resume_then_crash(params):
        machine.send_task_success(params)
        raise Crash

    calls.before["SendTaskSuccess"] = resume_then_crash
    with pytest.raises(Crash):
        click(APPROVE)
    calls.before["SendTaskSuccess"] = machine.send_task_success

    assert click(APPROVE).startswith("Already approved on ")
    assert machine.resumed == ["token-1"]


def test_a_write_whose_response_was_lost_counts_and_resumes_the_workflow(waiting, machine, calls):
    """botocore retries the write, and S3 answers that the object exists."""
    calls.before["PutObject"] = lambda params: (
        waiting.s3.put_object(Bucket="artifacts", Key=DECISION, Body=params["body"]) and None
    )

    assert click(REJECT).startswith("Already rejected on ")
    assert waiting[DECISION]["decision"] == "rejected"
    assert machine.resumed == ["token-1"]


@pytest.mark.parametrize("code", ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"])
def test_a_decision_without_a_waiting_execution_is_valid(waiting, calls, code):
    calls.refuse("SendTaskSuccess", code)

    assert click(APPROVE).startswith("Recorded as approved: ")
    assert waiting[DECISION]["decision"] == "approved"


OVER = (
    " But its execution is over, and nothing follows: the version keeps its clearance. The runbook "
    "says what to do, under: executions that ended early."
)


@pytest.mark.parametrize("ended", ["FAILED", "ABORTED", "TIMED_OUT", None])
def test_a_decision_that_no_execution_carries_out_is_not_reported_as_valid(
    waiting, machine, calls, ended
):
    machine.waiting.clear()
    if ended:
        calls.accept("DescribeExecution", status=ended)
    else:
        calls.refuse("DescribeExecution", "ExecutionDoesNotExist")

    assert click(APPROVE) == f"Recorded as approved: {SCAN}.{OVER}"


@pytest.mark.parametrize("ended", ["FAILED", "ABORTED", "TIMED_OUT"])
def test_the_second_click_also_reports_that_no_execution_follows(waiting, machine, calls, ended):
    click(APPROVE)
    calls.accept("DescribeExecution", status=ended)

    answer = click(REJECT)

    assert answer.startswith("Already approved on ")
    assert answer.endswith(OVER)


def test_a_click_on_a_decision_carried_out_long_ago_does_not_mention_the_execution(
    waiting, machine, calls
):
    click(REJECT)
    calls.refuse("DescribeExecution", "ExecutionDoesNotExist")

    assert click(REJECT).endswith("nothing changed.")


def test_a_click_after_the_deadline_is_too_late(waiting, machine):
    waiting[DECISION] = {
        "version": 1,
        "scan": SCAN,
        "decision": "request-expired",
        "reason": "Nobody decided in time.",
        "decidedAt": "2026-11-27T10:00:00Z",
        "expiresAt": None,
    }
    machine.waiting.clear()

    assert click(APPROVE) == (
        "Too late: nobody had decided by 27 Nov 2026, 10:00 UTC; "
        "upload again to have it scanned again."
    )
    assert waiting[DECISION]["decision"] == "request-expired"


def test_a_scan_without_an_open_request_cannot_be_decided(artifacts, machine):
    artifacts[f"scans/{SCAN}/scan.json"] = OPENED

    assert click(APPROVE).startswith(f"{SCAN} is not waiting for a decision; if its card has just")
    assert DECISION not in artifacts


def test_a_decided_scan_without_its_token_returns_the_decision(waiting):
    click(REJECT)
    waiting.s3.delete_object(Bucket="work", Key=f"waiting/{SCAN}.json")

    assert click(APPROVE).startswith("Already rejected on ")


def test_a_scan_id_that_is_invalid_as_a_key_is_unknown(calls):
    calls.refuse("GetObject", "KeyTooLongError")

    assert click(APPROVE) == f"There is no scan {SCAN} here."


@pytest.mark.parametrize("scan", ["payments/unknown", "a/.."])
def test_an_unknown_scan_is_reported_as_unknown(artifacts, machine, scan):
    assert click({**APPROVE, "scan": scan}) == f"There is no scan {scan} here."


@pytest.mark.parametrize(
    "event",
    [
        None,
        [],
        "approve",
        {},
        {"scan": SCAN},
        {"scan": SCAN, "approve": "good reason", "reject": "good reason"},
        {"approve": "good reason"},
        {"scan": None, "approve": "good reason"},
        {"scan": "", "approve": "good reason"},
        {"scan": "payments", "approve": "good reason"},
        {"scan": "../waiting/x", "approve": "good reason"},
        {"scan": SCAN + "\n", "approve": "good reason"},
        {"scan": "<!channel>/x", "approve": "good reason"},
        {"scan": SCAN, "decision": "approved"},
    ],
)
def test_an_invalid_payload_is_refused_before_any_call(calls, event):
    assert click(event) == "This is not a decision about a scan; use the buttons on its card."
    assert calls.made == []


@pytest.mark.parametrize(
    "reason", [None, 7, "", "  ", "ok", " ok ", "x" * 301, "$Reason", "...", "\u200b" * 9]
)
def test_a_click_without_a_reason_decides_nothing(calls, reason):
    assert click({"scan": SCAN, "approve": reason}).startswith("Nothing was decided: give a reason")
    assert calls.made == []


def test_a_reason_is_stored_as_one_line_and_shown_without_markup(waiting):
    click({"scan": SCAN, "reject": "see <!channel>\n@here & now"})

    assert waiting[DECISION]["reason"] == "see <!channel> @here & now"
    answer = click(APPROVE)
    assert "&lt;!channel&gt; @\u200bhere &amp; now" in answer


def test_a_conflicting_write_is_retried_until_s3_decides(waiting, machine, calls):
    calls.refuse("PutObject", "ConditionalRequestConflict", times=2)

    assert click(APPROVE).startswith("Approved: ")
    assert machine.resumed == ["token-1"]


@pytest.mark.parametrize("operation", ["GetObject", "PutObject", "SendTaskSuccess"])
@pytest.mark.parametrize(
    "code", ["ThrottlingException", "AccessDenied", "ConditionalRequestConflict"]
)
def test_an_aws_error_asks_for_another_click_and_is_logged(
    waiting, machine, calls, caplog, operation, code
):
    calls.refuse(operation, code)

    assert click(APPROVE).startswith("AWS error. Nothing was changed; try again")
    assert caplog.records[-1].levelno == logging.ERROR


def test_the_log_names_the_first_click_and_no_token(waiting, caplog):
    caplog.set_level(logging.INFO)
    click(APPROVE)
    click(REJECT)

    handled = [record for record in caplog.records if record.message == "action handled"]
    assert [(r.action, r.stored, r.first, r.resumed) for r in handled] == [
        ("approved", "approved", True, True),
        ("rejected", "approved", False, True),
    ]
    assert "token-1" not in str([vars(record) for record in caplog.records])


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
action_like = st.fixed_dictionaries(
    {},
    optional={
        "scan": json_like | st.just(SCAN),
        "approve": json_like,
        "reject": json_like,
    },
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(event=json_like | action_like)
def test_every_payload_gets_a_response(artifacts, machine, event):
    click(event)


@pytest.mark.parametrize(
    ("days", "period"),
    [
        ("", {"days": 30}),
        ("$Days", {"days": 30}),
        ("14", {"days": 14}),
        (14, {"days": 14}),
        (" 90 days ", {"days": 90}),
        ("1d", {"days": 1}),
        ("12h", {"hours": 12}),
        ("45M", {"minutes": 45}),
    ],
)
def test_a_click_may_set_the_validity_of_an_approval(waiting, days, period):
    click({"scan": SCAN, "approve": ["Hotfix for the outage", days]})

    decision = waiting[DECISION]
    decided, until = (datetime.fromisoformat(decision[key]) for key in ("decidedAt", "expiresAt"))
    assert until - decided == timedelta(**period)
    assert decision["reason"] == "Hotfix for the outage"


@pytest.mark.parametrize(
    "days",
    ["91", "0", "1s", "59 s", "-1", "1.5", "forever", "2161h", "9" * 30, None, [], True, {"d": 1}],
)
def test_an_invalid_or_too_long_validity_decides_nothing(calls, days):
    expected = click({"scan": SCAN, "approve": ["Hotfix for the outage", days]})

    assert expected == (
        "Nothing was decided: Days is how long it holds, such as 14 or 12h, at most 90 days; "
        "correct it, or leave it empty for 30 days, then try again."
    )
    assert calls.made == []


@pytest.mark.parametrize(
    ("action", "start"),
    [
        ({"extend": ["Not yet ready", "0"]}, "Nothing was extended: Days is how long"),
        ({"extend": ["", "14"]}, "Nothing was extended: give a reason"),
        ({"withdraw": ""}, "Nothing was withdrawn: give a reason"),
    ],
)
def test_a_refusal_says_what_was_not_done(calls, action, start):
    assert click({"scan": SCAN, **action}).startswith(start)
    assert calls.made == []


@pytest.mark.parametrize(
    ("longest", "default", "most", "otherwise"),
    [(36, 0.5, "1 d 12 h", "30 min"), (24, 48, "1 day", "2 days")],
)
def test_a_refusal_names_the_periods_in_full(monkeypatch, longest, default, most, otherwise):
    monkeypatch.setattr(approval, "MAX_PERIOD", timedelta(hours=longest))
    monkeypatch.setattr(approval, "DEFAULT_PERIOD", timedelta(hours=default))

    response = click({"scan": SCAN, "approve": ["Hotfix for the outage", "99"]})

    assert f"at most {most}; correct it, or leave it empty for {otherwise}," in response


def test_a_decision_names_the_sha256_of_its_gate_result(waiting):
    click(APPROVE)

    assert waiting[DECISION]["evidence"] == {"gate-result.json": "d" * 64}


@pytest.mark.parametrize("event", [APPROVE, REJECT])
def test_a_click_after_a_newer_upload_supersedes_the_request(waiting, machine, event):
    own = waiting.upload(OPENED["key"])
    waiting[f"scans/{SCAN}/scan.json"] = {**OPENED, "versionId": own}
    newest = waiting.upload(OPENED["key"])

    expected = "Too late: a newer version has been uploaded; it is decided on its own card."
    assert click(event) == expected
    decision = waiting[DECISION]
    assert (decision["decision"], decision["expiresAt"]) == ("superseded", None)
    assert decision["reason"] == f"A newer version was uploaded: {newest}."
    assert machine.resumed == ["token-1"]
    assert click(event) == expected
    assert waiting[DECISION] == decision


def test_an_upload_of_another_key_or_a_deletion_supersedes_no_request(waiting):
    waiting.upload("payments/api.zip.zip")
    waiting.s3.delete_object(Bucket=OPENED["bucket"], Key="payments/api.zip")

    assert click(APPROVE).startswith("Approved: ")


def test_a_click_without_a_waiting_execution_says_when_it_takes_effect(waiting, machine):
    """The first wait has timed out; the second begins by reading the stored decision."""
    machine.waiting.clear()

    assert click(APPROVE) == (
        f"Recorded as approved: {SCAN}. The workflow has not resumed yet: a card follows. If "
        "none appears within a minute, open the execution."
    )
    assert waiting[DECISION]["decision"] == "approved"


@pytest.fixture
def approved(waiting, machine):
    """An approval that the state machine waits with."""
    click(APPROVE)
    waiting[f"waiting/{SCAN}.json"] = waits("token-2", "exception")
    machine.waiting.add("token-2")
    machine.resumed.clear()
    return waiting


def test_withdrawing_is_recorded_and_resumes_the_workflow(approved, machine):
    body = approved.s3.get_object(Bucket="artifacts", Key=DECISION)["Body"].read()

    assert click(WITHDRAW) == f"Withdrawn: {SCAN} may not be deployed any more."

    withdrawal = approved[WITHDRAWAL]
    assert withdrawal.pop("withdrawnAt").endswith("Z")
    assert withdrawal == {
        "version": 1,
        "scan": SCAN,
        "reason": "The fix is out",
        "evidence": {"decision.json": hashlib.sha256(body).hexdigest()},
    }
    assert machine.resumed == ["token-2"]


def test_withdrawing_twice_changes_nothing(approved, machine):
    click(WITHDRAW)
    before = approved[WITHDRAWAL]

    answer = click({"scan": SCAN, "withdraw": "another reason"})

    assert answer.startswith("Already withdrawn on ")
    assert answer.endswith("because: The fix is out. Nothing changed.")
    assert approved[WITHDRAWAL] == before
    assert machine.resumed == ["token-2"]


WITHDRAWAL_GAPS = [
    "read decision",
    "is it waited",
    "list documents",
    "write withdrawal",
    "read token",
    "resume_execution",
    "list what rests on it",
]


@pytest.mark.parametrize("gap", range(7), ids=WITHDRAWAL_GAPS)
def test_a_withdrawal_that_crashes_before_any_call_is_repaired_by_the_next(
    approved, machine, calls, gap
):
    calls.made.clear()

    def crash_at_gap(operation):
        if len(calls.made) == gap + 1:
            dies()

    calls.every = crash_at_gap
    with pytest.raises(Crash):
        click(WITHDRAW)
    assert (WITHDRAWAL in approved) == (gap > WITHDRAWAL_GAPS.index("write withdrawal"))
    calls.every = lambda operation: None

    click(WITHDRAW)

    assert approved[WITHDRAWAL]["reason"] == "The fix is out"
    assert machine.resumed == ["token-2"]


def test_a_rejected_version_cannot_be_withdrawn(waiting, machine):
    click(REJECT)

    assert click(WITHDRAW).startswith(f"Nothing to withdraw: {SCAN} was rejected on ")
    assert WITHDRAWAL not in waiting


def test_an_undecided_version_cannot_be_withdrawn(waiting):
    assert click(WITHDRAW) == f"Nothing to withdraw: nothing was decided about {SCAN} here."


def test_an_expired_approval_cannot_be_withdrawn(approved):
    approved[DECISION] = {**approved[DECISION], "expiresAt": "2026-01-01T00:00:00Z"}

    assert click(WITHDRAW) == (
        "Nothing to withdraw: the approval expired on 1 Jan 2026, 00:00 UTC."
    )
    assert WITHDRAWAL not in approved


def test_an_approved_version_is_not_decided_again(approved, machine):
    assert click(REJECT).startswith("Already approved on ")
    assert machine.resumed == []


def test_a_withdrawal_resumes_an_execution_that_does_not_know_the_approval_yet(waiting, machine):
    """The approving function crashed between the decision and the token."""
    waiting[DECISION] = {
        "decision": "approved",
        "decidedAt": "2026-11-24T10:00:00Z",
        "expiresAt": "2036-12-24T10:00:00Z",
    }

    assert click(WITHDRAW) == f"Withdrawn: {SCAN} may not be deployed any more."
    assert machine.resumed == ["token-1"]


def test_a_click_on_an_old_card_reports_the_withdrawal(approved):
    click(WITHDRAW)

    for event in (APPROVE, REJECT):
        answer = click(event)
        assert answer.startswith("Too late: it was approved on ")
        assert "and withdrawn on " in answer
        assert answer.endswith("because: The fix is out.")


def test_a_click_on_an_old_card_reports_the_expiry(approved):
    approved[DECISION] = {**approved[DECISION], "expiresAt": "2026-01-01T00:00:00Z"}

    for event in (APPROVE, REJECT):
        answer = click(event)
        assert answer.startswith("Too late: it was approved on ")
        assert "the approval expired on 1 Jan 2026, 00:00 UTC" in answer


def test_a_withdrawn_approval_is_not_reported_as_expired(approved):
    click(WITHDRAW)
    approved[DECISION] = {**approved[DECISION], "expiresAt": "2026-01-01T00:00:00Z"}

    assert click(WITHDRAW).startswith("Already withdrawn on ")


EXTEND = {"scan": SCAN, "extend": ["Vendor fix is late", "60"]}
FIRST, SECOND = (f"scans/{SCAN}/extensions/{number}.json" for number in (1, 2))
DECIDED = "2026-11-24T10:00:00Z"


@pytest.fixture
def extendable(approved, clock):
    """An approval from 24 November to 24 December that the state machine waits with."""
    approved[f"scans/{SCAN}/scan.json"] = {**OPENED, "uploadedAt": "2026-11-24T09:00:00Z"}
    approved[DECISION] = {
        **approved[DECISION], "decidedAt": DECIDED, "expiresAt": "2026-12-24T10:00:00Z"
    }  # fmt: skip
    clock("2026-12-20T10:00:00Z")
    return approved


def test_an_approval_is_extended_from_now_on(extendable, machine):
    body = extendable.s3.get_object(Bucket="artifacts", Key=DECISION)["Body"].read()

    assert click(EXTEND) == f"Extended: {SCAN} may be deployed until 18 Feb 2027, 10:00 UTC."
    assert extendable[FIRST] == {
        "version": 1,
        "scan": SCAN,
        "reason": "Vendor fix is late",
        "extendedAt": "2026-12-20T10:00:00Z",
        "expiresAt": "2027-02-18T10:00:00Z",
        "evidence": {"decision.json": hashlib.sha256(body).hexdigest()},
    }
    assert machine.resumed == ["token-2"]


def test_without_days_an_extension_has_the_usual_period(extendable):
    assert click({"scan": SCAN, "extend": ["Late", "$Days"]}).endswith("19 Jan 2027, 10:00 UTC.")


def test_an_approval_is_extended_again(extendable, clock):
    click(EXTEND)
    clock("2027-02-18T09:59:00Z")

    assert click(EXTEND).startswith("Extended: ")
    assert extendable[SECOND]["expiresAt"] == "2027-04-19T09:59:00Z"
    assert extendable[FIRST]["expiresAt"] == "2027-02-18T10:00:00Z"


def test_an_extension_by_less_than_a_second_is_none(extendable, clock):
    clock("2026-12-20T10:00:00.100Z")
    click(EXTEND)
    clock("2026-12-20T10:00:00.900Z")

    assert click(EXTEND).startswith(f"Nothing was extended: {SCAN} may be deployed until 18 Feb")
    assert SECOND not in extendable


def test_what_two_people_approved_one_does_not_extend(extendable):
    extendable[DECISION] = {**extendable[DECISION], "approvals": [{"user": "U1"}, {"user": "U2"}]}

    assert click(EXTEND).startswith("Nothing was extended: more than one person must approve")


def test_the_slower_of_two_who_extend_at_once_gets_the_stored_one(extendable, calls, machine):
    def overtake(params):
        calls.before.pop("PutObject")
        click({"scan": SCAN, "extend": ["Faster", "40"]})

    calls.before["PutObject"] = overtake

    answer = click(EXTEND)

    assert answer.startswith("Somebody else was faster: it was extended until 29 Jan 2027")
    assert "because: Faster. Nothing changed." in answer
    assert extendable[FIRST]["reason"] == "Faster"
    assert SECOND not in extendable
    assert machine.resumed == ["token-2"]


@pytest.mark.parametrize(
    ("now", "why"),
    [
        ("2026-12-24T09:59:01Z", "the approval expires within a minute"),
        ("2026-12-24T10:00:00Z", "the approval expired on 24 Dec 2026, 10:00 UTC"),
    ],
)
def test_an_approval_is_not_extended_at_its_end(extendable, clock, now, why):
    clock(now)

    assert click(EXTEND) == f"Nothing was extended: {why}."
    assert FIRST not in extendable


def test_an_extension_never_shortens(extendable):
    assert click({"scan": SCAN, "extend": ["Shorter", "4"]}) == (
        f"Nothing was extended: {SCAN} may be deployed until 24 Dec 2026, 10:00 UTC already. "
        "Give more days, or use Withdraw to end it earlier."
    )
    assert FIRST not in extendable


def test_an_extension_is_at_most_as_long_as_an_approval(extendable):
    assert "at most 90 days" in click({"scan": SCAN, "extend": ["Longer", "91"]})
    assert FIRST not in extendable


def test_an_approval_ends_before_its_execution(extendable, clock):
    extendable[DECISION] = {**extendable[DECISION], "expiresAt": "2027-10-30T10:00:00Z"}
    clock("2027-10-01T10:00:00Z")

    answer = click({"scan": SCAN, "extend": ["Longer", "60"]})

    assert "360 days after the upload at the latest, here on 19 Nov 2027, 09:00 UTC" in answer
    assert click({"scan": SCAN, "extend": ["Longer", "48"]}).startswith("Extended: ")


def test_an_approval_ends_before_a_replaced_version_is_deleted(extendable, monkeypatch):
    replaced = datetime.fromisoformat("2026-11-30T10:00:00Z")
    monkeypatch.setattr(approval.versions, "replaced_at", lambda s3, scan: replaced)

    answer = click({"scan": SCAN, "extend": ["Longer", "80"]})

    assert "which is deleted on 4 Mar 2027, 10:00 UTC" in answer
    assert click(EXTEND).startswith("Extended: ")


def test_what_is_over_or_was_not_approved_is_not_extended(extendable, waiting):
    click(WITHDRAW)
    assert click(EXTEND).startswith("Nothing was extended: the approval was withdrawn on ")
    extendable[DECISION] = {**extendable[DECISION], "decision": "rejected", "expiresAt": None}
    assert click(EXTEND).startswith(f"Nothing was extended: {SCAN} was rejected on ")


def test_what_was_not_decided_is_not_extended(waiting):
    assert click(EXTEND) == f"Nothing to extend: nothing was decided about {SCAN} here."


def test_where_two_must_approve_one_does_not_extend(extendable, monkeypatch):
    monkeypatch.setattr(approval, "APPROVALS", 2)

    assert "more than one person must approve" in click(EXTEND)
    assert FIRST not in extendable


ROOT = "payments/v1"


@pytest.fixture
def resting(extendable):
    """An approval under the exception of an earlier version."""
    approved = {**extendable[DECISION], "scan": ROOT}
    extendable[f"scans/{ROOT}/decision.json"] = approved
    rests_on = {"scan": ROOT, "decision.json": "d" * 64}
    extendable[DECISION] = {**extendable[DECISION], "restsOn": rests_on}
    return extendable


def test_what_rests_on_an_exception_is_extended_with_it(resting):
    assert click(EXTEND) == (
        f"Nothing was extended: it is approved under the exception of {ROOT}; extend that one."
    )
    assert FIRST not in resting


def test_what_rests_on_an_exception_is_withdrawn_alone(resting):
    assert click(WITHDRAW).startswith("Withdrawn: ")
    assert f"scans/{ROOT}/withdrawal.json" not in resting


def test_what_rests_on_a_withdrawn_exception_is_over(resting):
    withdrawal = {"reason": "in use", "withdrawnAt": "2026-12-01T10:00:00Z"}
    resting[f"scans/{ROOT}/withdrawal.json"] = withdrawal
    over = "the exception that it rests on was withdrawn on 1 Dec 2026, 10:00 UTC"

    assert click(EXTEND) == f"Nothing was extended: {over}."
    assert click(WITHDRAW) == f"Nothing to withdraw: {over}."
    assert over in click(REJECT)
    assert WITHDRAWAL not in resting


def test_withdrawing_resumes_what_rests_on_the_exception(approved, machine):
    for number, token in enumerate(("over", "token-8", "token-9")):
        scan = f"payments/v{number}"
        approved[f"resting/{SCAN}/v{number}.json"] = {"version": 1, "scan": scan}
        approved[f"waiting/{scan}.json"] = {**waits(token, "exception"), "scan": scan}
    machine.waiting |= {"token-8", "token-9"}

    click(WITHDRAW)

    assert machine.resumed == ["token-2", "token-8", "token-9"]


CLICK_1, CLICK_2 = (f"scans/{SCAN}/approvals/{number}.json" for number in (1, 2))


@pytest.fixture
def two(waiting, machine, monkeypatch, clock):
    """A request that two people must approve."""
    monkeypatch.setattr(approval, "APPROVALS", 2)
    clock("2026-11-24T10:00:00Z")
    waiting[f"waiting/{SCAN}.json"] = {
        **waits("token-1"), "expiresAt": "2026-11-27T10:00:00Z"
    }  # fmt: skip
    return waiting


def test_a_click_does_not_approve_alone(two, machine):
    assert click(APPROVE) == (
        f"Recorded. 2 different people must approve {SCAN} before 27 Nov 2026, 10:00 UTC. "
        "Who clicked is known in a minute."
    )
    assert two[CLICK_1] == {
        "version": 1,
        "scan": SCAN,
        "reason": "Hotfix for the outage",
        "seconds": 30 * 86400,
        "approvedAt": "2026-11-24T10:00:00Z",
        "evidence": {"gate-result.json": "d" * 64},
    }
    assert DECISION not in two
    assert machine.resumed == []


def test_the_second_click_names_who_approved_so_far(two):
    click(APPROVE)
    two[f"scans/{SCAN}/actions/1.json"] = {
        "user": "U0ADA", "userName": "Ada", "action": "approve",
        "reason": "Hotfix for the outage", "clickedAt": "2026-11-24T10:00:02Z",
    }  # fmt: skip

    assert "; Ada (U0ADA) did so far." in click({"scan": SCAN, "approve": ["Agreed", "7"]})
    assert two[CLICK_2]["seconds"] == 7 * 86400


def test_two_clicks_at_once_both_count(two, calls):
    def overtake(params):
        calls.before.pop("PutObject")
        click({"scan": SCAN, "approve": "Faster"})

    calls.before["PutObject"] = overtake
    click(APPROVE)

    assert two[CLICK_1]["reason"] == "Faster"
    assert two[CLICK_2]["reason"] == "Hotfix for the outage"


def test_a_reject_of_one_ends_it(two, machine):
    click(APPROVE)

    assert click(REJECT) == f"Rejected: {SCAN} stays blocked."
    assert click(APPROVE).startswith("Already rejected on ")
    assert CLICK_2 not in two
    assert machine.resumed == ["token-1"]


def test_clicks_do_not_pile_up(two):
    for number in range(20):
        two[f"scans/{SCAN}/approvals/{number + 1}.json"] = {
            "reason": "Again", "approvedAt": "2026-11-24T10:00:00Z"
        }  # fmt: skip

    assert click(APPROVE) == "Nothing was recorded: 20 clicks on Approve are enough."
