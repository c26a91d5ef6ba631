"""Every branch of the state machine is taken, with builds and functions that answer at once."""

import json
import time

import pytest

from tests.local.conftest import change_states, crash, no_patience

WAITS = 2


@pytest.fixture(scope="module", autouse=True)
def quick(cloud):
    def hurry(name, state):
        no_patience(name, state)
        if name == "AwaitDecision":
            state["TimeoutSeconds"] = WAITS

    change_states(cloud, hurry)


@pytest.fixture(scope="module")
def visited():
    return set()


@pytest.fixture
def way(cloud, replaced, monkeypatch, visited):
    """Send an upload on its way, answered as told; return the states that it took."""

    def go(judged, decided=None, announce=None, key="app/x.zip", build="SUCCEEDED", again=False):
        def run(build_, project, overrides):
            build_["BuildStatus"] = build
            cloud.builds._ended[build_["Id"]].set()

        def judge(payload):
            event = json.loads(payload)
            card = {"version": "1.0", "source": "custom", "content": {"description": "why"}}
            answer = {"status": judged, "reason": "why", "card": card, "told": event}
            return json.dumps(answer), False, ""

        def tell(payload):
            card = {"version": "1.0", "source": "custom", "content": {"description": payload}}
            return json.dumps({"card": card}), False, ""

        monkeypatch.setattr(cloud.builds, "_run", run)
        replaced(cloud, "check-build-status", crash if judged == "crash" else judge)
        replaced(cloud, "announce", announce or tell)
        scan = cloud.upload(key, b"zip")
        execution = cloud.execution(scan)
        if decided:
            cloud.reached(execution, "AwaitDecision")
            decide(cloud, scan, decided)
        cloud.ended(execution)
        if again:
            event = cloud.client("stepfunctions").describe_execution(executionArn=execution)
            event = json.loads(event["input"])
            cloud.deliver(event)
            execution = cloud.others(event, execution, seconds=10)[0]
            cloud.ended(execution)
        visited.update(cloud.states(execution))
        return cloud.states(execution)

    return go


def decide(cloud, scan, verdict):
    s3, bucket = cloud.client("s3"), cloud.outputs["artifactsBucket"]
    waiting = s3.get_object(Bucket=bucket, Key=f"waiting/{scan}.json")["Body"].read()
    until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 1))
    decision = {"scan": scan, "verdict": verdict, "reason": "r", "until": until}
    s3.put_object(Bucket=bucket, Key=f"scans/{scan}/decision.json", Body=json.dumps(decision))
    cloud.client("stepfunctions").send_task_success(
        taskToken=json.loads(waiting)["token"], output="{}"
    )


@pytest.mark.parametrize(
    ("told", "last"),
    [
        ({"judged": "passed"}, ["ClearPassed", "Passed"]),
        ({"judged": "error"}, ["MarkBroken", "TellBroken", "Broken"]),
        ({"judged": "error", "build": "FAILED"}, ["MarkBroken", "TellBroken", "Broken"]),
        ({"judged": "error", "key": "a b/x.zip"}, ["MarkBroken", "TellBroken", "Broken"]),
        ({"judged": "passed", "again": True}, ["OpenedHere", "Repeated"]),
        ({"judged": "crash"}, ["CheckBuildStatus", "TellTrouble", "Trouble"]),
        (
            {"judged": "failed", "decided": "approved"},
            ["HoldException", "MarkEnded", "AnnounceEnded", "TellEnded", "Ended"],
        ),
        (
            {"judged": "failed", "decided": "approved", "announce": crash},
            ["HoldException", "MarkEnded", "AnnounceEnded", "TellUnsentEnded", "Ended"],
        ),
        (
            {"judged": "failed", "decided": "rejected"},
            ["MarkRejected", "AnnounceRejected", "TellRejected", "Rejected"],
        ),
        (
            {"judged": "failed", "decided": "rejected", "announce": crash},
            ["MarkRejected", "AnnounceRejected", "TellUnsentRejected", "Rejected"],
        ),
        (
            {"judged": "failed"},
            ["Decided", "MarkExpired", "AnnounceExpired", "TellExpired", "Expired"],
        ),
        (
            {"judged": "failed", "announce": crash},
            ["AnnounceExpired", "TellUnsentExpired", "Expired"],
        ),
    ],
    ids=[
        "passed",
        "broken",
        "build failed",
        "no app name",
        "repeated event",
        "no judge",
        "approved",
        "approved, no mail",
        "rejected",
        "rejected, no mail",
        "nobody",
        "nobody, no mail",
    ],
)
def test_the_way_ends_as_it_was_judged_and_decided(way, told, last):
    assert way(**told)[-len(last) :] == last


def test_every_state_was_taken(cloud, visited):
    text = cloud.client("stepfunctions").describe_state_machine(
        stateMachineArn=cloud.outputs["stateMachine"]
    )["definition"]

    assert json.loads(text)["States"].keys() - visited == set()
