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
# Files with names of code, but without code.
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
DOCKER = 'FROM alpine:3.20\nUSER nobody\nCMD ["true"]\n'
RAKE = "task :default do\n  puts 1\nend\n"
# Other files of projects; SonarQube does not know all of their names by default.
NAMES = {
    "web/index.htm": (
        '<!DOCTYPE html>\n<html lang="en">\n<head><title>Shop</title></head>\n'
        "<body><p>Prices</p></body>\n</html>\n"
    ),
    **{f"web/a.{suffix}": CLEAN["web/total.js"] for suffix in ("mjs", "jsm")},
    "web/b.cjs": "exports.total = 1;\n",
    "web/c.mts": CLEAN["web/twice.ts"],
    "web/d.cts": "export = 1;\n",
    **{f"web/e.{suffix}": "export const A = () => <p>Prices</p>;\n" for suffix in ("tsx", "jsx")},
    "web/f.vue": (
        "<template><p>{{ a }}</p></template>\n<script>\n"
        "export default { data() { return { a: 1 }; } };\n</script>\n"
    ),
    "web/g.vue": (
        '<script setup lang="ts">\nconst a: number = 1;\n</script>\n'
        "<template><p>{{ a }}</p></template>\n"
    ),
    **{f"shop/more.{suffix}": CLEAN["shop/prices.py"] for suffix in ("pyw", "wsgi", "tac", "PY")},
    **{
        f"shop/more.{suffix}": CLEAN["shop/prices.php"]
        for suffix in ("phtml", "inc", "php8", "phps")
    },
    **dict.fromkeys(("Rakefile", "Gemfile", "Vagrantfile", "Brewfile", "Fastfile"), RAKE),
    **{f"shop/more.{suffix}": RAKE for suffix in ("rake", "gemspec", "rbw", "jbuilder", "ru")},
    **dict.fromkeys(("Dockerfile", "Dockerfile.prod", "Containerfile", "a.dockerfile"), DOCKER),
    "main.tf": 'variable "name" {\n  type = string\n}\n',
    "build.sbt": 'name := "shop"\nscalaVersion := "3.3.0"\n',
    "shop/a.sc": "def twice(x: Int): Int = 2 * x\n",
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
# Hidden files are excluded, whatever they contain.
BY_NAME = {
    f".hidden/file.{suffix}": text for suffix, text in zip(SUFFIXES, CLEAN.values(), strict=True)
} | {
    ".eslintrc.js": "module.exports = { root: true };\n",
    "shop/tool": "#!/usr/bin/env python3\nTOTAL = 1\n",
    "build.gradle.kts": 'plugins {\n    kotlin("jvm") version "2.0.0"\n}\n',
    "run.main.kts": "fun twice(price: Int): Int = 2 * price\nprintln(twice(2))\n",
}
COMMENT = {"py": "# ", "rb": "# "}


def large() -> dict[str, str]:
    """A file of each language that is over 20 MB, the scanner's limit."""
    return {
        f"large/File.{suffix}": text + f"{COMMENT.get(suffix, '// ')}{'x' * 100}\n" * 210_000
        for suffix, text in zip(SUFFIXES, CLEAN.values(), strict=True)
    }
