"""The program under the real Pulumi CLI; only AWS is replaced (``provider.py``).

Mocks cannot show how the CLI reads the project file, unknown outputs in a preview, assets whose
hash changes, secrets in the state, protection, or the order of deletion.
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local.permissions.engine import Engine
from tests.engine.workspace import Life, Workspace, copy_program, live, name
from tests.support.deploy_role import DeployRole
from tests.support.policy_evaluator import needs_engine
from tests.support.recording import program

# A secret in the state and in the protocol: its signature, then its value.
SIGNATURE = "4dabf18193072939515e22adb298388d"


def workspace(folder: Path, stack: str) -> Workspace:
    copy_program(folder / "program")
    return Workspace(folder, stack)


@pytest.fixture(scope="module")
def lives(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Life]:
    """Both environments, deployed at the same time."""
    folders = {stack: tmp_path_factory.mktemp(stack) for stack in ("dev", "prod")}
    with ThreadPoolExecutor() as pool:
        made = pool.map(lambda stack: live(workspace(folders[stack], stack)), folders)
        return dict(zip(folders, made, strict=True))


@pytest.fixture(params=["dev", "prod"])
def life(request: pytest.FixtureRequest, lives: dict[str, Life]) -> Life:
    return lives[request.param]


def test_a_second_up_changes_nothing(life: Life):
    assert life.second_up.returncode == 0, life.second_up.stdout
    assert "unchanged" in life.second_up.stdout


def test_all_outputs_are_exported(life: Life):
    assert set(life.outputs) == {
        "uploadBucket",
        "artifactsBucket",
        "stateBucket",
        "stateMachine",
        "topic",
        "approvalFunction",
        "approvals",
        "people",
        "rescanFunction",
        "dashboardUrl",
        "deadLetterQueue",
        "executionsUrl",
        "buildsUrl",
        "evidenceUrl",
        "key",
        "senderDnsRecords",
        "uploadCommand",
    }
    bucket = life.outputs["uploadBucket"]
    assert life.outputs["uploadCommand"] == f"aws s3 cp app.zip s3://{bucket}/APP/app.zip"


def test_the_token_is_only_in_the_state_and_encrypted(life: Life):
    versions = [
        item["inputs"]["secretString"]
        for item in life.aws
        if item["type"] == "aws:secretsmanager/secretVersion:SecretVersion"
    ]

    assert len(versions) == 1
    assert SIGNATURE in versions[0]
    assert "ciphertext" in versions[0]
    assert life.leaks == []


def test_names_say_project_and_stack(life: Life):
    names = {
        item["inputs"][key]
        for item in life.aws
        for key in ("name", "bucket")
        # A subresource of a bucket shows the bucket's name.
        if isinstance(item.get("inputs", {}).get(key), str)
    }
    begins = f"chatops-slack-{life.stack}-gate-"
    # Commands know this one.
    names.remove(f"/chatops-slack/{life.stack}/gate")

    assert len(names) > 15
    assert [name for name in names if not name.startswith(begins)] == []


def test_every_resource_is_in_a_layer_of_the_gate(life: Life):
    types = [item["urn"].split("::")[2].split("$") for item in life.aws]

    assert len(types) > 50
    assert {item[0] for item in types} == {"chatops-slack:index:UploadGate"}
    assert {item[1].rsplit(":", 1)[1] for item in types} == {
        "Storage",
        "Approval",
        "Notification",
        "Pipeline",
        "Operations",
        "PublishedOutputs",
    }


def test_all_resources_of_the_gate_are_tagged(life: Life):
    tags = {"project": "chatops-slack", "stack": life.stack, "managed-by": "pulumi"}
    tagged = [item["inputs"]["tags"] for item in life.aws if "tags" in item["inputs"]]

    assert len(tagged) > 40
    assert [item for item in tagged if item != tags] == []


def test_protected_resources_stay_until_they_are_unprotected(life: Life):
    if life.stack == "dev":
        assert life.protected == set()
        return
    assert life.protected == {"gate-key", "gate-uploads", "gate-artifacts", "gate-access-logs"}
    assert life.refused
    assert life.refused.returncode != 0
    assert "protected" in life.refused.stdout + life.refused.stderr
    # Before it fails at a protected resource, the CLI deletes unprotected ones.
    assert {name(item) for item in life.after_refused if item.get("protect")} == life.protected
    storage = {item["urn"] for item in life.after_refused if ":index:Storage" in item["urn"]}
    stayed = {item["urn"] for item in life.after_exclude if "pulumi:" not in item["type"]}
    assert {urn for urn in stayed if ":index:Storage" in urn} == storage
    assert [name({"urn": urn}) for urn in stayed - storage] == ["gate"]


def test_destroy_leaves_nothing(life: Life):
    assert life.left == []


@needs_engine
def test_the_deploy_role_may_do_all_that_the_engine_has_the_provider_do(life: Life):
    """Updates are not among the operations of these commands, so each resource gets one."""
    created = [item for item in life.operations if item.operation == "create"]
    updates = [item._replace(operation="update") for item in created]
    resources = program(life.stack).aws

    with Engine() as engine:
        role = DeployRole(engine, life.stack, resources, [*life.operations, *updates])

    assert role.refused == []
    for operation in ("create", "read", "delete"):
        kinds = [item.kind for item in life.operations if item.operation == operation]
        assert sorted(kinds) == sorted(resource.kind for resource in resources), operation


def test_without_a_token_sonarqube_is_refused_with_the_command_and_sarif_is_not(tmp_path: Path):
    stack = workspace(tmp_path, "dev")

    refused = stack.run("preview")
    printed = refused.stdout + refused.stderr
    assert refused.returncode != 0
    assert "sonarToken: is missing; scanner sonarqube needs one" in printed
    assert "pulumi config set --secret sonarToken --stack dev" in printed
    assert "Traceback" not in printed

    stack.ok("config", "set", "--path", "scanners[0]", "bandit")
    stack.ok("preview")


def test_the_cli_refuses_a_plain_text_token(tmp_path: Path):
    stack = workspace(tmp_path, "dev")

    refused = stack.run("config", "set", "sonarToken", "squ_engine_in_plain_0123456789abcdef")

    assert refused.returncode != 0
    assert "rerun with --secret" in refused.stderr
    assert not any("in_plain" in text for text in stack.written.values())
