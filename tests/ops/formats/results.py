"""Results of scans for the tests of formats, and texts that strangers could write."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from domain.changes import compare
from domain.findings import SEVERITIES, Finding
from domain.findings_document import AllFindings
from ops.formats import ScanResult
from tests.ops.conftest import coverage, gate, reported
from tests.support.hostile_texts import NASTY

SCAN = "payments/3sL4kqtJlcpXroDTDmJ"
FINDING = {
    "rule": "B602",
    "severity": "HIGH",
    "message": "subprocess call with shell=True identified, security issue.",
    "file": "src/a b.py",
    "line": 3,
    "link": "https://bandit.readthedocs.io/en/1.9.4/plugins/b602.html",
}
ORDERS = (
    "::error::injected",
    "\n::add-mask::x",
    "\r::stop-commands::x",
    "##[add-path]/evil",
    "##vso[task.setvariable variable=x]y",
    "%0A::error::x",
    "x,line=1::error::y",
    "]]><evil/>",
    "<script>alert(1)</script>",
    "| a | b |",
    "](https://evil.example)",
    "\ud800",
    "\x00\x1b[31m\ufffe\uffff",
)
texts = st.one_of(
    st.text(max_size=30),
    st.sampled_from(["", *NASTY.values(), *ORDERS]),
    st.text(st.characters(categories=["Cc", "Cf", "Cs", "Cn", "Zl", "Po"]), max_size=10),
)
files = st.one_of(
    texts,
    st.sampled_from(
        ["//evil.example/a", "/etc/passwd", "../a", "a/../../b", "C:\\a.py", "a:b.py", "a%2fb", "."]
    ),
)
any_finding = st.fixed_dictionaries(
    {
        "rule": texts,
        "severity": st.sampled_from(SEVERITIES),
        "message": texts,
        "file": files,
        "line": st.none() | st.integers(1, 10**20),
        "link": st.sampled_from([None, "https://x", "https://a b", "https://x/\u202e", "http://\n"])
        | texts.map("https://{}".format),
    }
)


def counted(*findings: dict[str, Any]) -> dict[str, int]:
    """How many findings each severity has."""
    return {name: [item["severity"] for item in findings].count(name) for name in SEVERITIES}


def evaluated(
    *findings: dict[str, Any],
    status: str = "failed",
    omitted: int = 0,
    unanalysed: int = 0,
    unseen: tuple[dict[str, Any], ...] = (),
    **changed: Any,
) -> ScanResult:
    """A scan whose gate failed, with these findings; ``changed`` replaces parts of its report."""
    passed = "passed" if status == "passed" else "failed"
    counts = counted(*findings)
    counts["INFO"] += omitted
    report = {
        **reported(passed, "0" * 64),
        "version": 1,
        "scan": SCAN,
        "app": "payments",
        "startedAt": "2026-11-24T10:00:00Z",
        "finishedAt": "2026-11-24T10:01:00Z",
        "gate": gate(passed, unanalysed),
        "coverage": {**coverage(unanalysed=unanalysed), "files": list(unseen)},
        "counts": counts,
        "findings": list(findings[:20]),
        **changed,
    }
    return ScanResult(
        scan=SCAN,
        status=status,
        sentence=f"payments: {status}",
        report=report,
        findings={"findings": list(findings), "counts": counts, "omitted": omitted},
    )


def compared(*findings: dict[str, Any], known: tuple[int, ...] = ()) -> ScanResult:
    """A scan with these findings, of which those at the positions ``known`` were there before."""
    named = [
        {**finding, "fingerprint": f"{number:032x}"} for number, finding in enumerate(findings)
    ]
    result = evaluated(*named)
    before = [result.listed[number] for number in known]
    return replace(
        result,
        changes=compare(_complete(before), _complete(result.listed)),
        baseline="payments/earlier",
    )


def _complete(findings: Sequence[Finding]) -> AllFindings:
    return AllFindings(findings=tuple(findings), contents={}, unseen=(), complete=True)


def failed_to_run(**changed: Any) -> ScanResult:
    """A scan without a gate result."""
    report = {**reported("error", ""), "version": 1, "scan": SCAN, "engine": None}
    report["error"] = {"message": "This is not a zip.", "remediation": "Zip it."}
    return ScanResult(
        **{
            "scan": SCAN,
            "status": "error",
            "sentence": "payments: the scan failed to run",
            "report": report,
            "findings": None,
            **changed,
        }
    )
