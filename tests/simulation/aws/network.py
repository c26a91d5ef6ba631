"""Calls to AWS in virtual time: each takes effect at one point, other actors run in between.

A client knows its request and the response, never whether the request took effect.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from botocore import exceptions
from botocore.validate import ParamValidator

from tests.simulation.aws.faults import Faults, ends
from tests.simulation.aws.scheduler import Future, Killed, NotSimulated, Scheduler, current

ENDPOINT = "https://amazonaws.example"
# The services' error codes for throttling
# (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html, and each API's errors).
THROTTLED = {
    "s3": "SlowDown",
    "stepfunctions": "ThrottlingException",
    "sns": "Throttling",
    "codebuild": "ThrottlingException",
}
UNAVAILABLE = {
    "s3": "InternalError",
    "sesv2": "InternalServiceErrorException",
    "lambda": "ServiceException",
    "sns": "InternalError",
    "codebuild": "InternalFailure",
}
# What botocore's standard mode retries, besides lost connections
# (https://docs.aws.amazon.com/boto3/latest/guide/retries.html).
RETRIED = {
    "SlowDown", "ThrottlingException", "Throttling", "TooManyRequestsException",
    "InternalError", "InternalServiceErrorException", "ServiceUnavailable",
}  # fmt: skip


class Refused(Exception):
    """An error response of a service; ``code`` is its code, such as ``NoSuchKey``."""

    def __init__(self, code: str, message: str = "", status: int = 400) -> None:
        super().__init__(message or code)
        self.code, self.status = code, status


class Lost(Exception):
    """No response came; ``late`` if the caller stopped waiting for it."""

    def __init__(self, late: bool = False) -> None:
        super().__init__("no answer")
        self.late = late


class Network:
    """Carries calls between actors and services, with latency and faults."""

    def __init__(self, scheduler: Scheduler, faults: Faults) -> None:
        self.scheduler, self.faults = scheduler, faults

    def send(
        self,
        caller: str,
        service: str,
        call: str,
        effect: Callable[[], Any],
        *,
        bucket: str = "",
        patience: float | None = None,
    ) -> Any:
        """Make one attempt; ``effect`` returns the response, or a Future of it.

        Raises:
            Refused: the service's error response.
            Lost: no response within ``patience`` seconds, or the connection broke.
            Killed: the caller crashed.
        """
        scheduler, actor = self.scheduler, current()
        actor.call_began = scheduler.now
        faulted = self.faults.meet(caller, service, call, bucket, scheduler.now)
        if faulted is None:
            return self._carry("", service, effect, patience)
        actor.faulted = faulted
        try:
            return self._carry(faulted.fault, service, effect, patience)
        finally:
            ends(faulted, scheduler.now)

    def _carry(
        self, fault: str, service: str, effect: Callable[[], Any], patience: float | None
    ) -> Any:
        scheduler = self.scheduler
        if fault == "killed before":
            raise Killed
        before, after = self.faults.latency()
        draw = self.faults.random.random
        if fault == "slow":
            extra = (patience or 5 + 60 * draw()) + 3 * draw()
            before, after = (before + extra, after) if draw() < 0.5 else (before, after + extra)
        if fault in ("before", "throttled", "outage"):
            scheduler.sleep(before)
            if fault == "before":
                raise Lost
            raise _error(service, fault)
        if patience is not None and before > patience:
            # The request is under way, and takes effect after its caller has stopped waiting.
            scheduler.at(scheduler.now + before, _quietly, effect)
            scheduler.sleep(patience)
            raise Lost(late=True)
        scheduler.sleep(before)
        answer = effect()
        if fault == "killed after":
            raise Killed
        if isinstance(answer, Future):
            if fault == "after" and draw() < 0.5:
                # A connection may break while its request is still being carried out.
                scheduler.sleep(after)
                raise Lost
            if not scheduler.wait(answer, None if patience is None else patience - before):
                raise Lost(late=True)
            answer = answer.value
        left = None if patience is None else patience - before
        if fault in ("after", "error after"):
            scheduler.sleep(after)
            raise Lost if fault == "after" else _error(service, fault)
        if left is not None and after > left:
            scheduler.sleep(left)
            raise Lost(late=True)
        scheduler.sleep(after)
        return answer


def _quietly(effect: Callable[[], Any]) -> None:
    try:
        effect()
    except Refused:
        return


def _error(service: str, fault: str) -> Refused:
    if fault == "throttled":
        return Refused(THROTTLED.get(service, "TooManyRequestsException"), status=429)
    return Refused(UNAVAILABLE.get(service, "ServiceUnavailable"), status=503)


def is_from_aws(error: Exception) -> bool:
    """Whether a client raised it because a call was refused or got no response, as faults do.

    Not so for other errors of AWS, such as a validation error: those are bugs of the caller.
    """
    if isinstance(error, exceptions.ClientError):
        return error.response.get("Error", {}).get("Code") in RETRIED
    return isinstance(error, (exceptions.ConnectionError, exceptions.ReadTimeoutError))


class Client:
    """Replaces a boto3 client: its methods, checks, errors, timeouts and retries."""

    def __init__(self, real: Any, service: Any, network: Network) -> None:
        self.meta, self.exceptions = real.meta, real.exceptions
        self._service, self._network = service, network
        config = real.meta.config
        self._patience = float(config.read_timeout)
        retries = config.retries or {}
        # The default of boto3's legacy mode, which applies without a configuration.
        self._attempts = retries.get("total_max_attempts") or retries.get("max_attempts", 4) + 1

    def __getattr__(self, name: str) -> Any:
        operation = self.meta.method_to_api_mapping.get(name)
        if operation is None:
            raise NotSimulated(f"no client has a method {name}")
        return lambda **parameters: self._call(operation, parameters)

    def get_paginator(self, name: str) -> Any:
        """Return everything on one page: a scenario has few objects."""
        return _Pages(getattr(self, name))

    def _call(self, operation: str, parameters: dict[str, Any]) -> Any:
        service = self.meta.service_model.service_name
        check(self.meta.service_model, operation, parameters)
        self._service.in_flight(operation, parameters, 1)
        try:
            return self._tried(service, operation, parameters)
        finally:
            self._service.in_flight(operation, parameters, -1)

    def _tried(self, service: str, operation: str, parameters: dict[str, Any]) -> Any:
        network, scheduler = self._network, self._network.scheduler
        actor = current()
        for attempt in range(1, self._attempts + 1):
            try:
                return network.send(
                    actor.name,
                    service,
                    described(operation, parameters),
                    lambda: self._service.serve(operation, parameters, actor),
                    bucket=parameters.get("Bucket", ""),
                    patience=self._patience,
                )
            except Refused as refused:
                if attempt == self._attempts or refused.code not in RETRIED:
                    raise self._error(refused, operation) from None
            except Lost as lost:
                if attempt == self._attempts:
                    kind = exceptions.ReadTimeoutError if lost.late else exceptions.ConnectionError
                    raise kind(endpoint_url=ENDPOINT, error="lost") from None
            # Exponential, with jitter, as in botocore/retries/standard.py.
            scheduler.sleep(min(20, scheduler.random.random() * 2 ** (attempt - 1)))
        raise AssertionError("unreachable")

    def _error(self, refused: Refused, operation: str) -> Exception:
        parsed = {
            "Error": {"Code": refused.code, "Message": str(refused)},
            "ResponseMetadata": {"HTTPStatusCode": refused.status},
        }
        return self.exceptions.from_code(refused.code)(parsed, operation)


class _Pages:
    def __init__(self, method: Callable[..., Any]) -> None:
        self._method = method

    def paginate(self, **parameters: Any) -> list[Any]:
        return [self._method(**parameters)]


def described(operation: str, parameters: dict[str, Any]) -> str:
    """The call as faults name it, such as ``PutObject decision.json``."""
    key = parameters.get("Key", "")
    if key.startswith(("waiting/", "thread-slots/", "apps/")):
        return f"{operation} {key.partition('/')[0]}"
    return f"{operation} {key.rpartition('/')[2]}" if key else operation


def check(model: Any, operation: str, parameters: dict[str, Any]) -> None:
    """Refuse parameters that botocore's model of the service does not have.

    Raises:
        botocore.exceptions.ParamValidationError: as boto3 would.
    """
    kinds = tuple(sorted((name, type(value)) for name, value in parameters.items()))
    if kinds not in _checked(model.service_name, operation):
        report = ParamValidator().validate(parameters, model.operation_model(operation).input_shape)
        if report.has_errors():
            raise exceptions.ParamValidationError(report=report.generate_report())
        _checked(model.service_name, operation).add(kinds)


@cache
def _checked(service: str, operation: str) -> set[Any]:
    return set()
