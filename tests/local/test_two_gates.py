"""The example in ``examples/two-gates``, deployed into the account on this machine."""

from collections.abc import Iterator

import pytest

from local.account import LocalAccount
from tests.support.account import PASSING
from tests.support.wheel import REPOSITORY, build_wheel, unpack

# It builds a wheel and starts its own account, since the program is a different one.
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAccount]:
    packages = tmp_path_factory.mktemp("packages")
    unpack(build_wheel(tmp_path_factory.mktemp("wheel")), packages)
    example = REPOSITORY / "examples" / "two-gates"
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(packages))
        with LocalAccount({"sonarToken": "squ_0123456789abcdef"}, program=example) as running:
            yield running


def test_an_upload_starts_the_state_machine_of_its_gate_only(cloud: LocalAccount):
    gates = dict(cloud.outputs)
    payments, tools = gates["payments"], gates["tools"]
    cloud.outputs = tools

    scan = cloud.upload("payments/app.zip", PASSING)

    assert cloud.ended(cloud.execution(scan, seconds=60)) == "SUCCEEDED"
    assert cloud.clearance("payments/app.zip", scan) == "passed"
    machine = payments["stateMachine"]
    executions = cloud.client("stepfunctions").list_executions(stateMachineArn=machine)
    assert executions["executions"] == []
