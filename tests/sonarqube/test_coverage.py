"""A real SonarQube leaves no file unreported; run with ``pytest -m sonarqube``."""

import pytest

from scan.sonarqube import names
from scan.sonarqube.properties import memory_bytes
from tests.sonarqube.scans import failed, on, unanalysed
from tests.sonarqube.trees import BAD, STORE_JAVA, STORE_PY
from tests.sonarqube.unseen import (
    BY_NAME,
    CLEAN,
    EMPTY,
    FOLDERS,
    MINIFIED,
    NAMES,
    UNPARSABLE,
    large,
)

pytestmark = pytest.mark.sonarqube
# Syntax of Python 3.14, which older analysers cannot parse.
TEMPLATE = "\nPAGE = t'{find}'\n"
# Repetitive content compresses well.
ROOMY = '{"bytes": 1073741824, "ratio": 100000}'
SWITCH = "    int first(int o) { return switch (o) { case 1 -> 1; default -> 0; }; }\n}\n"
JAVA_17 = STORE_JAVA.rstrip().removesuffix("}") + SWITCH


@pytest.fixture(scope="module")
def unseen(server):
    """One scan of all files that SonarQube does not read, since each scan takes half a minute."""
    files = {**CLEAN, **UNPARSABLE, **MINIFIED, **BY_NAME, **large()}
    return on(server, files, "unseen", UPLOAD_LIMITS=ROOMY)


def test_clean_code_in_each_language_is_analysed_and_passes(server):
    files = {**CLEAN, **EMPTY, **FOLDERS, **NAMES}
    scan = on(server, files, "clean", UPLOAD_LIMITS=ROOMY)

    assert unanalysed(scan) == {}
    assert scan.report["gate"]["status"] == "passed"
    assert scan.report["gate"]["judge"] == "sonarqube"
    counts = scan.report["coverage"]["counts"]
    assert counts["analysed"] == len(files)
    assert sum(counts.values()) == len(files)
    assert scan.report["coverage"]["reported"]


def test_all_file_names_of_the_servers_defaults_are_known(server):
    ours = names.properties({})
    known = {
        definition["key"]: definition.get("defaultValue", "")
        for definition in server.call("api/settings/list_definitions")["definitions"]
    }
    ours["sonar.ruby.file.suffixes"] = ours.pop("sonar.lang.patterns.ruby").replace("**/*", "")

    assert ours.keys() <= known.keys()
    for key, value in ours.items():
        plain = [part.removeprefix(".") for part in value.split(",")]
        assert {item.strip().removeprefix(".") for item in known[key].split(",")} <= {*plain}


@pytest.mark.parametrize("file", UNPARSABLE)
def test_a_file_that_cannot_be_parsed_is_unanalysed(file, unseen):
    assert "could not parse it" in unanalysed(unseen)[file]


@pytest.mark.parametrize("file", MINIFIED)
def test_a_file_that_is_taken_for_minified_is_unanalysed(file, unseen):
    assert file in unanalysed(unseen)


@pytest.mark.parametrize("file", BY_NAME)
def test_a_file_that_is_left_out_by_its_name_is_unanalysed(file, unseen):
    assert file in unanalysed(unseen)


@pytest.mark.parametrize("file", large())
def test_a_file_that_is_too_large_is_unanalysed(file, unseen):
    assert "over 20 MB" in unanalysed(unseen)[file]


def test_only_unanalysed_files_fail_the_gate(unseen):
    assert failed(unseen) == {"unanalysed_files"}
    assert unseen.report["gate"]["judge"] == "sonarqube"
    assert not unanalysed(unseen).keys() & CLEAN.keys()
    assert unseen.report["coverage"]["counts"]["analysed"] == len(CLEAN)


def test_syntax_that_the_analyser_may_not_know_hides_nothing(server):
    files = {"shop/store.py": STORE_PY + TEMPLATE, "shop/Store.java": JAVA_17}
    files["sonar-project.properties"] = "sonar.java.source=1.3\nsonar.python.version=2.7\n"
    scan = on(server, files, "syntax")

    findings = {finding["file"] for finding in scan.report["findings"]}
    assert "shop/Store.java" in findings
    assert ("shop/store.py" in findings) != ("shop/store.py" in unanalysed(scan))
    assert scan.report["gate"]["status"] == "failed"
    assert {setting["key"] for setting in scan.report["ignored"]} == {
        "sonar.java.source",
        "sonar.python.version",
    }


def test_javascript_for_which_node_has_too_little_memory_does_not_pass(server, monkeypatch):
    monkeypatch.setattr("scan.sonarqube.properties.NODE_PART", 200 * 1024**2 / memory_bytes())
    files = {
        **CLEAN,
        "web/many.js": "".join(f"export const a{n} = [{n}];\n" for n in range(300_000)),
    }
    scan = on(server, files, "memory", UPLOAD_LIMITS=ROOMY)

    if scan.error:
        assert scan.error == "OutOfMemory"
    else:
        assert failed(scan) == {"unanalysed_files"}
        assert "web/many.js" in unanalysed(scan)


def test_excluded_files_are_named_and_fail_no_gate(server):
    project = "chatops-slack_test:excluded"
    server.call("api/projects/create", name="excluded", project=project)
    server.call(
        "api/settings/set", component=project, key="sonar.exclusions", values="src/**/*.java"
    )
    server.call("api/settings/set", key="sonar.global.exclusions", values="**/page.js")
    try:
        files = {**BAD, "shop/prices.py": CLEAN["shop/prices.py"]}
        del files["shop/store.py"]
        scan = on(server, files, "excluded")
        own = {**files, "sonar-project.properties": "sonar.exclusions=src/**,web/*\n"}
        allowed = on(server, own, "excluded", ALLOW_EXCLUSIONS="true")
    finally:
        server.call("api/settings/reset", keys="sonar.global.exclusions")

    for item in (scan, allowed):
        assert item.report["gate"]["status"] == "passed"
        assert item.report["coverage"]["counts"]["unanalysed"] == 0
        assert item.report["coverage"]["counts"]["opaque"] == 2
    named = {file["file"]: file["reason"] for file in scan.report["coverage"]["files"]}
    assert named == {
        "src/shop/Store.java": "excluded on the server: sonar.exclusions=src/**/*.java",
        "web/page.js": "excluded on the server: sonar.global.exclusions=**/page.js",
    }
    reasons = {file["reason"] for file in allowed.report["coverage"]["files"]}
    assert reasons == {
        "left out by the upload's own sonar.exclusions, which allowExclusions permits"
    }
