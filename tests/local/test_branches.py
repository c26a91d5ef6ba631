"""Every branch of the state machine is taken, with builds and functions that return at once."""

import json
import time
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from local.account import LocalAccount
from tests.support.account import (
    change_states,
    changed_states,
    crash,
    disable_retries,
    replace_function,
)
from tests.support.thinning import few

pytestmark = pytest.mark.slow

REMIND = 10
OPENING = {
    "version": "1.0",
    "source": "custom",
    "content": {"description": "many"},
    "metadata": {"threadId": "thread-slots/1"},
}


TAGGED = ["TagStatus", "RouteByStatus"]
NOTIFIED = ["Notify", "RouteByCard"]
DECIDED = ["CheckForDecision", "RouteByDecision"]
PUBLISHED = ["PublishCard", "RouteByEvent"]
OUTCOME = [*DECIDED, *TAGGED, *NOTIFIED, "PublishOutcome"]


# The gate's result, the decision and the failure on each path, and the states in which it ends.
PATHS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "passed": (
        {"evaluated": "passed", "has_card": False},
        [*TAGGED, "Done"],
    ),
    "passes again": (
        {"evaluated": "passed"},
        [*TAGGED, "PublishOutcome"],
    ),
    "covered by an exception": (
        {"evaluated": "failed", "has_card": False, "decided_before": "approved"},
        [*TAGGED, *DECIDED, *TAGGED, *NOTIFIED, *PUBLISHED, "AwaitWithdrawal", *OUTCOME],
    ),
    "error": (
        {"evaluated": "error"},
        [*TAGGED, *PUBLISHED, "Done"],
    ),
    "build failed": (
        {"evaluated": "error", "build": "FAILED"},
        [*TAGGED, *PUBLISHED, "Done"],
    ),
    "no app name": (
        {"evaluated": "error", "key": "a b/x.zip"},
        ["IsNewScan", "CheckBuildStatus", *TAGGED, *PUBLISHED, "Done"],
    ),
    "duplicate event": (
        {"evaluated": "passed", "has_card": False, "again": True},
        ["OpenScan", "IsNewScan", "DuplicateEvent"],
    ),
    "no gate result": (
        {"evaluated": "crash"},
        ["CheckBuildStatus", "DescribeError", *PUBLISHED, "PipelineError"],
    ),
    "begins a storm": (
        {"evaluated": "error", "thread": "thread-slots/1", "opening": OPENING},
        [*TAGGED, *PUBLISHED, *PUBLISHED, "Done"],
    ),
    "in a storm, no mail": (
        {"evaluated": "failed", "thread": "thread-slots/1", "decided": "rejected", "notify": crash},
        [*TAGGED, "WaitForDigest", *PUBLISHED, "AwaitDecision", *OUTCOME],
    ),
    "approved": (
        {"evaluated": "failed", "decided": "approved"},
        [
            "AwaitDecision",
            *DECIDED,
            *TAGGED,
            *NOTIFIED,
            *PUBLISHED,
            "AwaitWithdrawal",
            *OUTCOME,
        ],
    ),
    "reminded": (
        {"evaluated": "failed", "decided": "approved", "hold": REMIND + 6},
        ["AwaitWithdrawal", *DECIDED, *NOTIFIED, *PUBLISHED, "AwaitWithdrawal", *OUTCOME],
    ),
    "withdrawn": (
        {"evaluated": "failed", "decided": "approved", "hold": 60, "withdraw": True},
        ["AwaitWithdrawal", *OUTCOME],
    ),
    "rejected": (
        {"evaluated": "failed", "decided": "rejected"},
        ["AwaitDecision", *OUTCOME],
    ),
    "decided late": (
        {"evaluated": "failed", "decided": "rejected", "waits": 2},
        [
            "AwaitDecision",
            *DECIDED,
            *NOTIFIED,
            *PUBLISHED,
            "PublishEscalation",
            "AwaitDecision",
            *OUTCOME,
        ],
    ),
    "superseded": (
        {"evaluated": "failed", "newer": True},
        ["AwaitDecision", *OUTCOME],
    ),
    "nobody decided, no mail": (
        {"evaluated": "failed", "notify": crash},
        [
            *NOTIFIED,
            *PUBLISHED,
            "PublishEscalation",
            "AwaitDecision",
            *OUTCOME,
        ],
    ),
}


@pytest.fixture(scope="module")
def cloud():
    waits = {"decisionWindow": "60s", "escalateBefore": "30s", "exceptionPeriod": "60s"}
    topic = "arn:aws:sns:eu-central-1:123456789012:on-call"
    with LocalAccount({**waits, "remindBefore": f"{REMIND}s", "escalationTopic": topic}) as running:
        running.client("sns").create_topic(Name="on-call")
        yield running


@pytest.fixture(scope="module", autouse=True)
def quick(cloud):
    def shorten_timeouts(name, state):
        disable_retries(name, state)
        # Short only if nobody decides: on a busy machine a click may take longer than that.
        if name == "CheckBuildStatus":
            window = "($scan.app = 'nobody' ? 4000 : $scan.app = 'late' ? 32000 : 60000)"
            state["Assign"]["expiresAt"] = state["Assign"]["expiresAt"].replace("60000", window)
        if name == "WaitWithoutCallback":
            state["Seconds"] = 1

    change_states(cloud, shorten_timeouts)


def walk(
    cloud: LocalAccount,
    evaluated: str,
    *,
    has_card: bool = True,
    decided_before: str = "",
    decided: str = "",
    notify: Any = None,
    key: str = "",
    build: str = "SUCCEEDED",
    again: bool = False,
    newer: bool = False,
    waits: int = 1,
    hold: int = 6,
    withdraw: bool = False,
    thread: str = "",
    opening: Any = None,
) -> list[str]:
    """Run an upload through the state machine with these answers; return the states it entered."""
    uploads: list[str] = []

    def run(build_: Any, project: Any, overrides: Any) -> None:
        build_["BuildStatus"] = build
        cloud.builds._ended[build_["Id"]].set()

    def evaluate(payload: str) -> tuple[str, bool, str]:
        event = json.loads(payload)
        card = {"version": "1.0", "source": "custom", "content": {"description": "why"}}
        if decided_before:
            decide(cloud, event["scan"], decided_before, hold)
        answer = {"status": evaluated, "card": card if has_card else None, "told": event}
        answer |= {"reason": "why", "sha256": "d" * 64, "opening": opening}
        answer |= {"thread": thread or event["scan"]}
        if newer and not uploads:
            uploads.append(cloud.upload(event["upload"]["key"], b"newer"))
        return json.dumps(answer), False, ""

    def publish(payload: str) -> tuple[str, bool, str]:
        card = {"version": "1.0", "source": "custom", "content": {"description": payload}}
        return json.dumps({"card": card}), False, ""

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cloud.builds, "_run", run)
        replace_function(
            patch, cloud, "check-build-status", crash if evaluated == "crash" else evaluate
        )
        replace_function(patch, cloud, "notify", notify or publish)
        # A new key each time: an upload supersedes the requests of earlier versions.
        app = "app" if decided or newer else "nobody"
        app = "late" if waits > 1 else app
        scan = cloud.upload(key or f"{app}/{time.monotonic_ns()}.zip", b"zip")
        execution = cloud.execution(scan)
        if decided:
            cloud.reached(execution, "AwaitDecision", times=waits)
            decide(cloud, scan, decided, hold)
        if withdraw:
            cloud.reached(execution, "AwaitWithdrawal")
            back = {"scan": scan, "reason": "r", "withdrawnAt": after(0)}
            leave(cloud, scan, "withdrawal.json", back)
        cloud.ended(execution)
        if again:
            described = cloud.client("stepfunctions").describe_execution(executionArn=execution)
            event = json.loads(described["input"])
            cloud.deliver(event)
            execution = cloud.others(event, execution, seconds=10)[0]
            cloud.ended(execution)
        return cloud.states(execution)


@pytest.fixture(scope="module")
def taken(cloud: LocalAccount) -> Callable[[str], list[str]]:
    """The states that a path of ``PATHS`` entered; each path is run once for all tests."""
    return cache(lambda name: walk(cloud, **PATHS[name][0]))


def decide(cloud, scan, decision, seconds):
    expires = after(seconds)
    document = {"scan": scan, "decision": decision, "reason": "r", "expiresAt": expires}
    leave(cloud, scan, "decision.json", {**document, "decidedAt": after(0)})


def after(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


def leave(cloud, scan, name, document):
    """Write evidence as a click does; S3's event about it resumes the execution."""
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
            "passed", "error", "duplicate event", "in a storm, no mail", "approved", "withdrawn",
            "superseded", "nobody decided, no mail",
        ],
    ),
)  # fmt: skip
def test_each_path_ends_with_the_expected_states_and_evidence(taken, name):
    last = PATHS[name][1]

    assert taken(name)[-len(last) :] == last


@pytest.mark.slow
def test_fallback_cards_are_sent_in_the_thread_of_the_storm(cloud, taken):
    """One scan starts a storm, and the email about another's decision cannot be sent."""
    for name in ("begins a storm", "in a storm, no mail"):
        taken(name)

    buttons_of = [card for card in cloud.channel.cards if card.thread == "thread-slots/1"]

    assert [card.description for card in buttons_of if card.raw == OPENING] == ["many"]
    [unsent] = [card.title for card in buttons_of if "could not be sent" in card.title]
    assert unsent.endswith(": rejected, but the email could not be sent")
    assert cloud.channel.dropped == []


@pytest.mark.slow
def test_an_escalation_whose_card_cannot_be_built_uses_the_fallback_card(cloud, taken):
    taken("nobody decided, no mail")

    plain = [card for card in cloud.channel.cards if "decision still pending" in card.title]

    assert [card.buttons for card in plain] == [()]


@pytest.mark.slow
def test_every_state_was_entered(cloud, taken):
    visited = {state for name in PATHS for state in taken(name)}
    text = cloud.client("stepfunctions").describe_state_machine(
        stateMachineArn=cloud.outputs["stateMachine"]
    )["definition"]

    missing = json.loads(text)["States"].keys() - visited
    # Failures have their own tests below; the audit log is off here.
    assert missing == {"WaitWithoutCallback", "TagFailed", "CheckFailed", "PublishFailed"}


def failing_call(cloud, failing, **arguments):
    """Let the state ``failing`` call a missing resource, for executions within this context.

    ``REAL`` in an argument stands for the original name.
    """

    def change(name, state):
        if name == failing:
            for item, value in arguments.items():
                state["Arguments"][item] = value.replace("REAL", state["Arguments"][item])

    return changed_states(cloud, change)


@pytest.mark.slow
def test_an_approval_that_could_not_be_tagged_is_tagged_later_and_reported_once(cloud):
    unavailable = "{% $status = 'approved' and $pause < 240 ? 'no-such-bucket' : $scan.bucket %}"
    with failing_call(cloud, "TagStatus", Bucket=unavailable):
        states = walk(cloud, "failed", decided="approved", hold=12)

    first = states.index("TagFailed")
    again = ["WaitWithoutCallback", *DECIDED, "TagStatus"]
    assert states[first : first + 9] == ["TagFailed", *PUBLISHED, *again, "TagFailed", again[0]]
    assert states[-len(OUTCOME) :] == OUTCOME
    notifications = [card for card in cloud.channel.cards if "could not be set yet" in card.title]
    assert len(notifications) == 1
    assert "scan-status could not be set" in notifications[0].description


@pytest.mark.slow
def test_an_approval_that_cannot_be_waited_for_still_expires(cloud):
    with failing_call(cloud, "AwaitWithdrawal", FunctionName="no-such-function"):
        states = walk(cloud, "failed", decided="approved", hold=8)

    first = states.index("AwaitWithdrawal")
    waited = ["AwaitWithdrawal", "CheckFailed", "WaitWithoutCallback", *DECIDED]
    assert states[first : first + 5] == waited
    assert states[-len(OUTCOME) :] == OUTCOME


@pytest.mark.slow
@pytest.mark.parametrize(
    ("function", "last"),
    [
        ("{% $pause < 240 ? 'no-such-function' : 'REAL' %}", OUTCOME),
        ("no-such-function", ["CheckFailed", "DescribeError", *PUBLISHED, "PipelineError"]),
    ],
    ids=["at first", "at all"],
)
def test_a_decision_that_cannot_be_read_is_read_again(cloud, function, last):
    with failing_call(cloud, "CheckForDecision", FunctionName=function):
        states = walk(cloud, "failed", decided="rejected")

    assert states.count("WaitWithoutCallback") > 1
    assert states[-len(last) :] == last


@pytest.mark.slow
def test_a_card_that_cannot_be_published_ends_the_execution(cloud):
    nowhere = "arn:aws:sns:eu-central-1:123456789012:no-such-topic"
    with failing_call(cloud, "PublishOutcome", TopicArn=nowhere):
        states = walk(cloud, "failed", decided="rejected")

    assert states[-5:] == ["PublishFailed", "DescribeError", *PUBLISHED, "PipelineError"]
