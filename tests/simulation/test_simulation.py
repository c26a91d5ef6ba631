"""Uploads, clicks, crashes and deadlines in random order, through the real handlers and machine.

``make simulate`` runs many more. Every scenario that once failed is in ``kept/``.
"""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from domain.schema import load
from tests.simulation import campaign, formatting
from tests.simulation.aws import reports
from tests.simulation.aws.scheduler import NotSimulated
from tests.simulation.model import check
from tests.simulation.scenario import run
from tests.simulation.shrink import shrink
from tests.simulation.trace import EPOCH, Published
from tests.simulation.without import FIXES
from tests.support.thinning import few

ROOT = Path(__file__).parents[2]


def _kept(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text())


KEPT = sorted((Path(__file__).parent / "kept").glob("*.json"))
OF_A_FIX = [path for path in KEPT if "fix" in _kept(path)]
SEEDS = 250
EXCEPTION = {
    "seed": 7,
    "skew": 0.0,
    "settings": {
        "decide": 259200, "escalate": 43200, "exception": 2592000, "longest": 7776000,
        "remind": 86400, "approver_seconds": 30,
    },
    "uploads": [
        {
            "key": "payments/api.zip",
            "when": {"after": "start", "plus": 0},
            "scans": [{"gate": "failed", "seconds": 30}],
            "events": [0.5, 3],
        }
    ],
    "actions": [
        {"do": "approve", "of": 0, "days": "14", "when": {"after": "card 0 1", "plus": 60}},
        {"do": "withdraw", "of": 0, "when": {"after": "reminder 0", "plus": 3600}},
        {"do": "verify", "when": {"after": "over 0", "plus": 3600}},
    ],
    "faults": [],
    "outages": [],
}  # fmt: skip


def notified(trace: Any) -> list[str]:
    """The cards, emails, answers and tags, in order."""
    lines = []
    for event in trace.events:
        match type(event).__name__:
            case "Published":
                lines.append(event.card["content"]["title"])
            case "Tagged":
                lines.append(f"tag {event.status}")
            case "Verified":
                lines.append(f"verified {list(event.findings)}")
    return lines


def test_a_whole_lifecycle_ends_as_documented():
    trace = run(EXCEPTION)

    assert notified(trace) == [
        "tag failed",
        "❌ payments: quality gate failed",
        "tag approved",
        "✅ payments: approved until 15 Dec 2026",
        "⏰ payments: approval expires on 15 Dec 2026",
        "tag withdrawn",
        "🚫 payments: approval withdrawn",
        "verified []",
    ]
    assert [type(event).__name__ for event in trace.events].count("BuildStarted") == 1
    assert check(trace) == []


def test_the_same_seed_gives_the_same_run():
    for seed in range(10):
        first, second = run(campaign.scenario(seed)), run(campaign.scenario(seed))
        assert first.events == second.events
        assert first.ended == second.ended


def test_another_seed_of_the_scheduler_gives_another_run():
    assert run(EXCEPTION).events != run({**EXCEPTION, "seed": 8}).events


def test_scenarios_are_plain_data():
    for seed in range(50):
        scenario = campaign.scenario(seed)
        assert json.loads(json.dumps(scenario)) == scenario


def test_runs_leave_the_handlers_as_they_were():
    from domain import timestamps
    from handlers import approval, notify, parallel

    modules = (approval, notify, parallel, timestamps)
    before = [vars(module).copy() for module in modules]
    run(EXCEPTION)

    assert [vars(module) for module in modules] == before


def test_an_unknown_point_in_time_is_refused():
    action = {"do": "withdraw", "of": 0, "when": {"after": "crad 0 1", "plus": 0}}

    with pytest.raises(NotSimulated, match="crad"):
        run({**EXCEPTION, "actions": [action]})


def _raises(*_: Any) -> Any:
    raise KeyError("scan")


@pytest.mark.parametrize("function", ["notify", "callback", "open_scan", "check_build_status"])
def test_an_unexpected_exception_of_a_function_is_a_violation(function, monkeypatch):
    monkeypatch.setattr(f"handlers.{function}.handler", _raises)

    unexpected = [
        item.what for item in check(run(EXCEPTION)) if item.kind == "unexpected exception"
    ]

    assert unexpected
    assert all("KeyError('scan')" in what for what in unexpected)


@pytest.mark.parametrize("function", ["approval.decide", "rescan.rescan"])
def test_an_exception_that_a_button_answers_is_a_violation(function, monkeypatch):
    again = {"do": "scan again", "of": 0, "when": {"after": "over 0", "plus": 60}}
    monkeypatch.setattr(f"handlers.{function}", _raises)

    trace = run({**EXCEPTION, "actions": [*EXCEPTION["actions"], again]})

    assert "unexpected exception" in {item.kind for item in check(trace)}


def test_a_function_that_does_not_exist_is_refused(monkeypatch):
    from tests.simulation.aws.functions import Functions

    invoke = Functions.invoke
    monkeypatch.setattr(
        Functions,
        "invoke",
        lambda self, name, payload: invoke(self, name.replace("approver-audit", "who"), payload),
    )

    with pytest.raises(NotSimulated, match="no function who"):
        run(EXCEPTION)


@pytest.mark.parametrize("gate", ["passed", "failed", "error"])
def test_reports_are_those_that_a_scan_writes(gate):
    names = ("SCAN", "APP", "UPLOAD_BUCKET", "UPLOAD_KEY", "UPLOAD_VERSION")
    variables: dict[str, str] = dict.fromkeys(names, "payments/1")

    report = json.loads(reports.report(gate, variables, EPOCH, EPOCH, {"scanner.log": "0" * 64}))

    jsonschema.validate(report, load("report"))


def test_the_card_of_a_crashed_build_shows_the_end_of_its_log():
    upload = {**EXCEPTION["uploads"][0], "scans": [{"gate": "failed", "end": "crashes"}]}

    trace = run({**EXCEPTION, "uploads": [upload], "actions": []})

    [card] = [event.card for event in trace.events if isinstance(event, Published)]
    assert "Scanning ..." in card["content"]["description"]


def test_a_run_can_be_read_line_by_line():
    lines = list(formatting.lines(run(EXCEPTION)))

    assert any("CARD     ✅ payments: approved" in line for line in lines)
    assert any("-> 'Approved: payments/" in line for line in lines)


def test_shrinking_removes_what_the_violation_does_not_need():
    def fails(scenario: dict[str, Any]) -> bool:
        return any("withdrawn" in line for line in notified(run(scenario)))

    faults = [{"caller": "notify", "n": 3, "fault": "slow"}]
    small = shrink({**EXCEPTION, "faults": faults}, fails)

    assert [action["do"] for action in small["actions"]] == ["approve", "withdraw"]
    assert small["faults"] == []
    assert small["uploads"][0]["events"] == [0.5]


@pytest.mark.parametrize("first", few(range(0, SEEDS, 50), [0]))
def test_no_rule_is_broken_in_random_scenarios(first):
    wrong = {
        seed: [f"{violation.kind}: {violation.what}" for violation in outcome.violations]
        for seed in range(first, first + 50)
        if (outcome := campaign.evaluated(seed)).violations
    }

    assert wrong == {}


@pytest.mark.parametrize("path", KEPT, ids=[path.stem for path in KEPT])
def test_earlier_bugs_do_not_return(path):
    result = check(run(_kept(path)["scenario"]))

    assert [f"{item.kind}: {item.what}" for item in result] == []


@pytest.mark.parametrize("path", OF_A_FIX, ids=[path.stem for path in OF_A_FIX])
def test_removing_a_fix_is_detected(path):
    stored = _kept(path)
    result = {violation.kind for violation in check(run(stored["scenario"], stored["fix"]))}

    assert result == set(stored["violations"]), FIXES[stored["fix"]].about
    assert not result.isdisjoint(FIXES[stored["fix"]].kinds)


def test_each_fix_has_a_stored_scenario():
    assert {_kept(path)["fix"] for path in OF_A_FIX} == FIXES.keys()
