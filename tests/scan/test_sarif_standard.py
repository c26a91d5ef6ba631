"""What SARIF 2.1.0 lets a tool write, by section of the standard."""

import json
from pathlib import Path
from typing import Any

import pytest

from scan.errors import ScanError
from scan.finding import Analysis, Seen
from scan.ledger import NOT_READ
from scan.sarif.output import OutputNotes
from scan.sarif.reading import read
from tests.scan.scanning import tree

FILES = {"app/store.py": "code", "with space/ä.py": "code", "a b.py": "1", "a%20b.py": "2"}


def result(**more: Any) -> dict[str, Any]:
    place = {"artifactLocation": {"uri": "app/store.py"}, "region": {"startLine": 7}}
    return {"ruleId": "R1", "locations": [{"physicalLocation": place}], **more}


def run(*results: dict[str, Any], name: str = "Tool", **more: Any) -> dict[str, Any]:
    return {"tool": {"driver": {"name": name}}, "results": list(results), **more}


def reading(
    tmp_path: Path, *runs: Any, notes: OutputNotes | None = None, command: str = "", **log: Any
) -> Analysis:
    source = tree(FILES, tmp_path / "source")
    (tmp_path / "work").mkdir(exist_ok=True)
    sarif = tmp_path / "work" / "result.sarif"
    sarif.write_text(json.dumps({"version": "2.1.0", "runs": runs, **log}))
    return read(sarif, source=source, folder=sarif.parent, notes=notes, command=command)


def seen(tmp_path: Path, *runs: Any, **more: Any) -> Seen:
    return reading(tmp_path, *runs, **more).seen


def refused(tmp_path: Path, *runs: Any, **log: Any) -> ScanError:
    with pytest.raises(ScanError) as refusal:
        reading(tmp_path, *runs, **log)
    return refusal.value


# Appendix I, 3.13.4, 3.14.23, 3.20: runs that did not happen


@pytest.mark.parametrize("results", [{"results": None}, {}], ids=["null", "absent"])
def test_a_run_without_results_did_not_happen(results, tmp_path):
    without = {"tool": {"driver": {"name": "Tool"}}, **results}
    malformed = refused(tmp_path, run(result()), without)

    assert (malformed.code, malformed.message) == (
        "NothingAnalysed",
        "Tool did not begin: its SARIF holds no results, not even an empty list of them.",
    )


@pytest.mark.parametrize("log", [{"runs": []}, {"runs": None}])
def test_a_log_without_runs_scanned_nothing(log, tmp_path):
    malformed = refused(tmp_path, **log)

    assert (malformed.code, "nothing was scanned" in malformed.message) == ("NothingAnalysed", True)


@pytest.mark.parametrize(
    ("invocation", "says"),
    [
        ({"processStartFailureMessage": "no such file"}, "Tool: did not start: no such file."),
        ({"exitSignalName": "SIGKILL"}, "Tool: was ended by signal SIGKILL."),
        ({"exitSignalNumber": 9}, "Tool: was ended by signal 9."),
        (
            {
                "executionSuccessful": False,
                "toolExecutionNotifications": [{"level": "error", "message": {"text": "no disk"}}],
            },
            "Tool: no disk.",
        ),
    ],
)
def test_a_run_that_failed_is_believed(invocation, says, tmp_path):
    malformed = refused(tmp_path, run(invocations=[{"executionSuccessful": True, **invocation}]))

    assert (malformed.code, malformed.message) == ("ScannerFailed", says)


def test_null_counts_as_missing(tmp_path):
    def nulled(value: Any) -> Any:
        if isinstance(value, dict):
            return {**{key: nulled(member) for key, member in value.items()}, **nothing}
        return [nulled(member) for member in value] if isinstance(value, list) else value

    names = (
        "ruleIndex level kind rule guid suppressions baselineState provenance locations "
        "properties invocations artifacts originalUriBaseIds extensions helpUri index region "
        "shortDescription defaultConfiguration messageStrings globalMessageStrings roles "
        "automationDetails externalPropertyFileReferences exitSignalName uriBaseId "
        "processStartFailureMessage markdown arguments semanticVersion"
    )
    nothing = dict.fromkeys(names.split())
    full = run(result(message={"text": "wrong"}))
    empty = nulled(run({"ruleId": "R1", "message": {"text": "wrong"}}))
    analysis = reading(tmp_path, full, empty)

    assert [(finding.severity, finding.message, finding.file) for finding in analysis.findings] == [
        ("MEDIUM", "wrong", "app/store.py"),
        ("MEDIUM", "wrong", ""),
    ]


# 3.15: external properties


def test_results_in_a_file_beside_are_read(tmp_path):
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "more results.json").write_text(
        json.dumps({"results": [result(level="error")]})
    )
    references = {"results": [{"location": {"uri": "more%20results.json"}, "itemCount": 1}]}
    external = run(externalPropertyFileReferences=references)
    del external["results"]

    assert reading(tmp_path, external).counts["HIGH"] == 1


@pytest.mark.parametrize(
    "uri", ["../secret.json", "file:///etc/passwd", "/etc/passwd", "none", "https://x/y", "link"]
)
def test_results_elsewhere_are_not_read_and_the_scan_fails_to_run(uri, tmp_path):
    (tmp_path / "work").mkdir()
    (tmp_path / "secret.json").write_text(json.dumps({"results": []}))
    (tmp_path / "work" / "link").symlink_to(tmp_path / "secret.json")
    references = {"results": [{"location": {"uri": uri}}]}
    malformed = refused(tmp_path, run(externalPropertyFileReferences=references))

    assert malformed.code == "InvalidSarif"
    assert "which is not beside it" in malformed.message


@pytest.mark.parametrize(
    ("references", "properties"),
    [
        ({"externalPropertyFileReferences": {"results": [{"guid": "g"}]}}, {"guid": "g"}),
        ({"automationDetails": {"guid": "run"}}, {"guid": "g", "runGuid": "run"}),
    ],
    ids=["by reference", "by run"],
)
def test_results_inline_are_read(references, properties, tmp_path):
    inline = [{**properties, "results": [result(level="error")]}]

    assert reading(tmp_path, run(**references), inlineExternalProperties=inline).counts["HIGH"] == 1


@pytest.mark.parametrize(
    ("references", "inline"),
    [
        ({"externalPropertyFileReferences": {"results": [{"guid": "g"}]}}, []),
        ({"externalPropertyFileReferences": {"results": [{}]}}, [{"results": []}]),
        ({}, [{"guid": "g", "results": [result()]}]),
        ({"automationDetails": {"guid": "a"}}, [{"runGuid": "b", "results": [result()]}]),
    ],
)
def test_results_that_cannot_be_attributed_fail_the_scan(references, inline, tmp_path):
    malformed = refused(tmp_path, run(**references), inlineExternalProperties=inline)

    assert malformed.code == "InvalidSarif"


# 3.27.5, 3.51, 3.52, 3.54: rules


def with_rules(*results: Any, driver: Any = (), extension: Any = (), **more: Any) -> Any:
    whole = run(*results, **more)
    whole["tool"]["driver"]["rules"] = list(driver)
    whole["tool"]["extensions"] = [
        {"name": "E0"},
        {"name": "E1", "guid": "guid-of-E1", "rules": list(extension)},
    ]
    return whole


BLOCKER = {"properties": {"security-severity": "9.9"}}


@pytest.mark.parametrize(
    "reference",
    [
        {"rule": {"index": 1, "toolComponent": {"index": 1}}},
        {"rule": {"id": "X1", "toolComponent": {"name": "E1"}}},
        {"rule": {"guid": "guid-of-X1", "toolComponent": {"guid": "guid-of-E1"}}},
        {"rule": {"guid": "guid-of-X1"}},
        {"ruleId": "X1"},
        {"ruleId": "X1/part/of"},
        {"ruleId": "X1", "ruleIndex": 0, "rule": {"toolComponent": {"index": 1}}},
        {"ruleId": "X1", "ruleIndex": -1},
        {"ruleId": "X1", "ruleIndex": 99},
    ],
)
def test_a_rule_of_an_extension_is_found(reference, tmp_path):
    rules = [{"id": "X"}, {"id": "X1", "guid": "guid-of-X1", **BLOCKER}]
    whole = with_rules(reference, driver=[{"id": "R0"}], extension=rules)

    assert reading(tmp_path, whole).counts["BLOCKER"] == 1


@pytest.mark.parametrize(
    ("reference", "rule"),
    [
        ({"ruleIndex": 1}, "R1"),
        ({"ruleId": "R1", "ruleIndex": 0}, "R1"),
        ({"ruleId": "other", "ruleIndex": 1}, "other"),
        ({"rule": {"guid": "guid-of-R1"}}, "R1"),
    ],
    ids=["index", "the id contradicts the index", "the id is unknown", "guid"],
)
def test_a_rule_of_the_driver_is_found(reference, rule, tmp_path):
    rules = [{"id": "R0"}, {"id": "R1", "guid": "guid-of-R1", **BLOCKER}]
    analysis = reading(tmp_path, with_rules(reference, driver=rules))

    assert [(finding.rule, finding.severity) for finding in analysis.findings] == [
        (rule, "BLOCKER")
    ]


def test_the_longest_id_of_a_hierarchy_counts(tmp_path):
    rules = [{"id": "A"}, {"id": "A/b", **BLOCKER}, {"id": "A/b/"}]

    assert reading(tmp_path, with_rules({"ruleId": "A/b/c"}, driver=rules)).counts["BLOCKER"] == 1


def overrides(descriptor: Any, level: str = "error") -> dict[str, Any]:
    override = {"descriptor": descriptor, "configuration": {"level": level}}
    return {"executionSuccessful": True, "ruleConfigurationOverrides": [override]}


@pytest.mark.parametrize(
    ("descriptor", "severity"),
    [
        ({"id": "R1"}, "HIGH"),
        ({"index": 0}, "HIGH"),
        ({"guid": "guid-of-R1"}, "HIGH"),
        ({"id": "R2"}, "LOW"),
        ({"index": 1}, "LOW"),
        ({"id": "R1", "index": 0, "toolComponent": {"index": 1}}, "LOW"),
        ({"guid": "guid-of-X"}, "LOW"),
    ],
)
def test_an_override_is_of_one_rule_of_one_component(descriptor, severity, tmp_path):
    note = {"defaultConfiguration": {"level": "note"}}
    rules = [{"id": "R1", "guid": "guid-of-R1", **note}, {"id": "R2"}]
    others = [{"id": "R1", "guid": "guid-of-X"}]
    invocations = [overrides(descriptor)]
    whole = with_rules({"ruleIndex": 0}, driver=rules, extension=others, invocations=invocations)

    assert [finding.severity for finding in reading(tmp_path, whole).findings] == [severity]


@pytest.mark.parametrize(
    ("provenance", "severity"),
    [
        ({"provenance": {"invocationIndex": 0}}, "LOW"),
        ({"provenance": {"invocationIndex": 1}}, "HIGH"),
        ({"provenance": {"invocationIndex": -1}}, "HIGH"),
        ({}, "HIGH"),
    ],
    ids=["first", "second", "default", "unsaid: the worse"],
)
def test_an_override_is_of_the_invocation_that_made_the_result(provenance, severity, tmp_path):
    """3.48.6."""
    invocations = [overrides({"id": "R1"}, "note"), overrides({"id": "R1"}, "error")]
    whole = with_rules({"ruleId": "R1", **provenance}, invocations=invocations)

    assert [finding.severity for finding in reading(tmp_path, whole).findings] == [severity]


# 3.11: messages


@pytest.mark.parametrize(
    ("message", "says"),
    [
        ({"id": "shared", "arguments": ["x"]}, "shared x {1} {0}"),
        ({"id": "own"}, "its own"),
        ({"text": "{0} is {{0}}", "arguments": ["{1}", "no"]}, "{1} is {0}"),
        ({"text": "f'{0}' {{x}}"}, "f'{0}' {{x}}"),
        ({"text": "x" * 5000}, "x" * 1000),
        ({"id": "nobody's"}, "R1"),
    ],
    ids=["global", "the rule's before the global", "text", "no form", "long", "unknown"],
)
def test_a_message_is_filled_in(message, says, tmp_path):
    whole = with_rules(
        result(message=message),
        driver=[{"id": "R1", "messageStrings": {"own": {"text": "its own"}}}],
    )
    whole["tool"]["driver"]["globalMessageStrings"] = {
        "shared": {"text": "shared {0} {1} {{0}}"},
        "own": {"text": "everybody's"},
    }

    assert reading(tmp_path, whole).findings[0].message == says


# 3.4, 3.14.14: locations


@pytest.mark.parametrize(
    "uri",
    [
        "x" * 300 + ".py",
        "/".join(["d" * 200] * 40),
        "https://example.com/app/store.py",
        "data:text/plain;base64,AAAA",
        "sarif:/runs/0/results/0",
        "a\0b.py",
        "%ff%00%zz",
        "%",
        "C:\\app\\store.py",
        "file:///C:/app/store.py",
        "\\\\server\\share",
        "file://server/share/app.py",
        "../../../../etc/passwd",
        "..",
        "/",
        "app",
        "\ud800.py",
        "a\nb",
        "app/store.py/more",
    ],
)
def test_a_uri_that_is_no_file_of_the_upload_stands_as_it_is(uri, tmp_path):
    location = {"physicalLocation": {"artifactLocation": {"uri": uri}}}
    analysis = reading(tmp_path, run(result(locations=[location])))

    assert [finding.file for finding in analysis.findings] == [uri[:500]]


@pytest.mark.parametrize(
    ("uri", "file"),
    [
        ("app\\store.py", "app/store.py"),
        ("./app//store.py", "app/store.py"),
        ("../source/app/store.py", "app/store.py"),
        ("source/app/store.py", "app/store.py"),
        ("file://SOURCE/app/store.py#L1", "app/store.py"),
        ("FILE:SOURCE/app/store.py", "app/store.py"),
        ("file://localhostSOURCE/app/store.py", "app/store.py"),
        ("file://SOURCE/a%2520b.py", "a%20b.py"),
        ("SOURCE/with space/ä.py", "with space/ä.py"),
        ("a%20b.py", "a b.py"),
    ],
)
def test_a_uri_that_is_a_file_of_the_upload_is_its_path(uri, file, tmp_path):
    uri = uri.replace("SOURCE", str(tmp_path / "source"))
    location = {"physicalLocation": {"artifactLocation": {"uri": uri}}}
    analysis = reading(tmp_path, run(result(locations=[location])))

    assert [finding.file for finding in analysis.findings] == [file]


@pytest.mark.parametrize("index", [-1, 5, "0", None, True])
def test_an_index_that_names_no_artifact_leaves_the_finding_without_a_file(index, tmp_path):
    location = {"physicalLocation": {"artifactLocation": {"index": index}}}
    artifacts = [{"location": {"uri": "app/store.py"}}]
    analysis = reading(tmp_path, run(result(locations=[location]), artifacts=artifacts))

    assert [finding.file for finding in analysis.findings] == [""]


# 3.24.6 and properties: what was analysed


def artifact(uri: str, *roles: str, **more: Any) -> dict[str, Any]:
    return {"location": {"uri": uri}, "roles": list(roles), **more}


STORE = frozenset({"app/store.py"})


@pytest.mark.parametrize(
    ("more", "analysed"),
    [
        ({}, None),
        ({"artifacts": [{"location": {"uri": "app/store.py"}}]}, None),
        ({"artifacts": [artifact("app/store.py", "resultFile")]}, None),
        (
            {
                "artifacts": [
                    artifact("app/store.py", "analysisTarget"),
                    artifact("x", "resultFile"),
                ]
            },
            STORE,
        ),
        ({"artifacts": [artifact("app/store.py", "analysisTarget", parentIndex=0)]}, None),
        ({"artifacts": [artifact("app/", "analysisTarget", "directory")]}, None),
        ({"artifacts": [artifact("/etc/passwd", "analysisTarget")]}, frozenset()),
        ({"artifacts": [artifact("a%20b.py", "analysisTarget")]}, frozenset()),
        ({"properties": {"metrics": {"_totals": {"loc": 0}}}}, frozenset()),
        (
            {"properties": {"metrics": {"_totals": {"loc": 0}, "app/store.py": {}, "/x": {}}}},
            STORE,
        ),
        (
            {"properties": {"metrics": {"_totals": {"loc": 0}, "a%20b.py": {}}}},
            frozenset({"a%20b.py"}),
        ),
    ],
    ids=[
        "silent",
        "no roles",
        "other roles",
        "roles",
        "inside of an archive",
        "a folder",
        "elsewhere",
        "one of two files",
        "Bandit without Python",
        "Bandit",
        "Bandit writes paths",
    ],
)
def test_what_was_analysed_is_what_the_tool_says(more, analysed, tmp_path):
    assert seen(tmp_path, run(**more)).analysed == analysed


def test_of_a_tool_that_lists_what_it_linted_the_artifacts_are_what_it_analysed(tmp_path):
    artifacts = [{"location": {"uri": "app/store.py"}}]

    assert seen(tmp_path, run(name="ESLint", artifacts=artifacts)).analysed == STORE


def test_one_of_several_runs_that_read_a_file_is_enough(tmp_path):
    bandit = run(name="Bandit", properties={"metrics": {"_totals": {"loc": 1}, "a b.py": {}}})
    own = run()
    gosec = run(name="gosec")

    assert seen(tmp_path, bandit, gosec).analysed == {"a b.py"}
    assert seen(tmp_path, bandit, gosec).languages == {"python", "python2", "python3", "go"}
    assert seen(tmp_path, bandit, own).analysed == FILES.keys()
    assert seen(tmp_path, bandit, own).languages is None
    assert seen(tmp_path, own, own).analysed is None


def test_what_one_run_could_not_parse_stays_unread_and_what_it_left_out_does_not(tmp_path):
    tree({"dist/x.py": "1", "dist/y.py": "1"}, tmp_path / "source")
    read_by_bandit = {"app/store.py": {}, "dist/x.py": {}}
    bandit = run(name="Bandit", properties={"metrics": {"_totals": {"loc": 1}, **read_by_bandit}})
    malformed = result(ruleId="invalid-syntax", message={"text": "Expected )"})
    seen_files = seen(tmp_path, run(malformed, name="ruff"), bandit)

    assert seen_files.unread == {"app/store.py": "Expected )", "dist/y.py": NOT_READ}
    assert seen_files.analysed == {
        "a b.py",
        "a%20b.py",
        "with space/ä.py",
        "app/store.py",
        "dist/x.py",
    }


# 3.58: notifications


def notified(*notifications: Any, kind: str = "Execution", **more: Any) -> dict[str, Any]:
    invocation = {"executionSuccessful": True, f"tool{kind}Notifications": list(notifications)}
    return run(invocations=[invocation], **more)


def at_file(uri: str) -> dict[str, Any]:
    return {"locations": [{"physicalLocation": {"artifactLocation": {"uri": uri}}}]}


ERROR = {"level": "error", "message": {"text": "no\nparse"}}


@pytest.mark.parametrize("kind", ["Execution", "Configuration"])
def test_an_error_about_a_file_says_why_it_was_not_analysed(kind, tmp_path):
    seen_files = seen(tmp_path, notified({**ERROR, **at_file("app/store.py")}, kind=kind))

    assert (dict(seen_files.unread), seen_files.incomplete) == ({"app/store.py": "no parse"}, ())


def test_an_error_about_one_of_two_files_is_about_both(tmp_path):
    seen_files = seen(tmp_path, notified({**ERROR, **at_file("a%20b.py")}))

    assert seen_files.unread.keys() == {"a b.py", "a%20b.py"}


@pytest.mark.parametrize(
    ("notification", "says"),
    [
        (ERROR, "no parse"),
        ({**ERROR, "locations": []}, "no parse"),
        ({**ERROR, **at_file("app")}, "app: no parse"),
        ({**ERROR, **at_file("https://x")}, "https://x: no parse"),
        ({"level": "error"}, "the scanner could not read it"),
    ],
)
def test_an_error_about_no_file_of_the_upload_makes_the_results_incomplete(
    notification, says, tmp_path
):
    seen_files = seen(tmp_path, notified(notification))

    assert (seen_files.unread, seen_files.incomplete) == ({}, (says,))


@pytest.mark.parametrize("level", ["warning", "note", "none", None])
def test_notifications_below_error_are_no_errors(level, tmp_path):
    seen_files = seen(tmp_path, notified({"level": level, **at_file("app/store.py")}))

    assert (seen_files.unread, seen_files.incomplete) == ({}, ())


@pytest.mark.parametrize(
    "descriptor",
    [{"id": "N1"}, {"index": 1}, {"guid": "g"}, {"id": "N1", "toolComponent": {"name": "E"}}],
)
def test_the_level_of_a_notification_may_be_that_of_its_descriptor(descriptor, tmp_path):
    described = [
        {"id": "N0"},
        {
            "id": "N1",
            "guid": "g",
            "defaultConfiguration": {"level": "error"},
            "messageStrings": {"m": {"text": "lost {0}"}},
        },
    ]
    message = {"message": {"id": "m", "arguments": ["it"]}}
    whole = notified({"descriptor": descriptor, **message})
    if "toolComponent" in descriptor:
        whole["tool"]["extensions"] = [{"name": "E", "notifications": described}]
    else:
        whole["tool"]["driver"]["notifications"] = described

    assert seen(tmp_path, whole).incomplete == ("lost it",)


def test_eslint_calls_its_run_a_failure_where_it_could_not_parse_a_file(tmp_path):
    parse = {**ERROR, "descriptor": {"id": "ESL0999"}, **at_file("app/store.py")}
    whole = notified(parse, kind="Configuration", name="ESLint")
    whole["invocations"][0]["executionSuccessful"] = False

    assert list(seen(tmp_path, whole).unread) == ["app/store.py"]

    whole["invocations"][0]["toolConfigurationNotifications"].append(ERROR)

    assert refused(tmp_path, whole).code == "ScannerFailed"


def test_what_a_tool_prints_of_files_counts_where_its_recipe_says_so(tmp_path):
    source = tmp_path / "source"
    notes = OutputNotes(
        analysed={f"{source}/app/store.py": None, f"{source}/a b.py": None},
        unread={f"{source}/a b.py": "no UTF-8", "/elsewhere": "gone"},
        problems={"no types": None},
    )
    seen_files = seen(tmp_path, run(name="gosec"), notes=notes)

    assert seen_files.analysed == {"app/store.py", "a b.py"}
    assert dict(seen_files.unread) == {"a b.py": "no UTF-8"}
    assert seen_files.incomplete == ("/elsewhere: gone", "no types")
    assert seen(tmp_path, run(name="gosec")).analysed == frozenset()
    assert seen(tmp_path, run(name="Trivy"), notes=notes).incomplete == ()


def test_a_driver_that_nobody_knows_is_that_of_the_command(tmp_path):
    assert seen(tmp_path, run(), command="/opt/gosec -out x").languages == {"go"}
    assert seen(tmp_path, run(), command="sh -c 'gosec; ruff'").languages is None
    assert seen(tmp_path, run(name="ruff"), command="gosec").names == ("*.py",)


# 3.27.16, 3.27.17, 3.30.7: what identifies a result


def fingerprint(tmp_path: Path, **more: Any) -> str:
    return reading(tmp_path, run(result(**more))).findings[0].fingerprint


@pytest.mark.parametrize("name", ["fingerprints", "partialFingerprints"])
def test_a_tools_own_fingerprint_is_part_of_that_of_the_finding(name, tmp_path):
    own = [fingerprint(tmp_path, **{name: {"hash/v1": text}}) for text in ("a", "b", "a")]

    assert own[0] == own[2]
    assert len({*own, fingerprint(tmp_path)}) == 3


@pytest.mark.parametrize("odd", [None, {}, [], "text", 7, {"a": {"b": [1]}}])
def test_own_fingerprints_of_any_form_are_accepted(odd, tmp_path):
    assert len(fingerprint(tmp_path, partialFingerprints=odd)) == 32


@pytest.mark.parametrize(("last", "is_same"), [(1, True), (2, False), (None, True), ("2", True)])
def test_all_lines_of_a_region_identify_a_result(last, is_same, tmp_path):
    region = {"startLine": 1, **({"endLine": last} if last else {})}
    place = {"artifactLocation": {"uri": "many.py"}, "region": region}
    results = []
    for second in ("one", "two"):
        (tmp_path / "source").mkdir(exist_ok=True)
        (tmp_path / "source" / "many.py").write_text(f"call(\n{second})\n")
        results.append(fingerprint(tmp_path, locations=[{"physicalLocation": place}]))

    assert (results[0] == results[1]) == is_same
