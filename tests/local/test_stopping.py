"""An account that is left stops what moto still executes."""

from types import SimpleNamespace
from unittest.mock import Mock

import pytest
from moto.stepfunctions.parser.api import ExecutionStatus

from local import account
from local.account import ACCOUNT, REGION, LocalAccount


def test_only_running_executions_are_stopped(monkeypatch: pytest.MonkeyPatch):
    executions = {
        status: SimpleNamespace(exec_status=status, stop=Mock()) for status in ExecutionStatus
    }
    machine = SimpleNamespace(executions=list(executions.values()))
    backend = SimpleNamespace(state_machines=[machine])
    monkeypatch.setattr(account, "stepfunctions_parser_backends", {ACCOUNT: {REGION: backend}})

    LocalAccount()._stop_executions()

    assert [status for status, execution in executions.items() if execution.stop.called] == [
        ExecutionStatus.RUNNING
    ]
