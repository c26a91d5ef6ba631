"""The exact version is fetched, or the error says why not."""

import hashlib
import re
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from domain.origin import Origin
from scan.errors import ScanError
from scan.fetch import Fetched, claimed, download, open_version
from scan.job import Upload

UPLOAD = Upload(bucket="uploads", key="payments/api.zip", version_id="v1")
MEGABYTE = 1024 * 1024
LARGE = bytes(range(256)) * 4096 * 20  # 20 MB: three ranges


class S3:
    """A server that has one version, and breaks or refuses the first requests for each range."""

    def __init__(self, body: bytes, error: str = "") -> None:
        self.body, self.error, self.faults, self.refusals = body, error, 0, 0
        self.ranges: Counter[str] = Counter()
        self.lock = threading.Lock()
        s3 = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_HEAD(self) -> None:
                s3.answer(self, 200, s3.body if not s3.error else b"", is_head=True)

            def do_GET(self) -> None:
                s3.answer(self, 200, s3.body)

            def log_message(self, format: str, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.client = boto3.client(
            "s3",
            "eu-central-1",
            endpoint_url=f"http://127.0.0.1:{self.server.server_port}",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"max_attempts": 2}, read_timeout=2, connect_timeout=2),
        )

    def answer(
        self, handler: BaseHTTPRequestHandler, status: int, body: bytes, *, is_head: bool = False
    ) -> None:
        assert "versionId=v1" in handler.path
        wanted = handler.headers.get("Range", "")
        with self.lock:
            self.ranges[wanted] += not is_head
            number = self.ranges[wanted]
        if self.error or (not is_head and number <= self.refusals):
            code = self.error or "SlowDown"
            status = {"AccessDenied": 403, "InternalError": 500, "SlowDown": 503}.get(code, 404)
            body = b"" if is_head else f"<Error><Code>{code}</Code></Error>".encode()
        elif match := re.fullmatch(r"bytes=(\d+)-(\d*)", wanted):
            first, last = int(match[1]), int(match[2] or len(body) - 1)
            status, body = 206, body[first : last + 1]
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        handler.send_header("x-amz-meta-uploader", "ada@example.com" + "x" * 300)
        handler.send_header("x-amz-meta-branch", "main")
        handler.end_headers()
        if is_head:
            return
        if number <= self.faults:
            handler.wfile.write(body[: len(body) // 2])
            handler.close_connection = True
            return
        handler.wfile.write(body)


@pytest.fixture
def serve():
    started: list[S3] = []

    def make(body: bytes, error: str = "") -> S3:
        started.append(S3(body, error))
        return started[-1]

    yield make
    for s3 in started:
        s3.server.shutdown()
        s3.server.server_close()


def fetch(s3, to, most_bytes=1024 * MEGABYTE):
    response = open_version(s3.client, UPLOAD)
    return download(s3.client, UPLOAD, response, claimed(response), to, most_bytes)


@pytest.mark.parametrize("body", [b"", b"zip", LARGE], ids=["empty", "small", "large"])
def test_the_zip_is_written_with_its_size_sha256_and_claims(serve, tmp_path, body):
    fetched = fetch(serve(body), tmp_path / "upload.zip")

    assert (tmp_path / "upload.zip").read_bytes() == body
    assert fetched == Fetched(
        size=len(body),
        sha256=hashlib.sha256(body).hexdigest(),
        uploader=("ada@example.com" + "x" * 300)[:254],
        origin=Origin(branch="main"),
    )


def test_a_large_zip_comes_in_ranges(serve, tmp_path):
    s3 = serve(LARGE)
    fetch(s3, tmp_path / "upload.zip")

    requested = {name for name, number in s3.ranges.items() if number and name}
    assert requested == {"bytes=0-8388607", "bytes=8388608-16777215", "bytes=16777216-"}


@pytest.mark.parametrize("body", [b"zip" * 1000, LARGE], ids=["small", "large"])
def test_a_connection_that_breaks_in_the_middle_is_tried_again(serve, tmp_path, body):
    s3 = serve(body)
    s3.faults = 2

    assert fetch(s3, tmp_path / "upload.zip").sha256 == hashlib.sha256(body).hexdigest()
    assert (tmp_path / "upload.zip").read_bytes() == body


def test_throttled_requests_are_tried_again(serve, tmp_path):
    s3 = serve(LARGE)
    s3.refusals = 1

    assert fetch(s3, tmp_path / "upload.zip").size == len(LARGE)


def test_a_connection_that_always_breaks_is_a_clear_error(serve, tmp_path):
    s3 = serve(b"zip" * 1000)
    s3.faults = 99

    with pytest.raises(
        ScanError, match=r"payments/api\.zip could not be fetched from S3"
    ) as raised:
        fetch(s3, tmp_path / "upload.zip")

    assert (raised.value.code, raised.value.retryable) == ("UploadUnreachable", True)


def test_an_s3_that_does_not_answer_is_a_clear_error(serve, tmp_path):
    s3 = serve(b"zip")
    s3.server.shutdown()
    s3.server.server_close()

    with pytest.raises(ScanError) as raised:
        fetch(s3, tmp_path / "upload.zip")

    assert (raised.value.code, raised.value.retryable) == ("UploadUnreachable", True)


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("NoSuchKey", "UploadGone"),
        ("MethodNotAllowed", "UploadGone"),
        ("AccessDenied", "UploadUnreadable"),
    ],
)
def test_an_error_response_of_s3_has_its_own_error_code(serve, tmp_path, code, says):
    with pytest.raises(ScanError) as refusal:
        fetch(serve(b"zip", error=code), tmp_path / "upload.zip")

    assert refusal.value.code == says


def test_a_version_that_goes_between_both_requests_is_gone(serve, tmp_path):
    s3 = serve(b"zip")
    response = open_version(s3.client, UPLOAD)
    s3.error = "NoSuchVersion"

    with pytest.raises(ScanError) as refusal:
        download(s3.client, UPLOAD, response, claimed(response), tmp_path / "upload.zip", 9)

    assert refusal.value.code == "UploadGone"


def test_an_error_of_s3_itself_is_not_called_an_error_of_the_upload(serve, tmp_path):
    with pytest.raises(ClientError):
        fetch(serve(b"zip", error="InternalError"), tmp_path / "upload.zip")


def test_a_zip_that_is_larger_than_what_it_may_unpack_to_is_not_downloaded(serve, tmp_path):
    s3 = serve(b"zips")
    with pytest.raises(ScanError, match=r"4 bytes; 3 are allowed"):
        fetch(s3, tmp_path / "upload.zip", 3)

    assert list(tmp_path.iterdir()) == []
    assert not any(s3.ranges.values())
