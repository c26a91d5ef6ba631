"""Answers of a real SonarQube, recorded by ``python -m tests.sonarqube.record``."""

import json
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import requests

from scan.log import Log
from scan.sonarqube import engine
from tests.scan.scanning import Scanned, scanned, tree

FOLDER = Path(__file__).parent / "sonarqube_answers"
HOST = "https://sonarqube.example.com"
TOKEN = "sqa_0123456789"
SETTINGS = "api/settings/values"


class Answers:
    """Replays one recording: each answer as often as recorded, the last one repeatedly."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.left: list[dict[str, Any]] = json.loads((FOLDER / f"{name}.json").read_text())
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self._project = next(
            (
                item["parameters"].get("component")
                for item in self.left[::-1]
                if item["path"] == SETTINGS and "component" in item["parameters"]
            ),
            "",
        )

    def change(self, path: str, status: int = 200, body: str = "{}") -> None:
        """Make ``path`` answer something else from now on."""
        parameters = next((item["parameters"] for item in self.left if item["path"] == path), {})
        self.left = [item for item in self.left if item["path"] != path]
        self.left.append({"path": path, "parameters": parameters, "status": status, "body": body})

    def get(self, session: requests.Session, url: str, **more: Any) -> requests.Response:
        """Replaces ``requests.Session.get``."""
        assert url.startswith(f"{HOST}/")
        path = url.removeprefix(f"{HOST}/")
        request = more["params"]
        self.requests.append((path, request))
        if path == SETTINGS and "component" in request:
            # A project with another key has no settings of its own, either.
            more["params"] = {**request, "component": self._project}
        fitting = [
            item
            for item in self.left
            if (item["path"], item["parameters"]) == (path, more["params"])
        ]
        assert fitting, f"the recording knows no {path} with {more['params']}"
        if len(fitting) > 1:
            self.left.remove(fitting[0])
        answer = requests.Response()
        answer.status_code = fitting[0]["status"]
        answer._content = fitting[0]["body"].encode()
        return answer

    @property
    def task(self) -> str:
        """The id of the recorded scan's task."""
        return next(item["parameters"]["id"] for item in self.left if item["path"] == "api/ce/task")

    def report(self) -> dict[str, bytes]:
        """The files of the recorded scanner's report."""
        path = FOLDER / f"{self.name}.report.json"
        encoded: dict[str, str] = json.loads(path.read_text()) if path.is_file() else {}
        return {name: b64decode(text) for name, text in encoded.items()}


class Scanner:
    """Replaces the scanner's process: records how it was run, writes a task and a report."""

    def __init__(
        self,
        answers: Answers,
        code: int = 0,
        says: tuple[str, ...] = (),
        report: dict[str, bytes] | None = None,
    ) -> None:
        self._answers, self._code, self._says = answers, code, says
        self._report = answers.report() if report is None else report
        self.orders: list[dict[str, Any]] = []
        self.commands: list[Any] = []

    def __call__(
        self,
        command: Any,
        *,
        folder: Path,
        log: Log,
        extra: Any,
        standard_input: str,
        on_line: Callable[[str], None],
        until: float,
    ) -> tuple[int, list[str]]:
        self.commands.append((command, extra))
        self.orders.append(json.loads(standard_input))
        if not self._code:
            tree(self._report, folder / "scanner" / "scanner-report")
            (folder / "report-task.txt").write_text(
                f"projectKey=x\nserverUrl=http://elsewhere\nceTaskId={self._answers.task}\n"
            )
        for line in self._says:
            log.write(line)
            on_line(line)
        return self._code, list(self._says)


@contextmanager
def replayed(answers: Answers, scanner: Scanner) -> Iterator[None]:
    """Replace server and scanner by the recorded ones, without waiting times."""
    with (
        # A function, so that the session is its first argument.
        patch.object(requests.Session, "get", lambda *a, **more: answers.get(*a, **more)),  # noqa: PLW0108
        patch.object(engine, "run", scanner),
        patch("time.sleep"),
    ):
        yield


def scanned_by(
    answers: Answers, body: bytes, app: str, scanner: Scanner | None = None, **environment: str
) -> Scanned:
    """A scan that the recorded server answers."""
    given = {"SCANNERS": '["sonarqube"]', "SONAR_HOST_URL": f"{HOST}/", "SONAR_TOKEN": TOKEN}
    with replayed(answers, scanner or Scanner(answers)):
        return scanned(body, app, **(given | environment))
