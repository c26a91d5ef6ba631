"""Tags on everything that can have them."""

import json
from collections.abc import Mapping
from typing import Any, cast

import pulumi
import pulumi_aws as aws


def tag_everything(tags: Mapping[str, str]) -> None:
    """Add ``tags`` to each taggable resource registered after this call; its own tags win."""

    def tag(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        props = dict(cast(Mapping[str, Any], args.props))
        if isinstance(args.resource, aws.cloudcontrol.Resource):
            state = pulumi.Output.from_input(props["desired_state"])
            props["desired_state"] = state.apply(lambda text: _tagged(text, tags))
        elif hasattr(type(args.resource), "tags"):
            props["tags"] = {**tags, **(props.get("tags") or {})}
        else:
            return None
        return pulumi.ResourceTransformationResult(props=props, opts=args.opts)

    pulumi.runtime.register_stack_transformation(tag)


def _tagged(desired_state: str, tags: Mapping[str, str]) -> str:
    """Cloud Control has the tags inside the JSON that it is asked for."""
    state = json.loads(desired_state)
    own = {each["Key"]: each["Value"] for each in state.get("Tags", [])}
    merged = {**tags, **own}
    state["Tags"] = [{"Key": key, "Value": value} for key, value in merged.items()]
    return json.dumps(state)
