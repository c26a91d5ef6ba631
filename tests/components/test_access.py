"""What uploaders and deployers may do, evaluated as IAM does it."""

import itertools
import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from components.access import Uploaders
from components.resource_policies import MAX_BUCKET_POLICY_BYTES, policy_too_large
from components.storage import Storage, StorageArgs
from local.permissions.engine import Engine, Request
from ops.access_rights import uploader_policy
from ops.program import ACCOUNT, REGION
from tests.support.policy_evaluator import needs_engine
from tests.support.recording import CONTEXT, Built, build

pytestmark = needs_engine

ELSEWHERE = "999999999999"
UPLOADER = f"arn:aws:iam::{ACCOUNT}:role/payments-build"
FOREIGN = f"arn:aws:iam::{ELSEWHERE}:role/payments-build"
NAMED = {
    "uploads": "arn:aws:s3:::gate-uploads",
    "artifacts": "arn:aws:s3:::gate-artifacts",
    "key": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1",
}
UPLOADS, EVIDENCE, KEY = NAMED.values()
S3 = {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine() as engine:
        yield engine


def storage(uploaders: Uploaders, deployers: Sequence[str] = ()) -> Built:
    args = StorageArgs(context=CONTEXT, uploaders=uploaders, deployers=deployers)
    return build(lambda: Storage("gate", args))


@pytest.fixture(scope="module")
def built() -> Built:
    return storage({"payments": [UPLOADER, FOREIGN], "team-a-*": [UPLOADER]})


def allowed(
    engine: Engine,
    built: Built,
    action: str,
    resource: str,
    *,
    principal: str = UPLOADER,
    identity: dict[str, Any] | None = None,
    **context: str,
) -> bool:
    owner = {UPLOADS: "gate-uploads", EVIDENCE: "gate-artifacts"}.get(resource.partition("/")[0])
    policy = (
        built.one("s3/bucketPolicy:BucketPolicy", owner) if owner else built.one("kms/key:Key")
    ).inputs["policy"]
    [decision] = engine.decide(
        [
            Request(
                principal=principal.replace(":iam:", ":sts:").replace("role", "assumed-role")
                + "/ci",
                action=action,
                resource=resource,
                account=ACCOUNT,
                context={"aws:PrincipalArn": principal, "aws:SecureTransport": "true", **context},
                identity={"own": identity} if identity else {},
                resource_policy=json.loads(policy),
            )
        ]
    )
    return decision.allowed


MAY = [
    ("s3:PutObject", f"{UPLOADS}/payments/api-1.4.zip", {}),
    ("s3:PutObject", f"{UPLOADS}/payments.zip", {}),
    ("s3:AbortMultipartUpload", f"{UPLOADS}/payments/api.zip", {}),
    ("s3:ListMultipartUploadParts", f"{UPLOADS}/payments/api.zip", {}),
    ("s3:GetObjectTagging", f"{UPLOADS}/payments/api.zip", {}),
    ("s3:GetObjectVersionTagging", f"{UPLOADS}/payments/api.zip", {}),
    ("s3:GetObject", f"{EVIDENCE}/scans/payments/v1/report.json", {}),
    ("s3:ListBucket", EVIDENCE, {"s3:prefix": "scans/payments/v1/"}),
    ("kms:GenerateDataKey", KEY, S3),
    ("kms:Decrypt", KEY, S3),
]
TAG = {"s3:ExistingObjectTag/scan-status": "passed"}
MAY_NOT = [
    ("s3:PutObject", f"{UPLOADS}/orders/api.zip", {}),
    ("s3:PutObject", f"{UPLOADS}/payments-eu/api.zip", {}),
    ("s3:PutObject", f"{UPLOADS}/payments-eu.zip", {}),
    ("s3:PutObject", f"{UPLOADS}/payments/api.tar", {}),
    ("s3:PutObjectTagging", f"{UPLOADS}/payments/api.zip", {}),
    ("s3:PutObjectVersionTagging", f"{UPLOADS}/payments/api.zip", {}),
    ("s3:DeleteObjectVersionTagging", f"{UPLOADS}/payments/api.zip", {}),
    ("s3:GetObject", f"{UPLOADS}/payments/api.zip", TAG),
    ("s3:GetObjectVersion", f"{UPLOADS}/payments/api.zip", TAG),
    ("s3:DeleteObject", f"{UPLOADS}/payments/api.zip", {}),
    ("s3:DeleteObjectVersion", f"{UPLOADS}/payments/api.zip", {}),
    ("s3:PutObjectAcl", f"{UPLOADS}/payments/api.zip", {}),
    ("s3:GetObjectVersionTagging", f"{UPLOADS}/orders/api.zip", {}),
    ("s3:ListBucketVersions", UPLOADS, {}),
    ("s3:PutBucketPolicy", UPLOADS, {}),
    ("s3:GetObject", f"{EVIDENCE}/scans/orders/v1/report.json", {}),
    ("s3:GetObject", f"{EVIDENCE}/scans/payments-eu/v1/report.json", {}),
    ("s3:PutObject", f"{EVIDENCE}/scans/payments/v1/decision.json", {"s3:if-none-match": "*"}),
    ("s3:ListBucket", EVIDENCE, {"s3:prefix": "scans/orders/"}),
    ("s3:ListBucket", EVIDENCE, {"s3:prefix": "scans/"}),
    ("s3:ListBucket", EVIDENCE, {}),
    ("kms:Decrypt", KEY, {"kms:ViaService": f"secretsmanager.{REGION}.amazonaws.com"}),
    ("kms:Decrypt", KEY, {}),
    ("kms:CreateGrant", KEY, S3),
]


@pytest.mark.parametrize("foreign", [False, True], ids=["this account", "another account"])
def test_an_uploader_may_upload_and_follow_its_own_app_and_nothing_else(
    engine: Engine, built: Built, foreign: bool
):
    own: dict[str, Any] = (
        {
            "principal": FOREIGN,
            "identity": uploader_policy("payments", NAMED, REGION),
        }
        if foreign
        else {}
    )

    for action, resource, context in MAY:
        assert allowed(engine, built, action, resource, **own, **context), (action, resource)
    for action, resource, context in MAY_NOT:
        assert not allowed(engine, built, action, resource, **own, **context), (action, resource)


def test_another_account_has_to_allow_its_uploader_each_of_these(engine: Engine, built: Built):
    for action, resource, context in MAY:
        assert not allowed(engine, built, action, resource, principal=FOREIGN, **context)


def test_a_pattern_lets_in_apps_that_begin_so(engine: Engine, built: Built):
    for app, expected in {"team-a-web": True, "team-a": False, "team-b-web": False}.items():
        for key in (f"{app}/x.zip", f"{app}.zip"):
            uploaded = allowed(engine, built, "s3:PutObject", f"{UPLOADS}/{key}")
            assert uploaded is expected, key
        evidence = allowed(engine, built, "s3:GetObject", f"{EVIDENCE}/scans/{app}/v/report.json")
        assert evidence is expected, app


def test_each_right_of_an_uploader_is_needed(engine: Engine, built: Built):
    """Without any one action, on any one resource, the identity policy no longer suffices."""
    whole = uploader_policy("payments", NAMED, REGION)
    for number, statement in enumerate(whole["Statement"]):
        for action in statement["Action"]:
            others = [item for item in statement["Action"] if item != action]
            less = {**whole, "Statement": list(whole["Statement"])}
            less["Statement"][number : number + 1] = [{**statement, "Action": others}]
            if not others:
                del less["Statement"][number]
            assert not all(
                allowed(engine, built, *call[:2], principal=FOREIGN, identity=less, **call[2])
                for call in MAY
            ), action


def test_apps_of_the_same_roles_share_statements():
    one = storage({"a": [UPLOADER]}).one("s3/bucketPolicy:BucketPolicy", "gate-uploads")
    many = storage({f"app-{n}": [UPLOADER] for n in range(50)}).one(
        "s3/bucketPolicy:BucketPolicy", "gate-uploads"
    )

    assert len(many.policy()) == len(one.policy())


def test_a_policy_that_s3_would_refuse_for_its_size_is_found_before():
    def uploaders(number: int) -> dict[str, list[str]]:
        return {f"app-{n}": [f"arn:aws:iam::{ACCOUNT}:role/app-{n}"] for n in range(number)}

    fits = next(n for n in itertools.count() if policy_too_large((), uploaders(n + 1)))

    assert fits >= 30  # as docs/access.md says
    assert "the artifacts bucket would have 20" in policy_too_large((), uploaders(fits + 1))
    assert_aws_takes_the_policies(storage(uploaders(fits)))


def test_the_upload_buckets_policy_is_the_first_that_is_too_large_for_deployers():
    def deployers(number: int) -> list[str]:
        return [f"arn:aws:iam::{ACCOUNT}:role/deploy-{n}" for n in range(number)]

    fits = next(n for n in itertools.count() if policy_too_large(deployers(n + 1), {}))

    assert "the upload bucket would have 20" in policy_too_large(deployers(fits + 1), {})
    assert_aws_takes_the_policies(storage({}, deployers(fits)))


def assert_aws_takes_the_policies(built: Built) -> None:
    for policy in built.all("s3/bucketPolicy:BucketPolicy"):
        assert len(policy.inputs["policy"]) <= MAX_BUCKET_POLICY_BYTES
    # https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html
    assert len(built.one("kms/key:Key").inputs["policy"]) <= 32 * 1024
