"""Uploads for the tests on SonarQube."""

STORE_PY = '''"""Orders."""

import sqlite3


def find(connection, name):
    return connection.execute("SELECT * FROM orders WHERE name = '%s'" % name)


def load(blob, codec):
    return codec.loads(blob)


def restore(blob):
    if blob == blob:
        return load(blob)
    return None
'''
STORE_JAVA = """package shop;

public class Store {
    public int size(String s) {
        String t = null;
        if (s == null) {
            return t.length();
        }
        return s.length();
    }

    public boolean same(String a) {
        while (true) {
            if (a == a) {
                size(a);
            }
        }
    }
}
"""
PAGE_JS = """export function show(text) {
  document.write(text);
  var unused = 1;
  if (text === text) {
    return eval(text);
  }
  return text;
}
"""
BAD = {"shop/store.py": STORE_PY, "src/shop/Store.java": STORE_JAVA, "web/page.js": PAGE_JS}
BAD_PYTHON = {"shop/store.py": STORE_PY}
GOOD = {
    "shop/prices.py": (
        '"""Prices of the shop."""\n\n\ndef total(prices: list[int]) -> int:\n'
        '    """The sum of all prices, in cents."""\n    return sum(prices)\n'
    ),
    "web/total.js": "export function total(prices) {\n  return Math.max(...prices);\n}\n",
}
# Bandit knows each of these flaws, too, by other rules.
SAME = {
    "shop/bank.py": (
        '"""Calls of the bank."""\n\nimport requests\nfrom Crypto.Cipher import DES\n\n\n'
        "def load(url):\n    return requests.get(url, verify=False, timeout=10)\n\n\n"
        "def cipher(key):\n    return DES.new(key, DES.MODE_ECB)\n"
    )
}
NOTHING = {"README.md": "# Shop\n", "notes.txt": "Nothing here.\n"}


def hostile(elsewhere: str, marker: str) -> dict[str, str]:
    """Bad code with everything that could hide it, send the token to ``elsewhere`` or touch
    ``marker``."""
    run = f"touch {marker}"
    return {
        **BAD_PYTHON,
        "sonar-project.properties": "\n".join(
            (
                "sonar.scanner.skip=true",
                "sonar.projectKey=other",
                "sonar.exclusions=**",
                "sonar.sources=docs",
                "sonar.tests=shop",
                f"sonar.host.url={elsewhere}",
                f"sonar.scanner.apiBaseUrl={elsewhere}",
                "sonar.scanner.javaExePath=/usr/bin/false",
                f"sonar.scanner.javaOpts=-XX:OnOutOfMemoryError='{run}' -Xmx2m",
                "sonar.scanner.engineJarPath=evil.jar",
                "sonar.qualitygate.wait=true",
                "sonar.python.file.suffixes=.none",
                "sonar.issue.ignore.multicriteria=all",
                "sonar.issue.ignore.multicriteria.all.ruleKey=*",
                "sonar.issue.ignore.multicriteria.all.resourceKey=**",
                "sonar.sourceEncoding=UTF-16",
                "sonar.python.coverage.reportPaths=/etc/passwd",
                "sonar.python.version=3.11",
            )
        ),
        "pyproject.toml": "\n".join(
            (
                "[tool.sonar]",
                'exclusions = "shop/**"',
                "scanner-skip = true",
                "[tool.pytest.ini_options]",
                'testpaths = ["shop"]',
                "[project]",
                'name = "other"',
                'version = "9"',
            )
        ),
        ".coveragerc": "[run]\nomit = shop/*\n",
        "docs/README.md": "# Docs\n",
        ".gitignore": "*.py\n",
        ".git/HEAD": "ref: refs/heads/main\n",
        ".git/config": f'[core]\n\tbare = false\n\tfsmonitor = "{run}; false"\n',
        ".git/objects/info/packs": "",
        ".git/refs/heads/.keep": "",
    }
