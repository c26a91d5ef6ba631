"""An approval that rests on an exception, and what ends it, are verified and followed."""

import json

import pytest

from domain import timestamps
from ops import stack
from ops.snapshot import Reader
from tests.ops.conftest import FUTURE, LATER, PAST, digest, encoded, gate

APPROVED = {"decision": "approved", "reason": "fixed in 1.5", "expiresAt": FUTURE}
LONGER = {"expiresAt": "2999-01-02T00:00:00Z"}
AFTER, END = "2026-01-01T12:00:00Z", "2026-01-02T10:00:00Z"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Where ``fetch`` writes what it downloads."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def root(environment):
    """An exception for two findings."""
    version = environment.upload(status="approved")
    return environment.scan(version, decision=APPROVED, rules=["S1", "S2"])


def resting(environment, root, tag="approved", **parts):
    """A later version with one of the findings, approved under the exception of ``root``."""
    version = environment.upload(status=tag)
    parts = {"rules": ["S2"], "evaluated_at": AFTER, **parts}
    parts["decision"] = {"decidedAt": AFTER, **parts.get("decision", {})}
    return environment.scan(version, rests_on=root, **parts)


def wrong(environment, scan):
    findings = json.loads(environment.run("verify", scan, "--json").stdout)["findings"]
    return [f"{item['file']}: {item['finding']}" for item in findings]


def change(environment, scan, name, **fields):
    """Replace fields of a document, with the SHA-256 in the next one unchanged."""
    document = {**environment.evidence(scan, name), **fields}
    key = f"scans/{scan}/{name}"
    [version] = environment.s3.list_object_versions(Bucket="artifacts", Prefix=key)["Versions"]
    environment.s3.delete_object(Bucket="artifacts", Key=key, VersionId=version["VersionId"])
    environment.put(scan, name, document)


def withdraw(environment, scan, at=AFTER, **fields):
    decision = digest(encoded(environment.evidence(scan, "decision.json")))
    document = {"version": 1, "scan": scan, "reason": "exploited", "withdrawnAt": at, **fields}
    environment.put(scan, "withdrawal.json", {**document, "evidence": {"decision.json": decision}})


def test_an_approval_that_an_exception_covers_is_sound(environment, root):
    scan = resting(environment, root)

    assert wrong(environment, scan) == []
    assert environment.run("verify", "--all").exit_code == 0


def test_a_finding_that_the_exception_does_not_have_is_found(environment, root):
    scan = resting(environment, root, rules=["S2", "S3"])

    assert wrong(environment, scan) == [
        f"decision.json: rests on {root}, which does not cover it: New HIGH findings: 1."
    ]


def test_a_condition_that_the_exception_did_not_fail_is_found(environment, root):
    failed = gate("failed", unanalysed=1)
    failed["conditions"].append({**failed["conditions"][0], "metric": "reliability_rating"})
    failed["conditions"][-1] |= {"actual": "5", "threshold": "1", "status": "error"}
    failed["conditions"][1] |= {"actual": "0", "status": "ok"}
    scan = resting(environment, root, gate=failed)

    [finding] = wrong(environment, scan)

    assert "The approved version did not fail for reliability rating." in finding


def test_findings_of_the_exception_that_were_added_later_are_found(environment, root):
    scan = resting(environment, root, rules=["S3"])
    findings = environment.evidence(root, "findings.json")
    forged = environment.evidence(scan, "findings.json")["findings"]
    change(environment, root, "findings.json", findings=[*findings["findings"], *forged])

    assert wrong(environment, scan) == [
        f"decision.json: rests on {root}, whose evidence is not sound: verify that"
    ]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"scan": "payments/none"}, "about which nothing was decided"),
        ({"scan": "orders/1"}, "which is of another app"),
        ({"decision.json": "0" * 64}, "whose decision was changed since"),
    ],
    ids=["none", "another app", "changed"],
)
def test_an_exception_that_is_not_as_named_is_found_and_clears_nothing(
    environment, root, changes, says
):
    rests_on = {
        "scan": root,
        "decision.json": digest(encoded(environment.evidence(root, "decision.json"))),
        **changes,
    }
    scan = resting(environment, root, decision={"restsOn": rests_on})
    change(environment, scan, "gate-result.json", restsOn=rests_on["scan"])

    assert any(says in item for item in wrong(environment, scan))
    result = environment.run("fetch", "payments", "--version", scan.partition("/")[2])
    assert (result.exit_code, says in result.stderr) == (1, True)


def test_an_approval_that_rests_on_one_that_rests_itself_is_found(environment, root):
    middle = resting(environment, root)
    scan = resting(environment, middle)

    assert f"decision.json: rests on {middle}, which people did not approve" in wrong(
        environment, scan
    )


def test_a_rejection_covers_nothing(environment):
    rejected = environment.scan(
        environment.upload(status="rejected"), decision={"decision": "rejected"}, rules=["S2"]
    )
    scan = resting(environment, rejected, decision={"expiresAt": FUTURE})

    assert f"decision.json: rests on {rejected}, which people did not approve" in wrong(
        environment, scan
    )


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"reason": "another"}, "which was approved for another reason"),
        ({"expiresAt": "2998-01-01T00:00:00Z"}, "which does not expire then"),
    ],
    ids=["reason", "end"],
)
def test_what_is_not_taken_over_from_the_exception_is_found(environment, root, fields, says):
    scan = resting(environment, root, decision=fields)

    assert wrong(environment, scan) == [f"decision.json: rests on {root}, {says}"]


def test_an_exception_that_was_over_before_the_scan_was_evaluated_is_found(environment):
    version = environment.upload(status="withdrawn")
    root = environment.scan(version, decision=APPROVED, rules=["S2"], withdrawal={})
    withdraw(environment, root, LATER)
    scan = resting(environment, root, "withdrawn")

    assert f"decision.json: rests on {root}, which was over by then: withdrawn" in wrong(
        environment, scan
    )


def test_an_exception_that_ends_while_the_decision_is_written_is_sound(environment, root):
    scan = resting(environment, root, "withdrawn", decision={"decidedAt": "2026-01-01T12:09:00Z"})
    withdraw(environment, root, "2026-01-01T12:00:30Z")
    environment.tag("payments/api.zip", root.partition("/")[2], "withdrawn")

    assert wrong(environment, scan) == []
    assert wrong(environment, root) == []


def test_an_exception_that_was_approved_after_the_scan_was_evaluated_is_found(environment, root):
    scan = resting(environment, root, evaluated_at=PAST)

    assert wrong(environment, scan) == [f"decision.json: rests on {root}, which was approved later"]


def test_a_gate_result_that_names_another_exception_is_found(environment, root):
    scan = resting(environment, root)
    change(environment, scan, "gate-result.json", restsOn="payments/other")

    assert f"decision.json: rests on {root}, gate-result.json on payments/other" in wrong(
        environment, scan
    )


def test_a_comparison_with_another_app_is_found(environment):
    scan = environment.scan(environment.upload(status="failed"), since="orders/1")

    assert wrong(environment, scan) == [
        "gate-result.json: compares with a scan of another app: orders/1"
    ]


@pytest.mark.parametrize("own", [False, True], ids=["the exception", "its own"])
def test_a_withdrawal_ends_the_tag_of_what_rests_on_it(environment, root, own):
    scan = resting(environment, root)
    withdraw(environment, scan if own else root, "2026-01-01T13:00:00Z")

    assert wrong(environment, scan) == [
        "tag scan-status: says approved, but from the evidence follows withdrawn"
    ]
    assert bool(wrong(environment, root)) is not own


def test_the_tag_of_what_rests_on_it_may_lag_behind_for_some_minutes(environment, root, now):
    scan = resting(environment, root)
    withdraw(environment, root, now)

    assert wrong(environment, scan) == []


def test_what_rests_on_a_withdrawn_exception_is_not_fetched_though_its_tag_lags_behind(
    environment, root, now
):
    scan = resting(environment, root)
    version = scan.partition("/")[2]
    assert environment.run("fetch", "payments", "--version", version).exit_code == 0

    withdraw(environment, root, now)
    result = environment.run("fetch", "payments", "--version", version)

    assert result.exit_code == 1
    assert f"the exception of {root}, on which it rests, was withdrawn by" in result.stderr


def test_what_rests_on_an_exception_that_is_over_is_not_fetched(environment):
    ended = {**APPROVED, "expiresAt": END}
    root = environment.scan(
        environment.upload(status="approval-expired"), decision=ended, rules=["S2"]
    )
    scan = resting(environment, root)

    result = environment.run("fetch", "payments", "--version", scan.partition("/")[2])

    assert (result.exit_code, "its approval expired on 2 Jan 2026" in result.stderr) == (1, True)


def test_an_exception_that_was_extended_keeps_what_rests_on_it(environment):
    ended = {**APPROVED, "expiresAt": END}
    version = environment.upload(status="approved")
    root = environment.scan(version, decision=ended, rules=["S2"], extensions=[{}])
    scan = resting(environment, root)

    assert (wrong(environment, root), wrong(environment, scan)) == ([], [])
    result = environment.run("fetch", "payments")
    assert result.exit_code == 0
    assert f"approved under the exception of {root}, by the channel" in result.stderr
    assert "extended, because: not yet (until 1 Jan 2999, 00:00 UTC)" in result.stderr


@pytest.mark.parametrize(
    ("extensions", "says"),
    [
        ([{"extendedAt": "2026-01-02T09:59:30Z"}], "1.json: came too late"),
        ([{"expiresAt": END}], "1.json: does not extend"),
        ([{}, {"expiresAt": END}], "2.json: does not extend: the approval ended on 1 Jan 2999"),
        ([{"extendedAt": "9999-12-31T23:59:59Z"}], "1.json: came too late"),
        ([{"extendedAt": "0001-01-01T00:00:00Z", "expiresAt": PAST}], "1.json: does not extend"),
    ],
    ids=["late", "not longer", "shorter than the first", "the last date", "the first date"],
)
def test_an_extension_that_the_pipeline_would_refuse_is_found(environment, extensions, says):
    decision = {**APPROVED, "expiresAt": END}
    version = environment.upload(status="approved")
    scan = environment.scan(version, decision=decision, extensions=extensions)

    assert any(f"extensions/{says}" in item for item in wrong(environment, scan))


def test_the_pipeline_takes_back_what_its_uploader_approved_before(environment, root):
    scan = resting(environment, root, "withdrawn", withdrawal={"rule": "self-approval"})
    unknown = "withdrawal.json: names the rule self-approval, but no click says who approved"
    assert wrong(environment, scan) == [unknown]

    environment.click(root, "approve", "fixed in 1.5")

    assert wrong(environment, scan) == []


def test_an_extension_of_no_approval_is_found(environment, root):
    rejected = environment.scan(
        environment.upload(status="rejected"), decision={"decision": "rejected"}, extensions=[{}]
    )
    scan = resting(environment, root, extensions=[{}])

    for extended in (rejected, scan):
        assert wrong(environment, extended) == [
            "extensions/1.json: extends what people did not approve"
        ]


def test_a_removed_extension_is_found(environment):
    version = environment.upload(status="approved")
    scan = environment.scan(version, decision=APPROVED)
    document = {
        "version": 1, "scan": scan, "reason": "x", "extendedAt": LATER,
        "expiresAt": "2999-01-02T00:00:00Z",
        "evidence": {"decision.json": digest(encoded(environment.evidence(scan, "decision.json")))},
    }  # fmt: skip
    environment.put(scan, "extensions/2.json", document)

    assert wrong(environment, scan) == ["extensions/1.json: is missing; there is extensions/2.json"]


def test_a_decision_that_was_changed_is_found_by_its_extension(environment):
    version = environment.upload(status="approved")
    scan = environment.scan(
        version, decision=APPROVED, extensions=[{"expiresAt": "2999-01-02T00:00:00Z"}]
    )
    change(environment, scan, "decision.json", reason="none")

    assert wrong(environment, scan) == [
        "decision.json: was changed: it is not what extensions/1.json vouches for"
    ]


ADA, BOB = ("U0ADA0000", "Ada"), ("U0BOB0000", "Bob")
# Bob with the reason that Ada gave.
SAME = ("U0BOB0000", "Ada")


def by_two(environment, people=(ADA, BOB), clicks=(ADA, BOB), logged=(ADA, BOB), **parts):
    """A version that two people approved, each with the reason of their name."""
    approvals = [
        {"user": user, "userName": name, "reason": f"ok {name}", "approvedAt": LATER}
        for user, name in people
    ]
    decision = {**APPROVED, "reason": "ok Ada; ok Bob", "approvals": approvals}
    version = environment.upload(status="approved")
    scan = environment.scan(version, decision=decision, **parts)
    gate_result = digest(encoded(environment.evidence(scan, "gate-result.json")))
    for number, (_, name) in enumerate(clicks, 1):
        click = {"reason": f"ok {name}", "seconds": 86400, "approvedAt": LATER}
        document = {"version": 1, "scan": scan, **click}
        environment.put(
            scan,
            f"approvals/{number}.json",
            {**document, "evidence": {"gate-result.json": gate_result}},
        )
    for user, name in logged:
        environment.click(scan, "approve", f"ok {name}", name=name, user=user)
    return scan


def test_an_approval_by_two_people_is_sound_and_names_both(environment):
    scan = by_two(environment)

    assert wrong(environment, scan) == []
    assert (
        "approved by Ada (U0ADA0000) and Bob (U0BOB0000) on"
        in environment.run("fetch", "payments").stderr
    )


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ({"clicks": [ADA]}, "decision.json: names U0BOB0000, whose click is not in approvals/"),
        (
            {"people": [ADA, SAME], "clicks": [ADA], "logged": [ADA, SAME]},
            "decision.json: names U0BOB0000, whose click is not in approvals/",
        ),
        ({"logged": [BOB]}, "decision.json: names U0ADA0000, whose click is not in actions/"),
        ({"people": [ADA]}, "decision.json: does not name two people who approved"),
        ({"people": [ADA, ADA]}, "decision.json: does not name two people who approved"),
        ({"extensions": [LONGER]}, "extensions/1.json: extends alone what two people approved"),
    ],
    ids=["no click", "one click for both", "not in the log", "one", "one twice", "extended by one"],
)  # fmt: skip
def test_an_approval_by_less_than_two_people_is_found(environment, parts, says):
    assert says in wrong(environment, by_two(environment, **parts))


def test_a_click_of_one_person_is_evidence_before_the_second(environment):
    scan = environment.scan(environment.upload(status="failed"))
    gate_result = digest(encoded(environment.evidence(scan, "gate-result.json")))
    click = {"reason": "ok", "seconds": 86400, "approvedAt": LATER}
    document = {"version": 1, "scan": scan, **click, "evidence": {"gate-result.json": gate_result}}
    environment.put(scan, "approvals/1.json", document)
    assert wrong(environment, scan) == []

    change(environment, scan, "gate-result.json", reason="none")

    assert wrong(environment, scan) == [
        "gate-result.json: was changed: it is not what approvals/1.json vouches for"
    ]


def test_what_the_pipeline_took_back_names_the_click_of_who_approved(environment):
    version = environment.upload(status="withdrawn")
    scan = environment.scan(version, decision=APPROVED, withdrawal={"rule": "self-approval"})

    assert wrong(environment, scan) == [
        "withdrawal.json: names the rule self-approval, but no click says who approved"
    ]

    environment.click(scan, "approve", "fixed in 1.5")
    assert wrong(environment, scan) == []
    assert "withdrawn by the pipeline on" in environment.run("status", "payments", "--json").stdout


def rows(environment):
    return {row["scan"]: row for row in json.loads(environment.run("audit", "--json").stdout)}


def test_audit_says_on_what_an_approval_rests_who_extended_it_and_until_when(environment):
    ended = {**APPROVED, "expiresAt": END}
    version = environment.upload(status="approved")
    root = environment.scan(version, decision=ended, rules=["S2"], extensions=[{}])
    environment.click(root, "approve", "fixed in 1.5")
    environment.click(root, "extend", "not yet", name="Bob", user="U0BOB0000")
    scan = resting(environment, root)

    listed = rows(environment)

    names = ("decidedBy", "approvers", "restsOn", "expires", "extensions", "extendedBy")
    of_both = ("Ada (U0ADA0000)", 1), (FUTURE, 1, "Bob (U0BOB0000)")
    assert tuple(listed[root][name] for name in names) == (*of_both[0], "", *of_both[1])
    assert tuple(listed[scan][name] for name in names) == (*of_both[0], root, *of_both[1])
    assert f"under {root}, extended" in environment.run("audit").stdout


def test_audit_lists_a_withdrawn_exception_with_all_that_rests_on_it(environment, root):
    scan = resting(environment, root, "withdrawn")
    withdraw(environment, root, "2026-02-03T10:00:00Z")

    listed = json.loads(environment.run("audit", "--from", "2026-02-03", "--json").stdout)

    assert {row["scan"]: row["withdrawn"] for row in listed} == dict.fromkeys(
        (root, scan), "2026-02-03T10:00:00Z"
    )


def test_audit_lists_an_approval_for_the_day_on_which_it_was_extended(environment):
    extension = {**LONGER, "extendedAt": "2026-02-03T10:00:00Z"}
    scan = environment.scan("1", decision=APPROVED, extensions=[extension])

    def listed(day):
        days = ["--from", day, "--to", day]
        return [row["scan"] for row in json.loads(environment.run("audit", *days, "--json").stdout)]

    assert [listed("2026-02-02"), listed("2026-02-03")] == [[], [scan]]


def test_audit_counts_the_people_who_approved(environment):
    two = by_two(environment)
    one = environment.scan(environment.upload(), decision=APPROVED)
    rejected = environment.scan(environment.upload(), decision={"decision": "rejected"})

    listed = rows(environment)

    assert [listed[scan]["approvers"] for scan in (two, one, rejected)] == [2, 1, None]
    assert listed[two]["decidedBy"] == "Ada (U0ADA0000) and Bob (U0BOB0000)"


EVE = "AWS:AROAEXAMPLE:eve@example.com"


@pytest.mark.parametrize(
    ("people", "name", "verb", "warned"),
    [
        ({}, "Ada", "approve", False),
        ({}, "eve@example.com", "approve", True),
        ({"U0ADA0000": "Eve@example.com"}, "Ada", "approve", True),
        ({"U0ADA0000": "Eve@example.com"}, "Ada", "extend", True),
        ({"U0ADA0000": "AROAEXAMPLE"}, "Ada", "approve", True),
        ({"U0ADA0000": 7}, "Ada", "approve", False),
        ({"U0BOB0000": "eve@example.com"}, "Ada", "approve", False),
    ],
    ids=["another", "her address", "mapped", "extended", "her role", "a number", "mapped to Bob"],
)
def test_audit_warns_of_an_approval_by_who_uploaded(environment, people, name, verb, warned):
    outputs = json.loads(environment.outputs.read_text())
    environment.outputs.write_text(json.dumps({**outputs, "people": people}))
    version = environment.upload(status="approved")
    scan = environment.scan(
        version, decision=APPROVED, principal=EVE, extensions=[LONGER] if verb == "extend" else []
    )
    environment.click(scan, verb, "not yet" if verb == "extend" else "fixed in 1.5", name=name)

    assert bool(rows(environment)[scan]["warning"]) is warned
    assert ("⚠ decided by who uploaded it" in environment.run("audit").stdout) is warned


def test_audit_warns_of_a_version_under_an_exception_that_its_uploader_approved(environment, root):
    environment.click(root, "approve", "fixed in 1.5", name="eve@example.com")
    scan = resting(environment, root, principal=EVE)

    listed = rows(environment)

    assert [listed[one]["warning"] for one in (root, scan)] == ["", "⚠ decided by who uploaded it"]


def waits(environment, *scans, kind="exception", until=FUTURE):
    for scan in scans:
        request = {
            "scan": scan, "kind": kind, "token": "T", "sha256": "d" * 64, "expiresAt": until,
            "redrive": 0, "enteredAt": PAST, "retry": 0, "requestedAt": PAST,
        }  # fmt: skip
        environment.s3.put_object(
            Bucket="work", Key=f"waiting/{scan}.json", Body=json.dumps(request).encode()
        )
    result = environment.run("waiting", "--days", "900000", "--json")
    return json.loads(result.stdout)


def test_waiting_lists_an_exception_once_with_the_versions_under_it(environment, root):
    [item] = waits(environment, root, resting(environment, root), resting(environment, root))

    assert (item["scan"], item["covers"]) == (root, 2)
    result = environment.run("waiting", "--days", "900000")
    assert "fixed in 1.5 (2 later versions under it)" in result.stdout


def test_waiting_says_until_when_an_exception_was_extended(environment, soon):
    version = environment.upload(status="approved")
    decision = {**APPROVED, "expiresAt": soon}
    scan = environment.scan(version, decision=decision, extensions=[{}])

    assert [item["expires"] for item in waits(environment, scan, until=soon)] == [FUTURE]


def test_waiting_says_that_one_person_has_approved(environment):
    scan = environment.scan(environment.upload(status="failed"))
    gate_result = digest(encoded(environment.evidence(scan, "gate-result.json")))
    click = {"reason": "ok", "seconds": 86400, "approvedAt": LATER}
    document = {"version": 1, "scan": scan, **click, "evidence": {"gate-result.json": gate_result}}
    environment.put(scan, "approvals/1.json", document)

    [item] = waits(environment, scan, kind="decision")

    assert item["why"].endswith("; one person approved")


def test_status_names_the_exception_and_its_end(environment, root):
    scan = resting(environment, root)

    listed = json.loads(environment.run("status", "payments", "--json").stdout)

    row = next(item for item in listed if item["scan"] == scan)
    assert (row["status"], row["restsOn"], row["expires"]) == ("approved", root, FUTURE)
    assert f"the channel for {root}" in environment.run("status", "payments").stdout


def test_a_gate_that_an_exception_covers_is_followed_until_it_is_approved(
    environment, root, asked_first
):
    """For some seconds there is no decision, about which nobody is to decide."""
    now = timestamps.iso(timestamps.now())
    scan = resting(environment, root, "failed", evaluated_at=now, decision={"decidedAt": now})
    decision, reads = environment.evidence(scan, "decision.json"), []
    environment.s3.delete_object(Bucket="artifacts", Key=f"scans/{scan}/decision.json")

    def approve_later(operation, _parameters):
        if operation == "GetObjectTagging":
            reads.append(operation)
            if len(reads) == 2:
                environment.put(scan, "decision.json", decision)
                environment.tag("payments/api.zip", scan.partition("/")[2], "approved")

    asked_first(approve_later)
    result = environment.run("wait", scan, "--timeout", "20s")

    assert result.exit_code == 0, result.output
    assert f"approved under the exception of {root}" in result.stderr


def test_a_version_is_read_again_with_the_exception_that_it_rests_on(environment, root):
    scan = resting(environment, root)
    reader = Reader(stack.load(None, environment.outputs), scan)
    assert reader.read().clearance == "approved"

    withdraw(environment, root)
    environment.tag("payments/api.zip", scan.partition("/")[2], "withdrawn")
    snapshot = reader.read()

    assert (snapshot.clearance, snapshot.contradiction) == ("withdrawn", "")


def test_a_report_has_new_findings_first_and_names_what_they_are_compared_with(environment, root):
    version = environment.upload(status="failed")
    scan = environment.scan(version, rules=["S2", "S3", "S4"], since=root)
    change(environment, scan, "gate-result.json", exception=root)

    result = environment.run("report", scan)

    table = result.stdout
    assert f"Since {root} (api.zip, 1 Jan 2026): 2 new, 1 known, 1 fixed" in table
    assert [line.split()[:4:3] for line in table.splitlines() if "app.py:7" in line] == [
        ["new", "S3"], ["new", "S4"], ["known", "S2"], ["fixed", "S1"],
    ]  # fmt: skip
    assert f"{root} was approved by the channel on 1 Jan 2026, 11:00 UTC, because: fixed" in table

    changes = json.loads(environment.run("report", scan, "--json").stdout)["changes"]
    assert changes["since"] == root
    assert [item["rule"] for item in changes["new"]] == ["S3", "S4"]
    assert [item["rule"] for item in changes["fixed"]] == ["S1"]


def test_an_exception_that_is_over_is_not_named_beside_known_findings(environment, root):
    withdraw(environment, root)
    version = environment.upload(status="failed")
    scan = environment.scan(version, rules=["S2", "S3"], since=root)
    change(environment, scan, "gate-result.json", exception=root)

    table = environment.run("report", scan).stdout

    assert "1 new, 1 known, 1 fixed" in table
    assert "was approved" not in table


@pytest.mark.parametrize(
    "since", ["", "payments/none", "orders/1"], ids=["none", "gone", "another app"]
)
def test_a_report_without_anything_to_compare_with_lists_its_findings(environment, since):
    version = environment.upload(status="failed")
    scan = environment.scan(version, rules=["S2"], since=since)

    result = environment.run("report", scan)

    assert (result.exit_code, "S2" in result.stdout, "Since" in result.stdout) == (0, True, False)
    assert json.loads(environment.run("report", scan, "--json").stdout)["changes"] is None
