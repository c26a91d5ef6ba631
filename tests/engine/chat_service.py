"""The chat service behind Cloud Control, as far as edits of buttons and channel need it.

- The AWS provider sends a JSON Patch between the old and the new ``desired_state``, by position in
  arrays: terraform-provider-aws, internal/service/cloudcontrol/resource.go, with
  github.com/mattbaird/jsonpatch.
- Cloud Control applies it to what the service has now
  (https://docs.aws.amazon.com/cloudcontrolapi/latest/userguide/resource-operations-update.html).
- The schemas of both types have ``insertionOrder: false`` for all arrays, and the service was seen
  to return other orders (https://github.com/hashicorp/terraform-provider-awscc/issues/1841). Here
  it always does.
- Names are unique, and a Slack channel is in one configuration. What AWS does about a custom action
  that is deleted while a configuration lists it, is not documented; here it is refused.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

ACTION, CONFIGURATION = "AWS::Chatbot::CustomAction", "AWS::Chatbot::SlackChannelConfiguration"
NAMES = {ACTION: "ActionName", CONFIGURATION: "ConfigurationName"}
# The schemas' createOnlyProperties.
CREATE_ONLY = {ACTION: {"ActionName"}, CONFIGURATION: {"SlackWorkspaceId", "ConfigurationName"}}
ARNS = {ACTION: "custom-action", CONFIGURATION: "chat-configuration/slack-channel"}

Model = dict[str, Any]
Patch = list[dict[str, Any]]


class Refused(Exception):
    """The service's or Cloud Control's refusal."""


class ChatService:
    """The service's state in ``file``: its resources by ARN, and the calls that changed them.

    A call is ``[verb, name, patch]``; the patch is None except for updates.
    """

    def __init__(self, file: Path) -> None:
        self._file, self._lock = file, Lock()

    @property
    def resources(self) -> dict[str, Model]:
        """The resources by ARN, with arrays in the program's order."""
        return self._read()["resources"]

    def calls(self) -> list[Any]:
        """The calls since this was called last."""
        with self._changed() as state:
            calls, state["calls"] = state["calls"], []
        return calls

    def tamper(self, name: str, **changed: Any) -> None:
        """Change properties of a resource, as somebody could by hand."""
        with self._changed() as state:
            [model] = [m for arn, m in state["resources"].items() if arn.endswith(f"/{name}")]
            model.update(changed)

    def forget(self, name: str) -> None:
        """Delete a resource, as somebody could by hand."""
        with self._changed() as state:
            [arn] = [arn for arn in state["resources"] if arn.endswith(f"/{name}")]
            del state["resources"][arn]

    def create(self, kind: str, model: Model) -> str:
        name = model[NAMES[kind]]
        arn = f"arn:aws:chatbot::123456789012:{ARNS[kind]}/{name}"
        with self._changed() as state:
            if arn in state["resources"]:
                raise Refused(f"AlreadyExists: {arn}")
            self._check(state["resources"], arn, model)
            state["resources"][arn] = model
            state["calls"].append(["create", name, None])
        return arn

    def update(self, arn: str, patch: Patch) -> None:
        with self._changed() as state:
            changed = applied(patch, _in_another_order(state["resources"][arn]))
            self._check(state["resources"], arn, changed)
            state["resources"][arn] = changed
            state["calls"].append(["update", arn.rsplit("/", 1)[1], patch])

    def delete(self, arn: str) -> None:
        with self._changed() as state:
            # The AWS provider takes NotFound for success.
            state["resources"].pop(arn, None)
            for other, model in state["resources"].items():
                if arn in model.get("CustomizationResourceArns", []):
                    raise Refused(f"InvalidRequest: {other} lists {arn}")
            state["calls"].append(["delete", arn.rsplit("/", 1)[1], None])

    @staticmethod
    def _check(resources: dict[str, Model], arn: str, model: Model) -> None:
        listed = model.get("CustomizationResourceArns", [])
        if unknown := sorted(set(listed) - resources.keys()):
            raise Refused(f"InvalidRequest: {arn} lists {unknown}")
        if len(set(listed)) < len(listed):
            raise Refused(f"InvalidRequest: {arn} lists an action twice")
        for other, its in resources.items():
            channel = its.get("SlackChannelId")
            if other != arn and channel and channel == model.get("SlackChannelId"):
                raise Refused(f"Conflict: {other} has channel {channel}")

    def _read(self) -> dict[str, Any]:
        if self._file.exists():
            return json.loads(self._file.read_text())
        return {"resources": {}, "calls": []}

    @contextmanager
    def _changed(self) -> Iterator[dict[str, Any]]:
        """The state, which is written back unless there is an error."""
        with self._lock:
            state = self._read()
            yield state
            self._file.write_text(json.dumps(state))


def needs_replacement(kind: str, patch: Patch) -> bool:
    """Whether the patch changes what only a new resource can have."""
    return any(operation["path"].split("/")[1] in CREATE_ONLY[kind] for operation in patch)


def patch(old: Any, new: Any, path: str = "") -> Patch:
    """The patch that the AWS provider sends."""
    if isinstance(old, dict) and isinstance(new, dict):
        return [
            *(
                operation
                for key, value in new.items()
                for operation in (
                    patch(old[key], value, f"{path}/{key}")
                    if key in old
                    else [{"op": "add", "path": f"{path}/{key}", "value": value}]
                )
            ),
            *({"op": "remove", "path": f"{path}/{key}"} for key in old if key not in new),
        ]
    if isinstance(old, list) and isinstance(new, list):
        if len(old) == len(new):
            pairs = enumerate(zip(old, new, strict=True))
            return [item for place, pair in pairs for item in patch(*pair, f"{path}/{place}")]
        gone = [place for place, value in enumerate(old) if value not in new]
        come = [(place, value) for place, value in enumerate(new) if value not in old]
        return [
            *({"op": "remove", "path": f"{path}/{place}"} for place in gone),
            *({"op": "add", "path": f"{path}/{place}", "value": value} for place, value in come),
        ]
    return [] if old == new else [{"op": "replace", "path": path, "value": new}]


def applied(operations: Patch, model: Model) -> Model:
    """The model after the operations, one after the other (RFC 6902)."""
    result = json.loads(json.dumps(model))
    for operation in operations:
        *parents, last = operation["path"].removeprefix("/").split("/")
        at = result
        for part in parents:
            at = at[int(part) if isinstance(at, list) else part]
        if isinstance(at, list):
            place = int(last)
            if operation["op"] == "add":
                at.insert(place, operation["value"])
            elif operation["op"] == "remove":
                del at[place]
            else:
                at[place] = operation["value"]
        elif operation["op"] == "remove":
            del at[last]
        else:
            at[last] = operation["value"]
    return result


def _in_another_order(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _in_another_order(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_in_another_order(member) for member in reversed(value)]
    return value
