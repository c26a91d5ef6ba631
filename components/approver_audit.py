"""The optional layer that records who approved, from the chat service's audit log."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.context import Context
from components.handler_function import HandlerFunction, HandlerFunctionArgs
from components.policy import resume_executions
from components.storage import Storage

# The chat service writes its logs to this region, regardless of the stack's region.
LOG_REGION = "us-east-1"
# How long an email waits for the log's event; after that it is sent without the name.
AUDIT_LOG_SECONDS = 30


@dataclass(frozen=True, kw_only=True)
class ApproverAuditArgs:
    """``approval_function`` is the name of the function that the buttons call.

    ``resumes`` is whether something follows from who clicked.
    """

    context: Context
    storage: Storage
    approval_function: pulumi.Input[str]
    resumes: bool


class ApproverAudit(pulumi.ComponentResource):
    """Subscribes to the log in its own region, and adds each click to the scan's evidence.

    ``log_group`` must exist before the channel: otherwise the chat service creates it.
    """

    log_group: aws.cloudwatch.LogGroup

    def __init__(
        self, name: str, args: ApproverAuditArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("chatops-slack:index:ApproverAudit", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        context, storage = args.context, args.storage

        self.log_group = audit_log = aws.cloudwatch.LogGroup(
            f"{name}-audit-log",
            region=LOG_REGION,
            # The service writes to the group of this name, and creates it if it does not exist.
            name=f"/aws/chatbot/{context.prefix}",
            retention_in_days=context.log_retention_days,
            # The log is the service's record and must outlive this stack.
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True),
        )
        function = HandlerFunction(
            f"{name}-approver-audit",
            HandlerFunctionArgs(
                context=context,
                module="approver_audit",
                description="Adds who clicked a button to the scan's evidence",
                region=LOG_REGION,
                statements=[
                    *storage.read_evidence("scan.json"),
                    *storage.write_evidence("actions/*.json"),
                    *(
                        [*storage.read_state("waiting/*"), resume_executions()]
                        if args.resumes
                        else []
                    ),
                ],
                environment={
                    "ARTIFACTS_BUCKET": storage.artifacts.name,
                    "EVIDENCE_REGION": context.region,
                    "APPROVAL_FUNCTION": args.approval_function,
                    "STATE_BUCKET": storage.state.name if args.resumes else "",
                },
                # A batch of clicks, each with its calls to another region.
                timeout_seconds=60,
            ),
            opts=child,
        )
        permission = aws.lambda_.Permission(
            f"{name}-approver-audit",
            region=LOG_REGION,
            action="lambda:InvokeFunction",
            function=function.name,
            principal=f"logs.{LOG_REGION}.amazonaws.com",
            source_arn=pulumi.Output.concat(audit_log.arn, ":*"),
            source_account=context.account,
            opts=child,
        )
        aws.cloudwatch.LogSubscriptionFilter(
            f"{name}-approver-audit",
            region=LOG_REGION,
            log_group=audit_log.name,
            destination_arn=function.arn,
            # The format of the events is not documented, but each click names the function.
            filter_pattern=pulumi.Output.concat('"', args.approval_function, '"'),
            # CloudWatch calls the function when the filter is created.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[permission]),
        )
        self.register_outputs({"function": function.name, "log_group": audit_log.name})
