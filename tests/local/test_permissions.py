"""The local account refuses what the deployed policies do not allow, as AWS would."""

from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local import moto_patches
from local.account import ACCOUNT, DEPLOYERS, DEVELOPERS, REGION, LocalAccount
from local.permissions import s3
from local.permissions.call import Call, UnknownOperation
from local.permissions.guard import ADMINISTRATOR
from local.permissions.world import World
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


@pytest.mark.parametrize(
    ("query", "known"),
    [
        ("versionId=1&partNumber=1&response-content-type=text/plain&X-Amz-Expires=60", True),
        ("attributes", False),
        ("torrent", False),
    ],
)
def test_a_request_about_an_object_is_evaluated_only_if_its_whole_query_is_known(query, known):
    call = request("GET", "/bucket/a.zip", query)

    if known:
        assert s3.needed(call, WORLD)[0].action == "s3:GetObjectVersion"
    else:
        with pytest.raises(UnknownOperation):
            s3.needed(call, WORLD)


@pytest.mark.parametrize(
    ("header", "right"),
    [
        ("x-amz-acl", "PutObjectAcl"),
        ("x-amz-grant-read", "PutObjectAcl"),
        ("x-amz-object-lock-mode", "PutObjectRetention"),
        ("x-amz-object-lock-legal-hold", "PutObjectLegalHold"),
        ("x-amz-tagging", "PutObjectTagging"),
    ],
)
def test_what_a_put_sets_beside_the_object_needs_its_own_right(header, right):
    needs = s3.needed(request("PUT", "/bucket/a.zip", headers={header: "a=b"}), WORLD)

    assert [access.action for access in needs] == ["s3:PutObject", f"s3:{right}"]


@pytest.mark.parametrize("read", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("s3", "list_buckets"),
        ("s3", "put_object"),
        ("s3", "head_bucket"),
        ("iam", "list_roles"),
        ("lambda", "list_functions"),
    ],
)
def test_an_error_of_the_account_is_answered_with_its_cause(
    cloud, monkeypatch, caplog, service, operation, read
):
    """Whether the error comes before or after the account has read the request."""
    serve, bucket = moto_patches._serve, cloud.outputs["stateBucket"]
    arguments: dict[str, dict[str, Any]] = {
        "put_object": {"Bucket": bucket, "Key": "long", "Body": b"0" * 300_000},
        "head_bucket": {"Bucket": bucket},
    }

    def fail(application: Any, environ: dict[str, Any], start_response: Any) -> Any:
        # A build of another test may still be writing to its log.
        if "meets-an-error" not in environ["HTTP_USER_AGENT"]:
            return serve(application, environ, start_response)
        if read:
            b"".join(serve(application, environ, lambda *_: None))
        raise ValueError("not <so>\0")

    monkeypatch.setattr(moto_patches, "_serve", fail)
    client = boto3.client(
        service,
        endpoint_url=cloud.endpoint,
        region_name=REGION,
        aws_access_key_id=ADMINISTRATOR,
        aws_secret_access_key="local",
        config=Config(
            read_timeout=10,
            retries={"total_max_attempts": 1},
            user_agent_extra="meets-an-error",
        ),
    )

    with pytest.raises(ClientError) as refused:
        getattr(client, operation)(**arguments.get(operation, {}))

    client.close()
    if operation == "head_bucket":  # has no body that could tell more
        assert refused.value.response["Error"]["Code"] == "500"
    else:
        assert refused.value.response["Error"]["Code"] == "InternalError"
        assert "ValueError('not <so>\\x00') in test_permissions.py, line" in str(refused.value)
    assert "failed" in caplog.text


def test_a_copy_decrypts_its_source(cloud):
    source = f"/{cloud.outputs['uploadBucket']}/payments/untagged.zip"
    call = request("PUT", "/elsewhere/app.zip", headers={"x-amz-copy-source": source})

    needs = s3.needed(call, cloud.guard.world)

    assert [access.action for access in needs] == ["s3:PutObject", "s3:GetObject", "kms:Decrypt"]


@pytest.mark.parametrize("role", [DEPLOYERS, DEVELOPERS])
def test_a_signed_url_has_the_rights_of_who_signed_it(cloud, role):
    scan = cloud.upload("payments/signed.zip", QUICK_PASSING)
    cloud.ended(cloud.execution(scan))
    url = cloud.client("s3", signer=f"{role}@somebody").generate_presigned_url(
        "get_object",
        {
            "Bucket": cloud.outputs["uploadBucket"],
            "Key": "payments/signed.zip",
            "VersionId": scan.split("/")[1],
        },
    )

    assert status_of(url) == (200 if role == DEPLOYERS else 403)
    assert status_of(url.partition("?")[0]) == 403  # without a signature


WORLD = World(ACCOUNT, REGION)


def request(method: str, path: str, query: str = "", headers: dict[str, str] | None = None) -> Call:
    environ = {"REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query}
    for name, value in (headers or {}).items():
        environ["HTTP_" + name.upper().replace("-", "_")] = value
    return Call(environ, lambda: b"")


def status_of(url: str) -> int:
    try:
        with urlopen(url) as answer:
            return answer.status
    except HTTPError as error:
        return error.code
