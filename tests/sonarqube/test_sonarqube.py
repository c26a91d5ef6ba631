"""Scans by a real SonarQube Community Build; run with ``pytest -m sonarqube``."""

import http.server
import os
import threading
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from scan.sonarqube import api
from tests.sonarqube.scans import failed, on
from tests.sonarqube.trees import BAD, BAD_PYTHON, GOOD, NOTHING, SAME, hostile
from tests.support.proxy import proxy
from tests.support.tls import certified, tls_front

pytestmark = pytest.mark.sonarqube


@contextmanager
def watched(secret: str) -> Iterator[list[str]]:
    """Watches all processes of the machine meanwhile; yields those that expose the secret."""
    seen: list[str] = []
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.2):
            for process in os.listdir("/proc"):
                for name in ("cmdline", "environ"):
                    with suppress(OSError):
                        if secret.encode() in Path("/proc", process, name).read_bytes():
                            seen.append(f"{process}/{name}")

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def test_bad_code_in_three_languages_fails(server):
    with watched(server.token) as seen:
        scan = on(server, BAD, "payments")

    assert seen == []
    assert server.token not in scan.log
    assert scan.report["gate"]["status"] == "failed"
    assert scan.report["gate"]["judge"] == "sonarqube"
    assert failed(scan) == set(server.release.metrics)
    assert scan.report["coverage"]["counts"]["analysed"] == 3
    findings = scan.report["findings"]
    assert {finding["rule"].split(":")[0] for finding in findings} == {
        "python",
        "java",
        "javascript",
    }
    assert {finding["file"] for finding in findings} <= BAD.keys()
    for finding in findings:
        key = finding["link"].rsplit("=", 1)[1]
        assert server.call(f"api/issues/search?issues={key}")["total"] == 1
        with urllib.request.urlopen(finding["link"], timeout=30) as page:
            assert page.status == 200
    issues = server.call("api/issues/search?components=chatops-slack_test:payments&resolved=false")
    assert sum(scan.report["counts"].values()) == issues["total"]


def test_it_scans_beside_bandit_and_the_gates_of_both_count(server):
    bad = {**BAD, "shop/tasks.py": "import subprocess\n\nsubprocess.call(input(), shell=True)\n"}
    scan = on(server, bad, "both", SCANNERS='["sonarqube", "bandit"]')

    assert scan.error is None
    report = scan.report
    assert [item["name"] for item in report["scanners"]] == ["SonarQube", "Bandit"]
    by_name = Counter(name for finding in report["findings"] for name in finding["scanners"])
    assert by_name["SonarQube"] == sum(report["scanners"][0]["counts"].values())
    assert any(
        finding["rule"] == "B602" and "Bandit" in finding["scanners"]
        for finding in report["findings"]
    )
    assert failed(scan) == {*server.release.metrics, "HIGH"}
    assert report["coverage"]["counts"]["analysed"] == 4


def test_a_flaw_that_bandit_finds_too_is_one_finding(server):
    scan = on(server, SAME, "same", SCANNERS='["sonarqube", "bandit"]')

    names = {(item["rule"], *item["scanners"]) for item in scan.report["findings"]}
    assert ("python:S4830", "SonarQube", "Bandit") in names


def test_all_findings_are_stored_with_the_counts_of_the_server(server):
    same = "".join(f"if x == x:\n    y = {number}\n" for number in range(1200))
    files = {**BAD, "many.py": f"x = 1\n{same}", "web/counter.js": "export let counter = 0;\n"}

    scan = on(server, files, "findings")

    url = "api/issues/search?components=chatops-slack_test:findings&resolved=false&ps=1"
    issues = server.call(f"{url}&facets=impactSeverities")
    [facet] = issues["facets"]
    counts = {item["val"]: item["count"] for item in facet["values"]}
    assert scan.all_findings
    assert scan.all_findings["counts"] == scan.report["counts"] == counts
    assert scan.all_findings["omitted"] == 0
    listed = scan.all_findings["findings"]
    assert Counter(item["severity"] for item in listed) == +Counter(counts)
    assert counts["MEDIUM"] >= 1200
    # The server counts an issue under the severity of each impact.
    assert [item["severity"] for item in listed if item["file"] == "web/counter.js"] == [
        "HIGH", "MEDIUM",
    ]  # fmt: skip
    assert len({item["link"] for item in listed}) == issues["total"] < sum(counts.values())


def test_good_code_passes(server):
    scan = on(server, GOOD, "good")

    assert scan.report["gate"]["status"] == "passed"
    assert scan.report["gate"]["judge"] == "sonarqube"
    assert scan.report["coverage"]["counts"]["analysed"] == 2


def test_a_gate_on_new_code_fails_bad_code_in_the_first_and_second_scan(server):
    server.call("api/projects/create", name="new", project="chatops-slack_test:new")
    server.call(
        "api/qualitygates/select", gateName="Sonar way", projectKey="chatops-slack_test:new"
    )

    first, second = on(server, BAD_PYTHON, "new"), on(server, BAD_PYTHON, "new")

    assert [condition["metric"] for condition in first.report["gate"]["conditions"]] == [
        "BLOCKER",
        "HIGH",
        "unanalysed_files",
    ]
    assert "new_violations" in {
        condition["metric"] for condition in second.report["gate"]["conditions"]
    }
    for scan in (first, second):
        assert scan.report["gate"]["judge"] == "limits"
        # To 10.7 no issue is worse than HIGH.
        assert failed(scan) == {"HIGH" if server.release.version.startswith("10.") else "BLOCKER"}


@pytest.mark.parametrize(
    ("files", "allow", "error"),
    [
        ({}, "false", "EmptyUpload"),
        (NOTHING, "false", "NothingAnalysed"),
        (
            {**BAD_PYTHON, "sonar-project.properties": "sonar.exclusions=**\n"},
            "true",
            "NothingAnalysed",
        ),
    ],
    ids=["empty", "no code", "only excluded files"],
)
def test_a_scan_without_analysed_files_fails_to_run(files, allow, error, server):
    scan = on(server, files, "nothing", ALLOW_EXCLUSIONS=allow)

    assert (scan.code, scan.error) == (1, error)


def test_hostile_settings_change_nothing(server, tmp_path):
    requests: list[str] = []

    class Elsewhere(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            requests.append(self.path)

        do_POST = do_GET

    marker = tmp_path / "marker"
    with http.server.HTTPServer(("127.0.0.1", 0), Elsewhere) as other:
        threading.Thread(target=other.serve_forever, args=[0.01]).start()
        files = hostile(f"http://127.0.0.1:{other.server_port}", str(marker))
        scan = on(server, files, "hostile")
        other.shutdown()

    assert requests == []
    assert not marker.exists()
    assert scan.report["gate"]["status"] == "failed"
    assert {finding["file"] for finding in scan.report["findings"]} == {"shop/store.py"}
    weakening = {setting["key"] for setting in scan.report["ignored"] if setting["weakens"]}
    assert weakening >= {
        "sonar.scanner.skip",
        "sonar.exclusions",
        "sonar.host.url",
        "sonar.scanner.apiBaseUrl",
        "sonar.scanner.javaExePath",
        "sonar.scanner.javaOpts",
        "sonar.scanner.engineJarPath",
        "sonar.python.file.suffixes",
        "sonar.issue.ignore.multicriteria",
        "sonar.coverage.exclusions",
    }
    assert not server.call("api/projects/search?projects=other")["components"]


def test_a_user_token_shows_hotspots_too(server):
    scan = on(server, BAD, "hotspots", SONAR_TOKEN=server.admin)

    hotspots = [
        finding for finding in scan.report["findings"] if "security_hotspots" in finding["link"]
    ]
    assert hotspots
    assert all(hotspot["message"].startswith("To review: ") for hotspot in hotspots)


def test_a_bad_token_is_reported(server):
    assert on(server, GOOD, "token", SONAR_TOKEN="sqa_expired").error == "BadToken"


def test_a_server_outage_is_reported(server, monkeypatch):
    monkeypatch.setattr(api, "RETRY_AFTER_SECONDS", (0, 0))
    scan = on(server, GOOD, "down", SONAR_HOST_URL="http://127.0.0.1:9")

    assert scan.error == "ServerUnreachable"
    assert scan.log.count("Trying again") == 2


def test_an_own_ca_is_trusted_where_it_is_set(server, tmp_path):
    ca, certificate = certified(tmp_path)
    with tls_front(server.url, certificate) as url:
        without = on(server, GOOD, "tls", SONAR_HOST_URL=url)
        done = on(server, GOOD, "tls", SONAR_HOST_URL=url, CA_BUNDLE=str(ca))

    assert without.error == "TlsFailed"
    assert done.error is None
    assert done.report["links"]["dashboard"].startswith(url)


def test_a_server_behind_a_proxy_is_reached_through_it_alone(server, tmp_path, monkeypatch):
    """By the API, by the download of the engine, and by the engine, which is Java."""
    host = "sonar.example.com"
    ca, certificate = certified(tmp_path, host)
    with (
        tls_front(server.url, certificate) as url,
        proxy({host: urlsplit(url).port or 0}) as (proxy_url, requests),
    ):
        monkeypatch.setenv("HTTPS_PROXY", proxy_url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
        done = on(server, GOOD, "proxy", SONAR_HOST_URL=f"https://{host}", CA_BUNDLE=str(ca))

    assert done.error is None
    assert done.report["gate"]["status"] == "passed"
    assert set(requests) == {f"{host}:443"}


def test_the_server_does_not_run_as_root(server):
    owners: list[int] = []
    for process in Path("/proc").glob("[0-9]*"):
        # Some processes end meanwhile.
        with suppress(OSError):
            if b"sonar-application" in (process / "cmdline").read_bytes():
                owners.append(process.stat().st_uid)

    assert owners
    assert 0 not in owners
