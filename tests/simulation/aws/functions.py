"""Lambda: the real handlers, unchanged, with fake clients and a virtual clock.

- A function that exceeds its timeout, or whose process crashes, is an error for its caller
  (https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html).
- An exception for another reason than a fault is an event of the trace, which the model reports.
- The state machine sees the class of the exception as the error's name
  (https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html).
"""

import importlib
import json
import logging
import pkgutil
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, tzinfo
from functools import cache, partial
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
from botocore.client import BaseClient
from greenlet import getcurrent

from components.approval_rules import ApprovalRules
from handlers import aws
from handlers import parallel as calls_of_handlers
from ops import parallel

# Sets the handlers' environment and imports moto before them: both may be in one process.
from tests.handlers.conftest import ENVIRONMENT
from tests.simulation.aws.faults import ends
from tests.simulation.aws.network import Client, Network, is_from_aws
from tests.simulation.aws.scheduler import Actor, Future, NotSimulated, Scheduler, TimedOut
from tests.simulation.people import PEOPLE_SETTING
from tests.simulation.trace import Event, FunctionFailed, Settings, timestamp

# As deployed (components/handler_function.py, approval.py, pipeline.py, approver_audit.py), in
# seconds.
TIMEOUT = 10.0
TIMEOUTS = {"notify": 30.0, "open-scan": 60.0, "check-build-status": 30.0, "approver-audit": 60.0}
COLD_START = 0.4
_LOG = logging.getLogger("handlers")


@contextmanager
def configured(settings: Settings) -> Iterator[None]:
    """Give the handlers the settings of a scenario, which they read from their environment."""
    values = {
        "APPROVAL_COVERS": settings.covers,
        "SELF_APPROVAL": settings.self_approval,
        "APPROVALS": settings.approvals,
        "PEOPLE": PEOPLE_SETTING,
    }
    _outside()
    replaced = [
        (module, name, getattr(module, name))
        for module_name, module in list(sys.modules.items())
        for name in values
        if module_name.startswith("handlers.") and hasattr(module, name)
    ]
    for module, name, _ in replaced:
        setattr(module, name, values[name])
    rules = ApprovalRules(approvals=settings.approvals, self_approval=settings.self_approval)
    if not rules.need_people:
        # As deployed: nothing follows from who clicked.
        audit = _module("approver_audit")
        replaced.append((audit, "STATE_BUCKET", audit.STATE_BUCKET))
        audit.STATE_BUCKET = ""
    try:
        yield
    finally:
        for module, name, value in replaced:
            setattr(module, name, value)


class Functions:
    """``skew`` is the maximum error of an invocation's clock, in seconds."""

    def __init__(
        self,
        scheduler: Scheduler,
        events: list[Event],
        skew: float,
        composed: Callable[[Any, float], None],
    ) -> None:
        self._scheduler, self._events = scheduler, events
        self._skew, self._composed = skew, composed

    def invoke(self, name: str, payload: Any) -> Future:
        """Start a function; the Future gets ``(done, answer)`` or ``(failed, (error, cause))``."""
        scheduler, ended = self._scheduler, Future()
        handler = _handler(name)
        draw = scheduler.random.random
        actor = scheduler.spawn(
            name.replace("_", "-"),
            lambda: json.loads(json.dumps(handler(payload, None))),
            delay=COLD_START * draw() ** 4,
            skew=self._skew * (2 * draw() - 1),
            seconds=TIMEOUTS.get(name.replace("_", "-"), TIMEOUT),
            handled=(Exception,),
        )

        def end() -> None:
            ended.set(self._answer(actor))

        actor.ended.waiters.append(end)
        return ended

    def _answer(self, actor: Actor) -> tuple[str, Any]:
        kind, value = actor.ended.value
        if kind == "done":
            self._composed(value, actor.began)
            return "done", value
        if kind == "killed" and actor.faulted:
            ends(actor.faulted, self._scheduler.now)
        if isinstance(value, TimedOut):
            return "failed", ("Sandbox.Timedout", "Task timed out")
        if kind == "killed":
            return "failed", ("Runtime.ExitError", "Runtime exited")
        self.report(actor.name, value)
        return "failed", (type(value).__name__, json.dumps({"errorMessage": str(value)}))

    def report(self, function: str, error: BaseException) -> None:
        """Record an exception of ``function`` that no refused or lost call explains."""
        if isinstance(error, Exception) and is_from_aws(error):
            return
        frame = traceback.extract_tb(error.__traceback__)[-1]
        text = f"{error!r} in {Path(frame.filename).name}:{frame.lineno}"
        now = self._scheduler.now
        self._events.append(FunctionFailed(at=now, function=function, error=text))


class _Logged(logging.Handler):
    """Reports the exceptions that handlers log and answer, as those behind buttons do."""

    def __init__(self, functions: Functions) -> None:
        super().__init__(logging.WARNING)
        self._functions = functions

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[1]:
            self._functions.report(record.name, record.exc_info[1])


class VirtualDatetime(datetime):
    """``datetime`` whose ``now`` is the calling actor's own clock."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        actor = getcurrent()
        assert isinstance(actor, Actor), "only an actor has a clock"
        return timestamp(actor.scheduler.now + actor.skew).astimezone(tz or UTC)


@contextmanager
def virtual(
    network: Network, services: dict[str, Any], functions: Functions
) -> Iterator[Callable[..., Any]]:
    """Give all loaded modules of the pipeline the fake clients and the virtual clock.

    ``services`` are the fakes by boto3's names; yields what makes a client for a command. Of
    the handlers' logs, only exceptions are read, and passed on to ``functions``.
    """
    replaced: list[tuple[ModuleType, str, Any]] = []

    def client(service: str, config: Any = None) -> Client:
        return Client(_client(service, config), services[service], network)

    def client_of_handler(service: str, config: Any = aws.QUICK) -> Client:
        return client(service, config)

    for module, name, value, kind in _outside():
        replaced.append((module, name, value))
        if kind == "client":
            service = value.meta.service_model.service_name
            setattr(module, name, Client(value, services[service], network))
        elif kind == "cached":
            value.cache_clear()
            setattr(module, name, value.__wrapped__)
        else:
            setattr(module, name, VirtualDatetime)
    owners = ((aws, "client"), (parallel, "results"), (calls_of_handlers, "map_all"))
    replaced += [(owner, name, getattr(owner, name)) for owner, name in owners]
    aws.client = client_of_handler  # type: ignore[assignment]
    # Greenlets do not work across threads.
    parallel.results = lambda ask, items, doing: map(ask, items)
    calls_of_handlers.map_all = partial(_in_any_order, network.scheduler)
    level, log, logged = logging.root.manager.disable, _LOG, _Logged(functions)
    propagates = log.propagate
    logging.disable(logging.INFO)
    log.addHandler(logged)
    log.propagate = False
    try:
        yield client
    finally:
        logging.disable(level)
        log.removeHandler(logged)
        log.propagate = propagates
        for module, name, value in replaced:
            setattr(module, name, value)


def _in_any_order(
    scheduler: Scheduler, call: Callable[[Any], Any], items: Iterable[Any]
) -> list[Any]:
    """Make simultaneous calls one after the other, in an order drawn from the seed.

    Each call takes effect at one point in time, so concurrency can only show as another order.
    """
    items, results, errors = list(items), {}, {}
    for number in scheduler.random.sample(range(len(items)), len(items)):
        try:
            results[number] = call(items[number])
        except Exception as error:
            errors[number] = error
    if errors:
        raise errors[min(errors)]
    return [results[number] for number in range(len(items))]


@cache
def _client(service: str, config: Any) -> Any:
    """One real client per service and configuration, for its models and settings."""
    return boto3.client(service, region_name=ENVIRONMENT["AWS_REGION"], config=config)


@cache
def _module(name: str) -> Any:
    return importlib.import_module(f"handlers.{name.replace('-', '_')}")


def _handler(name: str) -> Callable[[Any, Any], Any]:
    """The handler of a function.

    Raises:
        NotSimulated: there is no such function, or its module cannot be imported.
    """
    try:
        return _module(name).handler
    except (ImportError, AttributeError) as error:
        raise NotSimulated(f"no function {name}: {error}") from error


@cache
def _outside() -> list[tuple[ModuleType, str, Any, str]]:
    """What the pipeline's modules use of the outside: clients, clocks, and caches of either."""
    import handlers
    import ops.verify  # noqa: F401  the command that is run in scenarios

    for iter_module in pkgutil.iter_modules(handlers.__path__):
        _module(iter_module.name)
    result: list[tuple[ModuleType, str, Any, str]] = []
    for module_name, module in list(sys.modules.items()):
        if not module_name.startswith(("domain.", "handlers.", "ops.")):
            continue
        for name, value in vars(module).items():
            if isinstance(value, BaseClient):
                result.append((module, name, value, "client"))
            elif value is datetime:
                result.append((module, name, value, "datetime"))
            elif value is time and not module_name.startswith("ops."):
                raise NotSimulated(f"{module_name} sleeps, or reads a clock of its own")
            elif hasattr(value, "cache_clear") and module_name.startswith("handlers."):
                result.append((module, name, value, "cached"))
    return result
