"""The pipeline layer: from an upload's event to its scan, and everything that follows."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

from components.approval import Approval
from components.approval_rules import ApprovalRules
from components.as_json import as_json
from components.context import Context
from components.handler_function import HandlerFunction, HandlerFunctionArgs
from components.notification import Notification
from components.policy import Grant, allow, allow_service, policy, resume_executions, trust
from components.scan_project import Build, ScanProject, ScanProjectArgs
from components.state_machine import Waits, definition
from components.states import Names
from components.storage import Storage
from components.upload_events import UploadEvents, UploadEventsArgs

# The keys of documents that decide what holds of a scan after its gate result, or say who decided.
FOLLOWED = [
    *({"suffix": f"/{name}.json"} for name in ("decision", "withdrawal", "uploader")),
    *({"wildcard": f"*/{folder}/*"} for folder in ("extensions", "approvals", "actions")),
]


@dataclass(frozen=True, kw_only=True)
class PipelineArgs:
    """The other layers, how scans are run, and how long the state machine waits.

    ``escalation_topic`` is the ARN of another topic that gets escalations, or empty. After
    ``digest_after`` cards within ``digest_seconds`` further ones share a thread; 0 for never.
    """

    context: Context
    storage: Storage
    approval: Approval
    notification: Notification
    build: Build
    waits: Waits
    escalation_topic: str = ""
    rules: ApprovalRules = field(default_factory=ApprovalRules)
    digest_after: int = 10
    digest_seconds: int = 300


class Pipeline(pulumi.ComponentResource):
    """One execution of a STANDARD state machine for each uploaded zip."""

    state_machine_arn: pulumi.Output[str]
    project: pulumi.Output[str]
    rule: pulumi.Output[str]
    dead_letters: pulumi.Output[str]
    dead_letters_name: pulumi.Output[str]
    functions: dict[str, HandlerFunction]

    def __init__(
        self, name: str, args: PipelineArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("chatops-slack:index:Pipeline", name, None, opts)
        self._name, self._child = name, pulumi.ResourceOptions(parent=self)

        project = ScanProject(
            f"{name}-scan",
            ScanProjectArgs(context=args.context, storage=args.storage, build=args.build),
            opts=self._child,
        )
        check = self._check_build_status(args, project)
        callback, open_scan = self._callback(args), self._open_scan(args)
        machine = self._state_machine(args, project, check, callback, open_scan)
        rule, dead_letters = self._start_on_upload(args, machine)
        self._resume_on_decision(args, callback)
        self._allow_executions(args.approval, machine)
        events = UploadEvents(
            name, UploadEventsArgs(context=args.context, storage=args.storage), opts=self._child
        )

        self.state_machine_arn = machine.arn
        self.project = project.name
        self.rule = rule.name
        self.dead_letters, self.dead_letters_name = dead_letters.url, dead_letters.name
        self.functions = {
            "check-build-status": check,
            "callback": callback,
            "open-scan": open_scan,
            "uploader": events.uploader,
        }
        self.register_outputs(
            {
                "state_machine_arn": self.state_machine_arn,
                "project": self.project,
                "rule": self.rule,
                "dead_letters": self.dead_letters,
                "dead_letters_name": self.dead_letters_name,
                "functions": {label: function.name for label, function in self.functions.items()},
            }
        )

    def _check_build_status(self, args: PipelineArgs, project: ScanProject) -> HandlerFunction:
        storage = args.storage
        return HandlerFunction(
            f"{self._name}-check-build-status",
            HandlerFunctionArgs(
                context=args.context,
                module="check_build_status",
                description="Says what a build resulted in, and why",
                statements=[
                    # Also of the versions before, to compare with and to rest on.
                    *storage.read_evidence(
                        "scan.json",
                        "uploader.json",
                        "findings.json",
                        "report.json",
                        "gate-result.json",
                        "decision.json",
                        "withdrawal.json",
                        "extensions/*.json",
                        "actions/*.json",
                    ),
                    *storage.write_evidence(
                        "gate-result.json",
                        # It approves what an exception covers.
                        *(["decision.json"] if args.rules.covers == "findings" else []),
                    ),
                    *storage.read_state("thread-slots/*", "apps/*", "resting/*"),
                    *storage.write_state("thread-slots/*", "apps/*", "resting/*"),
                    # No request is made for a version that has been replaced already.
                    *storage.list_upload_versions(),
                    *project.read_builds(),
                ],
                environment={
                    "ARTIFACTS_BUCKET": storage.artifacts.name,
                    "STATE_BUCKET": storage.state.name,
                    "DIGEST_AFTER": str(args.digest_after),
                    "DIGEST_SECONDS": str(args.digest_seconds),
                    "APPROVAL_COVERS": args.rules.covers,
                    **args.rules.four_eyes,
                    **args.approval.button_environment,
                },
                # Without a report it queries S3, CodeBuild and the log, each with its own retries.
                timeout_seconds=30,
            ),
            opts=self._child,
        )

    def _callback(self, args: PipelineArgs) -> HandlerFunction:
        storage = args.storage
        return self._answering(
            args,
            module="callback",
            description="Stores task tokens, sends them back, and says what was decided",
            grants=[
                *storage.read_evidence(
                    "scan.json",
                    "uploader.json",
                    "report.json",
                    "decision.json",
                    "withdrawal.json",
                    "extensions/*.json",
                    "approvals/*.json",
                    "actions/*.json",
                ),
                *storage.write_evidence(
                    "decision.json",
                    # It takes back what an uploader approved.
                    *(["withdrawal.json"] if args.rules.self_approval == "refuse" else []),
                ),
                *storage.read_state("waiting/*", "apps/*"),
                *storage.write_state("waiting/*", "apps/*"),
            ],
            environment={
                "APPROVALS": str(args.rules.approvals),
                **args.rules.four_eyes,
            },
            # Many versions may rest on an exception that is withdrawn.
            timeout_seconds=60,
        )

    def _open_scan(self, args: PipelineArgs) -> HandlerFunction:
        storage = args.storage
        return self._answering(
            args,
            module="open_scan",
            description="Opens the scan of an upload, and closes the requests that it replaces",
            grants=[
                *storage.read_evidence("scan.json", "decision.json"),
                *storage.write_evidence("scan.json", "decision.json"),
                *storage.read_state("waiting/*"),
            ],
            # Superseding older requests may take some time (see handlers/open_scan.py).
            timeout_seconds=60,
        )

    def _answering(
        self,
        args: PipelineArgs,
        *,
        module: str,
        description: str,
        grants: Grant,
        environment: Mapping[str, str] | None = None,
        timeout_seconds: int = 10,
    ) -> HandlerFunction:
        """A function that closes requests superseded by a newer version, and sends tokens back."""
        storage = args.storage
        return HandlerFunction(
            f"{self._name}-{module.replace('_', '-')}",
            HandlerFunctionArgs(
                context=args.context,
                module=module,
                description=description,
                statements=[
                    *grants,
                    # A request is superseded if there is a newer version.
                    *storage.list_upload_versions(),
                    resume_executions(),
                ],
                environment={
                    "ARTIFACTS_BUCKET": storage.artifacts.name,
                    "STATE_BUCKET": storage.state.name,
                    **(environment or {}),
                },
                timeout_seconds=timeout_seconds,
            ),
            opts=self._child,
        )

    def _allow_executions(self, approval: Approval, machine: aws.sfn.StateMachine) -> None:
        """Allow the functions behind the buttons what they need on executions."""
        executions = machine.arn.apply(
            lambda arn: arn.replace(":stateMachine:", ":execution:") + ":*"
        )
        describe = allow("states:DescribeExecution", resources=[executions])
        start = allow("states:StartExecution", resources=[machine.arn])
        for label, function, grant in (
            # To see whether an execution that does not wait has failed.
            ("approval", approval.approval, [describe]),
            ("rescan", approval.rescan, [describe, start]),
        ):
            aws.iam.RolePolicy(
                f"{self._name}-{label}-executions",
                role=function.role,
                policy=policy(*grant),
                opts=self._child,
            )

    def _state_machine(
        self,
        args: PipelineArgs,
        project: ScanProject,
        check: HandlerFunction,
        callback: HandlerFunction,
        open_scan: HandlerFunction,
    ) -> aws.sfn.StateMachine:
        context, storage, build = args.context, args.storage, args.build
        escalation = [args.escalation_topic] if args.escalation_topic else []
        grants = aws.iam.RolePolicy(
            f"{self._name}-pipeline",
            role=storage.pipeline_role.id,
            policy=policy(
                *project.run(),
                # Step Functions is notified about a build's end through a rule that it manages
                # itself.
                allow(
                    "events:PutRule",
                    "events:PutTargets",
                    "events:DescribeRule",
                    resources=[
                        context.arn(
                            "events", "rule/StepFunctionsGetEventForCodeBuildStartBuildRule"
                        )
                    ],
                ),
                *open_scan.invoke(),
                *check.invoke(),
                *callback.invoke(),
                *args.approval.notify.invoke(),
                *args.notification.publish(),
                allow("sns:Publish", resources=escalation),
                *storage.tag_uploads(),
                # CloudWatch's log delivery and X-Ray have no resources to name.
                allow(
                    "logs:CreateLogDelivery",
                    "logs:GetLogDelivery",
                    "logs:UpdateLogDelivery",
                    "logs:DeleteLogDelivery",
                    "logs:ListLogDeliveries",
                    "logs:PutResourcePolicy",
                    "logs:DescribeResourcePolicies",
                    "logs:DescribeLogGroups",
                    "xray:PutTraceSegments",
                    "xray:PutTelemetryRecords",
                    "xray:GetSamplingRules",
                    "xray:GetSamplingTargets",
                    resources=["*"],
                ),
            ),
            opts=self._child,
        )
        logs = aws.cloudwatch.LogGroup(
            f"{self._name}-pipeline",
            # Under this prefix a group needs no resource policy, of which an account has ten.
            name_prefix=f"/aws/vendedlogs/states/{context.prefix}-",
            retention_in_days=context.log_retention_days,
            opts=self._child,
        )
        return aws.sfn.StateMachine(
            f"{self._name}-pipeline",
            type="STANDARD",
            role_arn=storage.pipeline_role.arn,
            definition=as_json(
                definition(
                    Names(
                        project=project.name,
                        topic_arn=args.notification.topic_arn,
                        escalation_topic=args.escalation_topic,
                        open_scan=open_scan.arn,
                        callback=callback.arn,
                        check_build_status=check.arn,
                        notify=args.approval.notify.arn,
                        region=context.region,
                    ),
                    # CodeBuild's own limits apply first; this is for a build whose end got lost.
                    build_seconds=build.compute.seconds + build.queue_seconds + 5 * 60,
                    waits=args.waits,
                    failure_emails=args.approval.emails_failures,
                )
            ),
            logging_configuration={
                "level": "ALL",
                # The data has task tokens in it, and the history has the rest anyway.
                "include_execution_data": False,
                "log_destination": pulumi.Output.concat(logs.arn, ":*"),
            },
            tracing_configuration={"enabled": True},
            # Step Functions checks the log rights when the machine is made.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[grants]),
        )

    def _resume_on_decision(self, args: PipelineArgs, callback: HandlerFunction) -> None:
        """Resume the execution that waits once S3 has a document that it waits for."""
        rule = aws.cloudwatch.EventRule(
            f"{self._name}-decisions",
            description="Something was decided, or is known about who decided",
            event_pattern=as_json(
                {
                    "source": ["aws.s3"],
                    "detail-type": ["Object Created"],
                    "detail": {
                        "bucket": {"name": [args.storage.artifacts.name]},
                        "object": {"key": FOLLOWED},
                    },
                }
            ),
            opts=self._child,
        )
        permission = aws.lambda_.Permission(
            f"{self._name}-decisions",
            action="lambda:InvokeFunction",
            function=callback.name,
            principal="events.amazonaws.com",
            source_arn=rule.arn,
            source_account=args.context.account,
            opts=self._child,
        )
        aws.cloudwatch.EventTarget(
            f"{self._name}-decisions",
            rule=rule.name,
            arn=callback.arn,
            # An event that arrives before its permission exists would be retried, but late.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[permission]),
        )

    def _start_on_upload(
        self, args: PipelineArgs, machine: aws.sfn.StateMachine
    ) -> tuple[aws.cloudwatch.EventRule, aws.sqs.Queue]:
        """Start an execution for each zip; return the rule, and the queue of events without one."""
        rule = aws.cloudwatch.EventRule(
            f"{self._name}-uploads",
            description="A zip was uploaded",
            event_pattern=as_json(
                {
                    "source": ["aws.s3"],
                    "detail-type": ["Object Created"],
                    "detail": {
                        "bucket": {"name": [args.storage.uploads.name]},
                        "object": {"key": [{"suffix": ".zip"}]},
                    },
                }
            ),
            opts=self._child,
        )
        role = aws.iam.Role(
            f"{self._name}-uploads",
            assume_role_policy=trust("events.amazonaws.com", args.context.account),
            opts=self._child,
        )
        grants = aws.iam.RolePolicy(
            f"{self._name}-uploads",
            role=role.id,
            policy=policy(allow("states:StartExecution", resources=[machine.arn])),
            opts=self._child,
        )
        dead_letters = aws.sqs.Queue(
            f"{self._name}-dead-letters",
            sqs_managed_sse_enabled=True,
            message_retention_seconds=14 * 24 * 3600,
            opts=self._child,
        )
        access = aws.sqs.QueuePolicy(
            f"{self._name}-dead-letters",
            queue_url=dead_letters.url,
            policy=policy(
                allow_service(
                    "events.amazonaws.com",
                    "sqs:SendMessage",
                    resources=[dead_letters.arn],
                    conditions={"ArnEquals": {"aws:SourceArn": rule.arn}},
                )
            ),
            opts=self._child,
        )
        aws.cloudwatch.EventTarget(
            f"{self._name}-uploads",
            rule=rule.name,
            arn=machine.arn,
            role_arn=role.arn,
            retry_policy={"maximum_event_age_in_seconds": 24 * 3600, "maximum_retry_attempts": 185},
            dead_letter_config={"arn": dead_letters.arn},
            # An event that comes before its rights fails, and one before the queue's is lost.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[grants, access]),
        )
        return rule, dead_letters
