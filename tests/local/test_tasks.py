"""Tasks fail under the names that AWS gives errors, which the state machine retries by."""

from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from local.builds import AccountLimitExceeded
from local.permissions.guard import AccessDenied
from local.tasks import AwsSdkTask, CodeBuildTask, LambdaTask, SnsTask


def refused(code: str) -> ClientError:
    """A service's error response."""
    response = {
        "Error": {"Code": code, "Message": "no"},
        "ResponseMetadata": {"HTTPStatusCode": 400, "RequestId": "1"},
    }
    return ClientError(response, "Call")  # type: ignore[arg-type]


LOST = ConnectionClosedError(endpoint_url="https://aws.example")
TASKS = {"codebuild": CodeBuildTask(Mock(), Mock()), "lambda": LambdaTask(), "sns": SnsTask()}
TASKS["s3"] = AwsSdkTask()


@pytest.mark.parametrize(
    ("service", "error", "name"),
    [
        ("codebuild", refused("ThrottlingException"), "CodeBuild.AWSCodeBuildException"),
        ("codebuild", refused("InternalFailure"), "CodeBuild.AWSCodeBuildException"),
        ("codebuild", AccountLimitExceeded("full"), "CodeBuild.AccountLimitExceededException"),
        ("codebuild", AccessDenied("no right"), "CodeBuild.AWSCodeBuildException"),
        ("codebuild", LOST, "CodeBuild.SdkClientException"),
        ("codebuild", ConnectionError("left"), "CodeBuild.SdkClientException"),
        ("lambda", refused("AccessDeniedException"), "Lambda.AWSLambdaException"),
        ("lambda", refused("TooManyRequestsException"), "Lambda.TooManyRequestsException"),
        ("lambda", LOST, "Lambda.SdkClientException"),
        ("sns", refused("Throttling"), "SNS.AmazonSNSException"),
        ("sns", refused("AuthorizationError"), "SNS.AuthorizationErrorException"),
        ("s3", refused("SlowDown"), "S3.S3Exception"),
        ("s3", refused("NoSuchVersion"), "S3.S3Exception"),
        ("s3", LOST, "S3.SdkClientException"),
    ],
)
def test_an_error_has_the_name_of_its_class_in_the_sdk_for_java(service, error, name):
    task = TASKS[service]
    task.resource = Mock(api_name=service, service_name=service, api_action="call")

    failure = task._from_error(Mock(), error)

    assert failure.error_name.error_name == name
    details = failure.event_details["taskFailedEventDetails"]
    assert details["error"] == name
    assert details["cause"]


def test_an_error_of_our_own_is_not_named_after_a_service():
    task = TASKS["lambda"]
    task.resource = Mock(api_name="lambda", service_name="lambda", api_action="invoke")

    failure = task._from_error(Mock(), KeyError("a bug"))

    assert failure.event_details["taskFailedEventDetails"]["error"] == "States.Runtime"
