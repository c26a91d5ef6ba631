"""What S3 sends about each upload: the event that starts its scan, and who uploaded."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.context import Context
from components.handler_function import HandlerFunction, HandlerFunctionArgs
from components.storage import Storage


@dataclass(frozen=True, kw_only=True)
class UploadEventsArgs:
    """``storage`` has the upload bucket, and the evidence to which the uploader is added."""

    context: Context
    storage: Storage


class UploadEvents(pulumi.ComponentResource):
    """Turns on the upload bucket's events, both in one resource: a bucket has one configuration.

    EventBridge's events are reliable (retries for a day, a dead-letter queue) and start the scans,
    but name an account at most. Only S3's own notification says which principal uploaded, so
    ``uploader`` gets that. Nothing waits for it.
    """

    uploader: HandlerFunction

    def __init__(
        self, name: str, args: UploadEventsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("chatops-slack:index:UploadEvents", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        uploads = args.storage.uploads

        self.uploader = HandlerFunction(
            f"{name}-uploader",
            HandlerFunctionArgs(
                context=args.context,
                module="uploader",
                description="Adds who uploaded to the scan's evidence",
                statements=args.storage.write_evidence("uploader.json"),
                environment={"ARTIFACTS_BUCKET": args.storage.artifacts.name},
            ),
            opts=child,
        )
        permission = aws.lambda_.Permission(
            f"{name}-uploader",
            action="lambda:InvokeFunction",
            function=self.uploader.name,
            principal="s3.amazonaws.com",
            source_arn=uploads.arn,
            # A bucket's ARN has no account, and a deleted bucket's name is free for others.
            source_account=args.context.account,
            opts=child,
        )
        aws.s3.BucketNotification(
            f"{name}-uploads",
            bucket=uploads.name,
            eventbridge=True,
            lambda_functions=[
                {
                    "id": "uploader",
                    "lambda_function_arn": self.uploader.arn,
                    "events": ["s3:ObjectCreated:*"],
                    # As the rule that starts the scans.
                    "filter_suffix": ".zip",
                }
            ],
            # S3 refuses a function that it may not call.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[permission]),
        )
        self.register_outputs({"uploader": self.uploader.name})
