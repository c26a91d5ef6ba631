"""audit lists who approved what, and no cell is a formula in a spreadsheet."""

import csv
import json

import pytest

from tests.ops.conftest import FUTURE, coverage, gate

APPROVED = {"decision": "approved", "reason": "fixed in 1.5", "expiresAt": FUTURE}


def rows(environment, *words):
    return json.loads(environment.run("audit", "--json", *words).stdout)


def test_each_scan_is_a_row_with_approver_reason_and_expiry(environment):
    version = environment.upload(status="approved")
    scan = environment.scan(version, decision=APPROVED, withdrawal={"reason": "exploited"})
    environment.click(scan, "approve", "fixed in 1.5")

    assert rows(environment) == [
        {
            "scan": scan,
            "app": "payments",
            "key": "payments/api.zip",
            "version": version,
            "uploaded": "2026-01-01T10:00:00Z",
            "uploadedBy": "not recorded",
            "uploaderClaim": "",
            "result": "failed",
            "decision": "approved",
            "reason": "fixed in 1.5",
            "decided": "2026-01-01T11:00:00Z",
            "decidedBy": "Ada (U0ADA0000)",
            "approvers": 1,
            "restsOn": "",
            "expires": FUTURE,
            "extensions": 0,
            "extendedBy": "",
            "warning": "",
            "withdrawn": "2026-01-01T11:00:00Z",
            "withdrawnBy": "the channel",
            "withdrawnReason": "exploited",
            "unanalysed": 0,
            "opaque": 0,
            "otherLanguage": 0,
            "repository": "",
            "commit": "",
            "branch": "",
            "pullRequest": "",
            "author": "",
            "buildUrl": "",
        }
    ]


ADA = "AWS:AROAEXAMPLE:ada@example.com"


def test_the_uploader_is_named_as_recorded_and_as_claimed(environment):
    claim = {"bucket": "uploads", "key": "payments/api.zip", "uploader": "eve@example.com"}
    environment.scan("1", principal=ADA)
    environment.scan("1", attempt=2)
    environment.scan("2", upload=claim)

    names = ("scan", "uploadedBy", "uploaderClaim")
    assert sorted(tuple(row[name] for name in names) for row in rows(environment)) == [
        ("payments/1", "ada@example.com (role AROAEXAMPLE)", ""),
        ("payments/1.2", "ada@example.com (role AROAEXAMPLE)", ""),
        ("payments/2", "not recorded", "eve@example.com"),
    ]


def test_what_the_upload_claims_of_its_origin_has_columns(environment):
    claimed = {
        "repository": "https://github.com/acme/payments",
        "commit": "1a2b3c4d5e6f7081920a1b2c3d4e5f6071829304",
        "branch": "=main",
        "pullRequest": "17",
        "author": "Ada Lovelace",
        "buildUrl": "https://ci.example.com/12",
    }
    upload = {"bucket": "uploads", "key": "payments/api.zip", "origin": claimed}
    environment.scan("1", upload=upload)
    file = environment.folder / "audit.csv"

    [listed] = rows(environment)
    table = environment.run("audit").stdout
    environment.run("audit", "--csv", str(file))

    assert {name: listed[name] for name in claimed} == claimed
    assert "1a2b3c4 =main" in table
    [row] = csv.DictReader(file.read_text("utf-8-sig").splitlines())
    assert row["branch"] == "'=main"


def test_a_session_that_would_be_a_formula_is_text(environment):
    environment.scan("1", principal="=HYPERLINK(1)")
    file = environment.folder / "audit.csv"

    environment.run("audit", "--csv", str(file))

    [row] = csv.DictReader(file.read_text("utf-8-sig").splitlines())
    assert row["uploadedBy"] == "'=HYPERLINK(1)"


def test_an_invalid_record_of_the_first_attempt_stops_no_audit(environment):
    environment.put("payments/1", "uploader.json", {"scan": "payments/1"})
    environment.scan("1", attempt=2)

    assert [row["uploadedBy"] for row in rows(environment) if row["key"]] == ["not recorded"]


UNSEEN = {
    "gate": gate("failed", unanalysed=2),
    "coverage": coverage(unanalysed=2, opaque=1204, noCode=7),
}


def test_an_approval_has_the_number_of_unanalysed_files(environment):
    environment.scan("1", decision=APPROVED, **UNSEEN)
    file = environment.folder / "audit.csv"

    [listed] = rows(environment)
    table = environment.run("audit").stdout
    environment.run("audit", "--csv", str(file))

    counts = {"unanalysed": 2, "opaque": 1204, "otherLanguage": 0}
    assert {name: listed[name] for name in counts} == counts
    assert "2 unanalysed, 1,204 opaque" in table
    assert "other language" not in table
    [row] = csv.DictReader(file.read_text("utf-8-sig").splitlines())
    assert {name: row[name] for name in counts} == {n: str(count) for n, count in counts.items()}


@pytest.mark.parametrize(
    "change",
    [{"coverage": coverage(unanalysed=-2)}, {"coverage": None}, {"scan": "payments/other"}],
    ids=["no counts", "no coverage", "another scan's"],
)
def test_an_invalid_report_has_no_file_counts(environment, change):
    environment.scan("1", decision=APPROVED, **{**UNSEEN, **change})
    file = environment.folder / "audit.csv"

    [listed] = rows(environment)
    environment.run("audit", "--csv", str(file))

    assert (listed["decision"], listed["unanalysed"], listed["opaque"]) == ("approved", None, None)
    [row] = csv.DictReader(file.read_text("utf-8-sig").splitlines())
    assert (row["decision"], row["unanalysed"], row["opaque"]) == ("approved", "", "")


def test_an_unrecorded_approver_is_the_channel_and_a_passed_gate_has_none(environment):
    rejected = environment.scan("1", decision={"decision": "rejected"})
    expired = environment.scan("2", decision={"decision": "request-expired"})
    passed = environment.scan("3", status="passed")

    by = {row["scan"]: row["decidedBy"] for row in rows(environment)}

    assert by == {rejected: "the channel", expired: "", passed: ""}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "listed"),
    [
        ([], True),
        (["--from", "2026-01-01", "--to", "2026-01-01"], True),
        (["--from", "2026-01-02"], True),
        (["--from", "2026-01-02", "--to", "2026-03-04"], False),
        (["--to", "2025-12-31"], False),
        (["--from", "2026-03-06"], False),
        (["--app", "payments"], True),
        (["--app", "pay"], False),
    ],
)
def test_a_scan_is_listed_for_the_days_on_which_something_happened(environment, words, listed):
    environment.scan("1", decision={**APPROVED, "decidedAt": "2026-03-05T00:00:00Z"})

    assert bool(rows(environment, *words)) is listed


@pytest.mark.parametrize("first", ["=", "+", "-", "@"])
def test_no_cell_of_the_csv_is_a_formula(environment, first):
    reason = f'{first}HYPERLINK("http://evil.example","x")'
    environment.scan("1", decision={**APPROVED, "reason": reason})
    file = environment.folder / "audit.csv"

    result = environment.run("audit", "--csv", str(file))

    [row] = csv.DictReader(file.read_text("utf-8-sig").splitlines())
    assert result.exit_code == 0
    assert row["reason"] == f"'{reason}"
    assert row["decision"] == "approved"


def test_a_reason_with_line_breaks_stays_in_its_row(environment):
    environment.scan("1", decision={**APPROVED, "reason": "a\r\nb\n=1+1"})
    file = environment.folder / "audit.csv"

    environment.run("audit", "--csv", str(file))

    [row] = csv.DictReader(file.read_text("utf-8-sig").splitlines())
    assert row["reason"] == "a b =1+1"


def test_outside_text_cannot_control_the_terminal(environment):
    environment.scan("1", decision={**APPROVED, "reason": "\x1b[31m[bold]red[/bold]\x1b]0;x\x07"})

    displayed = environment.run("audit").stdout

    assert "\x1b" not in displayed
    assert "[bold]red[/bold]" in displayed


def test_scans_on_two_pages_of_the_listing_are_listed_once(environment, small_pages):
    scans = [environment.scan(str(number)) for number in range(4)]
    small_pages(3)

    assert sorted(row["scan"] for row in rows(environment)) == sorted(scans)


@pytest.mark.slow
@pytest.mark.parametrize("document", [b"no json", {"decision": "approved"}, {"decidedAt": 7}])
def test_a_scan_whose_evidence_was_changed_does_not_hide_the_others(environment, document):
    environment.scan("1", status="passed")
    changed = environment.scan("2")
    environment.put(changed, "gate-result.json", document)
    environment.put(changed, "decision.json", document)

    result = {row["scan"]: row for row in rows(environment)}

    assert result["payments/1"]["result"] == "passed"
    assert result[changed]["decision"] == ""
    assert "verify it: decision.json is " in result[changed]["reason"]
    assert "; gate-result.json is " in result[changed]["reason"]
