"""A scan's HTTP requests to a server and to SonarQube Cloud, each with its own API."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from scan.job import SonarServer
from scan.log import Log
from scan.sonarqube import engine, exclusions, issues, names
from scan.sonarqube.api import Api

PROJECT, SOURCE = "acme_dev:payments", Path("nowhere")
HOTSPOT = {
    "key": "H1",
    "component": f"{PROJECT}:shop/store.py",
    "project": PROJECT,
    "vulnerabilityProbability": "HIGH",
    "status": "TO_REVIEW",
    "line": 7,
    "message": "Make sure that this SQL query is safe.",
    "ruleKey": "python:S2077",
}
Answer = tuple[int, Any]
# Instead of a response: a timeout, and a closed connection.
SLOW, CUT_OFF = (0, "slow"), (0, "cut off")


def refused(message: str, status: int = 400) -> Answer:
    """An error in the form of both, with ``errors``."""
    return status, {"errors": [{"msg": message}]}


class Sonar:
    """Answers like a server (25.9) or like Cloud: each knows only its own parameters."""

    def __init__(self, *, is_cloud: bool) -> None:
        self.is_cloud = is_cloud
        self.changed: dict[str, Answer] = {}

    def answer(self, path: str, requests: dict[str, str]) -> Answer:
        if path in self.changed:
            return self.changed[path]
        if path == "/api/hotspots/search":
            # https://sonarcloud.io/web_api/api/hotspots: `project` is not among its parameters.
            known = ("projectKey",) if self.is_cloud else ("project", "projectKey")
            if not any(requests.get(name) == PROJECT for name in known):
                return refused("A value must be provided for either parameter 'projectKey'")
            return 200, {"paging": {"total": 1}, "hotspots": [HOTSPOT]}
        if path == "/api/issues/search":
            name = "componentKeys" if self.is_cloud else "components"
            if requests.get(name) != PROJECT:
                return refused(f"'{name}' is missing")
            return 200, {"issues": [], "facets": [{"values": []}]}
        if path == "/api/ce/component":
            return 200, {"current": {"analysisId": "A1"}}
        if path == "/api/settings/values" and "component" in requests:
            return refused(f"Component key '{PROJECT}' not found", 404)
        return 200, {"settings": []}


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Sonar], Api]]:
    sonar: list[Sonar] = []
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            status, body = sonar[-1].answer(url.path, dict(parse_qsl(url.query)))
            if (status, body) == SLOW:
                over.wait()
            if not status:
                return
            self.send_response(status)
            self.end_headers()
            # A client that stops waiting closes the connection.
            with suppress(OSError):
                self.wfile.write(body if isinstance(body, bytes) else json.dumps(body).encode())

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with (
        ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server,
        Log(tmp_path / "log") as log,
    ):
        threading.Thread(target=server.serve_forever, args=[0.01]).start()

        def api(of: Sonar) -> Api:
            sonar.append(of)
            url = f"http://127.0.0.1:{server.server_port}"
            asking = Api(SonarServer(url=url, token="t", organization="acme"), log, None, (0,))
            asking.is_cloud = of.is_cloud
            return asking

        yield api
        over.set()
        server.shutdown()


@pytest.mark.parametrize("is_cloud", [True, False], ids=["Cloud", "server"])
def test_hotspots_and_issues_are_asked_for_by_the_parameters_that_each_knows(served, is_cloud):
    counts, findings, *_ = issues.read(
        served(Sonar(is_cloud=is_cloud)), "https://sonar", PROJECT, SOURCE
    )

    assert counts["HIGH"] == 1
    assert [finding.file for finding in findings] == ["shop/store.py"]


HOTSPOTS, SETTINGS, NEWEST = "/api/hotspots/search", "/api/settings/values", "/api/ce/component"
OPTIONAL = {
    HOTSPOTS: "which security hotspots there are",
    SETTINGS: "which settings it has for scans",
    NEWEST: "which analysis is the newest",
}


def ask_all(api: Api) -> int:
    """Make all optional requests; return how many hotspots are HIGH."""
    counts = issues.read(api, "https://sonar", PROJECT, SOURCE).counts
    exclusions.on_server(api, PROJECT)
    engine._check_still_newest(api, PROJECT, "A1")
    return counts["HIGH"]


@pytest.mark.parametrize("status", [403, 404, 410])
@pytest.mark.parametrize("path", OPTIONAL)
def test_what_the_token_may_not_ask_or_the_server_does_not_know_is_no_error(served, path, status):
    sonar = Sonar(is_cloud=True)
    sonar.changed[path] = refused("no", status)
    api = served(sonar)

    assert ask_all(api) == (path != HOTSPOTS)
    assert issues.read(api, "https://sonar", PROJECT, SOURCE).hotspots == (path != HOTSPOTS)
    assert api.unsaid == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "answer",
    [
        *(refused("no", status) for status in (400, 401, 429, 500, 503)),
        (500, {"errors": []}),
        (400, {"errors": {"msg": 1}}),
        (200, b"<html>Please log in</html>"),
        (404, b"<html>Not found</html>"),
        (200, b"[]"),
        (200, b'{"hotspots": '),
        SLOW,
        CUT_OFF,
    ],
    ids=str,
)
@pytest.mark.parametrize("path", OPTIONAL)
def test_an_unanswered_optional_question_is_reported_and_does_not_stop_the_scan(
    served, path, answer, monkeypatch
):
    if answer == SLOW:
        monkeypatch.setattr("scan.sonarqube.api.ANSWER_SECONDS", 1)
    sonar = Sonar(is_cloud=True)
    sonar.changed[path] = answer
    api = served(sonar)

    assert ask_all(api) == (path != HOTSPOTS)
    assert api.unsaid
    assert all(
        question.startswith(f"SonarQube could not say {OPTIONAL[path]}: ")
        for question in api.unsaid
    )


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"hotspots": None},
        {"hotspots": "none"},
        {"hotspots": [None]},
        {"hotspots": [{"key": "H1"}]},
        {"hotspots": [{**HOTSPOT, "component": None}]},
        {"hotspots": [{**HOTSPOT, "vulnerabilityProbability": "CRITICAL"}]},
    ],
    ids=str,
)
def test_hotspots_in_an_unknown_form_count_as_unread(served, body):
    sonar = Sonar(is_cloud=False)
    sonar.changed[HOTSPOTS] = (200, body)
    api = served(sonar)

    assert ask_all(api) == 0
    [answer] = api.unsaid
    assert "another form" in answer


def test_where_nobody_may_read_settings_names_of_files_stay_as_the_server_has_them(served):
    sonar = Sonar(is_cloud=False)
    sonar.changed[SETTINGS] = refused("no", 403)

    assert names.properties(exclusions.on_server(served(sonar), PROJECT)) == {}


def test_names_of_files_are_set_where_the_team_has_not_set_them(served):
    sonar = Sonar(is_cloud=False)
    settings = [
        {"key": "sonar.python.file.suffixes", "values": ["py", "xpy"]},
        {"key": "sonar.ruby.file.suffixes", "values": [".rb"]},
        {"key": "sonar.lang.patterns.php", "value": "**/*.php"},
        {"key": "sonar.html.file.suffixes", "values": [".html"], "inherited": True},
    ]
    sonar.changed[SETTINGS] = (200, {"settings": settings})
    scanner_properties = names.properties(exclusions.on_server(served(sonar), PROJECT))

    left = {"sonar.python.file.suffixes", "sonar.lang.patterns.ruby", "sonar.php.file.suffixes"}
    assert scanner_properties.keys() == names.properties({}).keys() - left
    assert scanner_properties["sonar.html.file.suffixes"].endswith(",.htm")


def test_exclusions_that_people_set_are_read_and_defaults_are_not(served):
    sonar = Sonar(is_cloud=False)
    settings = [
        {"key": "sonar.go.exclusions", "values": ["**/vendor/**"], "inherited": True},
        {"key": "sonar.global.exclusions", "values": ["**/gen/**", "a/*.py"]},
        {"key": "sonar.javascript.exclusions", "value": "**/x/**,**/y/**"},
        {"key": "sonar.links.ci", "value": "https://ci"},
    ]
    sonar.changed["/api/settings/values"] = (200, {"settings": settings})

    assert exclusions.on_server(served(sonar), PROJECT) == {
        "sonar.global.exclusions": ["**/gen/**", "a/*.py"],
        "sonar.javascript.exclusions": ["**/x/**", "**/y/**"],
    }
