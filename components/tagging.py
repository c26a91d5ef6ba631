"""Tags for all resources of a gate that can have tags."""

import json
from collections.abc import Callable, Mapping
from typing import Any, cast

import pulumi

# The types of a gate that take tags.
TAGGABLE = frozenset(
    f"aws:{kind}"
    for kind in (
        "cloudwatch/eventRule:EventRule",
        "cloudwatch/logGroup:LogGroup",
        "cloudwatch/metricAlarm:MetricAlarm",
        "codebuild/project:Project",
        "iam/policy:Policy",
        "iam/role:Role",
        "kms/key:Key",
        "lambda/function:Function",
        "s3/bucket:Bucket",
        "s3/bucketObjectv2:BucketObjectv2",
        "secretsmanager/secret:Secret",
        "sesv2/configurationSet:ConfigurationSet",
        "sesv2/emailIdentity:EmailIdentity",
        "sfn/stateMachine:StateMachine",
        "sns/topic:Topic",
        "sqs/queue:Queue",
    )
)
CLOUD_CONTROL = "aws:cloudcontrol/resource:Resource"
Transform = Callable[[pulumi.ResourceTransformArgs], pulumi.ResourceTransformResult | None]


def tagging(tags: Mapping[str, str]) -> Transform:
    """A transform that adds ``tags``; a resource's own tags take precedence."""

    def tag(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
        props = dict(cast(Mapping[str, Any], args.props))
        if args.type_ == CLOUD_CONTROL:
            state = props["desiredState"]
            # An Output if it refers to resources that do not exist yet.
            props["desiredState"] = (
                _tagged(state, tags)
                if isinstance(state, str)
                else pulumi.Output.from_input(state).apply(lambda text: _tagged(text, tags))
            )
        elif args.type_ in TAGGABLE:
            props["tags"] = {**tags, **(props.get("tags") or {})}
        else:
            return None
        return pulumi.ResourceTransformResult(props=props, opts=args.opts)

    return tag


def _tagged(desired_state: str, tags: Mapping[str, str]) -> str:
    """Add the tags inside the JSON of Cloud Control's desired state."""
    state = json.loads(desired_state)
    own = {tag["Key"]: tag["Value"] for tag in state.get("Tags", [])}
    merged = {**tags, **own}
    state["Tags"] = [{"Key": key, "Value": value} for key, value in merged.items()]
    return json.dumps(state)
