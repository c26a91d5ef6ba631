"""waiting: what awaits a decision, and which exceptions end soon."""

import json as jsonlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from handlers import moment
from ops import parallel, shown, stack
from ops.evidence import Evidence, Scan


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """``what`` is ``decision`` or ``exception``; ``why`` is the gate's reason, or the people's."""

    scan: str
    what: str
    key: str
    since: str
    until: str
    why: str


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
    soon = moment.iso(datetime.now(UTC) + timedelta(days=days))
    found = [
        each for each in open_waits(environment) if each.what == "decision" or each.until <= soon
    ]
    found.sort(key=lambda each: (each.what, each.until))
    if json:
        shown.as_json([asdict(each) for each in found])
        return
    if found:
        shown.table(
            ("WAITS FOR", "UNTIL", "SCAN", "KEY", "SINCE", "WHY"),
            (
                (
                    "a decision" if each.what == "decision" else "its end",
                    moment.minute(each.until),
                    each.scan,
                    each.key,
                    moment.minute(each.since),
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


def open_waits(environment: stack.Stack) -> Iterator[Waiting]:
    """Yield what is waited for now; tokens of waits that are over lie there for a while."""
    s3, bucket = environment.client("s3"), environment["workBucket"]
    evidence, now = Evidence(environment), moment.iso(datetime.now(UTC))

    def read(key: str) -> tuple[dict[str, Any], Scan] | None:
        asked = jsonlib.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
        return (asked, evidence.scan(asked["scan"])) if asked["until"] > now else None

    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="waiting/")
    keys = (each["Key"] for page in pages for each in page.get("Contents", []))
    for found in parallel.each(read, keys, "requests read:"):
        if found and _still(*found):
            asked, scan = found
            told = (scan.verdict if asked["for"] == "decision" else scan.decision) or {}
            yield Waiting(
                scan=scan.id,
                what=asked["for"],
                key=(scan.opened or {}).get("key", ""),
                since=told.get("decidedAt", asked["askedAt"]),
                until=asked["until"],
                why=told.get("reason", ""),
            )


def _still(asked: dict[str, Any], scan: Scan) -> bool:
    if asked["for"] == "decision":
        return scan.decision is None
    return scan.decision is not None and scan.withdrawal is None
