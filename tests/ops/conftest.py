"""An environment on moto, whose evidence the tests write themselves."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import moto
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from typer.testing import CliRunner, Result

from domain import timestamps
from domain.findings import SEVERITIES
from ops.cli import app

REGION = "eu-central-1"
PAST, LATER, FUTURE = "2026-01-01T10:00:00Z", "2026-01-01T11:00:00Z", "2999-01-01T00:00:00Z"


def encoded(document: Any) -> bytes:
    return document if isinstance(document, bytes) else json.dumps(document).encode()


def digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def coverage(**counts: int) -> dict[str, Any]:
    """The coverage of a report: one analysed file, and these numbers of other classes."""
    classes = dict.fromkeys(("analysed", "unanalysed", "opaque", "otherLanguage", "noCode"), 0)
    return {
        "counts": {**classes, "analysed": 1, **counts},
        "lines": None,
        "reported": True,
        "otherLanguages": {},
        "files": [],
    }


def gate(status: str, unanalysed: int = 0, most: int = 0) -> dict[str, Any]:
    """A gate on findings, and on unanalysed files with the limit ``most``."""

    def condition(metric: str, threshold: int, actual: int) -> dict[str, Any]:
        return {
            "metric": metric,
            "comparator": ">",
            "threshold": str(threshold),
            "actual": str(actual),
            "status": "error" if actual > threshold else "ok",
        }

    findings = 1 if status == "failed" and unanalysed <= most else 0
    return {
        "status": status,
        "judge": "limits",
        "conditions": [
            condition("HIGH", 0, findings),
            condition("unanalysed_files", most, unanalysed),
        ],
    }


def reported(status: str, sha256: str) -> dict[str, Any]:
    """The report of a scan that ended with ``status``, without its head."""
    evaluated = status in ("passed", "failed")
    return {
        "upload": {"sha256": sha256},
        "engine": {"name": "Bandit", "version": "1.9.4"},
        "coverage": coverage() if evaluated else None,
        "gate": gate(status) if evaluated else None,
        "counts": {},
        "findings": [],
        "ignored": [],
        "links": {"dashboard": None},
        "error": None if evaluated else {"code": "X", "message": "no zip", "remediation": "zip it"},
    }


def uploaded(scan: str, key: str, version: str, principal: str, at: str = PAST) -> dict[str, Any]:
    """uploader.json of a version."""
    return {
        "version": 1,
        "scan": scan,
        "bucket": "uploads",
        "key": key,
        "versionId": version,
        "principalId": principal,
        "sourceIp": "192.0.2.1",
        "operation": "ObjectCreated:Put",
        "requestId": "D82B88E5F771F645",
        "uploadedAt": at,
    }


def finding(rule: str) -> dict[str, Any]:
    """A finding whose fingerprint follows from its rule."""
    return {
        "rule": rule,
        "severity": "HIGH",
        "message": f"{rule} is broken",
        "file": "app.py",
        "line": 7,
        "link": None,
        "fingerprint": digest(rule.encode())[:32],
    }


def counts(rules: Sequence[str]) -> dict[str, int]:
    return {**dict.fromkeys(SEVERITIES, 0), "HIGH": len(rules)}


@dataclass
class Environment:
    """``run`` runs a command; ``upload`` and ``scan`` write what the pipeline would write."""

    folder: Path

    def __post_init__(self) -> None:
        self.s3 = boto3.client("s3", region_name=REGION)
        self.sqs = boto3.client("sqs", region_name=REGION)
        for bucket in ("uploads", "artifacts", "work"):
            place: Any = {"LocationConstraint": REGION}
            self.s3.create_bucket(Bucket=bucket, CreateBucketConfiguration=place)
            self.s3.put_bucket_versioning(
                Bucket=bucket, VersioningConfiguration={"Status": "Enabled"}
            )
        self.queue = self.sqs.create_queue(QueueName="dead-letters")["QueueUrl"]
        self.machine = f"arn:aws:states:{REGION}:123456789012:stateMachine:pipeline"
        self.outputs = self.folder / "outputs.json"
        self.outputs.write_text(
            json.dumps(
                {
                    "uploadBucket": "uploads",
                    "artifactsBucket": "artifacts",
                    "stateBucket": "work",
                    "stateMachine": self.machine,
                    "approvalFunction": "approval",
                    "rescanFunction": "rescan",
                    "deadLetterQueue": self.queue,
                }
            )
        )

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(app, [*words, "--outputs", str(self.outputs)])

    def upload(self, key: str = "payments/api.zip", body: bytes = b"zip", status: str = "") -> str:
        """Return the version id."""
        version = self.s3.put_object(Bucket="uploads", Key=key, Body=body)["VersionId"]
        if status:
            self.tag(key, version, status)
        return version

    def tag(self, key: str, version: str, status: str) -> None:
        self.s3.put_object_tagging(
            Bucket="uploads",
            Key=key,
            VersionId=version,
            Tagging={"TagSet": [{"Key": "scan-status", "Value": status}]},
        )

    def put(self, scan: str, name: str, document: Any) -> bytes:
        body = encoded(document)
        self.s3.put_object(Bucket="artifacts", Key=f"scans/{scan}/{name}", Body=body)
        return body

    def evidence(self, scan: str, name: str) -> Any:
        """The parsed document ``name`` of ``scan``."""
        stored = self.s3.get_object(Bucket="artifacts", Key=f"scans/{scan}/{name}")
        return json.loads(stored["Body"].read())

    def scan(
        self,
        version: str,
        status: str = "failed",
        decision: dict[str, Any] | None = None,
        withdrawal: dict[str, Any] | None = None,
        key: str = "payments/api.zip",
        sha256: str = digest(b"zip"),
        attempt: int = 1,
        evaluated_at: str = PAST,
        principal: str = "",
        rules: Sequence[str] = (),
        extensions: Sequence[dict[str, Any]] = (),
        rests_on: str = "",
        since: str = "",
        **report_parts: Any,
    ) -> str:
        """Write the whole chain of evidence of one scan; return its id.

        ``principal`` uploaded, nobody that is recorded by default; ``report_parts`` replace the
        defaults in its report. ``rules`` are those of its findings, all HIGH and in one file. It is
        compared with the scan ``since``, and approved under the exception of ``rests_on``.
        """
        name = key.split("/", maxsplit=1)[0].removesuffix(".zip")
        scan = f"{name}/{version}" + (f".{attempt}" if attempt > 1 else "")

        def put(file: str, vouches_for: dict[str, bytes] | None = None, **document: Any) -> bytes:
            document = {"version": 1, "scan": scan, **document}
            if vouches_for is not None:
                document["evidence"] = {item: digest(body) for item, body in vouches_for.items()}
            return self.put(scan, file, document)

        opened = put(
            "scan.json",
            app=name,
            bucket="uploads",
            key=key,
            versionId=version,
            attempt=attempt,
            etag="5d41402abc4b2a76b9719d911017c592",
            size=3,
            uploadedAt=PAST,
            requester="123456789012",
            execution=f"{self.machine.replace('stateMachine', 'execution')}:1",
        )
        log = self.put(scan, "scanner.log", b"scanned")
        before_report = {"scanner.log": log}
        if status in ("passed", "failed"):
            before_report["findings.json"] = put(
                "findings.json",
                app=name,
                findings=[finding(rule) for rule in rules],
                counts=counts(rules),
                omitted=0,
                contents={},
                unseen=[],
                unseenOmitted=0,
            )
        report = put(
            "report.json",
            before_report,
            **{
                **reported(status, sha256),
                "counts": counts(rules),
                "findings": [finding(rule) for rule in rules],
                **report_parts,
            },
        )
        evaluated = {"scan.json": opened, "report.json": report}
        if principal:
            evaluated["uploader.json"] = self.put(
                scan, "uploader.json", uploaded(scan, key, version, principal)
            )
        card = {"metadata": {"additionalContext": {"Scan": scan}}}
        before = put(
            "gate-result.json",
            evaluated,
            status=status,
            reason="The quality gate failed: HIGH",
            retryable=True,
            evaluatedAt=evaluated_at,
            card=None if status == "passed" or rests_on else card,
            **({"since": since} if since else {}),
            **({"restsOn": rests_on} if rests_on else {}),
        )
        if rests_on:
            root = self.evidence(rests_on, "decision.json")
            decision = {
                "decision": "approved",
                "reason": root["reason"],
                "expiresAt": root["expiresAt"],
                "restsOn": {"scan": rests_on, "decision.json": digest(encoded(root))},
                **(decision or {}),
            }
        if decision:
            before = put(
                "decision.json",
                {"gate-result.json": before},
                **{"decidedAt": LATER, "expiresAt": None, "reason": "known", **decision},
            )
        for number, extension in enumerate(extensions, 1):
            extended = {"reason": "not yet", "extendedAt": LATER, "expiresAt": FUTURE, **extension}
            put(f"extensions/{number}.json", {"decision.json": before}, **extended)
        if withdrawal:
            taken_back = {"withdrawnAt": LATER, "reason": "exploited", **withdrawal}
            put("withdrawal.json", {"decision.json": before}, **taken_back)
        return scan

    def cleared(self, key: str = "payments/api.zip", body: bytes = b"zip") -> str:
        """Upload a version that passed; return its id."""
        version = self.upload(key, body, "passed")
        self.scan(version, "passed", key=key, sha256=digest(body))
        return version

    def click(
        self,
        scan: str,
        verb: str,
        reason: str,
        at: str = LATER,
        name: str = "Ada",
        user: str = "U0ADA0000",
    ) -> None:
        click = {"version": 1, "scan": scan, "user": user, "userName": name}
        self.put(
            scan,
            f"actions/{verb}-{user}.json",
            {**click, "action": verb, "reason": reason, "clickedAt": at},
        )


@pytest.fixture(scope="session")
def clients() -> Callable[..., BaseClient]:
    """boto3's clients, each created once: creating one takes longer than most tests."""
    return cache(boto3.client)


@pytest.fixture
def environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clients: Callable[..., BaseClient]
) -> Iterator[Environment]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "CHATOPS_OUTPUTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(boto3, "client", clients)
    # A new session would read the services' descriptions again, which takes a second.
    with moto.mock_aws(config={"core": {"reset_boto3_session": False}}):
        yield Environment(tmp_path)


Answer = Callable[[str, dict[str, Any]], Any]


@pytest.fixture
def asked_first(monkeypatch: pytest.MonkeyPatch) -> Callable[[Answer], None]:
    """Let a function answer each call ``(operation, parameters)``; None lets the call through."""

    def ask_first(answer: Answer) -> None:
        real = BaseClient._make_api_call

        def call(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
            response = answer(operation, parameters)
            return real(client, operation, parameters) if response is None else response

        monkeypatch.setattr(BaseClient, "_make_api_call", call)

    return ask_first


@pytest.fixture
def denied(asked_first: Callable[[Answer], None]) -> Callable[[str], None]:
    """Make a bucket refuse every request, as for a caller without permissions."""

    def deny(bucket: str) -> None:
        def refuse(operation: str, parameters: dict[str, Any]) -> None:
            if parameters.get("Bucket") == bucket:
                error: Any = {"Error": {"Code": "AccessDenied", "Message": "Access Denied"}}
                raise ClientError(error, operation)

        asked_first(refuse)

    return deny


@pytest.fixture
def now() -> str:
    return timestamps.iso(datetime.now(UTC))


@pytest.fixture
def soon() -> str:
    """In three days."""
    return timestamps.iso(datetime.now(UTC) + timedelta(days=3))


@pytest.fixture
def small_pages(asked_first: Callable[[Answer], None]) -> Callable[[int], None]:
    """Make S3 list this number of objects per page."""

    def list_by(number: int) -> None:
        def ask_for_few(operation: str, parameters: dict[str, Any]) -> None:
            if operation.startswith("ListObject"):
                parameters.setdefault("MaxKeys", number)

        asked_first(ask_for_few)

    return list_by


@pytest.fixture
def run(cloud: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run a command on the local account ``cloud`` of a module, with nothing but its outputs."""
    file = tmp_path / "outputs.json"
    file.write_text(json.dumps(cloud.outputs))
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # which has credentials of other tests
    monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "local")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "local")
    monkeypatch.setenv("CHATOPS_OUTPUTS", str(file))
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(app, words)
