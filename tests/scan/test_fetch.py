"""The exact version is fetched, or the error says why not."""

import hashlib
import io

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.response import StreamingBody
from botocore.stub import Stubber

from domain.origin import Origin
from scan.errors import ScanError
from scan.fetch import Fetched, claimed, download, open_version
from scan.job import Upload

UPLOAD = Upload(bucket="uploads", key="payments/api.zip", version_id="v1")
ASKED = {"Bucket": "uploads", "Key": "payments/api.zip", "VersionId": "v1"}


def fetch(s3, to, most_bytes):
    response = open_version(s3, UPLOAD)
    return download(response, claimed(response), to, most_bytes)


@pytest.fixture
def s3():
    client = boto3.client(
        "s3", "eu-central-1", aws_access_key_id="test", aws_secret_access_key="test"
    )
    with Stubber(client) as stub:
        yield stub


def test_the_zip_is_written_with_its_size_sha256_and_claims(s3, tmp_path):
    body = StreamingBody(io.BytesIO(b"zip"), 3)
    metadata = {"uploader": "ada@example.com" + "x" * 300, "branch": "main"}
    s3.add_response("get_object", {"Body": body, "ContentLength": 3, "Metadata": metadata}, ASKED)

    fetched = fetch(s3.client, tmp_path / "upload.zip", 3)

    assert (tmp_path / "upload.zip").read_bytes() == b"zip"
    assert fetched == Fetched(
        size=3,
        sha256=hashlib.sha256(b"zip").hexdigest(),
        uploader=metadata["uploader"][:254],
        origin=Origin(branch="main"),
    )


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("NoSuchKey", "UploadGone"),
        ("NoSuchVersion", "UploadGone"),
        ("MethodNotAllowed", "UploadGone"),
        ("AccessDenied", "UploadUnreadable"),
    ],
)
def test_an_error_response_of_s3_has_its_own_error_code(s3, tmp_path, code, says):
    s3.add_client_error("get_object", code)

    with pytest.raises(ScanError) as refusal:
        fetch(s3.client, tmp_path / "upload.zip", 3)

    assert refusal.value.code == says


def test_an_error_of_s3_itself_is_not_called_an_error_of_the_upload(s3, tmp_path):
    s3.add_client_error("get_object", "InternalError")

    with pytest.raises(ClientError):
        fetch(s3.client, tmp_path / "upload.zip", 3)


def test_a_zip_that_is_larger_than_what_it_may_unpack_to_is_not_downloaded(s3, tmp_path):
    body = StreamingBody(io.BytesIO(b"zips"), 4)
    s3.add_response("get_object", {"Body": body, "ContentLength": 4}, ASKED)

    with pytest.raises(ScanError, match=r"4 bytes; 3 are allowed"):
        fetch(s3.client, tmp_path / "upload.zip", 3)

    assert list(tmp_path.iterdir()) == []
