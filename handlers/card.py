"""The cards about one scan, which are posted in its thread in the channel."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from domain import timestamps
from domain.approvers import Person
from domain.changes import Changes
from domain.coverage import files
from domain.findings import Condition, Finding
from domain.origin import UNKNOWN, Origin
from domain.report import Report, ScanError
from domain.uploader import Uploader
from handlers import change_lines, links, not_scanned, origin_parts, scan_result
from handlers.comparison import Comparison
from handlers.exceptions_of_app import Match
from handlers.mrkdwn import block, code, link, text
from handlers.not_scanned import Line
from handlers.notification import Notification, notification
from handlers.outcome import Outcome

TOP_CONDITIONS, TOP_FINDINGS, TOP_FIXED, TOP_SCANNERS = 10, 5, 3, 3
TOP_UNANALYSED, TOP_OPAQUE, TOP_LANGUAGES = 5, 3, 5

Buttons = dict[str, str] | None


class ScanLinks(NamedTuple):
    """The upload that a card is about, and links to more details; each link may be None.

    By default nobody is recorded as its uploader, and it claims no origin.
    """

    scan: str
    app: str
    key: str
    version_id: str
    report: str | None = None
    build: str | None = None
    execution: str | None = None
    evidence: str | None = None
    uploader: Uploader = Uploader(principal_id="", claim="")
    origin: Origin = UNKNOWN

    @property
    def zip_name(self) -> str:
        """The key's last part."""
        return self.key.rpartition("/")[2]


def gate_failed(
    scan_links: ScanLinks,
    report: Report,
    until: str | None,
    buttons: Buttons,
    newer: str | None = None,
    comparison: Comparison | None = None,
    match: Match | None = None,
    *,
    covers: bool = False,
) -> Notification:
    """Return the card that asks for a decision; ``until`` is when the request expires, if known.

    If there is a ``newer`` version, it says so instead of asking. ``match`` is a valid exception
    that has some of the findings. ``covers``: an approval covers later versions, too.
    """
    failed = report.failed_conditions
    open_until = f" Open until {text(timestamps.minute(until), 40)}." if until else ""
    unseen = report.failed_unseen
    knowing = f" although {files(unseen)} in it {_were(unseen)} not analysed" if unseen else ""
    later = ", and later ones that fail for nothing else," if covers else ""
    decide = (
        f"There is nothing to decide: a newer version ({code(newer[:8], 20)}) has been uploaded."
        if newer
        else f"Click *Approve* to allow this version{later} for a limited time{knowing}, or "
        f"*Reject*; you are asked for a reason.{open_until}"
    )
    return notification(
        scan=scan_links.scan,
        title=f"❌ {text(scan_links.app, 100)}: quality gate failed",
        body=[
            _upload(scan_links, report),
            _uploaded_by(scan_links.uploader),
            *origin_parts.on_card(scan_links.origin),
            "",
            *(f"• {_condition(condition)}" for condition in failed[:TOP_CONDITIONS]),
            *_more(len(failed) - TOP_CONDITIONS, "failed conditions"),
            *_failed_scanners(report),
            *_changes(comparison, match),
            *_unanalysed(report, comparison),
            "",
            f"*Findings:* {report.counted or 'none'}",
            *_findings(report, comparison),
        ],
        foot=_foot(scan_links, report),
        next_steps=[
            decide,
            f"Or {not_scanned.remedy(report)}: a new version is scanned at once.",
        ],
        keywords=["quality gate failed", text(scan_links.app, 75), text(report.engine, 75)],
        buttons=buttons,
    )


def passes_again(
    scan_links: ScanLinks,
    report: Report,
    failed: Mapping[str, Any],
    failed_key: str,
    comparison: Comparison | None,
) -> Notification:
    """Return the card of an app that passes again.

    ``failed`` is gate-result.json of before, ``failed_key`` the key of that upload.
    """
    day, name = timestamps.day(failed["evaluatedAt"]), failed_key.rpartition("/")[2]
    version = scan_result.version_of(failed["scan"])
    is_same = version == scan_links.version_id[:8]
    before = f"{code(name, 120)}, version {code(version, 20)},"
    before = "The scan of this version" if is_same else before
    return notification(
        scan=scan_links.scan,
        title=f"✅ {text(scan_links.app, 100)}: passes again",
        body=[
            _upload(scan_links, report),
            _uploaded_by(scan_links.uploader),
            *origin_parts.on_card(scan_links.origin),
            "",
            f"{before} failed the quality gate on {day}. This one passes, and may be deployed.",
            *_changes(comparison, None),
            "",
            f"*Findings:* {report.counted or 'none'}",
            *(_fixed(comparison.changes) if comparison and comparison.changes else ()),
        ],
        foot=_foot(scan_links, report),
        next_steps=["Deploy this version instead of the one that failed."],
        keywords=["passes again", text(scan_links.app, 75)],
    )


def scan_error(
    scan_links: ScanLinks,
    scan_error: ScanError,
    report: Report | None,
    log_tail: Sequence[str],
    buttons: Buttons,
) -> Notification:
    """Return the card of a scan that failed to run: what is wrong and how to fix it."""
    return notification(
        scan=scan_links.scan,
        title=f"⚠️ {text(scan_links.app, 100)}: scan failed to run",
        body=[
            _upload(scan_links, report),
            _uploaded_by(scan_links.uploader),
            *origin_parts.on_card(scan_links.origin),
            "",
            text(scan_error.message, 1000),
            "The code was not evaluated and stays blocked.",
            *(["", "*End of the log*", block(log_tail, 250)] if log_tail else ()),
        ],
        foot=_foot(scan_links, report),
        next_steps=[text(scan_error.remediation, 350)],
        keywords=["scan failed to run", text(scan_links.app, 75)],
        buttons=buttons,
    )


def outcome(
    scan_links: ScanLinks,
    details: Outcome,
    buttons: Buttons,
    people: Sequence[Person] = (),
    mention: str = "",
) -> Notification:
    """Return the card about an outcome.

    ``people`` are those who decided, or may have; ``mention`` is mrkdwn that notifies somebody.
    """
    names = f" {details.joined} ".join(map(_mention, people[:5]))
    return notification(
        scan=scan_links.scan,
        title=f"{details.mark} {text(scan_links.app, 100)}: {text(details.headline, 100)}",
        body=[
            _upload(scan_links, None),
            _uploaded_by(scan_links.uploader),
            *origin_parts.on_card(scan_links.origin),
            "",
            f"{mention} {text(details.lead, 1000)}".strip(),
            *([f"*Reason:* {text(details.reason, 1000)}"] if details.reason else ()),
            *([f"*{details.by} by:* {names}"] if people else ()),
            *([f"⚠️ {text(details.warning, 200)}"] if details.warning else ()),
        ],
        foot=_links(scan_links),
        next_steps=[text(step, 350) for step in details.next_steps],
        keywords=[details.event, text(scan_links.app, 75)],
        buttons=buttons,
    )


def _mention(person: Person) -> str:
    """Return a Slack mention of the person, or the name if the id is not one of Slack's."""
    known = re.fullmatch(r"[UW][A-Z0-9]{6,20}", person.user)
    return f"<@{person.user}>" if known else text(person, 100)


def _upload(scan_links: ScanLinks, report: Report | None) -> str:
    version = f"version {code(scan_links.version_id[:8], 20)}"
    parts = [code(scan_links.zip_name, 200), version]
    if report and report.engine:
        parts.append(text(report.engine, 100))
    if report and report.coverage:
        parts.append(text(report.coverage.analysed, 120))
    return " · ".join(parts)


def _uploaded_by(uploader: Uploader) -> str:
    """Return what S3 recorded, and apart from that what the upload says of itself."""
    recorded = code(uploader, 200) if uploader.principal_id else str(uploader)
    claim = uploader.other_claim
    claimed = f"; claims to be {code(claim, 260)} (not verified)" if claim else ""
    return f"*Uploaded by:* {recorded}{claimed}"


def _failed_scanners(report: Report) -> Iterable[str]:
    for scanner in report.failed_scanners[:TOP_SCANNERS]:
        yield f"⚠️ *{text(scanner.name, 60)} failed to run:* {text(scanner.error, 200)}"


def _condition(failed: Condition) -> str:
    expected = text(failed.expected_text, 80)
    return f"*{text(failed.name, 120)}:* {code(failed.actual_text, 60)} ({expected})"


def _finding(finding: Finding) -> str:
    linked = link(links.web(finding.link), code(finding.location, 250))
    severity, rule = text(finding.severity, 20) or "?", code(finding.rule, 80)
    by = f" by {text(', '.join(finding.scanners), 60)}" if finding.scanners else ""
    return f"*{severity}* {linked} {text(finding.message, 300)} ({rule}{by})"


def _changes(comparison: Comparison | None, match: Match | None) -> Iterable[str]:
    if comparison or match:
        yield ""
    if comparison:
        yield f"*{text(change_lines.headline(comparison), 350)}*"
    if match:
        yield text(change_lines.approved(match), 1000)
        if match.uncovered:
            yield text(change_lines.uncovered(match), 500)


def _findings(report: Report, comparison: Comparison | None) -> Iterable[str]:
    """The findings, new ones first, then what is fixed."""
    changes = comparison and comparison.changes
    if not changes:
        yield from (f"• {_finding(finding)}" for finding in report.findings[:TOP_FINDINGS])
        yield from _more(sum(report.counts.values()) - TOP_FINDINGS, "findings")
        return
    for mark, finding in change_lines.first(changes, TOP_FINDINGS):
        yield f"• {'🆕 ' if mark else ''}{_finding(finding)}"
    if left := change_lines.left_out(changes, TOP_FINDINGS):
        yield f"… and {left}"
    yield from _fixed(changes)


def _fixed(changes: Changes) -> Iterable[str]:
    named = ", ".join(
        f"{code(finding.location, 120)} ({code(finding.rule, 60)})"
        for finding in changes.fixed[:TOP_FIXED]
    )
    more = len(changes.fixed) - TOP_FIXED
    if named:
        yield f"*Fixed:* {named}{f' and {more:,} more' if more > 0 else ''}"


def _unanalysed(report: Report, comparison: Comparison | None) -> Iterable[str]:
    if lines := not_scanned.unanalysed(report, TOP_UNANALYSED, change_lines.new_files(comparison)):
        yield ""
        yield f"*{not_scanned.UNANALYSED}*"
        yield from map(_line, lines)


def _line(line: Line) -> str:
    words = text(line.words, 130 if line.file else 300)
    if not line.file and words.startswith("…"):
        return words
    return f"• {code(line.file, 130)}: {words}" if line.file else f"• {words}"


def _were(number: int) -> str:
    return "was" if number == 1 else "were"


def _more(number: int, what: str) -> list[str]:
    return [f"… and {number} more {what}"] if number > 0 else []


def _foot(scan_links: ScanLinks, report: Report | None) -> str:
    """Return the end of a card, which is kept when its body is cut."""
    return "\n".join((*(_notes(report) if report else ()), _links(scan_links)))


def _notes(report: Report) -> Iterable[str]:
    if lines := not_scanned.by_nature(report, TOP_OPAQUE, TOP_LANGUAGES):
        yield f"*{not_scanned.BY_NATURE}*"
        yield from map(_line, lines)
        yield ""
    weakening = [setting for setting in report.ignored if setting.weakens]
    if weakening:
        listed = ", ".join(
            f"{code(setting.key, 80)} in {code(setting.file, 80)}" for setting in weakening[:3]
        )
        more = f" and {len(weakening) - 3} more" if len(weakening) > 3 else ""
        yield f"⚠️ The upload tried to weaken its own scan; ignored: {listed}{more}"
        yield ""
    if report.limits_applied and report.engine.startswith("SonarQube"):
        yield (
            "SonarQube's own gate evaluated nothing (it covers new code only), so the limits "
            "from the settings were applied to all of the code."
        )
        yield ""


def _links(scan_links: ScanLinks) -> str:
    named = {
        "Report": scan_links.report,
        "Build log": scan_links.build,
        "Execution": scan_links.execution,
        "Evidence": scan_links.evidence,
    }
    return " · ".join(link(url, label) for label, url in named.items() if url)
