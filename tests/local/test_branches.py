"""Every branch of the state machine is taken, with builds and functions that answer at once."""

import json
import re
import time
from pathlib import Path

import pytest

from local.cloud import Cloud
from tests.local.conftest import change_states, crash, no_patience

WAIT = 2


REMIND = 10
ROOT = Path(__file__).parents[2]
# The rows of docs/cost.md, by the ways below.
BILLED = {
    "passed": "passed",
    "broken": "broken",
    "rejected": "rejected",
    "nobody": "nobody decided, after a call",
    "reminded": "approved, reminded of, ended",
    "repeated event": "event that came twice: the second",
}
OPENING = {
    "version": "1.0",
    "source": "custom",
    "content": {"description": "many"},
    "metadata": {"threadId": "flood/1"},
}


@pytest.fixture(scope="module")
def cloud():
    waits = {"decisionWindow": "60s", "escalateBefore": "30s", "exceptionPeriod": "60s"}
    with Cloud({**waits, "remindBefore": f"{REMIND}s"}) as running:
        yield running


@pytest.fixture(scope="module", autouse=True)
def quick(cloud):
    def hurry(name, state):
        no_patience(name, state)
        if name in ("AwaitDecision", "AwaitLateDecision"):
            state["TimeoutSeconds"] = WAIT
        if name == "HoldBlind":
            state["Seconds"] = 1

    change_states(cloud, hurry)


@pytest.fixture(scope="module")
def visited():
    return set()


@pytest.fixture(scope="module")
def counted():
    """How many states each way took, by its name."""
    return {}


@pytest.fixture
def way(cloud, replaced, monkeypatch, visited):
    """Send an upload on its way, answered as told; return the states that it took."""

    def go(
        judged,
        decided=None,
        announce=None,
        key=None,
        build="SUCCEEDED",
        again=False,
        newer=False,
        after="AwaitDecision",
        hold=6,
        withdraw=None,
        thread=None,
        opening=None,
    ):
        def run(build_, project, overrides):
            build_["BuildStatus"] = build
            cloud.builds._ended[build_["Id"]].set()

        def judge(payload):
            event = json.loads(payload)
            card = {"version": "1.0", "source": "custom", "content": {"description": "why"}}
            answer = {"status": judged, "card": card, "told": event}
            answer |= {"reason": "why", "digest": "d" * 64, "opening": opening}
            answer |= {"thread": thread or event["scan"]}
            if newer and not uploads:
                uploads.append(cloud.upload(event["upload"]["key"], b"newer"))
            return json.dumps(answer), False, ""

        def tell(payload):
            card = {"version": "1.0", "source": "custom", "content": {"description": payload}}
            return json.dumps({"card": card}), False, ""

        uploads: list[str] = []
        monkeypatch.setattr(cloud.builds, "_run", run)
        replaced(cloud, "check-build-status", crash if judged == "crash" else judge)
        replaced(cloud, "announce", announce or tell)
        # Another key each time: an upload closes the requests of the versions before it.
        scan = cloud.upload(key or f"app/{time.monotonic_ns()}.zip", b"zip")
        execution = cloud.execution(scan)
        if decided:
            cloud.reached(execution, after)
            decide(cloud, scan, decided, hold)
        if withdraw:
            cloud.reached(execution, withdraw)
            leave(cloud, scan, "withdrawal.json", {"scan": scan, "reason": "r"})
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


def decide(cloud, scan, verdict, seconds):
    until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))
    leave(
        cloud,
        scan,
        "decision.json",
        {"scan": scan, "verdict": verdict, "reason": "r", "until": until},
    )


def leave(cloud, scan, name, document):
    """Write evidence as a click does; S3's event about it wakes the execution."""
    cloud.client("s3").put_object(
        Bucket=cloud.outputs["artifactsBucket"],
        Key=f"scans/{scan}/{name}",
        Body=json.dumps(document),
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
            {"judged": "error", "thread": "flood/1", "opening": OPENING},
            ["Judge", "TellFlood", "Blocked", "MarkBroken", "TellBroken", "Broken"],
        ),
        (
            {"judged": "failed", "thread": "flood/1", "decided": "rejected", "announce": crash},
            [
                "Judge",
                "LetFloodBegin",
                "Blocked",
                "MarkFailed",
                "TellFailed",
                "AwaitDecision",
                "ReadDecision",
                "Decided",
                "MarkRejected",
                "AnnounceRejected",
                "TellUnsentRejected",
                "Rejected",
            ],
        ),
        (
            {"judged": "failed", "decided": "approved"},
            [
                "ReadDecision",
                "Decided",
                "ReadWithdrawal",
                "HoldException",
                "ClearApproved",
                "AnnounceApproved",
                "StillApproved",
                "TellApproved",
                "HoldException",
                "HoldToEnd",
                "ReadWithdrawal",
                "HoldException",
                "MarkEnded",
                "AnnounceEnded",
                "TellEnded",
                "Ended",
            ],
        ),
        (
            {"judged": "failed", "decided": "approved", "announce": crash},
            ["HoldException", "MarkEnded", "AnnounceEnded", "TellUnsentEnded", "Ended"],
        ),
        (
            {"judged": "failed", "decided": "approved", "hold": REMIND + 6},
            [
                "AnnounceEnding",
                "StillEnding",
                "TellEnding",
                "HoldToEnd",
                "ReadWithdrawal",
                "HoldException",
                "MarkEnded",
                "AnnounceEnded",
                "TellEnded",
                "Ended",
            ],
        ),
        (
            {"judged": "failed", "decided": "approved", "hold": REMIND + 6, "announce": crash},
            [
                "AnnounceEnding",
                "TellUnsentEnding",
                "HoldToEnd",
                "ReadWithdrawal",
                "HoldException",
                "MarkEnded",
                "AnnounceEnded",
                "TellUnsentEnded",
                "Ended",
            ],
        ),
        (
            {"judged": "failed", "decided": "approved", "hold": 60, "withdraw": "HoldToReminder"},
            [
                "HoldToReminder",
                "ReadWithdrawal",
                "MarkWithdrawn",
                "AnnounceWithdrawn",
                "TellWithdrawn",
                "Withdrawn",
            ],
        ),
        (
            {
                "judged": "failed",
                "decided": "approved",
                "hold": 60,
                "withdraw": "HoldToReminder",
                "announce": crash,
            },
            ["MarkWithdrawn", "AnnounceWithdrawn", "TellUnsentWithdrawn", "Withdrawn"],
        ),
        (
            {"judged": "failed", "decided": "rejected", "after": "AwaitLateDecision"},
            [
                "AwaitLateDecision",
                "ReadDecision",
                "Decided",
                "MarkRejected",
                "AnnounceRejected",
                "TellRejected",
                "Rejected",
            ],
        ),
        (
            {"judged": "failed", "newer": True},
            [
                "AwaitDecision",
                "ReadDecision",
                "Decided",
                "MarkSuperseded",
                "AnnounceSuperseded",
                "TellSuperseded",
                "Superseded",
            ],
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
        "begins a flood",
        "in a flood",
        "approved",
        "approved, no mail",
        "reminded",
        "reminded, no mail",
        "withdrawn",
        "withdrawn, no mail",
        "decided late",
        "moot",
        "rejected",
        "rejected, no mail",
        "nobody",
        "nobody, no mail",
    ],
)
def test_the_way_ends_as_it_was_judged_and_decided(way, told, last, request, counted):
    states = way(**told)

    counted[request.node.callspec.id] = len(states)
    assert states[-len(last) :] == last


def test_the_docs_bill_the_states_that_were_taken(counted):
    """After the ways above."""
    table = (ROOT / "docs" / "cost.md").read_text().split("## State transitions")[1]
    billed = {
        way: (int(states), float(price))
        for way, states, price in re.findall(r"^\| (.+?) \| (\d+) \| ([\d.]+) \|$", table, re.M)
    }

    assert billed == {
        BILLED[name]: (counted[name], round(counted[name] * 0.025, 3)) for name in BILLED
    }


def test_what_the_state_machine_tells_itself_stands_in_the_thread_of_the_flood(cloud):
    """After the ways above: one began a flood, and another's email could not be sent."""
    shown = [card for card in cloud.channel.cards if card.thread == "flood/1"]

    assert [card.description for card in shown if card.raw == OPENING] == ["many"]
    assert ["could not be sent" in card.title for card in shown if card.raw != OPENING] == [True]
    assert cloud.channel.dropped == []


def test_every_state_was_taken(cloud, visited):
    text = cloud.client("stepfunctions").describe_state_machine(
        stateMachineArn=cloud.outputs["stateMachine"]
    )["definition"]

    missing = json.loads(text)["States"].keys() - visited
    # What fails after an approval has tests of its own, below.
    assert missing == {"HoldUnsure", "HoldBlind", "TellUncleared", "ClearAgain"}


def break_call(cloud, broken, **arguments):
    """Let the state ``broken`` ask for what is not there."""

    def change(name, state):
        if name == broken:
            state["Arguments"] |= arguments

    change_states(cloud, change)


def test_what_could_not_be_cleared_at_first_is_cleared_later_and_told_once(cloud, way):
    break_call(cloud, "ClearApproved", Bucket="no-such-bucket")

    states = way(judged="failed", decided="approved", hold=10)

    first = states.index("ClearApproved")
    assert states[first : first + 8] == [
        "ClearApproved",
        "TellUncleared",
        "HoldUnsure",
        "HoldBlind",
        "ReadWithdrawal",
        "HoldException",
        "ClearAgain",
        "AnnounceApproved",
    ]
    assert states[-4:] == ["MarkEnded", "AnnounceEnded", "TellEnded", "Ended"]
    told = [card for card in cloud.channel.cards if "not cleared yet" in card.title]
    assert len(told) == 1
    assert "scan-status could not be set" in told[0].description


def test_a_hold_whose_token_cannot_be_left_still_ends(cloud, way):
    break_call(cloud, "HoldToEnd", FunctionName="no-such-function")

    states = way(judged="failed", decided="approved", hold=8)

    assert states[-4:] == ["MarkEnded", "AnnounceEnded", "TellEnded", "Ended"]
    first = states.index("HoldToEnd")
    assert states[first : first + 5] == [
        "HoldToEnd",
        "HoldUnsure",
        "HoldBlind",
        "ReadWithdrawal",
        "HoldException",
    ]
