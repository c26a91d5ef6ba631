"""Each AWS call of the whole way fails in one way or another: nothing lost, doubled or silent."""

from collections import defaultdict

import pytest

from tests.faults import trial
from tests.faults.calls import Call
from tests.faults.injection import FAULTS
from tests.faults.trial import ON_EACH_WAY, Trial
from tests.local.conftest import change_states


@pytest.fixture(scope="module")
def course():
    with trial.course() as running:
        yield running


def test_each_call_of_the_whole_way_survives_a_fault(course):
    faults = [each for each in FAULTS if not each.startswith("killed")]
    way_of = {each.call: each.way for each in reversed(course.trials())}
    sample = [
        Trial(way, call, faults[number % len(faults)])
        for number, (call, way) in enumerate(way_of.items())
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


OVERCOME = [
    ("passed", "state machine", "StartBuild", "after"),
    ("passed", "scan", "PutObject report.json", "after"),
    ("nobody", "state machine", "Invoke announce escalated", "refused"),
    ("superseded", "supersede", "PutObject decision.json", "refused"),
    ("overtaken", "supersede", "ListObjectVersions", "refused"),
    ("overtaken", "callback", "SendTaskSuccess", "after"),
    ("withdrawn", "callback", "PutObject the token of the exception", "a while"),
    ("hasty", "state machine", "GetObject withdrawal.json", "a while"),
    ("recalled", "state machine", "GetObject withdrawal.json", "a while"),
    ("late", "state machine", "GetObject withdrawal.json", "a while"),
    ("late", "callback", "GetObject withdrawal.json", "a while"),
]


def test_what_could_be_told_as_trouble_is_overcome(course):
    trials = [Trial(way, Call(who, what), fault) for way, who, what, fault in OVERCOME]

    results = list(course.run(trials))

    assert [(each.trial, each.why) for each in results if each.outcome != trial.SAME] == []
    assert len(results) == len(OVERCOME)


@pytest.mark.parametrize("way", ["superseded", "overtaken"])
def test_the_request_of_a_replaced_version_closes_without_a_press(course, way):
    assert course.clean[way].answers == []
    assert course.clean[way].clearance == ["superseded", "passed"]


@pytest.mark.parametrize("way", ["hasty", "recalled"])
def test_what_is_withdrawn_at_once_is_told_as_withdrawn_only(course, way):
    assert set(course.clean[way].cards) == {"quality gate failed", "approval withdrawn"}
    assert course.clean[way].clearance == ["withdrawn"]


def test_each_way_of_a_call_has_faults_that_last_and_the_first_way_has_all(course):
    call = Call("state machine", "GetObject withdrawal.json")

    faults = defaultdict(list)
    for each in course.trials():
        if each.call == call:
            faults[each.way].append(each.fault)

    assert faults.pop("approved") == [each for each in FAULTS if not each.startswith("killed")]
    ways = ("withdrawn", "hasty", "recalled", "late")
    assert faults == {way: [*ON_EACH_WAY] for way in ways}


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
