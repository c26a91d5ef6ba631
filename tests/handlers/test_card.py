"""Any report makes a valid card that shows outside text as plain text."""

import json
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from domain import coverage, findings, report
from handlers import approval, card, notification, outcome

SCAN = "payments/3LgVabc"
SCAN_LINKS = card.ScanLinks(
    scan=SCAN,
    app="payments",
    key="payments/api-1.4.zip",
    version_id="3LgVabc",
    execution="https://console.example.com/execution",
)
BUTTONS = {"Decide": "approval", "Region": "eu-central-1", "Scan": SCAN}
REJECTED = outcome.describe(
    "rejected", "api.zip", {"reason": "because", "expiresAt": None}, None, ""
)
# https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html
SERVICE = Draft202012Validator(
    {
        "type": "object",
        "required": ["version", "source", "content"],
        "additionalProperties": False,
        "properties": {
            "version": {"const": "1.0"},
            "source": {"const": "custom"},
            "content": {
                "type": "object",
                "required": ["description"],
                "additionalProperties": False,
                "properties": {
                    "textType": {"const": "client-markdown"},
                    "title": {"type": "string", "minLength": 1, "maxLength": 250},
                    "description": {"type": "string", "minLength": 1, "maxLength": 8000},
                    "nextSteps": {
                        "type": "array",
                        "items": {"type": "string", "minLength": 1, "maxLength": 350},
                    },
                    "keywords": {
                        "type": "array",
                        "items": {"type": "string", "minLength": 1, "maxLength": 75},
                    },
                },
            },
            "metadata": {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    "threadId": {"type": "string"},
                    "summary": {"type": "string"},
                    "enableCustomActions": {"type": "boolean"},
                    "additionalContext": {
                        "type": "object",
                        "additionalProperties": {"type": "string"},
                    },
                },
            },
        },
    }
)
OUR_LINK = re.compile(r"<https?://[^<>|\s]+\|[^<>]*>")
FRAGMENTS = [
    "<!channel>",
    "<!here|x>",
    "<@U1>",
    "@here",
    "@",
    "`",
    "```",
    "*",
    "_",
    "~",
    "|",
    "<",
    ">",
    "&",
    "&amp;",
    "&lt;!channel&gt;",
    ":tada:",
    "😀",
    "<https://evil.example|Report>",
    "https://evil.example/@here|x>",
]
FRAGMENTS += ["\n", "\u2028", "\0", "\u202e", "\ud800", "x" * 300, "&" * 300]
hostile = st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=20), max_size=12).map("".join)
links = st.none() | hostile | hostile.map("https://sonar.example.com/".__add__)
count = st.none() | st.integers(0, 10**18)
files = st.integers(0, 100) | st.integers(0, coverage.MOST)


@st.composite
def coverages(draw):
    """The coverage of a report, with hostile names and reasons."""
    unseen = {
        "class": st.sampled_from(["unanalysed", "opaque", "otherLanguage"]),
        "file": hostile | hostile.map("{}/".format) | st.just(""),
        "language": hostile,
        "reason": hostile,
        "files": st.integers(1, 10**6),
    }
    named = draw(st.lists(st.fixed_dictionaries(unseen), max_size=20))
    languages = draw(st.dictionaries(hostile, st.integers(0, 10**6), max_size=10))
    counts = {name: draw(files) for name in coverage.CLASSES}
    for item in named:
        counts[item["class"]] += item["files"]
    counts["otherLanguage"] += sum(languages.values())
    return {
        "counts": {name: min(number, coverage.MOST) for name, number in counts.items()},
        "lines": draw(count),
        "reported": draw(st.booleans()),
        "otherLanguages": languages,
        "files": named,
    }


def evaluated(seen, most):
    """The gate's condition on unanalysed files, as it follows from the coverage."""
    actual = seen["counts"]["unanalysed"]
    return {
        "metric": "unanalysed_files",
        "comparator": ">",
        "threshold": str(most),
        "actual": str(actual),
        "status": "error" if actual > most else "ok",
    }


@st.composite
def reports(draw):
    """Reports in the schema's shape, full of hostile text."""
    condition = {
        "metric": hostile | st.sampled_from([*report.SEVERITIES, "new_rating"]),
        "comparator": st.sampled_from("<>") | hostile,
        "threshold": hostile,
        "actual": hostile | st.sampled_from("12345"),
        "status": st.just("error"),
    }
    finding = {
        "rule": hostile,
        "severity": st.sampled_from(report.SEVERITIES) | hostile,
        "message": hostile,
        "file": hostile,
        "line": count,
        "link": links,
    }
    ignored = {"key": hostile, "file": hostile, "value": hostile, "weakens": st.just(True)}
    shape = st.fixed_dictionaries
    gate = {
        "status": st.just("failed"),
        "judge": st.sampled_from(["limits", "sonarqube"]),
        "conditions": st.lists(shape(condition), min_size=1, max_size=15),
    }
    failed, seen = draw(st.booleans()), draw(coverages())
    if seen["counts"]["unanalysed"] and draw(st.booleans()):
        gate["conditions"] = st.just([evaluated(seen, 0)])
    return {
        "version": 1,
        "scan": SCAN,
        "engine": draw(st.none() | shape({"name": hostile, "version": hostile})),
        "coverage": seen if failed else draw(st.none() | st.just(seen)),
        "gate": draw(shape(gate)) if failed else None,
        "counts": {severity: draw(st.integers(0, 10**18)) for severity in report.SEVERITIES},
        "findings": draw(st.lists(shape(finding), max_size=7)),
        "ignored": draw(st.lists(shape(ignored), max_size=5)),
        "links": {"dashboard": draw(links)},
        "upload": {"uploader": draw(hostile)},
        "error": None if failed else draw(shape({"message": hostile, "remediation": hostile})),
    }


def assert_shows_safely(displayed):
    SERVICE.validate(displayed)
    notification.check(displayed)
    json.dumps(displayed, ensure_ascii=False).encode()
    content = displayed["content"]
    for text in (
        content["title"],
        content["description"],
        *content["nextSteps"],
        *content["keywords"],
    ):
        assert not re.search(r"[\0-\x09\x0b-\x1f\u2028\u2029\u202e]", text)
        assert not re.search(r"@(here|channel|everyone)", text)
        assert "<!" not in text
        assert "<@" not in text
        assert not re.search(r"[<>]", OUR_LINK.sub("", text))
        assert not re.search(r"&(?!(?:amp|lt|gt);)", text)
        parts = text.split("```")
        assert len(parts) % 2  # every code block ends
        for line in "".join(parts[::2]).split("\n"):
            assert not line.startswith("&gt;")  # a quotation, to Slack
            assert line.count("`") % 2 == 0


@given(document=reports())
def test_the_card_is_valid_and_safe_for_any_report(document):
    parsed_report = report.parse(document, SCAN)
    assert parsed_report

    if parsed_report.error:
        card_shown = card.scan_error(SCAN_LINKS, parsed_report.error, parsed_report, [], None)
    else:
        card_shown = card.gate_failed(SCAN_LINKS, parsed_report, "2026-11-27T10:00:00Z", BUTTONS)

    assert_shows_safely(card_shown)
    assert card_shown["content"]["description"].endswith("|Execution>")


@given(name=hostile, tail=st.lists(hostile, max_size=15), message=hostile, remediation=hostile)
def test_the_card_is_valid_and_safe_for_any_names_and_log(name, tail, message, remediation):
    subject = card.ScanLinks(scan=SCAN, app=name, key=name, version_id=name)

    assert_shows_safely(
        card.scan_error(
            subject, report.ScanError(message=message, remediation=remediation), None, tail, BUTTONS
        )
    )


@given(
    reason=hostile,
    zip_name=hostile,
    event=st.sampled_from(
        [
            *("escalated", "approved", "rejected", "request-expired", "superseded"),
            *("expiring", "approval-expired", "withdrawn"),
        ]
    ),
)
def test_the_card_is_valid_and_safe_for_any_reason(reason, zip_name, event):
    times = {"decidedAt": "2026-11-24T10:00:00Z", "expiresAt": "2026-12-24T10:00:00Z"}

    decision = {"reason": reason, **times}
    details = outcome.describe(event, zip_name, decision, {"reason": reason}, times["expiresAt"])

    assert_shows_safely(card.outcome(SCAN_LINKS, details, BUTTONS))


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | hostile,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
EMPTY = {
    "version": 1,
    "scan": SCAN,
    "engine": None,
    "coverage": None,
    "gate": {"status": "failed", "judge": "limits", "conditions": []},
    "counts": {},
    "findings": [],
    "ignored": [],
    "links": {"dashboard": None},
    "upload": {},
    "error": None,
}

FINDING = {"rule": "r", "severity": "HIGH", "message": "m", "file": "f", "link": None}


@given(
    document=json_like
    | st.dictionaries(st.sampled_from(list(EMPTY)), json_like).map(lambda some: {**EMPTY, **some})
)
@example(document={**EMPTY, "findings": [{**FINDING, "line": float("inf")}]})
def test_a_document_of_any_shape_is_a_report_or_none(document):
    parsed_report = report.parse(document, SCAN)

    if parsed_report and parsed_report.error:
        assert_shows_safely(
            card.scan_error(SCAN_LINKS, parsed_report.error, parsed_report, [], None)
        )


def test_a_long_card_is_cut_from_the_end_and_keeps_its_links():
    card_shown = notification.notification(
        scan=SCAN,
        title="title",
        body=[f"{n} " + "x" * 998 for n in range(20)],
        foot="the links",
        next_steps=[],
        keywords=[],
    )

    lines = card_shown["content"]["description"].split("\n")
    assert [line.split()[0] for line in lines[:7]] == list("0123456")
    assert lines[7:] == ["…", "", "the links"]


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("title", {"title": "x" * 251}),
        ("title", {"title": ""}),
        ("title", {"title": "😀" * 126}),
        ("description", {"description": ""}),
        ("description", {"description": "x" * 8001}),
        ("nextSteps", {"nextSteps": ["x" * 351]}),
        ("keywords", {"keywords": [None]}),
        ("keywords", {"keywords": ["x" * 76]}),
    ],
)
def test_an_invalid_card_is_not_sent(field, change):
    card_shown = card.outcome(SCAN_LINKS, REJECTED, None)
    card_shown["content"].update(change)

    with pytest.raises(ValueError, match=f"^{field} takes"):
        notification.check(card_shown)


def test_links_that_are_too_long_by_themselves_are_refused():
    with pytest.raises(ValueError, match="description takes"):
        notification.notification(
            scan=SCAN, title="title", body=["body"], foot="x" * 8001, next_steps=[], keywords=[]
        )


def test_a_card_is_checked_where_it_is_made():
    with pytest.raises(ValueError, match="title takes"):
        notification.notification(
            scan=SCAN, title="x" * 251, body=["body"], foot="", next_steps=[], keywords=[]
        )


@pytest.mark.parametrize(
    ("metric", "comparator", "threshold", "actual", "expected"),
    [
        ("HIGH", ">", "3", "4", ("HIGH findings", "4", "limit 3")),
        ("new_coverage", "<", "5", "2", ("new coverage", "2", "minimum 5")),
        ("reliability_rating", ">", "1", "5", ("reliability rating", "E", "A or better")),
        ("files", "=", "1", "1", ("files", "1", "not = 1")),
        ("unanalysed_files", ">", "0", "2", ("unanalysed files", "2", "limit 0")),
        (
            "opaque_files",
            ">",
            "0",
            "2",
            ("opaque files (archives, compiled code, dependencies)", "2", "limit 0"),
        ),
    ],
)
def test_a_condition_is_formatted_for_people(metric, comparator, threshold, actual, expected):
    condition = findings.Condition(
        metric=metric, comparator=comparator, threshold=threshold, actual=actual, status="error"
    )

    assert (condition.name, condition.actual_text, condition.expected_text) == expected


def test_all_cards_of_a_scan_are_in_one_thread():
    scan_error = report.ScanError(message="m", remediation="m")

    cards = [
        card.outcome(SCAN_LINKS, REJECTED, None),
        card.scan_error(SCAN_LINKS, scan_error, None, [], None),
    ]

    assert {item["metadata"]["threadId"] for item in cards} == {SCAN}


def test_a_scan_id_from_a_card_is_one_that_the_buttons_send():
    assert approval.parse({"scan": BUTTONS["Scan"], "approve": "reason"}).scan == SCAN
