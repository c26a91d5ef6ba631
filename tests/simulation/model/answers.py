"""Whether each answer to a click was true.

Promises: docs/decisions.md, "One decision per scan" (everybody else is told what is stored) and
"Buttons of your own" (*Scan again*: another attempt with a card of its own). An answer must have
been true at some point between the click and the answer; deadlines may be off by the 3 s by which
clocks differ. Answers are recognised by their wording; an unknown one is a violation, so that each
new sentence gets a rule.
"""

import re
from collections.abc import Iterator

from tests.simulation.model import decision_answers as decision
from tests.simulation.model import extension_answers as extension
from tests.simulation.model import rescan_answers as rescan
from tests.simulation.model.answer import Answer
from tests.simulation.model.history import History
from tests.simulation.model.subjects import Violation
from tests.simulation.model.wording import verb

_TIMESTAMP = r"(\d+ \w+ \d{4}, \d\d:\d\d UTC)"
_SCAN = r"([A-Za-z0-9._-]+/[A-Za-z0-9._-]+?)"


def violations(history: History) -> Iterator[Violation]:
    """Evaluate all answers."""
    for click in history.clicks:
        if click.answer is None:
            continue
        payload = click.payload if isinstance(click.payload, dict) else {}
        answer = Answer(history, click, history.attempt(payload.get("scan")))
        name, wrong = _judge(answer, click.answer)
        for what in wrong:
            yield Violation(
                name,
                click.at,
                f"{payload.get('scan')}, {verb(click) or '?'} clicked {click.began:.1f}, answered "
                f"{click.at:.1f}: {click.answer!r}: {what}",
            )


def _judge(answer: Answer, text: str) -> tuple[str, Iterator[str]]:
    for pattern, name, rule in SENTENCES:
        if match := pattern.match(text):
            return f"untrue answer: {name}", rule(answer, *match.groups())
    return "unknown answer", iter(["no such answer is known"])


# Each sentence's beginning, its rule's name, and the rule, which gets the regex's groups.
SENTENCES = [
    (re.compile(pattern, re.DOTALL), name, rule)
    for pattern, name, rule in (
        (
            rf"Approved: {_SCAN} may be deployed until {_TIMESTAMP}\.$",
            "approved",
            decision.approved,
        ),
        (
            rf"Extended: {_SCAN} may be deployed until {_TIMESTAMP}\.",
            "extended",
            extension.extended,
        ),
        (
            rf"Somebody else was faster: it was extended until {_TIMESTAMP}, because: ",
            "extended already",
            extension.faster,
        ),
        (
            rf"Nothing to extend: nothing was decided about {_SCAN} here\.$",
            "nothing decided",
            extension.nothing_decided,
        ),
        (
            rf"Nothing was extended: {_SCAN} was ([\w-]+) on {_TIMESTAMP}\.$",
            "not approved",
            decision.was,
        ),
        (
            rf"Nothing was extended: the approval expired on {_TIMESTAMP}\.$",
            "ended",
            decision.over,
        ),
        (
            rf"Nothing was extended: the approval was withdrawn on {_TIMESTAMP}\.$",
            "withdrawn",
            decision.withdrawn_on,
        ),
        (
            r"(?:Nothing was extended|Nothing to withdraw): the exception that it rests on "
            rf"(expired|was withdrawn) on {_TIMESTAMP}\.$",
            "exception over",
            extension.root_over,
        ),
        (
            rf"Too late: it was approved on [^;]+, and the exception that it rests on "
            rf"(expired|was withdrawn) on {_TIMESTAMP};",
            "too late, exception over",
            extension.root_over,
        ),
        (
            rf"Nothing was extended: it is approved under the exception of {_SCAN}; extend ",
            "rests",
            extension.rests,
        ),
        (
            r"Nothing was extended: more than one person must approve,",
            "more than one",
            extension.more_than_one,
        ),
        (
            r"Nothing was extended: the approval expires within a minute\.$",
            "within a minute",
            extension.within_a_minute,
        ),
        (
            r"Nothing was extended: an approval ends 360 days after the upload",
            "too long",
            extension.too_long,
        ),
        (
            r"Nothing was extended: a newer version replaced this one,",
            "replaced",
            extension.replaced,
        ),
        (
            rf"Nothing was extended: {_SCAN} may be deployed until {_TIMESTAMP} already\.",
            "long enough",
            extension.already,
        ),
        (
            rf"Recorded\. 2 different people must approve {_SCAN} before ",
            "approved by one",
            extension.approved_by_one,
        ),
        (r"Nothing was recorded: 20 clicks", "too many", extension.too_many),
        (
            rf"Recorded as (approved|rejected|withdrawn): {_SCAN}\. But its execution is over, ",
            "recorded, over",
            decision.recorded_in_vain,
        ),
        (
            rf"Recorded as (approved|rejected|withdrawn): {_SCAN}\. The workflow has not resumed",
            "recorded",
            decision.recorded,
        ),
        (rf"Rejected: {_SCAN} stays blocked\.$", "rejected", decision.rejected),
        (
            rf"Already (approved|rejected|withdrawn) on {_TIMESTAMP}, because: ",
            "already",
            decision.already,
        ),
        (rf"Too late: nobody had decided by {_TIMESTAMP};", "too late", decision.late),
        (
            rf"Too late: it was approved on {_TIMESTAMP}, and withdrawn on {_TIMESTAMP}, because: ",
            "too late, withdrawn",
            decision.late_withdrawn,
        ),
        (
            rf"Too late: it was approved on {_TIMESTAMP}, "
            rf"and the approval expired on {_TIMESTAMP};",
            "too late, over",
            decision.late_over,
        ),
        (r"Too late: a newer version has been uploaded;", "replaced", decision.replaced),
        (
            rf"Withdrawn: {_SCAN} may not be deployed any more\.$",
            "withdrawn",
            decision.withdrawn,
        ),
        (
            rf"Nothing to withdraw: nothing was decided about {_SCAN} here\.$",
            "nothing decided",
            decision.nothing_decided,
        ),
        (
            rf"Nothing to withdraw: {_SCAN} was ([\w-]+) on {_TIMESTAMP}\.$",
            "not approved",
            decision.was,
        ),
        (
            rf"Nothing to withdraw: the approval expired on {_TIMESTAMP}\.$",
            "ended",
            decision.over,
        ),
        (rf"{_SCAN} is not waiting for a decision;", "not waiting", decision.not_waiting),
        (rf"There is no scan {_SCAN} here\.$", "no scan", decision.no_scan),
        (r"This is not a decision about a scan;", "no decision", decision.no_payload),
        (r"This is not a scan;", "no payload", decision.no_payload),
        (
            r"Nothing was (?:decided|extended|withdrawn): give a reason of 3 to 300 ",
            "no reason",
            decision.no_reason,
        ),
        (
            r"Nothing was (?:decided|extended): Days is how long it holds,",
            "no days",
            decision.no_days,
        ),
        (r"AWS error\. Nothing was changed;", "pipeline error", decision.aws),
        (rf"{_SCAN} passed its quality gate;", "passed", rescan.passed),
        (rf"The same bytes would end as {_SCAN} did:", "same bytes", rescan.same_bytes),
        (rf"{_SCAN} is not over:", "not over", rescan.not_over),
        (
            rf"Scanning .+? again; the answer comes on a new card, about {_SCAN}\.$",
            "again",
            rescan.scanning,
        ),
        (
            rf"It is scanned again already, as {_SCAN}:",
            "again already",
            rescan.again_already,
        ),
    )
]
