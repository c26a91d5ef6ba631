"""The machines that scans run on: containers of CodeBuild on EC2, or its Lambda compute.

Lambda compute starts in seconds and is billed by the second; it has 15 minutes, no VPC, no
cache, and no limits of a project on time and queue: https://docs.aws.amazon.com/codebuild/latest/userguide/lambda.html
"""

from dataclasses import dataclass

AUTO = "auto"
EC2 = tuple(f"BUILD_GENERAL1_{size}" for size in ("SMALL", "MEDIUM", "LARGE", "XLARGE", "2XLARGE"))
LAMBDA = tuple(f"BUILD_LAMBDA_{size}GB" for size in (1, 2, 4, 8, 10))
COMPUTE_TYPES = (AUTO, *EC2, *LAMBDA)
# More than two cores, for scanners that run side by side.
CHOSEN_LAMBDA, CHOSEN_EC2 = "BUILD_LAMBDA_4GB", "BUILD_GENERAL1_MEDIUM"
LAMBDA_SECONDS, EC2_SECONDS = 15 * 60, 30 * 60
# In the guide above, "Which regions support AWS Lambda compute in CodeBuild?".
LAMBDA_REGIONS = frozenset(
    {
        *("us-east-1", "us-east-2", "us-west-2", "sa-east-1", "eu-central-1", "eu-west-1"),
        *("ap-northeast-1", "ap-south-1", "ap-southeast-1", "ap-southeast-2"),
    }
)
# Images with the Python that packs are made for:
# https://github.com/aws/aws-codebuild-docker-images, al/ and al-lambda/
_EC2_IMAGES = {
    "x86_64": ("LINUX_CONTAINER", "aws/codebuild/amazonlinux-x86_64-standard:5.0"),
    "arm64": ("ARM_CONTAINER", "aws/codebuild/amazonlinux-aarch64-standard:3.0"),
}
_LAMBDA_IMAGES = {
    "x86_64": (
        "LINUX_LAMBDA_CONTAINER",
        "aws/codebuild/amazonlinux-x86_64-lambda-standard:python3.14",
    ),
    "arm64": (
        "ARM_LAMBDA_CONTAINER",
        "aws/codebuild/amazonlinux-aarch64-lambda-standard:python3.14",
    ),
}


@dataclass(frozen=True, kw_only=True)
class Compute:
    """A compute type of CodeBuild; builds of this ``architecture`` end after ``seconds``."""

    type: str
    architecture: str
    seconds: int

    @property
    def is_lambda(self) -> bool:
        """Whether it is Lambda compute."""
        return self.type in LAMBDA

    @property
    def image(self) -> tuple[str, str]:
        """The type of the environment, and its image."""
        return (_LAMBDA_IMAGES if self.is_lambda else _EC2_IMAGES)[self.architecture]


def chosen(
    compute_type: str, seconds: int, *, architecture: str, region: str, needs_ec2: bool
) -> Compute:
    """What ``auto`` means: Lambda compute, unless scans need more than it has.

    ``seconds`` is 0 for what the compute type allows, or 30 minutes on EC2.
    """
    if compute_type == AUTO:
        fits = not needs_ec2 and seconds <= LAMBDA_SECONDS and region in LAMBDA_REGIONS
        compute_type = CHOSEN_LAMBDA if fits else CHOSEN_EC2
    default = LAMBDA_SECONDS if compute_type in LAMBDA else EC2_SECONDS
    return Compute(type=compute_type, architecture=architecture, seconds=seconds or default)


def problem(compute: Compute, *, region: str, in_vpc: bool) -> str:
    """What Lambda compute can't do as a sentence's end; empty if nothing is wrong."""
    if not compute.is_lambda:
        return ""
    if in_vpc:
        return f"{compute.type} can't run scans in a VPC"
    if compute.seconds > LAMBDA_SECONDS:
        return f"{compute.type} ends each scan after 15 minutes, and buildTimeout is longer"
    if region not in LAMBDA_REGIONS:
        return f"{compute.type} is not in {region}"
    return ""
