"""findings.json is untrusted: it is read in full or refused, and it says whether it is complete."""

import pytest

from domain.findings_document import UnseenFile, parse, read
from tests.domain.test_changes import ONE, SOME

SCAN = "app/version"


def entry(**change):
    finding = {"rule": "R", "severity": "HIGH", "message": "m", "file": "a.py", "line": 1}
    return {**finding, "link": None, "fingerprint": ONE, **change}


def document(*findings, **change):
    whole = {"version": 1, "scan": SCAN, "app": "app", "findings": list(findings), "omitted": 0}
    return {**whole, "contents": {"a.py": SOME}, "unseen": [], "unseenOmitted": 0, **change}


def test_a_document_is_read_with_its_identities():
    file = {"class": "opaque", "file": "lib/", "files": 3, "sha256": SOME}

    result = read(document(entry(), unseen=[file]))

    assert [finding.fingerprint for finding in result.findings] == [ONE]
    assert result.contents == {"a.py": SOME}
    assert result.unseen == (UnseenFile(kind="opaque", file="lib/", files=3, sha256=SOME),)
    assert result.complete


def test_earlier_evidence_is_read_but_not_complete():
    earlier = document(entry())
    for name in ("contents", "unseen", "unseenOmitted"):
        del earlier[name]
    del earlier["findings"][0]["fingerprint"]

    result = read(earlier)

    assert [finding.fingerprint for finding in result.findings] == [""]
    assert not result.complete


@pytest.mark.parametrize(
    "change", [{"omitted": 1}, {"unseenOmitted": 1}], ids=["findings", "files"]
)
def test_a_document_that_leaves_something_out_is_not_complete(change):
    assert not read(document(entry(), **change)).complete


def test_a_document_with_one_finding_of_unknown_identity_is_not_complete():
    assert not read(document(entry(), entry(fingerprint=""))).complete


@pytest.mark.parametrize(
    "hostile",
    [
        None, [], "text", {}, document(entry(severity="HUGE")), document(entry(line="x")),
        document(entry(line=float("inf"))), document(None), document(omitted=None),
        document(contents=[]), document(unseen=[{"class": "opaque"}]), document(unseen=None),
        document(scan="app/other"),
    ],
)  # fmt: skip
def test_what_is_not_in_the_form_of_findings_is_refused(hostile):
    assert parse(hostile, SCAN) is None


def test_a_document_of_this_scan_is_accepted():
    assert parse(document(entry()), SCAN) == read(document(entry()))
