"""Every call that the lifecycles of uploads make, with the policies that allowed it."""

import base64
import gzip
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from unittest.mock import patch

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError
from moto.awslambda.models import lambda_backends
from moto.iam.models import iam_backends
from moto.kms.models import kms_backends
from moto.s3.models import s3_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends

from local.account import ACCOUNT, DEPLOYERS, DEVELOPERS, REGION, LocalAccount
from local.channel import member_id
from local.permissions import services
from local.permissions.call import Access
from local.permissions.guard import Allowed, Guard
from ops.choice import choose
from ops.fetch import download
from ops.stack import Stack
from tests.faults.fault_run import FaultRun
from tests.faults.injection import Layer
from tests.faults.lifecycles import BUILDSPEC, LIFECYCLES, SETTINGS, shorten_waits
from tests.permissions import approvals
from tests.support.account import (
    QUICK_PASSING,
    change_states,
    client_of_uploads_rule,
    recorded_uploader,
)
from tests.support.provider_calls import PROVIDER

ON_CALL = f"arn:aws:sns:{REGION}:{ACCOUNT}:on-call"
TICKET = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:open-ticket"
# One role uploads ``inventory`` and nothing else; the other has every right that an identity policy
# can give, so that only the policies of resources limit it.
BUILD_SERVER, ADMINISTRATOR = "build-server", "administrator"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/"
ANYTHING = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}
# All that the program can deploy with the local account.
EVERYTHING = {
    **SETTINGS,
    "recordApprover": "true",
    "approvalCovers": "findings",
    "selfApproval": "refuse",
    "people": json.dumps({member_id("Ada"): "ada@example.com"}),
    "failureEmails": "recipients",
    "escalationTopic": ON_CALL,
    "digestAfter": "50",
    "protect": "true",
    "vpcId": "vpc-0123456789abcdef0",
    "vpcSubnets": '["subnet-0123456789abcdef0"]',
    "vpcSecurityGroups": '["sg-0123456789abcdef0"]',
    "customActions": json.dumps(
        [
            {"label": "Scan again", "outcomes": ["error"], "function": "scan-again"},
            {"label": "Ticket", "outcomes": ["failed"], "function": TICKET},
        ]
    ),
    "uploaders": json.dumps({"*": [ROLE + DEVELOPERS], "inventory": [ROLE + BUILD_SERVER]}),
    "deployers": json.dumps([ROLE + DEPLOYERS]),
}
_OURS = re.compile(r"chatops-slack-[a-z]+-gate-(.+?)-[0-9a-f]{5}(?![0-9a-f])")


class Recorded(NamedTuple):
    """The account after the calls.

    ``policies`` are by owner, such as ``bucket uploads``, and name; ``owners`` are ARNs.
    """

    guard: Guard
    calls: list[Allowed]
    denied: list[str]
    policies: dict[tuple[str, str], Mapping[str, Any]]
    owners: dict[str, str]


@contextmanager
def recorded() -> Iterator[Recorded]:
    """Run each lifecycle, and whatever else people and services do."""
    with LocalAccount(EVERYTHING) as cloud:
        for role in (BUILD_SERVER, ADMINISTRATOR):
            cloud.client("iam").create_role(RoleName=role, AssumeRolePolicyDocument="{}")
        cloud.client("iam").put_role_policy(
            RoleName=ADMINISTRATOR, PolicyName=ADMINISTRATOR, PolicyDocument=json.dumps(ANYTHING)
        )
        cloud.client("sns").create_topic(Name="on-call")
        cloud.builds.buildspec = BUILDSPEC
        change_states(cloud, shorten_waits)
        with Layer(cloud) as layer:
            FaultRun(cloud, layer, LIFECYCLES, at_once=4)
        approvals.run(cloud)
        for role in (DEVELOPERS, BUILD_SERVER):
            _upload_in_parts(cloud, role)
        _deploy_what_is_cleared(cloud)
        _what_happens_seldom(cloud)
        _the_key_is_administered(cloud)
        services.alarm_is_published(
            cloud.guard, f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:any", cloud.outputs["topic"]
        )
        yield Recorded(
            cloud.guard,
            list(cloud.guard.allowed.values()),
            [str(denied) for denied in cloud.guard.denied],
            _policies(cloud.guard),
            {owner_of(arn): arn for arn in [*_roles(), *_resources()]}
            | {"machine": cloud.outputs["stateMachine"]},
        )


def short(arn: str) -> str:
    """What an ARN names, without what Pulumi adds to a name."""
    name = _OURS.sub(r"\1", arn.split(":", 5)[5] if arn.startswith("arn:") else arn)
    # A key's id, and what Secrets Manager adds to a secret's name.
    name = re.sub(r"key/[0-9a-f-]{36}", "key", name)
    return re.sub(r"^(secret:.+)-\w{6}$", r"\1", name)


def owner_of(arn: str) -> str:
    """The owner of the policy of what ``arn`` names."""
    service, name = arn.split(":")[2], arn.split(":", 5)[5]
    if service == "s3":
        name = name.partition("/")[0]
    kinds = {"s3": "bucket", "sns": "topic", "sqs": "queue", "lambda": "function", "iam": "role"}
    plain = name.removeprefix("function:").removeprefix("role/")
    return "key" if service == "kms" else f"{kinds[service]} {short(plain)}"


def _upload_in_parts(cloud: LocalAccount, role: str) -> None:
    """Upload in parts, give one up, and read the status and the evidence."""
    for key in ("inventory/app.zip", "inventory.zip"):
        _upload_in_parts_to(cloud, role, key)


def _upload_in_parts_to(cloud: LocalAccount, role: str, key: str) -> None:
    s3, bucket = cloud.client("s3", signer=f"{role}@build-7"), cloud.outputs["uploadBucket"]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "app.zip"
        path.write_bytes(QUICK_PASSING + b"\0" * 6 * 1024 * 1024)
        s3.upload_file(str(path), bucket, key, Config=TransferConfig(multipart_threshold=1))
    version = s3.get_object_tagging(Bucket=bucket, Key=key)["VersionId"]
    s3.get_object_tagging(Bucket=bucket, Key=key, VersionId=version)
    started = s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    s3.list_parts(Bucket=bucket, Key=key, UploadId=started)
    s3.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=started)
    scan = f"inventory/{version}"
    cloud.ended(cloud.execution(scan))
    evidence = cloud.outputs["artifactsBucket"]
    s3.list_objects_v2(Bucket=evidence, Prefix=f"scans/{scan}/")
    s3.get_object(Bucket=evidence, Key=f"scans/{scan}/scan.json")


def _deploy_what_is_cleared(cloud: LocalAccount) -> None:
    """Take the newest version that is cleared, with the command and with AWS's own."""
    scan = cloud.upload("payments/app.zip", QUICK_PASSING)
    cloud.ended(cloud.execution(scan))
    recorded_uploader(cloud, scan)  # evidence that a deployer reads, too
    client = partial(cloud.client, signer=f"{DEPLOYERS}@deployment")
    stack = Stack(cloud.outputs, "here", client)
    selected, _ = choose(stack, "payments", None, None, 10)
    with TemporaryDirectory() as folder:
        download(stack, selected, Path(folder) / "app.zip")
    s3, upload = (
        stack.client("s3"),
        {"Bucket": cloud.outputs["uploadBucket"], "Key": "payments/app.zip"},
    )
    s3.get_object(**upload)
    s3.get_object_tagging(**upload)
    s3.list_objects_v2(Bucket=upload["Bucket"], Prefix="payments/")
    s3.list_objects_v2(Bucket=cloud.outputs["artifactsBucket"], Prefix="scans/payments/")


def _what_happens_seldom(cloud: LocalAccount) -> None:
    """Repeated events and clicks, a version that is gone, a button of the team, a lost event."""
    passed = next(scan for scan in cloud.builds.scans if scan.startswith("passed-"))
    _scan_again_by_mistake(cloud, passed)
    withdrawn = next(scan for scan in cloud.builds.scans if scan.startswith("withdrawn-"))
    for scan in (withdrawn, "nothing/1"):
        cloud.channel.run(_command(cloud, {"scan": scan, "withdraw": "once more"}))
    cloud.channel.run(_command(cloud, {"scan": "nothing/1", "approve": ["known", "1"]}))
    with suppress(ClientError):  # there is no such function, but people may call it
        cloud.channel.run(
            f"lambda invoke --function-name {TICKET} --region {REGION} --payload {{}}"
        )
    _open_again(cloud, passed, of_another="-again")
    # A retry finds the request of the older version, which is decided.
    replaced = [scan for scan in cloud.builds.scans if scan.startswith("superseded-")]
    _open_again(cloud, replaced[-1])
    opened = cloud.evidence(passed)["scan.json"]
    _invoke(cloud, "uploader", _notified(cloud.evidence(passed)["uploader.json"]))
    project = cloud.builds.all_of(passed)[0]["ProjectName"]
    cut_off = f"arn:aws:codebuild:{REGION}:{ACCOUNT}:build/{project}:1"
    failure = {"Error": "States.TaskFailed", "Cause": '{"Build":{"Arn":"' + cut_off + '"'}
    upload = {"bucket": opened["bucket"], "key": "nothing.zip", "versionId": "1"}
    described = {"scan": "nothing/1", "app": "nothing", "upload": upload, "build": None}
    late = {"execution": opened["execution"], "error": failure, "expiresAt": "2030-01-01T00:00:00Z"}
    _invoke(cloud, "check-build-status", {**described, **late})
    for scan in (withdrawn, passed, "nothing/1"):
        for _ in range(2):
            _invoke(cloud, "approver-audit", _clicked(cloud, scan), "us-east-1")
    with patch.object(
        client_of_uploads_rule(cloud), "start_execution", side_effect=OSError("down")
    ):
        cloud.upload("lost.zip", QUICK_PASSING)
        dead = {"QueueUrl": cloud.outputs["deadLetterQueue"], "WaitTimeSeconds": 10}
        assert cloud.client("sqs").receive_message(**dead)["Messages"]


def _the_key_is_administered(cloud: LocalAccount) -> None:
    """Call what the AWS provider calls for a key, as a role with every right of its own."""
    provider = PROVIDER["kms/key:Key"]
    made = " ".join((provider.create, provider.read, provider.update, provider.delete)).split()
    actions = {action.partition("+")[0] for action in made} - {"kms:CreateKey"}
    key = next(arn for arn in _resources() if ":kms:" in arn)
    principal = cloud.guard.role(f"{ROLE}{ADMINISTRATOR}", "deployment")
    cloud.guard.check(principal, [Access(action, key) for action in sorted(actions)])


def _open_again(cloud: LocalAccount, scan: str, of_another: str = "") -> None:
    """Open the scan as a retry does, or as the other execution of a repeated event."""
    opened = cloud.evidence(scan)["scan.json"]
    started = cloud.client("stepfunctions").describe_execution(executionArn=opened["execution"])
    event, execution = json.loads(started["input"]), opened["execution"] + of_another
    _invoke(cloud, "open-scan", {"event": event, "execution": execution, "retry": 0})


def _scan_again_by_mistake(cloud: LocalAccount, scan: str) -> None:
    """Run a second build of a scan, and one of a version that is gone."""
    opened = cloud.evidence(scan)["scan.json"]
    project = cloud.builds.all_of(scan)[0]["ProjectName"]
    for version in (opened["versionId"], "gone"):
        names = {
            "SCAN": scan,
            "APP": opened["app"],
            "UPLOAD_BUCKET": opened["bucket"],
            "UPLOAD_KEY": opened["key"],
            "UPLOAD_VERSION": version,
        }
        variables = [{"Name": name, "Value": value} for name, value in names.items()]
        build = cloud.builds.start(project, variables, f"again-{version}")
        assert cloud.builds.ended(build["Id"], within=60)


def _invoke(
    cloud: LocalAccount, label: str, event: Mapping[str, Any], region: str = REGION
) -> None:
    functions = cloud.client("lambda", region)
    names = [item["FunctionName"] for item in functions.list_functions()["Functions"]]
    name = next(name for name in names if short(name) == label)
    answer = functions.invoke(FunctionName=name, Payload=json.dumps(event))
    assert "FunctionError" not in answer, answer["Payload"].read()


def _command(cloud: LocalAccount, payload: Mapping[str, Any]) -> str:
    function = cloud.outputs["approvalFunction"]
    text = json.dumps(payload)
    return f"lambda invoke --function-name {function} --region {REGION} --payload {text}"


def _notified(uploader: Mapping[str, Any]) -> dict[str, Any]:
    """S3's notification of which a function made uploader.json."""
    record = {
        "eventName": uploader["operation"],
        "eventTime": uploader["uploadedAt"],
        "userIdentity": {"principalId": uploader["principalId"]},
        "requestParameters": {"sourceIPAddress": uploader["sourceIp"]},
        "responseElements": {"x-amz-request-id": uploader["requestId"]},
        "s3": {
            "bucket": {"name": uploader["bucket"]},
            "object": {"key": uploader["key"], "versionId": uploader["versionId"]},
        },
    }
    return {"Records": [record]}


def _clicked(cloud: LocalAccount, scan: str) -> dict[str, Any]:
    """A batch of the chat service's log, as CloudWatch sends it."""
    message = {
        "slackUserId": "U1",
        "command": _command(cloud, {"scan": scan, "approve": "once more"}),
    }
    log_event = {"id": "1", "timestamp": 0, "message": json.dumps(message)}
    batch = {"messageType": "DATA_MESSAGE", "logEvents": [log_event]}
    data = base64.b64encode(gzip.compress(json.dumps(batch).encode())).decode()
    return {"awslogs": {"data": data}}


def _policies(guard: Guard) -> dict[tuple[str, str], Mapping[str, Any]]:
    world, policies = guard.world, {}
    for role in _roles():
        name = role.rsplit("/", 1)[1]
        policies[f"trust of {short(name)}", "resource"] = world.trust_policy(role)
        for kind in (world.identity_policies, world.boundaries):
            for policy, document in kind(name).items():
                policies[owner_of(role), policy] = document
    for arn in _resources():
        if document := world.resource_policy(arn):
            policies[owner_of(arn), "resource"] = document
    return policies


def _roles() -> list[str]:
    """The ARNs of the program's roles."""
    roles = iam_backends[ACCOUNT]["aws"].roles.values()
    return [role.arn for role in roles if _OURS.match(role.name)]


def _resources() -> list[str]:
    """The ARNs of what the program made that can have a policy."""
    arns = [
        *(f"arn:aws:s3:::{name}" for name in s3_backends[ACCOUNT]["aws"].buckets),
        *sns_backends[ACCOUNT][REGION].topics,
        *(queue.queue_arn for queue in sqs_backends[ACCOUNT][REGION].queues.values()),
    ]
    for region in (REGION, "us-east-1"):
        arns += [item.function_arn for item in lambda_backends[ACCOUNT][region].list_functions()]
    keys = [key.arn for key in kms_backends[ACCOUNT][REGION].keys.values()]
    return [*(arn for arn in arns if _OURS.search(arn)), *keys]
