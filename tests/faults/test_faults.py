"""Each AWS call of the whole way fails in one way or another: nothing lost, doubled or silent."""

import pytest

from tests.faults import trial
from tests.faults.calls import Call
from tests.faults.injection import FAULTS
from tests.faults.trial import Trial
from tests.local.conftest import change_states


@pytest.fixture(scope="module")
def course():
    with trial.course() as running:
        yield running


def test_each_call_of_the_whole_way_survives_a_fault(course):
    faults = [each for each in FAULTS if not each.startswith("killed")]
    by_call = {each.call: each for each in course.trials()}
    sample = [
        Trial(each.way, call, faults[number % len(faults)])
        for number, (call, each) in enumerate(by_call.items())
    ]

    results = list(course.run(sample))

    assert [each for each in results if each.outcome == trial.WRONG] == []
    assert {each.trial.call.who for each in results} >= {
        "EventBridge", "state machine", "CodeBuild", "scan", "check-build-status", "supersede",
        "Slack channel", "approval", "announce", "rescan",
    }  # fmt: skip


@pytest.mark.parametrize("who", ["scan", "check-build-status", "approval", "announce"])
def test_a_death_after_a_write_is_survived(course, who):
    last = {
        "scan": "PutObject report.json",
        "check-build-status": "PutObject verdict.json",
        "approval": "PutObject decision.json",
        "announce": "SendEmail",
    }[who]

    [result] = course.run([Trial("rejected", Call(who, last), "killed after")])

    assert result.outcome != trial.WRONG, result.why


@pytest.mark.parametrize(
    ("way", "who", "what", "fault"),
    [
        ("passed", "state machine", "StartBuild", "after"),
        ("passed", "scan", "PutObject report.json", "after"),
        ("nobody", "state machine", "Invoke announce escalated", "refused"),
        ("superseded", "supersede", "PutObject decision.json", "refused"),
    ],
)
def test_what_could_be_told_as_trouble_is_overcome(course, way, who, what, fault):
    [result] = course.run([Trial(way, Call(who, what), fault)])

    assert result.outcome == trial.SAME, result.why


def test_a_call_that_fails_in_silence_is_found(course):
    def say_nothing(name, state):
        if name == "TellRejected":
            state["Catch"] = [{"ErrorEquals": ["States.ALL"], "Next": "Rejected"}]

    change_states(course.cloud, say_nothing)
    told = Call("state machine", "Publish “rejected”")

    [result] = course.run([Trial("rejected", told, "refused")])

    assert result.outcome == trial.WRONG
    assert "silent" in result.why[0]


def test_a_second_build_is_found(course):
    def forget_the_token(name, state):
        if name == "Scan":
            state["Arguments"]["IdempotencyToken"] = "{% $string($random()) %}"

    change_states(course.cloud, forget_the_token)

    [result] = course.run([Trial("passed", Call("state machine", "StartBuild"), "after")])

    assert result.outcome == trial.WRONG
    assert "2 builds" in result.why[0]
