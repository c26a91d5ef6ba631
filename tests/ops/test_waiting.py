"""waiting lists open requests and expiring approvals, and nothing that has ended."""

import json

import pytest

from tests.ops.conftest import FUTURE, LATER, PAST

APPROVED = {"decision": "approved", "reason": "fixed in 1.5", "expiresAt": FUTURE}
TOKEN = {
    "kind": "decision",
    "token": "SECRET",
    "sha256": "d" * 64,
    "expiresAt": FUTURE,
    "redrive": 0,
    "enteredAt": PAST,
    "retry": 0,
    "requestedAt": PAST,
}


def wait(environment, scan, what="decision", until=FUTURE):
    requests = {**TOKEN, "scan": scan, "expiresAt": until, "kind": what}
    environment.s3.put_object(
        Bucket="work", Key=f"waiting/{scan}.json", Body=json.dumps(requests).encode()
    )


def listed(environment, *words):
    result = environment.run("waiting", "--json", *words)
    assert result.exit_code == 0, result.output
    assert "SECRET" not in result.output
    return json.loads(result.stdout)


def test_an_undecided_request_is_listed_with_reason_and_deadline(environment):
    scan = environment.scan("1")
    wait(environment, scan)

    assert listed(environment) == [
        {
            "scan": scan,
            "what": "decision",
            "key": "payments/api.zip",
            "since": PAST,
            "expires": FUTURE,
            "why": "The quality gate failed: HIGH",
            "restsOn": "",
            "covers": 0,
        }
    ]
    assert "1 scan waiting for a decision" in environment.run("waiting").stderr


@pytest.mark.parametrize(
    ("decision", "what", "until"),
    [
        ({"decision": "rejected"}, "decision", FUTURE),
        (None, "decision", LATER),
        (APPROVED, "exception", LATER),
    ],
    ids=["decided", "timed out", "ended"],
)
def test_closed_requests_are_not_listed(environment, decision, what, until):
    wait(environment, environment.scan("1", decision=decision), what, until)

    assert listed(environment) == []


def test_an_exception_that_was_withdrawn_is_not_listed(environment):
    scan = environment.scan("1", decision=APPROVED, withdrawal={"reason": "exploited"})
    wait(environment, scan, "exception")

    assert listed(environment, "--days", "900000") == []


def test_an_exception_is_listed_when_it_expires_soon(environment, soon):
    decision = {**APPROVED, "expiresAt": soon}
    wait(environment, environment.scan("1", decision=decision), "exception", soon)

    assert [item["why"] for item in listed(environment)] == ["fixed in 1.5"]
    assert listed(environment, "--days", "1") == []
    result = environment.run("waiting")
    assert "its expiry" in result.stdout
    assert "1 exception expiring within 7 days" in result.stderr


def test_an_exception_expired_by_its_decision_is_not_listed_whatever_its_token_says(
    environment,
):
    scan = environment.scan("1", decision={**APPROVED, "expiresAt": LATER})
    wait(environment, scan, "exception", FUTURE)

    assert listed(environment, "--days", "900000") == []


def put_token(environment, scan, token):
    body = token if isinstance(token, bytes) else json.dumps(token).encode()
    environment.s3.put_object(Bucket="work", Key=f"waiting/{scan}.json", Body=body)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("token", "says"),
    [
        (b"no json", "is no JSON object"),
        (b"\xff", "is no JSON object"),
        (b"[" * 100_000, "is no JSON object"),
        ([], "is no JSON object"),
        ({}, "is about another scan"),
        ({**TOKEN, "scan": "payments/1"}, "is about another scan: payments/1"),
        ({"scan": "payments/odd"}, "kind is missing"),
        ({**TOKEN, "scan": "payments/odd", "expiresAt": 7}, "expiresAt is 7"),
        ({**TOKEN, "scan": "payments/odd", "expiresAt": None}, "expiresAt is None"),
        ({**TOKEN, "scan": "payments/odd", "requestedAt": []}, "requestedAt is []"),
        ({**TOKEN, "scan": "payments/odd", "kind": "lunch"}, "kind is 'lunch'"),
        ({**TOKEN, "scan": "payments/odd"}, "waits for a scan without scan.json"),
        (b" " * 2_000_000, "is larger than 1,048,576 bytes"),
    ],
    ids=[
        "no JSON", "no text", "nested", "a list", "nothing", "another scan", "no kind", "a number",
        "no end", "no date", "unknown kind", "no evidence", "huge",
    ],
)  # fmt: skip
def test_an_invalid_token_is_named_in_one_line_and_the_others_are_listed(environment, token, says):
    scan = environment.scan("1")
    wait(environment, scan)
    put_token(environment, "payments/odd", token)

    result = environment.run("waiting", "--json")

    named = [line for line in result.stderr.splitlines() if "unreadable" in line]
    assert (result.exit_code, len(named)) == (0, 1), result.output
    assert "waiting/payments/odd.json" in named[0]
    assert says in named[0]
    assert [load["scan"] for load in json.loads(result.stdout)] == [scan]


@pytest.mark.parametrize("name", ["../../etc", "no id", "payments", "payments/a/b", ""])
def test_a_token_without_a_scan_is_named(environment, name):
    put_token(environment, name, {**TOKEN, "scan": name})

    result = environment.run("waiting", "--json")

    assert (result.exit_code, json.loads(result.stdout)) == (0, [])
    assert f"waiting/{name}.json" in result.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", ["scan.json", "gate-result.json", "decision.json"])
@pytest.mark.parametrize("document", [b"no json", b"[]", {"expiresAt": 7}])
def test_a_wait_with_invalid_evidence_is_named_and_the_others_are_listed(
    environment, name, document
):
    odd, scan = environment.scan("odd", decision=APPROVED), environment.scan("1")
    wait(environment, odd, "exception")
    wait(environment, scan)
    environment.put(odd, name, document)

    result = environment.run("waiting", "--json", "--days", "900000")

    assert result.exit_code == 0, result.output
    assert (
        f"waiting/{odd}.json waits for a scan whose evidence is invalid: {name} is "
        in result.stderr
    )
    assert [load["scan"] for load in json.loads(result.stdout)] == [scan]


def test_a_report_of_hostile_code_hides_no_wait(environment):
    scan = environment.scan("1")
    wait(environment, scan)
    environment.put(scan, "report.json", b"no json")

    assert [item["scan"] for item in listed(environment)] == [scan]


def test_a_token_that_is_deleted_meanwhile_is_not_listed(environment, asked_first):
    wait(environment, environment.scan("1"))

    def take_away(operation, parameters):
        if operation == "GetObject" and parameters["Bucket"] == "work":
            environment.s3.delete_object(Bucket="work", Key=parameters["Key"])

    asked_first(take_away)

    assert listed(environment) == []


def test_json_escapes_control_characters_and_unpaired_surrogates(environment):
    reason = "\x9b31m \u202e \ud800 Zoë"
    scan = environment.scan("1", decision={**APPROVED, "reason": reason})
    wait(environment, scan, "exception")

    result = environment.run("waiting", "--json", "--days", "900000")

    assert json.loads(result.stdout)[0]["why"] == reason
    assert "\\u009b31m \\u202e \\ud800 Zoë" in result.stdout
