"""The structure of the definition; its behaviour is tested by executing it."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import jsonata
import pytest
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser

from components.service_errors import CODEBUILD
from components.state_machine import definition
from domain.scan_id import app_of, scan_id
from tests.support.definitions import NAMES, WAITS, current, plain

MACHINE = current()
PLAIN = plain()
STATES: dict[str, dict[str, Any]] = MACHINE["States"]
TASKS = [name for name, state in STATES.items() if state["Type"] == "Task"]
PUBLISHING = [name for name in TASKS if STATES[name]["Resource"].endswith(":sns:publish")]


def ends(state: dict[str, Any]) -> bool:
    return state["Type"] in ("Succeed", "Fail") or "End" in state


def nexts(state: dict[str, Any]) -> Iterator[str]:
    """The states that can follow a state."""
    for step in [state, *state.get("Choices", []), *state.get("Catch", [])]:
        if "Next" in step:
            yield step["Next"]
    if "Default" in state:
        yield state["Default"]


def reachable(start: str, without: frozenset[str] = frozenset()) -> set[str]:
    seen: set[str] = set()
    ahead = [start]
    while ahead:
        name = ahead.pop()
        if name not in seen and name not in without:
            seen.add(name)
            ahead += nexts(STATES[name])
    return seen


def rules(name: str) -> list[tuple[str, str]]:
    """The conditions of a choice, in order, each with its next state."""
    return [
        (rule["Condition"].removeprefix("{% ").removesuffix(" %}"), rule["Next"])
        for rule in STATES[name]["Choices"]
    ]


@pytest.mark.parametrize("machine", [MACHINE, PLAIN], ids=["every option on", "every option off"])
def test_it_is_valid_amazon_states_language(machine: dict[str, Any]):
    AmazonStateLanguageParser.parse(json.dumps(machine))


def test_an_invalid_definition_would_not_be_parsed():
    """Shows that the parser in the test above detects errors."""
    invalid = {**MACHINE, "States": {**STATES, "Scan": {"Type": "Taks"}}}

    with pytest.raises(Exception, match="Taks"):
        AmazonStateLanguageParser.parse(json.dumps(invalid))


def test_it_has_one_state_for_each_kind_of_side_effect():
    assert len(STATES) <= 30
    effects = Counter(
        (STATES[name]["Resource"].rpartition(":::")[2], str(STATES[name]["Arguments"][key]))
        for name in TASKS
        for key in ("FunctionName", "TopicArn", "ProjectName", "Tagging")
        if key in STATES[name]["Arguments"]
    )

    assert {effect: times for effect, times in effects.items() if times > 1} == {
        # A request and an approval differ in what follows; PublishOutcome saves two transitions.
        ("lambda:invoke.waitForTaskToken", "callback"): 2,
        ("sns:publish", "channel"): 2,
        # The email about a failure is sent while its decision is awaited.
        ("lambda:invoke", "notify"): 2,
    }


def test_options_that_are_off_leave_no_states_behind():
    assert STATES.keys() - PLAIN["States"].keys() == {
        "WaitForAuditLog", "PublishEscalation", "MailFailure", "RouteByFailure",
    }  # fmt: skip


def test_every_next_exists_and_every_state_is_reached():
    assert {target for state in STATES.values() for target in nexts(state)} <= set(STATES)
    assert reachable(MACHINE["StartAt"]) == set(STATES)


def test_every_state_has_a_next_state_or_ends():
    for name, state in STATES.items():
        goes_on = "Next" in state or "Choices" in state
        assert ends(state) != goes_on, name


def test_every_choice_has_a_default():
    choices = {name: state for name, state in STATES.items() if state["Type"] == "Choice"}

    assert choices
    assert [name for name, state in choices.items() if "Default" not in state] == []


def test_no_default_assigns_where_a_rule_leads_to_the_same_state():
    """Otherwise some interpreters take the rule for the default."""
    for name, state in STATES.items():
        if state["Type"] == "Choice" and "Assign" in state:
            assert state["Default"] not in [rule["Next"] for rule in state["Choices"]], name


@pytest.mark.parametrize("machine", [MACHINE, PLAIN], ids=["every option on", "every option off"])
def test_each_expression_is_on_one_line(machine: dict[str, Any]):
    """One validator refuses multi-line expressions."""
    expressions = re.findall(r"\{%.*?%\}", json.dumps(machine))

    assert expressions
    assert [expression for expression in expressions if re.search(r"(?<!\\)\\n", expression)] == []


def test_no_variable_is_ever_null():
    """Step Functions may treat null as undefined, which fails the state that reads it."""
    for name, state in STATES.items():
        for step in [state, *state.get("Choices", []), *state.get("Catch", [])]:
            for variable, value in step.get("Assign", {}).items():
                assert value is not None, (name, variable)
                assert ": null" not in str(value), (name, variable)


@pytest.mark.parametrize("name", TASKS)
def test_every_task_is_retried_and_every_failure_is_caught(name: str):
    task = STATES[name]

    assert task["Retry"], name
    assert all(0 <= rule.get("MaxAttempts", 3) <= 200 for rule in task["Retry"])
    assert all(
        rule.get("JitterStrategy") == "FULL" for rule in task["Retry"] if "BackoffRate" in rule
    )
    assert task["Catch"][-1]["ErrorEquals"] == ["States.ALL"]
    # Step Functions wants States.ALL alone and last.
    for listed in (task["Retry"], task["Catch"]):
        for rule in listed[:-1]:
            assert "States.ALL" not in rule["ErrorEquals"]


def test_transient_errors_of_every_task_are_retried_but_a_failed_build_is_not():
    retried = {
        name: {error for rule in STATES[name]["Retry"] for error in rule["ErrorEquals"]}
        for name in TASKS
    }

    assert {name for name, errors in retried.items() if "States.ALL" not in errors} == {"Scan"}
    assert retried["Scan"] == {
        "CodeBuild.AccountLimitExceededException",
        "CodeBuild.AWSCodeBuildException",
        "CodeBuild.CodeBuildException",
        "CodeBuild.SdkClientException",
    }


@pytest.mark.parametrize(
    "code", ["ThrottlingException", "InternalFailure", "ServiceUnavailable", None]
)
def test_a_build_that_may_have_started_is_asked_for_again(code: str | None):
    """The names are those of components/service_errors.py, which has their sources."""
    transient = STATES["Scan"]["Retry"][1]

    assert CODEBUILD.name(code) in transient["ErrorEquals"]
    assert CODEBUILD.name("InvalidInputException") not in transient["ErrorEquals"]


def test_starting_a_build_is_idempotent():
    token = STATES["Scan"]["Arguments"]["IdempotencyToken"]

    # The same in each attempt of one execution, different in other executions.
    assert token == "{% $states.context.Execution.Name %}"


def test_a_build_over_the_quota_is_retried_for_hours():
    full = STATES["Scan"]["Retry"][0]
    waited, wait = 0.0, float(full["IntervalSeconds"])
    for _ in range(full["MaxAttempts"]):
        waited += min(wait, full["MaxDelaySeconds"])
        wait *= full["BackoffRate"]

    assert full["ErrorEquals"] == ["CodeBuild.AccountLimitExceededException"]
    # Full jitter waits half of the interval on average.
    assert waited / 2 > 4 * 3600


def test_a_duplicate_event_ends_without_any_side_effect():
    assert rules("IsNewScan")[0] == ("$not($isNew)", "DuplicateEvent")
    assert STATES["DuplicateEvent"] == {"Type": "Succeed"}
    assert STATES["OpenScan"]["Arguments"]["Payload"] == {
        "event": "{% $states.input %}",
        "execution": "{% $states.context.Execution.Id %}",
        "retry": "{% $states.context.State.RetryCount %}",
    }


def test_every_path_ends_with_a_notification_except_a_pass_and_a_duplicate_event():
    """Without the publishing states, only these ends can be reached, each from these states."""
    silent = reachable(MACHINE["StartAt"], without=frozenset(PUBLISHING))
    before_done = {name for name in silent if "Done" in nexts(STATES[name])}

    assert {name for name in silent if ends(STATES[name])} == {
        "DuplicateEvent", "Done", "PipelineError",
    }  # fmt: skip
    assert rules("RouteByStatus")[0] == ("$status = 'passed' and $card = 'none'", "Done")
    # RouteByFailure comes after a failure's card, as RouteByEvent does.
    assert before_done == {"RouteByStatus", "RouteByEvent", "RouteByFailure"}
    # No card means that the event is outdated; the event that came after it has one.
    assert rules("RouteByCard")[0] == ("$card = 'none'", "RouteByEvent")
    outdated = {"escalated", "partly-approved", "approved", "extended", "expiring"}
    handled = {event for event in outdated for rule, _ in rules("RouteByEvent") if event in rule}
    assert handled == outdated


def test_an_app_that_passes_again_has_a_card_and_a_covered_version_a_decision():
    assert rules("RouteByStatus")[1:3] == [
        ("$status = 'passed'", "PublishOutcome"),
        ("$status = 'failed' and $card = 'none'", "CheckForDecision"),
    ]
    # Without it, as from earlier definitions, the function answers no such result.
    assert STATES["CheckBuildStatus"]["Arguments"]["Payload"]["covers"] is True


def test_people_hear_once_of_each_person_who_approved_and_of_each_new_end():
    added = {
        rule["Assign"]["event"]: rule
        for rule in STATES["RouteByDecision"]["Choices"]
        if rule.get("Assign", {}).get("event") in ("partly-approved", "extended")
    }
    partly, extended = added["partly-approved"], added["extended"]

    assert partly["Condition"] == (
        "{% $decision.status = 'open' and $decision.approvals > $approvals %}"
    )
    assert partly["Assign"]["approvals"] == "{% $decision.approvals %}"
    assert extended["Condition"] == (
        "{% $decision.status = 'approved' and $decision.expiresAt != $until %}"
    )
    assert extended["Assign"]["until"] == "{% $decision.expiresAt %}"
    assert STATES["Notify"]["Arguments"]["Payload"]["until"] == "{% $until %}"
    # The reminder counts from the new end, and the log says who extended.
    assert "$toMillis($decision.expiresAt) - 86400000" in extended["Assign"]["reminded"]
    assert extended["Next"] == "WaitForAuditLog"


def test_a_wait_resumes_at_any_answer_but_the_one_that_is_known():
    for name in ("AwaitDecision", "AwaitWithdrawal"):
        assert STATES[name]["Arguments"]["Payload"]["known"] == "{% $decision %}", name
        assert {STATES[name]["Next"], STATES[name]["Catch"][0]["Next"]} == {"CheckForDecision"}
    assert STATES["OpenScan"]["Assign"]["decision"] == {"status": "open", "approvals": 0}


def test_the_email_about_a_failure_follows_its_card_and_delays_nothing():
    state = STATES["MailFailure"]

    # Lambda runs it later and retries it; its errors set off the alarm of all functions.
    assert state["Arguments"]["InvocationType"] == "Event"
    assert state["Arguments"]["Payload"]["event"] == "{% $event %}"
    assert {state["Next"], state["Catch"][-1]["Next"]} == {"RouteByFailure"}
    assert ("$event in ['failed', 'error']", "MailFailure") in rules("RouteByEvent")
    assert rules("RouteByFailure") == [("$status = 'failed'", "AwaitDecision")]
    assert STATES["RouteByFailure"]["Default"] == "Done"


def test_a_failed_notification_fails_the_execution_unless_a_wait_follows():
    for name in PUBLISHING:
        elsewhere = name == "PublishEscalation"
        topic = NAMES.escalation_topic if elsewhere else NAMES.topic_arn
        assert STATES[name]["Arguments"] == {"TopicArn": topic, "Message": "{% $card %}"}
        caught = STATES[name]["Catch"][-1]["Next"]
        assert caught == ("AwaitDecision" if elsewhere else "PublishFailed")
    assert rules("PublishFailed") == [
        ("$event = 'pipeline-error'", "PipelineError"),
        # An execution must continue to its end, even if nobody can be notified.
        (
            "$event in ['digest', 'approval-delayed', 'escalated', 'partly-approved',"
            " 'approved', 'extended', 'expiring']",
            "RouteByEvent",
        ),
    ]
    assert STATES["PublishFailed"]["Default"] == "DescribeError"
    assert STATES["PipelineError"]["Type"] == "Fail"


def test_only_current_escalations_go_to_the_escalation_topic():
    leads = [(name, rule) for name in STATES for rule in STATES[name].get("Choices", [])]

    assert [
        (name, rule["Condition"]) for name, rule in leads if rule["Next"] == "PublishEscalation"
    ] == [("RouteByEvent", "{% $event = 'escalated' and $card != 'none' %}")]


def test_the_state_machine_reads_and_writes_no_evidence_itself():
    assert {STATES[name]["Resource"].removeprefix("arn:aws:states:::") for name in TASKS} == {
        "lambda:invoke",
        "lambda:invoke.waitForTaskToken",
        "codebuild:startBuild.sync",
        "aws-sdk:s3:putObjectTagging",
        "sns:publish",
    }


def test_the_status_of_the_exact_version_is_tagged():
    assert STATES["TagStatus"]["Arguments"] == {
        "Bucket": "{% $scan.bucket %}",
        "Key": "{% $scan.key %}",
        "VersionId": "{% $scan.versionId %}",
        "Tagging": {"TagSet": [{"Key": "scan-status", "Value": "{% $status %}"}]},
    }


def test_the_status_comes_only_from_the_gate_result_and_the_evidence():
    assigned = [
        (name, step["Assign"]["status"])
        for name, state in STATES.items()
        for step in [state, *state.get("Choices", []), *state.get("Catch", [])]
        if "status" in step.get("Assign", {})
    ]

    assert assigned == [
        ("OpenScan", "none"),
        ("OpenScan", "none"),
        ("CheckBuildStatus", "{% $states.result.Payload.status %}"),
        ("RouteByDecision", "withdrawn"),
        ("RouteByDecision", "approval-expired"),
        ("RouteByDecision", "approved"),
        ("RouteByDecision", "{% $decision.status %}"),
        ("CheckFailed", "approval-expired"),
    ]
    assert {name for name, state in STATES.items() if "TagStatus" in nexts(state)} == {
        "CheckBuildStatus", "RouteByDecision", "CheckFailed",
    }  # fmt: skip


def test_an_approval_is_tagged_after_checking_that_it_is_current():
    over = "$decision.status = 'approved' and $toMillis($decision.expiresAt) <= $millis()"
    after_open = rules("RouteByDecision")[4:]

    assert after_open[:3] == [
        ("$decision.status = 'withdrawn'", "TagStatus"),
        (over, "TagStatus"),
        ("$decision.status = 'approved' and $tagged != 'approved'", "TagStatus"),
    ]
    assert after_open[-1] == (
        "$decision.status in ['rejected', 'request-expired', 'superseded']",
        "TagStatus",
    )
    # No other response of the function sets a clearing tag.
    assert STATES["RouteByDecision"]["Default"] == "DescribeError"
    assert {name for name, state in STATES.items() if "RouteByDecision" in nexts(state)} == {
        "CheckForDecision"
    }


def test_no_failure_after_an_approval_prevents_the_final_tag():
    """A failed task leads to a choice, which continues for an approval whatever failed."""
    assert STATES["TagStatus"]["Catch"][-1]["Next"] == "TagFailed"
    assert rules("TagFailed")[1:] == [
        ("$status = 'approved'", "WaitWithoutCallback"),
        (
            "$status in ['withdrawn', 'approval-expired'] and $pause < 1382400",
            "WaitWithoutCallback",
        ),
    ]
    for name in ("AwaitWithdrawal", "CheckForDecision"):
        assert STATES[name]["Catch"][-1]["Next"] == "CheckFailed", name
    # An approval that is over by what is known may have been extended, but not for ever.
    doubtful = "$decision.status = 'approved' and $toMillis($decision.expiresAt) + 600000"
    assert rules("CheckFailed")[:2] == [
        ("$decision.status = 'withdrawn'", "TagStatus"),
        (f"{doubtful} <= $millis()", "TagStatus"),
    ]
    assert rules("CheckFailed")[2][0].startswith("$decision.status = 'approved' or ")
    assert rules("CheckFailed")[2][1] == "WaitWithoutCallback"
    assert STATES["WaitWithoutCallback"]["Next"] == "CheckForDecision"


def test_the_wait_without_a_callback_doubles_and_is_reset_after_success():
    wait = STATES["WaitWithoutCallback"]

    # 15 seconds at first, doubling up to a day; never past an approval's expiry, and 15 seconds
    # after it, until it is known whether there is an extension.
    assert wait["Assign"] == {"pause": "{% $min([2 * $pause, 1382400]) %}"}
    assert wait["Seconds"] == (
        "{% $min([$pause, 86400,"
        " $status = 'approved' and $decision.status = 'approved'"
        " and $toMillis($decision.expiresAt) <= $millis() ? 15 :"
        " $decision.status = 'approved' and $toMillis($decision.expiresAt) > $millis()"
        " ? $max([1, $ceil((($toMillis($decision.expiresAt)) - $millis()) / 1000)]) : $pause]) %}"
    )
    for name in ("AwaitDecision", "AwaitWithdrawal"):
        assert STATES[name]["Assign"] == {"pause": 15}, name
        assert STATES[name]["Catch"][0]["Assign"] == {"pause": 15}, name
    assert STATES["TagStatus"]["Assign"]["pause"] == 15


def test_the_tag_that_ends_an_approval_is_retried_for_days():
    """Until then the version stays deployable; for a deleted version it can never succeed."""
    pause, waited = 15, 0
    while pause < 1_382_400:
        waited += min(pause, 86_400)
        pause *= 2

    assert waited > 5 * 24 * 3600


def test_an_approval_that_cannot_be_tagged_is_reported_once():
    [(condition, target), *_] = rules("TagFailed")

    assert condition == "$status = 'approved' and $event != 'approval-delayed'"
    assert target == "PublishCard"
    assert STATES["TagFailed"]["Choices"][0]["Assign"]["event"] == "approval-delayed"


def test_a_wait_with_a_deadline_has_few_retries():
    """Each retry restarts its timeout."""
    timed_out, other = STATES["AwaitWithdrawal"]["Retry"]

    assert timed_out == {"ErrorEquals": ["States.Timeout"], "MaxAttempts": 0}
    longest = sum(other["IntervalSeconds"] * 2**n for n in range(other["MaxAttempts"]))
    assert longest < 10


def test_each_wait_stores_its_token_by_the_function_that_looks_for_the_answer():
    """Otherwise an answer between the check and the wait would be missed."""
    waits = {
        name: state["Arguments"]["FunctionName"]
        for name, state in STATES.items()
        if "waitForTaskToken" in state.get("Resource", "")
    }

    assert waits == dict.fromkeys(("AwaitDecision", "AwaitWithdrawal"), "callback")


@pytest.mark.parametrize(
    ("waits", "escalated", "until"),
    [
        ({"escalate": 0}, True, 0),
        ({"escalate": 72 * 3600}, True, 0),
        ({"escalate": 1800}, False, 1_800_000),
    ],
)
def test_a_request_is_escalated_if_its_deadline_allows_it(
    waits: dict[str, int], escalated: bool, until: int
):
    states = definition(
        NAMES, build_seconds=1, waits=replace(WAITS, **waits), failure_emails=False
    )["States"]

    assert states["OpenScan"]["Assign"]["escalated"] is escalated
    assert f"($escalated ? 0 : {until})" in states["AwaitDecision"]["TimeoutSeconds"]


def test_builds_and_decisions_have_the_configured_timeouts():
    assert STATES["Scan"]["TimeoutSeconds"] == 3600
    assert STATES["AwaitDecision"]["TimeoutSeconds"] == (
        "{% $max([1, $ceil((($toMillis($expiresAt) - ($escalated ? 0 : 43200000))"
        " - $millis()) / 1000)]) %}"
    )
    assert STATES["AwaitWithdrawal"]["TimeoutSeconds"] == (
        "{% $max([1, $ceil((($toMillis($decision.expiresAt) - ($reminded ? 0 : 86400000))"
        " - $millis()) / 1000)]) %}"
    )
    for name in ("AwaitDecision", "AwaitWithdrawal"):
        assert STATES[name]["Retry"][0] == {"ErrorEquals": ["States.Timeout"], "MaxAttempts": 0}
        assert STATES[name]["Catch"][0]["ErrorEquals"] == ["States.Timeout"]
    assert "$millis() + 259200000" in STATES["CheckBuildStatus"]["Assign"]["expiresAt"]


def test_every_variable_is_assigned_on_every_path_to_its_use():
    """A variable that one path does not assign would fail on that path only."""
    assigned: dict[str, set[str]] = {MACHINE["StartAt"]: set()}
    ahead = [MACHINE["StartAt"]]
    while ahead:
        name = ahead.pop()
        state = STATES[name]
        for step in [state, *state.get("Choices", []), *state.get("Catch", [])]:
            for target in [step.get("Next"), step.get("Default")]:
                if target is None:
                    continue
                known = assigned[name] | set(step.get("Assign", {}))
                before = assigned.get(target)
                merged = known if before is None else before & known
                if merged != before:
                    assigned[target] = merged
                    ahead.append(target)

    for name, state in STATES.items():
        called = r"\$([a-z0-9]+)\b(?!\()"
        bound = {"states", *re.findall(r"\$(\w+) :=", json.dumps(state))}
        read = set(re.findall(called, json.dumps(state), re.IGNORECASE)) - bound
        assert read <= assigned[name], name


def test_outside_text_is_escaped_before_it_is_sent_to_slack():
    sources = [
        value
        for state in STATES.values()
        for rule in state.get("Catch", [])
        for name, value in rule.get("Assign", {}).items()
        if name in ("errorText", "card") and "errorOutput" in value
    ]

    # All except Scan's, whose failure is evaluated; Notify has a text and a card.
    assert len(sources) == len(TASKS)
    for source in sources:
        assert all(escaped in source for escaped in ("'&amp;'", "'&lt;'", "'&gt;'"))


def test_no_card_suggests_a_redrive_that_would_fail_again():
    """A redrive resumes at the failed state, which here is PipelineError, a Fail state."""
    card = STATES["DescribeError"]["Assign"]["card"]

    assert "redrive" not in card
    assert "upload the zip again" in card


@pytest.mark.parametrize(
    "key",
    [
        "payments/api.zip", "payments.zip", "no app's name/a.zip", "<!here>.zip", f"{'a' * 65}/b",
        "payments\n/api.zip", "payments.zip\n/a", "payments\r\n/api.zip", "payments.zip/a.zip",
        "payments.zip.zip", "a/b.zip/c.zip",
    ],
)  # fmt: skip
def test_an_upload_that_could_not_be_opened_has_the_name_of_its_scan_on_the_card(key):
    caught = STATES["OpenScan"]["Catch"][-1]
    expression = caught["Assign"]["scan"].removeprefix("{%").removesuffix("%}")
    event = {"detail": {"object": {"key": key, "version-id": "v1"}}, "attempt": 2}

    named = jsonata.Jsonata(expression.replace("$states.input", "$")).evaluate(event)

    assert caught["Next"] == "DescribeError"
    assert named == {"app": app_of(key), "scan": scan_id(app_of(key), "v1", 2)}
