"""The SonarQube server: reachable, new enough, a least-privilege token, a usable quality gate.

A global analysis token can read all of that in the API (25.9): the permissions in
``users/current``, the expiry in ``user_tokens/search``, the default gate in ``qualitygates/list``
and ``show``.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from ops import sonar
from ops.invocation import CHATOPS
from ops.preflight.environment import Environment
from ops.preflight.finding import Finding, failed, fine, unknown, warning
from scan.errors import ScanError
from scan.sonarqube.api import Api
from scan.sonarqube.exclusions import LEAVE_OUT, ONLY, SETTINGS, set_by_people

KINDS = {
    "sqa": "GLOBAL_ANALYSIS_TOKEN",
    "squ": "USER_TOKEN",
    "sqp": "PROJECT_ANALYSIS_TOKEN",
}
NEEDED = {"scan": "Execute Analysis", "provisioning": "Create Projects"}
# Days before the token's expiry from which preflight warns.
SOON_DAYS = 14


def sonarqube(environment: Environment) -> Iterator[Finding]:
    """Whether the server answers and is new enough; then its token and its gate."""
    scanner = environment.settings.scanners.sonarqube
    if scanner is None:
        return
    if not environment.token:
        yield unknown(
            "the token can't be read from the settings file",
            "server, token and gate are not checked",
            f"{CHATOPS} preflight --stack {environment.stack}, with the Pulumi CLI",
        )
        return
    ca_bundle = environment.settings.network.ca_bundle
    with sonar.connected(scanner, ca_bundle, environment.token, retry_after=()) as api:
        try:
            version = api.check()
        except ScanError as scan_error:
            yield _of_no_use(environment, scan_error)
            return
        yield fine(f"SonarQube {version} at {scanner.host_url} knows the token")
        for inspect in (token, gate, coverage):
            try:
                yield from inspect(environment, api)
            except ScanError as scan_error:
                yield unknown(
                    scan_error.message,
                    f"the {inspect.__name__} is not checked",
                    scan_error.remediation,
                )


def token(environment: Environment, api: Api) -> Iterator[Finding]:
    """Whether the token may do what a scan does, and no more; and when it expires."""
    if api.is_cloud:  # there all tokens are user tokens, and the API does not describe them
        return
    kind = KINDS.get(environment.token[:3] if environment.token[3:4] == "_" else "", "")
    user = api.get("api/users/current")
    may = set(user.get("permissions", {}).get("global", []))
    new_one = (
        "make a Global Analysis Token (My Account, Security) of a user with Execute Analysis and "
        f"Create Projects only; pulumi config set --secret sonarToken --stack {environment.stack}"
    )
    if kind == "PROJECT_ANALYSIS_TOKEN":
        yield failed("the token is of one project", "scans of every other app are refused", new_one)
        return
    lacking = [name for key, name in NEEDED.items() if key not in may]
    surplus = sorted(may - NEEDED.keys())
    if "scan" not in may:
        yield failed(
            f"{user['login']} lacks {', '.join(lacking)}",
            "SonarQube refuses the analysis",
            "grant it: Administration, Security, Global Permissions",
        )
    elif lacking:
        yield warning(
            f"{user['login']} lacks {', '.join(lacking)}",
            "the first scan of an app breaks unless somebody has made its project",
            "grant it: Administration, Security, Global Permissions",
        )
    if surplus:
        yield warning(
            f"{user['login']} may more than scan: {', '.join(surplus)}",
            "a token that leaks from a build opens all of that",
            new_one,
        )
    if kind == "USER_TOKEN":
        yield warning(
            f"the token may do whatever {user['login']} may",
            "a global analysis token can only analyse and read; a user token also reads security "
            "hotspots, which may be why it was chosen",
            new_one,
        )
    yield from _expiry(api, kind, new_one)
    if "scan" in may and not (lacking or surplus or kind == "USER_TOKEN"):
        yield fine(f"{user['login']} may analyse and create projects, and no more")


def gate(environment: Environment, api: Api) -> Iterator[Finding]:
    """Whether the default quality gate evaluates overall code."""
    organization = {"organization": api.server.organization} if api.server.organization else {}
    listed = api.get("api/qualitygates/list", **organization)["qualitygates"]
    default = [item["name"] for item in listed if item.get("isDefault")]
    if not default:
        yield failed(
            "no quality gate is the default",
            "projects of new apps would have none",
            f"{api.server.url}/quality_gates: Set as Default",
        )
        return
    gate_definition = api.get("api/qualitygates/show", name=default[0], **organization)
    metrics = [condition["metric"] for condition in gate_definition.get("conditions", [])]
    overall = [metric for metric in metrics if not metric.startswith("new_")]
    limits = any(most is not None for most in environment.settings.limits.values())
    if overall:
        yield fine(f"gate {default[0]!r} evaluates overall code by {', '.join(overall)}")
    elif limits:
        yield warning(
            f"gate {default[0]!r} evaluates new code only",
            "on the first analysis nothing is new; there the limits of the settings evaluate "
            "instead",
            "docs/sonarqube.md, Choose a gate: add conditions on overall code",
        )
    else:
        yield failed(
            f"gate {default[0]!r} evaluates new code only, and the settings have no limits",
            "nothing would evaluate the first upload of an app; its scan fails to run",
            "docs/sonarqube.md, Choose a gate: add conditions on overall code; or "
            f"pulumi config set maxBlocker 0 --stack {environment.stack}",
        )


def coverage(environment: Environment, api: Api) -> Iterator[Finding]:
    """Whether the token may read the server's data that a scan compares with the upload."""
    known = [language["name"] for language in api.get("api/languages/list")["languages"]]
    yield fine(f"it knows {len(known)} languages; code in one that is not analysed fails the gate")
    answer = api.may_get("api/settings/values", "its settings", keys=SETTINGS)
    if answer is None:
        yield warning(
            "the token may not read the settings of exclusions",
            "files that are excluded on the server count as unanalysed, and fail the gate",
            "ask the server's administrators, or raise maxUnanalysed",
        )
        return
    for key, patterns in set_by_people(answer).items():
        if key not in (*LEAVE_OUT, *ONLY):
            continue
        yield warning(
            f"the server leaves files out: {key}={','.join(patterns)}",
            "code in them is named in the report, and does not fail the gate",
            f"{api.server.url}/admin/settings: Analysis Scope",
        )


def _expiry(api: Api, kind: str, new_one: str) -> Iterator[Finding]:
    tokens: list[dict[str, Any]] = api.get("api/user_tokens/search").get("userTokens", [])
    same = [item for item in tokens if item.get("type") == kind]
    # With several tokens of a kind, it is unknown which of them is used here.
    if len(same) != 1 or "expirationDate" not in same[0]:
        return
    expires = datetime.strptime(same[0]["expirationDate"], "%Y-%m-%dT%H:%M:%S%z")
    if (expires - datetime.now(UTC)).days < SOON_DAYS:
        yield warning(
            f"the token expires on {expires:%Y-%m-%d}",
            "after that every scan fails to run",
            new_one,
        )


def _of_no_use(environment: Environment, scan_error: ScanError) -> Finding:
    if scan_error.code == "ServerUnreachable" and environment.settings.vpc:
        vpc = environment.settings.vpc.vpc_id
        return warning(
            f"{scan_error.message} It may be reachable only from inside {vpc}",
            "version, token and gate are not checked",
            "run this from inside the VPC",
        )
    return failed(scan_error.message, "no upload could be scanned", scan_error.remediation)
