"""Writes what the program registers as a Terraform plan, which policy checkers read.

    python -m security.plan STACK FILE

The AWS provider of Pulumi is Terraform's: types and properties are the same things, in other
spelling. As in a real plan, a value that only another resource will know is left out and referred
to. What Cloud Control makes (channel and buttons) has no type there, and no checker looks at it.
"""

import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pulumi

from ops.configuration import configuration
from ops.program import PROGRAM, Resource, arn, record_program

# The rest is spelled after its service and name, as in aws_s3_bucket for s3/bucket:Bucket.
TYPES = {
    "aws:s3/bucketObjectv2:BucketObjectv2": "aws_s3_object",
    "aws:cloudcontrol/resource:Resource": "aws_cloudcontrolapi_resource",
}
# Pulumi says in the plural what can be there more than once.
SINGULAR = {"rules": "rule", "environment_variables": "environment_variable"}
RENAMED = {
    ("aws_lambda_permission", "function"): "function_name",
    ("aws_cloudwatch_log_subscription_filter", "log_group"): "log_group_name",
}
# Whose names these inputs are; recorded names are the logical ones.
NAMED = {
    "bucket": "aws:s3/bucket:Bucket",
    "targetBucket": "aws:s3/bucket:Bucket",
    "role": "aws:iam/role:Role",
}
# Maps, where other nested values are blocks.
MAPS = {"dimensions", "variables", "tags"}


def plan(resources: Iterable[Resource]) -> dict[str, Any]:
    """The resources in the form of ``terraform show -json``."""
    made = list(resources)
    # Parts of a thing come after it, and share its name.
    addresses: dict[str, str] = {}
    for item in made:
        addresses.setdefault(arn(item.kind, item.name), f"{_type(item)}.{item.name}")
    planned, configured = [], []
    for item in made:
        kind = _type(item)
        values, references = {}, {}
        for key, value in item.inputs.items():
            name = _name(kind, key)
            if key in item.secret:
                values[name] = "(secret)"
            elif address := _known_by(key, value, addresses):
                references[name] = {"references": [f"{address}.id", address]}
            else:
                values[name] = _value(name, value)
        row = {"address": f"{kind}.{item.name}", "mode": "managed", "type": kind, "name": item.name}
        row["provider_name"] = "registry.terraform.io/hashicorp/aws"
        planned.append({**row, "values": values})
        configured.append({**row, "expressions": references})
    return {
        "format_version": "1.2",
        "terraform_version": "1.9.0",
        "planned_values": {"root_module": {"resources": planned}},
        "resource_changes": [
            {**row, "change": {"actions": ["create"], "before": None, "after": row["values"]}}
            for row in planned
        ],
        "configuration": {"root_module": {"resources": configured}},
    }


def _known_by(key: str, value: Any, addresses: dict[str, str]) -> str | None:
    """The address of the resource whose ARN, or name under such a key, the value is."""
    if not isinstance(value, str):
        return None
    return addresses.get(value) or addresses.get(arn(NAMED.get(key, ""), value))


def _type(its: Resource) -> str:
    service, name = its.kind.removeprefix("aws:").split(":")[0].split("/")
    return TYPES.get(its.kind) or f"aws_{service}_{_snake(name)}"


def _name(kind: str, key: str) -> str:
    name = _snake(key)
    return RENAMED.get((kind, name)) or SINGULAR.get(name, name)


def _snake(text: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda match: f"_{match[1]}", text).lower()


def _value(name: str, value: Any) -> Any:
    """A value as Terraform has it: each block is in a list, also where there is only one."""
    if isinstance(value, pulumi.Archive | pulumi.Asset):
        return None
    if isinstance(value, dict) and name in MAPS:
        return value
    if isinstance(value, dict):
        return [_block(value)]
    if isinstance(value, list):
        return [_block(member) if isinstance(member, dict) else member for member in value]
    return value


def _block(value: dict[str, Any]) -> dict[str, Any]:
    return {_name("", key): _value(_name("", key), member) for key, member in value.items()}


def main() -> None:
    """Write the plan of a stack with the settings of its file."""
    stack, file = sys.argv[1:]
    its = configuration(stack, PROGRAM / f"Pulumi.{stack}.yaml").sound
    Path(file).write_text(json.dumps(plan(record_program(stack, its.values).aws), indent=1))


if __name__ == "__main__":
    main()
