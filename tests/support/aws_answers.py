"""AWS as a check sees it: prepared responses, validated against the services' models."""

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from components.upload_gate import UploadGateArgs
from ops.configuration import configuration
from ops.identity import Identity
from ops.preflight import environment
from ops.preflight.environment import Environment
from ops.program import ACCOUNT, PROGRAM, REGION, Resource, record_program

CALLER = Identity(account=ACCOUNT, arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy/ci")
OUTPUTS = {
    "uploadBucket": "chatops-slack-dev-gate-uploads-0123456",
    "artifactsBucket": "chatops-slack-dev-gate-artifacts-0123456",
    "stateBucket": "chatops-slack-dev-gate-state-0123456",
    "stateMachine": f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:"
    "chatops-slack-dev-gate-pipeline-0123456",
    "topic": f"arn:aws:sns:{REGION}:{ACCOUNT}:chatops-slack-dev-gate-notifications-0123456",
    "key": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab",
}
TOKEN = "sqa_0123456789"


class Answers:
    """Responses to calls, in this order, each once; ``left`` are the unused ones."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._stubs: dict[tuple[str, str], Stubber] = {}
        monkeypatch.setattr(environment, "client", self._client)

    def give(
        self, service: str, call: str, answer: Any, region: str = REGION, **requests: Any
    ) -> None:
        """Prepare a response to ``call``; ``asked`` are its expected parameters."""
        self._stub(service, region).add_response(call, answer, requests or None)

    def refuse(
        self, service: str, call: str, code: str, message: str = "", region: str = REGION
    ) -> None:
        """Prepare an error response to ``call``."""
        self._stub(service, region).add_client_error(call, code, message)

    def all_given(self) -> None:
        for stub in self._stubs.values():
            stub.assert_no_pending_responses()

    def _stub(self, service: str, region: str) -> Stubber:
        if (service, region) not in self._stubs:
            client = boto3.client(
                service, region, aws_access_key_id="test", aws_secret_access_key="test"
            )
            self._stubs[service, region] = Stubber(client)
            self._stubs[service, region].activate()
        return self._stubs[service, region]

    def _client(self, service: str, region: str) -> Any:
        return self._stub(service, region).client


@cache
def _shipped() -> tuple[UploadGateArgs, Mapping[str, str]]:
    settings_with = configuration("dev", PROGRAM / "Pulumi.dev.yaml").sound
    assert settings_with.settings
    return settings_with.settings, settings_with.values


@cache
def recorded(deployers: tuple[str, ...] = ()) -> tuple[Resource, ...]:
    """The program's resources with the settings of dev, and these deployers."""
    values = {**_shipped()[1], "chatops-slack:deployers": json.dumps(deployers)}
    return tuple(record_program("dev", values).aws)


def its(*, deployed: bool = False, **changed: Any) -> Environment:
    """The environment dev with changed settings, before or after ``pulumi up``."""
    settings, _ = _shipped()
    return Environment(
        stack="dev",
        prefix="chatops-slack-dev-gate",
        region=REGION,
        settings=replace(settings, **changed),
        token=TOKEN,
        identity=CALLER,
        resources=recorded(),
        outputs=OUTPUTS if deployed else {},
    )
