"""Publishes a gate's outputs where commands find them without Pulumi and its state."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components.as_json import as_json
from domain.published_outputs import parameter, published


@dataclass(frozen=True, kw_only=True)
class PublishedOutputsArgs:
    """``outputs`` are those of the gate, by name."""

    outputs: Mapping[str, pulumi.Output[Any]]


class PublishedOutputs(pulumi.ComponentResource):
    """The parameter of a gate, under a name that commands know."""

    def __init__(
        self, name: str, args: PublishedOutputsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("chatops-slack:index:PublishedOutputs", name, None, opts)
        aws.ssm.Parameter(
            f"{name}-outputs",
            name=parameter(pulumi.get_project(), pulumi.get_stack(), name),
            description="Outputs of chatops-slack: the command chatops finds the gate by them",
            type="String",
            # No secret: previews may show it.
            insecure_value=as_json(published(args.outputs)),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})
