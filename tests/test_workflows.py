"""The workflows, which cannot run here, as far as they can be read."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
WORKFLOWS = {
    path.name: yaml.safe_load(path.read_text())
    for path in sorted((ROOT / ".github" / "workflows").glob("*.yml"))
}
STEPS = [
    (name, step)
    for name, workflow in WORKFLOWS.items()
    for job in workflow["jobs"].values()
    for step in job["steps"]
]
HOOKS = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
# An identity for AWS, asked for by the job that needs it.
MOST: dict[str, list[dict[str, str]]] = {
    "ci.yml": [{"contents": "read"}],
    "release.yml": [{}, {"contents": "read", "id-token": "write"}],
}


def permissions(workflow: dict[str, Any]) -> list[Any]:
    found = [workflow["permissions"]]
    found += [job["permissions"] for job in workflow["jobs"].values() if "permissions" in job]
    return [each for number, each in enumerate(found) if each not in found[:number]]


def test_each_workflow_may_do_no_more_than_it_does():
    assert {name: permissions(each) for name, each in WORKFLOWS.items()} == MOST


def test_code_of_strangers_never_meets_a_secret_or_an_identity():
    triggers = WORKFLOWS["ci.yml"][True]  # YAML reads "on" as a truth value

    assert set(triggers) == {"push", "pull_request"}
    assert "secrets." not in yaml.safe_dump(WORKFLOWS["ci.yml"])
    assert set(WORKFLOWS["release.yml"][True]) == {"push", "workflow_dispatch"}


@pytest.mark.parametrize("name", WORKFLOWS)
def test_every_action_is_pinned_to_a_commit_and_says_which_version_that_is(name):
    text = (ROOT / ".github" / "workflows" / name).read_text()
    used = re.findall(r"uses: (.*)", text)

    assert used
    for each in used:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", each)


def test_an_action_has_one_version_everywhere():
    used = {step["uses"] for _, step in STEPS if "uses" in step}

    assert len({each.partition("@")[0] for each in used}) == len(used)


def test_every_command_is_one_that_people_run_too():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))

    for name, step in STEPS:
        if "run" not in step:
            continue
        tool, command, *_ = shlex.split(step["run"])
        # What is put into the text of a command could be a command.
        assert "${{" not in step["run"], name
        assert (tool == "make" and command in targets) or (
            tool == "pulumi" and command in {"preview", "up"}
        ), (name, step["run"])


def test_nothing_is_deployed_before_it_was_previewed_and_approved():
    jobs = WORKFLOWS["release.yml"]["jobs"]

    assert jobs["up"]["needs"] == "preview"
    assert not any("pulumi up" in step.get("run", "") for step in jobs["preview"]["steps"])
    assert jobs["up"]["environment"] == "${{ inputs.stack || 'dev' }}"
    assert WORKFLOWS["release.yml"]["concurrency"]["cancel-in-progress"] is False


def test_the_hooks_download_nothing_and_run_the_tools_of_make_check():
    assert [repo["repo"] for repo in HOOKS] == ["local"]
    for hook in HOOKS[0]["hooks"]:
        assert hook["language"] == "system"
        assert (ROOT / hook["entry"].split()[0]).is_file()
