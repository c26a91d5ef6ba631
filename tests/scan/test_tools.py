"""Bad code in all the ways that tools overlook, scanned by the tools with the commands of the docs.

Bandit and ruff are installed with the project. Semgrep, ESLint and gosec run where they are, on
the PATH or in the folders that the variable SCANNERS names; ``docs/scanners.md`` says how.
"""

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.scan.scanning import ENVIRONMENT, Scanned, custom, scanned
from tests.scan.uploads import BAD, GOOD, zipped
from tests.support.thinning import few

pytestmark = pytest.mark.slow

PATH = f"{os.environ.get('SCANNERS', '')}:{ENVIRONMENT['PATH']}:/usr/local/go/bin"
DOCS = (Path(__file__).parents[2] / "docs" / "scanners.md").read_text()
# The first command of each section that has one.
COMMANDS = {
    section.partition("\n")[0]: match[1]
    for section in DOCS.split("\n## ")
    if (match := re.search(r"```sh\n(.*?)\n```", section, re.DOTALL))
}
RULES = """
rules:
- {id: shell, languages: [python], severity: ERROR, message: shell, pattern: "$F(..., shell=$X)"}
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
    if eslint := shutil.which("eslint", path=PATH):
        # node_modules/.bin/eslint
        (tmp_path / "node_modules").symlink_to(Path(eslint).parents[1])
    one_line = " ".join(COMMANDS[tool].replace("\\\n", " ").split())
    return one_line.replace("/opt/rules", str(tmp_path))


def scanned_by(tool: str, files: Mapping[str, str | bytes], tmp_path: Path) -> Scanned:
    program = tool.lower()
    if not shutil.which(program, path=PATH):
        pytest.skip(f"{program} is not installed")
    body = zipped(files)
    return scanned(body, PATH=PATH, **custom(command(tool, tmp_path)))


def seen(done: Scanned, name: str) -> str:
    """How the report mentions the file: as a finding's, by its class, or not at all."""
    if any(finding["file"] == name for finding in done.report["findings"]):
        return "finding"
    classes = [file for file in done.report["coverage"]["files"] if file["file"] == name]
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
    "UTF-7 in a comment": (
        "evil.py",
        b"# coding: utf-7\n# +AAo-" + EVIL.encode("utf-7").replace(b"\n", b"+AAo-"),
    ),
    "escapes in a comment": (
        "evil.py",
        b"# coding: unicode_escape\n# \\n" + EVIL.encode().replace(b"\n", b"\\n"),
    ),
    "Shift JIS in a string": (
        "evil.py",
        f"# coding: sjis\n{EVIL}\nx = '表'\n".encode("sjis"),
    ),
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
@pytest.mark.parametrize("case", few(PYTHON, ["plain", "comment nosec"]))
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


JAVASCRIPT = {
    "plain": ("evil.js", "eval(a)\n"),
    "module": ("evil.mjs", "eval(a)\n"),
    "CommonJS": ("evil.cjs", "eval(a)\n"),
    "upper case": ("evil.JS", "eval(a)\n"),
    "JSX": ("evil.jsx", "eval(a)\n"),
    "TypeScript": ("evil.ts", "eval(a as any)\n"),
    "no suffix": ("bin/evil", "#!/usr/bin/env node\neval(a)\n"),
    "unparsable": ("evil.js", "eval(a\n"),
    "module syntax in CommonJS": ("evil.cjs", "import b from 'b'; eval(a)\n"),
    "UTF-16": ("evil.js", "eval(a)\n".encode("utf-16")),
    "minified": ("evil.min.js", f"/*{'a' * 5000}*/eval(a)"),
    "two megabytes": ("evil.js", f"//{os.urandom(1_000_000).hex()}\neval(a)\n"),
    "folder of dots": (".tools/evil.js", "eval(a)\n"),
    "folder of builds": ("dist/evil.js", "eval(a)\n"),
    "comment for the line": ("evil.js", "eval(a) // eslint-disable-line\n"),
    "comment for the file": ("evil.js", "/* eslint-disable */ eval(a)\n"),
    "comment for the rule": ("evil.js", "/* eslint no-eval: 0 */ eval(a)\n"),
    "name of a setting": ("eslint.config.js", "eval(a); export default []\n"),
    "name with escapes": ("a%2520b.js", "eval(a)\n"),
}


@pytest.mark.parametrize("tool", ["ESLint", "Semgrep"])
@pytest.mark.parametrize("case", few(JAVASCRIPT, ["plain", "comment for the line"]))
def test_bad_javascript_never_passes_unmentioned(tool, case, tmp_path):
    name, code = JAVASCRIPT[case]
    done = scanned_by(tool, {"shop/prices.js": "sum(1)\n", name: code}, tmp_path)

    assert seen(done, name) in {"finding", "unanalysed"}
    assert done.report["gate"]["status"] == "failed"


def test_no_settings_file_hides_bad_javascript(tmp_path):
    off = "export default [{ignores: ['**']}]"
    files = {
        "evil.js": "eval(a)\n",
        "eslint.config.js": off,
        ".eslintrc.json": '{"ignorePatterns": ["*"]}',
        ".eslintignore": "*\n",
        ".gitignore": "*\n",
        "package.json": '{"eslintConfig": {"ignorePatterns": ["*"]}, "eslintIgnore": ["*"]}',
    }

    assert seen(scanned_by("ESLint", files, tmp_path), "evil.js") == "finding"


def test_good_javascript_passes(tmp_path):
    files = {"shop/prices.js": "sum(1)\n", "eslint.config.js": "export default []\n"}
    done = scanned_by("ESLint", files, tmp_path)

    assert done.report["gate"]["status"] == "passed"
    assert done.report["coverage"]["counts"]["analysed"] == 2


GO_FILES = {
    "plain": ("shop/evil.go", GO),
    "test": ("shop/evil_test.go", GO),
    "upper case": ("shop/evil.GO", GO),
    "another system by its name": ("shop/evil_windows.go", GO),
    "another system by its tag": ("shop/evil.go", f"//go:build windows\n\n{GO}"),
    "a tag that nobody sets": ("shop/evil.go", f"//go:build never\n\n{GO}"),
    "unparsable": ("shop/evil.go", f"{GO}\nfunc G( {{\n"),
    "types that don't fit": ("shop/evil.go", f"{GO}\nvar x string = 1\n"),
    "C": ("shop/evil.go", GO.replace("import ", 'import "C"\nimport ')),
    "generated": ("shop/evil.go", f"// Code generated by x. DO NOT EDIT.\n\n{GO}"),
    "comment": ("shop/evil.go", GO.replace("(nil))", "(nil)) // #nosec")),
    "folder of tests": ("testdata/evil.go", GO),
    "folder with a line below": ("_x/evil.go", GO),
    "folder of dots": (".x/evil.go", GO),
    "name with a line below": ("shop/_evil.go", GO),
    "another module": ("other/evil.go", GO),
}


@pytest.mark.parametrize("case", few(GO_FILES, ["plain", "comment"]))
def test_bad_go_never_passes_unmentioned(case, tmp_path):
    name, code = GO_FILES[case]
    module = "module example.com/shop\n\ngo 1.21\n"
    files = {
        "go.mod": module,
        "main.go": "package main\n\nfunc main() {}\n",
        "other/go.mod": module,
        name: code,
    }
    done = scanned_by("gosec", files, tmp_path)

    assert done.report["gate"]["status"] == "failed"
    assert seen(done, name) in {"finding", "unanalysed"} or seen(done, "") == "unanalysed"


def test_good_go_passes(tmp_path):
    files = {"go.mod": "module example.com/shop\n\ngo 1.21\n", "main.go": "package main\n"}
    files["main.go"] += "\nfunc main() {}\n"
    done = scanned_by("gosec", files, tmp_path)

    assert done.report["gate"]["status"] == "passed"
    assert done.report["coverage"]["counts"]["analysed"] == 1
