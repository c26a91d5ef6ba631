"""The docs' table of real archives has the listed packages, and no file is lost."""

import json
import re

from tests.fuzz.registries import DOCS, LIST


def test_the_table_has_each_archive_with_all_its_files():
    packages = json.loads(LIST.read_text())
    table = DOCS.read_text().split("<!-- registries -->\n")[1].split("<!-- end -->")[0]
    row = r"^\| (\w+ \S+) \| (\S+) \| [\w -]+ \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \|$"
    rows = re.findall(row, table, re.M)

    assert len(rows) >= 50
    assert [(name, version) for name, version, *_ in rows] == [
        (f"{package['registry']} {package['name']}", package["version"]) for package in packages
    ]
    assert [row for row in rows if row[2] != row[3]] == []


def test_every_archive_of_the_list_has_its_checksum():
    for package in json.loads(LIST.read_text()):
        assert re.fullmatch(r"[0-9a-f]{64}", package["sha256"])
