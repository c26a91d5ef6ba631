"""What the evidence says of a scan, read from the artifacts bucket."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from botocore.exceptions import ClientError

from handlers import moment, pressed
from handlers.scan_id import APP, SCAN_ID
from ops.problem import Problem, error_code
from ops.stack import Stack

VERBS = {"approved": "approve", "rejected": "reject"}


def checked_app(app: str) -> str:
    """Return ``app``; raise ``Problem`` where it cannot be an app's name."""
    if not APP.fullmatch(app):
        raise Problem(
            f"{app!r} is no app's name", "it is the first part of the key: payments/api.zip"
        )
    return app


def checked_scan(scan: str) -> str:
    """Return ``scan``; raise ``Problem`` where it cannot be a scan's id."""
    if not SCAN_ID.fullmatch(scan):
        raise Problem(
            f"{scan!r} is no scan's id", "it is APP/VERSION-ID, as the card and the email show it"
        )
    return scan


@dataclass(frozen=True, kw_only=True)
class Scan:
    """The documents of one scan, each None where there is none; ``presses`` is pressed/*."""

    id: str
    opened: Mapping[str, Any] | None
    report: Mapping[str, Any] | None
    verdict: Mapping[str, Any] | None
    decision: Mapping[str, Any] | None
    withdrawal: Mapping[str, Any] | None
    presses: list[Any] = field(default_factory=list)

    def all(self, folder: str) -> list[Any]:
        """The records in ``folder``, as ``pressed.by`` asks for them."""
        return self.presses if folder == "pressed" else []

    @property
    def decided_by(self) -> str:
        """Who approved or rejected, as far as is known; empty where no person decided."""
        decision = self.decision or {}
        verb = VERBS.get(decision.get("verdict", ""))
        return self._by(verb, decision["reason"], decision["decidedAt"]) if verb else ""

    @property
    def withdrawn_by(self) -> str:
        """Who took the approval back, as far as is known; empty where nobody did."""
        back = self.withdrawal
        return self._by("withdraw", back["reason"], back["withdrawnAt"]) if back else ""

    def _by(self, verb: str, reason: str, at: str) -> str:
        return " or ".join(map(str, pressed.by(self, verb, reason, at))) or "the channel"

    def story(self, status: str | None) -> str:
        """Return in one line why the version's tag says ``status``."""
        decision, back = self.decision, self.withdrawal
        if status == "withdrawn" and back:
            when = moment.minute(back["withdrawnAt"])
            return f"withdrawn by {self.withdrawn_by} on {when}, because: {back['reason']}"
        if status in VERBS and decision and decision["verdict"] == status:
            told = (
                f"{status} by {self.decided_by} on {moment.minute(decision['decidedAt'])}, "
                f"because: {decision['reason']}"
            )
            return (
                f"{told} (until {moment.minute(decision['until'])})" if decision["until"] else told
            )
        if status == "expired" and decision and decision["verdict"] == "approved":
            return f"its exception ended on {moment.minute(decision['until'])}"
        if status == "expired":
            return "it failed its quality gate, and nobody decided in time"
        if status == "superseded" and decision:
            return f"superseded: {decision['reason']}"
        if status in ("failed", "error") and self.verdict:
            doing = "; it waits for a decision" if status == "failed" else ""
            return f"{status}: {self.verdict['reason']}{doing}"
        if status is None:
            return "it is being scanned" if self.opened else "its scan has not begun"
        return str(status)


class Evidence:
    """All evidence of an environment."""

    def __init__(self, stack: Stack) -> None:
        self._s3, self._bucket = stack.client("s3"), stack["artifactsBucket"]

    def scans(self, prefix: str = "scans/") -> Iterator[tuple[str, list[str]]]:
        """Yield each scan under ``prefix`` with the names of its files."""
        pages = self._s3.get_paginator("list_objects_v2")
        listed = pages.paginate(Bucket=self._bucket, Prefix=prefix)
        keys = (each["Key"].split("/", 3) for page in listed for each in page.get("Contents", []))
        whole = (parts for parts in keys if len(parts) == 4)
        for scan, files in groupby(whole, key=lambda parts: f"{parts[1]}/{parts[2]}"):
            yield scan, [parts[3] for parts in files]

    def scan(self, scan: str) -> Scan:
        """Return what there is of ``scan``."""
        _, names = next(self.scans(f"scans/{scan}/"), (scan, []))
        return self.documents(scan, names)

    def documents(self, scan: str, names: Sequence[str]) -> Scan:
        """Return what those of its files say that are named."""

        def read(name: str) -> dict[str, Any] | None:
            return self.read(scan, name) if name in names else None

        return Scan(
            id=scan,
            opened=read("scan.json"),
            report=read("report.json"),
            verdict=read("verdict.json"),
            decision=read("decision.json"),
            withdrawal=read("withdrawal.json"),
            presses=[
                press for name in names if name.startswith("pressed/") and (press := read(name))
            ],
        )

    def attempts(self, app: str, version: str) -> dict[int, str]:
        """Return the scans of an uploaded version by number: what was scanned again has several."""
        prefix = f"scans/{app}/{version}"
        found = self._s3.list_objects_v2(Bucket=self._bucket, Prefix=prefix, Delimiter="/")
        return {
            int(match[1] or 1): each["Prefix"].removeprefix("scans/").removesuffix("/")
            for each in found.get("CommonPrefixes", [])
            if (match := re.fullmatch(r"(?:\.([0-9]+))?/", each["Prefix"].removeprefix(prefix)))
        }

    def newest_attempt(self, app: str, version: str) -> Scan:
        """Return the last scan of an uploaded version."""
        attempts = self.attempts(app, version)
        return self.scan(attempts[max(attempts)] if attempts else f"{app}/{version}")

    def read(self, scan: str, name: str) -> dict[str, Any] | None:
        """Return the JSON object ``name``, None where there is none (or it is something else)."""
        try:
            key = f"scans/{scan}/{name}"
            body = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except ClientError as error:
            if error_code(error) == "NoSuchKey":
                return None
            raise
        try:
            found = json.loads(body)
        except (ValueError, RecursionError):
            return None
        return found if isinstance(found, dict) else None
