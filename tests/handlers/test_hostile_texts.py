"""5,000 hostile texts in cards and emails: none of them formats, mentions, links or breaks out.

Markup is detected independently of the code that sanitizes: for cards by Slack's rules in
local/mrkdwn.py, for emails by the standard library's parsers of messages and of HTML. A card or
email full of hostile texts must have exactly the structure of one full of harmless texts.
"""

import json
import re
from email import message_from_bytes
from email.policy import default
from html.parser import HTMLParser

import pytest

from domain import approvers, coverage, report
from domain.changes import Changes
from domain.findings import SEVERITIES, Condition, Finding, IgnoredSetting
from domain.findings_document import AllFindings, UnseenFile
from domain.invisible import without_invisible
from domain.origin import Origin
from domain.stored_objects import StoredObject
from domain.timestamps import parse
from domain.uploader import Uploader
from handlers import (
    card,
    comparison,
    email_body,
    exceptions_of_app,
    failure,
    mail,
    outcome,
    scan_result,
)
from handlers.evidence import Evidence
from local import mrkdwn
from tests.support import hostile_texts
from tests.support.thinning import few

EVENTS = [
    *(
        "escalated",
        "approved",
        "rejected",
        "request-expired",
        "superseded",
        "partly-approved",
        "extended",
        "expiring",
        "approval-expired",
        "withdrawn",
    )
]
NOT_MAILED = ("escalated", "partly-approved", "superseded")
MAILED = [item for item in EVENTS if item not in NOT_MAILED] + [*failure.EVENTS]
TIMES = {"decidedAt": "2026-11-24T10:00:00Z", "expiresAt": "2026-12-24T10:00:00Z"}
OURS = "https://sonar.example.com/x?a=1&b=2"
# The number of texts in a card or email; the next one starts with those of the second half.
TEXTS = 53


class Inputs:
    """The input of cards and an email: each field has another one of ``texts``."""

    def __init__(self, texts):
        left = iter(texts)

        def take():
            return next(left)

        self.app, self.key, self.version, self.reason = take(), take(), take(), take()
        self.message, self.remediation, self.user, self.name = take(), take(), take(), take()
        self.decision, self.newer = take(), take()
        self.uploader = Uploader(f"AWS:AROAX:{take()}", claim=f"x{take()}")
        self.log = [take(), take()]
        findings = [
            Finding(
                rule=take(),
                severity=take(),
                message=take(),
                file=take(),
                line=3,
                link=OURS,
                scanners=(f"x{take()}",),
            )
            for _ in range(2)
        ]
        conditions = [
            Condition(
                metric=take(), comparator=take(), threshold=take(), actual=take(), status="error"
            )
            for _ in range(1)
        ]
        unseen = [
            coverage.Unseen(
                kind=kind, file=f"x{take()}x" * named, language=take(), reason=take(), files=1
            )
            for kind in ("unanalysed", "opaque")
            for named in (True, False)
        ]
        self.report = report.Report(
            engine=f"SonarQube {take()}",
            scanner=f"x{take()}",
            coverage=coverage.Coverage(
                counts=dict.fromkeys(coverage.CLASSES, 9),
                reported=False,
                languages={take(): 4},
                unseen=unseen,
            ),
            limits_applied=True,
            passed=False,
            conditions=tuple(conditions),
            counts=dict.fromkeys(SEVERITIES, 1),
            findings=tuple(findings),
            ignored=(IgnoredSetting(file=take(), key=take(), value="true", weakens=True),),
            dashboard=OURS,
            uploader="",
            origin=Origin(*(f"x{take()}" for _ in Origin._fields)),
            error=None,
            scanners=(report.Scanner(f"x{take()}", f"x{take()}"),),
        )

        self.comparison, self.match = self.changes(findings)
        self.context = outcome.Context(
            ends=TIMES["expiresAt"],
            root=f"x{self.key}",
            resting=f"x{self.version}",
            extension={"reason": self.reason or "-", "extendedAt": TIMES["decidedAt"]},
            approvals=[self.reason or "-"],
        )

    def changes(self, findings):
        """What changed since a scan with the same names, and an exception for that."""
        same = tuple(findings[:1])  # a card with more of the longest names is cut
        result = scan_result.ScanResult(
            scan=f"payments/x{self.version}",
            key=f"x{self.key}",
            gate_result={"evaluatedAt": TIMES["decidedAt"]},
            sha256="",
            report=self.report,
            findings=AllFindings(findings=same, contents={}, unseen=(), complete=True),
        )
        files = tuple(
            UnseenFile(kind=entry.kind, file=entry.file, files=1, sha256=None)
            for entry in (self.report.coverage.unseen if self.report.coverage else ())
        )
        changed = Changes(
            new=same,
            known=same,
            fixed=same,
            new_files=files,
            known_files=files,
            fixed_files=files,
            unchecked=same,
        )
        decision = StoredObject(json.dumps({"reason": self.reason or "-"}).encode())
        match = exceptions_of_app.Match(
            exception=exceptions_of_app.Valid(
                Evidence(None, "", "payments/v1"), decision, parse(TIMES["expiresAt"])
            ),
            result=result,
            people=[approvers.Person(self.user, self.name)],
            findings=2,
            files=1,
            uncovered=[f"x{self.message}"],
        )
        return comparison.Comparison(result, changed), match

    def subject(self):
        return card.ScanLinks(
            scan="payments/3Lg",
            app=self.app,
            key=self.key,
            version_id=self.version,
            report=OURS,
            execution=OURS,
            uploader=self.uploader,
            origin=self.report.origin,
        )

    def outcome_of(self, event):
        documents = {"reason": self.reason or "-", **TIMES}
        if event in failure.EVENTS:
            gate_result = {**documents, "remediation": self.remediation or "-"}
            return failure.describe(event, self.key, gate_result, self.report, TIMES["expiresAt"])
        described = outcome.describe(
            event, self.key, documents, documents, TIMES["expiresAt"], self.context
        )
        return described._replace(warning=f"x{self.name}")

    def cards(self, event):
        subject, result, people = self.subject(), self.report, [approvers.Person(self.user, "x")]
        scan_error = report.ScanError(message=self.message, remediation=self.remediation)
        yield card.gate_failed(subject, result, TIMES["expiresAt"], None, f"v{self.newer}")
        changed = self.comparison, self.match
        yield card.gate_failed(subject, result, TIMES["expiresAt"], None, None, *changed)
        before = {"scan": f"payments/y{self.version}", "evaluatedAt": TIMES["decidedAt"]}
        yield card.passes_again(subject, result, before, self.key, self.comparison)
        yield card.scan_error(subject, scan_error, result, self.log, None)
        yield card.outcome(subject, self.outcome_of(event), None, people, "<!here>")

    def mail(self, event):
        scan = {
            "app": self.app,
            "key": self.key,
            "versionId": self.version,
            "uploadedAt": TIMES["decidedAt"],
        }
        decision = {"decision": self.decision, "reason": self.reason, **TIMES}
        withdrawal = {"reason": self.reason, "withdrawnAt": TIMES["decidedAt"]}
        written = email_body.compose(
            self.outcome_of(event),
            scan,
            self.uploader,
            self.report,
            decision,
            withdrawal if event == "withdrawn" else None,
            {"Execution": OURS},
            [approvers.Person(self.user, self.name)],
            self.context,
            comparison=self.comparison,
            match=self.match,
        )
        return mail.message("payments/3Lg", written, "gate@example.com", ["dev@example.com"])


HARMLESS = Inputs(["x"] * TEXTS)


def live(spans):
    """The kinds of the ``spans`` that are markup."""
    return [{key: span[key] for key in span if key != "text"} for span in spans if len(span) > 1]


def structure(displayed):
    """The lines of a card's description, and the markup in its lines and its other fields."""
    content = displayed["content"]
    body = mrkdwn.parse(content["description"])
    others = [content["title"], displayed["metadata"]["summary"], *content["keywords"]]
    return (
        [(block["kind"], live(block["spans"])) for block in body],
        [live(mrkdwn.spans(step)) for step in content["nextSteps"] if live(mrkdwn.spans(step))],
        [other for other in others if [b["kind"] for b in mrkdwn.parse(other)] != ["text"]],
        [live(mrkdwn.spans(other)) for other in others if live(mrkdwn.spans(other))],
    )


def plain_texts(displayed):
    """All running text of a card, without code."""
    content = displayed["content"]
    blocks = mrkdwn.parse("\n".join((content["description"], *content["nextSteps"])))
    spans = [span for block in blocks if block["kind"] != "code" for span in block["spans"]]
    return [item["text"] for item in spans if not item.keys() & {"code", "mention"}] + [
        content["title"],
        *content["keywords"],
    ]


# Undocumented formatting that Slack's clients apply to typed text
# (https://gitlab.com/postgres-ai/joe/-/issues/139).
PLAIN = re.compile(r"[^\W_]\.[^\W\d_]{2}|(?i:\b(?:mailto|tel):)|[@\uff20][\w-]|(?<!\w)#[\w-]")


def assert_harmless(displayed, expected):
    assert structure(displayed) == expected
    for plain_text in plain_texts(displayed):
        assert not PLAIN.search(plain_text)
        assert without_invisible(plain_text).replace("\u200b", "") == plain_text.replace(
            "\u200b", ""
        )


class Page(HTMLParser):
    """The structure of a page: its tags with their attribute names, and its URLs."""

    def __init__(self, html):
        super().__init__()
        self.seen, self.text = [], ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        href = [value for name, value in attrs if name == "href"]
        self.seen.append((tag, [name for name, _ in attrs], href))

    def handle_endtag(self, tag):
        self.seen.append(f"/{tag}")

    def handle_data(self, data):
        self.text += data

    def handle_comment(self, data):
        self.seen.append("comment")

    def handle_pi(self, data):
        self.seen.append("pi")


def read(raw):
    """An email's headers by name, the types of its parts, its text and its HTML."""
    message = message_from_bytes(raw, policy=default)
    bodies = [message.get_body((kind,)) for kind in ("plain", "html")]
    text, html = (body.get_content().replace("\r\n", "\n") if body else "" for body in bodies)
    kinds = [part.get_content_type() for part in message.walk()]
    return message, kinds, text, Page(html)


def assert_sound(raw, wanted):
    message, kinds, text, page = read(raw)
    expected, expected_kinds, _, expected_page = wanted

    assert message.keys() == expected.keys()
    assert kinds == expected_kinds
    assert page.seen == expected_page.seen
    assert message["To"] == "dev@example.com"
    assert message.defects == []
    for line in raw.split(b"\r\n"):
        assert len(line) <= 998
        assert b"\r" not in line
        assert b"\n" not in line
    for line in text.splitlines():
        assert len(line) <= 78 or line.strip().startswith(("http://", "https://"))
    for displayed in (text, page.text, message["Subject"]):
        assert without_invisible(displayed) == displayed
        assert not re.search(r"[\0-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]", displayed)


EXPECTED = {event: [structure(item) for item in HARMLESS.cards(event)] for event in EVENTS}
EXPECTED_MAILS = {event: read(HARMLESS.mail(event)) for event in MAILED}


@pytest.mark.parametrize("name", hostile_texts.NASTY)
@pytest.mark.parametrize("event", few(["approved", "withdrawn"], ["approved"]))
def test_hostile_text_is_plain_wherever_it_is_shown(name, event):
    inputs = Inputs([hostile_texts.NASTY[name]] * TEXTS)

    for displayed, expected in zip(inputs.cards(event), EXPECTED[event], strict=True):
        assert_harmless(displayed, expected)
    assert_sound(inputs.mail(event), EXPECTED_MAILS[event])


@pytest.mark.parametrize("name", hostile_texts.NASTY)
@pytest.mark.parametrize("event", failure.EVENTS)
def test_hostile_text_is_plain_in_the_email_about_a_failure(name, event):
    inputs = Inputs([hostile_texts.NASTY[name]] * TEXTS)

    assert_sound(inputs.mail(event), EXPECTED_MAILS[event])


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_random_hostile_text_stays_text(seed):
    texts = hostile_texts.texts(1_000, seed)
    texts += texts[:TEXTS]

    for number, first in enumerate(range(0, 1_000, TEXTS // 2)):
        inputs = Inputs(texts[first : first + TEXTS])
        event = EVENTS[number % len(EVENTS)]
        for displayed, expected in zip(inputs.cards(event), EXPECTED[event], strict=True):
            assert_harmless(displayed, expected)
        event = MAILED[number % len(MAILED)]
        assert_sound(inputs.mail(event), EXPECTED_MAILS[event])
