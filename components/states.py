"""The building blocks of the state machine: tasks in Amazon States Language and JSONata."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

State = dict[str, Any]

RFC3339 = "[Y0001]-[M01]-[D01]T[H01]:[m01]:[s01]Z"
# As AWS names it for a role that may list the bucket
# (https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html).
NO_SUCH_KEY = "S3.NoSuchKeyException"
# What failed, as the person in the channel may see it: escaped for Slack and short.
CAUSE = (
    "$replace($replace($replace($substring($string($states.errorOutput.Cause), 0, 1500),"
    " '&', '&amp;'), '<', '&lt;'), '>', '&gt;')"
)
# Any task may meet a throttle or a hiccup: a few tries, spread out. What lasts longer goes to
# Catch.
RETRY = {
    "ErrorEquals": ["States.ALL"],
    "IntervalSeconds": 2,
    "BackoffRate": 2,
    "MaxAttempts": 5,
    "MaxDelaySeconds": 60,
    "JitterStrategy": "FULL",
}
RETRY_FOR_DAYS = {**RETRY, "MaxAttempts": 100, "MaxDelaySeconds": 3600}
# The time of a wait begins anew with each try, so what must end on time is tried for seconds only.
RETRY_FOR_SECONDS = {**RETRY, "MaxAttempts": 2}


# A redriven execution counts its retries anew.
REDRIVES = (
    "{% $exists($states.context.Execution.RedriveCount)"
    " ? $states.context.Execution.RedriveCount : 0 %}"
)


@dataclass(frozen=True, kw_only=True)
class Names:
    """What the state machine calls, by its deployed names."""

    project: pulumi.Input[str]
    artifacts: pulumi.Input[str]
    topic_arn: pulumi.Input[str]
    escalation_topic: str
    supersede: pulumi.Input[str]
    check_build_status: pulumi.Input[str]
    callback: pulumi.Input[str]
    announce: pulumi.Input[str]
    region: str


def task(
    resource: str,
    arguments: Mapping[str, Any],
    then: Mapping[str, Any],
    before_trouble: Sequence[State] = (),
    trouble: str = "TellTrouble",
) -> State:
    """Call ``resource``; what ``before_trouble`` does not catch goes to ``trouble``."""
    catch = list(before_trouble)
    if not any(each["ErrorEquals"] == ["States.ALL"] for each in catch):
        catch.append(
            {
                "ErrorEquals": ["States.ALL"],
                "Assign": {"trouble": "{% $states.errorOutput.Error & ': ' & " + CAUSE + " %}"},
                "Next": trouble,
            }
        )
    return {
        "Type": "Task",
        "Resource": f"arn:aws:states:::{resource}",
        "Arguments": dict(arguments),
        "Retry": [RETRY],
        "Catch": catch,
        **then,
    }


def whatever_happens(states: dict[str, State], after: str) -> dict[str, State]:
    """Let no failure of ``states`` end the way: it goes on to ``after``."""
    for state in states.values():
        for catch in state.get("Catch", []):
            if catch["Next"] == "TellTrouble":
                catch["Next"] = after
    return states


def publish(topic_arn: pulumi.Input[str], message: str, after: str) -> State:
    """Publish ``message``, a notification as text in JSONata, then go on to ``after``."""
    return task("sns:publish", {"TopicArn": topic_arn, "Message": message}, {"Next": after})


def tag(status: str, after: str, trouble: str = "TellTrouble") -> State:
    """Give the uploaded version its clearance, then go on to ``after``."""
    return task(
        "aws-sdk:s3:putObjectTagging",
        {
            "Bucket": "{% $scan.bucket %}",
            "Key": "{% $scan.key %}",
            "VersionId": "{% $scan.versionId %}",
            "Tagging": {"TagSet": [{"Key": "scan-status", "Value": status}]},
        },
        {"Next": after},
        trouble=trouble,
    )


def write(names: Names, name: str, body: Any, then: Mapping[str, Any], otherwise: str) -> State:
    """Write evidence unless it is there; what stands is read next, so no error needs a name."""
    return {
        **task(
            "aws-sdk:s3:putObject",
            {
                "Bucket": names.artifacts,
                "Key": evidence_key(name),
                "ContentType": "application/json",
                "IfNoneMatch": "*",
                "Body": body,
            },
            then,
            before_trouble=[{"ErrorEquals": ["States.ALL"], "Next": otherwise}],
        ),
        "Retry": [{**RETRY, "MaxAttempts": 2}],
    }


def write_decision(names: Names, decision: str, reason: str) -> State:
    """Decide where no person did; whoever decided first, that is read next."""
    return write(
        names,
        "decision.json",
        {
            "version": 1,
            "scan": "{% $scan.scan %}",
            "decision": decision,
            "reason": reason,
            "decidedAt": now(),
            "expiresAt": None,
            "evidence": {"gate-result.json": "{% $verdict.sha256 %}"},
        },
        {"Next": "ReadDecision"},
        otherwise="ReadDecision",
    )


def read(
    names: Names,
    name: str,
    variable: str,
    then: Mapping[str, Any],
    otherwise: str | None = None,
    trouble: str = "TellTrouble",
) -> State:
    """Read evidence; where there is ``otherwise``, it may be missing.

    Only S3 can say so: an error is no answer.
    """
    missing = [{"ErrorEquals": [NO_SUCH_KEY], "Next": otherwise}] if otherwise else []
    state = task(
        "aws-sdk:s3:getObject",
        {"Bucket": names.artifacts, "Key": evidence_key(name)},
        {"Assign": {variable: "{% $parse($states.result.Body) %}"}, **then},
        before_trouble=missing,
        trouble=trouble,
    )
    if otherwise:
        state["Retry"] = [{"ErrorEquals": [NO_SUCH_KEY], "MaxAttempts": 0}, RETRY]
    return state


def wait(
    names: Names,
    what: str,
    seconds: str,
    *,
    late: str,
    woken: str,
    trouble: str = "TellTrouble",
    retry: State = RETRY,
) -> State:
    """Leave a token where the buttons' function finds it, and wait for it to be sent back.

    ``handlers/callback.py`` leaves it, and sends it back at once where the answer is there.
    """
    expires_at = "{% $expiresAt %}" if what == "decision" else "{% $decision.expiresAt %}"
    return {
        **task(
            "lambda:invoke.waitForTaskToken",
            {
                "FunctionName": names.callback,
                "Payload": {
                    "scan": "{% $scan %}",
                    "kind": what,
                    "token": "{% $states.context.Task.Token %}",
                    "sha256": "{% $verdict.sha256 %}",
                    "expiresAt": expires_at,
                    "redrive": REDRIVES,
                    "enteredAt": "{% $states.context.State.EnteredTime %}",
                    "retry": "{% $states.context.State.RetryCount %}",
                },
            },
            {"Next": woken},
            before_trouble=[{"ErrorEquals": ["States.Timeout"], "Next": late}],
            trouble=trouble,
        ),
        "TimeoutSeconds": seconds,
        # A time-out is an answer here, not a hiccup.
        "Retry": [{"ErrorEquals": ["States.Timeout"], "MaxAttempts": 0}, retry],
    }


def card(title: str, description: str, next_step: str) -> str:
    """A notification as text, in JSONata: ``title`` and ``description`` are expressions."""
    return (
        "{% $string({'version': '1.0', 'source': 'custom', 'content': {"
        f"'textType': 'client-markdown', 'title': {title}, 'description': {description}, "
        f"'nextSteps': ['{next_step}']}}, "
        "'metadata': {'threadId': $verdict ? $verdict.thread : $scan.scan, "
        "'additionalContext': {'Scan': $scan.scan}}}) %}"
    )


def evidence_key(name: str) -> str:
    return f"{{% 'scans/' & $scan.scan & '/{name}' %}}"


def seconds_until(moment: str) -> str:
    """The seconds until ``moment``, an expression of milliseconds, in JSONata; at least one."""
    return f"{{% $max([1, $ceil(({moment} - $millis()) / 1000)]) %}}"


def now(seconds_from_now: int = 0) -> str:
    """The time in RFC 3339, to the second, in JSONata."""
    return f"{{% $fromMillis($millis() + {seconds_from_now * 1000}, '{RFC3339}') %}}"
