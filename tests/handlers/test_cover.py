"""When a valid exception covers a failed version, so that nobody is asked."""

import pytest

from handlers import app_record, check_build_status, exceptions_of_app, resting
from tests.handlers.app_history import KEY, AppHistory, condition, finding, sha256
from tests.handlers.conftest import STATE, s3

ADA, BOB = "AWS:AROAEXAMPLE:ada@example.com", "AWS:AROAEXAMPLE:bob@example.com"


@pytest.fixture
def app(artifacts, recorded, clock, monkeypatch):
    clock("2026-11-24T10:00:00Z")
    monkeypatch.setattr(check_build_status, "APPROVAL_COVERS", "findings")
    return AppHistory(artifacts, recorded)


@pytest.fixture
def root(app):
    """A version whose two findings people approved."""
    scan = app.upload(finding("a"), finding("b"))
    app.evaluate(scan)
    app.approve(scan)
    return scan


def test_a_version_with_nothing_new_is_approved_under_the_exception(app, root):
    scan = app.upload(finding("a"), finding("b"))

    result = app.evaluate(scan)

    assert (result["status"], result["card"], result["opening"]) == ("failed", None, None)
    assert result["thread"] == root
    gate_result = app.document(scan, "gate-result.json")
    assert gate_result["restsOn"] == gate_result["since"] == root
    decision = app.document(scan, "decision.json")
    assert decision == {
        "version": 1,
        "scan": scan,
        "decision": "approved",
        "reason": "The fix comes in 1.5.",
        "decidedAt": "2026-11-24T10:00:00Z",
        "expiresAt": "2026-12-24T10:00:00Z",
        "restsOn": {"scan": root, "decision.json": sha256(app.body(root, "decision.json"))},
        "evidence": {"gate-result.json": result["sha256"]},
    }
    assert list(resting.scans(s3, STATE, root)) == [scan]


def test_a_version_after_a_covered_one_rests_on_the_approval_by_people(app, root):
    app.evaluate(app.upload(finding("a"), finding("b")))
    scan = app.upload(finding("a"))

    app.evaluate(scan)

    assert app.document(scan, "gate-result.json")["restsOn"] == root


def asks(result):
    return bool(result["card"]) and "Decide" in result["card"]["metadata"]["additionalContext"]


def described(result):
    # Dots that could link a name are other characters.
    return result["card"]["content"]["description"].replace("\u2024", ".")


def test_by_default_an_approval_is_for_one_version(app, root, monkeypatch):
    monkeypatch.setattr(check_build_status, "APPROVAL_COVERS", "version")
    scan = app.upload(finding("a"))

    result = app.evaluate(scan)

    assert asks(result)
    name = f"api.zip, version {root.partition('/')[2][:8]}"
    assert (
        f"1 finding is approved with {name} until 24 Dec 2026, 10:00 UTC, because: The fix comes "
        "in 1.5."
    ) in described(result)
    assert "Not covered" not in described(result)
    assert app.document(scan, "gate-result.json")["exception"] == root


def test_a_new_finding_asks_and_says_who_approved_the_known_ones_and_until_when(app, root):
    app.click(root, "U0ADA0000", "Ada")
    scan = app.upload(finding("a"), finding("b"), finding("c"))

    result = app.evaluate(scan)

    assert asks(result)
    name = f"api.zip, version {root.partition('/')[2][:8]}"
    assert (
        f"2 findings are approved with {name} by Ada (U0ADA0000) until 24 Dec 2026, 10:00 UTC, "
        "because: The fix comes in 1.5."
    ) in described(result)
    assert "Not covered by it: New HIGH findings: 1." in described(result)
    assert not app.has(scan, "decision.json")
    assert list(resting.scans(s3, STATE, root)) == []


def test_a_new_finding_that_no_limit_counts_does_not_ask(app, root):
    scan = app.upload(finding("a"), finding("c", "LOW"))

    assert not asks(app.evaluate(scan))


@pytest.mark.parametrize(("actual", "covered"), [("61.2", True), ("61.1", False)])
def test_another_condition_is_covered_while_it_is_not_worse_than_approved(app, actual, covered):
    approved = app.upload(finding("a"), conditions=(condition("coverage", "<", "80", "61.2"),))
    app.evaluate(approved)
    app.approve(approved)
    scan = app.upload(finding("a"), conditions=(condition("coverage", "<", "80", actual),))

    assert asks(app.evaluate(scan)) != covered


UNSEEN = {"class": "unanalysed", "file": "old.py", "files": 1, "sha256": "0" * 64}


@pytest.mark.parametrize(
    ("now", "covered"),
    [(UNSEEN, True), ({**UNSEEN, "sha256": "1" * 64}, False), ({**UNSEEN, "sha256": None}, False)],
    ids=["the same", "changed", "of unknown content"],
)
def test_an_unanalysed_file_is_covered_while_it_is_the_same(app, now, covered):
    approved = app.upload(unseen=(UNSEEN,))
    app.evaluate(approved)
    app.approve(approved)

    assert asks(app.evaluate(app.upload(unseen=(now,)))) != covered


def test_a_new_unanalysed_file_is_named_although_the_report_names_a_hundred_others(app):
    known = tuple({**UNSEEN, "file": f"{number:03}.py"} for number in range(105))
    app.evaluate(app.upload(unseen=known))
    new = {**UNSEEN, "file": "zz.py", "sha256": "1" * 64}

    result = app.evaluate(app.upload(unseen=(*known, new)))

    assert "`zz.py`: new\n" in described(result)
    assert "unanalysed: 1 new file, 105 known, 0 fixed" in described(result)
    assert "and 101 more files" in described(result)


def test_long_names_of_people_do_not_hide_until_when_and_why(app, root):
    app.click(root, "U0ADA0000", "A" * 5000)

    result = app.evaluate(app.upload(finding("a"), finding("c")))

    assert "until 24 Dec 2026, 10:00 UTC, because: The fix comes in 1.5." in described(result)


def withdraw(app, scan):
    withdrawal = {"version": 1, "scan": scan, "withdrawnAt": "2026-11-24T09:59:00Z"}
    app.put(scan, "withdrawal.json", withdrawal)


def test_an_exception_that_was_withdrawn_covers_nothing(app, root):
    withdraw(app, root)

    result = app.evaluate(app.upload(finding("a")))

    assert asks(result)
    assert "approved with" not in described(result)


def test_an_exception_that_expired_covers_nothing(app, root, clock):
    clock("2026-12-24T10:00:00Z")

    assert asks(app.evaluate(app.upload(finding("a"))))


def extend(app, scan, number, expires_at, extended_at="2026-11-24T10:00:00Z"):
    extension = {"extendedAt": extended_at, "expiresAt": expires_at}
    app.put(scan, f"extensions/{number}.json", extension)


def test_an_exception_that_was_extended_covers_until_its_new_end(app, root, clock):
    extend(app, root, 1, "2027-01-24T10:00:00Z")
    clock("2026-12-24T10:00:00Z")
    scan = app.upload(finding("a"))

    assert not asks(app.evaluate(scan))
    assert app.document(scan, "decision.json")["expiresAt"] == "2027-01-24T10:00:00Z"


def test_an_exception_that_is_withdrawn_during_the_last_reading_covers_nothing(
    app, root, monkeypatch
):
    mark = resting.mark

    def withdraw_first(*args):
        withdraw(app, root)
        mark(*args)

    monkeypatch.setattr(resting, "mark", withdraw_first)
    scan = app.upload(finding("a"))

    assert asks(app.evaluate(scan))
    assert not app.has(scan, "decision.json")
    assert "restsOn" not in app.document(scan, "gate-result.json")


def test_a_withdrawal_after_the_last_reading_finds_the_version_that_rests_on_it(
    app, root, monkeypatch
):
    valid, resting_then = exceptions_of_app.valid, []

    def look(*args):
        resting_then.append(list(resting.scans(s3, STATE, root)))
        return valid(*args)

    monkeypatch.setattr(exceptions_of_app, "valid", look)
    scan = app.upload(finding("a"))
    app.evaluate(scan)

    assert resting_then == [[], [scan]]


@pytest.mark.parametrize("name", ["gate-result.json", "decision.json"])
def test_a_crash_before_either_document_is_made_up_for(app, root, calls, name):
    scan = app.upload(finding("a"))

    def crash(params):
        if name in params["url_path"] and scan.partition("/")[2] in params["url_path"]:
            raise KeyboardInterrupt

    calls.before["PutObject"] = crash
    with pytest.raises(KeyboardInterrupt):
        app.evaluate(scan)
    calls.before.clear()
    assert not app.has(scan, "decision.json")

    result = app.evaluate(scan)

    assert result["card"] is None
    assert app.document(scan, "decision.json")["restsOn"]["scan"] == root
    last = app_record.read(s3, STATE, "payments").last
    assert last
    assert last.scan == scan
    assert app.evaluate(scan) == result


def test_an_exception_withdrawn_between_the_two_documents_is_still_named(app, root, calls):
    scan = app.upload(finding("a"))

    def crash(params):
        if "decision.json" in params["url_path"]:
            raise KeyboardInterrupt

    calls.before["PutObject"] = crash
    with pytest.raises(KeyboardInterrupt):
        app.evaluate(scan)
    calls.before.clear()
    withdraw(app, root)

    app.evaluate(scan)

    assert app.document(scan, "decision.json")["restsOn"]["scan"] == root


def test_a_report_of_a_build_that_failed_is_not_covered(app, root):
    assert asks(app.evaluate(app.upload(finding("a")), "broken"))


def test_an_approval_of_a_report_whose_build_failed_covers_nothing(app):
    root = app.upload(finding("a"))
    assert "later ones" not in str(app.evaluate(root, "broken"))
    app.approve(root)
    scan = app.upload(finding("a"))

    result = app.evaluate(scan)

    assert asks(result)
    assert "approved with" not in described(result)
    assert "not compared" in described(result)


def test_a_version_that_was_replaced_is_not_covered(app, root):
    scan = app.upload(finding("a"))
    app._artifacts.upload(KEY)

    result = app.evaluate(scan)

    assert "nothing to decide" in result["card"]["content"]["nextSteps"][0]
    assert not app.has(scan, "decision.json")


@pytest.mark.parametrize("refusal", ["withdrawal.json", "decision.json"])
def test_a_version_that_people_refused_asks_when_it_is_scanned_again(app, root, refusal):
    first = app.upload(finding("a"))
    app.evaluate(first, covers=refusal == "withdrawal.json")
    if refusal == "withdrawal.json":
        withdraw(app, first)
    else:
        app.put(first, "decision.json", {"version": 1, "scan": first, "decision": "rejected"})
    again = app.upload(finding("a"), version=first.partition("/")[2], attempt=2)

    result = app.evaluate(again)

    assert asks(result)
    assert "rejected, or its approval withdrawn" in described(result)
    assert not asks(app.evaluate(app.upload(finding("a"))))


def test_whether_people_refused_a_version_is_read_once_for_all_exceptions(app, root, calls):
    other = app.upload(finding("a"), finding("b"))
    app.evaluate(other, covers=False)
    app.approve(other)
    first = app.upload(finding("a"))
    app.evaluate(first, covers=False)
    app.put(first, "decision.json", {"version": 1, "scan": first, "decision": "rejected"})
    again = app.upload(finding("a"), version=first.partition("/")[2], attempt=2)
    read: list[str] = []
    calls.before["GetObject"] = lambda params: read.append(params["url_path"])

    assert asks(app.evaluate(again))

    assert [path.endswith(f"/{first}/decision.json") for path in read].count(True) == 1


def test_a_covered_version_that_is_scanned_again_is_covered_again(app, root):
    first = app.upload(finding("a"))
    app.evaluate(first)
    again = app.upload(finding("a"), version=first.partition("/")[2], attempt=2)

    assert not asks(app.evaluate(again))


def test_an_earlier_state_machine_asks(app, root):
    assert asks(app.evaluate(app.upload(finding("a")), covers=False))


@pytest.mark.parametrize("name", ["findings.json", "report.json", "gate-result.json"])
def test_changed_evidence_of_the_approved_version_covers_nothing(app, root, name):
    document = app.document(root, name)
    app.put(root, name, {**document, "more": 1})

    assert asks(app.evaluate(app.upload(finding("a"))))


def test_an_approval_that_rests_on_another_covers_nothing(app, root):
    covered = app.upload(finding("a"))
    app.evaluate(covered)
    app_record.add_exception(s3, STATE, "payments", covered)
    app_record.remove_exception(s3, STATE, "payments", root)

    assert asks(app.evaluate(app.upload(finding("a"))))


def test_the_newest_exception_that_covers_a_version_is_used(app, root):
    newest = app.upload(finding("c"))
    app.evaluate(newest)
    app.approve(newest)
    scan = app.upload(finding("a"))

    app.evaluate(scan)

    assert app.document(scan, "gate-result.json")["restsOn"] == root


@pytest.mark.parametrize(
    ("approver", "uploader", "why"),
    [
        (("U0BOB0000", "bob@example.com"), ADA, ""),
        (("U0ADA0000", "ada@example.com"), ADA, "approved by who uploaded this one"),
        (("U0ADA0001", "Ada L."), ADA, "approved by who uploaded this one"),
        (None, ADA, "not recorded who approved"),
        (("U0BOB0000", "bob@example.com"), "", "not recorded who uploaded"),
    ],
    ids=["another", "the same address", "by the setting", "unknown approver", "unknown uploader"],
)
def test_by_four_eyes_an_approval_does_not_cover_what_the_approver_uploads(
    app, root, monkeypatch, approver, uploader, why
):
    monkeypatch.setattr(check_build_status, "SELF_APPROVAL", "refuse")
    monkeypatch.setattr(check_build_status, "PEOPLE", {"U0ADA0001": "ada@example.com"})
    if approver:
        app.click(root, *approver)
    scan = app.upload(finding("a"), uploader=uploader)

    result = app.evaluate(scan)

    assert asks(result) == bool(why)
    if why:
        assert why in described(result)


@pytest.mark.parametrize("setting", ["allow", "warn"])
def test_without_four_eyes_an_approval_covers_what_the_approver_uploads(
    app, root, monkeypatch, setting
):
    monkeypatch.setattr(check_build_status, "SELF_APPROVAL", setting)
    app.click(root, "U0ADA0000", "ada@example.com")

    assert not asks(app.evaluate(app.upload(finding("a"), uploader=ADA)))


def test_people_who_approved_by_quorum_are_named_and_compared(app, monkeypatch):
    monkeypatch.setattr(check_build_status, "SELF_APPROVAL", "refuse")
    root = app.upload(finding("a"))
    app.evaluate(root)
    people = [
        {
            "user": user,
            "userName": name,
            "reason": "known",
            "approvedAt": "2026-11-24T10:00:00Z",
        }
        for user, name in (("U0BOB0000", "Bob"), ("U0ADA0000", "ada@example.com"))
    ]
    app.approve(root, approvals=people)

    result = app.evaluate(app.upload(finding("a"), uploader=ADA))

    assert asks(result)
    assert "by Bob (U0BOB0000) and ada" in described(result)
