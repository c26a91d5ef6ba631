"""The validator of the standard library says what jsonschema says."""

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import decisions, timestamps
from domain.findings import SEVERITIES
from domain.schema import SCHEMAS, errors, load

EVENTS = SCHEMAS.parents[1] / "tests" / "events"
NAMES = sorted(path.name.removesuffix(".schema.json") for path in SCHEMAS.glob("*.json"))
TIME, SHA256 = "2026-11-24T10:00:00Z", "0" * 64
HEAD = {"version": 1, "scan": "payments/3sL4kqtJlcpXroDTDmJ"}
SOUND: dict[str, Any] = {
    "scan": {
        **HEAD, "attempt": 1, "app": "payments", "bucket": "b", "key": "payments/api.zip",
        "versionId": "v", "etag": "e", "size": 3, "uploadedAt": TIME, "requester": "1",
        "execution": "arn:e",
    },
    "uploader": {
        **HEAD, "bucket": "b", "key": "payments/api.zip", "versionId": "v",
        "principalId": "AWS:AROAEXAMPLE:ada@example.com", "sourceIp": "192.0.2.1",
        "operation": "ObjectCreated:Put", "requestId": "D82B88E5F771F645", "uploadedAt": TIME,
    },
    "findings": {
        **HEAD, "app": "payments", "counts": dict.fromkeys(SEVERITIES, 1), "omitted": 4,
        "findings": [{
            "rule": "B602", "severity": "HIGH", "message": "m", "file": "a.py", "line": 1,
            "link": "https://example.com",
        }],
    },
    "report": json.loads((EVENTS / "report-failed.json").read_text()),
    "gate-result": {
        **HEAD, "status": "failed", "reason": "HIGH", "retryable": True, "evaluatedAt": TIME,
        "card": None, "evidence": {"scan.json": SHA256}, "since": HEAD["scan"],
        "exception": HEAD["scan"], "restsOn": HEAD["scan"], "thread": HEAD["scan"],
    },
    "decision": decisions.decision(
        HEAD["scan"], SHA256, timestamps.parse(TIME), decision="approved", reason="known",
        expires_at=timestamps.parse(TIME), rests_on={"scan": HEAD["scan"], "decision.json": SHA256},
        approvals=[{"user": "U0", "userName": "Ada", "reason": "known", "approvedAt": TIME}],
    ),
    "approval": {
        **HEAD, "reason": "known", "seconds": 60, "approvedAt": TIME,
        "evidence": {"gate-result.json": SHA256},
    },
    "extension": {
        **HEAD, "reason": "still", "extendedAt": TIME, "expiresAt": TIME,
        "evidence": {"decision.json": SHA256},
    },
    "withdrawal": {
        **HEAD, "reason": "no", "withdrawnAt": TIME, "evidence": {"decision.json": SHA256},
    },
    "action": {**HEAD, "user": "U0", "action": "approve", "reason": "", "clickedAt": TIME},
    "waiting": {
        "scan": HEAD["scan"], "kind": "decision", "token": "t", "sha256": SHA256,
        "expiresAt": TIME, "redrive": 0, "enteredAt": TIME, "retry": 0, "requestedAt": TIME,
        "known": {"status": "open", "approvals": 0},
    },
    "app-record": {
        "version": 1, "app": "payments", "exceptions": [HEAD["scan"]], "last": {
            "scan": HEAD["scan"], "key": "payments/api.zip", "versionId": "v", "attempt": 1,
            "status": "failed", "uploadedAt": TIME, "evaluatedAt": TIME,
        },
    },
    "thread-slot": {"scan": HEAD["scan"], "app": "payments", "causes": ["HIGH"]},
    "thread-digest": {"scan": HEAD["scan"], "since": TIME, "card": {}},
}  # fmt: skip
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 10**4) | st.floats() | st.text(max_size=5)
    | st.sampled_from([TIME, "2026-02-30T10:00:00Z", SHA256, "passed", "approved", "error", 1.0]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)  # fmt: skip


def expected(document: Any, name: str) -> bool:
    checker = jsonschema.FormatChecker([])
    checker.checks("date-time", ValueError)(
        lambda value: bool(timestamps.parse(value)) if isinstance(value, str) else True
    )
    return jsonschema.Draft202012Validator(load(name), format_checker=checker).is_valid(document)


def positions(document: Any) -> list[tuple[Any, Any]]:
    """Each (container, key) of a document."""
    here = (
        list(document) if isinstance(document, dict)
        else list(range(len(document))) if isinstance(document, list) else []
    )  # fmt: skip
    return [(document, item) for item in here] + [
        place for item in here for place in positions(document[item])
    ]


def test_each_schema_has_a_document_here():
    assert sorted(SOUND) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_is_one_and_its_document_is_sound(name: str):
    jsonschema.Draft202012Validator.check_schema(load(name))

    assert list(errors(SOUND[name], load(name))) == []
    assert expected(SOUND[name], name)


@pytest.mark.parametrize("name", NAMES)
@given(st.data())
def test_both_validators_agree_on_every_change(name: str, data: st.DataObject):
    document = json.loads(json.dumps(SOUND[name]))
    container, key = data.draw(st.sampled_from(positions(document)))
    match data.draw(st.sampled_from(["change", "remove", "add"])):
        case "change":
            container[key] = data.draw(anything)
        case "remove":
            del container[key]
        case _ if isinstance(container, dict):
            container[data.draw(st.text(max_size=3))] = data.draw(anything)

    assert (not list(errors(document, load(name)))) == expected(document, name)


@pytest.mark.parametrize("decision", ["rejected", "superseded", "request-expired"])
def test_only_an_approval_expires(decision: str):
    document = {**SOUND["decision"], "decision": decision}

    assert list(errors(document, load("decision"))) == [("expiresAt", f"is '{TIME}'")]
    assert list(errors({**document, "expiresAt": None}, load("decision"))) == []


def test_each_kind_of_decision_has_its_form():
    now = timestamps.parse(TIME)
    for document in (
        decisions.superseded(HEAD["scan"], SHA256, now, "v2"),
        decisions.request_expired(HEAD["scan"], SHA256, now),
    ):
        assert list(errors(document, load("decision"))) == []
