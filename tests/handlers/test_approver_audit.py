"""Who approved, read from the chat service's audit log, whose fields are not documented."""

import base64
import contextlib
import gzip
import json
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import approvers
from handlers import approver_audit, chat_audit_log
from handlers.evidence import Evidence
from tests.handlers.conftest import BUCKET, ENVIRONMENT

SCAN = "payments/3LgVabcQk4Xb9ZfZ"
FUNCTION = ENVIRONMENT["APPROVAL_FUNCTION"]
INVOKE = f"lambda invoke --function-name {FUNCTION} --region eu-central-1 --payload "
REASON = "Hotfix for the outage"
APPROVE = INVOKE + json.dumps({"scan": SCAN, "approve": [REASON, "14"]})
WHEN = 1_795_514_525_000  # 2026-11-24T10:02:05Z


def event(command: str = APPROVE, **changed: Any) -> str:
    return json.dumps({"userId": "U0ADA0000", "userName": "Ada", "command": command, **changed})


def batch(*messages: str, kind: str = "DATA_MESSAGE") -> dict[str, Any]:
    """The event that CloudWatch Logs sends to a subscribed function."""
    log_batch = {
        "messageType": kind,
        "owner": "123456789012",
        "logGroup": "/aws/chatbot/chatops-slack-dev",
        "logStream": "stream",
        "subscriptionFilters": ["who"],
        "logEvents": [
            {"id": f"3842{number}", "timestamp": WHEN, "message": message}
            for number, message in enumerate(messages)
        ],
    }
    return {
        "awslogs": {
            "data": base64.b64encode(gzip.compress(json.dumps(log_batch).encode())).decode()
        }
    }


@pytest.fixture
def scanned(artifacts):
    artifacts[f"scans/{SCAN}/scan.json"] = {"scan": SCAN}
    return artifacts


def records(artifacts) -> list[Any]:
    return Evidence(approver_audit.s3, BUCKET, SCAN).all("actions")


def test_a_click_is_recorded_once_however_often_it_is_delivered(scanned):
    for _ in range(2):
        approver_audit.handler(batch(event()), None)

    assert scanned[f"scans/{SCAN}/actions/38420.json"] == {
        "version": 1,
        "scan": SCAN,
        "user": "U0ADA0000",
        "userName": "Ada",
        "action": "approve",
        "reason": REASON,
        "clickedAt": "2026-11-24T10:02:05Z",
    }
    assert len(records(scanned)) == 1


def test_a_record_is_never_changed_by_a_later_event_of_the_same_id(scanned):
    approver_audit.handler(batch(event()), None)
    approver_audit.handler(batch(event(userId="U0EVE0000")), None)

    assert [record["user"] for record in records(scanned)] == ["U0ADA0000"]


@pytest.mark.parametrize(
    ("message", "user", "name"),
    [
        (event(), "U0ADA0000", "Ada"),
        (json.dumps({"user_id": "U0ADA0000", "text": APPROVE}), "U0ADA0000", None),
        (
            json.dumps(
                {"detail": {"user": {"id": "U0ADA0000", "name": "Ada"}, "input": [APPROVE]}}
            ),
            "U0ADA0000",
            "Ada",
        ),
        (json.dumps({"slackUserName": "Ada", "command": f"@Amazon Q {APPROVE}"}), "Ada", "Ada"),
        (event(f"@aws {APPROVE}".replace('"', "&quot;")), "U0ADA0000", "Ada"),
        (event(INVOKE + f'{{"scan": "{SCAN}", "approve": "{REASON}"}}'), "U0ADA0000", "Ada"),
        (
            event(
                f'lambda invoke --payload \'{{"scan": "{SCAN}", "approve": "{REASON}"}}\' '
                f"--function-name arn:aws:lambda:eu-central-1:123456789012:function:{FUNCTION}"
            ),
            "U0ADA0000",
            "Ada",
        ),
    ],
    ids=["flat", "other names", "nested", "only a name", "escaped", "a reason alone", "typed"],
)
def test_fields_may_have_any_of_the_likely_names(message, user, name):
    assert chat_audit_log.read(message, FUNCTION) == chat_audit_log.Action(
        SCAN, "approve", REASON, user, name
    )


@pytest.mark.parametrize("verb", ["approve", "reject", "withdraw"])
def test_every_verb_is_known(verb):
    click = chat_audit_log.read(event(INVOKE + json.dumps({"scan": SCAN, verb: REASON})), FUNCTION)

    assert click
    assert click.verb == verb


def command_of(payload: Any, function: str = FUNCTION) -> str:
    return event(INVOKE.replace(FUNCTION, function) + json.dumps(payload))


@pytest.mark.parametrize(
    "message",
    [
        "",
        "null",
        "[" * 5000,
        event("s3 ls"),
        command_of({"scan": SCAN, "approve": REASON}, "another-function"),
        command_of({"scan": SCAN, "approve": REASON}, f"not-{FUNCTION}"),
        command_of({"scan": SCAN, "approve": REASON}, f"{FUNCTION}-2"),
        command_of({"scan": SCAN, "approve": f"x --function-name {FUNCTION} "}, "another-function"),
        command_of({"scan": SCAN, "approve": REASON, "reject": REASON}),
        command_of({"scan": "../../secrets", "approve": REASON}),
        command_of({"scan": [SCAN], "approve": REASON}),
        command_of({"scan": SCAN, "approve": {"a": 1}}),
        command_of({"scan": SCAN, "approve": []}),
        command_of({"scan": SCAN, "delete": REASON}),
        json.dumps({"title": "quality gate failed", "additionalContext": {"Fn": FUNCTION}}),
    ],
    ids=[
        "empty",
        "null",
        "deep",
        "another command",
        "another function",
        "a name that ends alike",
        "a name that begins alike",
        "our function in the reason",
        "two verbs",
        "no scan id",
        "a list of scans",
        "no reason",
        "an empty reason",
        "another verb",
        "a card",
    ],
)
def test_other_commands_are_not_recorded(scanned, message):
    approver_audit.handler(batch(message), None)

    assert records(scanned) == []


def test_a_click_without_a_scan_is_not_recorded(scanned):
    approver_audit.handler(batch(command_of({"scan": "payments/none", "approve": REASON})), None)

    assert Evidence(approver_audit.s3, BUCKET, "payments/none").all("actions") == []


def test_the_control_message_of_cloudwatch_is_skipped(scanned):
    approver_audit.handler(batch("CWL CONTROL MESSAGE: " + event(), kind="CONTROL_MESSAGE"), None)

    assert records(scanned) == []


@pytest.mark.parametrize(
    ("message", "fields"),
    [
        (json.dumps({"command": APPROVE, "principal": "secret"}), "command, principal"),
        (event(people=[{"userId": "U0EVE0000"}]), "command, people.userid, userid, username"),
        (json.dumps({"userId": "U0ADA0000", "input": json.loads(APPROVE.split("--payload ")[1]),
                     "fn": FUNCTION}), "fn, input.approve, input.scan, userid"),
        (event(APPROVE[:-1]), "command, userid, username"),
        (f"secret {APPROVE}", "(plain text)"),
    ],
    ids=["no known user", "two users", "no command", "a broken payload", "plain text"],
)  # fmt: skip
def test_an_incomplete_click_is_logged_by_its_field_names_only(scanned, caplog, message, fields):
    with caplog.at_level(logging.INFO):
        approver_audit.handler(batch(message, event()), None)

    [unreadable] = [record for record in caplog.records if record.message == "unreadable"]
    assert vars(unreadable)["fields"] == fields
    assert "secret" not in str(vars(unreadable))
    assert [record["user"] for record in records(scanned)] == ["U0ADA0000"]


def test_hostile_text_stays_one_line_of_data(scanned):
    payload = {"scan": SCAN, "approve": "a\u202eb\nc <!here>"}
    approver_audit.handler(
        batch(event(INVOKE + json.dumps(payload), userName="Ada\n\x00 <@U0EVE0000>")), None
    )

    [record] = records(scanned)
    assert record["reason"] == "ab c <!here>"
    assert record["userName"] == "Ada  <@U0EVE0000>"


@given(st.recursive(st.none() | st.integers() | st.text(), lambda child: st.lists(child, max_size=3)
       | st.dictionaries(st.text(max_size=8) | st.sampled_from(["user", "userId"]), child,
                         max_size=3), max_leaves=8), st.text())  # fmt: skip
def test_no_event_stops_the_batch(thing, text):
    for message in (json.dumps(thing), text, json.dumps([thing, APPROVE]), f"{APPROVE}{text}"):
        with contextlib.suppress(chat_audit_log.Unreadable):
            chat_audit_log.read(message, FUNCTION)


DECIDED = "2026-11-24T10:02:00Z"


def by(artifacts, *rows: tuple[str, str, str, str], verb="approve", reason=REASON) -> list[str]:
    for number, (user, action, reason_given, at) in enumerate(rows):
        artifacts[f"scans/{SCAN}/actions/{number}.json"] = {
            "user": user,
            "userName": user.title(),
            "action": action,
            "reason": reason_given,
            "clickedAt": f"2026-11-24T{at}Z",
        }
    return [
        item.user
        for item in approvers.matching(
            Evidence(approver_audit.s3, BUCKET, SCAN), verb, reason, DECIDED
        )
    ]


def test_the_approver_is_the_user_whose_click_matches_decision_reason_and_time(artifacts):
    assert by(
        artifacts,
        ("ada", "approve", REASON, "10:02:05"),
        ("bob", "reject", REASON, "10:02:00"),
        ("cyd", "approve", "because", "10:02:00"),
        ("dan", "approve", REASON, "10:07:01"),
        ("eve", "approve", REASON, "09:56:59"),
    ) == ["ada"]


def test_a_reason_escaped_in_the_log_matches(artifacts):
    assert by(
        artifacts, ("ada", "approve", "a &amp; b &lt;c&gt;", "10:02:05"), reason="a & b <c>"
    ) == ["ada"]


def test_no_approver_is_named_if_none_is_recorded(artifacts):
    assert by(artifacts) == []


def test_all_possible_approvers_are_named_nearest_first(artifacts):
    assert by(
        artifacts,
        ("ada", "approve", REASON, "10:02:20"),
        ("bob", "approve", REASON, "10:01:55"),
        ("ada", "approve", REASON, "10:01:00"),
    ) == ["bob", "ada"]


@pytest.mark.parametrize(
    ("person", "expected"),
    [
        (approvers.Person("U0ADA0000", "Ada"), "Ada (U0ADA0000)"),
        (approvers.Person("U0ADA0000", None), "U0ADA0000"),
        (approvers.Person("Ada", "Ada"), "Ada"),
    ],
)
def test_a_user_is_named_by_what_the_log_contains(person, expected):
    assert str(person) == expected


@pytest.fixture
def request_waits(scanned, machine):
    """The state machine waits for people."""
    scanned[f"waiting/{SCAN}.json"] = {"scan": SCAN, "kind": "decision", "token": "token-1"}
    machine.waiting.add("token-1")
    return scanned


@pytest.mark.parametrize(("verb", "resumed"), [
    ("approve", ["token-1"]), ("extend", ["token-1"]), ("reject", []), ("withdraw", []),
])  # fmt: skip
def test_a_record_of_an_approval_lets_the_state_machine_look_who_clicked(
    request_waits, machine, verb, resumed
):
    approver_audit.handler(batch(command_of({"scan": SCAN, verb: REASON})), None)

    assert machine.resumed == resumed


def test_the_record_is_written_before_the_state_machine_reads_it(request_waits, calls, machine):
    def read(params: Any) -> Any:
        assert len(records(request_waits)) == 1
        return machine.send_task_success(params)

    calls.before["SendTaskSuccess"] = read
    approver_audit.handler(batch(event()), None)

    assert machine.resumed == ["token-1"]


def test_nothing_is_resumed_where_nothing_follows_from_who_clicked(
    request_waits, machine, monkeypatch
):
    monkeypatch.setattr(approver_audit, "STATE_BUCKET", "")
    approver_audit.handler(batch(event()), None)

    assert len(records(request_waits)) == 1
    assert machine.resumed == []


def test_a_batch_is_tried_again_after_an_outage_of_step_functions(request_waits, calls, machine):
    other = command_of({"scan": SCAN, "reject": "Too risky"})
    calls.refuse("SendTaskSuccess", "ServiceUnavailable")
    with pytest.raises(approver_audit.aws.ClientError):
        approver_audit.handler(batch(event(), other), None)
    assert len(records(request_waits)) == 2  # all are recorded before anything is resumed

    calls.before["SendTaskSuccess"] = machine.send_task_success
    approver_audit.handler(batch(event(), other), None)

    assert machine.resumed == ["token-1"]
    assert len(records(request_waits)) == 2
