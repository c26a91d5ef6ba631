"""The model's rules and the pipeline's agree about what two scans have in common."""

import hashlib
import json
from random import Random
from typing import Any

from domain import changes, exceptions, findings_document, report
from tests.simulation.aws import findings, reports
from tests.simulation.aws.builds import Scan
from tests.simulation.model import coverage
from tests.simulation.model.subjects import Attempt, Version
from tests.simulation.trace import EPOCH, Stored
from tests.simulation.versions_generator import scan_after

NAMES = ("SCAN", "APP", "UPLOAD_BUCKET", "UPLOAD_KEY", "UPLOAD_VERSION")
VARIABLES: dict[str, str] = dict.fromkeys(NAMES, "payments/1")


def documents(plan: dict[str, Any]) -> dict[str, Any]:
    scan = Scan(**plan)
    assert scan.findings is not None
    all_findings = findings.document(VARIABLES, scan.findings, scan.whole)
    evidence = {"findings.json": hashlib.sha256(all_findings).hexdigest()}
    body = reports.report(scan.gate, VARIABLES, EPOCH, EPOCH, evidence)
    return {
        "report.json": json.loads(reports.with_findings(body, scan)),
        "findings.json": json.loads(all_findings),
    }


def attempt(written: dict[str, Any]) -> Attempt:
    result = Attempt("payments/1", 1, Version("payments.zip", "1", 0, "failed"))
    for name, document in written.items():
        result.files[name] = Stored(at=1, bucket="", key=name, document=document, by="")
    return result


def test_both_say_the_same_about_random_scans():
    draw = Random(7)
    results = []
    before = scan_after(draw, None)
    for _ in range(1500):
        now = scan_after(draw, before)
        first, second = documents(before), documents(now)
        approved, known = (report.read(it["report.json"], "payments/1") for it in (first, second))
        old, new = (findings_document.read(it["findings.json"]) for it in (first, second))

        if known.failed_conditions and approved.failed_conditions:
            reasons = exceptions.not_covered(known, new, approved, old)
            modelled = list(coverage.not_covered(attempt(second), attempt(first)))
            assert bool(reasons) == bool(modelled), (before, now, reasons, modelled)
            results.append(not reasons)
        if old.complete and new.complete:
            changed = changes.compare(old, new)
            comparison = coverage.compare(
                coverage.findings(attempt(first)), coverage.findings(attempt(second))
            )
            assert [len(changed.new), len(changed.known), len(changed.fixed)] == [
                len(comparison.new), len(comparison.known), len(comparison.fixed)
            ], (before, now)  # fmt: skip
        before = scan_after(draw, None) if draw.random() < 0.1 else now

    assert 0.2 < sum(results) / len(results) < 0.9
