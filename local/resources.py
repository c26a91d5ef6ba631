"""How each resource type of the program is created on moto, through the AWS API.

Unknown types, unknown keys and unknown nested keys are refused: what the program says is either
done or an error, as at ``pulumi up``.
"""

import io
import json
import uuid
import zipfile
from collections.abc import Callable
from typing import Any

import pulumi
from pulumi.runtime import rpc

Made = tuple[str, dict[str, Any]]


class UnknownInput(Exception):
    """The program says something that local/ would silently leave out."""


class Inputs:
    """A resource's inputs; each key is taken once, and what nobody took is refused."""

    def __init__(self, where: str, values: dict[str, Any]) -> None:
        self._where, self._left = where, dict(values)

    def take(self, key: str, default: Any = None) -> Any:
        return self._left.pop(key, default)

    def nested(self, key: str) -> "Inputs":
        return Inputs(f"{self._where}.{key}", self._left.pop(key, None) or {})

    def several(self, key: str) -> list["Inputs"]:
        rows = self._left.pop(key, None) or []
        return [Inputs(f"{self._where}.{key}[{n}]", row) for n, row in enumerate(rows)]

    def done(self) -> None:
        if self._left:
            raise UnknownInput(f"{self._where}: local/ does not know {sorted(self._left)}")


class Creator:
    """Creates resources; ``register`` makes what Cloud Control is asked for, and returns its ARN.

    ``function_logging`` gets each function's logging configuration, which moto would forget.
    """

    def __init__(
        self,
        client: Callable[..., Any],
        stack: str,
        register: Callable[[str, Any], str],
        function_logging: dict[str, dict[str, str]],
    ) -> None:
        self._client, self._stack, self._register = client, stack, register
        self._function_logging = function_logging
        self._create: dict[str, Callable[[str, Inputs], Made]] = {
            "aws:kms/key:Key": self._key,
            "aws:iam/role:Role": self._role,
            "aws:iam/rolePolicy:RolePolicy": self._role_policy,
            "aws:iam/policy:Policy": self._policy,
            "aws:s3/bucket:Bucket": self._bucket,
            "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": self._public_access_block,
            "aws:s3/bucketOwnershipControls:BucketOwnershipControls": self._ownership,
            "aws:s3/bucketServerSideEncryptionConfiguration:"
            "BucketServerSideEncryptionConfiguration": self._encryption,
            "aws:s3/bucketVersioning:BucketVersioning": self._versioning,
            "aws:s3/bucketLogging:BucketLogging": self._bucket_logging,
            "aws:s3/bucketPolicy:BucketPolicy": self._bucket_policy,
            "aws:s3/bucketNotification:BucketNotification": self._notification,
            "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": self._lifecycle,
            "aws:s3/bucketObjectv2:BucketObjectv2": self._object,
            "aws:cloudwatch/logGroup:LogGroup": self._log_group,
            "aws:cloudwatch/eventRule:EventRule": self._rule,
            "aws:cloudwatch/eventTarget:EventTarget": self._target,
            "aws:cloudwatch/metricAlarm:MetricAlarm": self._alarm,
            "aws:cloudwatch/logMetricFilter:LogMetricFilter": self._metric_filter,
            "aws:cloudwatch/dashboard:Dashboard": self._dashboard,
            "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter": self._log_filter,
            "aws:lambda/function:Function": self._function,
            "aws:lambda/permission:Permission": self._permission,
            "aws:sns/topic:Topic": self._topic,
            "aws:sns/topicPolicy:TopicPolicy": self._topic_policy,
            "aws:sqs/queue:Queue": self._queue,
            "aws:sqs/queuePolicy:QueuePolicy": self._queue_policy,
            "aws:secretsmanager/secret:Secret": self._secret,
            "aws:secretsmanager/secretVersion:SecretVersion": self._secret_version,
            "aws:codebuild/project:Project": self._project,
            "aws:sfn/stateMachine:StateMachine": self._state_machine,
            "aws:sesv2/emailIdentity:EmailIdentity": self._email_identity,
            "aws:sesv2/configurationSet:ConfigurationSet": self._configuration_set,
            "aws:sesv2/configurationSetEventDestination:ConfigurationSetEventDestination": (
                self._event_destination
            ),
            "aws:cloudcontrol/resource:Resource": self._cloud_control,
        }

    def create(self, kind: str, name: str, values: dict[str, Any]) -> Made:
        """Create one resource; return its id and outputs.

        Raises:
            UnknownInput: a type or a key that is not known here.
        """
        if kind not in self._create:
            raise UnknownInput(
                f"{name}: local/ cannot create {kind}; teach it in local/resources.py"
            )
        plain = {key: _unwrapped(value) for key, value in values.items()}
        inputs = Inputs(f"{kind} {name}", {k: v for k, v in plain.items() if v is not None})
        resource_id, outputs = self._create[kind](name, inputs)
        inputs.done()
        return resource_id, {**plain, **outputs}

    def _named(self, name: str) -> str:
        """As ``pulumi:autonaming`` in Pulumi.yaml says."""
        return f"{self._stack}-{name}-{uuid.uuid4().hex[:7]}"

    def _key(self, name: str, inputs: Inputs) -> Made:
        kms = self._client("kms")
        made = kms.create_key(
            Description=inputs.take("description"),
            Policy=inputs.take("policy"),
            Tags=_tags(inputs, "TagKey", "TagValue"),
        )["KeyMetadata"]
        if inputs.take("enableKeyRotation"):
            kms.enable_key_rotation(KeyId=made["KeyId"])
        inputs.take("deletionWindowInDays")
        return made["KeyId"], {"arn": made["Arn"], "keyId": made["KeyId"]}

    def _role(self, name: str, inputs: Inputs) -> Made:
        made = self._client("iam").create_role(
            RoleName=self._named(name),
            AssumeRolePolicyDocument=inputs.take("assumeRolePolicy"),
            Tags=_tags(inputs),
        )["Role"]
        return made["RoleName"], {"arn": made["Arn"], "name": made["RoleName"]}

    def _role_policy(self, name: str, inputs: Inputs) -> Made:
        role = inputs.take("role")
        self._client("iam").put_role_policy(
            RoleName=role, PolicyName=name, PolicyDocument=inputs.take("policy")
        )
        return f"{role}:{name}", {"name": name}

    def _policy(self, name: str, inputs: Inputs) -> Made:
        made = self._client("iam").create_policy(
            PolicyName=self._named(name),
            Description=inputs.take("description"),
            PolicyDocument=inputs.take("policy"),
            Tags=_tags(inputs),
        )["Policy"]
        return made["Arn"], {"arn": made["Arn"]}

    def _bucket(self, name: str, inputs: Inputs) -> Made:
        s3 = self._client("s3")
        bucket = self._named(name)
        s3.create_bucket(
            Bucket=bucket,
            CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name},
        )
        s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": _tags(inputs)})
        inputs.take("forceDestroy")
        return bucket, {"bucket": bucket, "arn": f"arn:aws:s3:::{bucket}"}

    def _public_access_block(self, name: str, inputs: Inputs) -> Made:
        bucket = inputs.take("bucket")
        self._client("s3").put_public_access_block(
            Bucket=bucket,
            PublicAccessBlockConfiguration={
                "BlockPublicAcls": inputs.take("blockPublicAcls"),
                "BlockPublicPolicy": inputs.take("blockPublicPolicy"),
                "IgnorePublicAcls": inputs.take("ignorePublicAcls"),
                "RestrictPublicBuckets": inputs.take("restrictPublicBuckets"),
            },
        )
        return bucket, {}

    def _ownership(self, name: str, inputs: Inputs) -> Made:
        bucket, rule = inputs.take("bucket"), inputs.nested("rule")
        self._client("s3").put_bucket_ownership_controls(
            Bucket=bucket,
            OwnershipControls={"Rules": [{"ObjectOwnership": rule.take("objectOwnership")}]},
        )
        rule.done()
        return bucket, {}

    def _encryption(self, name: str, inputs: Inputs) -> Made:
        bucket = inputs.take("bucket")
        rules = []
        for rule in inputs.several("rules"):
            default = rule.nested("applyServerSideEncryptionByDefault")
            by_default = {"SSEAlgorithm": default.take("sseAlgorithm")}
            if key := default.take("kmsMasterKeyId"):
                by_default["KMSMasterKeyID"] = key
            rules.append(
                {
                    "ApplyServerSideEncryptionByDefault": by_default,
                    "BucketKeyEnabled": rule.take("bucketKeyEnabled"),
                }
            )
            default.done()
            rule.done()
        self._client("s3").put_bucket_encryption(
            Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": rules}
        )
        return bucket, {}

    def _versioning(self, name: str, inputs: Inputs) -> Made:
        bucket, versioning = inputs.take("bucket"), inputs.nested("versioningConfiguration")
        self._client("s3").put_bucket_versioning(
            Bucket=bucket, VersioningConfiguration={"Status": versioning.take("status")}
        )
        versioning.done()
        return bucket, {}

    def _bucket_logging(self, name: str, inputs: Inputs) -> Made:
        # moto only knows the permission by ACL, which buckets without ACLs refuse on AWS.
        for key in ("targetBucket", "targetPrefix"):
            if not inputs.take(key):
                raise UnknownInput(f"{name}: BucketLogging needs {key}")
        return inputs.take("bucket"), {}

    def _bucket_policy(self, name: str, inputs: Inputs) -> Made:
        bucket = inputs.take("bucket")
        self._client("s3").put_bucket_policy(Bucket=bucket, Policy=inputs.take("policy"))
        return bucket, {}

    def _notification(self, name: str, inputs: Inputs) -> Made:
        bucket = inputs.take("bucket")
        if inputs.take("eventbridge"):
            self._client("s3").put_bucket_notification_configuration(
                Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}}
            )
        return bucket, {}

    def _lifecycle(self, name: str, inputs: Inputs) -> Made:
        bucket = inputs.take("bucket")
        rules = []
        for rule in inputs.several("rules"):
            row: dict[str, Any] = {"ID": rule.take("id"), "Status": rule.take("status")}
            within = rule.nested("filter")
            row["Filter"] = {"Prefix": within.take("prefix", "")}
            within.done()
            if expiration := rule.take("expiration"):
                row["Expiration"] = {"Days": expiration["days"]}
            if noncurrent := rule.take("noncurrentVersionExpiration"):
                row["NoncurrentVersionExpiration"] = {
                    "NoncurrentDays": noncurrent["noncurrentDays"]
                }
            if parts := rule.take("abortIncompleteMultipartUpload"):
                row["AbortIncompleteMultipartUpload"] = {
                    "DaysAfterInitiation": parts["daysAfterInitiation"]
                }
            rule.done()
            rules.append(row)
        self._client("s3").put_bucket_lifecycle_configuration(
            Bucket=bucket, LifecycleConfiguration={"Rules": rules}
        )
        return bucket, {}

    def _object(self, name: str, inputs: Inputs) -> Made:
        bucket, key = inputs.take("bucket"), inputs.take("key")
        made = self._client("s3").put_object(
            Bucket=bucket, Key=key, Body=zipped(inputs.take("source")), Tagging=_query(inputs)
        )
        return f"{bucket}/{key}", {"key": key, "versionId": made.get("VersionId")}

    def _log_group(self, name: str, inputs: Inputs) -> Made:
        prefix, group = inputs.take("namePrefix"), inputs.take("name")
        group = group or (f"{prefix}{uuid.uuid4().hex[:7]}" if prefix else self._named(name))
        logs = self._client("logs", *_region(inputs))
        logs.create_log_group(logGroupName=group, tags=inputs.take("tags", {}))
        logs.put_retention_policy(
            logGroupName=group, retentionInDays=inputs.take("retentionInDays")
        )
        arn = f"arn:aws:logs:{logs.meta.region_name}:123456789012:log-group:{group}"
        return group, {"name": group, "arn": arn}

    def _log_filter(self, name: str, inputs: Inputs) -> Made:
        # moto brings every event of the group, whatever the pattern.
        self._client("logs", *_region(inputs)).put_subscription_filter(
            logGroupName=inputs.take("logGroup"),
            filterName=name,
            filterPattern=inputs.take("filterPattern"),
            destinationArn=inputs.take("destinationArn"),
        )
        return name, {"name": name}

    def _rule(self, name: str, inputs: Inputs) -> Made:
        rule = self._named(name)
        made = self._client("events").put_rule(
            Name=rule,
            Description=inputs.take("description"),
            EventPattern=inputs.take("eventPattern"),
            Tags=_tags(inputs),
        )
        return rule, {"name": rule, "arn": made["RuleArn"]}

    def _target(self, name: str, inputs: Inputs) -> Made:
        rule, retry, letters = (
            inputs.take("rule"),
            inputs.nested("retryPolicy"),
            inputs.nested("deadLetterConfig"),
        )
        self._client("events").put_targets(
            Rule=rule,
            Targets=[
                {
                    "Id": name,
                    "Arn": inputs.take("arn"),
                    "RoleArn": inputs.take("roleArn"),
                    "RetryPolicy": {
                        "MaximumRetryAttempts": retry.take("maximumRetryAttempts"),
                        "MaximumEventAgeInSeconds": retry.take("maximumEventAgeInSeconds"),
                    },
                    "DeadLetterConfig": {"Arn": letters.take("arn")},
                }
            ],
        )
        retry.done()
        letters.done()
        return f"{rule}/{name}", {}

    def _alarm(self, name: str, inputs: Inputs) -> Made:
        alarm = self._named(name)
        queries = inputs.several("metricQueries")
        watched = (
            {"Metrics": [_metric_query(each) for each in queries]}
            if queries
            else {
                **_metric(inputs),
                "Statistic": inputs.take("statistic"),
                "Period": inputs.take("period"),
            }
        )
        cloudwatch = self._client("cloudwatch")
        cloudwatch.put_metric_alarm(
            AlarmName=alarm,
            AlarmDescription=inputs.take("alarmDescription"),
            ComparisonOperator=inputs.take("comparisonOperator"),
            Threshold=inputs.take("threshold"),
            EvaluationPeriods=inputs.take("evaluationPeriods"),
            TreatMissingData=inputs.take("treatMissingData"),
            AlarmActions=inputs.take("alarmActions"),
            Tags=_tags(inputs),
            **watched,
        )
        arn = f"arn:aws:cloudwatch:{cloudwatch.meta.region_name}:123456789012:alarm:{alarm}"
        return alarm, {"name": alarm, "arn": arn}

    def _metric_filter(self, name: str, inputs: Inputs) -> Made:
        made = inputs.nested("metricTransformation")
        transformation = {
            "metricNamespace": made.take("namespace"),
            "metricName": made.take("name"),
            "metricValue": made.take("value"),
            "dimensions": made.take("dimensions") or {},
        }
        made.done()
        filter_name = self._named(name)
        self._client("logs").put_metric_filter(
            logGroupName=inputs.take("logGroupName"),
            filterName=filter_name,
            filterPattern=inputs.take("pattern"),
            metricTransformations=[transformation],
        )
        return filter_name, {"name": filter_name}

    def _dashboard(self, name: str, inputs: Inputs) -> Made:
        dashboard = inputs.take("dashboardName")
        self._client("cloudwatch").put_dashboard(
            DashboardName=dashboard, DashboardBody=inputs.take("dashboardBody")
        )
        return dashboard, {"dashboardName": dashboard}

    def _function(self, name: str, inputs: Inputs) -> Made:
        logging, tracing = inputs.nested("loggingConfig"), inputs.nested("tracingConfig")
        environment = inputs.nested("environment")
        made = self._client("lambda", *_region(inputs)).create_function(
            FunctionName=self._named(name),
            Description=inputs.take("description"),
            Role=inputs.take("role"),
            Runtime=inputs.take("runtime"),
            Architectures=inputs.take("architectures"),
            Handler=inputs.take("handler"),
            Code={"ZipFile": zipped(inputs.take("code"))},
            MemorySize=inputs.take("memorySize"),
            Timeout=inputs.take("timeout"),
            Environment={"Variables": environment.take("variables", {})},
            TracingConfig={"Mode": tracing.take("mode")},
            Tags=inputs.take("tags", {}),
        )
        self._function_logging[made["FunctionName"]] = {
            "LogFormat": logging.take("logFormat"),
            "ApplicationLogLevel": logging.take("applicationLogLevel"),
            "LogGroup": logging.take("logGroup"),
        }
        for each in (logging, tracing, environment):
            each.done()
        return made["FunctionName"], {"name": made["FunctionName"], "arn": made["FunctionArn"]}

    def _permission(self, name: str, inputs: Inputs) -> Made:
        self._client("lambda", *_region(inputs)).add_permission(
            FunctionName=inputs.take("function"),
            StatementId=name,
            Action=inputs.take("action"),
            Principal=inputs.take("principal"),
            SourceArn=inputs.take("sourceArn"),
            SourceAccount=inputs.take("sourceAccount"),
        )
        return name, {"statementId": name}

    def _topic(self, name: str, inputs: Inputs) -> Made:
        topic = self._named(name)
        made = self._client("sns").create_topic(
            Name=topic,
            Attributes={"KmsMasterKeyId": inputs.take("kmsMasterKeyId")},
            Tags=_tags(inputs),
        )
        return made["TopicArn"], {"name": topic, "arn": made["TopicArn"]}

    def _topic_policy(self, name: str, inputs: Inputs) -> Made:
        topic = inputs.take("arn")
        self._client("sns").set_topic_attributes(
            TopicArn=topic, AttributeName="Policy", AttributeValue=inputs.take("policy")
        )
        return topic, {}

    def _queue(self, name: str, inputs: Inputs) -> Made:
        queue = self._named(name)
        sqs = self._client("sqs")
        url = sqs.create_queue(
            QueueName=queue,
            Attributes={
                "SqsManagedSseEnabled": json.dumps(inputs.take("sqsManagedSseEnabled")),
                "MessageRetentionPeriod": str(inputs.take("messageRetentionSeconds")),
            },
            tags=inputs.take("tags", {}),
        )["QueueUrl"]
        arn = f"arn:aws:sqs:{sqs.meta.region_name}:123456789012:{queue}"
        return url, {"name": queue, "url": url, "arn": arn}

    def _queue_policy(self, name: str, inputs: Inputs) -> Made:
        url = inputs.take("queueUrl")
        self._client("sqs").set_queue_attributes(
            QueueUrl=url, Attributes={"Policy": inputs.take("policy")}
        )
        return url, {}

    def _secret(self, name: str, inputs: Inputs) -> Made:
        made = self._client("secretsmanager").create_secret(
            Name=self._named(name),
            Description=inputs.take("description"),
            KmsKeyId=inputs.take("kmsKeyId"),
            Tags=_tags(inputs),
        )
        inputs.take("recoveryWindowInDays")
        return made["ARN"], {"arn": made["ARN"], "name": made["Name"]}

    def _secret_version(self, name: str, inputs: Inputs) -> Made:
        secret = inputs.take("secretId")
        made = self._client("secretsmanager").put_secret_value(
            SecretId=secret, SecretString=inputs.take("secretString")
        )
        return f"{secret}|{made['VersionId']}", {}

    def _project(self, name: str, inputs: Inputs) -> Made:
        source, environment = inputs.nested("source"), inputs.nested("environment")
        artifacts, cache = inputs.nested("artifacts"), inputs.nested("cache")
        logs = inputs.nested("logsConfig")
        cloudwatch = logs.nested("cloudwatchLogs")
        variables = [
            {
                "name": each.take("name"),
                "value": each.take("value"),
                "type": each.take("type", "PLAINTEXT"),
            }
            for each in environment.several("environmentVariables")
        ]
        made = self._client("codebuild").create_project(
            name=self._named(name),
            description=inputs.take("description"),
            serviceRole=inputs.take("serviceRole"),
            source={
                "type": source.take("type"),
                "location": source.take("location"),
                "buildspec": source.take("buildspec"),
            },
            sourceVersion=inputs.take("sourceVersion"),
            artifacts={"type": artifacts.take("type")},
            environment={
                "type": environment.take("type"),
                "image": environment.take("image"),
                "computeType": environment.take("computeType"),
                "environmentVariables": variables,
            },
            timeoutInMinutes=inputs.take("buildTimeout"),
            queuedTimeoutInMinutes=inputs.take("queuedTimeout"),
            cache={"type": cache.take("type"), "location": cache.take("location")},
            encryptionKey=inputs.take("encryptionKey"),
            logsConfig={
                "cloudWatchLogs": {
                    "status": cloudwatch.take("status"),
                    "groupName": cloudwatch.take("groupName"),
                }
            },
            tags=_tags(inputs, "key", "value"),
        )["project"]
        for each in (source, environment, artifacts, cache, logs, cloudwatch):
            each.done()
        return made["arn"], {"name": made["name"], "arn": made["arn"]}

    def _state_machine(self, name: str, inputs: Inputs) -> Made:
        logging, tracing = (
            inputs.nested("loggingConfiguration"),
            inputs.nested("tracingConfiguration"),
        )
        machine = self._named(name)
        made = self._client("stepfunctions").create_state_machine(
            name=machine,
            type=inputs.take("type"),
            definition=inputs.take("definition"),
            roleArn=inputs.take("roleArn"),
            loggingConfiguration={
                "level": logging.take("level"),
                "includeExecutionData": logging.take("includeExecutionData"),
                "destinations": [
                    {"cloudWatchLogsLogGroup": {"logGroupArn": logging.take("logDestination")}}
                ],
            },
            tracingConfiguration={"enabled": tracing.take("enabled")},
            tags=_tags(inputs, "key", "value"),
        )
        logging.done()
        tracing.done()
        return made["stateMachineArn"], {"name": machine, "arn": made["stateMachineArn"]}

    def _email_identity(self, name: str, inputs: Inputs) -> Made:
        address = inputs.take("emailIdentity")
        self._client("sesv2").create_email_identity(EmailIdentity=address, Tags=_tags(inputs))
        return address, {}

    def _configuration_set(self, name: str, inputs: Inputs) -> Made:
        configuration_set = inputs.take("configurationSetName")
        self._client("sesv2").create_configuration_set(
            ConfigurationSetName=configuration_set, Tags=_tags(inputs)
        )
        return configuration_set, {"configurationSetName": configuration_set}

    def _event_destination(self, name: str, inputs: Inputs) -> Made:
        # moto counts no bounces, and has no destinations for them.
        destination = inputs.nested("eventDestination")
        cloudwatch = destination.nested("cloudWatchDestination")
        needed = {
            "matchingEventTypes": destination.take("matchingEventTypes"),
            "enabled": destination.take("enabled"),
            "dimensionConfigurations": cloudwatch.take("dimensionConfigurations"),
            "configurationSetName": inputs.take("configurationSetName"),
            "eventDestinationName": inputs.take("eventDestinationName"),
        }
        cloudwatch.done()
        destination.done()
        for key, value in needed.items():
            if not value:
                raise UnknownInput(f"{name}: ConfigurationSetEventDestination needs {key}")
        return needed["eventDestinationName"], {}

    def _cloud_control(self, name: str, inputs: Inputs) -> Made:
        arn = self._register(inputs.take("typeName"), json.loads(inputs.take("desiredState")))
        return arn, {}


def zipped(archive: pulumi.AssetArchive) -> bytes:
    """The zip that Pulumi makes of an archive of files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for name, asset in archive.assets.items():
            if not isinstance(asset, pulumi.FileAsset):
                raise UnknownInput(f"{name}: local/ packages files only")
            target.write(asset.path, name)
    return buffer.getvalue()


def _unwrapped(value: Any) -> Any:
    value = rpc.unwrap_rpc_secret(value)
    if isinstance(value, dict):
        return {key: _unwrapped(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_unwrapped(each) for each in value]
    # On the engine's wire every number is a float.
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _region(inputs: Inputs) -> tuple[str, ...]:
    """The region that a resource asks for, if it is not the stack's."""
    region = inputs.take("region")
    return (region,) if region else ()


def _metric(inputs: Inputs) -> dict[str, Any]:
    dimensions = inputs.take("dimensions") or {}
    return {
        "Namespace": inputs.take("namespace"),
        "MetricName": inputs.take("metricName"),
        "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
    }


def _metric_query(query: Inputs) -> dict[str, Any]:
    row: dict[str, Any] = {"Id": query.take("id"), "ReturnData": query.take("returnData", False)}
    if expression := query.take("expression"):
        row["Expression"] = expression
    else:
        metric = query.nested("metric")
        row["MetricStat"] = {
            "Metric": _metric(metric),
            "Period": metric.take("period"),
            "Stat": metric.take("stat"),
        }
        metric.done()
    query.done()
    return row


def _tags(inputs: Inputs, key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    return [{key: name, value: text} for name, text in inputs.take("tags", {}).items()]


def _query(inputs: Inputs) -> str:
    return "&".join(f"{name}={text}" for name, text in inputs.take("tags", {}).items())
