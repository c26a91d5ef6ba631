"""A Lambda function that runs one module of ``handlers/``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pulumi
import pulumi_aws as aws

from components.context import Context
from components.policy import Grant, Statement, allow, policy, trust

PROGRAM = Path(__file__).parent.parent
HANDLERS, DOMAIN = PROGRAM / "handlers", PROGRAM / "domain"


@dataclass(frozen=True, kw_only=True)
class HandlerFunctionArgs:
    """``module`` is a plain ``str``: it decides what is packaged, so preview must know it.

    ``region`` defaults to the stack's.
    """

    context: Context
    module: str
    description: str
    statements: Sequence[Statement]
    environment: Mapping[str, pulumi.Input[str]] = field(
        default_factory=dict[str, pulumi.Input[str]]
    )
    region: str | None = None
    timeout_seconds: int = 10


class HandlerFunction(pulumi.ComponentResource):
    """Runs ``handlers/<module>.py``; may do what ``statements`` allow, and write its own logs."""

    arn: pulumi.Output[str]
    name: pulumi.Output[str]
    role: pulumi.Output[str]
    log_group: pulumi.Output[str]
    timeout_seconds: int

    def __init__(
        self, name: str, args: HandlerFunctionArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("chatops-slack:index:HandlerFunction", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)

        logs = aws.cloudwatch.LogGroup(
            name,
            region=args.region,
            retention_in_days=args.context.log_retention_days,
            opts=child,
        )
        role = aws.iam.Role(name, assume_role_policy=trust("lambda.amazonaws.com"), opts=child)
        grants = aws.iam.RolePolicy(
            name,
            role=role.id,
            policy=policy(
                allow(
                    "logs:CreateLogStream",
                    "logs:PutLogEvents",
                    resources=[pulumi.Output.concat(logs.arn, ":*")],
                ),
                # X-Ray has no resources to name.
                allow("xray:PutTraceSegments", "xray:PutTelemetryRecords", resources=["*"]),
                *args.statements,
            ),
            opts=child,
        )
        function = aws.lambda_.Function(
            name,
            region=args.region,
            description=args.description,
            role=role.arn,
            runtime="python3.13",
            # Cheaper and at least as fast; the handlers have no native code.
            architectures=["arm64"],
            handler=f"handlers.{args.module}.handler",
            code=packaged_handlers(),
            # CPU grows with memory, and a cold start is mostly CPU.
            memory_size=512,
            timeout=args.timeout_seconds,
            environment={"variables": args.environment},
            # Metric filters count INFO lines, so the level is set explicitly.
            logging_config={
                "log_format": "JSON",
                "application_log_level": "INFO",
                "log_group": logs.name,
            },
            tracing_config={"mode": "Active"},
            # IAM is eventually consistent: without this the first call can race its own grants.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[grants]),
        )
        self.arn, self.name, self.role = function.arn, function.name, role.name
        self.log_group = logs.name
        self.timeout_seconds = args.timeout_seconds
        self.register_outputs(
            {
                "arn": self.arn,
                "name": self.name,
                "role": self.role,
                "log_group": self.log_group,
                "timeout_seconds": self.timeout_seconds,
            }
        )

    def invoke(self) -> Grant:
        """Call this function."""
        return [allow("lambda:InvokeFunction", resources=[self.arn])]


def packaged_handlers() -> pulumi.AssetArchive:
    """Package handlers and domain file by file; a ``__pycache__`` would change the hash."""
    return pulumi.AssetArchive(
        {
            f"{folder.name}/{path.name}": pulumi.FileAsset(str(path))
            for folder in (DOMAIN, HANDLERS)
            for path in sorted(folder.glob("*.py"))
        }
    )
