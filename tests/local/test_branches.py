"""Every branch of the state machine is taken, with builds and functions that answer at once."""

import json
import re
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from local.cloud import Cloud
from tests.support.account import (
    change_states,
    changed_states,
    crash,
    disable_retries,
    replace_function,
)
from tests.support.thinning import few

WAIT = 2  # seconds in which nobody decides
REMIND = 10
ROOT = Path(__file__).parents[2]
# The rows of docs/cost.md, by the paths below.
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
    "metadata": {"threadId": "thread-slots/1"},
}


# What judges, decides and fails on the path, and the states in which it ends.
PATHS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "passed": (
        {"judged": "passed"},
        ["ClearPassed", "Passed"],
    ),
    "broken": (
        {"judged": "error"},
        ["MarkBroken", "TellBroken", "Broken"],
    ),
    "build failed": (
        {"judged": "error", "build": "FAILED"},
        ["MarkBroken", "TellBroken", "Broken"],
    ),
    "no app name": (
        {"judged": "error", "key": "a b/x.zip"},
        ["MarkBroken", "TellBroken", "Broken"],
    ),
    "repeated event": (
        {"judged": "passed", "again": True},
        ["OpenedHere", "Repeated"],
    ),
    "no judge": (
        {"judged": "crash"},
        ["CheckBuildStatus", "TellTrouble", "Trouble"],
    ),
    "begins a flood": (
        {"judged": "error", "thread": "thread-slots/1", "opening": OPENING},
        ["Judge", "TellFlood", "Blocked", "MarkBroken", "TellBroken", "Broken"],
    ),
    "in a flood": (
        {"judged": "failed", "thread": "thread-slots/1", "decided": "rejected", "announce": crash},
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
    "approved": (
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
    "approved, no mail": (
        {"judged": "failed", "decided": "approved", "announce": crash},
        ["HoldException", "MarkEnded", "AnnounceEnded", "TellUnsentEnded", "Ended"],
    ),
    "reminded": (
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
    "reminded, no mail": (
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
    "withdrawn": (
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
    "withdrawn, no mail": (
        {
            "judged": "failed",
            "decided": "approved",
            "hold": 60,
            "withdraw": "HoldToReminder",
            "announce": crash,
        },
        ["MarkWithdrawn", "AnnounceWithdrawn", "TellUnsentWithdrawn", "Withdrawn"],
    ),
    "decided late": (
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
    "moot": (
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
    "rejected": (
        {"judged": "failed", "decided": "rejected"},
        ["MarkRejected", "AnnounceRejected", "TellRejected", "Rejected"],
    ),
    "rejected, no mail": (
        {"judged": "failed", "decided": "rejected", "announce": crash},
        ["MarkRejected", "AnnounceRejected", "TellUnsentRejected", "Rejected"],
    ),
    "nobody": (
        {"judged": "failed"},
        ["Decided", "MarkExpired", "AnnounceExpired", "TellExpired", "Expired"],
    ),
    "nobody, no mail": (
        {"judged": "failed", "announce": crash},
        ["AnnounceExpired", "TellUnsentExpired", "Expired"],
    ),
}


@pytest.fixture(scope="module")
def cloud():
    waits = {"decisionWindow": "60s", "escalateBefore": "30s", "exceptionPeriod": "60s"}
    with Cloud({**waits, "remindBefore": f"{REMIND}s"}) as running:
        yield running


@pytest.fixture(scope="module", autouse=True)
def quick(cloud):
    def shorten_timeouts(name, state):
        disable_retries(name, state)
        # Only where nobody decides in time: a busy machine may take longer than that to click.
        if name == "AwaitDecision":
            state["TimeoutSeconds"] = f"{{% $scan.app in ['nobody', 'late'] ? {WAIT} : 60 %}}"
        if name == "AwaitLateDecision":
            state["TimeoutSeconds"] = f"{{% $scan.app = 'nobody' ? {WAIT} : 60 %}}"
        if name == "HoldBlind":
            state["Seconds"] = 1

    change_states(cloud, shorten_timeouts)


def walk(
    cloud: Cloud,
    judged: str,
    *,
    decided: str = "",
    announce: Any = None,
    key: str = "",
    build: str = "SUCCEEDED",
    again: bool = False,
    newer: bool = False,
    after: str = "AwaitDecision",
    hold: int = 6,
    withdraw: str = "",
    thread: str = "",
    opening: Any = None,
) -> list[str]:
    """Send an upload through the machine, answered as told; return the states that it took."""
    uploads: list[str] = []

    def run(build_: Any, project: Any, overrides: Any) -> None:
        build_["BuildStatus"] = build
        cloud.builds._ended[build_["Id"]].set()

    def judge(payload: str) -> tuple[str, bool, str]:
        event = json.loads(payload)
        card = {"version": "1.0", "source": "custom", "content": {"description": "why"}}
        answer = {"status": judged, "card": card, "told": event}
        answer |= {"reason": "why", "sha256": "d" * 64, "opening": opening}
        answer |= {"thread": thread or event["scan"]}
        if newer and not uploads:
            uploads.append(cloud.upload(event["upload"]["key"], b"newer"))
        return json.dumps(answer), False, ""

    def tell(payload: str) -> tuple[str, bool, str]:
        card = {"version": "1.0", "source": "custom", "content": {"description": payload}}
        return json.dumps({"card": card}), False, ""

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cloud.builds, "_run", run)
        replace_function(patch, cloud, "check-build-status", crash if judged == "crash" else judge)
        replace_function(patch, cloud, "announce", announce or tell)
        # Another key each time: an upload closes the requests of the versions before it.
        app = "app" if decided or newer else "nobody"
        app = "late" if after == "AwaitLateDecision" else app
        scan = cloud.upload(key or f"{app}/{time.monotonic_ns()}.zip", b"zip")
        execution = cloud.execution(scan)
        if decided:
            cloud.reached(execution, after)
            decide(cloud, scan, decided, hold)
        if withdraw:
            cloud.reached(execution, withdraw)
            leave(cloud, scan, "withdrawal.json", {"scan": scan, "reason": "r"})
        cloud.ended(execution)
        if again:
            described = cloud.client("stepfunctions").describe_execution(executionArn=execution)
            event = json.loads(described["input"])
            cloud.deliver(event)
            execution = cloud.others(event, execution, seconds=10)[0]
            cloud.ended(execution)
        return cloud.states(execution)


@pytest.fixture(scope="module")
def taken(cloud: Cloud) -> Callable[[str], list[str]]:
    """The states that a path of ``PATHS`` took, which is walked once for all tests."""
    return cache(lambda name: walk(cloud, **PATHS[name][0]))


def decide(cloud, scan, verdict, seconds):
    until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))
    leave(
        cloud,
        scan,
        "decision.json",
        {"scan": scan, "decision": verdict, "reason": "r", "expiresAt": until},
    )


def leave(cloud, scan, name, document):
    """Write evidence as a click does; S3's event about it wakes the execution."""
    cloud.client("s3").put_object(
        Bucket=cloud.outputs["artifactsBucket"],
        Key=f"scans/{scan}/{name}",
        Body=json.dumps(document),
    )


@pytest.mark.parametrize(
    "name",
    few(
        PATHS,
        [
            "passed", "broken", "repeated event", "in a flood", "approved", "withdrawn", "moot",
            "nobody",
        ],
    ),
)  # fmt: skip
def test_the_path_ends_as_it_was_judged_and_decided(taken, name):
    last = PATHS[name][1]

    assert taken(name)[-len(last) :] == last


@pytest.mark.slow
def test_the_docs_bill_the_states_that_were_taken(taken):
    table = (ROOT / "docs" / "cost.md").read_text().split("## State transitions")[1]
    billed = {
        way: (int(states), float(price))
        for way, states, price in re.findall(r"^\| (.+?) \| (\d+) \| ([\d.]+) \|$", table, re.M)
    }

    counted = {BILLED[name]: len(taken(name)) for name in BILLED}
    assert billed == {name: (count, round(count * 0.025, 3)) for name, count in counted.items()}


@pytest.mark.slow
def test_what_the_state_machine_tells_itself_stands_in_the_thread_of_the_flood(cloud, taken):
    """One scan begins a flood, and the email about another's decision cannot be sent."""
    for name in ("begins a flood", "in a flood"):
        taken(name)

    shown = [card for card in cloud.channel.cards if card.thread == "thread-slots/1"]

    assert [card.description for card in shown if card.raw == OPENING] == ["many"]
    assert ["could not be sent" in card.title for card in shown if card.raw != OPENING] == [True]
    assert cloud.channel.dropped == []


@pytest.mark.slow
def test_every_state_was_taken(cloud, taken):
    visited = {state for name in PATHS for state in taken(name)}
    text = cloud.client("stepfunctions").describe_state_machine(
        stateMachineArn=cloud.outputs["stateMachine"]
    )["definition"]

    missing = json.loads(text)["States"].keys() - visited
    # What fails after an approval has tests of its own, below.
    assert missing == {"HoldUnsure", "HoldBlind", "TellUncleared", "ClearAgain"}


def broken_call(cloud, broken, **arguments):
    """Let the state ``broken`` ask for what is not there, for executions that start in here."""

    def change(name, state):
        if name == broken:
            state["Arguments"] |= arguments

    return changed_states(cloud, change)


@pytest.mark.slow
def test_what_could_not_be_cleared_at_first_is_cleared_later_and_told_once(cloud):
    with broken_call(cloud, "ClearApproved", Bucket="no-such-bucket"):
        states = walk(cloud, "failed", decided="approved", hold=10)

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


@pytest.mark.slow
def test_a_hold_whose_token_cannot_be_left_still_ends(cloud):
    with broken_call(cloud, "HoldToEnd", FunctionName="no-such-function"):
        states = walk(cloud, "failed", decided="approved", hold=8)

    assert states[-4:] == ["MarkEnded", "AnnounceEnded", "TellEnded", "Ended"]
    first = states.index("HoldToEnd")
    assert states[first : first + 5] == [
        "HoldToEnd",
        "HoldUnsure",
        "HoldBlind",
        "ReadWithdrawal",
        "HoldException",
    ]
