"""findings.json of a scan: all its findings up to these limits, where the report has the worst 20.

Like the report it is untrusted: hostile code may have taken over its scan.
"""

from collections.abc import Mapping
from typing import Any

from .findings import Finding

NAME = "findings.json"
MOST_FINDINGS = 10_000
MOST_BYTES = 8 * 1024 * 1024


def findings(document: Mapping[str, Any]) -> tuple[Finding, ...]:
    """Return the findings of a document that matches its schema, the worst first."""
    return tuple(Finding(**finding) for finding in document["findings"])
