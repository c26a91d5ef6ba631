"""The chat service that the engine's tests use, and why the program may not remove from arrays."""

from pathlib import Path
from typing import Any

import pytest

from tests.engine.chat_service import (
    ACTION,
    CONFIGURATION,
    ChatService,
    Refused,
    needs_replacement,
    patch,
)


def configuration(*actions: str, **changed: Any) -> dict[str, Any]:
    own = {"ConfigurationName": "gate", "SlackWorkspaceId": "T1", "SlackChannelId": "C1"}
    return {**own, "CustomizationResourceArns": list(actions), **changed}


@pytest.fixture
def chat(tmp_path: Path) -> ChatService:
    return ChatService(tmp_path / "chat.json")


def actions(chat: ChatService) -> list[str]:
    return [chat.create(ACTION, {"ActionName": name}) for name in ("approve", "reject", "ticket")]


@pytest.mark.parametrize(
    ("old", "new", "operations"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 2}, [{"op": "replace", "path": "/a", "value": 2}]),
        ({"a": {"b": 1}}, {"a": {}}, [{"op": "remove", "path": "/a/b"}]),
        ({}, {"a": 1}, [{"op": "add", "path": "/a", "value": 1}]),
        ({"a": [1, 2]}, {"a": [1, 3]}, [{"op": "replace", "path": "/a/1", "value": 3}]),
        ({"a": [1, 2, 3]}, {"a": [1, 3]}, [{"op": "remove", "path": "/a/1"}]),
        ({"a": [1]}, {"a": [1, 2]}, [{"op": "add", "path": "/a/1", "value": 2}]),
    ],
)
def test_the_patch_is_by_position_as_the_aws_provider_makes_it(
    old: dict[str, Any], new: dict[str, Any], operations: list[Any]
):
    assert patch(old, new) == operations


def test_a_removal_by_position_detaches_another_button(chat: ChatService):
    approve, reject, ticket = actions(chat)
    old, new = configuration(approve, reject, ticket), configuration(approve, reject)
    arn = chat.create(CONFIGURATION, old)

    chat.update(arn, patch(old, new))

    assert approve not in chat.resources[arn]["CustomizationResourceArns"]
    assert ticket in chat.resources[arn]["CustomizationResourceArns"]


def test_what_only_a_new_resource_can_have_needs_one():
    old = configuration()

    assert needs_replacement(CONFIGURATION, patch(old, {**old, "SlackWorkspaceId": "T2"}))
    assert not needs_replacement(CONFIGURATION, patch(old, {**old, "SlackChannelId": "C2"}))


def test_names_channels_and_lists_are_refused_as_the_service_would(chat: ChatService):
    approve, *_ = actions(chat)
    chat.create(CONFIGURATION, configuration(approve))

    with pytest.raises(Refused, match="AlreadyExists"):
        chat.create(ACTION, {"ActionName": "approve"})
    with pytest.raises(Refused, match="has channel C1"):
        chat.create(CONFIGURATION, configuration(ConfigurationName="other"))
    with pytest.raises(Refused, match=r"lists \['gone'\]"):
        chat.create(CONFIGURATION, configuration("gone", ConfigurationName="third"))
    with pytest.raises(Refused, match="lists arn"):
        chat.delete(approve)
    assert approve in chat.resources
