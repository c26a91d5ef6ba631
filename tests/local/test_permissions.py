"""The local account refuses what the deployed policies do not allow, as AWS would."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.account import ACCOUNT, DEPLOYERS, DEVELOPERS, REGION, LocalAccount
from tests.support.account import QUICK_PASSING, scan_quickly
from tests.support.policy_evaluator import needs_engine

pytestmark = needs_engine

HERE = f"{REGION}:{ACCOUNT}"
# A call of each service whose errors look different, and the error that AWS's model has for it.
REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "s3": ("put_object", {"Bucket": "{uploadBucket}", "Key": "payments/app.zip"}, "AccessDenied"),
    "sns": ("publish", {"TopicArn": "{topic}", "Message": "{{}}"}, "AuthorizationError"),
    "sqs": (
        "send_message",
        {"QueueUrl": "{deadLetterQueue}", "MessageBody": "text"},
        "AccessDeniedException",
    ),
    "lambda": ("invoke", {"FunctionName": "{approvalFunction}"}, "AccessDeniedException"),
    "stepfunctions": (
        "start_execution",
        {"stateMachineArn": "{stateMachine}"},
        "AccessDeniedException",
    ),
    "codebuild": ("batch_get_builds", {"ids": ["scan:1"]}, "AccessDeniedException"),
    "logs": (
        "get_log_events",
        {"logGroupName": "group", "logStreamName": "stream"},
        "AccessDeniedException",
    ),
    "secretsmanager": (
        "get_secret_value",
        {"SecretId": f"arn:aws:secretsmanager:{HERE}:secret:token-1a2b3c"},
        "AccessDeniedException",
    ),
    "sesv2": (
        "send_email",
        {
            "FromEmailAddress": "security@example.com",
            "Content": {"Simple": {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}}},
        },
        "AccessDeniedException",
    ),
}


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalAccount]:
    with LocalAccount() as running:
        scan_quickly(running)
        yield running


def filled(value: Any, outputs: dict[str, Any]) -> Any:
    if isinstance(value, str):
        return value.format_map(outputs)
    if isinstance(value, dict):
        return {key: filled(item, outputs) for key, item in value.items()}
    return [filled(item, outputs) for item in value]


def refusal(call: Any, **arguments: Any) -> dict[str, Any]:
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    return refused.value.response


@pytest.mark.parametrize("service", REFUSED)
def test_each_service_words_a_refusal_as_its_own(cloud, service):
    operation, arguments, code = REFUSED[service]
    client = cloud.client(service, signer=f"{DEPLOYERS}@somebody")

    error = refusal(getattr(client, operation), **filled(arguments, cloud.outputs))["Error"]

    assert error["Code"] == code
    assert f"assumed-role/{DEPLOYERS}/somebody is not authorized to perform" in error["Message"]


def test_an_uncleared_version_is_not_handed_out_and_a_cleared_one_is(cloud):
    scan = cloud.upload("payments/app.zip", QUICK_PASSING)
    version = {
        "Bucket": cloud.outputs["uploadBucket"],
        "Key": "payments/app.zip",
        "VersionId": scan.split("/")[1],
    }
    s3 = cloud.client("s3", signer=f"{DEPLOYERS}@somebody")

    assert refusal(s3.get_object, **version)["Error"]["Message"].endswith("with an explicit deny")

    cloud.ended(cloud.execution(scan))
    assert s3.get_object(**version)["Body"].read() == QUICK_PASSING


def test_who_may_not_list_a_bucket_does_not_learn_that_an_object_is_missing(cloud):
    missing = {"Bucket": cloud.outputs["artifactsBucket"], "Key": "scans/payments/1/scan.json"}
    listing, other = (
        cloud.client("s3", signer=f"{role}@somebody") for role in (DEPLOYERS, DEVELOPERS)
    )

    assert refusal(listing.get_object, **missing)["Error"]["Code"] == "NoSuchKey"
    assert refusal(other.get_object, **missing)["Error"]["Code"] == "AccessDenied"


def test_a_caller_that_is_not_known_is_refused(cloud):
    s3 = cloud.client("s3", signer="somebody")

    error = refusal(s3.list_objects_v2, Bucket=cloud.outputs["uploadBucket"])["Error"]

    assert (error["Code"], "unknown (somebody)" in error["Message"]) == ("AccessDenied", True)


def test_an_operation_that_cannot_be_evaluated_is_refused_by_name(cloud):
    s3 = cloud.client("s3", signer=f"{DEPLOYERS}@somebody")

    error = refusal(s3.get_bucket_cors, Bucket=cloud.outputs["uploadBucket"])["Error"]

    assert "local/permissions does not know s3 GET" in error["Message"]
