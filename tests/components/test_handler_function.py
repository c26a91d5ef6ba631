from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pulumi
import pytest

from components.handler_function import HandlerFunction, HandlerFunctionArgs, packaged_handlers
from components.policy import allow
from tests.support.recording import CONTEXT, PROGRAM, Built, build


def function(**changed: Any) -> Built:
    settings: dict[str, Any] = {
        "context": replace(CONTEXT, log_retention_days=30),
        "module": "notify",
        "description": "Mails",
        "statements": [allow("s3:GetObject", resources=["arn:b/*"])],
        "environment": {"ARTIFACTS_BUCKET": "b"},
        "timeout_seconds": 12,
    }
    return build(lambda: HandlerFunction("mail", HandlerFunctionArgs(**{**settings, **changed})))


@pytest.fixture(scope="module")
def built() -> Built:
    return function()


def test_it_may_use_its_statements_and_write_its_own_logs_and_traces(built: Built):
    grants = built.one("iam/rolePolicy:RolePolicy")

    assert grants.inputs["role"] == built.one("iam/role:Role").name
    assert grants.policy() == [
        {
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": ["arn:aws:cloudwatch:::mail:*"],
        },
        {
            "Effect": "Allow",
            "Action": ["xray:PutTelemetryRecords", "xray:PutTraceSegments"],
            "Resource": ["*"],
        },
        {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:b/*"]},
    ]


def test_it_runs_the_module_it_is_named_after_with_json_logs_and_tracing(built: Built):
    inputs = dict(built.one("lambda/function:Function").inputs)
    inputs.pop("code")

    assert inputs == {
        "description": "Mails",
        "role": "arn:aws:iam:::mail",
        "runtime": "python3.13",
        "architectures": ["arm64"],
        "handler": "handlers.notify.handler",
        "memorySize": 512,
        "timeout": 12,
        "environment": {"variables": {"ARTIFACTS_BUCKET": "b"}},
        "loggingConfig": {
            "logFormat": "JSON",
            "applicationLogLevel": "INFO",
            "logGroup": "mail",
        },
        "tracingConfig": {"mode": "Active"},
    }


def test_its_logs_have_the_configured_retention(built: Built):
    assert built.one("cloudwatch/logGroup:LogGroup").inputs == {"retentionInDays": 30}


def test_it_and_its_logs_may_be_in_another_region_than_the_stack():
    elsewhere = function(region="us-east-1")

    assert elsewhere.one("cloudwatch/logGroup:LogGroup").inputs["region"] == "us-east-1"
    assert elsewhere.one("lambda/function:Function").inputs["region"] == "us-east-1"


def test_it_is_created_after_its_permissions(built: Built):
    function, grants = built.one("lambda/function:Function"), built.one("iam/rolePolicy:RolePolicy")

    assert grants.urn in function.depends_on


def test_exactly_the_modules_of_handlers_and_domain_are_packaged():
    packaged = packaged_handlers().assets

    assert sorted(packaged) == sorted(
        f"{folder}/{path.name}"
        for folder in ("domain", "handlers")
        for path in (PROGRAM / folder).glob("*.py")
    )
    assert "handlers/__init__.py" in packaged
    for name, asset in packaged.items():
        assert Path(cast(pulumi.FileAsset, asset).path) == PROGRAM / name


def test_other_files_in_handlers_do_not_change_the_package(tmp_path, monkeypatch):
    for name in ("__init__.py", "one.py", "one.pyc", ".env", "__pycache__/one.cpython-311.pyc"):
        path = tmp_path / "handlers" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    monkeypatch.setattr("components.handler_function.HANDLERS", tmp_path / "handlers")
    monkeypatch.setattr("components.handler_function.DOMAIN", tmp_path / "domain")

    assert sorted(packaged_handlers().assets) == ["handlers/__init__.py", "handlers/one.py"]


@pytest.mark.parametrize("module", ["approval", "notify", "check_build_status", "approver_audit"])
def test_every_entry_module_has_a_handler(module: str):
    assert "\ndef handler(" in (PROGRAM / "handlers" / f"{module}.py").read_text()
