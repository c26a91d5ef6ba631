"""Each AWS call of a lifecycle meets a fault: nothing is lost, doubled or unreported."""

from collections import defaultdict

import pytest

from tests.faults.calls import Call
from tests.faults.fault_run import IN_EACH_LIFECYCLE, SAME, WRONG, FaultCase, start_run
from tests.faults.injection import FAULTS
from tests.support.account import changed_states

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run():
    with start_run() as running:
        yield running


def test_each_call_of_the_whole_lifecycle_survives_a_fault(run):
    faults = [
        fault for fault in FAULTS if not fault.startswith("killed") and fault != "error after"
    ]
    lifecycle_of = {case.call: case.lifecycle for case in reversed(run.cases())}
    sample = [
        FaultCase(lifecycle, call, faults[number % len(faults)])
        for number, (call, lifecycle) in enumerate(lifecycle_of.items())
    ]

    results = list(run.try_all(sample))

    assert [result for result in results if result.outcome == WRONG] == []
    assert {result.case.call.who for result in results} >= {
        "EventBridge", "state machine", "CodeBuild", "scan", "check-build-status", "open-scan",
        "Slack channel", "approval", "notify", "rescan", "callback",
    }  # fmt: skip


@pytest.mark.parametrize("who", ["scan", "check-build-status", "approval", "notify"])
def test_a_crash_after_a_write_is_survived(run, who):
    last = {
        "scan": "PutObject report.json",
        "check-build-status": "PutObject gate-result.json",
        "approval": "PutObject decision.json",
        "notify": "SendEmail",
    }[who]

    [result] = run.try_all([FaultCase("rejected", Call(who, last), "killed after")])

    assert result.outcome != WRONG, result.why


OVERCOME = [
    ("passed", "state machine", "StartBuild", "after"),
    # Started, although CodeBuild answered with an error: the token keeps it from starting twice.
    ("passed", "state machine", "StartBuild", "error after"),
    ("passed", "state machine", "StartBuild", "throttled"),
    ("passed", "scan", "PutObject report.json", "after"),
    ("nobody", "state machine", "Invoke notify escalated", "refused"),
    ("superseded", "open-scan", "PutObject decision.json", "refused"),
    ("overtaken", "open-scan", "ListObjectVersions", "refused"),
    ("overtaken", "callback", "SendTaskSuccess", "after"),
    ("withdrawn", "callback", "PutObject the token of the exception", "a while"),
    ("withdrawn_at_once", "state machine", "Invoke callback look", "a while"),
    ("withdrawn_at_once", "callback", "GetObject withdrawal.json", "a while"),
    ("recalled", "callback", "GetObject withdrawal.json", "a while"),
    ("late", "state machine", "Invoke callback look", "a while"),
    ("late", "callback", "GetObject withdrawal.json", "a while"),
]


def test_errors_that_could_be_reported_are_recovered_from(run):
    cases = [
        FaultCase(lifecycle, Call(who, what), fault) for lifecycle, who, what, fault in OVERCOME
    ]

    results = list(run.try_all(cases))

    assert [(result.case, result.why) for result in results if result.outcome != SAME] == []
    assert len(results) == len(OVERCOME)


@pytest.mark.parametrize("lifecycle", ["superseded", "overtaken"])
def test_the_request_of_a_replaced_version_closes_without_a_click(run, lifecycle):
    assert run.clean[lifecycle].answers == []
    assert run.clean[lifecycle].clearance == ["superseded", "passed"]


@pytest.mark.parametrize("lifecycle", ["withdrawn_at_once", "recalled"])
def test_an_immediate_withdrawal_is_reported_as_withdrawn_only(run, lifecycle):
    assert set(run.clean[lifecycle].cards) == {"quality gate failed", "approval withdrawn"}
    assert run.clean[lifecycle].clearance == ["withdrawn"]


def test_each_lifecycle_of_a_call_has_lasting_faults_and_the_first_has_all(run):
    call = Call("callback", "GetObject withdrawal.json")

    faults = defaultdict(list)
    for case in run.cases():
        if case.call == call:
            faults[case.lifecycle].append(case.fault)

    assert faults.pop("withdrawn") == [fault for fault in FAULTS if fault != "error after"]
    lifecycles = ("withdrawn_at_once", "recalled", "late")
    assert faults == {lifecycle: [*IN_EACH_LIFECYCLE] for lifecycle in lifecycles}


def test_a_silently_failing_call_is_found(run):
    def say_nothing(name, state):
        if name == "PublishOutcome":
            state["Catch"] = [{"ErrorEquals": ["States.ALL"], "Next": "Done"}]

    published = Call("state machine", "Publish “rejected”")

    with changed_states(run.cloud, say_nothing):
        [result] = run.try_all([FaultCase("rejected", published, "refused")])

    assert result.outcome == WRONG
    assert "silent" in result.why[0]


@pytest.mark.parametrize("fault", ["after", "error after"])
def test_a_second_build_is_found(run, fault):
    def forget_the_token(name, state):
        if name == "Scan":
            state["Arguments"]["IdempotencyToken"] = "{% $string($random()) %}"

    started = Call("state machine", "StartBuild")

    with changed_states(run.cloud, forget_the_token):
        [result] = run.try_all([FaultCase("passed", started, fault)])

    assert result.outcome == WRONG
    assert "2 builds" in result.why[0]
