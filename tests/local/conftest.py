"""One account with the program deployed, shared by a module's tests."""

import email
import email.policy
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from local.cloud import Cloud
from samples import SAMPLES, packed

FAILING, PASSING = packed(SAMPLES / "payments"), packed(SAMPLES / "inventory")


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    """People have a minute to decide, and an exception holds for half an hour."""
    with Cloud({"decisionWindow": "1m", "exceptionPeriod": "30m"}) as running:
        yield running


@pytest.fixture(scope="module")
def hasty_cloud() -> Iterator[Cloud]:
    """Nobody has time: requests and exceptions expire after seconds."""
    with Cloud({"decisionWindow": "10s", "exceptionPeriod": "5s"}) as running:
        yield running


def zip_of(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for name, text in files.items():
            target.writestr(name, text)
    return buffer.getvalue()


def card_of(cloud: Cloud, scan: str, containing: str = "", seconds: float = 40):
    return cloud.channel.wait(
        lambda card: card.scan == scan and containing in card.title + card.description, seconds
    )


def press(cloud: Cloud, scan: str, label: str, reason: str = "known and harmless") -> str:
    """Press a button of the scan's card, once the state machine waits."""
    card = card_of(cloud, scan)
    cloud.reached(cloud.execution(scan), "AwaitDecision")
    button = next(each for each in card.buttons if each.label == label)
    return cloud.channel.press(button, {"Reason": reason})


def mails_about(cloud, scan):
    parsed = [
        email.message_from_string(each.raw_data, policy=email.policy.default)
        for each in cloud.emails()
    ]
    return [each for each in parsed if scan in text_of(each)]


def text_of(mail: Any, kind: str = "plain") -> str:
    return mail.get_body((kind,)).get_content()


def version(scan):
    return scan.split("/")[1]


def reject_and_die(cloud: Cloud, scan: str) -> None:
    """What is left of a press that died after it wrote the decision: nobody was woken."""
    decision = {
        "version": 1,
        "scan": scan,
        "verdict": "rejected",
        "reason": "written, then the power went",
        "decidedAt": "2026-01-01T00:00:00Z",
        "until": None,
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


def change_states(cloud: Cloud, change: Callable[[str, dict[str, Any]], None]) -> None:
    """Change each state of the deployed state machine, for executions that start later."""
    machine = cloud.outputs["stateMachine"]
    stepfunctions = cloud.client("stepfunctions")
    text = stepfunctions.describe_state_machine(stateMachineArn=machine)["definition"]
    definition = json.loads(text)
    for name, state in definition["States"].items():
        change(name, state)
    stepfunctions.update_state_machine(stateMachineArn=machine, definition=json.dumps(definition))


def no_patience(name: str, state: dict[str, Any]) -> None:
    """Retries spread over minutes; here a state gives up at once, and asks for a build at once."""
    for retry in state.get("Retry", []):
        retry.pop("JitterStrategy", None)
        retry["IntervalSeconds"] = 1
        if name != "Scan":
            retry["MaxAttempts"] = 0


@pytest.fixture
def replaced(monkeypatch: pytest.MonkeyPatch) -> Callable[[Cloud, str, Callable], None]:
    """Let one function of the account be something else for a test."""

    def replace(cloud: Cloud, name: str, behave: Callable) -> None:
        real = cloud.functions.invoke

        def invoke(function, payload: str):
            if f"-{name}-" in function.function_name:
                return behave(payload)
            return real(function, payload)

        monkeypatch.setattr(cloud.functions, "invoke", invoke)

    return replace
