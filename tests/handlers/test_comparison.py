"""What a card says about what changed since the app's last version."""

import pytest

from handlers import app_record
from tests.handlers.app_history import AppHistory, finding
from tests.handlers.conftest import STATE, s3


@pytest.fixture
def app(artifacts, recorded, clock):
    clock("2026-11-24T10:00:00Z")
    return AppHistory(artifacts, recorded)


def lines(result):
    # Dots that could link a name are other characters.
    return result["card"]["content"]["description"].replace("\u2024", ".").split("\n")


def below(result, start):
    """The lines of a card from the first that begins with ``start``."""
    listed = lines(result)
    (first,) = [n for n, row in enumerate(listed) if row.startswith(start)][:1]
    return listed[first:]


def test_the_first_version_of_an_app_is_compared_with_nothing(app):
    scan = app.upload(finding("a"))

    result = app.evaluate(scan)

    assert "Since" not in result["card"]["content"]["description"]
    assert "since" not in app.document(scan, "gate-result.json")


def test_a_card_names_what_is_new_before_what_is_known_and_fixed(app):
    first = app.upload(finding("known"), finding("fixed"))
    app.evaluate(first)
    scan = app.upload(finding("known"), finding("new", "MEDIUM"))

    result = app.evaluate(scan)

    version = first.partition("/")[2][:8]
    assert below(result, "*Since")[0] == (
        f"*Since api.zip, version {version} (24 Nov 2026): 1 new finding, 1 known, 1 fixed*"
    )
    assert below(result, "*Findings:*")[:4] == [
        "*Findings:* 1 HIGH, 1 MEDIUM",
        "• 🆕 *MEDIUM* `new.py:3` About new (`NEW`)",
        "• *HIGH* `known.py:3` About known (`KNOWN`)",
        "*Fixed:* `fixed.py:3` (`FIXED`)",
    ]
    assert app.document(scan, "gate-result.json")["since"] == first


def test_many_new_findings_leave_no_room_for_known_ones(app):
    known = [finding(f"known{number}") for number in range(9)]
    app.evaluate(app.upload(*known))
    scan = app.upload(*known, *(finding(f"new{number}") for number in range(12)))

    listed = below(app.evaluate(scan), "*Findings:*")

    assert sum(row.startswith("• 🆕") for row in listed) == 10
    assert not any("known" in row for row in listed if row.startswith("•"))
    assert "… and 2 more new findings and 9 known" in listed


def test_new_unanalysed_files_come_first_and_are_counted(app):
    unseen = {"class": "unanalysed", "file": "old.py", "files": 1, "sha256": "0" * 64}
    new = {**unseen, "file": "new.py", "sha256": "1" * 64}
    app.evaluate(app.upload(unseen=(unseen,)))

    result = app.evaluate(app.upload(unseen=(unseen, new)))

    assert below(result, "*Since")[0].endswith("unanalysed: 1 new file, 1 known, 0 fixed*")
    assert below(result, "*Unanalysed")[1:3] == [
        "• `new.py`: new: syntax error",
        "• `old.py`: syntax error",
    ]


def test_another_attempt_is_compared_with_what_the_first_was_compared_with(app):
    first = app.upload(finding("a"))
    app.evaluate(first)
    second = app.upload(finding("a"), finding("b"))
    app.evaluate(second)
    version = second.partition("/")[2]

    again = app.upload(finding("a"), finding("b"), attempt=2, version=version)
    app.evaluate(again)

    assert app.document(again, "gate-result.json")["since"] == first


def test_a_first_version_that_is_scanned_again_is_compared_with_nothing(app):
    first = app.upload(finding("a"))
    app.evaluate(first)

    again = app.upload(finding("a"), attempt=2, version=first.partition("/")[2])
    app.evaluate(again)

    assert "since" not in app.document(again, "gate-result.json")


def test_a_scan_that_ends_after_that_of_a_later_version_is_not_compared_with_it(app):
    older, newer = app.upload(finding("a")), app.upload(finding("b"))
    app.evaluate(newer)

    app.evaluate(older)

    assert "since" not in app.document(older, "gate-result.json")
    last = app_record.read(s3, STATE, "payments").last
    assert last
    assert last.scan == newer


def test_a_scan_that_failed_to_run_is_not_compared_with(app):
    first = app.upload(finding("a"))
    app.evaluate(first)
    stopped = app.upload(finding("a"))
    s3.delete_object(Bucket="artifacts", Key=f"scans/{stopped}/report.json")
    assert app.evaluate(stopped, "broken")["status"] == "error"

    scan = app.upload(finding("a"))
    app.evaluate(scan)

    assert app.document(scan, "gate-result.json")["since"] == first


@pytest.mark.parametrize("which", ["before", "now"])
def test_findings_without_identities_are_not_compared(app, which):
    unknown = finding("a", fingerprint="")
    first = app.upload(unknown if which == "before" else finding("a"))
    app.evaluate(first)

    result = app.evaluate(app.upload(unknown if which == "now" else finding("a")))

    assert below(result, "*Since")[0].endswith(
        ": not compared, since not all findings of both versions are identified*"
    )
    assert "• *HIGH* `a.py:3` About a (`A`)" in lines(result)


@pytest.mark.parametrize("name", ["findings.json", "report.json", "gate-result.json"])
@pytest.mark.parametrize("body", [b"no JSON", b"[]", b"{}", b'{"version": 1'])
def test_changed_evidence_of_the_last_version_is_not_compared_with(app, name, body):
    first = app.upload(finding("a"))
    app.evaluate(first)
    s3.put_object(Bucket="artifacts", Key=f"scans/{first}/{name}", Body=body)

    scan = app.upload(finding("a"))

    assert app.evaluate(scan)["status"] == "failed"
    assert "since" not in app.document(scan, "gate-result.json")


@pytest.mark.parametrize(
    "body", [b"no JSON", b"{}", b'{"findings": 7}', b"[" * 100_000, b" " * (8 * 1024 * 1024 + 1)]
)
def test_findings_that_hostile_code_wrote_are_not_compared(app, body):
    app.evaluate(app.upload(finding("a")))
    scan = app.upload(finding("a"))
    s3.put_object(Bucket="artifacts", Key=f"scans/{scan}/findings.json", Body=body)

    result = app.evaluate(scan)

    assert result["status"] == "failed"
    assert "• *HIGH* `a.py:3` About a (`A`)" in lines(result)


def test_a_hostile_name_cannot_format_the_card(app):
    app.evaluate(app.upload(finding("a", file="*bold* <!here>\n.py")))

    result = app.evaluate(app.upload(finding("b", file="<!channel>`x`", rule="`r`")))

    description = result["card"]["content"]["description"]
    assert "<!here>" not in description
    assert "<!channel>" not in description
    assert "`*bold* &lt;!here&gt; .py:3`" in description


def test_an_app_that_passes_again_says_so_once_in_the_thread_that_asked(app):
    first = app.upload(finding("a"), finding("b", "LOW"))
    first_result = app.evaluate(first)

    second = app.upload(finding("b", "LOW"))
    result = app.evaluate(second, "passed")

    assert (result["status"], result["opening"]) == ("passed", None)
    assert result["thread"] == first_result["thread"] == first
    version = first.partition("/")[2][:8]
    assert lines(result)[3:8] == [
        f"`api.zip`, version `{version}`, failed the quality gate on 24 Nov 2026. This one passes, "
        "and may be deployed.",
        "",
        f"*Since api.zip, version {version} (24 Nov 2026): 0 new findings, 1 known, 1 fixed*",
        "",
        "*Findings:* 1 LOW",
    ]
    assert lines(result)[8] == "*Fixed:* `a.py:3` (`A`)"
    assert result["card"]["metadata"]["enableCustomActions"] is False

    third = app.evaluate(app.upload(finding("b", "LOW")), "passed")
    assert third["card"] is None


def test_a_card_that_the_app_passes_again_survives_a_repeated_call(app):
    app.evaluate(app.upload(finding("a")))
    scan = app.upload()

    first = app.evaluate(scan, "passed")

    assert first["card"]
    assert app.evaluate(scan, "passed") == first


def test_a_version_that_passes_when_scanned_again_says_so(app):
    first = app.upload(finding("a"))
    app.evaluate(first)

    again = app.upload(attempt=2, version=first.partition("/")[2])
    result = app.evaluate(again, "passed")

    assert "The scan of this version failed the quality gate on 24 Nov 2026." in lines(result)[3]
    assert result["thread"] == first


@pytest.mark.parametrize("event", [{"covers": False}, {"covers": None}])
def test_an_earlier_state_machine_gets_no_card_about_a_passed_gate(app, event):
    app.evaluate(app.upload(finding("a")))

    assert app.evaluate(app.upload(), "passed", **event)["card"] is None


def test_an_older_version_that_passes_after_a_newer_one_failed_is_silent(app):
    older = app.upload()
    app.evaluate(app.upload(finding("a")))

    assert app.evaluate(older, "passed")["card"] is None


def test_a_result_is_recorded_by_the_repeated_call_after_a_crash(app, monkeypatch):
    scan = app.upload(finding("a"))
    with monkeypatch.context() as patch:
        patch.setattr(app_record, "record_result", crash)
        with pytest.raises(RuntimeError):
            app.evaluate(scan)
    assert app_record.read(s3, STATE, "payments").last is None

    app.evaluate(scan)

    last = app_record.read(s3, STATE, "payments").last
    assert last
    assert last.scan == scan


def crash(*_):
    raise RuntimeError("crashed")
