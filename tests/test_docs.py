"""What the docs say is what the code does."""

import ast
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
DECLARED = {
    key: value
    for key, value in yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"].items()
    if "type" in value
}


def section(title):
    return README.split(f"## {title}\n")[1].split("\n## ")[0]


def shown_default(setting):
    if "default" not in setting:
        return "*required*"
    default = setting["default"]
    text = str(default).lower() if isinstance(default, bool) else str(default)
    return f"`{text}`" if default not in ("", []) else ""


def test_the_settings_table_is_what_pulumi_yaml_declares():
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*) \|$", section("Settings"), re.M)

    assert rows == [
        (key, shown_default(value), value["description"]) for key, value in DECLARED.items()
    ]


def test_the_outputs_table_is_what_the_program_exports():
    rows = re.findall(r"^\| `(\w+)` \|", section("Outputs"), re.M)
    gate = (ROOT / "components" / "upload_gate.py").read_text().split("def outputs")[1]
    exports = re.findall(r'^ +"(\w+)": self\.', gate, re.M)

    assert rows == exports


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_inside_the_repository_leads_somewhere(page):
    links = re.findall(r"\]\((?!https?://|#|mailto:)([^)#]+)", page.read_text())

    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_test_that_is_named_exists(page):
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", page.read_text())

    missing = [
        f"{file}::{test}"
        for file, test in named
        if not (ROOT / file).is_file() or (test and f"def {test}(" not in (ROOT / file).read_text())
    ]
    assert missing == []


def test_every_make_target_is_in_the_help():
    makefile = (ROOT / "Makefile").read_text().replace("\\\n", "")
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.M)
    assert phony
    helped = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.M))

    assert set(phony[1].split()) - helped == {"setup"}


def test_every_picture_is_used_and_small():
    pictures = set((ROOT / "docs" / "screenshots").iterdir())
    named = {
        (page.parent / name).resolve()
        for page in PAGES
        for name in re.findall(r"\]\(([^)]*screenshots/[^)]+)", page.read_text())
    }

    assert pictures == named
    assert [picture.name for picture in pictures if picture.stat().st_size > 200_000] == []


def test_each_package_imports_the_packages_that_the_architecture_names():
    text = (ROOT / "docs" / "architecture.md").read_text()
    rows = re.findall(r"^\| `([\w.]+)/?` \| .* \| (.*) \|$", text.split("\n## Layers")[0], re.M)
    table = {package.removesuffix(".py"): set(re.findall(r"`(\w+)`", may)) for package, may in rows}
    packages = {path.parent.name for path in ROOT.glob("[a-z]*/*.py")} | {
        "__main__",
        "tests",
        "samples",
    }

    assert table.keys() == packages
    for package in table.keys() - {"tests"}:
        files = [ROOT / "__main__.py"] if package == "__main__" else (ROOT / package).rglob("*.py")
        imported = {
            name.partition(".")[0]
            for file in files
            for node in ast.walk(ast.parse(file.read_text()))
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in (
                [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else [n.name for n in node.names]
            )
        }
        assert (imported & packages) - {package} == table[package], package


def test_the_costs_add_up():
    text = (ROOT / "docs" / "cost.md").read_text().split("## 1,000 uploads")[1]
    rows = re.findall(r"^\| (.+?) \| .*?\| \**([\d.]+)\** \| \**([\d.]+)\** \|$", text, re.M)
    *services, total = [(name, float(passed), float(ended)) for name, passed, ended in rows]

    assert total[0] == "**in all**"
    assert len(services) == 8
    for column in (1, 2):
        assert round(sum(service[column] for service in services), 3) == total[column]


def test_the_seconds_until_the_first_card_add_up():
    text = (ROOT / "docs" / "cost.md").read_text().split("**The first card**")[1]
    rows = re.findall(r"^\| (.+?) \| (\d+)(?: to (\d+))? \| (\d+)(?: to (\d+))? \|", text, re.M)
    values = [(name, *(int(value or 0) for value in columns)) for name, *columns in rows]
    *steps, total = [
        (name, least, most or least, fast, slow or fast) for name, least, most, fast, slow in values
    ]

    assert total[0] == "**in all**"
    assert len(steps) == 7
    assert total[1:] == tuple(sum(step[column] for step in steps) for column in range(1, 5))


def test_the_architecture_names_the_layers_that_a_gate_wires():
    text = (ROOT / "docs" / "architecture.md").read_text().split("\n## Layers in AWS")[1]
    named = re.findall(r"^\| `(\w+)`", text.split("\n## ")[0], re.M)
    wired = re.findall(
        r"^ +(\w+)Args\($", (ROOT / "components" / "upload_gate.py").read_text(), re.M
    )

    assert sorted(named) == sorted(wired)
