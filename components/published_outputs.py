"""Publishes a gate's outputs where commands find them without Pulumi and its state."""

import pulumi
import pulumi_aws as aws

from components.as_json import as_json
from domain.published_outputs import parameter, published


def publish(
    name: str, outputs: dict[str, pulumi.Output[str]], opts: pulumi.ResourceOptions
) -> aws.ssm.Parameter:
    """Write the parameter of the gate ``name``; commands know its name."""
    return aws.ssm.Parameter(
        f"{name}-outputs",
        name=parameter(pulumi.get_stack(), name),
        description="Outputs of chatops-slack, by which the command chatops finds this environment",
        type="String",
        # No secret: previews may show it.
        insecure_value=as_json(published(outputs)),
        opts=opts,
    )
