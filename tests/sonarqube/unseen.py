"""Code in eight languages that SonarQube reads, and in forms in which it does not."""

# No finding in any of them.
CLEAN = {
    "shop/prices.py": 'def total(prices):\n    """In cents."""\n    return sum(prices)\n',
    "src/shop/Prices.java": (
        "package shop;\n\npublic class Prices {\n    public int twice(int price) {\n"
        "        return 2 * price;\n    }\n}\n"
    ),
    "web/total.js": "export function total(prices) {\n  return Math.max(...prices);\n}\n",
    "web/twice.ts": "export function twice(price: number): number {\n  return 2 * price;\n}\n",
    "prices/prices.go": (
        "// Package prices has prices.\npackage prices\n\n// Twice is two times the price.\n"
        "func Twice(price int) int {\n\treturn 2 * price\n}\n"
    ),
    "shop/prices.php": "<?php\n\nfunction twice(int $price): int\n{\n    return 2 * $price;\n}\n",
    "shop/prices.rb": "def twice(price)\n  2 * price\nend\n",
    "shop/Prices.kt": "package shop\n\nfun twice(price: Int): Int = 2 * price\n",
}
# Read as code by name; there is none in them.
EMPTY = {
    "shop/__init__.py": "",
    "shop/doc.py": '"""Nothing here."""\n',
    "web/note.js": "// Nothing here.\n",
    "shop/index.php": "<?php\n// Silence is golden.\n",
    "shop/page.php": "<p>Prices</p>\n",
    "src/shop/Note.java": "// Nothing here.\n",
    "shop/note.rb": "\n",
    "prices/note.go": "// Nothing here.\n",
}
# SonarJS leaves these out unless it is told to read them.
FOLDERS = {
    f"{folder}/total.js": CLEAN["web/total.js"] for folder in ("dist", "external", "contrib")
} | {
    "web/bundle.js": f"/*! bundled */ !function f() {{}}();\n{CLEAN['web/total.js']}",
    "web/large.ts": CLEAN["web/twice.ts"] + "// a long note\n" * 80_000,
}
UNPARSABLE = {
    "bad/broken.py": "def find(name:\n    return )name\n",
    "bad/Broken.java": "package shop;\n\npublic class Broken {\n    int find( { return ]];\n",
    "bad/broken.js": "export function find(name {\n  return name + ;\n]\n",
    "bad/broken.ts": "export function find(name: : number {\n  return ;;] name\n",
    "bad/broken.go": "package bad\n\nfunc find(name int int {\n\treturn name + \n]\n",
    "bad/broken.php": "<?php\nfunction find($name {\n    return $name + ;\n]\n",
    "bad/broken.rb": "def find(name\n  name + \n]]end end\n",
    "bad/Broken.kt": "package bad\n\nfun find(name: Int: Int {\n    return name + ]\n((\n",
}
MINIFIED = {
    "web/jquery.min.js": CLEAN["web/total.js"],
    "web/jquery-min.js": CLEAN["web/total.js"],
    "web/long.js": f"var a=[{','.join('1' for _ in range(600))}];\n",
    "web/comment.js": f"{CLEAN['web/total.js']}// {'x' * 5000}\n",
}
SUFFIXES = [name.rpartition("/")[2].partition(".")[2] for name in CLEAN]
# Hidden files are left out, whatever they are.
BY_NAME = {
    f".hidden/file.{suffix}": text for suffix, text in zip(SUFFIXES, CLEAN.values(), strict=True)
} | {"shop/window.pyw": CLEAN["shop/prices.py"], "shop/tool": "#!/usr/bin/env python3\nTOTAL = 1\n"}
COMMENT = {"py": "# ", "rb": "# "}


def large() -> dict[str, str]:
    """A file of each language that is over 20 MB, the scanner's limit."""
    return {
        f"large/File.{suffix}": text + f"{COMMENT.get(suffix, '// ')}{'x' * 100}\n" * 210_000
        for suffix, text in zip(SUFFIXES, CLEAN.values(), strict=True)
    }
