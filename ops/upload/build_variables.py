"""What a build server exports about the build that runs: repository, commit, who started it.

All of it is untrusted text: a branch's name is chosen by who pushes it.
"""

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domain import origin
from domain.email_address import address
from domain.json_values import as_dict
from domain.origin import Origin

Variables = Mapping[str, str]
# https://docs.github.com/en/webhooks/webhook-events-and-payloads: payloads are capped at 25 MB.
MAX_EVENT_BYTES = 25 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Build:
    """``built`` is the commit that was checked out; for a pull request maybe a merge of it.

    ``origin.commit`` is then the pull request's own. ``starter`` is the address of who started the
    build, where the server exports it.
    """

    origin: Origin
    built: str = ""
    starter: str = ""


def read(variables: Variables = os.environ) -> Build | None:
    """Return what the server exports, None if this is no build."""
    for variable, parse in SERVERS.items():
        if variables.get(variable):
            return parse(variables)
    return None


def _build(built: str = "", starter: str = "", **fields: str | None) -> Build:
    valid = {field: origin.valid(field, value or "") for field, value in fields.items()}
    return Build(
        origin=Origin(**valid), built=origin.valid("commit", built), starter=address(starter)
    )


def _github(of: Variables) -> Build:
    """https://docs.github.com/en/actions/reference/workflows-and-actions/variables.

    GITHUB_SHA of a pull request is a merge commit; its head is in the event
    (https://docs.github.com/en/webhooks/webhook-events-and-payloads#pull_request). For the event
    pull_request_target it is a commit of the target, without the request.
    """
    event = _event(of.get("GITHUB_EVENT_PATH", ""))
    request = as_dict(event.get("pull_request"))
    author = as_dict(as_dict(event.get("head_commit")).get("author"))
    repository = f"{of.get('GITHUB_SERVER_URL', '')}/{of.get('GITHUB_REPOSITORY', '')}"
    number = request.get("number")
    without_request = of.get("GITHUB_EVENT_NAME") == "pull_request_target"
    return _build(
        built="" if without_request else of.get("GITHUB_SHA", ""),
        starter=author.get("email", ""),
        repository=repository,
        commit=as_dict(request.get("head")).get("sha") or of.get("GITHUB_SHA"),
        branch=of.get("GITHUB_HEAD_REF") or of.get("GITHUB_REF_NAME"),
        pull_request=str(number) if isinstance(number, int) else "",
        author=as_dict(request.get("user")).get("login")
        or author.get("name")
        or of.get("GITHUB_ACTOR"),
        build_url=f"{repository}/actions/runs/{of.get('GITHUB_RUN_ID', '')}",
    )


def _gitlab(of: Variables) -> Build:
    """https://docs.gitlab.com/ci/variables/predefined_variables/.

    The head of a merge request is exported where CI_COMMIT_SHA is a merge of it.
    """
    return _build(
        built=of.get("CI_COMMIT_SHA", ""),
        starter=of.get("GITLAB_USER_EMAIL", ""),
        repository=of.get("CI_PROJECT_URL"),
        commit=of.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA") or of.get("CI_COMMIT_SHA"),
        branch=of.get("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME") or of.get("CI_COMMIT_REF_NAME"),
        pull_request=of.get("CI_MERGE_REQUEST_IID"),
        author=of.get("CI_COMMIT_AUTHOR"),
        build_url=of.get("CI_JOB_URL"),
    )


def _bitbucket(of: Variables) -> Build:
    """https://support.atlassian.com/bitbucket-cloud/docs/variables-and-secrets/.

    Only Bitbucket Cloud has pipelines.
    """
    repository = f"https://bitbucket.org/{of.get('BITBUCKET_REPO_FULL_NAME', '')}"
    return _build(
        built=of.get("BITBUCKET_COMMIT", ""),
        repository=repository,
        commit=of.get("BITBUCKET_COMMIT"),
        branch=of.get("BITBUCKET_BRANCH") or of.get("BITBUCKET_TAG"),
        pull_request=of.get("BITBUCKET_PR_ID"),
        build_url=f"{repository}/pipelines/results/{of.get('BITBUCKET_BUILD_NUMBER', '')}",
    )


def _azure(of: Variables) -> Build:
    """https://learn.microsoft.com/en-us/azure/devops/pipelines/build/variables."""
    project = f"{of.get('SYSTEM_COLLECTIONURI', '')}{of.get('SYSTEM_TEAMPROJECT', '')}"
    branch = of.get("SYSTEM_PULLREQUEST_SOURCEBRANCH") or of.get("BUILD_SOURCEBRANCH", "")
    return _build(
        built=of.get("BUILD_SOURCEVERSION", ""),
        starter=of.get("BUILD_REQUESTEDFOREMAIL", ""),
        repository=web_url(of.get("BUILD_REPOSITORY_URI", "")),
        commit=of.get("SYSTEM_PULLREQUEST_SOURCECOMMITID") or of.get("BUILD_SOURCEVERSION"),
        branch=_short(branch),
        # The number is that of pull requests of GitHub, whose id is another.
        pull_request=of.get("SYSTEM_PULLREQUEST_PULLREQUESTNUMBER")
        or of.get("SYSTEM_PULLREQUEST_PULLREQUESTID"),
        author=of.get("BUILD_REQUESTEDFOR"),
        build_url=f"{project.replace(' ', '%20')}/_build/results?buildId="
        f"{of.get('BUILD_BUILDID', '')}",
    )


def _codebuild(of: Variables) -> Build:
    """https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-env-vars.html.

    CODEBUILD_WEBHOOK_TRIGGER is, for example, ``branch/main`` or ``pr/12``.
    """
    kind, _, name = of.get("CODEBUILD_WEBHOOK_TRIGGER", "").partition("/")
    return _build(
        built=of.get("CODEBUILD_RESOLVED_SOURCE_VERSION", ""),
        repository=web_url(of.get("CODEBUILD_SOURCE_REPO_URL", "")),
        commit=of.get("CODEBUILD_RESOLVED_SOURCE_VERSION"),
        branch=_short(of.get("CODEBUILD_WEBHOOK_HEAD_REF", ""))
        or (name if kind in ("branch", "tag") else ""),
        pull_request=name if kind == "pr" else "",
        build_url=of.get("CODEBUILD_BUILD_URL"),
    )


def _jenkins(of: Variables) -> Build:
    """https://www.jenkins.io/doc/book/pipeline/jenkinsfile/#using-environment-variables.

    GIT_* are of https://plugins.jenkins.io/git/#plugin-content-environment-variables, BRANCH_NAME
    and CHANGE_* of multibranch projects, where a change is a pull request; its head is unknown.
    """
    branch = of.get("GIT_BRANCH", "").removeprefix("origin/")
    return _build(
        built=of.get("GIT_COMMIT", ""),
        starter=of.get("CHANGE_AUTHOR_EMAIL", ""),
        repository=web_url(of.get("GIT_URL", "") or of.get("GIT_URL_1", "")),
        commit=of.get("GIT_COMMIT"),
        branch=of.get("CHANGE_BRANCH") or of.get("BRANCH_NAME") or branch,
        pull_request=of.get("CHANGE_ID"),
        author=of.get("CHANGE_AUTHOR_DISPLAY_NAME") or of.get("CHANGE_AUTHOR"),
        build_url=of.get("BUILD_URL"),
    )


# By the variable that only this server sets. A runner of GitHub can run in CodeBuild, a job of
# Jenkins, too: then theirs are the ones that describe the build.
SERVERS: dict[str, Callable[[Variables], Build]] = {
    "GITHUB_ACTIONS": _github,
    "GITLAB_CI": _gitlab,
    "JENKINS_URL": _jenkins,
    "BITBUCKET_BUILD_NUMBER": _bitbucket,
    "TF_BUILD": _azure,
    "CODEBUILD_BUILD_ID": _codebuild,
}
# Git's address of a remote by SSH: `user@host:path` or `ssh://user@host:port/path` (git-clone(1)).
_SSH = re.compile(r"ssh://(?:[^@/]*@)?([^:/]+)(?::\d+)?/(.+)|(?:[^@/:]*@)?([^@/:]{2,}):(?!/)(.+)")
_AZURE_SSH = re.compile(r"v3/([^/]+)/([^/]+)/([^/]+)")


def web_url(remote: str) -> str:
    """Return the https URL of a repository by its address for Git, empty if it has none.

    User names and passwords, which are part of many such addresses, are left out.
    """
    if remote.startswith("https://"):
        authority, slash, path = remote.removeprefix("https://").partition("/")
        return origin.valid("repository", f"https://{authority.rpartition('@')[2]}{slash}{path}")
    match = _SSH.fullmatch(remote)
    if not match or "://" in remote.removeprefix("ssh://"):
        return ""
    host, path = match[1] or match[3], match[2] or match[4]
    # https://learn.microsoft.com/en-us/azure/devops/repos/git/use-ssh-keys-to-authenticate
    if host == "ssh.dev.azure.com" and (names := _AZURE_SSH.fullmatch(path)):
        host, path = "dev.azure.com", f"{names[1]}/{names[2]}/_git/{names[3]}"
    return origin.valid("repository", f"https://{host}/{path}")


def _short(ref: str) -> str:
    return ref.removeprefix("refs/heads/").removeprefix("refs/tags/")


def _event(path: str) -> dict[str, Any]:
    try:
        if not path:
            return {}
        with Path(path).open("rb") as file:
            return as_dict(json.loads(file.read(MAX_EVENT_BYTES)))
    except (OSError, ValueError, RecursionError):
        return {}
