"""Caches of what moto computes again for each request, execution or task."""

import functools
import threading
from typing import Any

import boto3
from botocore.config import Config
from moto.moto_server.werkzeug_app import DomainDispatcherApplication
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser

from local.permissions.guard import Guard

# moto searches its own folder for each request, and blocks the other requests meanwhile.
backend_for_host = functools.lru_cache(maxsize=256)(
    DomainDispatcherApplication.get_backend_for_host
)
# Executions can share a parsed state machine, since it has no state of theirs.
parse = functools.lru_cache(maxsize=16)(AmazonStateLanguageParser.parse)


class Clients:
    """Replaces ``boto3`` in moto's tasks, each of which would create a client."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, ...], Any] = {}
        self._lock = threading.Lock()

    def client(self, *, service_name: str, region_name: str, config: Config, **more: str) -> Any:
        if signer := getattr(_machine, "signer", ""):
            more["aws_access_key_id"] = signer
        key = (service_name, region_name, *more.values())
        with self._lock:
            if key not in self._made:
                config = config.merge(Config(max_pool_connections=50))
                self._made[key] = boto3.client(
                    service_name,  # type: ignore[call-overload]
                    region_name=region_name,
                    config=config,
                    **more,
                )
            return self._made[key]

    def close(self) -> None:
        with self._lock:
            made, self._made = self._made, {}
        for client in made.values():
            client.close()


task_clients = Clients()
_machine = threading.local()


def as_role_of_machine(task: Any, guard: Guard) -> Any:
    """Let a task call the other services as its state machine's role."""
    evaluate = task._eval_service_task  # noqa: SLF001 (moto has no other way)

    def evaluate_as_role(env: Any, *arguments: Any, **named: Any) -> None:
        role = env.aws_execution_details.role_arn
        _machine.signer = guard.session(role, "StepFunctions")
        evaluate(env, *arguments, **named)

    task._eval_service_task = evaluate_as_role  # noqa: SLF001
    return task
