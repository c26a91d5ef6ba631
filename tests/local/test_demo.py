"""The demo's words and its exit code."""

import pytest

from local import demo
from samples import key_for


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("api.zip", "api/api.zip"),
        ("my app.zip", "my-app/my app.zip"),
        ("ünïcode.zip", "n-code/ünïcode.zip"),
        ("😀.zip", "app/😀.zip"),
        ("no-ending", "no-ending/no-ending.zip"),
    ],
)
def test_every_zip_name_becomes_a_key_with_an_app(name, key):
    assert key_for(name) == key


@pytest.mark.parametrize("path", ["/nowhere/x.zip", "/tmp"], ids=["absent", "a folder"])
def test_a_file_that_is_not_a_zip_ends_with_a_message(path, capsys):
    assert demo.main(["--app", path]) == 2
    assert "make demo APP=your.zip" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("SCANNERS", "bandit,sonar", "'sonar' is not one of bandit, "),
        ("SCANNERS", "bandit,bandit", "'bandit,bandit' names one of them twice"),
        ("DECISION", "approve", "invalid choice: 'approve'"),
    ],
)
def test_arguments_of_make_are_checked_before_anything_starts(
    name, value, why, capsys, monkeypatch
):
    monkeypatch.setenv(name, value)

    with pytest.raises(SystemExit) as ended:
        demo.main([])

    assert ended.value.code == 2
    assert f"argument --{name.lower()}: {why}" in capsys.readouterr().err


@pytest.mark.slow
def test_the_demo_shows_the_whole_lifecycle(capsys, monkeypatch):
    monkeypatch.setenv("DECISION", "Reject")

    assert demo.main([]) == 0

    output = capsys.readouterr().out
    for word in (
        "payments: quality gate failed",
        "Approve",
        "👆 Reject",
        "[payments] Rejected",
        "[payments] Quality gate failed",
    ):
        assert word in output
    for word in (
        "2 of 3 files of code analysed; not covered: ",
        "Coverage   2 files of code analysed",
    ):
        assert word in output
    for word in ("decision.json", "scan-status=rejected", "scan-status=passed", "Time to result"):
        assert word in output
