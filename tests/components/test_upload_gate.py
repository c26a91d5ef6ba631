"""A program that uses the component is told of wrong values before anything is created."""

from typing import Any

import pytest

from components.scan_project import Sarif
from components.upload_gate import DAY, UploadGate, UploadGateArgs
from tests.support.recording import build

VALUES: dict[str, Any] = {
    "slack_workspace_id": "T0123456789",
    "slack_channel_id": "C0123456789",
    "sender": "security@example.com",
    "recipients": ["developers@example.com"],
    "scanner": Sarif(),
}


def test_the_defaults_are_accepted():
    assert build(lambda: UploadGate("gate", UploadGateArgs(**VALUES))).aws


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("recipients", []),
        ("lock_mode", "governance"),
        ("architecture", "arm"),
        ("log_retention_days", 100),
        ("max_exception_seconds", 29 * DAY),
        ("decision_seconds", 0),
        ("decision_seconds", 91 * DAY),
        ("exception_seconds", 0),
    ],
)
def test_a_wrong_value_is_refused_by_name(field: str, value: Any):
    args = UploadGateArgs(**{**VALUES, field: value})

    with pytest.raises(ValueError, match=rf"^UploadGateArgs: {field} must "):
        build(lambda: UploadGate("gate", args))


def test_all_wrong_values_are_named_at_once():
    args = UploadGateArgs(**{**VALUES, "recipients": [], "architecture": "arm"})

    with pytest.raises(ValueError, match=r"recipients must .*; architecture must "):
        args.check()
