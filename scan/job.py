"""What to scan and how, read once from environment variables."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from scan import trust
from scan.errors import ScanError

# The default of the setting, for a scan that is started by hand. Without these options Bandit
# skips what the code tells it to (`# nosec` comments), and folders with certain names.
SARIF_COMMAND = (
    "bandit --quiet --recursive {source} --ignore-nosec --exclude ''"
    " --format sarif --output {sarif}"
)


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

    ``environment`` is the name of the stack, empty if unknown; ``private_ca`` a PEM file, or None.
    """

    scan: str
    app: str
    environment: str = ""
    upload: Upload
    artifacts_bucket: str
    engine: str
    limits: Mapping[str, int | None]
    coverage_limits: CoverageLimits
    upload_limits: UploadLimits
    allow_exclusions: bool
    sarif_command: str
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
            engine=environment["ENGINE"],
            limits=json.loads(environment.get("LIMITS") or "{}"),
            coverage_limits=CoverageLimits(
                **json.loads(environment.get("COVERAGE_LIMITS") or "{}")
            ),
            upload_limits=UploadLimits(**json.loads(environment.get("UPLOAD_LIMITS") or "{}")),
            allow_exclusions=environment.get("ALLOW_EXCLUSIONS") == "true",
            sarif_command=environment.get("SARIF_COMMAND") or SARIF_COMMAND,
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
