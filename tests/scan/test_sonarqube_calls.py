"""What a scan asks a server and SonarQube Cloud, over HTTP, as each of them answers."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from scan.job import SonarServer
from scan.log import Log
from scan.sonarqube import exclusions, issues
from scan.sonarqube.api import Api

PROJECT = "acme_dev:payments"
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
Answer = tuple[int, dict[str, Any]]


def refused(message: str, status: int = 400) -> Answer:
    """As both answer in ``errors``."""
    return status, {"errors": [{"msg": message}]}


class Sonar:
    """Answers as a server (25.9), or as Cloud does: each knows its own parameters only."""

    def __init__(self, *, is_cloud: bool) -> None:
        self.is_cloud = is_cloud
        self.changed: dict[str, Answer] = {}

    def answer(self, path: str, asked: dict[str, str]) -> Answer:
        if path in self.changed:
            return self.changed[path]
        if path == "/api/hotspots/search":
            # https://sonarcloud.io/web_api/api/hotspots: `project` is not among its parameters.
            known = ("projectKey",) if self.is_cloud else ("project", "projectKey")
            if not any(asked.get(name) == PROJECT for name in known):
                return refused("A value must be provided for either parameter 'projectKey'")
            return 200, {"paging": {"total": 1}, "hotspots": [HOTSPOT]}
        if path == "/api/issues/search":
            name = "componentKeys" if self.is_cloud else "components"
            if asked.get(name) != PROJECT:
                return refused(f"'{name}' is missing")
            return 200, {"issues": [], "facets": [{"values": []}]}
        if path == "/api/settings/values" and "component" in asked:
            return refused(f"Component key '{PROJECT}' not found", 404)
        return 200, {"settings": []}


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Sonar], Api]]:
    sonar: list[Sonar] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            status, body = sonar[-1].answer(url.path, dict(parse_qsl(url.query)))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with (
        HTTPServer(("127.0.0.1", 0), Handler) as server,
        Log(tmp_path / "log") as log,
    ):
        threading.Thread(target=server.serve_forever).start()

        def api(of: Sonar) -> Api:
            sonar.append(of)
            url = f"http://127.0.0.1:{server.server_port}"
            asking = Api(
                SonarServer(url=url, token="t", organization="acme", ca=""), log, None, (0,)
            )
            asking.is_cloud = of.is_cloud
            return asking

        yield api
        server.shutdown()


@pytest.mark.parametrize("is_cloud", [True, False], ids=["Cloud", "server"])
def test_hotspots_and_issues_are_asked_for_by_the_parameters_that_each_knows(served, is_cloud):
    counts, findings = issues.read(served(Sonar(is_cloud=is_cloud)), "https://sonar", PROJECT)

    assert counts["HIGH"] == 1
    assert [each.file for each in findings] == ["shop/store.py"]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 503])
@pytest.mark.parametrize("path", ["/api/hotspots/search", "/api/settings/values"])
def test_an_error_of_a_call_that_a_scan_can_do_without_breaks_nothing(served, path, status):
    sonar = Sonar(is_cloud=True)
    sonar.changed[path] = refused("no", status)
    api = served(sonar)

    assert issues.read(api, "https://sonar", PROJECT)[0]["HIGH"] == (path != "/api/hotspots/search")
    assert exclusions.on_server(api, PROJECT) == {}


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
