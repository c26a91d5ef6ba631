"""Runs ``python -m scan`` in this process, with S3 on moto."""

import hashlib
import json
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import jsonschema
import moto
import pytest

from domain.schema import load
from scan.__main__ import main

UPLOADS, ARTIFACTS = "uploads", "artifacts"
ENVIRONMENT = {
    # The scanners are installed beside the Python that runs the tests.
    "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "UPLOAD_BUCKET": UPLOADS,
    "ARTIFACTS_BUCKET": ARTIFACTS,
    "SCANNERS": '["bandit"]',
    "LIMITS": '{"BLOCKER": 0, "HIGH": 0}',
}


def custom(command: str) -> dict[str, str]:
    """The variables of a build with one scanner, which runs ``command``."""
    return {"SCANNERS": '["custom"]', "CUSTOM_COMMAND": command}


@dataclass(frozen=True, kw_only=True)
class Scanned:
    """The results of a scan."""

    code: int
    report: dict[str, Any]
    log: str
    all_findings: dict[str, Any] | None

    @property
    def error(self) -> str | None:
        """The code of the report's error."""
        return self.report["error"] and self.report["error"]["code"]


def scanned(
    body: bytes, app: str = "payments", metadata: str = "{}", **environment: str
) -> Scanned:
    """Upload ``body`` and scan it; report.json and findings.json are checked by their schemas.

    ``metadata`` is JSON.
    """
    with pytest.MonkeyPatch.context() as patch, moto.mock_aws():
        for name in ("LIMITS", "UPLOAD_LIMITS", "CUSTOM_COMMAND", "ALLOW_EXCLUSIONS"):
            patch.delenv(name, raising=False)
        s3 = boto3.client("s3", region_name="eu-central-1")
        version = uploaded(s3, f"{app}/api.zip", body, json.loads(metadata))
        scan = f"{app}/{version}"
        given = {
            **ENVIRONMENT,
            "SCAN": scan,
            "APP": app,
            "UPLOAD_KEY": f"{app}/api.zip",
            "UPLOAD_VERSION": version,
            **environment,
        }
        for name, value in given.items():
            patch.setenv(name, value)
        code = main()
        report = checked(json.loads(_stored(s3, f"scans/{scan}/report.json")))
        for name, sha256 in report["evidence"].items():
            body = _stored(s3, f"scans/{scan}/{name}")
            assert hashlib.sha256(body).hexdigest() == sha256
        listed = s3.list_objects_v2(Bucket=ARTIFACTS)["Contents"]
        assert len(listed) == len(report["evidence"]) + 1
        return Scanned(
            code=code,
            report=report,
            log=_stored(s3, f"scans/{scan}/scanner.log").decode(),
            all_findings=checked(json.loads(_stored(s3, f"scans/{scan}/findings.json")), "findings")
            if "findings.json" in report["evidence"]
            else None,
        )


def uploaded(s3: Any, key: str, body: bytes, metadata: Mapping[str, str] | None = None) -> str:
    """Put the object into a fresh versioned bucket; returns its version."""
    for bucket in (UPLOADS, ARTIFACTS):
        s3.create_bucket(
            Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
        )
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return s3.put_object(Bucket=UPLOADS, Key=key, Body=body, Metadata=metadata or {})["VersionId"]


def checked(document: dict[str, Any], name: str = "report") -> dict[str, Any]:
    """The document, validated against the schema of that name."""
    jsonschema.Draft202012Validator(load(name)).validate(document)
    return document


def has(tool: str) -> bool:
    """Whether a scanner is installed for the tests."""
    return shutil.which(tool, path=ENVIRONMENT["PATH"]) is not None


def _stored(s3: Any, key: str) -> bytes:
    return s3.get_object(Bucket=ARTIFACTS, Key=key)["Body"].read()


def tree(files: Mapping[str, str | bytes], to: Path) -> Path:
    """Write ``files`` below the folder ``to``."""
    for name, content in files.items():
        path = to / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return to
