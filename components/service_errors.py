"""The names under which the state machine sees errors of AWS services, with their sources.

The state machine retries by them, and what imitates AWS (``local/``, ``tests/``) fails under them.

Step Functions names an error after the service and the exception's class in an SDK for Java: of
version 1 for optimized integrations, of version 2 for SDK integrations (``aws-sdk:...``). An error
without a class of its own has the service's. Seen on AWS: a refused ``lambda:invoke`` is
``Lambda.AWSLambdaException`` (https://forums.aws.amazon.com/thread.jspa?messageID=748566), and
causes of optimized integrations have the words of version 1
(https://github.com/localstack/localstack/tree/main/tests/aws/services/stepfunctions/v2, recorded).
The classes of version 1 are documented by service, as here CodeBuild's:
https://docs.aws.amazon.com/AWSJavaSDK/latest/javadoc/com/amazonaws/services/codebuild/model/AWSCodeBuildException.html
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

ACCOUNT_LIMIT = "AccountLimitExceededException"


@dataclass(frozen=True, kw_only=True)
class Integration:
    """How errors of one integration are named.

    ``classes`` are exceptions of the operation by the service's error code, ``other`` is that of
    all other codes.
    """

    prefix: str
    other: str
    classes: Mapping[str, str] = field(default_factory=dict[str, str])

    def name(self, code: str | None) -> str:
        """Return the name of the error with ``code``, such as ``ThrottlingException``.

        None is a call without a response.
        """
        known = "SdkClientException" if code is None else self.classes.get(code, self.other)
        return f"{self.prefix}.{known}"


def _same(*codes: str) -> dict[str, str]:
    return {code: code for code in codes}


# https://docs.aws.amazon.com/codebuild/latest/APIReference/API_StartBuild.html, and for the last
# https://github.com/awslabs/aws-deployment-framework/pull/580, which retries it.
CODEBUILD = Integration(
    prefix="CodeBuild",
    classes=_same(ACCOUNT_LIMIT, "InvalidInputException", "ResourceNotFoundException"),
    other="AWSCodeBuildException",
)
# Throttled or an error of the service, which may not happen again, or no response. The second is of
# version 2: by it another project retries the same task
# (https://github.com/CloudSnorkel/cdk-github-runners/pull/199).
CODEBUILD_TRANSIENT = (
    CODEBUILD.name("ThrottlingException"),
    "CodeBuild.CodeBuildException",
    CODEBUILD.name(None),
)
# By the service that a task calls.
INTEGRATIONS: Mapping[str, Integration] = {
    "codebuild": CODEBUILD,
    # https://docs.aws.amazon.com/step-functions/latest/dg/bp-lambda-serviceexception.html
    "lambda": Integration(
        prefix="Lambda",
        classes=_same("ServiceException", "TooManyRequestsException", "ResourceNotFoundException"),
        other="AWSLambdaException",
    ),
    # https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
    "sns": Integration(
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
    ),
    # PutObjectTagging has no exceptions of its own. For the prefix
    # https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html, for the
    # class
    # https://sdk.amazonaws.com/java/api/latest/software/amazon/awssdk/services/s3/model/S3Exception.html,
    # and for ``S3.SdkClientException`` https://github.com/cdklabs/construct-hub, which retries it.
    "s3": Integration(prefix="S3", other="S3Exception"),
}
