"""A mock engine that records what a program registers, and waits for all of it.

Pulumi tests pass silently in three ways: under ``preview=True`` what is in an ``apply`` may never
run, an undecorated test waits for nothing, and an Output in an f-string is a string. ``build`` is
the one way into the engine, and closes all three.
"""

import asyncio
import contextvars
import json
import os
import runpy
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
import yaml
from pulumi.runtime import mocks, rpc, settings
from pulumi.runtime.stack import run_pulumi_func, wait_for_rpcs

PROGRAM = Path(__file__).parents[2]
PROJECT = "chatops-slack"
ACCOUNT, REGION = "123456789012", "eu-central-1"
TOKEN = "squ_0123456789abcdef"


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
        """What Cloud Control is asked for."""
        return json.loads(self.inputs["desiredState"])


@dataclass
class Built:
    """What a program registered, with ``made``, its own return value."""

    resources: list[Resource] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    made: Any = None

    def all(self, kind: str) -> list[Resource]:
        """Those of one type, as in ``s3/bucket:Bucket``."""
        return [each for each in self.resources if each.kind == f"aws:{kind}"]

    def one(self, kind: str, name: str | None = None) -> Resource:
        """The only one of this type (and name)."""
        found = [each for each in self.all(kind) if name in (None, each.name)]
        assert len(found) == 1, f"{len(found)} {kind} named {name}: {[x.name for x in found]}"
        return found[0]

    @property
    def aws(self) -> list[Resource]:
        """Those that exist in AWS, not components."""
        return [each for each in self.resources if each.kind.startswith("aws:")]

    def policies(self) -> dict[str, list[dict[str, Any]]]:
        """Every policy document of the program, by ``<kind> <name>``."""
        return {
            f"{each.kind.split(':')[-1]} {each.name}": each.policy(key)
            for each in self.aws
            for key in ("policy", "assumeRolePolicy")
            if key in each.inputs
        }


def arn(kind: str, name: str) -> str:
    """The ARN that the recording engine gives: short, and speaking of the logical name."""
    return f"arn:aws:{kind.split('/')[0].removeprefix('aws:')}:::{name}"


class _Account(mocks.Mocks):
    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        plain = {key: rpc.unwrap_rpc_secret(value) for key, value in args.inputs.items()}
        if not args.typ.startswith("aws:"):
            return args.name, plain
        own_arn = arn(args.typ, args.name)
        made = {"arn": own_arn, "name": args.name, "url": f"https://queue/{args.name}"}
        if args.typ == "aws:s3/bucketObjectv2:BucketObjectv2":
            made["versionId"] = "v1"
        # What Cloud Control and IAM make is known by its ARN.
        by_arn = args.typ in {"aws:cloudcontrol/resource:Resource", "aws:iam/policy:Policy"}
        return own_arn if by_arn else args.name, {**made, **plain}

    def call(self, args: mocks.MockCallArgs) -> Any:
        return {
            "aws:index/getRegion:getRegion": {"region": REGION},
            "aws:index/getCallerIdentity:getCallerIdentity": {"accountId": ACCOUNT},
        }[args.token]


class _Monitor(mocks.MockMonitor):
    def __init__(self) -> None:
        super().__init__(_Account())
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


def build(
    make: Callable[[], Any], stack: str = "dev", config: Mapping[str, str] | None = None
) -> Built:
    """Run ``make`` as a program, to its end; what it raises, here or in an ``apply``, is raised."""
    return contextvars.copy_context().run(_build, make, stack, config or {})


def program(stack: str = "dev", **changed: Any) -> Built:
    """The whole program, with the settings of ``Pulumi.<stack>.yaml`` (or dev's) and a token."""
    return build(
        lambda: runpy.run_path(str(PROGRAM / "__main__.py")), stack, told(stack, **changed)
    )


def told(stack: str = "dev", **changed: Any) -> dict[str, str]:
    """What the CLI hands to the program: defaults, the stack's file, a token, ``changed``."""
    declared = yaml.safe_load((PROGRAM / "Pulumi.yaml").read_text())["config"]
    file = PROGRAM / f"Pulumi.{stack}.yaml"
    chosen = yaml.safe_load((file if file.exists() else PROGRAM / "Pulumi.dev.yaml").read_text())
    values = {
        **{
            f"{PROJECT}:{key}": each["default"]
            for key, each in declared.items()
            if "default" in each
        },
        **chosen["config"],
        f"{PROJECT}:sonarToken": TOKEN,
        **{f"{PROJECT}:{key}": value for key, value in changed.items()},
    }
    return {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in values.items()
        if value is not None
    }


def _build(make: Callable[[], Any], stack: str, config: Mapping[str, str]) -> Built:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loops = [loop]

    def bring_loop() -> None:
        # Else Pulumi opens one in each worker thread and closes none.
        loops.append(asyncio.new_event_loop())
        asyncio.set_event_loop(loops[-1])

    loop.set_default_executor(ThreadPoolExecutor(8, initializer=bring_loop))
    os.environ["PULUMI_ERROR_OUTPUT_STRING"] = "1"
    settings.ROOT.set(None)
    monitor, built = _Monitor(), Built()
    mocks.set_mocks(monitor.mocks, project=PROJECT, stack=stack, preview=False, monitor=monitor)
    pulumi.runtime.set_all_config(dict(config))

    async def run() -> None:
        def start() -> None:
            built.made = make()

        await run_pulumi_func(start)
        root = settings.get_root_resource()
        for name, value in getattr(root, "outputs", {}).items():
            built.outputs[name] = await pulumi.Output.from_input(value).future()
        await wait_for_rpcs()

    try:
        loop.run_until_complete(run())
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        for each in loops:
            each.close()
        asyncio.set_event_loop(None)
    built.resources = monitor.recorded
    return built
