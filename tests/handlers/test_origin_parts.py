"""Cards and emails show in one line where an upload claims to come from, and that it claims so."""

import json
from pathlib import Path

import pytest

from domain import report
from domain.origin import UNKNOWN, Origin
from domain.uploader import Uploader
from handlers import card, email_body, origin_parts, outcome
from local import mrkdwn

EVENTS = Path(__file__).parents[1] / "events"
FAILED = json.loads((EVENTS / "report-failed.json").read_text())
UNTIL = "2026-12-24T10:00:00Z"
DECISION = {
    "decision": "rejected", "reason": "no", "decidedAt": "2026-11-24T10:00:00Z", "expiresAt": None,
}  # fmt: skip
FULL = Origin(
    repository="https://github.com/acme/payments",
    commit="1a2b3c4d5e6f7081920a1b2c3d4e5f6071829304",
    branch="feature/<b>`x`",
    pull_request="17",
    author="Ada @here",
    build_url="https://ci.example.com/12?a=1&b=2",
)
LINE = (
    "*Origin, as the upload says:* "
    f"commit <{FULL.repository}/commit/{FULL.commit}|`1a2b3c4`>"
    " · branch `feature/&lt;b&gt;'x'`"
    f" · pull request <{FULL.repository}/pull/17|`17`>"
    " · by `Ada @\u200bhere` · repository `github.com/acme/payments`"
    " · <https://ci.example.com/12?a=1&amp;b=2|build on `ci.example.com`>"
)


def cards(origin):
    links = card.ScanLinks(
        scan="payments/v1", app="payments", key="payments/api.zip", version_id="v1", origin=origin
    )
    parsed = report.read(FAILED, FAILED["scan"])
    error = report.ScanError(message="It broke.", remediation="Fix it.")
    yield card.gate_failed(links, parsed, UNTIL, None)
    yield card.scan_error(links, error, None, (), None)
    details = outcome.describe("rejected", "api.zip", DECISION, None, UNTIL)
    yield card.outcome(links, details, None)


def email(claimed):
    upload = {**FAILED["upload"], "origin": claimed}
    parsed = report.read({**FAILED, "upload": upload}, FAILED["scan"])
    details = outcome.describe("rejected", "api.zip", DECISION, None, UNTIL)
    scan = {
        "app": "payments", "key": "payments/api.zip", "versionId": "v1",
        "uploadedAt": "2026-11-24T09:00:00Z",
    }  # fmt: skip
    nobody = Uploader(principal_id="", claim="")
    return email_body.compose(details, scan, nobody, parsed, DECISION, None, {})


def test_every_card_has_the_line_below_the_uploader():
    for rendered in cards(FULL):
        lines = rendered["content"]["description"].split("\n")
        assert lines[1] == "*Uploaded by:* not recorded"
        assert lines[2] == LINE


def test_the_line_has_three_links_and_no_mention():
    [block] = mrkdwn.parse(LINE)

    links = {span["href"] for span in block["spans"] if "href" in span}
    assert links == {FULL.commit_url, FULL.pull_request_url, FULL.build_url}
    assert not any("mention" in span for span in block["spans"])


def test_a_card_of_an_upload_that_claims_nothing_is_as_before():
    for rendered in cards(UNKNOWN):
        assert "Origin" not in rendered["content"]["description"]
        assert rendered["content"]["description"].split("\n")[2] == ""


@pytest.mark.parametrize(
    ("origin", "line"),
    [
        (Origin(branch="main"), "*Origin, as the upload says:* branch `main`"),
        (
            Origin(commit="1a2b3c4d", repository="https://git.example.com/a"),
            "*Origin, as the upload says:* commit `1a2b3c4` · repository `git.example.com/a`",
        ),
        (UNKNOWN, None),
    ],
    ids=["a branch alone", "an unknown kind of host", "nothing"],
)
def test_what_is_unknown_is_left_out(origin, line):
    assert origin_parts.on_card(origin) == ([line] if line else [])


def test_the_longest_origin_leaves_room_on_the_card():
    longest = Origin(
        repository="https://gitlab.com/" + "a" * 281,
        commit="a" * 64,
        branch="<" * 200,
        pull_request="9" * 40,
        author="&" * 150,
        build_url="https://ci.example.com/" + "&" * 377,
    )

    for rendered in cards(longest):
        lines = rendered["content"]["description"].split("\n")
        assert len(lines[2]) < 4000
        assert "…" not in lines


def test_the_email_names_the_claims_and_links_their_pages():
    claimed = {
        "repository": FULL.repository, "commit": FULL.commit, "branch": "main",
        "pullRequest": "17", "author": "Ada <b>", "buildUrl": FULL.build_url,
    }  # fmt: skip

    body = email(claimed)

    assert body.facts["Origin"] == (
        "as the upload says: commit 1a2b3c4, branch main, pull request 17, by Ada <b>, "
        "repository github.com/acme/payments"
    )
    assert {"Commit", "Pull request", "Uploading build"} < body.links.keys()
    assert f'href="{FULL.commit_url}"' in body.html()
    assert "Ada &lt;b&gt;" in body.html()
    assert f"Commit: {FULL.commit_url}" in " ".join(body.text().split())
    assert "Origin" not in email({}).facts
