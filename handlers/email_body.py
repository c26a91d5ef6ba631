"""The email about one outcome, as text and as HTML with the same content."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

from domain import timestamps
from domain.approvers import Person
from domain.findings import Finding
from domain.report import Report
from domain.sanitize import line
from domain.uploader import Uploader
from handlers import change_lines, links, not_scanned, origin_parts, wrapping
from handlers.comparison import Comparison
from handlers.exceptions_of_app import Match
from handlers.not_scanned import Line
from handlers.outcome import NO_CONTEXT, Context, Outcome

TOP_CONDITIONS, TOP_FINDINGS = 20, 10
TOP_UNANALYSED, TOP_OPAQUE, TOP_LANGUAGES, TOP_FIXED = 10, 5, 10, 5
RED = "#cf222e"
COLOURS = {"approved": "#1a7f37", "failed": RED, "rejected": RED, "withdrawn": RED}  # others grey
# Outlook for Windows renders with Word: tables instead of blocks with a maximum width, padding on
# cells only, colours as attributes, and a font on each cell. https://www.caniemail.com has which
# client supports what; tests/handlers/test_email_layout.py compares the layout with it.
FONT = "font-family:'Segoe UI',Roboto,Helvetica,Arial,sans-serif;font-size:15px;line-height:1.5"
# Gmail knows only this one of the properties that break a long key or version anywhere.
BREAK = "word-break:break-word"
TABLE = 'role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"'
# Clients that ignore the media query show the inline light colours, or invert them themselves.
DARK = """
:root { color-scheme: light dark; supported-color-schemes: light dark; }
@media (prefers-color-scheme: dark) {
  .page { background-color: #16181d !important; }
  .card { background-color: #22252c !important; color: #e8eaed !important; }
  .soft { color: #a9b0bc !important; }
  .line { border-color: #3a3f4a !important; }
  a { color: #7cb7ff !important; }
}
"""


class EmailBody(NamedTuple):
    """All values are one plain line each; ``links`` are safe URLs."""

    app: str
    outcome: Outcome
    facts: Mapping[str, str]
    conditions: tuple[str, ...]
    failed_scanners: tuple[str, ...]
    changes: tuple[str, ...]
    unanalysed: tuple[str, ...]
    not_scanned: tuple[str, ...]
    # New ones first, each after ``new``; without a comparison all after an empty text.
    findings: tuple[tuple[str, Finding], ...]
    counted: str
    links: Mapping[str, str]

    @property
    def title(self) -> str:
        """For example ``payments: rejected``."""
        return f"{self.app}: {self.outcome.headline}"

    @property
    def _lists(self) -> dict[str, tuple[str, ...]]:
        return {
            "What failed": self.conditions,
            "Scanners that failed to run": self.failed_scanners,
            "What changed": self.changes,
            not_scanned.UNANALYSED: self.unanalysed,
            not_scanned.BY_NATURE: self.not_scanned,
        }

    def text(self) -> str:
        """The email for clients that show no HTML, in lines of 78 characters."""
        width = max(map(len, self.facts)) + 2
        facts = (f"{name + ':':{width}}{value}" for name, value in self.facts.items())
        parts = [
            wrapping.paragraph(self.title),
            wrapping.paragraph(self.outcome.lead),
            wrapping.items(facts, width),
        ]
        for title, lines in self._lists.items():
            if lines:
                listed = wrapping.items((f"- {row}" for row in lines), 2)
                parts.append(f"{wrapping.paragraph(title.upper())}\n{listed}")
        if self.findings:
            listing = "\n".join(map(_finding_text, self.findings))
            parts.append(f"FINDINGS: {self.counted}\n{listing}")
        steps = (f"{n}. {step}" for n, step in enumerate(self.outcome.next_steps, 1))
        parts.append("WHAT TO DO NEXT\n" + wrapping.items(steps, 3))
        parts.append(wrapping.items((f"{name}: {url}" for name, url in self.links.items()), 2))
        return "\n\n".join(parts) + "\n"

    def html(self) -> str:
        """The email as an HTML page, with all values escaped."""
        colour = COLOURS.get(self.outcome.event, "#57606a")
        facts = "".join(
            f'<tr><td class="soft" width="110" valign="top" style="{FONT};color:#57606a;'
            f'padding:3px 16px 3px 0">{escape(name)}</td>'
            f'<td valign="top" style="{FONT};{BREAK};padding:3px 0">{escape(value)}</td></tr>'
            for name, value in self.facts.items()
        )
        sections = [
            *(
                _section(title, "ul", list(map(escape, texts)))
                for title, texts in self._lists.items()
            ),
            _section(
                f"Findings: {self.counted}",
                "ul",
                [_finding_html(finding) for finding in self.findings],
            ),
            _section("What to do next", "ol", [escape(step) for step in self.outcome.next_steps]),
        ]
        more = " &middot; ".join(
            f'<a href="{escape(url)}" style="color:#0969da">{escape(name)}</a>'
            for name, url in self.links.items()
        )
        return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>{escape(self.title)}</title><style>{DARK}</style></head>
<body style="margin:0">
<table class="page" {TABLE} bgcolor="#f4f5f7"><tr><td align="center" style="padding:16px">
<table class="card" {TABLE} bgcolor="#ffffff" align="center" style="max-width:620px;\
color:#1f2328;text-align:left">
<tr><td bgcolor="{colour}" height="6" style="font-size:1px;line-height:6px">&nbsp;</td></tr>
<tr><td style="{FONT};{BREAK};padding:20px">
<h1 style="margin:0 0 8px;font-size:21px;line-height:1.3">\
{self.outcome.mark} {escape(self.title)}</h1>
<p style="margin:0 0 16px">{escape(self.outcome.lead)}</p>
<table {TABLE}>{facts}</table>
{"".join(sections)}
</td></tr>
<tr><td class="line" style="{FONT};border-top:1px solid #d8dee4;padding:12px 20px">{more}</td></tr>
</table></td></tr></table></body></html>
"""


def compose(
    outcome: Outcome,
    scan: Mapping[str, Any],
    uploader: Uploader,
    report: Report | None,
    decision: Mapping[str, Any] | None,
    withdrawal: Mapping[str, Any] | None,
    console: Mapping[str, str],
    people: Sequence[Person] = (),
    context: Context = NO_CONTEXT,
    *,
    comparison: Comparison | None = None,
    match: Match | None = None,
) -> EmailBody:
    """Return the email; ``scan`` is scan.json, ``console`` has links to AWS's console by label.

    ``decision`` is decision.json, None before there is one; ``withdrawal`` is withdrawal.json.
    ``people`` are those who did what the outcome is, or may have; empty if that is not recorded.
    ``match`` is a valid exception that has some of the findings.
    """
    facts = {
        "App": scan["app"],
        "Zip": scan["key"],
        "Version": scan["versionId"],
        "Uploaded": timestamps.minute(scan["uploadedAt"]),
        "Uploaded by": str(uploader),
    }
    if decision:
        decided = timestamps.minute(decision["decidedAt"])
        facts |= {
            "Decision": f"{decision['decision']} on {decided}",
            "Reason": decision["reason"],
        }
    if context.root:
        facts["Under"] = f"the exception of {context.root}"
    if context.extension:
        extended = timestamps.minute(context.extension["extendedAt"])
        facts["Extended"] = f"{extended}, because: {context.extension['reason']}"
    if uploader.other_claim:
        facts["Uploaded by"] += f"; claims to be {uploader.other_claim} (not verified)"
    if report and any(report.origin):
        facts["Origin"] = origin_parts.in_email(report.origin)
    if people:
        facts[f"{outcome.by} by"] = f" {outcome.joined} ".join(map(str, people))
    if outcome.warning:
        facts["Warning"] = outcome.warning
    if withdrawal:
        withdrawn = timestamps.minute(withdrawal["withdrawnAt"])
        facts["Withdrawn"] = f"{withdrawn}, because: {withdrawal['reason']}"
    elif decision and decision["expiresAt"]:
        facts["Valid until"] = timestamps.minute(context.ends or decision["expiresAt"])
    if report:
        analysed = report.coverage.analysed if report.coverage else ""
        facts["Scanned by"] = ", ".join(filter(None, (report.engine, analysed)))
    dashboard = links.web(report.dashboard) if report else None
    return EmailBody(
        app=line(scan["app"], 100),
        outcome=outcome,
        facts={name: line(value, 400) for name, value in facts.items()},
        conditions=tuple(
            line(f"{condition.name}: {condition.actual_text} ({condition.expected_text})", 300)
            for condition in (report.failed_conditions[:TOP_CONDITIONS] if report else ())
        ),
        failed_scanners=tuple(
            line(f"{scanner.name}: {scanner.error}", 400)
            for scanner in (report.failed_scanners[:TOP_CONDITIONS] if report else ())
        ),
        changes=tuple(_changes(comparison, match)),
        unanalysed=_lines_of(
            not_scanned.unanalysed(report, TOP_UNANALYSED, change_lines.new_files(comparison))
            if report
            else ()
        ),
        not_scanned=_lines_of(
            not_scanned.by_nature(report, TOP_OPAQUE, TOP_LANGUAGES) if report else ()
        ),
        findings=tuple(_findings(report, comparison)) if report else (),
        counted=report.counted if report else "",
        links={
            **({"Report": dashboard} if dashboard else {}),
            **(origin_parts.pages(report.origin) if report else {}),
            **console,
        },
    )


def _changes(comparison: Comparison | None, match: Match | None) -> Iterable[str]:
    if comparison:
        yield line(change_lines.headline(comparison), 300)
    if match:
        yield line(change_lines.approved(match), 800)
    for finding in (
        comparison.changes.fixed[:TOP_FIXED] if comparison and comparison.changes else ()
    ):
        yield line(f"Fixed: {finding.location} ({finding.rule})", 300)


def _findings(report: Report, comparison: Comparison | None) -> list[tuple[str, Finding]]:
    if comparison and comparison.changes:
        return change_lines.first(comparison.changes, TOP_FINDINGS)
    return [("", finding) for finding in report.findings[:TOP_FINDINGS]]


def _lines_of(lines: Iterable[Line]) -> tuple[str, ...]:
    return tuple(
        ": ".join(filter(None, (line(row.file, 300), line(row.words, 300)))) for row in lines
    )


def _section(title: str, tag: str, items: list[str]) -> str:
    if not items:
        return ""
    rows = "".join(f'<li style="margin:0 0 6px">{item}</li>' for item in items)
    return (
        f'<h2 style="margin:20px 0 6px;font-size:16px">{escape(title)}</h2>'
        f'<{tag} style="margin:0 0 0 22px;padding:0">{rows}</{tag}>'
    )


def _finding_text(marked: tuple[str, Finding]) -> str:
    mark, finding = marked
    url = links.web(finding.link)
    start = f"{mark.upper()}: {finding.severity}" if mark else finding.severity
    summary = f"{start} {finding.location}: {finding.message} ({finding.rule_by})"
    return wrapping.items([f"- {line(summary, 600)}"], 2) + (f"\n  {url}" if url else "")


def _finding_html(marked: tuple[str, Finding]) -> str:
    mark, finding = marked
    url, location = links.web(finding.link), escape(line(finding.location, 250))
    linked = f'<a href="{escape(url)}" style="color:#0969da">{location}</a>' if url else location
    message, rule = escape(line(finding.message, 300)), escape(line(finding.rule_by, 160))
    return (
        f"{f'<b>{escape(mark)}:</b> ' if mark else ''}"
        f"<b>{escape(line(finding.severity, 20))}</b> {linked}<br>{message} "
        f'<span class="soft" style="color:#57606a">({rule})</span>'
    )
