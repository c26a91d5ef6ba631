"""An AWS account in a process of its own, and what the functions need to find there."""

import gzip
import json
import socket
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import boto3

EVENTS = Path(__file__).parent.parent / "tests" / "events"
REGION = "eu-central-1"
# As they are called where the program is recorded.
UPLOADS, ARTIFACTS, WORK = "uploads", "artifacts", "work"
GROUP, STREAM = "/aws/codebuild/scan", "7c1d0f0e-3b7a-4a52-9a0e-2f0c8c6c5b11"
MOST_EVENTS_IN_A_PUT = 10_000
# The recorded events are about this version and this key.
RECORDED = ("3LgVabcQk4Xb9ZfZ.7uK0pQ1rT2mN8sE", "api-1.4.zip", "chatops-slack-dev-uploads-9f8e7d6")


class Account:
    """Writes what a scan has left when a function is called; each time about a new upload."""

    def __init__(self, endpoint: str) -> None:
        self.environment = {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "bench",
            "AWS_SECRET_ACCESS_KEY": "bench",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        session = boto3.Session("bench", "bench", region_name=REGION)
        self.s3, self.logs, sfn, ses = (
            session.client(name, endpoint_url=endpoint)
            for name in ("s3", "logs", "stepfunctions", "sesv2")
        )
        for bucket in (UPLOADS, ARTIFACTS, WORK):
            self.s3.create_bucket(
                Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION}
            )
        self.s3.put_bucket_versioning(Bucket=UPLOADS, VersioningConfiguration={"Status": "Enabled"})
        ses.create_email_identity(EmailIdentity="security@example.com")
        self.logs.create_log_group(logGroupName=GROUP)
        machine = sfn.create_state_machine(
            name="pipeline",
            definition=json.dumps({"StartAt": "Wait", "States": {"Wait": {"Type": "Succeed"}}}),
            roleArn="arn:aws:iam::123456789012:role/pipeline",
        )["stateMachineArn"]
        self.ended_execution = sfn.start_execution(stateMachineArn=machine)["executionArn"]
        sfn.stop_execution(executionArn=self.ended_execution)
        self._number = count(1000)

    def upload(self) -> "Upload":
        """A new key with one version, while nothing else goes on."""
        flood = self.s3.list_objects_v2(Bucket=WORK, Prefix="thread-slots/").get("Contents", [])
        for each in flood:
            self.s3.delete_object(Bucket=WORK, Key=each["Key"])
        return Upload(self, f"{next(self._number)}.zip")

    def build_log(self, lines: int) -> None:
        """Let the build's log have so many lines."""
        if self.logs.describe_log_streams(logGroupName=GROUP)["logStreams"]:
            self.logs.delete_log_stream(logGroupName=GROUP, logStreamName=STREAM)
        self.logs.create_log_stream(logGroupName=GROUP, logStreamName=STREAM)
        start = int(time.time() * 1000) - lines
        events = [
            {"timestamp": start + number, "message": f"INFO  line {number} of the scanner's log"}
            for number in range(lines)
        ]
        for first in range(0, lines, MOST_EVENTS_IN_A_PUT):
            self.logs.put_log_events(
                logGroupName=GROUP,
                logStreamName=STREAM,
                logEvents=events[first : first + MOST_EVENTS_IN_A_PUT],
            )


class Upload:
    """One upload and its evidence; ``names`` are in those of no other upload."""

    def __init__(self, account: Account, file: str) -> None:
        self._account, self.file = account, file
        self.ended_execution = account.ended_execution
        self.names = [file]
        self.again()

    def again(self) -> None:
        """Upload another version."""
        answer = self._account.s3.put_object(
            Bucket=UPLOADS, Key=f"payments/{self.file}", Body=b"zip"
        )
        self.version = answer["VersionId"]
        self.names.append(self.version)

    @property
    def scan(self) -> str:
        """The id of its scan."""
        return f"payments/{self.version}"

    def recorded(self, name: str) -> Any:
        """The recorded event or piece of evidence, about this upload."""
        text = (EVENTS / f"{name}.json").read_text()
        for old, new in zip(RECORDED, (self.version, self.file, UPLOADS), strict=True):
            text = text.replace(old, new)
        return json.loads(text)

    def leave(self, name: str, document: Any) -> None:
        """Let its evidence have ``<name>.json``."""
        self._put(ARTIFACTS, f"scans/{self.scan}/{name}.json", document)

    def wait(self) -> None:
        """Let it wait for a decision."""
        waiting = {
            "token": "token",
            "scan": self.scan,
            "kind": "decision",
            "sha256": "d" * 64,
            "requestedAt": "2026-11-24T10:00:00Z",
            "expiresAt": "2999-01-01T00:00:00Z",
        }
        self._put(WORK, f"waiting/{self.scan}.json", waiting)

    def _put(self, bucket: str, key: str, document: Any) -> None:
        self._account.s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(document))


def audited(scan: str) -> dict[str, Any]:
    """What CloudWatch hands to the function that reads the chat service's log: one press."""
    payload = json.dumps({"scan": scan, "approve": ["Hotfix for the outage", "14"]})
    command = f"lambda invoke --function-name approval --region {REGION} --payload {payload}"
    told = {
        "messageType": "DATA_MESSAGE",
        "logEvents": [
            {
                "id": "38420",
                "timestamp": 1_795_514_525_000,
                "message": json.dumps(
                    {"userId": "U0ADA0000", "userName": "Ada", "command": command}
                ),
            }
        ],
    }
    return {"awslogs": {"data": b64encode(gzip.compress(json.dumps(told).encode())).decode()}}


@contextmanager
def running() -> Iterator[Account]:
    """An account while it is needed."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        end = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                if time.monotonic() > end or server.poll() is not None:
                    raise
                time.sleep(0.1)
        yield Account(f"http://127.0.0.1:{port}")
    finally:
        server.terminate()
        server.wait()
