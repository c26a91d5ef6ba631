"""Every command in the docs is accepted by its tool, as far as that can be checked offline.

Commands are indented and ``sh`` blocks, and inline code that begins with one of the tools below or
has an option. Each is checked against its tool; AWS's against botocore's models, as there is no
account here.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import botocore.session
import jmespath
import pytest
import yaml
from botocore import xform_name

from ops import cli
from scan.sarif import recipes

ROOT = Path(__file__).parent.parent
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
MAKEFILE = (ROOT / "Makefile").read_text()
SETTINGS = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
# Parameters and commands that the AWS CLI adds to those of the services.
AWS_OPTIONS = {
    "--cli-binary-format",
    "--max-items",
    "--output",
    "--profile",
    "--query",
    "--region",
}
AWS_OWN = {
    ("s3", "cp"): {"--metadata"},
    ("s3", "ls"): set[str](),
    ("logs", "tail"): {"--since", "--filter-pattern"},
}
# From its documentation; it is not among this project's packages.
PRE_COMMIT = {"install": {"--hook-type"}}
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.S | re.M)
BLOCK = re.compile(r"(?<=\n\n)(?: {4,}\S.*\n)+")
PUNCTUATION = "();<>|&\n"
KEYWORDS = {"do", "while", "then", "if", "else", "!", "exec"}
SHELL = {"[", "for", "case", "esac", "done", "fi", "read", "break", "basename", "cat"}


def commands(text: str) -> list[list[str]]:
    """The words of each command that a page shows."""
    scripts = [body for language, body in FENCE.findall(text) if language == "sh"]
    text = FENCE.sub("", text)
    scripts += BLOCK.findall(text)
    result = [words for script in scripts for words in in_script(script)]
    for code in re.findall(r"`([^`]+)`", BLOCK.sub("", text)):
        inline = " ".join(code.split())
        if inline.split()[0] in KINDS or re.match(r"[^-{\[].* --\w", inline):
            result += in_script(inline)
    return result


def in_script(script: str) -> Iterator[list[str]]:
    """The words of each simple command; ``$(...)`` are commands of their own."""
    script = re.sub(r"(?<!\S)#.*", "", script).replace("\\\n", " ")
    while inner := re.search(r"\$\(([^()]*)\)", script):
        yield from in_script(inner[1])
        script = script.replace(inner[0], "RESULT")
    script = re.sub(r"^\s*[\w|*]+\)\s*$", "", script, flags=re.M)  # what a case is about
    lexer = shlex.shlex(script, posix=True, punctuation_chars=PUNCTUATION)
    lexer.whitespace, lexer.whitespace_split = " \t", True
    lexer.commenters = ""  # shlex would skip the end of the line with its comment
    words: list[str] = []
    tokens = iter([*lexer, "\n"])
    for token in tokens:
        if set(token) <= set("<>"):
            next(tokens)  # the file
        elif set(token) <= set(PUNCTUATION):
            while words and (words[0] in KEYWORDS or re.match(r"\w+=", words[0])):
                del words[0]
            if words:
                yield words
            words = []
        else:
            words.append(token)


def options(words: list[str]) -> list[str]:
    return [word.partition("=")[0] for word in words if word.startswith("--") and len(word) > 2]


def check_make(target: str = "help", *variables: str) -> None:
    assert target in re.findall(r"^([a-z-]+):", MAKEFILE, re.M)
    exported = re.search(r"^export (.*)$", MAKEFILE, re.M)
    assert exported
    assert {variable.partition("=")[0] for variable in variables} <= set(exported[1].split())


def check_python(*words: str) -> None:
    if words[0] != "-m":
        assert (ROOT / words[0]).is_file()
        return
    # From the wheel it has another name.
    module, arguments = words[1].removeprefix("chatops_slack."), words[2:]
    if module == "ops":
        check_ops(*arguments)
        return
    if module == "pytest":
        assert all((ROOT / argument).exists() for argument in arguments)
        return
    folder = ROOT / module.replace(".", "/")
    source = folder / "__main__.py" if folder.is_dir() else folder.with_suffix(".py")
    # Not with --help, as some of these would start at once.
    assert set(options([*arguments])) <= set(re.findall(r'"(--[\w-]+)"', source.read_text()))


def check_ops(*words: str) -> None:
    if not words or words[0] in ("--help", "--install-completion"):
        return
    name, *arguments = words
    assert name in cli.COMMANDS
    if arguments and arguments != ["--help"]:
        ops_command(name).make_context(name, arguments)


ops_command = cache(cli.load)


@cache
def service_model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


def check_aws(service: str, operation: str, *arguments: str) -> None:
    if (service, operation) in AWS_OWN:
        assert set(options([*arguments])) <= AWS_OWN[service, operation]
        return
    model = service_model(service.removesuffix("api"))
    named = {
        xform_name(operation_name, "-"): operation_name for operation_name in model.operation_names
    }
    assert operation in named
    shape = model.operation_model(named[operation]).input_shape
    assert shape
    known = {f"--{xform_name(member, '-')}" for member in shape.members}
    given = set(options([*arguments])) - AWS_OPTIONS
    assert given <= known
    if arguments:
        assert {
            f"--{xform_name(required_member, '-')}" for required_member in shape.required_members
        } <= given
    if "--query" in arguments:
        jmespath.compile(arguments[arguments.index("--query") + 1])


def check_pulumi(*words: str) -> None:
    plain = [word for word in words if not word.startswith("--")]
    # The region is the AWS provider's setting; KEY stands for any setting of this project.
    if plain[:2] == ["config", "set"] and plain[2:3] not in ([], ["KEY"], ["aws:region"]):
        assert "type" in SETTINGS[re.split(r"[.\[]", plain[2])[0]]
    if not shutil.which("pulumi"):
        pytest.skip("the Pulumi CLI is not on PATH (https://www.pulumi.com/docs/install/)")
    for depth in (2, 1):
        command = ["pulumi", *plain[:depth]]
        if re.search(
            rf"^ +{re.escape(' '.join(command))}( |$)", expected(*command, "--help"), re.M
        ):
            break
    else:
        pytest.fail(f"pulumi has no command {plain[0]}")
    assert set(options([*words])) <= set(helped(*command, "--help"))


def check_git(command: str, *_: str) -> None:
    assert command in expected("git", "--list-cmds=main").split()


def check_pre_commit(command: str, *arguments: str) -> None:
    assert set(options([*arguments])) <= PRE_COMMIT[command]


def check_pipx(command: str, package: str) -> None:
    assert (command, package.partition("@")[0]) == (
        "install",
        "git+https://github.com/OWNER/chatops-slack",
    )


def check_bandit(*words: str) -> None:
    assert set(options([*words])) <= set(
        helped(str(Path(sys.executable).parent / "bandit"), "--help")
    )


def check_ruff(*words: str) -> None:
    """Check the options of a command; alone it is the name of a scanner."""
    if words:
        ruff = str(Path(sys.executable).parent / "ruff")
        assert set(options([*words])) <= set(helped(ruff, words[0], "--help"))


def check_scanner(*words: str) -> None:
    """Check that a recipe knows it; ``tests/scan/test_tools.py`` runs the docs' commands."""
    assert recipes.named(shlex.join(words))


KINDS = {
    "make": check_make,
    "chatops": check_ops,
    "python": check_python,
    ".venv/bin/python": check_python,
    "aws": check_aws,
    "pulumi": check_pulumi,
    "git": check_git,
    "pre-commit": check_pre_commit,
    "pipx": check_pipx,
    "bandit": check_bandit,
    "ruff": check_ruff,
    **{tool: partial(check_scanner, tool) for tool in ("env", "gitleaks", "semgrep", "sh")},
}


@cache
def expected(*command: str) -> str:
    return subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    ).stdout


def helped(*command: str) -> list[str]:
    return re.findall(r"--\w[\w-]*", expected(*command))


def check(words: list[str]) -> None:
    """Fail if the tool would refuse ``words``, or is unknown."""
    tool, *arguments = words
    if tool in SHELL:
        return
    assert tool in KINDS, f"nothing here knows the command {tool!r}"
    KINDS[tool](*arguments)


SHOWN = {shlex.join(words): words for page in PAGES for words in commands(page.read_text())}


@pytest.mark.parametrize("words", SHOWN.values(), ids=SHOWN.keys())
def test_every_documented_command_is_accepted(words):
    check(words)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_fence_has_a_language(page):
    languages = [language for language, _ in FENCE.findall(page.read_text())]

    assert "" not in languages


def test_commands_are_found_in_blocks_and_in_text():
    page = """
Try it:

    make demo

Text with `python -m ops
waiting`, and `docker run --rm it`, but not `the channel` or `--stack dev`.

    aws s3 cp a.zip "s3://$(pulumi stack output bucket)/a.zip" \\
        --metadata uploader=ada > log

```sh
app=a
while read -r key; do
  case $key in
    a|b)
      git pull && break ;;  # not "it's"
  esac
done
# At last:
git tag a#b
git push   # all
```

```json
{"no": "command"}
```
"""
    assert [words[:2] for words in commands(page)] == [
        ["read", "-r"],
        ["case", "$key"],
        ["git", "pull"],
        ["break"],
        ["esac"],
        ["done"],
        ["git", "tag"],
        ["git", "push"],
        ["make", "demo"],
        ["pulumi", "stack"],
        ["aws", "s3"],
        ["python", "-m"],
        ["docker", "run"],
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        "make everything",
        "make demo COLOUR=red",
        "python -m nowhere",
        "python -m ops fetch --nothing",
        "chatops fetch --nothing",
        "chatops nothing",
        "python -m ops nothing",
        "python -m pytest tests/nowhere",
        "python -m local.demo --nothing",
        "python nothing.py",
        "aws nothing describe",
        "aws kms nothing",
        "aws kms cancel-key-deletion --nothing x",
        "aws s3api get-object --bucket b",
        "aws s3 cp a b --nothing",
        "aws s3api list-buckets --query 'Buckets['",
        "pulumi config set nothing 1",
        "pulumi config set pulumi:autonaming 1",
        "git nothing",
        "bandit --nothing",
        "docker run --rm it",
    ],
)
def test_a_command_that_its_tool_refuses_is_found(wrong):
    with pytest.raises(Exception):  # noqa: B017, PT011  each tool has its own way to refuse
        check(shlex.split(wrong))


@pytest.mark.engine
@pytest.mark.skipif(not shutil.which("pulumi"), reason="the Pulumi CLI is not on PATH")
@pytest.mark.parametrize("wrong", ["pulumi nothing", "pulumi up --nothing"])
def test_a_command_that_pulumi_refuses_is_found(wrong):
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        check(shlex.split(wrong))
