"""What is recorded of where an upload comes from, on each build server and without one."""

import json
from pathlib import Path

import pytest

from domain import origin
from domain.origin import Origin
from ops.upload import build_variables, claims
from ops.upload.build_variables import read, web_url
from ops.upload.claims import MOST_BYTES, OriginOptions, metadata
from ops.upload.source import Source
from ops.upload.source import read as source_at
from tests.support.build_servers import (
    AZURE,
    BITBUCKET,
    CODEBUILD,
    GITHUB,
    GITLAB,
    HEAD,
    JENKINS,
    MERGE,
)


def of(variables: dict[str, str]) -> Origin:
    build = read(variables)
    assert build
    return build.origin


@pytest.fixture
def event(tmp_path: Path) -> str:
    """The file of GitHub's event for a pull request."""
    request = {"number": 12, "head": {"sha": HEAD}, "user": {"login": "grace"}}
    file = tmp_path / "event.json"
    file.write_text(json.dumps({"pull_request": request}))
    return str(file)


def test_without_a_build_there_are_no_variables():
    assert read({}) is None


def test_a_push_on_github():
    assert of(GITHUB) == Origin(
        repository="https://github.com/acme/payments",
        commit=MERGE,
        branch="main",
        author="ada",
        build_url="https://github.com/acme/payments/actions/runs/77",
    )


def test_a_pull_request_on_github_has_its_own_commit_not_the_merge(event):
    request = {"GITHUB_HEAD_REF": "fix", "GITHUB_EVENT_PATH": event, "GITHUB_REF_NAME": "12/merge"}

    claimed = of({**GITHUB, **request})

    assert (claimed.commit, claimed.branch) == (HEAD, "fix")
    assert (claimed.pull_request, claimed.author) == ("12", "grace")


@pytest.mark.parametrize("content", ["", "[]", '{"pull_request": []}', "\udcff", "[" * 100_000])
def test_an_event_that_is_no_event_is_ignored(tmp_path, content):
    file = tmp_path / "event.json"
    file.write_bytes(content.encode(errors="surrogateescape"))

    assert of({**GITHUB, "GITHUB_EVENT_PATH": str(file)}).commit == MERGE


def test_an_event_without_an_end_is_ignored(monkeypatch):
    monkeypatch.setattr(build_variables, "MAX_EVENT_BYTES", 1000)

    assert of({**GITHUB, "GITHUB_EVENT_PATH": "/dev/zero"}).commit == MERGE


def test_a_job_on_gitlab():
    assert of(GITLAB) == Origin(
        repository="https://gitlab.example.com/acme/payments",
        commit=MERGE,
        branch="main",
        author="Ada <ada@example.com>",
        build_url="https://gitlab.example.com/acme/payments/-/jobs/77",
    )
    request = {
        "CI_MERGE_REQUEST_IID": "12",
        "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "fix",
        "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": HEAD,
    }
    merged = of({**GITLAB, **request})
    assert (merged.commit, merged.branch, merged.pull_request) == (HEAD, "fix", "12")


def test_a_build_of_jenkins():
    assert of(JENKINS) == Origin(
        repository="https://github.com/acme/payments",
        commit=MERGE,
        branch="main",
        build_url="https://ci.example.com/job/payments/77/",
    )
    change = {"BRANCH_NAME": "PR-12", "CHANGE_ID": "12", "CHANGE_BRANCH": "fix"}
    requested = of({**JENKINS, **change, "CHANGE_AUTHOR": "ada"})
    assert (requested.branch, requested.pull_request, requested.author) == ("fix", "12", "ada")


def test_a_pipeline_of_bitbucket():
    assert of({**BITBUCKET, "BITBUCKET_PR_ID": "12"}) == Origin(
        repository="https://bitbucket.org/acme/payments",
        commit=HEAD,
        branch="main",
        pull_request="12",
        build_url="https://bitbucket.org/acme/payments/pipelines/results/77",
    )


def test_a_pipeline_of_azure():
    assert of(AZURE) == Origin(
        repository="https://dev.azure.com/acme/shop/_git/payments",
        commit=MERGE,
        branch="main",
        author="Ada",
        build_url="https://dev.azure.com/acme/My%20Shop/_build/results?buildId=77",
    )
    request = {
        "SYSTEM_PULLREQUEST_PULLREQUESTID": "12",
        "SYSTEM_PULLREQUEST_SOURCEBRANCH": "refs/heads/fix",
        "SYSTEM_PULLREQUEST_SOURCECOMMITID": HEAD,
    }
    requested = of({**AZURE, **request})
    assert (requested.commit, requested.branch, requested.pull_request) == (HEAD, "fix", "12")


def test_a_build_of_codebuild():
    assert of(CODEBUILD) == Origin(
        repository="https://github.com/acme/payments",
        commit=HEAD,
        branch="main",
        build_url=CODEBUILD["CODEBUILD_BUILD_URL"],
    )
    assert of({**CODEBUILD, "CODEBUILD_WEBHOOK_TRIGGER": "pr/12"}).pull_request == "12"


@pytest.mark.parametrize("server", build_variables.SERVERS)
def test_a_server_that_exports_nothing_else_claims_no_commit(server):
    claimed = of({server: "1"})

    assert not any((claimed.commit, claimed.branch, claimed.pull_request))


@pytest.mark.parametrize(
    ("remote", "url"),
    [
        ("https://github.com/acme/payments.git", "https://github.com/acme/payments"),
        ("https://ada:secret@github.com/acme/payments", "https://github.com/acme/payments"),
        ("https://x@y:secret@github.com/a/b", "https://github.com/a/b"),
        ("git@github.com:acme/payments.git", "https://github.com/acme/payments"),
        ("github.com:acme/payments", "https://github.com/acme/payments"),
        ("ssh://git@host.example:2222/a/b.git", "https://host.example/a/b"),
        ("git@ssh.dev.azure.com:v3/o/p/r", "https://dev.azure.com/o/p/_git/r"),
        ("http://host.example/a/b", ""),
        ("/srv/payments.git", ""),
        ("C:/payments", ""),
        ("../payments", ""),
        ("file:///srv/payments", ""),
        ("ext::sh -c x", ""),
        ("https://host/a\nb", ""),
        ("", ""),
    ],
)
def test_an_address_for_git_becomes_a_web_address_without_a_password(remote, url):
    assert web_url(remote) == url


def test_options_come_before_the_build_and_the_build_before_nothing(tmp_path):
    source = Source(path=tmp_path)

    recorded = metadata(OriginOptions(branch="release"), source, GITLAB)

    assert recorded["branch"] == "release"
    assert recorded["commit"] == MERGE
    assert recorded["uploader"] == "grace@example.com"
    assert metadata(OriginOptions(), source, {}) == {}


def test_a_work_tree_of_another_commit_than_the_builds_is_described_by_git(repository):
    made = repository({"app.py": ""})
    made.git("remote", "add", "origin", "git@github.com:acme/other.git")
    head = made.git("rev-parse", "HEAD")

    other = metadata(OriginOptions(), source_at(made.path, False), GITLAB)
    same = metadata(OriginOptions(), source_at(made.path, False), {**GITLAB, "CI_COMMIT_SHA": head})

    assert (other["repository"], other["commit"]) == ("https://github.com/acme/other", head)
    assert other["build-url"] == GITLAB["CI_JOB_URL"]
    assert (same["repository"], same["commit"]) == (GITLAB["CI_PROJECT_URL"], head)


def test_the_merge_that_is_checked_out_is_recorded_as_the_pull_requests_commit(repository, event):
    made = repository({"app.py": ""})
    variables = {
        **GITHUB,
        "GITHUB_SHA": made.git("rev-parse", "HEAD"),
        "GITHUB_EVENT_PATH": event,
        "GITHUB_HEAD_REF": "fix",
    }

    source = source_at(made.path, False)
    assert metadata(OriginOptions(), source, variables)["commit"] == HEAD
    # The same checkout is the target's, not the pull request's, for this event.
    variables["GITHUB_EVENT_NAME"] = "pull_request_target"
    assert metadata(OriginOptions(), source, variables)["commit"] == variables["GITHUB_SHA"]


def test_a_tree_with_changes_claims_no_commit(repository):
    made = repository({"app.py": ""})
    made.write(new="")
    head = made.git("rev-parse", "HEAD")

    for variables in ({}, {**GITLAB, "CI_COMMIT_SHA": head}):
        recorded = metadata(OriginOptions(), source_at(made.path, True), variables)
        assert recorded["branch"] == "main"
        assert not recorded.keys() & {"commit", "author"}


def test_in_a_build_the_author_of_the_commit_gets_the_emails_unless_somebody_started_it(
    repository,
):
    made = repository({"app.py": ""})
    made.git("config", "user.email", "build-server@example.com")
    source = source_at(made.path, False)

    assert metadata(OriginOptions(), source, GITHUB)["uploader"] == "ada@example.com"
    assert metadata(OriginOptions(), source, GITLAB)["uploader"] == "grace@example.com"
    assert metadata(OriginOptions(), source, {})["uploader"] == "build-server@example.com"


@pytest.mark.parametrize("text", ["a" * 5000, "ü" * 5000, "\U0001f600" * 5000, "a\r\nX-Amz: b"])
def test_what_is_recorded_fits_into_s3_as_one_line_of_ascii(tmp_path, text):
    recorded = metadata(
        OriginOptions(branch=text, author=text),
        Source(path=tmp_path),
        {**CODEBUILD, "CODEBUILD_SOURCE_REPO_URL": f"https://github.com/{'a' * 270}"},
    )

    assert sum(len(name) + len(value) for name, value in recorded.items()) <= MOST_BYTES
    assert all(value.isascii() and value.isprintable() for value in recorded.values())
    assert recorded["commit"] == HEAD
    assert origin.of_metadata(recorded).commit == HEAD


def test_names_in_the_metadata_are_those_that_the_scan_reads():
    assert claims.UPLOADER not in origin.METADATA_NAMES.values()
    assert set(OriginOptions.__dataclass_fields__) == {*Origin._fields, claims.UPLOADER}
