"""Many failing uploads at once: a few cards in the channel, and one thread for the others."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from local.account import LocalAccount
from tests.support.account import FAILING, card_of, click, mails_about

pytestmark = pytest.mark.slow

MOST, UPLOADS = 2, 6


@pytest.fixture(scope="module")
def cloud():
    """A window lasts until midnight (UTC), so that no test runs in two of them."""
    with LocalAccount(
        {"decisionWindow": "2m", "digestAfter": str(MOST), "digestWindow": "1d"}
    ) as running:
        yield running


@pytest.fixture(scope="module")
def scans(cloud):
    """Failing uploads of as many apps, all evaluated and published."""
    with ThreadPoolExecutor(UPLOADS) as pool:
        keys = [f"app-{number}/app.zip" for number in range(UPLOADS)]
        uploaded = list(pool.map(lambda key: cloud.upload(key, FAILING), keys))
    for scan in uploaded:
        card_of(cloud, scan, "quality gate failed", seconds=120)
    return uploaded


@pytest.fixture(scope="module")
def cards(cloud, scans):
    """The cards in the channel before any decision."""
    cloud.channel.wait(lambda card: "did not pass" in card.title)
    return list(cloud.channel.cards)


@pytest.fixture(scope="module")
def digest(cards):
    """The summary card in the channel, in place of the cards in its thread."""
    return next(card for card in cards if "did not pass" in card.title)


def test_the_channel_gets_the_configured_number_of_cards_and_one_digest(cloud, cards, digest):
    threads = {card.thread: card for card in reversed(cards)}  # the first of each

    assert len(threads) == MOST + 1
    assert threads[digest.thread] == digest
    assert len(cards) == UPLOADS + 1
    assert cloud.channel.dropped == []


def test_the_digest_names_what_the_scans_have_in_common(digest):
    assert digest.title == f"🌊 More than {MOST} scans did not pass within one day"
    assert f"• {MOST + 1} of {MOST + 1}: quality gate: HIGH findings" in digest.description
    assert digest.buttons == ()


def test_a_scan_in_the_thread_is_decided_there(cloud, scans, digest):
    scan = next(item for item in scans if card_of(cloud, item).thread == digest.thread)

    assert click(cloud, scan, "Approve").startswith("Approved")

    card = card_of(cloud, scan, "approved until")
    assert card.thread == digest.thread
    assert [button.label for button in card.buttons] == ["Withdraw", "Extend"]
    assert len(mails_about(cloud, scan)) == 1


def test_a_scan_with_its_own_thread_keeps_it(cloud, scans, digest):
    scan = next(item for item in scans if card_of(cloud, item).thread == item)

    click(cloud, scan, "Reject")

    assert card_of(cloud, scan, "rejected").thread == scan
