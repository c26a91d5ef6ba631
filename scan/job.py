"""What to scan and how, read once from environment variables."""

import json
import math
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scan import trust
from scan.errors import ScanError


@dataclass(frozen=True, kw_only=True)
class Upload:
    """One version of one object in the upload bucket."""

    bucket: str
    key: str
    version_id: str


@dataclass(frozen=True, kw_only=True)
class UploadLimits:
    """The most that an upload may unpack to: entries, bytes, and bytes per byte of the zip."""

    files: int = 20_000
    bytes: int = 1024**3
    ratio: int = 200


@dataclass(frozen=True, kw_only=True)
class CoverageLimits:
    """How many ``unanalysed`` and ``opaque`` files the gate lets pass; None for any number."""

    unanalysed: int | None = 0
    opaque: int | None = None


@dataclass(frozen=True, kw_only=True)
class SonarServer:
    """The SonarQube server; ``organization`` is for SonarQube Cloud."""

    url: str
    token: str = field(repr=False)
    organization: str


@dataclass(frozen=True, kw_only=True)
class Job:
    """One scan; ``limits`` has the most findings per severity, None for no limit.

    ``scanners`` are names of recipes, ``sonarqube``, or ``custom`` for ``custom_command``. They are
    stopped at ``until``, a time of ``time.monotonic``. ``environment`` is the name of the stack,
    empty if unknown; ``private_ca`` a PEM file, or None.
    """

    scan: str
    app: str
    environment: str = ""
    upload: Upload
    artifacts_bucket: str
    scanners: Sequence[str]
    limits: Mapping[str, int | None]
    coverage_limits: CoverageLimits
    upload_limits: UploadLimits
    allow_exclusions: bool
    custom_command: str = ""
    until: float = math.inf
    sonar: SonarServer
    private_ca: Path | None = None


def from_environment(environment: Mapping[str, str] = os.environ) -> Job:
    """Parse the build's environment variables.

    Raises:
        ScanError: a variable is missing or cannot be understood.
    """
    try:
        return Job(
            scan=environment["SCAN"],
            app=environment["APP"],
            environment=environment.get("ENVIRONMENT", ""),
            upload=Upload(
                bucket=environment["UPLOAD_BUCKET"],
                key=environment["UPLOAD_KEY"],
                version_id=environment["UPLOAD_VERSION"],
            ),
            artifacts_bucket=environment["ARTIFACTS_BUCKET"],
            scanners=_names(environment["SCANNERS"]),
            limits=json.loads(environment.get("LIMITS") or "{}"),
            coverage_limits=CoverageLimits(
                **json.loads(environment.get("COVERAGE_LIMITS") or "{}")
            ),
            upload_limits=UploadLimits(**json.loads(environment.get("UPLOAD_LIMITS") or "{}")),
            allow_exclusions=environment.get("ALLOW_EXCLUSIONS") == "true",
            custom_command=environment.get("CUSTOM_COMMAND", ""),
            until=time.monotonic() + float(environment.get("SCAN_SECONDS") or math.inf),
            private_ca=trust.own(environment),
            sonar=SonarServer(
                url=environment.get("SONAR_HOST_URL", "").rstrip("/"),
                # A token that was piped into a command often ends in a line break.
                token=environment.get("SONAR_TOKEN", "").strip(),
                organization=environment.get("SONAR_ORGANIZATION", ""),
            ),
        )
    except (KeyError, ValueError, TypeError) as error:
        raise ScanError(
            "BuildMisconfigured",
            f"The build's environment cannot be understood: {type(error).__name__} {error}.",
            "Run `pulumi up`; it writes the build's environment.",
        ) from error


def _names(text: str) -> Sequence[str]:
    """Raises ValueError unless it is a JSON list of one name or more, without doubles."""
    names = json.loads(text)
    if not isinstance(names, list) or not names or len(set(map(str, names))) < len(names):
        raise ValueError(f"SCANNERS is {text}")
    return [str(name) for name in names]
