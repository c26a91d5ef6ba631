"""The simulated channel keeps the chat service's rules."""

import json
from unittest.mock import MagicMock

import pytest

from local.channel import Channel
from local.chat_service_validation import (
    Refused,
    check_custom_action,
    check_notification,
    parse_command,
)

CARD = {
    "version": "1.0",
    "source": "custom",
    "content": {"textType": "client-markdown", "title": "T", "description": "D"},
    "metadata": {"threadId": "app/1", "additionalContext": {"Fn": "approve-it", "Scan": "app/1"}},
}
ACTION = {
    "ActionName": "stack-approve",
    "Definition": {"CommandText": "lambda invoke --function-name $Fn"},
    "Attachments": [
        {
            "ButtonText": "Approve",
            "NotificationType": "Custom",
            "Variables": {
                "Fn": "event.metadata.additionalContext.Fn",
                "Reason": "event.metadata.additionalContext.Reason",
            },
            "Criteria": [{"Operator": "EQUALS", "VariableName": "Fn", "Value": "approve-it"}],
        }
    ],
}


def changed(base, path, value):
    copy = json.loads(json.dumps(base))
    *parents, last = path.split(".")
    inner = copy
    for parent in parents:
        inner = inner[int(parent)] if parent.isdigit() else inner[parent]
    inner[last] = value
    return copy


def test_a_valid_card_is_stored():
    check_notification(CARD)


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        ("version", "2", "version"),
        ("source", "aws", "source"),
        ("colour", "red", "knows"),
        ("content.description", "", "description"),
        ("content.description", "x" * 8001, "description"),
        ("content.title", "x" * 251, "title"),
        ("content.nextSteps", ["x" * 351], "nextSteps"),
        ("content.keywords", ["x" * 76], "keywords"),
        ("content.textType", "markdown", "textType"),
        ("metadata.additionalContext", {"Scan": 1}, "strings"),
        ("metadata.thread", "x", "knows"),
    ],
)
def test_a_card_that_the_service_would_drop_is_dropped_with_the_reason(path, value, why):
    with pytest.raises(ValueError, match=why):
        check_notification(changed(CARD, path, value))


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        ("ActionName", "a b", "ActionName"),
        ("ActionName", "a" * 65, "ActionName"),
        ("Definition.CommandText", "x" * 101, "CommandText"),
        ("Attachments.0.ButtonText", "x" * 51, "ButtonText"),
        ("Attachments.0.Variables", {str(n): "x" for n in range(6)}, "variables"),
        ("Attachments.0.Variables", {"R": "x", "Reason": "x"}, "R is also the beginning"),
        ("Attachments.0.Criteria", [{"Operator": "HAS_VALUE", "VariableName": "No"}], "No"),
        (
            "Attachments.0.Criteria",
            [{"Operator": "EQUALS", "VariableName": "Fn", "Value": "x" * 51}],
            "50",
        ),
    ],
)
def test_an_action_that_the_service_would_refuse_is_refused(path, value, why):
    with pytest.raises(ValueError, match=why):
        check_custom_action(changed(ACTION, path, value))


def buttons_of(card):
    channel = Channel(lambda _: None, MagicMock())
    arn = channel.register("AWS::Chatbot::CustomAction", ACTION)
    channel._configuration = {"CustomizationResourceArns": [arn]}
    channel._receive(json.dumps(card))
    return channel


def test_a_button_asks_for_variables_that_the_card_does_not_set():
    [button] = buttons_of(CARD).cards[0].buttons

    assert (button.label, button.asks) == ("Approve", ("Reason",))
    assert button.bound == {"Fn": "approve-it"}


@pytest.mark.parametrize(
    "context", [{}, {"Fn": "another"}, {"Fn": ""}], ids=["absent", "another stack's", "empty"]
)
def test_a_button_whose_criteria_do_not_match_is_hidden(context):
    card = changed(CARD, "metadata.additionalContext", context)

    assert buttons_of(card).cards[0].buttons == ()


def test_disabled_custom_actions_are_hidden():
    card = changed(CARD, "metadata.enableCustomActions", False)

    assert buttons_of(card).cards[0].buttons == ()


@pytest.mark.parametrize("text", ["no json", "[]", "{}"])
def test_an_invalid_message_is_stored_as_dropped(text):
    channel = Channel(lambda _: None, MagicMock())
    channel._receive(text)

    assert channel.cards == []
    assert len(channel.dropped) == 1


def test_a_command_is_read_with_its_payload():
    assert parse_command(
        'lambda invoke --function-name f --region r --payload {"scan": "a/1", "reject": "not yet"}'
    ) == ("f", "r", '{"scan": "a/1", "reject": "not yet"}')


@pytest.mark.parametrize(
    "command",
    [
        "s3 ls",
        'lambda delete-function --function-name f --region r --payload {"a":1}',
        'lambda invoke --function-name f --region r --payload {"reason":"a "quote""}',
        'lambda invoke --function-name f --payload {"a":1}',
    ],
    ids=["another service", "another call", "quotes that break the JSON", "no region"],
)
def test_a_command_that_cannot_run_is_refused(command):
    with pytest.raises(Refused):
        parse_command(command)
