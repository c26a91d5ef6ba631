"""status: lists the last versions of an app that were scanned."""

from dataclasses import asdict, dataclass
from functools import partial
from typing import Annotated

import typer

from domain import origin, timestamps
from domain.evidence_paths import SCANS
from domain.json_values import as_dict
from domain.scan_id import ATTEMPT
from ops import output, parallel, stack, uploads
from ops.aws_clock import AwsClock
from ops.errors import CommandError
from ops.evidence import Evidence, Files, checked_app
from ops.snapshot import Reader, Snapshot

NEWEST = 10
# The statuses that do not say themselves what they mean.
WORDS = {
    "failed": "waits for a decision",
    "error": "scan failed to run",
    uploads.GONE: "deleted",
    "contradictory": "contradicts its evidence",
}


@dataclass(frozen=True, kw_only=True)
class Version:
    """One version by its last scan; texts are empty for what is not known or has not happened.

    ``status`` is the clearance, else ``scanning``, ``gone`` or ``contradictory``; ``why`` explains
    it. ``commit`` and ``author`` are as the upload says itself. ``restsOn`` is the scan whose
    exception it is approved under.
    """

    scan: str
    key: str
    version: str
    uploaded: str
    uploadedBy: str
    commit: str
    author: str
    status: str
    why: str
    decidedBy: str
    restsOn: str
    expires: str


def status(
    app: Annotated[str, typer.Argument(metavar="APP", help="App, the first part of the key.")],
    newest: Annotated[int, typer.Option(min=1, help="So many versions, the newest.")] = NEWEST,
    json: output.JsonOption = False,
    stack_name: stack.StackOption = None,
    outputs: stack.OutputsOption = None,
) -> None:
    """List the last versions of APP, who uploaded and decided, and how long approvals are valid.

    A version is listed once its scan has begun. Exit code 2: there is none.

    Example: chatops status payments --newest 3 --stack dev
    """
    environment = stack.load(stack_name, outputs)
    scans = _last_scans(Evidence(environment), checked_app(app))
    if not scans:
        raise CommandError(
            f"no version of app {app} was scanned", "check the name: the key's first part"
        )
    clock = AwsClock(environment.client("s3"))
    read = partial(_version, environment, clock)
    versions = [*parallel.results(read, scans[:newest], "versions read:")]
    if json:
        output.as_json([asdict(version) for version in versions])
        return
    output.table(
        ("KEY", "SCAN", "UPLOADED", "BY", "CLAIMED COMMIT", "STATUS", "DECIDED BY", "VALID UNTIL"),
        (
            (
                version.key,
                version.scan,
                _minute(version.uploaded),
                version.uploadedBy,
                f"{version.commit[:12]} {version.author}".strip(),
                WORDS.get(version.status, version.status.replace("-", " ")),
                " for ".join(filter(None, (version.decidedBy, version.restsOn))),
                _minute(version.expires),
            )
            for version in versions
        ),
    )
    if len(scans) > newest:
        older = output.counted(len(scans) - newest, "older version")
        output.say(f"and {older}: --newest {len(scans)}", "dim")


def _last_scans(evidence: Evidence, app: str) -> list[str]:
    """The first scan of each version, the version that was uploaded last first."""
    scans = dict(evidence.scans(f"{SCANS}{app}/"))

    def is_first(scan: str) -> bool:
        version, dot, number = scan.rpartition(".")
        return version not in scans or not ATTEMPT.fullmatch(dot + number)

    def begun(scan: str) -> float:
        files: Files = scans[scan]
        return files.get("scan.json", min(files.values())).timestamp()

    return sorted(filter(is_first, scans), key=begun, reverse=True)


def _version(environment: stack.Stack, clock: AwsClock, scan: str) -> Version:
    snapshot = Reader(environment, scan, clock=clock).read()
    last, opened = snapshot.scan, snapshot.opened
    claimed = origin.of_document(as_dict((last.report or {}).get("upload")).get("origin"))
    word, why = _status(snapshot)
    return Version(
        scan=last.id,
        key=opened.get("key", ""),
        version=opened.get("versionId", ""),
        uploaded=opened.get("uploadedAt", ""),
        uploadedBy=str(last.uploader) if last.recorded else last.uploader.claim,
        commit=claimed.commit,
        author=claimed.author,
        status=word,
        why=why,
        decidedBy=last.withdrawn_by if word == "withdrawn" else last.decided_by,
        restsOn=last.rests_on,
        expires=last.expires if word in ("approved", "approval-expired") else "",
    )


def _status(snapshot: Snapshot) -> tuple[str, str]:
    """The version's status and why."""
    if snapshot.contradiction:
        return "contradictory", snapshot.contradiction
    if snapshot.tag == uploads.GONE:
        return uploads.GONE, "the version was deleted"
    return snapshot.clearance or "scanning", snapshot.scan.explanation(snapshot.clearance)


def _minute(timestamp: str) -> str:
    return timestamps.minute(timestamp) if timestamp else ""
