"""URLs in cards and emails."""

import re
from urllib.parse import quote

from domain.partition import console

_HTTP = re.compile(r"https?://[^/\s]", re.IGNORECASE)
_BUILD = re.compile(r"arn:[^:]+:codebuild:[^:]+:(\d+):build/(.+?):")


def web(url: object, limit: int = 500) -> str | None:
    """Return the untrusted ``url`` quoted so that it can't break out of markup, None if invalid."""
    if not isinstance(url, str) or not _HTTP.match(url) or len(url) > limit:
        return None
    # "@" is quoted: it could fake a host name (https://bank@evil.example) or be a mention.
    safe = quote(url, safe=":/?#[]!$&'()*+,;=%~", errors="replace")
    return safe if len(safe) <= limit else None


def execution(region: str, arn: str) -> str:
    """Return the console page of an execution."""
    return f"{console(region)}/states/home?region={region}#/v2/executions/details/{quote(arn, ':')}"


def build(region: str, arn: str) -> str | None:
    """Return the console page of a build, None if ``arn`` is not that of a build."""
    match = _BUILD.match(arn)
    if not match:
        return None
    account, project = match.groups()
    build_id = quote(arn.partition(":build/")[2], safe="")
    return (
        f"{console(region)}/codesuite/codebuild/{account}/projects/{quote(project)}"
        f"/build/{build_id}/?region={region}"
    )


def evidence(region: str, bucket: str, scan: str) -> str:
    """Return the console page of a scan's evidence."""
    prefix = quote(f"scans/{scan}/")
    return f"{console(region)}/s3/buckets/{quote(bucket)}?region={region}&prefix={prefix}"
