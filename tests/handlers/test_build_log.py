"""Reading the end of a log takes the same few calls, however long the log is."""

import boto3
import pytest
from botocore.exceptions import ReadTimeoutError
from botocore.stub import Stubber

from handlers import build_log


class Log:
    """``pages`` from the newest to the oldest, as GetLogEvents returns them backwards."""

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


def tail(log, lines=15):
    return build_log.tail(lambda: log, "group", "stream", lines)


def test_the_newest_lines_are_returned_in_order_without_blank_ones():
    assert tail(Log(["three", "", "four\n"], ["one", "two"]), 3) == ["two", "three", "four"]


def test_an_empty_page_is_not_the_end():
    assert tail(Log([], [], ["the end"])) == ["the end"]


def test_a_repeated_page_token_marks_the_beginning():
    pages = Log(["only"])

    assert tail(pages) == ["only"]
    assert len(pages.requests) == 2


@pytest.mark.parametrize("lines", [20, 100_000])
def test_a_log_of_any_length_takes_one_call(lines):
    pages = Log([f"line {n}" for n in range(lines)])

    assert tail(pages)[-1] == f"line {lines - 1}"
    assert len(pages.requests) == 1
    assert pages.requests[0]["startFromHead"] is False


def test_endless_empty_pages_take_four_calls():
    pages = Log(*[[]] * 1000)

    assert tail(pages) == []
    assert len(pages.requests) == build_log.PAGES == 4


def test_a_build_that_never_ran_has_no_log():
    assert build_log.tail(lambda: pytest.fail("a client is made"), "", "") == []


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "AccessDeniedException"])
def test_an_unreadable_log_is_omitted_and_logged(aws, caplog, code):
    client = boto3.client("logs")
    with Stubber(client) as stub:
        stub.add_client_error("get_log_events", code)
        assert tail(client) == []

    assert [record.message for record in caplog.records] == ["build log not read"]


def test_lines_read_before_a_failure_are_returned(monkeypatch):
    pages = Log(["newest"], ["never read"])
    whole = pages.get_log_events

    def fail_later(**requests):
        if "nextToken" in requests:
            raise ReadTimeoutError(endpoint_url="https://logs")
        return whole(**requests)

    monkeypatch.setattr(pages, "get_log_events", fail_later)

    assert tail(pages) == ["newest"]


def test_a_programming_error_is_not_taken_for_a_missing_log(monkeypatch):
    pages = Log()
    monkeypatch.setattr(pages, "get_log_events", lambda **_: {})

    with pytest.raises(KeyError):
        tail(pages)
