"""Each expression of the state machine means the same to each engine, as in the runs of scenarios.

AWS supports JSONata 2.0.6
(https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html). Whether a variable
that is null is null or undefined there is not known: the lifecycles are the same either way.
"""

import copy
import json
import shutil
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from jsonata.jexception import JException
from jsonata.timebox import Timebox

from local import jsonata
from tests.simulation import campaign
from tests.simulation.aws import expressions
from tests.simulation.scenario import run
from tests.support.definitions import WAITS, current, plain

ROOT = Path(__file__).parents[2]
NODE = ROOT / "node"
REFERENCE = ROOT / "tests" / "support" / "reference.mjs"
VERSION = "2.0.6"
KEPT = sorted((Path(__file__).parent / "kept").glob("*.json"))
# Different contexts of one expression that are compared.
CONTEXTS = 6
NOW = 1_767_225_600_000


class Case(NamedTuple):
    """An expression without its delimiters, with ``$states`` among its ``variables``, as JSON."""

    expression: str
    variables: str
    millis: int

    @property
    def template(self) -> str:
        return f"{{%{self.expression}%}}"


def templates(part: Any) -> Iterator[str]:
    """The expressions in a part of the definition, with their delimiters."""
    if isinstance(part, str) and part.startswith("{%"):
        yield part
    elif isinstance(part, dict):
        for member in part.values():
            yield from templates(member)
    elif isinstance(part, list):
        for member in part:
            yield from templates(member)


TEMPLATES = {*templates(current()), *templates(plain())}


def scenarios() -> Iterator[dict[str, Any]]:
    """The kept scenarios, with the waits of the definition."""
    for path in KEPT:
        scenario = json.loads(path.read_text())["scenario"]
        waits = {"decide": WAITS.decide, "escalate": WAITS.escalate, "remind": WAITS.remind}
        settings = {**scenario["settings"], **waits, "approver_seconds": WAITS.audit}
        settings["failure_emails"] = True
        yield {**scenario, "settings": settings}


def made_up() -> Iterator[dict[str, Any]]:
    """Variables for every expression, also for those that few runs evaluate."""
    scan = {
        "scan": "payments/v1", "app": "payments", "bucket": "uploads", "key": "payments/a.zip",
        "versionId": "v1", "execution": "arn:aws:states:eu-central-1:1:execution:pipeline:1",
    }  # fmt: skip
    build = {"Id": "scan:1", "Arn": "arn", "BuildStatus": "SUCCEEDED", "Logs": {}, "Phases": [1]}
    card = {"version": "1.0", "content": {"title": 'a "b" <c> \\ \n é 😀', "nextSteps": ["x"]}}
    context = {
        "Execution": {"Id": scan["execution"], "Name": "1"},
        "State": {"RetryCount": 0, "EnteredTime": "2026-01-01T00:00:00.000Z"},
        "Task": {"Token": "AQ=="},
    }
    for number, key in enumerate(
        ("payments/a.zip", "payments.zip", "payments\n/a.zip", "no app/a.zip", "")
    ):
        upload: dict[str, Any] = {"key": key, "version-id": "v1"}
        errors: list[dict[str, Any]] = [
            {"Error": "States.Timeout"},
            {"Error": "KeyError", "Cause": "<!here> & " + "é" * 2000},
            {"Error": "S3.S3Exception", "Cause": ""},
        ]
        result = {
            "scan": scan, "isNew": True, "status": "failed", "thread": "payments/v1",
            "card": card if number % 2 else None, "opening": None if number % 2 else card,
            "sha256": "0" * 64, "expiresAt": "2026-02-01T00:00:00Z",
        }  # fmt: skip
        yield {
            "scan": scan, "thread": "payments/v1", "status": "approved", "tagged": "none",
            "event": "escalated" if number % 2 else "approved", "card": json.dumps(card),
            "expiresAt": "2026-01-04T00:00:00Z", "errorText": "no", "isNew": number > 0,
            "build": {} if number else build, "failure": errors[0] if number % 2 else {},
            "result": result, "escalated": number > 2, "reminded": number > 3, "pause": 15,
            "until": "none", "approvals": 0,
            "decision": {"status": "approved", "expiresAt": "2026-01-02T03:04:05Z", "approvals": 0}
            if number % 2
            else {"status": "open", "approvals": 1},
            "states": {
                "input": {"detail": {"object": upload}, **({"attempt": 2} if number else {})},
                "context": context,
                "errorOutput": errors[number % 3],
                "result": {"Payload": result, "Build": build},
            },
        }  # fmt: skip


@pytest.fixture(scope="module")
def cases() -> dict[Case, Any]:
    """Each expression in some contexts, with the result in the simulation."""
    by_template: dict[str, dict[Case, Any]] = defaultdict(dict)
    evaluate, clock = expressions._value, expressions.millis

    def record(template: str, variables: dict[str, Any]) -> Any:
        result = evaluate(template, variables)
        of_template = by_template[template]
        if template in TEMPLATES and len(of_template) < CONTEXTS:
            millis = expressions.millis()
            of_template[Case(template[2:-2], json.dumps(variables), millis)] = result
        return result

    expressions._value = record
    try:
        for scenario in scenarios():
            run(scenario, definition=current())
    finally:
        expressions._value = evaluate
    expressions.millis = lambda: NOW
    try:
        for variables in made_up():
            for template in TEMPLATES:
                case = Case(template[2:-2], json.dumps(variables), NOW)
                by_template[template][case] = simulated(case)
    finally:
        expressions.millis = clock
    return {
        case: result for of_template in by_template.values() for case, result in of_template.items()
    }


def simulated(case: Case) -> Any:
    try:
        return expressions.evaluate(case.template, json.loads(case.variables))
    except expressions.QueryEvaluationError:
        return Undefined


class Undefined:
    """The result of an expression that fails, or has none."""


def differences(cases: Mapping[Case, Any], results: Iterable[Any]) -> list[tuple[Case, Any, Any]]:
    """The cases whose result differs.

    1 and 1.0 are the same number, 1 and true are not. ``$string`` of an object is compared as JSON:
    in Python it has escapes for what is not ASCII.
    """
    return [
        (case, expected, result)
        for (case, expected), result in zip(cases.items(), results, strict=True)
        if _plain(expected) != _plain(result)
    ]


def _plain(value: Any) -> Any:
    if value is Undefined:
        return "undefined"
    if isinstance(value, str) and value.startswith("{"):
        value = ("JSON", json.loads(value))
    return json.loads(json.dumps([value]), parse_float=_number, parse_int=_number)


def _number(text: str) -> tuple[str, float]:
    return ("number", float(text))


def test_each_expression_has_contexts_in_which_it_has_a_result(cases):
    defined = Counter(case.template for case, result in cases.items() if result is not Undefined)

    assert defined.keys() == TEMPLATES
    assert min(defined.values()) > 1


def test_the_local_account_evaluates_alike(cases, monkeypatch):
    def local(case: Case) -> Any:
        monkeypatch.setattr(Timebox, "current_milli_time", lambda: case.millis)
        variables = {f"${name}": value for name, value in json.loads(case.variables).items()}
        try:
            result = jsonata.evaluate(
                f"({jsonata.declare(variables)}{{'value': ({case.expression})}})"
            )
        except JException:
            return Undefined
        return result.get("value", Undefined)

    assert differences(cases, map(local, cases)) == []


def in_javascript(cases: Iterable[Case]) -> list[Any]:
    """The results of the reference implementation."""
    if not shutil.which("node") or not (NODE / "node_modules" / "jsonata").is_dir():
        pytest.skip("needs Node.js, and npm for `make setup`")
    requests = [{**case._asdict(), "variables": json.loads(case.variables)} for case in cases]
    command = ["node", "--input-type=module", "--eval", REFERENCE.read_text(), str(NODE)]
    result = subprocess.run(
        command, input=json.dumps(requests), capture_output=True, text=True, check=False
    )
    assert not result.stderr
    return [
        answer[0] if isinstance(answer, list) and answer else Undefined
        for answer in json.loads(result.stdout)
    ]


def test_the_reference_implementation_evaluates_alike(cases):
    assert differences(cases, in_javascript(cases)) == []


def test_engines_that_differ_are_found():
    """Python and Java let ``$`` match before a final newline."""
    case = Case(r"$contains($name, /^a$/)", json.dumps({"name": "a\n"}), NOW)

    assert simulated(case) is True
    assert differences({case: simulated(case)}, in_javascript([case])) != []


def test_the_reference_implementation_is_the_version_that_aws_supports():
    required = json.loads((NODE / "package.json").read_text())["dependencies"]

    assert required["jsonata"] == VERSION


def without_null(variables: dict[str, Any]) -> dict[str, Any]:
    """The variables for an engine to which one that is null is undefined."""
    return {name: value for name, value in variables.items() if value is not None}


def random_and_kept() -> Iterator[dict[str, Any]]:
    yield from scenarios()
    yield from (campaign.scenario(seed) for seed in range(5))


def test_lifecycles_are_the_same_where_a_variable_that_is_null_is_undefined(monkeypatch):
    as_null = [run(scenario) for scenario in random_and_kept()]
    monkeypatch.setattr(expressions, "bound", without_null)
    as_undefined = [run(scenario) for scenario in random_and_kept()]

    assert [trace.events for trace in as_undefined] == [trace.events for trace in as_null]


def test_a_variable_that_is_null_would_be_noticed(monkeypatch):
    definition = copy.deepcopy(current())
    definition["States"]["OpenScan"]["Assign"]["card"] = None
    definition["States"]["CheckBuildStatus"]["Assign"]["card"] = (
        "{% $states.result.Payload.card ? $string($states.result.Payload.card) : $card %}"
    )
    definition["States"]["RouteByStatus"]["Choices"][0]["Condition"] = "{% $card = null %}"
    [scenario, *_] = scenarios()
    scenario["uploads"][0]["scans"] = [{"gate": "passed", "seconds": 30}]
    as_null = run(scenario, definition=definition)
    monkeypatch.setattr(expressions, "bound", without_null)
    as_undefined = run(scenario, definition=definition)

    assert as_undefined.events != as_null.events
