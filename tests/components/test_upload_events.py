"""Each upload starts a scan, and S3 says who uploaded; both by one configuration of the bucket."""

import pytest

from components.storage import Storage, StorageArgs
from components.upload_events import UploadEvents, UploadEventsArgs
from tests.support.recording import ACCOUNT, CONTEXT, Built, build

FUNCTION = "arn:aws:lambda:::gate-uploader"


@pytest.fixture(scope="module")
def built() -> Built:
    def make() -> None:
        storage = Storage("gate", StorageArgs(context=CONTEXT))
        UploadEvents("gate", UploadEventsArgs(context=CONTEXT, storage=storage))

    return build(make)


def test_the_upload_bucket_has_one_configuration_with_both_kinds_of_events(built: Built):
    """A second one would replace the first, and either scans or uploaders would be missing."""
    (notification,) = [
        one
        for one in built.all("s3/bucketNotification:BucketNotification")
        if one.inputs["bucket"] == "gate-uploads"
    ]

    assert notification.inputs == {
        "bucket": "gate-uploads",
        "eventbridge": True,
        "lambdaFunctions": [
            {
                "id": "uploader",
                "lambdaFunctionArn": FUNCTION,
                "events": ["s3:ObjectCreated:*"],
                "filterSuffix": ".zip",
            }
        ],
    }


def test_the_whole_program_has_one_configuration_for_each_bucket(everything: Built):
    configured = [
        one.inputs["bucket"] for one in everything.all("s3/bucketNotification:BucketNotification")
    ]

    assert sorted(configured) == ["gate-artifacts", "gate-uploads"]


def test_only_the_upload_bucket_of_this_account_calls_the_function(built: Built):
    assert built.one("lambda/permission:Permission").inputs == {
        "action": "lambda:InvokeFunction",
        "function": "gate-uploader",
        "principal": "s3.amazonaws.com",
        "sourceArn": "arn:aws:s3:::gate-uploads",
        "sourceAccount": ACCOUNT,
    }


def test_s3_is_told_of_the_function_once_it_may_call_it(built: Built):
    notification = built.one("s3/bucketNotification:BucketNotification", "gate-uploads")
    permission = built.one("lambda/permission:Permission")

    assert permission.urn in notification.depends_on


def test_the_function_may_write_and_compare_one_document_of_evidence(built: Built):
    rights = built.rights("gate-uploader")

    document = "arn:aws:s3:::gate-artifacts/scans/*/uploader.json"
    s3 = {(action, on) for action, on in rights if action.startswith("s3:")}
    assert s3 == {
        ("s3:GetObject", document),
        ("s3:PutObject", document),
    }
    services = {action.partition(":")[0] for action, _ in rights}
    assert services == {"s3", "kms", "logs", "xray"}
    assert built.variables("gate-uploader") == {"ARTIFACTS_BUCKET": "gate-artifacts"}
