"""Finds the outputs of a stack in AWS, where each gate has published them as a parameter."""

import os
from collections.abc import Callable
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from domain.published_outputs import NAMED, PATH
from domain.stored_objects import error_code
from ops import errors
from ops.errors import CommandError

# Seconds, and tries: without a network the answer comes soon.
CONFIG = Config(
    connect_timeout=5, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 2}
)
Parameters = dict[str, str]


def of_stack(stack: str) -> tuple[str, str]:
    """Return name and outputs (JSON) of ``stack``, or of one of its gates (``prod/second``).

    Raises:
        CommandError: there is none, there are several, or AWS does not answer.
    """
    if not NAMED.fullmatch(stack):
        raise CommandError(f"{stack} is no name of a stack", "a name is as in: --stack dev")
    read = _one if "/" in stack else _under
    parameters = _answered(
        lambda ssm: read(ssm, f"{PATH}/{stack}"),
        f"the outputs of stack {stack} cannot be read",
        "or name a file with them: --outputs FILE",
    )
    if not parameters:
        raise CommandError(
            f"no stack {stack} has published its outputs in {_here()}",
            "use the stack's account and region (AWS_PROFILE, AWS_REGION), or --outputs FILE; "
            "a stack of an older version publishes them with the next pulumi up",
        )
    return _only(parameters, f"stack {stack} has several gates")


def of_only_stack(advice: str) -> tuple[str, str]:
    """Return name and outputs (JSON) of the only gate in this account and region.

    Raises:
        CommandError: there is none, there are several, or AWS does not answer; ``advice`` is how
            to name one where AWS does not know.
    """
    parameters = _answered(
        lambda ssm: _under(ssm, PATH),
        "which environment? None is named, and AWS does not tell",
        f"or name it: {advice}",
    )
    if not parameters:
        raise CommandError(
            f"which environment? None is named, and none has published its outputs in {_here()}",
            f"use the stack's account and region (AWS_PROFILE, AWS_REGION), or name it: {advice}",
        )
    return _only(parameters, "which environment? There are several")


def _only(parameters: Parameters, ambiguous: str) -> tuple[str, str]:
    """The only one, by its stack; where a stack has several gates, they are named, too."""
    stacks = [name.partition("/")[0] for name in parameters]
    names = {
        name if stacks.count(stack) > 1 else stack: text
        for (name, text), stack in zip(parameters.items(), stacks, strict=True)
    }
    if len(names) > 1:
        options = ", ".join(f"--stack {name}" for name in sorted(names))
        raise CommandError(f"{ambiguous} in {_here()}", f"name one: {options}")
    [(name, text)] = names.items()
    return name, text


def _under(ssm: Any, path: str) -> Parameters:
    pages = ssm.get_paginator("get_parameters_by_path").paginate(Path=path, Recursive=True)
    return {
        item["Name"].removeprefix(f"{PATH}/"): item["Value"]
        for page in pages
        for item in page["Parameters"]
    }


def _one(ssm: Any, name: str) -> Parameters:
    try:
        return {name.removeprefix(f"{PATH}/"): ssm.get_parameter(Name=name)["Parameter"]["Value"]}
    except ClientError as error:
        if error_code(error) != "ParameterNotFound":
            raise
        return {}


def _answered(read: Callable[[Any], Parameters], what: str, advice: str) -> Parameters:
    try:
        return read(boto3.client("ssm", region_name=_region(), config=CONFIG))
    except (BotoCoreError, ClientError) as error:
        failure = errors.of_aws(error)
        raise CommandError(f"{what}: {failure.what}", f"{failure.fix}; {advice}") from error
    except KeyError as error:
        # What is not JSON is an empty response for boto3.
        raise errors.of_a_stranger("it has no parameters") from error


def _here() -> str:
    return f"this account in {_region()}"


def _region() -> str | None:
    # boto3 reads AWS_DEFAULT_REGION only.
    return os.environ.get("AWS_REGION") or boto3.Session().region_name
