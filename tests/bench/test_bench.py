"""Each measurement runs, once and on the smallest size; limits are for a quiet machine."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from bench import account, accounting, handlers, leaving, pairs, pipeline, program, scanning
from bench.__main__ import PAGE, TABLES
from ops.program import Recorded, record_program
from tests.support.recording import told


@pytest.fixture(scope="module")
def here() -> Iterator[account.Account]:
    with account.running() as here:
        yield here


def test_what_runs_first_in_a_pair_changes():
    order = []

    def measure(name: str) -> float:
        order.append(name)
        return float(len(order))

    measured = pairs.in_turns(2, lambda: measure("ours"), lambda: measure("bare"))

    assert order == ["bare", "ours", "ours", "bare"]
    assert measured == ([2, 3], [1, 4])


def test_the_median_of_the_pairs_is_what_is_judged():
    section = pairs.Section("Functions")
    section.add(pairs.Pair("fast", [1.0, 2.0, 9.0], [1.0, 2.0, 1.0], limit=1.1))
    section.add(pairs.Pair("slow", [3.0, 4.0], [2.0, 2.0], limit=1.2))

    assert section.wrong == ["slow: 1.75, at most 1.2"]
    assert section.markdown().splitlines()[4] == (
        "| fast | 1.0 s | 2.0 s | 1.0 s | 1.0 s | 1.00 | 1.00 | 1.10 |"
    )
    assert section.markdown().endswith("**Above its limit**: slow: 1.75, at most 1.2.\n")


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.00312, "3.1 ms"), (0.812, "812 ms"), (4.12, "4.1 s")],
)
def test_seconds_are_shown_as_people_read_them(value, shown):
    assert pairs.seconds(value) == shown


def test_every_function_is_measured():
    assert {case.module for case in handlers.CASES} == handlers.environments().keys()


@pytest.mark.slow
def test_a_function_is_measured_against_its_own_calls(here):
    approve = next(case for case in handlers.CASES if case.module == "approval")
    with handlers.packaged() as (package, size):
        contest = handlers.Contest(here, approve, package)
        cold, warm, stages = contest.cold(1), contest.warm(1), contest.stages(1)

    methods = [method for _, method, _ in json.loads(contest.calls)]
    assert methods.count("put_object") == 1
    assert methods[-1] == "send_task_success"
    assert [len(each) for each in (cold.ours, cold.bare, warm.ours, warm.bare)] == [1] * 4
    assert len(stages) == len(handlers.PARTS)
    assert 10_000 < size < 100_000


@pytest.mark.parametrize(
    ("calls", "itself", "wrong"),
    [
        ([["get"], ["get"]], [0.004, 0.009], []),
        ([["get"], ["get"]], [0.030, 0.002], []),
        ([["get"], ["get", "get"]], [0.004, 0.004], ["the number of calls grows with the log"]),
        (
            [["get"], ["get"]],
            [0.004, 0.014],
            ["what it takes itself grows with the log: 4.0 ms, 14.0 ms"],
        ),
    ],
    ids=["noise", "faster", "calls", "seconds"],
)
def test_what_grows_with_a_log_is_found(calls, itself, wrong):
    assert list(handlers.growing(calls, itself)) == wrong


def test_a_scan_is_measured_against_its_tool(here):
    (row,) = scanning.section(here, 1, [1]).rows

    assert row[0] == "1 file"


@pytest.mark.slow
def test_the_ledger_is_measured_with_its_memory():
    (row,) = accounting.section(1, [accounting.SMALL]).rows

    assert row[0] == "1 file"
    assert row[-1].endswith(" MB")


@pytest.mark.slow
def test_memory_that_grows_with_the_zip_is_said(monkeypatch):
    monkeypatch.setattr(accounting, "MOST_MEGABYTES", -1)

    (wrong,) = accounting.section(1, [accounting.SMALL] * 2).wrong

    assert wrong.startswith("memory grows with the zip")


@pytest.mark.slow
def test_the_evidence_of_findings_is_measured_with_its_memory(here):
    (row,) = leaving.section(here, 1, [10]).rows

    assert row[0] == "10 findings"
    assert [each.endswith(" MB") for each in row[-2:]] == [True, True]


@pytest.mark.slow
def test_the_bare_program_registers_the_same_resources(tmp_path):
    ours = record_program("dev", told("dev"))
    file = tmp_path / "resources.json"
    file.write_text(program.written(ours))

    bare = program.bare(file)

    def in_order(recorded: Recorded) -> list[Any]:
        return sorted(json.loads(program.written(recorded)))

    assert in_order(bare) == in_order(ours)


def test_a_command_is_timed_and_its_slowest_tests_are_found():
    took, output = pipeline.timed(["-c", "print('1.50s setup    tests/a.py::test_b')"])

    assert took > 0
    assert pipeline.slowest(output) == [("setup of tests/a.py::test_b", 1.5)]
    with pytest.raises(RuntimeError, match="-c"):
        pipeline.timed(["-c", "raise SystemExit(1)"])


def test_the_page_has_a_place_for_the_tables():
    assert len(TABLES.findall(PAGE.read_text())) == 1
