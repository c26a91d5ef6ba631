"""What several scanners found is one list, in which a flaw that two of them found is there once."""

from collections import Counter
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from domain.findings import SEVERITIES, Finding
from scan.finding import Analysis, Seen, counts
from scan.merge import Part, merged

SEEN = Seen(analysed=None, languages=None)
WEAKNESSES = {
    "B602": frozenset({"CWE-78"}),
    "S602": frozenset({"B602"}),
    "B105": frozenset({"CWE-259"}),
    "subprocess-shell-true": frozenset({"CWE-78"}),
}


def finding(rule: str, line: int | None = 3, severity: str = "LOW", file: str = "a.py") -> Finding:
    return Finding(
        rule=rule,
        severity=severity,
        message=f"{rule} in {line}",
        file=file,
        line=line,
        fingerprint=rule,
    )


def part(name: str, findings: Iterable[Finding]) -> Part:
    some = list(findings)
    analysis = Analysis(
        engine=name,
        version="1",
        seen=SEEN,
        lines=None,
        counts=counts(some),
        findings=some,
        weaknesses=WEAKNESSES,
    )
    return Part(name, analysis)


def names(*parts: Part) -> list[tuple[str, tuple[str, ...]]]:
    return [(item.rule, item.scanners) for item in merged(parts).findings]


def test_the_same_flaw_is_one_finding_with_both_names():
    result = names(part("Bandit", [finding("B602")]), part("Ruff", [finding("S602")]))

    assert result == [("B602", ("Bandit", "Ruff"))]


def test_a_common_cwe_makes_it_the_same():
    one, two = part("Bandit", [finding("B602")]), part("X", [finding("subprocess-shell-true")])

    assert names(one, two) == [("B602", ("Bandit", "X"))]


def test_another_weakness_line_or_file_makes_it_another():
    for other in (finding("B105"), finding("S602", line=4), finding("S602", file="b.py")):
        assert len(names(part("Bandit", [finding("B602")]), part("Ruff", [other]))) == 2


def test_without_a_line_nothing_is_the_same():
    one, two = part("Bandit", [finding("B602", None)]), part("Ruff", [finding("S602", None)])

    assert len(names(one, two)) == 2


def test_each_finding_of_one_matches_one_of_the_other():
    twice = [finding("B602"), finding("B602")]

    assert names(part("Bandit", twice), part("Ruff", [finding("S602")])) == [
        ("B602", ("Bandit", "Ruff")),
        ("B602", ("Bandit",)),
    ]


def test_the_worst_severity_counts():
    one, two = part("Bandit", [finding("B602")]), part("Ruff", [finding("S602", severity="HIGH")])

    for parts in ([one, two], [two, one]):
        result = merged(parts)
        assert [item.severity for item in result.findings] == ["HIGH"]
        assert result.counts == counts(result.findings)


def test_what_is_counted_but_not_listed_stays_counted():
    many = part("SonarQube", [finding("B602")])
    counted = dict.fromkeys(SEVERITIES, 50)
    many = Part("SonarQube", Analysis(**{**vars(many.analysis), "counts": counted}))

    result = merged([many, part("Ruff", [finding("S602")])])

    assert result.counts == counted


findings = st.lists(
    st.builds(
        finding,
        st.sampled_from([*WEAKNESSES, "other"]),
        st.none() | st.integers(1, 2),
        st.sampled_from(SEVERITIES),
        st.sampled_from(["a.py", "b.py"]),
    ),
    max_size=6,
)


@given(st.lists(findings, min_size=2, max_size=4))
def test_no_finding_is_lost_and_none_becomes_less_severe(reported):
    parts = [part(str(number), some) for number, some in enumerate(reported)]
    result = merged(parts)

    assert result.counts == counts(result.findings)
    named = Counter(name for item in result.findings for name in item.scanners)
    assert named == Counter({one.name: len(one.analysis.findings) for one in parts if reported})
    for one in parts:
        for item in one.analysis.findings:
            assert any(
                one.name in merged_one.scanners
                and (merged_one.file, merged_one.line) == (item.file, item.line)
                and SEVERITIES.index(merged_one.severity) <= SEVERITIES.index(item.severity)
                for merged_one in result.findings
            )
    for item in result.findings:
        assert len(set(item.scanners)) == len(item.scanners)
