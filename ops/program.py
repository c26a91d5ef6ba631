"""Runs a Pulumi program without an engine or an account, and records what it registers.

With Pulumi's mocks alone, tests can pass although the program is wrong: with ``preview=True`` an
``apply`` may never run, an undecorated test does not wait for Outputs, and an Output in an f-string
is no error. ``record`` prevents all three.
"""

import asyncio
import json
import os
import runpy
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pulumi
from botocore.exceptions import UnknownRegionError
from pulumi.runtime import mocks, rpc, settings
from pulumi.runtime.stack import run_pulumi_func, wait_for_rpcs

from domain.partition import PARTITION
from ops.mock_monitor import TransformingMonitor

PROGRAM = Path(__file__).parents[1]
PROJECT = "chatops-slack"
# The name of the gate in __main__.py, a part of its resources' names.
GATE = "gate"
ACCOUNT, REGION = "123456789012", "eu-central-1"
# The settings that the CLI encrypts, by full key.
SECRETS = (f"{PROJECT}:sonarToken",)


@dataclass(frozen=True)
class Resource:
    """One registered resource; ``secret`` names the inputs that are secrets."""

    kind: str
    name: str
    urn: str
    inputs: dict[str, Any]
    secret: frozenset[str]
    protect: bool
    depends_on: frozenset[str]

    def policy(self, key: str = "policy") -> list[dict[str, Any]]:
        """The statements of the policy document in the input ``key``."""
        document = json.loads(self.inputs[key])
        assert document["Version"] == "2012-10-17"
        return document["Statement"]

    @property
    def desired(self) -> dict[str, Any]:
        """The desired state of a Cloud Control resource."""
        return json.loads(self.inputs["desiredState"])


@dataclass
class Recorded:
    """What a program registered, in order; ``made`` is the program's return value."""

    resources: list[Resource] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    made: Any = None

    @property
    def aws(self) -> list[Resource]:
        """The resources of AWS, without components."""
        return [resource for resource in self.resources if resource.kind.startswith("aws:")]


def arn(kind: str, name: str) -> str:
    """The fake ARN of a recorded resource, with its logical name."""
    return f"arn:{PARTITION}:{kind.split('/', maxsplit=1)[0].removeprefix('aws:')}:::{name}"


@cache
def partition_of(region: str) -> str:
    """The partition that ``region`` is in; that of a region newer than boto3 is a guess."""
    try:
        return boto3.Session().get_partition_for_region(region)
    except UnknownRegionError:
        return PARTITION


class _Account(mocks.Mocks):
    def __init__(self, account: str, region: str) -> None:
        self._account, self._region = account, region

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        plain = {key: rpc.unwrap_rpc_secret(value) for key, value in args.inputs.items()}
        if not args.typ.startswith("aws:"):
            return args.name, plain
        own_arn = arn(args.typ, args.name)
        made: dict[str, Any] = {
            "arn": own_arn,
            "name": args.name,
            "url": f"https://queue/{args.name}",
        }
        if args.typ == "aws:s3/bucketObjectv2:BucketObjectv2":
            made["versionId"] = "v1"
        if args.typ == "aws:sesv2/emailIdentity:EmailIdentity":
            made["dkimSigningAttributes"] = {"tokens": ["token1", "token2", "token3"]}
            plain.pop("dkimSigningAttributes", None)
        # The ids of these types are ARNs.
        by_arn = args.typ in {"aws:cloudcontrol/resource:Resource", "aws:iam/policy:Policy"}
        return own_arn if by_arn else args.name, {**made, **plain}

    def call(self, args: mocks.MockCallArgs) -> Any:
        return {
            "aws:index/getRegion:getRegion": {"region": self._region},
            "aws:index/getCallerIdentity:getCallerIdentity": {"accountId": self._account},
            "aws:index/getPartition:getPartition": {"partition": partition_of(self._region)},
        }[args.token]


class _Monitor(TransformingMonitor):
    def __init__(self, account: mocks.Mocks) -> None:
        super().__init__(account)
        self.recorded: list[Resource] = []

    def RegisterResource(self, request: Any) -> Any:
        answer = super().RegisterResource(request)
        if request.type != "pulumi:pulumi:Stack":
            inputs = rpc.deserialize_properties(request.object)
            self.recorded.append(
                Resource(
                    kind=request.type,
                    name=request.name,
                    urn=answer.urn,
                    inputs={key: rpc.unwrap_rpc_secret(value) for key, value in inputs.items()},
                    secret=frozenset(k for k, v in inputs.items() if rpc.is_rpc_secret(v)),
                    protect=request.protect,
                    depends_on=frozenset(request.dependencies),
                )
            )
        return answer


def record_program(
    stack: str, config: Mapping[str, str], account: str = ACCOUNT, region: str = REGION
) -> Recorded:
    """Record this project's whole program; ``config`` has keys such as ``chatops-slack:sender``."""
    return record(
        lambda: runpy.run_path(str(PROGRAM / "__main__.py")), stack, config, account, region
    )


def record(
    make: Callable[[], Any],
    stack: str,
    config: Mapping[str, str],
    account: str = ACCOUNT,
    region: str = REGION,
) -> Recorded:
    """Run ``make`` as a program to its end; errors are raised, also those of an ``apply``."""
    monitor = _Monitor(_Account(account, region))
    made, outputs = run_program(make, monitor, PROJECT, stack, config)
    return Recorded(monitor.recorded, outputs, made)


def run_program(
    make: Callable[[], Any],
    monitor: TransformingMonitor,
    project: str,
    stack: str,
    config: Mapping[str, str],
) -> tuple[Any, dict[str, Any]]:
    """Run ``make`` as a program to its end; return its result and the stack's outputs.

    Errors are raised, also those of an ``apply``. A run that fails leaves nothing to the next one,
    which otherwise would wait for Outputs of an event loop that is closed.
    """
    loops = []

    def bring_loop() -> None:
        # Otherwise Pulumi opens a loop in each worker thread and does not close it.
        loops.append(asyncio.new_event_loop())
        asyncio.set_event_loop(loops[-1])

    async def program() -> tuple[Any, dict[str, Any]]:
        settings.reset_options()
        mocks.set_mocks(monitor.mocks, project=project, stack=stack, preview=False, monitor=monitor)
        pulumi.runtime.set_all_config(dict(config), list(SECRETS))
        made = []
        await run_pulumi_func(lambda: made.append(make()))
        exported = getattr(settings.get_root_resource(), "outputs", {})
        outputs = {
            name: await pulumi.Output.from_input(value).future() for name, value in exported.items()
        }
        await wait_for_rpcs()
        return made[0], outputs

    os.environ["PULUMI_ERROR_OUTPUT_STRING"] = "1"
    try:
        # It runs the program in a copy of the context, where Pulumi has its settings.
        with asyncio.Runner() as runner:
            workers = ThreadPoolExecutor(8, initializer=bring_loop)
            runner.get_loop().set_default_executor(workers)
            return runner.run(program())
    finally:
        for loop in loops:
            loop.close()
