import pulumi
import pulumi_aws as aws

from components.tagging import TAGGABLE, tagging
from tests.support.recording import Built, build

TAGS = {"project": "p", "stack": "s"}


def test_children_of_a_component_get_its_tags_and_keep_their_own():
    def make() -> None:
        aws.sns.Topic("outside")
        opts = pulumi.ResourceOptions(transforms=[tagging(TAGS)])
        parent = pulumi.ComponentResource("test:index:Parent", "parent", None, opts)
        child = pulumi.ResourceOptions(parent=parent)
        aws.sns.Topic("plain", opts=child)
        aws.sns.Topic("own", tags={"stack": "own", "team": "t"}, opts=child)
        aws.sns.TopicPolicy("untaggable", arn="arn", policy="{}", opts=child)

    built = build(make)

    assert {resource.name: resource.inputs.get("tags") for resource in built.aws} == {
        "outside": None,
        "plain": TAGS,
        "own": {"project": "p", "stack": "own", "team": "t"},
        "untaggable": None,
    }


def test_every_type_that_takes_tags_is_known(everything: Built):
    takes_tags = {
        kind
        for kind in {resource.kind for resource in everything.aws}
        if hasattr(_class_of(kind), "tags")
    }

    assert takes_tags == TAGGABLE


def _class_of(kind: str) -> type:
    module, name = (
        kind.split("/", maxsplit=1)[0].removeprefix("aws:"),
        kind.rsplit(":", maxsplit=1)[-1],
    )
    return getattr(getattr(aws, {"lambda": "lambda_"}.get(module, module)), name)
