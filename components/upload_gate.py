"""A gate for uploads: all layers of one environment, wired, as one component."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi

from components import recipients, sender, urls
from components.access import Uploaders
from components.approval import Approval, ApprovalArgs
from components.approval_rules import ApprovalRules
from components.approver_audit import AUDIT_LOG_SECONDS, ApproverAudit, ApproverAuditArgs
from components.build_network import Network
from components.buttons import SCAN_AGAIN_BUTTON, TEAM_BUTTONS, TeamButton
from components.compute import AUTO, COMPUTE_TYPES, Compute, chosen, problem
from components.context import current, elsewhere
from components.notification import Notification, NotificationArgs
from components.operations import Operations, OperationsArgs
from components.pipeline import Pipeline, PipelineArgs
from components.published_outputs import PublishedOutputs, PublishedOutputsArgs
from components.resource_policies import policy_too_large
from components.scan_project import Build, Scanners, Vpc
from components.state_machine import Waits
from components.storage import Storage, StorageArgs
from components.tagging import tagging
from components.watched import Watched
from domain.partition import PARTITION, console
from domain.scan_id import APPS
from packs.platforms import ARCHITECTURES

MINUTE, HOUR, DAY = 60, 3600, 86_400
APPROVAL_COVERS, SELF_APPROVAL = ("version", "findings"), ("warn", "allow", "refuse")
# Of the 4 KB that a function's environment may have, in JSON.
MAX_PEOPLE = 1000
LOCK_MODES = ("", "GOVERNANCE", "COMPLIANCE")
# The only values that CloudWatch Logs accepts (PutRetentionPolicy).
# fmt: off
LOG_RETENTION_DAYS = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
)
# fmt: on


@dataclass(frozen=True, kw_only=True)
class UploadGateArgs:
    """The settings of a gate; durations are in seconds.

    ``limits`` are the maximum findings by severity, if the scanner's own gate does not decide;
    ``coverage_limits`` the maximum files by class; None is no limit. ``upload_limits`` is what an
    upload may unpack to: files, bytes, and bytes for each byte of the zip. ``lock_mode`` is
    GOVERNANCE or COMPLIANCE, or empty for evidence without Object Lock. A channel belongs to one
    gate. Pulumi.yaml describes each of these as a setting. ``UploadGate`` refuses what
    ``check`` finds; further rules, for settings of a stack, are in components/settings.py.
    """

    slack_workspace_id: str
    slack_channel_id: str
    sender: str
    recipients: Sequence[str]
    scanners: Scanners

    create_email_identity: bool = True
    sender_domain: str = ""
    app_recipients: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    uploader_domains: Sequence[str] = ()
    failure_emails: str = "uploader"

    limits: Mapping[str, int | None] = field(
        default_factory=lambda: {"BLOCKER": 0, "HIGH": 0, "MEDIUM": None, "LOW": None}
    )
    coverage_limits: Mapping[str, int | None] = field(
        default_factory=lambda: {"unanalysed": 0, "opaque": None}
    )
    upload_limits: Mapping[str, int] = field(
        default_factory=lambda: {"files": 20_000, "bytes": 1024**3, "ratio": 200}
    )
    allow_exclusions: bool = False
    build_seconds: int = 0
    queue_seconds: int = 8 * HOUR
    architecture: str = "x86_64"
    compute_type: str = AUTO
    vpc: Vpc | None = None
    network: Network = field(default_factory=Network)

    decision_seconds: int = 72 * HOUR
    escalate_seconds: int = 12 * HOUR
    escalation_mention: str = ""
    escalation_topic: str = ""
    digest_after: int = 10
    digest_seconds: int = 5 * MINUTE
    exception_seconds: int = 30 * DAY
    max_exception_seconds: int = 90 * DAY
    remind_seconds: int = 3 * DAY
    approval_covers: str = "version"
    approvals: int = 1
    self_approval: str = "warn"
    people: Mapping[str, str] = field(default_factory=dict[str, str])
    custom_actions: Sequence[TeamButton] = (SCAN_AGAIN_BUTTON,)
    user_role_required: bool = False
    record_approver: bool = False

    deployers: Sequence[str] = ()
    uploaders: Uploaders = field(default_factory=dict[str, Sequence[str]])
    log_retention_days: int = 90
    upload_retention_days: int = 90
    lock_mode: str = ""
    lock_days: int = 365
    protect: bool = False
    tags: Mapping[str, str] = field(default_factory=dict[str, str])

    def compute(self, region: str) -> Compute:
        """The machine that a scan runs on; ``build_seconds`` of 0 are what it allows."""
        needed = {"sonarqube", "custom"}.intersection(self.scanners.names)
        return chosen(
            self.compute_type,
            self.build_seconds,
            architecture=self.architecture,
            region=region,
            needs_ec2=bool(needed or self.vpc or self.network.proxy_url),
        )

    def build(self, region: str) -> Build:
        """How scans are run."""
        return Build(
            scanners=self.scanners,
            limits=self.limits,
            coverage_limits=self.coverage_limits,
            upload_limits=self.upload_limits,
            allow_exclusions=self.allow_exclusions,
            compute=self.compute(region),
            queue_seconds=self.queue_seconds,
            vpc=self.vpc,
            network=self.network,
        )

    @property
    def rules(self) -> ApprovalRules:
        """What an approval covers, and who may approve."""
        return ApprovalRules(
            covers=self.approval_covers,
            approvals=self.approvals,
            self_approval=self.self_approval,
            people=self.people,
        )

    @property
    def replaced_upload_days(self) -> int:
        """Days that a replaced version is stored: as set, and as long as it can be approved."""
        lifetime = self.decision_seconds + self.max_exception_seconds
        return max(self.upload_retention_days, -(-lifetime // DAY) + 1)

    def check(self, region: str) -> None:
        """Check what AWS would refuse late, or take although no upload could ever be approved.

        ``region`` is that which the gate is deployed into.

        Raises:
            ValueError: names every wrong value, and what it must be.
        """
        most = recipients.most(self.uploader_domains)
        sonarqube = self.scanners.sonarqube
        rules = {
            "recipients must not be empty": bool(self.recipients),
            "sender_domain must be the domain of sender, or one above it": (
                not self.sender_domain or sender.covers(self.sender_domain, self.sender)
            ),
            f"recipients must be at most {most} addresses": (
                len(recipients.distinct(self.recipients)) <= most
            ),
            f"app_recipients must be at most {most} addresses for an app": all(
                len(recipients.distinct(team)) <= most for team in self.app_recipients.values()
            ),
            f"scanners must {self.scanners.problem}": not self.scanners.problem,
            "scanners must have a host_url of http or https without password and query": (
                not sonarqube or not urls.problem(sonarqube.host_url)
            ),
            f"escalation_topic must be in {region} ({PARTITION})": not elsewhere(
                self.escalation_topic, region
            ),
            f"custom_actions must be at most {TEAM_BUTTONS}": (
                len(self.custom_actions) <= TEAM_BUTTONS
            ),
            f"custom_actions must have functions in {region} ({PARTITION})": not any(
                elsewhere(button.function, region) for button in self.custom_actions
            ),
            "lock_mode must be GOVERNANCE, COMPLIANCE or empty": self.lock_mode in LOCK_MODES,
            f"architecture must be one of {', '.join(ARCHITECTURES)}": (
                self.architecture in ARCHITECTURES
            ),
            f"compute_type must be one of {', '.join(COMPUTE_TYPES)}": (
                self.compute_type in COMPUTE_TYPES
            ),
            f"log_retention_days must be one of {LOG_RETENTION_DAYS}": (
                self.log_retention_days in LOG_RETENTION_DAYS
            ),
            "max_exception_seconds must be at least exception_seconds": (
                self.max_exception_seconds >= self.exception_seconds
            ),
            f"approval_covers must be one of {', '.join(APPROVAL_COVERS)}": (
                self.approval_covers in APPROVAL_COVERS
            ),
            f"self_approval must be one of {', '.join(SELF_APPROVAL)}": (
                self.self_approval in SELF_APPROVAL
            ),
            "approvals must be 1 or 2": self.approvals in (1, 2),
            "record_approver must be true with self_approval refuse, and with approvals 2": (
                self.record_approver or not self.rules.need_people
            ),
            f"people must be at most {MAX_PEOPLE} characters of JSON": (
                len(json.dumps(dict(self.people))) <= MAX_PEOPLE
            ),
            # Together less than a year, the lifetime of an execution of Step Functions.
            f"decision_seconds must be between 1 and {90 * DAY}": (
                1 <= self.decision_seconds <= 90 * DAY
            ),
            f"exception_seconds must be between 1 and {270 * DAY}": (
                1 <= self.exception_seconds <= 270 * DAY
            ),
        }
        too_large = policy_too_large(self.deployers, self.uploaders)
        rules[f"uploaders and deployers must be fewer: {too_large}"] = not too_large
        rules["uploaders must name apps, each with principals"] = all(
            APPS.fullmatch(app) and principals for app, principals in self.uploaders.items()
        )
        wrong = [rule for rule, holds in rules.items() if not holds]
        if too_much := problem(self.compute(region), region=region, in_vpc=bool(self.vpc)):
            wrong.append(f"compute_type must be another: {too_much}")
        wrong += [f"network.{name} {problem}" for name, problem in self.network.problems.items()]
        if wrong:
            raise ValueError(f"UploadGateArgs: {'; '.join(wrong)}")


class UploadGate(pulumi.ComponentResource):
    """Scans each uploaded zip, and asks a Slack channel for a decision if its quality gate fails.

    ``name`` is part of the names of its resources, so it must be short: Amazon Q Developer
    (formerly AWS Chatbot) allows 50 characters in a function's name and 64 in a button's.
    """

    upload_bucket: pulumi.Output[str]
    artifacts_bucket: pulumi.Output[str]
    state_bucket: pulumi.Output[str]
    state_machine: pulumi.Output[str]
    topic: pulumi.Output[str]
    approval_function: pulumi.Output[str]
    rescan_function: pulumi.Output[str]
    dead_letter_queue: pulumi.Output[str]
    dashboard_url: pulumi.Output[str]
    executions_url: pulumi.Output[str]
    builds_url: pulumi.Output[str]
    evidence_url: pulumi.Output[str]
    key: pulumi.Output[str]
    upload_command: pulumi.Output[str]
    sender_dns_records: pulumi.Output[str]
    approvals: pulumi.Output[int]
    people: pulumi.Output[dict[str, str]]

    def __init__(
        self, name: str, args: UploadGateArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(
            "chatops-slack:index:UploadGate",
            name,
            None,
            # Tags for the resources of this gate only, not for the rest of the program.
            pulumi.ResourceOptions.merge(
                opts,
                pulumi.ResourceOptions(transforms=[tagging(args.tags)] if args.tags else []),
            ),
        )
        child = pulumi.ResourceOptions(parent=self)
        project, stack = pulumi.get_project(), pulumi.get_stack()
        context = current(
            f"{project}-{stack}-{name}",
            self,
            log_retention_days=args.log_retention_days,
            protect=args.protect,
        )
        args.check(context.region)

        storage = Storage(
            name,
            StorageArgs(
                context=context,
                upload_retention_days=args.replaced_upload_days,
                deployers=args.deployers,
                uploaders=args.uploaders,
                lock_mode=args.lock_mode,
                lock_days=args.lock_days,
            ),
            opts=child,
        )
        approval = Approval(
            name,
            ApprovalArgs(
                context=context,
                storage=storage,
                sender=args.sender,
                create_email_identity=args.create_email_identity,
                sender_domain=args.sender_domain,
                recipients=args.recipients,
                app_recipients=args.app_recipients,
                uploader_domains=args.uploader_domains,
                failure_emails=args.failure_emails,
                mention=args.escalation_mention,
                exception_seconds=args.exception_seconds,
                max_exception_seconds=args.max_exception_seconds,
                stored_days=args.replaced_upload_days,
                rules=args.rules,
                team_buttons=args.custom_actions,
            ),
            opts=child,
        )
        audit_log = None
        if args.record_approver:
            audit_log = ApproverAudit(
                name,
                ApproverAuditArgs(
                    context=context,
                    storage=storage,
                    approval_function=approval.approval.name,
                    resumes=args.rules.need_people,
                ),
                opts=child,
            ).log_group
        notification = Notification(
            name,
            NotificationArgs(
                context=context,
                storage=storage,
                approval=approval,
                slack_workspace_id=args.slack_workspace_id,
                slack_channel_id=args.slack_channel_id,
                user_role_required=args.user_role_required,
                audit_log=audit_log,
            ),
            opts=child,
        )
        pipeline = Pipeline(
            name,
            PipelineArgs(
                context=context,
                storage=storage,
                approval=approval,
                notification=notification,
                build=args.build(context.region),
                waits=Waits(
                    decide=args.decision_seconds,
                    escalate=args.escalate_seconds,
                    remind=args.remind_seconds,
                    audit=AUDIT_LOG_SECONDS if args.record_approver else 0,
                ),
                escalation_topic=args.escalation_topic,
                rules=args.rules,
                digest_after=args.digest_after,
                digest_seconds=args.digest_seconds,
            ),
            opts=child,
        )
        operations = Operations(
            name,
            OperationsArgs(
                context=context,
                topic_arn=notification.topic_arn,
                watched=Watched(
                    region=context.region,
                    namespace=f"{project}/{stack}/{name}",
                    topic=notification.topic_name,
                    functions={**approval.functions, **pipeline.functions},
                    state_machine_arn=pipeline.state_machine_arn,
                    project=pipeline.project,
                    rule=pipeline.rule,
                    dead_letters=pipeline.dead_letters_name,
                    configuration_set=approval.configuration_set,
                    uploads=storage.uploads.name,
                    artifacts=storage.artifacts.name,
                    result_seconds=args.compute(context.region).seconds,
                ),
            ),
            opts=child,
        )
        region = context.region
        self.upload_bucket = storage.uploads.name
        self.artifacts_bucket = storage.artifacts.name
        self.state_bucket = storage.state.name
        self.state_machine = pipeline.state_machine_arn
        self.topic = notification.topic_arn
        self.approval_function = approval.approval.name
        self.rescan_function = approval.rescan.name
        self.dead_letter_queue = pipeline.dead_letters
        self.dashboard_url = operations.dashboard_url
        self.executions_url = pulumi.Output.concat(
            f"{console(region)}/states/home?region={region}#/statemachines/view/",
            pipeline.state_machine_arn,
        )
        self.builds_url = pulumi.Output.concat(
            f"{console(region)}/codesuite/codebuild/{context.account}/projects/",
            pipeline.project,
            f"/history?region={region}",
        )
        self.evidence_url = pulumi.Output.concat(
            f"{console(region)}/s3/buckets/",
            storage.artifacts.name,
            f"?region={region}&prefix=scans/",
        )
        self.key = storage.key_arn
        self.upload_command = pulumi.Output.concat(
            "aws s3 cp app.zip s3://", storage.uploads.name, "/APP/app.zip"
        )
        self.sender_dns_records = approval.sender_dns_records
        self.approvals = pulumi.Output.from_input(args.approvals)
        self.people = pulumi.Output.from_input(dict(args.people))
        PublishedOutputs(
            name,
            PublishedOutputsArgs(
                outputs=self.outputs,
            ),
            opts=child,
        )
        self.register_outputs(self.outputs)

    @property
    def outputs(self) -> dict[str, pulumi.Output[Any]]:
        """The outputs of a stack for this gate, by the names that the commands of ``ops/`` read."""
        return {
            "uploadBucket": self.upload_bucket,
            "artifactsBucket": self.artifacts_bucket,
            "stateBucket": self.state_bucket,
            "stateMachine": self.state_machine,
            "topic": self.topic,
            "approvalFunction": self.approval_function,
            "rescanFunction": self.rescan_function,
            "deadLetterQueue": self.dead_letter_queue,
            "dashboardUrl": self.dashboard_url,
            "executionsUrl": self.executions_url,
            "buildsUrl": self.builds_url,
            "evidenceUrl": self.evidence_url,
            "key": self.key,
            "uploadCommand": self.upload_command,
            "senderDnsRecords": self.sender_dns_records,
            "approvals": self.approvals,
            "people": self.people,
        }
