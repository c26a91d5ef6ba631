"""Expressions of the state machine whose value only Step Functions itself can say for certain.

Engines of JSONata differ there; the tests check what is expected here against the simulation.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from domain.partition import PARTITION

SCAN = {
    "scan": "payments/v1",
    "app": "payments",
    "bucket": "uploads",
    "key": "payments/api.zip",
    "versionId": "v1",
    "execution": f"arn:{PARTITION}:states:eu-central-1:123456789012:execution:pipeline:1",
}
# As OpenScan assigns them.
VARIABLES: Mapping[str, Any] = {
    **dict.fromkeys(("tagged", "event", "card", "until", "errorText"), "none"),
    "scan": SCAN,
    "isNew": True,
    "thread": SCAN["scan"],
    "status": "none",
    "expiresAt": "2026-01-02T03:04:05Z",
    **{name: {} for name in ("build", "failure")},
    "result": {"sha256": "0" * 64},
    "decision": {"status": "open", "approvals": 0},
    "approvals": 0,
    "escalated": False,
    "reminded": False,
    "pause": 1,
}
CONTEXT: Mapping[str, Any] = {
    "Execution": {"Id": SCAN["execution"], "Name": "1"},
    "State": {"RetryCount": 0, "EnteredTime": "2026-01-01T00:00:00.000Z"},
    "Task": {"Token": "AQ=="},
}


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """One state, tested alone; ``variables`` differ from ``VARIABLES``.

    A task returns ``result``, or fails with ``error`` and no Cause. Expected are the
    ``next_state``, the variables ``assigned``, and the task's ``payload``, in part.
    """

    about: str
    state: str
    next_state: str
    variables: Mapping[str, Any] = field(default_factory=dict[str, Any])
    data: Mapping[str, Any] = field(default_factory=dict[str, Any])
    result: Any = None
    error: str = ""
    assigned: Mapping[str, Any] = field(default_factory=dict[str, Any])
    payload: Mapping[str, Any] = field(default_factory=dict[str, Any])


def _upload(key: str) -> dict[str, Any]:
    return {"detail": {"object": {"key": key, "version-id": "v1"}}}


def _evaluated(**more: Any) -> dict[str, Any]:
    answer = {"status": "failed", "thread": "payments/v1", "card": None, "opening": None}
    return {"StatusCode": 200, "Payload": {**answer, **more}}


EVALUATIONS = (
    Evaluation(
        about="an error without a Cause",
        state="OpenScan",
        data=_upload("payments/api.zip"),
        error="Lambda.SdkClientException",
        next_state="DescribeError",
        assigned={
            "errorText": "Lambda.SdkClientException: ",
            "scan": {"app": "payments", "scan": "payments/v1"},
        },
    ),
    Evaluation(
        about="a line break before the end of a regular expression",
        state="OpenScan",
        data=_upload("payments\n/api.zip"),
        error="Lambda.SdkClientException",
        next_state="DescribeError",
        assigned={"scan": {"app": "invalid-key", "scan": "invalid-key/v1"}},
    ),
    Evaluation(
        about="null as an argument",
        state="CheckBuildStatus",
        result=_evaluated(),
        next_state="TagStatus",
        payload={"build": None, "error": None},
        assigned={"card": "none"},
    ),
    Evaluation(
        about="an error without a Cause as an argument",
        state="CheckBuildStatus",
        variables={"failure": {"Error": "States.Timeout"}},
        result=_evaluated(card={"version": "1.0"}),
        next_state="TagStatus",
        payload={"error": {"Error": "States.Timeout"}},
        assigned={"card": '{"version":"1.0"}'},
    ),
    Evaluation(
        about="null within a variable",
        state="RouteByStatus",
        variables={"status": "failed", "card": "{}", "result": {"opening": None}},
        next_state="PublishCard",
    ),
    Evaluation(
        about="an absent member of a variable",
        state="RouteByStatus",
        variables={"status": "failed", "card": "{}", "result": {}},
        next_state="PublishCard",
    ),
    Evaluation(
        about="a time-out that is an expression",
        state="AwaitDecision",
        result=True,
        next_state="CheckForDecision",
        payload={"token": "AQ==", "redrive": 0},
        assigned={"pause": 15},
    ),
    Evaluation(
        about="a condition whose second half has no value",
        state="RouteByDecision",
        variables={"decision": {"status": "rejected", "approvals": 0}},
        next_state="TagStatus",
        assigned={"status": "rejected"},
    ),
    Evaluation(
        about="a wait whose seconds are an expression",
        state="WaitWithoutCallback",
        next_state="CheckForDecision",
        assigned={"pause": 2},
    ),
)
