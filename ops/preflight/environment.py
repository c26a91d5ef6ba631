"""What the checks inspect: a stack's settings, its account, and the resources of its program."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import boto3

from components.upload_gate import UploadGateArgs
from ops.identity import PATIENCE, Identity
from ops.program import Resource

# The chat service is global, but its API has endpoints in a few regions only.
CHAT_REGION = "us-east-2"


@cache
def client(service: str, region: str) -> Any:
    """A boto3 client with short timeouts."""
    return boto3.client(service, region_name=region, config=PATIENCE)


@dataclass(frozen=True, kw_only=True)
class Environment:
    """``outputs`` are empty before the first `pulumi up`; ``resources`` are what it registers.

    ``state`` are the resources in Pulumi's state, as of the last update or refresh.
    ``token`` is the Sonar token, empty where it can't be read here; ``role`` the ARN of the role
    with which Step Functions evaluates states, empty if it is not to.
    """

    stack: str
    prefix: str
    region: str
    settings: UploadGateArgs
    token: str = field(repr=False)
    identity: Identity
    resources: Sequence[Resource] = ()
    state: Sequence[Mapping[str, Any]] = ()
    outputs: Mapping[str, Any] = field(default_factory=dict)
    role: str = ""

    @property
    def deployed(self) -> bool:
        """Whether the stack has been deployed by `pulumi up`."""
        return "uploadBucket" in self.outputs

    def stored(self, written: Resource) -> Mapping[str, Any] | None:
        """The inputs of a resource in Pulumi's state, with the real names; None if not there."""
        for item in self.state:
            is_it = item["type"] == written.kind and item["urn"].endswith(f"::{written.name}")
            if is_it and not item.get("delete"):
                return item["inputs"]
        return None

    def client(self, service: str, region: str = "") -> Any:
        """A boto3 client for ``region``, by default the stack's."""
        return client(service, region or self.region)

    def cloud_control(self, type_name: str) -> list[Resource]:
        """The resources of one type that Cloud Control makes."""
        return [item for item in self.resources if item.inputs.get("typeName") == type_name]

    def desired(self, type_name: str) -> list[dict[str, Any]]:
        """The desired states of the Cloud Control resources of one type."""
        return [resource.desired for resource in self.cloud_control(type_name)]


def every(client: Any, operation: str, key: str, **parameters: Any) -> Iterable[Any]:
    """Yield the items under ``key`` on all pages of the client's ``operation``."""
    for page in client.get_paginator(operation).paginate(**parameters):
        yield from page.get(key, [])
