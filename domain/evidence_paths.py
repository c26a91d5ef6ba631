"""Where documents lie: evidence in the artifacts bucket, task tokens in the state bucket."""

SCANS, WAITING = "scans/", "waiting/"
# Each document names the SHA-256 of those that it follows from, so that a later change shows.
VOUCHED_BY = {
    "scanner.log": "report.json",
    "scan.json": "verdict.json",
    "report.json": "verdict.json",
    "verdict.json": "decision.json",
    "decision.json": "withdrawal.json",
}


def evidence_prefix(scan: str) -> str:
    """Return the prefix of all evidence of ``scan``, a scan's id."""
    return f"{SCANS}{scan}/"


def evidence_key(scan: str, name: str) -> str:
    """Return the key of one document, such as ``report.json``."""
    return evidence_prefix(scan) + name


def scan_and_name(key: str) -> tuple[str, str]:
    """Return the scan's id and the document's name of ``scans/<app>/<version>/<name>``.

    Of a key of another form, which nothing of the pipeline writes, the name is the whole key.
    """
    scan = "/".join(key.removeprefix(SCANS).split("/")[:2])
    return scan, key.removeprefix(evidence_prefix(scan))


def waiting_key(scan: str) -> str:
    """Return the key of the task token with which ``scan`` waits."""
    return f"{WAITING}{scan}.json"


def waiting_scan(key: str) -> str:
    """Return the scan whose task token lies at ``key``."""
    return key.removeprefix(WAITING).removesuffix(".json")
