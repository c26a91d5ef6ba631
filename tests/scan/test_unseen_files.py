"""Files that were not analysed are identified by their content, where the gate limits them."""

import hashlib

import pytest

from domain.coverage import CLASSES, Unseen
from domain.findings_document import read
from scan.all_findings import document
from scan.job import CoverageLimits
from scan.ledger import Coverage, Entry
from scan.unseen_files import Hashes, unseen_files
from tests.scan.scanning import checked, scanned
from tests.scan.test_all_findings import analysed
from tests.scan.test_report import JOB
from tests.scan.uploads import zipped

BOTH = CoverageLimits(unanalysed=0, opaque=0)


def unseen(file, kind="unanalysed", number=1):
    return Unseen(kind=kind, file=file, language="", reason="why", files=number)


@pytest.fixture
def listed(tmp_path):
    """Returns the entries of ``unseen`` for files, by name."""

    def of(files, *some, limits=BOTH, links=()):
        source = tmp_path / hashlib.sha256(repr((files, links)).encode()).hexdigest()
        for name, text in files.items():
            path = source / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        entries = [Entry(path=name, size=1) for name in files]
        entries += [Entry(path=name, size=1, link=to, folder=to) for name, to in links]
        coverage = Coverage(counts=dict.fromkeys(CLASSES, 0), unseen=some, reported=True)
        result = unseen_files(coverage, limits, Hashes(source, entries))
        return {entry.file: entry.sha256 for entry in result}

    return of


def test_a_file_is_identified_by_its_content(listed):
    expected = hashlib.sha256(b"print(1)").hexdigest()

    assert listed({"a.lua": "print(1)"}, unseen("a.lua")) == {"a.lua": expected}


def test_a_folder_is_identified_by_all_names_and_contents_in_it(listed):
    files = {"lib/a.js": "1", "lib/b/c.js": "2", "lib.js": "3", "library/x.js": "4"}
    folder = unseen("lib/", "opaque", 2)
    before = listed(files, folder)

    for change in ({"lib.js": "other"}, {"library/x.js": "other"}):
        assert listed(files | change, folder) == before
    for change in ({"lib/a.js": "other"}, {"lib/new.js": ""}, {"lib/b/c.js": ""}):
        assert listed(files | change, folder) != before
    renamed = {("lib/d.js" if name == "lib/a.js" else name): files[name] for name in files}
    assert listed(renamed, folder) != before


def test_a_link_that_was_not_created_is_identified_by_its_target(listed):
    link = unseen("deps", "opaque")
    one, two = (listed({}, link, links=[("deps", to)]) for to in ("vendor/a", "vendor/b"))

    assert one != two
    assert None not in (one["deps"], two["deps"])


@pytest.mark.parametrize("file", ["", "stranger.py", "../a.py", "a" * 501 + ".py", "a\udc80.py"])
def test_what_cannot_be_named_or_read_has_no_identity(listed, file):
    assert listed({"a.py": "x"}, unseen(file)) == {file: None}


@pytest.mark.parametrize(
    ("limits", "files"),
    [
        (CoverageLimits(unanalysed=5, opaque=None), {"a.lua"}),
        (CoverageLimits(unanalysed=None, opaque=0), {"b.jar"}),
        (CoverageLimits(unanalysed=None, opaque=None), set()),
    ],
)
def test_only_classes_that_the_gate_limits_are_listed(listed, limits, files):
    some = unseen("a.lua"), unseen("b.jar", "opaque"), unseen("c.xyz", "otherLanguage")

    assert listed({"a.lua": "", "b.jar": ""}, *some, limits=limits).keys() == files


def test_ten_thousand_files_are_listed_and_the_others_are_counted(tmp_path):
    some = [unseen(f"{number}.lua") for number in range(9_999)]
    folders = [unseen("v/", "opaque", 7), unseen("w/", "opaque", 5)]
    coverage = Coverage(counts=dict.fromkeys(CLASSES, 0), unseen=[*some, *folders], reported=True)
    files = unseen_files(coverage, BOTH, Hashes(tmp_path, []))

    result = checked(document(JOB, analysed([]), files), "findings")

    assert (len(result["unseen"]), result["unseenOmitted"]) == (10_000, 5)
    assert not read(result).complete


def test_a_scan_stores_identities_of_findings_and_unseen_files():
    files = {"app.py": "import subprocess\nassert cmd\n", "broken.py": "def (:\n"}

    scan = scanned(zipped(files))

    assert scan.all_findings
    sha256 = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in files.items()}
    assert scan.all_findings["contents"] == {"app.py": sha256["app.py"]}
    assert scan.all_findings["unseen"] == [
        {"class": "unanalysed", "file": "broken.py", "files": 1, "sha256": sha256["broken.py"]}
    ]
    fingerprints = {item["fingerprint"] for item in scan.all_findings["findings"]}
    assert {len(fingerprint) for fingerprint in fingerprints} == {32}
    assert {item["fingerprint"] for item in scan.report["findings"]} == fingerprints
    assert read(scan.all_findings).complete
