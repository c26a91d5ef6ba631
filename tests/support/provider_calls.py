"""What the AWS provider calls for each operation on a resource, as IAM sees it.

pulumi-aws 7 contains the Terraform AWS provider, version 6: each type names the file below
https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/ that creates,
reads, updates and deletes it. Buckets, objects, deletion, keys, functions, log groups, dashboards,
versions of secrets, state machines, parameters, roles and Cloud Control were read there, partly in
older versions; the other types follow the operations of their services. For resources made by Cloud
Control it is the handlers' permissions in the CloudFormation schemas of AWS::Chatbot, and for calls
that authorise more than themselves (tags at creation, roles that are passed, keys) the Service
Authorization Reference (https://docs.aws.amazon.com/service-authorization/latest/reference/).

This is deliberately apart from ops/rights_table.py, which it checks.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ops.program import ACCOUNT, REGION

OPERATIONS = ("create", "read", "update", "delete")


class Operation(NamedTuple):
    """One operation on a resource; ``inputs`` are those of the Pulumi type, in camelCase.

    ``name`` is the resource's name in AWS; names of other resources are the last part of ids and
    ARNs in ``inputs``.
    """

    kind: str
    operation: str
    name: str
    inputs: Mapping[str, Any]


class Call(NamedTuple):
    """One authorisation: the IAM action, the ARN, and the condition keys that AWS would send."""

    action: str
    resource: str
    context: Mapping[str, str | list[str]] = {}


class Provider(NamedTuple):
    """The actions of one type, in the order of calls; after ``create`` and ``update`` it reads.

    An action is authorised on ``on``, or on what follows an ``@``. With ``+`` the request brings
    the resource's tags. ``file`` is where that is from.
    """

    file: str
    on: str
    create: str
    read: str
    update: str
    delete: str


_LOG_GROUP = "arn:aws:logs:{region}:{account}:log-group:{%s}"
_BUCKET = "arn:aws:s3:::{bucket}"
_RULE = "arn:aws:events:{region}:{account}:rule/{rule}"
_FUNCTION = "arn:aws:lambda:{region}:{account}:function:{function}"
_ROLE = "arn:aws:iam::{account}:role/{role}"
_TOPIC = "arn:aws:sns:{region}:{account}:{%s}"
_QUEUE = "arn:aws:sqs:{region}:{account}:{%s}"
_SET = "arn:aws:ses:{region}:{account}:configuration-set/{configurationSetName}"


def _of_bucket(file: str, name: str, delete: str = "") -> Provider:
    """A part of a bucket's configuration, which is deleted by writing the default."""
    put = f"s3:Put{name}"
    return Provider(f"s3/{file}.go", _BUCKET, put, f"s3:Get{name}", put, delete or put)


PROVIDER: dict[str, Provider] = {
    "cloudwatch/dashboard:Dashboard": Provider(
        "cloudwatch/dashboard.go",
        "arn:aws:cloudwatch::{account}:dashboard/{dashboardName}",
        "cloudwatch:PutDashboard",
        "cloudwatch:GetDashboard",
        "cloudwatch:PutDashboard",
        "cloudwatch:DeleteDashboards",
    ),
    "cloudwatch/eventRule:EventRule": Provider(
        "events/rule.go",
        "arn:aws:events:{region}:{account}:rule/{name}",
        "events:PutRule+ events:TagResource+",
        "events:DescribeRule events:ListTagsForResource",
        "events:PutRule events:TagResource+ events:UntagResource",
        "events:DeleteRule",
    ),
    "cloudwatch/eventTarget:EventTarget": Provider(
        "events/target.go",
        _RULE,
        "events:PutTargets",
        "events:ListTargetsByRule",
        "events:PutTargets",
        "events:RemoveTargets",
    ),
    "cloudwatch/logGroup:LogGroup": Provider(
        "logs/group.go",
        _LOG_GROUP % "name",
        "logs:CreateLogGroup+ logs:TagResource+ logs:PutRetentionPolicy",
        "logs:DescribeLogGroups@* logs:ListTagsForResource",
        "logs:PutRetentionPolicy logs:TagResource+ logs:UntagResource",
        "logs:DeleteLogGroup",
    ),
    "cloudwatch/logMetricFilter:LogMetricFilter": Provider(
        "logs/metric_filter.go",
        _LOG_GROUP % "logGroupName",
        "logs:PutMetricFilter",
        "logs:DescribeMetricFilters",
        "logs:PutMetricFilter",
        "logs:DeleteMetricFilter",
    ),
    "cloudwatch/logSubscriptionFilter:LogSubscriptionFilter": Provider(
        "logs/subscription_filter.go",
        _LOG_GROUP % "logGroup",
        "logs:PutSubscriptionFilter",
        "logs:DescribeSubscriptionFilters",
        "logs:PutSubscriptionFilter",
        "logs:DeleteSubscriptionFilter",
    ),
    "cloudwatch/metricAlarm:MetricAlarm": Provider(
        "cloudwatch/metric_alarm.go",
        "arn:aws:cloudwatch:{region}:{account}:alarm:{name}",
        "cloudwatch:PutMetricAlarm+ cloudwatch:TagResource+",
        # Denials on AWS name all alarms, `alarm:*`, whichever is asked for.
        "cloudwatch:DescribeAlarms@arn:aws:cloudwatch:{region}:{account}:alarm:another "
        "cloudwatch:ListTagsForResource",
        "cloudwatch:PutMetricAlarm cloudwatch:TagResource+ cloudwatch:UntagResource",
        "cloudwatch:DeleteAlarms",
    ),
    "codebuild/project:Project": Provider(
        "codebuild/project.go",
        "arn:aws:codebuild:{region}:{account}:project/{name}",
        "codebuild:CreateProject+",
        "codebuild:BatchGetProjects",
        "codebuild:UpdateProject+",
        "codebuild:DeleteProject",
    ),
    "iam/policy:Policy": Provider(
        "iam/policy.go",
        "arn:aws:iam::{account}:policy/{name}",
        "iam:CreatePolicy+ iam:TagPolicy+",
        "iam:GetPolicy iam:GetPolicyVersion",
        "iam:ListPolicyVersions iam:DeletePolicyVersion iam:CreatePolicyVersion iam:TagPolicy+ "
        "iam:UntagPolicy",
        "iam:ListPolicyVersions iam:DeletePolicyVersion iam:DeletePolicy",
    ),
    "iam/role:Role": Provider(
        "iam/role.go",
        "arn:aws:iam::{account}:role/{name}",
        "iam:CreateRole+ iam:TagRole+",
        "iam:GetRole iam:ListRolePolicies iam:GetRolePolicy iam:ListAttachedRolePolicies",
        "iam:UpdateAssumeRolePolicy iam:TagRole+ iam:UntagRole",
        "iam:ListInstanceProfilesForRole iam:DeleteRole",
    ),
    "iam/rolePolicy:RolePolicy": Provider(
        "iam/role_policy.go",
        _ROLE,
        "iam:PutRolePolicy",
        "iam:GetRolePolicy",
        "iam:PutRolePolicy",
        "iam:DeleteRolePolicy",
    ),
    "kms/key:Key": Provider(
        "kms/key.go",
        "arn:aws:kms:{region}:{account}:key/{id}",
        "kms:CreateKey+@* kms:TagResource+ kms:EnableKeyRotation",
        "kms:DescribeKey kms:GetKeyPolicy kms:GetKeyRotationStatus kms:ListResourceTags",
        "kms:UpdateKeyDescription kms:EnableKeyRotation kms:PutKeyPolicy kms:TagResource+ "
        "kms:UntagResource",
        "kms:ScheduleKeyDeletion kms:DescribeKey",
    ),
    "lambda/function:Function": Provider(
        "lambda/function.go",
        "arn:aws:lambda:{region}:{account}:function:{name}",
        "lambda:CreateFunction+ lambda:TagResource+",
        # Without ListTags, GetFunction leaves the tags out.
        "lambda:GetFunction lambda:ListTags lambda:ListVersionsByFunction "
        "lambda:GetFunctionCodeSigningConfig",
        "lambda:UpdateFunctionConfiguration lambda:UpdateFunctionCode lambda:TagResource+ "
        "lambda:UntagResource",
        "lambda:DeleteFunction lambda:GetFunction",
    ),
    "lambda/permission:Permission": Provider(
        "lambda/permission.go",
        _FUNCTION,
        "lambda:AddPermission",
        "lambda:GetPolicy",
        "",  # each input replaces it
        "lambda:RemovePermission lambda:GetPolicy",
    ),
    "s3/bucket:Bucket": Provider(
        "s3/bucket.go",
        _BUCKET,
        "s3:CreateBucket+ s3:TagResource+",
        # HeadBucket is ListBucket. All configurations are read, those of other resources, too.
        # Tags by GetBucketTagging are only the fallback since 6.23
        # (https://github.com/hashicorp/terraform-provider-aws/pull/45251).
        "s3:ListBucket s3:GetBucketPolicy s3:GetBucketAcl s3:GetBucketCORS s3:GetBucketWebsite "
        "s3:GetBucketVersioning s3:GetAccelerateConfiguration s3:GetBucketRequestPayment "
        "s3:GetBucketLogging s3:GetLifecycleConfiguration s3:GetReplicationConfiguration "
        "s3:GetEncryptionConfiguration s3:GetBucketObjectLockConfiguration s3:ListTagsForResource",
        "s3:TagResource+ s3:UntagResource",
        "s3:DeleteBucket",
    ),
    "s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _of_bucket(
        "bucket_lifecycle_configuration", "LifecycleConfiguration"
    ),
    "s3/bucketLogging:BucketLogging": _of_bucket("bucket_logging", "BucketLogging"),
    "s3/bucketNotification:BucketNotification": _of_bucket(
        "bucket_notification", "BucketNotification"
    ),
    "s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": _of_bucket(
        "bucket_object_lock_configuration", "BucketObjectLockConfiguration"
    ),
    "s3/bucketObjectv2:BucketObjectv2": Provider(
        "s3/object.go",
        f"{_BUCKET}/{{key}}",
        "s3:PutObject+ s3:PutObjectTagging+",
        # HeadObject is GetObject; a missing object is 404 to those who may list the bucket.
        f"s3:GetObject s3:ListBucket@{_BUCKET} s3:GetObjectTagging",
        "s3:PutObject+ s3:PutObjectTagging+",
        f"s3:ListBucketVersions@{_BUCKET} s3:DeleteObject s3:DeleteObjectVersion",
    ),
    "s3/bucketOwnershipControls:BucketOwnershipControls": _of_bucket(
        "bucket_ownership_controls", "BucketOwnershipControls"
    ),
    "s3/bucketPolicy:BucketPolicy": _of_bucket(
        "bucket_policy", "BucketPolicy", "s3:DeleteBucketPolicy"
    ),
    "s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _of_bucket(
        "bucket_public_access_block", "BucketPublicAccessBlock"
    ),
    "s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        _of_bucket("bucket_server_side_encryption_configuration", "EncryptionConfiguration")
    ),
    "s3/bucketVersioning:BucketVersioning": _of_bucket("bucket_versioning", "BucketVersioning"),
    "secretsmanager/secret:Secret": Provider(
        "secretsmanager/secret.go",
        # Secrets Manager adds six characters.
        "arn:aws:secretsmanager:{region}:{account}:secret:{name}-AbCdEf",
        "secretsmanager:CreateSecret+ secretsmanager:TagResource+",
        "secretsmanager:DescribeSecret secretsmanager:GetResourcePolicy",
        "secretsmanager:UpdateSecret secretsmanager:TagResource+ secretsmanager:UntagResource",
        "secretsmanager:DeleteSecret secretsmanager:DescribeSecret",
    ),
    "secretsmanager/secretVersion:SecretVersion": Provider(
        "secretsmanager/secret_version.go",
        "arn:aws:secretsmanager:{region}:{account}:secret:{secretId}-AbCdEf",
        "secretsmanager:PutSecretValue",
        "secretsmanager:GetSecretValue",
        "",  # a new value replaces it
        # The label of a version that is no longer the current one is removed.
        "secretsmanager:UpdateSecretVersionStage secretsmanager:GetSecretValue",
    ),
    "sesv2/configurationSet:ConfigurationSet": Provider(
        "sesv2/configuration_set.go",
        _SET,
        "ses:CreateConfigurationSet+ ses:TagResource+",
        "ses:GetConfigurationSet ses:ListTagsForResource",
        "ses:TagResource+ ses:UntagResource",
        "ses:DeleteConfigurationSet",
    ),
    "sesv2/configurationSetEventDestination:ConfigurationSetEventDestination": Provider(
        "sesv2/configuration_set_event_destination.go",
        _SET,
        "ses:CreateConfigurationSetEventDestination",
        "ses:GetConfigurationSetEventDestinations",
        "ses:UpdateConfigurationSetEventDestination",
        "ses:DeleteConfigurationSetEventDestination",
    ),
    "sesv2/emailIdentity:EmailIdentity": Provider(
        "sesv2/email_identity.go",
        "arn:aws:ses:{region}:{account}:identity/{emailIdentity}",
        "ses:CreateEmailIdentity+ ses:TagResource+",
        "ses:GetEmailIdentity ses:ListTagsForResource",
        "ses:TagResource+ ses:UntagResource",
        "ses:DeleteEmailIdentity",
    ),
    "sfn/stateMachine:StateMachine": Provider(
        "sfn/state_machine.go",
        "arn:aws:states:{region}:{account}:stateMachine:{name}",
        "states:ValidateStateMachineDefinition@* states:CreateStateMachine+ states:TagResource+",
        "states:DescribeStateMachine states:ListStateMachineVersions states:ListTagsForResource",
        "states:ValidateStateMachineDefinition@* states:UpdateStateMachine states:TagResource+ "
        "states:UntagResource",
        "states:DeleteStateMachine states:DescribeStateMachine",
    ),
    "sns/topic:Topic": Provider(
        "sns/topic.go",
        _TOPIC % "name",
        "sns:CreateTopic+ sns:TagResource+",
        "sns:GetTopicAttributes sns:ListTagsForResource",
        "sns:SetTopicAttributes sns:TagResource+ sns:UntagResource",
        "sns:DeleteTopic",
    ),
    "sns/topicPolicy:TopicPolicy": Provider(
        "sns/topic_policy.go",
        _TOPIC % "arn",
        "sns:SetTopicAttributes",
        "sns:GetTopicAttributes",
        "sns:SetTopicAttributes",
        "sns:SetTopicAttributes",
    ),
    "sqs/queue:Queue": Provider(
        "sqs/queue.go",
        _QUEUE % "name",
        "sqs:CreateQueue+ sqs:TagQueue+",
        "sqs:GetQueueAttributes sqs:ListQueueTags",
        "sqs:SetQueueAttributes sqs:TagQueue+ sqs:UntagQueue",
        "sqs:DeleteQueue sqs:GetQueueAttributes",
    ),
    "sqs/queuePolicy:QueuePolicy": Provider(
        "sqs/queue_policy.go",
        _QUEUE % "queueUrl",
        "sqs:SetQueueAttributes",
        "sqs:GetQueueAttributes",
        "sqs:SetQueueAttributes",
        "sqs:SetQueueAttributes",
    ),
    "ssm/parameter:Parameter": Provider(
        "ssm/parameter.go",
        "arn:aws:ssm:{region}:{account}:parameter{name}",
        "ssm:PutParameter+ ssm:AddTagsToResource+",
        "ssm:GetParameter ssm:DescribeParameters@* ssm:ListTagsForResource",
        "ssm:PutParameter ssm:AddTagsToResource+ ssm:RemoveTagsFromResource",
        "ssm:DeleteParameter",
    ),
    "cloudcontrol/resource:Resource": Provider(
        "cloudcontrol/resource.go",
        "*",
        "cloudformation:DescribeType cloudformation:CreateResource "
        "cloudformation:GetResourceRequestStatus",
        "cloudformation:GetResource",
        "cloudformation:DescribeType cloudformation:UpdateResource "
        "cloudformation:GetResourceRequestStatus",
        "cloudformation:DeleteResource cloudformation:GetResourceRequestStatus",
    ),
}
_ACTION = "arn:aws:chatbot::{account}:custom-action/{ActionName}"
_CHANNEL = "arn:aws:chatbot::{account}:chat-configuration/slack-channel/{ConfigurationName}"
# What the handlers call with the caller's credentials: the permissions in the schema, which
# https://schema.cloudformation.us-east-1.amazonaws.com/CloudformationSchema.zip has.
HANDLERS: dict[str, Provider] = {
    "AWS::Chatbot::CustomAction": Provider(
        "aws-chatbot-customaction.json",
        _ACTION,
        "chatbot:CreateCustomAction+@* chatbot:GetCustomAction chatbot:TagResource+ "
        "chatbot:ListTagsForResource@*",
        "chatbot:GetCustomAction chatbot:ListTagsForResource@*",
        "chatbot:UpdateCustomAction chatbot:GetCustomAction chatbot:TagResource+ "
        "chatbot:UntagResource chatbot:ListTagsForResource@*",
        "chatbot:DeleteCustomAction",
    ),
    "AWS::Chatbot::SlackChannelConfiguration": Provider(
        "aws-chatbot-slackchannelconfiguration.json",
        _CHANNEL,
        "chatbot:CreateSlackChannelConfiguration+@* chatbot:TagResource+ chatbot:ListAssociations",
        "chatbot:DescribeSlackChannelConfigurations@* chatbot:ListAssociations",
        "chatbot:UpdateSlackChannelConfiguration chatbot:TagResource+ chatbot:UntagResource "
        "chatbot:ListTagsForResource@* chatbot:ListAssociations",
        "chatbot:DeleteSlackChannelConfiguration chatbot:ListAssociations",
    ),
}
# The input with a role that is passed, and the service that gets it.
PASSED = {
    "cloudwatch/eventTarget:EventTarget": ("roleArn", "events.amazonaws.com"),
    "codebuild/project:Project": ("serviceRole", "codebuild.amazonaws.com"),
    "lambda/function:Function": ("role", "lambda.amazonaws.com"),
    "sfn/stateMachine:StateMachine": ("roleArn", "states.amazonaws.com"),
}
# The calls by which S3 and Secrets Manager use the key for the caller
# (https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html and
# https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html).
KEYS = {
    "s3/bucketObjectv2:BucketObjectv2": (
        "s3",
        {"create": ("GenerateDataKey", "Decrypt"), "update": ("GenerateDataKey", "Decrypt")},
    ),
    "secretsmanager/secret:Secret": (
        "secretsmanager",
        {"create": ("GenerateDataKey", "Decrypt"), "update": ("GenerateDataKey", "Decrypt")},
    ),
    "secretsmanager/secretVersion:SecretVersion": (
        "secretsmanager",
        {"create": ("GenerateDataKey", "Decrypt"), "read": ("Decrypt",), "delete": ("Decrypt",)},
    ),
}
KEY_ID = "1234abcd-12ab-34cd-56ef-1234567890ab"


def calls(operation: Operation, tags: Mapping[str, str]) -> Iterator[Call]:
    """Yield what the provider calls for ``operation``; ``tags`` are on all resources of ours.

    Raises:
        KeyError: the type is not in ``PROVIDER``.
    """
    kind, inputs = operation.kind.removeprefix("aws:"), operation.inputs
    names = {
        "account": ACCOUNT,
        "region": REGION,
        "id": KEY_ID,
        **{key: _last(value) for key, value in inputs.items() if isinstance(value, str)},
        # Names with a slash in them; other strings can be ARNs.
        **{key: inputs[key] for key in ("logGroup", "logGroupName", "key") if key in inputs},
        "name": operation.name,
    }
    if kind == "s3/bucket:Bucket":
        names["bucket"] = operation.name
    providers = [PROVIDER[kind]]
    if "desiredState" in inputs:
        desired = json.loads(inputs["desiredState"])
        names |= {key: value for key, value in desired.items() if isinstance(value, str)}
        providers.append(HANDLERS[inputs["typeName"]])
    for provider in providers:
        yield from _listed(provider, operation, names, tags)
    if operation.operation in ("create", "update"):
        yield from _passed(operation, names)
    yield from _extra(operation, names, tags)


def _listed(
    provider: Provider, operation: Operation, names: Mapping[str, str], tags: Mapping[str, str]
) -> Iterator[Call]:
    sent = {f"aws:RequestTag/{key}": value for key, value in tags.items()}
    has = {f"aws:ResourceTag/{key}": value for key, value in tags.items()}
    actions = getattr(provider, operation.operation).split()
    if operation.operation in ("create", "update") and actions:
        actions += provider.read.split()
    creating = operation.operation == "create"
    for word in actions:
        action, _, on = word.partition("@")
        name = action.removesuffix("+")
        context: dict[str, str | list[str]] = {}
        if action != name:
            context |= {**sent, "aws:TagKeys": sorted(tags)}
        if not (creating and action != name):  # what is being made has no tags yet
            context |= has
        arn = (on or provider.on).format_map(names)
        yield Call(name, arn, context)
        if arn.startswith("arn:aws:logs:") and "tag" not in name.lower():
            # Denials on AWS name the streams of the group, whatever the reference says.
            yield Call(name, f"{arn}:log-stream:", context)


def _passed(operation: Operation, names: Mapping[str, str]) -> Iterator[Call]:
    role, service = PASSED.get(operation.kind.removeprefix("aws:"), ("", ""))
    if "desiredState" in operation.inputs:
        role, service = "IamRoleArn", "chatbot.amazonaws.com"
    if names.get(role):
        yield Call(
            "iam:PassRole",
            f"arn:aws:iam::{ACCOUNT}:role/{_last(names[role])}",
            {"iam:PassedToService": service},
        )


def _extra(
    operation: Operation, names: Mapping[str, str], tags: Mapping[str, str]
) -> Iterator[Call]:
    kind, inputs = operation.kind.removeprefix("aws:"), operation.inputs
    service, used = KEYS.get(kind, ("", {}))
    for action in used.get(operation.operation, ()):
        yield Call(
            f"kms:{action}",
            f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{KEY_ID}",
            {
                "kms:ViaService": f"{service}.{REGION}.amazonaws.com",
                **{f"aws:ResourceTag/{key}": value for key, value in tags.items()},
            },
        )
    if kind == "s3/bucket:Bucket" and operation.operation == "delete" and inputs["forceDestroy"]:
        # s3/delete.go; DeleteObjects with versions needs both
        # (https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html).
        bucket = f"arn:aws:s3:::{operation.name}"
        yield Call("s3:ListBucketVersions", bucket)
        yield Call("s3:DeleteObject", f"{bucket}/payments/api.zip")
        yield Call("s3:DeleteObjectVersion", f"{bucket}/payments/api.zip")
    if inputs.get("typeName") != "AWS::Chatbot::SlackChannelConfiguration":
        return
    channel = _CHANNEL.format_map(names)
    associated = {
        "create": ("AssociateToConfiguration",),
        "update": ("AssociateToConfiguration", "DisassociateFromConfiguration"),
        "delete": ("DisassociateFromConfiguration",),
    }
    for action in associated.get(operation.operation, ()):
        yield Call(f"chatbot:{action}", channel)
        for arn in json.loads(inputs["desiredState"])["CustomizationResourceArns"]:
            yield Call(
                f"chatbot:{action}", f"arn:aws:chatbot::{ACCOUNT}:custom-action/{_last(arn)}"
            )
    if operation.operation == "create":
        linked = "management.chatbot.amazonaws.com"
        yield Call(
            "iam:CreateServiceLinkedRole",
            f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/{linked}/AWSServiceRoleForAWSChatbot",
            {"iam:AWSServiceName": linked},
        )


def _last(text: str) -> str:
    """The name at the end of an id, a URL or an ARN."""
    return text.rsplit("/", 1)[-1].rsplit(":", 1)[-1]
