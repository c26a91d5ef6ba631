"""The tail of a log costs the same few calls, however long the log."""

import boto3
import pytest
from botocore.exceptions import ReadTimeoutError
from botocore.stub import Stubber

from handlers import build_log


class Log:
    """``pages`` from the newest to the oldest, as GetLogEvents walks them backwards."""

    def __init__(self, *pages):
        self.pages, self.requests = pages, []

    def get_log_events(self, **requests):
        self.requests.append(requests)
        at = min(int(requests.get("nextToken", 0)), len(self.pages))
        page = self.pages[at] if at < len(self.pages) else []
        following = min(at + 1, len(self.pages))
        return {
            "events": [{"message": item} for item in page[-requests["limit"] :]],
            "nextBackwardToken": str(following),
        }


@pytest.fixture
def log(monkeypatch):
    def install(*pages):
        log = Log(*pages)
        monkeypatch.setattr(build_log, "client", lambda: log)
        return log

    return install


def test_the_newest_lines_come_in_order_with_blank_ones_left_out(log):
    log(["three", "", "four\n"], ["one", "two"])

    assert build_log.tail("group", "stream", 3) == ["two", "three", "four"]


def test_an_empty_page_is_not_the_end(log):
    log([], [], ["the end"])

    assert build_log.tail("group", "stream") == ["the end"]


def test_a_token_that_comes_back_is_the_beginning(log):
    pages = log(["only"])

    assert build_log.tail("group", "stream") == ["only"]
    assert len(pages.requests) == 2


@pytest.mark.parametrize("lines", [20, 100_000])
def test_a_log_of_any_length_costs_one_call(log, lines):
    pages = log([f"line {n}" for n in range(lines)])

    assert build_log.tail("group", "stream")[-1] == f"line {lines - 1}"
    assert len(pages.requests) == 1
    assert pages.requests[0]["startFromHead"] is False


def test_endless_empty_pages_cost_four_calls(log):
    pages = log(*[[]] * 1000)

    assert build_log.tail("group", "stream") == []
    assert len(pages.requests) == build_log.PAGES == 4


def test_a_build_that_never_ran_has_no_log(monkeypatch):
    monkeypatch.setattr(build_log, "client", lambda: pytest.fail("asked"))

    assert build_log.tail("", "") == []


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "AccessDeniedException"])
def test_a_log_that_cannot_be_read_is_left_out_and_said_in_the_log(aws, monkeypatch, caplog, code):
    client = boto3.client("logs")
    monkeypatch.setattr(build_log, "client", lambda: client)
    with Stubber(client) as stub:
        stub.add_client_error("get_log_events", code)
        assert build_log.tail("group", "stream") == []

    assert [record.message for record in caplog.records] == ["build log not read"]


def test_what_was_read_before_a_failure_is_kept(log, monkeypatch):
    pages = log(["newest"], ["never read"])
    whole = pages.get_log_events

    def fail_later(**requests):
        if "nextToken" in requests:
            raise ReadTimeoutError(endpoint_url="https://logs")
        return whole(**requests)

    monkeypatch.setattr(pages, "get_log_events", fail_later)

    assert build_log.tail("group", "stream") == ["newest"]


def test_a_programming_error_is_no_missing_log(log, monkeypatch):
    pages = log()
    monkeypatch.setattr(pages, "get_log_events", lambda **_: {})

    with pytest.raises(KeyError):
        build_log.tail("group", "stream")
