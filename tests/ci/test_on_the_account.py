"""The scripts of docs/ci, run as each build server runs them, against the local account."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local.account import DEVELOPERS, REGION, LocalAccount
from ops.upload import build_variables
from tests.ci.pages import ROOT, blocks, of_action, of_groovy, parsed, script
from tests.support.account import click, scan_quickly
from tests.support.build_servers import CODEBUILD, GITHUB, GITLAB, HEAD, JENKINS
from tests.support.repositories import Repository, written

pytestmark = pytest.mark.slow

FINDING = {
    "level": "error",
    "message": {"text": "not so"},
    "ruleId": "R1",
    "locations": [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "app.py"},
                "region": {"startLine": 1},
            }
        }
    ],
}
CHATOPS = f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m ops "$@"\n'
# Installs nothing: the package's own tests install the wheel.
PYTHON = f"""#!/bin/sh
if [ "$1 $2" = "-m venv" ]; then
  mkdir -p "$3/bin" && cp "$(dirname "$0")/pip" "$(dirname "$0")/chatops" "$3/bin"
else
  exec {sys.executable} "$@"
fi
"""
Job = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalAccount]:
    with LocalAccount() as running:
        scan_quickly(running)
        yield running


@pytest.fixture
def job(cloud: LocalAccount, tmp_path: Path) -> Job:
    """Run a script in a work tree, with a role, a server's variables, and a region."""
    programs = written(
        tmp_path / "programs",
        {"chatops": CHATOPS, "pip": "#!/bin/sh\n", "pipx": "#!/bin/sh\n", "python3": PYTHON},
    )
    for program in programs.iterdir():
        program.chmod(0o755)
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in build_variables.SERVERS and not name.startswith(("AWS_", "CHATOPS_"))
    }

    def run(text: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", text],
            cwd=folder,
            env={
                **inherited,
                "PATH": f"{programs}:{os.environ['PATH']}",
                "AWS_ENDPOINT_URL": cloud.endpoint,
                "AWS_ACCESS_KEY_ID": f"{DEVELOPERS}@build",
                "AWS_SECRET_ACCESS_KEY": "local",
                "AWS_REGION": REGION,
                "XDG_CACHE_HOME": str(tmp_path / "cache"),
                **variables,
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


@pytest.fixture
def work_tree(repository: Callable[..., Repository]) -> Callable[..., Repository]:
    """Make a repository whose scan has this number of findings."""

    def make(name: str, findings: int) -> Repository:
        sarif = {
            "version": "2.1.0",
            "runs": [{"tool": {"driver": {"name": "tool"}}, "results": [FINDING] * findings}],
        }
        return repository({"app.py": "pass\n", "found.sarif": json.dumps(sarif)}, name)

    return make


def decided(cloud: LocalAccount, name: str, label: str) -> threading.Thread:
    """Click a button of the card about ``name``, as soon as there is one."""

    def decide() -> None:
        card = cloud.channel.wait(lambda card: f"{name}.zip" in card.title + card.description, 60)
        click(cloud, card.scan, label)

    thread = threading.Thread(target=decide)
    thread.start()
    return thread


def origin_of(cloud: LocalAccount, scan: str) -> dict[str, Any]:
    return cloud.evidence(scan)["report.json"]["upload"]["origin"]


def scan_in(text: str) -> str:
    [scan] = re.findall(r"^scan +(\S+)", text, re.M)
    return scan


def of_github(folder: Path, head: str, **more: str) -> dict[str, str]:
    """Variables of a pull request of GitHub."""
    request = {"number": 12, "head": {"sha": HEAD}, "user": {"login": "grace"}}
    written(
        folder, {"event.json": json.dumps({"pull_request": request}), "output": "", "summary": ""}
    )
    return {
        **GITHUB,
        "GITHUB_SHA": head,
        "GITHUB_EVENT_NAME": "pull_request",
        "GITHUB_EVENT_PATH": str(folder / "event.json"),
        "GITHUB_HEAD_REF": "fix",
        "GITHUB_OUTPUT": str(folder / "output"),
        "GITHUB_STEP_SUMMARY": str(folder / "summary"),
        "GITHUB_ACTION_PATH": str(ROOT),
        "RUNNER_TEMP": str(folder),
        **more,
    }


def action(job: Job, tree: Repository, folder: Path, **inputs: str) -> Any:
    """Run the action; return the result of its last step, and its outputs."""
    given = {"APP": "payments", "CODE": ".", "WAIT": "gate", "DIRTY": "false"}
    empty = dict.fromkeys(("TIMEOUT", "STACK", "KEY", "SARIF", "JUNIT"), "")
    variables = of_github(folder, tree.git("rev-parse", "HEAD"), **{**empty, **given, **inputs})
    installed = job(of_action("Install chatops"), tree.path, **variables)
    assert installed.returncode == 0, installed.stderr
    result = job(of_action("Upload"), tree.path, **variables)
    lines = (folder / "output").read_text().splitlines()
    return result, dict(line.split("=", 1) for line in lines)


def test_the_action_fails_with_annotations_outputs_and_a_summary(cloud, job, work_tree, tmp_path):
    tree = work_tree("github", 1)

    result, outputs = action(job, tree, tmp_path / "runner", SARIF="gate.sarif")

    assert result.returncode == 1, result.stderr
    assert "::error " in result.stderr + result.stdout
    assert outputs["status"] == "failed"
    assert outputs["scan"] == f"payments/{outputs['version']}"
    assert "not so" in (tmp_path / "runner" / "summary").read_text()
    assert json.loads((tree.path / "gate.sarif").read_text())["version"] == "2.1.0"
    origin = origin_of(cloud, outputs["scan"])
    assert (origin["commit"], origin["pullRequest"], origin["branch"]) == (HEAD, "12", "fix")
    assert origin["repository"] == "https://github.com/acme/payments"


def test_the_action_passes_and_takes_an_input_for_text(cloud, job, work_tree, tmp_path):
    tree = work_tree("github-passed", 0)

    result, outputs = action(job, tree, tmp_path / "runner", KEY="payments/$(touch hacked);.zip")

    assert (result.returncode, outputs["status"]) == (0, "passed"), result.stderr
    assert not (tree.path / "hacked").exists()


def test_the_action_can_upload_without_waiting_and_says_what_is_wrong(job, work_tree, tmp_path):
    tree = work_tree("github-upload", 0)

    _, outputs = action(job, tree, tmp_path / "runner", WAIT="no")
    wrong, none = action(job, tree, tmp_path / "other", APP="no app")

    assert (outputs["status"], bool(outputs["scan"])) == ("", True)
    assert (wrong.returncode, none["scan"]) == (2, "")
    assert "'no app' is no app's name" in wrong.stderr


def test_the_steps_without_the_action_wait_for_the_approval(cloud, job, work_tree, tmp_path):
    tree = work_tree("github-steps", 1)
    variables = of_github(tmp_path / "runner", tree.git("rev-parse", "HEAD"))
    deciding = decided(cloud, "github-steps", "Approve")

    results = [job(step["run"], tree.path, **variables) for step in parsed("github", 1)]

    deciding.join()
    assert [result.returncode for result in results] == [0, 0], results[-1].stderr


def test_the_job_of_gitlab(cloud, job, work_tree):
    tree = work_tree("gitlab", 0)
    configured = parsed("gitlab")["quality-gate"]
    variables = {
        **GITLAB,
        **configured["variables"],
        "CI_COMMIT_SHA": tree.git("rev-parse", "HEAD"),
        "AWS_TOKEN": "token",
    }

    result = job(
        script(configured["before_script"])
        + '\ncat "$AWS_WEB_IDENTITY_TOKEN_FILE"; echo " $AWS_ROLE_SESSION_NAME"\n'
        + script(configured["script"]),
        tree.path,
        **variables,
    )

    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("token grace@example.com\n")
    assert "<testsuite" in (tree.path / configured["artifacts"]["reports"]["junit"]).read_text()
    assert origin_of(cloud, scan_in(result.stdout))["buildUrl"] == GITLAB["CI_JOB_URL"]


def test_the_stage_of_jenkins_goes_on_after_an_approval(cloud, job, work_tree):
    tree = work_tree("jenkins", 1)
    stage, with_token = blocks("jenkins", "groovy")
    variables = {**JENKINS, "GIT_COMMIT": tree.git("rev-parse", "HEAD")}
    deciding = decided(cloud, "jenkins", "Approve")

    result = job(of_groovy(stage)[0], tree.path, **variables)
    deciding.join()
    tree.commit({"found.sarif": '{"version": "2.1.0", "runs": []}'})
    again = job(of_groovy(with_token)[0], tree.path, **variables)

    assert result.returncode == 0, result.stderr
    assert (tree.path / "gate.xml").is_file()
    assert again.returncode in (0, 2), again.stderr


def test_the_build_of_codebuild_fails_after_a_rejection(cloud, job, work_tree, tmp_path):
    tree = work_tree("codebuild", 1)
    phases = parsed("codepipeline")["phases"]
    # CodePipeline hands over the files without their repository.
    folder = tmp_path / "codebuild-source"
    written(
        folder, {file.name: file.read_bytes() for file in tree.path.glob("*.*") if file.is_file()}
    )
    deciding = decided(cloud, "codebuild-source", "Reject")

    result = job(
        script([*phases["install"]["commands"], *phases["build"]["commands"]]), folder, **CODEBUILD
    )

    deciding.join()
    assert result.returncode == 1, result.stderr
    assert origin_of(cloud, scan_in(result.stdout))["commit"] == HEAD


@pytest.mark.parametrize(("findings", "exit_code"), [(0, 0), (1, 1)])
def test_the_hook_lets_only_what_passed_be_pushed(job, work_tree, tmp_path, findings, exit_code):
    tree = work_tree(f"hook-{findings}", findings)
    hook = tree.path / ".git" / "hooks" / "pre-push"
    [text] = blocks("pre-push", "sh")
    written(hook.parent, {"pre-push": text})
    hook.chmod(0o755)
    target = tmp_path / "target.git"
    tree.git("init", "--quiet", "--bare", str(target))
    tree.git("remote", "add", "origin", str(target))

    result = job("git push --quiet origin main", tree.path)

    assert result.returncode == exit_code, result.stderr
    pushed = subprocess.run(
        ["git", "for-each-ref"], cwd=target, capture_output=True, text=True, check=True
    )
    assert bool(pushed.stdout) == (findings == 0)
    # Another commit than the one that is checked out is not uploaded.
    tree.git("branch", "other")
    tree.commit()
    assert job("git push --quiet origin other", tree.path).returncode == 0


def test_the_command_of_the_index(job, work_tree):
    tree = work_tree("index", 0)

    result = job(blocks("README", "sh")[0], tree.path)

    assert result.returncode == 0, result.stderr
