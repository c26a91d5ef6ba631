"""The names of errors fit the services' models, and nothing uses a name without a source."""

import re

import boto3
import pytest

from components.service_errors import ACCOUNT_LIMIT, CODEBUILD_TRANSIENT, INTEGRATIONS
from handlers import build
from tests.faults import injection
from tests.simulation.aws import network
from tests.support.definitions import current

# What the state machine's tasks call, by service.
OPERATIONS = {
    service: operation[0].upper() + operation[1:]
    for state in current()["States"].values()
    for service, operation in re.findall(r":(\w+):(\w+)(?:\.\w+)?$", state.get("Resource", ""))
}
# Step Functions' own names
# (https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html).
STEP_FUNCTIONS = {"States.ALL", "States.Timeout"}
# What the imitations of AWS answer with, by service.
CODES = [
    (service, codes.get(service, codes[""]))
    for service in OPERATIONS
    for codes in (
        *(
            {name: code for name, (_, code) in answer.items()}
            for answer in injection.ANSWERS.values()
        ),
        {"": "TooManyRequestsException", **network.THROTTLED},
        {"": "ServiceUnavailable", **network.UNAVAILABLE},
    )
]


def exceptions(service: str) -> dict[str, str]:
    """The exceptions of a service's operation in botocore's model, by the service's error code."""
    model = boto3.client(service, region_name="eu-central-1").meta.service_model
    shapes = model.operation_model(OPERATIONS[service]).error_shapes
    return {
        shape.error_code: f"{shape.name.removesuffix('Exception')}Exception" for shape in shapes
    }


@pytest.mark.parametrize("service", OPERATIONS)
def test_each_class_is_an_exception_of_the_operation(service: str):
    assert INTEGRATIONS[service].classes.items() <= exceptions(service).items()


@pytest.mark.parametrize(("service", "code"), CODES)
def test_what_the_imitations_answer_has_the_class_that_aws_gives_it(service: str, code: str):
    integration = INTEGRATIONS[service]

    expected = exceptions(service).get(code, integration.other)

    assert integration.name(code) == f"{integration.prefix}.{expected}"


def test_each_name_that_the_state_machine_retries_or_catches_is_in_the_table():
    names = {
        error
        for state in current()["States"].values()
        for rule in [*state.get("Retry", []), *state.get("Catch", [])]
        for error in rule["ErrorEquals"]
    }
    table = {
        integration.name(code)
        for integration in INTEGRATIONS.values()
        for code in (*integration.classes, "any other", None)
    }

    assert names & table
    assert names <= {*table, *CODEBUILD_TRANSIENT, *STEP_FUNCTIONS}


def test_the_card_about_codebuilds_limit_goes_by_its_name():
    error = {"Error": INTEGRATIONS["codebuild"].name(ACCOUNT_LIMIT), "Cause": "no place"}

    assert "no free place" in build.diagnose(None, error, []).message
