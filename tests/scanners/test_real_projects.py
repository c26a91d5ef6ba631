"""Each scanner as packed, on real projects: through scan/ it finds what it finds alone.

They need a way to the package registries: ``make test-scanners``.
"""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

import scan.packs
from scan.sarif.recipes import recipes
from tests.scan.scanning import ENVIRONMENT, Scanned, scanned, tree
from tests.scan.uploads import zipped
from tests.scanners.projects import module, npm, wheel

pytestmark = pytest.mark.scanners

PROJECTS: dict[str, list[tuple[Callable[[str], dict[str, bytes]], str]]] = {
    "bandit": [(wheel, "flask==2.0.0"), (wheel, "requests==2.20.0"), (wheel, "paramiko==2.7.0")],
    "ruff": [(wheel, "flask==2.0.0"), (wheel, "requests==2.20.0"), (wheel, "paramiko==2.7.0")],
    "semgrep": [(npm, "hapi@18.1.0"), (npm, "passport-saml@3.2.0"), (npm, "express@4.16.0")],
    "gitleaks": [
        (module, "github.com/golang-jwt/jwt/v4@v4.5.0"),
        (npm, "passport-saml@3.2.0"),
        (wheel, "paramiko==2.7.0"),
    ],
    "gosec": [
        (module, "github.com/gorilla/mux@v1.8.0"),
        (module, "github.com/julienschmidt/httprouter@v1.3.0"),
        (module, "github.com/dgrijalva/jwt-go@v3.2.0+incompatible"),
    ],
    "osv-scanner": [
        (module, "github.com/gin-gonic/gin@v1.6.0"),
        (module, "github.com/prometheus/client_golang@v1.10.0"),
        (module, "github.com/labstack/echo/v4@v4.1.0"),
    ],
    "checkov": [
        (module, "github.com/gruntwork-io/terratest@v0.46.0"),
        (module, "github.com/prometheus/node_exporter@v1.7.0"),
        (module, "github.com/zricethezav/gitleaks/v8@v8.30.1"),
    ],
}


def alone(name: str, pack: Path, files: Mapping[str, bytes], tmp_path: Path) -> Counter[str]:
    """How often the tool reports each rule, run without scan/."""
    source, sarif = tree(files, tmp_path / "alone" / "project"), tmp_path / "alone" / "result.sarif"
    values = {"python": sys.executable, "pack": pack, "source": source, "sarif": sarif}
    words = list(recipes()[name].command)
    for key, value in values.items():
        words = [word.replace(f"{{{key}}}", str(value)) for word in words]
    environment = {**ENVIRONMENT, "HOME": str(Path.home()), **scan.packs.environment(name)}
    subprocess.run(words, cwd=sarif.parent, env=environment, check=False, capture_output=True)
    [run] = json.loads(sarif.read_text())["runs"]
    return Counter(result["ruleId"] for result in run.get("results") or [])


def through_scan(name: str, files: Mapping[str, str | bytes], **variables: str) -> Scanned:
    return scanned(zipped(files), SCANNERS=json.dumps([name]), **variables)


def rules(done: Scanned) -> Counter[str]:
    assert done.all_findings
    return Counter(finding["rule"] for finding in done.all_findings["findings"])


@pytest.mark.parametrize(
    ("name", "download", "project"),
    [
        pytest.param(name, download, project, id=f"{name}-{project}")
        for name, projects in PROJECTS.items()
        for download, project in projects
    ],
)
def test_it_finds_what_it_finds_alone(name, download, project, packed, tmp_path):
    files, pack = download(project), packed(name)
    done = through_scan(name, files)
    expected = alone(name, pack, files, tmp_path)

    print(name, project, sum(expected.values()), done.report["coverage"]["counts"])
    assert done.report["error"] is None
    assert rules(done) == expected


class Case(NamedTuple):
    """Bad code, files that would silence the tool, and a file that it cannot parse."""

    bad: dict[str, str]
    hostile: dict[str, str]
    unparsable: dict[str, str]


KEY = "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEpAIBAAKCAQEA7bq98sKx\n" * 12
KEY += "-----END RSA PRIVATE KEY-----\n"
SHELL = "import subprocess\nsubprocess.call(input(), shell=True)  # nosec # noqa\n"
GO_MOD = "module shop\n\ngo 1.20\n"
CASES = {
    "bandit": Case(
        {"a.py": SHELL},
        {".bandit": "[bandit]\nskips: B602\n", "setup.cfg": "[bandit]\nskips = B602\n"},
        {"b.py": "def (\n"},
    ),
    "ruff": Case(
        {"a.py": SHELL},
        {"ruff.toml": 'exclude = ["*"]\n', ".gitignore": "*\n", "pyproject.toml": "[tool.ruff]\n"},
        {"b.py": "def (\n"},
    ),
    "semgrep": Case(
        {"a.js": "app.get('/', (req, res) => { eval(req.query.x); }) // nosemgrep\n"},
        {".semgrepignore": "*\n", ".gitignore": "*\n", ".semgrep.yml": "rules: []\n"},
        {"b.js": "function ( {{{ ]\n"},
    ),
    "gitleaks": Case(
        {"key.txt": KEY.replace("-----\n", "----- gitleaks:allow\n", 1), "b.pem": KEY},
        {
            ".gitleaks.toml": "[allowlist]\npaths = ['''.*''']\n",
            ".gitleaksignore": "b.pem:private-key:1\nkey.txt:private-key:1\n",
        },
        {},
    ),
    "gosec": Case(
        {
            "go.mod": GO_MOD,
            "a.go": 'package shop\n\nimport "crypto/md5"\n\n'
            "func F() { println(md5.New()) } // #nosec\n",
        },
        {"go.work": "go 1.20\n\nuse ./other\n", ".gosec.json": '{"global": {"nosec": "true"}}'},
        {"b.go": "package shop\n\nfunc ( {\n"},
    ),
    "osv-scanner": Case(
        {"go.mod": GO_MOD + "\nrequire golang.org/x/text v0.3.0\n"},
        {
            "osv-scanner.toml": '[[PackageOverrides]]\necosystem = "Go"\nignore = true\n',
            ".gitignore": "*\n",
        },
        {"other/go.mod": "modul {{{\n"},
    ),
    "checkov": Case(
        {
            "main.tf": 'resource "aws_s3_bucket" "b" {\n  # checkov:skip=CKV_AWS_20:not now\n'
            '  bucket = "b"\n  acl = "public-read"\n}\n'
        },
        {
            ".checkov.yaml": "skip-path: ['.*']\nskip-check: [CKV*]\n",
            ".checkov.yml": "external-checks-dir: [checks]\n",
            "checks/__init__.py": "",
            "checks/evil.py": "import os\nos._exit(0)\n",
        },
        {"broken.tf": 'resource "aws_s3_bucket" {{{\n'},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_hostile_settings_file_changes_nothing(name, packed):
    packed(name)
    case = CASES[name]
    honest = through_scan(name, case.bad)
    tried = through_scan(name, {**case.bad, **case.hostile})

    assert rules(honest)
    assert rules(tried) == rules(honest)
    assert tried.report["gate"]["status"] == "failed"


@pytest.mark.parametrize("name", [name for name in CASES if CASES[name].unparsable])
def test_a_file_that_it_cannot_parse_is_unanalysed(name, packed):
    packed(name)
    [file] = CASES[name].unparsable
    done = through_scan(name, {**CASES[name].bad, **CASES[name].unparsable})

    files = done.report["coverage"]["files"]
    unanalysed = {item["file"] for item in files if item["class"] == "unanalysed"}
    # gosec names the package only.
    assert unanalysed & {file, "" if name == "gosec" else file}
    assert done.report["gate"]["status"] == "failed"


def test_of_a_secret_nothing_is_written(packed):
    packed("gitleaks")
    done = through_scan("gitleaks", CASES["gitleaks"].bad)

    assert rules(done) == {"private-key": 2}
    assert "MIIEpAIBAAKCAQEA7bq98sKx" not in json.dumps([done.report, done.all_findings, done.log])
