"""audit: who approved what, why, and until when."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass, fields
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from domain import origin, report, timestamps
from domain.evidence_paths import SCANS
from domain.sanitize import line
from ops import output, parallel, stack
from ops.errors import CommandError
from ops.evidence import Evidence, Files, checked_app
from ops.scan_documents import Scan

DAY = ["%Y-%m-%d"]
# First characters by which a spreadsheet recognises a formula.
FORMULA = ("=", "+", "-", "@")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One scan; fields are empty for what did not happen.

    ``uploadedBy`` is as S3 recorded it, ``uploaderClaim`` as the upload says itself, as are its
    repository, commit, branch, pull request, author and build.

    ``approvers`` is how many people approved. ``restsOn`` is the scan on whose exception the
    approval rests: that one's people, extensions and withdrawal are named. ``expires`` is with the
    extensions. ``warning`` says that who uploaded decided.

    Three count files that were not analysed: see ``coverage`` in the report's schema.
    """

    scan: str
    app: str
    key: str
    version: str
    uploaded: str
    uploadedBy: str
    uploaderClaim: str
    result: str
    decision: str
    reason: str
    decided: str
    decidedBy: str
    approvers: int | None
    restsOn: str
    expires: str
    extensions: int | None
    extendedBy: str
    warning: str
    withdrawn: str
    withdrawnBy: str
    withdrawnReason: str
    unanalysed: int | None
    opaque: int | None
    otherLanguage: int | None
    repository: str
    commit: str
    branch: str
    pullRequest: str
    author: str
    buildUrl: str

    @property
    def notAnalysed(self) -> str:
        """For example ``2 unanalysed, 1 opaque``."""
        named = {
            "unanalysed": self.unanalysed,
            "opaque": self.opaque,
            "other language": self.otherLanguage,
        }
        return ", ".join(f"{number:,} {kind}" for kind, number in named.items() if number)

    @property
    def approval(self) -> str:
        """For example ``under payments/3Lg8, extended``."""
        rests = f"under {self.restsOn}" if self.restsOn else ""
        extended = "extended" if self.extensions else ""
        return ", ".join(filter(None, (rests, extended, self.warning)))

    @property
    def origin(self) -> str:
        """For example ``1a2b3c4 main``."""
        return f"{self.commit[:7]} {self.branch}".strip()


UNREADABLE = "the evidence is not as the pipeline writes it, verify it"
TITLES = [field.name for field in fields(Row)]
COVERAGE = ("unanalysed", "opaque", "otherLanguage")
COUNTS = ("approvers", "extensions", *COVERAGE)
WARNING = "⚠ decided by who uploaded it"
# The columns that fit on a terminal.
SHOWN = (
    "scan", "key", "uploadedBy", "origin", "result", "decision", "reason", "decided", "decidedBy",
    "approval", "expires", "withdrawn", "notAnalysed",
)  # fmt: skip


def audit(
    since: Annotated[
        datetime | None, typer.Option("--from", formats=DAY, help="First day, UTC.")
    ] = None,
    to: Annotated[datetime | None, typer.Option(formats=DAY, help="Last day, UTC.")] = None,
    app: Annotated[str | None, typer.Option(help="Only this app.")] = None,
    into: Annotated[
        Path | None, typer.Option("--csv", help="Write all columns to this file instead.")
    ] = None,
    json: output.JsonOption = False,
    stack_name: stack.StackOption = None,
    outputs: stack.OutputsOption = None,
) -> None:
    """List who approved what, why, and until when: one row for each scan.

    A scan is listed when it was uploaded, evaluated, decided, extended or withdrawn in those days.

    Example:
    chatops audit --from 2026-01-01 --to 2026-03-31 --csv q1.csv --stack prod
    """
    prefix = f"{SCANS}{checked_app(app)}/" if app else SCANS
    days = since.date() if since else date.min, to.date() if to else date.max
    environment = stack.load(stack_name, outputs)
    scans = rows(environment, prefix, *days)
    if into:
        number = _write(into, scans)
        output.say(f"✔ {output.counted(number, 'scan')} in {into}", "green")
        return
    listed = sorted(scans, key=lambda scan: scan.uploaded)
    if json:
        output.as_json([dict(zip(TITLES, astuple(item), strict=True)) for item in listed])
        return
    output.table(SHOWN, ([getattr(item, name) for name in SHOWN] for item in listed))
    output.say(output.counted(len(listed), "scan"))


def rows(environment: stack.Stack, prefix: str, first: date, last: date) -> Iterator[Row]:
    """Yield the scans under ``prefix`` that have an event from ``first`` to ``last``."""
    evidence = Evidence(environment)

    def read(listed: tuple[str, Files]) -> Scan:
        return evidence.documents(*listed)

    for scan in parallel.results(read, evidence.scans(prefix), "scans read:"):
        if scan.invalid_evidence:
            # It was changed; the audit still lists it, and all others.
            empty: dict[str, Any] = {**dict.fromkeys(TITLES, ""), **dict.fromkeys(COUNTS)}
            yield Row(
                **{**empty, "scan": scan.id, "reason": f"{UNREADABLE}: {scan.invalid_evidence}"}
            )
        elif any(first <= day <= last for day in _days(scan)):
            yield row(scan, environment.people)


def row(scan: Scan, people: Mapping[str, str]) -> Row:
    """The valid documents of a scan as a row; ``people`` is the setting."""

    def field_of(document: Mapping[str, Any] | None, name: str) -> str:
        return str((document or {}).get(name) or "")

    parsed_report = report.parse(scan.report, scan.id)
    claimed = parsed_report.origin if parsed_report else origin.UNKNOWN
    return Row(
        scan=scan.id,
        app=scan.id.split("/")[0],
        key=field_of(scan.opened, "key"),
        version=field_of(scan.opened, "versionId"),
        uploaded=field_of(scan.opened, "uploadedAt"),
        uploadedBy=str(scan.uploader),
        uploaderClaim=scan.uploader.claim,
        result=field_of(scan.gate_result, "status"),
        decision=field_of(scan.decision, "decision"),
        reason=field_of(scan.decision, "reason"),
        decided=field_of(scan.decision, "decidedAt"),
        decidedBy=scan.decided_by,
        approvers=scan.approver_count,
        restsOn=scan.rests_on,
        expires=scan.expires,
        extensions=len(scan.extended) if scan.expires else None,
        extendedBy=scan.extended_by,
        warning=WARNING if scan.is_self_approved(people) else "",
        withdrawn=field_of(scan.withdrawn, "withdrawnAt"),
        withdrawnBy=scan.withdrawn_by,
        withdrawnReason=field_of(scan.withdrawn, "reason"),
        **_coverage_counts(parsed_report),
        repository=claimed.repository,
        commit=claimed.commit,
        branch=claimed.branch,
        pullRequest=claimed.pull_request,
        author=claimed.author,
        buildUrl=claimed.build_url,
    )


def _coverage_counts(parsed_report: report.Report | None) -> dict[str, int | None]:
    """The counts of the report; None for each if there is no valid report with a coverage."""
    counts = parsed_report.coverage.counts if parsed_report and parsed_report.coverage else {}
    return {name: counts.get(name) for name in COVERAGE}


def _days(scan: Scan) -> Iterator[date]:
    times = [
        ("uploadedAt", scan.opened),
        ("evaluatedAt", scan.gate_result),
        ("decidedAt", scan.decision),
        *(("extendedAt", extension) for extension in scan.extended),
        ("withdrawnAt", scan.withdrawn),
    ]
    for name, document in times:
        if document:
            yield timestamps.parse(document[name]).date()


def _write(into: Path, scans: Iterator[Row]) -> int:
    number = 0
    try:
        # With a byte order mark, by which spreadsheets recognise UTF-8.
        with into.open("w", newline="", encoding="utf-8-sig") as file:
            lines = csv.writer(file)
            lines.writerow(TITLES)
            for scan in scans:
                lines.writerow(map(_harmless, astuple(scan)))
                number += 1
    except OSError as error:
        raise CommandError(
            f"{into} cannot be written: {error}", "give another file: --csv"
        ) from error
    return number


def _harmless(value: object) -> str:
    text = line(value, 1000)
    return f"'{text}" if text.startswith(FORMULA) else text
