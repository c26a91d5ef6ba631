"""An exception covers another version only if nothing that fails the gate is new or worse."""

import pytest
from hypothesis import given

from domain.coverage import Coverage
from domain.exceptions import not_covered
from domain.findings import SEVERITIES, Condition
from domain.origin import Origin
from domain.report import Report, Scanner
from tests.domain.test_changes import ONE, OTHER, SCANS, SOME, THREE, TWO, finding, scan, unseen


def condition(metric="HIGH", actual="1", threshold="0", comparator=">", status="error"):
    return Condition(
        metric=metric, comparator=comparator, threshold=threshold, actual=actual, status=status
    )


def report(findings, *conditions):
    unanalysed = sum(entry.files for entry in findings.unseen if entry.kind == "unanalysed")
    opaque = sum(entry.files for entry in findings.unseen if entry.kind == "opaque")
    counted = {"analysed": 1, "unanalysed": unanalysed, "opaque": opaque}
    return Report(
        engine="Tool 1",
        scanner="Tool",
        coverage=Coverage(
            counts={"otherLanguage": 0, "noCode": 0, **counted},
            reported=True,
            languages={},
            unseen=(),
        ),
        limits_applied=True,
        passed=False,
        conditions=conditions,
        counts={
            severity: sum(item.severity == severity for item in findings.findings)
            for severity in SEVERITIES
        },
        findings=(),
        ignored=(),
        dashboard=None,
        uploader="",
        origin=Origin(),
        error=None,
    )


def reasons(now, before, *conditions, was=None):
    """Why an approval of ``before`` does not cover ``now``; ``was`` are its conditions."""
    was = conditions if was is None else was
    return not_covered(report(now, *conditions), now, report(before, *was), before)


def test_a_version_with_the_same_findings_is_covered():
    before = scan(finding(ONE), finding(TWO))

    assert reasons(before, before, condition()) == []
    assert reasons(scan(finding(TWO, line=90)), before, condition()) == []


def test_no_exception_covers_a_scan_in_which_a_scanner_failed():
    before = scan(finding(ONE))
    now = report(before, condition(), condition(metric="failed_scanners"))._replace(
        scanners=(Scanner("Bandit", ""), Scanner("Semgrep", "It was stopped.")),
    )

    assert not_covered(now, before, report(before, condition()), before) == [
        "What these scanners would find is unknown, since they failed to run: Semgrep."
    ]


def test_a_new_finding_that_fails_the_gate_is_not_covered():
    now = scan(finding(ONE), finding(TWO), finding(THREE))

    assert reasons(now, scan(finding(ONE)), condition()) == ["New HIGH findings: 2."]


def test_as_many_findings_as_approved_but_other_ones_are_not_covered():
    assert reasons(scan(finding(TWO)), scan(finding(ONE)), condition()) != []


def test_a_new_finding_that_no_failed_condition_counts_does_not_matter():
    now = scan(finding(ONE), finding(TWO, severity="LOW"))

    assert reasons(now, scan(finding(ONE)), condition()) == []


def test_a_finding_that_has_become_worse_is_not_covered():
    now, before = scan(finding(ONE)), scan(finding(ONE, severity="LOW"))
    conditions = condition("HIGH"), condition("LOW")

    assert reasons(now, before, *conditions) == ["New HIGH findings: 1."]


def test_a_condition_that_did_not_fail_in_the_approved_version_is_not_covered():
    both = scan(finding(ONE), finding(TWO, severity="LOW"))
    now = condition("HIGH"), condition("LOW")
    was = condition("HIGH"), condition("LOW", threshold="5", status="ok")

    assert reasons(both, both, *now, was=was) == [
        "The approved version did not fail for LOW findings."
    ]


@pytest.mark.parametrize(
    ("now", "was", "comparator", "is_covered"),
    [
        ("2", "2", ">", True), ("3", "2", ">", True), ("1", "2", ">", False),
        ("80", "80", "<", True), ("70", "80", "<", True), ("90", "80", "<", False),
        ("x", "x", ">", True), ("x", "2", ">", False), ("NaN", "2", ">", False),
    ],
)  # fmt: skip
def test_a_stricter_threshold_is_not_covered(now, was, comparator, is_covered):
    both = scan(finding(ONE))
    current = condition("violations", "5", now, comparator)
    approved = condition("violations", "5", was, comparator)

    assert (reasons(both, both, current, was=[approved]) == []) == is_covered


def test_a_condition_with_the_other_comparator_is_not_covered():
    both = scan()
    was = [condition("new_coverage", comparator=">")]

    assert reasons(both, both, condition("new_coverage", comparator="<"), was=was) != []


@pytest.mark.parametrize(
    ("actual", "was", "comparator", "is_covered"),
    [
        ("61.2", "61.2", "<", True), ("70", "61.2", "<", True), ("61.1", "61.2", "<", False),
        ("9", "10", ">", True), ("10.0", "10", ">", True), ("11", "10", ">", False),
        ("", "10", ">", False), ("Infinity", "10", ">", False), ("-", "-", ">", True),
        ("9e999999", "-9e999999", ">", False), ("sNaN", "10", ">", False),
        ("NaN", "10", ">", False),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "metric", ["new_coverage", "duplicated_lines_density", "cognitive_complexity"]
)
def test_a_condition_without_findings_is_covered_while_it_is_not_worse(
    metric, actual, was, comparator, is_covered
):
    now = condition(metric, actual, "80", comparator)
    approved = condition(metric, was, "80", comparator)

    result = reasons(scan(finding(TWO)), scan(finding(ONE)), now, was=[approved])

    assert (result == []) == is_covered


@pytest.mark.parametrize("severity", SEVERITIES)
def test_for_any_other_condition_every_finding_must_be_known(severity):
    now = scan(finding(ONE), finding(TWO, severity=severity))
    rating = condition("new_security_rating", "4", "1")

    assert reasons(now, scan(finding(ONE)), rating) == [f"New {severity} findings: 1."]
    assert reasons(now, now, rating) == []


def test_a_worse_rating_is_not_covered_even_if_every_finding_is_known():
    both = scan(finding(ONE))
    now, was = condition("security_rating", "5", "1"), condition("security_rating", "4", "1")

    assert reasons(both, both, now, was=[was]) == [
        "Worse than in the approved version: security rating."
    ]


@pytest.mark.parametrize(
    ("now", "before", "is_covered"),
    [(True, True, True), (False, True, False), (True, False, False)],
)
@pytest.mark.parametrize(
    "metric", ["security_hotspots", "new_security_hotspots_reviewed", "security_review_rating"]
)
def test_hotspots_are_covered_only_where_the_token_may_read_them(metric, now, before, is_covered):
    read, unread = scan(finding(ONE))._replace(hotspots=True), scan(finding(ONE))
    # No hotspot is reviewed, however many there are now.
    failed = condition(metric, "0", "100", "<")

    result = reasons(read if now else unread, read if before else unread, failed)

    assert (result == []) == is_covered


@pytest.mark.parametrize(
    "metric",
    [
        "new_accepted_issues",
        "false_positive_issues",
        "sca_rating_vulnerability",
        "test_failures",
        "",
    ],
)
def test_a_condition_on_what_the_findings_do_not_have_is_not_covered(metric):
    both = scan(finding(ONE))

    assert reasons(both, both, condition(metric)) != []


@pytest.mark.parametrize(
    "metric",
    [
        "bugs",
        "new_violations",
        "sqale_rating",
        "software_quality_high_issues",
        "critical_violations",
    ],
)
def test_a_condition_on_issues_is_covered_while_every_finding_is_known(metric):
    both = scan(finding(ONE))

    assert reasons(both, both, condition(metric)) == []


@pytest.mark.parametrize(
    ("metric", "kind"), [("unanalysed_files", "unanalysed"), ("opaque_files", "opaque")]
)
def test_unseen_files_are_covered_while_name_and_content_are_the_same(metric, kind):
    before = scan(files=[unseen("a", SOME, kind), unseen("lib/", SOME, kind, 5)])
    changed = scan(files=[unseen("a", SOME, kind), unseen("lib/", OTHER, kind, 5)])
    renamed = scan(files=[unseen("b", SOME, kind)])

    assert reasons(before, before, condition(metric)) == []
    assert reasons(renamed, before, condition(metric)) == []
    assert reasons(changed, before, condition(metric)) == [f"New or changed: 5 {kind} files."]


def test_a_file_that_the_scanner_did_not_name_is_never_covered():
    both = scan(files=[unseen("", None)])

    assert reasons(both, both, condition("unanalysed_files")) != []


def test_files_that_are_counted_but_not_listed_are_not_covered():
    both = scan(files=[unseen("a")])
    now = report(both, condition("unanalysed_files"))
    assert now.coverage
    counts = {**now.coverage.counts, "unanalysed": 2}

    counted = now._replace(coverage=now.coverage._replace(counts=counts))

    assert not_covered(counted, both, now, both) == [
        "Not all unanalysed files of this version are recorded."
    ]


def test_new_unseen_files_do_not_matter_where_another_condition_fails():
    now = scan(finding(ONE), files=[unseen("a")])

    assert reasons(now, scan(finding(ONE)), condition("HIGH")) == []


@pytest.mark.parametrize("which", ["this", "the approved"])
def test_incomplete_findings_are_not_covered(which):
    whole, part = scan(finding(ONE)), scan(finding(ONE))._replace(complete=False)
    pair = (part, whole) if which == "this" else (whole, part)

    assert reasons(*pair, condition()) == [
        f"Not all findings of {which} version are recorded with their identity."
    ]


@pytest.mark.parametrize("which", ["this", "the approved"])
def test_findings_that_are_not_as_many_as_the_report_counts_are_not_covered(which):
    both = scan(finding(ONE))
    right = report(both, condition())
    wrong = right._replace(counts={**right.counts, "HIGH": 2})
    pair = (wrong, right) if which == "this" else (right, wrong)

    assert not_covered(pair[0], both, pair[1], both) == [
        f"The findings of {which} version are not as many as its report counts."
    ]


def test_a_gate_that_failed_without_a_failed_condition_is_not_covered():
    both = scan(finding(ONE))

    assert reasons(both, both, condition(status="ok")) != []


def test_a_hostile_name_of_a_condition_stays_in_one_short_line():
    both = scan(finding(ONE))
    hostile = condition("x\n" * 5000)

    [reason] = reasons(both, both, hostile, was=[])

    assert "\n" not in reason
    assert len(reason) < 200


@given(SCANS, SCANS)
def test_whatever_is_covered_has_no_finding_that_was_not_approved(before, now):
    every = condition("new_violations")

    if reasons(now, before, every) == []:
        approved = [(item.fingerprint, item.severity) for item in before.findings]
        for item in now.findings:
            approved.remove((item.fingerprint, item.severity))
