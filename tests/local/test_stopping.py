"""Nothing goes on in an account that was left."""

from typing import Any

import pytest
from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from local.account import ACCOUNT, REGION, LocalAccount, wait_until
from tests.support.account import PASSING

pytestmark = pytest.mark.slow  # an account of its own


def test_executions_are_stopped_when_the_account_is_left():
    with LocalAccount() as account:
        scan = account.upload("payments/api.zip", PASSING)
        account.execution(scan)
        machines: Any = stepfunctions_parser_backends[ACCOUNT][REGION].state_machines
        [execution] = [execution for machine in machines for execution in machine.executions]

    def final_status() -> str | None:
        status = execution.exec_status
        return None if status == ExecutionStatus.RUNNING else status

    assert wait_until(final_status, 30, lambda: "still running") == ExecutionStatus.ABORTED
