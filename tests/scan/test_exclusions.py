"""SonarQube's exclusions match as in SonarQube, and are named in the report."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scan.sonarqube.exclusions import matches, rules


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("**/*.py", "a.py", True),
        ("**/*.py", "a/b/c.py", True),
        ("*.py", "a/b.py", False),
        ("**/x.py", "ax.py", False),
        ("**/x.py", "a/x.py", True),
        ("a/**", "a/b/c", True),
        ("a/**", "ab/c", False),
        ("a/**/c", "a/c", True),
        ("a/**/c", "a/x/y/c", True),
        ("a/**/c", "a/xc", False),
        ("a/", "a/b/c.py", True),
        ("/a/?.py", "a/b.py", True),
        ("a/?.py", "a/bb.py", False),
        ("a?b", "a/b", False),
        ("a.py", "abpy", False),
        ("**", "any/thing", True),
        ("", "a", False),
        ("[a].py", "a.py", False),
    ],
)
def test_patterns_fit_as_in_sonarqube(pattern, path, fits):
    assert matches(pattern, path) == fits


def as_regex(pattern: str) -> str:
    """A pattern as SonarQube reads it: ``WildcardPattern`` of its plugin API."""
    read = {"**/": "(?:.*/|)", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    tokens = re.findall(r"\*\*/|\*\*|.", pattern)
    return "".join(read[token] if token in read else re.escape(token) for token in tokens)


@given(
    st.lists(st.sampled_from(["**/", "**", "*", "?", "a", "b", "/"]), min_size=1, max_size=7),
    st.text("ab/", max_size=9),
)
def test_any_pattern_fits_as_its_regular_expression_does(tokens, path):
    pattern = "a" + "".join(tokens) + "b"

    assert matches(pattern, path) == bool(re.fullmatch(as_regex(pattern), path))


def test_a_malicious_pattern_is_matched_quickly():
    assert not matches("*a" * 100, "a" * 99 + "b")
    assert not matches("**/" * 100 + "x", "a/" * 200)


def left_out(path: str, server=None, upload=None) -> str:
    reasons = [rule.reason(path) for rule in rules(server or {}, upload or {})]
    return next((reason for reason in reasons if reason), "")


def test_files_excluded_on_the_server_are_named_with_the_pattern():
    server = {"sonar.exclusions": ["docs/**", "**/gen/*"], "sonar.inclusions": ["src/**"]}

    assert left_out("src/gen/a.py", server) == "excluded on the server: sonar.exclusions=**/gen/*"
    assert left_out("web/a.js", server) == "excluded on the server: sonar.inclusions=src/**"
    assert left_out("src/a.py", server) == ""


def test_exclusions_of_the_upload_override_those_of_the_server():
    server, upload = {"sonar.exclusions": ["a/**"]}, {"sonar.exclusions": "b/**, c/**"}

    assert left_out("a/x.py", server, upload) == ""
    assert "the upload's own sonar.exclusions" in left_out("c/x.py", server, upload)


@pytest.mark.parametrize(
    ("upload", "path", "is_left_out"),
    [
        ({"sonar.sources": "src,./web/"}, "src/a.py", False),
        ({"sonar.sources": "src,./web/"}, "web/a.py", False),
        ({"sonar.sources": "src"}, "srcs/a.py", True),
        ({"sonar.sources": "src", "sonar.tests": "tests"}, "tests/a.py", False),
        ({"sonar.tests": "tests"}, "other/a.py", False),
        ({"sonar.sources": "setup.py"}, "setup.py", False),
    ],
)
def test_only_files_outside_of_the_uploads_source_folders_are_excluded(upload, path, is_left_out):
    assert bool(left_out(path, upload=upload)) == is_left_out
