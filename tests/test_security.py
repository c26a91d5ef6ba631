"""The parts of `make security` around its tools."""

import json
from collections.abc import Iterator

import pytest

from ops.program import PROGRAM
from security import definitions, run
from security.plan import plan
from security.run import ACCEPTED, LOCKS, Entry, Unusable, accepted, main, unaccepted
from tests.support.recording import Built, program

ENTRY = Entry(check="CKV_1", on=("aws_s3_bucket.*",), reason="it is so")


@pytest.fixture(scope="module")
def prod() -> Built:
    return program("prod")


def test_every_resource_is_in_the_plan_once(prod: Built):
    planned = plan(prod.aws)["planned_values"]["root_module"]["resources"]

    addresses = [item["address"] for item in planned]
    assert len(addresses) == len(set(addresses)) == len(prod.aws)
    assert {
        "aws_s3_bucket.gate-uploads",
        "aws_s3_object.gate-scan",
        "aws_iam_role_policy.gate-scan",
    } <= set(addresses)


def test_values_are_spelled_as_terraform_spells_them(prod: Built):
    planned = {
        resource["address"]: resource["values"]
        for resource in plan(prod.aws)["planned_values"]["root_module"]["resources"]
    }

    assert planned["aws_s3_bucket_public_access_block.gate-uploads"] == {
        "block_public_acls": True,
        "block_public_policy": True,
        "ignore_public_acls": True,
        "restrict_public_buckets": True,
    }
    [rule] = planned["aws_s3_bucket_lifecycle_configuration.gate-uploads"]["rule"]
    assert rule["abort_incomplete_multipart_upload"] == [{"days_after_initiation": 1}]
    function = planned["aws_lambda_function.gate-approval"]
    assert function["tracing_config"] == [{"mode": "Active"}]
    assert "ARTIFACTS_BUCKET" in function["environment"][0]["variables"]
    assert function["tags"]["stack"] == "prod"


def test_outputs_of_other_resources_are_references(prod: Built):
    configured = {
        resource["address"]: resource["expressions"]
        for resource in plan(prod.aws)["configuration"]["root_module"]["resources"]
    }

    def refers(address: str, key: str) -> str:
        return configured[address][key]["references"][-1]

    assert refers("aws_s3_bucket_policy.gate-uploads", "bucket") == "aws_s3_bucket.gate-uploads"
    assert (
        refers("aws_s3_bucket_logging.gate-uploads", "target_bucket")
        == "aws_s3_bucket.gate-access-logs"
    )
    assert refers("aws_iam_role_policy.gate-scan", "role") == "aws_iam_role.gate-scan"
    assert refers("aws_lambda_function.gate-approval", "role") == "aws_iam_role.gate-approval"
    assert refers("aws_sns_topic.gate-notifications", "kms_master_key_id") == "aws_kms_key.gate-key"


def test_no_token_is_in_the_plan(prod: Built):
    token = prod.one("secretsmanager/secretVersion:SecretVersion").inputs["secretString"]

    assert token
    assert token not in json.dumps(plan(prod.aws))


@pytest.mark.parametrize(
    ("failures", "wrong"),
    [
        ([("CKV_1", "aws_s3_bucket.a", "name")], []),
        (
            [("CKV_1", "aws_s3_bucket.a", ""), ("CKV_2", "aws_s3_bucket.a", "open")],
            ["CKV_2 aws_s3_bucket.a: open"],
        ),
        (
            [("CKV_1", "aws_sqs_queue.a", "open"), ("CKV_1", "aws_s3_bucket.a", "")],
            ["CKV_1 aws_sqs_queue.a: open"],
        ),
        ([], ["accepted.toml: nothing fails CKV_1 on aws_s3_bucket.* any more"]),
    ],
    ids=["accepted", "another check", "another resource", "no longer"],
)
def test_only_what_has_a_reason_passes_and_no_reason_outlives_its_finding(
    failures: list[tuple[str, str, str]], wrong: list[str]
):
    assert unaccepted(failures, [ENTRY]) == wrong


def test_every_accepted_finding_has_a_reason():
    entries = accepted(ACCEPTED.read_text())

    assert len(entries) > 5
    assert all(len(entry.reason.split()) >= 5 for entry in entries)
    with pytest.raises(AssertionError):
        accepted('[[accepted]]\ncheck = "CKV_1"\non = ["*"]\nreason = " "')


def test_findings_fail_and_unscanned_inputs_are_reported(
    capsys: pytest.CaptureFixture[str],
):
    def clean() -> Iterator[str]:
        yield from ()

    def dirty() -> Iterator[str]:
        yield "a hole"

    def blind() -> Iterator[str]:
        raise Unusable("no index")
        yield

    assert main([clean, blind]) == 0
    assert main([dirty, clean]) == 1
    displayed = capsys.readouterr().out
    assert "✔ clean\n? blind: NOT CHECKED: no index\n✘ dirty\n    a hole" in displayed


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_of_every_lock_is_pinned_with_its_hash(lock: str):
    packages = [
        line
        for line in (PROGRAM / lock).read_text().replace("\\\n", " ").splitlines()
        if line.strip() and not line.strip().startswith("#")
    ]

    assert packages
    assert [
        package for package in packages if "==" not in package or "--hash=sha256:" not in package
    ] == []


def test_workflows_without_a_linter_are_reported_as_unchecked(monkeypatch, tmp_path):
    monkeypatch.setattr(run, "TOOLS", tmp_path)

    with pytest.raises(Unusable, match="no actionlint"):
        list(run.workflows())


def test_a_linter_that_finds_nothing_in_a_planted_workflow_is_not_trusted(monkeypatch, tmp_path):
    for tool, says in (("actionlint", ""), ("zizmor", "[]")):
        (tmp_path / tool).write_text(f"#!/bin/sh\necho '{says}'\n")
        (tmp_path / tool).chmod(0o755)
    monkeypatch.setattr(run, "TOOLS", tmp_path)

    with pytest.raises(Unusable, match="zizmor does not find what was planted"):
        list(run.workflows())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("validator", "program"),
    [
        (definitions.validated, definitions.VALIDATOR),
        (definitions.linted, definitions.LINT),
    ],
)
def test_the_state_machine_is_valid_with_each_combination_of_options(validator, program):
    if not program.exists():
        pytest.skip(f"needs {program.name}: `make security` installs it")
    machines = definitions.machines()
    invalid = definitions.machine()
    invalid["States"]["Done"] = {"Type": "Suceed"}

    assert len(machines) == 2 ** len(definitions.OPTIONS)
    assert list(validator(machines)) == []
    assert list(validator({"invalid": invalid})) != []


def test_an_expression_of_several_lines_is_refused():
    if not definitions.VALIDATOR.exists():
        pytest.skip("needs asl-validator: `make setup` with npm installs it")
    machine = definitions.machine()
    machine["States"]["RouteByStatus"]["Choices"][0]["Condition"] = "{% $status =\n 'passed' %}"

    assert "Condition is invalid" in next(definitions.validated({"several lines": machine}))
