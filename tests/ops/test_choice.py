"""The version to deploy is found with few, simultaneous requests."""

import io
import json
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from botocore.response import StreamingBody

from ops.choice import MAX_EXPLAINED, NEWEST
from ops.stack import CONCURRENT
from tests.ops.conftest import FUTURE, LATER, PAST, digest

APPROVED = {"decision": "approved", "reason": "fixed in 1.5", "expiresAt": FUTURE}
KEY = "payments/api.zip"


class Many:
    """1,000 versions of one key, all rejected unless tagged otherwise.

    ``calls`` counts the requests; ``together`` is how many tags must be requested at the same time
    before the first is answered.
    """

    def __init__(self, environment):
        self._environment = environment
        self.versions = [f"v{number:04}" for number in range(1000)]
        self.tags, self.calls = {}, Counter()
        self.lock, self.together = threading.Lock(), threading.Barrier(CONCURRENT)

    def answer(self, operation, parameters):
        with self.lock:
            self.calls[operation] += 1
            first = self.calls["GetObjectTagging"] <= CONCURRENT
        if operation == "ListObjectVersions":
            return {"Versions": self._listed() if parameters["Prefix"] == "payments/" else []}
        if operation == "GetObjectTagging":
            if first:
                self.together.wait(20)
            tag = self.tags.get(parameters["VersionId"], "rejected")
            return {"TagSet": [{"Key": "scan-status", "Value": tag}]}
        if operation == "GetObject" and parameters["Bucket"] == "uploads":
            return {"Body": StreamingBody(io.BytesIO(b"zip"), 3)}
        return None

    def _listed(self):
        newest = datetime(2026, 1, 1, tzinfo=UTC)
        return [
            {
                "Key": KEY,
                "VersionId": version,
                "IsLatest": not number,
                "LastModified": newest - timedelta(minutes=number),
            }
            for number, version in enumerate(self.versions)
        ]


@pytest.fixture
def many(environment, asked_first):
    many = Many(environment)
    asked_first(many.answer)
    return many


def fetch(environment, *words):
    return environment.run("fetch", "payments", "--to", str(environment.folder / "got.zip"), *words)


@pytest.mark.slow
@pytest.mark.parametrize("place", [0, 1, 100, NEWEST - 1])
def test_a_cleared_version_among_the_newest_is_found_with_few_calls_at_a_time(
    environment, many, place
):
    version = many.versions[place]
    many.tags[version] = "passed"
    environment.scan(version, "passed")

    result = fetch(environment, "--json")

    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["version"] == version
    assert len(json.loads(result.stdout)["newer"]) == place
    assert many.calls.total() < NEWEST + 100, many.calls
    assert not many.together.broken


@pytest.mark.slow
def test_where_none_of_the_newest_is_cleared_it_says_so_after_a_few_hundred_calls(
    environment, many
):
    many.tags[many.versions[-1]] = "passed"
    for version in many.versions[:MAX_EXPLAINED]:
        environment.scan(version, decision={"decision": "rejected", "reason": "fix it"})
    many.calls.clear()

    result = fetch(environment)

    assert result.exit_code == 1
    assert f"none of the newest {NEWEST} versions of payments may be deployed" in result.stderr
    assert "--newest 1000" in result.stderr
    assert result.stderr.count("because: fix it") == MAX_EXPLAINED
    assert f"and {NEWEST - MAX_EXPLAINED} more versions" in result.stderr
    assert many.calls.total() < NEWEST + 100, many.calls


def test_the_option_all_finds_an_older_version(environment, many):
    last = many.versions[-1]
    many.tags[last] = "passed"
    environment.scan(last, "passed")

    result = fetch(environment, "--newest", "1000", "--json")

    assert (result.exit_code, json.loads(result.stdout)["version"]) == (0, last)
    assert many.calls["GetObjectTagging"] == 1000
    assert many.calls.total() < 1100, many.calls


def test_after_checking_all_versions_all_is_not_suggested(environment, many):
    result = fetch(environment, "--newest", "1000")

    assert result.exit_code == 1
    assert "no version of payments may be deployed" in result.stderr
    assert "--newest" not in result.stderr


def test_the_newest_cleared_version_is_chosen_whichever_tag_is_read_first(environment, many):
    for place in (3, 4, 40):
        many.tags[many.versions[place]] = "passed"
        environment.scan(many.versions[place], "passed")

    result = fetch(environment, "--json")

    assert json.loads(result.stdout)["version"] == many.versions[3]


def test_evidence_is_read_only_for_cleared_and_explained_versions(environment, many):
    version = many.versions[50]
    many.tags[version] = "passed"
    environment.scan(version, "passed")
    many.calls.clear()

    fetch(environment)

    assert many.calls["ListObjectsV2"] == MAX_EXPLAINED + 1


@pytest.fixture
def older(environment):
    """A valid version, which is chosen if the newer one is not."""
    return environment.cleared(body=b"old")


def refused(environment, older):
    """The message about the newer version, which is not chosen."""
    result = fetch(environment, "--json")
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert answer["version"] == older
    [newer] = answer["newer"]
    assert newer["why"] in result.stderr
    return newer["why"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "document",
    [b"no json", b"\xff", b"[" * 100_000, b"[]", {}, {"scan": "payments/other"}, b" " * 1_100_000],
    ids=["no JSON", "no text", "nested", "a list", "nothing", "another scan's", "huge"],
)
@pytest.mark.parametrize(
    "name", ["scan.json", "gate-result.json", "decision.json", "withdrawal.json", "actions/1.json"]
)
def test_a_version_with_invalid_evidence_is_named_and_the_next_one_is_chosen(
    environment, older, name, document
):
    version = environment.upload(status="approved")
    environment.put(environment.scan(version, decision=APPROVED), name, document)

    why = refused(environment, older)

    assert why.startswith(f"its evidence is not as the pipeline writes it: {name} is ")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("field", "value"),
    [
        (field, value)
        for field in ("decision", "reason", "decidedAt", "expiresAt")
        for value in (None, 7, [], {}, "soon")
        if (field, value) != ("reason", "soon")
    ],
)
def test_a_decision_with_an_invalid_field_clears_nothing(environment, older, field, value):
    version = environment.upload(status="approved")
    environment.scan(version, decision={**APPROVED, field: value})

    assert "decision.json" in refused(environment, older)


@pytest.mark.slow
@pytest.mark.parametrize(
    "report",
    [
        b"no json",
        b"[]",
        {},
        {"upload": 7},
        {"upload": {"sha256": None}},
        {"upload": {"sha256": ""}},
    ],
)
def test_a_version_whose_report_does_not_say_what_was_scanned_is_not_taken(
    environment, older, report
):
    version = environment.upload(status="passed")
    scan = environment.scan(version, "passed")
    environment.put(
        scan, "report.json", report if isinstance(report, bytes) else {"scan": scan, **report}
    )

    assert refused(environment, older) == "its evidence does not say what was scanned"


@pytest.mark.parametrize("change", [{"key": "payments/web.zip"}, {"bucket": "elsewhere"}])
def test_a_version_whose_evidence_is_about_another_upload_is_not_taken(environment, older, change):
    version = environment.upload(status="passed")
    scan = environment.scan(version, "passed")
    key = f"scans/{scan}/scan.json"
    opened = json.loads(environment.s3.get_object(Bucket="artifacts", Key=key)["Body"].read())
    environment.put(scan, "scan.json", {**opened, **change})

    assert refused(environment, older) == "its evidence is about another upload"


@pytest.mark.parametrize(
    ("tag", "status", "decision", "says"),
    [
        ("passed", "failed", None, "failed: The quality gate failed"),
        ("passed", "error", None, "error: "),
        ("passed", "failed", APPROVED, "approved by the channel"),
        ("approved", "failed", None, "it waits for a decision"),
        ("approved", "failed", {"decision": "rejected"}, "rejected by the channel"),
        ("approved", "failed", {"decision": "request-expired"}, "request expired"),
        (
            "approved",
            "failed",
            {**APPROVED, "expiresAt": LATER},
            "its approval expired on 1 Jan 2026",
        ),
        ("approved", "passed", None, "passed"),
    ],
)
def test_a_version_whose_tag_contradicts_its_evidence_is_not_taken(
    environment, older, tag, status, decision, says
):
    environment.scan(environment.upload(status=tag), status, decision)

    why = refused(environment, older)

    assert why.startswith(f"its tag says {tag}, but its evidence: ")
    assert says in why


@pytest.mark.slow
@pytest.mark.parametrize("tag", ["approved", "passed"])
@pytest.mark.parametrize("when", [PAST, LATER, FUTURE])
def test_a_withdrawn_version_is_not_taken_whatever_its_tag_says(environment, older, tag, when):
    version = environment.upload(status=tag)
    withdrawal = {"reason": "exploited", "withdrawnAt": when}
    environment.scan(version, decision=APPROVED, withdrawal=withdrawal)

    assert "withdrawn by the channel" in refused(environment, older)


def test_a_tag_without_any_evidence_clears_nothing(environment, older):
    environment.upload(status="passed")

    assert "its tag says passed, but its evidence: its scan has not begun" in refused(
        environment, older
    )


def test_a_version_is_taken_by_its_last_attempt_that_was_evaluated(environment, older):
    version = environment.upload(body=b"zip", status="passed")
    environment.scan(version, decision=APPROVED, withdrawal={"reason": "exploited"})
    environment.scan(version, "passed", attempt=10)
    environment.scan(version, "error", attempt=9)
    interrupted = environment.scan(version, "error", attempt=11)
    environment.s3.delete_object(Bucket="artifacts", Key=f"scans/{interrupted}/gate-result.json")

    result = fetch(environment, "--json")

    assert (result.exit_code, json.loads(result.stdout)["version"]) == (0, version), result.output


def test_a_version_that_a_later_attempt_did_not_clear_is_not_taken(environment, older):
    version = environment.upload(status="approved")
    environment.scan(version, decision=APPROVED)
    environment.scan(version, "error", attempt=2)

    assert "its tag says approved, but its evidence: error" in refused(environment, older)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["decision.json", "actions/1.json", "report.json"])
def test_invalid_evidence_of_an_uncleared_version_is_reported_and_stops_nothing(
    environment, older, name
):
    version = environment.upload(status="rejected")
    scan = environment.scan(version, decision={"decision": "rejected"})
    environment.put(scan, name, b"no json")

    assert "rejected" in refused(environment, older)


def test_a_version_that_is_deleted_during_the_check_is_not_chosen(environment, older, asked_first):
    version = environment.upload(status="passed")

    def remove(operation, parameters):
        if operation == "GetObjectTagging" and parameters["VersionId"] == version:
            environment.s3.delete_object(Bucket="uploads", Key=KEY, VersionId=version)

    asked_first(remove)

    assert refused(environment, older) == "it is not there any more"


@pytest.mark.parametrize("tag", ["passed", "approved"])
def test_where_evidence_may_not_be_read_the_tag_alone_decides(environment, denied, tag):
    version = environment.upload(body=b"new", status=tag)
    environment.scan(version, sha256=digest(b"another"))
    denied("artifacts")

    result = fetch(environment, "--json")

    assert (result.exit_code, json.loads(result.stdout)["version"]) == (0, version), result.output
