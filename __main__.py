"""chatops-slack: wires the five layers of one environment."""

import pulumi
import pulumi_aws as aws

from components.approval import Approval, ApprovalArgs
from components.notification import Notification, NotificationArgs
from components.operations import Operations, OperationsArgs
from components.pipeline import Pipeline, PipelineArgs
from components.scan_project import ScanProjectArgs
from components.settings import load
from components.state_machine import Waits
from components.storage import Storage, StorageArgs
from components.tagging import tag_everything
from components.watched import Watched
from components.who import WHO_SECONDS, Who, WhoArgs

stack = pulumi.get_stack()
prefix = f"{pulumi.get_project()}-{stack}"
settings = load(pulumi.Config(), stack)
region = aws.get_region().region
account = aws.get_caller_identity().account_id

tag_everything({"project": pulumi.get_project(), "stack": stack, "managed-by": "pulumi"})

storage = Storage(
    "storage",
    StorageArgs(
        account=account,
        region=region,
        upload_days=settings.kept_days,
        deployers=settings.deployers,
        lock_mode=settings.lock_mode,
        lock_days=settings.lock_days,
        protect=settings.protect,
    ),
)
approval = Approval(
    "approval",
    ApprovalArgs(
        account=account,
        region=region,
        action_prefix=prefix,
        sender=settings.sender,
        create_sender=settings.create_sender,
        recipients=settings.recipients,
        app_recipients=settings.app_recipients,
        uploader_domains=settings.uploader_domains,
        mention=settings.escalation_mention,
        exception_seconds=settings.exception_seconds,
        max_exception_seconds=settings.max_exception_seconds,
        team_buttons=settings.team_buttons,
        log_days=settings.log_days,
        key_arn=storage.key_arn,
        uploads_arn=storage.uploads_arn,
        artifacts=storage.artifacts,
        artifacts_arn=storage.artifacts_arn,
        work=storage.work,
        work_arn=storage.work_arn,
        # By its name, since it is made later: the topic that it tells needs the buttons first.
        state_machines=f"arn:aws:states:{region}:{account}:stateMachine:{prefix}-pipeline-*",
    ),
)
notification = Notification(
    "notification",
    NotificationArgs(
        account=account,
        configuration_name=prefix,
        slack_workspace_id=settings.slack_workspace_id,
        slack_channel_id=settings.slack_channel_id,
        user_role_required=settings.user_role_required,
        key_arn=storage.key_arn,
        button_functions=approval.button_functions,
        actions=approval.actions,
    ),
)
pipeline = Pipeline(
    "pipeline",
    PipelineArgs(
        prefix=prefix,
        waits=Waits(
            decide=settings.decision_seconds,
            escalate=settings.escalate_seconds,
            remind=settings.remind_seconds,
            who=WHO_SECONDS if settings.record_who else 0,
        ),
        scan=ScanProjectArgs(
            account=account,
            region=region,
            architecture=settings.architecture,
            compute_type=settings.compute_type,
            build_minutes=settings.build_seconds // 60,
            queue_minutes=settings.queue_seconds // 60,
            log_days=settings.log_days,
            protect=settings.protect,
            vpc=settings.vpc,
            environment=settings.scan_environment,
            sonar_token=settings.sonar_token,
            role=storage.scan_role,
            key_arn=storage.key_arn,
            uploads_arn=storage.uploads_arn,
            artifacts=storage.artifacts,
            artifacts_arn=storage.artifacts_arn,
            work=storage.work,
            work_arn=storage.work_arn,
        ),
        role=storage.pipeline_role,
        uploads=storage.uploads,
        topic_arn=notification.topic_arn,
        escalation_topic=settings.escalation_topic,
        digest_after=settings.digest_after,
        digest_seconds=settings.digest_seconds,
        button_environment=approval.button_environment,
        announce_arn=approval.announce_arn,
    ),
)
operations = Operations(
    "operations",
    OperationsArgs(
        dashboard=prefix,
        topic_arn=notification.topic_arn,
        watched=Watched(
            region=region,
            namespace=f"{pulumi.get_project()}/{stack}",
            topic=notification.topic_name,
            functions={**approval.functions, **pipeline.functions},
            state_machine_arn=pipeline.state_machine_arn,
            project=pipeline.project,
            rule=pipeline.rule,
            dead_letters=pipeline.dead_letters_name,
            configuration_set=approval.configuration_set,
            uploads=storage.uploads,
            artifacts=storage.artifacts,
            result_seconds=settings.build_seconds,
        ),
    ),
)
if settings.record_who:
    Who(
        "who",
        WhoArgs(
            account=account,
            region=region,
            configuration_name=prefix,
            log_days=settings.log_days,
            key_arn=storage.key_arn,
            artifacts=storage.artifacts,
            artifacts_arn=storage.artifacts_arn,
            approval_function=approval.function_name,
        ),
    )

console = f"https://{region}.console.aws.amazon.com"
pulumi.export("uploadBucket", storage.uploads)
pulumi.export("artifactsBucket", storage.artifacts)
pulumi.export("workBucket", storage.work)
pulumi.export("stateMachine", pipeline.state_machine_arn)
pulumi.export("topic", notification.topic_arn)
pulumi.export("approvalFunction", approval.function_name)
pulumi.export("rescanFunction", approval.rescan_name)
pulumi.export("deadLetterQueue", pipeline.dead_letters)
pulumi.export("dashboardUrl", operations.dashboard_url)
pulumi.export(
    "executionsUrl",
    pulumi.Output.concat(
        f"{console}/states/home?region={region}#/statemachines/view/", pipeline.state_machine_arn
    ),
)
pulumi.export(
    "buildsUrl",
    pulumi.Output.concat(
        f"{console}/codesuite/codebuild/{account}/projects/",
        pipeline.project,
        f"/history?region={region}",
    ),
)
pulumi.export(
    "evidenceUrl",
    pulumi.Output.concat(
        f"{console}/s3/buckets/", storage.artifacts, f"?region={region}&prefix=scans/"
    ),
)
pulumi.export(
    "uploadCommand",
    pulumi.Output.concat("aws s3 cp app.zip s3://", storage.uploads, "/APP/app.zip"),
)
