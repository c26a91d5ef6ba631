"""The definition's shape; that it does what it should is shown by executing it."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser

from components.state_machine import Waits, definition
from components.states import Names

NAMES = Names(
    project="scan-1",
    artifacts="artifacts-1",
    topic_arn="arn:topic",
    escalation_topic="arn:on-call",
    supersede="arn:supersede",
    callback="arn:callback",
    check_build_status="arn:check",
    announce="arn:announce",
    region="eu-central-1",
)
WAITS = Waits(decide=7200, escalate=1800, remind=3600, who=30)
MACHINE = definition(NAMES, build_seconds=3600, waits=WAITS)
STATES: dict[str, dict[str, Any]] = MACHINE["States"]
TASKS = [name for name, state in STATES.items() if state["Type"] == "Task"]
ENDS = {"Succeed", "Fail"}


def nexts(state: dict[str, Any]) -> Iterator[str]:
    """Where a state may go."""
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


def test_it_is_valid_amazon_states_language():
    AmazonStateLanguageParser.parse(json.dumps(MACHINE))


def test_a_broken_definition_would_not_be_parsed():
    """Shows that the parser of the test above looks."""
    broken = {**MACHINE, "States": {**STATES, "Open": {"Type": "Taks"}}}

    with pytest.raises(Exception, match="Taks"):
        AmazonStateLanguageParser.parse(json.dumps(broken))


def test_every_next_exists_and_every_state_is_reached():
    assert {each for state in STATES.values() for each in nexts(state)} <= set(STATES)
    assert reachable(MACHINE["StartAt"]) == set(STATES)


def test_every_state_goes_on_or_ends():
    for name, state in STATES.items():
        assert (state["Type"] in ENDS) != bool(list(nexts(state))), name


def test_every_choice_has_a_default():
    choices = {name: state for name, state in STATES.items() if state["Type"] == "Choice"}

    assert choices
    assert [name for name, state in choices.items() if "Default" not in state] == []


@pytest.mark.parametrize("name", TASKS)
def test_every_task_is_tried_again_and_any_failure_is_caught(name: str):
    task = STATES[name]

    assert task["Retry"], name
    assert all(0 <= each.get("MaxAttempts", 3) <= 200 for each in task["Retry"])
    assert all(
        each.get("JitterStrategy") == "FULL" for each in task["Retry"] if "BackoffRate" in each
    )
    assert task["Catch"][-1]["ErrorEquals"] == ["States.ALL"]
    # Step Functions wants States.ALL alone and last.
    for rules in (task["Retry"], task["Catch"]):
        for rule in rules[:-1]:
            assert "States.ALL" not in rule["ErrorEquals"]


def test_hiccups_of_every_task_are_retried_but_a_failed_build_is_not():
    retried = {
        name: {error for each in STATES[name]["Retry"] for error in each["ErrorEquals"]}
        for name in TASKS
    }

    assert {name for name, errors in retried.items() if "States.ALL" not in errors} == {"Scan"}
    assert retried["Scan"] == {
        "CodeBuild.AccountLimitExceededException",
        "CodeBuild.AWSCodeBuildException",
        "CodeBuild.CodeBuildException",
        "CodeBuild.SdkClientException",
    }


def test_a_build_that_is_asked_for_twice_is_started_once():
    token = STATES["Scan"]["Arguments"]["IdempotencyToken"]

    # The same in each try of an execution, and in no other execution.
    assert token == "{% $states.context.Execution.Name %}"


def test_a_full_codebuild_is_waited_for_for_hours():
    full = STATES["Scan"]["Retry"][0]
    waits, wait = 0.0, float(full["IntervalSeconds"])
    for _ in range(full["MaxAttempts"]):
        waits += min(wait, full["MaxDelaySeconds"])
        wait *= full["BackoffRate"]

    assert full["ErrorEquals"] == ["CodeBuild.AccountLimitExceededException"]
    # Full jitter waits half of it on average.
    assert waits / 2 > 4 * 3600


def test_no_way_ends_without_a_message_but_a_pass_and_a_repeated_event():
    """Take away every state that publishes: only these ends can still be reached."""
    publishing = frozenset(
        name for name in TASKS if STATES[name]["Resource"].endswith(":sns:publish")
    )
    silent = {
        name
        for name in reachable(MACHINE["StartAt"], without=publishing)
        if STATES[name]["Type"] in ENDS
    }

    assert silent == {"Passed", "Repeated"}


def test_what_cannot_be_published_ends_as_trouble_and_never_as_success():
    for name in TASKS:
        if STATES[name]["Resource"].endswith(":sns:publish"):
            elsewhere = name == "TellEscalatedElsewhere"
            topic = NAMES.escalation_topic if elsewhere else NAMES.topic_arn
            assert STATES[name]["Arguments"]["TopicArn"] == topic
            caught = STATES[name]["Catch"][-1]["Next"]
            # What runs must go on to its end, whoever hears of it.
            leads = {
                "TellTrouble": "Trouble",
                "TellFlood": "Blocked",
                "TellUncleared": "HoldUnsure",
                "TellApproved": "HoldException",
                "TellUnsentApproved": "HoldException",
                "TellEnding": "HoldToEnd",
                "TellUnsentEnding": "HoldToEnd",
                "TellEscalated": "TellEscalatedElsewhere",  # who is on call hears of it
                "TellEscalatedElsewhere": "AwaitLateDecision",
            }
            assert caught == leads.get(name, "TellTrouble")
    assert STATES["Trouble"]["Type"] == "Fail"


def test_evidence_is_written_once_and_what_stands_is_read_back():
    writes = {
        name: STATES[name] for name in TASKS if STATES[name]["Resource"].endswith("s3:putObject")
    }

    read_back = {
        "Open": "ReadOpened",
        "NobodyDecided": "ReadDecision",
    }
    assert set(writes) == set(read_back)
    for name, read in read_back.items():
        assert writes[name]["Arguments"]["IfNoneMatch"] == "*"
        assert set(nexts(writes[name])) == {read}
        assert STATES[read]["Arguments"]["Key"] == writes[name]["Arguments"]["Key"]


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("ClearPassed", "passed"),
        ("MarkBroken", "error"),
        ("MarkFailed", "failed"),
        ("ClearApproved", "approved"),
        ("ClearAgain", "approved"),
        ("MarkRejected", "rejected"),
        ("MarkExpired", "request-expired"),
        ("MarkEnded", "approval-expired"),
        ("MarkWithdrawn", "withdrawn"),
        ("MarkSuperseded", "superseded"),
    ],
)
def test_the_clearance_of_the_exact_version_is_tagged(state: str, status: str):
    assert STATES[state]["Arguments"] == {
        "Bucket": "{% $scan.bucket %}",
        "Key": "{% $scan.key %}",
        "VersionId": "{% $scan.versionId %}",
        "Tagging": {"TagSet": [{"Key": "scan-status", "Value": status}]},
    }


def test_only_a_passed_gate_and_an_approval_clear():
    """Every way into a clearing tag is a condition on the report or on the decision."""
    ways = {
        target: [name for name, state in STATES.items() if target in nexts(state)]
        for target in ("ClearPassed", "ClearApproved", "ClearAgain")
    }

    assert ways == {
        "ClearPassed": ["Judge"],
        "ClearApproved": ["HoldException"],
        "ClearAgain": ["HoldException"],
    }
    assert STATES["Judge"]["Choices"][0] == {
        "Condition": "{% $verdict.status = 'passed' %}",
        "Next": "ClearPassed",
    }
    assert STATES["Decided"]["Choices"][0] == {
        "Condition": "{% $decision.decision = 'approved' %}",
        "Assign": {"stage": "decided", "blind": 60},
        "Next": "ReadWithdrawal",
    }
    over, cleared, again = STATES["HoldException"]["Choices"][:3]
    assert over == {
        "Condition": "{% $toMillis($decision.expiresAt) <= $millis() %}",
        "Next": "MarkEnded",
    }
    assert cleared == {"Condition": "{% $stage = 'decided' %}", "Next": "ClearApproved"}
    assert again == {"Condition": "{% $stage = 'uncleared' %}", "Next": "ClearAgain"}
    assert STATES["Judge"]["Default"] == "Blocked"
    assert STATES["Blocked"]["Default"] == "MarkBroken"
    assert STATES["Decided"]["Default"] == "MarkExpired"


def test_nothing_that_fails_after_an_approval_lets_its_exception_run_on():
    ends = {name for name, state in STATES.items() if state["Type"] in ENDS}

    marked = frozenset({"MarkEnded", "MarkWithdrawn"})
    # S3 may have taken the tag although its answer was lost.
    assert reachable("ClearApproved", without=marked) & ends == set()
    for name in marked:
        [retry] = STATES[name]["Retry"]
        assert retry["MaxAttempts"] * retry["MaxDelaySeconds"] > 3 * 24 * 3600


@pytest.mark.parametrize("name", ["HearWhoApproved", "HoldToReminder", "HoldToEnd"])
def test_an_exception_whose_token_cannot_be_left_is_looked_at_again_and_ends(name: str):
    *late, failed = STATES[name]["Catch"]

    assert [each["ErrorEquals"] for each in late] == [["States.Timeout"]]
    assert failed["Next"] == "HoldUnsure"
    assert STATES["HoldUnsure"] == {
        "Type": "Choice",
        "Choices": [
            {"Condition": "{% $toMillis($decision.expiresAt) <= $millis() %}", "Next": "MarkEnded"}
        ],
        "Default": "HoldBlind",
    }
    # At first after a minute, then after twice as long each time, a day at most.
    assert STATES["HoldBlind"] == {
        "Type": "Wait",
        "Seconds": (
            "{% $max([1, $ceil(($min([$millis() + 1000 * $blind, $toMillis($decision.expiresAt)])"
            " - $millis()) / 1000)]) %}"
        ),
        "Assign": {"blind": "{% $min([86400, 2 * $blind]) %}"},
        "Next": "ReadWithdrawal",
    }
    assert STATES[name]["Assign"] == STATES[name]["Catch"][0]["Assign"] == {"blind": 60}


@pytest.mark.parametrize("name", ["HearWhoApproved", "HoldToReminder", "HoldToEnd"])
def test_a_wait_that_must_end_on_time_is_not_tried_again_for_long(name: str):
    """Its time begins anew with each try."""
    timed_out, other = STATES[name]["Retry"]

    assert timed_out == {"ErrorEquals": ["States.Timeout"], "MaxAttempts": 0}
    longest = sum(other["IntervalSeconds"] * 2**n for n in range(other["MaxAttempts"]))
    assert longest < 10


def test_only_s3_can_say_that_nothing_was_withdrawn():
    missing, other = STATES["ReadWithdrawal"]["Catch"]

    assert (missing["ErrorEquals"], missing["Next"]) == (
        ["S3.NoSuchKeyException"],
        "HoldException",
    )
    assert (other["ErrorEquals"], other["Next"]) == (["States.ALL"], "HoldUnsure")


def test_each_wait_leaves_its_token_by_the_function_that_looks_for_the_answer():
    """Else what comes between a look and a wait would be missed."""
    waits = {
        name: state["Arguments"]["FunctionName"]
        for name, state in STATES.items()
        if "waitForTaskToken" in state.get("Resource", "")
    }

    assert waits == dict.fromkeys(
        ("AwaitDecision", "AwaitLateDecision", "HearWhoApproved", "HoldToReminder", "HoldToEnd"),
        "arn:callback",
    )


@pytest.mark.parametrize(
    ("event", "after"),
    [
        ("Escalated", "AwaitLateDecision"),
        ("Approved", "HoldException"),
        ("Ending", "HoldToEnd"),
    ],
)
def test_what_is_not_true_any_more_is_not_published(event: str, after: str):
    assert STATES[f"Announce{event}"]["Next"] == f"Still{event}"
    assert STATES[f"Still{event}"] == {
        "Type": "Choice",
        "Choices": [{"Condition": "{% $told.card = null %}", "Next": after}],
        "Default": f"Tell{event}",
    }


@pytest.mark.parametrize(
    ("waits", "states"),
    [
        ({"escalate": 0}, {"AwaitDecision"}),
        ({"escalate": 7200}, {"AwaitDecision"}),
        ({"escalate": 1800}, {"AwaitDecision", "AwaitLateDecision", "AnnounceEscalated"}),
    ],
)
def test_a_request_is_escalated_where_there_is_time_to(waits: dict[str, int], states: set[str]):
    machine = definition(NAMES, build_seconds=1, waits=replace(WAITS, **waits))

    possible = {"AwaitDecision", "AwaitLateDecision", "AnnounceEscalated"}
    assert possible & machine["States"].keys() == states


def test_nobody_waits_to_hear_who_pressed_where_nobody_tells():
    machine = definition(NAMES, build_seconds=1, waits=replace(WAITS, who=0))

    assert not [name for name in machine["States"] if name.startswith("HearWho")]
    assert machine["States"]["ClearApproved"]["Next"] == "AnnounceApproved"


def test_builds_and_people_have_their_time_and_no_more():
    assert STATES["Scan"]["TimeoutSeconds"] == 3600
    waits = {name: state for name, state in STATES.items() if "Await" in name}
    assert {name: state["TimeoutSeconds"] for name, state in waits.items()} == {
        "AwaitDecision": (
            "{% $max([1, $ceil(($toMillis($expiresAt) - 1800000 - $millis()) / 1000)]) %}"
        ),
        "AwaitLateDecision": (
            "{% $max([1, $ceil(($toMillis($expiresAt) - 0 - $millis()) / 1000)]) %}"
        ),
    }
    for name, late in (
        ("AwaitDecision", "AnnounceEscalated"),
        ("AwaitLateDecision", "NobodyDecided"),
    ):
        assert STATES[name]["Retry"][0] == {"ErrorEquals": ["States.Timeout"], "MaxAttempts": 0}
        assert STATES[name]["Catch"][0] == {"ErrorEquals": ["States.Timeout"], "Next": late}
    assert "$millis() + 7200000" in STATES["CheckBuildStatus"]["Assign"]["expiresAt"]


def test_what_is_read_was_assigned_on_every_way_there():
    """A variable that some way leaves out would fail there, and only there."""
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
        local = {key: value for key, value in state.items() if key != "Assign"}
        called = r"\$([a-z]+)\b(?!\()"
        read = set(re.findall(called, json.dumps(local), re.IGNORECASE)) - {"states"}
        assert read <= assigned[name], name


def test_what_comes_from_outside_is_escaped_before_it_goes_to_slack():
    told = [state for state in STATES.values() if "$trouble" in json.dumps(state.get("Arguments"))]
    sources = [
        rule["Assign"]["trouble"]
        for state in STATES.values()
        for rule in state.get("Catch", [])
        if "trouble" in rule.get("Assign", {})
    ]

    assert told
    assert sources
    for source in sources:
        assert all(escaped in source for escaped in ("'&amp;'", "'&lt;'", "'&gt;'"))


def test_nobody_is_sent_into_a_redrive_which_would_only_fail_again():
    """A redrive goes on at the state that failed, and here that is Trouble, a Fail state."""
    assert set(nexts(STATES["TellTrouble"])) == {"Trouble"}
    assert "redrive" not in STATES["TellTrouble"]["Arguments"]["Message"]
    assert "upload the zip again" in STATES["TellTrouble"]["Arguments"]["Message"]
