"""What an API checks, or what works at once, exists before: each such pair has a dependency.

Pulumi creates resources in parallel unless one refers to the other. In these pairs none does, so
without ``depends_on`` (or an Output that waits) the order would be chance. The pairs are found by
type, in all of the program. S3 also refuses two changes of one bucket at the same time
(OperationAborted); those the AWS provider repeats by itself.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
import pytest

from tests.support.recording import Built, Resource, arn, build

S3_GUIDE = "https://docs.aws.amazon.com/AmazonS3/latest/userguide"
S3_API = "https://docs.aws.amazon.com/AmazonS3/latest/API"
Find = Callable[[Resource, Built], Iterable[Resource]]


@dataclass(frozen=True)
class Rule:
    """A resource of type ``kind`` needs what ``needs`` finds; ``why`` ends with its source."""

    kind: str
    needs: Find
    why: str


def of_bucket(kind: str, key: str = "bucket") -> Find:
    """The configuration of type ``kind`` of the bucket that the input ``key`` names."""

    def find(resource: Resource, built: Built) -> Iterator[Resource]:
        yield from (
            item for item in built.all(kind) if item.inputs["bucket"] == resource.inputs.get(key)
        )

    return find


def policies_of(key: str) -> Find:
    """The policies of the role that the input ``key`` has, as name or ARN."""

    def find(resource: Resource, built: Built) -> Iterator[Resource]:
        for item in built.all("iam/rolePolicy:RolePolicy"):
            role = item.inputs["role"]
            names = (role, arn("aws:iam/role:Role", role))
            # A policy that names what the role is for can only be made after it.
            if resource.inputs.get(key) in names and resource.urn not in before(item, built):
                yield item

    return find


def permissions(function_arns: Callable[[Resource], Iterable[str]]) -> Find:
    """The permissions to call these functions."""

    def find(resource: Resource, built: Built) -> Iterator[Resource]:
        wanted = set(function_arns(resource))
        for item in built.all("lambda/permission:Permission"):
            if arn("aws:lambda/function:Function", item.inputs["function"]) in wanted:
                yield item

    return find


def versioning(resource: Resource, built: Built) -> Iterator[Resource]:
    """The versioning of a bucket whose rules are about versions."""
    if any("noncurrentVersionExpiration" in rule for rule in resource.inputs["rules"]):
        yield from of_bucket("s3/bucketVersioning:BucketVersioning")(resource, built)


def dead_letter_policy(resource: Resource, built: Built) -> Iterator[Resource]:
    """The policy of the dead-letter queue."""
    queue = resource.inputs.get("deadLetterConfig", {}).get("arn")
    for item in built.all("sqs/queuePolicy:QueuePolicy"):
        if queue == arn("aws:sqs/queue:Queue", item.name):
            yield item


def topic_policies(resource: Resource, built: Built) -> Iterator[Resource]:
    """The policies of the topics that an alarm publishes to."""
    for item in built.all("sns/topicPolicy:TopicPolicy"):
        if item.inputs["arn"] in resource.inputs["alarmActions"]:
            yield item


def audit_log(resource: Resource, built: Built) -> Iterator[Resource]:
    """The log group that the chat service writes a channel's audit log to."""
    if resource.inputs["typeName"] == "AWS::Chatbot::SlackChannelConfiguration":
        name = f"/aws/chatbot/{resource.desired['ConfigurationName']}"
        yield from (
            item
            for item in built.all("cloudwatch/logGroup:LogGroup")
            if item.inputs.get("name") == name
        )


def notified(resource: Resource) -> Iterator[str]:
    for target in resource.inputs.get("lambdaFunctions", []):
        yield target["lambdaFunctionArn"]


NOTIFICATION = Rule(
    "s3/bucketNotification:BucketNotification",
    permissions(notified),
    "S3 refuses to notify a function that it may not call "
    f"{S3_API}/API_PutBucketNotificationConfiguration.html",
)
RULES = (
    NOTIFICATION,
    Rule(
        "cloudcontrol/resource:Resource",
        audit_log,
        "the chat service creates a log group that does not exist, and then a second is refused "
        "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html",
    ),
    NOTIFICATION,
    Rule(
        "s3/bucketLogging:BucketLogging",
        of_bucket("s3/bucketPolicy:BucketPolicy", key="targetBucket"),
        "S3 refuses a target bucket whose policy does not let the log service in "
        f"{S3_GUIDE}/enable-server-access-logging.html",
    ),
    Rule(
        "s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        versioning,
        "rules about noncurrent versions are for buckets with versions "
        f"{S3_API}/API_NoncurrentVersionExpiration.html",
    ),
    Rule(
        "s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
        of_bucket("s3/bucketVersioning:BucketVersioning"),
        f"Object Lock is refused without versions {S3_GUIDE}/object-lock-configure.html",
    ),
    *(
        Rule(
            "s3/bucketObjectv2:BucketObjectv2",
            of_bucket(kind),
            "without versioning the object has no version id, without encryption another key, and "
            f"without policy no TLS {S3_API}/API_PutObject.html",
        )
        for kind in (
            "s3/bucketVersioning:BucketVersioning",
            "s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
            "s3/bucketPolicy:BucketPolicy",
        )
    ),
    Rule(
        "codebuild/project:Project",
        policies_of("serviceRole"),
        "CodeBuild refuses a project in a VPC whose role may not describe it, and checks the role "
        "https://github.com/aws/aws-cdk/issues/2652",
    ),
    Rule(
        "sfn/stateMachine:StateMachine",
        policies_of("roleArn"),
        "Step Functions refuses a machine whose role may not deliver its logs "
        "https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html",
    ),
    Rule(
        "lambda/function:Function",
        policies_of("role"),
        "its first call would lack rights: IAM is eventually consistent "
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html",
    ),
    Rule(
        "cloudwatch/logSubscriptionFilter:LogSubscriptionFilter",
        permissions(lambda resource: [resource.inputs["destinationArn"]]),
        "CloudWatch Logs calls the function when the filter is made "
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html",
    ),
    Rule(
        "cloudwatch/eventTarget:EventTarget",
        permissions(lambda resource: [resource.inputs["arn"]]),
        "an event before the permission is not delivered "
        "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-troubleshooting.html",
    ),
    Rule(
        "cloudwatch/eventTarget:EventTarget",
        policies_of("roleArn"),
        "an event before the role's rights is not delivered "
        "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-troubleshooting.html",
    ),
    Rule(
        "cloudwatch/eventTarget:EventTarget",
        dead_letter_policy,
        "an event that fails before the queue's policy is lost "
        "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html",
    ),
    Rule(
        "cloudwatch/metricAlarm:MetricAlarm",
        topic_policies,
        "an alarm before the topic's policy reaches nobody "
        "https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html",
    ),
)


def before(resource: Resource, built: Built) -> set[str]:
    """The URNs of what exists before ``resource``."""
    by_urn = {item.urn: item for item in built.resources}
    seen: set[str] = set()
    waiting = [resource.urn]
    while waiting:
        item = by_urn.get(waiting.pop())
        new = (item.depends_on if item else frozenset[str]()) - seen
        seen |= new
        waiting += new
    return seen


def pairs(rule: Rule, built: Built) -> list[tuple[Resource, Resource]]:
    return [
        (resource, needed)
        for resource in built.all(rule.kind)
        for needed in rule.needs(resource, built)
    ]


def too_early(rule: Rule, built: Built) -> list[str]:
    return [
        f"{resource.kind} {resource.name} may be made before {needed.kind} {needed.name}"
        for resource, needed in pairs(rule, built)
        if needed.urn not in before(resource, built)
    ]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.why.partition(" http")[0])
def test_what_an_api_checks_exists_before(rule: Rule, everything: Built):
    assert pairs(rule, everything), "the rule applies to nothing: program or rule has changed"
    assert too_early(rule, everything) == []


@pytest.mark.parametrize("waits", [False, True])
def test_a_resource_that_may_come_too_early_is_found(waits: bool):
    def program() -> None:
        permission = aws.lambda_.Permission(
            "may", action="lambda:InvokeFunction", function="record", principal="s3.amazonaws.com"
        )
        aws.s3.BucketNotification(
            "uploads",
            bucket="uploads",
            lambda_functions=[
                {
                    "lambda_function_arn": arn("aws:lambda/function:Function", "record"),
                    "events": ["s3:ObjectCreated:*"],
                }
            ],
            opts=pulumi.ResourceOptions(depends_on=[permission] if waits else []),
        )

    assert bool(too_early(NOTIFICATION, build(program))) is not waits
