"""Nothing goes on in an account that was left: no execution, no build, no failing thread."""

import json
from typing import Any

import pytest
from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from local import resources
from local.account import ACCOUNT, REGION, LocalAccount, wait_until
from tests.support.account import PASSING

pytestmark = pytest.mark.slow  # accounts of their own
# Longer than pytest waits for the test.
ENDLESS = json.dumps({"version": 0.2, "phases": {"build": {"commands": ["sleep 3600"]}}})


@pytest.mark.parametrize("building", [False, True], ids=["before its build", "during its build"])
def test_an_account_stops_its_executions_and_builds_when_it_is_left(building: bool):
    with LocalAccount() as account:
        account.builds.buildspec = ENDLESS
        scan = account.upload("payments/api.zip", PASSING)
        account.execution(scan)
        if building:
            wait_until(lambda: account.builds._processes, 30, lambda: "no build")
        machines: Any = stepfunctions_parser_backends[ACCOUNT][REGION].state_machines
        [execution] = [execution for machine in machines for execution in machine.executions]

    def final_status() -> str | None:
        status = execution.exec_status
        return None if status == ExecutionStatus.RUNNING else status

    # In moto it fails if a call of its was not answered any more.
    final = wait_until(final_status, 30, lambda: "still running")
    assert final in (ExecutionStatus.ABORTED, ExecutionStatus.FAILED)
    assert [build["BuildStatus"] for build in account.builds.all_of(scan)] in ([], ["FAILED"])
    assert all(process.poll() is not None for process in account.builds._processes.values())


def test_a_deployment_that_fails_leaves_nothing_to_the_next(monkeypatch):
    create = resources.create

    def without_functions(account, kind, name, inputs):
        if kind == "aws:lambda/function:Function":
            raise RuntimeError("no functions today")
        return create(account, kind, name, inputs)

    with monkeypatch.context() as patch:
        patch.setattr(resources, "create", without_functions)
        with pytest.raises(RuntimeError, match="no functions today"):
            LocalAccount().__enter__()

    with LocalAccount() as account:
        assert account.outputs["uploadBucket"]
