"""Reads the issues and hotspots of a project from SonarQube's API."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from domain.findings import SEVERITIES, Finding
from scan.sonarqube.api import Api

# Issues that are read for each severity, as many as a report shows; further ones are counted only.
PAGE = 20
# The API has no counts of hotspots by severity. It returns 500 at once, and 10,000 in all.
HOTSPOT_PAGE, HOTSPOT_PAGES = 500, 20
HOTSPOTS = "which security hotspots there are"


def read(api: Api, url: str, project: str) -> tuple[dict[str, int], list[Finding]]:
    """How many open issues and hotspots there are per severity, and the first of each."""
    counts: dict[str, int] = dict.fromkeys(SEVERITIES, 0)
    findings: dict[str, Finding] = {}
    # The Cloud API uses the former name of the parameter.
    whose = {"componentKeys" if api.is_cloud else "components": project, "resolved": "false"}
    answer = api.get("api/issues/search", **whose, facets="impactSeverities", ps=1)
    for facet in answer["facets"]:
        for value in facet["values"]:
            if value["val"] in counts:
                counts[value["val"]] = value["count"]
    for severity in (severity for severity in SEVERITIES if counts[severity]):
        answer = api.get("api/issues/search", **whose, impactSeverities=severity, ps=PAGE)
        for issue in answer["issues"]:
            # An issue can have several impacts; the worst severity is read first.
            findings.setdefault(issue["key"], _issue(issue, severity, url, project))
    for key, finding in _hotspots(api, url, project):
        counts[finding.severity] += 1
        findings[key] = finding
    return counts, list(findings.values())


def _hotspots(api: Api, url: str, project: str) -> Iterator[tuple[str, Finding]]:
    """The unreviewed hotspots by their keys; none if the token may not read them."""
    for page in range(1, HOTSPOT_PAGES + 1):
        # `projectKey` is the only name on Cloud; servers still accept it as the former name.
        query = {"projectKey": project, "status": "TO_REVIEW", "ps": HOTSPOT_PAGE, "p": page}
        answer = api.may_get("api/hotspots/search", HOTSPOTS, **query)
        if answer is None:
            return
        try:
            hotspots = [
                (hotspot["key"], _hotspot(hotspot, url, project)) for hotspot in answer["hotspots"]
            ]
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            api.could_not_say(HOTSPOTS, f"its answer has another form ({type(error).__name__})")
            return
        yield from hotspots
        if len(hotspots) < HOTSPOT_PAGE:
            return


def _issue(issue: Mapping[str, Any], severity: str, url: str, project: str) -> Finding:
    link = urlencode({"id": project, "open": issue["key"]})
    return Finding(
        rule=issue["rule"],
        severity=severity,
        message=issue.get("message", ""),
        file=_file(issue),
        line=issue.get("line"),
        link=f"{url}/project/issues?{link}",
    )


def _hotspot(hotspot: Mapping[str, Any], url: str, project: str) -> Finding:
    link = urlencode({"id": project, "hotspots": hotspot["key"]})
    return Finding(
        rule=hotspot.get("ruleKey", "hotspot"),
        # HIGH, MEDIUM or LOW, as severities are; a ValueError for any other.
        severity=SEVERITIES[SEVERITIES.index(hotspot["vulnerabilityProbability"])],
        message=f"To review: {hotspot.get('message', '')}",
        file=_file(hotspot),
        line=hotspot.get("line"),
        link=f"{url}/security_hotspots?{link}",
    )


def _file(issue: Mapping[str, Any]) -> str:
    """``component`` is the project's key, a colon and the path; only the key for the project."""
    project = issue.get("project", "")
    component = issue["component"]
    return component.removeprefix(project).removeprefix(":")
