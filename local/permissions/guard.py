"""Knows who makes each request to the account, and refuses what the policies do not allow."""

import io
import logging
import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from local.permissions import accesses, refusal, s3
from local.permissions.call import Access, Call, UnknownOperation
from local.permissions.engine import Decision, Engine, Request, installed
from local.permissions.refusal import Denied
from local.permissions.world import World

_log = logging.getLogger(__name__)
# Deploys, tests and looks at the account; no policy limits it here.
ADMINISTRATOR = "local"
_current = threading.local()


class AccessDenied(Exception):
    """A service may not do what it does by itself, such as to assume a role."""


class Principal(NamedTuple):
    """Who makes a request: the session of a role, or a service that acts by itself.

    ``user_id`` is what events of S3 name (``AROA...:session``). ``source`` are the condition keys
    that a service sends about what it acts for: ``aws:SourceArn`` and ``aws:SourceAccount``. An
    unknown one is refused, which is no fault of a policy: it may be a role of an account that was
    left before, whose executions end a moment later.
    """

    arn: str
    role: str = ""
    user_id: str = ""
    source: Mapping[str, str] = {}
    known: bool = True


class Allowed(NamedTuple):
    """An access that was allowed: the request, and the statements that allowed it.

    ``caller`` is the name of a role, or a service.
    """

    caller: str
    request: Request
    decision: Decision


def caller() -> Principal | None:
    """Who made the request that this thread is serving; None for the administrator."""
    return getattr(_current, "principal", None)


class Guard:
    """Evaluates each request of an account; ``allowed`` and ``denied`` are what was decided.

    ``allowed`` has one access of each caller, action and resource (``general``).

    A caller is identified by the access key id: the name of a role, ``@``, and the name of its
    session; or the name of a service. Without the engine everything is allowed.
    """

    def __init__(self, account: str, region: str) -> None:
        self.world = World(account, region)
        self.allowed: dict[tuple[str, str, str], Allowed] = {}
        self.denied: list[Denied] = []
        self._engine = Engine() if installed() else None
        self._lock = threading.Lock()

    @property
    def evaluates(self) -> bool:
        """Whether requests are evaluated."""
        return self._engine is not None

    def close(self) -> None:
        if self._engine:
            self._engine.close()

    def session(self, role_arn: str, name: str) -> str:
        """The access key id with which a role's session signs."""
        return f"{role_arn.rsplit('/', 1)[1]}@{name}"

    def serve(
        self,
        serve: Callable[[dict[str, Any], Any], Iterable[bytes]],
        environ: dict[str, Any],
        start_response: Any,
    ) -> Iterable[bytes]:
        """Serve a request, or refuse it (WSGI)."""

        def body() -> bytes:
            read = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            environ["wsgi.input"] = io.BytesIO(read)
            return read

        def answer(response: refusal.Response) -> Iterable[bytes]:
            status, headers, text = response
            start_response(status, headers)
            return [b"" if call.method == "HEAD" else text]

        call = Call(environ, body)
        _current.principal = principal = self._principal(call)
        try:
            if principal and (denied := self._refused(principal, call)):
                body()  # otherwise the connection could not be used again
                return answer(refusal.refused(call.service, denied))
            return serve(environ, start_response)
        except Exception as error:
            # As AWS answers an error of its own, so that clients try again and name the cause.
            _log.exception("%s %s failed", call.method, call.path)
            return answer(refusal.failed(call.service, error))
        finally:
            _current.principal = None

    def check(self, principal: Principal, needs: Sequence[Access]) -> None:
        """Evaluate what a service does without a request to this account.

        Raises:
            AccessDenied: the policies do not allow it.
        """
        if self._engine and (denied := self._denied(principal, needs)):
            raise AccessDenied(str(denied))

    def assume(self, service: str, role_arn: str, **source: str) -> None:
        """Let a service assume a role; ``source`` has ``account`` and ``arn`` if it sends them.

        Raises:
            AccessDenied: the role's trust policy does not let it.
        """
        self.check(self.service(service, **source), [Access("sts:AssumeRole", role_arn)])

    def service(self, name: str, arn: str = "", account: str = "") -> Principal:
        """A service that acts for the resource ``arn``, or for an account."""
        source = {"aws:SourceArn": arn, "aws:SourceAccount": account}
        return Principal(name, source={key: value for key, value in source.items() if value})

    def role(self, role_arn: str, session: str) -> Principal:
        """The session of a role."""
        account, name = role_arn.split(":")[4], role_arn.rsplit("/", 1)[1]
        return Principal(
            f"arn:aws:sts::{account}:assumed-role/{name}/{session}",
            role=name,
            user_id=f"{self.world.role_id(name)}:{session}",
        )

    def request(self, principal: Principal, access: Access) -> Request:
        """The request for the engine, with the condition keys that every request has.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
        """
        world, context = self.world, {"aws:SecureTransport": "true", **access.context}
        if principal.role:
            context["aws:PrincipalArn"] = world.role_arn(principal.role)
            context["aws:PrincipalAccount"] = world.account
            context["aws:PrincipalType"] = "AssumedRole"
            context["aws:userid"] = principal.user_id
        else:
            context["aws:PrincipalServiceName"] = principal.arn
            context["aws:PrincipalIsAWSService"] = "true"
            context.update(principal.source)
        trust = access.action == "sts:AssumeRole"
        return Request(
            principal.arn,
            access.action,
            access.resource,
            world.account,
            context,
            identity=world.identity_policies(principal.role) if principal.role else {},
            resource_policy=(
                world.trust_policy(access.resource)
                if trust
                else world.resource_policy(access.resource)
            ),
            boundaries=world.boundaries(principal.role),
        )

    def _principal(self, call: Call) -> Principal | None:
        if call.signer == ADMINISTRATOR or call.path.startswith("/moto-api/"):
            return None
        name, _, session = call.signer.partition("@")
        if name.endswith(".amazonaws.com"):
            source = {
                key: call.headers[f"x-amz-source-{key}"]
                for key in ("arn", "account")
                if f"x-amz-source-{key}" in call.headers
            }
            return self.service(name, **source)
        arn = self.world.role_arn(name)
        return (
            self.role(arn, session or "session")
            if arn
            else Principal(f"unknown ({name})" if name else "anonymous", known=False)
        )

    def _refused(self, principal: Principal, call: Call) -> Denied | None:
        """The access that is not allowed, if any.

        Only who may list a bucket learns that an object is missing
        (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html).
        """
        if not self._engine:
            return None
        try:
            needs = accesses.needed(call, self.world)
        except UnknownOperation as unknown:
            denied = Denied(f"{principal.arn} ({unknown})", Access("unknown", "*"), explicit=False)
            self.denied.append(denied)
            return denied
        if not principal.known:
            return Denied(principal.arn, needs[0], explicit=False)
        denied = self._denied(principal, needs)
        if denied or needs[0].action not in ("s3:GetObject", "s3:GetObjectVersion"):
            return denied
        bucket, key = s3.bucket_and_key(call)
        if self.world.tags_of(bucket, key, call.query.get("versionId", "")) is not None:
            return None
        listing = Access("s3:ListBucket", f"arn:aws:s3:::{bucket}")
        hidden = self._denied(principal, [listing], expected=True)
        return hidden and Denied(principal.arn, needs[0], explicit=False)

    def _denied(
        self, principal: Principal, needs: Sequence[Access], *, expected: bool = False
    ) -> Denied | None:
        """The first access that is not allowed; if ``expected``, it is no fault of a policy."""
        assert self._engine
        requests = [self.request(principal, access) for access in needs]
        for access, request, decision in zip(
            needs, requests, self._engine.decide(requests), strict=True
        ):
            if not decision.allowed:
                denied = Denied(principal.arn, access, decision.explicit)
                if not expected:
                    self.denied.append(denied)
                return denied
            who = principal.role or principal.arn
            with self._lock:
                self.allowed.setdefault(
                    (who, access.action, general(access.resource)), Allowed(who, request, decision)
                )
        return None


def general(resource: str) -> str:
    """A resource without what differs from run to run: ids of scans, streams and executions."""
    resource = re.sub(r"/scans/[^/]+/[^/]+/", "/scans/*/", resource)
    resource = re.sub(r"/(actions|extensions|approvals)/.*", r"/\1/*", resource)
    resource = re.sub(r"/(waiting|thread-slots|cache|apps|resting)/.*", r"/\1/*", resource)
    resource = re.sub(r":log-stream:.*", ":log-stream:*", resource)
    resource = re.sub(r"(:execution:[^:]+):.*", r"\1:*", resource)
    if resource.endswith("/source/scan.zip"):
        return resource
    resource = re.sub(r"(:::[^/]+)/[^/]+\.zip$", r"\1/*.zip", resource)
    return re.sub(r"(:::[^/]+)/[^/]+/.+\.zip$", r"\1/*/*.zip", resource)
