"""S3 keys of documents: evidence in the artifacts bucket, task tokens in the state bucket."""

import re
from collections.abc import Iterable

SCANS, WAITING, APPS, RESTING = "scans/", "waiting/", "apps/", "resting/"
# Documents of a scan, by the names of their schemas; scanner.log has none.
DOCUMENTS = {
    f"{name}.json": name
    for name in ("scan", "uploader", "findings", "report", "gate-result", "decision", "withdrawal")
}
# Several documents of a scan, each with the same schema; those of NUMBERED are 1.json, 2.json, ...
FOLDERS = {"actions": "action", "extensions": "extension", "approvals": "approval"}
NUMBERED = re.compile(r"(?:extensions|approvals)/([1-9][0-9]{0,3})\.json")
# Each document has the SHA-256 of those that it is based on, so that later changes are detected.
HASHED_BY = {
    "scanner.log": "report.json",
    "findings.json": "report.json",
    "scan.json": "gate-result.json",
    "uploader.json": "gate-result.json",
    "report.json": "gate-result.json",
    "gate-result.json": "decision.json",
    "decision.json": "withdrawal.json",
}
# Written whenever S3 says so: it may come after the document that would name its SHA-256.
MAY_COME_LATE = {"uploader.json"}


def schema_of(name: str) -> str | None:
    """Return the name of a document's schema in ``schemas/``, None if it has none.

    ``name`` is that of a scan's document, such as ``scan.json`` and ``actions/1.json``, or the key
    of an object in the state bucket.
    """
    folder, slash, file = name.partition("/")
    if not slash:
        known = DOCUMENTS.get(name)
    elif folder == "thread-slots":
        known = "thread-digest" if file.endswith("/digest.json") else "thread-slot"
    else:
        known = {**FOLDERS, "waiting": "waiting", "apps": "app-record"}.get(folder)
    return known


def numbered(folder: str, names: Iterable[str]) -> list[str]:
    """Return the documents of a folder such as ``extensions`` among ``names``, in their order."""
    matches = (NUMBERED.fullmatch(name) for name in names if name.startswith(f"{folder}/"))
    return [match[0] for match in sorted(filter(None, matches), key=lambda match: int(match[1]))]


def evidence_prefix(scan: str) -> str:
    """Return the prefix of all evidence of ``scan``, a scan's id."""
    return f"{SCANS}{scan}/"


def evidence_key(scan: str, name: str) -> str:
    """Return the key of one document, such as ``report.json``."""
    return evidence_prefix(scan) + name


def scan_and_name(key: str) -> tuple[str, str]:
    """Return the scan's id and the document's name of ``scans/<app>/<version>/<name>``.

    For any other key, which the pipeline never writes, the name is the whole key.
    """
    scan = "/".join(key.removeprefix(SCANS).split("/")[:2])
    return scan, key.removeprefix(evidence_prefix(scan))


def waiting_key(scan: str) -> str:
    """Return the key of the task token of ``scan``."""
    return f"{WAITING}{scan}.json"


def waiting_scan(key: str) -> str:
    """Return the scan whose task token is stored under ``key``."""
    return key.removeprefix(WAITING).removesuffix(".json")


def app_record_key(app: str) -> str:
    """Return the key of the record of ``app`` in the state bucket."""
    return f"{APPS}{app}.json"


def resting_prefix(root: str) -> str:
    """Return the prefix of the marks of scans whose approval rests on that of ``root``."""
    return f"{RESTING}{root}/"


def resting_key(root: str, scan: str) -> str:
    """Return the key of the mark that the approval of ``scan`` rests on that of ``root``."""
    return f"{resting_prefix(root)}{scan.partition('/')[2]}.json"
