"""Fingerprints of a real server's issues and hotspots survive moved lines."""

import re
from pathlib import Path

import pytest

from domain.changes import compare
from domain.findings import Finding
from domain.findings_document import read
from scan.fingerprints import Reported, identified
from tests.scan.scanning import tree
from tests.sonarqube.scans import on
from tests.sonarqube.trees import BAD

pytestmark = pytest.mark.sonarqube

FILES = BAD


def test_findings_are_the_same_below_inserted_lines_and_in_renamed_files(server):
    lines = {".py": "# A line.\n# Another one.\n", ".java": "// A line.\n", ".js": "// A line.\n"}
    moved = {name: lines[Path(name).suffix] + text for name, text in FILES.items()}
    # A Java file would no longer be in the folder of its package.
    renamed = {re.sub("^(shop|web)/", "new/", name): text for name, text in FILES.items()}
    scans = [
        read(on(server, files, "moved").all_findings or {}) for files in (FILES, moved, renamed)
    ]
    first = scans[0]

    assert all(scan.complete for scan in scans)
    assert {finding.file for finding in first.findings} == FILES.keys()
    for scan in scans[1:]:
        changes = compare(first, scan)
        assert [finding.location for finding in changes.new if finding.line] == []
        assert [finding.location for finding in changes.fixed if finding.line] == []
        assert {finding.file for finding in changes.known} == {item.file for item in scan.findings}


def test_one_more_finding_is_the_only_new_one(server):
    more = {**FILES, "shop/store.py": FILES["shop/store.py"] + "\n\nSAME = 1 == 1\n"}
    before, now = (read(on(server, files, "more").all_findings or {}) for files in (FILES, more))

    changes = compare(before, now)

    assert changes.fixed == ()
    assert changes.new
    assert {(item.file, item.line) for item in changes.new} == {("shop/store.py", 20)}


def test_the_servers_hash_of_an_issue_is_part_of_its_fingerprint(server, tmp_path):
    scan = on(server, FILES, "hashes")
    tree(FILES, tmp_path)
    url = "api/issues/search?components=chatops-slack_test:hashes&resolved=false&ps=500"
    issues = [issue for issue in server.call(url)["issues"] if "line" in issue]
    assert issues
    assert scan.all_findings
    listed = {
        item["link"].rpartition("=")[2]: item["fingerprint"]
        for item in scan.all_findings["findings"]
    }

    def fingerprint(issue, own):
        finding = Finding(
            rule=issue["rule"],
            severity="HIGH",
            message=issue["message"],
            file=issue["component"].partition(":")[2].partition(":")[2] or "",
            line=issue["line"],
        )
        reported = Reported(finding, issue["textRange"]["endLine"], own)
        return identified([reported], tmp_path).findings[0].fingerprint

    hashed = [
        issue for issue in issues if fingerprint(issue, issue["hash"]) == listed[issue["key"]]
    ]
    # The others are equal to an earlier one in their file.
    assert len(hashed) > len(issues) / 2
    assert not any(fingerprint(issue, "") == listed[issue["key"]] for issue in issues)
