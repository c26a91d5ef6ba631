"""What services do by themselves as a role, without a request that the account would see.

Each function names the page of AWS's documentation that says which rights the service needs.
"""

from collections.abc import Mapping
from typing import Any

from local.permissions.call import Access, through
from local.permissions.guard import Guard

LAMBDA, CODEBUILD, STEP_FUNCTIONS = (
    f"{name}.amazonaws.com" for name in ("lambda", "codebuild", "states")
)
S3, S3_LOGS = "s3.amazonaws.com", "logging.s3.amazonaws.com"


def function_starts(guard: Guard, role: str, name: str) -> None:
    """Lambda assumes the role, and its daemon sends traces.

    https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html
    """
    guard.assume(LAMBDA, role)
    traces = ("xray:PutTraceSegments", "xray:PutTelemetryRecords")
    guard.check(guard.role(role, name), [Access(action, "*") for action in traces])


def build_starts(guard: Guard, project: Mapping[str, Any]) -> None:
    """CodeBuild assumes the role, looks at the source's bucket, and uses a cache, if there is one.

    In a VPC it creates a network interface.
    https://docs.aws.amazon.com/codebuild/latest/userguide/setting-up-service-role.html
    https://docs.aws.amazon.com/codebuild/latest/userguide/auth-and-access-control-iam-identity-based-access-control.html#customer-managed-policies-example-create-vpc-network-interface
    """
    account = project["arn"].split(":")[4]
    guard.assume(CODEBUILD, project["serviceRole"], account=account, arn=project["arn"])
    bucket = "arn:aws:s3:::" + project["source"]["location"].partition("/")[0]
    key = guard.world.key_of_bucket(bucket.rsplit(":", 1)[1])
    region = project["arn"].split(":")[3]
    needs = [
        Access("s3:GetBucketAcl", bucket),
        Access("s3:GetBucketLocation", bucket),
        *through("s3", ["kms:Decrypt", "kms:GenerateDataKey"], key, region),
    ]
    if project["cache"]["type"] == "S3":
        cache = f"arn:aws:s3:::{project['cache']['location']}/{project['name']}"
        needs += [
            Access("s3:GetObject", cache),
            Access("s3:PutObject", cache, {"s3:ObjectCreationOperation": "true"}),
        ]
    guard.check(guard.role(project["serviceRole"], "CodeBuild"), needs)
    network_interface(guard, project)


def network_interface(guard: Guard, project: Mapping[str, Any]) -> None:
    """CodeBuild puts a build into the VPC of its project, if there is one."""
    if not (vpc := project.get("vpcConfig")):
        return
    _, _, _, region, account, _ = project["arn"].split(":", 5)
    described = ("DhcpOptions", "NetworkInterfaces", "SecurityGroups", "Subnets", "Vpcs")
    here = f"arn:aws:ec2:{region}:{account}"
    needs = [Access(f"ec2:Describe{what}", "*") for what in described]
    for subnet in vpc["subnets"]:
        made = f"{here}:network-interface/eni-0123456789abcdef0"
        needs += [
            Access("ec2:CreateNetworkInterface", made),
            Access("ec2:CreateNetworkInterface", f"{here}:subnet/{subnet}"),
            Access(
                "ec2:CreateNetworkInterfacePermission",
                made,
                {
                    "ec2:Subnet": f"{here}:subnet/{subnet}",
                    "ec2:AuthorizedService": CODEBUILD,
                },
            ),
            Access("ec2:DeleteNetworkInterface", made),
        ]
    guard.check(guard.role(project["serviceRole"], "CodeBuild"), needs)


def state_machine_made(guard: Guard, role: str, machine: str) -> None:
    """Step Functions assumes the role, and creates its rule about builds and the log's delivery.

    https://docs.aws.amazon.com/step-functions/latest/dg/connect-codebuild.html
    https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
    https://docs.aws.amazon.com/step-functions/latest/dg/concepts-xray-tracing.html
    """
    _, _, _, region, account, _ = machine.split(":", 5)
    guard.assume(STEP_FUNCTIONS, role, account=account, arn=machine)
    rule = f"arn:aws:events:{region}:{account}:rule/StepFunctionsGetEventForCodeBuildStartBuildRule"
    delivery = (
        "CreateLogDelivery", "GetLogDelivery", "UpdateLogDelivery", "DeleteLogDelivery",
        "ListLogDeliveries", "PutResourcePolicy", "DescribeResourcePolicies", "DescribeLogGroups",
    )  # fmt: skip
    traces = (
        "PutTraceSegments", "PutTelemetryRecords", "GetSamplingRules", "GetSamplingTargets",
    )  # fmt: skip
    needs = [
        *(Access(f"events:{action}", rule) for action in ("PutTargets", "PutRule", "DescribeRule")),
        *(Access(f"logs:{action}", "*") for action in delivery),
        *(Access(f"xray:{action}", "*") for action in traces),
    ]
    guard.check(guard.role(role, "StepFunctions"), needs)


def build_is_started(guard: Guard, role: str, project: str) -> None:
    """Step Functions starts a build, looks how it is, and stops it with the execution.

    https://docs.aws.amazon.com/step-functions/latest/dg/connect-codebuild.html
    """
    actions = ("StartBuild", "BatchGetBuilds", "StopBuild")
    needs = [Access(f"codebuild:{action}", project) for action in actions]
    guard.check(guard.role(role, "StepFunctions"), needs)


def access_logs_are_delivered(guard: Guard, source: str, target: str) -> None:
    """S3 writes access logs; it refuses a target that does not let it.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
    """
    service = guard.service(S3_LOGS, arn=f"arn:aws:s3:::{source}", account=guard.world.account)
    needs = [Access("s3:PutObject", f"arn:aws:s3:::{target}")]
    guard.check(service, needs)


def notifications_are_sent(guard: Guard, bucket: str, function: str) -> None:
    """S3 refuses a function that it may not call when its bucket's notifications are configured.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html
    """
    service = guard.service(S3, arn=f"arn:aws:s3:::{bucket}", account=guard.world.account)
    guard.check(service, [Access("lambda:InvokeFunction", function)])


def log_events_are_sent(guard: Guard, group: str, function: str) -> None:
    """CloudWatch Logs tries the function when its subscription filter is created.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html
    """
    _, _, _, region, account, _ = group.split(":", 5)
    service = guard.service(f"logs.{region}.amazonaws.com", arn=f"{group}:*", account=account)
    guard.check(service, [Access("lambda:InvokeFunction", function)])


def alarm_is_published(guard: Guard, alarm: str, topic: str) -> None:
    """CloudWatch publishes an alarm to a topic, encrypted with our key.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
    """
    region, account = topic.split(":")[3:5]
    key = guard.world.key_of_topic(topic)
    needs = [
        Access("sns:Publish", topic),
        *through("sns", ["kms:Decrypt", "kms:GenerateDataKey"], key, region),
    ]
    guard.check(guard.service("cloudwatch.amazonaws.com", arn=alarm, account=account), needs)
