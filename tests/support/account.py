"""Uploads, clicks and changed functions in the account on this machine."""

import email
import email.policy
import json
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from moto.events.models import events_backends

from local.account import ACCOUNT, REGION, LocalAccount, wait_until
from local.card import Card
from local.channel import member_id
from samples import SAMPLES, packed
from tests.scan.uploads import zipped

FAILING, PASSING = packed(SAMPLES / "payments"), packed(SAMPLES / "inventory")
# The real scan with a tool that reports what the upload says. It installs no package and parses no
# code, which takes three quarters of a build with Bandit.
QUICK_SCAN = (
    "SCANNERS='[\"custom\"]' CUSTOM_COMMAND='cp {source}/found.sarif {sarif}'"
    f" {sys.executable} -m scan"
)


def with_errors(findings: int) -> bytes:
    """An upload for ``QUICK_SCAN`` with this number of HIGH findings."""
    results = [{"level": "error", "message": {"text": "not so"}, "ruleId": "R1"}] * findings
    sarif = {
        "version": "2.1.0",
        "runs": [{"tool": {"driver": {"name": "tool"}}, "results": results}],
    }
    return zipped({"app.py": "pass\n", "found.sarif": json.dumps(sarif)})


QUICK_FAILING, QUICK_PASSING = with_errors(1), with_errors(0)


def scan_quickly(cloud: LocalAccount) -> None:
    """Let builds run ``QUICK_SCAN``, for tests whose subject is not the scanner."""
    phases = {"build": {"commands": [QUICK_SCAN]}}
    cloud.builds.buildspec = json.dumps({"version": 0.2, "phases": phases})


def card_of(cloud: LocalAccount, scan: str, containing: str = "", seconds: float = 40) -> Card:
    """Wait for the scan's first card with these words."""
    return cloud.channel.wait(
        lambda card: card.scan == scan and containing in card.title + card.description, seconds
    )


def click(
    cloud: LocalAccount,
    scan: str,
    label: str,
    reason: str = "known and harmless",
    user: str = "You",
) -> str:
    """Click a button of the scan's card, once the state machine waits; return the response."""
    card = card_of(cloud, scan)
    cloud.reached(cloud.execution(scan), "AwaitDecision")
    button = next(item for item in card.buttons if item.label == label)
    return cloud.channel.click(button, {"Reason": reason}, user)


@contextmanager
def four_eyes_account(**settings: str) -> Iterator[LocalAccount]:
    """An account that knows who clicks, and refuses that Ada decides about her own uploads."""
    # ``LocalAccount.upload`` is by this address.
    people = json.dumps({member_id("Ada"): "ada@example.com"})
    rules = {"recordApprover": "true", "people": people, "selfApproval": "refuse", **settings}
    with LocalAccount(rules) as running:
        change_states(running, shorten_the_wait_for_the_log)
        scan_quickly(running)
        yield running
        assert [str(denied) for denied in running.guard.denied] == []


def approve(cloud: LocalAccount, scan: str, user: str, reason: str) -> str:
    """Click Approve as ``user``, once who uploaded is recorded; return the response."""
    recorded_uploader(cloud, scan)
    return click(cloud, scan, "Approve", reason, user)


def recorded_uploader(cloud: LocalAccount, scan: str) -> dict[str, Any]:
    """Wait for uploader.json, for which nothing else waits."""
    return wait_until(
        lambda: cloud.evidence(scan).get("uploader.json"), 20, lambda: "nobody is recorded"
    )


def mails_about(cloud: LocalAccount, scan: str) -> list[Any]:
    """The emails whose plain text names ``scan``."""
    parsed = [
        email.message_from_string(item.raw_data, policy=email.policy.default)
        for item in cloud.emails()
    ]
    return [item for item in parsed if scan in text_of(item)]


def text_of(mail: Any, kind: str = "plain") -> str:
    """The body of an email: ``plain`` or ``html``."""
    return mail.get_body((kind,)).get_content()


def version(scan: str) -> str:
    """The version id in a scan's id."""
    return scan.split("/")[1]


def reject_without_resuming(cloud: LocalAccount, scan: str) -> None:
    """Write a rejection as a click whose function crashed before it resumed the execution."""
    decision = {
        "version": 1,
        "scan": scan,
        "decision": "rejected",
        "reason": "written, then the power went",
        "decidedAt": "2026-01-01T00:00:00Z",
        "expiresAt": None,
    }
    cloud.client("s3").put_object(
        Bucket=cloud.outputs["artifactsBucket"],
        Key=f"scans/{scan}/decision.json",
        Body=json.dumps(decision),
    )


def crash(_payload: str) -> tuple[str, bool, str]:
    """A function that always fails."""
    failure = {"errorType": "Lambda.Unknown", "errorMessage": 'it said "no" & <!here>'}
    return json.dumps(failure), True, ""


def replace_function(
    patch: pytest.MonkeyPatch, cloud: LocalAccount, name: str, behave: Callable[[str], Any]
) -> None:
    """Replace a function by ``behave``, which returns (response, whether it failed, log)."""
    real = cloud.functions.invoke

    def invoke(function: Any, payload: str) -> Any:
        return behave(payload) if f"-{name}-" in function.function_name else real(function, payload)

    patch.setattr(cloud.functions, "invoke", invoke)


@contextmanager
def changed_states(
    cloud: LocalAccount, change: Callable[[str, dict[str, Any]], None]
) -> Iterator[None]:
    """``change_states`` for executions that start within this context."""
    machine, stepfunctions = cloud.outputs["stateMachine"], cloud.client("stepfunctions")
    before = stepfunctions.describe_state_machine(stateMachineArn=machine)["definition"]
    change_states(cloud, change)
    try:
        yield
    finally:
        stepfunctions.update_state_machine(stateMachineArn=machine, definition=before)


def change_states(cloud: LocalAccount, change: Callable[[str, dict[str, Any]], None]) -> None:
    """Change each state of the deployed state machine, for later executions."""
    machine = cloud.outputs["stateMachine"]
    stepfunctions = cloud.client("stepfunctions")
    text = stepfunctions.describe_state_machine(stateMachineArn=machine)["definition"]
    definition = json.loads(text)
    for name, state in definition["States"].items():
        change(name, state)
    stepfunctions.update_state_machine(stateMachineArn=machine, definition=json.dumps(definition))


def shorten_the_wait_for_the_log(name: str, state: dict[str, Any]) -> None:
    """Wait for three seconds for the chat service's log, which is fast here, not for thirty."""
    if name == "WaitForAuditLog":
        state["Seconds"] = 3


def disable_retries(name: str, state: dict[str, Any]) -> None:
    """Make a state fail at its first error; only the build is retried, after a second."""
    for retry in state.get("Retry", []):
        retry.pop("JitterStrategy", None)
        retry["IntervalSeconds"] = 1
        if name != "Scan":
            retry["MaxAttempts"] = 0


def client_of_uploads_rule(cloud: LocalAccount) -> Any:
    """The client with which EventBridge starts executions for uploads."""
    rules = events_backends[ACCOUNT][REGION].event_buses["default"].rules.values()
    role = next(
        target["RoleArn"] for rule in rules for target in rule.targets if "RoleArn" in target
    )
    return cloud.client("stepfunctions", signer=cloud.guard.session(role, "EventBridge"))


def made_role(cloud: LocalAccount, *actions: str, trusts: str = "states.amazonaws.com") -> str:
    """Make a role with these rights on everything; return its ARN."""

    def policy(**statement: Any) -> str:
        allowed = {"Effect": "Allow", **statement}
        return json.dumps({"Version": "2012-10-17", "Statement": [allowed]})

    iam, name = cloud.client("iam"), f"role-{uuid.uuid4().hex[:7]}"
    made = iam.create_role(
        RoleName=name,
        AssumeRolePolicyDocument=policy(Action="sts:AssumeRole", Principal={"Service": trusts}),
    )["Role"]
    document = policy(Action=actions, Resource="*")
    iam.put_role_policy(RoleName=name, PolicyName="rights", PolicyDocument=document)
    return made["Arn"]
