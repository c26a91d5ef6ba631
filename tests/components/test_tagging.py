import pulumi_aws as aws

from components.tagging import tag_everything
from tests.components.recording import build


def test_what_can_have_tags_gets_them_and_keeps_its_own():
    def make():
        aws.sns.Topic("before")
        tag_everything({"project": "p", "stack": "s"})
        aws.sns.Topic("plain")
        aws.sns.Topic("own", tags={"stack": "own", "team": "t"})
        aws.sns.TopicPolicy("untaggable", arn="arn", policy="{}")

    built = build(make)

    assert {each.name: each.inputs.get("tags") for each in built.aws} == {
        "before": None,
        "plain": {"project": "p", "stack": "s"},
        "own": {"project": "p", "stack": "own", "team": "t"},
        "untaggable": None,
    }
