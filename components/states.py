"""Building blocks of the state machine: tasks in Amazon States Language, expressions in JSONata.

An expression is one line and never yields null for a variable: Step Functions may treat a null
variable as undefined, and an undefined expression fails its state.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from domain.partition import PARTITION

State = dict[str, Any]

# What failed, as people in the channel may see it: escaped for Slack and short. A time-out has no
# Cause.
ERROR = (
    "$states.errorOutput.Error & ': ' & "
    "$replace($replace($replace($substring($string($states.errorOutput.Cause), 0, 1500),"
    " '&', '&amp;'), '<', '&lt;'), '>', '&gt;')"
)
# Any task can be throttled or fail with a transient error: retry a few times with backoff. Errors
# that last longer go to Catch.
RETRY = {
    "ErrorEquals": ["States.ALL"],
    "IntervalSeconds": 2,
    "BackoffRate": 2,
    "MaxAttempts": 5,
    "MaxDelaySeconds": 60,
    "JitterStrategy": "FULL",
}
# A time-out is an answer here, not a failure.
NO_RETRY_OF_TIMEOUT = {"ErrorEquals": ["States.Timeout"], "MaxAttempts": 0}
# Each retry restarts the time-out of a wait, so a wait that must end on time is retried for seconds
# only.
RETRY_FOR_SECONDS = {**RETRY, "MaxAttempts": 2}
# A redriven execution counts its retries again.
REDRIVES = (
    "{% $exists($states.context.Execution.RedriveCount)"
    " ? $states.context.Execution.RedriveCount : 0 %}"
)


@dataclass(frozen=True, kw_only=True)
class Names:
    """What the state machine calls, by its deployed names."""

    project: pulumi.Input[str]
    topic_arn: pulumi.Input[str]
    escalation_topic: str
    open_scan: pulumi.Input[str]
    check_build_status: pulumi.Input[str]
    callback: pulumi.Input[str]
    notify: pulumi.Input[str]
    region: str


def task(
    resource: str,
    arguments: Mapping[str, Any],
    transition: Mapping[str, Any],
    *,
    on_error: str = "DescribeError",
    on_error_assign: Mapping[str, Any] | None = None,
    on_timeout: Mapping[str, Any] | None = None,
    retry: Sequence[State] = (RETRY,),
) -> State:
    """Call ``resource``; any error goes to ``on_error``, with its text in ``$errorText``.

    ``transition`` and ``on_timeout`` are a ``Next`` and perhaps an ``Assign``.
    """
    catch: list[State] = []
    if on_timeout:
        catch.append({"ErrorEquals": ["States.Timeout"], **on_timeout})
    catch.append(
        {
            "ErrorEquals": ["States.ALL"],
            "Assign": {**(on_error_assign or {}), "errorText": f"{{% {ERROR} %}}"},
            "Next": on_error,
        }
    )
    return {
        "Type": "Task",
        "Resource": f"arn:{PARTITION}:states:::{resource}",
        "Arguments": dict(arguments),
        "Retry": list(retry),
        "Catch": catch,
        **transition,
    }


def publish(
    topic_arn: pulumi.Input[str],
    transition: Mapping[str, Any],
    *,
    on_error: str = "PublishFailed",
) -> State:
    """Publish ``$card``, a notification as text."""
    return task(
        "sns:publish",
        {"TopicArn": topic_arn, "Message": "{% $card %}"},
        transition,
        on_error=on_error,
    )


def wait_for_callback(
    names: Names,
    kind: str,
    *,
    expires_at: str,
    timeout: str,
    transition: Mapping[str, Any],
    on_timeout: Mapping[str, Any],
    on_error: str = "DescribeError",
    retry: State = RETRY,
) -> State:
    """Store a task token for the function that will have the answer, and wait for it.

    ``handlers/callback.py`` stores it, and sends it back at once if the answer exists already.
    ``timeout`` is an expression of seconds.
    """
    return {
        **task(
            "lambda:invoke.waitForTaskToken",
            {
                "FunctionName": names.callback,
                "Payload": {
                    "scan": "{% $scan %}",
                    "kind": kind,
                    "token": "{% $states.context.Task.Token %}",
                    "sha256": "{% $result.sha256 %}",
                    "expiresAt": expires_at,
                    "redrive": REDRIVES,
                    "enteredAt": "{% $states.context.State.EnteredTime %}",
                    "retry": "{% $states.context.State.RetryCount %}",
                    "known": "{% $decision %}",
                },
            },
            transition,
            on_timeout=on_timeout,
            on_error=on_error,
            retry=[NO_RETRY_OF_TIMEOUT, retry],
        ),
        "TimeoutSeconds": timeout,
    }


def choice(*rules: State, default: str, assign: Mapping[str, str] | None = None) -> State:
    """Follow the first of ``rules`` whose condition is true; ``assign`` belongs to the default."""
    state: State = {"Type": "Choice", "Choices": list(rules), "Default": default}
    return {**state, "Assign": dict(assign)} if assign else state


def rule(condition: str, next_state: str, **assign: Any) -> State:
    """Go to ``next_state`` if ``condition``, an expression, is true."""
    transition: State = {"Condition": f"{{% {condition} %}}", "Next": next_state}
    return {**transition, "Assign": assign} if assign else transition


def one_of(variable: str, *values: str) -> str:
    """The condition that ``variable`` has one of ``values``."""
    return f"{variable} in {list(values)}"


def seconds_until(milliseconds: str) -> str:
    """An expression for the seconds until a time in milliseconds, at least 1."""
    return f"$max([1, $ceil((({milliseconds}) - $millis()) / 1000)])"


def time_in(seconds: int) -> str:
    """An expression for the time ``seconds`` from now, in RFC 3339 without fractions."""
    picture = "[Y0001]-[M01]-[D01]T[H01]:[m01]:[s01]Z"
    return f"{{% $fromMillis($millis() + {seconds * 1000}, '{picture}') %}}"
