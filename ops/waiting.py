"""waiting: open requests, and approvals that expire soon."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated

import typer

from domain import timestamps
from domain.evidence_paths import WAITING, waiting_scan
from ops import output, parallel, stack
from ops.clearance import expected_clearance
from ops.documents import LONGEST, InvalidDocument, parse
from ops.evidence import Evidence, body


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """``what`` is ``decision`` or ``exception``; ``why`` is that of gate result or decision.

    ``restsOn`` is the scan whose exception this version is approved under, ``covers`` how many
    versions are approved under this one's.
    """

    scan: str
    what: str
    key: str
    since: str
    expires: str
    why: str
    restsOn: str = ""
    covers: int = 0


@dataclass(frozen=True, kw_only=True)
class Unreadable:
    """A document under ``waiting/``, or its evidence, that is not as the pipeline writes it."""

    what: str


def waiting(
    days: Annotated[
        int, typer.Option(min=0, help="Exceptions that expire within so many days.")
    ] = 7,
    json: output.JsonOption = False,
    stack_name: stack.StackOption = None,
    outputs: stack.OutputsOption = None,
) -> None:
    """List what awaits a decision and until when, and the exceptions that expire soon.

    Example: chatops waiting --days 14 --stack prod
    """
    environment = stack.load(stack_name, outputs)
    soon = timestamps.iso(timestamps.now() + timedelta(days=days))
    waits: list[Waiting] = []
    for open_wait in open_waits(environment):
        if isinstance(open_wait, Unreadable):
            output.say(f"unreadable: {open_wait.what}", "yellow")
        else:
            waits.append(open_wait)
    covered = Counter(item.restsOn for item in waits)
    # What rests on an exception ends with it, so people only decide about the exception.
    listed = [
        replace(item, covers=covered[item.scan])
        for item in waits
        if item.what == "decision" or (item.expires <= soon and not item.restsOn)
    ]
    listed.sort(key=lambda item: (item.what, item.expires))
    if json:
        output.as_json([asdict(item) for item in listed])
        return
    if listed:
        output.table(
            ("WAITS FOR", "UNTIL", "SCAN", "KEY", "SINCE", "WHY"),
            (
                (
                    "a decision" if item.what == "decision" else "its expiry",
                    timestamps.minute(item.expires),
                    item.scan,
                    item.key,
                    timestamps.minute(item.since),
                    _why(item),
                )
                for item in listed
            ),
        )
    requests = sum(item.what == "decision" for item in listed)
    output.say(
        f"{output.counted(requests, 'scan')} waiting for a decision, "
        f"{output.counted(len(listed) - requests, 'exception')} expiring within "
        f"{output.counted(days, 'day')}"
    )


def _why(item: Waiting) -> str:
    later = f" ({output.counted(item.covers, 'later version')} under it)" if item.covers else ""
    return item.why + later


def open_waits(environment: stack.Stack) -> Iterator[Waiting | Unreadable]:
    """Yield what executions wait for now, without requests of finished waits, which may remain."""
    s3, bucket = environment.client("s3"), environment["stateBucket"]
    evidence, now = Evidence(environment), timestamps.now()

    def read(key: str) -> Waiting | Unreadable | None:
        try:
            return _read(key, body(s3, bucket, key, LONGEST), evidence, now)
        except InvalidDocument as what:
            return Unreadable(what=f"{key} {what}")

    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=WAITING)
    keys = (item["Key"] for page in pages for item in page.get("Contents", []))
    return filter(None, parallel.results(read, keys, "requests read:"))


def _read(key: str, token: bytes | None, evidence: Evidence, now: datetime) -> Waiting | None:
    """Return what the token under ``key`` waits for, None if that wait is over.

    Raises:
        InvalidDocument: the request or the evidence is not as the pipeline writes it.
    """
    if token is None:
        return None  # deleted since it was listed
    request = parse(WAITING, token, waiting_scan(key))
    if request["expiresAt"] <= timestamps.iso(now):
        return None
    scan = evidence.scan(request["scan"])
    if scan.invalid_evidence:
        raise InvalidDocument(
            f"waits for a scan whose evidence is invalid: {scan.invalid_evidence}"
        )
    if not scan.opened:
        raise InvalidDocument("waits for a scan without scan.json")
    awaits_decision = request["kind"] == "decision"
    document = scan.gate_result if awaits_decision else scan.decision
    follows, _ = expected_clearance(scan, now)
    if not document or follows != ("failed" if awaits_decision else "approved"):
        return None
    return Waiting(
        scan=scan.id,
        what=request["kind"],
        key=scan.opened["key"],
        since=document.get("decidedAt", request["requestedAt"]),
        expires=request["expiresAt"] if awaits_decision else scan.expires,
        why=document["reason"] + ("; one person approved" if scan.approvals else ""),
        restsOn=scan.rests_on,
    )
