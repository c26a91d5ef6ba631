"""Tags for the resources of a gate.

Button and channel get none: Cloud Control could not edit them safely (components/buttons.py).
"""

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
        "ssm/parameter:Parameter",
    )
)
Transform = Callable[[pulumi.ResourceTransformArgs], pulumi.ResourceTransformResult | None]


def tagging(tags: Mapping[str, str]) -> Transform:
    """A transform that adds ``tags``; a resource's own tags take precedence."""

    def tag(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
        if args.type_ not in TAGGABLE:
            return None
        props = dict(cast(Mapping[str, Any], args.props))
        props["tags"] = {**tags, **(props.get("tags") or {})}
        return pulumi.ResourceTransformResult(props=props, opts=args.opts)

    return tag
