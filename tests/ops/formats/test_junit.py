"""JUnit XML has a test for each condition of the gate, in the form that build servers accept."""

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.coverage import CONDITIONS
from domain.findings import SEVERITIES
from ops.formats import junit
from tests.ops.formats.results import (
    FINDING,
    any_finding,
    compared,
    evaluated,
    failed_to_run,
    texts,
)

CONDITION = {"comparator": ">", "threshold": "0", "actual": "1", "status": "error"}
# What Jenkins's junit-10.xsd and the JUnit.xsd of Ant's task both allow: attributes, children.
REQUIRED = {
    "testsuites": set[str](),
    "testsuite": {
        "name", "package", "id", "timestamp", "hostname", "tests", "failures", "errors", "skipped",
        "time",
    },
    "properties": set(),
    "property": {"name", "value"},
    "testcase": {"classname", "name", "time"},
    "failure": {"message", "type"},
    "error": {"message", "type"},
    "skipped": {"message", "type"},
    "system-out": set(),
    "system-err": set(),
}  # fmt: skip
CHILDREN = {
    "testsuites": "testsuite",
    "testsuite": "properties( testcase)+ system-out system-err",
    "properties": "property( property)*",
    "testcase": "(failure|error|skipped)?",
}


def suite_of(result):
    """The suite, in the form of both schemas."""
    suites = ElementTree.fromstring(junit.text(result))
    for element in suites.iter():
        assert element.attrib.keys() == REQUIRED[element.tag]
        children = " ".join(child.tag for child in element)
        assert re.fullmatch(CHILDREN.get(element.tag, ""), children), (element.tag, children)
    [suite] = suites
    tests = suite.findall("testcase")
    assert int(suite.attrib["tests"]) == len(tests)
    for counted, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert int(suite.attrib[counted]) == len(suite.findall(f"testcase/{tag}"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.attrib["timestamp"])
    return suite


def outcomes(suite):
    return [
        (test.attrib["name"], *((child.tag, child.attrib["message"]) for child in test))
        for test in suite.findall("testcase")
    ]


def test_each_condition_is_a_test_and_a_failed_one_names_its_findings():
    low = {**FINDING, "severity": "LOW", "rule": "B101"}
    suite = suite_of(evaluated(FINDING, low))

    assert outcomes(suite) == [
        ("HIGH findings", ("failure", "HIGH findings: 1 (limit 0)")),
        ("unanalysed files",),
    ]
    [failure] = suite.findall("testcase/failure")
    assert failure.text == f"HIGH B602 src/a b.py:3: {FINDING['message']}"
    assert "B101" in (suite.findtext("system-out") or "")


def test_files_that_were_not_analysed_are_named():
    entry = {"class": "unanalysed", "file": "b.py", "language": "", "reason": "long", "files": 1}
    suite = suite_of(evaluated(unanalysed=1, unseen=(entry,)))

    assert outcomes(suite)[1] == (
        "unanalysed files", ("failure", "unanalysed files: 1 (limit 0)"),
    )  # fmt: skip
    assert suite.findtext("testcase/failure") == "b.py: long"


def test_a_passed_gate_has_no_failure():
    assert outcomes(suite_of(evaluated(status="passed"))) == [
        ("HIGH findings",),
        ("unanalysed files",),
    ]


def test_an_approved_exception_is_skipped_and_fails_no_build():
    result = evaluated(FINDING, status="approved")

    assert outcomes(suite_of(result))[0] == (
        "HIGH findings", ("skipped", f"HIGH findings: 1 (limit 0); {result.sentence}"),
    )  # fmt: skip


@pytest.mark.parametrize("status", ["rejected", "request-expired", "withdrawn", "timed-out"])
def test_any_other_end_of_a_failed_gate_is_a_failure(status):
    assert suite_of(evaluated(FINDING, status=status)).attrib["failures"] == "1"


@pytest.mark.parametrize("report", [None, {}])
def test_a_scan_without_a_result_is_an_error(report):
    [(name, (tag, message))] = outcomes(suite_of(failed_to_run(report=report)))

    assert (name, tag, message) == ("Scan", "error", "payments: the scan failed to run")


def test_a_scan_that_failed_to_run_says_why():
    suite = suite_of(failed_to_run())

    assert suite.findtext("testcase/error") == "This is not a zip. Zip it."


def test_a_version_that_was_not_cleared_fails_although_its_gate_passed():
    result = evaluated(status="passed")
    object.__setattr__(result, "status", "error")

    assert suite_of(result).attrib["errors"] == "1"


def test_a_hundred_findings_are_named_and_the_others_counted():
    lines = (suite_of(evaluated(*[FINDING] * 250)).findtext("testcase/failure") or "").split("\n")

    assert (len(lines), lines[-1]) == (101, "and 150 more")


@given(st.lists(any_finding, max_size=5), texts, st.sampled_from(["failed", "approved", "error"]))
def test_any_text_is_valid_xml_and_stays_a_text(some, text, status):
    conditions = [
        {**CONDITION, "metric": metric} for metric in (*SEVERITIES, text, "unanalysed_files")
    ]
    entry = {"class": "unanalysed", "file": text, "language": text, "reason": text, "files": 1}
    result = evaluated(
        *some, status=status, unanalysed=1, unseen=(entry,),
        gate={"status": "failed", "judge": "limits", "conditions": conditions},
        engine={"name": text, "version": text},
        upload={"origin": {"branch": text, "author": text}},
        startedAt=text,
    )  # fmt: skip

    assert result.evaluated or text in CONDITIONS
    suite_of(result)


def test_new_findings_are_named_first_and_marked():
    suite = suite_of(compared({**FINDING, "rule": "B601"}, FINDING, known=(0,)))

    text = suite.findtext("system-out") or ""
    assert [line.split(" src")[0] for line in text.splitlines()] == ["New: HIGH B602", "HIGH B601"]
    [baseline] = suite.findall("properties/property[@name='baseline']")
    assert baseline.attrib["value"] == "payments/earlier"
