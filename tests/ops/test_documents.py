"""Documents are accepted only in the form in which the pipeline writes them."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import timestamps
from ops import approval_checks, resting
from ops.clearance import expected_clearance
from ops.documents import LONGEST, InvalidDocument, parse
from ops.evidence_chain import Stored
from ops.scan_documents import Scan, parsed
from tests.ops.conftest import FUTURE, LATER, PAST

SCAN = "payments/1"
SHA256 = "0" * 64
OPENED = {
    "version": 1,
    "app": "payments",
    "bucket": "uploads",
    "key": "payments/api.zip",
    "versionId": "1",
    "attempt": 1,
    "etag": "e",
    "size": 3,
    "uploadedAt": PAST,
    "requester": "123456789012",
    "execution": "arn:1",
}
SOUND = {
    "scan.json": OPENED,
    "report.json": {},
    "gate-result.json": {
        "version": 1, "status": "failed", "reason": "HIGH", "retryable": True,
        "evaluatedAt": PAST, "card": {}, "evidence": {"scan.json": SHA256},
    },
    "decision.json": {
        "version": 1, "decision": "approved", "reason": "known", "decidedAt": LATER,
        "expiresAt": FUTURE, "evidence": {"gate-result.json": SHA256},
    },
    "withdrawal.json": {
        "version": 1, "reason": "exploited", "withdrawnAt": LATER,
        "evidence": {"decision.json": SHA256},
    },
    "extensions/1.json": {
        "version": 1, "reason": "not yet", "extendedAt": LATER, "expiresAt": FUTURE,
        "evidence": {"decision.json": SHA256},
    },
    "approvals/1.json": {
        "version": 1, "reason": "known", "seconds": 60, "approvedAt": LATER,
        "evidence": {"gate-result.json": SHA256},
    },
    "actions/1.json": {
        "version": 1, "action": "approve", "reason": "known", "clickedAt": LATER, "user": "U0",
        "userName": "Ada",
    },
    "waiting/": {
        "kind": "decision", "token": "t", "sha256": SHA256, "expiresAt": FUTURE, "redrive": 0,
        "enteredAt": PAST, "retry": 0, "requestedAt": PAST,
    },
}  # fmt: skip


ANY = ("card", "evidence", "redrive", "retry", "retryable", "size", "attempt", "seconds")
# What a decision may have besides: what it rests on, or several people.
MORE = [
    {},
    {"restsOn": {"scan": "payments/0", "decision.json": SHA256}},
    {"approvals": [{"user": "U0", "reason": "known", "approvedAt": LATER}]},
]


def encoded(name, **changed):
    return json.dumps({"scan": SCAN, **SOUND[name], **changed}).encode()


@pytest.mark.parametrize("name", SOUND)
def test_documents_written_by_the_pipeline_are_accepted(name):
    assert parse(name, encoded(name), SCAN) == {"scan": SCAN, **SOUND[name]}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"no json", "is no JSON object"),
        (b"\xff\xfe", "is no JSON object"),
        (b"[" * 100_000, "is no JSON object"),
        (b"[]", "is no JSON object"),
        (b"null", "is no JSON object"),
        (b"{}", "is about another scan: None"),
        (b'{"scan": "payments/2"}', "is about another scan: payments/2"),
        (b" " * (LONGEST + 1), "is larger than 1,048,576 bytes"),
    ],
    ids=["no JSON", "no text", "nested", "a list", "null", "no scan", "another scan", "huge"],
)
@pytest.mark.parametrize("name", [name for name in SOUND if name != "report.json"])
def test_a_document_of_another_scan_or_form_is_invalid(name, body, says):
    with pytest.raises(InvalidDocument, match=f"^{says}$"):
        parse(name, body, SCAN)


@pytest.mark.parametrize(
    ("name", "field"),
    [
        (name, field)
        for name, document in SOUND.items()
        for field in document
        # For some types any value is possible; "evidence" is reported by its content.
        if field not in ANY
    ],
)
@pytest.mark.parametrize("value", [None, 7, ["x"], {"x": 1}, True, 1e999])
def test_a_field_of_another_type_is_invalid_and_named(name, field, value):
    with pytest.raises(InvalidDocument, match=f"does not say what it must: {field} is "):
        parse(name, encoded(name, **{field: value}), SCAN)


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("scan.json", {"attempt": 0}),
        ("scan.json", {"attempt": True}),
        ("scan.json", {"attempt": "2"}),
        ("scan.json", {"key": ""}),
        ("scan.json", {"versionId": ""}),
        ("gate-result.json", {"status": "PASSED"}),
        ("decision.json", {"decision": "withdrawn"}),
        ("decision.json", {"expiresAt": None}),
        ("decision.json", {"expiresAt": 7}),
        ("decision.json", {"decidedAt": "tomorrow"}),
        ("actions/1.json", {"userName": 7}),
        ("waiting/", {"expiresAt": None}),
        ("waiting/", {"kind": "lunch"}),
    ],
)
def test_a_value_that_the_pipeline_never_writes_is_invalid(name, changed):
    with pytest.raises(InvalidDocument):
        parse(name, encoded(name, **changed), SCAN)


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-01",
        "2026-13-01T10:00:00Z",
        "2026-02-30T10:00:00Z",
        "2026-01-01T10:00:00",
        "2026-01-01T10:00:00+02:00",
        "2026-01-01 10:00:00Z",
        "٢٠٢٦-01-01T10:00:00Z",
        "0000-01-01T10:00:00Z",
        "2026-W01-1T10:00:00Z",
    ],
)
def test_a_date_in_another_form_is_invalid(text):
    with pytest.raises(InvalidDocument, match="evaluatedAt is "):
        parse("gate-result.json", encoded("gate-result.json", evaluatedAt=text), SCAN)


@given(st.datetimes(timezones=st.just(UTC)).filter(lambda when: when.year >= 1000))
def test_every_timestamp_that_the_pipeline_can_write_is_valid(when):
    parse("gate-result.json", encoded("gate-result.json", evaluatedAt=timestamps.iso(when)), SCAN)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30)
    | st.sampled_from([PAST, LATER, FUTURE, "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
    | st.sampled_from(["passed", "failed", "approved", "rejected", "approve", SCAN]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)  # fmt: skip


def drawn(data, scan):
    """Documents of ``scan``, each with at most one changed and one missing field."""
    bodies = {}
    for name in data.draw(st.sets(st.sampled_from([item for item in SOUND if "." in item]))):
        fields = data.draw(st.sets(st.sampled_from([*SOUND[name], "upload"]), max_size=1))
        changed = {field: data.draw(anything) for field in fields}
        more = data.draw(st.sampled_from(MORE)) if name == "decision.json" else {}
        document = {"scan": scan, **SOUND[name], **more, **changed}
        document.pop(data.draw(st.sampled_from(["", *SOUND[name]])), None)
        bodies[name] = json.dumps(document).encode()
    return bodies


@given(st.data())
def test_any_document_is_either_invalid_or_can_be_described_and_evaluated(data):
    """Readers of a parsed document can rely on what was checked."""
    bodies, of_root = drawn(data, SCAN), drawn(data, "payments/0")

    scan = parsed(SCAN, bodies)
    if data.draw(st.booleans()):
        scan = replace(scan, root=parsed("payments/0", of_root))
    files = {name: Stored(body=body) for name, body in bodies.items()}
    root_files = {name: Stored(body=body) for name, body in of_root.items()}

    for status in (
        "passed",
        "approved",
        "rejected",
        "approval-expired",
        "withdrawn",
        "failed",
        "x",
        None,
    ):
        assert scan.explanation(status)
    follows, allowed = expected_clearance(scan, datetime.now(UTC))
    assert follows in allowed
    assert isinstance(scan.decided_by + scan.withdrawn_by + scan.extended_by + scan.expires, str)
    assert isinstance(scan.is_self_approved({"U0": "ada@example.com"}), bool)
    assert all(approval_checks.findings(scan))
    assert scan.rests_on == "" or all(resting.findings(scan, files, root_files))
    assert set(scan.invalid) <= set(bodies)


def test_an_invalid_report_is_left_to_its_readers():
    scan = parsed(
        SCAN, {"report.json": b"no json", "gate-result.json": encoded("gate-result.json")}
    )

    assert (scan.report, scan.invalid_evidence) == (None, "")
    assert scan.invalid == {"report.json": "is no JSON object"}


def test_an_invalid_document_is_named_by_file():
    scan = parsed(SCAN, {"gate-result.json": b"[]", "decision.json": b"7"})

    assert (
        scan.invalid_evidence
        == "gate-result.json is no JSON object; decision.json is no JSON object"
    )
    assert (scan.gate_result, scan.decision) == (None, None)


def test_a_scan_without_evidence_has_no_clearance():
    assert expected_clearance(Scan(id=SCAN), datetime.now(UTC)) == (None, {None})
