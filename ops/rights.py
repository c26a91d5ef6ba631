"""rights: least-privilege IAM policies to deploy one stack, to upload to it, or to read from it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from domain.partition import PARTITION
from domain.scan_id import APPS
from ops import output
from ops.access_rights import arns, deployer_policy, environment_policy, uploader_policy
from ops.configuration import Configuration, FileOption, NamedOption, configuration
from ops.errors import CommandError
from ops.identity import identity
from ops.program import GATE, PROJECT, Resource, record_program
from ops.rights_table import CLOUD_CONTROL, RIGHTS, Right

# IAM does not count white space (https://docs.aws.amazon.com/IAM/latest/UserGuide/
# reference_iam-quotas.html); a role can have ten managed policies.
MANAGED_POLICY_CHARACTERS = 6144
# Inputs with the name that a resource will have in ARNs. A subscription filter has no ARN; its
# actions are authorised on the log group.
NAMES = (
    "ActionName",
    "ConfigurationName",
    "configurationSetName",
    "dashboardName",
    "emailIdentity",
    "logGroup",
    "name",
)

Statement = dict[str, Any]
Policy = dict[str, Any]


class UnknownType(KeyError):
    """The program registers a type that ops/rights_table.py does not have."""

    def __str__(self) -> str:
        return f"{self.args[0]} is missing in ops/rights_table.py"


class Whom(StrEnum):
    """Who gets the policies."""

    STACK = "stack"
    DEPLOYER = "deployer"
    UPLOADER = "uploader"


def rights(
    stack: NamedOption,
    config: FileOption = None,
    whom: Annotated[
        Whom,
        typer.Option(
            "--for",
            help="Who runs `pulumi up` (stack), who deploys cleared versions, or who uploads.",
        ),
    ] = Whom.STACK,
    app: Annotated[
        str, typer.Option(help="App of an uploader, or a pattern such as team-a-*.")
    ] = "",
    account: Annotated[
        str, typer.Option(help="Account of the stack; else that of the AWS credentials.")
    ] = "",
    folder: Annotated[
        Path | None, typer.Option("--to", help="Folder to write one file for each policy into.")
    ] = None,
) -> None:
    """Print the smallest IAM policies for a role that deploys, uploads, or reads cleared versions.

    In the stack's own account, roles in `uploaders` and `deployers` need of theirs only the rights
    on parameters (SSM), by which commands find the stack without --outputs.

    Example: chatops rights --stack dev --to policies
    """
    stack_configuration = configuration(stack, config).sound
    region = stack_configuration.region
    if not region:
        raise CommandError(
            "the stack has no region", f"pulumi config set aws:region eu-central-1 --stack {stack}"
        )
    if error := _app_error(whom, app):
        raise CommandError(error)
    if not account and (whom is Whom.STACK or "key" not in stack_configuration.outputs):
        account = identity(region).account
    written = (
        _stack_policies(stack_configuration, account)
        if whom is Whom.STACK
        else _access_policy(stack_configuration, account, app)
    )
    if folder is None:
        output.as_json(written)
        return
    for name, policy in written.items():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{name}.json").write_text(json.dumps(policy, indent=1) + "\n")
        except OSError as error:
            what = f"{folder} cannot be written: {error}"
            raise CommandError(what, "give another folder: --to") from error
        output.say(
            f"{folder / name}.json: {size(policy)} of {MANAGED_POLICY_CHARACTERS} characters"
        )


def _app_error(whom: Whom, app: str) -> str:
    """What is wrong with ``--app``; empty if nothing is."""
    if whom is not Whom.UPLOADER:
        return "--app goes with --for uploader only" if app else ""
    if not app:
        return "--for uploader needs --app, for example payments or team-a-*"
    if not APPS.fullmatch(app):
        return f"--app {app} is neither an app's name nor a pattern such as team-a-*"
    return ""


def _stack_policies(configuration: Configuration, account: str) -> dict[str, Policy]:
    stack, region = configuration.stack, configuration.region
    resources = record_program(stack, configuration.values, account, region).aws
    split = policies(statements(stack, resources, account, region))
    # Without the stack's prefix: otherwise the role could change its own permissions.
    return {f"deploy-{PROJECT}-{stack}-{number}": policy for number, policy in enumerate(split, 1)}


def _access_policy(configuration: Configuration, account: str, app: str) -> dict[str, Policy]:
    """The policy of an uploader of ``app``; without one, that of a deployer."""
    stack, region = configuration.stack, configuration.region
    resource_arns = arns(stack, configuration.outputs, account, region)
    if app:
        # A policy's name can't have an asterisk.
        name = f"upload-{PROJECT}-{stack}-{app.replace('*', 'all')}"
        policy = uploader_policy(app, resource_arns, region)
    else:
        name, policy = f"read-{PROJECT}-{stack}", deployer_policy(resource_arns, region)
    lookup = environment_policy(resource_arns)["Statement"]
    return {name: {**policy, "Statement": [*policy["Statement"], *lookup]}}


def statements(
    stack: str, resources: Iterable[Resource], account: str, region: str
) -> list[Statement]:
    """The statements that allow a role to create, update and delete ``resources``.

    Raises:
        UnknownType: the table lacks the type of a resource.
    """
    tags = {"project": PROJECT, "stack": stack}
    scope = {
        "partition": PARTITION,
        "account": account,
        "region": region,
        "prefix": f"{PROJECT}-{stack}-{GATE}",
    }
    granted: dict[tuple[tuple[str, ...], str], set[str]] = {}
    services: set[str] = set()
    for resource in resources:
        for right, values in _rights(resource, scope):
            on = tuple(text.format_map(values) for text in right.on)
            granted.setdefault((on, right.when), set()).update(right.names)
        services.update(trusted(resource))
    written = [
        _statement(
            on, actions, {f"{when}/{key}": value for key, value in tags.items()} if when else {}
        )
        for (on, when), actions in _merged(granted).items()
    ]
    if services:
        role = f"arn:{PARTITION}:iam::{account}:role/{scope['prefix']}-*"
        hand_over = {"iam:PassedToService": sorted(services)}
        written.append(_statement((role,), {"iam:PassRole"}, hand_over))
    return sorted(written, key=lambda item: (item["Action"], item["Resource"]))


def policies(allowed: Sequence[Statement], most: int = MANAGED_POLICY_CHARACTERS) -> list[Policy]:
    """The statements as policy documents, each small enough for a managed policy."""
    documents: list[Policy] = []
    for statement in allowed:
        if documents:
            longer = _document([*documents[-1]["Statement"], statement])
            if size(longer) <= most:
                documents[-1] = longer
                continue
        documents.append(_document([statement]))
    return documents


def size(policy: Policy) -> int:
    """The length of the policy in characters as IAM counts, without white space."""
    return len("".join(json.dumps(policy).split()))


def _rights(
    resource: Resource, scope: Mapping[str, str]
) -> Iterable[tuple[Right, Mapping[str, Any]]]:
    """The rights for one resource, each with the values for the braces in its ARNs."""
    kind = resource.kind.removeprefix("aws:")
    table, key = RIGHTS, kind
    if kind == "cloudcontrol/resource:Resource":
        table, key = CLOUD_CONTROL, resource.inputs["typeName"]
    if key not in table:
        raise UnknownType(key)
    names = {
        "name": _physical_name(resource, scope["prefix"]),
        "label": resource.name.removeprefix(f"{GATE}-"),
    }
    values = {**resource.inputs, **scope, **names}
    if region := resource.inputs.get("region"):
        values["region"] = region
    for right in table[key]:
        if not right.given or resource.inputs.get(right.given):
            yield right, values


def _physical_name(resource: Resource, prefix: str) -> str:
    """The name that the resource will have in AWS, with ``*`` for the suffix that Pulumi adds."""
    inputs = resource.desired if "desiredState" in resource.inputs else resource.inputs
    for key in NAMES:
        if key in inputs:
            return inputs[key]
    return f"{inputs.get('namePrefix', f'{prefix}-')}*"


def trusted(resource: Resource) -> set[str]:
    """The services that may assume a role."""
    if resource.kind != "aws:iam/role:Role":
        return set()
    return {statement["Principal"]["Service"] for statement in resource.policy("assumeRolePolicy")}


def _merged(
    granted: Mapping[tuple[tuple[str, ...], str], set[str]],
) -> dict[tuple[tuple[str, ...], str], set[str]]:
    """``granted`` with the resources of equal sets of actions merged, for fewer statements."""
    by_actions: dict[tuple[frozenset[str], str], set[str]] = {}
    for (on, when), actions in granted.items():
        by_actions.setdefault((frozenset(actions), when), set()).update(on)
    return {(tuple(sorted(on)), when): set(actions) for (actions, when), on in by_actions.items()}


def _statement(
    on: Sequence[str], actions: Iterable[str], equal: Mapping[str, str | list[str]]
) -> Statement:
    statement: Statement = {
        "Effect": "Allow",
        "Action": sorted(actions),
        "Resource": list(on),
    }
    if equal:
        statement["Condition"] = {"StringEquals": dict(equal)}
    return statement


def _document(allowed: Sequence[Statement]) -> Policy:
    return {"Version": "2012-10-17", "Statement": list(allowed)}
