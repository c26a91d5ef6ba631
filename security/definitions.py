"""The state machine's definition as two validators read it, with every combination of its options.

cfn-lint knows AWS's schema of a definition within a template; asl-validator knows the language's
own. Neither runs it: the tests do. Their known gaps:

- cfn-lint's schema knows no expression as a time-out, which Step Functions takes
  (https://docs.aws.amazon.com/step-functions/latest/dg/state-task.html): a number stands in.
- cfn-lint reads no expression; asl-validator parses each, and refuses one of several lines, which
  Step Functions takes. tests/simulation/test_expressions.py evaluates each.
- Neither knows the names of errors (components/service_errors.py), nor the arguments of a task.
"""

import copy
import itertools
import json
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from components.state_machine import Waits, definition
from components.states import Names
from ops.program import PROGRAM
from security.unusable import Unusable

LINT = PROGRAM / ".venv-security" / "bin" / "cfn-lint"
VALIDATOR = PROGRAM / "node" / "node_modules" / ".bin" / "asl-validator"
DAY = 24 * 3600
OPTIONS = ("escalation topic", "escalation", "reminder", "approver", "failure emails")
Machines = Mapping[str, dict[str, Any]]


def definitions() -> Iterator[str]:
    """What the validators refuse; each must refuse one that is known to be invalid."""
    if not VALIDATOR.exists():
        raise Unusable("asl-validator needs npm: install Node.js, then `make security` again")
    spoiled = copy.deepcopy(machine(*OPTIONS))
    spoiled["States"]["TagStatus"]["Next"] = {"no": "name"}
    for validator in (linted, validated):
        if not list(validator({"spoiled": spoiled})):
            raise Unusable(f"{validator.__name__} finds nothing in a definition without a name")
        yield from validator(machines())


def machines() -> Machines:
    """The definition with each combination of options, by their names."""
    return {
        ", ".join(options) or "no option": machine(*options)
        for count in range(len(OPTIONS) + 1)
        for options in itertools.combinations(OPTIONS, count)
    }


def machine(*options: str) -> dict[str, Any]:
    """The definition with these of ``OPTIONS``."""
    function = "arn:aws:lambda:eu-central-1:123456789012:function:"
    topic = "arn:aws:sns:eu-central-1:123456789012:"
    names = Names(
        project="scan",
        topic_arn=f"{topic}notifications",
        escalation_topic=f"{topic}on-call" if "escalation topic" in options else "",
        open_scan=f"{function}open-scan",
        check_build_status=f"{function}check-build-status",
        callback=f"{function}callback",
        notify=f"{function}notify",
        region="eu-central-1",
    )
    waits = Waits(
        decide=3 * DAY,
        escalate=DAY * ("escalation" in options),
        remind=DAY * ("reminder" in options),
        audit=30 * ("approver" in options),
    )
    return definition(
        names, build_seconds=3600, waits=waits, failure_emails="failure emails" in options
    )


def linted(machines: Machines) -> Iterator[str]:
    """What cfn-lint says of them."""
    resources: dict[str, Any] = {}
    for number, with_expressions in enumerate(machines.values()):
        body = copy.deepcopy(with_expressions)
        for state in body["States"].values():
            if str(state.get("TimeoutSeconds", "")).startswith("{%"):
                state["TimeoutSeconds"] = 60
        properties = {"RoleArn": "arn:aws:iam::123456789012:role/states", "Definition": body}
        resources[f"Machine{number}"] = {
            "Type": "AWS::StepFunctions::StateMachine",
            "Properties": properties,
        }
    with tempfile.TemporaryDirectory() as folder:
        template = Path(folder) / "template.json"
        template.write_text(json.dumps({"Resources": resources}))
        result = _ran(str(LINT), "--format", "json", str(template))
    try:
        document = json.loads(result.stdout)
    except ValueError as error:
        raise Unusable(f"cfn-lint: {result.stderr.strip()[-300:]}") from error
    names = list(machines)
    for finding in document:
        _, resource, *path = map(str, finding["Location"]["Path"])
        options = names[int(resource.removeprefix("Machine"))]
        where = "/".join(path[2:])
        yield f"{options}: cfn-lint: {finding['Rule']['Id']} {where}: {finding['Message']}"


def validated(machines: Machines) -> Iterator[str]:
    """What asl-validator says of them."""
    with tempfile.TemporaryDirectory() as folder:
        arguments: list[str] = []
        for options, body in machines.items():
            file = Path(folder) / f"{options}.json"
            file.write_text(json.dumps(body))
            arguments += ["--json-path", str(file)]
        result = _ran(str(VALIDATOR), *arguments)
    text = result.stdout + result.stderr
    if result.returncode:
        yield f"asl-validator: {text.strip()}"
    elif text.count("is valid") != len(machines):
        raise Unusable(f"asl-validator: {text.strip()[-300:]}")


def _ran(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)
