"""Which version of an app may be deployed, and why a newer one may not.

The tags decide, and can be read one by one only; the evidence must bear out what they say.
"""

import re
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from botocore.exceptions import ClientError

from domain import timestamps
from domain.stored_objects import error_code
from ops import parallel, shown, stack, uploads
from ops.clearance import CLEARED, deployable, standing
from ops.evidence import Evidence, Scan
from ops.problem import RIGHTS, Problem
from ops.uploads import Upload

# Why a version may not be deployed is looked up for so many, the newest; all others are counted.
TOLD = 10
# Of so many versions the tag is read, one request each; who wants an older one says so.
NEWEST = 200
ODD = "its evidence is not as the pipeline writes it"
_SHA256 = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class Looked:
    """One version: whether it may be deployed, and why (not).

    ``sha256`` is that of the zip that was scanned, None where the evidence may not be read.
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
) -> tuple[Looked, list[Looked]]:
    """Return the version to deploy, and the newer ones that may not be.

    Why one may not be is looked up for the newest ``TOLD``; of the others only the tag is known.

    Raises:
        Problem: none of the ``newest``, or not the one that was asked for, may be deployed.
    """
    found = uploads.of_app(environment, app, key)
    if version:
        found = [each for each in found if each.version == version]
        if not found:
            raise Problem(f"{app} has no version {version}", "leave --version away", code=1)
    if not found:
        raise Problem(f"nothing was uploaded for app {app}", "check the name: the key's first part")
    evidence = Evidence(environment)
    newer: list[Looked] = []
    chosen = None
    with closing(_looked(environment, evidence, found[:newest])) as looked:
        for each in looked:
            if each.cleared:
                chosen = each
                break
            newer.append(each)
    newer = _explained(evidence, newer)
    if chosen:
        return chosen, newer
    raise _none(app, newer, len(found))


def _looked(
    environment: stack.Stack, evidence: Evidence, found: Sequence[Upload]
) -> Generator[Looked]:
    """Yield what tag and evidence say of each, in order; many tags are read at the same time."""

    def status(upload: Upload) -> str | None:
        # What was deleted is not deployed, whatever its tag says.
        return None if upload.deleted else uploads.status(environment, upload.key, upload.version)

    with closing(parallel.each(status, found, "versions looked at:")) as statuses:
        for upload, said in zip(found, statuses, strict=True):
            if said in CLEARED:
                yield _by_evidence(environment, evidence, upload, said)
            else:
                yield Looked(upload=upload, cleared=False, status=said, why=_blocked(upload, said))


def _blocked(upload: Upload, status: str | None) -> str:
    """Why a version is not cleared, as far as its tag says."""
    if upload.deleted:
        return "it was deleted"
    return "it is not there any more" if status == uploads.GONE else status or "it has no clearance"


def _by_evidence(
    environment: stack.Stack, evidence: Evidence, upload: Upload, status: str
) -> Looked:
    """Return what the evidence says of a version whose tag clears it.

    Where it may not be read, the tag decides.
    """
    scan = _scan(evidence, upload)
    if scan is None:
        return Looked(upload=upload, cleared=True, status=status, why=status)
    if wrong := _contradiction(scan, environment["uploadBucket"], upload, status):
        return Looked(upload=upload, cleared=False, status=status, why=wrong)
    return Looked(
        upload=upload, cleared=True, status=status, why=scan.story(status), sha256=_sha256(scan)
    )


def _contradiction(scan: Scan, bucket: str, upload: Upload, status: str) -> str:
    """Why ``scan`` does not bear out that ``status`` clears ``upload``; empty where it does."""
    if scan.oddities:
        return f"{ODD}: {scan.oddities}"
    opened = scan.opened or {}
    if opened and (bucket, upload.key, upload.version) != (
        opened["bucket"],
        opened["key"],
        opened["versionId"],
    ):
        return "its evidence is about another upload"
    if not deployable(scan, status):
        follows = "withdrawn" if scan.withdrawal else standing(scan, datetime.now(UTC))[0]
        return f"its tag says {status}, but its evidence: {scan.story(follows)}"
    if not opened or not _sha256(scan):
        return "its evidence does not say what was scanned"
    return ""


def _explained(evidence: Evidence, newer: Sequence[Looked]) -> list[Looked]:
    """Say of the newest why they are not cleared, as far as the evidence may be read."""

    def explain(looked: Looked) -> Looked:
        if looked.upload.deleted or looked.status in (*CLEARED, uploads.GONE):
            return looked
        scan = _scan(evidence, looked.upload)
        if scan is None:
            return looked
        odd = f"; {ODD}: {scan.oddities}" if scan.oddities else ""
        return replace(looked, why=scan.story(looked.status) + odd)

    return [*parallel.each(explain, newer[:TOLD], "reasons looked up:"), *newer[TOLD:]]


def _none(app: str, looked: Sequence[Looked], there_are: int) -> Problem:
    why = [f"  {named(each.upload)}: {each.why}" for each in looked[:TOLD]]
    if len(looked) > TOLD:
        why.append(f"  and {shown.counted(len(looked) - TOLD, 'more version')}")
    none, mend = (
        f"no version of {app}",
        "upload a mended version, or ask the channel for an exception",
    )
    if there_are > len(looked):
        none = f"none of the newest {len(looked):,} versions of {app}"
        mend += f"; to look at all: --newest {there_are}"
    return Problem("\n".join([f"{none} may be deployed:", *why]), mend, code=1)


def _scan(evidence: Evidence, upload: Upload) -> Scan | None:
    """The scan that the clearance follows from; None where its evidence may not be read."""
    try:
        return evidence.last_judged(upload.app, upload.version)
    except ClientError as error:
        if error_code(error) not in RIGHTS:
            raise
        return None


def _sha256(scan: Scan) -> str | None:
    upload = (scan.report or {}).get("upload")
    said = upload.get("sha256") if isinstance(upload, dict) else None
    return said if isinstance(said, str) and _SHA256.fullmatch(said) else None


def named(upload: Upload) -> str:
    """The upload in words: key, version and time."""
    when = timestamps.minute(timestamps.iso(upload.uploaded))
    return f"{upload.key}, version {upload.version} of {when}"
