"""Which machine the setting computeType selects."""

import pytest

from components.compute import Compute, chosen, problem


def selected(seconds: int = 0, region: str = "eu-central-1", *, needs_ec2: bool = False) -> Compute:
    return chosen("auto", seconds, architecture="arm64", region=region, needs_ec2=needs_ec2)


def test_auto_is_lambda_compute_with_all_the_time_that_it_has():
    compute = selected()

    assert (compute.type, compute.seconds) == ("BUILD_LAMBDA_4GB", 900)
    assert compute.image[0] == "ARM_LAMBDA_CONTAINER"


@pytest.mark.parametrize(
    "compute",
    [selected(901), selected(region="eu-north-1"), selected(needs_ec2=True)],
    ids=["longer", "not in the region", "EC2 is needed"],
)
def test_auto_is_ec2_where_lambda_compute_does_not_fit(compute: Compute):
    assert compute.type == "BUILD_GENERAL1_MEDIUM"
    assert compute.seconds in (901, 1800)
    assert problem(compute, region="eu-north-1", in_vpc=True) == ""


def test_a_time_limit_stays_as_it_is_set():
    assert selected(600).seconds == 600


def test_lambda_compute_is_refused_in_a_region_that_has_none():
    compute = Compute(type="BUILD_LAMBDA_1GB", architecture="x86_64", seconds=900)

    assert problem(compute, region="eu-north-1", in_vpc=False) == (
        "BUILD_LAMBDA_1GB is not in eu-north-1"
    )
    assert problem(compute, region="us-east-1", in_vpc=False) == ""
