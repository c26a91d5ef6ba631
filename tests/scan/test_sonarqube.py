"""Scans with recorded answers of a real SonarQube; ``tests/sonarqube`` runs a real one."""

import json
from pathlib import Path
from typing import Any, cast

import pytest
import requests

from scan import trust
from scan.job import SonarServer, from_environment
from scan.sonarqube import issues, names, scanner
from scan.sonarqube.properties import memory_bytes, project_key, proxy
from tests.scan.recorded import HOST, TOKEN, Answers, Scanner, scanned_by
from tests.scan.scanning import scanned
from tests.scan.uploads import zipped
from tests.sonarqube.trees import BAD, BAD_PYTHON, GOOD, NOTHING, hostile

SOURCE = Path("nowhere")
SONARQUBE = {"SCANNERS": '["sonarqube"]'}


def test_the_report_is_what_the_server_says():
    scan = scanned_by(Answers("bad"), zipped(BAD), "bad")

    assert scan.code == 0
    assert scan.report["engine"] == {"name": "SonarQube", "version": "25.9.0.112764"}
    assert scan.report["coverage"]["counts"]["analysed"] == 3
    assert scan.report["coverage"]["counts"]["unanalysed"] == 0
    assert scan.report["coverage"]["lines"] == 34
    gate = scan.report["gate"]
    assert (gate["status"], gate["judge"]) == ("failed", "sonarqube")
    blocker = gate["conditions"][0]
    assert blocker["metric"] == "software_quality_blocker_issues"
    assert (blocker["comparator"], blocker["threshold"], blocker["status"]) == (">", "0", "error")
    assert int(blocker["actual"]) == scan.report["counts"]["BLOCKER"] > 0
    findings = scan.report["findings"]
    assert {finding["rule"].split(":")[0] for finding in findings} == {
        "python",
        "java",
        "javascript",
    }
    assert {finding["file"] for finding in findings} <= BAD.keys()
    assert findings[0]["severity"] == "BLOCKER"
    assert findings[0]["line"] > 0


@pytest.mark.slow
def test_links_lead_to_the_configured_host():
    scan = scanned_by(Answers("bad"), zipped(BAD), "bad")

    assert scan.report["links"]["dashboard"] == f"{HOST}/dashboard?id=chatops-slack_bad"
    for finding in scan.report["findings"]:
        assert finding["link"].startswith(f"{HOST}/project/issues?id=chatops-slack_bad&open=")


def test_good_code_passes():
    scan = scanned_by(Answers("good"), zipped(GOOD), "good")

    assert scan.report["gate"]["status"] == "passed"
    assert scan.report["gate"]["judge"] == "sonarqube"
    assert scan.report["findings"] == []


def test_the_gate_is_asked_for_by_analysis_and_not_by_project():
    answers = Answers("bad")
    scanned_by(answers, zipped(BAD), "bad")

    request = [more for path, more in answers.requests if path == "api/qualitygates/project_status"]
    assert [list(more) for more in request] == [["analysisId"]]


def test_a_scan_without_analysed_files_fails_to_run():
    scan = scanned_by(Answers("nothing"), zipped(NOTHING), "nothing")

    assert (scan.code, scan.error) == (1, "NothingAnalysed")
    assert scan.report["links"]["dashboard"]


@pytest.mark.parametrize("answers", ["new-first", "new-second"])
def test_a_gate_on_new_code_fails_bad_code_in_the_first_and_second_scan(answers):
    scan = scanned_by(Answers(answers), zipped(BAD_PYTHON), "new")

    assert scan.report["gate"]["judge"] == "limits"
    assert scan.report["gate"]["status"] == "failed"
    failed = [
        condition
        for condition in scan.report["gate"]["conditions"]
        if condition["status"] == "error"
    ]
    assert [metric["metric"] for metric in failed] == ["BLOCKER"]


def test_without_limits_a_gate_without_conditions_fails():
    scan = scanned_by(Answers("new-first"), zipped(BAD_PYTHON), "new", LIMITS="{}")

    assert scan.error == "NothingEvaluated"


def test_without_limits_a_gate_on_new_code_decides():
    scan = scanned_by(Answers("new-second"), zipped(BAD_PYTHON), "new", LIMITS="{}")

    assert scan.report["gate"]["status"] == "passed"


def test_hotspots_are_findings_where_the_token_may_read_them():
    scan = scanned_by(Answers("hotspots"), zipped(BAD), "hotspots")

    hotspots = [
        finding for finding in scan.report["findings"] if "security_hotspots" in finding["link"]
    ]
    assert hotspots
    assert all(hotspot["message"].startswith("To review: ") for hotspot in hotspots)


@pytest.mark.slow
def test_unreadable_hotspots_fail_the_gate_and_are_named():
    answers = Answers("good")
    answers.change("api/hotspots/search", 500)
    scan = scanned_by(answers, zipped(GOOD), "good")

    assert scan.report["gate"]["status"] == "failed"
    [named] = scan.report["coverage"]["files"]
    assert (named["class"], named["file"]) == ("unanalysed", "")
    assert named["reason"].startswith("SonarQube could not say which security hotspots there are")


def test_hotspots_are_counted_on_every_page():
    request = []

    class Pages:
        is_cloud = False

        def get(self, path, **parameters):
            return {"facets": []}

        def may_get(self, path, what, p, **parameters):
            request.append(p)
            hotspot = {"component": "a.py", "vulnerabilityProbability": "LOW"}
            return {"hotspots": [{**hotspot, "key": f"{p}-{n}"} for n in range(600 - 100 * p)]}

    counts, findings, *_, are_all = issues.read(
        cast(Any, Pages()), HOST, "chatops-slack_app", SOURCE
    )

    assert request == [1, 2]
    assert counts["LOW"] == len(findings) == 900
    assert are_all


class Project:
    """A server with issues of these severities; each of the first ``both`` HIGH is LOW, too."""

    is_cloud = False

    def __init__(self, both: int = 0, **counts: int) -> None:
        self.requests: list[tuple[str, int]] = []
        self._keys = {
            severity: [f"{severity}-{number}" for number in range(count)]
            for severity, count in counts.items()
        }
        self._keys["LOW"] = [*self._keys.get("HIGH", [])[:both], *self._keys.get("LOW", [])]

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        if "facets" in query:
            values = [{"val": name, "count": len(keys)} for name, keys in self._keys.items()]
            return {"facets": [{"values": values}]}
        severity, page, size = query["impactSeverities"], query["p"], query["ps"]
        assert page * size <= 10_000
        self.requests.append((severity, page))
        keys = self._keys[severity][(page - 1) * size : page * size]
        return {"issues": [{"key": key, "rule": "r", "component": "a.py"} for key in keys]}

    def may_get(self, *_: Any, **__: Any) -> None:
        return None

    def read(self) -> issues.Issues:
        return issues.read(cast(Any, self), HOST, "chatops-slack_app", SOURCE)


def test_all_issues_are_read_page_by_page():
    project = Project(HIGH=1001, LOW=500)

    counts, findings, repeated, *_ = project.read()

    assert sorted(project.requests) == [("HIGH", 1), ("HIGH", 2), ("HIGH", 3), ("LOW", 1)]
    assert (counts["HIGH"], counts["LOW"]) == (1001, 500)
    assert len({finding.link for finding in findings}) == len(findings) == 1501
    assert [finding.severity for finding in findings] == ["HIGH"] * 1001 + ["LOW"] * 500
    assert repeated == []


def test_the_worst_ten_thousand_issues_are_read_and_all_are_counted():
    project = Project(BLOCKER=9_400, HIGH=700, LOW=30)

    counts, findings, *_ = project.read()

    assert project.requests.count(("HIGH", 2)) == 1
    assert not [page for severity, page in project.requests if severity == "LOW"]
    assert (len(findings), counts["LOW"]) == (9_400 + 700, 30)


def test_an_issue_with_two_impacts_is_repeated_under_the_milder_severity():
    counts, findings, repeated, *_ = Project(HIGH=3, LOW=1, both=2).read()

    assert [finding.severity for finding in findings] == ["HIGH"] * 3 + ["LOW"]
    assert {finding.link for finding in repeated} < {finding.link for finding in findings}
    assert sum(counts.values()) == len([*findings, *repeated]) == 6


def test_a_slow_server_is_asked_for_the_first_page_of_each_severity_only(monkeypatch):
    monkeypatch.setattr(issues, "READING_SECONDS", -1)
    project = Project(HIGH=1001, LOW=700)

    counts, findings, *_ = project.read()

    assert sorted(project.requests) == [("HIGH", 1), ("LOW", 1)]
    assert (counts["HIGH"], len(findings)) == (1001, 1000)


def test_cloud_knows_a_project_by_another_parameter_and_by_the_organization_in_its_key():
    request = []

    class LocalAccount:
        is_cloud = True

        def get(self, path, **parameters):
            request.append(parameters)
            return {"facets": []}

        def may_get(self, path, what, **parameters):
            return None

    environment = dict.fromkeys(
        ["SCAN", "UPLOAD_BUCKET", "UPLOAD_KEY", "UPLOAD_VERSION", "ARTIFACTS_BUCKET"], "x"
    )
    job = from_environment(
        {
            **environment,
            "APP": "payments",
            "SCANNERS": '["sonarqube"]',
            "SONAR_ORGANIZATION": "acme",
        }
    )
    issues.read(cast(Any, LocalAccount()), "https://sonarcloud.io", project_key(job), SOURCE)

    assert project_key(job) == "acme_payments"
    assert [item["componentKeys"] for item in request] == ["acme_payments"]


@pytest.mark.slow
def test_two_environments_never_share_a_project():
    answers, others = Answers("good"), []
    for environment, app in (("dev", "good"), ("prod", "good"), ("dev_x", "y"), ("dev", "x_y")):
        scanner = Scanner(answers)
        scanned_by(answers, zipped(GOOD), app, scanner, ENVIRONMENT=environment)
        others.append(scanner.orders[0]["properties"]["sonar.projectKey"])

    assert others[0] == "chatops-slack_dev:good"
    assert len(set(others)) == 4


def test_the_scanner_gets_the_token_on_stdin_only():
    answers = Answers("bad")
    scanner = Scanner(answers)
    scan = scanned_by(answers, zipped(BAD), "bad", scanner)

    [order], [(command, extra)] = scanner.orders, scanner.commands
    assert order["properties"]["sonar.token"] == TOKEN
    assert order["properties"]["sonar.host.url"] == HOST
    assert TOKEN not in json.dumps([[str(word) for word in command], extra])
    assert TOKEN not in scan.log
    assert TOKEN not in json.dumps(scan.report)


@pytest.mark.slow
def test_the_scanner_gets_the_organization_if_there_is_one():
    answers = Answers("good")
    scanner = Scanner(answers)
    scanned_by(answers, zipped(GOOD), "good", scanner, SONAR_ORGANIZATION="acme")

    scanner_properties = scanner.orders[0]["properties"]
    assert (scanner_properties["sonar.organization"], scanner_properties["sonar.projectKey"]) == (
        "acme",
        "acme_good",
    )


def test_line_breaks_around_the_token_are_removed():
    answers = Answers("good")
    scanner = Scanner(answers)
    scanned_by(answers, zipped(GOOD), "good", scanner, SONAR_TOKEN=f"{TOKEN}\n")

    assert scanner.orders[0]["properties"]["sonar.token"] == TOKEN


@pytest.mark.slow
@pytest.mark.parametrize("token", ["squ_one\nsqu_two", "squ_\u2026"])
def test_a_token_that_is_invalid_in_a_header_is_refused_and_not_shown(token):
    scan = scanned(
        zipped(GOOD),
        SCANNERS='["sonarqube"]',
        SONAR_HOST_URL="http://127.0.0.1:9",
        SONAR_TOKEN=token,
    )

    assert scan.error == "BadToken"
    assert "squ_" not in scan.log + json.dumps(scan.report)


def test_requests_are_logged_without_the_token():
    server = SonarServer(url=HOST, token=TOKEN, organization="")

    assert TOKEN not in repr(server)


def test_an_upload_cannot_change_how_it_is_scanned():
    answers = Answers("bad")
    scanner = Scanner(answers)
    files = hostile("http://elsewhere", "/tmp/marker")
    scan = scanned_by(answers, zipped(files), "bad", scanner)

    scanner_properties = scanner.orders[0]["properties"]
    assert scanner_properties.keys() == {
        "sonar.sources",
        "sonar.sourceEncoding",
        "sonar.java.binaries",
        "sonar.host.url",
        "sonar.token",
        "sonar.projectKey",
        "sonar.projectName",
        "sonar.projectBaseDir",
        "sonar.working.directory",
        "sonar.scanner.metadataFilePath",
        "sonar.scanner.keepReport",
        "sonar.scanner.javaOpts",
        "sonar.javascript.node.maxspace",
        "sonar.javascript.detectBundles",
        "sonar.javascript.detectGeneratedCode",
        "sonar.javascript.maxFileSize",
        "sonar.javascript.exclusions",
        "sonar.scm.disabled",
        "sonar.python.testFileHeuristic.disabled",
        "sonar.rust.clippy.enabled",
        *names.properties({}),
    }
    assert scanner_properties["sonar.python.file.suffixes"] == ".py,.pyw,.wsgi,.tac"
    assert scanner_properties["sonar.sources"] == "."
    assert scanner_properties["sonar.projectKey"] == "chatops-slack_bad"
    assert scanner_properties["sonar.host.url"] == HOST
    assert scanner_properties["sonar.sourceEncoding"] == "UTF-8"
    ignored = {
        (setting["file"], setting["key"]): setting["weakens"] for setting in scan.report["ignored"]
    }
    assert ignored["sonar-project.properties", "sonar.scanner.skip"]
    assert ignored["sonar-project.properties", "sonar.host.url"]
    assert ignored["pyproject.toml", "sonar.exclusions"]
    assert ignored[".coveragerc", "sonar.coverage.exclusions"]
    assert not ignored["sonar-project.properties", "sonar.projectKey"]
    assert not ignored["pyproject.toml", "sonar.projectVersion"]


def test_exclusions_are_followed_where_a_setting_allows_them():
    answers = Answers("bad")
    scanner = Scanner(answers)
    files = {**BAD, "sonar-project.properties": "sonar.exclusions=web/**\nsonar.sources=../x\n"}
    scan = scanned_by(answers, zipped(files), "bad", scanner, ALLOW_EXCLUSIONS="true")

    scanner_properties = scanner.orders[0]["properties"]
    assert scanner_properties["sonar.exclusions"] == "web/**"
    assert scanner_properties["sonar.sources"] == "."
    assert [setting["key"] for setting in scan.report["ignored"]] == ["sonar.sources"]


@pytest.mark.slow
def test_a_bad_token_is_reported():
    scan = scanned_by(Answers("bad-token"), zipped(GOOD), "bad-token")

    assert scan.error == "BadToken"
    assert "sonarToken" in scan.report["error"]["remediation"]


STATUS, VALID = "api/system/status", "api/authentication/validate"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "status", "body", "error"),
    [
        (STATUS, 200, '{"status": "UP", "version": "9.9.8.100196"}', "ServerTooOld"),
        (STATUS, 200, '{"status": "UP", "version": "10.6.0"}', "ServerTooOld"),
        (STATUS, 200, '{"status": "DB_MIGRATION_NEEDED", "version": "25.9"}', "ServerNotUp"),
        (STATUS, 200, "<html>Welcome to nginx</html>", "NotSonarQube"),
        (STATUS, 404, "<html>Not found</html>", "NotSonarQube"),
        (STATUS, 200, "[]", "NotSonarQube"),
        *((STATUS, status, "", "ServerUnreachable") for status in (429, 500, 502, 503, 504)),
        (VALID, 401, "", "BadToken"),
        ("api/issues/search", 403, "{}", "TokenMayNot"),
        ("api/ce/task", 404, '{"errors": [{"msg": "No activity found"}]}', "ServerRefused"),
        ("api/ce/task", 400, '{"errors": []}', "ServerRefused"),
        (
            "api/ce/task",
            200,
            '{"task": {"status": "FAILED", "errorMessage": "disk full"}}',
            "ProcessingFailed",
        ),
    ],
)
def test_each_error_with_the_server_has_its_own_message(path, status, body, error):
    answers = Answers("good")
    answers.change(path, status, body)
    if path == "api/issues/search":
        answers.left[-1]["parameters"] = {
            "components": "chatops-slack_good",
            "resolved": "false",
            "facets": "impactSeverities",
            "ps": 1,
        }
    scan = scanned_by(answers, zipped(GOOD), "good")

    assert (scan.code, scan.error) == (1, error)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("problem", "error"),
    [
        (requests.exceptions.ConnectionError("refused"), "ServerUnreachable"),
        (requests.exceptions.ConnectTimeout("no route"), "ServerUnreachable"),
        (requests.exceptions.ReadTimeout("slow"), "ServerSlow"),
        (requests.exceptions.SSLError("self-signed certificate"), "TlsFailed"),
    ],
)
def test_each_error_on_the_way_to_the_server_has_its_own_message(problem, error):
    class Away(Answers):
        def get(self, session, url, **more):
            raise problem

    scan = scanned_by(Away("good"), zipped(GOOD), "good")

    assert scan.error == error
    assert scan.log.count("Trying again") == (0 if error == "TlsFailed" else 4)


def test_a_transient_error_is_retried():
    class Shaky(Answers):
        problems = 3

        def get(self, session, url, **more):
            if self.problems:
                self.problems -= 1
                raise requests.exceptions.ConnectionError("reset")
            return super().get(session, url, **more)

    scan = scanned_by(Shaky("good"), zipped(GOOD), "good")

    assert scan.report["gate"]["status"] == "passed"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"SONAR_HOST_URL": ""}, "NoServer"),
        ({"SONAR_HOST_URL": "sonarqube.example.com"}, "NoServer"),
        ({"SONAR_HOST_URL": "https://sonarcloud.io"}, "NoOrganization"),
    ],
)
def test_an_invalid_server_address_is_reported(change, error):
    assert scanned_by(Answers("good"), zipped(GOOD), "good", **change).error == error


def test_a_failed_scanner_is_reported_with_the_reason():
    answers = Answers("good")
    scanner = Scanner(answers, code=1, says=("INFO Starting", "ERROR No such rule", "INFO End"))
    scan = scanned_by(answers, zipped(GOOD), "good", scanner)

    assert scan.error == "ScannerFailed"
    message = scan.report["error"]["message"]
    assert message == (
        "SonarQube's scanner ended with exit status 1 and left no result: No such rule"
    )


@pytest.mark.parametrize(
    ("says", "error"),
    [
        ("ERROR java.lang.OutOfMemoryError: Java heap space", "OutOfMemory"),
        ("ERROR java.io.IOException: No space left on device", "DiskFull"),
    ],
)
def test_a_machine_that_is_too_small_for_the_scanner_is_reported(says, error):
    answers = Answers("good")
    scan = scanned_by(answers, zipped(GOOD), "good", Scanner(answers, code=1, says=(says,)))

    assert scan.error == error


def test_a_scanner_failure_due_to_a_server_outage_is_reported_as_such():
    class Failing(Scanner):
        def __call__(self, *arguments, **more):
            answers.change("api/system/status", 503)
            return super().__call__(*arguments, **more)

    answers = Answers("good")
    scanner = Failing(answers, code=1, says=("ERROR Connection refused",))
    scan = scanned_by(answers, zipped(GOOD), "good", scanner)

    assert scan.error == "ServerUnreachable"


def test_a_file_that_the_scanner_could_not_parse_fails_the_gate():
    answers = Answers("good")
    scanner = Scanner(answers, says=("ERROR Unable to parse file: shop/prices.py",))
    scan = scanned_by(answers, zipped(GOOD), "good", scanner)

    assert scan.report["gate"]["status"] == "failed"
    [named] = scan.report["coverage"]["files"]
    assert (named["class"], named["file"]) == ("unanalysed", "shop/prices.py")


def test_the_scanner_does_not_run_cargo():
    answers = Answers("good")
    scanner = Scanner(answers)
    scanned_by(answers, zipped(GOOD), "good", scanner)

    assert scanner.orders[0]["properties"]["sonar.rust.clippy.enabled"] == "false"


def test_code_that_the_scanner_never_read_fails_the_gate():
    scan = scanned_by(Answers("good"), zipped({**GOOD, ".x/a.go": "package a\n"}), "good")

    assert scan.report["gate"]["status"] == "failed"
    assert [file["file"] for file in scan.report["coverage"]["files"]] == [".x/a.go"]


def test_code_excluded_on_the_server_is_named_and_fails_no_gate():
    answers = Answers("good")
    setting = {"key": "sonar.javascript.exclusions", "values": ["lib/**"]}
    for answer in answers.left:
        if answer["path"] == "api/settings/values":
            answer["status"], answer["body"] = 200, json.dumps({"settings": [setting]})
    scanner = Scanner(answers)
    files = {**GOOD, "lib/a.js": "a();\n"}
    scan = scanned_by(answers, zipped(files), "good", scanner)

    assert scan.report["gate"]["status"] == "passed"
    [named] = scan.report["coverage"]["files"]
    assert (named["class"], named["file"]) == ("opaque", "lib/a.js")
    assert named["reason"] == "excluded on the server: sonar.javascript.exclusions=lib/**"
    assert "sonar.javascript.exclusions" not in scanner.orders[0]["properties"]


def test_the_scanners_memory_follows_the_machine(tmp_path):
    meminfo, cgroup = tmp_path / "meminfo", tmp_path / "memory.max"
    assert memory_bytes(meminfo, cgroup) == 2 * 1024**3

    meminfo.write_text("MemTotal:        8000000 kB\nMemFree: 1 kB\n")
    cgroup.write_text("max\n")
    assert memory_bytes(meminfo, cgroup) == 8_192_000_000

    cgroup.write_text("4000000000\n")
    assert memory_bytes(meminfo, cgroup) == 4_000_000_000


def test_the_scanner_gets_a_share_of_the_memory(monkeypatch):
    monkeypatch.setattr("scan.sonarqube.properties.memory_bytes", lambda: 4 * 1024**3)
    answers = Answers("good")
    scanner = Scanner(answers)
    scanned_by(answers, zipped(GOOD), "good", scanner)

    scanner_properties = scanner.orders[0]["properties"]
    memory, temporary = scanner_properties["sonar.scanner.javaOpts"].split()
    assert memory == "-Xmx2457m"
    # The folder that the scanner gets as TMPDIR.
    assert temporary.removeprefix("-Djava.io.tmpdir=") == str(
        Path(scanner_properties["sonar.working.directory"]).parent / "tmp"
    )
    assert scanner_properties["sonar.javascript.node.maxspace"] == "1024"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (
            "api/ce/task",
            '{"task": {"status": "FAILED", "errorMessage": "Date of analysis cannot be'
            ' older than the date of the last known analysis on this project."}}',
        ),
        ("api/ce/component", '{"current": {"analysisId": "another"}}'),
    ],
    ids=["refused", "overwritten"],
)
def test_an_overtaken_analysis_is_repeated(path, body):
    answers = Answers("good")
    answers.change(path, 200, body)
    scanner = Scanner(answers)
    scan = scanned_by(answers, zipped(GOOD), "good", scanner)

    assert scan.error == "Overtaken"
    assert len(scanner.orders) == 3


@pytest.mark.parametrize(
    ("proxy_url", "no_proxy", "given"),
    [
        ("", "", {}),
        ("http://proxy.example.com:3128", "", {"Host": "proxy.example.com", "Port": "3128"}),
        ("http://proxy.example.com", "", {"Host": "proxy.example.com", "Port": "80"}),
        ("http://proxy.example.com:3128", "127.0.0.1,.example.com", {}),
    ],
)
def test_java_gets_the_proxy_where_the_server_is_behind_it(monkeypatch, proxy_url, no_proxy, given):
    """Java ignores the variables that Python and most tools read."""
    for name, value in {"HTTPS_PROXY": proxy_url, "NO_PROXY": no_proxy}.items():
        monkeypatch.setenv(name, value)

    properties = {f"sonar.scanner.proxy{name}": value for name, value in given.items()}
    assert proxy("https://sonar.example.com") == properties


def test_java_trusts_only_the_certificates_of_the_team(tmp_path):
    private = tmp_path / "private.pem"
    private.write_text("-----BEGIN CERTIFICATE-----\nown")
    bundle = trust.bundle(private, tmp_path)

    assert bundle
    assert bundle.read_text().count("BEGIN CERTIFICATE") > 100
    assert scanner._own(bundle.read_text()) == "\n-----BEGIN CERTIFICATE-----\nown\n"
