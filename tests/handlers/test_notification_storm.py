"""Which cards get threads of their own, and the content of the digest of the others."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from handlers import check_build_status, notify
from handlers.notification import check, in_thread
from handlers.notification_storm import ThreadSlots
from tests.handlers.conftest import STATE, refuse

START = datetime(2026, 11, 24, 10, 5, tzinfo=UTC)
SOON, NEXT = START + timedelta(minutes=2), START + timedelta(minutes=5)
WINDOW, NEXT_WINDOW = "thread-slots/2026-11-24T10:05:00Z", "thread-slots/2026-11-24T10:10:00Z"
MOST = 3
THREAD_SLOTS = ThreadSlots(s3=check_build_status.s3, bucket=STATE, most=MOST, seconds=300)
DOWN = "The SonarQube server could not be reached."


def thread(scan, now=SOON, causes=(DOWN,), slots=THREAD_SLOTS):
    storm = slots.is_storm(now)
    return slots.thread(scan, scan.split("/")[0], causes, now, storm=storm)


def fill(now=SOON, **arguments):
    return [thread(f"app{number}/v-{now:%M}", now, **arguments) for number in range(MOST)]


def digest(scan, window=WINDOW):
    return THREAD_SLOTS.digest(window, scan)


def card_shown(scan, window=WINDOW):
    card = digest(scan, window)
    assert card
    return card


@pytest.fixture(autouse=True)
def work(artifacts):
    return artifacts


def test_the_first_cards_of_a_window_have_threads_of_their_own():
    assert fill() == ["app0/v-07", "app1/v-07", "app2/v-07"]


def test_later_cards_share_the_thread_of_the_window():
    fill()

    assert [thread("web/v1"), thread("web/v2")] == [WINDOW, WINDOW]
    assert digest("web/v1")
    assert digest("web/v2") is None
    assert digest("app0/v-07") is None


def test_a_scan_with_its_own_thread_opens_no_shared_one():
    assert THREAD_SLOTS.digest("app/v1", "app/v1") is None


def test_the_shared_thread_is_assigned_idempotently():
    fill()

    assert [thread("web/v1"), thread("web/v1")] == [WINDOW, WINDOW]
    assert digest("web/v1") == digest("web/v1")


def test_a_thread_slot_is_assigned_idempotently():
    assert [thread("app/v1") for _ in range(5)] == ["app/v1"] * 5
    assert thread("app/v2") == "app/v2"


def test_each_window_has_its_own_thread_slots():
    fill()
    thread("web/v1")

    assert fill(NEXT) == ["app0/v-10", "app1/v-10", "app2/v-10"]
    assert thread("web/v2", NEXT) == NEXT_WINDOW
    assert digest("web/v2", NEXT_WINDOW)


def test_without_a_limit_no_thread_is_shared_and_nothing_is_written(work):
    unlimited = THREAD_SLOTS._replace(most=0)

    assert [thread(f"app/v{n}", slots=unlimited) for n in range(5)] == [
        f"app/v{n}" for n in range(5)
    ]
    assert "thread-slots/" not in work


def test_simultaneous_scans_get_exactly_the_free_slots_and_one_digest(monkeypatch):
    # S3 checks and writes atomically, moto in two steps.
    one, put = threading.Lock(), check_build_status.s3.put_object

    def put_in_one_step(**request):
        with one:
            return put(**request)

    monkeypatch.setattr(check_build_status.s3, "put_object", put_in_one_step)
    scans = [f"app{number}/v1" for number in range(30)]
    with ThreadPoolExecutor(15) as pool:
        threads = dict(zip(scans, pool.map(thread, scans), strict=True))

    assert sum(own == scan for scan, own in threads.items()) == MOST
    assert sum(own == WINDOW for own in threads.values()) == len(scans) - MOST
    assert sum(digest(scan) is not None for scan in scans if threads[scan] == WINDOW) == 1


def test_a_slot_taken_by_a_concurrent_scan_is_not_assigned_twice(calls, work):
    """S3 may answer 409 while another write is in progress, which then wins."""
    before = iter([refuse("ConditionalRequestConflict", 409)])

    def another_first(params):
        answer = next(before, None)
        if answer:
            body = {"scan": "web/v1", "app": "web", "causes": []}
            work[f"{WINDOW}/1.json"] = body
        return answer

    calls.before["PutObject"] = another_first

    assert thread("app/v1") == "app/v1"
    assert work[f"{WINDOW}/1.json"]["scan"] == "web/v1"
    assert work[f"{WINDOW}/2.json"]["scan"] == "app/v1"


def test_the_digest_shows_counts_apps_and_common_causes():
    fill()
    thread("app1/v9", causes=[DOWN, "quality gate: new coverage"])
    card = card_shown("app1/v9")

    check(card)
    assert card["content"] == {
        "textType": "client-markdown",
        "title": "🌊 More than 3 scans did not pass within 5 minutes",
        "description": "The further ones, until 24 Nov 2026, 10:10 UTC, are in this thread.\n"
        "\n"
        "*So far:* `app1` 2, `app0` 1, `app2` 1\n"
        "*In common:*\n"
        f"• 4 of 4: {DOWN}\n"
        "\n"
        "Each card in the thread has its own buttons, and what follows stands below.",
        "nextSteps": [
            "Open this thread and decide about each scan on its card.",
            "If many have one cause, fix that first: a scan that failed to run can be started "
            "again.",
        ],
        "keywords": ["many scans did not pass"],
    }
    assert card["metadata"] == {
        "threadId": WINDOW,
        "summary": card["content"]["title"],
        "enableCustomActions": False,
        "additionalContext": {},
    }


def test_only_common_causes_are_called_common():
    for number in range(MOST + 1):
        thread(f"app{number}/v1", causes=[f"cause {number}"])

    assert "In common" not in card_shown("app3/v1")["content"]["description"]


def test_a_continuing_notification_storm_shows_its_start():
    for minute in (0, 5, 10):
        now = START + timedelta(minutes=minute)
        fill(now)
        thread("web/v1", now)

    expected = [
        card_shown("web/v1", f"thread-slots/2026-11-24T10:{minute}:00Z")["content"]["description"]
        for minute in ("05", "10", "15")
    ]
    assert ["It has gone on since 24 Nov 2026, 10:05 UTC." in item for item in expected] == [
        False,
        True,
        True,
    ]


def test_a_window_without_a_notification_storm_ends_it():
    for minute in (0, 10):
        now = START + timedelta(minutes=minute)
        fill(now)
        thread("web/v1", now)

    late = card_shown("web/v1", "thread-slots/2026-11-24T10:15:00Z")
    assert "goes on" not in late["content"]["description"]


def test_outside_text_adds_no_formatting_and_no_mention():
    nasty = "<!here> *all* `of` <https://example.com|you> & @channel"
    for number in range(MOST + 1):
        THREAD_SLOTS.thread(f"a/{number}", nasty, [nasty], SOON)

    card = card_shown("a/3")
    check(card)
    description = card["content"]["description"]
    assert "<" not in description
    assert "@channel" not in description
    assert "`of`" not in description


@pytest.mark.slow
def test_a_digest_of_many_apps_fits():
    many = THREAD_SLOTS._replace(most=25)
    for number in range(26):
        many.thread(f"a/{number}", f"{number:02}" + "&" * 62, ["c" * 2000], SOON)

    card = card_shown("a/25")
    check(card)
    assert card["content"]["description"].count("`") == 2 * 20


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(60, "one minute"), (90, "90 seconds"), (7200, "2 hours"), (86400, "one day")],
)
def test_the_window_is_formatted_for_people(seconds, words):
    slots = THREAD_SLOTS._replace(most=1, seconds=seconds)
    for scan in ("a/1", "a/2"):
        window = slots.thread(scan, "a", [], SOON)

    card = slots.digest(window, "a/2")
    assert card
    assert card["content"]["title"].endswith(f" within {words}")


def test_a_card_in_another_thread_is_the_same_card(recorded):
    card = {"content": {}, "metadata": {"threadId": "app/1", "summary": "s"}}

    assert in_thread(card, WINDOW)["metadata"] == {"threadId": WINDOW, "summary": "s"}
    assert card["metadata"]["threadId"] == "app/1"


@pytest.fixture
def judge(work, recorded):
    """Evaluate a failed build of ``scan``."""

    def judge(scan):
        return check_build_status.handler({**recorded("broken"), "scan": scan}, None)

    return judge


def test_cards_of_scans_that_failed_to_run_count_and_all_answers_about_one_scan_agree(judge, work):
    answers = [judge(f"payments/v{number}") for number in range(MOST + 2)]

    shared = answers[MOST]["thread"]
    assert [item["thread"] for item in answers] == [
        "payments/v0",
        "payments/v1",
        "payments/v2",
        shared,
        shared,
    ]
    assert [item["opening"] is not None for item in answers] == [False] * MOST + [True, False]
    for number, answer in enumerate(answers):
        assert answer["card"]["metadata"]["threadId"] == answer["thread"]
        assert answer["card"]["metadata"]["additionalContext"]["Scan"] == f"payments/v{number}"
        assert work[f"scans/payments/v{number}/gate-result.json"]["card"] == answer["card"]
        assert judge(f"payments/v{number}") == answer


def test_scans_whose_gates_failed_alike_have_what_failed_in_common(work, recorded):
    report = recorded("report-failed")
    answers = []
    for number in range(MOST + 1):
        scan = f"payments/v{number}"
        work[f"scans/{scan}/report.json"] = {**report, "scan": scan}
        answers.append(check_build_status.handler({**recorded("failed"), "scan": scan}, None))

    lines = answers[-1]["opening"]["content"]["description"].split("\n")
    assert [row for row in lines if row.startswith("•")] == [
        f"• {MOST + 1} of {MOST + 1}: quality gate: {what}"
        for what in ("new violations", "new coverage", "new security rating")
    ]


def test_a_scan_keeps_its_thread_in_later_windows_after_a_lost_response(judge, work, clock):
    answers = [judge(f"payments/v{number}") for number in range(MOST + 1)]

    clock("2036-01-01T00:00:00Z")
    assert [judge(f"payments/v{number}") for number in range(MOST + 1)] == answers
    # Nor does it take a thread slot there.
    slots = work.s3.list_objects_v2(Bucket=STATE, Prefix="thread-slots/")["Contents"]
    assert len(slots) == MOST + 1


def test_later_cards_of_a_scan_are_in_the_thread_of_its_first(work, recorded, calls):
    calls.accept("SendEmail", MessageId="ses-1")
    scan = "payments/3LgVabcQk4Xb9ZfZ.7uK0pQ1rT2mN8sE"
    for name in ("scan", "report"):
        document = recorded("report-failed" if name == "report" else name)
        work[f"scans/{scan}/{name}.json"] = document
    work[f"scans/{scan}/decision.json"] = recorded("decision-rejected")
    work[f"scans/{scan}/gate-result.json"] = {"card": {"metadata": {"threadId": WINDOW}}}

    event = {"scan": scan, "event": "rejected", "expiresAt": "2026-11-27T10:00:00Z"}
    card = notify.handler(event, None)["card"]

    assert card["metadata"]["threadId"] == WINDOW
    assert card["metadata"]["additionalContext"]["Scan"] == scan
