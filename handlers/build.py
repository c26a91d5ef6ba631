"""Finds the build of a scan and, if it left no report, what went wrong."""

import json
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from domain.json_values import as_dict, is_dict, is_list
from domain.report import ScanError
from handlers.aws import BotoCoreError, ClientError

log = logging.getLogger(__name__)

_ARN = re.compile(r"arn:[\w-]+:codebuild:[\w-]+:\d+:build/([\w-]+:[0-9A-Fa-f-]+)")
# Exit codes of a process that the kernel's OOM killer ended: 137 from a shell (128 + SIGKILL), -9
# and 247 from Python; then messages of Java, Node, Python, C++, Go, and the kernel.
_OUT_OF_MEMORY = re.compile(
    r"exit (?:status|code):? (?:137|247|-9)\b|signal: killed|\bOutOfMemoryError\b"
    r"|heap out of memory|Node\.js process running out of memory|\bMemoryError\b|std::bad_alloc"
    r"|runtime: out of memory|insufficient memory for the Java Runtime|Cannot allocate memory",
    re.IGNORECASE,
)
_DISK_FULL = re.compile(r"No space left on device|\bENOSPC\b|Disk quota exceeded", re.IGNORECASE)


class Phase(NamedTuple):
    """``status`` is SUCCEEDED, FAILED, FAULT, TIMED_OUT, STOPPED, ...; ``message`` may be empty."""

    name: str
    status: str
    message: str


class Build(NamedTuple):
    """What is known of a build; fields are empty if CodeBuild did not return them."""

    arn: str = ""
    status: str = ""
    phases: tuple[Phase, ...] = ()
    log_group: str = ""
    log_stream: str = ""

    @property
    def failed_phase(self) -> Phase | None:
        """The first phase that did not succeed."""
        wrong = ("FAILED", "FAULT", "TIMED_OUT", "CLIENT_ERROR", "STOPPED")
        return next((phase for phase in self.phases if phase.status in wrong), None)


def find(
    build: Mapping[str, Any] | None,
    error: Mapping[str, Any] | None,
    codebuild: Callable[[], Any],
) -> Build | None:
    """Return the build of a scan, None if there was none.

    Step Functions returns a successful build as ``build``, and a failed one as JSON in
    ``error.Cause``. It may cut that JSON off; only then is the build read from CodeBuild, with the
    client that ``codebuild`` returns.
    """
    cause = str((error or {}).get("Cause") or "")
    if build is None:
        try:
            build = json.loads(cause)["Build"]
        except (ValueError, KeyError, TypeError):
            match = _ARN.search(cause)
            build = _describe(codebuild, *match.group(0, 1)) if match else None
    return _parse(as_dict(build)) if isinstance(build, Mapping) else None


def diagnose(
    build: Build | None, error: Mapping[str, Any] | None, tail: Sequence[str]
) -> ScanError:
    """Return what went wrong; ``tail`` is the end of the build's log."""
    if build is None:
        return _without_build(error or {})
    phase = build.failed_phase or Phase(name="", status=build.status, message="")
    # A build that was stopped or timed out needs no further cause.
    if {"FAILED", "FAULT"} & {phase.status, build.status}:
        output = "\n".join((phase.message, *tail))
        for telling, what in ((_DISK_FULL, "disk space"), (_OUT_OF_MEMORY, "memory")):
            if telling.search(output):
                return ScanError(
                    message=f"The scan ran out of {what}.",
                    remediation="Give it a larger machine (setting computeType), then scan again.",
                )
    if phase.status == "STOPPED":
        return ScanError(
            message="The scan was stopped by hand.", remediation="Upload again to scan it again."
        )
    if "TIMED_OUT" in (phase.status, build.status):
        if phase.name == "QUEUED":
            return ScanError(
                message="The scan waited too long for a free place in CodeBuild.",
                remediation="Upload again later, or raise the quota of concurrent builds.",
            )
        return ScanError(
            message="The scan took longer than it may.",
            remediation="Upload less at once, or allow more time (setting buildTimeout); then "
            "try again.",
        )
    if build.status == "SUCCEEDED":
        return ScanError(
            message="The scan ended without a readable report.",
            remediation="Read the end of its log, then upload again.",
        )
    what = {
        "PROVISIONING": "CodeBuild could not prepare a machine for the scan.",
        "DOWNLOAD_SOURCE": "CodeBuild could not fetch the scanner.",
        "INSTALL": "The scanner could not be installed.",
    }.get(phase.name, f"The scan was interrupted in phase {phase.name}." if phase.name else "")
    return ScanError(
        message=f"{what or 'The scan was interrupted.'} {phase.message}".strip(),
        remediation="Fix what its log shows, then upload again.",
    )


def _without_build(error: Mapping[str, Any]) -> ScanError:
    name, cause = str(error.get("Error") or ""), str(error.get("Cause") or "")
    match name:
        case "AppName":
            return ScanError(
                message=f"The upload names no app. {cause}",
                remediation="Upload it again as <app>/<file>.zip.",
                retryable=False,
            )
        case "CodeBuild.AccountLimitExceededException":
            return ScanError(
                message="CodeBuild had no free place for this scan, for hours.",
                remediation="Upload again later, or raise the quota of concurrent builds.",
            )
        case "States.Timeout":
            return ScanError(
                message="The scan did not end in time.",
                remediation="See in the execution what it waited for, then upload again.",
            )
        case _:
            why = ": ".join(text for text in (name, cause) if text) or "no reason was given"
            return ScanError(
                message=f"The scan could not be started: {why}",
                remediation="Fix the cause (the execution shows the call), then upload again.",
            )


def _describe(codebuild: Callable[[], Any], arn: str, build_id: str) -> Any:
    try:
        builds = codebuild().batch_get_builds(ids=[build_id])["builds"]
    except (BotoCoreError, ClientError):
        # A card without details is better than no card.
        log.warning("build not described", extra={"build": arn}, exc_info=True)
        builds = []
    return _pascal(builds[0]) if builds else {"Arn": arn}


def _pascal(value: Any) -> Any:
    """Return ``value`` with its keys in PascalCase, as Step Functions writes them."""
    if is_dict(value):
        return {key[0].upper() + key[1:]: _pascal(item) for key, item in value.items()}
    if is_list(value):
        return [_pascal(item) for item in value]
    return value


def _parse(build: Mapping[str, Any]) -> Build:
    logs = as_dict(build.get("Logs"))
    return Build(
        arn=build.get("Arn") or "",
        status=build.get("BuildStatus") or "",
        phases=tuple(
            Phase(
                name=phase.get("PhaseType") or "",
                status=phase.get("PhaseStatus") or "",
                message=" ".join(
                    context["Message"]
                    for context in phase.get("Contexts") or ()
                    if context.get("Message")
                ),
            )
            for phase in build.get("Phases") or ()
        ),
        log_group=logs.get("GroupName") or "",
        log_stream=logs.get("StreamName") or "",
    )
