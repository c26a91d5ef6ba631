"""What an upload claims of its origin, in one line of a card or an email.

It says that it is a claim, so that nobody takes it for a fact.
"""

from collections.abc import Iterator

from domain.origin import Origin
from domain.sanitize import line
from handlers import links, mrkdwn

MOST = 100  # characters of each value


def on_card(origin: Origin) -> list[str]:
    """Return the line in mrkdwn; no line if nothing is claimed."""
    urls = {"commit": origin.commit_url, "pull request": origin.pull_request_url}
    parts = [
        f"{name} {mrkdwn.link(links.web(urls.get(name)), mrkdwn.code(value, MOST))}"
        for name, value in _named(origin)
    ]
    if origin.build_url:
        host = f" on {mrkdwn.code(origin.build_host, MOST)}" if origin.build_host else ""
        parts.append(mrkdwn.link(links.web(origin.build_url), f"build{host}"))
    return [f"*Origin, as the upload says:* {' · '.join(parts)}"] if parts else []


def in_email(origin: Origin) -> str:
    """Return the line as plain text; empty if nothing is claimed."""
    claims = ", ".join(f"{name} {line(value, MOST)}" for name, value in _named(origin))
    return f"as the upload says: {claims}" if claims else ""


def pages(origin: Origin) -> dict[str, str]:
    """Return the pages of commit, pull request and build, by the labels of their links."""
    urls = {
        "Commit": origin.commit_url,
        "Pull request": origin.pull_request_url,
        "Uploading build": origin.build_url,
    }
    safe = {label: links.web(url) for label, url in urls.items()}
    return {label: url for label, url in safe.items() if url}


def _named(origin: Origin) -> Iterator[tuple[str, str]]:
    """The claims that are texts, in order, with what they are."""
    named = {
        "commit": origin.commit[:7],
        "branch": origin.branch,
        "pull request": origin.pull_request,
        "by": origin.author,
        "repository": origin.repository.removeprefix("https://"),
    }
    return ((name, value) for name, value in named.items() if value)
