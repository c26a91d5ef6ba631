"""The account: all fake services, connected to each other, and the trace of their events."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import boto3

from components import state_machine
from components.state_machine import Waits
from components.states import Names
from tests.handlers.conftest import BUCKET, STATE, UPLOADS
from tests.simulation import without as fixes
from tests.simulation.aws.bridge import EventBridge
from tests.simulation.aws.builds import Builds, Scan
from tests.simulation.aws.faults import Faults
from tests.simulation.aws.functions import Functions
from tests.simulation.aws.machine import Machine, check
from tests.simulation.aws.network import Client, Network
from tests.simulation.aws.s3 import S3
from tests.simulation.aws.scheduler import Scheduler
from tests.simulation.aws.services import Logs, Ses, Sns
from tests.simulation.aws.step_functions import StepFunctions
from tests.simulation.aws.tasks import Tasks
from tests.simulation.trace import Settings, Trace
from tests.support.definitions import NAMES

# The default buildTimeout and queueTimeout, plus five minutes (components/pipeline.py).
BUILD_SECONDS = (30 + 8 * 60 + 5) * 60
_SERVICES = ("s3", "stepfunctions", "sesv2", "logs", "lambda", "codebuild", "sns")


@dataclass
class Account:
    """``services`` are the fakes for clients, by boto3's names."""

    scheduler: Scheduler
    network: Network
    trace: Trace
    s3: S3
    step_functions: StepFunctions
    functions: Functions
    bridge: EventBridge
    services: dict[str, Any]


def build(
    scheduler: Scheduler,
    faults: Faults,
    trace: Trace,
    skew: float,
    plan: Callable[[str], Scan],
    without: str = "",
    definition: Mapping[str, Any] | None = None,
) -> Account:
    """Return an account with the pipeline in it; ``plan`` says how each scan goes.

    ``without`` is a fix that its state machine lacks (without.FIXES); ``definition`` replaces the
    current definition.
    """
    events, settings = trace.events, trace.settings
    network = Network(scheduler, faults)
    s3 = S3(scheduler, events, UPLOADS, {UPLOADS, BUCKET}, {UPLOADS, BUCKET, STATE})
    step_functions = StepFunctions(scheduler, events)
    sns = Sns(scheduler, events)
    functions = Functions(scheduler, events, skew, sns.composed)
    bridge = EventBridge(scheduler, network, step_functions, functions, BUCKET)
    s3.created = bridge.created
    models = {name: _real(name).meta.service_model for name in _SERVICES}
    builds = Builds(scheduler, events, Client(_real("s3"), s3, network), BUCKET, plan)
    tasks = Tasks(network, models, s3, step_functions, builds, sns, functions.invoke)
    definition = definition or pipeline(settings, without)
    check(definition)
    machine = Machine(scheduler, definition, tasks.run)
    machine.steps, machine.entered = trace.steps, trace.entered
    step_functions.machine = machine.live
    services = {"s3": s3, "stepfunctions": step_functions, "logs": Logs()}
    services["sesv2"] = Ses(scheduler, events)
    return Account(scheduler, network, trace, s3, step_functions, functions, bridge, services)


@cache
def _real(service: str) -> Any:
    return boto3.client(service, region_name="eu-central-1")


@cache
def pipeline(settings: Settings, without: str = "", names: Names = NAMES) -> dict[str, Any]:
    """The real definition; ``without`` names a fix that is removed from it."""
    made = state_machine.definition(
        names,
        build_seconds=BUILD_SECONDS,
        waits=Waits(
            decide=settings.decide,
            escalate=settings.escalate,
            remind=settings.remind,
            audit=settings.approver_seconds,
        ),
        failure_emails=settings.failure_emails,
    )
    return fixes.definition(made, without)
