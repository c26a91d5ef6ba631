"""Finds the newest version of an app that may be deployed, and why newer ones may not.

The tags decide, one request each; the evidence must agree with them.
"""

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from botocore.exceptions import ClientError

from domain import timestamps
from domain.stored_objects import error_code
from ops import clearance, output, parallel, stack, uploads
from ops.clearance import CLEARED, expected_clearance
from ops.errors import RIGHTS, CommandError
from ops.evidence import Evidence
from ops.scan_documents import Scan
from ops.uploads import Upload

# The newest versions that may not be deployed for which the reasons are read; others are counted.
MAX_EXPLAINED = 10
# How many versions' tags are read by default, with one request each.
NEWEST = 200


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """One version: whether it may be deployed, and why (not).

    ``sha256`` is that of the scanned zip, None if the caller may not read the evidence.
    """

    upload: Upload
    cleared: bool
    status: str | None
    why: str
    sha256: str | None = None


def choose(
    environment: stack.Stack,
    app: str,
    key: str | None = None,
    version: str | None = None,
    newest: int = NEWEST,
) -> tuple[Inspection, list[Inspection]]:
    """Return the version to deploy, and the newer ones that may not be deployed.

    The reasons are read for the newest ``MAX_EXPLAINED`` of these; for the others only the tag.

    Raises:
        CommandError: none of the ``newest`` versions, or not ``version``, may be deployed.
    """
    candidates = uploads.of_app(environment, app, key)
    if version:
        candidates = [upload for upload in candidates if upload.version == version]
        if not candidates:
            raise CommandError(f"{app} has no version {version}", "leave --version away", code=1)
    if not candidates:
        raise CommandError(
            f"nothing was uploaded for app {app}", "check the name: the key's first part"
        )
    evidence = Evidence(environment)
    newer: list[Inspection] = []
    selected = None
    with closing(_inspected(environment, evidence, candidates[:newest])) as inspected:
        for inspection in inspected:
            if inspection.cleared:
                selected = inspection
                break
            newer.append(inspection)
    newer = _explained(evidence, newer)
    if selected:
        return selected, newer
    raise _none(app, newer, len(candidates))


def _inspected(
    environment: stack.Stack, evidence: Evidence, candidates: Sequence[Upload]
) -> Generator[Inspection]:
    """Yield each version's inspection in order; tags are read in parallel."""

    def status(upload: Upload) -> str | None:
        # Deleted versions are not deployed, whatever their tags.
        return None if upload.deleted else uploads.status(environment, upload.key, upload.version)

    with closing(parallel.results(status, candidates, "versions looked at:")) as statuses:
        for upload, tag in zip(candidates, statuses, strict=True):
            if tag in CLEARED:
                yield _by_evidence(environment, evidence, upload, tag)
            else:
                yield Inspection(
                    upload=upload, cleared=False, status=tag, why=_blocked(upload, tag)
                )


def _blocked(upload: Upload, status: str | None) -> str:
    """Why a version is not cleared, by its tag only."""
    if upload.deleted:
        return "it was deleted"
    return "it is not there any more" if status == uploads.GONE else status or "it has no clearance"


def _by_evidence(
    environment: stack.Stack, evidence: Evidence, upload: Upload, status: str
) -> Inspection:
    """Return the inspection of a version whose tag clears it, checked against the evidence.

    If the caller may not read the evidence, the tag alone decides.
    """
    scan = _scan(evidence, upload)
    if scan is None:
        return Inspection(upload=upload, cleared=True, status=status, why=status)
    if wrong := _contradiction(scan, environment["uploadBucket"], upload, status):
        return Inspection(upload=upload, cleared=False, status=status, why=wrong)
    return Inspection(
        upload=upload,
        cleared=True,
        status=status,
        why=scan.explanation(status),
        sha256=scan.scanned_sha256,
    )


def _contradiction(scan: Scan, bucket: str, upload: Upload, status: str) -> str:
    """How ``scan`` contradicts the clearance ``status`` of ``upload``; empty if it does not."""
    if wrong := clearance.invalid(scan, bucket, upload.key, upload.version):
        return wrong
    if not clearance.deployable(scan, status):
        follows = expected_clearance(scan, timestamps.now())[0]
        follows = "withdrawn" if scan.withdrawn else follows
        return clearance.unexplained(scan, status, follows)
    if not scan.opened or not scan.scanned_sha256:
        return clearance.NOT_NAMED
    return ""


def _explained(evidence: Evidence, newer: Sequence[Inspection]) -> list[Inspection]:
    """Add the reasons to the newest ``MAX_EXPLAINED``, if the caller may read the evidence."""

    def explain(inspected: Inspection) -> Inspection:
        if inspected.upload.deleted or inspected.status in (*CLEARED, uploads.GONE):
            return inspected
        scan = _scan(evidence, inspected.upload)
        if scan is None:
            return inspected
        problem = f"; {clearance.INVALID}: {scan.invalid_evidence}" if scan.invalid_evidence else ""
        return replace(inspected, why=scan.explanation(inspected.status) + problem)

    return [
        *parallel.results(explain, newer[:MAX_EXPLAINED], "reasons looked up:"),
        *newer[MAX_EXPLAINED:],
    ]


def _none(app: str, inspected: Sequence[Inspection], there_are: int) -> CommandError:
    why = [
        f"  {named(inspection.upload)}: {inspection.why}"
        for inspection in inspected[:MAX_EXPLAINED]
    ]
    if len(inspected) > MAX_EXPLAINED:
        why.append(f"  and {output.counted(len(inspected) - MAX_EXPLAINED, 'more version')}")
    none, fix = (
        f"no version of {app}",
        "upload a fixed version, or ask the channel for an exception",
    )
    if there_are > len(inspected):
        none = f"none of the newest {len(inspected):,} versions of {app}"
        fix += f"; to look at all: --newest {there_are}"
    return CommandError("\n".join([f"{none} may be deployed:", *why]), fix, code=1)


def _scan(evidence: Evidence, upload: Upload) -> Scan | None:
    """The scan that determines the clearance; None if the caller may not read its evidence."""
    try:
        return evidence.last_evaluated(upload.app, upload.version)
    except ClientError as error:
        if error_code(error) not in RIGHTS:
            raise
        return None


def named(upload: Upload) -> str:
    """The upload as text: key, version and time."""
    when = timestamps.minute(timestamps.iso(upload.uploaded))
    return f"{upload.key}, version {upload.version} of {when}"
