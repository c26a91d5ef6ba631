"""The last versions of an app are listed from the evidence alone, which uploaders may read."""

import json

from tests.ops.conftest import FUTURE

APPROVED = {"decision": "approved", "reason": "fixed in 1.5", "expiresAt": FUTURE}


def listed(environment, *options):
    result = environment.run("status", "payments", "--json", *options)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_each_version_has_its_status_who_decided_and_until_when(environment, denied):
    passed = environment.cleared()
    approved = environment.upload(status="approved")
    scan = environment.scan(approved, decision=APPROVED, principal="AWS:AROA1:ada@example.com")
    environment.click(scan, "approve", "fixed in 1.5")
    waits = environment.upload(status="failed")
    environment.scan(waits)
    environment.upload("orders/api.zip")

    rows = {row["version"]: row for row in listed(environment)}

    assert rows.keys() == {passed, approved, waits}
    assert [rows[version]["status"] for version in (passed, approved, waits)] == [
        "passed", "approved", "failed",
    ]  # fmt: skip
    assert rows[approved]["decidedBy"] == "Ada (U0ADA0000)"
    assert rows[approved]["expires"] == FUTURE
    assert rows[approved]["uploadedBy"] == "ada@example.com (role AROA1)"
    table = environment.run("status", "payments").stdout
    assert "waits for a decision" in table
    assert "1 Jan 2999, 00:00 UTC" in table


def test_a_claimed_commit_and_author_are_listed(environment):
    version = environment.upload(status="passed")
    claims = {"commit": "4f" * 20, "author": "Ada\x1b[31m"}
    environment.scan(version, "passed", upload={"sha256": "0" * 64, "origin": claims})

    [row] = listed(environment)
    table = environment.run("status", "payments").stdout

    assert (row["commit"], row["author"].startswith("Ada")) == ("4f" * 20, True)
    assert "4f4f4f4f4f4f " in table
    assert "\x1b" not in table


def test_a_version_is_listed_once_by_its_last_scan(environment):
    version = environment.upload(status="passed")
    environment.scan(version, "error")
    second = environment.scan(version, "passed", attempt=2)

    [row] = listed(environment)

    assert (row["scan"], row["version"], row["status"]) == (second, version, "passed")


def test_a_version_id_that_ends_like_a_number_is_a_version(environment):
    environment.put("payments/V.2", "scan.json", b"{}")
    environment.put("payments/W", "scan.json", b"{}")

    assert len(listed(environment)) == 2


def test_a_tag_that_contradicts_the_evidence_is_no_status(environment):
    version = environment.upload(status="passed")
    environment.scan(version, "failed")

    [row] = listed(environment)

    assert row["status"] == "contradictory"
    assert "its tag says passed" in row["why"]
    assert "contradicts its evidence" in environment.run("status", "payments").stdout


def test_older_versions_are_counted(environment):
    for _ in range(3):
        environment.cleared()

    result = environment.run("status", "payments", "--newest", "1")

    assert result.stdout.count("passed") == 1
    assert "and 2 older versions: --newest 3" in result.stderr


def test_an_app_without_scans_is_no_answer(environment):
    result = environment.run("status", "paiments")

    assert (result.exit_code, "check the name" in result.stderr) == (2, True)
