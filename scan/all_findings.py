"""findings.json of a scan, as ``domain/schemas/findings.schema.json`` defines it."""

from typing import Any

from domain.findings_document import MOST_BYTES, MOST_FINDINGS
from scan.as_json import encoded
from scan.finding import Analysis, as_document, worst_first
from scan.job import Job

# Bytes that are left for what is not a finding.
HEAD = 16 * 1024


def document(job: Job, analysis: Analysis) -> dict[str, Any]:
    """The JSON: the worst findings up to the limits; ``omitted`` counts the others."""
    listed: list[dict[str, Any]] = []
    left = MOST_BYTES - HEAD
    for finding in worst_first([*analysis.findings, *analysis.repeated])[:MOST_FINDINGS]:
        entry = as_document(finding)
        left -= len(encoded(entry)) + len(", ")
        if left < 0:
            break
        listed.append(entry)
    return {
        "version": 1,
        "scan": job.scan,
        "app": job.app,
        "findings": listed,
        "counts": dict(analysis.counts),
        "omitted": max(0, sum(analysis.counts.values()) - len(listed)),
    }
