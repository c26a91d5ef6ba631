"""Which IAM actions the AWS provider needs for each type of resource in this program.

The actions are those that pulumi-aws 7 calls to create, read, update, tag and delete (from the
sources of the Terraform AWS provider, version 6, `internal/service/<service>/`); for Cloud Control,
the handlers' permissions in the CloudFormation schema of the type. A test lists those calls apart
from this table, and evaluates them: none is refused, and no right is left over. Everybody may call
sts:GetCallerIdentity, so it is not here. Names of actions, and the ARNs
on which they can be allowed, are from the Service Authorization Reference
(https://docs.aws.amazon.com/service-authorization/latest/reference/).
"""

from dataclasses import dataclass

ANY = "*"
HERE = "{region}:{account}"


@dataclass(frozen=True, kw_only=True)
class Right:
    """``actions`` of one ``service`` on ARNs, in which ``{name}`` is the resource's own name.

    Other braces are ``label`` (its name in the program), ``region``, ``account``, ``prefix`` and
    inputs of the resource. ``when`` is ``aws:RequestTag`` or ``aws:ResourceTag`` where ARNs cannot
    restrict the right, but tags can. With ``given``, the right is needed only if that input is set.
    """

    service: str
    actions: str
    on: tuple[str, ...]
    when: str = ""
    given: str = ""

    @property
    def names(self) -> list[str]:
        """The actions in full, for example ``s3:CreateBucket``."""
        return [f"{self.service}:{action}" for action in self.actions.split()]


def _bucket(actions: str, given: str = "") -> Right:
    return Right(
        service="s3", actions=actions, on=("arn:{partition}:s3:::{prefix}-*",), given=given
    )


_KEY = f"arn:{{partition}}:kms:{HERE}:key/*"
_ROLE = "arn:{partition}:iam::{account}:role/{prefix}-*"
_LOG_GROUP = f"arn:{{partition}}:logs:{HERE}:log-group:{{name}}"
_FUNCTION_LOGS = f"arn:{{partition}}:logs:{HERE}:log-group:{{prefix}}-*"
_FUNCTION = f"arn:{{partition}}:lambda:{HERE}:function:{{prefix}}-*"
_RULE = f"arn:{{partition}}:events:{HERE}:rule/{{prefix}}-*"
_SECRET = f"arn:{{partition}}:secretsmanager:{HERE}:secret:{{prefix}}-*"
_TOPIC = f"arn:{{partition}}:sns:{HERE}:{{prefix}}-*"
_CHANNEL = "arn:{partition}:chatbot::{account}:chat-configuration/slack-channel/{name}"
_CONFIGURATION_SET = f"arn:{{partition}}:ses:{HERE}:configuration-set/{{name}}"
_QUEUE = f"arn:{{partition}}:sqs:{HERE}:{{prefix}}-*"
# Writing encrypted objects and secrets needs the KMS key; the key's policy leaves that to IAM.
_ENCRYPT = Right(
    service="kms", actions="Decrypt GenerateDataKey", on=(_KEY,), when="aws:ResourceTag"
)

RIGHTS: dict[str, tuple[Right, ...]] = {
    "cloudwatch/eventRule:EventRule": (
        Right(
            service="events",
            actions="PutRule DescribeRule DeleteRule ListTagsForResource TagResource UntagResource",
            on=(_RULE,),
        ),
    ),
    "cloudwatch/eventTarget:EventTarget": (
        Right(service="events", actions="PutTargets ListTargetsByRule RemoveTargets", on=(_RULE,)),
    ),
    "cloudwatch/logGroup:LogGroup": (
        Right(
            service="logs",
            actions="CreateLogGroup DeleteLogGroup PutRetentionPolicy",
            # The reference names the group, denials on AWS name its streams.
            on=(_LOG_GROUP, f"{_LOG_GROUP}:*"),
        ),
        Right(
            service="logs",
            actions="ListTagsForResource TagResource UntagResource",
            on=(_LOG_GROUP,),
        ),
        Right(service="logs", actions="DescribeLogGroups", on=(ANY,)),
    ),
    "cloudwatch/logSubscriptionFilter:LogSubscriptionFilter": (
        Right(
            service="logs",
            actions="PutSubscriptionFilter DescribeSubscriptionFilters DeleteSubscriptionFilter",
            on=(_LOG_GROUP, f"{_LOG_GROUP}:*"),
        ),
    ),
    "cloudwatch/dashboard:Dashboard": (
        Right(
            service="cloudwatch",
            actions="PutDashboard GetDashboard DeleteDashboards",
            on=("arn:{partition}:cloudwatch::{account}:dashboard/{name}",),
        ),
    ),
    "cloudwatch/logMetricFilter:LogMetricFilter": (
        Right(
            service="logs",
            actions="PutMetricFilter DescribeMetricFilters DeleteMetricFilter",
            # Authorised on the log group; all metric filters are on the functions' groups.
            on=(_FUNCTION_LOGS, f"{_FUNCTION_LOGS}:*"),
        ),
    ),
    "cloudwatch/metricAlarm:MetricAlarm": (
        Right(
            service="cloudwatch",
            actions="PutMetricAlarm DeleteAlarms ListTagsForResource TagResource UntagResource",
            on=(f"arn:{{partition}}:cloudwatch:{HERE}:alarm:{{prefix}}-*",),
        ),
        # Authorised on all alarms, whichever is asked for.
        Right(
            service="cloudwatch",
            actions="DescribeAlarms",
            on=(f"arn:{{partition}}:cloudwatch:{HERE}:alarm:*",),
        ),
    ),
    "codebuild/project:Project": (
        Right(
            service="codebuild",
            actions="CreateProject BatchGetProjects UpdateProject DeleteProject",
            on=(f"arn:{{partition}}:codebuild:{HERE}:project/{{prefix}}-*",),
        ),
    ),
    "iam/policy:Policy": (
        Right(
            service="iam",
            actions="CreatePolicy GetPolicy DeletePolicy CreatePolicyVersion GetPolicyVersion "
            "ListPolicyVersions DeletePolicyVersion TagPolicy UntagPolicy",
            on=("arn:{partition}:iam::{account}:policy/{prefix}-*",),
        ),
    ),
    "iam/role:Role": (
        Right(
            service="iam",
            actions="CreateRole GetRole DeleteRole UpdateAssumeRolePolicy TagRole UntagRole "
            "ListRolePolicies ListAttachedRolePolicies ListInstanceProfilesForRole",
            on=(_ROLE,),
        ),
    ),
    "iam/rolePolicy:RolePolicy": (
        Right(service="iam", actions="PutRolePolicy GetRolePolicy DeleteRolePolicy", on=(_ROLE,)),
    ),
    "kms/key:Key": (
        # A key's ARN has a random id, so tags restrict the right.
        Right(service="kms", actions="CreateKey TagResource", on=(ANY,), when="aws:RequestTag"),
        Right(
            service="kms",
            actions="DescribeKey GetKeyPolicy PutKeyPolicy GetKeyRotationStatus EnableKeyRotation "
            "UpdateKeyDescription ListResourceTags UntagResource ScheduleKeyDeletion",
            on=(_KEY,),
            when="aws:ResourceTag",
        ),
    ),
    "lambda/function:Function": (
        Right(
            service="lambda",
            actions="CreateFunction GetFunction UpdateFunctionCode "
            "UpdateFunctionConfiguration DeleteFunction ListVersionsByFunction "
            "GetFunctionCodeSigningConfig ListTags TagResource UntagResource",
            on=(_FUNCTION,),
        ),
    ),
    "lambda/permission:Permission": (
        Right(
            service="lambda", actions="AddPermission GetPolicy RemovePermission", on=(_FUNCTION,)
        ),
    ),
    "s3/bucket:Bucket": (
        # The provider reads all settings of a bucket, also those that other resources manage.
        _bucket(
            "CreateBucket DeleteBucket ListBucket GetBucketAcl GetBucketPolicy "
            "GetBucketCORS GetBucketWebsite GetBucketVersioning GetAccelerateConfiguration "
            "GetBucketRequestPayment GetBucketLogging GetLifecycleConfiguration "
            "GetReplicationConfiguration GetEncryptionConfiguration "
            "GetBucketObjectLockConfiguration ListTagsForResource TagResource UntagResource"
        ),
        _bucket("ListBucketVersions", given="forceDestroy"),
        Right(
            service="s3",
            actions="DeleteObject DeleteObjectVersion",
            on=("arn:{partition}:s3:::{prefix}-{label}-*/*",),
            given="forceDestroy",
        ),
    ),
    "s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": (
        _bucket("GetLifecycleConfiguration PutLifecycleConfiguration"),
    ),
    "s3/bucketLogging:BucketLogging": (_bucket("GetBucketLogging PutBucketLogging"),),
    "s3/bucketNotification:BucketNotification": (
        _bucket("GetBucketNotification PutBucketNotification"),
    ),
    "s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": (
        _bucket("GetBucketObjectLockConfiguration PutBucketObjectLockConfiguration"),
    ),
    "s3/bucketObjectv2:BucketObjectv2": (
        Right(
            service="s3",
            actions="PutObject PutObjectTagging GetObject GetObjectTagging DeleteObject "
            "DeleteObjectVersion",
            on=("arn:{partition}:s3:::{prefix}-*/{key}",),
        ),
        _bucket("ListBucketVersions"),
        _ENCRYPT,
    ),
    "s3/bucketOwnershipControls:BucketOwnershipControls": (
        _bucket("GetBucketOwnershipControls PutBucketOwnershipControls"),
    ),
    "s3/bucketPolicy:BucketPolicy": (
        _bucket("GetBucketPolicy PutBucketPolicy DeleteBucketPolicy"),
    ),
    "s3/bucketPublicAccessBlock:BucketPublicAccessBlock": (
        _bucket("GetBucketPublicAccessBlock PutBucketPublicAccessBlock"),
    ),
    "s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        _bucket("GetEncryptionConfiguration PutEncryptionConfiguration"),
    ),
    "s3/bucketVersioning:BucketVersioning": (_bucket("GetBucketVersioning PutBucketVersioning"),),
    "secretsmanager/secret:Secret": (
        Right(
            service="secretsmanager",
            actions="CreateSecret DescribeSecret UpdateSecret DeleteSecret GetResourcePolicy "
            "TagResource UntagResource",
            on=(_SECRET,),
        ),
        _ENCRYPT,
    ),
    "secretsmanager/secretVersion:SecretVersion": (
        Right(
            service="secretsmanager",
            actions="PutSecretValue GetSecretValue UpdateSecretVersionStage",
            on=(_SECRET,),
        ),
        _ENCRYPT,
    ),
    "sesv2/configurationSet:ConfigurationSet": (
        Right(
            service="ses",
            actions="CreateConfigurationSet GetConfigurationSet DeleteConfigurationSet "
            "ListTagsForResource TagResource UntagResource",
            on=(_CONFIGURATION_SET,),
        ),
    ),
    "sesv2/configurationSetEventDestination:ConfigurationSetEventDestination": (
        Right(
            service="ses",
            actions="CreateConfigurationSetEventDestination "
            "GetConfigurationSetEventDestinations UpdateConfigurationSetEventDestination "
            "DeleteConfigurationSetEventDestination",
            on=(_CONFIGURATION_SET,),
        ),
    ),
    "sesv2/emailIdentity:EmailIdentity": (
        Right(
            service="ses",
            actions="CreateEmailIdentity GetEmailIdentity DeleteEmailIdentity ListTagsForResource "
            "TagResource UntagResource",
            on=(f"arn:{{partition}}:ses:{HERE}:identity/{{name}}",),
        ),
    ),
    "sfn/stateMachine:StateMachine": (
        Right(
            service="states",
            actions="CreateStateMachine DescribeStateMachine UpdateStateMachine "
            "DeleteStateMachine ListStateMachineVersions ListTagsForResource TagResource "
            "UntagResource",
            on=(f"arn:{{partition}}:states:{HERE}:stateMachine:{{prefix}}-*",),
        ),
        # `pulumi preview` validates the definition with the service.
        Right(service="states", actions="ValidateStateMachineDefinition", on=(ANY,)),
    ),
    "sns/topic:Topic": (
        Right(
            service="sns",
            actions="CreateTopic GetTopicAttributes SetTopicAttributes DeleteTopic "
            "ListTagsForResource TagResource UntagResource",
            on=(_TOPIC,),
        ),
    ),
    "sns/topicPolicy:TopicPolicy": (
        Right(service="sns", actions="GetTopicAttributes SetTopicAttributes", on=(_TOPIC,)),
    ),
    "sqs/queue:Queue": (
        Right(
            service="sqs",
            actions="CreateQueue GetQueueAttributes SetQueueAttributes DeleteQueue ListQueueTags "
            "TagQueue UntagQueue",
            on=(_QUEUE,),
        ),
    ),
    "sqs/queuePolicy:QueuePolicy": (
        Right(service="sqs", actions="GetQueueAttributes SetQueueAttributes", on=(_QUEUE,)),
    ),
    "ssm/parameter:Parameter": (
        Right(
            service="ssm",
            actions="PutParameter GetParameter DeleteParameter ListTagsForResource "
            "AddTagsToResource RemoveTagsFromResource",
            on=(f"arn:{{partition}}:ssm:{HERE}:parameter{{name}}",),
        ),
        Right(service="ssm", actions="DescribeParameters", on=(ANY,)),
    ),
}

_CLOUD_CONTROL = Right(
    service="cloudformation",
    actions="DescribeType CreateResource GetResource UpdateResource DeleteResource "
    "GetResourceRequestStatus",
    on=(ANY,),
)
# By CloudFormation type, for resources made by Cloud Control.
CLOUD_CONTROL: dict[str, tuple[Right, ...]] = {
    "AWS::Chatbot::CustomAction": (
        _CLOUD_CONTROL,
        Right(
            service="chatbot",
            actions="GetCustomAction UpdateCustomAction DeleteCustomAction",
            on=("arn:{partition}:chatbot::{account}:custom-action/{name}",),
        ),
        Right(
            service="chatbot",
            actions="CreateCustomAction ListTagsForResource TagResource UntagResource",
            on=(ANY,),
        ),
    ),
    "AWS::Chatbot::SlackChannelConfiguration": (
        _CLOUD_CONTROL,
        Right(
            service="chatbot",
            actions="UpdateSlackChannelConfiguration DeleteSlackChannelConfiguration "
            "ListAssociations",
            on=(_CHANNEL,),
        ),
        Right(
            service="chatbot",
            actions="AssociateToConfiguration DisassociateFromConfiguration",
            on=(_CHANNEL, "arn:{partition}:chatbot::{account}:custom-action/{prefix}-*"),
        ),
        Right(
            service="chatbot",
            actions="CreateSlackChannelConfiguration DescribeSlackChannelConfigurations "
            "ListTagsForResource TagResource UntagResource",
            on=(ANY,),
        ),
        # The first configuration in an account creates the service-linked role.
        Right(
            service="iam",
            actions="CreateServiceLinkedRole",
            on=(
                "arn:{partition}:iam::{account}:role/aws-service-role/management.chatbot.amazonaws.com/"
                "AWSServiceRoleForAWSChatbot",
            ),
        ),
    ),
}
