"""Tags on everything that can have them."""

from collections.abc import Mapping
from typing import Any, cast

import pulumi


def tag_everything(tags: Mapping[str, str]) -> None:
    """Add ``tags`` to each taggable resource registered after this call; its own tags win."""

    def tag(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        if not hasattr(type(args.resource), "tags"):
            return None
        props = dict(cast(Mapping[str, Any], args.props))
        props["tags"] = {**tags, **(props.get("tags") or {})}
        return pulumi.ResourceTransformationResult(props=props, opts=args.opts)

    pulumi.runtime.register_stack_transformation(tag)
