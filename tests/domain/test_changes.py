"""What is new, known and fixed since an earlier scan; only what was there before is known."""

from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from domain.changes import compare
from domain.findings import Finding
from domain.findings_document import AllFindings, UnseenFile

ONE, TWO, THREE = ("1" * 32, "2" * 32, "3" * 32)
SOME, OTHER = "a" * 64, "b" * 64


def finding(fingerprint=ONE, file="app.py", line=1, severity="HIGH"):
    return Finding(
        rule="R1",
        severity=severity,
        message="m",
        file=file,
        line=line,
        link=None,
        fingerprint=fingerprint,
    )


def unseen(file, sha256: str | None = SOME, kind="unanalysed", number=1):
    return UnseenFile(kind=kind, file=file, files=number, sha256=sha256)


def scan(*findings, contents=(), files=()):
    return AllFindings(
        findings=findings, contents=dict(contents), unseen=tuple(files), complete=True
    )


def test_findings_are_new_known_or_fixed_by_file_and_fingerprint():
    before = scan(finding(ONE), finding(TWO))
    now = scan(finding(THREE), finding(ONE, line=7), finding(ONE, file="other.py"))

    changes = compare(before, now)

    assert changes.new == (finding(THREE), finding(ONE, file="other.py"))
    assert changes.known == (finding(ONE, line=7),)
    assert changes.fixed == (finding(TWO),)


def test_what_only_a_scanner_that_did_not_run_had_found_is_not_fixed():
    ours, theirs, both = (
        replace(finding(name), scanners=names)
        for name, names in ((ONE, ("A",)), (TWO, ("B",)), (THREE, ("A", "B")))
    )

    changes = compare(scan(ours, theirs, both), scan(), {"A", "B"}, {"A"})

    assert (changes.fixed, changes.unchecked) == ((ours, both), (theirs,))


def test_where_one_scanner_was_run_before_it_had_found_all():
    before = scan(finding(ONE))

    assert compare(before, scan(), {"A"}, {"B"}).unchecked == (finding(ONE),)
    assert compare(before, scan(), {"A"}, {"A", "B"}).fixed == (finding(ONE),)
    # Earlier evidence does not name its scanners.
    assert compare(before, scan(), set(), set()).fixed == (finding(ONE),)


def test_findings_of_a_renamed_file_with_the_same_content_are_known():
    before = scan(finding(file="old.py"), contents={"old.py": SOME})
    now = scan(finding(file="new.py"), contents={"new.py": SOME})

    changes = compare(before, now)

    assert changes.known == now.findings
    assert changes.new == changes.fixed == ()


def test_findings_of_a_renamed_file_with_other_content_are_new():
    before = scan(finding(file="old.py"), contents={"old.py": SOME})
    now = scan(finding(file="new.py"), contents={"new.py": OTHER})

    assert compare(before, now).new == now.findings
    assert compare(before, now).fixed == before.findings


def test_a_copy_of_a_file_is_new():
    before = scan(finding(file="old.py"), contents={"old.py": SOME})
    both = {"old.py": SOME, "new.py": SOME}
    now = scan(finding(file="new.py"), finding(file="old.py"), contents=both)

    assert compare(before, now).new == (finding(file="new.py"),)


def test_a_copy_is_new_even_if_the_old_file_has_one_finding_less():
    before = scan(finding(ONE, "old.py"), finding(TWO, "old.py"), contents={"old.py": SOME})
    both = {"old.py": OTHER, "new.py": SOME}
    copied = finding(ONE, "new.py"), finding(TWO, "new.py")
    now = scan(finding(ONE, "old.py"), *copied, contents=both)

    assert compare(before, now).new == copied


def test_of_two_copies_of_a_renamed_file_one_is_new():
    before = scan(finding(file="old.py"), contents={"old.py": SOME})
    both = {"a.py": SOME, "b.py": SOME}
    now = scan(finding(file="a.py"), finding(file="b.py"), contents=both)

    changes = compare(before, now)

    assert (changes.known, changes.new) == ((finding(file="a.py"),), (finding(file="b.py"),))


def test_a_finding_of_another_severity_is_new():
    changes = compare(scan(finding(severity="LOW")), scan(finding(severity="HIGH")))

    assert changes.new == (finding(severity="HIGH"),)
    assert changes.fixed == (finding(severity="LOW"),)


def test_a_finding_under_several_severities_is_in_the_comparison_once():
    both = scan(finding(severity="HIGH"), finding(severity="LOW"))

    assert compare(scan(), both).new == (finding(severity="HIGH"),)
    assert compare(both, both).known == (finding(severity="HIGH"),)
    assert compare(both, scan()).fixed == (finding(severity="HIGH"),)


def test_findings_without_fingerprint_are_never_the_same():
    earlier = scan(finding(""), finding(""))

    changes = compare(earlier, earlier)

    assert len(changes.new) == len(changes.fixed) == 2
    assert changes.known == ()


def test_unanalysed_files_are_compared_by_name_and_content():
    before = scan(files=[unseen("a.lua"), unseen("b.lua"), unseen("old.lua", OTHER)])
    now = scan(files=[unseen("a.lua"), unseen("b.lua", OTHER), unseen("new.lua", OTHER)])

    changes = compare(before, now)

    assert changes.known_files == (unseen("a.lua"), unseen("new.lua", OTHER))
    assert changes.new_files == (unseen("b.lua", OTHER),)
    assert changes.fixed_files == (unseen("b.lua"),)


def test_a_renamed_unanalysed_file_is_known_and_one_of_another_class_is_not():
    before = scan(files=[unseen("old.lua"), unseen("lib.jar", OTHER, "opaque")])
    now = scan(files=[unseen("new.lua"), unseen("lib.jar", OTHER)])

    changes = compare(before, now)

    assert changes.known_files == (unseen("new.lua"),)
    assert changes.new_files == (unseen("lib.jar", OTHER),)


def test_unanalysed_files_without_name_or_content_are_always_new():
    both = scan(files=[unseen(""), unseen("a.lua", None)])

    assert compare(both, both).new_files == both.unseen


FINDINGS = st.builds(
    finding,
    st.sampled_from([ONE, TWO, THREE]),
    st.sampled_from(["a.py", "b.py", "c.py"]),
    st.integers(1, 3),
    st.sampled_from(["HIGH", "LOW"]),
)
UNSEEN = st.builds(
    unseen, st.sampled_from(["a.lua", "b.lua", ""]), st.sampled_from([SOME, OTHER, None])
)
SCANS = st.builds(
    lambda findings, contents, files: scan(*findings, contents=contents, files=files),
    st.lists(FINDINGS, max_size=8),
    st.dictionaries(st.sampled_from(["a.py", "b.py", "c.py"]), st.sampled_from([SOME, OTHER])),
    st.lists(UNSEEN, max_size=5),
)


def same_findings(some):
    """How often each rule and text is there at most, wherever it is: what a match may use up."""
    return Counter((item.fingerprint, item.severity) for item in some)


@given(SCANS, SCANS)
def test_no_finding_is_known_that_was_not_there_as_often(before, now):
    known = compare(before, now).known

    assert same_findings(known) <= same_findings(before.findings)
    for item in known:
        content = now.contents.get(item.file)
        assert any(
            item.file == other.file or (content and content == before.contents.get(other.file))
            for other in before.findings
            if other.fingerprint == item.fingerprint
        )


@given(SCANS, st.randoms(use_true_random=False))
def test_a_scan_compared_with_itself_in_any_order_has_only_known_findings(before, random):
    shuffled = list(before.findings)
    random.shuffle(shuffled)

    changes = compare(before, before._replace(findings=tuple(shuffled)))

    assert changes.new == changes.fixed == ()


@given(SCANS)
def test_renamed_files_keep_their_findings(before):
    now = before._replace(
        findings=tuple(replace(item, file=f"src/{item.file}") for item in before.findings),
        contents={f"src/{file}": sha256 for file, sha256 in before.contents.items()},
    )

    new = {item.file for item in compare(before, now).new}

    assert new == {f"src/{item.file}" for item in before.findings} - now.contents.keys()


@given(SCANS, SCANS)
def test_fixed_is_what_would_be_new_the_other_way_round(before, now):
    there, back = compare(before, now), compare(now, before)

    assert (there.fixed, there.fixed_files) == (back.new, back.new_files)
    assert len(there.known_files) == len(back.known_files)
