"""Lambda: the real handlers, unchanged, with fake clients and a virtual clock.

- A function that exceeds its timeout, or whose process crashes, is an error for its caller
  (https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html).
- The state machine sees the class of the exception as the error's name
  (https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html).
"""

import importlib
import json
import logging
import pkgutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, tzinfo
from functools import cache, partial
from types import ModuleType
from typing import Any

import boto3
from botocore.client import BaseClient
from greenlet import getcurrent

from handlers import parallel as calls_of_handlers
from ops import parallel

# Sets the handlers' environment and imports moto before them: both may be in one process.
from tests.handlers.conftest import ENVIRONMENT
from tests.simulation.aws.faults import ends
from tests.simulation.aws.network import Client, Network
from tests.simulation.aws.scheduler import Actor, Future, NotSimulated, Scheduler, TimedOut
from tests.simulation.trace import timestamp

# As deployed (components/handler_function.py, approval.py, pipeline.py, approver_audit.py), in
# seconds.
TIMEOUT = 10.0
TIMEOUTS = {"notify": 30.0, "open-scan": 60.0, "check-build-status": 30.0, "who": 60.0}
COLD_START = 0.4


class Functions:
    """``skew`` is the maximum error of an invocation's clock, in seconds."""

    def __init__(
        self, scheduler: Scheduler, skew: float, composed: Callable[[Any, float], None]
    ) -> None:
        self._scheduler, self._skew, self._composed = scheduler, skew, composed

    def invoke(self, name: str, payload: Any) -> Future:
        """Start a function; the Future gets ``(done, answer)`` or ``(failed, (error, cause))``."""
        scheduler, ended = self._scheduler, Future()
        handler = _module(name).handler
        draw = scheduler.random.random
        actor = scheduler.spawn(
            name.replace("_", "-"),
            lambda: json.loads(json.dumps(handler(payload, None))),
            delay=COLD_START * draw() ** 4,
            skew=self._skew * (2 * draw() - 1),
            seconds=TIMEOUTS.get(name.replace("_", "-"), TIMEOUT),
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
        return "failed", (type(value).__name__, json.dumps({"errorMessage": str(value)}))


class VirtualDatetime(datetime):
    """``datetime`` whose ``now`` is the calling actor's own clock."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        actor = getcurrent()
        assert isinstance(actor, Actor), "only an actor has a clock"
        return timestamp(actor.scheduler.now + actor.skew).astimezone(tz or UTC)


@contextmanager
def virtual(network: Network, services: dict[str, Any]) -> Iterator[Callable[..., Any]]:
    """Give all loaded modules of the pipeline the fake clients and the virtual clock.

    ``services`` are the fakes by boto3's names; yields the replacement for ``boto3.client``.
    """
    replaced: list[tuple[ModuleType, str, Any]] = []

    def client(service: str, *_: Any, **options: Any) -> Client:
        return Client(_client(service, options.get("config")), services[service], network)

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
    owners = ((boto3, "client"), (parallel, "results"), (calls_of_handlers, "map_all"))
    replaced += [(owner, name, getattr(owner, name)) for owner, name in owners]
    boto3.client = client
    # Greenlets do not work across threads.
    parallel.results = lambda ask, items, doing: map(ask, items)
    calls_of_handlers.map_all = partial(_in_any_order, network.scheduler)
    level = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield client
    finally:
        logging.disable(level)
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
    return _REAL(service, region_name=ENVIRONMENT["AWS_REGION"], config=config)


_REAL = boto3.client


@cache
def _module(name: str) -> Any:
    return importlib.import_module(f"handlers.{name.replace('-', '_')}")


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
