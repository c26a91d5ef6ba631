"""Runs a program against a recording mock engine, for tests to query."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from components.context import Context
from components.scan_project import Scanners
from components.upload_gate import UploadGate, UploadGateArgs
from ops.program import (
    ACCOUNT,
    PROGRAM,
    PROJECT,
    REGION,
    Recorded,
    Resource,
    arn,
    record,
    record_program,
)

__all__ = ["ACCOUNT", "CONTEXT", "PROGRAM", "PROJECT", "REGION", "TOKEN", "Resource", "arn"]

TOKEN = "squ_0123456789abcdef"
CONTEXT = Context(prefix="chatops-slack-dev-gate", account=ACCOUNT, region=REGION)


@dataclass
class Built(Recorded):
    """The resources that a program registered, and queries on them."""

    def all(self, kind: str) -> list[Resource]:
        """All resources of a type (``s3/bucket:Bucket``), by name: the engine's order varies."""
        of_kind = [resource for resource in self.resources if resource.kind == f"aws:{kind}"]
        return sorted(of_kind, key=lambda item: item.name)

    def one(self, kind: str, name: str | None = None) -> Resource:
        """The only resource of this type (and name)."""
        result = [resource for resource in self.all(kind) if name in (None, resource.name)]
        assert len(result) == 1, f"{len(result)} {kind} named {name}: {[x.name for x in result]}"
        return result[0]

    def rights(self, name: str) -> set[tuple[str, str]]:
        """The grants of a role policy, as pairs of action and resource."""
        return {
            (action, resource)
            for statement in self.one("iam/rolePolicy:RolePolicy", name).policy()
            for action in statement["Action"]
            for resource in statement["Resource"]
        }

    def variables(self, function: str) -> dict[str, str]:
        """The environment of a Lambda function."""
        inputs = self.one("lambda/function:Function", function).inputs
        return inputs["environment"]["variables"]

    def policies(self) -> dict[str, list[dict[str, Any]]]:
        """Every policy document of the program, by ``<kind> <name>``."""
        return {
            f"{resource.kind.split(':')[-1]} {resource.name}": resource.policy(key)
            for resource in self.aws
            for key in ("policy", "assumeRolePolicy")
            if key in resource.inputs
        }


def build(
    make: Callable[[], Any], stack: str = "dev", config: Mapping[str, str] | None = None
) -> Built:
    """Run ``make`` as a program; exceptions in it, or in an ``apply``, are raised here."""
    return Built(**vars(record(make, stack, config or {})))


def gate(**changed: Any) -> Built:
    """A gate named ``gate`` in another program, with minimal settings, or ``changed`` ones."""
    args = {
        "slack_workspace_id": "T0000000000",
        "slack_channel_id": "C0000000000",
        "sender": "security@example.com",
        "recipients": ["developers@example.com"],
        "scanners": Scanners(),
        **changed,
    }
    return build(lambda: UploadGate("gate", UploadGateArgs(**args)))


def program(stack: str = "dev", **changed: Any) -> Built:
    """The whole program, with the settings of ``Pulumi.<stack>.yaml`` (or dev's) and a token."""
    return Built(**vars(record_program(stack, settings_with(stack, **changed))))


def settings_with(stack: str = "dev", **changed: Any) -> dict[str, str]:
    """The settings that the CLI passes on: defaults, the stack's file, a token, ``changed``."""
    declared = yaml.safe_load((PROGRAM / "Pulumi.yaml").read_text())["config"]
    file = PROGRAM / f"Pulumi.{stack}.yaml"
    selected = yaml.safe_load((file if file.exists() else PROGRAM / "Pulumi.dev.yaml").read_text())
    values = {
        **{
            f"{PROJECT}:{key}": declaration["default"]
            for key, declaration in declared.items()
            if "default" in declaration
        },
        **selected["config"],
        f"{PROJECT}:sonarToken": TOKEN,
        **{f"{PROJECT}:{key}": value for key, value in changed.items()},
    }
    return {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in values.items()
        if value is not None
    }
