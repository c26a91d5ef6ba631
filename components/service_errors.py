"""The names under which the state machine sees errors of AWS services, with their sources.

Step Functions names an error after the service and the exception's class in an SDK for Java: of
version 1 for optimized integrations, of version 2 for SDK integrations (``aws-sdk:...``). An error
without a class of its own has the service's. Seen on AWS: a refused ``lambda:invoke`` is
``Lambda.AWSLambdaException`` (https://forums.aws.amazon.com/thread.jspa?messageID=748566), and
causes of optimized integrations have the words of version 1
(https://github.com/localstack/localstack/tree/main/tests/aws/services/stepfunctions/v2, recorded).
"""

from collections.abc import Mapping
from dataclasses import dataclass

_DEVELOPER_GUIDE = "https://docs.aws.amazon.com/step-functions/latest/dg"
_LAMBDA = f"{_DEVELOPER_GUIDE}/bp-lambda-serviceexception.html"
_JAVA_1 = "https://docs.aws.amazon.com/AWSJavaSDK/latest/javadoc/com/amazonaws/services"

# Step Functions' own, and the two names that stand for others
# (https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html).
STEP_FUNCTIONS = (
    "States.ALL",
    "States.TaskFailed",
    "States.Timeout",
    "States.QueryEvaluationError",
    "States.DataLimitExceeded",
    "States.Runtime",
)


@dataclass(frozen=True, kw_only=True)
class Integration:
    """How errors of one integration are named.

    ``classes`` are the exceptions of the operation by the service's error code, ``other`` is that
    of all other codes, ``unanswered`` that of a call without a response. ``also`` are names from
    other sources, which the state machine retries, too. ``sources`` are public addresses.
    """

    prefix: str
    classes: Mapping[str, str]
    other: str
    unanswered: str = "SdkClientException"
    also: tuple[str, ...] = ()
    sources: tuple[str, ...]

    def name(self, code: str | None) -> str:
        """Return the name of the error with ``code``, such as ``ThrottlingException``.

        None is a call without a response.
        """
        known = self.unanswered if code is None else self.classes.get(code, self.other)
        return f"{self.prefix}.{known}"

    @property
    def transient(self) -> list[str]:
        """The names of errors that may not happen again, whatever their code."""
        return [f"{self.prefix}.{name}" for name in (self.other, *self.also, self.unanswered)]

    @property
    def names(self) -> list[str]:
        """All names."""
        return [*(f"{self.prefix}.{name}" for name in self.classes.values()), *self.transient]


def _same(*codes: str) -> dict[str, str]:
    return {code: code for code in codes}


ACCOUNT_LIMIT = "AccountLimitExceededException"
CODEBUILD = Integration(
    prefix="CodeBuild",
    classes=_same(ACCOUNT_LIMIT, "InvalidInputException", "ResourceNotFoundException"),
    other="AWSCodeBuildException",
    # That of version 2, by which another project retries the same task.
    also=("CodeBuildException",),
    sources=(
        "https://docs.aws.amazon.com/codebuild/latest/APIReference/API_StartBuild.html",
        f"{_JAVA_1}/codebuild/model/AWSCodeBuildException.html",
        "https://github.com/awslabs/aws-deployment-framework/pull/580",
        "https://github.com/CloudSnorkel/cdk-github-runners/pull/199",
    ),
)
LAMBDA = Integration(
    prefix="Lambda",
    classes=_same("ServiceException", "TooManyRequestsException", "ResourceNotFoundException"),
    other="AWSLambdaException",
    # A function that returned no type of its error, and an invocation that took too long.
    also=("Unknown", "ClientExecutionTimeoutException"),
    sources=(_LAMBDA, f"{_JAVA_1}/lambda/model/AWSLambdaException.html"),
)
SNS = Integration(
    prefix="SNS",
    classes={
        "AuthorizationError": "AuthorizationErrorException",
        "InternalError": "InternalErrorException",
        "InvalidParameter": "InvalidParameterException",
        "KMSAccessDenied": "KMSAccessDeniedException",
        "KMSThrottling": "KMSThrottlingException",
        "NotFound": "NotFoundException",
    },
    other="AmazonSNSException",
    sources=(
        "https://docs.aws.amazon.com/sns/latest/api/API_Publish.html",
        f"{_JAVA_1}/sns/model/AmazonSNSException.html",
    ),
)
S3 = Integration(
    prefix="S3",
    classes={"NoSuchKey": "NoSuchKeyException"},
    other="S3Exception",
    sources=(
        f"{_DEVELOPER_GUIDE}/supported-services-awssdk.html",
        "https://sdk.amazonaws.com/java/api/latest/software/amazon/awssdk/services/s3/model/"
        "S3Exception.html",
        # Retries ``S3.SdkClientException``.
        "https://github.com/cdklabs/construct-hub",
    ),
)
# By the service that a task calls.
INTEGRATIONS: Mapping[str, Integration] = {
    "codebuild": CODEBUILD,
    "lambda": LAMBDA,
    "sns": SNS,
    "s3": S3,
}
