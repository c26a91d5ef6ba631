"""What is printed of an upload: its scan, its version, and where to look."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from rich.text import Text

from domain.partition import console
from domain.scan_id import app_of, scan_id
from ops import output, stack


@dataclass(frozen=True, kw_only=True)
class Uploaded:
    """One version in the upload bucket."""

    key: str
    version: str
    sha256: str
    size: int
    metadata: dict[str, str]

    @property
    def scan(self) -> str:
        """The id of its scan."""
        return scan_id(app_of(self.key), self.version)


def document(environment: stack.Stack, uploaded: Uploaded) -> dict[str, Any]:
    """What ``--json`` prints of an upload."""
    return {
        "scan": uploaded.scan,
        "app": app_of(uploaded.key),
        "key": uploaded.key,
        "version": uploaded.version,
        "sha256": uploaded.sha256,
        "size": uploaded.size,
        "metadata": uploaded.metadata,
        "links": _links(environment, uploaded.scan),
    }


def show(environment: stack.Stack, uploaded: Uploaded) -> None:
    """Print it for people."""
    output.say(f"✔ uploaded {uploaded.key} ({uploaded.size:,} bytes)", "green")
    facts = {
        "scan": uploaded.scan,
        "key": uploaded.key,
        "version": uploaded.version,
        "sha256": uploaded.sha256,
        **_links(environment, uploaded.scan),
    }
    for name, value in facts.items():
        output.out().print(Text.assemble((f"{name:<11}", "bold"), value))


def _links(environment: stack.Stack, scan: str) -> dict[str, str]:
    """Pages in the AWS console, as far as the environment names what they are about."""
    links: dict[str, str] = {}
    region, bucket = environment.region, environment.outputs.get("artifactsBucket")
    if region and bucket:
        prefix = quote(f"scans/{scan}/")
        links["evidence"] = (
            f"{console(region)}/s3/buckets/{quote(str(bucket))}?region={region}&prefix={prefix}"
        )
    if executions := environment.outputs.get("executionsUrl"):
        links["executions"] = str(executions)
    return links
