"""What a request needs from IAM: actions, resources and condition keys.

Actions, resources and keys of each operation are those of the Service Authorization Reference
(https://docs.aws.amazon.com/service-authorization/latest/reference/); an operation that is missing
here is an error, so that none passes unevaluated.
"""

import base64
import email
import email.utils
import re
from collections.abc import Callable

from local.permissions import s3
from local.permissions.call import Access, Call, Context, through
from local.permissions.world import World

ANY = "*"


def needed(call: Call, world: World) -> list[Access]:
    """The accesses that all must be allowed, the caller's own first.

    Raises:
        UnknownOperation: the request is none that this package knows.
    """
    if call.service not in SERVICES:
        raise call.unknown
    return SERVICES[call.service](call, world)


def _lambda(call: Call, world: World) -> list[Access]:
    match = re.fullmatch(r"/2015-03-31/functions/([^/]+)/invocations", call.path)
    if not match:
        raise call.unknown
    arn = match[1]
    if not arn.startswith("arn:"):
        arn = f"arn:aws:lambda:{call.region}:{world.account}:function:{arn}"
    return [Access("lambda:InvokeFunction", arn)]


def _sns(call: Call, world: World) -> list[Access]:
    if call.operation != "Publish":
        raise call.unknown
    topic = call.form["TopicArn"]
    # https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html: a publisher needs both.
    both = ("kms:GenerateDataKey", "kms:Decrypt")
    return [
        Access("sns:Publish", topic),
        *through("sns", both, world.key_of_topic(topic), call.region),
    ]


def _ses(call: Call, world: World) -> list[Access]:
    if (call.method, call.path) != ("POST", "/v2/email/outbound-emails"):
        raise call.unknown
    sent = call.json
    raw = sent["Content"].get("Raw")
    message = email.message_from_bytes(base64.b64decode(raw["Data"])) if raw else None
    sender = sent.get("FromEmailAddress") or (message["From"] if message else "")
    address = email.utils.parseaddr(sender)[1]
    to = [item for items in sent.get("Destination", {}).values() for item in items]
    context: Context = {"ses:FromAddress": address, "ses:Recipients": to}
    here = f"arn:aws:ses:{call.region}:{world.account}"
    resources = [f"{here}:identity/{world.identity_of(address)}"]
    if name := sent.get("ConfigurationSetName"):
        resources.append(f"{here}:configuration-set/{name}")
    # https://docs.aws.amazon.com/ses/latest/dg/control-user-access.html: SendRawEmail is for a
    # message that the sender has built.
    actions = ["ses:SendEmail", "ses:SendRawEmail"] if raw else ["ses:SendEmail"]
    return [Access(action, arn, context) for action in actions for arn in resources]


def _states(call: Call, _world: World) -> list[Access]:
    if call.operation.startswith("SendTask"):
        return [Access(f"states:{call.operation}", ANY)]
    named = {
        "StartExecution": "stateMachineArn",
        "ListExecutions": "stateMachineArn",
        "DescribeStateMachine": "stateMachineArn",
        "DescribeExecution": "executionArn",
        "GetExecutionHistory": "executionArn",
        "StopExecution": "executionArn",
        "RedriveExecution": "executionArn",
    }
    if call.operation not in named:
        raise call.unknown
    return [Access(f"states:{call.operation}", call.json[named[call.operation]])]


def _codebuild(call: Call, world: World) -> list[Access]:
    match call.operation:
        case "BatchGetBuilds":
            names = sorted({build.partition(":")[0] for build in call.json["ids"]})
        case "StartBuild":
            names = [call.json["projectName"]]
        case _:
            raise call.unknown
    here = f"arn:aws:codebuild:{call.region}:{world.account}:project"
    return [Access(f"codebuild:{call.operation}", f"{here}/{name}") for name in names]


def _logs(call: Call, world: World) -> list[Access]:
    if call.operation not in ("CreateLogStream", "PutLogEvents", "GetLogEvents"):
        raise call.unknown
    group = f"arn:aws:logs:{call.region}:{world.account}:log-group:{call.json['logGroupName']}"
    stream = f"{group}:log-stream:{call.json['logStreamName']}"
    return [Access(f"logs:{call.operation}", stream)]


def _secretsmanager(call: Call, world: World) -> list[Access]:
    if call.operation != "GetSecretValue":
        raise call.unknown
    secret = call.json["SecretId"]
    key = world.key_of_secret(secret)
    return [
        Access("secretsmanager:GetSecretValue", secret),
        *through("secretsmanager", ["kms:Decrypt"], key, call.region),
    ]


def _sqs(call: Call, _world: World) -> list[Access]:
    if call.operation not in ("SendMessage", "ReceiveMessage", "DeleteMessage"):
        raise call.unknown
    account, name = call.json["QueueUrl"].split("/")[-2:]
    return [Access(f"sqs:{call.operation}", f"arn:aws:sqs:{call.region}:{account}:{name}")]


def _ssm(call: Call, world: World) -> list[Access]:
    named = {"GetParameter": "Name", "GetParametersByPath": "Path"}
    if call.operation not in named:
        raise call.unknown
    name = call.json[named[call.operation]]
    here = f"arn:aws:ssm:{call.region}:{world.account}:parameter"
    return [Access(f"ssm:{call.operation}", f"{here}/{name.strip('/')}")]


SERVICES: dict[str, Callable[[Call, World], list[Access]]] = {
    "s3": s3.needed,
    "lambda": _lambda,
    "sns": _sns,
    "ses": _ses,
    "states": _states,
    "codebuild": _codebuild,
    "logs": _logs,
    "secretsmanager": _secretsmanager,
    "sqs": _sqs,
    "ssm": _ssm,
}
