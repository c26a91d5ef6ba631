"""waiting lists what awaits people, and nothing that is over."""

import json

import pytest

from tests.ops.conftest import FUTURE, LATER, PAST

APPROVED = {"verdict": "approved", "reason": "mended in 1.5", "until": FUTURE}


def wait(environment, scan, what="decision", until=FUTURE):
    asked = {"scan": scan, "token": "SECRET", "askedAt": PAST, "until": until, "for": what}
    environment.s3.put_object(
        Bucket="work", Key=f"waiting/{scan}.json", Body=json.dumps(asked).encode()
    )


def listed(environment, *words):
    ran = environment.run("waiting", "--json", *words)
    assert ran.exit_code == 0, ran.output
    assert "SECRET" not in ran.output
    return json.loads(ran.stdout)


def test_a_failed_gate_that_nobody_decided_is_listed_with_why_and_until_when(environment):
    scan = environment.scan("1")
    wait(environment, scan)

    assert listed(environment) == [
        {
            "scan": scan,
            "what": "decision",
            "key": "payments/api.zip",
            "since": PAST,
            "until": FUTURE,
            "why": "The quality gate failed: HIGH",
        }
    ]
    assert "1 scan waiting for a decision" in environment.run("waiting").stderr


@pytest.mark.parametrize(
    ("decision", "what", "until"),
    [
        ({"verdict": "rejected"}, "decision", FUTURE),
        (None, "decision", LATER),
        (APPROVED, "exception", LATER),
    ],
    ids=["decided", "timed out", "ended"],
)
def test_what_is_over_is_not_listed(environment, decision, what, until):
    wait(environment, environment.scan("1", decision=decision), what, until)

    assert listed(environment) == []


def test_an_exception_that_was_withdrawn_is_not_listed(environment):
    scan = environment.scan("1", decision=APPROVED, withdrawal={"reason": "exploited"})
    wait(environment, scan, "exception")

    assert listed(environment, "--days", "900000") == []


def test_an_exception_is_listed_when_it_ends_soon(environment, soon):
    decision = {**APPROVED, "until": soon}
    wait(environment, environment.scan("1", decision=decision), "exception", soon)

    assert [each["why"] for each in listed(environment)] == ["mended in 1.5"]
    assert listed(environment, "--days", "1") == []
