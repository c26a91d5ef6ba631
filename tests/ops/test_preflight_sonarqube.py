"""The checks of SonarQube, on the answers of a real one (25.9) to each kind of token."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from components.scan_project import Scanners, Vpc
from ops.preflight.environment import Environment
from ops.preflight.finding import Finding, Level
from ops.preflight.sonarqube import sonarqube
from tests.support.aws_answers import its

HOST = "https://sonarqube.example.com"
# Recorded by `python -m tests.sonarqube.record`.
RECORDED = json.loads((Path(__file__).parent / "sonarqube_answers.json").read_text())
TOKENS = {"global": "sqa_0", "user": "squ_0", "project": "sqp_0", "admin": "squ_1", "bad": "sqa_1"}
Change = Callable[[dict[str, Any]], dict[str, Any]]


class Server:
    """Answers as the real server did to the token of ``kind``; ``change`` alters one answer."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
        self.kind, self._changed = kind, {}
        monkeypatch.setattr(requests.Session, "get", self._get)

    def change(self, path: str, change: Change, status: int = 200) -> None:
        self._changed[path] = (change, status)

    def findings_of(self, its: Environment) -> list[Finding]:
        return list(sonarqube(replace(its, token=TOKENS[self.kind])))

    def _get(self, url: str, **options: Any) -> requests.Response:
        path = url.removeprefix(f"{HOST}/")
        [row] = [
            item
            for item in RECORDED[self.kind]
            if (item["path"], item["parameters"]) == (path, options["params"])
        ]
        answer = requests.Response()
        answer.status_code = row["status"]
        answer._content = row["body"].encode()
        if path in self._changed:
            change, answer.status_code = self._changed[path]
            answer._content = json.dumps(change(json.loads(row["body"]))).encode()
        return answer


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Server]:
    return lambda kind: Server(monkeypatch, kind)


Serving = Callable[[str], Server]


def messages(findings: list[Finding], level: Level) -> str:
    return "\n".join(
        f"{finding.what}: {finding.fix}" for finding in findings if finding.level == level
    )


def test_a_global_token_of_the_least_right_and_a_gate_on_overall_code_are_fine(server: Serving):
    findings_of = server("global").findings_of(its())

    assert [item.level for item in findings_of] == [Level.FINE] * 4
    assert [item.what for item in findings_of] == [
        "SonarQube 25.9.0.112764 at https://sonarqube.example.com knows the token",
        "least may analyse and create projects, and no more",
        "gate 'Whole code' evaluates overall code by software_quality_blocker_issues, "
        "software_quality_high_issues",
        "it knows 27 languages; code in one that is not analysed fails the gate",
    ]


@pytest.mark.parametrize(
    ("kind", "level", "what", "fix"),
    [
        ("bad", Level.FAILED, "does not know the token", "pulumi config set --secret sonarToken"),
        ("project", Level.FAILED, "the token is of one project", "Global Analysis Token"),
        ("user", Level.WARNING, "may do whatever least may", "Global Analysis Token"),
        ("admin", Level.WARNING, "more than scan: admin, gateadmin, profileadmin", "Global"),
    ],
)
def test_a_token_that_is_invalid_or_of_another_right_is_found(
    server: Serving, kind: str, level: Level, what: str, fix: str
):
    findings_of = server(kind).findings_of(its())

    assert what in messages(findings_of, level)
    assert fix in messages(findings_of, level)


@pytest.mark.parametrize(
    ("may", "level", "what"),
    [
        (["provisioning"], Level.FAILED, "least lacks Execute Analysis"),
        (["scan"], Level.WARNING, "least lacks Create Projects"),
    ],
)
def test_a_permission_that_is_lacking_is_found(
    server: Serving, may: list[str], level: Level, what: str
):
    serving = server("global")
    serving.change(
        "api/users/current", lambda notified: {**notified, "permissions": {"global": may}}
    )

    assert what in messages(serving.findings_of(its()), level)


@pytest.mark.parametrize(("days", "warned"), [(3, True), (200, False)])
def test_a_token_that_expires_soon_is_a_warning(server: Serving, days: int, warned: bool):
    serving = server("global")
    ends = datetime.now(UTC) + timedelta(days=days)

    def expiring(notified: dict[str, Any]) -> dict[str, Any]:
        for user_token in notified["userTokens"]:
            user_token["expirationDate"] = f"{ends:%Y-%m-%dT%H:%M:%S+0000}"
        return notified

    serving.change("api/user_tokens/search", expiring)

    expected = f"the token expires on {ends:%Y-%m-%d}"
    assert (expected in messages(serving.findings_of(its()), Level.WARNING)) == warned


@pytest.mark.parametrize(
    ("limits", "level"),
    [({"BLOCKER": 0}, Level.WARNING), ({"BLOCKER": None}, Level.FAILED)],
    ids=["the limits evaluate", "nothing evaluates"],
)
def test_a_default_gate_on_new_code_only_is_found(
    server: Serving, limits: dict[str, int | None], level: Level
):
    serving = server("global")
    new = {"conditions": [{"metric": "new_violations"}, {"metric": "new_coverage"}]}
    serving.change("api/qualitygates/show", lambda notified: {**notified, **new})

    findings_of = messages(serving.findings_of(its(limits=limits)), level)

    assert "gate 'Whole code' evaluates new code only" in findings_of
    assert "docs/sonarqube.md, Choose a gate" in findings_of


def test_what_the_server_leaves_out_for_all_is_named(server: Serving):
    serving = server("global")
    settings = [
        {"key": "sonar.global.exclusions", "values": ["**/gen/**"]},
        {"key": "sonar.go.exclusions", "values": ["**/vendor/**"], "inherited": True},
    ]
    serving.change("api/settings/values", lambda notified: {"settings": settings})

    warned = messages(serving.findings_of(its()), Level.WARNING)

    assert "the server leaves files out: sonar.global.exclusions=**/gen/**" in warned
    assert "vendor" not in warned


def test_a_token_that_may_not_read_exclusions_is_a_warning(server: Serving):
    serving = server("global")
    serving.change("api/settings/values", lambda notified: {}, status=403)

    assert "may not read the settings of exclusions" in messages(
        serving.findings_of(its()), Level.WARNING
    )


def test_a_server_without_a_default_gate_fails(server: Serving):
    serving = server("global")
    serving.change("api/qualitygates/list", lambda notified: {"qualitygates": []})

    assert "no quality gate is the default" in messages(serving.findings_of(its()), Level.FAILED)


def test_a_server_that_is_too_old_fails(server: Serving):
    serving = server("global")
    serving.change("api/system/status", lambda notified: {**notified, "version": "10.6.0.92116"})

    assert "10.6.0.92116 is too old; scans need 10.7 or newer" in messages(
        serving.findings_of(its()), Level.FAILED
    )


def test_what_the_token_may_not_ask_is_unknown_and_the_rest_is_still_looked_at(server: Serving):
    serving = server("global")
    serving.change("api/users/current", lambda notified: {}, status=403)

    findings_of = serving.findings_of(its())

    assert "may not use api/users/current" in messages(findings_of, Level.UNKNOWN)
    assert "evaluates overall code" in messages(findings_of, Level.FINE)


@pytest.mark.parametrize("inside", [True, False])
def test_a_server_that_is_not_reached_fails_unless_it_may_be_inside_a_vpc(
    monkeypatch: pytest.MonkeyPatch, inside: bool
):
    def refuse(*_: Any, **__: Any) -> None:
        raise requests.ConnectionError("refused")

    monkeypatch.setattr(requests.Session, "get", refuse)
    vpc = Vpc(vpc_id="vpc-0a", subnets=["subnet-0a"], security_groups=["sg-0a"])

    [findings_of] = sonarqube(its(vpc=vpc if inside else None))

    assert findings_of.level == (Level.WARNING if inside else Level.FAILED)
    assert "cannot be reached" in findings_of.what
    assert ("inside vpc-0a" in findings_of.what) == inside


def test_a_server_that_answers_is_not_taken_for_one_inside_a_vpc(server: Serving):
    vpc = Vpc(vpc_id="vpc-0a", subnets=["subnet-0a"], security_groups=["sg-0a"])

    findings_of = server("bad").findings_of(its(vpc=vpc))

    assert "does not know the token" in messages(findings_of, Level.FAILED)


def test_a_token_that_cannot_be_read_here_is_unknown():
    [findings_of] = sonarqube(replace(its(), token=""))

    assert (findings_of.level, "can't be read" in findings_of.what) == (Level.UNKNOWN, True)


def test_engine_sarif_needs_no_server():
    assert list(sonarqube(its(scanners=Scanners()))) == []


def test_the_token_is_in_no_finding(server: Serving):
    for kind, token in TOKENS.items():
        assert token not in str(server(kind).findings_of(its()))
