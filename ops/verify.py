"""verify: detects changes to the evidence, or the clearance, of scans."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Annotated, Any

import typer
from botocore.exceptions import ClientError

from domain import timestamps
from domain.evidence_paths import SCANS, evidence_prefix, scan_and_name
from domain.scan_id import scan_id
from domain.stored_objects import error_code
from ops import evidence_chain, output, parallel, resting, stack, uploads
from ops.clearance import expected_tag
from ops.errors import CommandError
from ops.evidence import Evidence, checked_app, checked_scan
from ops.evidence_chain import Stored
from ops.invocation import CHATOPS
from ops.scan_documents import Scan


@dataclass(kw_only=True)
class Listed:
    """The objects of one scan by name: ``newest`` is (key, version id), the others are counts."""

    scan: str
    newest: dict[str, tuple[str, str]] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    markers: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Verified:
    """``findings`` are ``(file or tag, what is wrong)``."""

    scan: str
    files: int
    clearance: str | None
    findings: list[tuple[str, str]]


def verify(
    scan: Annotated[
        str | None, typer.Argument(metavar="[SCAN]", help="One scan's id, APP/VERSION-ID.")
    ] = None,
    app: Annotated[str | None, typer.Option(help="All scans of this app.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All scans there are.")] = False,
    json: output.JsonOption = False,
    stack_name: stack.StackOption = None,
    outputs: stack.OutputsOption = None,
) -> None:
    """Check that evidence is whole and unchanged, and that clearance follows from it.

    Exit code 1: something is wrong, and the table says what.

    Example: chatops verify payments/3Lg8 --stack prod
    """
    if sum(map(bool, (scan, app, everything))) != 1:
        raise CommandError("which scans?", "one of: SCAN, --app APP, --all")
    prefix = SCANS
    if scan:
        prefix += f"{checked_scan(scan)}/"
    elif app:
        prefix += f"{checked_app(app)}/"
    environment = stack.load(stack_name, outputs)
    checks = list(verified(environment, prefix))
    if not checks:
        fix = f"look for the id: {CHATOPS} audit {environment.option}"
        raise CommandError(f"there is no evidence under {prefix}", fix, code=1)
    findings = [(check.scan, *finding) for check in checks for finding in check.findings]
    files = sum(check.files for check in checks)
    inspected = f"{output.counted(len(checks), 'scan')}, {output.counted(files, 'file')}"
    if json:
        named = [{"scan": s, "file": file, "finding": what} for s, file, what in findings]
        output.as_json({"scans": len(checks), "files": files, "findings": named})
    elif findings:
        output.table(("SCAN", "WHAT", "IS WRONG"), findings)
    if findings:
        output.say(f"✘ {output.counted(len(findings), 'finding')} in {inspected}", "red")
        raise typer.Exit(1)
    output.say(f"✔ {inspected}: all as the pipeline wrote it", "green")


def verified(environment: stack.Stack, prefix: str) -> Iterator[Verified]:
    """Check each scan under ``prefix`` of the artifacts bucket."""

    def check(listed: Listed) -> Verified:
        files = _read(environment, listed)
        scan = evidence_chain.documents(listed.scan, files)
        verified_scan = _judge(environment, scan, files, _tag(environment, scan))
        if not verified_scan.findings:
            return verified_scan
        # The scan may have continued meanwhile, so read again: the tag first, since it is set after
        # the evidence is written.
        tag = _tag(environment, scan)
        files = _read(environment, next(listings(environment, evidence_prefix(scan.id)), listed))
        return _judge(environment, evidence_chain.documents(scan.id, files), files, tag)

    return parallel.results(check, listings(environment, prefix), "scans verified:")


def listings(environment: stack.Stack, prefix: str) -> Iterator[Listed]:
    """Yield the objects under ``prefix`` of the artifacts bucket, scan by scan."""
    pages = environment.client("s3").get_paginator("list_object_versions")
    pages_listed = pages.paginate(Bucket=environment["artifactsBucket"], Prefix=prefix)
    for scan, entries in groupby(
        _entries(pages_listed), key=lambda entry: scan_and_name(entry["Key"])[0]
    ):
        listed = Listed(scan=scan)
        for entry in entries:
            name = scan_and_name(entry["Key"])[1]
            if "Size" in entry:
                listed.newest.setdefault(name, (entry["Key"], entry["VersionId"]))
            kind = listed.versions if "Size" in entry else listed.markers
            kind[name] = kind.get(name, 0) + 1
        yield listed


def _entries(pages: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """All versions and delete markers, sorted by key; for each key the newest version first."""
    for page in pages:
        both = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        yield from sorted(both, key=lambda check: check["Key"])


def _read(environment: stack.Stack, listed: Listed) -> dict[str, Stored]:
    return {
        name: Stored(
            body=_body(environment, listed, name),
            versions=listed.versions.get(name, 0),
            markers=listed.markers.get(name, 0),
        )
        for name in sorted({*listed.versions, *listed.markers})
    }


def _judge(
    environment: stack.Stack, scan: Scan, files: dict[str, Stored], clearance: str | None
) -> Verified:
    findings = list(evidence_chain.findings(scan.id, files))
    if scan.rests_on:
        root = next(listings(environment, evidence_prefix(scan.rests_on)), Listed(scan=""))
        root_files = _read(environment, root)
        scan = replace(scan, root=evidence_chain.documents(scan.rests_on, root_files))
        findings += resting.findings(scan, files, root_files)
    if scan.opened and (wrong := _not_its_upload(environment, scan, scan.opened)):
        findings.append(("scan.json", wrong))
    elif scan.opened and not scan.invalid_evidence:
        findings += _clearance(environment, scan, scan.opened, clearance)
    return Verified(scan=scan.id, files=len(files), clearance=clearance, findings=findings)


def _not_its_upload(environment: stack.Stack, scan: Scan, opened: Mapping[str, Any]) -> str:
    """What is wrong with the upload that scan.json names; empty if it is this scan's upload."""
    if scan.id != scan_id(opened["app"], opened["versionId"], opened.get("attempt") or 1):
        return "names an upload that is not this scan's"
    if opened["bucket"] != environment["uploadBucket"]:
        return f"names another bucket: {opened['bucket']}"
    return ""


def _clearance(
    environment: stack.Stack, scan: Scan, opened: Mapping[str, Any], tag: str | None
) -> Iterator[tuple[str, str]]:
    """Yield an error if the tag does not follow from the evidence of the last evaluated attempt."""
    evidence = Evidence(environment)
    attempts = evidence.attempts(opened["app"], opened["versionId"])
    expected = expected_tag(evidence, scan, attempts, timestamps.now())
    if expected is None or tag == uploads.GONE:
        return
    follows, allowed = expected
    if tag not in allowed:
        yield (
            "tag scan-status",
            f"says {tag or 'nothing'}, but from the evidence follows {follows or 'nothing'}",
        )


def _tag(environment: stack.Stack, scan: Scan) -> str | None:
    """The clearance of the upload, None if the evidence does not name a valid upload."""
    opened = scan.opened
    if not opened or _not_its_upload(environment, scan, opened):
        return None
    return uploads.status(environment, opened["key"], opened["versionId"])


def _body(environment: stack.Stack, listed: Listed, name: str) -> bytes | None:
    if name not in listed.newest:
        return None
    key, version = listed.newest[name]
    try:
        response = environment.client("s3").get_object(
            Bucket=environment["artifactsBucket"], Key=key, VersionId=version
        )
    except ClientError as error:
        if error_code(error) in uploads.NOT_THERE:
            return None  # deleted since it was listed
        raise
    return response["Body"].read()
