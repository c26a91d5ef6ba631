"""A program that uses the component is told of wrong values before anything is created."""

import re
from typing import Any

import pytest

from components.build_network import Network
from components.buttons import SCAN_AGAIN_BUTTON, TeamButton
from components.context import elsewhere
from components.scan_project import Scanners, SonarQube
from components.upload_gate import DAY, UploadGate, UploadGateArgs
from tests.support.recording import build

VALUES: dict[str, Any] = {
    "slack_workspace_id": "T0123456789",
    "slack_channel_id": "C0123456789",
    "sender": "security@example.com",
    "recipients": ["developers@example.com"],
    "scanners": Scanners(),
}
WITH_PASSWORD = SonarQube(host_url="https://ada:secret@sonar.example.com", token="t")
ELSEWHERE = TeamButton(
    label="Open ticket",
    outcomes=("failed",),
    function="arn:aws:lambda:us-east-1:123456789012:function:open-ticket",
)


def test_the_defaults_are_accepted():
    assert build(lambda: UploadGate("gate", UploadGateArgs(**VALUES))).aws


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("recipients", []),
        ("recipients", [f"dev{number}@example.com" for number in range(51)]),
        ("app_recipients", {"web": [f"dev{number}@example.com" for number in range(51)]}),
        ("scanners", Scanners(names=["sonarqube"], sonarqube=WITH_PASSWORD)),
        ("scanners", Scanners(names=[])),
        ("scanners", Scanners(names=["bandit", "bandit"])),
        ("scanners", Scanners(names=["lint"])),
        ("scanners", Scanners(names=["sonarqube"])),
        ("scanners", Scanners(names=["custom"])),
        ("scanners", Scanners(names=["bandit"], custom_command="tool {source} {sarif}")),
        ("sender_domain", "example.org"),
        ("network.proxy_url", Network(proxy_url="http://ada:secret@proxy.example.com")),
        ("network.no_proxy", Network(no_proxy=["example.com"])),
        ("network.ca_bundle", Network(ca_bundle="/no/such/secret.pem")),
        ("escalation_topic", "arn:aws:sns:us-east-1:123456789012:on-call"),
        ("escalation_topic", "arn:aws-cn:sns:eu-central-1:123456789012:on-call"),
        ("custom_actions", [ELSEWHERE]),
        ("custom_actions", [SCAN_AGAIN_BUTTON] * 6),
        ("lock_mode", "governance"),
        ("architecture", "arm"),
        ("log_retention_days", 100),
        ("max_exception_seconds", 29 * DAY),
        ("decision_seconds", 0),
        ("decision_seconds", 91 * DAY),
        ("exception_seconds", 0),
        ("uploaders", {"a/b": ["arn:aws:iam::123456789012:role/build"]}),
        ("uploaders", {"payments": []}),
        ("deployers", [f"arn:aws:iam::123456789012:role/deploy-{n}" for n in range(500)]),
    ],
)
def test_a_wrong_value_is_refused_by_name(field: str, value: Any):
    args = UploadGateArgs(**{**VALUES, field.split(".", maxsplit=1)[0]: value})

    with pytest.raises(ValueError, match=rf"^UploadGateArgs: .*\b{re.escape(field)} ") as raised:
        build(lambda: UploadGate("gate", args))
    assert "secret" not in str(raised.value)


def test_all_wrong_values_are_named_at_once():
    args = UploadGateArgs(**{**VALUES, "recipients": [], "architecture": "arm"})

    with pytest.raises(ValueError, match=r"recipients must .*; architecture must "):
        args.check("eu-central-1")


@pytest.mark.parametrize("text", ["", "scan-again", "arn:aws:sns:us-east-1:123456789012:on-call"])
def test_without_a_known_region_nothing_is_elsewhere(text: str):
    assert not elsewhere(text, "")
