"""Comparisons alternate between ours and the baseline, and an exceeded limit fails the run."""

import pytest

from bench import __main__ as bench
from bench.comparison import Comparison, Table, alternate, seconds


def test_the_order_within_a_turn_alternates():
    order = []

    def measure(name):
        order.append(name)
        return len(order)

    results = alternate(2, lambda: measure("ours"), lambda: measure("baseline"))

    assert order == ["ours", "baseline", "baseline", "ours"]
    assert results == [[1, 4], [2, 3]]


def test_the_median_of_the_ratios_is_compared_with_the_limit():
    table = Table("Functions")
    table.compare(Comparison("fast", [1.0, 2.0, 9.0], [1.0, 2.0, 1.0], limit=1.1))
    table.compare(Comparison("slow", [3.0, 4.0], [2.0, 2.0], limit=1.2))
    table.compare(Comparison("unlimited", [9.0], [1.0]))

    assert table.exceeded == ["slow: 1.75 (limit 1.20)"]
    assert table.markdown().splitlines()[4:6] == [
        "| fast | 1.0 s | 2.0 s | 1.0 s | 1.0 s | 1.00 | 1.10 |",
        "| slow | 3.0 s | 3.5 s | 2.0 s | 2.0 s | 1.75 | 1.20 |",
    ]
    assert table.markdown().endswith("\n**Limit exceeded**: slow: 1.75 (limit 1.20).\n")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.00312, "3.1 ms"), (0.812, "812 ms"), (4.12, "4.1 s")],
)
def test_seconds_are_shown_as_people_read_them(value, text):
    assert seconds(value) == text


@pytest.fixture
def measured(monkeypatch, tmp_path):
    """Let ``make bench`` measure one table, and write it to a temporary page."""
    page = tmp_path / "benchmarks.md"
    page.write_text(
        "# Page\n\n<!-- few -->\nold\n<!-- end -->\n<!-- other -->\nkept\n<!-- end -->\n"
    )
    monkeypatch.setattr(bench, "PAGE", page)

    def measure(ratio):
        table = Table("Few")
        table.compare(Comparison("ours", [ratio], [1.0], limit=1.5))
        monkeypatch.setattr(bench, "PARTS", {"few": lambda quick: iter([table])})
        return page

    return measure


def test_a_part_of_the_page_is_updated_and_the_others_stay(measured):
    page = measured(1.0)

    assert bench.main(["few"]) == 0
    text = page.read_text()
    assert "| ours | 1.0 s |" in text
    assert "old" not in text
    assert text.startswith("# Page\n\n<!-- few -->\n")
    assert text.endswith("\n<!-- end -->\n<!-- other -->\nkept\n<!-- end -->\n")


def test_an_exceeded_limit_fails_the_run_and_is_on_the_page(measured):
    page = measured(2.0)

    assert bench.main(["few"]) == 1
    assert "**Limit exceeded**: ours: 2.00 (limit 1.50)." in page.read_text()


def test_a_quick_run_neither_evaluates_nor_writes(measured):
    page = measured(2.0)

    assert bench.main(["few", "--quick"]) == 0
    assert "old" in page.read_text()


def test_an_unknown_part_is_refused():
    with pytest.raises(SystemExit):
        bench.main(["nothing"])


@pytest.mark.parametrize("part", bench.PARTS)
def test_the_page_has_a_place_for_each_part(part):
    page = bench.PAGE.read_text()

    assert page.count(f"<!-- {part} -->\n") == 1
    assert bench.renewed(page, part, "new") != page
