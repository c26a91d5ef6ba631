"""One decision per scan, whoever presses what, when and how often."""

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


# What each call of a press is for.
GAPS = ["is it asked", "read scan", "list versions", "write decision", "read token", "wake"]


class Crash(BaseException):
    """The function's process dies: no except clause sees it."""


def press(event: Any) -> str:
    said = approval.handler(event, None)
    assert json.loads(json.dumps(said)) == said
    assert "\n" not in said
    assert said.endswith(".")
    return said


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


def test_approving_records_the_exception_and_its_end_then_wakes_the_machine(waiting, machine):
    said = press(APPROVE)

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
    assert machine.woken == ["token-1"]
    until = timestamps.minute(decision["expiresAt"])
    assert said == f"Approved: {SCAN} may be deployed until {until}."


def test_rejecting_records_no_end_and_wakes_the_machine(waiting, machine):
    assert press(REJECT) == f"Rejected: {SCAN} stays blocked."
    assert (waiting[DECISION]["decision"], waiting[DECISION]["expiresAt"]) == ("rejected", None)
    assert machine.woken == ["token-1"]


@pytest.mark.parametrize(
    ("first", "second"), [(APPROVE, APPROVE), (APPROVE, REJECT), (REJECT, APPROVE)]
)
def test_a_second_press_hears_what_holds_and_changes_nothing(waiting, machine, first, second):
    press(first)
    before = waiting[DECISION]

    said = press({**second, **{k: "another reason" for k in second if k != "scan"}})

    assert said.startswith(f"Already {before['decision']} on ")
    assert before["reason"] in said
    assert "nothing changed" in said
    assert waiting[DECISION] == before
    assert machine.woken == ["token-1"]


@pytest.mark.parametrize("moment", ["GetObject", "PutObject", "SendTaskSuccess"])
@pytest.mark.parametrize(("mine", "theirs"), [(APPROVE, REJECT), (REJECT, APPROVE)])
def test_of_two_opposite_presses_at_once_the_first_writer_decides(
    waiting, machine, calls, moment, mine, theirs
):
    """The other person's whole press happens just before each call of mine, in turn."""
    answers = []
    usual = calls.before.get(moment, lambda params: None)

    def overtake(params):
        calls.before[moment] = usual
        answers.append(press(theirs))
        return usual(params)

    calls.before[moment] = overtake
    answers.append(press(mine))

    verdict = waiting[DECISION]["decision"]
    assert verdict == (
        "approved" if (theirs if moment != "SendTaskSuccess" else mine) is APPROVE else "rejected"
    )
    first, second = answers if moment != "SendTaskSuccess" else reversed(answers)
    assert verdict in first.lower()
    assert second.startswith(f"Already {verdict}")
    assert machine.woken == ["token-1"]


@pytest.mark.parametrize("failure", [dies, no_answer])
@pytest.mark.parametrize("gap", range(6), ids=GAPS)
def test_a_press_that_fails_before_any_call_is_made_good_by_the_next(
    waiting, machine, calls, gap, failure
):
    def fail_at_gap(operation):
        if len(calls.made) == gap + 1:
            failure()

    calls.every = fail_at_gap
    if failure is dies:
        with pytest.raises(Crash):
            press(APPROVE)
    else:
        assert press(APPROVE) == (
            "AWS did not answer as it should; press again in a few seconds, nothing is lost."
        )
    assert len(calls.made) == gap + 1
    assert (DECISION in waiting) == (gap > GAPS.index("write decision"))
    assert machine.woken == []
    calls.every = lambda operation: None

    press(REJECT)

    written = gap > GAPS.index("write decision")
    assert waiting[DECISION]["decision"] == ("approved" if written else "rejected")
    assert machine.woken == ["token-1"]


def test_a_press_that_dies_after_its_last_call_is_not_repeated_by_the_next(waiting, machine, calls):
    def wake_then_die(params):
        machine.send_task_success(params)
        raise Crash

    calls.before["SendTaskSuccess"] = wake_then_die
    with pytest.raises(Crash):
        press(APPROVE)
    calls.before["SendTaskSuccess"] = machine.send_task_success

    assert press(APPROVE).startswith("Already approved on ")
    assert machine.woken == ["token-1"]


def test_an_own_write_whose_answer_was_lost_holds_and_wakes_the_machine(waiting, machine, calls):
    """botocore sends the write again, and S3 says that somebody was first."""
    calls.before["PutObject"] = lambda params: (
        waiting.s3.put_object(Bucket="artifacts", Key=DECISION, Body=params["body"]) and None
    )

    assert press(REJECT).startswith("Already rejected on ")
    assert waiting[DECISION]["decision"] == "rejected"
    assert machine.woken == ["token-1"]


@pytest.mark.parametrize("code", ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"])
def test_a_decision_that_nobody_waits_for_holds(waiting, calls, code):
    calls.refuse("SendTaskSuccess", code)

    assert press(APPROVE).startswith("Recorded as approved: ")
    assert waiting[DECISION]["decision"] == "approved"


OVER = (
    " But its execution is over, and nothing follows: the version keeps its clearance. The runbook "
    "says what to do, under: executions that ended early."
)


@pytest.mark.parametrize("ended", ["FAILED", "ABORTED", "TIMED_OUT", None])
def test_a_decision_that_nothing_follows_is_not_said_to_hold(waiting, machine, calls, ended):
    machine.waiting.clear()
    if ended:
        calls.accept("DescribeExecution", status=ended)
    else:
        calls.refuse("DescribeExecution", "ExecutionDoesNotExist")

    assert press(APPROVE) == f"Recorded as approved: {SCAN}.{OVER}"


@pytest.mark.parametrize("ended", ["FAILED", "ABORTED", "TIMED_OUT"])
def test_the_second_press_says_so_too_where_nothing_follows(waiting, machine, calls, ended):
    press(APPROVE)
    calls.accept("DescribeExecution", status=ended)

    said = press(REJECT)

    assert said.startswith("Already approved on ")
    assert said.endswith(OVER)


def test_a_press_about_what_was_followed_long_ago_says_nothing_of_it(waiting, machine, calls):
    press(REJECT)
    calls.refuse("DescribeExecution", "ExecutionDoesNotExist")

    assert press(REJECT).endswith("nothing changed.")


def test_a_press_after_expiry_says_that_it_is_too_late(waiting, machine):
    waiting[DECISION] = {
        "version": 1,
        "scan": SCAN,
        "decision": "request-expired",
        "reason": "Nobody decided in time.",
        "decidedAt": "2026-11-27T10:00:00Z",
        "expiresAt": None,
    }
    machine.waiting.clear()

    assert press(APPROVE) == (
        "Too late: nobody had decided by 27 Nov 2026, 10:00 UTC; "
        "upload again to have it scanned anew."
    )
    assert waiting[DECISION]["decision"] == "request-expired"


def test_a_scan_that_does_not_wait_cannot_be_decided(artifacts, machine):
    artifacts[f"scans/{SCAN}/scan.json"] = OPENED

    assert press(APPROVE).startswith(f"{SCAN} is not waiting for a decision; if its card has just")
    assert DECISION not in artifacts


def test_a_decided_scan_whose_wait_is_cleared_away_says_what_was_decided(waiting):
    press(REJECT)
    waiting.s3.delete_object(Bucket="work", Key=f"waiting/{SCAN}.json")

    assert press(APPROVE).startswith("Already rejected on ")


def test_a_scan_whose_key_s3_would_not_take_is_unknown(calls):
    calls.refuse("GetObject", "KeyTooLongError")

    assert press(APPROVE) == f"There is no scan {SCAN} here."


@pytest.mark.parametrize("scan", ["payments/unknown", "a/.."])
def test_an_unknown_scan_is_said_to_be_unknown(artifacts, machine, scan):
    assert press({**APPROVE, "scan": scan}) == f"There is no scan {scan} here."


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
def test_a_payload_that_is_no_press_is_refused_before_any_call(calls, event):
    assert press(event) == "This is no decision about a scan; use the buttons on its card."
    assert calls.made == []


@pytest.mark.parametrize(
    "reason", [None, 7, "", "  ", "ok", " ok ", "x" * 301, "$Reason", "...", "\u200b" * 9]
)
def test_a_press_without_a_reason_decides_nothing(calls, reason):
    assert press({"scan": SCAN, "approve": reason}).startswith("Nothing was decided: give a reason")
    assert calls.made == []


def test_a_reason_is_kept_as_one_line_and_told_without_markup(waiting):
    press({"scan": SCAN, "reject": "see <!channel>\n@here & now"})

    assert waiting[DECISION]["reason"] == "see <!channel> @here & now"
    said = press(APPROVE)
    assert "&lt;!channel&gt; @\u200bhere &amp; now" in said


def test_busy_s3_is_asked_again_until_it_says_who_was_first(waiting, machine, calls):
    calls.refuse("PutObject", "ConditionalRequestConflict", times=2)

    assert press(APPROVE).startswith("Approved: ")
    assert machine.woken == ["token-1"]


@pytest.mark.parametrize("operation", ["GetObject", "PutObject", "SendTaskSuccess"])
@pytest.mark.parametrize(
    "code", ["ThrottlingException", "AccessDenied", "ConditionalRequestConflict"]
)
def test_whatever_aws_refuses_people_are_asked_to_press_again_and_it_is_logged(
    waiting, machine, calls, caplog, operation, code
):
    calls.refuse(operation, code)

    assert press(APPROVE).startswith("AWS did not answer as it should; press again")
    assert caplog.records[-1].levelno == logging.ERROR


def test_the_log_tells_who_was_first_and_no_token(waiting, caplog):
    caplog.set_level(logging.INFO)
    press(APPROVE)
    press(REJECT)

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
pressed_like = st.fixed_dictionaries(
    {},
    optional={
        "scan": json_like | st.just(SCAN),
        "approve": json_like,
        "reject": json_like,
    },
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(event=json_like | pressed_like)
def test_any_payload_gets_a_sentence(artifacts, machine, event):
    press(event)


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
def test_the_person_may_say_how_long_an_approval_holds(waiting, days, period):
    press({"scan": SCAN, "approve": ["Hotfix for the outage", days]})

    decision = waiting[DECISION]
    decided, until = (datetime.fromisoformat(decision[key]) for key in ("decidedAt", "expiresAt"))
    assert until - decided == timedelta(**period)
    assert decision["reason"] == "Hotfix for the outage"


@pytest.mark.parametrize(
    "days",
    ["91", "0", "1s", "59 s", "-1", "1.5", "forever", "2161h", "9" * 30, None, [], True, {"d": 1}],
)
def test_a_time_that_is_too_long_or_none_decides_nothing(calls, days):
    said = press({"scan": SCAN, "approve": ["Hotfix for the outage", days]})

    assert said == (
        "Nothing was decided: Days is how long it holds, such as 14 or 12h, at most 90 days; "
        "leave it empty for 30 days. Then press again."
    )
    assert calls.made == []


def test_a_decision_names_the_verdict_that_it_goes_by(waiting):
    press(APPROVE)

    assert waiting[DECISION]["evidence"] == {"gate-result.json": "d" * 64}


@pytest.mark.parametrize("event", [APPROVE, REJECT])
def test_a_press_after_a_newer_version_was_uploaded_closes_the_request(waiting, machine, event):
    own = waiting.upload(OPENED["key"])
    waiting[f"scans/{SCAN}/scan.json"] = {**OPENED, "versionId": own}
    newest = waiting.upload(OPENED["key"])

    said = "Too late: a newer version has been uploaded; it is decided on its own card."
    assert press(event) == said
    decision = waiting[DECISION]
    assert (decision["decision"], decision["expiresAt"]) == ("superseded", None)
    assert decision["reason"] == f"A newer version was uploaded: {newest}."
    assert machine.woken == ["token-1"]
    assert press(event) == said
    assert waiting[DECISION] == decision


def test_an_upload_of_another_key_or_a_deletion_makes_no_request_moot(waiting):
    waiting.upload("payments/api.zip.zip")
    waiting.s3.delete_object(Bucket=OPENED["bucket"], Key="payments/api.zip")

    assert press(APPROVE).startswith("Approved: ")


def test_a_press_that_finds_nobody_waiting_says_when_it_takes_effect(waiting, machine):
    """The first wait has timed out; the second begins with a look at what stands."""
    machine.waiting.clear()

    assert press(APPROVE) == (
        f"Recorded as approved: {SCAN}. It takes effect with the card that says so; if none comes "
        "within a minute, look at the execution."
    )
    assert waiting[DECISION]["decision"] == "approved"


@pytest.fixture
def approved(waiting, machine):
    """An exception that the state machine holds."""
    press(APPROVE)
    waiting[f"waiting/{SCAN}.json"] = waits("token-2", "exception")
    machine.waiting.add("token-2")
    machine.woken.clear()
    return waiting


def test_withdrawing_is_recorded_and_wakes_the_machine(approved, machine):
    body = approved.s3.get_object(Bucket="artifacts", Key=DECISION)["Body"].read()

    assert press(WITHDRAW) == f"Withdrawn: {SCAN} may not be deployed any more."

    withdrawal = approved[WITHDRAWAL]
    assert withdrawal.pop("withdrawnAt").endswith("Z")
    assert withdrawal == {
        "version": 1,
        "scan": SCAN,
        "reason": "The fix is out",
        "evidence": {"decision.json": hashlib.sha256(body).hexdigest()},
    }
    assert machine.woken == ["token-2"]


def test_withdrawing_twice_changes_nothing(approved, machine):
    press(WITHDRAW)
    before = approved[WITHDRAWAL]

    said = press({"scan": SCAN, "withdraw": "another reason"})

    assert said.startswith("Already withdrawn on ")
    assert said.endswith("because: The fix is out. Nothing changed.")
    assert approved[WITHDRAWAL] == before
    assert machine.woken == ["token-2"]


WITHDRAWAL_GAPS = ["read decision", "write withdrawal", "read token", "wake"]


@pytest.mark.parametrize("gap", range(4), ids=WITHDRAWAL_GAPS)
def test_a_withdrawal_that_dies_before_any_call_is_made_good_by_the_next(
    approved, machine, calls, gap
):
    calls.made.clear()

    def die_at_gap(operation):
        if len(calls.made) == gap + 1:
            dies()

    calls.every = die_at_gap
    with pytest.raises(Crash):
        press(WITHDRAW)
    assert (WITHDRAWAL in approved) == (gap > WITHDRAWAL_GAPS.index("write withdrawal"))
    calls.every = lambda operation: None

    press(WITHDRAW)

    assert approved[WITHDRAWAL]["reason"] == "The fix is out"
    assert machine.woken == ["token-2"]


def test_what_was_not_approved_cannot_be_withdrawn(waiting, machine):
    press(REJECT)

    assert press(WITHDRAW).startswith(f"Nothing to withdraw: {SCAN} was rejected on ")
    assert WITHDRAWAL not in waiting


def test_what_was_not_decided_cannot_be_withdrawn(waiting):
    assert press(WITHDRAW) == f"Nothing to withdraw: nothing was decided about {SCAN} here."


def test_an_exception_that_has_ended_cannot_be_withdrawn(approved):
    approved[DECISION] = {**approved[DECISION], "expiresAt": "2026-01-01T00:00:00Z"}

    assert press(WITHDRAW) == ("Nothing to withdraw: the exception ended on 1 Jan 2026, 00:00 UTC.")
    assert WITHDRAWAL not in approved


def test_an_exception_is_not_decided_again(approved, machine):
    assert press(REJECT).startswith("Already approved on ")
    assert machine.woken == []


def test_a_withdrawal_reaches_a_machine_that_has_not_heard_of_the_approval(waiting, machine):
    """Who approved died between the decision and the token."""
    waiting[DECISION] = {
        "decision": "approved",
        "decidedAt": "2026-11-24T10:00:00Z",
        "expiresAt": "2036-12-24T10:00:00Z",
    }

    assert press(WITHDRAW) == f"Withdrawn: {SCAN} may not be deployed any more."
    assert machine.woken == ["token-1"]


def test_an_answer_on_an_old_card_says_that_the_approval_was_withdrawn(approved):
    press(WITHDRAW)

    for event in (APPROVE, REJECT):
        said = press(event)
        assert said.startswith("Too late: it was approved on ")
        assert "and withdrawn on " in said
        assert said.endswith("because: The fix is out.")


def test_an_answer_on_an_old_card_says_that_the_exception_has_ended(approved):
    approved[DECISION] = {**approved[DECISION], "expiresAt": "2026-01-01T00:00:00Z"}

    for event in (APPROVE, REJECT):
        said = press(event)
        assert said.startswith("Too late: it was approved on ")
        assert "the exception ended on 1 Jan 2026, 00:00 UTC" in said


def test_a_withdrawn_exception_is_not_said_to_have_ended(approved):
    press(WITHDRAW)
    approved[DECISION] = {**approved[DECISION], "expiresAt": "2026-01-01T00:00:00Z"}

    assert press(WITHDRAW).startswith("Already withdrawn on ")
