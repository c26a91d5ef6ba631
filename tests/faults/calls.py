"""Identifies a request to the account: its caller, its call, and its app."""

import base64
import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote

from local.permissions import call

# Each case has an app of its own, such as ``scan_error-0017``, which every request contains.
APP = re.compile(r"(?<![\w-])[a-z_]+-\d{4}(?![\w-])")
# The pipeline's calls to these services; their other calls belong to the simulated AWS.
PLAYED = {
    "EventBridge": ("StartExecution",),
    "CodeBuild": ("GetObject", "GetSecretValue"),
    "Slack channel": ("Invoke",),
}
LOGGED = ("CreateLogStream", "PutLogEvents")
# By the role, and where a service acts as the role, by its session.
CALLERS = {
    "pipeline": "state machine",
    "uploads": "EventBridge",
    "channel": "Slack channel",
    "scan@CodeBuild": "CodeBuild",
    "scan@scan": "scan",
}
_OURS = re.compile(r"chatops-slack-[a-z]+-gate-(.+)-[0-9a-f]{5}")
_ROUTES = (
    ("s3", "GET", r"[?&]versions\b", "ListObjectVersions"),
    ("s3", "GET", r"list-type=2", "ListObjectsV2"),
    ("s3", "PUT", r"[?&]tagging\b", "PutObjectTagging"),
    ("s3", "HEAD", r"", "HeadObject"),
    ("s3", "GET", r"", "GetObject"),
    ("s3", "PUT", r"", "PutObject"),
    ("lambda", "POST", r"/invocations$", "Invoke"),
    ("ses", "POST", r"/outbound-emails$", "SendEmail"),
)


@dataclass(frozen=True)
class Call:
    """``what`` the caller ``who`` requests, such as ``PutObject decision.json`` by ``approval``."""

    who: str
    what: str


@dataclass(frozen=True)
class Request:
    """``body`` is its text, or that of its card or email; ``app`` is empty if none is named.

    ``call`` is None if the caller is not part of the pipeline.
    """

    service: str
    call: Call | None
    body: str
    app: str


def read(environ: dict[str, Any], body: bytes) -> Request:
    """Read the request from a WSGI environment."""
    signed = call.Call(environ, lambda: body)
    service = signed.service
    text = body.decode(errors="replace")
    if service == "ses" and body:
        text = base64.b64decode(json.loads(body)["Content"]["Raw"]["Data"]).decode()
    elif service == "sns":
        text = parse_qs(text)["Message"][0]
    path = unquote(environ["PATH_INFO"])
    target = f"{path}?{unquote(environ['QUERY_STRING'])}".removesuffix("?")
    match = APP.search(f"{target} {text} {environ.get('HTTP_X_APP', '')}")
    operation = signed.operation or _operation(service, signed.method, target)
    role, _, session = signed.signer.partition("@")
    ours = _OURS.fullmatch(role)
    who = CALLERS.get(ours[1], CALLERS.get(f"{ours[1]}@{session}", ours[1])) if ours else ""
    # What a service writes to a log is no call of ours.
    if not who or operation in LOGGED or (who in PLAYED and operation not in PLAYED[who]):
        return Request(service, None, text, match[0] if match else "")
    what = f"{operation} {_subject(operation, target, text)}".strip()
    return Request(service, Call(who, what), text, match[0] if match else "")


def title(card: dict[str, Any] | str) -> str:
    """A card's title without app, emoji and time."""
    text = card if isinstance(card, str) else card.get("content", {}).get("title", "")
    return re.sub(r"^.*?: | (until|on) \d.*$", "", APP.sub("app", text)).strip()


def _operation(service: str, method: str, target: str) -> str:
    """The name of an operation whose protocol does not send it."""
    for of, how, pattern, operation in _ROUTES:
        if (of, how) == (service, method) and re.search(pattern, target):
            return operation
    return f"{method} {target}"


def _subject(operation: str, target: str, text: str) -> str:
    """What the request is about, in words that are the same in each case."""
    if operation == "Invoke":
        function = _OURS.search(target)
        return f"{function[1] if function else target} {_about(json.loads(text))}"
    if operation == "Publish":
        return f"“{title(json.loads(text))}”"
    if operation == "PutObjectTagging":
        return re.findall(r"<Value>([\w-]+)</Value>", text)[0]
    if operation == "ListObjectsV2":
        return "actions/" if "actions/" in target else "waiting/"
    if operation in ("GetObject", "HeadObject", "PutObject"):
        if "/waiting/" in target:
            wait = f" of the {json.loads(text)['kind']}" if operation == "PutObject" else ""
            return f"the token{wait}"
        if "/source/" in target:
            return "the scanner"
        scan = re.search(r"/scans/[^/]+/[^/]+/([^?]+)", target)
        return scan[1] if scan else "the upload"
    return ""


def _about(event: dict[str, Any]) -> str:
    """What a function is invoked for, by its event."""
    verbs = [verb for verb in ("approve", "reject", "withdraw") if verb in event]
    named = [event[key] for key in ("event", "kind") if isinstance(event.get(key), str)]
    inspected = ["look"] if "expired" in event else []
    return "".join([*verbs, *named, *inspected])
