"""Calls of a function are recorded, and their rounds counted."""

import sys
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType

import moto
import pytest

from bench import baseline, functions
from handlers import aws

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("times", "number"),
    [
        ([], 0),
        ([(0, 1)], 1),
        ([(0, 1), (1, 2), (2, 3)], 3),
        ([(0, 1), (0.1, 1.1), (0.2, 1.2)], 1),
        ([(0, 5), (0.1, 1), (1, 2), (2, 3), (5, 6)], 4),
    ],
    ids=["no call", "one", "in sequence", "at the same time", "a chain beside a slow call"],
)
def test_a_round_is_a_set_of_simultaneous_calls(times, number):
    assert functions.rounds([{"began": began, "ended": ended} for began, ended in times]) == number


def test_calls_of_a_function_are_recorded_with_their_overlaps(monkeypatch):
    def handler(event, context):
        s3 = aws.client("s3", region="us-east-1")
        s3.create_bucket(Bucket="bucket")
        with ThreadPoolExecutor() as pool:
            for key in "ab":
                pool.submit(s3.put_object, Bucket="bucket", Key=key, Body=b"text")
        with pytest.raises(s3.exceptions.NoSuchKey):
            s3.get_object(Bucket="bucket", Key="c")

    module = ModuleType("handlers.fake")
    module.handler = handler  # pyright: ignore[reportAttributeAccessIssue]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setenv("RECORDED", "fake")

    with moto.mock_aws():
        aws.session.cache_clear()
        calls = baseline.record({}, None)
        aws.session.cache_clear()

    assert sorted((call["method"], call["parameters"].get("Body")) for call in calls) == [
        ("create_bucket", None),
        ("get_object", None),
        ("put_object", "text"),
        ("put_object", "text"),
    ]
    assert functions.rounds(calls) == 3
