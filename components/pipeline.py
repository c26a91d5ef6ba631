"""The pipeline layer: from an upload's event to its scan, and everything that follows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.as_json import as_json
from components.handler_function import HandlerFunction, HandlerFunctionArgs
from components.policy import allow, allow_service, evidence, policy, trust
from components.scan_project import ScanProject, ScanProjectArgs
from components.state_machine import Waits, definition
from components.states import Names


@dataclass(frozen=True, kw_only=True)
class PipelineArgs:
    """``prefix`` names the stack; ``role`` is the state machine's.

    ``button_environment`` says what the cards' buttons call; ``escalation_topic`` is the ARN of
    another topic that hears when nobody decides, or empty. After ``digest_after`` cards within
    ``digest_seconds`` the further ones stand in a thread of their own; 0 for never.
    """

    prefix: str
    waits: Waits
    scan: ScanProjectArgs
    role: aws.iam.Role
    uploads: pulumi.Input[str]
    topic_arn: pulumi.Input[str]
    escalation_topic: str
    digest_after: int
    digest_seconds: int
    button_environment: Mapping[str, pulumi.Input[str]]
    announce_arn: pulumi.Input[str]


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
        self._child = pulumi.ResourceOptions(parent=self)

        project = ScanProject("scan", args.scan, opts=self._child)
        check = self._check_build_status(args, project)
        callback, supersede = self._callback(args), self._supersede(args)
        machine = self._state_machine(name, args, project, check, callback, supersede)
        rule, dead_letters = self._start_on_upload(args, machine)
        self._wake_on_answer(args, callback)

        self.state_machine_arn = machine.arn
        self.project = project.name
        self.rule = rule.name
        self.dead_letters, self.dead_letters_name = dead_letters.url, dead_letters.name
        self.functions = {
            "check-build-status": check,
            "callback": callback,
            "supersede": supersede,
        }
        self.register_outputs({"state_machine_arn": self.state_machine_arn})

    def _check_build_status(self, args: PipelineArgs, project: ScanProject) -> HandlerFunction:
        scan = args.scan
        flood = pulumi.Output.concat(scan.work_arn, "/flood/*")
        return HandlerFunction(
            "check-build-status",
            HandlerFunctionArgs(
                module="check_build_status",
                description="Says what a build came to, and why",
                statements=[
                    allow(
                        "s3:GetObject",
                        on=[
                            *evidence(
                                scan.artifacts_arn,
                                "scan.json",
                                "report.json",
                                "verdict.json",
                            ),
                            flood,
                        ],
                    ),
                    allow(
                        "s3:PutObject",
                        on=[*evidence(scan.artifacts_arn, "verdict.json"), flood],
                    ),
                    # A gate that failed is moot where there is a newer version already.
                    allow("s3:ListBucketVersions", on=[scan.uploads_arn]),
                    # Without it S3 answers 403 where no object is, as if a right were missing.
                    allow("s3:ListBucket", on=[scan.artifacts_arn, scan.work_arn]),
                    allow("kms:Decrypt", "kms:GenerateDataKey", on=[scan.key_arn]),
                    allow("codebuild:BatchGetBuilds", on=[project.arn]),
                    allow(
                        "logs:GetLogEvents",
                        on=[pulumi.Output.concat(project.logs_arn, ":log-stream:*")],
                    ),
                ],
                environment={
                    "ARTIFACTS_BUCKET": scan.artifacts,
                    "WORK_BUCKET": scan.work,
                    "DIGEST_AFTER": str(args.digest_after),
                    "DIGEST_SECONDS": str(args.digest_seconds),
                    **args.button_environment,
                },
                log_days=scan.log_days,
                # Without a report it asks S3, CodeBuild and the log, each with its own patience.
                timeout_seconds=30,
            ),
            opts=self._child,
        )

    def _callback(self, args: PipelineArgs) -> HandlerFunction:
        artifacts, tokens = args.scan.artifacts_arn, self._tokens(args)
        [decision, withdrawal] = evidence(artifacts, "decision.json", "withdrawal.json")
        return self._answering(
            args,
            module="callback",
            description="Leaves task tokens, and sends them back with an answer",
            reads=[decision, withdrawal, tokens],
            writes=[decision, tokens],
        )

    def _supersede(self, args: PipelineArgs) -> HandlerFunction:
        [decision] = evidence(args.scan.artifacts_arn, "decision.json")
        return self._answering(
            args,
            module="supersede",
            description="Closes the open requests of versions that a newer one replaces",
            reads=[decision, self._tokens(args)],
            writes=[decision],
        )

    @staticmethod
    def _tokens(args: PipelineArgs) -> pulumi.Output[str]:
        return pulumi.Output.concat(args.scan.work_arn, "/waiting/*")

    def _answering(
        self,
        args: PipelineArgs,
        *,
        module: str,
        description: str,
        reads: Sequence[pulumi.Input[str]],
        writes: Sequence[pulumi.Input[str]],
    ) -> HandlerFunction:
        """A function that decides where a newer version has, and sends tokens back."""
        scan = args.scan
        return HandlerFunction(
            module,
            HandlerFunctionArgs(
                module=module,
                description=description,
                statements=[
                    allow("s3:GetObject", on=reads),
                    allow("s3:PutObject", on=writes),
                    # Without it S3 answers 403 where nothing was decided.
                    allow("s3:ListBucket", on=[scan.artifacts_arn, scan.work_arn]),
                    # A request is moot where there is a newer version.
                    allow("s3:ListBucketVersions", on=[scan.uploads_arn]),
                    allow("kms:Decrypt", "kms:GenerateDataKey", on=[scan.key_arn]),
                    # A task token is the resource here; IAM knows no narrower one.
                    allow("states:SendTaskSuccess", on=["*"]),
                ],
                environment={"ARTIFACTS_BUCKET": scan.artifacts, "WORK_BUCKET": scan.work},
                log_days=scan.log_days,
            ),
            opts=self._child,
        )

    def _state_machine(
        self,
        name: str,
        args: PipelineArgs,
        project: ScanProject,
        check: HandlerFunction,
        callback: HandlerFunction,
        supersede: HandlerFunction,
    ) -> aws.sfn.StateMachine:
        scan = args.scan

        topics = [args.topic_arn, *([args.escalation_topic] if args.escalation_topic else [])]
        grants = aws.iam.RolePolicy(
            name,
            role=args.role.id,
            policy=policy(
                allow(
                    "codebuild:StartBuild",
                    "codebuild:StopBuild",
                    "codebuild:BatchGetBuilds",
                    on=[project.arn],
                ),
                # Step Functions hears of a build's end through a rule that it manages itself.
                allow(
                    "events:PutRule",
                    "events:PutTargets",
                    "events:DescribeRule",
                    on=[
                        f"arn:aws:events:{scan.region}:{scan.account}:rule/"
                        "StepFunctionsGetEventForCodeBuildStartBuildRule"
                    ],
                ),
                allow(
                    "lambda:InvokeFunction",
                    on=[check.arn, callback.arn, supersede.arn, args.announce_arn],
                ),
                allow("sns:Publish", on=topics),
                allow(
                    "s3:PutObject",
                    on=evidence(scan.artifacts_arn, "scan.json", "decision.json"),
                ),
                allow(
                    "s3:GetObject",
                    on=evidence(
                        scan.artifacts_arn, "scan.json", "decision.json", "withdrawal.json"
                    ),
                ),
                # Without it S3 answers 403 where no approval was withdrawn.
                allow("s3:ListBucket", on=[scan.artifacts_arn]),
                allow(
                    "s3:PutObjectVersionTagging",
                    on=[pulumi.Output.concat(scan.uploads_arn, "/*")],
                ),
                allow("kms:Decrypt", "kms:GenerateDataKey", on=[scan.key_arn]),
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
                    on=["*"],
                ),
            ),
            opts=self._child,
        )
        logs = aws.cloudwatch.LogGroup(
            name,
            # Under this prefix a group needs no resource policy, of which an account has ten.
            name_prefix=f"/aws/vendedlogs/states/{args.prefix}-",
            retention_in_days=scan.log_days,
            opts=self._child,
        )
        return aws.sfn.StateMachine(
            name,
            type="STANDARD",
            role_arn=args.role.arn,
            definition=as_json(
                definition(
                    Names(
                        project=project.name,
                        artifacts=scan.artifacts,
                        topic_arn=args.topic_arn,
                        escalation_topic=args.escalation_topic,
                        supersede=supersede.arn,
                        callback=callback.arn,
                        check_build_status=check.arn,
                        announce=args.announce_arn,
                        region=scan.region,
                    ),
                    # CodeBuild's own limits come first; this is for a build whose end went unheard.
                    build_seconds=(scan.build_minutes + scan.queue_minutes + 5) * 60,
                    waits=args.waits,
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

    def _wake_on_answer(self, args: PipelineArgs, callback: HandlerFunction) -> None:
        """Whatever comes of a click: once its document is written, S3 tells of it."""
        rule = aws.cloudwatch.EventRule(
            "answers",
            description="A decision was written, or a withdrawal",
            event_pattern=as_json(
                {
                    "source": ["aws.s3"],
                    "detail-type": ["Object Created"],
                    "detail": {
                        "bucket": {"name": [args.scan.artifacts]},
                        "object": {
                            "key": [{"suffix": "/decision.json"}, {"suffix": "/withdrawal.json"}]
                        },
                    },
                }
            ),
            opts=self._child,
        )
        permission = aws.lambda_.Permission(
            "answers",
            action="lambda:InvokeFunction",
            function=callback.name,
            principal="events.amazonaws.com",
            source_arn=rule.arn,
            source_account=args.scan.account,
            opts=self._child,
        )
        aws.cloudwatch.EventTarget(
            "answers",
            rule=rule.name,
            arn=callback.arn,
            # An event that comes before the right to bring it is tried again for a day, but late.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[permission]),
        )

    def _start_on_upload(
        self, args: PipelineArgs, machine: aws.sfn.StateMachine
    ) -> tuple[aws.cloudwatch.EventRule, aws.sqs.Queue]:
        """Start an execution for each zip; return the rule, and the queue of events without one."""
        rule = aws.cloudwatch.EventRule(
            "uploads",
            description="A zip was uploaded",
            event_pattern=as_json(
                {
                    "source": ["aws.s3"],
                    "detail-type": ["Object Created"],
                    "detail": {
                        "bucket": {"name": [args.uploads]},
                        "object": {"key": [{"suffix": ".zip"}]},
                    },
                }
            ),
            opts=self._child,
        )
        role = aws.iam.Role(
            "uploads",
            assume_role_policy=trust("events.amazonaws.com", args.scan.account),
            opts=self._child,
        )
        grants = aws.iam.RolePolicy(
            "uploads",
            role=role.id,
            policy=policy(allow("states:StartExecution", on=[machine.arn])),
            opts=self._child,
        )
        dead_letters = aws.sqs.Queue(
            "dead-letters",
            sqs_managed_sse_enabled=True,
            message_retention_seconds=14 * 24 * 3600,
            opts=self._child,
        )
        aws.sqs.QueuePolicy(
            "dead-letters",
            queue_url=dead_letters.url,
            policy=policy(
                allow_service(
                    "events.amazonaws.com",
                    "sqs:SendMessage",
                    on=[dead_letters.arn],
                    when={"ArnEquals": {"aws:SourceArn": rule.arn}},
                )
            ),
            opts=self._child,
        )
        aws.cloudwatch.EventTarget(
            "uploads",
            rule=rule.name,
            arn=machine.arn,
            role_arn=role.arn,
            retry_policy={"maximum_event_age_in_seconds": 24 * 3600, "maximum_retry_attempts": 185},
            dead_letter_config={"arn": dead_letters.arn},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[grants]),
        )
        return rule, dead_letters
