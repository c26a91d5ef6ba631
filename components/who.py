"""The optional layer that records who pressed, from the chat service's audit log."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.handler_function import HandlerFunction, HandlerFunctionArgs
from components.policy import allow, evidence

# Where the chat service keeps its logs, wherever the stack is.
LOG_REGION = "us-east-1"
# How long an email waits for the log's event; then it is sent without.
WHO_SECONDS = 30


@dataclass(frozen=True, kw_only=True)
class WhoArgs:
    """``configuration_name`` is the channel configuration's; ``region`` is the evidence's."""

    account: str
    region: str
    configuration_name: str
    log_days: int
    key_arn: pulumi.Input[str]
    artifacts: pulumi.Input[str]
    artifacts_arn: pulumi.Input[str]
    approval_function: pulumi.Input[str]


class Who(pulumi.ComponentResource):
    """Subscribes to the log in its own region, and adds each press to the scan's evidence."""

    def __init__(
        self, name: str, args: WhoArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("chatops-slack:index:Who", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)

        audit_log = aws.cloudwatch.LogGroup(
            "audit-log",
            region=LOG_REGION,
            # The service writes to this name, and makes the group where there is none.
            name=f"/aws/chatbot/{args.configuration_name}",
            retention_in_days=args.log_days,
            # It is the service's record, and outlives our interest in it.
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True),
        )
        function = HandlerFunction(
            name,
            HandlerFunctionArgs(
                module="who",
                description="Adds who pressed a button to the scan's evidence",
                region=LOG_REGION,
                statements=[
                    allow("s3:GetObject", on=evidence(args.artifacts_arn, "scan.json")),
                    allow("s3:PutObject", on=evidence(args.artifacts_arn, "pressed/*.json")),
                    # Without it S3 answers 403 where no scan is, as if a right were missing.
                    allow("s3:ListBucket", on=[args.artifacts_arn]),
                    allow("kms:Decrypt", "kms:GenerateDataKey", on=[args.key_arn]),
                ],
                environment={
                    "ARTIFACTS_BUCKET": args.artifacts,
                    "EVIDENCE_REGION": args.region,
                    "APPROVAL_FUNCTION": args.approval_function,
                },
                log_days=args.log_days,
                # A batch of presses, each with its calls to another region.
                timeout_seconds=60,
            ),
            opts=child,
        )
        permission = aws.lambda_.Permission(
            name,
            region=LOG_REGION,
            action="lambda:InvokeFunction",
            function=function.name,
            principal=f"logs.{LOG_REGION}.amazonaws.com",
            source_arn=pulumi.Output.concat(audit_log.arn, ":*"),
            source_account=args.account,
            opts=child,
        )
        aws.cloudwatch.LogSubscriptionFilter(
            name,
            region=LOG_REGION,
            log_group=audit_log.name,
            destination_arn=function.arn,
            # Whatever the fields of an event are: one of our presses names our function.
            filter_pattern=pulumi.Output.concat('"', args.approval_function, '"'),
            # CloudWatch tries the function when the filter is made.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[permission]),
        )
        self.register_outputs({})
