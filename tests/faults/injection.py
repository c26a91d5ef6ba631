"""A layer between the pipeline and its account that records each call, and makes one fail."""

import io
import json
import socket
import threading
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Self

from botocore.exceptions import ClientError
from moto.moto_server.werkzeug_app import DomainDispatcherApplication

from local import builds, functions
from local.account import LocalAccount
from local.permissions import refusal
from tests.faults import calls
from tests.faults.calls import Call, Request

# Longer than the functions wait for S3 and Step Functions (``handlers/aws.py``).
SLOW_SECONDS = 2.5
# Longer than the usual retries take here, shorter than those that go on for days
# (``lifecycles.shorten_timeouts``).
WHILE_SECONDS = 6
FAULTS = {
    "before": "the connection breaks before the call takes effect",
    "after": "the call takes effect, then the connection breaks",
    "error after": "the call takes effect, then the service answers with an error of its own (5xx)",
    "throttled": "the service throttles the call",
    "slow": f"the call takes effect, and the response comes {SLOW_SECONDS} s late",
    "killed before": "the caller crashes before the call takes effect",
    "killed after": "the caller crashes after the call took effect",
    "a while": f"the call is refused for {WHILE_SECONDS} s, longer than the first retries take",
    "refused": "every attempt at the call is refused",
}
REFUSALS = ("a while", "refused")
KILLABLE = {
    "open-scan", "check-build-status", "callback", "approval", "notify", "rescan",
    "approver-audit", "uploader", "scan",
}  # fmt: skip
# The state machine retries by the names of errors. The clients of all others retry an error of the
# service like a lost connection.
NAMING = {"state machine"}
# The codes of each service's errors, by which Step Functions names them: see
# ``components/service_errors.py``. "" is for all other services.
THROTTLED = {
    "s3": (503, "SlowDown"),
    "sns": (400, "Throttling"),
    "lambda": (429, "TooManyRequestsException"),
    "ses": (429, "TooManyRequestsException"),
    "": (400, "ThrottlingException"),
}
REFUSED = {
    "s3": (403, "AccessDenied"),
    "sns": (403, "AuthorizationError"),
    "": (403, "AccessDeniedException"),
}
FAILED = {
    "lambda": (500, "ServiceException"),
    "s3": (500, "InternalError"),
    "sns": (500, "InternalError"),
    "": (500, "InternalFailure"),
}
ANSWERS = {
    "throttled": THROTTLED,
    "error after": FAILED,
    **dict.fromkeys(REFUSALS, REFUSED),
}


@dataclass
class Plan:
    """The fault of an app's case; ``met`` counts the calls that met it."""

    call: Call
    fault: str
    met: int = 0
    since: float = 0

    def meets(self, call: Call) -> bool:
        """Whether ``call`` meets the fault, which occurs once, or lasts."""
        if call != self.call:
            return False
        now = time.monotonic()
        if not self.met:
            self.since = now
        over = {"refused": False, "a while": now - self.since > WHILE_SECONDS}
        if over.get(self.fault, self.met > 0):
            return False
        self.met += 1
        return True


@dataclass
class Layer:
    """``seen`` are the calls by app, in the order of their first time; ``acts`` precede a call."""

    cloud: LocalAccount
    plans: dict[str, Plan] = field(default_factory=dict)
    seen: dict[str, Counter[Call]] = field(default_factory=lambda: defaultdict(Counter))
    acts: dict[str, dict[Call, Callable[[], None]]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    _known: dict[str, str] = field(default_factory=dict)
    _processes: dict[tuple[str, str], Any] = field(default_factory=dict)
    _undo: list[Callable[[], None]] = field(default_factory=list)
    _lock: Any = field(default_factory=threading.Lock)
    _building: Any = field(default_factory=threading.local)

    def __enter__(self) -> Self:
        self._set(DomainDispatcherApplication, "__call__", self._serve)
        self._set(functions._Process, "run", self._run)
        self._set(self.cloud.builds, "start", self._start_build)
        self._set(self.cloud.builds, "_run", self._build)
        project = self.cloud.client("codebuild").list_projects()["projects"][0]
        for service in ("s3", "secretsmanager"):
            client = self.cloud.builds.client(service, self.cloud.builds.project(project))
            client.meta.events.register("before-sign", self._name_app)
        return self

    def __exit__(self, *_: object) -> None:
        while self._undo:
            self._undo.pop()()

    def _set(self, owner: Any, name: str, wrap: Callable[..., Any]) -> None:
        real = getattr(owner, name)
        bound = not isinstance(owner, type)

        def wrapped(*arguments: Any, **named: Any) -> Any:
            return wrap(real, *arguments, **named)

        setattr(owner, name, wrapped)
        self._undo.append(lambda: delattr(owner, name) if bound else setattr(owner, name, real))

    def _due(self, app: str, call: Call) -> str:
        """Record the call; return the fault that it meets, or an empty string."""
        with self._lock:
            self.seen[app][call] += 1
            plan = self.plans.get(app)
            fault = plan.fault if plan and plan.meets(call) else ""
            act = self.acts.get(app, {}).pop(call, None)
        if act:
            act()
        return fault

    def before(self, app: str, call: Call, act: Callable[[], None]) -> None:
        """Run ``act`` just before the first such call of ``app`` is served."""
        with self._lock:
            self.acts[app][call] = act

    def _serve(
        self, serve: Any, application: Any, environ: dict[str, Any], start_response: Any
    ) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        if "HTTP_AUTHORIZATION" not in environ:
            return serve(application, environ, start_response)
        request = calls.read(environ, body)
        app = self._app(request)
        fault = self._due(app, request.call) if app and request.call else ""
        if not fault:
            return serve(application, environ, start_response)
        if fault in ("throttled", *REFUSALS):
            return _refuse(request.service, fault, start_response)
        answer: list[Any] = []
        if fault not in ("before", "killed before"):
            parts = serve(application, environ, lambda *head: answer.extend(head))
            answer.append(b"".join(parts))
        if fault == "error after":
            return _refuse(request.service, fault, start_response)
        if fault == "slow":
            time.sleep(SLOW_SECONDS)
            start_response(*answer[:2])
            return [answer[2]]
        if fault.startswith("killed") and request.call:
            self._kill(app, request.call.who)
        environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        start_response("500 gone", [])
        return []

    def _app(self, request: Request) -> str:
        """The app of a request, by name or by a token, execution or build known to belong to it."""
        answer = json.loads(request.body) if request.body.startswith("{") else {}
        if request.app:
            for name in ("token", "execution"):
                if isinstance(answer.get(name), str):
                    self._known[answer[name]] = request.app
            return request.app
        named = (answer.get(name) for name in ("taskToken", "executionArn", "logStreamName"))
        return next((self._known[item] for item in named if item in self._known), "")

    def _run(self, run: Any, process: Any, payload: str, seconds: int) -> Any:
        match = calls.APP.search(payload)
        name = process.handler.split(".")[1].replace("_", "-")
        if match:
            self._processes[match[0], name] = process
        return run(process, payload, seconds)

    def _kill(self, app: str, who: str) -> None:
        if who != "scan":
            self._processes[app, who].stop()
            return
        for scan in self.cloud.builds.scans:
            for build in self.cloud.builds.all_of(scan) if scan.startswith(f"{app}/") else ():
                builds._kill(self.cloud.builds._processes[build["Id"]])

    def _start_build(self, start: Any, project: str, overrides: Any, *more: Any) -> Any:
        """Make StartBuild, which is no HTTP request here, fail as Step Functions sees it."""
        app = next(override["Value"] for override in overrides if override["Name"] == "APP")
        fault = self._due(app, Call("state machine", "StartBuild"))
        if fault in ("throttled", *REFUSALS):
            raise _error("StartBuild", fault)
        if fault == "before":
            raise ConnectionError("StartBuild was not answered")
        build = start(project, overrides, *more)
        self._known[build["Logs"]["StreamName"]] = app
        if fault == "after":
            raise ConnectionError("StartBuild was not answered")
        if fault == "error after":
            raise _error("StartBuild", fault)
        if fault == "slow":
            time.sleep(SLOW_SECONDS)
        return build

    def _build(self, run: Any, build: Any, project: Any, overrides: Any) -> None:
        self._building.app = next(
            override["Value"] for override in overrides if override["Name"] == "APP"
        )
        run(build, project, overrides)

    def _name_app(self, request: Any, **_: Any) -> None:
        """Name the app in CodeBuild's own requests before a build, which do not contain it."""
        if app := getattr(self._building, "app", ""):
            request.headers["X-App"] = app


def _error(operation: str, fault: str) -> ClientError:
    """CodeBuild's answer, as the client of Step Functions raises it."""
    status, code = ANSWERS[fault][""]
    return ClientError(
        {
            "Error": {"Code": code, "Message": fault},
            "ResponseMetadata": {"HTTPStatusCode": status, "RequestId": str(uuid.uuid4())},  # type: ignore[typeddict-item]
        },
        operation,
    )


def _refuse(service: str, fault: str, start_response: Any) -> list[bytes]:
    codes = ANSWERS[fault]
    status, code = codes.get(service, codes[""])
    line, headers, text = refusal.error(service, f"{status} {fault}", code, fault)
    start_response(line, headers)
    return [text]
