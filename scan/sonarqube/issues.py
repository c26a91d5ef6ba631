"""Reads the issues and hotspots of a project from SonarQube's API."""

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

from domain.findings import SEVERITIES, Finding
from domain.findings_document import MOST_FINDINGS
from scan.errors import ScanError
from scan.fingerprints import Reported, identified
from scan.sonarqube.api import Api

# The API returns 500 issues or hotspots at once, and 10,000 in all.
PAGE, HOTSPOT_PAGES = 500, 20
CONCURRENT = 4
# After this time no further page of a severity is requested; its other issues are counted only.
READING_SECONDS = 60
HOTSPOTS = "which security hotspots there are"


class Issues(NamedTuple):
    """Each issue once under the worst severity of its impacts, and ``repeated`` under the others.

    ``counts`` are the server's: all, by severity, each issue under the severity of each impact.
    ``contents`` has the SHA-256 of the files that they are in; ``hotspots`` is whether all hotspots
    are among the findings.
    """

    counts: dict[str, int]
    findings: list[Finding]
    repeated: list[Finding]
    contents: Mapping[str, str]
    hotspots: bool


def read(api: Api, url: str, project: str, source: Path) -> Issues:
    """All open issues and hotspots, the worst first; at most ``MOST_FINDINGS`` issues are read.

    ``source`` is the upload, which the server analysed as ``project``.
    """
    counts: dict[str, int] = dict.fromkeys(SEVERITIES, 0)
    reported: dict[str, Reported] = {}
    repeated: list[tuple[str, str]] = []
    whose = _open(api, project)
    answer = api.get("api/issues/search", **whose, facets="impactSeverities", ps=1)
    for facet in answer["facets"]:
        for value in facet["values"]:
            if value["val"] in counts:
                counts[value["val"]] = value["count"]
    for severity, issue in _issues(api, whose, counts):
        # An issue can have several impacts; the worst severity is read first.
        if issue["key"] in reported:
            repeated.append((issue["key"], severity))
        else:
            reported[issue["key"]] = _issue(issue, severity, url, project)
    hotspots, are_all = _hotspots(api, url, project)
    for key, hotspot in hotspots:
        counts[hotspot.finding.severity] += 1
        reported[key] = hotspot
    known = identified(list(reported.values()), source)
    findings = dict(zip(reported, known.findings, strict=True))
    again = [replace(findings[key], severity=severity) for key, severity in repeated]
    return Issues(counts, known.findings, again, known.contents, are_all)


def weaknesses(api: Api, project: str) -> dict[str, frozenset[str]]:
    """The CWEs of the rules that have open issues, such as ``CWE-295``; by the rules' keys.

    By these a finding of another scanner is known as the same. Issues do not name theirs, but can
    be filtered and counted by them. Without an answer nothing is joined, and no finding is lost.
    """
    whose = _open(api, project)
    rules: dict[str, set[str]] = {}

    def counted(facet: str, **query: str) -> list[str]:
        answer = api.get("api/issues/search", **whose, **query, facets=facet, ps=1)
        return [str(value["val"]) for item in answer["facets"] for value in item["values"]]

    try:
        numbers = [number for number in counted("cwe") if number.isdecimal()]
        with ThreadPoolExecutor(CONCURRENT) as pool:
            of_each = pool.map(lambda number: counted("rules", cwe=number), numbers)
            for number, with_it in zip(numbers, of_each, strict=True):
                for rule in with_it:
                    rules.setdefault(rule, set()).add(f"CWE-{number}")
    except (ScanError, KeyError, TypeError) as error:
        api.log.write(f"Going on without the weaknesses of SonarQube's rules: {error}")
        return {}
    return {rule: frozenset(ids) for rule, ids in rules.items()}


def _open(api: Api, project: str) -> dict[str, str]:
    """The parameters for the open issues of a project; Cloud uses the former name of the first."""
    return {"componentKeys" if api.is_cloud else "components": project, "resolved": "false"}


def _issues(
    api: Api, whose: Mapping[str, str], counts: Mapping[str, int]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The issues of ``whose`` with the severity under which each is counted, the worst first."""
    pages: list[tuple[str, int]] = []
    room = MOST_FINDINGS
    for severity in SEVERITIES:
        wanted = min(counts[severity], room)
        room -= wanted
        pages += [(severity, page) for page in range(1, -(-wanted // PAGE) + 1)]
    until = time.monotonic() + READING_SECONDS

    def read_page(severity: str, page: int) -> list[Mapping[str, Any]]:
        if page > 1 and time.monotonic() > until:
            return []
        query = {**whose, "impactSeverities": severity, "ps": PAGE, "p": page}
        return api.get("api/issues/search", **query)["issues"]

    with ThreadPoolExecutor(CONCURRENT) as pool:
        for (severity, _), issues in zip(
            pages, pool.map(lambda page: read_page(*page), pages), strict=True
        ):
            yield from ((severity, issue) for issue in issues)


def _hotspots(api: Api, url: str, project: str) -> tuple[list[tuple[str, Reported]], bool]:
    """The unreviewed hotspots by their keys, and whether these are all that there are.

    None if the token may not read them.
    """
    hotspots: list[tuple[str, Reported]] = []
    for page in range(1, HOTSPOT_PAGES + 1):
        # `projectKey` is the only name on Cloud; servers still accept it as the former name.
        query = {"projectKey": project, "status": "TO_REVIEW", "ps": PAGE, "p": page}
        answer = api.may_get("api/hotspots/search", HOTSPOTS, **query)
        if answer is None:
            return hotspots, False
        try:
            listed = [
                (hotspot["key"], _hotspot(hotspot, url, project)) for hotspot in answer["hotspots"]
            ]
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            api.could_not_say(HOTSPOTS, f"its answer has another form ({type(error).__name__})")
            return hotspots, False
        hotspots += listed
        if len(listed) < PAGE:
            return hotspots, True
    return hotspots, False


def _issue(issue: Mapping[str, Any], severity: str, url: str, project: str) -> Reported:
    link = urlencode({"id": project, "open": issue["key"]})
    finding = Finding(
        rule=issue["rule"],
        severity=severity,
        message=issue.get("message", ""),
        file=_file(issue),
        line=issue.get("line"),
        link=f"{url}/project/issues?{link}",
    )
    # `hash` is that of the line's text; an issue without a line has none.
    return Reported(finding, _last_line(issue), str(issue.get("hash", "")))


def _hotspot(hotspot: Mapping[str, Any], url: str, project: str) -> Reported:
    link = urlencode({"id": project, "hotspots": hotspot["key"]})
    finding = Finding(
        rule=hotspot.get("ruleKey", "hotspot"),
        # HIGH, MEDIUM or LOW, as severities are; a ValueError for any other.
        severity=SEVERITIES[SEVERITIES.index(hotspot["vulnerabilityProbability"])],
        message=f"To review: {hotspot.get('message', '')}",
        file=_file(hotspot),
        line=hotspot.get("line"),
        link=f"{url}/security_hotspots?{link}",
    )
    return Reported(finding, _last_line(hotspot))


def _last_line(issue: Mapping[str, Any]) -> int | None:
    return (issue.get("textRange") or {}).get("endLine")


def _file(issue: Mapping[str, Any]) -> str:
    """``component`` is the project's key, a colon and the path; only the key for the project."""
    project = issue.get("project", "")
    component = issue["component"]
    return component.removeprefix(project).removeprefix(":")
