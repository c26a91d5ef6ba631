"""Prints and writes the report of a scan: gate, findings, unanalysed files, links."""

from typing import Any

from domain import report
from domain.coverage import Coverage, files
from domain.evidence_paths import evidence_prefix
from domain.findings import Finding
from domain.report import Report
from ops import formats, output, stack
from ops.comparison import Comparison
from ops.evidence import Evidence
from ops.formats import Format, ResultOptions, ScanResult
from ops.scan_documents import Scan

MOST_FINDINGS, MOST_FILES = 20, 10
COLUMNS = ("SEVERITY", "WHERE", "RULE", "MESSAGE")


def show(environment: stack.Stack, scan: Scan, changes: Comparison | None) -> None:
    """Print the report on stdout, with the findings by ``changes``; nothing without a valid one."""
    parsed = report.parse(scan.report, scan.id)
    if not parsed:
        return
    if parsed.error:
        output.table(("THE SCAN FAILED TO RUN", ""), _error(parsed))
    else:
        _show_gate(parsed)
        _show_findings(parsed, changes)
    if parsed.coverage:
        _show_unanalysed(parsed.coverage, changes)
    _show_links(environment, scan, parsed.dashboard)


def document(scan: Scan, changes: Comparison | None) -> dict[str, Any]:
    """What the evidence says, for ``--json``; a report that is not valid is left out."""
    opened, decision, back = scan.opened or {}, scan.decision, scan.withdrawn
    evaluated = scan.report if report.parse(scan.report, scan.id) else None
    names = ("engine", "gate", "counts", "findings", "coverage", "links", "error")
    return {
        "key": opened.get("key"),
        "version": opened.get("versionId"),
        "attempt": opened.get("attempt"),
        "uploadedAt": opened.get("uploadedAt"),
        "decision": decision
        and {
            "decision": decision["decision"],
            "reason": decision["reason"],
            "decidedAt": decision["decidedAt"],
            "decidedBy": scan.decided_by,
            "restsOn": scan.rests_on or None,
            "expiresAt": scan.expires or None,
            "extensions": [
                {name: extension[name] for name in ("reason", "extendedAt", "expiresAt")}
                for extension in scan.extended
            ],
            "extendedBy": scan.extended_by,
        },
        "withdrawal": back
        and {
            "reason": back["reason"],
            "withdrawnAt": back["withdrawnAt"],
            "withdrawnBy": scan.withdrawn_by,
        },
        "changes": changes and changes.document,
        "report": evaluated and {name: evaluated.get(name) for name in names},
    }


def write(
    environment: stack.Stack,
    options: ResultOptions,
    scan: Scan,
    changes: Comparison | None,
    *,
    status: str,
    sentence: str,
) -> None:
    """Write the report to the files of ``options``, with all findings.

    Raises:
        CommandError: a file cannot be written.
    """
    to_files = options.sarif or options.junit or options.format is Format.github
    result = ScanResult(
        scan=scan.id,
        status=status,
        sentence=sentence,
        report=scan.report,
        findings=Evidence(environment).findings(scan) if to_files else None,
        changes=changes and changes.changes,
        baseline=changes.since if changes else "",
    )
    formats.write(options, result)


def _error(parsed: Report) -> list[tuple[str, str]]:
    assert parsed.error
    return [("why", parsed.error.message), ("what to do", parsed.error.remediation)]


def _show_gate(parsed: Report) -> None:
    result = "passed" if parsed.passed else "failed"
    output.heading(f"Quality gate {result} ({parsed.engine})", "green" if parsed.passed else "red")
    if failed := parsed.failed_conditions:
        output.table(
            ("CONDITION", "ACTUAL", "EXPECTED"),
            (
                (condition.name, condition.actual_text, condition.expected_text)
                for condition in failed
            ),
        )
    if failed_scanners := parsed.failed_scanners:
        output.table(("SCANNER THAT FAILED TO RUN", "WHY"), failed_scanners)


def _show_findings(parsed: Report, changes: Comparison | None) -> None:
    if changes:
        _show_changes(parsed, changes)
        return
    listed = parsed.findings[:MOST_FINDINGS]
    if not listed:
        return
    output.heading("")
    output.heading(f"Findings: {parsed.counted}")
    output.table(COLUMNS, (_cells(item) for item in listed))
    if (left := sum(parsed.counts.values()) - len(listed)) > 0:
        output.heading(f"and {left:,} more", "dim")


def _show_changes(parsed: Report, changes: Comparison) -> None:
    output.heading("")
    if parsed.counted:
        output.heading(f"Findings: {parsed.counted}")
    output.heading(changes.summary)
    if changes.exception:
        output.heading(changes.exception, "")
    marked = [*changes.marked]
    if listed := marked[:MOST_FINDINGS]:
        output.table(("", *COLUMNS), ((mark, *_cells(item)) for mark, item in listed))
    if (left := len(marked) - len(listed)) > 0:
        output.heading(f"and {left:,} more", "dim")


def _cells(finding: Finding) -> tuple[str, str, str, str]:
    return finding.severity, finding.location, finding.rule_by, finding.message


def _show_unanalysed(coverage: Coverage, changes: Comparison | None) -> None:
    number = coverage.counts["unanalysed"]
    output.heading("")
    output.heading(coverage.analysed)
    if not number:
        return
    listed = coverage.named("unanalysed")[:MOST_FILES]
    new = {item.file for item in changes.changes.new_files} if changes else set[str]()
    output.table(
        ("NOT ANALYSED", "WHY"),
        ((item.file, item.reason + (" (new)" if item.file in new else "")) for item in listed),
    )
    if (left := coverage.left_out("unanalysed", MOST_FILES)) > 0:
        output.heading(f"and {files(left, 'more file')}", "dim")


def _show_links(environment: stack.Stack, scan: Scan, dashboard: str | None) -> None:
    evidence = f"s3://{environment['artifactsBucket']}/{evidence_prefix(scan.id)}"
    links = {"Evidence": evidence, **({"Dashboard": dashboard} if dashboard else {})}
    output.heading("")
    for name, link in links.items():
        output.heading(f"{name}: {link}", "dim")
