"""Creates what carries messages: event rules, topics, queues, email, the chat service."""

import json

from local.resources.inputs import Account, Create, Inputs, Made, UnknownInput


def rule(account: Account, name: str, inputs: Inputs) -> Made:
    rule = account.named(name)
    made = account.client("events").put_rule(
        Name=rule,
        Description=inputs.take("description"),
        EventPattern=inputs.take("eventPattern"),
        Tags=inputs.tags(),
    )
    return rule, {"name": rule, "arn": made["RuleArn"]}


def target(account: Account, name: str, inputs: Inputs) -> Made:
    rule, target = inputs.take("rule"), {"Id": name, "Arn": inputs.take("arn")}
    if ":lambda:" not in target["Arn"]:  # a function's own policy allows the call, without a role
        retry, dead_letters = inputs.nested("retryPolicy"), inputs.nested("deadLetterConfig")
        target["RoleArn"] = inputs.take("roleArn")
        target["RetryPolicy"] = {
            "MaximumRetryAttempts": retry.take("maximumRetryAttempts"),
            "MaximumEventAgeInSeconds": retry.take("maximumEventAgeInSeconds"),
        }
        target["DeadLetterConfig"] = {"Arn": dead_letters.take("arn")}
        retry.done()
        dead_letters.done()
    account.client("events").put_targets(Rule=rule, Targets=[target])
    return f"{rule}/{name}", {}


def topic(account: Account, name: str, inputs: Inputs) -> Made:
    topic = account.named(name)
    made = account.client("sns").create_topic(
        Name=topic,
        Attributes={"KmsMasterKeyId": inputs.take("kmsMasterKeyId")},
        Tags=inputs.tags(),
    )
    return made["TopicArn"], {"name": topic, "arn": made["TopicArn"]}


def topic_policy(account: Account, name: str, inputs: Inputs) -> Made:
    topic = inputs.take("arn")
    account.client("sns").set_topic_attributes(
        TopicArn=topic, AttributeName="Policy", AttributeValue=inputs.take("policy")
    )
    return topic, {}


def queue(account: Account, name: str, inputs: Inputs) -> Made:
    queue = account.named(name)
    sqs = account.client("sqs")
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


def queue_policy(account: Account, name: str, inputs: Inputs) -> Made:
    url = inputs.take("queueUrl")
    account.client("sqs").set_queue_attributes(
        QueueUrl=url, Attributes={"Policy": inputs.take("policy")}
    )
    return url, {}


def email_identity(account: Account, name: str, inputs: Inputs) -> Made:
    address = inputs.take("emailIdentity")
    # Only checked: moto has no DKIM.
    dkim = inputs.nested("dkimSigningAttributes") if "@" not in address else None
    if dkim:
        dkim.take("nextSigningKeyLength")
        dkim.done()
    account.client("sesv2").create_email_identity(EmailIdentity=address, Tags=inputs.tags())
    tokens = [f"{label}._local" for label in ("one", "two", "three")]
    return address, {"dkimSigningAttributes": {"tokens": tokens}}


def configuration_set(account: Account, name: str, inputs: Inputs) -> Made:
    configuration_set = inputs.take("configurationSetName")
    account.client("sesv2").create_configuration_set(
        ConfigurationSetName=configuration_set, Tags=inputs.tags()
    )
    return configuration_set, {"configurationSetName": configuration_set}


def mail_events(account: Account, name: str, inputs: Inputs) -> Made:
    # Only checked: moto has no event destinations.
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


def cloud_control(account: Account, name: str, inputs: Inputs) -> Made:
    arn = account.register(inputs.take("typeName"), json.loads(inputs.take("desiredState")))
    return arn, {}


CREATE: dict[str, Create] = {
    "aws:cloudwatch/eventRule:EventRule": rule,
    "aws:cloudwatch/eventTarget:EventTarget": target,
    "aws:sns/topic:Topic": topic,
    "aws:sns/topicPolicy:TopicPolicy": topic_policy,
    "aws:sqs/queue:Queue": queue,
    "aws:sqs/queuePolicy:QueuePolicy": queue_policy,
    "aws:sesv2/emailIdentity:EmailIdentity": email_identity,
    "aws:sesv2/configurationSet:ConfigurationSet": configuration_set,
    "aws:sesv2/configurationSetEventDestination:ConfigurationSetEventDestination": mail_events,
    "aws:cloudcontrol/resource:Resource": cloud_control,
}
