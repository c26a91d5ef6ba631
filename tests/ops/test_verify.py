"""verify finds every change to the evidence and to the clearance."""

import json

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from domain import timestamps
from ops.evidence_chain import Stored, findings
from tests.ops.conftest import FUTURE, LATER, PAST, coverage, digest, gate, uploaded

APPROVED = {"decision": "approved", "expiresAt": FUTURE}
WITHDRAWN = {"reason": "exploited"}
ADA = "AWS:AROAEXAMPLE:ada@example.com"
CLICK = {"reason": "known", "clickedAt": PAST, "user": "U1"}
CHAIN = (
    "scanner.log",
    "findings.json",
    "scan.json",
    "uploader.json",
    "report.json",
    "gate-result.json",
    "decision.json",
    "withdrawal.json",
)


@pytest.fixture
def scan(environment):
    """The whole chain: failed, approved, withdrawn."""
    version = environment.upload(status="withdrawn")
    return environment.scan(version, decision=APPROVED, withdrawal=WITHDRAWN, principal=ADA)


def findings_of(environment, *words):
    """The findings as ``file: problem``, and the exit code."""
    result = environment.run("verify", *words, "--json")
    expected = json.loads(result.stdout)["findings"]
    assert result.exit_code == (1 if expected else 0), result.output
    return [f"{item['file']}: {item['finding']}" for item in expected]


def replace(environment, scan, name, body):
    """Replace an object without a trace: only the new version is left."""
    key = f"scans/{scan}/{name}"
    listed = environment.s3.list_object_versions(Bucket="artifacts", Prefix=key)
    for version in listed.get("Versions", []):
        environment.s3.delete_object(Bucket="artifacts", Key=key, VersionId=version["VersionId"])
    if body is not None:
        environment.s3.put_object(Bucket="artifacts", Key=key, Body=body)


def body_of(environment, scan, name):
    key = f"scans/{scan}/{name}"
    return environment.s3.get_object(Bucket="artifacts", Key=key)["Body"].read()


def test_evidence_written_by_the_pipeline_is_valid(environment, scan):
    environment.click(scan, "approve", "known")

    assert findings_of(environment, scan) == []
    assert "1 scan, 9 files" in environment.run("verify", scan).stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", CHAIN[:-1])
def test_a_changed_document_is_found_by_what_vouches_for_it(environment, scan, name):
    body = body_of(environment, scan, name)
    replace(environment, scan, name, body.replace(b"s", b"z", 1) + b" ")

    changed = [item for item in findings_of(environment, scan) if item.startswith(name)]

    assert any("was changed" in item for item in changed), changed


@pytest.mark.slow
@pytest.mark.parametrize("name", CHAIN[:-1])
def test_a_removed_document_is_found(environment, scan, name):
    replace(environment, scan, name, None)

    assert any(
        item.startswith(name) and "missing" in item for item in findings_of(environment, scan)
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", CHAIN)
def test_a_document_that_was_written_twice_is_found(environment, scan, name):
    body = body_of(environment, scan, name)
    environment.s3.put_object(Bucket="artifacts", Key=f"scans/{scan}/{name}", Body=body)

    assert f"{name}: was written 2 times; the pipeline writes once" in findings_of(
        environment, scan
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", CHAIN)
def test_a_document_that_was_deleted_is_found_though_it_can_be_brought_back(
    environment, scan, name
):
    environment.s3.delete_object(Bucket="artifacts", Key=f"scans/{scan}/{name}")

    assert f"{name}: was deleted" in findings_of(environment, scan)


def test_a_removed_withdrawal_is_found_by_the_tag(environment, scan):
    replace(environment, scan, "withdrawal.json", None)

    assert findings_of(environment, scan) == [
        "tag scan-status: says withdrawn, but from the evidence follows approved"
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["notes.txt", "actions/a/b.json", "decision.json.bak", "notification.json"]
)
def test_a_file_that_the_pipeline_does_not_write_is_found(environment, scan, name):
    environment.put(scan, name, {"scan": scan})

    assert findings_of(environment, scan) == [f"{name}: nothing of the pipeline writes such a file"]


def test_evidence_of_another_scan_is_found(environment, scan):
    environment.put(scan, "actions/1.json", {"scan": "payments/other"})

    assert findings_of(environment, scan) == [
        "actions/1.json: is about another scan: payments/other"
    ]


@pytest.mark.parametrize(
    ("card", "about"),
    [
        ({"metadata": {"additionalContext": {"Scan": "payments/other"}}}, "payments/other"),
        ({"metadata": {"additionalContext": []}}, "None"),
        ({"metadata": 7}, "None"),
    ],
    ids=["another", "no context", "no metadata"],
)
def test_a_card_that_is_not_about_the_scan_is_found(environment, card, about):
    scan = environment.scan(environment.upload(status="failed"))
    gate_result = json.loads(body_of(environment, scan, "gate-result.json"))
    replace(
        environment, scan, "gate-result.json", json.dumps({**gate_result, "card": card}).encode()
    )

    assert findings_of(environment, scan) == [
        f"gate-result.json: its card is about another scan: {about}"
    ]


def test_a_report_that_came_after_its_gate_result_is_found(environment):
    version = environment.upload(status="error")
    scan = environment.scan(version, status="error")
    gate_result = json.loads(body_of(environment, scan, "gate-result.json"))
    del gate_result["evidence"]["report.json"]
    replace(environment, scan, "gate-result.json", json.dumps(gate_result).encode())

    assert findings_of(environment, scan) == [
        "report.json: gate-result.json does not know it: it came later"
    ]


def test_a_gate_result_that_contradicts_the_report_is_found(environment):
    version = environment.upload(status="passed")
    scan = environment.scan(version, status="failed")
    gate_result = json.loads(body_of(environment, scan, "gate-result.json"))
    replace(
        environment,
        scan,
        "gate-result.json",
        json.dumps({**gate_result, "status": "passed"}).encode(),
    )

    assert findings_of(environment, scan) == [
        "gate-result.json: says passed, but the report says failed"
    ]


def condition(**changed):
    """The conditions of a gate that passed, the one on unanalysed files changed."""
    passed = gate("passed")
    passed["conditions"][-1] |= changed
    return passed


@pytest.mark.slow
@pytest.mark.parametrize(
    ("report", "why"),
    [
        ({"coverage": None}, "it has a gate, but does not say which files were analysed"),
        ({"coverage": coverage(analysed=0)}, "its gate passed, but no file was analysed"),
        (
            {"coverage": coverage(unanalysed=2)},
            "its gate counts 0 unanalysed files, its coverage 2",
        ),
        (
            {"coverage": coverage(unanalysed=2), "gate": condition(actual="2")},
            "2 unanalysed files, at most 0: its gate says otherwise",
        ),
        (
            {
                "coverage": coverage(opaque=1),
                "gate": condition(metric="opaque_files", actual="1", comparator="<"),
            },
            "1 opaque file, at most 0: its gate says otherwise",
        ),
        (
            {"coverage": coverage(unanalysed=2), "gate": condition(actual="2", status="error")},
            "its gate is not what follows from its conditions",
        ),
        ({"gate": {**gate("passed"), "conditions": []}}, "its gate evaluated nothing"),
        ({"coverage": {}}, "it is not in the form of a report: KeyError('counts')"),
    ],
    ids=[
        "no coverage",
        "nothing analysed",
        "not counted by the gate",
        "counted, but passed",
        "opaque",
        "failed, but passed",
        "no conditions",
        "no counts",
    ],
)
def test_a_pass_that_its_report_does_not_bear_out_is_found_though_each_vouches_for_the_other(
    environment, report, why
):
    scan = environment.scan(environment.upload(status="passed"), "passed", **report)

    assert findings_of(environment, scan) == [
        f"report.json: does not bear out that the gate passed: {why}"
    ]


def test_a_failed_gate_that_its_report_does_not_bear_out_is_found(environment):
    """The gate result hides unanalysed files from the people who approve."""
    version = environment.upload(status="approved")
    scan = environment.scan(version, decision=APPROVED, coverage=coverage(unanalysed=2))

    assert findings_of(environment, scan) == [
        "report.json: does not bear out that the gate failed: "
        "its gate counts 0 unanalysed files, its coverage 2"
    ]


@pytest.mark.parametrize(
    ("status", "unanalysed", "most"),
    [("passed", 0, 0), ("passed", 2, 2), ("failed", 3, 2)],
)
def test_a_gate_that_follows_from_its_coverage_is_sound(environment, status, unanalysed, most):
    scan = environment.scan(
        environment.upload(status=status),
        status,
        coverage=coverage(unanalysed=unanalysed, opaque=9, otherLanguage=9),
        gate=gate(status, unanalysed, most),
    )

    assert findings_of(environment, scan) == []


@pytest.mark.parametrize(
    ("status", "decision", "withdrawal", "finding"),
    [
        ("passed", APPROVED, None, "decision.json: decides about a scan that is passed"),
        ("error", APPROVED, None, "decision.json: decides about a scan that is error"),
        (
            "failed",
            {"decision": "rejected"},
            WITHDRAWN,
            "withdrawal.json: withdraws what was not approved",
        ),
    ],
    ids=["passed", "broken", "never approved"],
)
def test_documents_that_do_not_follow_from_each_other_are_found_though_each_vouches_for_the_other(
    environment, status, decision, withdrawal, finding
):
    version = environment.upload(status=decision["decision"])
    scan = environment.scan(version, status, decision, withdrawal)

    assert finding in findings_of(environment, scan)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ({"versionId": "another"}, "scan.json: names an upload that is not this scan's"),
        ({"app": "orders"}, "scan.json: names an upload that is not this scan's"),
        ({"attempt": 2}, "scan.json: names an upload that is not this scan's"),
        ({"bucket": "elsewhere"}, "scan.json: names another bucket: elsewhere"),
    ],
    ids=["version", "app", "attempt", "bucket"],
)
def test_a_scan_that_claims_the_clearance_of_another_upload_is_found(
    environment, scan, change, finding
):
    opened = json.loads(body_of(environment, scan, "scan.json"))
    replace(environment, scan, "scan.json", json.dumps({**opened, **change}).encode())

    assert finding in findings_of(environment, scan)


@pytest.mark.parametrize(
    ("tag", "status", "decision", "follows"),
    [
        ("passed", "failed", None, "failed"),
        ("approved", "failed", {"decision": "rejected"}, "rejected"),
        ("approved", "failed", {**APPROVED, "expiresAt": LATER}, "approval-expired"),
        ("approved", "failed", {"decision": "superseded"}, "superseded"),
        ("passed", "error", None, "error"),
        ("", "passed", None, "passed"),
    ],
    ids=["never decided", "rejected", "past its end", "superseded", "broken", "no tag"],
)
def test_a_tag_that_does_not_follow_from_the_evidence_is_found(
    environment, tag, status, decision, follows
):
    scan = environment.scan(environment.upload(status=tag), status, decision)

    assert findings_of(environment, scan) == [
        f"tag scan-status: says {tag or 'nothing'}, but from the evidence follows {follows}"
    ]


def test_a_tag_may_lag_behind_the_evidence_for_some_minutes(environment, now):
    version = environment.upload(status="failed")
    scan = environment.scan(version, decision={"decision": "rejected", "decidedAt": now})

    assert findings_of(environment, scan) == []


def test_the_tag_of_a_version_that_was_scanned_again_is_the_last_scans(environment):
    version = environment.upload(status="passed")
    environment.scan(version, status="error")
    environment.scan(version, status="passed", attempt=2)

    assert findings_of(environment, "--app", "payments") == []


def test_a_scan_that_failed_between_two_others_does_not_hide_the_last(environment):
    version = environment.upload(status="passed")
    environment.scan(version, status="error")
    interrupted = environment.scan(version, status="error", attempt=2)
    replace(environment, interrupted, "gate-result.json", None)
    environment.scan(version, status="passed", attempt=3)

    assert findings_of(environment, "--app", "payments") == []


def test_the_tag_may_be_that_of_the_previous_attempt_just_after_the_evaluation(environment, now):
    version = environment.upload(status="rejected")
    environment.scan(version, decision={"decision": "rejected"})
    environment.scan(version, status="passed", attempt=2, evaluated_at=now)

    assert findings_of(environment, "--all") == []

    environment.tag("payments/api.zip", version, "passed")
    assert findings_of(environment, "--all") == []

    environment.tag("payments/api.zip", version, "approved")
    assert findings_of(environment, "--all") == [
        "tag scan-status: says approved, but from the evidence follows passed"
    ]


def test_the_tag_of_the_previous_attempt_is_wrong_after_some_minutes(environment):
    version = environment.upload(status="rejected")
    environment.scan(version, decision={"decision": "rejected"})
    environment.scan(version, status="passed", attempt=2)

    assert findings_of(environment, "--all") == [
        "tag scan-status: says rejected, but from the evidence follows passed"
    ]


def test_while_the_next_attempt_is_scanned_the_tag_is_that_of_the_one_before(environment):
    version = environment.upload(status="rejected")
    environment.scan(version, decision={"decision": "rejected"})
    running = environment.scan(version, status="error", attempt=2)
    replace(environment, running, "gate-result.json", None)

    assert findings_of(environment, "--all") == []

    environment.tag("payments/api.zip", version, "approved")
    assert findings_of(environment, "--all") == [
        "tag scan-status: says approved, but from the evidence follows rejected"
    ]


@pytest.mark.slow
def test_the_tenth_attempt_comes_after_the_ninth(environment):
    version = environment.upload(status="passed")
    for attempt in range(1, 10):
        environment.scan(version, status="error", attempt=attempt)
    environment.scan(version, status="passed", attempt=10)

    assert findings_of(environment, "--all") == []


def test_an_attempt_that_ended_in_error_is_what_the_tag_says(environment):
    version = environment.upload(status="error")
    environment.scan(version, decision={"decision": "rejected"})
    environment.scan(version, status="error", attempt=2)

    assert findings_of(environment, "--all") == []


def test_attempts_on_two_pages_of_the_listing_are_all_checked(environment, small_pages):
    version = environment.upload(status="passed")
    for attempt in (1, 2):
        environment.scan(version, status="error", attempt=attempt)
    environment.scan(version, status="passed", attempt=3)
    small_pages(4)

    assert findings_of(environment, "--all") == []


@pytest.mark.slow
@pytest.mark.parametrize("folder", [".1", ".0", ".02", ".two", ".2.3"])
def test_a_folder_that_is_no_attempt_hides_no_tag(environment, folder):
    version = environment.upload(status="approved")
    scan = environment.scan(version)
    environment.put(f"{scan}{folder}", "gate-result.json", {"scan": f"{scan}{folder}"})

    assert "tag scan-status: says approved, but from the evidence follows failed" in findings_of(
        environment, scan
    )


def test_a_scan_that_continues_while_it_is_verified_is_no_finding(environment, asked_first):
    """It is decided and tagged between the listing of its evidence and the read of its tag."""
    version = environment.upload(status="failed")
    scan = environment.scan(version)
    gone_on = []

    def go_on(operation, _):
        if operation == "GetObjectTagging" and not gone_on:
            gone_on.append(operation)
            environment.put(scan, "decision.json", decided(environment, scan, decision="rejected"))
            environment.tag("payments/api.zip", version, "rejected")

    asked_first(go_on)

    assert findings_of(environment, scan) == []
    assert gone_on


def test_a_scan_that_becomes_wrong_while_it_is_verified_is_found(environment, asked_first):
    version = environment.upload(status="failed")
    scan = environment.scan(version)

    def go_on(operation, _):
        if operation == "GetObjectTagging":
            environment.tag("payments/api.zip", version, "approved")

    asked_first(go_on)

    assert findings_of(environment, scan) == [
        "tag scan-status: says approved, but from the evidence follows failed"
    ]


def decided(environment, scan, **changed):
    """A decision that names the SHA-256 of the gate result."""
    gate_result = digest(body_of(environment, scan, "gate-result.json"))
    return {
        "version": 1,
        "scan": scan,
        "reason": "known",
        "decidedAt": LATER,
        "expiresAt": None,
        "evidence": {"gate-result.json": gate_result},
        **changed,
    }


@pytest.mark.parametrize("tag", ["withdrawn", "approval-expired"])
def test_a_withdrawal_in_the_last_second_leaves_either_tag(environment, tag):
    version = environment.upload(status=tag)
    decision = {"decision": "approved", "decidedAt": PAST, "expiresAt": LATER}
    withdrawal = {**WITHDRAWN, "withdrawnAt": LATER}
    scan = environment.scan(version, decision=decision, withdrawal=withdrawal)

    assert findings_of(environment, scan) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "document", "what"),
    [
        ("scan.json", b"[]", "is no JSON object"),
        ("gate-result.json", {"evaluatedAt": 7}, "does not say what it must: status is missing"),
        ("decision.json", {"decision": "approved"}, "does not say what it must: reason is missing"),
        ("withdrawal.json", {}, "does not say what it must: reason is missing"),
        ("gate-result.json", {"card": "a card"}, "does not say what it must: status is missing"),
        ("actions/1.json", {**CLICK, "action": 7}, "does not say what it must: action is 7"),
    ],
)
def test_invalid_evidence_is_a_finding_and_the_others_are_verified(
    environment, scan, name, document, what
):
    odd = environment.scan(environment.upload(status="failed"))
    body = document if isinstance(document, bytes) else {"version": 1, "scan": odd, **document}
    replace(environment, odd, name, None)
    environment.put(odd, name, body)

    result = environment.run("verify", "--all", "--json")
    findings = json.loads(result.stdout)["findings"]

    assert (result.exit_code, {finding["scan"] for finding in findings}) == (1, {odd})
    assert {"scan": odd, "file": name, "finding": what} in findings


def test_evidence_that_is_deleted_while_it_is_read_stops_nothing(environment, scan, asked_first):
    key = f"scans/{scan}/withdrawal.json"

    def take_away(operation, parameters):
        if operation == "GetObject" and parameters["Key"] == key:
            replace(environment, scan, "withdrawal.json", None)

    asked_first(take_away)

    assert findings_of(environment, scan) == [
        "tag scan-status: says withdrawn, but from the evidence follows approved"
    ]


@pytest.mark.parametrize("code", ["NoSuchVersion", "InvalidArgument", "MethodNotAllowed"])
def test_a_version_that_s3_does_not_know_is_gone(environment, scan, asked_first, code):
    def unknown(operation, _):
        if operation == "GetObjectTagging":
            raise ClientError({"Error": {"Code": code, "Message": ""}}, operation)

    asked_first(unknown)

    assert findings_of(environment, scan) == []


def test_an_upload_that_was_deleted_since_is_no_finding(environment):
    scan = environment.scan("Gone0123456789")

    assert findings_of(environment, scan) == []


def test_all_scans_of_all_apps_are_checked_at_once(environment, scan):
    sound = environment.upload("orders.zip", status="passed")
    environment.scan(sound, status="passed", key="orders.zip")
    environment.put(scan, "notes.txt", b"x")

    result = environment.run("verify", "--all")

    assert result.exit_code == 1
    assert "1 finding in 2 scans" in result.stderr
    assert scan in result.stdout
    assert sound not in result.stdout
    assert environment.run("verify", "--app", "orders").exit_code == 0


def test_evidence_on_two_pages_of_the_listing_is_checked_completely(environment, scan, small_pages):
    environment.click(scan, "approve", "known")
    small_pages(3)

    assert findings_of(environment, scan) == []


def test_objects_that_belong_to_no_scan_are_found(environment, scan):
    environment.s3.put_object(Bucket="artifacts", Key="scans/payments/loose.json", Body=b"{}")

    assert any("loose.json" in item for item in findings_of(environment, "--all"))


@pytest.mark.parametrize(
    ("words", "code"),
    [([], 2), (["a/b", "--all"], 2), (["not-an-id"], 2), (["payments/unknown"], 1)],
    ids=["none", "two", "no id", "no such scan"],
)
def test_a_failed_verification_is_reported_with_a_message(environment, words, code):
    result = environment.run("verify", *words)

    assert result.exit_code == code
    assert result.stderr.startswith("✘")


def test_an_uploader_that_was_recorded_late_is_vouched_for_by_nothing_and_valid(environment):
    version = environment.upload(status="failed")
    scan = environment.scan(version)
    late = uploaded(scan, "payments/api.zip", version, ADA)

    environment.put(scan, "uploader.json", late)

    assert findings_of(environment, scan) == []


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"bucket": "other"}, "is about another bucket: other"),
        ({"key": "payments/b.zip"}, "is about another key: payments/b.zip"),
        ({"versionId": "v0"}, "is about another versionId: v0"),
        ({"principalId": ""}, "does not say what it must: principalId is ''"),
        ({"scan": "payments/v0"}, "is about another scan: payments/v0"),
    ],
)
def test_an_uploader_of_another_upload_is_found(environment, change, wrong):
    version = environment.upload(status="failed")
    scan = environment.scan(version)
    late = uploaded(scan, "payments/api.zip", version, ADA)

    environment.put(scan, "uploader.json", {**late, **change})

    assert findings_of(environment, scan) == [f"uploader.json: {wrong}"]


def test_a_further_attempt_has_no_uploader_of_its_own(environment):
    version = environment.upload(status="failed")
    environment.scan(version, principal=ADA)
    again = environment.scan(version, attempt=2)
    assert findings_of(environment, "--all") == []

    environment.put(again, "uploader.json", uploaded(again, "payments/api.zip", version, ADA))

    assert findings_of(environment, again) == [
        "uploader.json: is of a further attempt; only the first has one"
    ]


def test_an_upload_whose_scan_has_not_begun_is_found_after_a_while(environment):
    """Its event started no execution, or its evidence was removed."""
    for version, at in (("v1", timestamps.iso(timestamps.now())), ("v2", PAST)):
        scan = f"payments/{version}"
        document = uploaded(scan, "payments/api.zip", version, ADA, at)
        environment.put(scan, "uploader.json", document)

    missing = ["scan.json: is missing; every scan begins with it"]
    assert findings_of(environment, "payments/v1") == []
    assert findings_of(environment, "payments/v2") == missing


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["scan", "status", "evidence", "gate", "metadata"]), inner
        )
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(CHAIN), anything))
def test_any_document_is_evaluated_without_a_crash(documents):
    files = {
        name: Stored(body=json.dumps(document).encode()) for name, document in documents.items()
    }

    assert list(findings("payments/1", files)) != []
