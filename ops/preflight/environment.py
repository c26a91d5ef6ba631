"""What the checks look at: one stack's settings, its account, and what it will register."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import boto3

from components.upload_gate import UploadGateArgs
from ops.identity import PATIENCE, Identity
from ops.program import Resource

# The chat service is global, and has its API in a few regions.
CHAT_REGION = "us-east-2"


@cache
def client(service: str, region: str) -> Any:
    """boto3's client, with short time-outs."""
    return boto3.client(service, region_name=region, config=PATIENCE)


@dataclass(frozen=True, kw_only=True)
class Environment:
    """``outputs`` are empty before the first `pulumi up`; ``resources`` are what it registers.

    ``token`` is the Sonar token, empty where it can't be read here.
    """

    stack: str
    prefix: str
    region: str
    settings: UploadGateArgs
    token: str = field(repr=False)
    identity: Identity
    resources: Sequence[Resource] = ()
    outputs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def deployed(self) -> bool:
        """Whether the stack has been deployed by `pulumi up`."""
        return "uploadBucket" in self.outputs

    def client(self, service: str, region: str = "") -> Any:
        """boto3's client for the stack's region, or another."""
        return client(service, region or self.region)

    def desired(self, type_name: str) -> list[dict[str, Any]]:
        """The desired states of Cloud Control for one type."""
        return [
            resource.desired
            for resource in self.resources
            if resource.inputs.get("typeName") == type_name
        ]


def every(client: Any, operation: str, key: str, **parameters: Any) -> Iterable[Any]:
    """All items under ``key`` on all pages that ``operation`` of boto3's client has."""
    for page in client.get_paginator(operation).paginate(**parameters):
        yield from page.get(key, [])
