"""Who uploads in the account on this machine is in evidence, on the cards and in the email."""

import json
from typing import Any

import pytest

from domain.scan_id import app_of, scan_id
from local import s3_notifications
from local.account import DEVELOPERS, LocalAccount
from local.permissions.guard import AccessDenied
from local.resources import Account, create
from tests.scan.uploads import zipped
from tests.support.account import (
    QUICK_FAILING,
    QUICK_PASSING,
    card_of,
    click,
    crash,
    mails_about,
    recorded_uploader,
    scan_quickly,
    text_of,
    version,
)
from tests.support.policy_evaluator import needs_engine

PERSON, MACHINE = "ada@example.com", "build-417"


@pytest.fixture(autouse=True)
def quick(cloud: LocalAccount) -> None:
    scan_quickly(cloud)


@pytest.fixture
def in_time(cloud: LocalAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    """Evaluate no scan before its uploader is recorded: the quick scan can be quicker."""
    real = cloud.functions.invoke

    def invoke(function: Any, payload: str) -> Any:
        if "-check-build-status-" in function.function_name:
            recorded_uploader(cloud, json.loads(payload)["scan"].removesuffix(".2"))
        return real(function, payload)

    monkeypatch.setattr(cloud.functions, "invoke", invoke)


def role_id(cloud: LocalAccount) -> str:
    return cloud.client("iam").get_role(RoleName=DEVELOPERS)["Role"]["RoleId"]


def put(cloud: LocalAccount, signer: str, key: str, body: bytes, **more: Any) -> str:
    """Upload as ``signer``; return the scan's id."""
    stored = cloud.client("s3", signer=signer).put_object(
        Bucket=cloud.outputs["uploadBucket"], Key=key, Body=body, **more
    )
    return scan_id(app_of(key), stored["VersionId"])


def test_a_person_who_assumed_a_role_is_named_everywhere(cloud, in_time):
    key, metadata = "payments/api 1+2.zip", {"uploader": "eve@x.example"}
    scan = put(cloud, f"{DEVELOPERS}@{PERSON}", key, QUICK_FAILING, Metadata=metadata)

    document = recorded_uploader(cloud, scan)
    ada = role_id(cloud)
    assert ada.startswith("AROA")
    opened = cloud.evidence(scan)["scan.json"] if cloud.execution(scan) else {}
    assert document == {
        "version": 1,
        "scan": scan,
        **{name: opened[name] for name in ("bucket", "key", "versionId")},
        "principalId": f"AWS:{ada}:{PERSON}",
        "sourceIp": "127.0.0.1",
        "operation": "ObjectCreated:Put",
        "requestId": document["requestId"],
        "uploadedAt": document["uploadedAt"],
    }
    click(cloud, scan, "Reject")
    cloud.ended(cloud.execution(scan))

    claimed = "claims to be eve@x.example (not verified)"
    for card in (card_of(cloud, scan), card_of(cloud, scan, "rejected")):
        line = card.description.replace("\u200b", "").replace("`", "").split("\n")[1]
        assert line == f"*Uploaded by:* {PERSON} (role {ada}); {claimed}"
    (mail,) = mails_about(cloud, version(scan))
    assert f"{PERSON} (role {ada}); {claimed}" in " ".join(text_of(mail).split())
    named = cloud.evidence(scan)["gate-result.json"]["evidence"]
    assert list(named) == ["scan.json", "uploader.json", "report.json"]


@pytest.mark.parametrize(
    ("signer", "principal"),
    [(MACHINE, "AWS:{role}:build-417"), ("", s3_notifications.OWNER)],
    ids=["a machine", "the root user"],
)
def test_other_principals_are_recorded_as_they_are(cloud, signer, principal):
    scan = put(
        cloud, f"{DEVELOPERS}@{signer}" if signer else "local", "payments/b.zip", QUICK_PASSING
    )

    expected = principal.format(role=role_id(cloud))
    assert recorded_uploader(cloud, scan)["principalId"] == expected


def test_an_upload_in_parts_and_a_copy_count_once_each(cloud):
    s3, bucket = cloud.client("s3", signer=f"{DEVELOPERS}@{PERSON}"), cloud.outputs["uploadBucket"]
    key = "payments/parts.zip"
    upload = s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    part = s3.upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=1, Body=QUICK_PASSING)
    parts = [{"PartNumber": 1, "ETag": part["ETag"]}]
    whole = s3.complete_multipart_upload(
        Bucket=bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": parts}
    )["VersionId"]
    # The role itself may not read what is not cleared.
    copy = cloud.client("s3").copy_object(
        Bucket=bucket, Key="payments/copy.zip", CopySource={"Bucket": bucket, "Key": key}
    )["VersionId"]

    operations = [recorded_uploader(cloud, f"payments/{one}")["operation"] for one in (whole, copy)]
    assert operations == ["ObjectCreated:CompleteMultipartUpload", "ObjectCreated:Copy"]


def test_another_scan_of_a_version_shows_its_uploader(cloud, in_time):
    scan = put(cloud, f"{DEVELOPERS}@{PERSON}", "payments/again.zip", zipped({"app.py": "pass\n"}))
    first = card_of(cloud, scan)  # there is no SARIF in it
    again = next(item for item in first.buttons if item.label == "Scan again")
    cloud.ended(cloud.execution(scan))

    cloud.channel.click(again)

    second = card_of(cloud, f"{scan}.2")
    line = f"*Uploaded by:* `{PERSON} (role {role_id(cloud)})`"
    for card in (first, second):
        assert card.description.replace("\u200b", "").split("\n")[1] == line
    assert "uploader.json" not in cloud.evidence(f"{scan}.2")


def test_a_function_that_fails_keeps_no_scan_from_its_result(cloud, replaced):
    replaced(cloud, "uploader", crash)
    scan = put(cloud, f"{DEVELOPERS}@{PERSON}", "payments/lost.zip", QUICK_FAILING)

    card = card_of(cloud, scan)

    assert card.description.split("\n")[1] == "*Uploaded by:* not recorded"
    assert "uploader.json" not in cloud.evidence(scan)


@needs_engine
def test_s3_notifies_no_function_that_does_not_let_it_in(cloud):
    """As AWS refuses it, and therefore only after the permission in the program."""
    (function,) = (
        one["FunctionArn"]
        for one in cloud.client("lambda").list_functions()["Functions"]
        if one["Handler"] == "handlers.uploader.handler"
    )
    inputs = {
        "bucket": "another",
        "eventbridge": True,
        "lambdaFunctions": [{"lambdaFunctionArn": function, "id": "x", "events": []}],
    }
    account = Account(client=cloud.client, stack="local", register=lambda *_: "", guard=cloud.guard)

    with pytest.raises(AccessDenied, match="lambda:InvokeFunction"):
        create(account, "aws:s3/bucketNotification:BucketNotification", "other", inputs)
    cloud.guard.denied.clear()
