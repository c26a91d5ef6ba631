"""The state machine's definition as two validators read it, with every option on and off.

cfn-lint knows AWS's schema of a definition within a template; asl-validator knows the language's
own. Neither runs it: the tests do.
"""

import copy
import json
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from components.state_machine import Waits, definition
from components.states import Names
from ops.program import PROGRAM
from security.unusable import Unusable

LINT = PROGRAM / ".venv-security" / "bin" / "cfn-lint"
VALIDATOR = PROGRAM / "node" / "node_modules" / ".bin" / "asl-validator"
DAY = 24 * 3600


def definitions() -> Iterator[str]:
    """What the validators refuse; each must refuse one that is known to be invalid."""
    if not VALIDATOR.exists():
        raise Unusable("asl-validator needs npm: install Node.js, then `make security` again")
    machines = {"every option on": _machine(on=True), "every option off": _machine(on=False)}
    for validator in (_linted, _validated):
        spoiled = copy.deepcopy(machines["every option on"])
        spoiled["States"]["TagStatus"]["Next"] = {"no": "name"}
        if not list(validator(spoiled)):
            raise Unusable(f"{validator.__name__} finds nothing in a definition without a name")
        for options, machine in machines.items():
            for finding in validator(machine):
                yield f"state machine with {options}: {finding}"


def _machine(*, on: bool) -> dict[str, Any]:
    function = "arn:aws:lambda:eu-central-1:123456789012:function:"
    topic = "arn:aws:sns:eu-central-1:123456789012:"
    names = Names(
        project="scan",
        topic_arn=f"{topic}notifications",
        escalation_topic=f"{topic}on-call" if on else "",
        open_scan=f"{function}open-scan",
        check_build_status=f"{function}check-build-status",
        callback=f"{function}callback",
        notify=f"{function}notify",
        region="eu-central-1",
    )
    waits = Waits(decide=3 * DAY, escalate=DAY * on, remind=DAY * on, audit=30 * on)
    return definition(names, build_seconds=3600, waits=waits)


def _linted(machine: dict[str, Any]) -> Iterator[str]:
    """What cfn-lint says of it.

    Its schema knows no expression as a time-out, which Step Functions takes
    (https://docs.aws.amazon.com/step-functions/latest/dg/state-task.html): a number stands in.
    """
    machine = copy.deepcopy(machine)
    for state in machine["States"].values():
        if str(state.get("TimeoutSeconds", "")).startswith("{%"):
            state["TimeoutSeconds"] = 60
    properties = {"RoleArn": "arn:aws:iam::123456789012:role/states", "Definition": machine}
    resource = {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}
    result = _ran([str(LINT), "--format", "json"], {"Resources": {"Machine": resource}})
    try:
        document = json.loads(result.stdout)
    except ValueError as error:
        raise Unusable(f"cfn-lint: {result.stderr.strip()[-300:]}") from error
    for finding in document:
        path = "/".join(map(str, finding["Location"]["Path"][4:]))
        yield f"cfn-lint: {finding['Rule']['Id']} {path}: {finding['Message']}"


def _validated(machine: dict[str, Any]) -> Iterator[str]:
    result = _ran([str(VALIDATOR), "--json-path"], machine)
    if result.returncode:
        yield f"asl-validator: {(result.stdout + result.stderr).strip()}"
    elif "is valid" not in result.stdout + result.stderr:
        raise Unusable(f"asl-validator: {(result.stdout + result.stderr).strip()[-300:]}")


def _ran(command: list[str], document: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "document.json"
        file.write_text(json.dumps(document))
        return subprocess.run([*command, str(file)], capture_output=True, text=True, check=False)
