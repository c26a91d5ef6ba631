"""Renews the recorded answers of the fast tests: ``python -m tests.sonarqube.record``."""

import json
from typing import Any
from unittest.mock import patch

import requests

from local.sonarqube import Server, running_server
from tests.scan.recorded import FOLDER, HOST
from tests.scan.scanning import scanned
from tests.scan.uploads import zipped
from tests.sonarqube.trees import BAD, BAD_PYTHON, GOOD, NOTHING

REAL_GET = requests.Session.get


def record(server: Server, name: str, files: dict[str, str], **environment: str) -> None:
    """Scan ``files`` as the app ``name`` and keep what the server's API answered."""
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

    given = {"ENGINE": "sonarqube", "SONAR_HOST_URL": server.url, "SONAR_TOKEN": server.token}
    with patch.object(requests.Session, "get", get):
        scanned(zipped(files), name, **(given | environment))
    text = json.dumps(answers, indent=1, ensure_ascii=False)
    assert server.token not in text
    (FOLDER / f"{name}.json").write_text(f"{text}\n")


def main() -> None:
    """Record one scan of each kind."""
    FOLDER.mkdir(exist_ok=True)
    with running_server() as server:
        record(server, "bad", BAD)
        record(server, "good", GOOD)
        record(server, "nothing", NOTHING)
        record(server, "hotspots", BAD, SONAR_TOKEN=server.admin)
        record(server, "bad-token", GOOD, SONAR_TOKEN="sqa_expired")
        server.call("api/projects/create", name="new", project="chatops-slack_new")
        server.call("api/qualitygates/select", gateName="Sonar way", projectKey="chatops-slack_new")
        record(server, "new", BAD_PYTHON)
        (FOLDER / "new.json").rename(FOLDER / "new-first.json")
        record(server, "new", BAD_PYTHON)
        (FOLDER / "new.json").rename(FOLDER / "new-second.json")


if __name__ == "__main__":
    main()
