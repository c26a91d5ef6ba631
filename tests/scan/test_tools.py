"""Bad code in all the ways that tools overlook, scanned by the tools with the commands of the docs.

Bandit and ruff are installed with the project. Semgrep, ESLint and gosec run where they are, on
the PATH or in the folders that the variable SCANNERS names; ``docs/scanners.md`` says how.
"""

import os
import re
import shutil
from pathlib import Path

import pytest

from tests.scan.scanning import ENVIRONMENT, Scanned, scanned
from tests.scan.uploads import BAD, GOOD, zipped

PATH = f"{os.environ.get('SCANNERS', '')}:{ENVIRONMENT['PATH']}:/usr/local/go/bin"
DOCS = (Path(__file__).parents[2] / "docs" / "scanners.md").read_text()
COMMANDS = dict(re.findall(r"^## (\w+)\n.*?```sh\n(.*?)\n```", DOCS, re.DOTALL | re.MULTILINE))
RULES = """
rules:
- {id: shell, languages: [python], severity: ERROR, message: shell, pattern: "$F(..., shell=True)"}
- {id: eval, languages: [js], severity: ERROR, message: eval, pattern: eval(...)}
"""
ESLINT = """
export default [{ignores: ["!**/node_modules/", "!**/.git/"]}, {rules: {"no-eval": "error"}}];
"""
[EVIL] = BAD.values()
SHEBANG = "#!/usr/bin/env python3\n"
GO = 'package shop\n\nimport "crypto/md5"\n\nfunc F() { println(md5.Sum(nil)) }\n'


def command(tool: str, tmp_path: Path) -> str:
    """The command of the docs, with rules of the test's own."""
    (tmp_path / "rules.yaml").write_text(RULES)
    (tmp_path / "eslint.config.mjs").write_text(ESLINT)
    formatter = shutil.which("eslint", path=PATH) or ""
    sarif_js = Path(formatter).parents[1] / "@microsoft/eslint-formatter-sarif/sarif.js"
    return (
        " ".join(COMMANDS[tool].replace("\\\n", " ").split())
        .replace("/opt/rules", str(tmp_path))
        .replace("@microsoft/sarif", str(sarif_js))
    )


def scanned_by(tool: str, files: dict[str, str | bytes], tmp_path: Path) -> Scanned:
    program = tool.lower()
    if not shutil.which(program, path=PATH):
        pytest.skip(f"{program} is not installed")
    body = zipped(files)
    return scanned(body, PATH=PATH, SARIF_COMMAND=command(tool, tmp_path))


def seen(done: Scanned, name: str) -> str:
    """How the report mentions the file: as a finding's, by its class, or not at all."""
    if any(each["file"] == name for each in done.report["findings"]):
        return "finding"
    classes = [each for each in done.report["coverage"]["files"] if each["file"] == name]
    return classes[0]["class"] if classes else "unmentioned"


PYTHON = {
    "plain": ("evil.py", EVIL),
    "upper case": ("evil.PY", EVIL),
    "without a console": ("evil.pyw", EVIL),
    "no suffix": ("bin/evil", SHEBANG + EVIL),
    "another suffix": ("evil.cgi", SHEBANG + EVIL),
    "Python 2": ("evil.py", f"{EVIL}\nprint 'hello'\n"),
    "newer than the tool": ("evil.py", f"{EVIL}\nlazy from __future__ import x as y in z\n"),
    "declared Latin-1": ("evil.py", f"# coding: latin-1\nx = 'ä'\n{EVIL}".encode("latin-1")),
    "undeclared Latin-1": ("evil.py", f"x = 'ä'\n{EVIL}".encode("latin-1")),
    "UTF-16": ("evil.py", EVIL.encode("utf-16")),
    "byte order mark": ("evil.py", b"\xef\xbb\xbf" + EVIL.encode()),
    "NUL": ("evil.py", f"{EVIL}\0"),
    "line ends of a Mac": ("evil.py", EVIL.replace("\n", "\r")),
    "two megabytes": ("evil.py", f"{EVIL}\n# {os.urandom(1_000_000).hex()}\n"),
    "one long line": ("evil.py", f"{EVIL}\nx = '{'a' * 60_000}'\n"),
    "folder of tests": ("tests/evil.py", EVIL),
    "folder of builds": ("dist/evil.py", EVIL),
    "folder of dots": (".tox/evil.py", EVIL),
    "name with escapes": ("a%2520b.py", EVIL),
    "name with a colon": ("shop/a: b.py", EVIL),
    "name with a hash": ("a#b?.py", EVIL),
    "name of a flag": ("--exclude=x.py", EVIL),
    "name in another script": ("価格表.py", EVIL),
    "comment nosec": ("evil.py", EVIL.replace("True)", "True)  # nosec")),
    "comment noqa": ("evil.py", EVIL.replace("True)", "True)  # noqa")),
    "comment noqa of a file": ("evil.py", f"# ruff: noqa\n# flake8: noqa\n{EVIL}"),
    "comment ruff disable": ("evil.py", f"# ruff: disable[S602]\n{EVIL}"),
    "comment ruff of a file": ("evil.py", f"# ruff: file-ignore[S602]\n{EVIL}"),
    "comment nosemgrep": ("evil.py", EVIL.replace("True)", "True)  # nosemgrep")),
    "comment type checking": ("evil.py", f"# type: ignore\n# fmt: off\n{EVIL}"),
}
STEERED = {
    ".bandit": "[bandit]\nexclude: /\nskips: B602\n",
    "ruff.toml": 'exclude = ["*"]\n',
    "pyproject.toml": "[tool.ruff.lint]\nselect = []\n[tool.bandit]\nskips = ['B602']\n",
    "setup.cfg": "[bandit]\nskips = B602\n",
    ".gitignore": "*\n",
    ".ignore": "*\n",
    ".git/info/exclude": "*\n",
    ".semgrepignore": "*\n",
    ".semgrep.yml": "rules: []\n",
    ".git/HEAD": "ref: refs/heads/main\n",
    ".git/config": "[core]\n\trepositoryformatversion = 0\n",
}


@pytest.mark.parametrize("tool", ["Bandit", "Ruff", "Semgrep"])
@pytest.mark.parametrize("case", PYTHON)
def test_bad_python_never_passes_unmentioned(tool, case, tmp_path):
    name, code = PYTHON[case]
    done = scanned_by(tool, {**GOOD, name: code}, tmp_path)

    assert seen(done, name) in {"finding", "unanalysed"}
    assert done.report["gate"]["status"] == "failed"


@pytest.mark.parametrize("tool", ["Bandit", "Ruff", "Semgrep"])
def test_no_settings_file_hides_bad_python(tool, tmp_path):
    done = scanned_by(tool, {**BAD, **STEERED}, tmp_path)

    assert seen(done, "shop/archive.py") == "finding"


@pytest.mark.parametrize("tool", ["Bandit", "Ruff", "Semgrep"])
def test_good_python_passes(tool, tmp_path):
    honest = {**GOOD, ".gitignore": "*.pyc\n", "pyproject.toml": "[tool.ruff]\n", "a.json": "{}"}
    done = scanned_by(tool, honest, tmp_path)

    assert done.report["gate"]["status"] == "passed"
    assert done.report["coverage"]["counts"]["analysed"] >= 1
    assert done.report["coverage"]["files"] == []
