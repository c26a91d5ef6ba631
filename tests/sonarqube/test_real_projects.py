"""Through scan/ SonarQube finds in real projects what its scanner finds alone.

They need package registries: ``make test-scanners``.
"""

import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from local.sonarqube import Server
from scan.sonarqube.properties import DEPENDENCIES
from tests.scan.scanning import tree
from tests.scanners.projects import module, npm, wheel
from tests.sonarqube.scans import on

pytestmark = [pytest.mark.sonarqube, pytest.mark.scanners]


def alone(server: Server, source: Path, project: str) -> Counter[str]:
    """How often the server has an issue of each rule, after a scan by pysonar alone.

    Without hotspots, which scan/ may not read with its token.
    """
    subprocess.run(
        [
            Path(sys.executable).parent / "pysonar",
            f"-Dsonar.host.url={server.url}",
            f"-Dsonar.projectKey={project}",
            "-Dsonar.sources=.",
            "-Dsonar.scm.disabled=true",
            # scan/ has these too, so that no code is left out as a bundle, generated or a test.
            "-Dsonar.javascript.detectBundles=false",
            "-Dsonar.javascript.detectGeneratedCode=false",
            "-Dsonar.python.testFileHeuristic.disabled=true",
            f"-Dsonar.javascript.exclusions={DEPENDENCIES}",
        ],
        cwd=source,
        env={"PATH": "/usr/bin:/bin", "HOME": str(Path.home()), "SONAR_TOKEN": server.token},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    while server.call(f"api/ce/component?component={project}")["queue"]:
        time.sleep(0.5)
    issues = server.call(f"api/issues/search?components={project}&resolved=false&ps=500")
    assert issues["total"] <= 500
    return Counter(issue["rule"] for issue in issues["issues"])


@pytest.mark.parametrize(
    ("download", "project"),
    [
        (wheel, "requests==2.20.0"),
        (npm, "passport-saml@3.2.0"),
        (module, "github.com/dgrijalva/jwt-go@v3.2.0+incompatible"),
    ],
)
def test_it_finds_what_its_scanner_finds_alone(server, download, project, tmp_path):
    files = download(project)
    name = re.sub(r"\W", "", project)
    scan = on(server, files, name)
    expected = alone(server, tree(files, tmp_path), f"alone-{name}")

    assert scan.error is None
    assert scan.all_findings
    rules = Counter(finding["rule"] for finding in scan.all_findings["findings"])
    print(project, sum(rules.values()), scan.report["coverage"]["counts"])
    assert rules == expected
