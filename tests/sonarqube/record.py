"""Records the answers for the fast tests: ``python -m tests.sonarqube.record``."""

import json
from base64 import b64encode
from pathlib import Path
from typing import Any
from unittest.mock import patch

import requests

from local.sonarqube import GATE, Server, running_server
from scan.sonarqube import scanner_report
from scan.sonarqube.exclusions import SETTINGS
from scan.sonarqube.scanner_report import ScannedFile
from tests.scan.recorded import FOLDER, HOST
from tests.scan.scanning import scanned
from tests.scan.uploads import zipped
from tests.sonarqube.trees import BAD, BAD_PYTHON, GOOD, NOTHING, SAME

BESIDE_BANDIT = '["sonarqube", "bandit"]'
REAL_GET, REAL_READ = requests.Session.get, scanner_report.read
TOKENS = Path(__file__).parents[1] / "ops" / "sonarqube_answers.json"
ASKED_ABOUT_TOKENS: tuple[tuple[str, dict[str, str]], ...] = (
    ("api/system/status", {}),
    ("api/authentication/validate", {}),
    ("api/qualitygates/list", {}),
    ("api/qualitygates/show", {"name": GATE}),
    ("api/users/current", {}),
    ("api/user_tokens/search", {}),
    ("api/languages/list", {}),
    ("api/settings/values", {"keys": SETTINGS}),
)


def record(server: Server, name: str, files: dict[str, str], **environment: str) -> None:
    """Scan ``files`` as the app ``name`` and store the answers of the server's API."""
    answers: list[dict[str, Any]] = []

    def get(session: requests.Session, url: str, **more: Any) -> requests.Response:
        answer = REAL_GET(session, url, **more)
        answers.append(
            {
                "path": url.removeprefix(f"{server.url}/"),
                "parameters": more["params"],
                "status": answer.status_code,
                "body": answer.text.replace(server.url, HOST),
            }
        )
        return answer

    report: dict[str, str] = {}

    def read(folder: Path) -> dict[str, ScannedFile]:
        for path in sorted([*folder.glob("component-*.pb"), *folder.glob("measures-*.pb")]):
            report[path.name] = b64encode(path.read_bytes()).decode()
        return REAL_READ(folder)

    given = {"SCANNERS": '["sonarqube"]', "SONAR_HOST_URL": server.url, "SONAR_TOKEN": server.token}
    with (
        patch.object(requests.Session, "get", get),
        patch.object(scanner_report, "read", read),
    ):
        scanned(zipped(files), name, **(given | environment))
    text = json.dumps(answers, indent=1, ensure_ascii=False)
    assert server.token not in text
    (FOLDER / f"{name}.json").write_text(f"{text}\n")
    if report:
        (FOLDER / f"{name}.report.json").write_text(f"{json.dumps(report, indent=1)}\n")


def record_tokens(server: Server) -> None:
    """Store the API's answers to each kind of token, for the checks of preflight."""
    password = "Recorded-0123456789"
    server.call("api/users/create", login="least", name="Least", password=password)
    for permission in ("scan", "provisioning"):
        server.call("api/permissions/add_user", login="least", permission=permission)
    server.call("api/projects/create", name="one", project="one")
    tokens = {"admin": server.admin, "bad": "sqa_expired"}
    for kind, more in (
        ("user", {}),
        ("global_analysis", {}),
        ("project_analysis", {"projectKey": "one"}),
    ):
        made = requests.post(
            f"{server.url}/api/user_tokens/generate",
            data={"name": kind, "type": f"{kind}_token".upper(), **more},
            auth=("least", password),
        )
        tokens[kind.removesuffix("_analysis")] = made.json()["token"]
    answers = {
        kind: [
            {
                "path": path,
                "parameters": parameters,
                "status": answer.status_code,
                "body": answer.text.replace(server.url, HOST),
            }
            for path, parameters in ASKED_ABOUT_TOKENS
            for answer in [
                requests.get(
                    f"{server.url}/{path}",
                    params=parameters,
                    headers={"Authorization": f"Bearer {token}"},
                )
            ]
        ]
        for kind, token in tokens.items()
    }
    text = json.dumps(answers, indent=1, ensure_ascii=False)
    assert not [item for item in tokens.values() if item in text]
    TOKENS.write_text(f"{text}\n")


def _rename(old: str, new: str) -> None:
    for kind in ("json", "report.json"):
        (FOLDER / f"{old}.{kind}").rename(FOLDER / f"{new}.{kind}")


def main() -> None:
    """Record one scan of each kind, and the answers to tokens of each kind."""
    FOLDER.mkdir(exist_ok=True)
    with running_server() as server:
        record_tokens(server)
        record(server, "bad", BAD)
        record(server, "good", GOOD, SCANNERS=BESIDE_BANDIT)
        record(server, "same", SAME, SCANNERS=BESIDE_BANDIT)
        record(server, "nothing", NOTHING)
        record(server, "hotspots", BAD, SONAR_TOKEN=server.admin)
        record(server, "bad-token", GOOD, SONAR_TOKEN="sqa_expired")
        server.call("api/projects/create", name="new", project="chatops-slack_new")
        server.call("api/qualitygates/select", gateName="Sonar way", projectKey="chatops-slack_new")
        record(server, "new", BAD_PYTHON)
        _rename("new", "new-first")
        record(server, "new", BAD_PYTHON)
        _rename("new", "new-second")


if __name__ == "__main__":
    main()
