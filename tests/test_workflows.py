"""Static checks of the workflows, which cannot run here."""

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
# What packs are made of.
LOCKED = [
    str(path.relative_to(ROOT).with_suffix(""))
    for folder in ("packs", "scan")
    for path in sorted((ROOT / folder).rglob("*.in"))
]
HOOKS = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
# An identity for AWS, requested only by the job that needs it.
MOST: dict[str, list[dict[str, str]]] = {
    "ci.yml": [{"contents": "read"}],
    "deploy.yml": [{}, {"contents": "read", "id-token": "write"}],
    # The permission to publish a release, only for the job that does so.
    "release.yml": [{}, {"contents": "read"}, {"contents": "write"}],
}


def permissions(workflow: dict[str, Any]) -> list[Any]:
    result = [workflow["permissions"]]
    result += [job["permissions"] for job in workflow["jobs"].values() if "permissions" in job]
    return [item for number, item in enumerate(result) if item not in result[:number]]


def test_each_workflow_has_the_least_permissions():
    assert {name: permissions(item) for name, item in WORKFLOWS.items()} == MOST


def test_code_of_forks_never_runs_with_a_secret_or_an_identity():
    triggers = {name: set(item[True]) for name, item in WORKFLOWS.items()}  # "on" is true in YAML

    assert triggers == {
        "ci.yml": {"push", "pull_request"},
        "deploy.yml": {"workflow_dispatch"},
        "release.yml": {"push"},
    }
    assert WORKFLOWS["release.yml"][True] == {"push": {"tags": ["v*.*.*"]}}
    assert "secrets." not in yaml.safe_dump([WORKFLOWS["ci.yml"], WORKFLOWS["release.yml"]])


@pytest.mark.parametrize("name", WORKFLOWS)
def test_every_action_is_pinned_to_a_commit_and_says_which_version_that_is(name):
    text = (ROOT / ".github" / "workflows" / name).read_text()
    used = re.findall(r"uses: (.*)", text)

    assert used
    for item in used:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", item)


def test_an_action_has_one_version_everywhere():
    used = {step["uses"] for _, step in STEPS if "uses" in step}

    assert len({item.partition("@")[0] for item in used}) == len(used)


def test_workflows_run_only_make_targets():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))

    for name, step in STEPS:
        if "run" not in step:
            continue
        tool, command, *_ = shlex.split(step["run"])
        # An expression inside a command's text could inject a command.
        assert "${{" not in step["run"], name
        known = {"make": targets, "pulumi": {"preview", "up"}, "gh": {"release"}}
        assert command in known[tool], (name, step["run"])


def test_the_pulumi_cli_has_the_version_of_the_sdk():
    requests = (ROOT / "requirements.txt").read_text()
    [sdk] = re.findall(r"^pulumi==(.+)$", requests, re.M)
    used = {
        step["with"]["pulumi-version"]
        for _, step in STEPS
        if step.get("uses", "").startswith("pulumi/actions@")
    }

    assert used == {sdk}


def test_a_release_is_published_after_the_checks_of_every_push():
    release, ci = WORKFLOWS["release.yml"]["jobs"], WORKFLOWS["ci.yml"]["jobs"]

    def commands(job: dict[str, Any]) -> list[str]:
        return [step["run"] for step in job["steps"] if "run" in step]

    checks = [*commands(ci["check"]), *commands(ci["test"]), *commands(ci["security"])]
    assert commands(release["check"]) == ["make release-notes", *checks]
    assert release["publish"]["needs"] == "check"
    *build, publish = [step for step in release["publish"]["steps"] if "run" in step]
    assert [item["run"] for item in build] == ["make dist"]
    # The token with write permission is in no step that runs code of packages.
    assert publish["env"] == {"GH_TOKEN": "${{ github.token }}"}
    assert not any("env" in item for item in build)


def test_dependabot_updates_every_folder_with_pins():
    updates = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text())["updates"]
    requests = {
        "/" + str(path.parent.relative_to(ROOT)).removeprefix(".")
        for path in [
            ROOT / "requirements.txt",
            ROOT / "security" / "requirements.txt",
            ROOT / "packs" / "requirements.in",
            *(ROOT / "scan").rglob("*.in"),
        ]
    }
    modules = {f"/{path.parent.relative_to(ROOT)}" for path in (ROOT / "scan").rglob("go.mod")}

    folders = {update["package-ecosystem"]: update.get("directories") for update in updates}
    assert {*folders["pip"]} == requests
    assert {*folders["gomod"]} == modules
    assert "github-actions" in folders


@pytest.mark.parametrize(
    ("requests", "lock"),
    [
        ("requirements.txt", "requirements.lock"),
        ("security/requirements.txt", "security/requirements.lock"),
        *((f"{name}.in", f"{name}.txt") for name in LOCKED),
    ],
)
def test_a_lock_has_the_required_pins(requests, lock):
    def pins(name: str) -> set[str]:
        text = re.sub(r"\[.*?\]", "", (ROOT / name).read_text())
        return set(re.findall(r"^([\w.-]+==[\w.]+)", text, re.M))

    assert pins(requests)
    assert pins(requests) <= pins(lock), "make lock"


def test_deployment_follows_preview_and_approval():
    jobs = WORKFLOWS["deploy.yml"]["jobs"]

    assert jobs["up"]["needs"] == "preview"
    assert not any("pulumi up" in step.get("run", "") for step in jobs["preview"]["steps"])
    assert jobs["up"]["environment"] == "${{ inputs.stack }}"
    assert WORKFLOWS["deploy.yml"]["concurrency"]["cancel-in-progress"] is False


def test_the_hooks_download_nothing_and_run_the_tools_of_make_check():
    assert [repo["repo"] for repo in HOOKS] == ["local"]
    for hook in HOOKS[0]["hooks"]:
        assert hook["language"] == "system"
        assert (ROOT / hook["entry"].split()[0]).is_file()
