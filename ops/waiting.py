"""waiting: what awaits a decision, and which exceptions end soon."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Annotated

import typer

from domain import timestamps
from domain.evidence_paths import WAITING, waiting_scan
from ops import parallel, shown, stack
from ops.clearance import standing
from ops.documents import LONGEST, Odd, parse
from ops.evidence import Evidence, body


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """``what`` is ``decision`` or ``exception``; ``why`` is the gate's reason, or the people's."""

    scan: str
    what: str
    key: str
    since: str
    expires: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Unreadable:
    """Something under ``waiting/``, or its evidence, is not as the pipeline writes it."""

    what: str


def waiting(
    days: Annotated[int, typer.Option(min=0, help="Exceptions that end within so many days.")] = 7,
    json: shown.JsonOption = False,
    stack_name: stack.StackOption = None,
    outputs: stack.OutputsOption = None,
) -> None:
    """List what awaits a decision and until when, and the exceptions that end soon.

    Example: python -m ops waiting --days 14 --stack prod
    """
    environment = stack.load(stack_name, outputs)
    soon = timestamps.iso(timestamps.now() + timedelta(days=days))
    found: list[Waiting] = []
    for each in open_waits(environment):
        if isinstance(each, Unreadable):
            shown.say(f"unreadable: {each.what}", "yellow")
        elif each.what == "decision" or each.expires <= soon:
            found.append(each)
    found.sort(key=lambda each: (each.what, each.expires))
    if json:
        shown.as_json([asdict(each) for each in found])
        return
    if found:
        shown.table(
            ("WAITS FOR", "UNTIL", "SCAN", "KEY", "SINCE", "WHY"),
            (
                (
                    "a decision" if each.what == "decision" else "its end",
                    timestamps.minute(each.expires),
                    each.scan,
                    each.key,
                    timestamps.minute(each.since),
                    each.why,
                )
                for each in found
            ),
        )
    asked = sum(each.what == "decision" for each in found)
    shown.say(
        f"{shown.counted(asked, 'scan')} waiting for a decision, "
        f"{shown.counted(len(found) - asked, 'exception')} ending within "
        f"{shown.counted(days, 'day')}"
    )


def open_waits(environment: stack.Stack) -> Iterator[Waiting | Unreadable]:
    """Yield what is waited for now; tokens of waits that are over lie there for a while."""
    s3, bucket = environment.client("s3"), environment["stateBucket"]
    evidence, now = Evidence(environment), timestamps.now()

    def read(key: str) -> Waiting | Unreadable | None:
        try:
            return _read(key, body(s3, bucket, key, LONGEST), evidence, now)
        except Odd as what:
            return Unreadable(what=f"{key} {what}")

    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=WAITING)
    keys = (each["Key"] for page in pages for each in page.get("Contents", []))
    return filter(None, parallel.each(read, keys, "requests read:"))


def _read(key: str, token: bytes | None, evidence: Evidence, now: datetime) -> Waiting | None:
    """Return what waits under ``key``, None where that is over.

    Raises:
        Odd: token or evidence are not as the pipeline writes them.
    """
    if token is None:
        return None  # taken away since it was listed
    asked = parse(WAITING, token, waiting_scan(key))
    if asked["expiresAt"] <= timestamps.iso(now):
        return None
    scan = evidence.scan(asked["scan"])
    if scan.oddities:
        raise Odd(f"waits for a scan whose evidence is odd: {scan.oddities}")
    if not scan.opened:
        raise Odd("waits for a scan without scan.json")
    awaits_decision = asked["kind"] == "decision"
    said = scan.gate_result if awaits_decision else scan.decision
    follows, _ = standing(scan, now)
    if not said or follows != ("failed" if awaits_decision else "approved"):
        return None
    return Waiting(
        scan=scan.id,
        what=asked["kind"],
        key=scan.opened["key"],
        since=said.get("decidedAt", asked["requestedAt"]),
        expires=asked["expiresAt"],
        why=said["reason"],
    )
